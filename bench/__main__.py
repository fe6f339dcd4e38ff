"""Measure speed: `make bench`.

Every server does a piece of work for some seconds, one after the other, for a number of rounds; its rate is
compared with that of the ceiling in the same round. Who waits for a turn is idle.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import asyncpg

from bench import targets
from bench.load import Load, LoadFailedError, Plan, put
from bench.report import Report, Size, Speed, Spread, facts

if TYPE_CHECKING:
    from pathlib import Path

    from bench.targets import Target

IN_FLIGHT = (1, 32, 256)
WARM_UP_SECONDS = 0.5
STARTS = 20
IDLE_SECONDS = 10.0

LEAST_POST = {"SQLite": 0.35, "PostgreSQL": 0.25}
"""Bars for durable POSTs, as ratios of the ceiling."""

BARS_FROM = 32
"""Least number in flight for which there is a bar: with one, the disk decides."""

MOST_COLD_START_S = 0.6
MOST_IDLE_MB = 80.0

FORM = "FriendlyName=Support+desk"


@dataclass(frozen=True)
class Work:
    """What is asked of every server.

    Args:
        requests: by the name of the server.
        status: that every answer has.
        bars: the least ratio to the ceiling, by the name of the server.
    """

    name: str
    requests: dict[str, bytes]
    status: int
    bars: dict[str, float] = field(default_factory=dict)


def main() -> int:
    chosen = _arguments()
    for told in (signal.SIGTERM, signal.SIGINT):
        signal.signal(told, lambda number, _: sys.exit(128 + number))  # an exception stops what was started
    with ExitStack() as stack:
        folder = stack.enter_context(targets.disk_folder())
        known = facts(folder)
        databases: dict[str, str] = {}
        if "sqlite" in chosen.engine:
            databases["SQLite"] = f"sqlite:///{folder}/chinwag.db"
        if "postgres" in chosen.engine:
            postgres = stack.enter_context(targets.postgres())
            databases["PostgreSQL"] = asyncio.run(postgres.database())
            known["postgres"] = asyncio.run(_about(databases["PostgreSQL"]))
        report = Report(known)
        try:
            _measure(chosen, databases, folder, report)
        except LoadFailedError as error:
            report.now("")
            print(f"bench: {error}", file=sys.stderr)
            return 1
    print(f"\n{report.verdict()}\n{report.keep()}")
    return 0


def _measure(chosen: argparse.Namespace, databases: dict[str, str], folder: Path, report: Report) -> None:
    if "start" in chosen.only:
        for name, url in databases.items():
            cold_start(name, url, folder, report)

    with ExitStack() as stack:
        servers = [stack.enter_context(targets.chinwag(name, url, folder)) for name, url in databases.items()]
        if "memory" in chosen.only:
            for server in servers:
                idle_memory(server, report)

        if not {"post", "get"}.intersection(chosen.only):
            return
        like = targets.a_service(servers[0], FORM)
        everybody = [stack.enter_context(targets.ceiling(like, folder)), *servers]
        for work in (posts(everybody), gets(everybody)):
            if work.name.partition(" ")[0].lower() in chosen.only:
                for in_flight in IN_FLIGHT:
                    compare(work, in_flight, everybody, chosen, report)


def cold_start(name: str, url: str, folder: Path, report: Report) -> None:
    """From the start of the process to the line that says it is ready, on a database that is there."""
    seconds: list[float] = []
    for start in range(STARTS + 1):
        report.now(f"cold start on {name}, {start} of {STARTS}")
        with targets.chinwag(name, url, folder) as server:
            seconds.append(server.ready - server.began)
    size = Spread.of(seconds[1:])  # the first one made the database and warmed the caches
    report.add(Size(work="cold start", server=name, unit="s", size=size, most=MOST_COLD_START_S))


def idle_memory(server: Target, report: Report) -> None:
    """What the process keeps in memory when nobody has asked anything of it."""
    report.now(f"idle memory on {server.name}")
    time.sleep(max(0.0, server.ready + IDLE_SECONDS - time.perf_counter()))
    size = Spread.of([server.process.memory_info().rss / 1e6])
    report.add(Size(work="idle memory", server=server.name, unit="MB", size=size, most=MOST_IDLE_MB))


def posts(servers: list[Target]) -> Work:
    """Durable changes: an answer leaves only after the disk has what it says."""
    request = targets.request("POST", "/v1/Services", FORM)
    return Work("POST /v1/Services", {server.name: request for server in servers}, 201, LEAST_POST)


def gets(servers: list[Target]) -> Work:
    """Reading one record."""
    sids = {server.name: targets.sid_of(targets.a_service(server, FORM)) for server in servers}
    requests = {name: targets.request("GET", f"/v1/Services/{sid}") for name, sid in sids.items()}
    return Work("GET /v1/Services/{sid}", requests, 200)


def compare(
    work: Work, in_flight: int, servers: list[Target], chosen: argparse.Namespace, report: Report
) -> None:
    """Have every server do the work in turns, and report each. The first is the ceiling."""
    loads: dict[str, list[Load]] = {server.name: [] for server in servers}
    cpu_us: dict[str, list[float]] = {server.name: [] for server in servers}
    for turn in range(chosen.rounds):
        for server in servers:
            report.now(
                f"{work.name}, {in_flight} in flight, round {turn + 1} of {chosen.rounds}: {server.name}"
            )
            before = server.cpu_seconds()
            load = put(
                Plan(
                    port=server.port,
                    request=work.requests[server.name],
                    status=work.status,
                    in_flight=in_flight,
                    warm_up=WARM_UP_SECONDS,
                    seconds=chosen.seconds,
                )
            )
            loads[server.name].append(load)
            cpu_us[server.name].append((server.cpu_seconds() - before) / load.answers * 1e6)

    ceiling = loads[servers[0].name]
    for server in servers:
        mine = loads[server.name]
        ratios = [load.rate / best.rate for load, best in zip(mine, ceiling, strict=True)]
        report.add(
            Speed(
                work=work.name,
                in_flight=in_flight,
                server=server.name,
                rate=Spread.of([load.rate for load in mine]),
                p50_ms=Spread.of([load.p50_ms for load in mine]),
                p99_ms=Spread.of([load.p99_ms for load in mine]),
                cpu_us=Spread.of(cpu_us[server.name]),
                answer_bytes=mine[-1].answer_bytes,
                load_busy=max(load.busy for load in mine),
                ratio=None if mine is ceiling else Spread.of(ratios),
                least=work.bars.get(server.name) if in_flight >= BARS_FROM else None,
            )
        )


async def _about(url: str) -> str:
    """Return what matters about a PostgreSQL: one that does not wait for its disk is not comparable."""
    connection = await asyncpg.connect(url)
    try:
        settings = {
            name: await connection.fetchval("SELECT current_setting($1)", name)
            for name in ("server_version", "fsync", "synchronous_commit", "wal_sync_method")
        }
    finally:
        await connection.close()
    return ", ".join(f"{name} {setting}" for name, setting in settings.items())


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bench", description="Speed, as ratios of what this machine can do."
    )
    parser.add_argument("--seconds", type=float, default=2.0, help="length of one measurement (2)")
    parser.add_argument("--rounds", type=int, default=3, help="measurements of each figure (3)")
    works, engines = ("start", "memory", "post", "get"), ("sqlite", "postgres")
    parser.add_argument("--only", nargs="+", choices=works, default=works, help="what to measure (all)")
    parser.add_argument("--engine", nargs="+", choices=engines, default=engines, help="on what (both)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
