"""More posts than a server has room for, from a process of its own that does as little as it can for each.

A `Crowd` asks again as soon as it was answered, and waits as `Retry-After` says when it was refused. A
`Stream` asks at a steady rate whatever the answers are, and takes no notice of `Retry-After`.
"""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import tempfile
from collections import Counter, deque
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import uvloop

if TYPE_CHECKING:
    from collections.abc import Callable

DRAIN_SECONDS = 20.0
"""Longest wait for the answers that are under way at the end, in seconds."""

TICK_SECONDS = 0.005
TESTS = Path(__file__).parents[1]


class Crowd(msgspec.Struct, frozen=True, tag=True):
    """So many clients, each on a connection of its own."""

    clients: int


class Stream(msgspec.Struct, frozen=True, tag=True):
    """So many requests a second, on so many connections."""

    rate: float
    connections: int


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What to ask, and for how long.

    Args:
        requests: as they go over the wire; connections take them in turns.
    """

    port: int
    requests: list[bytes]
    who: Crowd | Stream
    seconds: float


class Came(msgspec.Struct, frozen=True, kw_only=True):
    """What came back.

    Args:
        asked: how many requests were sent.
        unasked: how many were not, because every connection of a stream was waiting.
        answers: by status.
        sids: of the messages that were acknowledged.
        goodput: acknowledged messages a second, without the first fifth of the time.
        p50_ms, p99_ms: of acknowledged messages.
        refused_p99_ms: of refusals.
        without_retry: refusals that did not say when to come back.
        drained_s: how long after the end of the time the last answer came, in seconds.
        lost: connections that ended.
        unanswered: requests that nobody answered.
    """

    asked: int
    unasked: int
    answers: dict[int, int]
    sids: list[str]
    goodput: float
    p50_ms: float
    p99_ms: float
    refused_p99_ms: float
    without_retry: int
    drained_s: float
    lost: int
    unanswered: int


async def crowded(plan: Plan) -> Came:
    """Carry a plan out, in another process."""
    return await asyncio.to_thread(_crowded, plan)


def _crowded(plan: Plan) -> Came:
    with tempfile.TemporaryFile() as answer:
        subprocess.run(
            [sys.executable, "-m", "support.throng"],
            cwd=TESTS,
            input=msgspec.json.encode(plan),
            stdout=answer,
            timeout=plan.seconds + 2 * DRAIN_SECONDS,
            check=True,
        )
        answer.seek(0)
        return msgspec.json.decode(answer.read(), type=Came)


class _Run:
    """What the connections of one run have in common."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.began = self.loop.time()
        self.asking = True
        self.drained = asyncio.Event()
        self.asked = self.unasked = self.under_way = self.without_retry = self.lost = 0
        self.answers: Counter[int] = Counter()
        self.sids: list[bytes] = []
        self.good: list[tuple[float, float]] = []
        self.refused: list[float] = []
        self.answered: Callable[[_Connection, float], None] = lambda _connection, _wait: None

    def came(self, seconds: float) -> Came:
        begins, ends = self.began + seconds / 5, self.began + seconds
        counted = [took for when, took in self.good if begins <= when <= ends]
        return Came(
            asked=self.asked,
            unasked=self.unasked,
            answers=self.answers,
            sids=[sid.decode() for sid in self.sids],
            goodput=len(counted) / (ends - begins),
            p50_ms=_share(counted, 0.5),
            p99_ms=_share(counted, 0.99),
            refused_p99_ms=_share(self.refused, 0.99),
            without_retry=self.without_retry,
            drained_s=self.loop.time() - ends,
            lost=self.lost,
            unanswered=self.under_way,
        )


def _share(times: list[float], share: float) -> float:
    return 1000 * sorted(times)[int(len(times) * share)] if times else 0.0


