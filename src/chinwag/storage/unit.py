"""The records of one connection: what `chinwag.domain.unit` asks for, made of one file per noun."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chinwag.storage.account import AccountRows
from chinwag.storage.answer import AnswerRows
from chinwag.storage.installation import InstallationRow
from chinwag.storage.role import RoleRows
from chinwag.storage.service import ServiceRows

if TYPE_CHECKING:
    from chinwag.domain.events import AnyEvent
    from chinwag.storage.database import Database


class Unit:
    """Questions and changes on one connection, and the events that they caused."""

    def __init__(self, database: Database) -> None:
        self.installation = InstallationRow(database)
        self.accounts = AccountRows(database)
        self.services = ServiceRows(database)
        self.roles = RoleRows(database)
        self.answers = AnswerRows(database)
        self._events: list[AnyEvent] = []

    def record(self, event: AnyEvent) -> None:
        """Say what happened."""
        self._events.append(event)

    def take_events(self) -> list[AnyEvent]:
        """Return what was recorded since the last call, and forget it."""
        events, self._events = self._events, []
        return events
