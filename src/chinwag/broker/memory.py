"""A broker for one node: events go from the commit straight to the listeners."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chinwag.logs import logger

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chinwag.broker.broker import Listener
    from chinwag.domain.event import Event

_log = logger()


class MemoryBroker:
    """Listeners of this process."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []

    def publish(self, events: Sequence[Event]) -> None:
        """Tell every listener, in the order in which they came."""
        for event in events:
            for listener in self._listeners:
                try:
                    listener(event)
                except Exception:  # noqa: BLE001  # one listener's mistake is not another's
                    _log.exception("a listener failed", event_type=type(event).__name__)

    def listen(self, listener: Listener) -> None:
        """Call `listener` with every event from now on."""
        self._listeners.append(listener)

    async def close(self) -> None:
        """Forget the listeners."""
        self._listeners.clear()
