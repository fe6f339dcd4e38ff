"""A connection to the server, byte by byte: for what no HTTP client would send."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import socket
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

DEADLINE_SECONDS = 10


@dataclass(frozen=True)
class WireAnswer:
    """One answer, as it stood on the wire."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)

    @property
    def code(self) -> int:
        """The error code; and the answer is a whole envelope with the headers that every answer has."""
        assert set(self.json) == {"code", "message", "more_info", "status"}
        assert self.json["status"] == self.status
        assert self.headers["content-type"] == "application/json; charset=utf-8"
        assert self.headers["twilio-request-id"].startswith("RQ")
        assert self.headers["access-control-allow-origin"]
        return self.json["code"]


class Wire:
    """A connection."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._loop = asyncio.get_running_loop()
        self._received = b""

    async def send(self, data: bytes) -> None:
        """Send. A server that has heard enough may have closed meanwhile."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            with contextlib.suppress(ConnectionError):
                await self._loop.sock_sendall(self._connection, data)
        await asyncio.sleep(0)

    async def answer(self, *, to: str = "GET") -> WireAnswer:
        """The next answer."""
        while b"\r\n\r\n" not in self._received:
            assert await self._more(), f"the connection ended after {self._received!r}"
        head, _, self._received = self._received.partition(b"\r\n\r\n")
        status, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}

        length = 0 if to == "HEAD" else int(headers.get("content-length", "0"))
        await self._until(length)
        body, self._received = self._received[:length], self._received[length:]
        return WireAnswer(int(status.split(" ")[1]), headers, body)

    async def begins(self) -> None:
        """Wait for the first bytes of the next answer."""
        await self._until(1)

    async def frame(self) -> tuple[int, bytes]:
        """The next frame of a WebSocket: its opcode, and what is in it. It is whole, and not compressed."""
        await self._until(2)
        first, size = self._received[:2]
        assert first & 0xF0 == 0x80, f"a frame in pieces, or with an extension: {self._received[:20]!r}"
        begins = 2 + {126: 2, 127: 8}.get(size, 0)
        await self._until(begins)
        size = int.from_bytes(self._received[2:begins]) if begins > 2 else size
        await self._until(begins + size)
        payload, self._received = self._received[begins : begins + size], self._received[begins + size :]
        return first & 0x0F, payload

    async def is_closed(self) -> bool:
        """Whether the server closes the connection without another byte. Waits for the one or the other."""
        return not self._received and not await self._more()

    @property
    def is_silent(self) -> bool:
        """Whether the server has neither answered nor closed the connection."""
        try:
            self._connection.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        except ConnectionError:
            return False
        return False

    async def leave(self) -> None:
        """End the connection from our side, and wait until the server has noticed."""
        self._connection.shutdown(socket.SHUT_WR)
        assert await self.is_closed()

    async def _until(self, length: int) -> None:
        while len(self._received) < length:
            assert await self._more(), f"the connection ended after {self._received!r}"

    async def _more(self) -> bool:
        async with asyncio.timeout(DEADLINE_SECONDS):
            try:
                piece = await self._loop.sock_recv(self._connection, 65536)
            except ConnectionError:
                return False
        self._received += piece
        return bool(piece)


@asynccontextmanager
async def connected(base: str) -> AsyncIterator[Wire]:
    """Connect to a server."""
    address = urlsplit(base)
    with socket.socket() as connection:
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await asyncio.get_running_loop().sock_connect(connection, (address.hostname, address.port))
        yield Wire(connection)


def head(line: str, *headers: str, authorization: str | None = None) -> bytes:
    """A whole head: a request line, `Host`, and what else is given."""
    lines = [f"{line} HTTP/1.1", "Host: chat.example.com", *headers]
    if authorization is not None:
        lines.append(f"Authorization: {authorization}")
    return "".join(f"{line}\r\n" for line in [*lines, ""]).encode("latin-1")


def basic(username: str, password: str) -> str:
    """The value of an `Authorization` header."""
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()
