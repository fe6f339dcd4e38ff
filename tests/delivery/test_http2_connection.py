"""A connection of HTTP/2: what requests share, and what becomes of them when it ends."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from h2.errors import ErrorCodes

from chinwag.delivery import http2_connection, http2_out
from chinwag.delivery.http_out import Failure
from delivery.http2_client import CA, LONG, an_identity, an_out, failed, sent
from delivery.http2_peer import Answer, Asked, Farewell, Hangup, Never, Reset, a_peer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from chinwag.delivery.http2_out import Http2Out

BODY = bytes(range(256)) * 16


@pytest.fixture
async def out(tmp_path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Http2Out]:
    """The client of a server that may call this machine, and trusts the authority of the tests."""
    monkeypatch.setenv("SSL_CERT_FILE", CA.trusted(tmp_path))
    found = an_out("127.0.0.0/8")
    yield found
    await found.close()


# One connection for many requests


async def test_requests_share_a_connection(out: Http2Out) -> None:
    async with a_peer(CA, answer=lambda _: Answer(seconds=0.05)) as peer:
        replies = await asyncio.gather(*(sent(out, f"{peer.url}/{number}") for number in range(200)))

        assert {reply.status for reply in replies} == {200}
        assert {each.path for each in peer.asked} == {f"/{number}" for number in range(200)}
        assert peer.connections == 1
        assert peer.most_at_once > 1


async def test_requests_beyond_what_the_other_side_takes_wait_in_order(out: Http2Out) -> None:
    async with a_peer(CA, answer=lambda _: Answer(seconds=0.01), most_streams=3) as peer:
        await asyncio.gather(*(sent(out, f"{peer.url}/{number}") for number in range(30)))

        assert [each.path for each in peer.asked] == [f"/{number}" for number in range(30)]
        assert (peer.most_at_once, peer.connections) == (3, 1)


async def test_whoever_waits_too_long_for_a_turn_gives_up(out: Http2Out) -> None:
    async with a_peer(CA, answer=first(Never(), Answer()), most_streams=1) as peer:
        slow = asyncio.create_task(sent(out, f"{peer.url}/slow"))
        await peer.heard(1)

        assert (await failed(out, f"{peer.url}/waits")).failure is Failure.TIMEOUT

        slow.cancel()
        await asyncio.wait([slow])
        assert (await sent(out, f"{peer.url}/next")).status == 200
        assert [each.path for each in peer.asked] == ["/slow", "/next"]


async def test_a_body_is_sent_as_the_other_side_asks_for_it(out: Http2Out) -> None:
    async with a_peer(CA, window=100) as peer:
        await asyncio.gather(*(sent(out, peer.url, body=BODY) for _ in range(50)))

        assert {each.body for each in peer.asked} == {BODY}


async def test_an_answer_before_the_whole_request_is_one(out: Http2Out) -> None:
    """The window is never opened; the answer comes all the same."""
    async with a_peer(CA, window=0) as peer:
        waiting = asyncio.create_task(sent(out, peer.url, body=BODY))
        await peer.until(lambda peer: any(talk.begun for talk in peer.open))
        [talk] = peer.open
        talk.answer_early(Answer(413))

        assert (await waiting).status == 413
        await peer.until(lambda peer: peer.resets == [ErrorCodes.CANCEL])


async def test_large_answers_are_read_whole(out: Http2Out) -> None:
    large = bytes(300_000)
    async with a_peer(CA, answer=lambda _: Answer(body=large)) as peer:
        replies = await asyncio.gather(*(sent(out, peer.url) for _ in range(5)))

    assert {reply.body for reply in replies} == {large}


async def test_an_answer_that_is_too_large_is_broken_off_alone(out: Http2Out) -> None:
    async with a_peer(CA, answer=first(Answer(body=bytes(1_000_000)), Answer())) as peer:
        error = await failed(out, peer.url, most_bytes=10_000, seconds=LONG)

        assert error.failure is Failure.TOO_LARGE
        assert (await sent(out, peer.url)).status == 200
        assert (peer.connections, peer.resets) == (1, [ErrorCodes.CANCEL])


async def test_who_is_not_waited_for_any_more_is_told_so(out: Http2Out) -> None:
    async with a_peer(CA, answer=first(Never(), Answer())) as peer:
        task = asyncio.create_task(sent(out, peer.url))
        await peer.heard(1)
        task.cancel()
        await peer.until(lambda peer: peer.resets == [ErrorCodes.CANCEL])

        assert (await sent(out, peer.url)).status == 200
        assert peer.connections == 1


async def test_a_ping_is_answered(out: Http2Out) -> None:
    async with a_peer(CA) as peer:
        await sent(out, peer.url)
        [talk] = peer.open
        talk.ping()

        await peer.until(lambda peer: peer.pongs == 1)


# Connections that end


async def test_an_idle_connection_is_closed(out: Http2Out, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http2_connection, "IDLE_SECONDS", 0.05)
    async with a_peer(CA) as peer:
        await sent(out, peer.url)
        await peer.until(lambda peer: not peer.open)

        assert peer.farewells == 1
        assert (await sent(out, peer.url)).status == 200
        assert peer.connections == 2


async def test_only_so_many_connections_are_kept(out: Http2Out, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http2_out, "MOST_KEPT", 2)
    async with a_peer(CA) as peer:
        for key in ("a", "b", "a", "c"):
            await sent(out, peer.url, identity=an_identity(key=key))
        await peer.until(lambda peer: len(peer.open) == 2)

        await sent(out, peer.url, identity=an_identity(key="a"))
        assert peer.connections == 3


async def test_what_was_not_read_before_a_farewell_is_sent_again(out: Http2Out) -> None:
    async with a_peer(CA, answer=first(Farewell(last=0), Answer(201))) as peer:
        reply = await sent(out, peer.url, body=BODY)

        assert reply.status == 201
        assert [(each.connection, each.body) for each in peer.asked] == [(1, BODY), (2, BODY)]


async def test_what_was_read_before_a_farewell_is_still_answered(out: Http2Out) -> None:
    answer = first(Farewell(then=Answer(201, seconds=0.05)), Answer(202))
    async with a_peer(CA, answer=answer) as peer:
        replies = [asyncio.create_task(sent(out, peer.url))]
        await peer.heard(1)
        replies.append(asyncio.create_task(sent(out, peer.url)))

        assert [(await reply).status for reply in replies] == [201, 202]
        await peer.until(lambda peer: len(peer.open) == 1)


async def test_who_waits_at_a_farewell_goes_elsewhere(out: Http2Out) -> None:
    answer = first(Farewell(then=Answer(200)), Answer(200))
    async with a_peer(CA, answer=answer, most_streams=1) as peer:
        replies = await asyncio.gather(*(sent(out, f"{peer.url}/{number}") for number in range(20)))

        assert {reply.status for reply in replies} == {200}
        assert [each.path for each in peer.asked] == [f"/{number}" for number in range(20)]
        assert peer.connections == 2


async def test_what_was_read_and_not_answered_is_not_sent_again(out: Http2Out) -> None:
    async with a_peer(CA, answer=lambda _: Farewell(then=Hangup())) as peer:
        assert (await failed(out, peer.url, seconds=LONG)).failure is Failure.DISCONNECTED
        assert len(peer.asked) == 1


async def test_a_request_that_is_refused_is_sent_once_more(out: Http2Out) -> None:
    async with a_peer(CA, answer=first(Reset(), Answer(201))) as peer:
        assert (await sent(out, peer.url)).status == 201
        assert len(peer.asked) == 2


async def test_a_request_that_is_always_refused_is_sent_twice(out: Http2Out) -> None:
    async with a_peer(CA, answer=lambda _: Reset()) as peer:
        assert (await failed(out, peer.url, seconds=LONG)).failure is Failure.DISCONNECTED
        assert len(peer.asked) == 2


async def test_a_request_that_is_broken_off_is_not_sent_again(out: Http2Out) -> None:
    async with a_peer(CA, answer=lambda _: Reset(ErrorCodes.INTERNAL_ERROR)) as peer:
        assert (await failed(out, peer.url, seconds=LONG)).failure is Failure.DISCONNECTED
        assert len(peer.asked) == 1


async def test_a_kept_connection_that_is_dead_is_replaced_once(out: Http2Out) -> None:
    async with a_peer(CA, answer=in_turn(Answer(), Hangup(), Answer(201))) as peer:
        assert [(await sent(out, peer.url)).status for _ in range(2)] == [200, 201]
        assert [each.connection for each in peer.asked] == [1, 1, 2]


async def test_a_new_connection_that_ends_is_not_replaced(out: Http2Out) -> None:
    async with a_peer(CA, answer=lambda _: Hangup()) as peer:
        assert (await failed(out, peer.url, seconds=LONG)).failure is Failure.DISCONNECTED
        assert peer.connections == 1


async def test_a_connection_on_which_nothing_comes_any_more_is_dropped(out: Http2Out) -> None:
    async with a_peer(CA, answer=in_turn(Answer(), Answer(201))) as peer:
        await sent(out, peer.url)
        [talk] = peer.open

        talk.is_deaf = True
        assert (await failed(out, peer.url)).failure is Failure.TIMEOUT

        assert (await sent(out, peer.url)).status == 201
        assert peer.connections == 2


async def test_a_slow_request_leaves_the_connection_to_others(out: Http2Out) -> None:
    async with a_peer(CA, answer=lambda asked: Never() if asked.path == "/slow" else Answer()) as peer:
        slow = asyncio.create_task(failed(out, f"{peer.url}/slow", seconds=0.5))
        while not slow.done():
            assert (await sent(out, peer.url)).status == 200

        assert (await slow).failure is Failure.TIMEOUT
        assert peer.connections == 1


async def test_who_never_greets_takes_too_long(out: Http2Out) -> None:
    async with a_peer(CA, greets=False) as peer:
        assert (await failed(out, peer.url)).failure is Failure.TIMEOUT


@pytest.mark.parametrize(
    "said",
    [b"\0\0\3\0\0\0\0\0\0Bad", b"\0\x50\0\0\0\0\0\0\1" + b"Bad " * 0x1400],
    ids=["data of no request", "a frame that is too large"],
)
async def test_what_is_not_http2_is_named(out: Http2Out, said: bytes) -> None:
    async with a_peer(CA, answer=lambda _: Never()) as peer:
        error = asyncio.create_task(failed(out, peer.url, seconds=LONG))
        await peer.heard(1)
        [talk] = peer.open
        talk.say(said)

        assert (await error).failure is Failure.PROTOCOL
        assert "Bad" not in str(await error)


async def test_a_status_that_is_none_is_named(out: Http2Out) -> None:
    async with a_peer(CA, answer=lambda _: Answer("fine")) as peer:
        assert (await failed(out, peer.url, seconds=LONG)).failure is Failure.PROTOCOL


def first(once: Any, then: Any) -> Callable[[Asked], Any]:
    """Answer the first request so, and all others so."""
    acts = iter([once])
    return lambda _asked: next(acts, then)


def in_turn(*each: Any) -> Callable[[Asked], Any]:
    acts = iter(each)
    return lambda _asked: next(acts)
