"""What is particular to SQLite: group commit, a lock that others may hold, and a disk that may fill up."""

from __future__ import annotations

import asyncio
import resource
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, cast

import apsw
import pytest

from chinwag.errors import ApiError, Kinds
from chinwag.storage import sqlite
from storage.builders import DEADLINE_SECONDS, Change, a_key, adding, an_account, an_event, kept_accounts, sid
from storage.outside import Commits, accounts_outside, held_commits, writer_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chinwag.domain.unit import Store, Transaction


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "chinwag.db"


@pytest.fixture
def database(path: Path) -> str:
    return f"sqlite:///{path}"


async def test_who_only_reads_cannot_write(store: Store) -> None:
    """The types do not let them; nor does the connection."""
    with pytest.raises(ApiError) as refused:
        async with store.reading() as questions:
            await adding(1)(cast("Transaction", questions))

    assert refused.value.kind is Kinds.UNAVAILABLE
    assert await kept_accounts(store) == []


# Group commit


async def test_changes_that_arrive_during_a_commit_share_the_next_one(
    store: Store, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "BATCH_SECONDS", DEADLINE_SECONDS)
    counted = Commits(store)
    async with held_commits(store, database) as commits:
        first = asyncio.create_task(store.write(adding(0)))
        await commits.reached()

        callers = [asyncio.create_task(store.write(adding(number))) for number in range(1, 51)]
        await asyncio.sleep(0)
        await commits.release()
        await asyncio.gather(first, *callers)

    assert counted.count == 2


async def test_at_most_256_changes_share_a_commit(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "BATCH_SECONDS", DEADLINE_SECONDS)
    commits = Commits(store)

    await asyncio.gather(*(store.write(adding(number)) for number in range(600)))

    assert commits.count == 3
    assert len(await kept_accounts(store)) == 600


async def test_slow_changes_do_not_hold_the_event_loop_as_one_batch(store: Store) -> None:
    commits = Commits(store)

    async def slow(_tx: Transaction) -> None:
        until = time.perf_counter() + sqlite.BATCH_SECONDS
        while time.perf_counter() < until:
            pass

    await asyncio.gather(*(store.write(slow) for _ in range(5)))

    assert commits.count == 5


async def test_a_change_whose_caller_left_before_its_turn_is_not_carried_out(
    store: Store, database: str
) -> None:
    async with held_commits(store, database) as commits:
        callers = [asyncio.create_task(store.write(adding(0)))]
        await commits.reached()
        callers += [asyncio.create_task(store.write(adding(number))) for number in range(1, 5)]
        await asyncio.sleep(0)
        callers[2].cancel()
        await commits.release()
        await asyncio.wait(callers)

    assert sorted(await kept_accounts(store)) == [sid("AC", number) for number in (0, 1, 3, 4)]


@pytest.mark.check(34, on="sqlite")
async def test_closing_finishes_every_change_that_waits(store: Store, database: str) -> None:
    async with held_commits(store, database) as commits:
        callers = [asyncio.create_task(store.write(adding(0)))]
        await commits.reached()
        callers += [asyncio.create_task(store.write(adding(number))) for number in range(1, 20)]
        closing = asyncio.create_task(store.close())
        await asyncio.sleep(0)

        await commits.release()
        await closing

    assert [caller.result()[0] for caller in callers] == [sid("AC", number) for number in range(20)]
    assert await accounts_outside(database) == [sid("AC", number) for number in range(20)]


@pytest.mark.parametrize("others", [0, 10])
async def test_a_change_that_awaits_something_else_is_refused_and_leaves_nothing(
    store: Store, others: int
) -> None:
    async def change(tx: Transaction) -> None:
        await adding(100)(tx)
        await asyncio.sleep(0)

    answers = await asyncio.gather(
        store.write(change),
        *(store.write(adding(number)) for number in range(others)),
        return_exceptions=True,
    )

    assert isinstance(answers[0], RuntimeError)
    assert answers[1:] == [(sid("AC", number), [an_event(number)]) for number in range(others)]
    assert sorted(await kept_accounts(store)) == [sid("AC", number) for number in range(others)]


# A lock that another process holds


async def test_a_change_waits_for_another_writer_while_the_event_loop_goes_on(
    store: Store, path: Path
) -> None:
    with locked(path):
        caller = asyncio.create_task(store.write(adding(1)))
        seen = [await kept_accounts_at_the_next_turn(store) for _ in range(20)]
        answered = caller.done()

    async with asyncio.timeout(DEADLINE_SECONDS):
        await caller
    assert (answered, seen) == (False, [[]] * 20)
    assert await kept_accounts(store) == [sid("AC", 1)]


async def test_changes_that_wait_for_another_writer_are_all_carried_out(store: Store, path: Path) -> None:
    with locked(path):
        callers = [asyncio.create_task(store.write(adding(number))) for number in range(10)]
        await asyncio.sleep(0)

    async with asyncio.timeout(DEADLINE_SECONDS):
        await asyncio.gather(*callers)
    assert len(await kept_accounts(store)) == 10


async def test_a_writer_that_does_not_let_go_makes_changes_unavailable_until_it_does(
    store: Store, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0.02)
    async with asyncio.timeout(DEADLINE_SECONDS):
        with locked(path):
            answers = await asyncio.gather(
                *(store.write(adding(number)) for number in range(5)), return_exceptions=True
            )

        await store.write(adding(100))

    assert [unavailable(answer) for answer in answers] == [True] * 5
    assert await kept_accounts(store) == [sid("AC", 100)]


