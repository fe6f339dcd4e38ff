"""How a socket is opened: a page of any origin may, and has nothing of it before a token of its own."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from chinwag import limits
from chinwag.rest.openapi import all_routes
from realtime.place import closed, raw, request
from rest.wire import basic, connected
from support import twilsock
from support.twilsock import packet

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from realtime.place import Place
    from rest.wire import Wire
    from support.torture import Did

pytestmark = pytest.mark.check(20)

ORIGINS = {
    "no browser": (),
    "another site": ("Origin: https://elsewhere.example",),
    "a page without an origin": ("Origin: null",),
    "what is no origin": ("Origin: é, https://elsewhere.example",),
}
HANDSHAKE = {"upgrade", "connection", "sec-websocket-accept", "date"}
"""The headers of the answer to a handshake: no cookie, and nothing of CORS, which sockets do not have."""

CONFIGURATION = packet({**request("GET", "/Client/v1/Configuration"), "id": "TM1"})
OPENING = twilsock.opening("chat.example")


def opening(*lines: str, path: str = "/v3/wsconnect") -> bytes:
    """A handshake with more header lines."""
    return (
        twilsock.opening("chat.example", path)[:-2]
        + "".join(f"{line}\r\n" for line in lines).encode()
        + b"\r\n"
    )


@asynccontextmanager
async def a_socket(place: Place, *lines: str, path: str = "/v3/wsconnect") -> AsyncIterator[Wire]:
    """A WebSocket that has been opened, byte by byte."""
    async with connected(place.base) as wire:
        await wire.send(opening(*lines, path=path))
        answer = await wire.answer()
        assert answer.status == 101
        assert set(answer.headers) <= HANDSHAKE
        yield wire


@pytest.mark.parametrize("origin", ORIGINS)
async def test_a_page_of_any_origin_has_nothing_of_a_socket_before_its_token(
    place: Place, origin: str, did: Did
) -> None:
    """Another socket of the same user is logged in, and a message comes that would be told to him."""
    channel = await place.api.a_channel(place.service, UniqueName="lobby")
    await place.api.a_member(channel, "alice")
    alice = await place.client("alice")

    async with a_socket(place, *ORIGINS[origin]) as wire:
        messages = await alice.list(f"{channel['sid']}.messages")
        added = asyncio.Event()
        messages.listener = lambda *_: added.set()
        await place.api.a_message(channel)
        await asyncio.wait_for(added.wait(), 10)
        await wire.send(twilsock.frame(twilsock.PING, b"still there"))

        assert await wire.frame() == (twilsock.PONG, b"still there")

        await wire.send(CONFIGURATION)
        opcode, payload = await wire.frame()
        assert (opcode, payload[:2]) == (twilsock.CLOSE, (1002).to_bytes(2, "big"))
        assert payload[2:] == b"message before init"
    did(f"sockets from {len(ORIGINS)} origins: nothing before the token, whoever else is logged in")


async def test_a_page_of_any_origin_may_come_with_a_token(place: Place) -> None:
    for lines in ORIGINS.values():
        async with a_socket(place, *lines) as wire:
            await wire.send(packet({"method": "init", "id": "TM0", "token": place.token()}))

            opcode, payload = await wire.frame()

            assert opcode == twilsock.BINARY
            assert twilsock.packet_of(payload).header["status"]["code"] == 200


def credentials(place: Place) -> dict[str, tuple[tuple[str, ...], str]]:
    """What a browser adds by itself, or an application might put beside a handshake: lines, and a path."""
    token = place.token()
    account = basic(place.api.account_sid, place.api.auth_token)
    return {
        "a cookie": ((f"Cookie: token={token}; twilio-chat={token}; session={token}",), ""),
        "what a browser remembers of Basic": ((f"Authorization: {account}",), ""),
        "a bearer": ((f"Authorization: Bearer {token}",), ""),
        "the token of REST": ((f"X-Twilio-Token: {token}",), ""),
        "a protocol": ((f"Sec-WebSocket-Protocol: chat, {token}",), ""),
        "a query": ((), f"?token={token}&X-Twilio-Token={token}"),
    }


async def test_nothing_that_stands_in_a_handshake_lets_anybody_in(place: Place, did: Did) -> None:
    for lines, query in credentials(place).values():
        async with a_socket(
            place, "Origin: https://elsewhere.example", *lines, path="/v3/wsconnect" + query
        ) as wire:
            await wire.send(CONFIGURATION)

            opcode, payload = await wire.frame()

            assert (opcode, payload[2:]) == (twilsock.CLOSE, b"message before init")
    did("a token in a cookie, header, protocol or query of the handshake lets nobody in")


async def test_cookies_are_neither_set_nor_read(place: Place, did: Did) -> None:
    """A page elsewhere could have a browser send them: there must be nothing that they are good for."""
    account = basic(place.api.account_sid, place.api.auth_token)
    cookie = {
        "Cookie": f"authorization={account}; token={place.token()}",
        "Origin": "https://elsewhere.example",
    }
    paths = {prefix + route.path for prefix, _, route in all_routes() if route.method == "GET"}

    for path in ("/", "/docs", "/healthz", *sorted(paths)):
        filled = path.format_map(_Any(service_sid=place.service["sid"]))
        known = await place.api.send("GET", filled, headers=cookie)
        unknown = await place.api.send("GET", filled, headers=cookie, auth=False)

        assert "Set-Cookie" not in known.headers
        assert "Set-Cookie" not in unknown.headers
        assert unknown.status == 401 or path not in paths
    did(f"no cookie is set or read by {len(paths)} routes")


class _Any(dict[str, Any]):
    def __missing__(self, name: str) -> str:
        return "x"


@pytest.mark.parametrize(
    "sent",
    [b"", packet({"method": "init"})[:20], twilsock.frame(twilsock.PING, b"x") * 20],
    ids=["nothing", "half a packet", "pings"],
)
async def test_whoever_sends_no_token_in_time_is_shown_out_whatever_else_comes(
    place: Place, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr(limits, "LOGIN_SECONDS", 0.05)
    connection = await place.connection()

    connection.transport.write(sent)

    await closed(connection)


BAD = {
    "no key": OPENING.replace(b"Sec-WebSocket-Key", b"X-Key"),
    "a key that is too short": OPENING.replace(b"Sec-WebSocket-Key: ", b"Sec-WebSocket-Key: x\r\nX: "),
    "two keys": OPENING[:-2] + b"Sec-WebSocket-Key: YSBrZXkgdGhhdCBpcyAxNg==\r\n\r\n",
    "an old version": OPENING.replace(b"Version: 13", b"Version: 8"),
    "two origins": OPENING[:-2] + b"Origin: https://a.example\r\nOrigin: https://b.example\r\n\r\n",
    "no version": OPENING.replace(b"Sec-WebSocket-Version", b"X-Version"),
}


@pytest.mark.parametrize("handshake", BAD.values(), ids=BAD)
async def test_what_is_no_handshake_opens_nothing(place: Place, handshake: bytes) -> None:
    async with connected(place.base) as wire:
        await wire.send(handshake + raw(b"x"))

        answer = await wire.answer()

        assert answer.status in {400, 426}
        assert await wire.is_closed()
