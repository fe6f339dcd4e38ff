"""Fan-out: everybody who follows an object is told of each of its events once, in order, without a gap."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from chinwag.domain.account import Account
from chinwag.realtime import hub as hubs
from chinwag.realtime.frames import message
from chinwag.realtime.hub import Hub
from chinwag.realtime.objects import MessageList
from realtime.parts import RecordingSocket, Turn, a_client, eventually
from storage.builders import new_channel, new_service

if TYPE_CHECKING:
    from chinwag.realtime.client import Client
    from chinwag.realtime.hub import Subscription
    from chinwag.realtime.objects import Object

SID = "ES" + "1" * 32


@dataclass
class House:
    """A hub, its clients, and a store that knows what it is told to know."""

    turn: Turn = field(default_factory=Turn)
    known: list[int] = field(default_factory=list)
    asked: list[int] = field(default_factory=list)
    failure: Exception | None = None
    shown: Object | None = None

    def __post_init__(self) -> None:
        self.hub = Hub(self.replay)

    async def replay(self, shown: Object, since: int) -> list[tuple[int, bytes]]:
        assert shown is self.shown
        self.asked.append(since)
        if self.failure is not None:
            raise self.failure
        return [(number, wire(number)) for number in self.known if number > since]

    def client(self, identity: str = "alice", socket: RecordingSocket | None = None) -> Told:
        told = Told(*a_client(self.turn.outbox, identity, socket), self)
        self.hub.add(told.client)
        return told

    def tell(self, *numbers: int, whole: bool = False) -> None:
        for number in numbers:
            self.hub.tell(SID, number, wire(number), whole=whole)

    async def mended(self, numbers: list[int], *everybody: Told) -> None:
        """Wait until all were told of these events."""
        await eventually(lambda: all(told.numbers == numbers for told in everybody))


@dataclass
class Told:
    """A client, and what it was told."""

    client: Client
    socket: RecordingSocket
    house: House

    def follow(self) -> Subscription:
        return self.house.hub.follow(self.client, SID)

    def follows(self, last: int = 0) -> Subscription:
        """Follow, and be caught up at once."""
        subscription = self.follow()
        assert self.house.shown is not None
        self.house.hub.caught_up(subscription, self.house.shown, last)
        return subscription

    @property
    def numbers(self) -> list[int]:
        """Of the events that it was told of."""
        self.house.turn.end()
        return [int(packet) for packet in self._packets()]

    def _packets(self) -> list[bytes]:
        written, found = self.socket.written, []
        while written:
            size = written[1]
            found.append(written[2 : 2 + size])
            written = written[2 + size :]
        return found


def wire(number: int) -> bytes:
    """An event as it is written: its number is enough here."""
    return message(str(number).encode())


@pytest.fixture
def house(monkeypatch: pytest.MonkeyPatch) -> House:
    monkeypatch.setattr(hubs, "GAP_SECONDS", 0.002)
    service = new_service(_account())
    return House(shown=MessageList(service, new_channel(service)))


def _account() -> Account:
    return Account(id=1, sid="AC" + "1" * 32, friendly_name="Test", sealed_auth_token=b"", date_created=0)


def test_everybody_is_told_in_order(house: House) -> None:
    alice, bob = house.client("alice"), house.client("bob")
    alice.follows()
    bob.follows()

    house.tell(1, 2, 3)

    assert alice.numbers == bob.numbers == [1, 2, 3]


def test_nobody_else_is_told(house: House) -> None:
    alice, bob = house.client("alice"), house.client("bob")
    alice.follows()
    house.hub.caught_up(house.hub.follow(bob.client, "ES" + "2" * 32), house.shown, 0)  # type: ignore[arg-type]

    house.tell(1)

    assert (alice.numbers, bob.numbers) == ([1], [])


def test_what_a_client_is_owed_in_one_turn_is_written_in_one_piece(house: House) -> None:
    alice = house.client()
    alice.follows()

    house.tell(1, 2, 3)
    assert alice.socket.writes == 0
    house.turn.end()

    assert alice.socket.writes == 1


def test_what_is_told_twice_is_sent_once(house: House) -> None:
    alice = house.client()
    alice.follows()

    house.tell(1, 1, 2, 1, 2, 3)

    assert alice.numbers == [1, 2, 3]


async def test_what_comes_too_early_waits(house: House) -> None:
    alice = house.client()
    alice.follows()

    house.tell(3, 2)
    assert alice.numbers == []
    house.tell(1)

    assert alice.numbers == [1, 2, 3]
    assert house.asked == []


async def test_a_gap_is_mended_from_the_store(house: House) -> None:
    alice, bob = house.client("alice"), house.client("bob")
    alice.follows(4)
    bob.follows(4)
    house.known = [5, 6, 7]

    house.tell(7)

    await house.mended([5, 6, 7], alice, bob)
    assert house.asked == [4]


async def test_what_was_mended_is_not_told_again(house: House) -> None:
    alice = house.client()
    alice.follows()
    house.known = [1, 2]
    house.tell(2)
    await house.mended([1, 2], alice)

    house.tell(1, 2, 3)

    assert alice.numbers == [1, 2, 3]


async def test_a_replay_may_leave_out_what_was_overtaken(house: House) -> None:
    alice = house.client()
    alice.follows()
    house.known = [2, 5]  # 1, 3 and 4 were changes of what 2 and 5 changed again

    house.tell(5)
    await house.mended([2, 5], alice)
    house.tell(6, 4)

    assert alice.numbers == [2, 5, 6]


async def test_what_the_store_does_not_know_yet_is_asked_for_again(house: House) -> None:
    alice = house.client()
    alice.follows()

    house.tell(2)
    await eventually(lambda: len(house.asked) >= 2)
    assert alice.numbers == []
    house.known = [1, 2]

    await house.mended([1, 2], alice)


async def test_a_gap_that_fills_while_the_store_is_asked_is_told_once(house: House) -> None:
    alice = house.client()
    alice.follows()
    house.known = [1, 2, 3]
    house.tell(3)

    await eventually(lambda: bool(house.asked))
    house.tell(1, 2, 4)

    await house.mended([1, 2, 3, 4], alice)


async def test_clients_come_back_when_the_store_cannot_tell(house: House) -> None:
    alice, bob = house.client("alice"), house.client("bob")
    alice.follows()
    bob.follow()
    house.failure = RuntimeError("no store")

    house.tell(2)

    await eventually(lambda: alice.socket.aborted and bob.socket.aborted)
    assert alice.numbers == []


def test_a_whole_document_need_not_wait_for_those_before_it(house: House) -> None:
    alice = house.client()
    alice.follows(3)

    house.tell(7, whole=True)
    house.tell(5, 7, whole=True)
    house.tell(8, whole=True)

    assert alice.numbers == [7, 8]


def test_what_happens_while_a_client_is_caught_up_waits(house: House) -> None:
    alice, bob = house.client("alice"), house.client("bob")
    alice.follows(2)
    subscription = bob.follow()

    house.tell(3, 4)
    assert bob.numbers == []
    house.hub.caught_up(subscription, house.shown, 3)  # type: ignore[arg-type]  # the replay had 3
    house.tell(5)

    assert alice.numbers == [3, 4, 5]
    assert bob.numbers == [4, 5]


def test_the_first_client_misses_nothing_either(house: House) -> None:
    alice = house.client()
    subscription = alice.follow()

    house.tell(1, 2, 3)
    house.hub.caught_up(subscription, house.shown, 2)  # type: ignore[arg-type]
    house.tell(4)

    assert alice.numbers == [3, 4]


def test_who_knows_more_than_was_told_hears_only_news(house: House) -> None:
    alice, bob = house.client("alice"), house.client("bob")
    alice.follows(2)
    bob.follows(4)  # the store had 4, of which nobody was told yet

    house.tell(3, 4, 5)

    assert alice.numbers == [3, 4, 5]
    assert bob.numbers == [5]


def test_too_much_that_waits_is_noted_as_missed(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hubs, "WAITING", 3)
    alice, bob = house.client("alice"), house.client("bob")
    alice.follows()
    subscription = bob.follow()

    house.tell(1, 2, 3)
    assert not subscription.missed
    house.tell(4)

    assert subscription.missed
    assert alice.numbers == [1, 2, 3, 4]


def test_who_follows_again_begins_again(house: House) -> None:
    alice = house.client()
    first = alice.follows()
    house.tell(1)

    second = alice.follow()
    house.tell(2)
    assert (first.stands, second.stands) == (False, True)
    house.hub.caught_up(second, house.shown, 2)  # type: ignore[arg-type]
    house.tell(3)

    assert alice.numbers == [1, 3]


def test_who_no_longer_follows_is_told_nothing_more(house: House) -> None:
    alice, bob = house.client("alice"), house.client("bob")
    subscription = alice.follows()
    bob.follows()
    house.tell(1)

    house.hub.unfollow(alice.client, SID)
    house.tell(2)

    assert (alice.numbers, bob.numbers) == ([1], [1, 2])
    assert not subscription.stands


async def test_nothing_is_kept_of_what_nobody_follows(house: House) -> None:
    alice = house.client()
    alice.follows()
    house.tell(5)

    house.hub.unfollow(alice.client, SID)
    house.hub.unfollow(alice.client, SID)
    house.tell(6)

    assert house.hub.topics == {}
    assert alice.client.following == {}
    await asyncio.sleep(0)
    assert house.asked == []


def test_a_client_that_has_gone_is_forgotten(house: House) -> None:
    alice, again = house.client("alice"), house.client("alice")
    alice.follows()
    again.follow()

    house.hub.remove(alice.client)
    assert list(house.hub.everybody()) == [again.client]
    house.hub.remove(again.client)
    house.hub.remove(again.client)

    assert (house.hub.topics, house.hub.clients) == ({}, {})


def test_the_end_of_an_object_is_told_and_nothing_after_it(house: House) -> None:
    alice = house.client()
    alice.follows()

    house.hub.end(SID, wire(9))
    house.hub.end(SID, wire(9))
    house.tell(10)

    assert alice.numbers == [9]
    assert (house.hub.topics, alice.client.following) == ({}, {})


def test_a_subscription_can_be_doubted(house: House) -> None:
    alice = house.client()
    subscription = alice.follow()

    house.hub.doubt(alice.client, SID)
    house.hub.doubt(alice.client, "ES" + "2" * 32)

    assert subscription.doubted
