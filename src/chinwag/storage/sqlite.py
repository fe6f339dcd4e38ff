"""SQLite: everything in one file, with group commit.

One connection writes. While one COMMIT is on its way to the disk (in a thread: it is the only slow step), the
changes that arrive gather; then each runs under a SAVEPOINT of its own, on the event loop, and one COMMIT
makes all of them durable. Only then are their callers answered. Reads use another connection, which the
write-ahead log keeps from waiting for the writer. See docs/decisions/0002-store-and-group-commit.md.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import apsw
import msgspec

from chinwag.errors import ApiError, Kinds
from chinwag.storage.dialect import for_sqlite
from chinwag.storage.migrations import migrations, pending
from chinwag.storage.store import StoreCannotOpenError
from chinwag.storage.unit import Unit

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
    from typing import TextIO

    from chinwag.domain.event import Event
    from chinwag.domain.unit import Transaction
    from chinwag.storage.database import Row

R = TypeVar("R")

BATCH_CHANGES = 256
"""Most changes that share a COMMIT."""

BATCH_SECONDS = 0.004
"""Longest time for which a batch holds the event loop, in seconds."""

BUSY_SECONDS = 5.0
"""Longest wait for another process that holds the write lock, in seconds."""

_BUSY_PAUSE = 0.005

_UNAVAILABLE = (
    apsw.BusyError,
    apsw.CantOpenError,
    apsw.FullError,
    apsw.IOError,
    apsw.LockedError,
    apsw.ReadOnlyError,
)

_ON_OPEN = """
    PRAGMA foreign_keys = ON;
    PRAGMA synchronous = FULL;
    PRAGMA trusted_schema = OFF;
    PRAGMA temp_store = MEMORY;
    PRAGMA cache_size = -8000;
"""


class AlreadyServedError(StoreCannotOpenError):
    """Another server has this database file open."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"another Chinwag server is using {path}: stop it, or give this one another database"
        )


class SqliteDatabase:
    """One connection, as `chinwag.storage.database` asks for. Nothing here ever waits."""

    takes_sets = False

    def __init__(self, connection: apsw.Connection) -> None:
        self._execute = connection.execute
        self._execute_many = connection.executemany

    async def row(self, sql: str, *values: object) -> Row | None:
        """Return the first row, or None."""
        for row in self._execute(for_sqlite(sql), values):  # type: ignore[arg-type]
            return row
        return None

    async def rows(self, sql: str, *values: object) -> Sequence[Row]:
        """Return every row."""
        return self._execute(for_sqlite(sql), values).fetchall()  # type: ignore[arg-type]

    def array(self, values: Sequence[object]) -> object:
        """Return a list as the parameter of `= ANY($n)`: as JSON."""
        return msgspec.json.encode(values).decode()

    async def together(self, sql: str, values: Sequence[object]) -> Row | None:
        """Refuse: here no statement takes sets."""
        raise NotImplementedError(sql, values)

    async def execute(self, sql: str, *values: object) -> None:
        """Run a statement that returns nothing."""
        self._execute(for_sqlite(sql), values)  # type: ignore[arg-type]

    async def execute_many(self, sql: str, values: Sequence[Sequence[object]]) -> None:
        """Run a statement once for each row of values."""
        self._execute_many(for_sqlite(sql), values)  # type: ignore[arg-type]


@dataclass(slots=True)
class _Waiting:
    """A change whose caller has not been answered."""

    change: Callable[[Transaction], Coroutine[Any, Any, Any]]
    answer: asyncio.Future[Any]
    result: Any = None
    error: BaseException | None = None

    def settle(self) -> None:
        """Answer the caller, if it is still there."""
        if self.answer.done():
            return
        if self.error is not None:
            self.answer.set_exception(self.error)
        else:
            self.answer.set_result(self.result)


