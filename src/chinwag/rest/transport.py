"""Answers in one write, and the answers of one commit one right after the other.

uvicorn writes the head of an answer and then its body, and uvloop sends each at once: a system call too many
for every answer. And a write that wakes somebody up costs several times one whose reader is awake already: so
the answers that become ready in one turn of the event loop leave together, at its end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from chinwag.logs import logger
from chinwag.outbox import Outbox

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

_log = logger()

LARGE = 16 * 1024
"""Size of what is not held back, in bytes: an upload or a download goes at the pace of its connection."""

MANY = 16
"""How many answers leave before the turn is over: who gets them can begin with something else meanwhile."""

_HEAD = b"HTTP/1.1 "
_CONTINUE = b"HTTP/1.1 100"
_END = b"\r\n"


_outboxes: WeakKeyDictionary[asyncio.AbstractEventLoop, Outbox] = WeakKeyDictionary()


class OneWrite:
    """A transport that holds the head of an answer back until its body, or its end, comes.

    It has what uvicorn's protocol asks of a transport, and no more.

    Args:
        transport: where it writes.
        close: closes it.
        loop: at the end of whose turn it writes.
    """

    def __init__(
        self, transport: asyncio.Transport, close: Callable[[], None], loop: asyncio.AbstractEventLoop
    ) -> None:
        self._transport = transport
        self._close = close
        self._outbox = _outboxes.get(loop) or _outboxes.setdefault(loop, Outbox(loop.call_soon, MANY))
        self._head = b""
        self._lines = b""
        self._ready = b""
        self.is_closing = transport.is_closing
        self.get_extra_info = transport.get_extra_info
        self.set_protocol = transport.set_protocol

    def add(self, lines: bytes) -> None:
        """Add header lines to the head that is written next: uvicorn looks at each line that it writes."""
        self._lines = lines

    def write(self, data: bytes) -> None:
        """Write soon, or keep what is the head of an answer for the next write."""
        if self._head:
            data, self._head = self._head + data, b""
        elif data.startswith(_HEAD) and not data.startswith(_CONTINUE):
            self._head = data
            if self._lines:
                self._head, self._lines = data[: -len(_END)] + self._lines + _END, b""
            return
        self._write_soon(data)

    def end(self) -> None:
        """Write soon what is held back: the answer has no body."""
        if self._head:
            head, self._head = self._head, b""
            self._write_soon(head)

    def flush(self) -> None:
        """Write everything now, unless the client has gone meanwhile."""
        self.end()
        ready, self._ready = self._ready, b""
        if ready and not self.is_closing():
            self._transport.write(ready)

    def drop(self, reason: str) -> None:
        """Cut a client off that cannot be written to."""
        _log.warning("cut off", peer=self.get_extra_info("peername"), detail=reason)
        self._transport.abort()

    def close(self) -> None:
        """Write everything, then close."""
        self.flush()
        self._close()

    def let_go(self) -> None:
        """Undo the ring with the protocol, which only the garbage collector would undo, and that late."""
        self._close = self._transport.close

    def _write_soon(self, data: bytes) -> None:
        if self._ready or len(data) >= LARGE:
            self._ready += data
            self.flush()
        else:
            self._ready = data
            self._outbox.add(self)
