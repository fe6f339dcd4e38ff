"""The crowd: many clients in a process of their own, which do what they are told.

They log in as SDKs do. While something is measured they do as little as they can for each message, because on
a small machine what they take is taken from the server: sockets are read when several messages are there.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import resource
import select
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import msgspec
import uvloop

from bench.load import LoadFailedError
from bench.raw_writer import HELLO
from support.sdk_chat import Chat
from support.sdk_client import SdkClient
from support.twilsock import packet

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

MARK = b'"list_item_added"'
"""What is in every message that is delivered, once."""

PACKET = b"TWILSOCK V3.0 "
AT_A_TIME = 64
"""How many log in at a time."""

GATHER_SECONDS = 0.004
"""How long messages gather before sockets are read, in seconds."""

QUIET_SECONDS = 0.05
READ_BYTES = 1 << 20
STALL_SECONDS = 10.0
"""Longest time without a message while messages are due, in seconds."""

ANSWER_SECONDS = 300.0

ACKNOWLEDGEMENT = packet(
    {
        "id": "TM00000000-0000-0000-0000-000000000000",
        "method": "reply",
        "payload_type": "application/json",
        "status": {"code": 200, "status": "OK"},
    }
)


class Gather(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Connect.

    Args:
        tokens: one for each client; without any, `count` connections say hello to the raw writer.
        lists: of channels whose messages each client follows, with the document and the roster.
        start: whether clients start as SDKs do, with their own channels and info.
    """

    port: int
    tokens: list[str] = []
    count: int = 0
    lists: list[list[str]] = []
    start: bool = False


