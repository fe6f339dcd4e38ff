"""How members are kept. A row that says `deleted` tells client SDKs of one that went."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chinwag.domain.items import Tombstone
from chinwag.domain.member import Member
from chinwag.storage.items import BEHIND_SIDS, SliceOf
from chinwag.storage.page import PageOf

if TYPE_CHECKING:
    from chinwag.domain.channel import Channel
    from chinwag.domain.items import Slice, Span
    from chinwag.domain.paging import Cursor
    from chinwag.domain.service import Service
    from chinwag.domain.user import User
    from chinwag.storage.database import Database, Row

_COLUMNS = """
    member.user_id, member.sid, identity, role.sid, member.attributes,
    last_consumed_message_index, last_consumption_timestamp, member.date_created, member.date_updated,
    member.created_event_id, member.last_event_id, "user".sid
"""

_FROM = """
    FROM member
    JOIN "user" ON "user".id = member.user_id
    LEFT JOIN role ON role.service_id = "user".service_id AND role.sid = member.role_sid
"""

_SELECT = f"SELECT {_COLUMNS} {_FROM} WHERE member.channel_id = $1 AND NOT member.deleted"

_PAGE = PageOf(_SELECT, by="member.sid")
_PAGE_OF_SOME = PageOf(_SELECT + " AND identity = ANY($5)", by="member.sid")

_SLICE = SliceOf(_SELECT, by="member.sid", place=2, lowest="", highest=BEHIND_SIDS)

# A tombstone outlives its user, whose key may be another's by now.
_SINCE = f"""
    SELECT {_COLUMNS}, member.deleted
    FROM member
    LEFT JOIN "user" ON "user".id = member.user_id AND NOT member.deleted
    LEFT JOIN role ON role.service_id = "user".service_id AND role.sid = member.role_sid
    WHERE member.channel_id = $1 AND member.last_event_id > $2
    ORDER BY member.last_event_id
    LIMIT $3
