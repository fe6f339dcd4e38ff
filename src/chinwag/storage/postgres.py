"""PostgreSQL: a change is a transaction of its own on a pooled connection, or a statement in a lane.

A change that is one statement is gathered with others like it (`lane.py`). Any other is a transaction, and
PostgreSQL lets their COMMITs share a flush of its log. Changes lock rows in one fixed order (service,
channel, users by key, the rest), and a change that loses a race all the same is tried again from the
beginning. See docs/decisions/0002-store-and-group-commit.md.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar, cast
from urllib.parse import urlsplit

import asyncpg

from chinwag.domain.unit import OvertakenError
from chinwag.errors import ApiError, Kinds
from chinwag.storage.lane import Lane, as_set, repeated
from chinwag.storage.migrations import migrations, pending
from chinwag.storage.store import StoreCannotOpenError
from chinwag.storage.unit import Unit

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence

    from asyncpg.pool import PoolConnectionProxy

    from chinwag.domain.event import Event
    from chinwag.domain.unit import Transaction
    from chinwag.storage.database import Row
    from chinwag.storage.lane import Borrow, Send, Values

R = TypeVar("R")

TRIES = 4
"""How often a change that lost a race (40001, 40P01, 23505, 23503) is tried in all."""

BEGINNINGS = 100
"""How often a change that others overtake begins in all: each time somebody else has got on."""

STATEMENT_SECONDS = 10.0
"""Longest wait for one statement or for a free connection, in seconds."""

CLOSE_SECONDS = 1.0
"""Longest wait for changes under way when the store closes, in seconds: a server has waited before."""

_MIGRATION_LOCK = 0x43_68_69_6E_77_61_67
"""Key of the advisory lock under which one node at a time migrates: "Chinwag" in ASCII."""

_LOST_RACE = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError)

_OVERTAKEN = (
    asyncpg.UniqueViolationError,  # somebody else took the name meanwhile
    asyncpg.ForeignKeyViolationError,  # what it belongs to has gone meanwhile, or got something new
)
"""What fresh reads will tell of, unless it is a mistake of ours."""

_UNAVAILABLE = (
    asyncpg.PostgresConnectionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.PostgresSystemError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)

_CANNOT_OPEN = (OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError)


class PostgresDatabase:
    """One connection for questions, as `chinwag.storage.database` asks for."""

    takes_sets = True

    def __init__(self, connection: PoolConnectionProxy) -> None:
        self._connection = connection

    def array(self, values: Sequence[object]) -> object:
        """Return a list as the parameter of `= ANY($n)`."""
        return values

    async def row(self, sql: str, *values: object) -> Row | None:
        """Return the first row, or None."""
        return await self._connection.fetchrow(sql, *values)

    async def rows(self, sql: str, *values: object) -> Sequence[Row]:
        """Return every row."""
        return await self._connection.fetch(sql, *values)

    async def together(self, sql: str, values: Sequence[object]) -> Row | None:
        """Run a statement for sets, for one row of values."""
        return await self._connection.fetchrow(sql, *([value] for value in values))

    async def execute(self, sql: str, *values: object) -> None:
        """Run a statement that returns nothing."""
        await self._connection.execute(sql, *values)

    async def execute_many(self, sql: str, values: Sequence[Sequence[object]]) -> None:
        """Run a statement once for each row of values, in one round trip."""
        await self._connection.executemany(sql, values)


class PostgresTransaction:
    """A change on PostgreSQL: a transaction that begins when it must, and asks as little as it can.

    What a statement returns has to be waited for; a statement that returns nothing waits here until something
    is asked or the change ends. A change that comes down to one statement needs no transaction of its own.
    """

    takes_sets = True

    def __init__(self, borrow: Borrow, end: AsyncExitStack, lane_of: Callable[[str], Lane]) -> None:
        """Work on a connection that is borrowed when it is needed.

        What was begun is committed or rolled back where `end` ends. `lane_of` returns the lane of a statement
        for sets.
        """
        self._borrow = borrow
        self._end = end
        self._lane_of = lane_of
        self._over = False
        self._connection: PoolConnectionProxy | None = None
        self._deferred: list[tuple[str, Values]] = []

    async def row(self, sql: str, *values: object) -> Row | None:
        """Return the first row, or None."""
        return await (await self._begun()).fetchrow(sql, *values)

    async def rows(self, sql: str, *values: object) -> Sequence[Row]:
        """Return every row."""
        return await (await self._begun()).fetch(sql, *values)

    def array(self, values: Sequence[object]) -> object:
        """Return a list as the parameter of `= ANY($n)`."""
        return values

    async def together(self, sql: str, values: Sequence[object]) -> Row | None:
        """Run a statement for sets, for one row of values: in a lane, if it is the first of its change."""
        if self._connection is None and not self._deferred and not self._over:
            row = await self._lane_of(sql).run(values)
            self._over = row is not None  # without one nothing was done, and the change may go on
            return row
        return await (await self._begun()).fetchrow(sql, *([value] for value in values))

    async def execute(self, sql: str, *values: object) -> None:
        """Run a statement that returns nothing, at the latest when the change ends."""
        self._deferred.append((sql, [values]))

    async def execute_many(self, sql: str, values: Sequence[Sequence[object]]) -> None:
        """Run a statement once for each row of values, in one round trip, as late as `execute`."""
        self._deferred.append((sql, values))

    async def finish(self) -> tuple[str, Values] | None:
        """Run what has waited, or return the one statement that is all of the change."""
        if self._connection is None and len(self._deferred) == 1 and not self._over:
            return self._deferred.pop()
        if self._deferred:
            await self._begun()
        return None

    async def _begun(self) -> PoolConnectionProxy:
        """Return the connection, with the transaction begun and nothing waiting."""
        if self._over:
            raise RuntimeError("a change went on after the statement that was to be all of it")
        if self._connection is None:
            self._connection = await self._end.enter_async_context(self._borrow())
            await self._end.enter_async_context(self._connection.transaction())
        deferred, self._deferred = self._deferred, []
        for sql, values in deferred:
            await self._connection.executemany(sql, values)
        return self._connection


class PostgresStore:
    """A store in a PostgreSQL database. Make one with `open`."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._places = asyncio.Semaphore(pool.get_max_size())
        self._lanes: dict[str, Lane] = {}

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

    async def write(self, change: Callable[[Transaction], Coroutine[Any, Any, R]]) -> tuple[R, list[Event]]:
        """Carry out a change in a transaction of its own and return its result and events, durable."""
        lost = 0
        for _ in range(BEGINNINGS):
            try:
                return await self._attempt(change)
            except OvertakenError:
                continue
            except (*_LOST_RACE, *_OVERTAKEN) as error:
                lost += 1
                if lost == TRIES and isinstance(error, _OVERTAKEN):
                    raise
                if lost == TRIES:
                    break
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
            async with asyncio.timeout(CLOSE_SECONDS):
                for lane in self._lanes.values():
                    await lane.close()
                for _ in range(self._pool.get_max_size()):
                    await self._places.acquire()  # behind everybody who waits for a connection
                await self._pool.close()
        except TimeoutError:
            self._pool.terminate()

    @asynccontextmanager
    async def _acquired(self) -> AsyncGenerator[PoolConnectionProxy]:
        """Lend a connection, first come, first served: the pool itself lets newcomers pass those who wait."""
        if self._places.locked():
            async with asyncio.timeout(STATEMENT_SECONDS):
                await self._places.acquire()
        else:
            await self._places.acquire()
        try:
            connection = cast("PoolConnectionProxy", await self._pool.acquire())
            try:
                yield connection
            finally:
                await self._pool.release(connection)
        finally:
            self._places.release()

    async def _attempt(
        self, change: Callable[[Transaction], Coroutine[Any, Any, R]]
    ) -> tuple[R, list[Event]]:
        async with AsyncExitStack() as end:
            transaction = PostgresTransaction(self._acquired, end, self._lane_of_set)
            unit = Unit(transaction)
            result = await change(unit)
            only = await transaction.finish()
        if only is not None:
            sql, values = only
            await self._lane(sql, repeated).run(values)
        return result, unit.take_events()

    def _lane_of_set(self, sql: str) -> Lane:
        """Return the lane of a statement for sets."""
        return self._lane(sql, as_set)

    def _lane(self, sql: str, kind: Callable[[str], Send]) -> Lane:
        """Return the lane of a statement. Statements are constants, so there are few."""
        lane = self._lanes.get(sql)
        if lane is None:
            lane = self._lanes[sql] = Lane(kind(sql), self._acquired, _UNAVAILABLE)
        return lane


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
        server_settings={
            "application_name": "chinwag",
            # Every statement of ours finds a few rows by an index: there is nothing to plan anew.
            "plan_cache_mode": "force_generic_plan",
            "jit": "off",
            # The planner takes a page for a tenth of all, and would start workers to read it.
            "max_parallel_workers_per_gather": "0",
        },
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
