"""Acknowledgements are left out of what came, and nothing else is. Source: sdk-wire."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chinwag.realtime.acknowledgements import Acknowledgements
from support import twilsock
from support.twilsock import packet

ACK = packet(
    {
        "id": "TM1",
        "method": "reply",
        "payload_type": "application/json",
        "status": {"code": 200, "status": "OK"},
    }
)
OTHERS = (
    packet({"method": "message", "id": "TM2", "http_request": {"path": "/", "method": "GET"}}),
    packet({"method": "message", "id": '"method":"reply"'}, b'{"body":"x"}'),
    packet({"method": "message", "id": "TM3"}, b'"method":"reply"' * 20),
    packet({"method": "close", "id": "TM4"}),
    twilsock.frame(twilsock.PONG, b'"method":"reply"'),
    twilsock.frame(twilsock.BINARY, b"x" * 125),
    twilsock.frame(twilsock.BINARY, b"x" * 126),
    twilsock.frame(twilsock.BINARY, b""),
)


LONG = packet({"method": "message", "id": "TM5"}, b'"method":"reply"' * 5000)


def masked(frame: bytes, mask: bytes) -> bytes:
    """A frame of ours, whose mask is all zeros, with another mask."""
    size = frame[1] & 0x7F
    begins = 2 + (0 if size < 126 else 2 if size == 126 else 8)
    payload = frame[begins + 4 :]
    hidden = bytes(byte ^ mask[place % 4] for place, byte in enumerate(payload))
    return frame[:begins] + mask + hidden


def left(pieces: list[bytes]) -> bytes:
    known = Acknowledgements()
    return b"".join(part for piece in pieces for part in known.wanted(piece))


@given(st.lists(st.tuples(st.sampled_from((ACK, *OTHERS)), st.binary(min_size=4, max_size=4)), max_size=8))
def test_of_whole_frames_only_acknowledgements_are_left_out(frames: list[tuple[bytes, bytes]]) -> None:
    came = [(frame, masked(frame, mask)) for frame, mask in frames]

    found = left([b"".join(wire for _, wire in came)])

    assert found == b"".join(wire for frame, wire in came if frame is not ACK)


@given(st.lists(st.sampled_from((ACK, *OTHERS)), min_size=1, max_size=8), st.data())
def test_in_any_pieces_nothing_else_is_lost(frames: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(frames)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))

    found = left([stream[begin:end] for begin, end in pairwise([0, *cuts, len(stream)])])

    assert _without(_frames(found)) == _without(frames)


def _without(frames: list[bytes]) -> list[bytes]:
    return [frame for frame in frames if frame != ACK]


def _frames(stream: bytes) -> list[bytes]:
    """Cut a stream into frames."""
    found: list[bytes] = []
    while stream:
        size, begins = stream[1] & 0x7F, 2
        if size >= 126:
            begins = 4 if size == 126 else 10
            size = int.from_bytes(stream[2:begins], "big")
        end = begins + 4 + size
        found.append(stream[:end])
        stream = stream[end:]
    return found


def test_a_long_frame_is_left_as_it_is_however_it_comes() -> None:
    stream = ACK + LONG + ACK + LONG

    for size in (1000, 4096, len(stream)):
        found = left([stream[begin : begin + size] for begin in range(0, len(stream), size)])
        assert _without(_frames(found)) == [LONG, LONG]


@pytest.mark.parametrize("frame", [twilsock.frame(twilsock.BINARY, b"x" * 126), LONG])
def test_a_frame_that_is_cut_within_its_head_is_left_as_it_is(frame: bytes) -> None:
    for cut in range(1, 14):
        assert left([frame[:cut], frame[cut:]]) == frame


@given(st.lists(st.binary(max_size=300), max_size=5))
def test_what_is_no_stream_of_frames_goes_on_as_it_came(pieces: list[bytes]) -> None:
    found = left(pieces)

    assert len(found) <= sum(map(len, pieces))
