"""What every broker promises. It is written once and runs for each."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from chinwag.broker.memory import MemoryBroker
from chinwag.domain.events import AnyEvent, ServiceCreated, ServiceDeleted, ServiceUpdated

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from chinwag.broker.broker import Broker

CREATED, UPDATED, DELETED = ServiceCreated("IS1"), ServiceUpdated("IS1"), ServiceDeleted("IS1")
DEADLINE_SECONDS = 10


@pytest.fixture(params=[MemoryBroker])
async def broker(request: pytest.FixtureRequest) -> AsyncIterator[Broker]:
    found: Broker = request.param()
    yield found
    await found.close()


class Heard:
    """A listener that remembers what it hears."""

    def __init__(self) -> None:
        self._events: asyncio.Queue[AnyEvent] = asyncio.Queue()

    def __call__(self, event: AnyEvent) -> None:
        self._events.put_nowait(event)

    async def next(self, count: int) -> list[AnyEvent]:
        async with asyncio.timeout(DEADLINE_SECONDS):
            return [await self._events.get() for _ in range(count)]

    @property
    def nothing_more(self) -> bool:
        return self._events.empty()


async def test_a_listener_hears_events_in_the_order_in_which_they_were_published(broker: Broker) -> None:
    heard = Heard()
    broker.listen(heard)

    broker.publish([CREATED, UPDATED])
    broker.publish([DELETED])

    assert await heard.next(3) == [CREATED, UPDATED, DELETED]


async def test_every_listener_hears_every_event_once(broker: Broker) -> None:
    listeners = [Heard(), Heard(), Heard()]
    for listener in listeners:
        broker.listen(listener)

    broker.publish([CREATED, UPDATED])

    assert [await listener.next(2) for listener in listeners] == [[CREATED, UPDATED]] * 3
    assert all(listener.nothing_more for listener in listeners)


async def test_a_listener_hears_nothing_of_what_was_before_it(broker: Broker) -> None:
    first, late = Heard(), Heard()
    broker.listen(first)
    broker.publish([CREATED])
    await first.next(1)

    broker.listen(late)
    broker.publish([DELETED])

    assert await late.next(1) == [DELETED]
    assert late.nothing_more


async def test_publishing_no_events_tells_nobody(broker: Broker) -> None:
    heard = Heard()
    broker.listen(heard)

    broker.publish([])
    broker.publish([DELETED])

    assert await heard.next(1) == [DELETED]


async def test_publishing_without_listeners_is_no_failure(broker: Broker) -> None:
    broker.publish([CREATED])


async def test_a_listener_that_fails_harms_no_other_and_no_later_event(broker: Broker) -> None:
    before, after = Heard(), Heard()

    def failing(_event: AnyEvent) -> None:
        raise ZeroDivisionError

    for listener in (before, failing, after):
        broker.listen(listener)

    with capture_logs():
        broker.publish([CREATED, UPDATED])

        assert await before.next(2) == [CREATED, UPDATED]
        assert await after.next(2) == [CREATED, UPDATED]


async def test_a_failure_of_a_listener_is_logged_with_the_event(broker: Broker) -> None:
    after = Heard()

    def failing(_event: AnyEvent) -> None:
        raise ZeroDivisionError

    broker.listen(failing)
    broker.listen(after)

    with capture_logs() as lines:
        broker.publish([CREATED])
        await after.next(1)

    assert [(line["log_level"], line["event_type"]) for line in lines] == [("error", "ServiceCreated")]


async def test_after_closing_nobody_hears_anything(broker: Broker) -> None:
    heard = Heard()
    broker.listen(heard)

    await broker.close()
    broker.publish([CREATED])

    assert heard.nothing_more


async def test_a_broker_may_be_closed_twice(broker: Broker) -> None:
    await broker.close()

    await broker.close()
