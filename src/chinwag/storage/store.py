"""Which engine a database address means."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from chinwag.domain.unit import Store
    from chinwag.ids import Millis


class StoreCannotOpenError(Exception):
    """The database cannot be used as it is. The text says which, and why."""


async def open_store(url: str, *, serving: bool, now: Millis, connections: int) -> Store:
    """Open the database that an address names and bring it up to this release.

    Args:
        url: `sqlite:///relative/path`, `sqlite:////absolute/path` or `postgresql://user@host/database`.
        serving: True for a server, which holds a SQLite file against a second one.
        now: the moment to note beside each migration.
        connections: most connections to a PostgreSQL server.

    Raises:
        StoreCannotOpenError: it cannot be reached or refuses, a newer release wrote it, or another server
        holds it.
    """
    if (path := sqlite_path(url)) is not None:
        from chinwag.storage.sqlite import SqliteStore  # noqa: PLC0415  # each installation needs one engine only

        return await SqliteStore.open(path, serving=serving, now=now)

    from chinwag.storage.postgres import PostgresStore  # noqa: PLC0415

    return await PostgresStore.open(url, connections=connections, now=now)


def sqlite_path(url: str) -> Path | None:
    """Return the file that a `sqlite://` address names, or None for an address of another engine."""
    return Path(url.removeprefix("sqlite:///")) if urlsplit(url).scheme == "sqlite" else None
