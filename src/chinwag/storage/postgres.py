"""PostgreSQL: each change is a transaction of its own on a pooled connection.

PostgreSQL lets concurrent COMMITs share a flush of its log, which is its group commit. Changes lock rows in
one fixed order (service, channel, users by key, the rest), and a change that loses a race all the same is
tried again from the beginning. See docs/decisions/0002-store-and-group-commit.md.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import asyncpg

from chinwag.errors import ApiError, Kinds
from chinwag.storage.migrations import migrations, pending
from chinwag.storage.store import StoreCannotOpenError
from chinwag.storage.unit import Unit

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
    from contextlib import AbstractAsyncContextManager

    from asyncpg.pool import PoolConnectionProxy

    from chinwag.domain.events import AnyEvent
    from chinwag.domain.unit import Transaction

R = TypeVar("R")

TRIES = 4
"""How often a change that lost a race (40001, 40P01) is tried in all."""

STATEMENT_SECONDS = 10.0
"""Longest wait for one statement or for a free connection, in seconds."""

_MIGRATION_LOCK = 0x43_68_69_6E_77_61_67
"""Key of the advisory lock under which one node at a time migrates: "Chinwag" in ASCII."""

_LOST_RACE = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError)

_UNAVAILABLE = (
    asyncpg.PostgresConnectionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)


class PostgresDatabase:
    """One connection, as `chinwag.storage.database` asks for."""

    def __init__(self, connection: PoolConnectionProxy) -> None:
        self.row = connection.fetchrow
        self.rows = connection.fetch
        self._connection = connection

    async def execute(self, sql: str, *values: object) -> None:
        """Run a statement that returns nothing."""
        await self._connection.execute(sql, *values)

    async def execute_many(self, sql: str, values: Sequence[Sequence[object]]) -> None:
        """Run a statement once for each row of values, in one round trip."""
        await self._connection.executemany(sql, values)


class PostgresStore:
    """A store in a PostgreSQL database. Make one with `open`."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    @classmethod
    async def open(cls, url: str, *, connections: int = 16, now: int = 0) -> PostgresStore:
        """Connect, and bring the database up to this release.

        Args:
            url: `postgresql://…`.
            connections: most connections at a time.
            now: the moment to note beside each migration.

        Raises:
            DatabaseTooNewError: a newer release wrote it.
            StoreCannotOpenError: the server cannot be reached or refuses.
        """
        try:
            pool = await _connected(url, connections)
        except (OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise StoreCannotOpenError(_cannot_be_used(url, error)) from error
        store = cls(pool)
        try:
            async with store._acquired() as connection:  # noqa: SLF001  # its own class
                await _migrate(connection, now)
        except BaseException:
            pool.terminate()
            raise
        return store

    async def write(
        self, change: Callable[[Transaction], Coroutine[Any, Any, R]]
    ) -> tuple[R, list[AnyEvent]]:
        """Carry out a change in a transaction of its own and return its result and events, durable."""
        for _ in range(TRIES):
            try:
                return await self._attempt(change)
            except _LOST_RACE:
                continue
            except _UNAVAILABLE as error:
                raise _unavailable("written", error) from error
        raise ApiError(Kinds.UNAVAILABLE, f"the change lost {TRIES} races against others")

    @asynccontextmanager
    async def reading(self) -> AsyncGenerator[Unit]:
        """Ask questions."""
        try:
            async with self._acquired() as connection:
                yield Unit(PostgresDatabase(connection))
        except _UNAVAILABLE as error:
            raise _unavailable("read", error) from error

    async def close(self) -> None:
        """Wait for what is under way and close the connections."""
        try:
            async with asyncio.timeout(STATEMENT_SECONDS):
                await self._pool.close()
        except TimeoutError:
            self._pool.terminate()

    def _acquired(self) -> AbstractAsyncContextManager[PoolConnectionProxy]:
        return self._pool.acquire(timeout=STATEMENT_SECONDS)  # type: ignore[return-value]

    async def _attempt(
        self, change: Callable[[Transaction], Coroutine[Any, Any, R]]
    ) -> tuple[R, list[AnyEvent]]:
        async with self._acquired() as connection:
            unit = Unit(PostgresDatabase(connection))
            async with connection.transaction():
                result = await change(unit)
            return result, unit.take_events()


async def _connected(url: str, connections: int) -> asyncpg.Pool:
    return await asyncpg.create_pool(
        url,
        min_size=1,
        max_size=connections,
        command_timeout=STATEMENT_SECONDS,
        timeout=STATEMENT_SECONDS,
        statement_cache_size=1000,
        max_inactive_connection_lifetime=0,
        reset=_leave_as_it_is,
        server_settings={"application_name": "chinwag"},
    )


async def _leave_as_it_is(_connection: object) -> None:
    """Reset nothing between two uses: no statement of ours leaves anything behind in a session."""


def _cannot_be_used(url: str, error: BaseException) -> str:
    host = urlsplit(url).hostname or "the local socket"
    return f"the PostgreSQL database at {host} cannot be used: {error or type(error).__name__}"


def _unavailable(done: str, error: BaseException) -> ApiError:
    return ApiError(Kinds.UNAVAILABLE, f"the database cannot be {done}: {error or type(error).__name__}")


async def _migrate(connection: PoolConnectionProxy, now: int) -> None:
    """Bring the database up to this release, one node at a time."""
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _MIGRATION_LOCK)
        await connection.execute(
            """
            CREATE TABLE IF NOT EXISTS migration (
                version integer PRIMARY KEY, name text NOT NULL, date_applied bigint NOT NULL
            )
            """
        )
        version = await connection.fetchval("SELECT coalesce(max(version), 0) FROM migration")
        for step in pending(migrations("postgres"), version):
            await connection.execute(step.sql)
            await connection.execute(
                "INSERT INTO migration VALUES ($1, $2, $3)", step.version, step.name, now
            )
