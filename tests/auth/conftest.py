"""What the tests of authentication share: a world with an empty store, and a seal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography.fernet import Fernet

from auth.tokens import Clock, House, a_house
from chinwag.app import now
from chinwag.auth.secrets import Seal
from chinwag.broker.memory import MemoryBroker
from chinwag.commands import World
from chinwag.ids import Mint
from chinwag.storage.store import open_store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from chinwag.auth.access_token import AccessTokens
    from chinwag.domain.unit import Store


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    """An empty store. Which engine it is makes no difference here: tests/storage compares them."""
    found = await open_store(f"sqlite:///{tmp_path}/chinwag.db", serving=False, now=0, connections=1)
    yield found
    await found.close()


@pytest.fixture
def world(store: Store) -> World:
    return World(store=store, broker=MemoryBroker(), now=now, new_sid=Mint(now))


@pytest.fixture
def seal() -> Seal:
    return Seal(Fernet.generate_key().decode())


@pytest.fixture(scope="module")
async def house(
    engine: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> AsyncIterator[House]:
    """An account with a key and a service, on each engine. Who changes it makes something of its own."""
    url = f"sqlite:///{tmp_path_factory.mktemp('house')}/chinwag.db"
    if engine == "postgres":
        url = await request.getfixturevalue("postgres").database()
    store = await open_store(url, serving=False, now=0, connections=4)
    yield await a_house(store)
    await store.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tokens(house: House, clock: Clock) -> AccessTokens:
    return house.tokens(clock)
