"""Media: files that messages carry. Uploading one is not part of the REST API; a message attaches one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from chinwag.ids import Millis

if TYPE_CHECKING:
    from chinwag.domain.service import Service


class Media(Struct, frozen=True, kw_only=True):
    """An uploaded file. Source: chat-v2 Message.media.

    Args:
        id: key of the row; 0 for one that was not read from the store. Never shown.
        size: bytes.
        filename: as the sender named it; None without a name.
        attached: whether a message carries it already.
        date_created: when it was uploaded.
    """

    id: int = 0
    sid: str
    size: int
    content_type: str
    filename: str | None = None
    attached: bool = False
    date_created: Millis


class MediaFiles(Protocol):
    """Media, as they are kept. Each method sees the media of the given service only."""

    async def hold(self, service: Service, sid: str) -> Media | None:
        """Return a media and hold it until the transaction ends, or None."""
        ...

    async def add(self, service: Service, media: Media) -> None:
        """Add a media."""
        ...

    async def attach(self, media: Media) -> None:
        """Note that a message carries it."""
        ...
