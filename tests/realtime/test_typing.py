"""Typing: told to the other members who are there, and to nobody else. Source: sdk-wire."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from chinwag.domain.channel import ChannelType
from chinwag.domain.leaving import DeleteMember
from chinwag.errors import Kinds
from chinwag.realtime import names
from realtime.house import another_service

if TYPE_CHECKING:
    from chinwag.domain.channel import Channel
    from realtime.house import Guest, House
    from support.twilsock import Packet


@pytest.fixture
async def lobby(house: House) -> Channel:
    """A private channel with two members."""
    found = await house.chat.a_channel(type=ChannelType.PRIVATE, unique_name="lobby")
    for identity in ("alice", "bob"):
        await house.chat.a_member(found, identity)
    return found


async def there(house: House, lobby: Channel, identity: str) -> Guest:
    """A client that follows the members of the channel, as SDKs do of those they are in."""
    guest = await house.guest(identity)
    await guest.follow("map", names.roster_sid(lobby.sid))
    guest.told()
    return guest


async def types(guest: Guest, lobby: Channel, path: str = "/Client/v1/Typing") -> Any:
    return await guest.ask("POST", path, {"ChannelSid": lobby.sid})


def indicators(guest: Guest) -> list[Packet]:
    guest.house.here.outbox.flush()
    found = [packet for packet in guest.socket.packets() if "typing" in packet.header.get("message_type", "")]
    guest.socket.written = b""
    return found


async def test_the_other_members_are_told(house: House, lobby: Channel) -> None:
    alice, bob = await there(house, lobby, "alice"), await there(house, lobby, "bob")
    member = await house.chat.member(lobby, "alice")

    answer = await types(alice, lobby)

    (told,) = indicators(bob)
    assert (answer.status, answer.json) == (200, {"typing_timeout": 5})
    assert told.header["message_type"] == "twilio.ipmsg.typing_indicator"
    assert told.payload == {
        "channel_sid": lobby.sid,
        "conversation_sid": lobby.sid,
        "identity": "alice",
        "participant_sid": member.sid,
        "typing_timeout": 6,
    }
    assert indicators(alice) == []


async def test_the_address_of_older_sdks_does_the_same(house: House, lobby: Channel) -> None:
    alice, bob = await there(house, lobby, "alice"), await there(house, lobby, "bob")

    for path in ("/v1/typing", "/Client/v2/Typing"):
        assert (await types(alice, lobby, path)).status == 200

    assert len(indicators(bob)) == 2


async def test_a_service_says_for_how_long(house: House, lobby: Channel) -> None:
    await house.chat.set_service(typing_indicator_timeout=30)
    alice, bob = await there(house, lobby, "alice"), await there(house, lobby, "bob")

    answer = await types(alice, lobby)

    assert answer.json == {"typing_timeout": 30}
    assert indicators(bob)[0].payload["typing_timeout"] == 31


async def test_every_client_of_a_member_is_told_and_none_of_who_types(house: House, lobby: Channel) -> None:
    alice, mine = await there(house, lobby, "alice"), await there(house, lobby, "alice")
    theirs = [await there(house, lobby, "bob") for _ in range(2)]

    await types(alice, lobby)

    assert [len(indicators(guest)) for guest in (alice, mine, *theirs)] == [0, 0, 1, 1]


async def test_nobody_else_is_told(house: House, lobby: Channel) -> None:
    alice = await there(house, lobby, "alice")
    carol = await there(house, lobby, "carol")
    elsewhere = await (await another_service(house)).guest("bob")
    house.here.hub.follow(elsewhere.client, names.roster_sid(lobby.sid))  # not looked at yet: it may not

    await types(alice, lobby)

    assert indicators(carol) == indicators(elsewhere) == []


async def test_a_member_who_was_removed_is_not_told(house: House, lobby: Channel) -> None:
    alice, bob = await there(house, lobby, "alice"), await there(house, lobby, "bob")
    await house.chat.do(
        DeleteMember(service_sid=house.chat.service_sid, channel=lobby.sid, member="bob"), None
    )

    await types(alice, lobby)

    assert indicators(bob) == []


@pytest.mark.parametrize("who", ["carol", "alice"])
async def test_only_members_type(house: House, who: str) -> None:
    public = await house.chat.a_channel()
    await house.chat.a_member(public, "alice")
    alice, guest = await there(house, public, "alice"), await house.guest(who)

    answer = await types(guest, public)

    expected = 200 if who == "alice" else Kinds.NOT_A_MEMBER.status
    assert answer.status == expected
    assert indicators(alice) == []


@pytest.mark.parametrize("body", [{}, {"ChannelSid": "lobby"}, {"ChannelSid": 1}, {"ChannelSid": ""}])
async def test_a_channel_must_be_named(house: House, body: dict[str, Any]) -> None:
    alice = await house.guest("alice")

    assert (await alice.ask("POST", "/Client/v1/Typing", body)).status == 400


async def test_a_channel_that_is_not_there_is_not_found(house: House) -> None:
    alice = await house.guest("alice")

    answer = await alice.ask("POST", "/Client/v1/Typing", {"ConversationSid": "CH" + "0" * 32})

    assert (answer.status, answer.json["code"]) == (404, Kinds.CHANNEL_NOT_FOUND.code)
