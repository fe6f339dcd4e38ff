"""Fixtures that many tests share. Whatever depends on `engine` runs once on SQLite and once on PostgreSQL."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import aiohttp
import msgspec
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
from support.torture import LONGEST_SECONDS, Did, Kept, Record

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Generator, Iterator

    from chinwag.domain.unit import Store

RECORD = pytest.StashKey[Record]()
"""What a run of the checks of reliability came to."""

DID = pytest.StashKey[Did]()
"""What one test says that it did."""

ENCRYPTION_KEY = "Y2hpbndhZyB0ZXN0cyB1c2UgdGhpcyBmaXhlZCBrZXk="


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--torture", action="store_true", help="the checks of reliability only, at full length")
    parser.addoption("--torture-page", type=Path, help="where to write the page about such a run")
    parser.addoption("--torture-before", type=Path, help="the results of a run, of which some is run again")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("torture"):
        before = config.getoption("torture_before")
        config.stash[RECORD] = Record(before and msgspec.json.decode(before.read_bytes(), type=Kept))
    for name in [name for name in os.environ if name.startswith(("CHINWAG_", "TWILIO_"))]:
        del os.environ[name]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Choose what runs: everything that needs no clock, or the checks of reliability and nothing else."""
    full = config.getoption("torture")
    chosen = [item for item in items if item.get_closest_marker("check" if full else "clock") is not None]
    left = [item for item in items if item not in set(chosen)]
    runs, left = (chosen, left) if full else (left, chosen)
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = runs
    if full:
        for item in items:
            item.add_marker(pytest.mark.timeout(LONGEST_SECONDS))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    record = item.config.stash.get(RECORD, None)
    if record is not None:
        record.add(item, call, report, item.stash.get(DID, Did()))
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    record = config.stash.get(RECORD, None)
    if record is None:
        return
    terminalreporter.section("reliability")
    for line in record.lines():
        terminalreporter.line(line)
    terminalreporter.line(f"\n{record.keep()}")
    page = config.getoption("torture_page")
    if page is not None:
        page.write_text(record.document())


@pytest.fixture(scope="session")
def full_length(request: pytest.FixtureRequest) -> bool:
    """Whether checks of reliability run at full length, under `make torture`, or shortly."""
    return request.config.getoption("torture")


@pytest.fixture
def did(request: pytest.FixtureRequest) -> Did:
    """Takes down what a check did, for the report."""
    return request.node.stash.setdefault(DID, Did())


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
        guesses_per_minute=0,  # all tests come from one address, and some of them guess
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
