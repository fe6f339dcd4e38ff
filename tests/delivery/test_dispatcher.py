"""The dispatcher, beside a real store and real receivers: what it calls, when, and how many at a time."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from contextlib import asynccontextmanager
from itertools import pairwise
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from chinwag import limits
from chinwag.delivery import attempt, calls, dispatcher
from chinwag.domain.announcing import target_id
from chinwag.domain.webhook_call import CallState
from delivery.application import an_application, nothing
from delivery.post_office import PostOffice, Trouble, a_post_office, now
from domain.chat import a_chat

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from chinwag.domain.unit import Store
    from chinwag.domain.webhook_call import WebhookCall
    from delivery.application import Application, Told

TOKEN = "i-twilio-idempotency-token"  # the name of a header


class Counting:
    """Answers after a moment, and knows how many are being answered at a time.

    The first answers wait until `crowd` callers are there at once.
    """

    def __init__(self, crowd: int = 1) -> None:
        self._crowd = crowd
        self._crowded = asyncio.Event()
        self.most = 0
        self.most_in_a_lane = 0
        self._lanes: Counter[str] = Counter()

    async def __call__(self, told: Told) -> web.StreamResponse:
        lane = told.params["Lane"]
        self._lanes[lane] += 1
        self.most = max(self.most, self._lanes.total())
        self.most_in_a_lane = max(self.most_in_a_lane, self._lanes[lane])
        if self.most >= self._crowd:
            self._crowded.set()
        try:
            await asyncio.wait_for(self._crowded.wait(), 20)
            await asyncio.sleep(0.005)
        finally:
            self._lanes[lane] -= 1
        return web.Response()


class Held:
    """Answers when it is let, those of some lanes or all."""

    def __init__(self, *lanes: str) -> None:
        self._lanes = lanes
        self.go = asyncio.Event()

    async def __call__(self, told: Told) -> web.StreamResponse:
        if not self._lanes or told.params["Lane"] in self._lanes:
            await self.go.wait()
        return web.Response()


class Silent:
    """Does not answer, and knows when it was asked."""

    def __init__(self) -> None:
        self.moments: list[float] = []

    async def __call__(self, _told: Told) -> web.StreamResponse:
        self.moments.append(time.monotonic())
        await asyncio.Event().wait()
        raise AssertionError("nobody sets it")


class Saying:
    """Answers with one status after the other, and knows when it was asked."""

    def __init__(self, *statuses: int) -> None:
        self._statuses = iter(statuses)
        self.moments: list[float] = []

    async def __call__(self, _told: Told) -> web.StreamResponse:
        self.moments.append(time.monotonic())
        return web.Response(status=next(self._statuses), text="a word")


class Late:
    """A store that is slow to say what is due: by then it may no longer be so.

    Args:
        meanwhile: what happens before the second answer arrives.
    """

    def __init__(self, store: Store, meanwhile: Callable[[], Awaitable[object]]) -> None:
        self.write = store.write
        self._store = store
        self._meanwhile = meanwhile
        self._asked = 0

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Any]:
        async with self._store.reading() as tx:
            calls = tx.webhook_calls

            async def due(target: int, moment: int, most: int) -> list[WebhookCall]:
                found = await calls.due(target, moment, most)
                self._asked += 1
                if self._asked == 2:
                    await self._meanwhile()
                return found

            yield SimpleNamespace(webhook_calls=SimpleNamespace(due=due, targets=calls.targets))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything happens as it does, and sooner."""
    monkeypatch.setattr(dispatcher, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(dispatcher, "READ_AGAIN_SECONDS", 0.005)
    monkeypatch.setattr(dispatcher, "PAUSES_SECONDS", (0.05, 0.05, 0.05))
    monkeypatch.setattr(limits, "WEBHOOK_BACK_OFF_SECONDS", 0.05)


@pytest.fixture
async def office(store: Store) -> AsyncIterator[PostOffice]:
    async with a_post_office(await a_chat(store)) as found:
        yield found


@pytest.fixture
async def another() -> AsyncIterator[Application]:
    """The server of another application."""
    async with an_application() as found:
        yield found


def told_of(application: Application) -> list[str]:
    """The calls that came, in order."""
    return [told.params["Call"] for told in application.told]


def between(moments: list[float]) -> list[float]:
    """The seconds from each moment to the next."""
    return [after - before for before, after in pairwise(moments)]


# In which order, and how many at a time


@pytest.mark.check(14)
async def test_calls_of_a_lane_are_made_in_order_one_at_a_time(
    office: PostOffice, application: Application
) -> None:
    application.answer = counting = Counting()
    await office.add(application.url, *["a", "b", "a", "b"] * 5)

    async with office.open():
        ended = await office.ended(20)

    assert {call.state for call in ended} == {CallState.DELIVERED}
    assert counting.most_in_a_lane == 1
    for lane in "ab":
        came = [told.params["Call"] for told in application.told if told.params["Lane"] == lane]
        assert came == [call.sid for call in ended if call.lane == lane]


@pytest.mark.check(14)
async def test_a_lane_that_is_slow_does_not_hold_up_another(
    office: PostOffice, application: Application
) -> None:
    application.answer = held = Held("slow")
    await office.add(application.url, "slow", "quick", "slow", "quick", "other")

    async with office.open():
        await office.ended(3)
        held.go.set()
        await office.ended(5)

    assert [told.params["Lane"] for told in application.told].count("slow") == 2


@pytest.mark.check(14)
async def test_no_more_than_sixteen_calls_are_made_to_one_target_at_a_time(
    office: PostOffice, application: Application
) -> None:
    application.answer = counting = Counting(calls.CALLS_TO_ONE)
    await office.add(application.url, *[f"lane {number}" for number in range(100)])

    async with office.open():
        ended = await office.ended(100)

    assert counting.most == calls.CALLS_TO_ONE == 16
    assert sorted(told_of(application)) == sorted(call.sid for call in ended)


@pytest.mark.check(14)
async def test_no_more_calls_are_made_at_a_time_than_there_are_places(
    office: PostOffice,
    application: Application,
    another: Application,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(dispatcher, "AT_A_TIME", 3)
    application.answer = another.answer = counting = Counting(3)
    for receiver in (application, another):
        await office.add(receiver.url, *[f"{receiver.url} {number}" for number in range(10)])

    async with office.open():
        await office.ended(20)

    assert counting.most == 3


async def test_a_lane_with_much_to_tell_does_not_hold_up_another(
    office: PostOffice, application: Application
) -> None:
    application.answer = held = Held("much")
    await office.add(application.url, *["much"] * 2 * dispatcher.READ, "little")

    async with office.open() as (_, running):
        (little,) = await office.ended(1)
        assert little.lane == "little"
        running.cancel()
        held.go.set()
        await asyncio.wait([running])


# Which are found


async def test_a_call_that_it_is_told_of_is_made_at_once(
    office: PostOffice, application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatcher, "LOOK_SECONDS", 3600)

    async with office.open() as (dispatching, _):
        for count in range(1, 4):
            await office.add(application.url, "lane")
            dispatching.wake([target_id(application.url)])
            await office.ended(count)

    assert told_of(application) == office.calls


async def test_a_call_that_nobody_told_of_is_found(office: PostOffice, application: Application) -> None:
    async with office.open():
        await office.add(application.url, "lane")
        await office.ended(1)
        await office.add(application.url, "lane")
        await office.ended(2)

    assert told_of(application) == office.calls


async def test_a_call_that_nobody_told_of_is_found_while_another_is_slow(
    office: PostOffice, application: Application
) -> None:
    application.answer = held = Held("slow")
    await office.add(application.url, "slow")

    async with office.open():
        await application.heard(1)
        await office.add(application.url, "quick")
        (quick,) = await office.ended(1)
        assert quick.lane == "quick"
        held.go.set()


async def test_what_is_not_due_waits(office: PostOffice, application: Application) -> None:
    due = now() + 150
    await office.add(application.url, "later", due=due)
    await office.add(application.url, "now")

    async with office.open():
        later, _ = await office.ended(2)

    assert [told.params["Lane"] for told in application.told] == ["now", "later"]
    assert later.attempts[0].date >= due


async def test_a_call_that_ends_while_the_store_is_asked_is_not_made_again(
    office: PostOffice, application: Application
) -> None:
    application.answer = held = Held("slow")
    await office.add(application.url, "slow", "quick")

    async def meanwhile() -> None:
        held.go.set()
        await office.ended(2)
        await office.kept()

    async with office.open(store=Late(office.chat.store, meanwhile)) as (dispatching, _):
        await office.ended(2)
        await office.add(application.url, "slow")
        dispatching.wake([target_id(application.url)])
        await office.ended(3)

    assert sorted(told_of(application)) == sorted(office.calls)


async def test_more_calls_than_are_read_together_are_all_made(
    office: PostOffice, application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatcher, "READ", 3)
    monkeypatch.setattr(dispatcher, "HELD", 6)
    await office.add(application.url, *["a"] * 20, "b", *["a"] * 5, "c")

    async with office.open():
        ended = await office.ended(27)

    assert sorted(told_of(application)) == sorted(office.calls)
    assert [told.params["Call"] for told in application.told if told.params["Lane"] == "a"] == [
        call.sid for call in ended if call.lane == "a"
    ]


# What becomes of them


@pytest.mark.check(14)
async def test_a_call_that_failed_is_made_again_and_each_time_later(
    office: PostOffice, application: Application
) -> None:
    application.answer = saying = Saying(503, 429, 504, 200)
    await office.add(application.url, "lane", tries_left=4)

    async with office.open():
        (call,) = await office.ended(1)

    assert call.state is CallState.DELIVERED
    assert [tried.status for tried in call.attempts] == [503, 429, 504, 200]
    assert [told.params["RetryCount"] for told in application.told] == ["0", "1", "2", "3"]
    assert len({told.headers[TOKEN] for told in application.told}) == 1
    pauses = zip(between(saying.moments), (0.05, 0.1, 0.2), strict=True)
    assert all(seconds >= least for seconds, least in pauses)


async def test_while_one_waits_to_be_made_again_its_lane_goes_on(
    office: PostOffice, application: Application
) -> None:
    application.answer = Saying(503, 200, 200)
    first, second = await office.add(application.url, "lane", "lane", tries_left=2)

    async with office.open():
        await office.ended(2)

    assert told_of(application) == [first.sid, second.sid, first.sid]


async def test_a_call_is_made_again_although_another_lane_is_slow(
    office: PostOffice, application: Application
) -> None:
    held, saying = Held("slow"), Saying(503, 200)

    async def answer(told: Told) -> web.StreamResponse:
        return await (held if told.params["Lane"] == "slow" else saying)(told)

    application.answer = answer
    await office.add(application.url, "slow", "again", tries_left=2)

    async with office.open():
        (again,) = await office.ended(1)
        assert (again.lane, again.state, len(again.attempts)) == ("again", CallState.DELIVERED, 2)
        held.go.set()


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (200, CallState.DELIVERED),
        (204, CallState.DELIVERED),
        (302, CallState.FAILED),
        (400, CallState.FAILED),
        (500, CallState.FAILED),
        (502, CallState.FAILED),
    ],
)
async def test_another_answer_ends_it(
    office: PostOffice, application: Application, status: int, state: CallState
) -> None:
    application.answer = Saying(status)
    await office.add(application.url, "lane", tries_left=3)

    async with office.open():
        (call,) = await office.ended(1)

    assert (call.state, call.reason, len(call.attempts)) == (state, f"answered {status}", 1)


