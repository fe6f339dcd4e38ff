"""Measure speed: `make bench`.

Everything that has a bar in the design is compared with the ceiling in interleaved rounds: each server does the
work for some seconds, then the next one does, and so on; a ratio is taken within a round. The servers that wait
for their turn are idle.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import asyncpg

from bench import targets
from bench.load import Load, LoadFailedError, Plan, put
from bench.report import Report, Size, Speed, Spread, facts
from bench.targets import Target

IN_FLIGHT = (1, 32, 256)

LEAST_POST = {"SQLite": 0.35, "PostgreSQL": 0.25}
"""Bars for the ratio of durable POSTs to the ceiling, at 32 and more in flight."""

MOST_COLD_START_S = 0.6
MOST_IDLE_MB = 80.0

STARTS = 20
IDLE_SECONDS = 10.0
WARM_UP_SECONDS = 0.5

FORM = "FriendlyName=Support+desk"

ENGINES = {"sqlite": "SQLite", "postgres": "PostgreSQL"}


@dataclass(frozen=True)
class Database:
    """What one engine keeps everything in."""

    engine: str
    url: str


def main() -> int:
    chosen = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # as an exception it stops what was started
    with ExitStack() as stack:
        folder = stack.enter_context(targets.disk_folder())
        known = facts(folder)
        databases = [Database("SQLite", f"sqlite:///{folder}/chinwag.db")] if "sqlite" in chosen.engine else []
        if "postgres" in chosen.engine:
            url, about = asyncio.run(_empty_database(stack.enter_context(targets.postgres())))
            databases.append(Database("PostgreSQL", url))
            known["postgres"] = about
        known["bench"] = f"{chosen.rounds} rounds, {chosen.seconds:g} s each"
        report = Report(known)

        try:
            if "start" in chosen.only:
                for database in databases:
                    cold_start(database, folder, report)
            servers = [
                stack.enter_context(targets.chinwag(database.engine, database.url, folder))
                for database in databases
            ]
            if "memory" in chosen.only:
                for server in servers:
                    idle_memory(server, report)
            if {"post", "get"} & set(chosen.only):
                like = targets.a_service(servers[0], FORM)
                servers.insert(0, stack.enter_context(targets.ceiling(like, folder)))
            if "post" in chosen.only:
                posts(servers, chosen.rounds, chosen.seconds, report)
            if "get" in chosen.only:
                gets(servers, chosen.rounds, chosen.seconds, report)
        except LoadFailedError as error:
            report.now("")
            print(f"bench: {error}", file=sys.stderr)
            return 1
    print(f"\n{report.verdict()}\n{report.keep()}")
    return 0


def cold_start(database: Database, folder: Path, report: Report) -> None:
    """From the start of the process to the line that says it is ready, on a database that is there."""
    seconds: list[float] = []
    for start in range(STARTS + 1):
        report.now(f"cold start on {database.engine}, {start} of {STARTS}")
        with targets.chinwag(database.engine, database.url, folder) as server:
            seconds.append(server.ready - server.began)
    report.add(
        Size(
            work="cold start",
            server=database.engine,
            unit="s",
            size=Spread.of(seconds[1:]),  # the first one made the database and warmed the caches
            most=MOST_COLD_START_S,
        )
    )


def idle_memory(server: Target, report: Report) -> None:
    """What the process keeps in memory when nobody has asked anything of it."""
    report.now(f"idle memory on {server.name}")
    time.sleep(max(0.0, server.ready + IDLE_SECONDS - time.perf_counter()))
    resident = server.process.memory_info().rss / 1e6
    report.add(
        Size(
            work="idle memory",
            server=server.name,
            unit="MB",
            size=Spread.of([resident]),
            most=MOST_IDLE_MB,
        )
    )


def posts(servers: list[Target], rounds: int, seconds: float, report: Report) -> None:
    """Durable changes: each answer leaves only after the disk has what it says."""
    asked = {server.name: targets.request("POST", "/v1/Services", FORM) for server in servers}
    for in_flight in IN_FLIGHT:
        work = f"POST Services, {in_flight} in flight"
        bars = LEAST_POST if in_flight >= 32 else {}
        plans = [
            Plan(
                port=server.port,
                request=asked[server.name],
                status=201,
                in_flight=in_flight,
                warm_up=WARM_UP_SECONDS,
                seconds=seconds,
            )
            for server in servers
        ]
        compare(work, servers, plans, rounds, bars, report)


def gets(servers: list[Target], rounds: int, seconds: float, report: Report) -> None:
    """Reading one record."""
    asked = {
        server.name: targets.request("GET", f"/v1/Services/{targets.sid_of(targets.a_service(server, FORM))}")
        for server in servers
    }
    for in_flight in IN_FLIGHT:
        work = f"GET Service, {in_flight} in flight"
