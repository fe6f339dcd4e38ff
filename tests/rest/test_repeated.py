"""A create that is sent again with its `Idempotency-Key`: carried out once, and answered alike."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from chinwag import limits
from chinwag.rest.openapi import all_routes
from rest.shared import pages, records

if TYPE_CHECKING:
    from collections.abc import Mapping

    from support.api import Answer, Api

pytestmark = pytest.mark.check(13)

KEY = "Idempotency-Key"

FORMS: dict[str, Mapping[str, Any]] = {
    "/Services": {"FriendlyName": "Help"},
    "/Services/{service_sid}/Roles": {
        "FriendlyName": "guest",
        "Type": "channel",
        "Permission": ["leaveChannel"],
    },
    "/Services/{service_sid}/Users": {
        "Identity": "dave",
        "FriendlyName": "D\N{LATIN SMALL LETTER A WITH ACUTE}ve",
    },
    "/Services/{service_sid}/Channels": {"UniqueName": "den", "Attributes": '{"a":[1,null]}'},
    "/Services/{service_sid}/Channels/{channel_sid}/Members": {"Identity": "erin"},
    "/Services/{service_sid}/Channels/{channel_sid}/Invites": {"Identity": "bob"},
    "/Services/{service_sid}/Channels/{channel_sid}/Messages": {"Body": "hello"},
    "/Services/{service_sid}/Channels/{channel_sid}/Webhooks": {
        "Type": "webhook",
        "Configuration.Url": "http://localhost/",
        "Configuration.Filters": ["onMessageSent"],
    },
    "/Credentials": {"Type": "fcm", "FriendlyName": "Phones", "Secret": "AAAA"},
}
"""What is made at each path that makes something of its own."""


async def ask(api: Api, path: str, form: Mapping[str, Any], key: str) -> Answer:
    data = [
        (name, one) for name, value in form.items() for one in (value if isinstance(value, list) else [value])
    ]
    return await api.send("POST", path, headers={KEY: key}, data=data)


@pytest.fixture
async def place(api: Api) -> dict[str, str]:
    """The names that stand in paths."""
    service = await api.a_service()
    channel = await api.a_channel(service, UniqueName="lobby")
    await api.a_user(service, "bob")
    return {"service_sid": service["sid"], "channel_sid": channel["sid"]}


def messages(place: Mapping[str, str]) -> str:
    return "/v2/Services/{service_sid}/Channels/{channel_sid}/Messages".format_map(place)


async def bodies(api: Api, place: Mapping[str, str]) -> list[str]:
    return [one["body"] for page in await pages(api, messages(place)) for one in records(page)]


def test_every_path_that_makes_something_is_tried_here() -> None:
    making = {route.path for _, _, route in all_routes() if route.makes}

    assert making - {"/Credentials/{credential_sid}/Test"} == set(FORMS)


@pytest.mark.parametrize("path", FORMS)
async def test_the_same_request_with_the_same_key_makes_one_thing(
    api: Api, place: dict[str, str], path: str
) -> None:
    url = "/v2" + path.format_map(place)

    first = await ask(api, url, FORMS[path], "one")
    again = await ask(api, url, FORMS[path], "one")

    assert (first.status, again.status) == (201, 201), first.body
    assert again.body == first.body
    listed = [one for page in await pages(api, url) for one in records(page)]
    assert [one["sid"] for one in listed].count(first.json["sid"]) == 1


async def test_another_key_makes_another_thing(api: Api, place: dict[str, str]) -> None:
    for key in ("one", "ONE", "two"):
        await ask(api, messages(place), {"Body": key}, key)

    assert await bodies(api, place) == ["one", "ONE", "two"]


async def test_without_a_key_a_request_is_carried_out_each_time(api: Api, place: dict[str, str]) -> None:
    for _ in range(2):
        await api.post(messages(place), Body="hello")

    assert await bodies(api, place) == ["hello", "hello"]


@pytest.mark.parametrize("changed", ["parameters", "path"])
async def test_a_key_that_was_used_for_another_request_is_refused(
    api: Api, place: dict[str, str], changed: str
) -> None:
    other = await api.a_channel({"sid": place["service_sid"]}, UniqueName="other")
    await ask(api, messages(place), {"Body": "first"}, "one")

    path = messages(place if changed == "parameters" else {**place, "channel_sid": other["sid"]})
    refused = await ask(api, path, {"Body": "second" if changed == "parameters" else "first"}, "one")

    assert (refused.status, refused.code) == (422, 20422)
    assert await bodies(api, place) == ["first"]
    assert await bodies(api, {**place, "channel_sid": other["sid"]}) == []


async def test_the_order_of_parameters_does_not_make_another_request(api: Api, place: dict[str, str]) -> None:
    first = await ask(api, messages(place), {"Body": "hello", "From": "alice"}, "one")
    again = await ask(api, messages(place), {"From": "alice", "Body": "hello"}, "one")

    assert again.body == first.body


@pytest.mark.parametrize("path", ["messages", "channels"])
async def test_of_many_that_come_at_once_one_is_carried_out(
    api: Api, place: dict[str, str], path: str, *, full_length: bool, did: Any
) -> None:
    url = messages(place) if path == "messages" else f"/v2/Services/{place['service_sid']}/Channels"
    form = {"Body": "hello"} if path == "messages" else {"UniqueName": "den"}
    rounds = 50 if full_length else 2
    for number in range(rounds):
        if path == "channels":
            form = {"UniqueName": f"den {number}"}
        answers = await asyncio.gather(*(ask(api, url, form, f"key {number}") for _ in range(10)))
        assert {answer.status for answer in answers} == {201}, answers
        assert len({answer.json["sid"] for answer in answers}) == 1
    did(f"{rounds} times ten requests with one key at once: one was carried out")
    if path == "messages":
        assert len(await bodies(api, place)) == rounds


async def test_what_was_refused_may_be_tried_again(api: Api, place: dict[str, str]) -> None:
    refused = await ask(api, messages(place), {"Body": "x" * (limits.BODY_TEXT_BYTES + 1)}, "one")
    posted = await ask(api, messages(place), {"Body": "x"}, "one")

    assert (refused.status, posted.status) == (400, 201)


async def test_the_answer_is_the_first_also_when_the_thing_has_changed_since(
    api: Api, place: dict[str, str]
) -> None:
    first = await ask(api, messages(place), {"Body": "hello"}, "one")
    await api.post(f"{messages(place)}/{first.json['sid']}", Body="changed")
    changed = await ask(api, messages(place), {"Body": "hello"}, "one")
    await api.delete(f"{messages(place)}/{first.json['sid']}")
    gone = await ask(api, messages(place), {"Body": "hello"}, "one")

    assert changed.body == gone.body == first.body
    assert await bodies(api, place) == []


async def test_another_account_has_keys_of_its_own(api: Api, stranger: Api) -> None:
    first = await ask(api, "/v2/Services", {"FriendlyName": "Help"}, "one")
    other = await ask(stranger, "/v2/Services", {"FriendlyName": "Help"}, "one")

    assert other.status == 201
    assert other.json["sid"] != first.json["sid"]


@pytest.mark.parametrize(
    "key", ["", "k" * (limits.KEY_CHARACTERS + 1), "schl\N{LATIN SMALL LETTER U WITH DIAERESIS}ssel"]
)
async def test_a_key_that_is_none_is_refused(api: Api, place: dict[str, str], key: str) -> None:
    refused = await ask(api, messages(place), {"Body": "hello"}, key)

    assert (refused.status, refused.code) == (400, 20001)
    assert await bodies(api, place) == []


async def test_an_update_takes_no_notice_of_a_key(api: Api, place: dict[str, str]) -> None:
    path = f"/v2/Services/{place['service_sid']}"
    first = await ask(api, path, {"FriendlyName": "one"}, "key")
    second = await ask(api, path, {"FriendlyName": "two"}, "key")

    assert (first.status, second.status, second.json["friendly_name"]) == (200, 200, "two")


async def test_webhooks_are_told_once(api: Api, place: dict[str, str]) -> None:
    path = f"/Services/{place['service_sid']}"
    hook = {"PostWebhookUrl": "http://127.0.0.1:9/", "WebhookFilters": "onMessageSent"}
    await api.post(f"/v2{path}", **hook)
    headers = {KEY: "one", "X-Twilio-Webhook-Enabled": "true"}

    for _ in range(3):
        posted = await api.send("POST", messages(place), headers=headers, data={"Body": "hello"})
        assert posted.status == 201

    calls = await api.get(f"/chinwag/v1{path}/WebhookCalls", Event="onMessageSent")
    assert len([call for call in calls.json["webhook_calls"] if call["target_url"]]) == 1
