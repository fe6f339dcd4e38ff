"""The spreader makes the pushes of occasions, right after they were noted, and not too fast for others.

An occasion is one row, written with the change; its pushes may be hundreds. They are made apart from the
change, by statements for many, so that nobody who posts waits for them. Any server may do it: whoever holds
the occasion makes its pushes, and whatever is left after a crash is found again.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from chinwag import commands
from chinwag.domain.caller import Operator
from chinwag.domain.occasion import OccasionNoted
from chinwag.domain.spreading import SpreadOccasion
from chinwag.logs import logger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from chinwag.commands import World
    from chinwag.delivery.pace import Pace
    from chinwag.domain.event import Event

_log = logger()

MEMBERS = 50
"""Members whose devices get their pushes by one statement: so few that nobody else waits for it."""

READ = 100
"""Occasions that are looked up together."""

GATHER_SECONDS = 0.02
"""How long occasions gather before their pushes are made, in seconds."""

LOOK_SECONDS = 2.0
"""How often occasions are looked for that nobody told of: of before a restart, or of another server."""


class Spreader:
    """Makes the pushes of occasions, until it is cancelled.

    Args:
        world: where changes happen; it is listened to for occasions.
        pace: says how fast they are made.
        wake: told of the credentials for which pushes wait.
    """

    def __init__(self, world: World, pace: Pace, wake: Callable[[Iterable[str]], None]) -> None:
        self._world = world
        self._pace = pace
        self._wake = wake
        self._noted = asyncio.Event()
        world.broker.listen(self._hear)

    async def run(self) -> None:
        """Make pushes."""
        while True:
            try:
                await self._spread()
            except Exception as error:  # noqa: BLE001  # a store that is away for a while comes back
                _log.warning("cannot make pushes", error=str(error))
            try:
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._noted.wait()
            except TimeoutError:
                continue
            await asyncio.sleep(GATHER_SECONDS)

    async def _spread(self) -> None:
        failed: set[int] = set()
        more = True
        while more:
            self._noted.clear()
            async with self._world.store.reading() as tx:
                found = await tx.occasions.noted(READ + len(failed))
            for occasion_id in found:
                if occasion_id in failed:
                    continue
                try:
                    await self._spread_one(occasion_id)
                except Exception as error:  # noqa: BLE001  # it holds up none of the others
                    _log.warning("cannot make the pushes of an occasion", id=occasion_id, error=str(error))
                    failed.add(occasion_id)
            more = len(found) >= READ and not failed.issuperset(found)

    async def _spread_one(self, occasion_id: int) -> None:
        more = True
        while more:
            await self._pace.turn(MEMBERS)
            command = SpreadOccasion(occasion_id=occasion_id, most=MEMBERS)
            spread = await commands.run(command, Operator(), self._world)
            if spread.credentials:
                self._wake(spread.credentials)
            more = spread.more

    def _hear(self, event: Event) -> None:
        if isinstance(event, OccasionNoted):
            self._noted.set()
