"""Packets, byte for byte. Source: sdk-wire."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chinwag.realtime.frames import FrameError, HttpRequest, message, packet, packet_of

CLOSE = (
    b"TWILSOCK V3.0 81\r\n"
    b'{"id":"TM00000000-0000-4000-8000-000000000001","method":"close","payload_size":0}\r\n'
)
SEND = (
    "TWILSOCK V3.0 309\r\n"
    '{"id":"TM2","method":"message","active_grant":"ip_messaging",'
    '"payload_type":"application/json; charset=utf-8",'
    '"http_request":{"host":"localhost:8092","path":"/Client/v1/Conversations/general/Messages",'
    '"method":"POST","params":{},"headers":{"Content-Type":"application/json; charset=utf-8"}},'
    '"payload_size":42}\r\n'
    '{"body":"héllo","attributes":"{\\"k\\":1}"}'
).encode()


def framed(header: bytes, payload: bytes = b"", length: object = None) -> bytes:
    """A packet whose header is exactly this."""
    size = len(header) if length is None else length
    return b"TWILSOCK V3.0 %b\r\n%b\r\n%b" % (str(size).encode(), header, payload)


def test_a_packet_without_payload_ends_with_a_line_break() -> None:
    assert len(CLOSE) == 101

    header, payload = packet_of(CLOSE)

    assert (header.method, header.id) == ("close", "TM00000000-0000-4000-8000-000000000001")
    assert payload == b""


def test_sizes_are_in_bytes() -> None:
    header, payload = packet_of(SEND)

    assert header.payload_size == 42
    assert len(payload) == 42
    assert len(payload.decode()) == 41
    assert msgspec.json.decode(payload)["body"] == "héllo"


def test_a_request_keeps_its_path_and_its_parameters_as_they_came() -> None:
    asked = {"path": "/v3/Maps/a%2Fb", "params": {"From": "a%20b", "Odd": ["1", "2"]}}

    header, _ = packet_of(packet({"method": "message", "id": "TM1", "http_request": asked}))

    assert header.http_request == HttpRequest("/v3/Maps/a%2Fb", "GET", {"From": "a%20b", "Odd": ["1", "2"]})


def test_a_packet_of_ours_says_how_long_it_is_and_that_it_is_json() -> None:
    assert (
        packet({"method": "reply", "id": "é"})
        == ('TWILSOCK V3.0 45\r\n{"method":"reply","id":"é","payload_size":0}\r\n').encode()
    )
    assert (
        packet({"method": "reply", "id": "1"}, b'"\xc3\xa9"')
        == (
            "TWILSOCK V3.0 78\r\n"
            '{"method":"reply","id":"1","payload_type":"application/json","payload_size":4}\r\n"é"'
        ).encode()
    )


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536, 400_000])
def test_a_message_is_one_binary_frame_without_a_mask(size: int) -> None:
    wire = message(b"x" * size)

    length = 2 if size < 126 else 4 if size < 65_536 else 10
    assert wire[0] == 0x82
    assert not wire[1] & 0x80
    assert wire[length:] == b"x" * size


GOOD = b'{"method":"close","payload_size":0}'
NESTED = b'{"method":"close","payload_size":0,"more":' + b"[" * 100_000 + b"]" * 100_000 + b"}"

NO_PACKETS = {
    "nothing": b"",
    "another protocol": b"GET / HTTP/1.1\r\n\r\n",
    "another version": framed(GOOD).replace(b"V3.0", b"V3.1"),
    "small letters": framed(GOOD).lower(),
    "no length": framed(GOOD, length=""),
    "a length that is no number": framed(GOOD, length="0x23"),
    "a negative length": framed(GOOD, length=-35),
    "a length with a space": framed(GOOD, length=" 35"),
    "a length with a plus": framed(GOOD, length="+35"),
    "a length of eleven digits": framed(GOOD, length=f"{35:011}"),
    "a length in other digits": "TWILSOCK V3.0 ٣٥\r\n".encode() + GOOD + b"\r\n",
    "a length too small": framed(GOOD, length=34),
    "a length too large": framed(GOOD, length=36),
    "a length beyond the end": framed(GOOD, length=4_000_000_000),
    "only a line feed": framed(GOOD).replace(b"\r\n", b"\n"),
    "no line break at the end": framed(GOOD)[:-2],
    "half a line break at the end": framed(GOOD)[:-1],
    "a header that is no JSON": framed(b"method=close"),
    "a header that is no object": framed(b"[]"),
    "an empty header": framed(b""),
    "a header nested too deeply": framed(NESTED),
    "a header that is no UTF-8": framed(b'{"method":"close","id":"\xff","payload_size":0}'),
    "half a pair of surrogates": framed(b'{"method":"close","id":"\\ud83d","payload_size":0}'),
    "no method": framed(b'{"id":"1","payload_size":0}'),
    "a method that is no text": framed(b'{"method":1,"payload_size":0}'),
    "an id that is no text": framed(b'{"method":"close","id":1,"payload_size":0}'),
    "a size that is text": framed(b'{"method":"close","payload_size":"0"}'),
    "a size that is negative": framed(b'{"method":"close","payload_size":-1}'),
    "a size that is huge": framed(b'{"method":"close","payload_size":' + b"9" * 5000 + b"}"),
    "a size too small": framed(b'{"method":"close","payload_size":1}', b"xy"),
    "a size too large": framed(b'{"method":"close","payload_size":3}', b"xy"),
    "a payload without a size": framed(b'{"method":"close"}', b"xy"),
    "a request without a path": framed(b'{"method":"message","payload_size":0,"http_request":{}}'),
    "parameters that are no texts": framed(
        b'{"method":"message","payload_size":0,"http_request":{"path":"/","params":{"a":1}}}'
    ),
    "a token that is no text": framed(b'{"method":"init","payload_size":0,"token":{}}'),
}


@pytest.mark.parametrize("data", NO_PACKETS.values(), ids=NO_PACKETS)
def test_what_is_no_packet_is_refused(data: bytes) -> None:
    with pytest.raises(FrameError):
        packet_of(data)


@pytest.mark.check(21)
@given(st.binary(max_size=200))
def test_any_bytes_are_a_packet_or_refused(data: bytes) -> None:
    for whole in (data, b"TWILSOCK V3.0 " + data, framed(data), framed(GOOD, data)):
        try:
            packet_of(whole)
        except FrameError:
            continue


@given(st.text(), st.text(), st.binary(max_size=1000), st.integers(0, 1))
def test_what_is_written_is_read_again(method: str, packet_id: str, payload: bytes, more: int) -> None:
    extra = {"unknown": {"nested": [packet_id]}} if more else {}

    header, read = packet_of(packet({"method": method, "id": packet_id, **extra}, payload))

    assert (header.method, header.id, header.payload_size) == (method, packet_id, len(payload))
    assert read == payload


@given(st.binary(min_size=1, max_size=50), st.data())
def test_a_packet_cut_short_is_refused(payload: bytes, data: st.DataObject) -> None:
    whole = packet({"method": "message", "id": "1"}, payload)

    with pytest.raises(FrameError):
        packet_of(whole[: data.draw(st.integers(0, len(whole) - 1))])
