"""Minutes of everything at once at half of what a server can do, with a look at it every second.

`python -m support.soak --seconds 60 --engine sqlite`, from `tests/`, prints what was seen.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from statistics import quantiles
from typing import TYPE_CHECKING

import psutil
import uvloop

from support.asking import Line, lines, p99, paced
from support.full_house import KEY, House, a_house
from support.kill import serving
from support.multitude import Calm, Live, Look, multitude
from support.postgres import running_postgres

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from support.multitude import Multitude, Seen

CHANNELS = 20
MEMBERS = 3
LINES = 16
"""Most requests over REST that are under way."""

LEAVING, ACTING = 3.0, 20.0
"""How many clients lose their connection each second, and how many type or read."""

HOOKED_EVERY = 10
"""Which of the messages webhooks are told of."""

PEAK_SECONDS = 10.0
SHARE = 0.5
"""How much of what a server can do it is asked for."""

LOOK_SECONDS = 1.0
WINDOWS = 10
"""Into how many pieces a fifth is cut, each of which has a p99 of its own."""

TOLD_SECONDS = 60.0
"""How long webhooks may take to be told of what was posted, once it is over, in seconds."""

POLL_SECONDS = 0.1
MB = 2**20


@dataclass
class Soak:
    """What was seen, once each second, and of each request.

    Args:
        peak: messages a second, as many as there can be.
        looks: when, in seconds, resident memory in MB, and open files.
        took: when each request was due, and how many seconds its answer took.
        missing: how many clients do not have exactly what was posted to their channel.
        untold: messages that a webhook was to be told of, and was not.
    """

    seconds: float
    peak: float = 0.0
    looks: list[tuple[float, float, int]] = field(default_factory=list)
    took: list[tuple[float, float]] = field(default_factory=list)
    seen: Seen | None = None
    missing: int = 0
    untold: int = 0

    def memory_slope(self) -> float:
        """Return how fast memory grows after the first fifth, in MB a minute: the line of least squares."""
        points = [(when / 60, memory) for when, memory, _ in self.looks if when > self.seconds / 5]
        middle = sum(when for when, _ in points) / len(points)
        average = sum(memory for _, memory in points) / len(points)
        rise = sum((when - middle) * (memory - average) for when, memory in points)
        return rise / sum((when - middle) ** 2 for when, _ in points)

    def files(self, fifth: int) -> int:
        """Return the most files that were open in a fifth of the time, of 0 to 4."""
        return max(files for when, _, files in self.looks if self._fifth(when) == fifth)

    def p99s(self, fifth: int) -> list[float]:
        """Return the p99 of each window of a fifth of the time, in seconds."""
        window = self.seconds / 5 / WINDOWS
        windows: dict[int, list[float]] = {}
        for when, seconds in self.took:
            if self._fifth(when) == fifth:
                windows.setdefault(int(when / window), []).append(seconds)
        return [p99(seconds) for seconds in windows.values()]

    def _fifth(self, when: float) -> int:
        return min(4, int(when * 5 / self.seconds))


def spread(figures: list[float]) -> float:
    """Return how far the middle half of figures is apart."""
    low, _, high = quantiles(figures, n=4)
    return high - low


class _Receiver(asyncio.Protocol):
    """A webhook that answers at once, and notes which messages it was told of."""

    def __init__(self, told: set[bytes]) -> None:
        self._told = told
        self._came = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport: the loop calls this."""
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        """Take a request: the loop calls this."""
        self._came += data
        head, found, body = self._came.partition(b"\r\n\r\n")
        _, _, length = head.lower().partition(b"content-length:")
        if found and len(body) >= int(length.partition(b"\r\n")[0]):
            self._came = b""
            self._told.update(part for part in body.split(b"&") if part.startswith(b"MessageSid="))
            self._transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")


