"""Journal and dispatcher in this process, beside a real store, and calls for them to make."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from chinwag.broker.memory import MemoryBroker
from chinwag.commands import World
from chinwag.delivery.attempt import Caller
from chinwag.delivery.calls import Calls
from chinwag.delivery.dispatcher import Dispatcher
from chinwag.delivery.guard import AddressGuard
from chinwag.delivery.http_out import HttpOut
from chinwag.delivery.journal import Journal
from chinwag.domain.announcing import target_id
from chinwag.domain.webhook import WebhookEvent
from chinwag.domain.webhook_call import CallState, Source, WebhookCall
from chinwag.errors import ApiError, Kinds

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager

    from chinwag.domain.event import Event
    from chinwag.domain.service import Service
    from chinwag.domain.unit import Reader, Store
    from domain.chat import Chat

PATIENCE_SECONDS = 10
AUTH_TOKEN = "12345678901234567890123456789012"  # of the tests alone


def a_guard() -> AddressGuard:
    """Lets this machine be called."""
    return AddressGuard((ip_network("127.0.0.0/8"),), credentials=False)


def now() -> int:
    return time.time_ns() // 1_000_000


@dataclass
class Trouble:
    """A store that is away when a test wants it to be."""

    store: Store
    away: bool = False
    refused: int = 0
    writes: int = 0
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def write(self, change: Callable[..., Any]) -> tuple[Any, list[Event]]:
        try:
            self._check()
            return await self.store.write(change)
        finally:
            self.writes += 1
            self._changed.set()

    def reading(self) -> AbstractAsyncContextManager[Reader]:
        self._check()
        return self.store.reading()

    async def close(self) -> None:
        await self.store.close()

    async def further_writes(self, count: int) -> None:
        """Wait until somebody has written, or tried to, so many times more."""
        wanted = self.writes + count
        await self.until(lambda: self.writes >= wanted)

    async def until(self, wanted: Callable[[], bool]) -> None:
        """Wait until something is so that changes with a write or a refusal."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not wanted():
                self._changed.clear()
                await self._changed.wait()

    def _check(self) -> None:
        if self.away:
            self.refused += 1
            self._changed.set()
            raise ApiError(Kinds.UNAVAILABLE)


@dataclass
class PostOffice:
    """A service with calls that wait, and one server or more that make them."""

    chat: Chat
    service: Service
    http: HttpOut
    calls: list[str] = field(default_factory=list)
    """The SIDs of all that a test has added."""

    def world(self, store: Any = None) -> World:
        return World(store or self.chat.store, MemoryBroker(), now, self.chat.new_sid)

    def caller(self) -> Caller:
        return Caller(self.http, self.chat.store, lambda _sealed: AUTH_TOKEN, now)

    @asynccontextmanager
    async def open(
        self, holder: str = "one", *, patience_ms: int = 60_000, store: Any = None
    ) -> AsyncIterator[tuple[Dispatcher, asyncio.Task[None]]]:
        """Run a server: its dispatcher, and the task in which it runs."""
        world = self.world(store)
        journal = Journal(world, keep_ms=60_000)
        calls = Calls(world, self.caller(), journal, patience_ms)
        dispatcher = Dispatcher(world, calls, holder)
        writing, running = asyncio.create_task(journal.run()), asyncio.create_task(dispatcher.run())
        try:
            yield dispatcher, running
        finally:
            for task in (running, writing):
                task.cancel()
                with suppress(asyncio.CancelledError, ApiError):
                    await task

    async def add(self, url: str, *lanes: str, **columns: Any) -> list[WebhookCall]:
        """Add a call for each lane, in this order; nobody is told."""
        calls = [self.a_call(url, lane, **columns) for lane in lanes]
        for call in calls:
            await self.chat.store.write(lambda tx, call=call: tx.webhook_calls.add(self.service, call))
        self.calls += [call.sid for call in calls]
        return calls

    def a_call(self, url: str, lane: str = "lane", **columns: Any) -> WebhookCall:
        sid = self.chat.new_sid("WC")
        plain = WebhookCall(
            sid=sid,
            account_sid=self.service.account_sid,
            service_sid=self.service.sid,
            event=WebhookEvent.MESSAGE_SENT,
            source=Source.SDK,
            url=url,
            params={"EventType": "onMessageSent", "Lane": lane, "Call": sid},
            target_id=target_id(url),
            lane=lane,
            tries_left=1,
            due=now(),
            date_created=now(),
            date_updated=now(),
        )
        return replace(plain, **columns)

    async def kept(self) -> list[WebhookCall]:
        """Every call of the service as it is now, in the order in which they were added."""
        async with self.chat.store.reading() as tx:
            return await tx.webhook_calls.latest(self.service.sid, 10_000)

    async def ended(self, count: int) -> list[WebhookCall]:
        """Wait until so many calls do not wait any more, and return them."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                found = [call for call in await self.kept() if call.state is not CallState.WAITING]
                if len(found) >= count:
                    return found
                await asyncio.sleep(0.01)


@asynccontextmanager
async def a_post_office(chat: Chat) -> AsyncIterator[PostOffice]:
    http = HttpOut(a_guard())
    try:
        yield PostOffice(chat, await chat.service(), http)
    finally:
        await http.close()
