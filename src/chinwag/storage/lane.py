"""Group commit for PostgreSQL: changes that come down to one statement share a round trip and a COMMIT.

While one batch is on its way to the disk, the statements that arrive gather; then all of them are sent
together, as one transaction. A batch that fails is undone by PostgreSQL and its statements are run one by
one, so that only those that are to blame fail. See docs/decisions/0002-store-and-group-commit.md.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from contextlib import AbstractAsyncContextManager

    from asyncpg.pool import PoolConnectionProxy

    Borrow: TypeAlias = Callable[[], AbstractAsyncContextManager[PoolConnectionProxy]]

    Send: TypeAlias = Callable[[PoolConnectionProxy, list[Any]], Awaitable[Sequence[Any]]]
    """Runs the statement of a lane for a number of changes, and returns the result of each."""

Values: TypeAlias = "Sequence[Sequence[object]]"
"""The parameters of a statement, a row for each time that it is run."""

BATCH = 256
"""Most changes that share a COMMIT."""


def repeated(sql: str) -> Send:
    """Return what runs a statement as often as the changes want it, and has no result."""

    async def send(connection: PoolConnectionProxy, changes: list[Values]) -> Sequence[None]:
        await connection.executemany(sql, [values for change in changes for values in change])
        return [None] * len(changes)

    return send


def as_set(sql: str) -> Send:
    """Return what runs a statement for sets: it answers with rows that begin with the place of a change."""

    async def send(connection: PoolConnectionProxy, changes: list[Sequence[object]]) -> Sequence[Any]:
        rows = {row[0]: row for row in await connection.fetch(sql, *zip(*changes, strict=True))}
        return [rows.get(place) for place in range(1, len(changes) + 1)]

    return send


@dataclass(slots=True)
class _Waiting:
    """A change that is one statement, and whose caller has not been answered."""

    change: Any
    answer: asyncio.Future[Any]

    def settle(self, result: object, error: BaseException | None) -> None:
        """Answer the caller, if it is still there."""
        if self.answer.done():
            return
        if error is None:
            self.answer.set_result(result)
        else:
            self.answer.set_exception(error)


class Lane:
    """The way of one statement to the disk.

    Args:
        send: runs the statement.
        borrow: lends a connection.
        hopeless: the errors that running the statements one by one would not mend.
    """

    def __init__(self, send: Send, borrow: Borrow, hopeless: tuple[type[BaseException], ...]) -> None:
        self._send = send
        self._borrow = borrow
        self._hopeless = hopeless
        self._waiting: deque[_Waiting] = deque()
        self._runner: asyncio.Task[None] | None = None

    async def run(self, change: object) -> Any:  # noqa: ANN401  # what the statement answers with
        """Run the statement for a change, and return its result when it is durable."""
        waiting = _Waiting(change, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._runner is None:
            self._runner = asyncio.create_task(self._run_batches())
        return await waiting.answer

    async def close(self) -> None:
        """Wait for what is under way."""
        while self._runner is not None:
            await asyncio.wait([self._runner])

    async def _run_batches(self) -> None:
        try:
            while self._waiting:
                batch = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
                await self._run_batch([waiting for waiting in batch if not waiting.answer.cancelled()])
        finally:
            self._runner = None

    async def _run_batch(self, batch: list[_Waiting]) -> None:
        results, error = await self._attempt(batch)
        if error is None or len(batch) == 1 or isinstance(error, self._hopeless):
            for waiting, result in zip(batch, results, strict=True):
                waiting.settle(result, error)
            return
        for waiting in batch:
            (result,), error = await self._attempt([waiting])
            waiting.settle(result, error)

    async def _attempt(self, batch: list[_Waiting]) -> tuple[Sequence[Any], BaseException | None]:
        """Run a batch as one transaction, and return the results, or what went wrong."""
        try:
            async with self._borrow() as connection:
                return await self._send(connection, [waiting.change for waiting in batch]), None
        except BaseException as error:  # noqa: BLE001  # whatever it is, the callers must hear of it
            return [None] * len(batch), error
