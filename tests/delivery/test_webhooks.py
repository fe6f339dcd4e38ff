"""Webhooks on a real server: an application that is asked by it and told by it."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from chinwag.app import opened
from chinwag.delivery.signature import signature, signed_text
from chinwag.domain.webhook import NoCall
from chinwag.domain.webhook_call import CallState, WebhookCall
from chinwag.errors import Kinds

if TYPE_CHECKING:
    from collections.abc import Callable

    from delivery.application import Application, Told
    from realtime.place import Place

HEADER = {"X-Twilio-Webhook-Enabled": "true", "Content-Type": "application/x-www-form-urlencoded"}
PATIENCE_SECONDS = 10


async def told_of(place: Place, application: Application, *events: str, **more: Any) -> None:
    """Have the application asked about, and told of, these events."""
    settings = {"PreWebhookUrl": application.url, "PostWebhookUrl": application.url}
    answer = await place.api.post(place.path, **(settings | {"WebhookFilters": list(events)} | more))
    assert answer.status == 200, answer.body


async def a_room(place: Place, *identities: str) -> dict[str, Any]:
    channel = await place.api.a_channel(place.service)
    for identity in identities:
        await place.api.a_member(channel, identity)
    return channel


async def posted(place: Place, channel: dict[str, Any], body: str = "Body=hello") -> Any:
    """Post over REST, and have webhooks told of it."""
    path = f"{place.path}/Channels/{channel['sid']}/Messages"
    answer = await place.api.send("POST", path, headers=HEADER, data=body)
    assert answer.status == 201, answer.body
    return answer.json


async def said(place: Place, channel: dict[str, Any], **body: Any) -> Any:
    """Post with a client SDK, and return the answer."""
    client = await place.client("alice")
    path = f"/Client/v1/Conversations/{channel['sid']}/Messages"
    return await client.request("POST", path, {"body": "hello"} | body)


async def calls(place: Place, wanted: Callable[[WebhookCall], bool], count: int = 1) -> list[WebhookCall]:
    """Wait until so many calls of the service are as wanted, and return them."""
    async with opened(place.settings) as parts, asyncio.timeout(PATIENCE_SECONDS):
        while True:
            async with parts.world.store.reading() as tx:
                latest = await tx.webhook_calls.latest(place.service["sid"], 1000)
            found = [call for call in latest if wanted(call)]
            if len(found) >= count:
                return found
            await asyncio.sleep(0.02)


def is_signed(place: Place, application: Application, told: Told) -> bool:
    """Return whether the signature is that of this request."""
    origin = application.url.removesuffix("/hook")
    text = signed_text(origin + told.target, told.params if told.method == "POST" else {})
    return told.headers["x-twilio-signature"] == signature(place.api.auth_token, text)


def answers(status: int = 200, body: object = None, **more: Any) -> Callable[[Told], Any]:
    async def answer(told: Told) -> web.StreamResponse:
        if not told.event.endswith(("Send", "Add", "Update", "Remove", "Destroy")):
            return web.Response()
        text = "" if body is None else body if isinstance(body, str) else json.dumps(body)
        return web.Response(status=status, text=text, **more)

    return answer


# What has happened


@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_a_message_over_rest_is_told_of_and_signed(
    place: Place, application: Application, method: str
) -> None:
    await told_of(place, application, "onMessageSent", WebhookMethod=method)
    channel = await a_room(place)

    message = await posted(place, channel, "Body=Gr%C3%BC%C3%9Fe%3F&From=bob")

    (told,) = await application.heard(1)
    assert told.method == method
    assert told.params["MessageSid"] == message["sid"]
    assert (told.params["Body"], told.params["From"], told.params["Index"]) == ("Grüße?", "bob", "0")
    assert is_signed(place, application, told)
    (call,) = await calls(place, lambda call: call.state is CallState.DELIVERED)
    assert call.params["Index"] == "0"
    assert [attempt.status for attempt in call.attempts] == [200]


async def test_what_is_done_over_rest_without_the_header_is_not_told_and_the_log_says_why(
    place: Place, application: Application
) -> None:
    await told_of(place, application, "onMessageSent", "onChannelAdded")
    channel = await place.api.a_channel(place.service)
    for _ in range(3):
        await place.api.a_message(channel)

    (skipped,) = await calls(place, lambda call: call.event == "onMessageSent" and call.count == 3)

    assert skipped.state is CallState.SKIPPED
    assert skipped.reason == NoCall.NO_HEADER
    assert application.told == []


async def test_what_is_not_in_the_filters_is_not_told_and_the_log_says_why(
    place: Place, application: Application
) -> None:
    await told_of(place, application, "onMemberAdded")
    await posted(place, await a_room(place))

    (skipped,) = await calls(place, lambda call: call.reason == NoCall.NOT_IN_FILTERS)

    assert skipped.event == "onMessageSent"


async def test_a_channel_webhook_is_told_besides_and_a_changed_service_at_once(
    place: Place, application: Application
) -> None:
    await told_of(place, application, "onMessageSent")
    channel = await a_room(place)
    await posted(place, channel)
    path = f"{place.path}/Channels/{channel['sid']}/Webhooks"
    hook = {"Configuration.Url": application.url + "/own", "Configuration.Triggers": "HELP"}
    await place.api.post(path, Type="trigger", **hook)

    await posted(place, channel, "Body=please+help")
    await told_of(place, application, "onMemberAdded")
    await posted(place, channel, "Body=nothing")

    told = await application.heard(3)
    assert sorted(one.target for one in told) == ["/hook", "/hook", "/hook/own"]
    await calls(place, lambda call: call.reason == NoCall.NO_TRIGGER, 1)


@pytest.mark.check(14)
async def test_messages_of_a_channel_are_told_in_order(place: Place, application: Application) -> None:
    await told_of(place, application, "onMessageSent")
    rooms = [await a_room(place) for _ in range(3)]
    for nth in range(45):
        await posted(place, rooms[nth % 3])

    told = await application.heard(45)

    for room in rooms:
        indices = [one.params["Index"] for one in told if one.params["ChannelSid"] == room["sid"]]
        assert indices == [str(index) for index in range(15)]


@pytest.mark.check(14)
async def test_a_call_that_failed_is_repeated_with_the_same_token_and_signed_each_time(
    place: Place, application: Application
) -> None:
    await told_of(place, application, "onMessageSent")
    await place.api.post(place.path, PostWebhookRetryCount=2)

    async def busy(told: Told) -> web.StreamResponse:
        return web.Response(status=503 if told.params["RetryCount"] != "2" else 200)

    application.answer = busy
    await posted(place, await a_room(place))

    told = await application.heard(3)
    assert [one.params["RetryCount"] for one in told] == ["0", "1", "2"]
    assert len({one.headers["i-twilio-idempotency-token"] for one in told}) == 1
    assert all(is_signed(place, application, one) for one in told)
    (call,) = await calls(place, lambda call: call.state is CallState.DELIVERED)
    assert [attempt.status for attempt in call.attempts] == [503, 503, 200]


async def test_without_retries_a_call_that_failed_is_over(place: Place, application: Application) -> None:
    await told_of(place, application, "onMessageSent")
    application.answer = answers_always(503)
    await posted(place, await a_room(place))

    (call,) = await calls(place, lambda call: call.state is CallState.FAILED)

    assert (len(call.attempts), call.reason) == (1, "answered 503")


def answers_always(status: int) -> Callable[[Told], Any]:
    async def answer(_told: Told) -> web.StreamResponse:
        return web.Response(status=status)

    return answer


# What is about to happen


async def test_an_application_may_want_another_message(place: Place, application: Application) -> None:
    await told_of(place, application, "onMessageSend", "onMessageSent")
    channel = await a_room(place, "alice")
    application.answer = answers(body={"body": "***", "attributes": '{"a":1}', "from": "bot"})

    answer = await said(place, channel)

    assert answer.status == 201
    asked, told = await application.heard(2)
    assert (asked.event, told.event) == ("onMessageSend", "onMessageSent")
    assert asked.params["Body"] == "hello"
    assert asked.params["ClientIdentity"] == told.params["ClientIdentity"] == "alice"
    assert "MessageSid" not in asked.params
    assert [told.params[name] for name in ("Body", "Attributes", "From")] == ["***", '{"a":1}', "bot"]
    (call,) = await calls(place, lambda call: call.event == "onMessageSend")
    assert call.reason == "replaced: attributes, author, body"


@pytest.mark.parametrize("status", [201, 204, 302, 400, 403, 500])
async def test_any_other_answer_than_200_refuses(place: Place, application: Application, status: int) -> None:
    await told_of(place, application, "onMessageSend", "onMessageSent")
    channel = await a_room(place, "alice")
    application.answer = answers(status, headers={"Location": application.url + "/elsewhere"})

    answer = await said(place, channel)

    assert (answer.status, answer.json["code"]) == (403, Kinds.WEBHOOK_REFUSED.code)
    messages = await place.api.get(f"{place.path}/Channels/{channel['sid']}/Messages")
    assert messages.json["messages"] == []
    assert [told.event for told in application.told] == ["onMessageSend"]
    (call,) = await calls(place, lambda call: call.state is CallState.REFUSED)
    assert str(status) in (call.reason or "")


@pytest.mark.parametrize("body", [None, {}, "OK", "{garbage", [1], {"unknown": "x"}, "x" * 600_000])
async def test_an_answer_that_says_nothing_changes_nothing(
    place: Place, application: Application, body: object
) -> None:
    await told_of(place, application, "onMessageSend")
    channel = await a_room(place, "alice")
    application.answer = answers(body=body)

    answer = await said(place, channel)

    assert (answer.status, answer.json["body"]) == (201, "hello")


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"body": "x" * 40_000}, Kinds.MESSAGE_BODY_TOO_LONG),
        ({"attributes": "{"}, Kinds.ATTRIBUTES_NOT_JSON),
        ({"attributes": {"a": 1}}, Kinds.ATTRIBUTES_NOT_JSON),
        ({"from": ""}, Kinds.INVALID_PARAMETER),
        ({"body": 7}, Kinds.INVALID_PARAMETER),
    ],
)
async def test_a_value_that_may_not_be_fails_the_change(
    place: Place, application: Application, body: object, kind: Any
) -> None:
    await told_of(place, application, "onMessageSend")
    channel = await a_room(place, "alice")
    application.answer = answers(body=body)

    answer = await said(place, channel)

    assert answer.json["code"] == kind.code


@pytest.mark.check(14)
async def test_nobody_at_the_other_end_lets_the_change_be(place: Place, application: Application) -> None:
    nowhere = application.url.replace("127.0.0.1", "127.0.0.2")
    await told_of(place, application, "onMessageSend", PreWebhookUrl=nowhere, PreWebhookRetryCount=1)
    await place.api.post(place.path, PreWebhookRetryCount=1)
    channel = await a_room(place, "alice")

    answer = await said(place, channel)

    assert answer.status == 201
    (call,) = await calls(place, lambda call: call.state is CallState.FAILED)
    assert len(call.attempts) == 2
    assert (call.reason or "").startswith("unchanged: ")


async def test_what_is_refused_anyway_is_not_asked_about(place: Place, application: Application) -> None:
    await told_of(place, application, "onMessageSend")
    channel = await a_room(place)

    answer = await said(place, channel)

    assert answer.json["code"] == Kinds.NOT_A_MEMBER.code
    assert application.told == []


async def test_what_rest_does_is_not_asked_about_and_the_log_says_so(
    place: Place, application: Application
) -> None:
    await told_of(place, application, "onMemberAdd", "onMemberAdded")
    channel = await place.api.a_channel(place.service)
    path = f"{place.path}/Channels/{channel['sid']}/Members"
    await place.api.send("POST", path, headers=HEADER, data="Identity=bob")

    (skipped,) = await calls(place, lambda call: call.reason == NoCall.REST_IS_NOT_ASKED)

    assert skipped.event == "onMemberAdd"
    assert [told.event for told in await application.heard(1)] == ["onMemberAdded"]


async def test_channels_and_users_may_be_otherwise_too(place: Place, application: Application) -> None:
    await told_of(place, application, "onChannelAdd", "onChannelUpdate", "onUserUpdate")
    application.answer = answers(body={"friendly_name": "Other", "attributes": '{"by":"bot"}'})
    client = await place.client("alice")

    made = await client.request("POST", "/Client/v1/Conversations", {"friendly_name": "Mine"})
    user = await client.request("POST", "/Client/v1/Users/alice", {"friendly_name": "Alice"})

    channel = await place.api.get(f"{place.path}/Channels/{made.json['conversation_sid']}")
    assert (channel.json["friendly_name"], channel.json["attributes"]) == ("Other", '{"by":"bot"}')
    assert user.status == 200
    shown = await place.api.get(f"{place.path}/Users/alice")
    assert (shown.json["friendly_name"], shown.json["attributes"]) == ("Other", '{"by":"bot"}')
