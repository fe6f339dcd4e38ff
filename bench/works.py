"""Servers compared with the ceiling: each does the same work in its turn, for a number of rounds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bench.chat import MESSAGE, SERVICE, Chat, ask, read, request
from bench.load import Load, Plan, put
from bench.rows import Share, Speed, Spread

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.report import Report
    from bench.targets import Target

WARM_UP_SECONDS = 0.5
PEER_WARM_UP_SECONDS = 3.0
CHANNELS = 16

LEAST_SERVICES = {"SQLite": 0.35, "PostgreSQL": 0.25}
LEAST_MESSAGES = {"SQLite": 0.5, "PostgreSQL": 0.4}
"""Bars for durable POSTs, as ratios of the ceiling."""

LEAST_OF_PEER = 2.0
"""Bar for messages, as a ratio of what a peer does."""

BARS_FROM = 32
"""Least number in flight for which there is a bar: with one, the disk decides."""


@dataclass(frozen=True)
class Work:
    """What is asked of every server.

    Args:
        requests: by the name of the server.
        status: that every answer has.
        bars: the least ratio to the ceiling, by the name of the server.
        in_flight: how many requests at a time, in turns.
        peer: the name of a server that is not ours, which ours are compared with too.
    """

    name: str
    requests: dict[str, list[bytes]]
    status: int
    bars: dict[str, float] = field(default_factory=dict)
    in_flight: tuple[int, ...] = (1, 32, 256)
    peer: str = ""


@dataclass(frozen=True)
class Turn:
    """What a server did in its turn.

    Args:
        cpu_us: CPU time of the server for one answer, in microseconds; a PostgreSQL is not counted in.
    """

    load: Load
    cpu_us: float


def posts(servers: list[Target]) -> list[Work]:
    """Durable changes: an answer leaves only after the disk has what it says."""
    post = [request("POST", "/v1/Services", SERVICE)]
    return [Work("POST /v1/Services", dict.fromkeys(_names(servers), post), 201, LEAST_SERVICES)]


def gets(servers: list[Target]) -> list[Work]:
    """Reading one record."""
    sids = [read(ask(server, request("POST", "/v1/Services", SERVICE)))["sid"] for server in servers]
    gets = [[request("GET", f"/v1/Services/{sid}")] for sid in sids]
    return [
        Work("GET /v1/Services/{sid}", dict(zip(_names(servers), gets, strict=True)), 200, in_flight=(32,))
    ]


def messages(servers: list[Target], peer: Target | None = None) -> list[Work]:
    """Durable messages, to many channels and to one. With one in flight, the two are the same."""
    ceiling, *others = servers
    posts = {server.name: Chat.on(server, CHANNELS).posts for server in others}
    posts[ceiling.name] = posts[others[0].name]  # it takes any channel
    if peer:
        posts[peer.name] = _posts_to_peer()
    to_one = {name: requests[:1] for name, requests in posts.items()}
    against = peer.name if peer else ""
    return [
        Work(f"messages to {CHANNELS} channels", posts, 201, LEAST_MESSAGES, peer=against),
        Work("messages to one channel", to_one, 201, LEAST_MESSAGES, in_flight=(32, 256)),
    ]


def warm_up(peer: Target, report: Report) -> None:
    """Have the peer do what it will be measured in: Node compiles only what has run for a while."""
    report.now(f"warming up {peer.name}")
    take_turn(peer, _posts_to_peer(), status=201, in_flight=32, seconds=PEER_WARM_UP_SECONDS)


def compare(work: Work, servers: list[Target], rounds: int, seconds: float, report: Report) -> None:
    """Have every server do the work in turns, and report each. The first is the ceiling."""
    for in_flight in work.in_flight:
        turns: dict[str, list[Turn]] = {server.name: [] for server in servers}
        for nth in range(rounds):
            for server in servers:
                report.now(f"{work.name}, {in_flight} in flight, on {server.name}", nth, rounds)
                turn = take_turn(
                    server,
                    work.requests[server.name],
                    status=work.status,
                    in_flight=in_flight,
                    seconds=seconds,
                )
                turns[server.name].append(turn)
        ceiling = turns[servers[0].name]
        for name, mine in turns.items():
            report.add(_speed(work, in_flight, name, mine, ceiling))
        if work.peer:
            for name in (name for name in turns if name in work.bars):
                report.add(_share(work.peer, in_flight, name, turns[name], turns[work.peer]))


def take_turn(
    server: Target,
    requests: list[bytes],
    *,
    status: int,
    in_flight: int,
    seconds: float,
    meanwhile: Callable[[], None] = lambda: None,
) -> Turn:
    """Have one server answer for some seconds, or for as long as something else takes if that is longer."""
    plan = Plan(
        port=server.port,
        requests=requests,
        status=status,
        in_flight=in_flight,
        warm_up=WARM_UP_SECONDS,
        seconds=seconds,
    )
    before = server.cpu_seconds()
    load = put(plan, meanwhile)
    return Turn(load, (server.cpu_seconds() - before) / load.answers * 1e6)


def _posts_to_peer() -> list[bytes]:
    paths = [f"/channels/{nth}/messages" for nth in range(CHANNELS)]
    return [request("POST", path, MESSAGE) for path in paths]


def _speed(work: Work, in_flight: int, server: str, mine: list[Turn], ceiling: list[Turn]) -> Speed:
    loads = [turn.load for turn in mine]
    ratios = [turn.load.rate / best.load.rate for turn, best in zip(mine, ceiling, strict=True)]
    return Speed(
        work=work.name,
        in_flight=in_flight,
        server=server,
        rate=Spread.of([load.rate for load in loads]),
        p50_ms=Spread.of([load.p50_ms for load in loads]),
        p99_ms=Spread.of([load.p99_ms for load in loads]),
        cpu_us=Spread.of([turn.cpu_us for turn in mine]),
        answer_bytes=loads[-1].answer_bytes,
        load_busy=max(load.busy for load in loads),
        ratio=None if mine is ceiling else Spread.of(ratios),
        least=work.bars.get(server) if in_flight >= BARS_FROM else None,
    )


def _share(peer: str, in_flight: int, server: str, mine: list[Turn], theirs: list[Turn]) -> Share:
    ratios = [turn.load.rate / other.load.rate for turn, other in zip(mine, theirs, strict=True)]
    return Share(
        work=f"messages against {peer}, {in_flight}",
        server=server,
        unit="posts/s",
        figure=Spread.of([turn.load.rate for turn in mine]),
        best=Spread.of([turn.load.rate for turn in theirs]),
        ratio=Spread.of(ratios),
        load_busy=max(turn.load.busy for turn in (*mine, *theirs)),
        least=LEAST_OF_PEER,
    )


def _names(servers: list[Target]) -> list[str]:
    return [server.name for server in servers]