"""

_CHANNEL_IS_THERE = "(SELECT NOT channel.deleted FROM channel WHERE channel.id = member.channel_id)"


class MemberRows:
    """Members, each within its channel."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, service: Service, channel: Channel, sid: str) -> Member | None:
        """Return a member, or None."""
        row = await self._database.row(_SELECT + " AND member.sid = $2", channel.id, sid)
        return _member(row, service, channel.sid) if row else None

    async def by_identity(self, service: Service, channel: Channel, identity: str) -> Member | None:
        """Return a member, or None."""
        row = await self._database.row(
            f"""
            SELECT {_COLUMNS} {_FROM}
            WHERE "user".service_id = $2 AND identity = $3
                AND member.channel_id = $1 AND NOT member.deleted
            """,
            channel.id, service.id, identity,
        )  # fmt: skip
        return _member(row, service, channel.sid) if row else None

    async def page(
        self, service: Service, channel: Channel, cursor: Cursor, identities: list[str] | None
    ) -> list[Member]:
        """Return a page of members, oldest first, and one more if there are more."""
        if identities is None:
            rows = await _PAGE.read(self._database, channel.id, cursor)
        else:
            these = self._database.array(identities)
            rows = await _PAGE_OF_SOME.read(self._database, channel.id, cursor, these)
        return [_member(row, service, channel.sid) for row in rows]

    async def slice(self, service: Service, channel: Channel, span: Span[str]) -> Slice[Member]:
        """Return members by SID."""
        return await _SLICE.read(
            self._database, channel.id, span, lambda row: _member(row, service, channel.sid)
        )

    async def since(
        self, service: Service, channel: Channel, event_id: int, most: int
    ) -> list[Member | Tombstone[str]]:
        """Return what changed in the roster after an event: the first `most`, by their last events."""
        rows = await self._database.rows(_SINCE, channel.id, event_id, most)
        return [
            Tombstone(key=row[1], created_event_id=row[9], last_event_id=row[10])
            if row[12]
            else _member(row, service, channel.sid)
            for row in rows
        ]

    async def user_sids(self, channel: Channel) -> list[str]:
        """Return the SIDs of the users who are members."""
        rows = await self._database.rows(
            """
            SELECT "user".sid
            FROM member JOIN "user" ON "user".id = member.user_id
            WHERE channel_id = $1 AND NOT deleted
            ORDER BY member.sid
            """,
            channel.id,
        )
        return [row[0] for row in rows]

    async def add(self, channel: Channel, member: Member) -> None:
        """Add a member to a channel that is held."""
        await self._database.execute(
            """
            INSERT INTO member (
                channel_id, user_id, sid, created_event_id, role_sid, attributes, last_consumed_message_index,
                last_consumption_timestamp, date_created, date_updated, last_event_id
            )
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
            """,
            channel.id, member.user_id, member.sid, member.created_event_id, *_values(member),
        )  # fmt: skip

    async def save(self, channel: Channel, member: Member) -> None:
        """Replace every column of a member whose channel is held."""
        await self._database.execute(
            """
            UPDATE member
            SET role_sid = $3,
                attributes = $4,
                last_consumed_message_index = $5,
                last_consumption_timestamp = $6,
                date_created = $7,
                date_updated = $8,
                last_event_id = $9
            WHERE channel_id = $1 AND sid = $2 AND NOT deleted
            """,
            channel.id, member.sid, *_values(member),
        )  # fmt: skip

    async def remove(self, channel: Channel, member: Member) -> None:
        """Take a member away, and keep that it went."""
        await self._database.execute(
            """
            UPDATE member
            SET deleted = TRUE, attributes = '{}', last_event_id = $3
            WHERE channel_id = $1 AND sid = $2 AND NOT deleted
            """,
            channel.id, member.sid, member.last_event_id,
        )  # fmt: skip

    async def remove_all_of(self, service: Service, user: User) -> list[Member]:
        """Take a user out of every channel, and count it off there. User and channels are held.

        Channels that were deleted are left alone: nobody hears of them, and `remains` has their rows in hand.
        """
        await self._database.execute(
            """
            UPDATE channel
            SET members_count = members_count - 1, roster_event_id = roster_event_id + 1
            WHERE id IN (SELECT channel_id FROM member WHERE user_id = $1 AND NOT deleted) AND NOT deleted
            """,
            user.id,
        )
        await self._database.execute(
            f"""
            UPDATE member
            SET last_event_id = (SELECT roster_event_id FROM channel WHERE channel.id = member.channel_id)
            WHERE user_id = $1 AND NOT deleted AND {_CHANNEL_IS_THERE}
            """,
            user.id,
        )
        rows = await self._database.rows(
            f"""
            SELECT {_COLUMNS}, channel.sid {_FROM} JOIN channel ON channel.id = member.channel_id
            WHERE member.user_id = $1 AND NOT member.deleted AND NOT channel.deleted
            ORDER BY member.sid
            """,
            user.id,
        )
        await self._database.execute(
            f"""
            UPDATE member
            SET deleted = TRUE, attributes = '{{}}'
            WHERE user_id = $1 AND NOT deleted AND {_CHANNEL_IS_THERE}
            """,
            user.id,
        )
        return [_member(row, service, row[12]) for row in rows]


def _member(row: Row, service: Service, channel_sid: str) -> Member:
    return Member(
        user_id=row[0],
        sid=row[1],
        account_sid=service.account_sid,
        service_sid=service.sid,
        channel_sid=channel_sid,
        user_sid=row[11],
        identity=row[2],
        role_sid=row[3] or service.default_channel_role_sid,
        attributes=row[4],
        last_consumed_message_index=row[5],
        last_consumption_timestamp=row[6],
        date_created=row[7],
        date_updated=row[8],
        created_event_id=row[9],
        last_event_id=row[10],
    )


def _values(member: Member) -> tuple[object, ...]:
    """Return what may change about a member, in the order in which both statements name it."""
    return (
        member.role_sid,
        member.attributes,
        member.last_consumed_message_index,
        member.last_consumption_timestamp,
        member.date_created,
        member.date_updated,
        member.last_event_id,
    )
