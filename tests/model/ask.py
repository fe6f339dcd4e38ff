"""A connection of the tests' own to a database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import apsw
import asyncpg

from chinwag.storage.dialect import for_sqlite
from chinwag.storage.store import sqlite_path

if TYPE_CHECKING:
    from collections.abc import Sequence


class Beside:
    """Asks a database what nobody else asks."""

    def __init__(self, connection: apsw.Connection | asyncpg.Connection) -> None:
        self._connection = connection

    async def __call__(self, sql: str, *values: object) -> Sequence[Any]:
        if isinstance(self._connection, apsw.Connection):
            return self._connection.execute(for_sqlite(sql), values).fetchall()
        return await self._connection.fetch(sql, *values)

    async def close(self) -> None:
        if isinstance(self._connection, apsw.Connection):
            self._connection.close()
        else:
            await self._connection.close()


async def asking(database: str) -> Beside:
    path = sqlite_path(database)
    if path is not None:
        return Beside(apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY))
    return Beside(await asyncpg.connect(database))
