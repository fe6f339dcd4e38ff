"""What came of deliveries is written down a few at a time, and nobody is told so before it is durable."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

import pytest

from chinwag.delivery import gathering as gatherings
from chinwag.delivery.gathering import Gathering
from chinwag.domain.account import CreateAccount
from chinwag.domain.caller import Operator
from chinwag.errors import ApiError, Kinds

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from chinwag.domain.unit import Store, Transaction

PATIENCE_SECONDS = 10


class Shelf:
    """Writes texts into a real store, as friendly names of accounts, all that come together in one change.

    Args:
        away: how often the store cannot be written before it can.
        bad: what it never takes, with all that comes together with it.
        held: set while it may end what it has begun.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._numbers = 0
        self.away = 0
        self.bad: set[str] = set()
        self.held = asyncio.Event()
        self.held.set()
        self.began = asyncio.Event()
        self.together: list[int] = []

    async def write(self, texts: Sequence[str]) -> None:
        self.began.set()
        await self.held.wait()
        if self.away:
            self.away -= 1
            raise ApiError(Kinds.UNAVAILABLE, "away")
        await self._store.write(lambda tx: self._add(tx, texts))
        self.together.append(len(texts))

    async def _add(self, tx: Transaction, texts: Sequence[str]) -> None:
        for text in texts:
            command = CreateAccount(friendly_name=text, sealed_auth_token=b"sealed")
            await command.apply(tx, Operator(), 0, self._new_sid)
            if text in self.bad:
                raise ValueError(text)

    def _new_sid(self, prefix: str) -> str:
        self._numbers += 1
        return f"{prefix}{self._numbers:032x}"

    async def texts(self) -> list[str]:
        """What is durable."""
        async with self._store.reading() as tx:
            return [account.friendly_name for account in await tx.accounts.all()]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gatherings, "RETRY_SECONDS", 0.01)


@pytest.fixture
def shelf(store: Store) -> Shelf:
    return Shelf(store)


@asynccontextmanager
async def a_gathering(shelf: Shelf) -> AsyncIterator[Gathering[str]]:
    gathering = Gathering[str](shelf.write)
    running = asyncio.create_task(gathering.run())
    try:
        yield gathering
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.wait_for(running, PATIENCE_SECONDS)


