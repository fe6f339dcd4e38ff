"""Group commit for PostgreSQL: changes that come down to one statement share a round trip and a COMMIT.

While one batch is on its way to the disk, the statements that arrive gather; then all of them are sent
together, as one transaction. A batch that fails is undone by PostgreSQL and its statements are run one by
one, so that only those that are to blame fail. See docs/decisions/0002-store-and-group-commit.md.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractAsyncContextManager

    from asyncpg.pool import PoolConnectionProxy

    Borrow: TypeAlias = Callable[[], AbstractAsyncContextManager[PoolConnectionProxy]]

Values: TypeAlias = "Sequence[Sequence[object]]"
"""The parameters of a statement, a row for each time that it is run."""

BATCH = 256
"""Most changes that share a COMMIT."""


@dataclass(slots=True)
class _Waiting:
    """A change that is one statement, and whose caller has not been answered."""

    values: Values
    answer: asyncio.Future[None]

    def settle(self, error: BaseException | None) -> None:
        """Answer the caller, if it is still there."""
        if self.answer.done():
            return
        if error is None:
            self.answer.set_result(None)
        else:
            self.answer.set_exception(error)


class Lane:
    """The way of one statement to the disk.

    Args:
        sql: the statement.
        borrow: lends a connection.
        hopeless: the errors that running the statements one by one would not mend.
    """

    def __init__(self, sql: str, borrow: Borrow, hopeless: tuple[type[BaseException], ...]) -> None:
        self._sql = sql
        self._borrow = borrow
        self._hopeless = hopeless
        self._waiting: deque[_Waiting] = deque()
        self._runner: asyncio.Task[None] | None = None

    async def run(self, values: Values) -> None:
        """Run the statement with these values, and return when it is durable."""
        waiting = _Waiting(values, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._runner is None:
            self._runner = asyncio.create_task(self._run_batches())
        await waiting.answer

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
        error = await self._attempt(batch)
        if error is None or len(batch) == 1 or isinstance(error, self._hopeless):
            for waiting in batch:
                waiting.settle(error)
            return
        for waiting in batch:
            waiting.settle(await self._attempt([waiting]))

    async def _attempt(self, batch: list[_Waiting]) -> BaseException | None:
        """Run a batch as one transaction, and return what went wrong."""
        try:
            async with self._borrow() as connection:
                await connection.executemany(
                    self._sql, [values for waiting in batch for values in waiting.values]
                )
        except BaseException as error:  # noqa: BLE001  # whatever it is, the callers must hear of it
            return error
        return None
