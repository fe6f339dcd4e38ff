"""What happens between two awaits: while a client is caught up, logs in, or goes."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from chinwag import commands
from chinwag.app import opened
from chinwag.domain.account import RevokeKey
from chinwag.domain.caller import Operator
from chinwag.domain.channel import ChannelType, UpdateChannel
from chinwag.domain.leaving import DeleteMember
from chinwag.domain.membership import UpdateMember
from chinwag.domain.posting import CreateMessage
from chinwag.domain.rights import may_see
from chinwag.domain.service import UpdateService
from chinwag.realtime import hub as hubs
from chinwag.realtime import names, opening, realtime
from support.sdk_client import DisconnectedError

if TYPE_CHECKING:
    from chinwag.domain.caller import Caller
    from chinwag.domain.channel import Channel
    from chinwag.domain.service import Service
    from chinwag.domain.unit import Reader
    from realtime.house import Guest, House
    from realtime.place import Place

SECONDS = 10.0


class Gate:
    """Holds up the look at a private channel of one user, once."""

    def __init__(self, identity: str) -> None:
        self._identity = identity
        self.reached = asyncio.Event()
        self.open = asyncio.Event()

    async def may_see(self, tx: Reader, caller: Caller, service: Service, channel: Channel) -> bool:
        if caller.identity == self._identity and not self.open.is_set():
            self.reached.set()
            await self.open.wait()
        return await may_see(tx, caller, service, channel)


async def a_private_channel(house: House, *identities: str) -> Channel:
    channel = await house.chat.a_channel(type=ChannelType.PRIVATE)
    for identity in identities:
        await house.chat.a_member(channel, identity)
    return channel


async def posted(house: House, channel: Channel, body: str = "hello") -> None:
    command = CreateMessage(service_sid=house.chat.service_sid, channel=channel.sid, body=body)
    await house.chat.told(command)


def indices(guest: Guest) -> list[int]:
    told: list[Any] = guest.told()
    return [event["event"]["item_index"] for event in told if event["event_type"] == "list_item_added"]


@pytest.mark.check(7)
async def test_who_read_before_another_was_caught_up_misses_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = await a_private_channel(house, "alice", "bob")
    alice, bob = await house.guest("alice"), await house.guest("bob")
    sid = names.messages_sid(channel.sid)
    gate = Gate("bob")
    monkeypatch.setattr(opening, "may_see", gate.may_see)

    slow = asyncio.create_task(bob.follow("list", sid))
    await gate.reached.wait()  # he has read the channel, with nothing in it
    await posted(house, channel)
    await alice.follow("list", sid)
    gate.open.set()
    await slow
    await posted(house, channel)

    assert indices(alice) == [0, 1]
    assert indices(bob) == [0, 1]


async def test_what_comes_before_the_first_is_caught_up_is_bounded(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hubs, "WAITING", 3)
    channel = await a_private_channel(house, "bob")
    bob = await house.guest("bob")
    sid = names.messages_sid(channel.sid)
    gate = Gate("bob")
    monkeypatch.setattr(opening, "may_see", gate.may_see)

    slow = asyncio.create_task(bob.follow("list", sid))
    await gate.reached.wait()
    for _ in range(10):
        await posted(house, channel)
        assert len(house.here.hub.topics[sid].held) <= 3
    gate.open.set()
    await slow
    await posted(house, channel)

    assert indices(bob) == list(range(11))


async def test_who_is_no_longer_the_creator_stops_to_hear(house: House) -> None:
    alice = await house.guest("alice")
    channel = await house.chat.a_channel(type=ChannelType.PRIVATE, created_by="alice")
    await alice.follow("list", names.messages_sid(channel.sid))

    await house.chat.told(
        UpdateChannel(service_sid=house.chat.service_sid, channel=channel.sid, created_by="bob")
    )

    assert alice.socket.aborted


async def test_a_member_who_was_the_creator_is_stopped_as_others_are(house: House) -> None:
    carol = await house.guest("carol")
    channel = await house.chat.a_channel(type=ChannelType.PRIVATE, created_by="alice")
    await house.chat.a_member(channel, "carol")
    await carol.follow("list", names.messages_sid(channel.sid))
    command = UpdateChannel(service_sid=house.chat.service_sid, channel=channel.sid, created_by="carol")
    await house.chat.told(command)
    await house.chat.told(
        UpdateChannel(service_sid=house.chat.service_sid, channel=channel.sid, created_by="alice")
    )
    assert carol.socket.aborted  # and comes back, as a member
    carol.leave()
    carol = await house.guest("carol")
    await carol.follow("list", names.messages_sid(channel.sid))

    service_sid = house.chat.service_sid
    await house.chat.told(DeleteMember(service_sid=service_sid, channel=channel.sid, member="carol"))
    carol.told()
    await posted(house, channel)

    assert indices(carol) == []


async def test_a_login_does_not_bring_back_what_a_service_said_before(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = await house.chat.a_channel()
    await house.chat.a_member(channel, "bob")
    alice = await house.guest("alice")
    await alice.follow("map", names.roster_sid(channel.sid))
    reached, going_on = asyncio.Event(), asyncio.Event()

    async def held_up(*of_login: Any) -> Any:
        reached.set()
        await going_on.wait()
        return await commands.run(*of_login)

    monkeypatch.setattr(realtime.commands, "run", held_up)
    coming = asyncio.create_task(house.guest("carol"))
    await reached.wait()  # a new user: the service was read, and its user is about to be made
    monkeypatch.undo()
    await house.chat.told(UpdateService(sid=house.chat.service_sid, read_status_enabled=False))
    going_on.set()
    await coming
    alice.told()
    change = UpdateMember(
        service_sid=house.chat.service_sid,
        channel=channel.sid,
        member="bob",
        attributes='{"read":1}',
        last_consumed_message_index=0,
    )
    await house.chat.told(change)

    (update,) = alice.told()
    assert update["event"]["item_data"]["lastConsumedMessageIndex"] is None


async def test_a_key_that_is_revoked_during_a_login_lets_nobody_in(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_in = realtime.Realtime.log_in
    reached, going_on = threading.Event(), threading.Event()

    async def held_up(*of_login: Any) -> Any:
        client = await log_in(*of_login)
        if not reached.is_set():
            reached.set()
            await asyncio.to_thread(going_on.wait, SECONDS)
        return client

    monkeypatch.setattr(realtime.Realtime, "log_in", held_up)
    connection, token = await place.connection(), place.token()
    answer = asyncio.create_task(connection.ask({"method": "init", "token": token}))
    await asyncio.to_thread(reached.wait, SECONDS)
    async with opened(place.settings) as parts:
        await commands.run(RevokeKey(sid=place.key.sid), Operator(), parts.world)
    refused = False
    while not refused:  # until the server has noticed
        again = await place.connection()
        with suppress(DisconnectedError):  # let in, and ended at once, as the server noticed
            reply = await again.ask({"method": "init", "token": token})
            refused = reply.header["status"]["code"] != 200
    going_on.set()

    assert (await answer).header["status"]["errorCode"] == 20101