async def saved(gathering: Gathering[str], *texts: str) -> list[BaseException | None]:
    """Save texts at once, and return what each was told."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        return await asyncio.gather(*map(gathering.save, texts), return_exceptions=True)


async def test_what_is_saved_is_durable_before_whoever_saves_it_is_told(shelf: Shelf) -> None:
    async with a_gathering(shelf) as gathering:
        shelf.held.clear()
        saving = asyncio.create_task(gathering.save("one"))
        await shelf.began.wait()
        assert not saving.done()
        assert await shelf.texts() == []

        shelf.held.set()
        await asyncio.wait_for(saving, PATIENCE_SECONDS)

        assert await shelf.texts() == ["one"]


async def test_what_comes_while_something_is_written_is_written_together(shelf: Shelf) -> None:
    async with a_gathering(shelf) as gathering:
        shelf.held.clear()
        first = asyncio.create_task(gathering.save("first"))
        await shelf.began.wait()
        others = [asyncio.create_task(gathering.save(f"text {number}")) for number in range(50)]
        await asyncio.sleep(0)
        shelf.held.set()
        await asyncio.wait_for(asyncio.gather(first, *others), PATIENCE_SECONDS)

    assert shelf.together == [1, 50]
    assert await shelf.texts() == ["first", *(f"text {number}" for number in range(50))]


async def test_not_more_than_a_number_is_written_together(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gatherings, "MOST", 4)
    async with a_gathering(shelf) as gathering:
        assert await saved(gathering, *(str(number) for number in range(10))) == [None] * 10

    assert shelf.together == [4, 4, 2]


async def test_nothing_is_lost_while_the_store_is_away(shelf: Shelf) -> None:
    shelf.away = 3
    async with a_gathering(shelf) as gathering:
        assert await saved(gathering, "one", "two") == [None, None]

    assert await shelf.texts() == ["one", "two"]
    assert shelf.away == 0


async def test_what_comes_while_the_store_is_away_stands_behind_what_waits(shelf: Shelf) -> None:
    shelf.away = 2
    async with a_gathering(shelf) as gathering:
        first = asyncio.create_task(gathering.save("first"))
        await shelf.began.wait()
        assert await saved(gathering, "second") == [None]
        await asyncio.wait_for(first, PATIENCE_SECONDS)

    assert await shelf.texts() == ["first", "second"]


async def test_one_that_cannot_be_written_harms_none_of_the_others(shelf: Shelf) -> None:
    shelf.bad.add("bad")
    async with a_gathering(shelf) as gathering:
        told = await saved(gathering, "one", "bad", "two")
        assert await saved(gathering, "three") == [None]

    assert [type(one) for one in told] == [type(None), ValueError, type(None)]
    assert await shelf.texts() == ["one", "two", "three"]


async def test_one_that_cannot_be_written_is_not_tried_for_ever(shelf: Shelf) -> None:
    shelf.bad.add("bad")
    async with a_gathering(shelf) as gathering:
        (told,) = await saved(gathering, "bad")

    assert isinstance(told, ValueError)
    assert await shelf.texts() == []


async def test_what_is_left_is_written_at_the_end(shelf: Shelf) -> None:
    async with a_gathering(shelf) as gathering:
        await asyncio.sleep(0)
        saving = [asyncio.create_task(gathering.save(text)) for text in ("one", "two")]
        await asyncio.sleep(0)

    await asyncio.wait_for(asyncio.gather(*saving), PATIENCE_SECONDS)
    assert await shelf.texts() == ["one", "two"]


async def test_what_is_being_written_at_the_end_is_written_once(shelf: Shelf) -> None:
    async with a_gathering(shelf) as gathering:
        shelf.held.clear()
        saving = [asyncio.create_task(gathering.save("one"))]
        await shelf.began.wait()
        saving.append(asyncio.create_task(gathering.save("two")))
        await asyncio.sleep(0)
        asyncio.get_running_loop().call_soon(shelf.held.set)  # when it is cancelled already

    await asyncio.wait_for(asyncio.gather(*saving), PATIENCE_SECONDS)
    assert await shelf.texts() == ["one", "two"]


async def test_it_ends_although_the_store_is_away(shelf: Shelf) -> None:
    async with a_gathering(shelf) as gathering:
        shelf.away = 1_000_000
        saving = asyncio.create_task(gathering.save("one"))
        await shelf.began.wait()

    assert not saving.done()
    saving.cancel()
    assert await shelf.texts() == []


async def test_who_does_not_wait_any_more_holds_up_nobody(shelf: Shelf) -> None:
    async with a_gathering(shelf) as gathering:
        shelf.held.clear()
        impatient, patient = [asyncio.create_task(gathering.save(text)) for text in ("one", "two")]
        await shelf.began.wait()
        impatient.cancel()
        shelf.held.set()
        await asyncio.wait_for(patient, PATIENCE_SECONDS)

    assert await shelf.texts() == ["one", "two"]


async def test_who_does_not_wait_any_more_is_not_told_of_a_mistake(shelf: Shelf) -> None:
    shelf.bad.add("bad")
    async with a_gathering(shelf) as gathering:
        shelf.held.clear()
        impatient, patient = [asyncio.create_task(gathering.save(text)) for text in ("bad", "one")]
        await shelf.began.wait()
        impatient.cancel()
        await asyncio.wait([impatient])
        shelf.held.set()
        await asyncio.wait_for(patient, PATIENCE_SECONDS)

    assert await shelf.texts() == ["one"]
