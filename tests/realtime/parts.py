"""Clients without a network, for tests of what they are told."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from chinwag.auth.access_token import Session
from chinwag.outbox import Outbox
from chinwag.realtime.client import Client
from support import twilsock

if TYPE_CHECKING:
    from collections.abc import Callable

NEVER = 4_102_444_800
"""When sessions of these tests end, in seconds: in 2100."""


SECONDS = 10.0
"""How long a test waits for what has to come."""


async def eventually(condition: Callable[[], bool], seconds: float = SECONDS) -> None:
    """Wait until something is so, and fail if it never is."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came to that"
        await asyncio.sleep(0.001)


class RecordingSocket:
    """Keeps what is written to it.

    Attributes:
        written: the bytes.
        waiting: how many of them the network has not taken yet.
        aborted: whether the server has ended the connection.
    """

    def __init__(self) -> None:
        self.written = b""
        self.waiting = 0
        self.writes = 0
        self.aborted = False

    def write(self, data: bytes) -> None:
        assert not self.aborted, "nothing may be written to a socket that was aborted"
        self.written += data
        self.writes += 1

    def buffered(self) -> int:
        return self.waiting

    def abort(self) -> None:
        self.aborted = True

    async def room(self) -> None:
        return

    def packets(self) -> list[twilsock.Packet]:
        """What a client reads of it."""
        reader = twilsock.Reader()
        reader.feed(b"HTTP/1.1 101 \r\nSec-WebSocket-Accept: " + twilsock.ACCEPTED + b"\r\n\r\n")
        return [twilsock.packet_of(payload) for _, payload in reader.feed(self.written)]

    def payloads(self) -> list[Any]:
        """What the notifications among them say."""
        return [packet.payload for packet in self.packets() if packet.header["method"] == "notification"]


class BrokenSocket(RecordingSocket):
    """Fails at every write."""

    def write(self, _data: bytes) -> None:
        raise RuntimeError("the transport is broken")


def a_session(identity: str = "alice", **changes: Any) -> Session:
    plain = {
        "account_id": 1,
        "account_sid": "AC" + "1" * 32,
        "key_sid": "SK" + "1" * 32,
        "service_sid": "IS" + "1" * 32,
        "identity": identity,
        "expires": NEVER,
    }
    return Session(**plain | changes)


def a_client(
    outbox: Outbox, identity: str = "alice", socket: RecordingSocket | None = None, **changes: Any
) -> tuple[Client, RecordingSocket]:
    """A logged-in client and its socket."""
    socket = socket or RecordingSocket()
    user_sid = changes.pop("user_sid", f"US{identity.encode().hex():0>32.32}")
    session = a_session(identity, **changes)
    client = Client(
        session=session, user_sid=user_sid, base="https://chat.example.com", socket=socket, outbox=outbox
    )
    return client, socket


class Turn:
    """The end of a turn of the event loop, which a test brings about."""

    def __init__(self) -> None:
        self._due: list[Callable[[], None]] = []
        self.outbox = Outbox(self._due.append)

    def end(self) -> None:
        """Do what was put off."""
        while self._due:
            self._due.pop(0)()
