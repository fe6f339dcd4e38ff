"""What a broker promises. It carries committed events to real-time clients; nothing durable rests on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from chinwag.domain.event import Event

    Listener: TypeAlias = Callable[[Event], None]


class Broker(Protocol):
    """Carries events to listeners.

    Each event reaches every listener of every node at most once, in the order of the node it happened on.
    """

    def publish(self, events: Sequence[Event]) -> None:
        """Tell of committed events. Never waits and never raises: the change is done already."""
        ...

    def listen(self, listener: Listener) -> None:
        """Call `listener` with every event from now on. What it raises is logged and harms nobody else."""
        ...

    async def close(self) -> None:
        """Send what is left and stop."""
        ...