class SqliteStore:
    """A store in one file. Make one with `open`."""

    def __init__(self, path: Path, lock: TextIO | None) -> None:
        self.path = path
        self._lock = lock
        self._connection = _connect(path)
        self._unit = Unit(SqliteDatabase(self._connection))
        self._reader = _connect(path, readonly=True)
        self._questions = Unit(SqliteDatabase(self._reader))
        self._waiting: deque[_Waiting] = deque()
        self._writer: asyncio.Task[None] | None = None
        self._committer = ThreadPoolExecutor(1, thread_name_prefix="commit")
        self._loop = asyncio.get_running_loop()

    @classmethod
    async def open(cls, path: Path, *, serving: bool = False, now: int = 0) -> SqliteStore:
        """Open a database file, made if there is none, and bring it up to this release.

        Args:
            path: the file.
            serving: hold the file against a second server. A command-line tool does not.
            now: the moment to note beside each migration.

        Raises:
            AlreadyServedError: another server holds the file.
            DatabaseTooNewError: a newer release wrote it.
            StoreCannotOpenError: the file cannot be made, or is no database.
        """
        lock: TextIO | None = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            lock = _hold(path) if serving else None
            return await _patiently(lambda: cls._migrated(path, lock, now))
        except (OSError, apsw.Error) as error:
            _let_go(lock)
            raise StoreCannotOpenError(f"database sqlite:///{path} cannot be used: {error}") from error
        except BaseException:
            _let_go(lock)
            raise

    @classmethod
    def _migrated(cls, path: Path, lock: TextIO | None, now: int) -> SqliteStore:
        _migrate(path, now)
        return cls(path, lock)

    async def write(self, change: Callable[[Transaction], Coroutine[Any, Any, R]]) -> tuple[R, list[Event]]:
        """Carry out a change and return its result and events once they are on the disk."""
        waiting = _Waiting(change, self._loop.create_future())
        self._waiting.append(waiting)
        if self._writer is None:
            self._writer = self._loop.create_task(self._write_batches())
        return await waiting.answer

    @asynccontextmanager
    async def reading(self) -> AsyncGenerator[Unit]:
        """Ask questions."""
        try:
            yield self._questions
        except _UNAVAILABLE as error:
            raise ApiError(Kinds.UNAVAILABLE, f"the database cannot be read: {error}") from error

    async def close(self) -> None:
        """Finish the changes that wait, then close the file."""
        while self._writer is not None:
            await asyncio.wait([self._writer])
        self._committer.shutdown()
        self._reader.close()
        self._connection.close()
        _let_go(self._lock)

    async def _write_batches(self) -> None:
        try:
            while self._waiting:
                await self._write_batch()
        finally:
            self._writer = None

    async def _write_batch(self) -> None:
        batch: list[_Waiting] = []
        try:
            await _patiently(self._begin)
            self._apply(batch)
            # Until COMMIT returns nothing may touch this connection: it would block the loop, then raise.
            await self._loop.run_in_executor(self._committer, self._commit)
        except BaseException as error:  # noqa: BLE001  # whatever it is, every caller of the batch must hear of it
            failure = _failure(error)
            for waiting in batch or self._take_everybody():
                waiting.error = waiting.error or failure
                waiting.settle()
        else:
            for waiting in batch:
                waiting.settle()

    def _commit(self) -> None:
        self._connection.execute("COMMIT")

    def _take_everybody(self) -> list[_Waiting]:
        everybody = list(self._waiting)
        self._waiting.clear()
        return everybody

    def _begin(self) -> None:
        if self._connection.in_transaction:  # left open by a batch that failed
            self._connection.execute("ROLLBACK")
        self._connection.execute("BEGIN IMMEDIATE")

    def _apply(self, batch: list[_Waiting]) -> None:
        """Run the changes that wait, each under its own savepoint, until the batch is full."""
        alone = len(self._waiting) == 1
        until = time.perf_counter() + BATCH_SECONDS
        while self._waiting and len(batch) < BATCH_CHANGES and time.perf_counter() < until:
            waiting = self._waiting.popleft()
            if waiting.answer.cancelled():
                continue
            batch.append(waiting)
            if alone:
                self._apply_one(waiting, undo="ROLLBACK; BEGIN IMMEDIATE")
            else:
                self._connection.execute("SAVEPOINT change")
                self._apply_one(waiting, undo="ROLLBACK TO change")
                self._connection.execute("RELEASE change")

    def _apply_one(self, waiting: _Waiting, *, undo: str) -> None:
        try:
            result = _run(waiting.change(self._unit))
            waiting.result = (result, self._unit.take_events())
        except Exception as error:  # a failing change fails alone
            self._unit.take_events()
            if not self._connection.in_transaction:
                raise  # SQLite gave the whole transaction up (disk full, I/O error): nobody's change was kept
            waiting.error = _failure(error)
            self._connection.execute(undo)


async def _patiently(attempt: Callable[[], R]) -> R:
    """Do what takes a lock that a program beside us, such as a command-line tool, may hold for a moment."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            return attempt()
        except apsw.BusyError:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(_BUSY_PAUSE)


def _run(change: Coroutine[Any, Any, R]) -> R:
    """Run a coroutine to its end without the event loop: on SQLite nothing that it may await ever waits."""
    try:
        change.send(None)
    except StopIteration as done:
        return cast("R", done.value)
    change.close()
    raise RuntimeError("a change awaited something other than its transaction")


def _failure(error: BaseException) -> BaseException:
    """Return what the caller hears of an error."""
    if isinstance(error, _UNAVAILABLE):
        unavailable = ApiError(Kinds.UNAVAILABLE, f"the database cannot be written: {error}")
        unavailable.__cause__ = error
        return unavailable
    return error


def _connect(path: Path, *, readonly: bool = False) -> apsw.Connection:
    flags = apsw.SQLITE_OPEN_READONLY if readonly else apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
    connection = apsw.Connection(str(path), flags=flags, statementcachesize=200)
    # Without this, SQLite plans a statement anew whenever its values change: 10 µs for 4.
    connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
    connection.execute(_ON_OPEN)
    return connection


def _hold(path: Path) -> TextIO:
    """Take the lock file that keeps a second server away. The system lets go of it when this process ends."""
    lock = Path(f"{path.resolve()}.lock").open("a+")  # noqa: SIM115  # held for as long as the store
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise AlreadyServedError(path) from None
    return lock


def _let_go(lock: TextIO | None) -> None:
    if lock is not None:
        lock.close()


def _migrate(path: Path, now: int) -> None:
    """Bring the file up to this release; new files are readable by their owner only."""
    # Never a file that is there: closing it would drop the locks that this process holds on it elsewhere.
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    connection = _connect(path)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(
            """
            CREATE TABLE IF NOT EXISTS migration (
                version INTEGER PRIMARY KEY, name TEXT NOT NULL, date_applied INTEGER NOT NULL
            ) STRICT
            """
        )
        version: int = connection.execute("SELECT coalesce(max(version), 0) FROM migration").get  # type: ignore[assignment]
        for step in pending(migrations("sqlite"), version):
            connection.execute(step.sql)
            connection.execute("INSERT INTO migration VALUES (?, ?, ?)", (step.version, step.name, now))
        connection.execute("COMMIT")
    finally:
        connection.close()
