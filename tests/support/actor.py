"""People with the official SDK, unmodified, who do what a test says: a process of Node."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import AsyncIterator

PROGRAM = Path(__file__).parents[1] / "end_to_end/webhooks/actor.mjs"
SECONDS = 40


class RefusedError(Exception):
    """The SDK was refused something."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(str(error))
        self.code = error.get("code")
        self.status = error.get("status")


class Actor:
    """Everybody who has the SDK."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._asked: dict[int, asyncio.Future[Any]] = {}
        self._reading = asyncio.ensure_future(self._read())

    async def __call__(self, who: str, service: str, call: str, *args: Any, **on: Any) -> Any:
        """Have somebody call a method of the SDK, and return what it gave: a number, or a SID.

        `on` is whose method: see `actor.mjs`.

        Raises:
            RefusedError: it was refused.
        """
        number = len(self._asked)
        future = self._asked[number] = asyncio.get_running_loop().create_future()
        asked = {"id": number, "who": who, "service": service, "call": call, "args": args, "on": on}
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(asked).encode() + b"\n")
        async with asyncio.timeout(SECONDS):
            answer = await future
        if "error" in answer:
            raise RefusedError(answer["error"])
        return answer["ok"]

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            answer = json.loads(line)
            self._asked[answer["id"]].set_result(answer)

    async def end(self) -> None:
        self._reading.cancel()
        self._process.kill()
        await self._process.wait()


@asynccontextmanager
async def acting(base: str, credentials: dict[str, str]) -> AsyncIterator[Actor]:
    """Start it, against a server."""
    words = json.dumps([sys.executable, "-m", "chinwag"])
    environment = {
        **os.environ,
        **credentials,
        "CHAT_URL": base,
        "CHINWAG_WORDS": words,
        "EMPTY_DATABASES": "[]",
    }
    process = await asyncio.create_subprocess_exec(
        *("node", str(PROGRAM), "twilio-chat-6", "one option"), env=environment, stdin=PIPE, stdout=PIPE
    )
    assert process.stdout is not None
    async with asyncio.timeout(SECONDS):
        assert (await process.stdout.readline()) == b"ready\n"
    actor = Actor(process)
    try:
        yield actor
    finally:
        await actor.end()
