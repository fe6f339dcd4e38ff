"""Every event of the SDK and of REST, as an application with the vendor's validator receives it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from support.stage import POST, PRE, Stage

if TYPE_CHECKING:
    from support.receiver import Received

pytestmark = [pytest.mark.clients, pytest.mark.timeout(240)]

COMMON = {"EventType", "AccountSid", "InstanceSid", "Source", "RetryCount"}

MESSAGE = {"ChannelSid", "Body", "Attributes", "From"}
KNOWN_MESSAGE = {*MESSAGE, "MessageSid", "Index", "DateCreated"}
MEDIA = {"MediaFilename", "MediaContentType", "MediaSid", "MediaSize"}
CHANNEL = {"Attributes", "CreatedBy", "ChannelType"}
KNOWN_CHANNEL = {*CHANNEL, "ChannelSid", "DateCreated"}
MEMBER = {"ChannelSid", "Identity", "RoleSid"}
KNOWN_MEMBER = {*MEMBER, "MemberSid", "Attributes", "DateCreated"}
USER = {"UserSid", "Identity", "RoleSid", "DateCreated", "Attributes"}
NAMES = {"FriendlyName", "UniqueName"}

EXPECTED: dict[str, tuple[set[str], set[str]]] = {
    "onMessageSend": (MESSAGE, set()),
    "onMessageSent": (KNOWN_MESSAGE, set()),
    "onMessageUpdate": ({*KNOWN_MESSAGE, "ModifiedBy"}, set()),
    "onMessageUpdated": ({*KNOWN_MESSAGE, "ModifiedBy", "DateUpdated"}, set()),
    "onMessageRemove": ({*KNOWN_MESSAGE, "RemovedBy"}, set()),
    "onMessageRemoved": ({*KNOWN_MESSAGE, "RemovedBy", "DateRemoved"}, set()),
    "onMediaMessageSend": (MESSAGE - {"Body"} | MEDIA - {"MediaFilename"}, {"Body", "MediaFilename"}),
    "onMediaMessageSent": (KNOWN_MESSAGE - {"Body"} | MEDIA - {"MediaFilename"}, {"Body", "MediaFilename"}),
    "onChannelAdd": (CHANNEL, NAMES),
    "onChannelAdded": (KNOWN_CHANNEL, NAMES),
    "onChannelUpdate": (KNOWN_CHANNEL, NAMES),
    "onChannelUpdated": ({*KNOWN_CHANNEL, "DateUpdated"}, NAMES),
    "onChannelDestroy": (KNOWN_CHANNEL, NAMES),
    "onChannelDestroyed": ({*KNOWN_CHANNEL, "DateDestroyed"}, NAMES),
    "onMemberAdd": ({*MEMBER, "Reason"}, set()),
    "onMemberAdded": ({*MEMBER, "Reason", "MemberSid", "DateCreated"}, set()),
    "onMemberUpdate": (KNOWN_MEMBER, {"LastConsumedMessageIndex"}),
    "onMemberUpdated": ({*KNOWN_MEMBER, "DateUpdated"}, {"LastConsumedMessageIndex"}),
    "onMemberRemove": ({*MEMBER, "Reason", "MemberSid"}, set()),
    "onMemberRemoved": ({*MEMBER, "Reason", "MemberSid", "Attributes", "DateCreated", "DateRemoved"}, set()),
    "onUserAdded": (USER, {"FriendlyName"}),
    "onUserUpdate": ({*USER, "DateUpdated"}, {"FriendlyName", "IsOnline", "IsNotifiable"}),
    "onUserUpdated": ({*USER, "DateUpdated"}, {"FriendlyName", "IsOnline", "IsNotifiable"}),
}
"""What each event has besides the common parameters: always, and if there is a value."""

ASKED_BEFORE = dict(zip([event for event in POST if event != "onUserAdded"], PRE, strict=True))

NOT_IN_REST = {
    *("EventType", "Source", "RetryCount", "ClientIdentity", "Reason"),
    *("RemovedBy", "DateRemoved", "DateDestroyed"),
}
OTHERWISE_IN_REST = {"InstanceSid": "service_sid", "ChannelType": "type", "ModifiedBy": "last_updated_by"}

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
SID = re.compile(r"[A-Z]{2}[0-9a-f]{32}")


@pytest.fixture(scope="module")
async def told(stage: Stage) -> list[Received]:
    """What an application is asked and told of a day in the life of a service, all of it by the SDK."""
    service, act = await stage.service(), stage.act
    await act("alice", service, "login")
    lobby = await act(
        *("alice", service, "createChannel"),
        {"uniqueName": "lobby", "friendlyName": "Lobby", "attributes": {"a": 1}},
    )
    await act("alice", service, "join", channel=lobby)
    await act("alice", service, "add", "bob", channel=lobby)
    await act("alice", service, "sendMessage", "hello & welcome", {"x": "é"}, channel=lobby)
    await act("alice", service, "sendMessage", {"file": "a file", "type": "text/plain"}, channel=lobby)
    await act("alice", service, "updateBody", "good bye", channel=lobby, message=0)
    await act("alice", service, "updateAttributes", {"x": 2}, channel=lobby, message=0)
    await act("alice", service, "updateAttributes", {"m": 1}, channel=lobby, member="alice")
    await act("alice", service, "updateLastConsumedMessageIndex", 1, channel=lobby)
    await act("alice", service, "updateAttributes", {"m": 2}, channel=lobby, member="alice")
    await act("alice", service, "remove", channel=lobby, message=0)
    await act("alice", service, "updateFriendlyName", "Hall", channel=lobby)
    await act("alice", service, "updateAttributes", {"u": 1}, user="alice")
    await act("alice", service, "updateFriendlyName", "Alice", user="alice")
    await act("alice", service, "removeMember", "bob", channel=lobby)
    await act("bob", service, "join", channel=lobby)
    await act("bob", service, "leave", channel=lobby)
    await act("alice", service, "delete", channel=lobby)
    plain = await act("alice", service, "createChannel", {})
    await act("alice", service, "delete", channel=plain)
    return await stage.receiver.wait_for(2 * 19 + 2, InstanceSid=service)


def of(told: list[Received], event: str, **values: str) -> list[Received]:
    return [
        one for one in told if one.event == event and all(one.one(name) == values[name] for name in values)
    ]


@pytest.mark.parametrize("event", EXPECTED)
async def test_the_sdk_fires_it_with_these_parameters(told: list[Received], event: str) -> None:
    found = of(told, event)

    assert found
    for one in found:
        looks_right(one, "SDK")
        assert one.one("ClientIdentity") in {"alice", "bob"}


def looks_right(one: Received, source: str) -> None:
    """See that a request is signed, and has the names and the kinds of values that it must have."""
    always, sometimes = EXPECTED[one.event]
    own = {"ClientIdentity"} if source == "SDK" else set()
    names = set(one.params)
    assert one.valid
    assert names - sometimes == COMMON | always | own
    assert one.one("Source") == source
    assert one.one("RetryCount") == "0"
    for name in names:
        value = one.one(name)
        if name.startswith("Date"):
            assert MOMENT.fullmatch(value), (name, value)
        if name.endswith("Sid"):
            assert SID.fullmatch(value), (name, value)


async def test_nothing_else_is_fired(told: list[Received]) -> None:
    assert sorted(one.event for one in told) == sorted(
        [
            *("onUserAdded", "onUserAdded"),  # by the first login; by being added to a channel
            *(["onChannelAdd", "onChannelAdded"] * 2),
            *(["onMemberAdd", "onMemberAdded"] * 3),
            *("onMessageSend", "onMessageSent", "onMediaMessageSend", "onMediaMessageSent"),
            *(["onMessageUpdate", "onMessageUpdated"] * 2),
            *(["onMemberUpdate", "onMemberUpdated"] * 2),
            *("onMessageRemove", "onMessageRemoved"),
            *("onChannelUpdate", "onChannelUpdated"),
            *(["onUserUpdate", "onUserUpdated"] * 2),
            *(["onMemberRemove", "onMemberRemoved"] * 2),
            *(["onChannelDestroy", "onChannelDestroyed"] * 2),
        ]
    )


async def test_what_is_told_is_what_happened(told: list[Received]) -> None:
    (sent,) = of(told, "onMessageSent")
    assert (sent.one("Body"), sent.one("From"), sent.one("Index")) == ("hello & welcome", "alice", "0")
    assert sent.one("Attributes") == '{"x":"é"}'
    words, attributes = of(told, "onMessageUpdate")
    assert (words.one("Body"), words.one("ModifiedBy")) == ("good bye", "alice")
    assert attributes.one("Attributes") == '{"x":2}'
    (removed,) = of(told, "onMessageRemoved")
    assert (removed.one("Body"), removed.one("RemovedBy")) == ("good bye", "alice")
    (media,) = of(told, "onMediaMessageSent")
    assert (media.one("MediaSize"), media.one("Index")) == ("6", "1")
    assert media.one("MediaContentType").startswith("text/plain")
    assert of(told, "onMediaMessageSend")[0].one("MediaSid") == media.one("MediaSid")


async def test_optional_parameters_are_there_if_they_are_set(told: list[Received]) -> None:
    named, plain = of(told, "onChannelAdded")
    assert (named.one("UniqueName"), named.one("FriendlyName")) == ("lobby", "Lobby")
    assert (named.one("ChannelType"), named.one("CreatedBy")) == ("public", "alice")
    assert not NAMES & set(plain.params)
    assert [one.one("FriendlyName") for one in of(told, "onChannelUpdate")] == ["Hall"]
    for event in ("onMemberUpdate", "onMemberUpdated"):
        assert values(told, event, "LastConsumedMessageIndex") == [None, ["1"]]
    for event in ("onUserUpdate", "onUserUpdated"):
        assert values(told, event, "FriendlyName") == [None, ["Alice"]]
        assert values(told, event, "IsOnline") == values(told, event, "IsNotifiable") == [None, None]
    for event in ("onMediaMessageSend", "onMediaMessageSent"):
        assert values(told, event, "Body") == values(told, event, "MediaFilename") == [None]
    assert values(told, "onUserAdded", "FriendlyName") == [None, None]


def values(told: list[Received], event: str, name: str) -> list[list[str] | None]:
    return [one.params.get(name) for one in of(told, event)]


@pytest.mark.parametrize(("event", "before"), ASKED_BEFORE.items())
async def test_what_is_asked_is_told_afterwards(told: list[Received], event: str, before: str) -> None:
    for asked, said in zip(of(told, before), of(told, event), strict=True):
        names = set(asked.params) - {"EventType", "DateUpdated"}
        assert {name: said.one(name) for name in names} == {name: asked.one(name) for name in names}


async def test_what_the_sdk_does_is_told_as_rest_shows_it(stage: Stage) -> None:
    service, act = await stage.service(), stage.act
    channel = await act("alice", service, "createChannel", {"friendlyName": "Lobby", "isPrivate": True})
    await act("alice", service, "join", channel=channel)
    await act("alice", service, "sendMessage", "hello", channel=channel)

    told = await stage.receiver.wait_for(7, InstanceSid=service)
    in_channel = f"/v2/Services/{service}/Channels/{channel}"
    messages = (await stage.api.get(f"{in_channel}/Messages")).json["messages"]
    is_in_rest(of(told, "onUserAdded"), (await stage.api.get(f"/v2/Services/{service}/Users/alice")).json)
    is_in_rest(of(told, "onChannelAdded"), (await stage.api.get(in_channel)).json)
    is_in_rest(of(told, "onMemberAdded"), (await stage.api.get(f"{in_channel}/Members/alice")).json)
    is_in_rest(of(told, "onMessageSent"), messages[0])


def is_in_rest(told: list[Received], record: dict[str, Any]) -> None:
    """See that a record was told of once, and with the values that REST shows."""
    own = next(f"{noun}Sid" for noun in ("Message", "Channel", "Member", "User") if noun in told[0].event)
    (one,) = [one for one in told if one.one(own) == record["sid"]]
    fields = record | {f"media_{name}": value for name, value in (record.get("media") or {}).items()}
    for name in set(one.params) - NOT_IN_REST:
        field = "sid" if name == own else OTHERWISE_IN_REST.get(name) or in_words(name)
        found = f"{one.one(name)[:19]}Z" if name.startswith("Date") else one.one(name)
        assert (name, found) == (name, str(fields[field]))


def in_words(name: str) -> str:
    return re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()


async def test_members_come_and_go_for_a_reason(told: list[Received]) -> None:
    def reasons(event: str) -> list[tuple[str, str, str]]:
        return [
            (one.one("Identity"), one.one("Reason"), one.one("ClientIdentity")) for one in of(told, event)
        ]

    came = [("alice", "JOINED", "alice"), ("bob", "ADDED", "alice"), ("bob", "JOINED", "bob")]
    went = [("bob", "REMOVED", "alice"), ("bob", "LEFT", "bob")]
    assert reasons("onMemberAdd") == reasons("onMemberAdded") == came
    assert reasons("onMemberRemove") == reasons("onMemberRemoved") == went
    added = [(one.one("Identity"), one.one("ClientIdentity")) for one in of(told, "onUserAdded")]
    assert added == [("alice", "alice"), ("bob", "alice")]


async def test_reachability_is_told_and_not_asked(stage: Stage) -> None:
    service = await stage.service("onUserUpdate", "onUserUpdated", ReachabilityEnabled="true")

    await stage.act("carol", service, "login")
    (came,) = await stage.receiver.wait_for(1, InstanceSid=service)
    await stage.act("carol", service, "logout")
    _, left = await stage.receiver.wait_for(2, InstanceSid=service)

    for one, online in ((came, "true"), (left, "false")):
        looks_right(one, "SDK")
        assert (one.event, one.one("IsOnline")) == ("onUserUpdated", online)
        assert one.one("Identity") == one.one("ClientIdentity") == "carol"


async def a_day_over_rest(
    stage: Stage, service: str, version: str, header: str | None
) -> list[tuple[str, dict[str, Any]]]:
    """Do over REST everything that webhooks may be told of; return each event, and the record it is about."""
    path = f"/{version}/Services/{service}"
    done: list[tuple[str, dict[str, Any]]] = []

    async def note(event: str, url: str) -> dict[str, Any]:
        done.append((event, (await stage.api.get(url.replace("/v1/", "/v2/"))).json))
        return done[-1][1]

    async def post(event: str, where: str, **form: Any) -> dict[str, Any]:
        made = await stage.rest("POST", f"{path}/{where}", header=header, **form)
        return await note(event, made["url"])

    async def delete(event: str, where: str, record: dict[str, Any]) -> None:
        await stage.rest("DELETE", f"{path}/{where}", header=header)
        done.append((event, record))

    async def added(identity: str) -> dict[str, Any]:
        member = await post("onMemberAdded", "Channels/lobby/Members", Identity=identity)
        await note("onUserAdded", f"{path}/Users/{identity}")
        return member

    roles = (await stage.api.get(f"{path}/Roles")).json["roles"]
    role = {found["friendly_name"]: found["sid"] for found in roles}
    user = await post("onUserAdded", "Users", Identity="alice", FriendlyName="Alice")
    await post("onUserUpdated", f"Users/{user['sid']}", RoleSid=role["service admin"])
    channel = await post("onChannelAdded", "Channels", UniqueName="lobby", FriendlyName="Lobby")
    await post("onMemberAdded", "Channels/lobby/Members", Identity="alice")
    bob, carol, dave = [await added(identity) for identity in ("bob", "carol", "dave")]
    await post("onMemberUpdated", "Channels/lobby/Members/alice", RoleSid=role["channel admin"])
    messages = f"Channels/{channel['sid']}/Messages"
    message = await post("onMessageSent", messages, Body="hello", From="alice")
    message = await post("onMessageUpdated", f"{messages}/{message['sid']}", Body="good bye")
    await delete("onMessageRemoved", f"{messages}/{message['sid']}", message)
    if version == "v2":  # the first has no files
        file = await a_file(stage, service, "a.txt")
        await post("onMediaMessageSent", messages, MediaSid=file, From="alice")
    await delete("onMemberRemoved", "Channels/lobby/Members/bob", bob)
    if version == "v2":
        await delete("onMemberRemoved", "Users/carol/Channels/lobby", carol)
    await delete("onMemberRemoved", "Users/dave", dave)
    channel = await post("onChannelUpdated", "Channels/lobby", FriendlyName="Hall")
    await delete("onChannelDestroyed", "Channels/lobby", channel)
    return done


async def a_file(stage: Stage, service: str, name: str) -> str:
    """Upload a file as somebody's client does, and return its SID."""
    token = await stage.act("alice", service, "token")
    answer = await stage.api.send(
        *("POST", f"/media/v1/Services/{service}/Media?Category=media&Filename={name}"),
        auth=False,
        headers={"X-Twilio-Token": token, "Content-Type": "text/plain"},
        data=b"a file",
    )
    assert answer.status == 201, answer.body
    return answer.json["sid"]


