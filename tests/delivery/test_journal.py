"""The journal: lines that are counted together, and a store that is away for a while."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from chinwag.broker.memory import MemoryBroker
from chinwag.commands import World
from chinwag.delivery import journal as journals
from chinwag.delivery.journal import Journal
from chinwag.domain.announcing import Skipped
from chinwag.domain.webhook import NoCall, WebhookEvent
from chinwag.domain.webhook_call import CallState, Source, WebhookCall
from chinwag.errors import ApiError, Kinds
from domain.chat import Chat, a_chat

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from chinwag.domain.unit import Store

PATIENCE_SECONDS = 10
DAY_MS = 86_400_000


class Unsteady:
    """A store that cannot be written a few times."""

    def __init__(self, store: Store, error: Exception) -> None:
        self._store = store
        self._error = error
        self.failures = 0

    async def write(self, change: Any) -> Any:
        if self.failures:
            self.failures -= 1
            raise self._error
        return await self._store.write(change)

    def reading(self) -> Any:
        return self._store.reading()


class Slow:
    """A store that takes its time until it is told to go on."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.began = asyncio.Event()
        self.go = asyncio.Event()

    async def write(self, change: Any) -> Any:
        self.began.set()
        await self.go.wait()
        return await self._store.write(change)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journals, "PAUSE_SECONDS", 0.05)
    monkeypatch.setattr(journals, "RETRY_SECONDS", 0.05)


@pytest.fixture
async def chat(store: Store) -> Chat:
    return await a_chat(store)


@asynccontextmanager
async def a_journal(chat: Chat, store: Any = None) -> AsyncIterator[Journal]:
    world = World(store or chat.store, MemoryBroker(), lambda: chat.now, chat.new_sid)
    journal = Journal(world, DAY_MS)
    running = asyncio.create_task(journal.run())
    try:
        yield journal
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


def skipped(chat: Chat, channel: int = 1, reason: NoCall = NoCall.NO_HEADER) -> Skipped:
    return Skipped(
        account_sid=chat.account.account_sid,
        service_sid=chat.service_sid,
        channel_sid=f"CH{channel:032x}",
        event=WebhookEvent.MESSAGE_SENT,
        source=Source.API,
        via=None,
        reason=reason,
    )


def a_call(chat: Chat) -> WebhookCall:
    return WebhookCall(
        sid=chat.new_sid("WC"),
        account_sid=chat.account.account_sid,
        service_sid=chat.service_sid,
        event=WebhookEvent.MESSAGE_SEND,
        source=Source.SDK,
        url="https://example.com/",
        state=CallState.DELIVERED,
        date_created=chat.now,
        date_updated=chat.now,
    )


async def lines(chat: Chat) -> list[WebhookCall]:
    async with chat.store.reading() as tx:
        return await tx.webhook_calls.latest(None, 1000)


async def counts(chat: Chat, wanted: list[int]) -> list[WebhookCall]:
    """Wait until the lines have these counts."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            found = await lines(chat)
            if [line.count for line in found] == wanted:
                return found
            await asyncio.sleep(0.01)


async def test_what_is_skipped_for_the_same_reason_is_one_line_for_a_minute(chat: Chat) -> None:
    async with a_journal(chat) as journal:
        journal.skip([skipped(chat), skipped(chat), skipped(chat, reason=NoCall.NO_URL)])
        await counts(chat, [2, 1])
        journal.skip([skipped(chat)])
        await counts(chat, [3, 1])
        chat.now += journals.SAME_MS
        journal.skip([skipped(chat)])
        found = await counts(chat, [3, 1, 1])

    assert [line.reason for line in found] == [NoCall.NO_HEADER, NoCall.NO_URL, NoCall.NO_HEADER]
    assert {line.state for line in found} == {CallState.SKIPPED}


async def test_channels_are_no_longer_told_apart_when_there_are_many(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journals, "LINES", 3)
    async with a_journal(chat) as journal:
        journal.skip([skipped(chat, channel) for channel in range(10)])
        found = await counts(chat, [1, 1, 1, 7])
        journal.skip([skipped(chat, channel) for channel in range(10)])
        await counts(chat, [2, 2, 2, 14])

    assert [line.channel_sid is None for line in found] == [False, False, False, True]


async def test_nothing_is_lost_while_the_store_is_away(chat: Chat, store: Store) -> None:
    away = Unsteady(store, ApiError(Kinds.UNAVAILABLE, "away"))
    async with a_journal(chat, away) as journal:
        away.failures = 3
        call = a_call(chat)
        journal.note(call)
        journal.skip([skipped(chat)] * 4)
        found = await counts(chat, [1, 4])

        tried = replace(found[0], state=CallState.FAILED, reason="well")
        away.failures = 2
        await asyncio.wait_for(journal.save(tried), PATIENCE_SECONDS)

        assert (await lines(chat))[0].reason == "well"
        assert away.failures == 0


async def test_a_call_that_cannot_be_written_holds_up_no_other(chat: Chat, store: Store) -> None:
    broken = Unsteady(store, RuntimeError("of ours"))
    async with a_journal(chat, broken) as journal:
        broken.failures = 2  # the first time all of them, and then the first of them
        for _ in range(3):
            journal.note(a_call(chat))
        await counts(chat, [1, 1])


async def test_what_is_left_is_written_at_the_end(chat: Chat) -> None:
    async with a_journal(chat) as journal:
        await asyncio.sleep(0)
        journal.note(a_call(chat))
        journal.skip([skipped(chat)])

    assert len(await lines(chat)) == 2


async def test_what_is_being_written_at_the_end_is_written_once(chat: Chat, store: Store) -> None:
    slow = Slow(store)
    async with a_journal(chat, slow) as journal:
        journal.note(a_call(chat))
        journal.skip([skipped(chat)] * 3)
        await slow.began.wait()
        asyncio.get_running_loop().call_soon(slow.go.set)  # when the journal is cancelled already

    assert [line.count for line in await lines(chat)] == [1, 3]


async def test_what_is_old_is_forgotten(chat: Chat) -> None:
    async with a_journal(chat) as journal:
        for _ in range(3):
            journal.note(a_call(chat))
        await counts(chat, [1, 1, 1])
        chat.now += DAY_MS + 1
        forgetting = asyncio.create_task(journal.forget())
        await counts(chat, [])
        forgetting.cancel()
