"""A real server on a free port of this machine, in a thread of the tests' own process."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING

import structlog
import uvloop

from chinwag.serving import serve

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chinwag.settings import Settings

START_SECONDS = 20

# The lines of thousands of requests would hide the one that matters.
structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))


@contextlib.contextmanager
def running_server(settings: Settings) -> Iterator[str]:
    """Start a server and yield its base address."""
    base: Future[str] = Future()
    stop: list[tuple[asyncio.AbstractEventLoop, asyncio.Task[None]]] = []

    async def main() -> None:
        task = asyncio.ensure_future(serve(settings, lambda found, _credentials: base.set_result(found)))
        stop.append((asyncio.get_running_loop(), task))
        with contextlib.suppress(asyncio.CancelledError):
            await task

    def run() -> None:
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(main())
        except BaseException as error:
            if base.done():
                raise
            base.set_exception(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield base.result(START_SECONDS)
    finally:
        for loop, task in stop:
            if not loop.is_closed():
                loop.call_soon_threadsafe(task.cancel)
        thread.join(START_SECONDS)
