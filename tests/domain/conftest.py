from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from domain.chat import Chat, a_chat

if TYPE_CHECKING:
    from chinwag.domain.unit import Store


@pytest.fixture
async def chat(store: Store) -> Chat:
    return await a_chat(store)
