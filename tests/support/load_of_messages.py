"""Sixteen writers that post messages, and note what they were answered; and a look at what is there later."""

from __future__ import annotations

import asyncio
import itertools
import secrets
import time
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import aiohttp

from support.kill import ACCOUNT_SID, AUTH_TOKEN

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

WRITERS = 16
CHANNELS = 4
PAUSE_SECONDS = 0.02
"""How long a writer waits after a refusal, in seconds."""

CONDITION_SECONDS = 30
"""Longest wait for anything, in seconds."""

SERVICES = "/v2/Services"


class Posted(NamedTuple):
    """A message that was acknowledged, and where it was said to be."""

    channel: str
    index: int
    body: str


@dataclass
class Load:
    """Writers on the channels of one service, and what came of it.

    Args:
        base: the address of the server. It may be another after a restart.
        channels: paths of channels.
        size: how long a message is, in characters.
        acknowledged: by the SID of a message that was answered with 201.
        refused: statuses of all other answers, and how often.
        broken: requests that nobody answered.
        slowest: the longest that anybody waited for an answer, in seconds.
    """

    session: aiohttp.ClientSession
    base: str
    channels: list[str]
    size: int = 100
    acknowledged: dict[str, Posted] = field(default_factory=dict)
    refused: Counter[int] = field(default_factory=Counter)
    broken: int = 0
    slowest: float = 0.0

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[None]:
        """Post without end, whatever is answered; at the end every writer waits for its last answer."""
        stop = asyncio.Event()
        writers = [asyncio.create_task(self._write(stop, number % 2 == 0)) for number in range(WRITERS)]
        try:
            yield
        finally:
            stop.set()
            async with asyncio.timeout(CONDITION_SECONDS):
                await asyncio.gather(*writers)

    async def _write(self, stop: asyncio.Event, persistent: bool) -> None:
        """Post one after the other; who is persistent repeats a message, with its key, until it is there."""
        writer = secrets.token_hex(8)
        for number in itertools.count():
            channel = self.channels[number % len(self.channels)]
            body = f"{writer}-{number}".ljust(self.size, ".")
            key = secrets.token_hex(16) if persistent else None
            while not stop.is_set() and not await self.post(channel, body, key):
                await asyncio.sleep(PAUSE_SECONDS)
                if not persistent:
                    break
            if stop.is_set():
                return

    async def post(self, channel: str, body: str, key: str | None = None) -> bool:
        """Post a message and return whether it was acknowledged."""
        began = time.monotonic()
        url = f"{self.base}{channel}/Messages"
        headers = {} if key is None else {"Idempotency-Key": key}
        try:
            async with self.session.post(url, data={"Body": body}, headers=headers) as answer:
                made = await answer.json()
        except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError):
            self.broken += 1
            return False
        finally:
            self.slowest = max(self.slowest, time.monotonic() - began)
        if answer.status != 201:
            self.refused[answer.status] += 1
            return False
        self.acknowledged[made["sid"]] = Posted(channel, made["index"], made["body"])
        return True

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait for a condition."""
        deadline = time.monotonic() + CONDITION_SECONDS
        while not true():
            if time.monotonic() > deadline:
                raise TimeoutError(f"it did not come to that; refused {self.refused}, broken {self.broken}")
            await asyncio.sleep(0.005)

    async def more(self, count: int) -> float:
        """Wait until so many more messages were acknowledged, and return how long that took, in seconds."""
        began, enough = time.monotonic(), len(self.acknowledged) + count
        await self.until(lambda: len(self.acknowledged) >= enough)
        return time.monotonic() - began

    async def messages(self, channel: str) -> list[dict[str, Any]]:
        """Read every message of a channel, in the order in which they are listed."""
        found: list[dict[str, Any]] = []
        url = f"{self.base}{channel}/Messages?PageSize=100"
        while url is not None:
            async with self.session.get(url) as answer:
                assert answer.status == 200, await answer.text()
                page = await answer.json()
            found += page["messages"]
            url = page["meta"]["next_page_url"]
        return found

    async def wrong(self, only: set[str] | None = None) -> list[str]:
        """Compare what is there with what was acknowledged, and return whatever is not as it should be."""
        found: list[str] = []
        for channel in self.channels:
            there = [
                (message["sid"], Posted(channel, message["index"], message["body"]))
                for message in await self.messages(channel)
            ]
            found += self.differences(channel, there, only)
        return found

    def differences(
        self, channel: str, there: list[tuple[str, Posted]], only: set[str] | None = None
    ) -> list[str]:
        """Compare the messages of a channel, by index, with what was acknowledged: all, or some SIDs."""
        found: list[str] = []
        if (places := [posted.index for _, posted in there]) != list(range(len(there))):
            found.append(f"{channel}: places {places}")
        bodies = Counter(posted.body for _, posted in there)
        found += [f"{body} is there {count} times" for body, count in bodies.items() if count > 1]
        held = dict(there)
        for sid in self.acknowledged if only is None else only:
            posted = self.acknowledged[sid]
            if posted.channel == channel and held.get(sid) != posted:
                found.append(f"{sid} was acknowledged as {posted}, and is {held.get(sid)}")
        return found


@asynccontextmanager
async def a_load(base: str, *, size: int = 100) -> AsyncIterator[Load]:
    """Make a service with channels for writers."""
    credentials = {"Authorization": aiohttp.encode_basic_auth(ACCOUNT_SID, AUTH_TOKEN)}
    timeout = aiohttp.ClientTimeout(total=CONDITION_SECONDS)
    async with aiohttp.ClientSession(headers=credentials, timeout=timeout) as session:

        async def made(path: str) -> str:
            async with session.post(f"{base}{path}", data={"FriendlyName": "Load"}) as answer:
                assert answer.status == 201, await answer.text()
                return (await answer.json())["sid"]

        service = f"{SERVICES}/{await made(SERVICES)}"
        channels = [f"{service}/Channels/{await made(f'{service}/Channels')}" for _ in range(CHANNELS)]
        yield Load(session, base, channels, size)
