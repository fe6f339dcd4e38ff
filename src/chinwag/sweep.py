"""Removing what is left of what was deleted: in the background, and not too fast for others.

Rows go first, and with those of files the note that their contents are left. So a content is removed when
nothing can name it any more, and a server that stops in between knows at its next start what it has to do.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from chinwag import commands
from chinwag.domain.caller import Operator
from chinwag.domain.channel import ChannelDeleted
from chinwag.domain.media import ForgetContents
from chinwag.domain.message import MessageRemoved
from chinwag.domain.remains import ClearRemains
from chinwag.domain.service import ServiceDeleted
from chinwag.errors import ApiError
from chinwag.logs import logger

if TYPE_CHECKING:
    from chinwag.commands import World
    from chinwag.domain.event import Event
    from chinwag.domain.media import Contents

_log = logger()

ROWS = 200
"""Rows that are removed together, and contents between two notes of what was removed."""

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
        contents: of media.
    """

    def __init__(self, world: World, contents: Contents) -> None:
        self._world = world
        self._contents = contents
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

        more = True
        while more:
            more = await self._sweep_contents()

    async def _sweep_contents(self) -> bool:
        """Remove some contents that are left, and return whether there may be more.

        One that cannot be removed keeps none of the others, and is tried again at the next look.
        """
        async with self._world.store.reading() as tx:
            left = await tx.media.left(self._world.now(), ROWS)
        removed: list[str] = []
        for sid in left:
            try:
                await self._contents.remove(sid)
            except ApiError as error:
                _log.warning("cannot remove the content of a file", sid=sid, error=error.detail)
            else:
                removed.append(sid)
        if removed:
            await commands.run(ForgetContents(sids=tuple(removed)), Operator(), self._world)
        return len(left) == ROWS and bool(removed)

    def _hear(self, event: Event) -> None:
        match event:
            case ChannelDeleted() | ServiceDeleted():
                self._deleted.set()
            case MessageRemoved(message) if message.media is not None:
                self._deleted.set()
            case _:
                pass