@contextlib.asynccontextmanager
async def _receiver(told: set[bytes]) -> AsyncIterator[str]:
    server = await asyncio.get_running_loop().create_server(lambda: _Receiver(told), "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
    finally:
        server.close()


class _Posts:
    """Messages to each channel in turn; every tenth of them a webhook is told of."""

    def __init__(self, house: House) -> None:
        self._plain = [house.post(channel) for channel in house.channels]
        self._hooked = [house.post(channel, X_Twilio_Webhook_Enabled="true") for channel in house.channels]
        self.of_channel: Counter[int] = Counter()
        self.hooked = 0

    def next(self) -> bytes:
        number = self.of_channel.total()
        # By blocks, so that webhooks are told of messages of every channel.
        hooked = (number // CHANNELS + number) % HOOKED_EVERY == 0
        self.hooked += hooked
        channel = number % CHANNELS
        self.of_channel[channel] += 1
        return (self._hooked if hooked else self._plain)[channel]


async def soak(database: str, seconds: float, peak_seconds: float = PEAK_SECONDS) -> Soak:
    """Find out what a server can do, and then have it do half of that for so many seconds."""
    told: set[bytes] = set()
    result = Soak(seconds)
    async with (
        serving(database, KEY) as (base, server),
        _receiver(told) as hook,
        lines(base, LINES) as over,
    ):
        house = await a_house(over)
        await house.asked("POST", house.path, PostWebhookUrl=hook, WebhookFilters="onMessageSent")
        await house.fill(CHANNELS, MEMBERS)
        posts = _Posts(house)
        async with multitude(base, house.people, processes=1) as everybody:
            await everybody.tell(Live(LEAVING, ACTING))
            result.peak = await _peak(over, posts, peak_seconds)
            await _caught_up(everybody, posts)

            began = time.perf_counter()
            looking = asyncio.create_task(_look(psutil.Process(server.pid), began, result))
            result.took = await paced(
                over,
                lambda _: posts.next(),
                result.peak * SHARE,
                lambda: time.perf_counter() < began + seconds,
            )
            looking.cancel()

            await everybody.tell(Calm())
            await _caught_up(everybody, posts)
            result.seen = await everybody.tell(Look())
            due = Counter(list(posts.of_channel.values()) * MEMBERS)
            result.missing = (due - Counter(result.seen.messages)).total()
        await _all_told(told, posts)
        result.untold = posts.hooked - len(told)
        assert server.returncode is None
    return result


async def _peak(over: list[Line], posts: _Posts, seconds: float) -> float:
    """Post as fast as it goes, and return how many a second that is."""
    began, before = time.perf_counter(), posts.of_channel.total()

    async def post(line: Line) -> None:
        while time.perf_counter() < began + seconds:
            answer = await line.ask(posts.next())
            assert answer.status == 201, answer

    await asyncio.gather(*(post(line) for line in over))
    return (posts.of_channel.total() - before) / (time.perf_counter() - began)


async def _caught_up(everybody: Multitude, posts: _Posts) -> None:
    """Wait until the clients have what was posted; what does not come, the comparison shows."""
    await everybody.until(lambda seen: seen.messages.keys() == set(posts.of_channel.values()))


async def _all_told(told: set[bytes], posts: _Posts) -> None:
    for _ in range(int(TOLD_SECONDS / POLL_SECONDS)):
        if len(told) == posts.hooked:
            return
        await asyncio.sleep(POLL_SECONDS)


async def _look(server: psutil.Process, began: float, result: Soak) -> None:
    while True:
        now = time.perf_counter() - began
        result.looks.append((now, server.memory_info().rss / MB, server.num_fds()))
        await asyncio.sleep(LOOK_SECONDS)


async def _soak_on(engine: str, seconds: float) -> Soak:
    if engine == "sqlite":
        with tempfile.TemporaryDirectory(prefix="chinwag-soak-") as folder:
            return await soak(f"sqlite:///{Path(folder)}/chinwag.db", seconds)
    with running_postgres() as postgres:
        return await soak(await postgres.database(), seconds)


def main() -> None:
    parser = argparse.ArgumentParser(prog="support.soak", description="Minutes of everything at once.")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--engine", choices=["sqlite", "postgres"], default="sqlite")
    wanted = parser.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        seen = runner.run(_soak_on(wanted.engine, wanted.seconds))
    for when, memory, files in seen.looks[:: max(1, len(seen.looks) // 40)]:
        print(f"{when:6.0f} s  {memory:7.1f} MB  {files:5} files")  # noqa: T201  # a command line prints
    for fifth in range(5):
        print([f"{1000 * one:.1f}" for one in seen.p99s(fifth)])  # noqa: T201  # likewise
    print(f"{seen.peak:.0f} a second, {seen.memory_slope():+.2f} MB a minute; {seen.seen}")  # noqa: T201  # likewise


if __name__ == "__main__":
    main()
