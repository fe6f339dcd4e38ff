"""What several end-to-end tests start from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.stage import Stage, a_stage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from support.postgres import Postgres


@pytest.fixture(scope="session")
async def stage(
    engine: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> AsyncIterator[Stage]:
    """A server, an application that it asks and tells, and people with the SDK: for all who want one."""
    folder = tmp_path_factory.mktemp("webhooks")
    database = f"sqlite:///{folder}/chinwag.db"
    if engine == "postgres":
        postgres: Postgres = request.getfixturevalue("postgres")
        database = await postgres.database()
    async with a_stage(folder, database, engine) as found:
        yield found
