"""What the answer of a pre-event webhook does, as the unmodified SDK sees it, and REST afterwards."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from support.actor import RefusedError
from support.stage import PRE, Stage, a_stage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from support.receiver import Received, Rule

pytestmark = [pytest.mark.clients, pytest.mark.timeout(240)]

REFUSED = (50056, 403)
A_FILE = {"file": "a file", "type": "text/plain"}
TIMEOUT_SECONDS = 5


async def planned(stage: Stage, service: str, **rule: Any) -> None:
    """Say how the application answers when it is asked in this service; others are not disturbed."""
    await stage.receiver.plan(*(answered(service, event, **rule) for event in PRE))


def answered(service: str, event: str, **rule: Any) -> Rule:
    return {"match": {"InstanceSid": service, "EventType": event}, **rule}  # type: ignore[typeddict-item]


async def a_room(stage: Stage, service: str, *people: str) -> str:
    """Make a channel with people in it, of which nobody is asked, and return its SID."""
    path = f"/v2/Services/{service}/Channels"
    sid: str = (await stage.rest("POST", path, header=None))["sid"]
    for identity in people:
        await stage.rest("POST", f"{path}/{sid}/Members", header=None, Identity=identity)
    return sid


async def messages(stage: Stage, service: str, channel: str) -> list[dict[str, Any]]:
    answer = await stage.api.get(f"/v2/Services/{service}/Channels/{channel}/Messages")
    return answer.json["messages"]


async def refusal(work: Any) -> tuple[int | None, int | None]:
    with pytest.raises(RefusedError) as refused:
        await work
    return refused.value.code, refused.value.status


async def events(stage: Stage, service: str) -> list[str]:
    return [one.event for one in await stage.receiver.received(InstanceSid=service)]


@pytest.mark.parametrize("status", [201, 204, 302, 400, 403, 500])
async def test_any_answer_but_200_refuses_and_nothing_happens(stage: Stage, status: int) -> None:
    service = await stage.service()
    channel = await a_room(stage, service, "alice", "bob")
    await stage.act("bob", service, "login")
    elsewhere = {"Location": f"{stage.receiver.hook}/elsewhere"}
    await planned(stage, service, status=status, headers=elsewhere)

    refused = [
        await refusal(stage.act("alice", service, "sendMessage", "hello", channel=channel)),
        await refusal(stage.act("alice", service, "createChannel", {"uniqueName": "mine"})),
        await refusal(stage.act("alice", service, "updateFriendlyName", "Alice", user="alice")),
    ]

    assert refused == [REFUSED] * 3
    assert await messages(stage, service, channel) == []
    channels = await stage.api.get(f"/v2/Services/{service}/Channels")
    assert [found["sid"] for found in channels.json["channels"]] == [channel]
    assert await events(stage, service) == ["onMessageSend", "onChannelAdd", "onUserUpdate"]


async def test_everything_that_is_asked_about_may_be_refused(stage: Stage) -> None:
    service = await stage.service()
    channel = await stage.act("alice", service, "createChannel", {"friendlyName": "Lobby"})
    await stage.act("alice", service, "join", channel=channel)
    await stage.act("alice", service, "sendMessage", "hello", channel=channel)
    told_before = await stage.receiver.wait_for(7, InstanceSid=service)
    before = await everything(stage, service, channel)
    await planned(stage, service, status=403)
    attempts = {
        "onMessageSend": (["sendMessage", "more"], {"channel": channel}),
        "onMediaMessageSend": (["sendMessage", A_FILE], {"channel": channel}),
        "onMessageUpdate": (["updateBody", "good bye"], {"channel": channel, "message": 0}),
        "onMessageRemove": (["remove"], {"channel": channel, "message": 0}),
        "onChannelAdd": (["createChannel", {}], {}),
        "onChannelUpdate": (["updateFriendlyName", "Hall"], {"channel": channel}),
        "onChannelDestroy": (["delete"], {"channel": channel}),
        "onMemberAdd": (["add", "bob"], {"channel": channel}),
        "onMemberUpdate": (["updateAttributes", {"m": 1}], {"channel": channel, "member": "alice"}),
        "onMemberRemove": (["leave"], {"channel": channel}),
        "onUserUpdate": (["updateAttributes", {"u": 1}], {"user": "alice"}),
    }

    refused = {
        event: await refusal(stage.act("alice", service, *call, **on))
        for event, (call, on) in attempts.items()
    }

    assert refused == dict.fromkeys(PRE, REFUSED)
    assert await everything(stage, service, channel) == before
    assert (await events(stage, service))[len(told_before) :] == [*attempts]


async def everything(stage: Stage, service: str, channel: str) -> list[Any]:
    """Return what REST shows."""
    path = f"/v2/Services/{service}"
    lists = ("Users", "Channels", f"Channels/{channel}/Members", f"Channels/{channel}/Messages")
    return [(await stage.api.get(f"{path}/{name}")).json for name in lists]


@pytest.mark.parametrize(
    "rule",
    [
        {},
        {"body": "{}"},
        {"body": "OK", "type": "text/plain"},
        {"body": "{garbage"},
        {"body": "[1]"},
        {"size": 600_000},
        {"drop": True},
    ],
    ids=str,
)
async def test_what_is_no_answer_or_says_nothing_changes_nothing(stage: Stage, rule: dict[str, Any]) -> None:
    service = await stage.service()
    channel = await a_room(stage, service, "alice")
    await planned(stage, service, **rule)

    await stage.act("alice", service, "sendMessage", "hello", {"x": 1}, channel=channel)

    (message,) = await messages(stage, service, channel)
    found = (message["body"], message["attributes"], message["from"])
    assert found == ("hello", '{"x":1}', "alice")
    await stage.receiver.wait_for(1, InstanceSid=service, EventType="onMessageSent")


async def test_who_takes_too_long_or_is_not_there_changes_nothing(stage: Stage) -> None:
    slow, gone = await stage.service(), await stage.service(PreWebhookUrl="http://127.0.0.1:9/")
    rooms = {service: await a_room(stage, service, "alice", "bob") for service in (slow, gone)}
    free = await stage.service("onMessageSent")
    other = await a_room(stage, free, "bob")
    await planned(stage, slow, hang=True)
    await stage.act("bob", free, "login")
    began = time.monotonic()

    async def seconds(service: str, who: str, channel: str) -> float:
        await stage.act(who, service, "sendMessage", "hello", channel=channel)
        return time.monotonic() - began

    waited, at_once, elsewhere = await asyncio.gather(
        seconds(slow, "alice", rooms[slow]),
        seconds(gone, "alice", rooms[gone]),
        seconds(free, "bob", other),
    )

    assert waited >= TIMEOUT_SECONDS > max(at_once, elsewhere)
    for service, channel in rooms.items():
        (message,) = await messages(stage, service, channel)
        assert message["body"] == "hello"


async def test_who_waits_holds_up_neither_the_same_client_nor_rest(stage: Stage) -> None:
    service = await stage.service("onMessageSend")
    channel = await a_room(stage, service, "alice", "bob")
    for who in ("alice", "bob"):
        await stage.act(who, service, "getMessages", channel=channel)
    await planned(stage, service, delay=4)
    path = f"/v2/Services/{service}/Channels/{channel}/Messages"
    began = time.monotonic()

    async def seconds(work: Any) -> float:
        await work
        return time.monotonic() - began

    def does(who: str, call: str, *args: Any, **on: Any) -> Any:
        return seconds(stage.act(who, service, call, *args, **on))

    sent, *others = await asyncio.gather(
        does("alice", "sendMessage", "hello", channel=channel),
        does("alice", "updateFriendlyName", "Alice", user="alice"),
        does("bob", "hears", "typingStarted", channel=channel),
        does("alice", "typing", channel=channel),
        seconds(stage.rest("POST", path, Body="over REST")),
    )

    assert sent >= 4 > max(others)
    assert [one["body"] for one in await messages(stage, service, channel)] == ["over REST", "hello"]


async def test_a_message_may_be_otherwise(stage: Stage) -> None:
    service = await stage.service()
    channel = await a_room(stage, service, "alice")
    wanted = {"body": "***", "attributes": '{"by":"bot"}', "from": "bot", "friendly_name": "ignored"}
    await planned(stage, service, body=json.dumps(wanted))

    await stage.act("alice", service, "sendMessage", "hello", channel=channel)
    await stage.act("alice", service, "sendMessage", A_FILE, channel=channel)

    for message in await messages(stage, service, channel):
        found = (message["body"], message["attributes"], message["from"])
        assert found == ("***", '{"by":"bot"}', "bot")
    told = await stage.receiver.wait_for(4, InstanceSid=service)
    assert [one.one("Body") for one in of(told, "onMessageSent", "onMediaMessageSent")] == ["***"] * 2


def of(told: list[Received], *events: str) -> list[Received]:
    return [one for one in told if one.event in events]


async def test_a_change_of_a_message_may_be_otherwise(stage: Stage) -> None:
    service = await stage.service("onMessageUpdate", "onMessageUpdated")
    channel = await a_room(stage, service, "alice")
    await stage.act("alice", service, "sendMessage", "hello", channel=channel)
    await planned(stage, service, body='{"body": "***"}')

    await stage.act("alice", service, "updateAttributes", {"a": 1}, channel=channel, message=0)

    (message,) = await messages(stage, service, channel)
    assert (message["body"], message["attributes"]) == ("***", '{"a":1}')
    assert message["was_edited"]


async def test_channels_and_users_may_be_otherwise(stage: Stage) -> None:
    service = await stage.service()
    wanted = {"friendly_name": "Other", "unique_name": "other", "attributes": '{"by":"bot"}'}
    await planned(stage, service, body=json.dumps(wanted))

    channel = await stage.act("alice", service, "createChannel", {"friendlyName": "Mine"})
    await stage.act("alice", service, "updateFriendlyName", "Alice", user="alice")

    found = (await stage.api.get(f"/v2/Services/{service}/Channels/{channel}")).json
    assert {name: found[name] for name in wanted} == wanted
    user = (await stage.api.get(f"/v2/Services/{service}/Users/alice")).json
    assert (user["friendly_name"], user["attributes"]) == ("Other", '{"by":"bot"}')

    await planned(stage, service, body='{"friendly_name": "Another"}')
    await stage.act("alice", service, "updateUniqueName", "mine", channel=channel)
    found = (await stage.api.get(f"/v2/Services/{service}/Channels/{channel}")).json
    assert (found["friendly_name"], found["unique_name"]) == ("Another", "mine")


async def test_members_may_be_refused_and_are_never_otherwise(stage: Stage) -> None:
    service = await stage.service("onMemberAdd", "onMemberRemove", "onMemberUpdate")
    channel = await a_room(stage, service)
    await planned(stage, service, body='{"attributes": "{}", "friendly_name": "x", "role_sid": "RL"}')
    await stage.act("alice", service, "join", channel=channel)
    await stage.receiver.plan(
        *(
            answered(service, event, status=403)
            for event in ("onMemberAdd", "onMemberRemove", "onMemberUpdate")
        )
    )

    refused = [
        await refusal(stage.act("bob", service, "join", channel=channel)),
        await refusal(stage.act("alice", service, "leave", channel=channel)),
        await refusal(
            stage.act("alice", service, "updateAttributes", {"a": 1}, channel=channel, member="alice")
        ),
    ]

    assert refused == [REFUSED] * 3
    members = await stage.api.get(f"/v2/Services/{service}/Channels/{channel}/Members")
    assert [(one["identity"], one["attributes"]) for one in members.json["members"]] == [("alice", "{}")]


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({"body": "x" * 40_000}, 50504),
        ({"attributes": "{no json"}, 50304),
        ({"attributes": {"an": "object"}}, 50304),
        ({"body": {"an": "object"}}, 20001),
        ({"attributes": json.dumps("x" * 20_000)}, 50303),
        ({"from": "x" * 300}, 50310),
    ],
    ids=["body", "no JSON", "object", "object for a body", "attributes", "from"],
)
async def test_a_value_that_may_not_be_fails_the_action(
    stage: Stage, wanted: dict[str, Any], code: int
) -> None:
    service = await stage.service()
    channel = await a_room(stage, service, "alice")
    await planned(stage, service, body=json.dumps(wanted))

    found, _ = await refusal(stage.act("alice", service, "sendMessage", "hello", channel=channel))

    assert found == code
    assert await messages(stage, service, channel) == []


async def test_a_name_that_is_taken_fails_the_action(stage: Stage) -> None:
    service = await stage.service()
    path = f"/v2/Services/{service}/Channels"
    await stage.rest("POST", path, header=None, UniqueName="taken")
    channel = await stage.act("alice", service, "createChannel", {})
    await planned(stage, service, body='{"unique_name": "taken"}')

    made = await refusal(stage.act("alice", service, "createChannel", {}))
    changed = await refusal(stage.act("alice", service, "updateFriendlyName", "Hall", channel=channel))

    assert (made, changed) == ((50307, 409), (50307, 409))
    found = (await stage.api.get(f"{path}/{channel}")).json
    assert (found["unique_name"], found["friendly_name"]) == (None, None)


async def test_what_is_refused_anyway_is_not_asked_about(stage: Stage) -> None:
    service = await stage.service(Limits__ChannelMembers="1")
    channel = await a_room(stage, service, "alice")
    await stage.rest("POST", f"/v2/Services/{service}/Channels", header=None, UniqueName="taken")

    codes = [
        (await refusal(stage.act("bob", service, "sendMessage", "hello", channel=channel)))[0],
        (await refusal(stage.act("bob", service, "join", channel=channel)))[0],
        (await refusal(stage.act("bob", service, "createChannel", {"uniqueName": "taken"})))[0],
    ]

    assert codes == [50400, 50403, 50307]
    assert await events(stage, service) == ["onUserAdded"]


async def test_a_question_is_repeated_as_often_as_the_service_wants(stage: Stage) -> None:
    service = await stage.service("onMessageSend", PreWebhookRetryCount=1)
    channel = await a_room(stage, service, "alice")
    match = {"InstanceSid": service}
    await stage.receiver.plan(
        {"match": match, "times": 1, "status": 503}, {"match": match, "body": '{"body": "***"}'}
    )

    await stage.act("alice", service, "sendMessage", "hello", channel=channel)

    assert [one["body"] for one in await messages(stage, service, channel)] == ["***"]
    first, second = await stage.receiver.received(InstanceSid=service)
    assert (first.one("RetryCount"), second.one("RetryCount")) == ("0", "1")
    assert first.headers["i-twilio-idempotency-token"] == second.headers["i-twilio-idempotency-token"]


async def test_a_question_that_is_never_answered_well_is_a_refusal(stage: Stage) -> None:
    service = await stage.service("onMessageSend", PreWebhookRetryCount=1)
    channel = await a_room(stage, service, "alice")
    await planned(stage, service, status=503)

    found = await refusal(stage.act("alice", service, "sendMessage", "hello", channel=channel))

    assert found == REFUSED
    assert await messages(stage, service, channel) == []
    assert await events(stage, service) == ["onMessageSend"] * 2


@pytest.fixture
async def careful(tmp_path: Path, engine: str, database: str) -> AsyncIterator[Stage]:
    """A server that makes nothing that nobody answered for."""
    async with a_stage(tmp_path, database, engine, CHINWAG_WEBHOOK_FAILURE="closed") as found:
        yield found


async def test_a_careful_server_refuses_what_nobody_answers_for(careful: Stage) -> None:
    hanging, dropping, long = [await careful.service() for _ in range(3)]
    gone = await careful.service(PreWebhookUrl="http://127.0.0.1:9/")
    services = (hanging, dropping, long, gone)
    rooms = {service: await a_room(careful, service, "alice") for service in services}
    await careful.receiver.plan(
        {"match": {"InstanceSid": hanging}, "hang": True},
        {"match": {"InstanceSid": dropping}, "drop": True},
        {"match": {"InstanceSid": long}, "size": 600_000},
    )

    refused = await asyncio.gather(
        *(
            refusal(careful.act("alice", service, "sendMessage", "hello", channel=channel))
            for service, channel in rooms.items()
        )
    )

    assert refused == [(50076, 403), *[(50057, 403)] * 3]
    for service, channel in rooms.items():
        assert await messages(careful, service, channel) == []
