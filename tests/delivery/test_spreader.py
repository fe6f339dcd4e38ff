"""The spreader, beside a real store: when the pushes of occasions are made, and that none is left out."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from chinwag import commands
from chinwag.broker.memory import MemoryBroker
from chinwag.commands import World
from chinwag.delivery import pace as paces
from chinwag.delivery import spreader as spreaders
from chinwag.delivery.pace import Pace
from chinwag.delivery.spreader import Spreader
from chinwag.domain.caller import Operator
from chinwag.domain.posting import CreateMessage
from chinwag.domain.service import DeleteService
from chinwag.domain.spreading import SpreadOccasion
from chinwag.storage.store import open_store
from delivery.post_office import Trouble
from domain.chat import Chat, a_chat
from domain.devices import ALL_ON, a_credential, a_device
from storage.outside import ask

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Sequence
    from itertools import count

    from chinwag.domain.channel import Channel
    from chinwag.domain.credential import Credential
    from chinwag.domain.push import Push
    from chinwag.domain.unit import Store

PATIENCE_SECONDS = 20
NEVER_SECONDS = 3600.0


@dataclass
class Room:
    """A channel whose members have devices, and a server that makes pushes."""

    chat: Chat
    channel: Channel
    credential: Credential
    world: World
    pace: Pace = field(default_factory=Pace)
    woken: list[set[str]] = field(default_factory=list)

    @asynccontextmanager
    async def spreading(self, world: World | None = None) -> AsyncIterator[None]:
        spreader = Spreader(world or self.world, self.pace, self._wake)
        running = asyncio.create_task(spreader.run())
        try:
            yield
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running

    def _wake(self, targets: Iterable[str]) -> None:
        self.woken.append(set(targets))

    async def say(self, body: str = "hello", who: str = "alice") -> None:
        """Post a message through the server."""
        await commands.run(self._message(body), self.chat.caller(who), self.world)

    async def leave_behind(self, body: str = "hello", who: str = "alice") -> int:
        """Post a message of which the server is not told, and return the key of its occasion."""
        await self.chat.do(self._message(body), who)
        return (await self.noted())[-1]

    def _message(self, body: str) -> CreateMessage:
        return CreateMessage(service_sid=self.chat.service_sid, channel=self.channel.sid, body=body)

    async def noted(self) -> list[int]:
        async with self.chat.store.reading() as tx:
            return await tx.occasions.noted(1000)

    async def pushes(self, count: int, left: Sequence[int] = ()) -> list[Push]:
        """Wait until there are so many pushes, and no occasion is left of which more are to be made.

        But for those in `left`.
        """
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                async with self.chat.store.reading() as tx:
                    found = await tx.pushes.latest(None, 100_000)
                    noted = await tx.occasions.noted(100)
                if len(found) >= count and noted == list(left):
                    assert len(found) == count
                    return found
                await asyncio.sleep(0.01)

    @staticmethod
    async def until(true: Callable[[], object]) -> None:
        """Wait until something is so."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                if true():
                    return
                await asyncio.sleep(0.01)

    async def joined(self, *identities: str) -> None:
        for who in identities:
            await a_device(self.chat, who, self.credential)
            await self.chat.joined(self.channel, who)


async def a_room(store: Store, *identities: str, numbers: count[int] | None = None) -> Room:
    chat = await a_chat(store, numbers)
    await chat.set_service(notifications=ALL_ON)
    credential = await a_credential(chat)
    world = World(store, MemoryBroker(), lambda: chat.now, chat.new_sid)
    room = Room(chat, await chat.a_channel(), credential, world)
    await room.joined(*identities)
    return room


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spreaders, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(spreaders, "GATHER_SECONDS", 0.005)


@pytest.fixture
def told_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """It looks at its start, and then only when it is told."""
    monkeypatch.setattr(spreaders, "LOOK_SECONDS", NEVER_SECONDS)


@pytest.fixture
async def room(store: Store) -> Room:
    """Of three."""
    return await a_room(store, "alice", "bob", "carol")


def told(pushes: list[Push]) -> set[tuple[str | None, str | None]]:
    """Who is told what."""
    return {(push.identity, push.words.text) for push in pushes}


# When


async def test_pushes_are_made_right_after_a_message(room: Room, told_only: None) -> None:
    async with room.spreading():
        await room.pushes(0)
        await room.say("one")
        await room.pushes(2)
        await room.say("two", "bob")
        found = await room.pushes(4)

    name = room.channel.sid
    assert told(found) == {
        ("bob", f"{name}:alice: one"),
        ("carol", f"{name}:alice: one"),
        ("alice", f"{name}:bob: two"),
        ("carol", f"{name}:bob: two"),
    }


async def test_whoever_sends_is_woken_for_the_credentials_for_which_pushes_wait(
    room: Room, told_only: None
) -> None:
    other = await a_credential(room.chat)
    await a_device(room.chat, "bob", other, "another device")

    async with room.spreading():
        await room.say()
        await room.pushes(3)
        await room.until(lambda: room.woken)

    assert room.woken == [{room.credential.sid, other.sid}]


async def test_nobody_is_woken_where_nobody_is_told(store: Store, told_only: None) -> None:
    room = await a_room(store, "alice")

    async with room.spreading():
        await room.say()
        await room.pushes(0)

    assert room.woken == []