class FanOut(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Post again and again, while all receive.

    Args:
        window: most messages that are posted and have not reached everybody.
        acknowledges: whether clients acknowledge what they are sent, as SDKs do.
    """

    port: int
    post: bytes
    seconds: float
    window: int = 8
    acknowledges: bool = False


class Pace(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Post at an even pace, and time how long each message takes to each client.

    Args:
        stalls: how many of the clients do not read meanwhile.
    """

    port: int
    post: bytes
    rate: float
    seconds: float
    stalls: int = 0


class Listen(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Receive and acknowledge for some seconds, whoever posts."""

    seconds: float


class Count(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Return how many are connected."""


Task = Gather | FanOut | Pace | Listen | Count


class Delivered(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it.

    Args:
        deliveries: messages that reached a client.
        bytes: in all.
        busy: share of one core that the crowd took.
        latencies_ms: of each delivery, or of some, sorted.
    """

    deliveries: int
    bytes: int
    seconds: float
    busy: float
    latencies_ms: list[float] = []

    @property
    def rate(self) -> float:
        return self.deliveries / self.seconds

    def latency_ms(self, share: float) -> float:
        """Return what this share of the deliveries took at most."""
        return self.latencies_ms[min(len(self.latencies_ms) - 1, int(len(self.latencies_ms) * share))]


class Crowd:
    """A crowd, as the one who tells it what to do sees it."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def tell(self, task: Task) -> Any:  # noqa: ANN401  # each task has an answer of its own
        """Have it do something, and return what came of it.

        Raises:
            LoadFailedError: it could not.
        """
        self.begin(task)
        return self.end()

    def begin(self, task: Task) -> None:
        """Have it do something meanwhile."""
        assert self._process.stdin is not None
        self._process.stdin.write(msgspec.json.encode(task) + b"\n")
        self._process.stdin.flush()

    def end(self) -> Any:  # noqa: ANN401  # likewise
        """Return what came of what was begun.

        Raises:
            LoadFailedError: it could not.
        """
        assert self._process.stdout is not None
        readable, _, _ = select.select([self._process.stdout], [], [], ANSWER_SECONDS)
        answer = self._process.stdout.readline() if readable else b""
        if not answer:
            self._process.kill()
            assert self._process.stderr is not None
            raise LoadFailedError(self._process.stderr.read().decode()[-2000:] or "the crowd did not answer")
        return msgspec.json.decode(answer)

    def deliver(self, task: FanOut | Pace) -> Delivered:
        """Have it receive."""
        return msgspec.convert(self.tell(task), Delivered)


@contextlib.contextmanager
def crowd(gather: Gather) -> Iterator[Crowd]:
    """Gather a crowd, and let it go at the end."""
    with subprocess.Popen(
        [sys.executable, "-m", "bench.crowd"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        try:
            gathered = Crowd(process)
            gathered.tell(gather)
            yield gathered
        finally:
            process.kill()


class _Sockets:
    """Sockets of a crowd, read without an event loop.

    Args:
        numbers: of the file descriptors.
    """

    def __init__(self, numbers: list[int]) -> None:
        self._poll = select.epoll()
        self._tails = dict.fromkeys(numbers, b"")
        self.deliveries = self.bytes = 0
        for number in numbers:
            self._poll.register(number, select.EPOLLIN)

    def read(self, patience: float, *, acknowledges: bool = False) -> int:
        """Read what is there, and return how many messages it was.

        Args:
            patience: seconds to wait for something.
            acknowledges: whether to answer what is read.
        """
        before = self.deliveries
        for number, _ in self._poll.poll(patience):
            data = os.read(number, READ_BYTES)
            if not data:
                raise LoadFailedError("the server closed a connection")
            self.bytes += len(data)
            seen = self._tails[number] + data
            self._tails[number] = seen[1 - len(MARK) :]
            self.deliveries += seen.count(MARK)
            if acknowledges and (packets := data.count(PACKET)):
                os.write(number, ACKNOWLEDGEMENT * packets)
        return self.deliveries - before

    def drain(self) -> None:
        """Read until nothing comes: from here on each socket begins with a whole frame."""
        came = -1
        while came != self.bytes:
            came = self.bytes
            self.read(QUIET_SECONDS)


class _Poster:
    """Posts over one connection, one message at a time."""

    def __init__(self, port: int, post: bytes) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._post = post
        self._came = b""
        self._under_way = False

    def post(self) -> None:
        self._socket.sendall(self._post)
        self._under_way = True

    def is_free(self) -> bool:
        """Return whether nothing is under way, or its answer has come."""
        if not self._under_way:
            return True
        with contextlib.suppress(BlockingIOError):
            self._came += self._socket.recv(65536, socket.MSG_DONTWAIT)
        head, end, body = self._came.partition(b"\r\n\r\n")
        lengths = [line[15:] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        if not end or len(body) < int(lengths[0]):
            return False
        if b" 201 " not in head[:20]:
            raise LoadFailedError(f"unexpected answer: {self._came[:300]!r}")
        self._came = b""
        self._under_way = False
        return True

    def close(self) -> None:
        self._socket.close()


class _People:
    """The clients themselves."""

    def __init__(self) -> None:
        self._clients: list[SdkClient] = []
        self._transports: list[asyncio.Transport] = []

    async def do(self, task: Task) -> Delivered | int:
        self._transports = [found for found in self._transports if not found.is_closing()]
        match task:
            case Gather():
                return await self._gather(task)
            case FanOut():
                return self._fan_out(task)
            case Pace():
                return self._pace(task)
            case Listen():
                return self._listen(task)
            case Count():
                return len(self._transports)

    async def _gather(self, task: Gather) -> int:
        loop = asyncio.get_running_loop()
        for _ in range(task.count):
            transport, _ = await loop.create_connection(asyncio.Protocol, "127.0.0.1", task.port)
            transport.write(HELLO)
            self._transports.append(transport)
        base = f"http://127.0.0.1:{task.port}"
        lists = task.lists or [[]] * len(task.tokens)

        async def come(token: str, channels: list[str]) -> None:
            client = SdkClient(base, token, batching=0.0)
            if task.start:
                await Chat(client).start()
            else:
                await client.connect()
            for channel in channels:
                await client.document(f"{channel}.channel")
                await client.list(f"{channel}.messages", read=False)
                await client.map(f"{channel}.roster", read=False)
            await client.settle(ANSWER_SECONDS)
            self._clients.append(client)
            assert client.connection is not None
            self._transports.append(client.connection.transport)

        await _some_at_a_time([lambda t=t, c=c: come(t, c) for t, c in zip(task.tokens, lists, strict=True)])
        await asyncio.sleep(0.5)  # what is on its way, such as the last words about reachability
        return len(self._transports)

    @contextlib.contextmanager
    def _sockets(self, stalls: int = 0) -> Iterator[_Sockets]:
        """Read without the event loop for a while. So many of the clients do not read at all."""
        numbers = []
        for transport in self._transports:
            transport.pause_reading()
            numbers.append(transport.get_extra_info("socket").fileno())
        sockets = _Sockets(numbers[stalls:])
        try:
            yield sockets
            sockets.drain()
        finally:
            for transport in self._transports:
                transport.resume_reading()

    def _fan_out(self, task: FanOut) -> Delivered:
        posters = [_Poster(task.port, task.post) for _ in range(task.window)]
        posted = 0
        with self._sockets() as sockets:
            crowd = len(self._transports)
            most = task.window * crowd
            began, busy = time.perf_counter(), time.process_time()
            last = began
            while True:
                now = time.perf_counter()
                for poster in posters:
                    if poster.is_free() and now < began + task.seconds:
                        if posted * crowd - sockets.deliveries >= most:
                            break
                        poster.post()
                        posted += 1
                if sockets.read(0.001, acknowledges=task.acknowledges):
                    last = now
                due = posted * crowd - sockets.deliveries
                if not due and now >= began + task.seconds:
                    break
                if now - last > STALL_SECONDS:
                    raise LoadFailedError(f"{due} of {posted * crowd} deliveries did not come")
                time.sleep(GATHER_SECONDS)
            seconds, busy = time.perf_counter() - began, time.process_time() - busy
        for poster in posters:
            poster.close()
        return Delivered(
            deliveries=sockets.deliveries, bytes=sockets.bytes, seconds=seconds, busy=busy / seconds
        )

    def _listen(self, task: Listen) -> int:
        with self._sockets() as sockets:
            until = time.perf_counter() + task.seconds
            while time.perf_counter() < until:
                sockets.read(0.001, acknowledges=True)
                time.sleep(GATHER_SECONDS)
        return sockets.deliveries

    def _pace(self, task: Pace) -> Delivered:
        poster = _Poster(task.port, task.post)
        latencies: list[float] = []
        with self._sockets(task.stalls) as sockets:
            reading = len(self._transports) - task.stalls
            began, busy = time.perf_counter(), time.process_time()
            for nth in range(int(task.rate * task.seconds)):
                while (early := began + nth / task.rate - time.perf_counter()) > 0:
                    time.sleep(early)
                asked = time.perf_counter()
                poster.post()
                missing = reading
                while missing or not poster.is_free():
                    came = sockets.read(0.0005)
                    took = time.perf_counter() - asked
                    latencies += [1000 * took] * came
                    missing -= came
                    if took > STALL_SECONDS:
                        raise LoadFailedError(f"{missing} of {reading} deliveries did not come")
            seconds, busy = time.perf_counter() - began, time.process_time() - busy
        poster.close()
        return Delivered(
            deliveries=sockets.deliveries,
            bytes=sockets.bytes,
            seconds=seconds,
            busy=busy / seconds,
            latencies_ms=sorted(latencies),
        )


async def _some_at_a_time(work: list[Callable[[], Awaitable[None]]]) -> None:
    left = iter(work)

    async def worker() -> None:
        for piece in left:
            await piece()

    await asyncio.gather(*(worker() for _ in range(AT_A_TIME)))


async def _obey() -> None:
    people = _People()
    while line := await asyncio.to_thread(sys.stdin.buffer.readline):
        answer = await people.do(msgspec.json.decode(line, type=Task))
        sys.stdout.buffer.write(msgspec.json.encode(answer) + b"\n")
        sys.stdout.buffer.flush()


def main() -> None:
    gc.disable()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_obey())


if __name__ == "__main__":
    main()
