"""The load: each of a number of connections that are kept open asks its own request, again and again.

It runs in a process of its own and does as little as it can for each answer, because on a small machine what
it takes is taken from the server. Each connection has one request in flight.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import subprocess
import sys
import time
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
import uvloop

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

DRAIN_SECONDS = 10.0
"""Longest wait for the answers that are under way at the end, in seconds."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What to ask, and for how long.

    Args:
        requests: as they go over the wire. Connections take them in turns.
        status: what every answer must have.
        in_flight: number of connections.
        warm_up: seconds before anything counts.
        seconds: for which answers are counted.
    """

    port: int
    requests: list[bytes]
    status: int
    in_flight: int
    warm_up: float
    seconds: float


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """What came back.

    Args:
        rate: answers a second, after the warm-up.
        p50_ms: half of them took at most this long, in milliseconds.
        p99_ms: nearly all of them took at most this long, in milliseconds.
        answers: how many there were in all, those of the warm-up included.
        answer_bytes: size of the last answer's body.
        busy: share of one core that asking took.
    """

    rate: float
    p50_ms: float
    p99_ms: float
    answers: int
    answer_bytes: int
    busy: float


class LoadFailedError(Exception):
    """A server did not answer as it should. The text says how."""


def put(plan: Plan, meanwhile: Callable[[], None] = lambda: None) -> Load:
    """Put a load on a server, from another process, and return what came back.

    Args:
        plan: what to ask.
        meanwhile: is done once answers count; they do so until it is over, if that is later than planned.

    Raises:
        LoadFailedError: an answer had another status, or a connection was lost.
    """
    with subprocess.Popen(
        [sys.executable, "-m", "bench.load"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as asking:
        assert asking.stdin is not None
        assert asking.stdout is not None
        try:
            asking.stdin.write(msgspec.json.encode(plan) + b"\n")
            asking.stdin.flush()
            if asking.stdout.readline():  # from now on answers count
                meanwhile()
            answered, complaint = asking.communicate(timeout=plan.seconds + 2 * DRAIN_SECONDS)
        finally:
            asking.kill()
    if asking.returncode:
        raise LoadFailedError(complaint.decode().strip().rpartition("\n")[2])
    return msgspec.json.decode(answered, type=Load)


class _Run:
    """What the connections of one run have in common."""

    def __init__(self, plan: Plan) -> None:
        self.expected = f"HTTP/1.1 {plan.status} ".encode()
        self.latencies: list[float] = []
        self.asking = True
        self.answer_bytes = 0
        self.under_way = plan.in_flight
        self.drained = asyncio.Event()
        self.failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def fail(self, why: str) -> None:
        if self.asking and not self.failure.done():
            self.failure.set_exception(LoadFailedError(why))


class _Connection(asyncio.Protocol):
    """Asks; and, as soon as it is answered, asks again."""

    def __init__(self, run: _Run, request: bytes) -> None:
        self._run = run
        self._request = request
        self._came = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._write = transport.write  # type: ignore[attr-defined]
        self._close = transport.close
        self._ask()

    def connection_lost(self, _exc: Exception | None) -> None:
        self._run.fail("the server closed a connection")

    def close(self) -> None:
        self._close()

    def data_received(self, data: bytes) -> None:
        if self._came:
            data = self._came + data
        body = data.find(b"\r\n\r\n") + 4
        if body < 4 or len(data) < body + (length := _content_length(data)):
            self._came = data
            return
        self._came = b""
        run = self._run
        run.latencies.append(time.perf_counter() - self._asked)
        run.answer_bytes = length
        if not data.startswith(run.expected):
            run.fail(f"unexpected answer: {data[:300]!r}")
        self._ask()

    def _ask(self) -> None:
        run = self._run
        if run.asking:
            self._asked = time.perf_counter()
            self._write(self._request)
            return
        run.under_way -= 1
        if not run.under_way:
            run.drained.set()


def _content_length(data: bytes) -> int:
    begin = data.find(b"content-length: ") + 16
    if begin < 16:
        begin = data.index(b"Content-Length: ") + 16
    return int(data[begin : data.index(b"\r", begin)])


async def _ask(plan: Plan) -> Load:
    run = _Run(plan)
    loop = asyncio.get_running_loop()
    requests = itertools.islice(itertools.cycle(plan.requests), plan.in_flight)
    connections = [
        (await loop.create_connection(partial(_Connection, run, request), "127.0.0.1", plan.port))[1]
        for request in requests
    ]
    await _pass(asyncio.sleep(plan.warm_up), run)
    before = len(run.latencies)
    began, busy = time.perf_counter(), time.process_time()
    print(flush=True)

    await _pass(_as_planned(plan), run)
    counted = sorted(run.latencies[before:])
    seconds, busy = time.perf_counter() - began, time.process_time() - busy

    run.asking = False
    await asyncio.wait_for(run.drained.wait(), DRAIN_SECONDS)
    for connection in connections:
        connection.close()
    if not counted:
        raise LoadFailedError(f"no answer within {plan.seconds} s")
    return Load(
        rate=len(counted) / seconds,
        p50_ms=1000 * counted[len(counted) // 2],
        p99_ms=1000 * counted[len(counted) * 99 // 100],
        answers=len(run.latencies),
        answer_bytes=run.answer_bytes,
        busy=busy / seconds,
    )


async def _as_planned(plan: Plan) -> None:
    """Let the planned time pass, and wait for the end of the input if that comes later."""
    await asyncio.sleep(plan.seconds)
    await asyncio.to_thread(sys.stdin.buffer.read)


async def _pass(time_passes: Coroutine[Any, Any, None], run: _Run) -> None:
    """Let time pass, unless something fails."""
    passing = asyncio.ensure_future(time_passes)
    await asyncio.wait([passing, run.failure], return_when=asyncio.FIRST_COMPLETED)
    if run.failure.done():
        run.failure.result()


def main() -> None:
    gc.disable()
    plan = msgspec.json.decode(sys.stdin.buffer.readline(), type=Plan)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        load = runner.run(_ask(plan))
    sys.stdout.buffer.write(msgspec.json.encode(load))


if __name__ == "__main__":
    main()