@pytest.mark.parametrize("version", ["v1", "v2"])
async def test_rest_fires_with_the_header(stage: Stage, version: str) -> None:
    service = await stage.service(version=version)

    done = await a_day_over_rest(stage, service, version, "true")

    told = await stage.receiver.wait_for(len(done), InstanceSid=service)
    assert sorted(one.event for one in told) == sorted(event for event, _ in done)  # and nothing is asked
    assert {event for event, _ in done} == {*POST} - ({"onMediaMessageSent"} if version == "v1" else set())
    for one in told:
        looks_right(one, "API")
    for event, record in done:
        is_in_rest(of(told, event), record)
    (updated,) = of(told, "onMessageUpdated")
    assert (updated.one("ModifiedBy"), updated.one("From")) == ("system", "alice")
    assert {one.one("Reason") for one in of(told, "onMemberRemoved")} == {"REMOVED"}
    assert {one.one("Reason") for one in of(told, "onMemberAdded")} == {"ADDED"}
    assert {one.one("RemovedBy") for one in of(told, "onMessageRemoved")} == {"system"}


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize("header", [None, "false"])
async def test_rest_fires_nothing_without_the_header(stage: Stage, version: str, header: str | None) -> None:
    service = await stage.service(version=version)

    await a_day_over_rest(stage, service, version, header)
    await stage.rest("POST", f"/v2/Services/{service}/Channels", UniqueName="the end")

    await stage.receiver.wait_for(1, InstanceSid=service)
    told = await stage.receiver.received(InstanceSid=service)
    assert [(one.event, one.one("UniqueName")) for one in told] == [("onChannelAdded", "the end")]


