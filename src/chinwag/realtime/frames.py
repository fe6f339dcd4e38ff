r"""Twilsock packets: one in each binary WebSocket message. Source: sdk-wire.

TWILSOCK V3.0 <length of header>\r\n
<header: JSON>\r\n
<payload>
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec
from msgspec import Struct
from websockets.frames import Frame, Opcode

_MAGIC = b"TWILSOCK V3.0 "
_END = b"\r\n"
_LONGEST_SIZE = 10
"""Most digits of a length."""

JSON = "application/json"


class FrameError(ValueError):
    """These bytes are no packet. The text says why."""


class HttpRequest(Struct, frozen=True):
    """An HTTP request inside a packet.

    Args:
        path: raw, with segments percent-encoded, or not, as each call of an SDK likes.
        params: of the query; values are still percent-encoded, and a list where a name is repeated.
    """

    path: str
    method: str = "GET"
    params: dict[str, str | list[str]] | None = None
    headers: dict[str, str] | None = None


class Registration(Struct, frozen=True):
    """What kinds of notifications a client wants."""

    message_types: list[str] = []


class Header(Struct, frozen=True):
    """What clients say in headers, as far as anybody here reads it."""

    method: str
    id: str = ""
    payload_size: int = 0
    payload_type: str | None = None
    token: str | None = None
    http_request: HttpRequest | None = None
    registrations: list[Registration] | None = None
    capabilities: list[str] | None = None


class Packet(NamedTuple):
    """A packet of a client."""

    header: Header
    payload: bytes


_header = msgspec.json.Decoder(Header).decode
_encode = msgspec.json.Encoder().encode


def packet_of(data: bytes) -> Packet:
    """Return the packet that a message holds.

    Raises:
        FrameError: it holds none.
    """
    if not data.startswith(_MAGIC):
        raise FrameError("it does not begin with TWILSOCK V3.0")
    line_end = data.find(_END, len(_MAGIC), len(_MAGIC) + _LONGEST_SIZE + len(_END))
    size = data[len(_MAGIC) : line_end]
    if line_end < 0 or not size.isdigit():
        raise FrameError("the length of the header is no number")
    header_begins = line_end + len(_END)
    header_ends = header_begins + int(size)
    payload_begins = header_ends + len(_END)
    if data[header_ends:payload_begins] != _END:
        raise FrameError("the header is not as long as it says")
    try:
        header = _header(data[header_begins:header_ends])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise FrameError(f"the header is not right: {error}") from None
    payload = data[payload_begins:]
    if len(payload) != header.payload_size:
        raise FrameError(f"payload_size is {header.payload_size}, and {len(payload)} bytes follow")
    return Packet(header, payload)


def packet(header: dict[str, Any], payload: bytes = b"") -> bytes:
    """Return a packet of ours. What says how long the payload is, and that it is JSON, is added here."""
    if payload:
        header["payload_type"] = JSON
    header["payload_size"] = len(payload)
    head = _encode(header)
    return b"TWILSOCK V3.0 %d\r\n%b\r\n%b" % (len(head), head, payload)


def message(data: bytes) -> bytes:
    """Return a binary WebSocket message as a server writes it: unmasked, so the same for every client."""
    return Frame(Opcode.BINARY, data).serialize(mask=False)
