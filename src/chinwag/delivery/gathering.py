"""What came of deliveries, written down a few at a time: whoever saves one waits until it is durable."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Generic, TypeVar

from chinwag.errors import ApiError
from chinwag.logs import logger

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

R = TypeVar("R")

_log = logger()

PAUSE_SECONDS = 0.025
"""How long what is to be written gathers, in seconds: others write, and wait for the disk, as well."""

ENOUGH = 64
"""How many are enough to be written at once."""

RETRY_SECONDS = 1.0
"""How long a store that cannot be written now is left alone, in seconds."""

MOST = 128
"""Most that are written together."""


class Gathering(Generic[R]):
    """Writes what has gathered while the last was being written.

    Args:
        write: writes some; raises ApiError when the store cannot be written now.
        pause: how long what comes gathers now, in seconds.
    """

    def __init__(
        self,
        write: Callable[[Sequence[R]], Awaitable[object]],
        pause: Callable[[], float] = lambda: PAUSE_SECONDS,
    ) -> None:
        self._write = write
        self._pause = pause
        self._waiting: list[tuple[R, asyncio.Future[None]]] = []
        self._something = asyncio.Event()
        self._enough = asyncio.Event()

    async def save(self, one: R, /) -> None:
        """Write one down; returns when it is durable.

        Raises:
            Exception: it cannot be written at all.
        """
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((one, written))
        self._something.set()
        if len(self._waiting) >= ENOUGH:
            self._enough.set()
        await written

    async def run(self) -> None:
        """Write, until cancelled; then what is left."""
        writing: asyncio.Task[bool] | None = None
        try:
            while True:
                await self._something.wait()
                self._something.clear()
                self._enough.clear()
                writing = asyncio.create_task(self._write_some())
                written = await asyncio.shield(writing)
                if not written:
                    await asyncio.sleep(RETRY_SECONDS)
                    continue
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._pause()):
                        await self._enough.wait()
        finally:
            if writing is not None:
                await asyncio.wait([writing])  # what is being written would be lost with it
            while self._waiting and await self._write_some():
                pass

    async def _write_some(self) -> bool:
        """Write some of what waits; False when the store cannot be written now."""
        some, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
        if self._waiting:
            self._something.set()
        try:
            await self._write([one for one, _ in some])
        except ApiError as error:
            _log.warning("cannot write down what was delivered", error=error.detail)
            self._waiting = some + self._waiting
            self._something.set()
            return False
        except Exception as error:  # noqa: BLE001  # a mistake of ours: one alone may be to blame
            _log.error("cannot be written together", exc_info=error)
            await self._write_each(some)
            return True
        for _, written in some:
            if not written.done():
                written.set_result(None)
        return True

    async def _write_each(self, some: list[tuple[R, asyncio.Future[None]]]) -> None:
        for one, written in some:
            try:
                await self._write([one])
            except ApiError:
                self._waiting.append((one, written))
                self._something.set()
            except Exception as error:  # noqa: BLE001  # whoever saves it hears of it
                if not written.done():
                    written.set_exception(error)
            else:
                if not written.done():
                    written.set_result(None)
