"""What the tests of the real-time side start from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from realtime.house import House, a_house

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from chinwag.domain.unit import Store


@pytest.fixture
async def house(store: Store) -> AsyncIterator[House]:
    """A service on an empty store, and the real-time side of a server."""
    found = await a_house(store)
    yield found
    await found.here.presence.close()
