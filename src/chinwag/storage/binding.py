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

    async def at(self, service: Service, binding_type: PushType, address: str) -> Binding | None:
        """Return the binding of a device, whosever it is, or None."""
        row = await self._database.row(
            _IN_SERVICE + " AND binding_type = $2 AND address = $3", service.id, binding_type, address
        )
        return _binding(row, service) if row else None

    async def of(self, service: Service, user: User) -> list[Binding]:
        """Return every binding of a user, the one that was registered longest ago first."""
        rows = await self._database.rows(
            _SELECT + " WHERE user_id = $1 ORDER BY binding.date_updated, binding.sid", user.id
        )
        return [_binding(row, service) for row in rows]

    async def reached_with(
        self, account_id: int, credential_sid: str, identity: str
    ) -> list[tuple[str, int]]:
        """Return in which services who has devices with a credential: SIDs, and keys of the users' rows."""
        rows = await self._database.rows(
            """
            SELECT DISTINCT service.sid, "user".id
            FROM service
            JOIN "user" ON "user".service_id = service.id
            JOIN binding ON binding.user_id = "user".id
            WHERE account_id = $1 AND NOT service.deleted AND credential_sid = $2 AND identity = $3
            ORDER BY service.sid
            """,
            account_id, credential_sid, identity,
        )  # fmt: skip
        return [(row[0], row[1]) for row in rows]

    async def any_of(self, user: User) -> bool:
        """Return whether a user has a device."""
        row = await self._database.row("SELECT 1 FROM binding WHERE user_id = $1 LIMIT 1", user.id)
        return row is not None

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

    async def save(self, service: Service, binding: Binding) -> None:
        """Replace every column of a binding but its user."""
        await self._database.execute(
            """
            UPDATE binding
            SET endpoint = $3, credential_sid = $4, message_types = $5, date_updated = $6
            WHERE service_id = $1 AND sid = $2
            """,
            service.id, binding.sid, binding.endpoint, binding.credential_sid,
            msgspec.json.encode(binding.message_types).decode(), binding.date_updated,
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
