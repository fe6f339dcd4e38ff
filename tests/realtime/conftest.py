"""What the tests of the real-time side start from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from chinwag.storage.store import open_store
from realtime.house import House, a_house
from realtime.place import Place, a_place

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from chinwag.domain.unit import Store
    from chinwag.settings import Settings
    from support.api import Api


@pytest.fixture(scope="session")
async def shared_store(
    engine: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> AsyncIterator[Store]:
    """A store for all tests that need no more than an account of their own."""
    url = f"sqlite:///{tmp_path_factory.mktemp('realtime')}/chinwag.db"
    if engine == "postgres":
        url = await request.getfixturevalue("postgres").database()
    found = await open_store(url, serving=False, now=0, connections=8)
    yield found
    await found.close()


@pytest.fixture
async def house(shared_store: Store) -> AsyncIterator[House]:
    """A service of a new account, and the real-time side of a server."""
    found = await a_house(shared_store)
    yield found
    await found.here.presence.close()


@pytest.fixture
async def place(api: Api, server: tuple[str, Settings]) -> AsyncIterator[Place]:
    """A service on a real server."""
    found = await a_place(api, *server)
    yield found
    await found.close()
