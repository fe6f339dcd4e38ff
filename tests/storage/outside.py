"""What somebody beside the store sees of its database, and can do to it."""

from __future__ import annotations

import asyncio
import threading
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import apsw
import asyncpg

from chinwag.storage.sqlite import SqliteStore
from chinwag.storage.store import sqlite_path
from storage.builders import DEADLINE_SECONDS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from chinwag.domain.unit import Store

GATE = 42
"""Key of the advisory lock at which a held COMMIT waits in PostgreSQL."""


async def accounts_outside(database: str) -> list[str]:
    """The accounts that a connection of its own sees."""
    return [row[0] for row in await ask(database, "SELECT sid FROM account ORDER BY sid")]


async def ask(database: str, sql: str) -> list[Any]:
    """Run a statement on a connection of its own."""
    path = sqlite_path(database)
    if path is not None:
        with_sqlite = apsw.Connection(str(path))
        try:
            return with_sqlite.execute(sql).fetchall()
        finally:
            with_sqlite.close()
    with_postgres = await asyncpg.connect(database)
    try:
        return await with_postgres.fetch(sql)
    finally:
        await with_postgres.close()


def writer_of(store: Store) -> apsw.Connection:
    """The connection that a SQLite store writes with: limits and hooks belong to a connection."""
    assert isinstance(store, SqliteStore)
    return store._connection  # noqa: SLF001  # there is no other way to make a real disk slow or full


class Commits:
    """Counts the COMMITs of a SQLite store."""

    def __init__(self, store: Store) -> None:
        self.count = 0
        writer_of(store).set_commit_hook(self._hook, id=self)

    def _hook(self) -> bool:
        self.count += 1
        return False  # go on


class Steps:
    """Counts what SQLite's machine does for the questions to a store, from mark to mark."""

    def __init__(self, store: Store) -> None:
        assert isinstance(store, SqliteStore)
        self.marks: list[int] = []
        self._count = 0
        store._reader.set_progress_handler(self._hook, 1)  # noqa: SLF001  # handlers belong to a connection

    def mark(self) -> None:
        self.marks.append(self._count)
        self._count = 0

    def _hook(self) -> bool:
        self._count += 1
        return False  # go on


@dataclass(frozen=True)
class HeldCommits:
    """COMMITs that stop half way until they are let go.

    Args:
        reached: waits until a COMMIT has come so far.
        release: lets this one and all later ones go on.
    """

    reached: Callable[[], Awaitable[object]]
    release: Callable[[], Awaitable[object]]


@asynccontextmanager
async def held_commits(store: Store, database: str) -> AsyncIterator[HeldCommits]:
    """Hold the COMMITs of a store that add accounts."""
    held = _held_in_sqlite(store) if isinstance(store, SqliteStore) else _held_in_postgres(database)
    async with asyncio.timeout(DEADLINE_SECONDS), held as commits:
        yield commits


@asynccontextmanager
async def _held_in_sqlite(store: Store) -> AsyncIterator[HeldCommits]:
    """SQLite calls the commit hook in the thread of the COMMIT, before anything is written to the disk."""
    loop = asyncio.get_running_loop()
    reached = asyncio.Event()
    gate = threading.Event()

    def hook() -> bool:
        loop.call_soon_threadsafe(reached.set)
        gate.wait(DEADLINE_SECONDS)
        return False  # go on

    async def release() -> None:
        gate.set()

    writer_of(store).set_commit_hook(hook)
    try:
        yield HeldCommits(reached.wait, release)
    finally:
        gate.set()


@asynccontextmanager
async def _held_in_postgres(database: str) -> AsyncIterator[HeldCommits]:
    """PostgreSQL runs a deferred trigger inside the COMMIT; ours waits for a lock that we hold."""
    await ask(
        database,
        f"""
        DO $do$ BEGIN
            CREATE FUNCTION wait_at_gate() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN PERFORM pg_advisory_xact_lock_shared({GATE}); RETURN NULL; END
            $$;
            CREATE CONSTRAINT TRIGGER gate AFTER INSERT ON account DEFERRABLE INITIALLY DEFERRED
                FOR EACH ROW EXECUTE FUNCTION wait_at_gate();
        END $do$
        """,
    )
    keeper = await asyncpg.connect(database)

    async def reached() -> None:
        waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        while not await keeper.fetchval(waiting):
            pass

    try:
        await keeper.execute(f"SELECT pg_advisory_lock({GATE})")
        yield HeldCommits(reached, lambda: keeper.execute("SELECT pg_advisory_unlock_all()"))
    finally:
        await keeper.close()
        await ask(database, "DROP FUNCTION wait_at_gate CASCADE")
