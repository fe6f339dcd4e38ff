"""How messages are kept. A row that says `deleted` tells client SDKs of one that went."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chinwag.domain.items import Tombstone
from chinwag.domain.message import Message, MessageOrder
from chinwag.storage.items import SliceOf
from chinwag.storage.media import COLUMNS as MEDIA_COLUMNS
from chinwag.storage.media import media_of
from chinwag.storage.posting import post

if TYPE_CHECKING:
    from chinwag.domain.caller import Caller
    from chinwag.domain.channel import Channel
    from chinwag.domain.items import Slice, Span
    from chinwag.domain.message import Draft, Posted
    from chinwag.domain.paging import Cursor
    from chinwag.domain.service import Service
    from chinwag.domain.webhook_call import Foretold
    from chinwag.storage.database import Database, Row

_COLUMNS = f"""
    message.sid, "index", message.author, member_sid, body, attributes, was_edited, last_updated_by,
    message.date_created, message.date_updated, created_event_id, last_event_id, {MEDIA_COLUMNS}
"""

_SELECT = f"""
    SELECT {_COLUMNS}
    FROM message LEFT JOIN media ON media.id = media_id
    WHERE message.channel_id = $1 AND deleted = FALSE
"""

_GET = _SELECT + " AND message.sid = $2"
_PLACE = """(SELECT "index" FROM message WHERE channel_id = $1 AND sid = $2)"""

_FROM_FIRST = _SELECT + ' ORDER BY "index" LIMIT $2 OFFSET $3'
_FROM_LAST = _SELECT + ' ORDER BY "index" DESC LIMIT $2 OFFSET $3'
_ABOVE = _SELECT + f' AND "index" > {_PLACE} ORDER BY "index" LIMIT $3'
_BELOW = _SELECT + f' AND "index" < {_PLACE} ORDER BY "index" DESC LIMIT $3'
_BEFORE = _SELECT + ' AND "index" < $2 ORDER BY "index" DESC LIMIT 1'

_SLICE = SliceOf(_SELECT, by='"index"', place=2, lowest=-1, highest=2**63 - 1)

# What was changed or deleted is indexed by its last event; what was only added is not. But events rise with
# the indices, and each adds one message at most: so the first message that was added after an event stands no
# further from the end than events have happened since, and `search` finds it by halving what lies between.
# From there `added` goes no further than `changed` does: it would step over all that were changed later.
_SINCE = f"""
    WITH RECURSIVE search (low, size) AS (
        SELECT next_index - most, most
        FROM (
            SELECT next_index,
                   CASE WHEN messages_event_id - $2 < next_index THEN messages_event_id - $2
                        ELSE next_index END AS most
            FROM channel
            WHERE id = $1
        ) AS bounds
        UNION ALL
        SELECT CASE WHEN (
                   SELECT created_event_id <= $2
                   FROM message
                   WHERE channel_id = $1 AND deleted = FALSE AND "index" >= low + size / 2
                   ORDER BY "index"
                   LIMIT 1
               ) THEN low + size / 2 + 1 ELSE low END,
               size / 2
        FROM search
        WHERE size > 0
    ),
    found AS (
        SELECT "index" AS first_index
        FROM message
        WHERE channel_id = $1 AND deleted = FALSE AND "index" >= (SELECT low FROM search WHERE size <= 0)
        ORDER BY "index"
        LIMIT 1
    ),
    changed AS (
        SELECT *
        FROM message
        WHERE channel_id = $1 AND last_event_id > $2 AND last_event_id > created_event_id
        ORDER BY last_event_id
        LIMIT $3
    ),
    reach AS (
        SELECT CASE WHEN count(*) = $3 THEN max(last_event_id) - $2
                    ELSE (SELECT next_index FROM channel WHERE id = $1) END AS events
        FROM changed
    ),
    added AS (
        SELECT *
        FROM message
        WHERE channel_id = $1 AND deleted = FALSE AND last_event_id <= created_event_id
            AND "index" >= (SELECT first_index FROM found)
            AND "index" < (SELECT first_index FROM found) + (SELECT events FROM reach)
        ORDER BY "index"
        LIMIT $3
    )
    SELECT {_COLUMNS}, deleted
    FROM (SELECT * FROM changed UNION ALL SELECT * FROM added) AS message
    LEFT JOIN media ON media.id = media_id
    ORDER BY last_event_id
    LIMIT $3