async def test_a_url_of_an_event_is_called_whatever_the_filters_say_and_the_common_one_is_not(
    stage: Stage,
) -> None:
    hook = stage.receiver.hook
    service = await stage.service(
        *("onMessageSent", "onMessageSend"),
        version="v1",
        Webhooks__OnMessageSent__Url=f"{hook}/sent",
        Webhooks__OnMessageSent__Method="GET",
        Webhooks__OnChannelAdd__Url=f"{hook}/add?tenant=7",
    )

    channel = await stage.act("alice", service, "createChannel", {})
    await stage.act("alice", service, "join", channel=channel)
    await stage.act("alice", service, "sendMessage", "is it? a+b=c & é", channel=channel)

    told = await stage.receiver.wait_for(3, InstanceSid=service)
    assert [(one.event, one.method, one.url.partition("?")[0]) for one in told] == [
        ("onChannelAdd", "POST", "/hook/add"),
        ("onMessageSend", "POST", "/hook"),
        ("onMessageSent", "GET", "/hook/sent"),
    ]
    assert told[0].url == "/hook/add?tenant=7"
    assert all(one.valid for one in told)
    assert told[2].one("Body") == "is it? a+b=c & é"


async def test_a_service_may_want_gets(stage: Stage) -> None:
    hook = f"{stage.receiver.hook}?tenant=7"
    urls = {"PreWebhookUrl": hook, "PostWebhookUrl": hook}
    service = await stage.service("onChannelAdd", "onChannelAdded", WebhookMethod="GET", **urls)

    await stage.act("alice", service, "createChannel", {"friendlyName": "is it? a+b=c & é"})

    told = await stage.receiver.wait_for(2, InstanceSid=service)
    assert [(one.event, one.method, one.body) for one in told] == [
        ("onChannelAdd", "GET", ""),
        ("onChannelAdded", "GET", ""),
    ]
    for one in told:
        assert one.valid
        assert one.url.startswith("/hook?tenant=7&")
        assert one.one("FriendlyName") == "is it? a+b=c & é"


