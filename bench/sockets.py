"""Client SDKs that are connected: what it costs to deliver to them, to keep them, and to let them start."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles
from typing import TYPE_CHECKING

from bench import targets
from bench.chat import Chat, request
from bench.crowd import MARK, PACKET, Count, Crowd, Delivered, FanOut, Gather, Listen, Pace, crowd
from bench.load import LoadFailedError
from bench.rows import Growth, Share, Size, Spread
from bench.works import take_turn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.report import Report
    from bench.targets import Target

CROWD = 1_000
IDLE = 5_000
WARM = 200
"""How many are connected before the memory of the others is measured."""

HOLD_SECONDS = 10.0
START_CHANNELS = 1_000
SUBSCRIBED_CHANNELS = 100
POSTS_IN_FLIGHT = 32

LISTEN_SECONDS = 2.0
"""How much longer the crowd listens than others post: it begins earlier and ends later."""

RATE = 20.0
LATENCY_SECONDS = 15.0

DISK_SECONDS = 5.0
"""How long the disk is measured alone, in the same rounds as a server that waits for it."""

SLOW_CROWD, SLOW_RATE, SLOW_SECONDS = 20, 50.0, 8.0
SLOW_TURNS = 3
SLOW_BODY = "x" * 30_000

LEAST_FAN_OUT = 0.6
MOST_DELIVERY_US = 10.0
MOST_LATENCY_MS = 3.0
MOST_IDLE_KB = 25.0
MOST_START_S = 3.0
LEAST_POSTING = 0.5
MOST_FOR_OTHERS = 1.1
MOST_SLOW_MB = 8.0
"""Most memory that a client that stops reading may take, in MB."""

MOST_LEFT_MB = 4.0
"""Most of that memory that may be left once it is cut off, in MB."""

SDK = Path(__file__).parent.parent / "tests" / "conformance" / "sdk" / "node_modules" / "twilio-chat-6"
"""The official SDK, where `make clients` and `make bench` install it."""

START_SCRIPT = Path(__file__).parent / "start.cjs"


def sdk_version() -> str:
    """Return which SDK is measured; "" for none."""
    package = SDK / "package.json"
    if shutil.which("node") is None or not package.exists():
        return ""
    return f"twilio-chat {json.loads(package.read_bytes())['version']}"


class Sockets:
    """What is measured on one server."""

    def __init__(self, server: Target, rounds: int, seconds: float, folder: Path, report: Report) -> None:
        self._server = server
        self._rounds = rounds
        self._seconds = seconds
        self._folder = folder
        self._report = report

    def sockets(self) -> None:
        """One message to many, as fast as it goes, and as fast as bytes alone could be written."""
        chat, channel = self._channel_with(CROWD)
        tokens = [chat.token(f"member-{nth}") for nth in range(CROWD)]
        self._now("gathering a crowd")
        gather = Gather(port=self._server.port, tokens=tokens, lists=[[channel]] * CROWD)
        with crowd(gather) as listening:
            once = listening.deliver(self._fan_out(self._server, chat, seconds=0.2))
            message = _like(once)
            with (
                targets.raw_writer(message, self._folder) as writer,
                crowd(Gather(port=writer.port, count=CROWD)) as raw,
            ):
                for acknowledges in (False, True):
                    self._compare(chat, listening, writer, raw, acknowledges=acknowledges)

    def _compare(
        self, chat: Chat, listening: Crowd, writer: Target, raw: Crowd, *, acknowledges: bool
    ) -> None:
        mine: list[tuple[Delivered, float]] = []
        best: list[tuple[Delivered, float]] = []
        work = f"1 message to {CROWD:,}" + (", acknowledged" if acknowledges else "")
        for nth in range(self._rounds):
            self._now(work, nth)
            for target, who, turns in ((writer, raw, best), (self._server, listening, mine)):
                task = self._fan_out(target, chat, self._seconds, acknowledges=acknowledges)
                before = target.cpu_seconds()
                delivered = who.deliver(task)
                turns.append((delivered, (target.cpu_seconds() - before) / delivered.deliveries * 1e6))
        ratios = [one.rate / other.rate for (one, _), (other, _) in zip(mine, best, strict=True)]
        self._report.add(
            Share(
                work=work,
                server=self._server.name,
                unit="deliveries/s",
                figure=Spread.of([delivered.rate for delivered, _ in mine]),
                best=Spread.of([delivered.rate for delivered, _ in best]),
                ratio=Spread.of(ratios),
                load_busy=max(delivered.busy for delivered, _ in mine + best),
                least=LEAST_FAN_OUT,
            )
        )
        self._add_size(f"{work}: CPU", [cpu for _, cpu in mine], "µs a delivery", MOST_DELIVERY_US)

    def latency(self) -> None:
        """From a post over REST to the frame at a client."""
        chat, channel = self._channel_with(1)
        with crowd(self._gather(chat, channel, 1)) as listening:
            listening.deliver(self._pace(chat, seconds=1.0))
            came: list[Delivered] = []
            disk: list[list[float]] = []
            for nth in range(self._rounds):
                self._now("latency", nth)
                came.append(listening.deliver(self._pace(chat, seconds=LATENCY_SECONDS)))
                disk.append(_flushes_ms(self._folder, DISK_SECONDS))
        work = f"post to client, {RATE:.0f}/s"
        self._add_size(f"{work}: p50", [each.latency_ms(0.5) for each in came], "ms")
        self._add_size(f"{work}: p99", [each.latency_ms(0.99) for each in came], "ms", MOST_LATENCY_MS)
        self._add_size("the disk alone: p50", [median(each) for each in disk], "ms")
        self._add_size("the disk alone: p99", [quantiles(each, n=100)[-1] for each in disk], "ms")

    def idle(self) -> None:
        """What it takes to keep many connected who do nothing."""
        chat = Chat.on(self._server)
        with crowd(self._idlers(chat, "warm", WARM)):
            before = self._rss()
            self._now("gathering idle clients")
            with crowd(self._idlers(chat, "idle", IDLE)) as idle:
                time.sleep(HOLD_SECONDS)
                held = idle.tell(Count())
                each = (self._rss() - before) / held / 1000
        if held < IDLE:
            raise LoadFailedError(f"only {held} of {IDLE} idle clients are still connected")
        self._add_size(f"idle client, of {held:,}", [each], "KB", MOST_IDLE_KB)

    def startup(self) -> None:
        """A user in many channels connects, as a client as small as ours, and as the SDK itself."""
        chat = Chat.on(self._server)
        chat.allow_many()
        self._now("making channels")
        for _ in range(START_CHANNELS):
            chat.add_channel().join("alice")
        chat.add_channel().join("bob")
        token = chat.token("alice")
        ours: list[float] = []
        for nth in range(self._rounds):
            self._now("start", nth)
            began = time.perf_counter()
            with crowd(Gather(port=self._server.port, tokens=[chat.token("bob")], start=True)):
                nothing = time.perf_counter() - began
            began = time.perf_counter()
            with crowd(Gather(port=self._server.port, tokens=[token], start=True)):
                ours.append(time.perf_counter() - began - nothing)
        work = f"start in {START_CHANNELS:,} channels"
        self._add_size(f"{work}", ours, "s", MOST_START_S)
        if sdk_version():
            starts = [self._start_sdk(token) for _ in range(self._rounds)]
            self._add_size(f"{work}, SDK", [start["channels"] for start in starts], "s", MOST_START_S)
            self._add_size(f"{work}, SDK: CPU", [start["cpu"] for start in starts], "s")
            self._add_size(f"{work}, SDK, live", [start["live"] for start in starts], "s")

    def slow(self) -> None:
        """One client that stops reading, and what the others notice of it.

        What nearly all deliveries take at most is seen in few of them: each round has several turns.
        """
        pairs: list[tuple[float, float]] = []
        most: list[float] = []
        left: list[float] = []
        for nth in range(self._rounds):
            self._now("a slow reader", nth)
            chat, channel = self._channel_with(SLOW_CROWD + SLOW_TURNS)
            quick: list[Delivered] = []
            slow: list[Delivered] = []
            with crowd(self._gather(chat, channel, SLOW_CROWD + SLOW_TURNS)) as listening:
                for turn in range(SLOW_TURNS):
                    quick.append(listening.deliver(self._slow_pace(chat, stalls=0)))
                    before = self._rss()
                    with self._watching() as seen:
                        slow.append(listening.deliver(self._slow_pace(chat, stalls=1)))
                    most.append((max(seen) - before) / 1e6)
                    left.append((self._rss() - before) / 1e6)
                    connected, expected = listening.tell(Count()), SLOW_CROWD + SLOW_TURNS - turn - 1
                    if connected != expected:
                        raise LoadFailedError(
                            f"{connected} are connected: the slow one was not cut off, or others"
                        )
            pairs.append((_p99_ms(quick), _p99_ms(slow)))
        self._add_growth("slow reader: others' p99", "ms", pairs, MOST_FOR_OTHERS)
        self._add_size("slow reader: most memory", most, "MB", MOST_SLOW_MB)
        self._add_size("slow reader: memory left", left, "MB", MOST_LEFT_MB)

    def posting(self) -> None:
        """Posting to channels with subscribers, and to channels without."""
        alone = Chat.on(self._server, SUBSCRIBED_CHANNELS)
        chat = Chat.on(self._server, SUBSCRIBED_CHANNELS)
        chat.allow_many()
        each = CROWD // SUBSCRIBED_CHANNELS
        members = [(f"member-{nth}", chat.channels[nth // each]) for nth in range(CROWD)]
        self._now("making members")
        for identity, channel in members:
            channel.join(identity)
        gather = Gather(
            port=self._server.port,
            tokens=[chat.token(identity) for identity, _ in members],
            lists=[[channel.sid] for _, channel in members],
        )
        without: list[float] = []
        with_them: list[float] = []
        with crowd(gather) as listening:
            for nth in range(self._rounds):
                self._now("posting", nth)
                for posts, rates in ((alone.posts, without), (chat.posts, with_them)):
                    listening.begin(Listen(seconds=self._seconds + LISTEN_SECONDS))
                    turn = take_turn(
                        self._server, posts, status=201, in_flight=POSTS_IN_FLIGHT, seconds=self._seconds
                    )
                    listening.end()
                    rates.append(turn.load.rate)
        self._report.add(
            Share(
                work=f"posts, {CROWD:,} subscribers",
                server=self._server.name,
                unit="posts/s",
                figure=Spread.of(with_them),
                best=Spread.of(without),
                ratio=Spread.of([one / other for one, other in zip(with_them, without, strict=True)]),
                load_busy=0.0,
                least=LEAST_POSTING,
            )
        )

    def _channel_with(self, members: int) -> tuple[Chat, str]:
        self._now("making members")
        chat = Chat.on(self._server)
        chat.allow_many()
        channel = chat.add_channel()
        for nth in range(members):
            channel.join(f"member-{nth}")
        return chat, channel.sid

    def _gather(self, chat: Chat, channel: str, members: int) -> Gather:
        tokens = [chat.token(f"member-{nth}") for nth in range(members)]
        return Gather(port=self._server.port, tokens=tokens, lists=[[channel]] * members)

    def _idlers(self, chat: Chat, name: str, count: int) -> Gather:
        tokens = [chat.token(f"{name}-{nth}") for nth in range(count)]
        return Gather(port=self._server.port, tokens=tokens, start=True)

    def _fan_out(self, target: Target, chat: Chat, seconds: float, *, acknowledges: bool = False) -> FanOut:
        post = chat.channels[0].post
        return FanOut(port=target.port, post=post, seconds=seconds, acknowledges=acknowledges)

    def _pace(self, chat: Chat, seconds: float) -> Pace:
        return Pace(port=self._server.port, post=chat.channels[0].post, rate=RATE, seconds=seconds)

    def _slow_pace(self, chat: Chat, stalls: int) -> Pace:
        post = request("POST", f"{chat.channels[0].path}/Messages", f"Body={SLOW_BODY}")
        return Pace(port=self._server.port, post=post, rate=SLOW_RATE, seconds=SLOW_SECONDS, stalls=stalls)

    def _start_sdk(self, token: str) -> dict[str, float]:
        """Start the SDK in Node; return in seconds what the script says of it."""
        done = subprocess.run(
            ["node", str(START_SCRIPT), str(SDK), str(self._server.port), token, str(START_CHANNELS)],
            capture_output=True,
            timeout=120,
            text=True,
            check=False,
        )
        if done.returncode:
            raise LoadFailedError(f"the SDK did not start: {done.stderr[-1000:]}")
        return json.loads(done.stdout.splitlines()[-1])

    def _rss(self) -> int:
        return self._server.process.memory_info().rss

    @contextmanager
    def _watching(self) -> Iterator[list[int]]:
        """Look at the server's memory again and again."""
        seen = [self._rss()]
        over = threading.Event()

        def watch() -> None:
            while not over.wait(0.05):
                seen.append(self._rss())

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            yield seen
        finally:
            over.set()
            watcher.join()

    def _now(self, doing: str, nth: int | None = None) -> None:
        self._report.now(f"{doing} on {self._server.name}", nth, self._rounds)

    def _add_size(self, work: str, figures: list[float], unit: str, most: float | None = None) -> None:
        self._report.add(
            Size(work=work, server=self._server.name, unit=unit, size=Spread.of(figures), most=most)
        )

    def _add_growth(self, work: str, unit: str, pairs: list[tuple[float, float]], most: float) -> None:
        self._report.add(
            Growth(
                work=work,
                server=self._server.name,
                unit=unit,
                small=Spread.of([one for one, _ in pairs]),
                large=Spread.of([other for _, other in pairs]),
                ratio=Spread.of([other / one for one, other in pairs]),
                most=most,
            )
        )


def _p99_ms(turns: list[Delivered]) -> float:
    """Return what nearly all deliveries of some turns took at most."""
    together = sorted(took for turn in turns for took in turn.latencies_ms)
    return together[len(together) * 99 // 100]


def _like(once: Delivered) -> bytes:
    """Return as many bytes as each client was sent for a message, with the same marks."""
    size = once.bytes // once.deliveries
    return (PACKET * 2 + MARK).ljust(size, b".")


def _flushes_ms(folder: Path, seconds: float) -> list[float]:
    """Append to a file and flush it at the pace of the posts; return how long each flush took."""
    took: list[float] = []
    with (folder / "flushed").open("ab", buffering=0) as file:
        until = time.perf_counter() + seconds
        while (began := time.perf_counter()) < until:
            file.write(bytes(4096))
            os.fdatasync(file.fileno())
            took.append((time.perf_counter() - began) * 1000)
            time.sleep(1 / RATE)
    return took