async def test_what_another_process_writes_is_seen_by_the_next_question(store: Store, path: Path) -> None:
    before = await kept_accounts(store)
    with locked(path) as other:
        other.execute("INSERT INTO account VALUES (1, 'AC1', 'Other', x'00', 0)")
        other.execute("INSERT INTO api_key VALUES (1, 'SK1', 1, 'Other', x'00', 0)")

    assert (before, await kept_accounts(store)) == ([], ["AC1"])


# A disk that is full


async def too_large_a_token(tx: Transaction) -> None:
    """A change that begins small and then needs too much room, for which SQLite gives up one statement."""
    await adding(100)(tx)
    await tx.accounts.set_auth_token(sid("AC", 100), bytes(1_000_000))


async def too_large_a_key_check(tx: Transaction) -> None:
    """The same with a plain UPDATE, for which SQLite gives up the transaction and everything in it."""
    await adding(100)(tx)
    await tx.installation.keep_key_check(bytes(1_000_000))


too_large = pytest.mark.parametrize("large", [too_large_a_token, too_large_a_key_check])


@pytest.mark.check(3, on="sqlite")
@too_large
async def test_a_change_that_the_full_disk_refuses_is_unavailable_and_leaves_nothing(
    store: Store, large: Change
) -> None:
    with full_disk(store):
        refused = await asyncio.gather(store.write(large), return_exceptions=True)

    assert [unavailable(answer) for answer in refused] == [True]
    assert await kept_accounts(store) == []


@pytest.mark.check(3, on="sqlite")
@too_large
async def test_changes_beside_one_that_fills_the_disk_are_kept_or_refused_as_they_are_told(
    store: Store, large: Change
) -> None:
    changes = [large if number == 5 else adding(number) for number in range(10)]

    with full_disk(store):
        answers = await asyncio.gather(*(store.write(change) for change in changes), return_exceptions=True)

    assert unavailable(answers[5])
    assert all(isinstance(answer, tuple) or unavailable(answer) for answer in answers)
    assert await kept_accounts(store) == [answer[0] for answer in answers if isinstance(answer, tuple)]


@pytest.mark.check(3, on="sqlite")
@too_large
async def test_questions_are_answered_while_the_disk_is_full(store: Store, large: Change) -> None:
    await store.write(adding(1))

    with full_disk(store):
        await asyncio.gather(store.write(large), return_exceptions=True)
        seen = await kept_accounts(store)

    assert seen == [sid("AC", 1)]


@pytest.mark.check(3, on="sqlite")
@too_large
async def test_changes_go_on_once_the_disk_has_room_again(store: Store, large: Change) -> None:
    with full_disk(store):
        await asyncio.gather(store.write(large), return_exceptions=True)

    await store.write(large)

    assert await kept_accounts(store) == [sid("AC", 100)]


@pytest.mark.check(5, on="sqlite")
async def test_a_commit_that_the_disk_refuses_is_unavailable_to_all_who_share_it(
    store: Store, path: Path
) -> None:
    with limited_files(path):
        answers = await asyncio.gather(
            *(store.write(adding(number)) for number in range(300, 500)), return_exceptions=True
        )
        reading_goes_on = await kept_accounts(store)
    after, _ = await store.write(adding(1))

    kept = [answer[0] for answer in answers if isinstance(answer, tuple)]
    assert any(unavailable(answer) for answer in answers)
    assert all(isinstance(answer, tuple) or unavailable(answer) for answer in answers)
    assert reading_goes_on == kept
    assert await kept_accounts(store) == [*kept, after]


# The file


async def test_a_question_after_a_question_sees_what_was_committed_between_them(store: Store) -> None:
    account = await an_account(store)

    async with store.reading() as tx:
        await tx.accounts.get(account.sid)
        await a_key(store, account)
        keys = await tx.accounts.keys(account)

    assert len(keys) == 1


@pytest.mark.check(2, on="sqlite")
async def test_every_commit_waits_for_the_disk(store: Store) -> None:
    full = 2

    synchronous = writer_of(store).pragma("synchronous")

    assert synchronous == full


def unavailable(answer: object) -> bool:
    return isinstance(answer, ApiError) and answer.kind is Kinds.UNAVAILABLE


async def kept_accounts_at_the_next_turn(store: Store) -> list[str]:
    await asyncio.sleep(0)
    return await kept_accounts(store)


@contextmanager
def locked(path: Path) -> Iterator[apsw.Connection]:
    """Hold the write lock of a database file, as a command line beside the server does."""
    other = apsw.Connection(str(path))
    other.execute("BEGIN IMMEDIATE")
    try:
        yield other
    finally:
        other.execute("COMMIT")
        other.close()


@contextmanager
def full_disk(store: Store) -> Iterator[None]:
    """Let the database file grow by a few pages only."""
    connection = writer_of(store)
    connection.pragma("max_page_count", connection.pragma("page_count") + 10)
    try:
        yield
    finally:
        connection.pragma("max_page_count", 2**31)


@contextmanager
def limited_files(path: Path) -> Iterator[None]:
    """Let no file grow far beyond the log of this database, so that COMMIT is what fails."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    size = Path(f"{path}-wal").stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 20_000, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
