"""A server that is killed again and again while messages are posted: each is there once, in its place."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from support.kill import damage, serving
from support.load_of_messages import a_load

if TYPE_CHECKING:
    from support.torture import Did

BETWEEN = 1, 200
"""How many messages are acknowledged between a start and a kill, about."""

EVERY = 20
"""After how many kills all messages are read, besides the end: what is lost stays lost."""


@pytest.fixture
def rounds(full_length: bool) -> int:
    return 100 if full_length else 1


@pytest.mark.check(1)
async def test_a_killed_server_has_every_message_once_in_its_place(
    database: str, rounds: int, did: Did
) -> None:
    dice = random.Random(1)
    wrong: list[str] = []

    async with serving(database) as (base, first), a_load(base) as load:
        first.kill()
        await first.wait()
        async with load.writing():  # whoever is persistent goes on across the kills
            for number in range(rounds):
                before = set(load.acknowledged)
                async with serving(database) as (load.base, server):
                    if number % EVERY == 0:
                        wrong += await load.wrong(only=before)
                    wrong += damage(database)
                    await load.more(dice.randint(*BETWEEN))
                    server.kill()
                    await server.wait()
        async with serving(database) as (load.base, _):
            wrong += await load.wrong() + damage(database)

    did(f"{rounds} kills under 16 writers of messages, half of whom repeat what was not answered")
    did(f"{len(load.acknowledged):,} acknowledged, {len(wrong)} lost, doubled or out of place")
    assert wrong == []
    assert load.broken > 0
    assert load.refused.keys() <= {503}
