"""What seldom happens to a store: commits that fail, callers that leave, races without an end."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import apsw
import asyncpg
import pytest
from msgspec.structs import replace

from chinwag.domain.unit import OvertakenError
from chinwag.errors import ApiError, Kinds
from chinwag.storage.postgres import BEGINNINGS, PostgresDatabase, PostgresStore
from chinwag.storage.sqlite import SqliteStore
from chinwag.storage.store import open_store
from storage.builders import (
    DEADLINE_SECONDS,
    a_channel,
    a_key,
    a_service,
    a_user,
    a_user_channel,
    adding,
    an_account,
    clear,
    kept_accounts,
    new_service,
    sid,
)
from storage.outside import ask, writer_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from chinwag.domain.unit import Store, Transaction

WAITING = """
    SELECT count(*)
    FROM pg_stat_activity
    WHERE application_name = 'chinwag' AND wait_event_type = 'Lock' AND datname = current_database()
"""


@pytest.fixture
async def on_sqlite(tmp_path: Path) -> AsyncIterator[Store]:
    found = await open_store(f"sqlite:///{tmp_path}/chinwag.db", serving=False, now=0, connections=1)
    yield found
    await found.close()


@pytest.fixture
async def on_postgres(emptied_database: str) -> AsyncIterator[PostgresStore]:
    found = await PostgresStore.open(emptied_database, connections=4)
    yield found
    await found.close()


# SQLite


async def test_changes_go_on_after_a_commit_that_left_its_transaction_open(on_sqlite: Store) -> None:
    nobody = replace(await an_account(on_sqlite), id=404)

    async def check_at_the_end(_tx: Transaction) -> None:
        writer_of(on_sqlite).execute("PRAGMA defer_foreign_keys = ON")

    answers = await asyncio.gather(
        on_sqlite.write(check_at_the_end),
        a_key(on_sqlite, nobody, 7),
        on_sqlite.write(adding(2)),
        return_exceptions=True,
    )
    left_open = writer_of(on_sqlite).in_transaction
    await on_sqlite.write(adding(3))

    assert [type(answer) for answer in answers] == [apsw.ConstraintError] * 3
    assert left_open
    async with on_sqlite.reading() as tx:
        assert [account.sid for account in await tx.accounts.all()] == [sid("AC", 1), sid("AC", 3)]


async def test_a_question_that_the_file_system_refuses_is_unavailable(
    on_sqlite: Store, tmp_path: Path
) -> None:
    assert isinstance(on_sqlite, SqliteStore)
    reader = on_sqlite._reader  # noqa: SLF001  # there is no other way to let a real question fail

    with pytest.raises(ApiError) as refusal:
        async with on_sqlite.reading():
            reader.execute("ATTACH $1 AS another", (f"{tmp_path}/nowhere/chinwag.db",))

    assert refusal.value.kind is Kinds.UNAVAILABLE
    assert await kept_accounts(on_sqlite) == []


# PostgreSQL


async def test_a_caller_who_leaves_while_the_statement_is_on_its_way_harms_no_other(
    on_postgres: PostgresStore, emptied_database: str
) -> None:
    account = await an_account(on_postgres)
    beside = await asyncpg.connect(emptied_database)

    async with asyncio.timeout(DEADLINE_SECONDS):
        async with beside.transaction():
            await beside.execute("LOCK TABLE service IN ACCESS EXCLUSIVE MODE")
            tasks = [
                asyncio.ensure_future(
                    on_postgres.write(
                        lambda tx, number=number: tx.services.add(
                            account.id, new_service(account, number), []
                        )
                    )
                )
                for number in range(5)
            ]
            while not await beside.fetchval(WAITING):  # noqa: ASYNC110  # PostgreSQL tells only who asks
                await asyncio.sleep(0)
            tasks[2].cancel()
        answers = await asyncio.gather(*tasks, return_exceptions=True)
    await beside.close()

    assert [number for number, answer in enumerate(answers) if isinstance(answer, BaseException)] == [2]
    kept = await ask(emptied_database, "SELECT sid FROM service ORDER BY sid")
    assert [row[0] for row in kept] == [new_service(account, number).sid for number in range(5)]


async def test_a_change_that_others_overtake_without_an_end_is_unavailable(
    on_postgres: PostgresStore,
) -> None:
    begun = 0

    async def change(tx: Transaction) -> None:
        nonlocal begun
        begun += 1
        await tx.installation.raise_generation()
        raise OvertakenError

    with pytest.raises(ApiError) as refusal:
        await on_postgres.write(change)

    assert (refusal.value.kind, begun) == (Kinds.UNAVAILABLE, BEGINNINGS)
    async with on_postgres.reading() as tx:
        assert await tx.installation.generation() == 1


async def test_a_connection_that_only_reads_runs_statements_as_any_other(emptied_database: str) -> None:
    async with (
        asyncpg.create_pool(emptied_database, min_size=1, max_size=1) as pool,
        pool.acquire() as connection,
    ):
        database = PostgresDatabase(connection)
        await database.execute("CREATE TEMPORARY TABLE tea (kind text)")
        await database.execute_many("INSERT INTO tea VALUES ($1)", [("green",), ("black",)])
        rows = await database.rows("SELECT kind FROM tea WHERE kind = ANY($1)", database.array(["green"]))
        numbered = "SELECT place, kind FROM unnest($1::text[]) WITH ORDINALITY AS given(kind, place)"
        row = await database.together(numbered, ["white"])

    assert [row[0] for row in rows] == ["green"]
    assert row is not None
    assert tuple(row) == (1, "white")


# Both


async def test_a_user_with_more_channels_than_go_at_once_goes_in_several_steps(
    store: Store, database: str
) -> None:
    service = await a_service(store, await an_account(store))
    user = await a_user(store, service)
    for number in range(1, 6):
        await a_user_channel(store, await a_channel(store, service, number), user)
    await store.write(lambda tx: tx.services.remove(service))

    await clear(store, 2)

    (left,) = await ask(database, 'SELECT (SELECT count(*) FROM "user"), (SELECT count(*) FROM user_channel)')
    assert tuple(left) == (0, 0)