async def test_messages_in_a_crowd_have_all_their_pushes(room: Room, told_only: None) -> None:
    async with room.spreading():
        await asyncio.gather(*(room.say(str(number)) for number in range(50)))
        found = await room.pushes(100)

    assert {push.words.text for push in found} == {
        f"{room.channel.sid}:alice: {number}" for number in range(50)
    }


async def test_what_nobody_told_of_is_found(room: Room) -> None:
    async with room.spreading():
        await room.pushes(0)
        await room.leave_behind()
        await room.pushes(2)


# After a crash


async def test_what_is_left_of_a_server_before_is_found_at_the_start(room: Room, told_only: None) -> None:
    for number in range(5):
        await room.leave_behind(str(number))

    async with room.spreading():
        await room.pushes(10)


async def test_what_was_begun_is_ended_and_nobody_is_told_twice(store: Store, told_only: None) -> None:
    room = await a_room(store, *(f"user {number}" for number in range(9)))
    occasion_id = await room.leave_behind(who="user 0")
    begun = SpreadOccasion(occasion_id=occasion_id, most=4)
    await commands.run(begun, Operator(), room.world)

    async with room.spreading():
        found = await room.pushes(8)

    assert sorted(push.identity or "" for push in found) == [f"user {number}" for number in range(1, 9)]
    assert len({push.sid for push in found}) == 8


async def test_two_servers_make_each_push_once(room: Room, database: str) -> None:
    for number in range(20):
        await room.leave_behind(str(number))
    store = await open_store(database, serving=False, now=0, connections=4)
    other = World(store, MemoryBroker(), room.world.now, room.chat.new_sid)

    async with room.spreading(), room.spreading(other):
        found = await room.pushes(40)
    await store.close()

    assert len({(push.occasion_id, push.binding_sid) for push in found}) == 40


async def test_it_goes_on_when_a_store_that_was_away_is_back(room: Room) -> None:
    trouble = Trouble(room.chat.store)
    world = World(trouble, MemoryBroker(), room.world.now, room.chat.new_sid)
    await room.leave_behind()
    trouble.away = True

    async with room.spreading(world):
        await trouble.until(lambda: trouble.refused >= 2)
        assert len(await room.noted()) == 1
        trouble.away = False
        await room.pushes(2)


# One and the others


async def damage(database: str, occasion_id: int) -> None:
    """Make an occasion one of which no pushes can be made."""
    await ask(database, f"UPDATE push_occasion SET kind = 'tea' WHERE id = {occasion_id}")


async def test_an_occasion_that_fails_holds_up_none_of_the_others(
    room: Room, database: str, told_only: None
) -> None:
    sick = await room.leave_behind("first")
    await damage(database, sick)
    await room.leave_behind("second")

    async with room.spreading():
        await room.pushes(2, left=[sick])
        await room.say("third")
        found = await room.pushes(4, left=[sick])

    assert {push.words.text for push in found} == {
        f"{room.channel.sid}:alice: second",
        f"{room.channel.sid}:alice: third",
    }


async def test_more_occasions_than_are_looked_up_together_are_all_spread(
    room: Room, told_only: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spreaders, "READ", 3)
    for number in range(10):
        await room.leave_behind(str(number))

    async with room.spreading():
        await room.pushes(20)


async def test_what_is_left_of_a_deleted_service_holds_up_no_other(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There may be more of it than is looked up together, and it may be long until it is swept away."""
    monkeypatch.setattr(spreaders, "READ", 3)
    for number in range(6):
        await room.leave_behind(str(number))
    await room.chat.do(DeleteService(sid=room.chat.service_sid))
    other = await a_room(room.chat.store, "dave", "erin", numbers=room.chat.numbers)
    await other.leave_behind(who="dave")

    async with other.spreading():
        await other.until(lambda: other.woken)

    async with other.chat.store.reading() as tx:
        found = await tx.pushes.latest(other.chat.service_sid, 10)
    assert [push.identity for push in found] == ["erin"]


# How fast


async def lasting(room: Room) -> float:
    """How long it takes to tell eleven members, three at a time, in seconds."""
    async with room.spreading():
        began = time.monotonic()
        await room.say(who="user 0")
        await room.pushes(11)
        return time.monotonic() - began


@pytest.fixture
async def crowd(store: Store, monkeypatch: pytest.MonkeyPatch) -> Room:
    monkeypatch.setattr(spreaders, "MEMBERS", 3)
    return await a_room(store, *(f"user {number}" for number in range(12)))


async def test_between_statements_there_is_a_pause_for_others(
    crowd: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paces, "MOST_RATE", 30.0)
    crowd.pace = Pace()

    assert await lasting(crowd) >= 0.4  # five statements, of three members each and at last of nobody


async def test_the_pause_is_longer_while_messages_are_posted(
    crowd: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paces, "MOST_RATE", 30_000.0)
    monkeypatch.setattr(paces, "LEAST_RATE", 10.0)
    monkeypatch.setattr(paces, "MANY_MESSAGES", 1e-9)
    crowd.pace = Pace()
    crowd.world.broker.listen(crowd.pace.listen)

    assert await lasting(crowd) >= 0.3  # after the first statement; then nobody has posted for a while
