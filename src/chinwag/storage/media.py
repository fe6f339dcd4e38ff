"""How media are kept: what is known of a file. The file itself is elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chinwag.domain.media import Media

if TYPE_CHECKING:
    from chinwag.domain.service import Service
    from chinwag.storage.database import Database, Row

COLUMNS = (
    "media.id, media.sid, media.size, media.content_type, media.filename, media.attached, media.date_created"
)
"""What is kept of a media, as `media_of` reads it."""


class MediaRows:
    """Media, each within its service."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def hold(self, service: Service, sid: str) -> Media | None:
        """Return a media and hold its row until the transaction ends, or None."""
        row = await self._database.row(
            f"SELECT {COLUMNS} FROM media WHERE service_id = $1 AND sid = $2 FOR UPDATE", service.id, sid
        )
        return media_of(row) if row else None

    async def add(self, service: Service, media: Media) -> None:
        """Add a media."""
        await self._database.execute(
            """
            INSERT INTO media (service_id, sid, size, content_type, filename, attached, date_created)
            VALUES ($1, $2, $3, $4, $5, $6, $7)
            """,
            service.id, media.sid, media.size, media.content_type, media.filename, media.attached,
            media.date_created,
        )  # fmt: skip

    async def attach(self, media: Media) -> None:
        """Note that a message carries it."""
        await self._database.execute("UPDATE media SET attached = TRUE WHERE id = $1", media.id)


def media_of(row: Row) -> Media:
    """Return the media that a row of `COLUMNS` tells of."""
    return Media(
        id=row[0],
        sid=row[1],
        size=row[2],
        content_type=row[3],
        filename=row[4],
        attached=bool(row[5]),
        date_created=row[6],
    )
