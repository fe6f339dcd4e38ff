"""How fast pushes are made and sent: not so fast that people wait for their messages.

A message to a large channel is one message for whoever posts it, and hundreds of pushes for this server, each
of which takes as long as posting another message does. So the more is posted, the longer pushes take.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from chinwag.domain.message import MessageAdded

if TYPE_CHECKING:
    from chinwag.domain.event import Event

MOST_RATE = 2000.0
"""Most pushes in a second: half of what one core does."""

LEAST_RATE = 200.0
"""Most pushes in a second while many messages are posted."""

MANY_MESSAGES = 500.0
"""Messages in a second that are many: half of what one sender alone reaches on PostgreSQL."""

WINDOW_SECONDS = 0.25
"""How long messages are counted together, in seconds."""

GATHERED = 50
"""How many pushes are written down together."""

LEAST_SECONDS = 0.001
"""Least pause, in seconds: what the clocks of event loops can tell apart."""


class Pace:
    """Lets pushes go on, one by one or some at a time."""

    def __init__(self) -> None:
        self._next = 0.0
        self._began = 0.0
        self._messages = 0
        self._rate = MOST_RATE

    def listen(self, event: Event) -> None:
        """Listen to the broker: messages are posted."""
        if isinstance(event, MessageAdded):
            self._messages += 1

    @property
    def pause(self) -> float:
        """How long what came of pushes may gather, in seconds: until there is enough, at this pace."""
        return GATHERED / self._rate

    async def turn(self, pushes: int = 1) -> None:
        """Wait until it is the turn of some pushes. Who asked first is first."""
        now = time.monotonic()
        if now - self._began >= WINDOW_SECONDS:
            load = min(1.0, self._messages / (now - self._began) / MANY_MESSAGES)
            self._rate = MOST_RATE - load * (MOST_RATE - LEAST_RATE)
            self._began, self._messages = now, 0
        begins = max(self._next, now)
        self._next = begins + pushes / self._rate
        if begins - now >= LEAST_SECONDS:
            await asyncio.sleep(begins - now)
