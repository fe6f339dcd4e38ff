"""How media are kept: what is known of a file. The file itself is elsewhere (`contents`).

When a row goes, the content is left. That it is, is noted in the transaction that removes the row, so that no
crash makes us forget it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chinwag import limits
from chinwag.domain.media import Media

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from chinwag.domain.channel import Channel
    from chinwag.domain.service import Service
    from chinwag.ids import Millis
    from chinwag.storage.database import Database, Row

COLUMNS = """
    media.id, media.sid, media.size, media.content_type, media.filename, media.author, media.category,
    media.uploaded, media.channel_sid, media.message_sid, media.date_created, media.date_updated
"""
"""What is kept of a media, as `media_of` reads it."""

GOING = "sid, uploaded, date_created"
"""What `leave_contents` needs to know of rows that are removed."""

_SELECT = f"SELECT {COLUMNS} FROM media WHERE service_id = $1 AND sid = $2 AND uploaded"


class MediaRows:
    """Media, each within its service."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, service: Service, sid: str) -> Media | None:
        """Return a media, or None."""
        row = await self._database.row(_SELECT, service.id, sid)
        return media_of(row) if row else None

    async def hold(self, service: Service, sid: str) -> Media | None:
        """Return a media and hold its row until the transaction ends, or None."""
        row = await self._database.row(_SELECT + " FOR UPDATE", service.id, sid)
        return media_of(row) if row else None

    async def add(self, service: Service, media: Media) -> None:
        """Add a media."""
        await self._database.execute(
            """
            INSERT INTO media (
                service_id, sid, size, content_type, filename, author, category, uploaded, channel_sid,
                message_sid, date_created, date_updated
            )
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
            """,
            service.id, media.sid, media.size, media.content_type, media.filename, media.author,
            media.category, media.uploaded, media.channel_sid, media.message_sid, media.date_created,
            media.date_updated,
        )  # fmt: skip

    async def finish(self, service: Service, sid: str, size: int, now: Millis) -> Media | None:
        """Note that all of it came, and return it; None when it is not there any more."""
        row = await self._database.row(
            f"""
            UPDATE media
            SET uploaded = TRUE, size = $3, date_created = $4, date_updated = $4
            WHERE service_id = $1 AND sid = $2 AND NOT uploaded
            RETURNING {COLUMNS}
            """,
            service.id, sid, size, now,
        )  # fmt: skip
        return media_of(row) if row else None

    async def attach(self, media: Media, channel: Channel) -> None:
        """Note which message carries it."""
        await self._database.execute(
            """
            UPDATE media
            SET channel_id = $2, channel_sid = $3, message_sid = $4, date_updated = $5
            WHERE id = $1
            """,
            media.id, channel.id, media.channel_sid, media.message_sid, media.date_updated,
        )  # fmt: skip

    async def remove(self, service: Service, sid: str) -> None:
        """Take a media away, uploaded or not; its content is left."""
        rows = await self._database.rows(
            f"DELETE FROM media WHERE service_id = $1 AND sid = $2 RETURNING {GOING}", service.id, sid
        )
        await leave_contents(self._database, rows)

    async def remove_unsent(self, before: Millis, most: int) -> bool:
        """Take away some of those that no message carries since before a moment; False when there is none."""
        rows = await self._database.rows(
            f"""
            DELETE FROM media
            WHERE message_sid IS NULL AND date_created < $1
                AND id IN (
                    SELECT id
                    FROM media
                    WHERE message_sid IS NULL AND date_created < $1
                    ORDER BY date_created
                    LIMIT $2
                )
            RETURNING {GOING}
            """,
            before, most,
        )  # fmt: skip
        await leave_contents(self._database, rows)
        return bool(rows)

    async def left(self, now: Millis, most: int) -> list[str]:
        """Return the SIDs of media that are gone, and whose contents are to be removed by now."""
        rows = await self._database.rows(
            "SELECT sid FROM content_left WHERE due <= $1 ORDER BY sid LIMIT $2", now, most
        )
        return [row[0] for row in rows]

    async def forget(self, sids: Collection[str]) -> None:
        """Note that nothing is left of these."""
        await self._database.execute_many("DELETE FROM content_left WHERE sid = $1", [(sid,) for sid in sids])


async def leave_contents(database: Database, going: Sequence[Row]) -> None:
    """Note that of rows that were removed the contents are left.

    Args:
        database: where the rows were.
        going: the columns `GOING` of each. What was not uploaded may still be on its way, and is waited for.
    """
    await database.execute_many(
        "INSERT INTO content_left (sid, due) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        [
            (sid, 0 if uploaded else date_created + limits.UNSENT_MEDIA_MS)
            for sid, uploaded, date_created in going
        ],
    )


def media_of(row: Row) -> Media:
    """Return the media that a row of `COLUMNS` tells of."""
    return Media(
        id=row[0],
        sid=row[1],
        size=row[2],
        content_type=row[3],
        filename=row[4],
        author=row[5],
        category=row[6],
        uploaded=bool(row[7]),
        channel_sid=row[8],
        message_sid=row[9],
        date_created=row[10],
        date_updated=row[11],
    )
