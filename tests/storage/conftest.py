"""An empty database for each test of storage.

On PostgreSQL it is a shared one that is emptied, because making one takes longer than most tests do. Who
changes more than rows makes one of their own (`test_postgres`, `test_migrations`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import asyncpg
import pytest

from chinwag.storage.postgres import PostgresStore

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from support.postgres import Postgres


@pytest.fixture
def database(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """The address of an empty database."""
    if engine == "sqlite":
        return f"sqlite:///{tmp_path}/chinwag.db"
    return request.getfixturevalue("emptied_database")


@pytest.fixture
async def emptied_database(shared_database: tuple[str, asyncpg.Connection]) -> str:
    url, connection = shared_database
    await connection.execute("DELETE FROM account")
    await connection.execute("UPDATE installation SET generation = 1, key_check = NULL")
    return url


@pytest.fixture(scope="session")
async def shared_database(postgres: Postgres) -> AsyncIterator[tuple[str, asyncpg.Connection]]:
    """The address of a database that is up to date, and a connection to it."""
    url = await postgres.database()
    await (await PostgresStore.open(url)).close()
    connection = await asyncpg.connect(url)
    yield url, connection
    await connection.close()
    await postgres.drop(url)
