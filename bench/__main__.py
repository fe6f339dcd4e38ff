"""Measure speed: `make bench`.

What is compared takes turns, a few seconds each, for a number of rounds; who waits for a turn is idle. The
ratios are those of one round.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg

from bench import chart, ejabberd, page, targets, works
from bench.chat import Chat, ask
from bench.growth import Growing
from bench.hooked import hooked
from bench.load import LoadFailedError
from bench.pushed import pushed
from bench.report import Report, facts
from bench.rows import Size, Spread
from bench.sockets import Sockets, sdk_version

if TYPE_CHECKING:
    from bench.targets import Target

STARTS = 20
IDLE_SECONDS = 10.0

MOST_COLD_START_S = 0.6
MOST_IDLE_MB = 80.0

COMPARED = {"post": works.posts, "get": works.gets}
"""What is compared with the ceiling."""

MESSAGES = "messages"
"""Posting, compared with the ceiling and with peers."""

GROWING = {"cost": Growing.cost, "page": Growing.page, "delete": Growing.delete}
"""What is compared with itself."""

CONNECTED = {
    "sockets": Sockets.sockets,
    "latency": Sockets.latency,
    "idle": Sockets.idle,
    "startup": Sockets.startup,
    "slow": Sockets.slow,
    "posting": Sockets.posting,
}
"""What is measured with client SDKs connected."""

HOOKED = "webhooks"
"""Posting while webhooks are told of it."""

NO_EXPRESS = "no Express: node, or what it needs in bench/peers/express, is not there; see `make bench`"
NO_EJABBERD = "no ejabberd: Debian's packages ejabberd and erlang-p1-pgsql are not installed"
NO_SDK = "none, so its start is not measured: node or the tests' modules are not there; see `make bench`"

PUSHED = "pushes"
"""Posting while the devices of many members are told of it."""


def main() -> int:
    chosen = _arguments()
    for told in (signal.SIGTERM, signal.SIGINT):
        signal.signal(told, lambda number, _: sys.exit(128 + number))  # an exception stops what was started
    with ExitStack() as stack:
        folder = stack.enter_context(targets.disk_folder())
        known = facts(folder)
        databases: dict[str, str] = {}
        for_express = ""
        if "sqlite" in chosen.engine:
            databases["SQLite"] = f"sqlite:///{folder}/chinwag.db"
        has_express = MESSAGES in chosen.only and targets.has_express()
        has_ejabberd = MESSAGES in chosen.only and ejabberd.is_installed()
        if "postgres" in chosen.engine or has_express or has_ejabberd:
            postgres = stack.enter_context(targets.postgres())
            if "postgres" in chosen.engine:
                databases["PostgreSQL"] = asyncio.run(postgres.database())
            if has_express:
                for_express = asyncio.run(postgres.database())
            any_database = databases.get("PostgreSQL") or asyncio.run(postgres.database())
            known["postgres"] = asyncio.run(_about(any_database))
        if MESSAGES in chosen.only:
            known["peers"] = "; ".join(
                [
                    targets.express_versions() if has_express else NO_EXPRESS,
                    ejabberd.versions() if has_ejabberd else NO_EJABBERD,
                ]
            )
        if "startup" in chosen.only:
            known["SDK"] = sdk_version() or NO_SDK
        report = Report(known)
        try:
            _measure(chosen, databases, for_express, folder, report)
        except LoadFailedError as error:
            report.now("")
            print(f"bench: {error}", file=sys.stderr)
            return 1
    print(f"\n{report.verdict()}")
    kept = report.keep()
    print(kept, chart.beside(kept), sep="\n")
    if chosen.page:
        page.write(kept, chosen.page)
        print(chosen.page)
    return 0


def _measure(
    chosen: argparse.Namespace, databases: dict[str, str], for_express: str, folder: Path, report: Report
) -> None:
    if "start" in chosen.only:
        for name, url in databases.items():
            cold_start(name, url, folder, report)

    with ExitStack() as stack:
        servers = [stack.enter_context(targets.chinwag(name, url, folder)) for name, url in databases.items()]
        if "memory" in chosen.only:
            for server in servers:
                idle_memory(server, report)

        if any(name in (*COMPARED, MESSAGES) for name in chosen.only):
            compare(chosen, servers, for_express, folder, report)
        for server in servers:
            _alone(chosen, server, folder, report)

    if PUSHED in chosen.only:
        for name, url in databases.items():
            pushed(name, url, chosen.rounds, chosen.seconds, folder, report)


def _alone(chosen: argparse.Namespace, server: Target, folder: Path, report: Report) -> None:
    """Measure what one server is compared with itself in."""
    if any(name in GROWING for name in chosen.only):
        grow(chosen, server, report)
    if any(name in CONNECTED for name in chosen.only):
        connect(chosen, server, folder, report)
    if HOOKED in chosen.only:
        hooked(server, chosen.rounds, chosen.seconds, folder, report)


def cold_start(name: str, url: str, folder: Path, report: Report) -> None:
    """From the start of the process to the line that says it is ready, on a database that is there."""
    seconds: list[float] = []
    for start in range(STARTS + 1):
        report.now(f"cold start on {name}", start, STARTS + 1)
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


def compare(
    chosen: argparse.Namespace, servers: list[Target], for_express: str, folder: Path, report: Report
) -> None:
    """Put the works that are chosen to every server, the ceiling, and the peers that can be started."""
    chat = Chat.on(servers[0], channels=1)
    message = ask(servers[0], chat.channels[0].post)
    with targets.ceiling(chat.service, message, folder) as ceiling:
        everybody = [ceiling, *servers]
        for name, these in COMPARED.items():
            if name in chosen.only:
                for work in these(everybody):
                    works.compare(work, everybody, chosen.rounds, chosen.seconds, report)
        if MESSAGES in chosen.only:
            with ExitStack() as stack:
                peers: list[works.Peer] = []
                if for_express:
                    peers.append(works.express(stack.enter_context(targets.express(for_express, folder))))
                if ejabberd.is_installed():
                    peers.append(stack.enter_context(ejabberd.ejabberd(folder, works.CHANNELS)))
                for peer in peers:
                    works.warm_up(peer, report)
                for work in works.messages([ceiling, *servers], peers):
                    everybody = [ceiling, *servers, *(peer.target for peer in peers)]
                    works.compare(work, everybody, chosen.rounds, chosen.seconds, report)


def grow(chosen: argparse.Namespace, server: Target, report: Report) -> None:
    """Have one server keep much, and measure what is chosen of what that costs."""
    growing = Growing(server, chosen.rounds, chosen.seconds, report)
    for name, measure in GROWING.items():
        if name in chosen.only:
            measure(growing)


def connect(chosen: argparse.Namespace, server: Target, folder: Path, report: Report) -> None:
    """Have client SDKs connect to one server, and measure what is chosen."""
    sockets = Sockets(server, chosen.rounds, chosen.seconds, folder, report)
    for name, measure in CONNECTED.items():
        if name in chosen.only:
            measure(sockets)


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
    parser.add_argument("--seconds", type=float, default=1.0, help="length of one measurement (1)")
    parser.add_argument("--rounds", type=int, default=3, help="measurements of each figure (3)")
    everything, engines = (
        ("start", "memory", *COMPARED, MESSAGES, *GROWING, *CONNECTED, HOOKED, PUSHED),
        ("sqlite", "postgres"),
    )
    parser.add_argument(
        "--only", nargs="+", choices=everything, default=everything, help="what to measure (all)"
    )
    parser.add_argument("--engine", nargs="+", choices=engines, default=engines, help="on what (both)")
    parser.add_argument("--page", type=Path, help="a document to write from what came out")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
