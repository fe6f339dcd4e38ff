"""How a message is posted: what happens most, in as few statements as can be.

On an engine that takes sets many messages are posted by one statement, and the calls that tell of them, and
the occasions for pushes, are written by it too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from chinwag.domain.message import Draft, Message, Posted
from chinwag.domain.push import PushKind
from chinwag.storage.channel import COLUMNS as CHANNEL_COLUMNS
from chinwag.storage.channel import channel_of

if TYPE_CHECKING:
    from chinwag.domain.caller import Caller
    from chinwag.domain.channel import Channel
    from chinwag.domain.webhook_call import Foretold
    from chinwag.storage.database import Database, Row


def _count(if_service: str = "", if_channel: str = "") -> str:
    """Return what counts a message in; `$6` is for the conditions."""
    return f"""
    UPDATE channel
    SET next_index = next_index + 1,
        messages_count = messages_count + 1,
        last_message_index = next_index,
        last_message_sid = $4,
        last_message_date = $5,
        event_id = event_id + 1,
        messages_event_id = messages_event_id + 1
    WHERE service_id = (
            SELECT id FROM service WHERE account_id = $1 AND sid = $2 AND NOT deleted {if_service}
        )
        AND sid = $3 AND NOT deleted {if_channel}
    RETURNING {CHANNEL_COLUMNS}, (SELECT notes_messages FROM service WHERE service.id = channel.service_id)
    """


# What webhooks are told was decided ahead: it holds while the service is the same, and as long as nobody but
# the service wants to be told.
_NOBODY_ELSE = "AND NOT EXISTS (SELECT 1 FROM channel_webhook WHERE channel_webhook.channel_id = channel.id)"

_COUNT = _count()
_COUNT_AS_FORETOLD = _count("AND revision = $6", _NOBODY_ELSE)

_ADD = """
    INSERT INTO message (
        channel_id, "index", created_event_id, last_event_id, sid, author, member_sid, body, attributes,
        was_edited, last_updated_by, media_id, date_created, date_updated
    )
    VALUES ($1, $2, $3, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
"""

# What webhooks are told of a message, with its index, which nobody knew before.
_TELL = """
    INSERT INTO webhook_call (
        service_id, sid, channel_sid, event, source, via, url, method, params, target_id, lane, state,
        tries_left, due, attempts, "count", date_created, date_updated
    )
    SELECT service_id, $2, sid, 'onMessageSent', 'API', $3, $4, $5, $6, $7, sid, 'waiting', $8,
           $9, '[]', 1, $9, $9
    FROM channel
    WHERE id = $1
"""

# What devices may be told of. Only whoever makes the pushes knows what the service says of them.
_NOTE = f"""
    INSERT INTO push_occasion (
        service_id, sid, kind, channel_id, channel_sid, message_sid, message_index, author, date_created
    )
    SELECT service_id, 'NT' || substr($2, 3), '{PushKind.NEW_MESSAGE}', id, sid, $2, $3, $4, 0
    FROM channel
    WHERE id = $1
"""


# Many messages at once. Channels are locked in the order of their keys, so that two sets cannot wait for each
# other. What a channel counts is what it counted when it was locked, and how many messages of the set are for
# it; the messages then take their places in the order in which they were given.
def _post_set(
    *, values: str = "", columns: str = "", if_service: str = "", if_channel: str = "", besides: str = ""
) -> str:
    """Return what posts a set of messages; the arguments are for what comes with them."""
    return f"""
    WITH given AS (
        SELECT *
        FROM unnest(
            $1::bigint[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::text[],
            $8::text[], $9::text[], $10::boolean[], $11::text[], $12::bigint[], $13::bigint[] {values}
        ) WITH ORDINALITY AS given (
            account_id, service_sid, channel_sid, sid, date_created, author, member_sid, body, attributes,
            was_edited, last_updated_by, media_id, date_updated {columns}, place
        )
    ),
    found AS (
        SELECT given.*, channel.id AS channel_id, service.id AS service_id, notes_messages
        FROM given
        JOIN service ON service.account_id = given.account_id AND service.sid = given.service_sid
            AND NOT service.deleted {if_service}
        JOIN channel ON channel.service_id = service.id AND channel.sid = given.channel_sid {if_channel}
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
    ),
    noted AS (
        INSERT INTO push_occasion (
            service_id, sid, kind, channel_id, channel_sid, message_sid, message_index, author, date_created
        )
        SELECT service_id, 'NT' || substr(numbered.sid, 3), '{PushKind.NEW_MESSAGE}', channel_id, channel_sid,
               numbered.sid, next_index - size + nth - 1, author, 0
        FROM numbered JOIN counted ON counted.id = channel_id
        WHERE notes_messages
        ORDER BY place
    )
    {besides}
    SELECT numbered.place, counted.*, nth, notes_messages
    FROM numbered JOIN counted ON counted.id = channel_id
    """


_POST_SET = _post_set()
_POST_SET_AS_FORETOLD = _post_set(
    values=", $14::jsonb[]",
    columns=", told",
    if_service="AND service.revision = told ->> 'revision'",
    if_channel=_NOBODY_ELSE,
    besides="""
    , calls AS (
        INSERT INTO webhook_call (
            service_id, sid, channel_sid, event, source, via, url, method, params, target_id, lane, state,
            tries_left, due, attempts, "count", date_created, date_updated
        )
        SELECT service_id, told ->> 'sid', channel_sid, 'onMessageSent', 'API', told ->> 'via',
               told ->> 'url', told ->> 'method',
               left(told ->> 'params', -1) || ',"Index":"' || next_index - size + nth - 1 || '"}',
               (told ->> 'target_id')::bigint, channel_sid, 'waiting', (told ->> 'tries_left')::integer,
               (told ->> 'date')::bigint, '[]', 1, (told ->> 'date')::bigint, (told ->> 'date')::bigint
        FROM numbered JOIN counted ON counted.id = channel_id
        WHERE told ->> 'sid' IS NOT NULL
    )
    """,
)


async def post(
    database: Database,
    caller: Caller,
    service_sid: str,
    channel_sid: str,
    draft: Draft,
    *,
    foretold: Foretold | None,
) -> Posted | None:
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
    if database.takes_sets:
        values = (*place, *content, draft.date_updated)
        if foretold is None:
            row = await database.together(_POST_SET, values)
        else:
            row = await database.together(_POST_SET_AS_FORETOLD, (*values, _told(foretold)))
        return _posted(row, caller, service_sid, draft) if row else None

    if foretold is None:
        row = await database.row(_COUNT, *place)
    else:
        row = await database.row(_COUNT_AS_FORETOLD, *place, foretold.revision)
    if row is None:
        return None
    channel = channel_of(row, caller.account_sid, service_sid)
    message = _message(draft, channel)
    await database.execute(
        _ADD,
        channel.id, message.index, message.created_event_id, draft.sid, *content, draft.date_created,
        draft.date_updated,
    )  # fmt: skip
    if foretold is not None and (call := foretold.call) is not None:
        params = _json(call.params | {"Index": str(message.index)}).decode()
        await database.execute(
            _TELL,
            channel.id, call.sid, call.via, call.url, call.method, params, call.target_id, call.tries_left,
            foretold.date,
        )  # fmt: skip
    noted = bool(row[-1])
    if noted:
        await database.execute(_NOTE, channel.id, message.sid, message.index, message.author)
    return Posted(message, channel, noted)


_json = msgspec.json.Encoder().encode


def _told(foretold: Foretold) -> str:
    """Return what `_POST_SET_AS_FORETOLD` takes of what webhooks are told."""
    told: dict[str, object] = {"revision": foretold.revision, "date": foretold.date}
    if (call := foretold.call) is not None:
        told |= {
            "sid": call.sid,
            "via": call.via,
            "url": call.url,
            "method": call.method,
            "target_id": call.target_id,
            "tries_left": call.tries_left,
            "params": _json(call.params).decode(),
        }
    return _json(told).decode()


def _posted(row: Row, caller: Caller, service_sid: str, draft: Draft) -> Posted:
    """Return a message of a set, and its channel as it was right after this message was posted."""
    *columns, size, nth, noted = row[1:]
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
    return Posted(_message(draft, channel), channel, noted)


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
