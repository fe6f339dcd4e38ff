"""The tests' own client and the server read each other's packets; both read what an SDK was seen to send."""

from __future__ import annotations

import pytest

from chinwag.realtime.frames import message, packet, packet_of
from support import twilsock
from support.twilsock import BINARY, PING, Reader, WireError

SEEN = (
    b"TWILSOCK V3.0 81\r\n"
    b'{"id":"TM2147df88-fdf5-457f-9c2e-4305f0ac95b0","method":"close","payload_size":0}\r\n'
)
OPENED = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: " + twilsock.ACCEPTED + b"\r\n\r\n"
)


@pytest.fixture
def reader() -> Reader:
    """Behind the opening."""
    reader = Reader()
    reader.feed(OPENED)
    return reader


def test_both_read_what_an_sdk_sends() -> None:
    assert packet_of(SEEN).header.method == "close"
    assert twilsock.packet_of(SEEN).header["id"] == "TM2147df88-fdf5-457f-9c2e-4305f0ac95b0"


@pytest.mark.parametrize("body", ["", "é" * 40, "x" * 200, "x" * 70_000])
def test_the_client_reads_what_the_server_writes(reader: Reader, body: str) -> None:
    written = message(packet({"method": "notification", "id": "TM1"}, f'{{"body":"{body}"}}'.encode()))

    ((opcode, data),) = reader.feed(written)

    assert opcode == BINARY
    assert twilsock.packet_of(data).payload == {"body": body}


@pytest.mark.parametrize("size", [0, 20, 300, 70_000])
def test_the_server_reads_what_the_client_writes(size: int) -> None:
    framed = twilsock.packet({"method": "message", "id": "TM1"}, b"x" * size)
    data = framed[framed.index(b"TWILSOCK") :]

    read = packet_of(data)

    assert (read.header.method, read.header.id, read.payload) == ("message", "TM1", b"x" * size)


def test_messages_may_come_in_any_pieces() -> None:
    stream = OPENED + message(SEEN) + bytes((0x80 | PING, 2)) + b"hi" + message(SEEN)
    reader = Reader()

    messages = [found for at in range(len(stream)) for found in reader.feed(stream[at : at + 1])]

    assert [opcode for opcode, _ in messages] == [0, BINARY, PING, BINARY]
    assert messages[1][1] == messages[3][1] == SEEN


@pytest.mark.parametrize(
    "frame", [b"\x02\x01x", b"\xc2\x01x", b"\x82\x81\0\0\0\0x"], ids=["fragmented", "compressed", "masked"]
)
def test_frames_that_no_server_of_ours_may_send_are_refused(reader: Reader, frame: bytes) -> None:
    with pytest.raises(WireError):
        reader.feed(frame)
