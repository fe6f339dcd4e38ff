"""Fixtures that many tests share. Whatever depends on `engine` runs once on SQLite and once on PostgreSQL."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import aiohttp
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from typing import TYPE_CHECKING

from chinwag import commands
from chinwag.app import opened
from chinwag.auth.secrets import new_secret
from chinwag.domain.account import CreateAccount
from chinwag.domain.caller import Operator
from chinwag.settings import Settings
from chinwag.storage.store import open_store
from support.api import Api
from support.postgres import Postgres, running_postgres
from support.server import running_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from chinwag.domain.unit import Store

ENCRYPTION_KEY = "Y2hpbndhZyB0ZXN0cyB1c2UgdGhpcyBmaXhlZCBrZXk="


def pytest_configure() -> None:
    for name in [name for name in os.environ if name.startswith(("CHINWAG_", "TWILIO_"))]:
        del os.environ[name]


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    return ("asyncio", {"use_uvloop": True})


@pytest.fixture(scope="session", params=["sqlite", "postgres"])
def engine(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with running_postgres() as server:
        yield server


@pytest.fixture
async def database(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[str]:
    """The address of an empty database."""
    if engine == "sqlite":
        yield f"sqlite:///{tmp_path}/chinwag.db"
        return
    postgres: Postgres = request.getfixturevalue("postgres")
    url = await postgres.database()
    yield url
    await postgres.drop(url)


@pytest.fixture
async def store(database: str) -> AsyncIterator[Store]:
    """An open store, empty."""
    found = await open_store(database, serving=False, now=0, connections=8)
    yield found
    await found.close()


@pytest.fixture(scope="session")
async def server_database(
    engine: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> str:
    """The address of the database of `server`."""
    if engine == "sqlite":
        return f"sqlite:///{tmp_path_factory.mktemp('server')}/chinwag.db"
    postgres: Postgres = request.getfixturevalue("postgres")
    return await postgres.database()


@pytest.fixture(scope="session")
def server(server_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Settings]]:
    """A server for all tests of a session, each with an account of its own: its address and settings."""
    settings = Settings(
        port=0,
        database=server_database,
        encryption_key=ENCRYPTION_KEY,
        media_store=f"file://{tmp_path_factory.mktemp('media')}",
        media_size_limit_mb=8,
        log_level="warning",
    )
    with running_server(settings) as base:
        yield base, settings


@pytest.fixture
async def api(server: tuple[str, Settings]) -> AsyncIterator[Api]:
    """The REST API, as a new account sees it."""
    async with aiohttp.ClientSession() as session:
        yield await an_account(session, *server)


@pytest.fixture
async def stranger(server: tuple[str, Settings]) -> AsyncIterator[Api]:
    """The same server, as another account sees it."""
    async with aiohttp.ClientSession() as session:
        yield await an_account(session, *server)


async def an_account(session: aiohttp.ClientSession, base: str, settings: Settings) -> Api:
    token = new_secret()
    async with opened(settings) as parts:
        command = CreateAccount(friendly_name="Test", sealed_auth_token=parts.seal.seal(token))
        account = await commands.run(command, Operator(), parts.world)
    return Api(session, base, account.sid, token)
