"""How users are kept. The table's name is a word of SQL, and therefore quoted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from chinwag.domain.user import OnlineUser, User
from chinwag.storage.page import PageOf

if TYPE_CHECKING:
    from chinwag.domain.paging import Cursor
    from chinwag.domain.service import Service
    from chinwag.storage.database import Database, Row

_SELECT = """
    SELECT "user".id, "user".sid, identity, "user".friendly_name, attributes, role.sid, is_online,
           is_notifiable, joined_channels_count, "user".date_created, "user".date_updated, info_event_id,
           friendly_name_event_id, attributes_event_id, reachability_event_id, channels_event_id
    FROM "user" LEFT JOIN role ON role.service_id = "user".service_id AND role.sid = role_sid
    WHERE "user".service_id = $1
"""

_PAGE = PageOf(_SELECT, by='"user".sid')
_THESE = _SELECT + ' AND "user".sid = ANY($2) ORDER BY "user".sid'


class UserRows:
    """Users, each within its service."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, service: Service, sid: str) -> User | None:
        """Return a user, or None."""
        row = await self._database.row(_SELECT + ' AND "user".sid = $2', service.id, sid)
        return _user(row, service) if row else None

    async def by_identity(self, service: Service, identity: str) -> User | None:
        """Return a user, or None."""
        row = await self._database.row(_SELECT + " AND identity = $2", service.id, identity)
        return _user(row, service) if row else None

    async def hold(self, service: Service, user_id: int) -> User | None:
        """Return a user as it is now and hold its row until the transaction ends, or None."""
        # Two statements: one that has waited for the lock would join the user of now to the role of before.
        await self._database.row(
            'SELECT id FROM "user" WHERE service_id = $1 AND id = $2 FOR UPDATE', service.id, user_id
        )
        row = await self._database.row(_SELECT + ' AND "user".id = $2', service.id, user_id)
        return _user(row, service) if row else None

    async def page(self, service: Service, cursor: Cursor) -> list[User]:
        """Return a page of users, oldest first, and one more if there are more."""
        return [_user(row, service) for row in await _PAGE.read(self._database, service.id, cursor)]

    async def these(self, service: Service, sids: list[str]) -> list[User]:
        """Return those of these users that there are, oldest first."""
        rows = await self._database.rows(_THESE, service.id, self._database.array(sids))
        return [_user(row, service) for row in rows]

    async def online(self) -> list[OnlineUser]:
        """Return who is marked as online, in all services of all accounts."""
        rows = await self._database.rows(
            """
            SELECT account_id, account.sid, service.sid, identity
            FROM "user"
            JOIN service ON service.id = service_id
            JOIN account ON account.id = account_id
            WHERE is_online AND NOT service.deleted
            ORDER BY "user".id
            """
        )
        return [OnlineUser(*row) for row in rows]

    async def forget_reachability(self, service: Service) -> None:
        """Forget of every user whether a client is connected and whether a push can reach it."""
        await self._database.execute(
            """
            UPDATE "user"
            SET is_online = NULL, is_notifiable = NULL
            WHERE service_id = $1 AND (is_online IS NOT NULL OR is_notifiable IS NOT NULL)
            """,
            service.id,
        )

    async def note_notifiable(self, service: Service) -> None:
        """Note of every user with a device that a push can reach it."""
        await self._database.execute(
            """
            UPDATE "user"
            SET is_notifiable = TRUE
            WHERE service_id = $1 AND id IN (SELECT user_id FROM binding WHERE service_id = $1)
            """,
            service.id,
        )

    async def add(self, service: Service, user: User) -> User:
        """Add a user and return it with its key."""
        row = await self._database.row(
            """
            INSERT INTO "user" (
                service_id, sid, identity, date_created, friendly_name, attributes, role_sid, is_online,
                is_notifiable, joined_channels_count, date_updated, info_event_id, friendly_name_event_id,
                attributes_event_id, reachability_event_id, channels_event_id
            )
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
            RETURNING id
            """,
            service.id, user.sid, user.identity, user.date_created, *_values(user),
        )  # fmt: skip
        assert row is not None, "INSERT … RETURNING answers with a row"
        return replace(user, id=row[0])

    async def save(self, user: User) -> None:
        """Replace every column of a user that is held."""
        await self._database.execute(
            """
            UPDATE "user"
            SET friendly_name = $2,
                attributes = $3,
                role_sid = $4,
                is_online = $5,
                is_notifiable = $6,
                joined_channels_count = $7,
                date_updated = $8,
                info_event_id = $9,
                friendly_name_event_id = $10,
                attributes_event_id = $11,
                reachability_event_id = $12,
                channels_event_id = $13
            WHERE id = $1
            """,
            user.id, *_values(user),
        )  # fmt: skip

    async def remove(self, user: User) -> None:
        """Remove a user that is held, with its invites, bindings and channel list."""
        await self._database.execute(
            """
            DELETE FROM invite
            WHERE user_id = $1
                AND (SELECT NOT channel.deleted FROM channel WHERE channel.id = invite.channel_id)
            """,
            user.id,
        )
        await self._database.execute("DELETE FROM binding WHERE user_id = $1", user.id)
        await self._database.execute("DELETE FROM user_channel WHERE user_id = $1", user.id)
        await self._database.execute('DELETE FROM "user" WHERE id = $1', user.id)


def _user(row: Row, service: Service) -> User:
    return User(
        id=row[0],
        sid=row[1],
        account_sid=service.account_sid,
        service_sid=service.sid,
        identity=row[2],
        friendly_name=row[3],
        attributes=row[4],
        role_sid=row[5] or service.default_service_role_sid,
        is_online=bool(row[6]) if service.reachability_enabled and row[6] is not None else None,
        is_notifiable=bool(row[7]) if service.reachability_enabled and row[7] is not None else None,
        joined_channels_count=row[8],
        date_created=row[9],
        date_updated=row[10],
        info_event_id=row[11],
        friendly_name_event_id=row[12],
        attributes_event_id=row[13],
        reachability_event_id=row[14],
        channels_event_id=row[15],
    )


def _values(user: User) -> tuple[object, ...]:
    """Return what may change about a user, in the order in which both statements name it."""
    return (
        user.friendly_name,
        user.attributes,
        user.role_sid,
        user.is_online,
        user.is_notifiable,
        user.joined_channels_count,
        user.date_updated,
        user.info_event_id,
        user.friendly_name_event_id,
        user.attributes_event_id,
        user.reachability_event_id,
        user.channels_event_id,
    )
