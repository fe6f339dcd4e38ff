"""A client that has logged in: who it is, what it follows, and what it is owed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from chinwag.logs import logger
from chinwag.realtime.frames import message

if TYPE_CHECKING:
    from chinwag.auth.access_token import Session
    from chinwag.domain.caller import Caller
    from chinwag.outbox import Outbox
    from chinwag.realtime.hub import Subscription

_log = logger()

LARGE_BYTES = 64 * 1024
"""From how many bytes on an answer is handed to the network at once."""

BUFFER_BYTES = 1024 * 1024
"""Most bytes that wait for one client. One that reads slower than it is written to is cut off."""


ANSWERS_BYTES = 16 * 1024 * 1024
"""Most bytes of answers among them beyond that: a page of long messages has some five million."""


class Socket(Protocol):
    """The connection to a client, as far as writing goes."""

    def write(self, data: bytes) -> None:
        """Send bytes that are framed already. Never waits."""
        ...

    def buffered(self) -> int:
        """Return how many bytes have not been taken by the network."""
        ...

    def abort(self) -> None:
        """End the connection at once, without a word."""
        ...

    async def room(self) -> None:
        """Wait until most of what was written has been taken."""
        ...


class Client:
    """A logged-in connection.

    Attributes:
        session: what its token says; another token may take its place.
        user_sid: of its user.
        base: of addresses, as the client reached us: `https://chat.example.com`.
        following: what it follows, by the SIDs of objects.
        told: whether it was told of anything since somebody last set this to False.
    """

    __slots__ = (
        "_answers",
        "_outbox",
        "_owed",
        "base",
        "following",
        "gone",
        "session",
        "socket",
        "told",
        "user_sid",
    )

    def __init__(self, *, session: Session, user_sid: str, base: str, socket: Socket, outbox: Outbox) -> None:
        self.session = session
        self.user_sid = user_sid
        self.base = base
        self.socket = socket
        self.following: dict[str, Subscription] = {}
        self.gone = False
        self.told = False
        self._outbox = outbox
        self._owed: list[bytes] = []
        self._answers = 0

    @property
    def caller(self) -> Caller:
        """Who it is to commands."""
        return self.session.caller

    def send(self, packet: bytes) -> None:
        """Send a packet."""
        self._write(message(packet))

    def answer(self, packet: bytes) -> None:
        """Send a packet that the client has asked for. One that is large does not make it a slow reader."""
        self._answers += len(packet)
        self._write(message(packet))
        if len(packet) > LARGE_BYTES:
            self.flush()  # so that `Socket.room` tells of it

    def tell(self, wire: bytes) -> None:
        """Send a message that tells of something, framed already, so that many clients may share it."""
        self.told = True
        if not self._owed:
            self._outbox.add(self)
        self._owed.append(wire)

    def _write(self, wire: bytes) -> None:
        if not self._owed:
            self._outbox.add(self)
        self._owed.append(wire)

    def flush(self) -> None:
        """Hand what is owed to the network. A client that lets too much wait is cut off."""
        owed = self._owed
        if self.gone or not owed:
            owed.clear()
            return
        self.socket.write(owed[0] if len(owed) == 1 else b"".join(owed))
        owed.clear()
        waits = self.socket.buffered()
        if waits <= BUFFER_BYTES:
            self._answers = 0
        elif waits > BUFFER_BYTES + min(self._answers, ANSWERS_BYTES):
            self.drop(f"it reads too slowly: more than {BUFFER_BYTES} bytes wait for it")

    def drop(self, reason: str) -> None:
        """End the connection. An SDK comes back by itself, and catches up."""
        if not self.gone:
            self.gone = True
            _log.info("socket dropped", reason=reason, identity=self.session.identity)
            self.socket.abort()
