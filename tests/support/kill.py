"""Kills a server again and again while others write, and looks at what is left.

`python -m support.kill --rounds 20 --engine sqlite`, from `tests/`; without `--engine` both engines in turn.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import random
import secrets
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import apsw

from chinwag.storage.store import sqlite_path
from support.postgres import running_postgres

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

WRITERS = 16
START_SECONDS = 20
EARLIEST_SECONDS, LATEST_SECONDS = 0.1, 0.4
"""When the server is killed, in seconds after its first answer."""

ACCOUNT_SID = f"AC{1:032x}"
AUTH_TOKEN = "0123456789abcdef0123456789abcdef"
READY = b"Chinwag is listening on "
DEFAULT_ROLES = ["channel admin", "channel user", "service admin", "service user"]


@dataclass
class Report:
    """What was left after every kill.

    Args:
        acknowledged: names of services that were answered with 201.
        lost: those of them that were not there afterwards.
        duplicated: names that were there more than once.
        half_made: services without their four roles, whether they were answered or not.
        damage: what SQLite found wrong with its file.
    """

    rounds: int = 0
    acknowledged: set[str] = field(default_factory=set)
    lost: set[str] = field(default_factory=set)
    duplicated: set[str] = field(default_factory=set)
    half_made: set[str] = field(default_factory=set)
    damage: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        return not (self.lost or self.duplicated or self.half_made or self.damage)

    def __str__(self) -> str:
        return (
            f"{self.rounds} rounds, {len(self.acknowledged)} acknowledged, {len(self.lost)} lost, "
            f"{len(self.duplicated)} duplicated, {len(self.half_made)} half made, {len(self.damage)} damaged"
        )


async def kill_rounds(database_url: str, rounds: int) -> Report:
    """Let sixteen writers make services, kill the server, start it again and look; as often as asked."""
    report = Report()
    seen: set[str] = set()
    credentials = {"Authorization": aiohttp.encode_basic_auth(ACCOUNT_SID, AUTH_TOKEN)}
    async with aiohttp.ClientSession(headers=credentials, raise_for_status=True) as session:
        for number in range(rounds + 1):
            async with serving(database_url) as (base, server):
                if number > 0:
                    await _look(session, base, report, seen)
                    report.damage += damage(database_url)
                    report.rounds += 1
                if number < rounds:
                    report.acknowledged |= await _written_until_killed(session, base, server)
    return report


@asynccontextmanager
async def serving(
    database_url: str, more: dict[str, str] | None = None
) -> AsyncIterator[tuple[str, Process]]:
    """Start `chinwag serve`, with more settings, and yield its address; it never gets to end by itself."""
    settings = {
        "CHINWAG_ACCOUNT_SID": ACCOUNT_SID,
        "CHINWAG_AUTH_TOKEN": AUTH_TOKEN,
        "CHINWAG_DATABASE": database_url,
        "CHINWAG_ENCRYPTION_KEY": "Y2hpbndhZyB0ZXN0cyB1c2UgdGhpcyBmaXhlZCBrZXk=",
        "CHINWAG_LOG_LEVEL": "warning",
        "CHINWAG_PORT": "0",
        **(more or {}),
    }
    command = (sys.executable, "-m", "chinwag", "serve")
    with tempfile.TemporaryDirectory(prefix="chinwag-kill-") as folder:
        server = await asyncio.create_subprocess_exec(
            *command, env=os.environ | settings, cwd=folder, stdout=PIPE
        )
        try:
            yield await _address(server), server
        finally:
            if server.returncode is None:
                server.kill()
            await server.communicate()


async def _address(server: Process) -> str:
    assert server.stdout is not None
    async with asyncio.timeout(START_SECONDS):
        async for line in server.stdout:
            if line.startswith(READY):
                return line.removeprefix(READY).decode().strip()
    raise RuntimeError("the server ended before it was ready")


async def _written_until_killed(session: aiohttp.ClientSession, base: str, server: Process) -> set[str]:
    """Make services until the server is killed, and return the names of those that it answered."""
    acknowledged: set[str] = set()
    answered = asyncio.Event()
    killed = False

    async def write() -> None:
        writer = secrets.token_hex(8)
        for number in itertools.count():
            name = f"{writer}-{number}"
            try:
                async with session.post(f"{base}/v1/Services", data={"FriendlyName": name}) as answer:
                    assert answer.status == 201
                    acknowledged.add(name)
                    answered.set()
                    await answer.read()
            except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError):
                if not killed:
                    raise
                return

    writers = [asyncio.create_task(write()) for _ in range(WRITERS)]
    async with asyncio.timeout(START_SECONDS):
        await answered.wait()
        await asyncio.sleep(random.uniform(EARLIEST_SECONDS, LATEST_SECONDS))
        killed = True
        server.kill()
        await asyncio.gather(server.wait(), *writers)
    return acknowledged


async def _look(session: aiohttp.ClientSession, base: str, report: Report, seen: set[str]) -> None:
    """Compare what there is with what was acknowledged, and see that everything new is whole."""
    services = [service async for service in _listed(session, f"{base}/v1/Services?PageSize=100")]
    names = Counter(service["friendly_name"] for service in services)
    report.lost |= report.acknowledged - names.keys()
    report.duplicated |= {name for name, count in names.items() if count > 1}

    fresh = [service for service in services if service["sid"] not in seen]
    seen |= {service["sid"] for service in fresh}
    for some in (fresh[start : start + WRITERS] for start in range(0, len(fresh), WRITERS)):
        roles = await asyncio.gather(*(_role_names(session, service["links"]["roles"]) for service in some))
        report.half_made |= {
            service["sid"] for service, names in zip(some, roles, strict=True) if names != DEFAULT_ROLES
        }


async def _role_names(session: aiohttp.ClientSession, url: str) -> list[str]:
    return sorted([role["friendly_name"] async for role in _listed(session, url)])


async def _listed(session: aiohttp.ClientSession, url: str | None) -> AsyncIterator[dict[str, Any]]:
    while url is not None:
        async with session.get(url) as answer:
            page = await answer.json()
        for record in page[page["meta"]["key"]]:
            yield record
        url = page["meta"]["next_page_url"]


def damage(database_url: str) -> list[str]:
    """Return what is wrong with the file of a database, if it is one."""
    path = sqlite_path(database_url)
    if path is None:
        return []
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        found = [row[0] for row in connection.execute("PRAGMA integrity_check")]
        return [line for line in found if line != "ok"] + [
            f"row {row} points to nothing" for row in connection.execute("PRAGMA foreign_key_check")
        ]
    finally:
        connection.close()


def main() -> int:
    parser = argparse.ArgumentParser(prog="support.kill", description="Kill a server while others write.")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--engine", choices=["sqlite", "postgres"])
    wanted = parser.parse_args()

    clean = True
    for engine in [wanted.engine] if wanted.engine else ["sqlite", "postgres"]:
        report = asyncio.run(_rounds_on(engine, wanted.rounds))
        print(f"{engine}: {report}", flush=True)  # noqa: T201  # a command line prints
        clean = clean and report.clean
    return 0 if clean else 1


async def _rounds_on(engine: str, rounds: int) -> Report:
    if engine == "sqlite":
        with tempfile.TemporaryDirectory(prefix="chinwag-kill-") as folder:
            return await kill_rounds(f"sqlite:///{Path(folder)}/chinwag.db", rounds)
    with running_postgres() as postgres:
        return await kill_rounds(await postgres.database(), rounds)


if __name__ == "__main__":
    sys.exit(main())
