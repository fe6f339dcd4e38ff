"""What the tests of delivery start from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from delivery.application import Application, an_application
from realtime.place import Place, a_place

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from chinwag.settings import Settings
    from support.api import Api


@pytest.fixture
async def application() -> AsyncIterator[Application]:
    """The application's own server."""
    async with an_application() as found:
        yield found


@pytest.fixture
async def place(api: Api, server: tuple[str, Settings]) -> AsyncIterator[Place]:
    """A service on a real server."""
    found = await a_place(api, *server)
    yield found
    await found.close()