class _Connection(asyncio.Protocol):
    def __init__(self, run: _Run, request: bytes) -> None:
        self._run = run
        self._request = request
        self._came = b""
        self._asked = 0.0
        self.is_lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._write = transport.write  # type: ignore[attr-defined]
        self.close = transport.close

    def connection_lost(self, _exc: Exception | None) -> None:
        self.is_lost = True
        self._run.lost += 1

    async def is_taken(self) -> None:
        """Wait until the server has accepted the connection, so that it does so at nobody's cost."""
        self._taken = self._run.loop.create_future()
        self._write(b"GET /healthz HTTP/1.1\r\nHost: chat.example.com\r\n\r\n")
        await self._taken

    def ask(self) -> None:
        run = self._run
        if run.asking and not self.is_lost:
            run.asked += 1
            run.under_way += 1
            self._asked = run.loop.time()
            self._write(self._request)

    def data_received(self, data: bytes) -> None:
        if self._came:
            data = self._came + data
        body = data.find(b"\r\n\r\n") + 4
        if body < 4 or len(data) < body + int(_between(data, b"content-length: ")):
            self._came = data
            return
        self._came = b""
        if not self._taken.done():
            self._taken.set_result(None)
            return
        run, now = self._run, self._run.loop.time()
        status, wait, took = int(data[9:12]), 0.0, now - self._asked
        self._asked = 0.0
        run.answers[status] += 1
        run.under_way -= 1
        if not run.asking and not run.under_way:
            run.drained.set()
        if status == 201:
            run.good.append((now, took))
            begins = data.index(b'"sid":"IM') + 7
            run.sids.append(data[begins : begins + 34])
        elif b"retry-after: " in data:
            wait = float(_between(data, b"retry-after: "))
            run.refused.append(took)
        else:
            run.without_retry += 1
        run.answered(self, wait)


def _between(data: bytes, name: bytes) -> bytes:
    begins = data.index(name) + len(name)
    return data[begins : data.index(b"\r", begins)]


async def _carry_out(plan: Plan) -> Came:
    run = _Run()
    count = plan.who.clients if isinstance(plan.who, Crowd) else plan.who.connections
    connections = [await _connected(plan, run, number) for number in range(count)]
    run.began = run.loop.time()
    if isinstance(plan.who, Crowd):
        await _as_crowd(run, connections, plan.seconds)
    else:
        await _as_stream(run, connections, plan.who.rate, plan.seconds)
    run.asking = False
    if run.under_way:
        with suppress(TimeoutError):
            await asyncio.wait_for(run.drained.wait(), DRAIN_SECONDS)
    came = run.came(plan.seconds)
    for connection in connections:
        connection.close()
    return came


async def _connected(plan: Plan, run: _Run, number: int) -> _Connection:
    request = plan.requests[number % len(plan.requests)]
    _, connection = await run.loop.create_connection(
        lambda: _Connection(run, request), "127.0.0.1", plan.port
    )
    await connection.is_taken()
    return connection


async def _as_crowd(run: _Run, connections: list[_Connection], seconds: float) -> None:
    def again(connection: _Connection, wait: float) -> None:
        if wait:
            run.loop.call_later(wait, connection.ask)
        else:
            connection.ask()

    run.answered = again
    for connection in connections:
        connection.ask()
    await asyncio.sleep(seconds)


async def _as_stream(run: _Run, connections: list[_Connection], rate: float, seconds: float) -> None:
    idle = deque(connections)
    run.answered = lambda connection, _wait: idle.append(connection)
    due = 0
    while (passed := run.loop.time() - run.began) < seconds:
        while due < passed * rate:
            due += 1
            if idle:
                idle.popleft().ask()
            else:
                run.unasked += 1
        await asyncio.sleep(TICK_SECONDS)


def main() -> None:
    gc.disable()
    plan = msgspec.json.decode(sys.stdin.buffer.read(), type=Plan)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        came = runner.run(_carry_out(plan))
    sys.stdout.buffer.write(msgspec.json.encode(came))


if __name__ == "__main__":
    main()
