"""Answers leave whole and in their order, together with others, whatever becomes of those."""

from __future__ import annotations

import asyncio
import gc
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from chinwag.rest.transport import LARGE, MANY, OneWrite

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from support.api import Api

HEAD = b"HTTP/1.1 200 OK\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Pair:
    """A connection: our end, with what writes answers to it, and the client's."""

    def __init__(self, transport: asyncio.Transport, client: socket.socket) -> None:
        self.transport = transport
        self.client = client
        self.answers = OneWrite(transport, transport.close, asyncio.get_running_loop())

    def arrived(self) -> bytes:
        """What is with the client by now, without waiting."""
        try:
            return self.client.recv(1 << 20)
        except BlockingIOError:
            return b""

    async def read(self, size: int) -> bytes:
        """So many bytes."""
        read = b""
        while len(read) < size:
            more = await asyncio.get_running_loop().sock_recv(self.client, size - len(read))
            assert more, f"closed after {read!r}"
            read += more
        return read


@asynccontextmanager
async def pairs(number: int) -> AsyncIterator[list[Pair]]:
    """Connections over loopback."""
    made: list[Pair] = []
    for _ in range(number):
        ours, theirs = socket.socketpair()
        theirs.setblocking(False)
        transport, _ = await asyncio.get_running_loop().create_connection(asyncio.Protocol, sock=ours)
        made.append(Pair(transport, theirs))
    yield made
    for pair in made:
        pair.transport.close()
        pair.client.close()


async def test_a_head_leaves_with_its_body_at_the_end_of_the_turn() -> None:
    async with pairs(2) as (one, other):
        one.answers.add(b"x: y\r\n")
        one.answers.write(HEAD)
        one.answers.write(b"one")
        other.answers.write(HEAD)
        other.answers.end()
        assert one.arrived() == other.arrived() == b""

        assert await one.read(len(HEAD) + 9) == b"HTTP/1.1 200 OK\r\nx: y\r\n\r\none"
        assert await other.read(len(HEAD)) == HEAD


async def test_what_is_flushed_leaves_at_once() -> None:
    async with pairs(1) as (pair,):
        pair.answers.write(CONTINUE)
        pair.answers.write(HEAD)

        pair.answers.flush()

        assert pair.arrived() == CONTINUE + HEAD


async def test_pieces_of_one_answer_keep_their_order() -> None:
    async with pairs(1) as (pair,):
        pieces = [HEAD, b"a", b"b" * LARGE, b"c", b"d"]
        for piece in pieces:
            pair.answers.write(piece)

        assert await pair.read(sum(map(len, pieces))) == b"".join(pieces)


async def test_what_is_large_is_not_held_back() -> None:
    async with pairs(1) as (pair,):
        pair.answers.write(b"a" * LARGE)

        assert pair.arrived() == b"a" * LARGE


async def test_many_answers_do_not_wait_for_the_end_of_the_turn() -> None:
    async with pairs(MANY + 1) as made:
        for pair in made:
            pair.answers.write(b"answer")

        assert [pair.arrived() for pair in made] == [b"answer"] * MANY + [b""]
        assert await made[-1].read(6) == b"answer"


@pytest.mark.parametrize("went", ["closed", "aborted", "reset"])
async def test_a_client_that_went_takes_nothing_from_others(went: str) -> None:
    async with pairs(3) as made:
        first, second, third = made
        for pair in made:
            pair.answers.write(b"answer")
        match went:
            case "closed":
                second.transport.close()
            case "aborted":
                second.transport.abort()
            case _:
                second.client.close()

        assert await first.read(6) == await third.read(6) == b"answer"


async def test_who_cannot_be_written_to_is_cut_off_and_takes_nothing_from_others() -> None:
    async with pairs(3) as made:
        first, second, third = made
        second.transport.write_eof()
        for pair in made:
            pair.answers.write(b"answer")

        assert await first.read(6) == await third.read(6) == b"answer"
        assert await asyncio.get_running_loop().sock_recv(second.client, 1) == b""
        assert second.transport.is_closing()


async def test_closing_writes_what_waits() -> None:
    async with pairs(1) as (pair,):
        pair.answers.write(HEAD)
        pair.answers.write(b"last")

        pair.answers.close()

        assert await pair.read(len(HEAD) + 4) == HEAD + b"last"


async def test_a_request_leaves_nothing_for_the_garbage_collector(api: Api) -> None:
    service = await api.a_service()
    gc.collect()
    gc.disable()
    try:
        for _ in range(50):
            assert (await api.get(f"/v1/Services/{service['sid']}")).status == 200
        rings = [one for one in _garbage() if isinstance(one, dict) and one.get("type") == "http"]
    finally:
        gc.enable()

    assert len(rings) <= 1  # that of the last request may still be in use


def _garbage() -> list[object]:
    """What only the garbage collector can free."""
    gc.set_debug(gc.DEBUG_SAVEALL)
    gc.collect()
    gc.set_debug(0)
    garbage = gc.garbage[:]
    gc.garbage.clear()
    return garbage
