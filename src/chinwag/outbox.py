"""What is owed to many connections in one turn of the event loop, written to each in one piece."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable


class Owed(Protocol):
    """A connection that is owed something."""

    def flush(self) -> None:
        """Write all of it."""
        ...

    def drop(self, reason: str) -> None:
        """End the connection: it cannot be written to."""
        ...


class Outbox:
    """Gathers who is owed something, and has it written at the end of the turn.

    Args:
        soon: calls a function later in the same turn, as `loop.call_soon` does.
        most: how many gather; then they are written to before the turn is over. None: as many as come.
    """

    def __init__(self, soon: Callable[[Callable[[], None]], object], most: int | None = None) -> None:
        self._soon = soon
        self._most = most
        self._owing: list[Owed] = []

    def add(self, owed: Owed) -> None:
        """Write what a connection is owed at the end of this turn."""
        if not self._owing:
            self._soon(self.flush)
        self._owing.append(owed)
        if len(self._owing) == self._most:
            self.flush()

    def flush(self) -> None:
        """Write everything that is owed."""
        owing, self._owing = self._owing, []
        for owed in owing:
            try:
                owed.flush()
            except Exception as error:  # noqa: BLE001  # whatever is wrong with one, the others are owed theirs
                owed.drop(f"it cannot be written to: {error}")
