"""Turns of the event loop, shared out, so that a crowd of sockets holds nobody else up."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

TURN_SECONDS = 0.005
"""For how long what sockets sent is taken in one turn of the event loop, in seconds.

When a server comes back, or a network, all clients return within a second. A request over REST needs a
handful of turns; if each took all that is there, a turn would be as long as a thousand handshakes or logins.
"""


class Turns:
    """What sockets sent is taken at once as long as there is time in this turn, and in order later if not.

    Args:
        soon: calls a function in the next turn, as `loop.call_soon` does.
        clock: in seconds.
    """

    def __init__(
        self, soon: Callable[[Callable[[], None]], object], clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._soon = soon
        self._clock = clock
        self._until: float | None = None
        self._waiting: deque[Callable[[], None]] = deque()

    def has_time(self) -> bool:
        """Return whether this turn has time for something, and nobody waits for the next one."""
        if self._until is None:
            self._until = self._clock() + TURN_SECONDS
            self._soon(self._next)
            return True
        return not self._waiting and self._clock() < self._until

    def wait(self, act: Callable[[], None]) -> None:
        """Have something done in a later turn, after what waits already. There was no time in this one."""
        self._waiting.append(act)

    def _next(self) -> None:
        if not self._waiting:
            self._until = None
            return
        self._soon(self._next)
        self._until = until = self._clock() + TURN_SECONDS
        while self._waiting:
            self._waiting.popleft()()
            if self._clock() >= until:
                return
