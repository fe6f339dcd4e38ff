"""How messages are kept. A row that says `deleted` tells client SDKs of one that went."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from chinwag.domain.items import Tombstone
from chinwag.domain.message import Draft, Message, MessageOrder
from chinwag.storage.channel import COLUMNS as CHANNEL_COLUMNS
from chinwag.storage.channel import channel_of
from chinwag.storage.items import SliceOf
from chinwag.storage.media import COLUMNS as MEDIA_COLUMNS
from chinwag.storage.media import media_of

if TYPE_CHECKING:
    from chinwag.domain.caller import Caller
    from chinwag.domain.channel import Channel
    from chinwag.domain.items import Slice, Span
    from chinwag.domain.paging import Cursor
    from chinwag.domain.service import Service
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

_COUNT = f"""
    UPDATE channel
    SET next_index = next_index + 1,
        messages_count = messages_count + 1,
        last_message_index = next_index,
        last_message_sid = $4,
        last_message_date = $5,
        event_id = event_id + 1,
        messages_event_id = messages_event_id + 1
    WHERE service_id = (SELECT id FROM service WHERE account_id = $1 AND sid = $2 AND NOT deleted)
        AND sid = $3 AND NOT deleted
    RETURNING {CHANNEL_COLUMNS}
"""

_ADD = """
    INSERT INTO message (
        channel_id, "index", created_event_id, last_event_id, sid, author, member_sid, body, attributes,
        was_edited, last_updated_by, media_id, date_created, date_updated
    )
    VALUES ($1, $2, $3, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
"""

# Many messages at once. Channels are locked in the order of their keys, so that two sets cannot wait for each
# other. What a channel counts is what it counted when it was locked, and how many messages of the set are for
# it; the messages then take their places in the order in which they were given.
_POST_SET = f"""
    WITH given AS (
        SELECT *
        FROM unnest(
            $1::bigint[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::text[],
            $8::text[], $9::text[], $10::boolean[], $11::text[], $12::bigint[], $13::bigint[]
        ) WITH ORDINALITY AS given (
            account_id, service_sid, channel_sid, sid, date_created, author, member_sid, body, attributes,
            was_edited, last_updated_by, media_id, date_updated, place
        )
    ),
    found AS (
        SELECT given.*, channel.id AS channel_id
        FROM given
        JOIN service ON service.account_id = given.account_id AND service.sid = given.service_sid
            AND NOT service.deleted
        JOIN channel ON channel.service_id = service.id AND channel.sid = given.channel_sid
    ),
    held AS (
        SELECT id
        FROM channel
        WHERE id IN (SELECT channel_id FROM found) AND NOT deleted
        ORDER BY id
        FOR UPDATE
    ),
    numbered AS (
        SELECT found.*, row_number() OVER (PARTITION BY channel_id ORDER BY place) AS nth
        FROM found JOIN held ON held.id = channel_id
    ),
    more AS (
        SELECT channel_id, max(nth) AS size,
               (array_agg(sid ORDER BY nth DESC))[1] AS sid,
               (array_agg(date_created ORDER BY nth DESC))[1] AS date_created
        FROM numbered
        GROUP BY channel_id
    ),
    counted AS (
        UPDATE channel
        SET next_index = next_index + size,
            messages_count = messages_count + size,
            last_message_index = next_index + size - 1,
            last_message_sid = more.sid,
            last_message_date = more.date_created,
            event_id = event_id + size,
            messages_event_id = messages_event_id + size
        FROM more
        WHERE channel.id = more.channel_id
        RETURNING {CHANNEL_COLUMNS}, size
    ),
    added AS (
        INSERT INTO message (
            channel_id, "index", created_event_id, last_event_id, sid, author, member_sid, body, attributes,
            was_edited, last_updated_by, media_id, date_created, date_updated
        )
        SELECT counted.id, next_index - size + nth - 1, messages_event_id - size + nth,
               messages_event_id - size + nth, numbered.sid, author, member_sid, body, numbered.attributes,
               was_edited, last_updated_by, media_id, numbered.date_created, numbered.date_updated
        FROM numbered JOIN counted ON counted.id = channel_id
    )
    SELECT numbered.place, counted.*, nth FROM numbered JOIN counted ON counted.id = channel_id
"""


class MessageRows:
    """Messages, each within its channel."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def post(
        self, caller: Caller, service_sid: str, channel_sid: str, draft: Draft
    ) -> tuple[Message, Channel] | None:
        """Add a message to the end of a channel and return both as they are then, or None."""
        place = (caller.account_id, service_sid, channel_sid, draft.sid, draft.date_created)
        content = (
            draft.author,
            draft.member_sid,
            draft.body,
            draft.attributes,
            draft.was_edited,
            draft.last_updated_by,
            draft.media.id if draft.media else None,
        )
        if self._database.takes_sets:
            row = await self._database.together(
                _POST_SET, channel_sid, (*place, *content, draft.date_updated)
            )
            return _posted(row, caller, service_sid, draft) if row else None

        row = await self._database.row(_COUNT, *place)
        if row is None:
            return None
        channel = channel_of(row, caller.account_sid, service_sid)
        message = _message(draft, channel)
        await self._database.execute(
            _ADD,
            channel.id, message.index, message.created_event_id, draft.sid, *content, draft.date_created,
            draft.date_updated,
        )  # fmt: skip
        return message, channel

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


def _posted(row: Row, caller: Caller, service_sid: str, draft: Draft) -> tuple[Message, Channel]:
    """Return a message of a set, and its channel as it was right after this message was posted."""
    *columns, size, nth = row[1:]
    channel = channel_of(columns, caller.account_sid, service_sid)
    later = size - nth
    channel = replace(
        channel,
        messages_count=channel.messages_count - later,
        next_index=channel.next_index - later,
        last_message_index=channel.next_index - later - 1,
        last_message_sid=draft.sid,
        last_message_date=draft.date_created,
        event_id=channel.event_id - later,
        messages_event_id=channel.messages_event_id - later,
    )
    return _message(draft, channel), channel


def _message(draft: Draft, channel: Channel) -> Message:
    """Return a draft that has become the last message of its channel."""
    return Message(
        sid=draft.sid,
        account_sid=channel.account_sid,
        service_sid=channel.service_sid,
        channel_sid=channel.sid,
        index=channel.next_index - 1,
        author=draft.author,
        member_sid=draft.member_sid,
        body=draft.body,
        attributes=draft.attributes,
        was_edited=draft.was_edited,
        last_updated_by=draft.last_updated_by,
        media=draft.media,
        date_created=draft.date_created,
        date_updated=draft.date_updated,
        created_event_id=channel.messages_event_id,
        last_event_id=channel.messages_event_id,
    )


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
