"""Filling a database, past its server: what would take a server half a minute takes a second.

The server may go on meanwhile, as long as it writes nothing. One text serves both engines.
"""

from __future__ import annotations

import asyncio
from contextlib import closing

import apsw
import asyncpg

from chinwag.storage.dialect import for_sqlite
from chinwag.storage.store import sqlite_path

_MESSAGES = """
    WITH RECURSIVE number (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM number WHERE n + 1 < $2)
    INSERT INTO message (
        channel_id, "index", created_event_id, last_event_id, sid, author, body, attributes, was_edited,
        date_created, date_updated
    )
    SELECT channel.id, n, n + 1, n + 1,
           'IM' || '000000000000000000000000' || substr(CAST(100000000 + n AS text), 2), 'alice',
           'Hello Bob, is this number ' || CAST(n AS text) || '? I can see it on the map already.',
           '{"importance":"high"}', FALSE, channel.date_created, channel.date_created
    FROM channel, number
    WHERE channel.sid = $1
"""

_COUNTERS = """
    UPDATE channel
    SET next_index = filled.size, messages_count = filled.size, last_message_index = filled.size - 1,
        last_message_sid = filled.last_sid, last_message_date = date_created,
        event_id = event_id + filled.size, messages_event_id = filled.size
    FROM (
        SELECT count(*) AS size, max(sid) AS last_sid
        FROM message
        WHERE channel_id = (SELECT id FROM channel WHERE sid = $1)
    ) AS filled
    WHERE channel.sid = $1
"""

_REMAINS = """
    SELECT 1 FROM channel WHERE deleted
    UNION ALL SELECT 1 FROM service WHERE deleted
    LIMIT 1
"""


def fill(database: str, channels: list[str], messages: int) -> None:
    """Put messages into empty channels, this many into each.

    What an engine would do about it later, it does now, and not while something is measured.
    """
    statements: list[tuple[str, tuple[object, ...]]] = []
    for channel in channels:
        statements += [(_MESSAGES, (channel, messages)), (_COUNTERS, (channel,))]
    if (path := sqlite_path(database)) is not None:
        with closing(apsw.Connection(str(path))) as connection:
            with connection:
                for sql, values in statements:
                    connection.execute(for_sqlite(sql), values)
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return
    asyncio.run(_fill_postgres(database, statements))


async def _fill_postgres(database: str, statements: list[tuple[str, tuple[object, ...]]]) -> None:
    connection = await asyncpg.connect(database)
    try:
        async with connection.transaction():
            for sql, values in statements:
                await connection.execute(sql, *values)
        await connection.execute("VACUUM ANALYZE")
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()


def is_swept(database: str) -> bool:
    """Return whether nothing is left of what was deleted."""
    if (path := sqlite_path(database)) is not None:
        with closing(apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)) as connection:
            return connection.execute(_REMAINS).fetchone() is None
    return asyncio.run(_is_swept_postgres(database))


async def _is_swept_postgres(database: str) -> bool:
    connection = await asyncpg.connect(database)
    try:
        return await connection.fetchrow(_REMAINS) is None
    finally:
        await connection.close()
