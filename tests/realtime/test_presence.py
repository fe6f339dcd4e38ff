"""Who is online: from the first client until a while after the last one. Source: reachability-guide."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from chinwag.domain.leaving import DeleteUser
from chinwag.domain.reachability import SetOnline
from chinwag.realtime import names
from chinwag.realtime import presence as presences
from chinwag.realtime.presence import Presence
from realtime.parts import SECONDS, eventually

if TYPE_CHECKING:
    from realtime.house import Guest, House

NEVER = 1000.0
AT_ONCE = 0.01


@pytest.fixture
async def house(house: House, monkeypatch: pytest.MonkeyPatch) -> House:
    """One that tells who is online, and where nobody who goes is gone before a test says so."""
    wait(monkeypatch, left=NEVER, lost=NEVER)
    await house.chat.set_service(reachability_enabled=True)
    return house


def wait(monkeypatch: pytest.MonkeyPatch, *, left: float, lost: float) -> None:
    """Set how long somebody stays online, in seconds."""
    monkeypatch.setattr(presences, "LEFT_SECONDS", left)
    monkeypatch.setattr(presences, "LOST_SECONDS", lost)


async def is_online(house: House, identity: str = "alice") -> bool | None:
    """What the store says, once everything is written that is being written."""
    presence = house.here.presence
    while changes := list(presence._changes.values()):  # noqa: SLF001  # nothing else says that it is done
        await asyncio.wait(changes)
    return (await house.chat.user(identity)).is_online


async def comes_to(house: House, online: bool, identity: str = "alice") -> None:
    """Wait until somebody is, or is not, online."""
    deadline = time.monotonic() + SECONDS
    found = await is_online(house, identity)
    while found is not online and time.monotonic() < deadline:
        found = await is_online(house, identity)
        await asyncio.sleep(0.002)
    assert found is online


async def watching(house: House, whom: Guest) -> Guest:
    """Somebody who follows another's user info."""
    watcher = await house.guest("watcher")
    await watcher.follow("map", names.user_info_sid(whom.client.user_sid), None)
    assert await is_online(house) is True
    watcher.told()
    return watcher


async def test_a_user_is_online_from_the_first_client_on(house: House) -> None:
    await house.chat.a_user("alice")
    assert await is_online(house) is None

    await house.guest("alice")

    assert await is_online(house) is True


async def test_who_has_left_stays_online_for_a_moment(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    alice = await house.guest("alice")
    wait(monkeypatch, left=AT_ONCE, lost=NEVER)

    alice.leave()
    assert await is_online(house) is True

    await comes_to(house, online=False)


async def test_who_is_lost_stays_online_for_longer(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    alice, bob = await house.guest("alice"), await house.guest("bob")
    wait(monkeypatch, left=AT_ONCE, lost=NEVER)

    alice.leave(lost=True)
    bob.leave()

    await comes_to(house, online=False, identity="bob")
    assert await is_online(house) is True


async def test_who_is_lost_for_good_is_offline_in_the_end(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = await house.guest("alice")
    wait(monkeypatch, left=NEVER, lost=AT_ONCE)

    alice.leave(lost=True)

    await comes_to(house, online=False)


async def test_who_comes_back_was_never_away(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    alice = await house.guest("alice")
    watcher = await watching(house, alice)
    wait(monkeypatch, left=AT_ONCE, lost=AT_ONCE)

    alice.leave()
    await house.guest("alice")
    other = await house.guest("other")
    other.leave()
    await comes_to(house, online=False, identity="other")

    assert await is_online(house) is True
    assert watcher.told() == []


async def test_a_user_with_two_clients_is_online_until_both_have_gone(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = await house.guest("alice"), await house.guest("alice")
    watcher = await watching(house, first)
    wait(monkeypatch, left=AT_ONCE, lost=AT_ONCE)
    other = await house.guest("other")

    first.leave()
    other.leave()
    await comes_to(house, online=False, identity="other")
    assert await is_online(house) is True
    second.leave()
    await comes_to(house, online=False)

    told = [event["event"] for event in watcher.told()]
    assert [event["item_key"] for event in told] == ["reachability"]
    assert told[0]["item_data"] == {"online": False, "notifiable": False}


async def test_coming_and_going_at_once_ends_as_it_is(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    wait(monkeypatch, left=0.0, lost=0.0)
    for _ in range(20):
        guest = await house.guest("alice")
        guest.leave()
        await asyncio.sleep(0)
    await comes_to(house, online=False)

    await house.guest("alice")

    assert await is_online(house) is True


async def test_nothing_is_kept_while_the_service_does_not_tell(house: House) -> None:
    await house.chat.set_service(reachability_enabled=False)

    await house.guest("alice")

    assert await is_online(house) is None


async def test_who_is_there_when_it_begins_to_tell_is_online(house: House) -> None:
    await house.chat.set_service(reachability_enabled=False)
    await house.guest("alice")
    await house.chat.a_user("bob")

    await house.chat.set_service(reachability_enabled=True)

    await comes_to(house, online=True)
    assert await is_online(house, "bob") is None


async def test_a_server_that_starts_sees_who_does_not_come_back(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    for identity in ("alice", "bob"):
        await house.chat.a_user(identity)
        await house.chat.do(SetOnline(service_sid=house.chat.service_sid, identity=identity, online=True))
    wait(monkeypatch, left=NEVER, lost=0.05)

    await house.here.presence.begin()
    await house.guest("bob")

    await comes_to(house, online=False)
    assert await is_online(house, "bob") is True


async def test_a_server_that_stops_leaves_everybody_online(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = await house.guest("alice")
    assert await is_online(house) is True
    wait(monkeypatch, left=AT_ONCE, lost=AT_ONCE)

    alice.leave(lost=True)
    await house.here.presence.close()
    again = Presence(house.here.world)
    await again.close()

    assert (await house.chat.user("alice")).is_online is True


async def test_a_user_who_was_deleted_troubles_nobody(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    alice, bob = await house.guest("alice"), await house.guest("bob")
    wait(monkeypatch, left=AT_ONCE, lost=AT_ONCE)
    await house.chat.do(DeleteUser(service_sid=house.chat.service_sid, user=alice.client.user_sid))
    await eventually(lambda: alice.socket.aborted)

    alice.leave(lost=True)
    bob.leave()

    await comes_to(house, online=False, identity="bob")
