"""What is measured: servers in processes of their own, on a disk, and gone at the end."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import secrets
import select
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import psutil

from support.postgres import Postgres, running_postgres

if TYPE_CHECKING:
    from collections.abc import Iterator

DISK = Path("/var/tmp")
"""Where data goes: a disk, where /tmp may be memory, and outside of a home folder, as PostgreSQL wants."""

START_SECONDS = 30.0
"""Longest wait for a server to be ready, in seconds."""

STOP_SECONDS = 15.0
"""Longest wait for a server to stop by itself, in seconds."""

PEER = Path(__file__).parent / "peers" / "express"
"""A chat of Express, socket.io and PostgreSQL; `make bench` installs what it needs."""

ACCOUNT_SID = "AC" + "0" * 32
AUTH_TOKEN = "bench"
KEY_SID = "SK" + "0" * 32
KEY_SECRET = "bench-secret"
ENCRYPTION_KEY = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


@dataclass(frozen=True, kw_only=True)
class Target:
    """A server that is ready.

    Args:
        name: in the table.
        database: its address; empty for what is not Chinwag.
        port: on this machine.
        process: which ran it.
        began: when it was started, on the clock of `time.perf_counter`.
        ready: when it said that it was ready.
    """

    name: str
    database: str
    port: int
    process: psutil.Process
    began: float
    ready: float

    def cpu_seconds(self) -> float:
        """Return the CPU time that it has taken so far."""
        times = self.process.cpu_times()
        return times.user + times.system


@contextlib.contextmanager
def disk_folder() -> Iterator[Path]:
    """Make a folder on a disk, and remove it at the end."""
    with tempfile.TemporaryDirectory(prefix="chinwag-bench-", dir=DISK) as folder:
        yield Path(folder)


@contextlib.contextmanager
def postgres() -> Iterator[Postgres]:
    """Start a PostgreSQL whose data is on a disk, and stop it at the end."""
    tempfile.tempdir = str(DISK)
    with running_postgres() as server:
        yield server


@contextlib.contextmanager
def chinwag(name: str, database: str, folder: Path, **more: str) -> Iterator[Target]:
    """Start Chinwag on a database, as an operator would, and stop it at the end; `more` are variables."""
    settings = {
        "CHINWAG_PORT": "0",
        "CHINWAG_DATABASE": database,
        "CHINWAG_ACCOUNT_SID": ACCOUNT_SID,
        "CHINWAG_AUTH_TOKEN": AUTH_TOKEN,
        "CHINWAG_API_KEY_SID": KEY_SID,
        "CHINWAG_API_KEY_SECRET": KEY_SECRET,
        "CHINWAG_ENCRYPTION_KEY": ENCRYPTION_KEY,
        "CHINWAG_LOG_LEVEL": "info",
        **more,
    }
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CHINWAG_")} | settings
    command = [sys.executable, "-m", "chinwag", "serve"]
    with started(name, command, folder, environment, database) as target:
        yield target


@contextlib.contextmanager
def ceiling(service: bytes, message: bytes, folder: Path) -> Iterator[Target]:
    """Start the ceiling, which answers with a service and a message like these, and stop it at the end."""
    like = folder / "like.json"
    like.write_bytes(b"[%b,%b]" % (service, message))
    command = [sys.executable, "-m", "bench.ceiling", str(folder / "journal"), str(like)]
    with started("ceiling", command, folder, dict(os.environ)) as target:
        yield target


@contextlib.contextmanager
def raw_writer(message: bytes, folder: Path) -> Iterator[Target]:
    """Start what only writes these bytes to all who listen, and stop it at the end."""
    like = folder / "message.bin"
    like.write_bytes(message)
    command = [sys.executable, "-m", "bench.raw_writer", str(like)]
    with started("raw writer", command, folder, dict(os.environ)) as target:
        yield target


@contextlib.contextmanager
def receiver(seconds: float, folder: Path, answer: str = "") -> Iterator[Target]:
    """Start what takes so long over each answer, as a webhook or a provider, and stop it at the end."""
    command = [sys.executable, "-m", "bench.receiver", str(seconds), answer]
    with started("receiver", command, folder, dict(os.environ)) as target:
        yield target


def has_express() -> bool:
    """Return whether this peer can be started: with npm, `make bench` sees to it."""
    return shutil.which("node") is not None and (PEER / "node_modules" / "pg").exists()


def express_versions() -> str:
    """Return what this peer is made of."""
    node = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    pinned = json.loads((PEER / "package.json").read_text())["dependencies"]
    return ", ".join([*(f"{name} {version}" for name, version in pinned.items()), f"Node {node}"])


@contextlib.contextmanager
def express(database: str, folder: Path) -> Iterator[Target]:
    """Start this peer on an empty database of PostgreSQL, and stop it at the end."""
    url = urlsplit(database)
    where = {
        "PGHOST": url.hostname or parse_qs(url.query)["host"][0],
        "PGPORT": str(url.port or 5432),
        "PGUSER": url.username or "",
        "PGPASSWORD": url.password or "",
        "PGDATABASE": url.path[1:],
    }
    environment = dict(os.environ) | where | {"NODE_ENV": "production"}
    with started("Express", ["node", str(PEER / "server.cjs")], folder, environment) as target:
        yield target


@contextlib.contextmanager
def started(
    name: str, command: list[str], folder: Path, environment: dict[str, str], database: str = ""
) -> Iterator[Target]:
    """Start a server, wait until it says on which port it listens, and stop it at the end."""
    began = time.perf_counter()
    with (
        (folder / f"{name}.log").open("ab") as log,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, env=environment) as process,
    ):
        try:
            port = _port(process, Path(log.name))
            ready = time.perf_counter()
            yield Target(
                name=name,
                database=database,
                port=port,
                process=psutil.Process(process.pid),
                began=began,
                ready=ready,
            )
        finally:
            _stop(process)


def _port(process: subprocess.Popen[bytes], log: Path) -> int:
    """Return the port in the line with which a server says that it is ready."""
    assert process.stdout is not None
    said = b""
    deadline = time.perf_counter() + START_SECONDS
    while b" is listening on " not in said or not said.endswith(b"\n"):
        readable, _, _ = select.select([process.stdout], [], [], deadline - time.perf_counter())
        came = os.read(process.stdout.fileno(), 65536) if readable else b""
        if not came:
            raise RuntimeError(f"a server did not start: {log.read_text()[-2000:]}")
        said += came
    return int(said.rpartition(b":")[2])


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
