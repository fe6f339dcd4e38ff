"""An application's server, as small as can be: it remembers what it is told and answers as a test wants."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    Answer = Callable[["Told"], Awaitable[web.StreamResponse]]

PATIENCE_SECONDS = 10


@dataclass(frozen=True)
class Told:
    """A request."""

    method: str
    target: str
    headers: dict[str, str]
    params: dict[str, str]

    @property
    def event(self) -> str:
        return self.params["EventType"]


async def nothing(_told: Told) -> web.StreamResponse:
    return web.Response()


@dataclass
class Application:
    """What it was told, and how it answers."""

    url: str = ""
    told: list[Told] = field(default_factory=list)
    answer: Answer = nothing
    _came: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def take(self, request: web.Request) -> web.StreamResponse:
        body = (await request.read()).decode()
        pairs = parse_qsl(body or request.query_string, keep_blank_values=True)
        told = Told(
            request.method,
            request.raw_path,
            {name.lower(): value for name, value in request.headers.items()},
            dict(pairs),
        )
        async with self._came:
            self.told.append(told)
            self._came.notify_all()
        return await self.answer(told)

    async def heard(self, count: int, event: str | None = None, **params: str) -> list[Told]:
        """Wait until so many requests have come, of one event or of any, with these parameters."""
        wanted = params if event is None else {"EventType": event, **params}

        def found() -> list[Told]:
            return [told for told in self.told if wanted.items() <= told.params.items()]

        async with self._came:
            await asyncio.wait_for(self._came.wait_for(lambda: len(found()) >= count), PATIENCE_SECONDS)
        return found()


@asynccontextmanager
async def an_application() -> AsyncIterator[Application]:
    """Start one on a free port of this machine."""
    found = Application()
    site = web.Application(client_max_size=1_000_000)
    site.router.add_route("*", "/{rest:.*}", found.take)
    runner = web.AppRunner(site, shutdown_timeout=0.1)
    await runner.setup()
    listening = web.TCPSite(runner, "127.0.0.1", 0)
    await listening.start()
    (host, port, *_) = runner.addresses[0]
    found.url = f"http://{host}:{port}/hook"
    try:
        yield found
    finally:
        await runner.cleanup()
