"""Requests over HTTP that cost whoever asks next to nothing, so that their time is the server's."""

from __future__ import annotations

import asyncio
import base64
import itertools
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode, urlsplit

import msgspec

from support.kill import ACCOUNT_SID, AUTH_TOKEN

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

ANSWER_SECONDS = 30.0
"""Longest wait for an answer, in seconds."""

_CREDENTIALS = base64.b64encode(f"{ACCOUNT_SID}:{AUTH_TOKEN}".encode()).decode()
_END = b"\r\n\r\n"
_LENGTH = b"\r\ncontent-length: "


class Answer(NamedTuple):
    """What a request was answered."""

    status: int
    body: bytes

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)


class Line(asyncio.Protocol):
    """A connection that is kept, for one request at a time."""

    @classmethod
    async def to(cls, base: str) -> Line:
        address = urlsplit(base)
        _, line = await asyncio.get_running_loop().create_connection(cls, address.hostname, address.port)
        return line

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport: the loop calls this."""
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]
        self._came = b""
        self._answer: asyncio.Future[Answer] | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell who waits: the loop calls this."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(exc or ConnectionResetError("the server hung up"))

    def data_received(self, data: bytes) -> None:
        """Take what came: the loop calls this."""
        self._came += data
        begins = self._came.find(_END) + len(_END)
        if begins < len(_END) or len(self._came) < begins + _length(self._came[:begins]):
            return
        answer = Answer(int(self._came[9:12]), self._came[begins:])
        self._came = b""
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(answer)

    async def ask(self, request: bytes) -> Answer:
        """Send a request and return its answer."""
        self._answer = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return await asyncio.wait_for(self._answer, ANSWER_SECONDS)


def _length(head: bytes) -> int:
    found = head.lower().find(_LENGTH)
    return 0 if found < 0 else int(head[found + len(_LENGTH) :].partition(b"\r\n")[0])


@asynccontextmanager
async def lines(base: str, count: int) -> AsyncIterator[list[Line]]:
    """Open so many connections, and close them at the end."""
    opened = [await Line.to(base) for _ in range(count)]
    try:
        yield opened
    finally:
        for line in opened:
            line.transport.close()


def request(method: str, path: str, form: dict[str, str] | None = None, **headers: str) -> bytes:
    """Return a request as it goes over the wire; `X_Name` among the headers is `X-Name`."""
    body = urlencode(form or {})
    head = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Authorization: Basic {_CREDENTIALS}"]
    head += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if form is not None:
        head += ["Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(body)}"]
    return "\r\n".join([*head, "", body]).encode()


async def paced(
    over: list[Line], asked: Callable[[int], bytes], rate: float, goes_on: Callable[[], bool]
) -> list[tuple[float, float]]:
    """Ask at an even pace, however long answers take, and return when each was due and how long it took.

    What is asked late, because every line waits for an answer, has taken since it was due.

    Args:
        asked: returns the nth request. Each must be answered with success.
        rate: requests a second.
        goes_on: whether there is another.
    """
    numbers = itertools.count()
    began = time.perf_counter()
    took: list[tuple[float, float]] = []

    async def ask(line: Line) -> None:
        for number in numbers:
            due = began + number / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            if not goes_on():
                return
            answer = await line.ask(asked(number))
            assert answer.status < 300, answer
            took.append((due - began, time.perf_counter() - due))

    await asyncio.gather(*(ask(line) for line in over))
    return took


def p99(seconds: list[float]) -> float:
    """Return what nearly all took at most."""
    ordered = sorted(seconds)
    return ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)]
