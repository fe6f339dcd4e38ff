"""Leaving acknowledgements out of what clients send, before anything is made of it.

SDKs answer every packet that they get with one that says so, and that nobody needs. Half of all frames of a
busy server are such; to parse them like the others would cost more than the deliveries that they answer
(docs/decisions/0006-sockets-without-asgi.md). Everything else goes on as it came.
"""

from __future__ import annotations

from websockets.frames import Opcode

try:
    from websockets.speedups import apply_mask
except ImportError:
    from websockets.utils import apply_mask

_BINARY = 0x80 | Opcode.BINARY
"""The first byte of a binary message of one frame."""

_SHORT = 6
"""Bytes before the payload of a short frame: what it is, how long, and the mask."""

_LONGEST = 300
"""Most bytes of an acknowledgement. Ids are of our own making, so none is as long."""

_REPLY = b'"method":"reply"'
"""What an acknowledgement says. In a text the quotation marks would be escaped."""

_WITHIN = 100
"""Where in a packet it stands, or the packet is none."""


class Acknowledgements:
    """Knows the frames of one connection apart, from its first byte behind the handshake.

    A client whose frames do not come in such pieces that they can be told apart is left as it is.
    """

    __slots__ = ("_behind", "_known")

    def __init__(self) -> None:
        self._behind = 0
        self._known = True

    def wanted(self, data: bytes) -> list[bytes]:
        """Return what has come without the acknowledgements in it, in as few pieces as there can be."""
        at, size = self._behind, len(data)
        if not self._known or at >= size:
            self._behind = at - size if self._known else 0
            return [data]
        pieces: list[bytes] = []
        begin = 0
        while at < size:
            head = _head(data, at)
            if head is None:
                self._known = False
                at = size
                break
            payload, end = head
            if data[at] == _BINARY and end <= size and end - payload <= _LONGEST:
                start = min(payload + _WITHIN, end)
                if _REPLY in apply_mask(data[payload:start], data[payload - 4 : payload]):
                    if begin < at:
                        pieces.append(data[begin:at])
                    begin = end
            at = end
        self._behind = at - size
        if begin < size:
            pieces.append(data[begin:])
        return pieces


def _head(data: bytes, at: int) -> tuple[int, int] | None:
    """Return where the payload of a frame begins and ends; None for one without a whole head, or a mask."""
    if len(data) - at < _SHORT or not data[at + 1] & 0x80:
        return None
    size = data[at + 1] & 0x7F
    if size < 126:  # noqa: PLR2004  # RFC 6455, 5.2; so are those below
        return at + 6, at + 6 + size
    if size == 126:  # noqa: PLR2004
        if len(data) - at < 8:  # noqa: PLR2004
            return None
        return at + 8, at + 8 + int.from_bytes(data[at + 2 : at + 4])
    if len(data) - at < 14:  # noqa: PLR2004
        return None
    return at + 14, at + 14 + int.from_bytes(data[at + 2 : at + 10])
