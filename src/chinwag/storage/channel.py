"""How channels are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from chinwag.domain.channel import Channel, ChannelType
from chinwag.storage.page import PageOf

if TYPE_CHECKING:
    from chinwag.domain.paging import Cursor
    from chinwag.domain.service import Service
    from chinwag.domain.user import User
    from chinwag.storage.database import Database, Row

COLUMNS = """
    channel.id, channel.sid, channel.friendly_name, channel.unique_name, channel.attributes, channel.type,
    channel.created_by, channel.members_count, channel.messages_count, channel.next_index,
    channel.last_message_index, channel.last_message_sid, channel.last_message_date, channel.date_created,
    channel.date_updated, channel.event_id, channel.messages_event_id, channel.roster_event_id
"""
"""What is kept of a channel, as `channel_of` reads it."""

_SELECT = f"SELECT {COLUMNS} FROM channel WHERE channel.service_id = $1 AND NOT channel.deleted"

_PAGE = PageOf(_SELECT, by="channel.sid")
_PAGE_OF_TYPE = PageOf(_SELECT + " AND channel.type = $5", by="channel.sid")
_THESE = _SELECT + " AND channel.sid = ANY($2) ORDER BY channel.sid"


class ChannelRows:
    """Channels, each within its service."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, service: Service, sid: str) -> Channel | None:
        """Return a channel, or None."""
        row = await self._database.row(_SELECT + " AND channel.sid = $2", service.id, sid)
        return channel_of(row, service.account_sid, service.sid) if row else None

    async def by_unique_name(self, service: Service, unique_name: str) -> Channel | None:
        """Return a channel, or None."""
        row = await self._database.row(_SELECT + " AND channel.unique_name = $2", service.id, unique_name)
        return channel_of(row, service.account_sid, service.sid) if row else None

    async def hold(self, service: Service, channel_id: int) -> Channel | None:
        """Return a channel as it is now and hold its row until the transaction ends, or None."""
        row = await self._database.row(_SELECT + " AND channel.id = $2 FOR UPDATE", service.id, channel_id)
        return channel_of(row, service.account_sid, service.sid) if row else None

    async def hold_joined_by(self, service: Service, user: User) -> None:
        """Hold every channel in the list of a user until the transaction ends."""
        await self._database.rows(
            """
            SELECT id
            FROM channel
            WHERE service_id = $1
                AND id IN (SELECT channel_id FROM user_channel WHERE user_id = $2 AND NOT deleted)
            ORDER BY id
            FOR UPDATE
            """,
            service.id, user.id,
        )  # fmt: skip

    async def page(self, service: Service, cursor: Cursor, types: list[ChannelType]) -> list[Channel]:
        """Return a page of channels of these types, oldest first, and one more if there are more."""
        if set(types) == set(ChannelType):
            rows = await _PAGE.read(self._database, service.id, cursor)
        else:
            (only,) = set(types)
            rows = await _PAGE_OF_TYPE.read(self._database, service.id, cursor, only)
        return [channel_of(row, service.account_sid, service.sid) for row in rows]

    async def these(self, service: Service, sids: list[str]) -> list[Channel]:
        """Return those of these channels that there are, oldest first."""
        rows = await self._database.rows(_THESE, service.id, self._database.array(sids))
        return [channel_of(row, service.account_sid, service.sid) for row in rows]

    async def add(self, service: Service, channel: Channel) -> Channel:
        """Add a channel and return it with its key."""
        row = await self._database.row(
            """
            INSERT INTO channel (
                service_id, sid, type, friendly_name, unique_name, attributes, created_by, members_count,
                messages_count, next_index, last_message_index, last_message_sid, last_message_date,
                date_created, date_updated, event_id, messages_event_id, roster_event_id
            )
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
            RETURNING id
            """,
            service.id, channel.sid, channel.type, *_values(channel),
        )  # fmt: skip
        assert row is not None, "INSERT … RETURNING answers with a row"
        return replace(channel, id=row[0])

    async def save(self, channel: Channel) -> None:
        """Replace every column of a channel that is held."""
        await self._database.execute(
            """
            UPDATE channel
            SET friendly_name = $2,
                unique_name = $3,
                attributes = $4,
                created_by = $5,
                members_count = $6,
                messages_count = $7,
                next_index = $8,
                last_message_index = $9,
                last_message_sid = $10,
                last_message_date = $11,
                date_created = $12,
                date_updated = $13,
                event_id = $14,
                messages_event_id = $15,
                roster_event_id = $16
            WHERE id = $1
            """,
            channel.id, *_values(channel),
        )  # fmt: skip

    async def remove(self, channel: Channel) -> None:
        """Take a channel away from everybody; `remains` removes its rows."""
        await self._database.execute(
            "UPDATE channel SET deleted = TRUE, unique_name = NULL WHERE id = $1", channel.id
        )


def channel_of(row: Row, account_sid: str, service_sid: str) -> Channel:
    """Return the channel that a row of `COLUMNS` tells of."""
    return Channel(
        id=row[0],
        sid=row[1],
        account_sid=account_sid,
        service_sid=service_sid,
        friendly_name=row[2],
        unique_name=row[3],
        attributes=row[4],
        type=_TYPES[row[5]],
        created_by=row[6],
        members_count=row[7],
        messages_count=row[8],
        next_index=row[9],
        last_message_index=row[10],
        last_message_sid=row[11],
        last_message_date=row[12],
        date_created=row[13],
        date_updated=row[14],
        event_id=row[15],
        messages_event_id=row[16],
        roster_event_id=row[17],
    )


_TYPES = {member.value: member for member in ChannelType}


def _values(channel: Channel) -> tuple[object, ...]:
    """Return what may change about a channel, in the order in which both statements name it."""
    return (
        channel.friendly_name,
        channel.unique_name,
        channel.attributes,
        channel.created_by,
        channel.members_count,
        channel.messages_count,
        channel.next_index,
        channel.last_message_index,
        channel.last_message_sid,
        channel.last_message_date,
        channel.date_created,
        channel.date_updated,
        channel.event_id,
        channel.messages_event_id,
        channel.roster_event_id,
    )