async def test_without_further_tries_a_failure_ends_it(office: PostOffice, application: Application) -> None:
    application.answer = Saying(503, 503)
    await office.add(application.url, "lane", tries_left=2)

    async with office.open():
        (call,) = await office.ended(1)

    assert (call.state, call.reason, len(call.attempts)) == (CallState.FAILED, "answered 503", 2)


async def test_a_target_that_must_not_be_called_is_not_and_is_not_tried_again(office: PostOffice) -> None:
    await office.add("http://10.0.0.1/", "lane", tries_left=3)

    async with office.open():
        (call,) = await office.ended(1)

    assert (call.state, len(call.attempts)) == (CallState.FAILED, 1)
    assert "10.0.0.1" in (call.reason or "")


async def test_a_call_is_tried_once_more_when_it_is_wanted_again_by_hand(
    office: PostOffice, application: Application
) -> None:
    """As `chinwag webhooks replay` leaves it: one try left, and more made than there ever may be."""
    application.answer = Saying(200)
    tried = attempt.Attempt(date=now(), ms=1, retry_count=99, url="", signature="")
    await office.add(application.url, "lane", attempts=(tried,))

    async with office.open():
        await office.ended(1)

    assert [told.params["RetryCount"] for told in application.told] == ["100"]


# Targets at which nobody answers


