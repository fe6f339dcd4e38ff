"""The wire as client SDKs speak it, without a socket: WebSocket frames with Twilsock packets in them.

It was written from the description of the protocol and shares nothing with `chinwag.realtime.frames`, so that
a mistake in one of the two shows. Source: sdk-wire.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Any, NamedTuple

import msgspec

BINARY, CLOSE, PING, PONG = 0x2, 0x8, 0x9, 0xA

_KEY = base64.b64encode(b"a key that is 16").decode()
ACCEPTED = base64.b64encode(
    hashlib.sha1(f"{_KEY}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode(), usedforsecurity=False).digest()
)
_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


class WireError(Exception):
    """The server sent what no SDK understands. The text says what."""


class Packet(NamedTuple):
    """A packet of the server.

    Args:
        payload: what the JSON says; None if there was none.
    """

    header: dict[str, Any]
    payload: Any


def opening(host: str, path: str = "/v3/wsconnect") -> bytes:
    """Return the request that opens a WebSocket. No extension is offered."""
    return (
        f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {_KEY}\r\n\r\n"
    ).encode()


def frame(opcode: int, payload: bytes) -> bytes:
    """Return a frame of a client. Its mask is all zeros, which is legal and costs nothing."""
    size = len(payload)
    if size < 126:
        head = bytes((0x80 | opcode, 0x80 | size))
    elif size < 65536:
        head = bytes((0x80 | opcode, 0xFE)) + size.to_bytes(2, "big")
    else:
        head = bytes((0x80 | opcode, 0xFF)) + size.to_bytes(8, "big")
    return head + b"\0\0\0\0" + payload


def packet(header: dict[str, Any], payload: bytes = b"") -> bytes:
    """Return a packet in a frame, ready to be sent."""
    head = _encode({**header, "payload_size": len(payload)})
    return frame(BINARY, b"TWILSOCK V3.0 %d\r\n%b\r\n%b" % (len(head), head, payload))


def packet_of(message: bytes) -> Packet:
    """Return the packet that a message holds.

    Raises:
        WireError: an SDK would drop it.
    """
    magic, version, length = message[: message.index(b"\r\n")].split(b" ")
    if (magic, version) != (b"TWILSOCK", b"V3.0"):
        raise WireError(f"no packet: {message[:60]!r}")
    begins = message.index(b"\r\n") + 2
    ends = begins + int(length)
    header = _decode(message[begins:ends])
    payload = message[ends + 2 :]
    if message[ends : ends + 2] != b"\r\n" or len(payload) != header["payload_size"]:
        raise WireError(f"the lengths are wrong: {message[:300]!r}")
    if not payload:
        return Packet(header, None)
    if not header.get("payload_type", "application/json").startswith("application/json"):
        raise WireError(f"the payload is not JSON: {header}")
    return Packet(header, _decode(payload))


class Reader:
    """Takes bytes as they come, and gives whole messages: pairs of opcode and payload.

    The first message, with opcode 0, is the answer to the opening.
    """

    def __init__(self) -> None:
        self._came = b""
        self._open = False

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """Return the messages that are whole now.

        Raises:
            WireError: the WebSocket was not opened, or a frame is masked, fragmented or compressed.
        """
        data = self._came + data if self._came else data
        messages: list[tuple[int, bytes]] = []
        at = 0
        if not self._open:
            end = data.find(b"\r\n\r\n")
            if end < 0:
                self._came = data
                return messages
            _see_that_it_opened(data[:end])
            self._open, at = True, end + 4
            messages.append((0, data[:end]))
        have = len(data)
        while have - at >= 2:
            first, size = data[at], data[at + 1]
            begins = at + 2
            if not first & 0x80 or first & 0x70 or size & 0x80:
                raise WireError(f"a frame that is fragmented, compressed or masked: {data[at : at + 14]!r}")
            if size > 125:
                begins += 2 if size == 126 else 8
                if have < begins:
                    break
                size = int.from_bytes(data[at + 2 : begins], "big")
            if have < begins + size:
                break
            at = begins + size
            messages.append((first & 0x0F, data[begins:at]))
        self._came = data[at:]
        return messages


def _see_that_it_opened(head: bytes) -> None:
    status, _, lines = head.partition(b"\r\n")
    headers = {
        name.lower(): value.strip() for name, _, value in (s.partition(b":") for s in lines.split(b"\r\n"))
    }
    if b" 101 " not in status + b" ":
        raise WireError(f"no WebSocket: {status.decode()}")
    if headers.get(b"sec-websocket-accept") != ACCEPTED:
        raise WireError("the opening was answered with another key")
    if b"sec-websocket-extensions" in headers:
        raise WireError("an extension that nobody asked for")
