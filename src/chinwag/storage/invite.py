"""How invites are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chinwag.domain.invite import Invite
from chinwag.storage.page import PageOf

if TYPE_CHECKING:
    from chinwag.domain.channel import Channel
    from chinwag.domain.paging import Cursor
    from chinwag.domain.service import Service
    from chinwag.domain.user import User
    from chinwag.storage.database import Database, Row

_SELECT = """
    SELECT user_id, invite.sid, identity, role.sid, created_by, invite.date_created, invite.date_updated
    FROM invite
    JOIN "user" ON "user".id = user_id
    LEFT JOIN role ON role.service_id = "user".service_id AND role.sid = invite.role_sid
    WHERE channel_id = $1
"""

_PAGE = PageOf(_SELECT, by="invite.sid")
_PAGE_OF_SOME = PageOf(_SELECT + " AND identity = ANY($5)", by="invite.sid")


class InviteRows:
    """Invites, each within its channel."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, service: Service, channel: Channel, sid: str) -> Invite | None:
        """Return an invite, or None."""
        row = await self._database.row(_SELECT + " AND invite.sid = $2", channel.id, sid)
        return _invite(row, service, channel) if row else None

    async def of(self, service: Service, channel: Channel, user: User) -> Invite | None:
        """Return the invite of a user, or None."""
        row = await self._database.row(_SELECT + " AND user_id = $2", channel.id, user.id)
        return _invite(row, service, channel) if row else None

    async def page(
        self, service: Service, channel: Channel, cursor: Cursor, identities: list[str] | None
    ) -> list[Invite]:
        """Return a page of invites, oldest first, and one more if there are more."""
        if identities is None:
            rows = await _PAGE.read(self._database, channel.id, cursor)
        else:
            these = self._database.array(identities)
            rows = await _PAGE_OF_SOME.read(self._database, channel.id, cursor, these)
        return [_invite(row, service, channel) for row in rows]

    async def add(self, channel: Channel, invite: Invite) -> None:
        """Add an invite to a channel that is held."""
        await self._database.execute(
            """
            INSERT INTO invite (channel_id, sid, user_id, role_sid, created_by, date_created, date_updated)
            VALUES ($1, $2, $3, $4, $5, $6, $7)
            """,
            channel.id, invite.sid, invite.user_id, invite.role_sid, invite.created_by, invite.date_created,
            invite.date_updated,
        )  # fmt: skip

    async def remove(self, channel: Channel, invite: Invite) -> None:
        """Remove an invite."""
        await self._database.execute(
            "DELETE FROM invite WHERE channel_id = $1 AND sid = $2", channel.id, invite.sid
        )


def _invite(row: Row, service: Service, channel: Channel) -> Invite:
    return Invite(
        user_id=row[0],
        sid=row[1],
        account_sid=service.account_sid,
        service_sid=service.sid,
        channel_sid=channel.sid,
        identity=row[2],
        role_sid=row[3] or service.default_channel_role_sid,
        created_by=row[4],
        date_created=row[5],
        date_updated=row[6],
    )
