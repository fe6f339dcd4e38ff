"""A server compared with itself: what it costs to have kept much, and what it costs others to remove it."""

from __future__ import annotations

import time
from functools import cached_property
from statistics import median
from typing import TYPE_CHECKING

from bench.chat import Channel, Chat, ask, read, request
from bench.load import Load, LoadFailedError
from bench.rows import Growth, Size, Spread
from bench.works import CHANNELS, Turn, take_turn
from support import filling

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.report import Report
    from bench.targets import Target

MESSAGES = 100_000
MEMBERS = 1000
PAGE_SIZE = 50
MESSAGES_IN_SERVICE = 200_000

MOST_FOR_MESSAGES = 1.2
MOST_FOR_MEMBERS = 1.5
MOST_FOR_PAGE = 1.2
"""Bars for median latency, and for CPU time, with one in flight: as ratios of a channel that is empty, and of
the first page."""

MOST_DELETE_MS = 50.0
"""Bar for the answer to a deletion: how much later than that to the deletion of something empty."""

MOST_FOR_OTHERS = 3.0
"""Bar for the p99 of others while rows are removed, as a ratio of their p99 before."""

OTHERS = 16
"""Requests of others in flight."""

EMPTY_ONES = 5
LOOK_SECONDS = 0.2
SWEEP_SECONDS = 180.0


class Growing:
    """What grows on one server."""

    def __init__(self, server: Target, rounds: int, seconds: float, report: Report) -> None:
        self._server = server
        self._rounds = rounds
        self._seconds = seconds
        self._report = report
        self._chat = Chat.on(server)

    @cached_property
    def _full(self) -> Channel:
        """A channel with many messages."""
        channel = self._chat.add_channel()
        self._report.now(f"filling {self._server.name}")
        filling.fill(self._server.database, [channel.sid], MESSAGES)
        return channel

    def cost(self) -> None:
        """A post to a channel with many messages, and to one with many members."""
        full, crowded = self._full, self._chat.add_channel()
        self._chat.allow_many()
        for nth in range(MEMBERS):
            crowded.join(f"member-{nth}")

        to_empty, to_full, to_crowded = self._in_turns(
            "post", lambda: self._chat.add_channel().post, lambda: full.post, lambda: crowded.post, status=201
        )
        self._add_cost(f"post, {MESSAGES:,} messages", to_empty, to_full, MOST_FOR_MESSAGES)
        self._add_cost(f"post, {MEMBERS:,} members", to_empty, to_crowded, MOST_FOR_MEMBERS)

    def page(self) -> None:
        """The last page of many, reached by its token."""
        pages = MESSAGES // PAGE_SIZE
        path = f"{self._full.path}/Messages?PageSize={PAGE_SIZE}"
        before_last = read(ask(self._server, request("GET", f"{path}&Page={pages - 2}")))
        token_path = "/" + before_last["meta"]["next_page_url"].split("/", 3)[3]

        first, last = self._in_turns(
            "page", lambda: request("GET", path), lambda: request("GET", token_path), status=200
        )
        self._add_cost(f"page {pages:,} of messages", first, last, MOST_FOR_PAGE)

    def delete(self) -> None:
        """A channel and a service with many messages: the call itself, and others while rows are removed."""
        empty = [self._chat.add_channel().path for _ in range(EMPTY_ONES)]
        self._delete(f"channel of {MESSAGES:,}", self._full.path, empty)

        big = Chat.on(self._server, CHANNELS)
        self._report.now(f"filling {self._server.name}")
        channels = [channel.sid for channel in big.channels]
        filling.fill(self._server.database, channels, MESSAGES_IN_SERVICE // CHANNELS)
        empty = [Chat.on(self._server).path for _ in range(EMPTY_ONES)]
        self._delete(f"service of {MESSAGES_IN_SERVICE:,}", big.path, empty)

    def _delete(self, what: str, path: str, empty: list[str]) -> None:
        """Delete something, and some empty ones before it, while others go on posting elsewhere."""
        others = Chat.on(self._server, CHANNELS).posts
        for_empty: list[float] = []
        for_full: list[float] = []
        sweep: list[float] = []

        def delete_empty_ones() -> None:
            for_empty.extend(self._seconds_to_delete(path) for path in empty)

        def delete_and_sweep() -> None:
            for_full.append(self._seconds_to_delete(path))
            sweep.append(self._seconds_to_sweep())

        self._report.now(f"deleting a {what} on {self._server.name}")
        before = self._others(others, self._rounds * self._seconds, delete_empty_ones)
        during = self._others(others, 0.0, delete_and_sweep)

        later = [1000 * (seconds - median(for_empty)) for seconds in for_full]
        self._add_size(f"DELETE {what}", later, "ms more than an empty one", MOST_DELETE_MS)
        self._add_size(f"until swept, {what}", sweep, "s")
        self._add_growth(f"others' p99, {what}", "ms", [(before.p99_ms, during.p99_ms)], MOST_FOR_OTHERS)

    def _others(self, posts: list[bytes], seconds: float, meanwhile: Callable[[], None]) -> Load:
        turn = take_turn(
            self._server, posts, status=201, in_flight=OTHERS, seconds=seconds, meanwhile=meanwhile
        )
        return turn.load

    def _seconds_to_delete(self, path: str) -> float:
        began = time.perf_counter()
        ask(self._server, request("DELETE", path))
        return time.perf_counter() - began

    def _seconds_to_sweep(self) -> float:
        """Wait until the rows of what was deleted are gone, and return how long that took."""
        began = time.perf_counter()
        while not filling.is_swept(self._server.database):
            if time.perf_counter() > began + SWEEP_SECONDS:
                raise LoadFailedError(f"what was deleted is still there after {SWEEP_SECONDS:.0f} s")
            time.sleep(LOOK_SECONDS)
        return time.perf_counter() - began

    def _in_turns(self, doing: str, *asked: Callable[[], bytes], status: int) -> list[list[Turn]]:
        """Ask this and that in turns, with one in flight, and return the turns of each."""
        turns: list[list[Turn]] = [[] for _ in asked]
        for nth in range(self._rounds):
            for mine, what in zip(turns, asked, strict=True):
                self._report.now(f"{doing} on {self._server.name}", nth, self._rounds)
                mine.append(
                    take_turn(self._server, [what()], status=status, in_flight=1, seconds=self._seconds)
                )
        return turns

    def _add_cost(self, work: str, small: list[Turn], large: list[Turn], most: float) -> None:
        pairs = list(zip(small, large, strict=True))
        p50 = [(one.load.p50_ms, other.load.p50_ms) for one, other in pairs]
        cpu = [(one.cpu_us, other.cpu_us) for one, other in pairs]
        self._add_growth(f"{work}: p50", "ms", p50, most)
        self._add_growth(f"{work}: CPU", "µs", cpu, most)

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

    def _add_size(self, work: str, figures: list[float], unit: str, most: float | None = None) -> None:
        self._report.add(
            Size(work=work, server=self._server.name, unit=unit, size=Spread.of(figures), most=most)
        )
