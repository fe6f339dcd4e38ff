"""Removing what is left of deleted channels and services: in the background, and not too fast for others."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from chinwag import commands
from chinwag.domain.caller import Operator
from chinwag.domain.channel import ChannelDeleted
from chinwag.domain.remains import ClearRemains
from chinwag.domain.service import ServiceDeleted
from chinwag.logs import logger

if TYPE_CHECKING:
    from chinwag.commands import World
    from chinwag.domain.event import Event

_log = logger()

ROWS = 200
"""Rows that are removed together."""

SHARE = 4
"""How many times as long as removing some rows took, the next are waited with."""

LEAST_PAUSE_SECONDS = 0.005
"""Least pause between two batches, in seconds."""

LOOK_SECONDS = 60.0
"""How often remains are looked for that nobody told of: of before a restart, or of another node."""


class Sweeper:
    """Removes what is left of deleted things, until it is cancelled.

    Args:
        world: where changes happen; it is listened to for deletions.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._deleted = asyncio.Event()
        world.broker.listen(self._hear)

    async def run(self) -> None:
        """Sweep."""
        while True:
            self._deleted.clear()
            try:
                await self._sweep()
            except Exception as error:  # noqa: BLE001  # a store that is away for a while comes back
                _log.warning("cannot remove what was deleted", error=str(error))
            try:
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._deleted.wait()
            except TimeoutError:
                continue

    async def _sweep(self) -> None:
        more = True
        while more:
            began = time.perf_counter()
            more = await commands.run(ClearRemains(most=ROWS), Operator(), self._world)
            await asyncio.sleep(max(LEAST_PAUSE_SECONDS, SHARE * (time.perf_counter() - began)))

    def _hear(self, event: Event) -> None:
        if isinstance(event, (ChannelDeleted, ServiceDeleted)):
            self._deleted.set()