async def test_webhooks_of_a_channel_are_told_besides(stage: Stage) -> None:
    hook = stage.receiver.hook
    service = await stage.service("onMessageSent")
    channel = (await stage.rest("POST", f"/v2/Services/{service}/Channels", header=None))["sid"]
    path = f"/v2/Services/{service}/Channels/{channel}/Webhooks"
    webhook = {"Configuration.Url": f"{hook}/webhook", "Configuration.Method": "GET"}
    await stage.api.post(path, Type="webhook", **webhook, Configuration__Filters=["onMemberAdded"])
    trigger = {"Configuration.Url": f"{hook}/trigger", "Configuration.Triggers": ["help", "ÄRGER"]}
    await stage.api.post(path, Type="trigger", **trigger)
    flow = {"Configuration.FlowSid": "FW" + "0" * 32, "Configuration.Filters": ["onMessageSent"]}
    await stage.api.post(path, Type="studio", **flow)

    await stage.act("alice", service, "join", channel=channel)
    for body in ("nothing", "please HELP me", "ärgerlich"):
        await stage.act("alice", service, "sendMessage", body, channel=channel)

    told = await stage.receiver.wait_for(6, InstanceSid=service)
    assert sorted((one.url.partition("?")[0], one.event, one.params.get("Body")) for one in told) == [
        ("/hook", "onMessageSent", ["nothing"]),
        ("/hook", "onMessageSent", ["please HELP me"]),
        ("/hook", "onMessageSent", ["ärgerlich"]),
        ("/hook/trigger", "onMessageSent", ["please HELP me"]),
        ("/hook/trigger", "onMessageSent", ["ärgerlich"]),
        ("/hook/webhook", "onMemberAdded", None),
    ]
    assert all(one.valid for one in told)


async def test_without_filters_no_event_is_told(stage: Stage) -> None:
    service = await stage.service()
    await stage.api.post(f"/v2/Services/{service}", WebhookFilters="")

    await stage.act("alice", service, "createChannel", {})
    await stage.api.post(f"/v2/Services/{service}", WebhookFilters="onChannelAdded")
    await stage.act("alice", service, "createChannel", {"uniqueName": "the end"})

    told = await stage.receiver.wait_for(1, InstanceSid=service)
    assert [one.one("UniqueName") for one in told] == ["the end"]


def test_the_table_has_every_event() -> None:
    assert set(EXPECTED) == {*PRE, *POST}