@pytest.mark.check(14)
async def test_a_target_that_does_not_answer_is_tried_with_one_call_at_a_time_and_others_go_on(
    office: PostOffice,
    application: Application,
    another: Application,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(attempt, "WEBHOOK_SECONDS", 0.3)
    application.answer = silent = Silent()
    await office.add(application.url, *[f"lane {number}" for number in range(24)])

    async with office.open():
        await application.heard(16)
        await office.ended(16)  # all that were under way, as one failure
        await office.add(another.url, *["lane"] * 10)
        await another.heard(10)
        assert len(application.told) < 20
        await application.heard(20)
        application.answer = nothing
        await office.ended(34)

    assert all(seconds >= 0.3 for seconds in between(silent.moments[15:]))
    delivered = {call.sid for call in await office.kept() if call.state is CallState.DELIVERED}
    assert set(told_of(another)) < delivered  # it is back, and gets what is left


async def test_a_target_is_left_alone_longer_each_time(
    office: PostOffice, application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatcher, "PAUSES_SECONDS", (0.02, 0.1, 0.2))
    monkeypatch.setattr(attempt, "WEBHOOK_SECONDS", 0.02)
    application.answer = Silent()
    await office.add(application.url, *["lane"] * 5)

    async with office.open():
        tries = [call.attempts[0].date / 1000 for call in await office.ended(5)]

    pauses = zip(between(tries), (0.02, 0.1, 0.2, 0.2), strict=True)
    assert all(seconds >= least for seconds, least in pauses)


@pytest.mark.check(14)
async def test_a_call_that_nobody_took_for_too_long_is_given_up(
    office: PostOffice, application: Application
) -> None:
    await office.add(application.url, "old", date_updated=now() - 5000)
    await office.add(application.url, "new")

    async with office.open(patience_ms=4000):
        old, new = await office.ended(2)

    assert (old.state, old.attempts) == (CallState.FAILED, ())
    assert (old.reason or "").startswith("given up")
    assert new.state is CallState.DELIVERED
    assert told_of(application) == [new.sid]


# More than one server


async def lead(office: PostOffice, holder: str, until: int) -> bool:
    return (await office.chat.store.write(lambda tx: tx.leases.lead("webhooks", holder, now(), until)))[0]


async def test_while_another_server_makes_the_calls_this_one_waits(
    office: PostOffice, application: Application
) -> None:
    assert await lead(office, "other", now() + 60_000)
    await office.add(application.url, "lane")
    store = Trouble(office.chat.store)

    async with office.open(store=store) as (dispatching, _):
        dispatching.wake([target_id(application.url)])
        await store.further_writes(3)  # it asks whether it may
        assert application.told == []
        await lead(office, "other", now() - 1)
        await office.ended(1)


@pytest.mark.check(14)
async def test_the_calls_of_a_server_that_has_vanished_are_taken_over(
    office: PostOffice, application: Application
) -> None:
    until = now() + 150
    assert await lead(office, "other", until)
    await office.add(application.url, "lane")

    async with office.open():
        (call,) = await office.ended(1)

    assert call.attempts[0].date >= until


async def test_only_one_of_two_servers_makes_calls(office: PostOffice, application: Application) -> None:
    await office.add(application.url, *[f"lane {number}" for number in range(30)])

    async with office.open("one"), office.open("two"):
        await office.ended(30)

    assert sorted(told_of(application)) == sorted(office.calls)


async def test_it_leads_as_long_as_there_is_something_to_do(
    office: PostOffice, application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatcher, "LEAD_SECONDS", 1.0)
    application.answer = held = Held()
    await office.add(application.url, "lane")
    store = Trouble(office.chat.store)

    async with office.open(store=store):
        await application.heard(1)
        await store.further_writes(3)  # longer than it has said at first
        assert not await lead(office, "other", now() + 1000)
        held.go.set()
        await office.ended(1)
        seen = store.writes
        while not await lead(office, "other", now() + 1000):
            await store.until(lambda seen=seen: store.writes > seen)
            seen = store.writes


# Stopping, and what goes wrong


@pytest.mark.check(34)
async def test_a_stop_lets_a_call_under_way_end(office: PostOffice, application: Application) -> None:
    application.answer = held = Held()
    await office.add(application.url, "lane", "lane")

    async with office.open() as (_, running):
        await application.heard(1)
        running.cancel()
        held.go.set()
        await asyncio.wait([running])

    assert [call.state for call in await office.kept()] == [CallState.DELIVERED, CallState.WAITING]
    assert len(application.told) == 1
    assert await lead(office, "other", now() + 1000)


@pytest.mark.check(34)
async def test_a_stop_does_not_wait_for_ever_and_the_call_is_made_again(
    office: PostOffice, application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatcher, "STOP_SECONDS", 0.05)
    application.answer = held = Held()
    await office.add(application.url, "lane")

    async with office.open() as (_, running):
        await application.heard(1)
        running.cancel()
        await asyncio.wait([running])
    (waiting,) = await office.kept()
    held.go.set()
    async with office.open("another"):
        await office.ended(1)

    assert (waiting.state, waiting.attempts) == (CallState.WAITING, ())
    first, second = application.told
    assert first.headers[TOKEN] == second.headers[TOKEN]


@pytest.mark.check(14)
async def test_a_call_is_made_again_when_it_is_not_known_what_came_of_it(
    office: PostOffice, application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that is killed when the receiver has just answered: nothing that it writes arrives."""
    monkeypatch.setattr(dispatcher, "LEAD_SECONDS", 0.3)
    monkeypatch.setattr(dispatcher, "STOP_SECONDS", 0.05)
    store = Trouble(office.chat.store)

    async def answer(_told: Told) -> web.StreamResponse:
        store.away = True
        return web.Response()

    application.answer = answer
    await office.add(application.url, "lane")

    async with office.open("killed", store=store):
        await application.heard(1)
        await store.until(lambda: store.refused > 0)
    async with office.open("another"):
        (call,) = await office.ended(1)

    first, second = application.told
    assert first.headers[TOKEN] == second.headers[TOKEN]
    assert second.params["RetryCount"] == "0"
    assert call.state is CallState.DELIVERED


@pytest.mark.check(14)
async def test_a_store_that_is_away_for_a_while_is_looked_into_again(
    office: PostOffice, application: Application
) -> None:
    store = Trouble(office.chat.store, away=True)
    await office.add(application.url, "lane")

    async with office.open(store=store):
        await store.until(lambda: store.refused >= 3)
        store.away = False
        await office.ended(1)

    assert told_of(application) == office.calls


async def test_an_answer_that_cannot_be_written_down_is_written_when_the_store_is_back(
    office: PostOffice, application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chinwag.delivery.journal.RETRY_SECONDS", 0.02)
    store = Trouble(office.chat.store)

    async def answer(_told: Told) -> web.StreamResponse:
        store.away = len(application.told) == 1
        return web.Response()

    application.answer = answer
    await office.add(application.url, "lane", "lane")

    async with office.open(store=store):
        await application.heard(1)
        await store.further_writes(3)
        assert len(application.told) == 1
        store.away = False
        await office.ended(2)

    assert told_of(application) == office.calls


def test_how_many_and_how_long() -> None:
    """What docs/webhooks.md promises."""
    told: dict[str, Any] = {
        "AT_A_TIME": dispatcher.AT_A_TIME,
        "CALLS_TO_ONE": calls.CALLS_TO_ONE,
        "STOP_SECONDS": dispatcher.STOP_SECONDS,
    }

    assert told == {"AT_A_TIME": 512, "CALLS_TO_ONE": 16, "STOP_SECONDS": 2.0}
