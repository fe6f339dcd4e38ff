"""Opening objects and following them: a replay, then what happens, and nothing twice. Source: sdk-wire."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from chinwag import limits
from chinwag.domain.channel import ChannelType, UpdateChannel
from chinwag.domain.leaving import DeleteChannel
from chinwag.domain.message import DeleteMessage, UpdateMessage
from chinwag.domain.posting import CreateMessage
from chinwag.realtime import following, names
from chinwag.storage.store import open_store
from realtime.house import a_house, another_service

if TYPE_CHECKING:
    from chinwag.domain.channel import Channel
    from chinwag.domain.message import Message
    from realtime.house import Guest, House
    from support.postgres import Postgres

HUGE = 2**62


async def post(house: House, channel: Channel, body: str = "x") -> Message:
    command = CreateMessage(service_sid=house.chat.service_sid, channel=channel.sid, body=body)
    return await house.chat.do(command)


def ids(told: list[Any]) -> list[int]:
    """The numbers of the events among what was told."""
    return [payload["event"]["id"] for payload in told if "id" in payload["event"]]


def outcomes(told: list[Any]) -> list[str]:
    return [payload["event_type"] for payload in told if payload["event_type"].startswith("subscription_")]


async def subscribe(guest: Guest, *wanted: dict[str, Any], action: str = "establish") -> list[Any]:
    body = {"action": action, "correlation_id": 17, "requests": wanted}
    answer = await guest.ask("POST", "/v4/Subscriptions", body)
    assert answer.status == 200, answer
    assert answer.json["estimated_delivery_in_ms"] > 0
    return guest.told()


def wanted(sid: str, kind: str = "list", since: int | None = 0) -> dict[str, Any]:
    return {"object_sid": sid, "object_type": kind, "last_event_id": since}


async def test_a_descriptor_has_what_sdks_need(house: House) -> None:
    lobby = await house.chat.a_channel(unique_name="lobby")
    alice = await house.guest()
    sid = names.messages_sid(lobby.sid)

    opened = (await alice.get(f"/v3/Lists/{names.messages(lobby.sid)}")).json

    assert (opened["sid"], opened["unique_name"]) == (sid, names.messages(lobby.sid))
    assert opened["last_event_id"] == 0
    assert opened["links"]["items"] == f"https://chat.example.com/v3/Lists/{sid}/Items"
    assert opened == (await alice.get(f"/v3/Lists/{sid}")).json
    document = (await alice.get(f"/v3/Documents/{names.channel(lobby.sid)}")).json
    assert document["data"]["uniqueName"] == "lobby"


async def test_user_info_comes_with_its_items_when_asked(house: House) -> None:
    alice = await house.guest()
    path = f"/v3/Maps/{names.user_info(alice.client.user_sid)}"

    items = (await alice.get(path, Include="items")).json["items"]

    assert [item["key"] for item in items] == ["attributes", "friendlyName", "reachability"]
    assert "items" not in (await alice.get(path)).json


NOT_THERE = [
    ("Documents", "CH{0}.messages"),
    ("Documents", "ES{0}"),
    ("Lists", "CH{0}.channel"),
    ("Lists", "ET{0}"),
    ("Maps", "CH{0}.messages"),
    ("Maps", "CH{0}"),
    ("Maps", "MP" + "0" * 32),
    ("Maps", "nothing"),
    ("Streams", "CH{0}.channel"),
    ("maps", "CH{0}.roster"),
    ("Documents", "et{0}"),
    ("Documents", "ET{0}0"),
]


async def test_what_is_not_there_is_not_found(house: House) -> None:
    lobby = await house.chat.a_channel()
    alice = await house.guest()

    for kind, name in NOT_THERE:
        answer = await alice.get(f"/v3/{kind}/{name.format(lobby.sid[2:])}")
        assert answer.status == 404, (kind, name)


async def test_what_happened_is_replayed_in_order_before_the_outcome(house: House) -> None:
    lobby = await house.chat.a_channel()
    alice = await house.guest()
    for _ in range(3):
        await post(house, lobby)

    told = await subscribe(alice, wanted(names.messages_sid(lobby.sid), since=1))
    await post(house, lobby)

    assert ids(told) == [2, 3]
    assert outcomes(told) == [told[-1]["event_type"]] == ["subscription_established"]
    assert {payload["correlation_id"] for payload in told} == {17}
    assert told[-1]["event"] == {
        "object_sid": names.messages_sid(lobby.sid),
        "object_type": "list",
        "replay_status": "completed",
        "last_event_id": 3,
    }
    assert ids(alice.told()) == [4]


async def test_a_removal_is_replayed_also_of_what_was_added_meanwhile(house: House) -> None:
    lobby = await house.chat.a_channel()
    alice = await house.guest()
    message = await post(house, lobby)
    await house.chat.do(DeleteMessage(service_sid=house.chat.service_sid, channel=lobby.sid, sid=message.sid))

    told = await subscribe(alice, wanted(names.messages_sid(lobby.sid)))

    assert [payload["event_type"] for payload in told[:-1]] == ["list_item_removed"]
    assert told[0]["event"] == {"id": 2, "list_sid": names.messages_sid(lobby.sid), "item_index": 0}


async def test_nothing_is_replayed_to_who_does_not_say_what_it_has_seen(house: House) -> None:
    lobby = await house.chat.a_channel()
    alice = await house.guest()
    await post(house, lobby)

    told = await subscribe(alice, wanted(names.messages_sid(lobby.sid), since=None))
    await post(house, lobby)

    assert (ids(told), outcomes(told)) == ([], ["subscription_established"])
    assert ids(alice.told()) == [2]


async def test_a_long_replay_is_whole(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "REPLAY", 3)
    lobby = await house.chat.a_channel()
    alice = await house.guest()
    for _ in range(9):
        await post(house, lobby)

    told = await subscribe(alice, wanted(names.messages_sid(lobby.sid)))

    assert ids(told) == list(range(1, 10))


async def test_what_was_added_is_told_as_added_in_every_piece_of_a_replay(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "REPLAY", 2)
    lobby = await house.chat.a_channel()
    alice = await house.guest()
    messages = [await post(house, lobby) for _ in range(5)]
    for message in (messages[0], messages[2]):
        edit = UpdateMessage(
            service_sid=house.chat.service_sid, channel=lobby.sid, sid=message.sid, body="edited"
        )
        await house.chat.do(edit)

    told = await subscribe(alice, wanted(names.messages_sid(lobby.sid), since=1))

    assert [(event["event"]["id"], event["event_type"]) for event in told[:-1]] == [
        (2, "list_item_added"),
        (4, "list_item_added"),
        (5, "list_item_added"),
        (6, "list_item_updated"),
        (7, "list_item_added"),
    ]


@pytest.mark.parametrize("since", [HUGE, 2**63, 10**30, -1, -(10**30)])
async def test_who_claims_to_have_seen_what_was_never_told_harms_nobody(house: House, since: int) -> None:
    lobby = await house.chat.a_channel()
    alice, bob = await house.guest("alice"), await house.guest("bob")
    sid = names.messages_sid(lobby.sid)
    await post(house, lobby)

    claimed = await subscribe(alice, wanted(sid, since=since))
    await subscribe(bob, wanted(sid, since=1))
    await post(house, lobby)

    assert outcomes(claimed) == ["subscription_established"]
    assert claimed[-1]["event"]["last_event_id"] == 1
    assert ids(bob.told()) == [2]
    assert ids(alice.told()) == [2]


async def test_an_object_that_is_asked_for_twice_is_followed_once(house: House) -> None:
    lobby = await house.chat.a_channel()
    alice = await house.guest()
    sid = names.messages_sid(lobby.sid)
    await post(house, lobby)

    told = await subscribe(alice, wanted(sid), wanted(sid))
    await subscribe(alice, wanted(sid, since=1))
    await post(house, lobby)

    assert set(outcomes(told)) == {"subscription_established"}
    assert ids(told) == [1]
    assert ids(alice.told()) == [2]


async def test_what_cannot_be_followed_is_said_of_each(house: House) -> None:
    lobby = await house.chat.a_channel()
    private = await house.chat.a_channel(type=ChannelType.PRIVATE)
    alice = await house.guest()

    told = await subscribe(
        alice,
        wanted(names.messages_sid(private.sid)),
        wanted("nothing"),
        wanted(names.messages_sid(lobby.sid), "map"),
        wanted(names.roster_sid(lobby.sid), "stream"),
        wanted(names.channel_sid(lobby.sid), "document"),
    )

    failed = [payload for payload in told if payload["event_type"] == "subscription_failed"]
    assert [payload["event"]["error"]["status"] for payload in failed] == [403, 404, 404, 404]
    assert outcomes(told)[-1] == "subscription_established"
    assert set(alice.client.following) == {names.channel_sid(lobby.sid)}
    assert set(house.here.hub.topics) == {names.channel_sid(lobby.sid)}


async def test_following_ends_when_it_is_canceled_and_may_end_twice(house: House) -> None:
    lobby = await house.chat.a_channel()
    alice = await house.guest()
    sid = names.messages_sid(lobby.sid)
    await subscribe(alice, wanted(sid))

    told = await subscribe(alice, wanted(sid), wanted("nothing"), action="cancel")
    await post(house, lobby)

    assert outcomes(told) == ["subscription_canceled"] * 2
    assert alice.told() == []
    assert house.here.hub.topics == {}


async def test_a_client_follows_no_more_than_its_share(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SUBSCRIPTIONS", 2)
    channels = [await house.chat.a_channel() for _ in range(3)]
    alice = await house.guest()

    told = await subscribe(alice, *(wanted(names.messages_sid(channel.sid)) for channel in channels))

    assert sorted(outcomes(told)) == [
        "subscription_established",
        "subscription_established",
        "subscription_failed",
    ]
    assert len(alice.client.following) == 2


async def test_who_cannot_be_caught_up_comes_back(postgres: Postgres) -> None:
    database = await postgres.database()
    store = await open_store(database, serving=False, now=0, connections=2)
    house = await a_house(store)
    alice = await house.guest()
    await house.here.presence.close()
    await postgres.drop(database)

    await subscribe(alice, wanted("ES" + "1" * 32))

    assert alice.socket.aborted
    await store.close()


BODIES = [
    {},
    {"action": "establish"},
    {"action": "what", "requests": []},
    {"action": "establish", "requests": [{}]},
    {"action": "establish", "requests": [{"object_sid": 1, "object_type": "list"}]},
    {"action": "establish", "requests": [wanted("x", since="1")]},  # type: ignore[arg-type]
    {"action": "establish", "requests": [wanted("x")] * (following.BATCH + 1)},
    [],
    b"{",
    b"",
    b"[" * 100_000,
]


async def test_a_request_that_says_nothing_right_is_refused(house: House) -> None:
    alice = await house.guest()

    for body in BODIES:
        answer = await alice.ask("POST", "/v4/Subscriptions", body)
        assert (answer.status, answer.json["code"]) == (400, 20001), body


async def test_a_deleted_channel_is_told_object_by_object(house: House) -> None:
    lobby = await house.chat.a_channel()
    await house.chat.a_member(lobby, "alice")
    alice = await house.guest()
    mine = names.user_channels_sid(alice.client.user_sid)
    followed = [
        wanted(mine, "map"),
        wanted(names.channel_sid(lobby.sid), "document"),
        wanted(names.messages_sid(lobby.sid)),
        wanted(names.roster_sid(lobby.sid), "map"),
    ]
    await subscribe(alice, *followed)

    await house.chat.do(DeleteChannel(service_sid=house.chat.service_sid, channel=lobby.sid))

    told = [payload["event_type"] for payload in alice.told()]
    assert told[0] == "map_item_removed"
    assert sorted(told[1:]) == ["document_removed", "list_removed", "map_removed"]
    assert told[-1] == "document_removed"
    assert outcomes(await subscribe(alice, *followed[1:])) == ["subscription_failed"] * 3


async def test_an_event_of_a_document_tells_all_of_it(house: House) -> None:
    lobby = await house.chat.a_channel()
    alice = await house.guest()
    await subscribe(alice, wanted(names.channel_sid(lobby.sid), "document", None))

    await house.chat.do(
        UpdateChannel(service_sid=house.chat.service_sid, channel=lobby.sid, friendly_name="Lobby")
    )

    (told,) = alice.told()
    opened = (await alice.get(f"/v3/Documents/{names.channel(lobby.sid)}")).json
    assert told["event_type"] == "document_updated"
    assert told["event"]["document_data"] == opened["data"]
    assert told["event"]["id"] == opened["last_event_id"]


async def test_another_service_is_another_world(house: House) -> None:
    lobby = await house.chat.a_channel()
    user = await house.chat.a_user("bob")
    elsewhere = await another_service(house)
    alice = await elsewhere.guest("alice")

    for kind, name in [
        ("Documents", names.channel(lobby.sid)),
        ("Lists", names.messages_sid(lobby.sid)),
        ("Maps", names.roster_sid(lobby.sid)),
        ("Maps", names.user_info(user.sid)),
        ("Maps", names.user_channels(user.sid)),
    ]:
        assert (await alice.get(f"/v3/{kind}/{name}")).status == 404
