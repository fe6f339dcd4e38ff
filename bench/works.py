"""Servers compared with the ceiling: each does the same work in its turn, for a number of rounds."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from bench.chat import MESSAGE, SERVICE, Chat, ask, read, request
from bench.load import Load, LoadFailedError, Plan, put
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
"""Bar for messages, as a ratio of what the best peer does."""

KEEPING_SECONDS = 60.0
"""Longest wait for a peer to have kept what it has answered, in seconds."""


class Kept(NamedTuple):
    """What a peer has kept so far: how many messages, and when the last came, as `time.time` says it."""

    messages: int
    last: float


@dataclass(frozen=True)
class Peer:
    """A server that is not ours, and how messages are posted to it.

    Args:
        posts: a message to each of its channels.
        status: that every answer has.
        kept: for a peer that answers before it has kept a message: looks at what it has.
    """

    target: Target
    posts: list[bytes]
    status: int
    kept: Callable[[], Kept] | None = None

    @property
    def name(self) -> str:
        return self.target.name


@dataclass(frozen=True)
class Work:
    """What is asked of every server.

    Args:
        requests: by the name of the server.
        status: that every answer has, but for those of peers.
        bars: the least ratio to the ceiling, by the name of the server.
        in_flight: how many requests at a time, in turns.
        peers: servers that are not ours, by name.
        least_of_peer: the least ratio to the best of them; None if that is not asked.
    """

    name: str
    requests: dict[str, list[bytes]]
    status: int
    bars: dict[str, float] = field(default_factory=dict)
    in_flight: tuple[int, ...] = (1, 32, 256)
    peers: dict[str, Peer] = field(default_factory=dict)
    least_of_peer: float | None = None


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


def express(target: Target) -> Peer:
    """Return the peer that takes messages as we do."""
    paths = [f"/channels/{nth}/messages" for nth in range(CHANNELS)]
    return Peer(target, [request("POST", path, MESSAGE) for path in paths], status=201)


def messages(servers: list[Target], peers: list[Peer]) -> list[Work]:
    """Durable messages, to many channels and to one. With one in flight, the two are the same."""
    ceiling, *others = servers
    posts = {server.name: Chat.on(server, CHANNELS).posts for server in others}
    posts[ceiling.name] = posts[others[0].name]  # it takes any channel
    posts |= {peer.name: peer.posts for peer in peers}
    to_one = {name: requests[:1] for name, requests in posts.items()}
    many, one = f"messages to {CHANNELS} channels", "messages to one channel"
    named = {peer.name: peer for peer in peers}
    return [
        Work(many, posts, 201, LEAST_MESSAGES, peers=named, least_of_peer=LEAST_OF_PEER),
        Work(one, to_one, 201, LEAST_MESSAGES, in_flight=(32, 256), peers=named),
    ]


def warm_up(peer: Peer, report: Report) -> None:
    """Have a peer do what it will be measured in: Node compiles only what has run for a while."""
    report.now(f"warming up {peer.name}")
    take_turn(
        peer.target,
        peer.posts,
        status=peer.status,
        in_flight=32,
        seconds=PEER_WARM_UP_SECONDS,
        kept=peer.kept,
    )


def compare(work: Work, servers: list[Target], rounds: int, seconds: float, report: Report) -> None:
    """Have every server do the work in turns, and report each. The first is the ceiling."""
    for in_flight in work.in_flight:
        turns: dict[str, list[Turn]] = {server.name: [] for server in servers}
        for nth in range(rounds):
            for server in servers:
                report.now(f"{work.name}, {in_flight} in flight, on {server.name}", nth, rounds)
                peer = work.peers.get(server.name)
                turn = take_turn(
                    server,
                    work.requests[server.name],
                    status=peer.status if peer else work.status,
                    in_flight=in_flight,
                    seconds=seconds,
                    kept=peer.kept if peer else None,
                )
                turns[server.name].append(turn)
        ceiling = turns[servers[0].name]
        for name, mine in turns.items():
            report.add(_speed(work, in_flight, name, mine, ceiling))
        if work.peers and work.least_of_peer:
            best = max(work.peers, key=lambda name: median(turn.load.rate for turn in turns[name]))
            for name in (name for name in turns if name in work.bars):
                report.add(_share(work, in_flight, name, best, turns))


def take_turn(
    server: Target,
    requests: list[bytes],
    *,
    status: int,
    in_flight: int,
    seconds: float,
    meanwhile: Callable[[], None] = lambda: None,
    kept: Callable[[], Kept] | None = None,
) -> Turn:
    """Have one server answer for some seconds, or for as long as something else takes if that is longer.

    Where one looks at what is kept, the rate is that of messages that are, and the turn lasts until all are.
    """
    plan = Plan(
        port=server.port,
        requests=requests,
        status=status,
        in_flight=in_flight,
        warm_up=WARM_UP_SECONDS,
        seconds=seconds,
    )
    before = server.cpu_seconds()
    load = _put_until_kept(plan, kept) if kept else put(plan, meanwhile)
    return Turn(load, (server.cpu_seconds() - before) / load.answers * 1e6)


def _put_until_kept(plan: Plan, kept: Callable[[], Kept]) -> Load:
    """Put a load on a server that answers early, and wait for the rest: it would take from others' turns."""
    before = kept().messages
    counted: list[tuple[float, int]] = []  # when answers began to count, and what was kept by then
    load = put(plan, lambda: counted.append((time.time(), kept().messages)))
    deadline = time.perf_counter() + KEEPING_SECONDS
    while (now := kept()).messages < before + load.answers:
        if time.perf_counter() > deadline:
            missing = before + load.answers - now.messages
            raise LoadFailedError(f"{missing} of {load.answers} messages that were answered are not kept")
        time.sleep(0.25)
    began, earlier = counted[0]
    return msgspec.structs.replace(load, rate=(now.messages - earlier) / (now.last - began))


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
        least=work.bars.get(server),
    )


def _share(work: Work, in_flight: int, server: str, peer: str, turns: dict[str, list[Turn]]) -> Share:
    mine, theirs = turns[server], turns[peer]
    ratios = [turn.load.rate / other.load.rate for turn, other in zip(mine, theirs, strict=True)]
    return Share(
        work=f"messages against {peer}, {in_flight}",
        server=server,
        unit="posts/s",
        figure=Spread.of([turn.load.rate for turn in mine]),
        best=Spread.of([turn.load.rate for turn in theirs]),
        ratio=Spread.of(ratios),
        load_busy=max(turn.load.busy for turn in (*mine, *theirs)),
        least=work.least_of_peer,
    )


def _names(servers: list[Target]) -> list[str]:
    return [server.name for server in servers]
