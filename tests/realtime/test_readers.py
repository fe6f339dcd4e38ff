"""Clients that read much, slowly, or not at all, on real sockets."""

from __future__ import annotations

import asyncio
import socket
import time
from typing import TYPE_CHECKING

import msgspec
import pytest

from chinwag.realtime import names, protocol
from realtime.place import request, status
from support import twilsock

if TYPE_CHECKING:
    from realtime.place import Place
    from support.sdk_client import Connection

SECONDS = 10.0
LONG = "x" * 32 * 1024
MESSAGES = 100
SMALL = 16 * 1024


async def a_long_channel(place: Place) -> str:
    """A channel whose last page has some five million bytes; return the path of its messages."""
    channel = await place.api.a_channel(place.service)
    attributes = msgspec.json.encode(["y" * 15_000]).decode()
    for _ in range(MESSAGES):
        await place.api.post(
            f"{place.path}/Channels/{channel['sid']}/Messages", Body=LONG, Attributes=attributes
        )
    return f"/v3/Lists/{names.messages_sid(channel['sid'])}/Items"


def reads_little(connection: Connection) -> None:
    """Let the network hold as little as it can for a client."""
    found: socket.socket = connection.transport.get_extra_info("socket")
    found.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)


async def sockets(place: Place) -> float:
    """How many clients the server has."""
    answer = await place.api.get("/metrics")
    (line,) = [line for line in answer.body.decode().splitlines() if line.startswith("chinwag_sockets ")]
    return float(line.split()[1])


@pytest.mark.check(8)
async def test_a_large_answer_does_not_make_a_slow_reader(place: Place) -> None:
    path = await a_long_channel(place)
    connection = await place.logged_in("alice")
    reads_little(connection)

    connection.transport.pause_reading()  # type: ignore[attr-defined]  # of every transport of the loop
    pages = [
        asyncio.create_task(
            connection.ask(request("GET", path, params={"PageSize": str(MESSAGES), "Order": "desc"}))
        )
        for _ in range(3)
    ]
    await asyncio.sleep(0)
    quick = await place.logged_in("bob")
    assert status(await quick.ask(request("GET", "/Client/v1/Configuration"))) == 200
    connection.transport.resume_reading()  # type: ignore[attr-defined]

    for page in pages:
        reply = await page
        assert status(reply) == 200
        assert len(reply.payload["items"]) == MESSAGES


@pytest.mark.check(8)
async def test_who_leaves_and_does_not_read_is_cut_off(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "CLOSE_SECONDS", 0.2)
    path = await a_long_channel(place)
    before = await sockets(place)
    connection = await place.logged_in("alice")
    reads_little(connection)
    connection.transport.pause_reading()  # type: ignore[attr-defined]
    ask = request("GET", path, params={"PageSize": str(MESSAGES)})
    connection.transport.write(twilsock.packet({**ask, "id": "TM1"}))
    quick = await place.logged_in("bob")
    assert status(await quick.ask(ask)) == 200  # by then the first answer is on its way
    await quick.close()

    connection.transport.write(twilsock.frame(twilsock.CLOSE, (1000).to_bytes(2, "big")))

    deadline = time.monotonic() + SECONDS
    while await sockets(place) > before:
        assert time.monotonic() < deadline, "it is still there"
        await asyncio.sleep(0.05)
