"""How bindings are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from chinwag.domain.binding import Binding
from chinwag.domain.credential import PushType
from chinwag.domain.notifications import NotificationKind
from chinwag.storage.page import PageOf

if TYPE_CHECKING:
    from chinwag.domain.paging import Cursor
    from chinwag.domain.service import Service
    from chinwag.domain.user import User
    from chinwag.storage.database import Database, Row

_SELECT = """
    SELECT user_id, binding.sid, "user".sid, identity, endpoint, credential_sid, binding_type, address,
           message_types, binding.date_created, binding.date_updated
    FROM binding JOIN "user" ON "user".id = user_id
"""

_IN_SERVICE = _SELECT + " WHERE binding.service_id = $1"

_PAGE = PageOf(_IN_SERVICE + " AND binding_type = ANY($5)", by="binding.sid")
_PAGE_OF_SOME = PageOf(_IN_SERVICE + " AND binding_type = ANY($5) AND identity = ANY($6)", by="binding.sid")
_PAGE_OF_USER = PageOf(_SELECT + " WHERE user_id = $1 AND binding_type = ANY($5)", by="binding.sid")

_message_types = msgspec.json.Decoder(tuple[NotificationKind, ...]).decode


class BindingRows:
    """Bindings, each within its service."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, service: Service, sid: str) -> Binding | None:
        """Return a binding, or None."""
        row = await self._database.row(_IN_SERVICE + " AND binding.sid = $2", service.id, sid)
        return _binding(row, service) if row else None

    async def page(
        self, service: Service, cursor: Cursor, types: list[PushType], identities: list[str] | None
    ) -> list[Binding]:
        """Return a page of bindings of these types, oldest first, and one more if there are more."""
        these = self._database.array(types)
        if identities is None:
            rows = await _PAGE.read(self._database, service.id, cursor, these)
        else:
            users = self._database.array(identities)
            rows = await _PAGE_OF_SOME.read(self._database, service.id, cursor, these, users)
        return [_binding(row, service) for row in rows]

    async def page_of_user(
        self, service: Service, user: User, cursor: Cursor, types: list[PushType]
    ) -> list[Binding]:
        """Return a page of a user's bindings of these types, in the same way."""
        these = self._database.array(types)
        rows = await _PAGE_OF_USER.read(self._database, user.id, cursor, these)
        return [_binding(row, service) for row in rows]

    async def add(self, service: Service, binding: Binding) -> None:
        """Add a binding."""
        await self._database.execute(
            """
            INSERT INTO binding (
                service_id, sid, user_id, endpoint, credential_sid, binding_type, address, message_types,
                date_created, date_updated
            )
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
            """,
            service.id, binding.sid, binding.user_id, binding.endpoint, binding.credential_sid,
            binding.binding_type, binding.address, msgspec.json.encode(binding.message_types).decode(),
            binding.date_created, binding.date_updated,
        )  # fmt: skip

    async def remove(self, service: Service, binding: Binding) -> None:
        """Remove a binding."""
        await self._database.execute(
            "DELETE FROM binding WHERE service_id = $1 AND sid = $2", service.id, binding.sid
        )


def _binding(row: Row, service: Service) -> Binding:
    return Binding(
        user_id=row[0],
        sid=row[1],
        account_sid=service.account_sid,
        service_sid=service.sid,
        user_sid=row[2],
        identity=row[3],
        endpoint=row[4],
        credential_sid=row[5],
        binding_type=PushType(row[6]),
        address=row[7],
        message_types=_message_types(row[8]),
        date_created=row[9],
        date_updated=row[10],
    )