"""


class MessageRows:
    """Messages, each within its channel."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def post(
        self,
        caller: Caller,
        service_sid: str,
        channel_sid: str,
        draft: Draft,
        foretold: Foretold | None = None,
    ) -> Posted | None:
        """Add a message to the end of a channel and return both as they are then, or None."""
        return await post(self._database, caller, service_sid, channel_sid, draft, foretold=foretold)

    async def get(self, service: Service, channel: Channel, sid: str) -> Message | None:
        """Return a message, or None."""
        row = await self._database.row(_GET, channel.id, sid)
        return _kept(row, service, channel) if row else None

    async def page(
        self, service: Service, channel: Channel, cursor: Cursor, order: MessageOrder
    ) -> list[Message] | None:
        """Return a page of messages, and one more if there are more; None for a cursor of another channel."""
        onward = cursor.before is None
        up = onward is (order is MessageOrder.ASC)
        edge = cursor.after or cursor.before
        if edge is None:
            first = _FROM_FIRST if up else _FROM_LAST
            rows = await self._database.rows(first, channel.id, cursor.size + 1, cursor.skip)
        else:
            rows = await self._database.rows(_ABOVE if up else _BELOW, channel.id, edge, cursor.size + 1)
            if not rows and not await self._was_there(channel, edge):
                return None
        messages = [_kept(row, service, channel) for row in rows]
        return messages if onward else messages[::-1]

    async def _was_there(self, channel: Channel, sid: str) -> bool:
        """Return whether this is, or ever was, a message of the channel."""
        row = await self._database.row(
            "SELECT 1 FROM message WHERE channel_id = $1 AND sid = $2", channel.id, sid
        )
        return row is not None

    async def slice(self, service: Service, channel: Channel, span: Span[int]) -> Slice[Message]:
        """Return messages by index."""
        return await _SLICE.read(self._database, channel.id, span, lambda row: _kept(row, service, channel))

    async def since(
        self, service: Service, channel: Channel, event_id: int, most: int
    ) -> list[Message | Tombstone[int]]:
        """Return what changed in the list after an event: the first `most`, by their last events."""
        rows = await self._database.rows(_SINCE, channel.id, event_id, most)
        return [
            Tombstone(key=row[1], created_event_id=row[10], last_event_id=row[11])
            if row[-1]
            else _kept(row, service, channel)
            for row in rows
        ]

    async def before(self, service: Service, channel: Channel, index: int) -> Message | None:
        """Return the last message below an index, or None."""
        row = await self._database.row(_BEFORE, channel.id, index)
        return _kept(row, service, channel) if row else None

    async def save(self, channel: Channel, message: Message) -> None:
        """Replace every column of a message whose channel is held."""
        await self._database.execute(
            """
            UPDATE message
            SET author = $3,
                body = $4,
                attributes = $5,
                was_edited = $6,
                last_updated_by = $7,
                date_created = $8,
                date_updated = $9,
                last_event_id = $10
            WHERE channel_id = $1 AND deleted = FALSE AND "index" = $2
            """,
            channel.id, message.index, message.author, message.body, message.attributes, message.was_edited,
            message.last_updated_by, message.date_created, message.date_updated, message.last_event_id,
        )  # fmt: skip

    async def remove(self, channel: Channel, message: Message) -> None:
        """Take a message away, and keep that it went, and nothing of what it said."""
        await self._database.execute(
            """
            UPDATE message
            SET deleted = TRUE, author = '', member_sid = NULL, body = NULL, attributes = '{}',
                last_updated_by = NULL, media_id = NULL, last_event_id = $3
            WHERE channel_id = $1 AND deleted = FALSE AND "index" = $2
            """,
            channel.id, message.index, message.last_event_id,
        )  # fmt: skip


def _kept(row: Row, service: Service, channel: Channel) -> Message:
    return Message(
        sid=row[0],
        account_sid=service.account_sid,
        service_sid=service.sid,
        channel_sid=channel.sid,
        index=row[1],
        author=row[2],
        member_sid=row[3],
        body=row[4],
        attributes=row[5],
        was_edited=bool(row[6]),
        last_updated_by=row[7],
        media=None if row[12] is None else media_of(row[12:]),
        date_created=row[8],
        date_updated=row[9],
        created_event_id=row[10],
        last_event_id=row[11],
    )
