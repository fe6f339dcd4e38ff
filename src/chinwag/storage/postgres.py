"""PostgreSQL: each change is a transaction of its own on a pooled connection.

PostgreSQL lets concurrent COMMITs share a flush of its log, which is its group commit. Changes lock rows in
one fixed order (service, channel, users by key, the rest), and a change that loses a race all the same is
tried again from the beginning. See docs/decisions/0002-store-and-group-commit.md.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar, cast
from urllib.parse import urlsplit

import asyncpg

from chinwag.errors import ApiError, Kinds
from chinwag.storage.migrations import migrations, pending
from chinwag.storage.store import StoreCannotOpenError
from chinwag.storage.unit import Unit

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Sequence

    from asyncpg.pool import PoolConnectionProxy

    from chinwag.domain.events import AnyEvent
    from chinwag.domain.unit import Transaction
    from chinwag.storage.database import Row

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

_CANNOT_OPEN = (OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError)


class PostgresDatabase:
    """One connection for questions, as `chinwag.storage.database` asks for."""

    nests_inserts = True

    def __init__(self, connection: PoolConnectionProxy) -> None:
        self._connection = connection

    async def row(self, sql: str, *values: object) -> Row | None:
        """Return the first row, or None."""
        return await self._connection.fetchrow(sql, *values)

    async def rows(self, sql: str, *values: object) -> Sequence[Row]:
        """Return every row."""
        return await self._connection.fetch(sql, *values)

    async def execute(self, sql: str, *values: object) -> None:
        """Run a statement that returns nothing."""
        await self._connection.execute(sql, *values)

    async def execute_many(self, sql: str, values: Sequence[Sequence[object]]) -> None:
        """Run a statement once for each row of values, in one round trip."""
        await self._connection.executemany(sql, values)


class PostgresTransaction(PostgresDatabase):
    """One connection for a change: a transaction that begins when it must, and asks as little as it can.

    What a statement returns has to be waited for; a statement that returns nothing waits here until something
    is asked or the change ends. A change that comes down to one statement is then sent as just that, which
    PostgreSQL makes a transaction by itself: a quarter of the round trips, which are most of what it costs.
    """

    def __init__(self, connection: PoolConnectionProxy, end: AsyncExitStack) -> None:
        """Work on a connection. What was begun is committed or rolled back where `end` ends."""
        super().__init__(connection)
        self._end = end
        self._begun = False
        self._deferred: list[Callable[[], Awaitable[object]]] = []

    async def row(self, sql: str, *values: object) -> Row | None:
        """Return the first row, or None."""
        await self._catch_up()
        return await super().row(sql, *values)

    async def rows(self, sql: str, *values: object) -> Sequence[Row]:
        """Return every row."""
        await self._catch_up()
        return await super().rows(sql, *values)

    async def execute(self, sql: str, *values: object) -> None:
        """Run a statement that returns nothing, at the latest when the change ends."""
        self._deferred.append(lambda: self._connection.execute(sql, *values))

    async def execute_many(self, sql: str, values: Sequence[Sequence[object]]) -> None:
        """Run a statement once for each row of values, in one round trip, as late as `execute`."""
        self._deferred.append(lambda: self._connection.executemany(sql, values))

    async def finish(self) -> None:
        """Run what has waited; the change asks for nothing more."""
        if self._begun or len(self._deferred) > 1:
            await self._catch_up()
        else:
            await self._run_deferred()

    async def _catch_up(self) -> None:
        if not self._begun:
            self._begun = True
            await self._end.enter_async_context(self._connection.transaction())
        await self._run_deferred()

    async def _run_deferred(self) -> None:
        deferred, self._deferred = self._deferred, []
        for run in deferred:
            await run()


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
        except _CANNOT_OPEN as error:
            raise StoreCannotOpenError(_cannot_be_used(url, error)) from error
        store = cls(pool)
        try:
            async with store._acquired() as connection:
                await _migrate(connection, now)
        except BaseException as error:
            pool.terminate()
            if isinstance(error, _CANNOT_OPEN):
                raise StoreCannotOpenError(_cannot_be_used(url, error)) from error
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

    @asynccontextmanager
    async def _acquired(self) -> AsyncGenerator[PoolConnectionProxy]:
        # The pool's own time-out makes a task for each use, which costs more than the rest of it.
        async with asyncio.timeout(STATEMENT_SECONDS):
            connection = cast("PoolConnectionProxy", await self._pool.acquire())
        try:
            yield connection
        finally:
            await self._pool.release(connection)

    async def _attempt(
        self, change: Callable[[Transaction], Coroutine[Any, Any, R]]
    ) -> tuple[R, list[AnyEvent]]:
        async with self._acquired() as connection, AsyncExitStack() as end:
            transaction = PostgresTransaction(connection, end)
            unit = Unit(transaction)
            result = await change(unit)
            await transaction.finish()
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
    if isinstance(error, ValueError) and not isinstance(error, asyncpg.InterfaceError):
        # Its text quotes what it could not read, which may be a part of the password.
        return (
            "the address of the PostgreSQL database is malformed: percent-encode characters such as / ? # "
            "in its user name and password"
        )
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
