"""Bodies that are small until they are unpacked or parsed: nothing is unpacked, and parsing is bounded."""

from __future__ import annotations

import gzip
import zlib
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import psutil
import pytest

from realtime.place import Place, a_place, request, status
from rest.wire import basic, connected, head
from support import twilsock
from support.uploads import an_uploader

if TYPE_CHECKING:
    from chinwag.settings import Settings
    from rest.wire import Wire
    from support.api import Api
    from support.torture import Did

pytestmark = pytest.mark.check(23)

MB = 2**20
INFLATED = 100 * MB
"""What a bomb is unpacked. It is a thousand times as large as packed."""

GROWTH = 64 * MB
"""By how much a process may grow that has seen many bombs, and unpacked none."""

FORM = "Content-Type: application/x-www-form-urlencoded"


@cache
def deflated(wbits: int) -> bytes:
    """A bomb of one of the three forms of DEFLATE: alone (-15), of zlib (15), of gzip (31)."""
    packer = zlib.compressobj(9, zlib.DEFLATED, wbits)
    piece = b"x" * MB
    return b"".join([packer.compress(piece) for _ in range(INFLATED // MB)]) + packer.flush()


BOMB = deflated(31)
CODINGS = {
    "gzip": BOMB,
    "x-gzip": BOMB,
    "deflate": deflated(15),
    "deflate, gzip": gzip.compress(deflated(-15)),
    "br": b"FriendlyName=bomb",
    "zstd": b"FriendlyName=bomb",
    "GZIP": b"FriendlyName=bomb",
}
"""Bodies by what they are said to be packed with; some are not packed at all, and could be read."""


def memory() -> int:
    """How many bytes this process has, with the server in it."""
    return psutil.Process().memory_info().rss


@pytest.fixture
async def place(api: Api, server: tuple[str, Settings]) -> Any:
    found = await a_place(api, *server)
    yield found
    await found.close()


@pytest.mark.parametrize("coding", CODINGS)
async def test_a_body_that_is_packed_is_refused_and_not_unpacked(api: Api, coding: str, did: Did) -> None:
    before = memory()

    for _ in range(10):
        answer = await api.send(
            "POST",
            "/v1/Services",
            headers={"Content-Type": "application/x-www-form-urlencoded", "Content-Encoding": coding},
            data=CODINGS[coding],
        )

        assert (answer.status, answer.code) == (400, 20001)
        assert f"Content-Encoding: {coding}" in answer.headers["Chinwag-Detail"]
    assert memory() - before < GROWTH
    assert (await api.get("/v1/Services")).json["services"] == []
    did(f"bodies in {len(CODINGS)} codings, 1:1000 and more: refused, not unpacked")


async def test_a_body_that_is_said_to_be_as_it_is_is_read(api: Api) -> None:
    answer = await api.send(
        "POST",
        "/v1/Services",
        headers={"Content-Type": "application/x-www-form-urlencoded", "Content-Encoding": "identity"},
        data=b"FriendlyName=Sales",
    )

    assert (answer.status, answer.json["friendly_name"]) == (201, "Sales")


@pytest.mark.parametrize("coding", ["gzip, chunked", "gzip", "chunked, gzip"])
async def test_what_is_packed_on_its_way_is_refused(api: Api, coding: str) -> None:
    authorization = basic(api.account_sid, api.auth_token)
    async with connected(api.base) as wire:
        await wire.send(
            head("POST /v1/Services", FORM, f"Transfer-Encoding: {coding}", authorization=authorization)
            + b"%x\r\n%b\r\n0\r\n\r\n" % (len(BOMB), BOMB)
        )

        answer = await wire.answer()

        assert (answer.status, answer.code) == (400, 20001)
    assert (await api.get("/v1/Services")).json["services"] == []


async def test_a_file_that_is_packed_is_kept_as_it_came(api: Api, server: tuple[str, Settings]) -> None:
    uploader = await an_uploader(api, server[1])
    before = memory()

    answer = await uploader.send(
        "POST",
        uploader.path,
        headers={"Content-Type": "text/plain", "Content-Encoding": "gzip"},
        data=BOMB,
    )

    assert (answer.status, answer.json["size"]) == (201, len(BOMB))
    assert (await uploader.temporary(answer.json)).body == BOMB
    assert memory() - before < GROWTH


# Sockets


OFFERS = [
    "permessage-deflate",
    "permessage-deflate; client_max_window_bits; server_no_context_takeover",
    "x-webkit-deflate-frame, permessage-bzip2, permessage-deflate",
]


async def opened(wire: Wire, offer: str) -> None:
    """Open a WebSocket with an offer to pack what is sent."""
    lines = twilsock.opening("chat.example")[:-2]
    await wire.send(lines + f"Sec-WebSocket-Extensions: {offer}\r\n\r\n".encode())
    answer = await wire.answer()
    assert answer.status == 101
    assert "sec-websocket-extensions" not in answer.headers


@pytest.mark.parametrize("offer", OFFERS)
@pytest.mark.parametrize("logged_in", [False, True])
async def test_a_packed_message_ends_its_socket_and_is_not_unpacked(
    place: Place, offer: str, logged_in: bool, did: Did
) -> None:
    """The third is not the first frame of its message; only a first one may say that it is packed."""
    packed = deflated(-15)[:380_000]
    frames = [
        _compressed(twilsock.frame(twilsock.BINARY, packed)),
        _compressed(twilsock.frame(1, packed)),
        bytes((0x02, 0x81)) + b"\0\0\0\0x" + _compressed(twilsock.frame(0, packed)),
        _compressed(twilsock.frame(twilsock.PING, b"x")),
    ]
    before = memory()

    for frame in frames * 3:
        async with connected(place.base) as wire:
            await opened(wire, offer)
            if logged_in:
                await wire.send(twilsock.packet({"method": "init", "id": "TM0", "token": place.token()}))
                assert (await wire.frame())[0] == twilsock.BINARY
            await wire.send(frame)

            opcode, payload = await wire.frame()

            assert (opcode, payload[:2]) == (twilsock.CLOSE, (1002).to_bytes(2, "big"))
    assert memory() - before < GROWTH
    did("sockets that offer to pack, and pack 1:1000: nothing is agreed to, and their socket ends")


def _compressed(frame: bytes) -> bytes:
    return bytes((frame[0] | 0x40,)) + frame[1:]


# JSON


DEEP = b"[" * 100_000 + b"]" * 100_000
STRANGE = {
    "a long integer": "9" * 16_000,
    "a long negative integer": "-" + "9" * 16_000,
    "a number beyond all floats": '{"a": 1e400}',
    "a long exponent": "1e" + "9" * 10_000,
    "a long fraction": "0." + "1" * 16_000,
    "keys that are there twice": '{"a": 1, "a": {"b": 2, "b": 3}}',
    "a hundred keys alike": "{" + ",".join(['"a":1'] * 100) + "}",
}
"""Attributes that are JSON by its grammar, and are kept as they came."""

NONE = {
    "NaN": "NaN",
    "NaN inside": '{"a": [NaN]}',
    "infinity": "Infinity",
    "the other infinity": '{"a": -Infinity}',
    "deep, and small enough": "[" * 8_000 + "]" * 8_000,
    "deep objects": '{"a":' * 2_700 + "1" + "}" * 2_700,
    "deep, and never closed": "[" * 16_000,
    "a hexadecimal number": "0x10",
    "a zero in front": "007",
}
"""Attributes that are refused."""


class There(NamedTuple):
    """One object of each kind that has attributes, by the paths that they are changed and read under.

    Args:
        rest: paths of the REST API, for both.
        changed: paths in the socket.
        read: paths in the socket, of what shows all of their attributes together.
    """

    rest: list[str]
    changed: list[str]
    read: list[str]


@pytest.fixture
async def there(place: Place) -> There:
    channel = await place.api.a_channel(place.service, UniqueName="lobby")
    user = await place.api.a_user(place.service, "alice")
    may_change = place.service["default_channel_creator_role_sid"]
    member = await place.api.a_member(channel, "alice", RoleSid=may_change)
    message = await place.api.a_message(channel, From="alice")
    base, inside = f"{place.path}/Channels/{channel['sid']}", "/Client/v1/Conversations/lobby"
    return There(
        rest=[
            base,
            f"{base}/Members/{member['sid']}",
            f"{base}/Messages/{message['sid']}",
            f"{place.path}/Users/{user['sid']}",
        ],
        changed=[
            inside,
            f"{inside}/Participants/{member['sid']}",
            f"{inside}/Messages/{message['sid']}",
            "/Client/v1/Users/alice",
        ],
        read=[
            inside,
            "/Client/v1/Users/alice",
            f"/v3/Lists/{channel['sid']}.messages/Items",
            f"/v3/Maps/{channel['sid']}.roster/Items",
        ],
    )


async def test_strange_numbers_and_keys_are_kept_as_they_came_and_shown_to_sdks(
    place: Place, there: There
) -> None:
    connection = await place.logged_in("alice")

    for attributes in STRANGE.values():
        for path in there.rest:
            changed = await place.api.post(path, Attributes=attributes)
            assert (changed.status, changed.json["attributes"]) == (200, attributes)
        for path in there.read:
            answer = await connection.ask(request("GET", path))
            assert status(answer) == 200
            assert msgspec.json.encode(attributes) in msgspec.json.encode(answer.payload), path


async def test_what_is_no_json_or_too_deep_is_refused(place: Place, there: There, did: Did) -> None:
    for path in there.rest:
        for attributes in NONE.values():
            answer = await place.api.post(path, Attributes=attributes)
            assert (answer.status, answer.code) == (400, 50304), attributes[:50]
        answer = await place.api.form(path, b"Attributes=" + DEEP)
        assert (answer.status, answer.code) == (400, 50303)
        assert (await place.api.get(path)).json["attributes"] == "{}"
    did("JSON 100,000 deep, NaN, infinities: refused; long numbers and keys twice: kept as they came")


async def test_what_an_sdk_says_so_is_answered_and_changes_nothing(place: Place, there: There) -> None:
    connection = await place.logged_in("alice")
    bodies = [
        *(b'{"attributes":%b}' % text.encode() for text in NONE.values()),
        DEEP,
        b'{"attributes":%b}' % DEEP,
        b'{"friendly_name":"x","attributes":%b' % DEEP[:100_000],
        b'{"attributes":"%b"}' % DEEP[:16_000],
        b'{"attributes":"NaN"}',
    ]

    for path in there.changed:
        for body in bodies:
            assert status(await connection.ask(request("POST", path), body)) == 400, (path, body[:50])
        assert status(await connection.ask(request("POST", path), b'{"attributes":"[]"}')) == 200

    for path in there.rest:
        assert (await place.api.get(path)).json["attributes"] == "[]"
