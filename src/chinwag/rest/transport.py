"""Answers in one write.

uvicorn writes the head of an answer and then its body, and uvloop sends each at once: a system call too many
for every answer, an eighth of what a small one costs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

_HEAD = b"HTTP/1.1 "
_CONTINUE = b"HTTP/1.1 100"
_END = b"\r\n"


class OneWrite:
    """A transport that holds the head of an answer back until its body, or its end, comes.

    It has what uvicorn's protocol asks of a transport, and no more.

    Args:
        transport: where it writes.
        close: closes it.
    """

    def __init__(self, transport: asyncio.Transport, close: Callable[[], None]) -> None:
        self._transport = transport
        self._close = close
        self._head = b""
        self._lines = b""
        self.is_closing = transport.is_closing
        self.get_extra_info = transport.get_extra_info
        self.set_protocol = transport.set_protocol

    def add(self, lines: bytes) -> None:
        """Add header lines to the head that is written next: uvicorn looks at each line that it writes."""
        self._lines = lines

    def write(self, data: bytes) -> None:
        """Write, or keep what is the head of an answer for the next write."""
        if self._head:
            data, self._head = self._head + data, b""
        elif data.startswith(_HEAD) and not data.startswith(_CONTINUE):
            self._head = data
            if self._lines:
                self._head, self._lines = data[: -len(_END)] + self._lines + _END, b""
            return
        self._transport.write(data)

    def flush(self) -> None:
        """Write what is held back: the answer has no body."""
        if self._head:
            head, self._head = self._head, b""
            self._transport.write(head)

    def close(self) -> None:
        """Write what is held back, then close."""
        self.flush()
        self._close()
