"""An empty database for each test of storage.

On PostgreSQL it is a shared one that is emptied, because making one takes longer than most tests do. Who
changes more than rows makes one of their own (`test_postgres`, `test_migrations`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import asyncpg
import pytest

from chinwag.storage.postgres import PostgresStore
from storage.builders import a_channel, a_service, a_user, an_account

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from chinwag.domain.account import Account
    from chinwag.domain.channel import Channel
    from chinwag.domain.service import Service
    from chinwag.domain.unit import Store
    from chinwag.domain.user import User
    from support.postgres import Postgres

TABLES = (
    "message",
    "member",
    "user_channel",
    "invite",
    "channel_webhook",
    "webhook_call",
    "push",
    "push_occasion",
    "binding",
    "media",
    "content_left",
    "credential",
    "channel",
    "user",
    "account",
)
"""What is emptied, from the leaves to the root; what belongs to an account besides these goes with it."""


@pytest.fixture
async def account(store: Store) -> Account:
    return await an_account(store)


@pytest.fixture
async def service(store: Store, account: Account) -> Service:
    return await a_service(store, account)


@pytest.fixture
async def neighbour(store: Store, account: Account) -> Service:
    """Another service of the same account."""
    return await a_service(store, account, 2)


@pytest.fixture
async def user(store: Store, service: Service) -> User:
    return await a_user(store, service)


@pytest.fixture
async def channel(store: Store, service: Service) -> Channel:
    return await a_channel(store, service)


@pytest.fixture
def database(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """The address of an empty database."""
    if engine == "sqlite":
        return f"sqlite:///{tmp_path}/chinwag.db"
    return request.getfixturevalue("emptied_database")


@dataclass
class SharedDatabase:
    """A database that tests take turns with, and a connection that empties it."""

    url: str
    connection: asyncpg.Connection

    async def connected(self) -> asyncpg.Connection:
        """Return the connection: a new one, if a test has stopped PostgreSQL since."""
        if self.connection.is_closed():
            self.connection = await asyncpg.connect(self.url)
        return self.connection


@pytest.fixture
async def emptied_database(shared_database: SharedDatabase) -> str:
    connection = await shared_database.connected()
    await connection.execute("; ".join(f'DELETE FROM "{table}"' for table in TABLES))
    await connection.execute("UPDATE installation SET generation = 1, key_check = NULL")
    await connection.execute("UPDATE lease SET holder = '', held_until = 0")
    return shared_database.url


@pytest.fixture(scope="session")
async def shared_database(postgres: Postgres) -> AsyncIterator[SharedDatabase]:
    """A database that is up to date."""
    url = await postgres.database()
    await (await PostgresStore.open(url)).close()
    shared = SharedDatabase(url, await asyncpg.connect(url))
    yield shared
    await shared.connection.close()
    await postgres.drop(url)
