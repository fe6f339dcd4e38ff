"""Media: files that messages carry. One is uploaded first, and then sent with a message."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from chinwag.domain.caller import SYSTEM
from chinwag.domain.lookup import service_named
from chinwag.domain.rights import may_see
from chinwag.errors import ApiError, Kinds
from chinwag.ids import Millis

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection

    from chinwag.domain.caller import Caller, Operator
    from chinwag.domain.channel import Channel
    from chinwag.domain.service import Service
    from chinwag.domain.unit import Reader, Transaction
    from chinwag.ids import NewSid


class Media(Struct, frozen=True, kw_only=True):
    """An uploaded file. Source: chat-v2 Message.media.

    Args:
        id: key of the row; 0 for one that was not read from the store. Never shown.
        size: bytes.
        filename: as the sender named it; None without a name.
        author: the identity of who uploaded it, or `system`.
        category: what it is for, in a word of the client's.
        uploaded: whether all of it came. Until then it is nobody's to see.
        channel_sid: the channel of the message that carries it; None while none does.
        message_sid: that message.
        date_created: when all of it had come.
        date_updated: when it was sent, or else that too.
    """

    id: int = 0
    sid: str
    size: int
    content_type: str
    filename: str | None = None
    author: str = SYSTEM
    category: str = "media"
    uploaded: bool = True
    channel_sid: str | None = None
    message_sid: str | None = None
    date_created: Millis
    date_updated: Millis

    @property
    def attached(self) -> bool:
        """Whether a message carries it."""
        return self.message_sid is not None


class MediaFiles(Protocol):
    """Media, as they are kept. Those that are not uploaded yet are not seen.

    Methods that take a service see the media of this service only.
    """

    async def get(self, service: Service, sid: str) -> Media | None:
        """Return a media, or None."""
        ...

    async def hold(self, service: Service, sid: str) -> Media | None:
        """Return a media and hold it until the transaction ends, or None."""
        ...

    async def add(self, service: Service, media: Media) -> None:
        """Add a media."""
        ...

    async def finish(self, service: Service, sid: str, size: int, now: Millis) -> Media | None:
        """Note that all of it came, and return it; None when it is not there any more."""
        ...

    async def attach(self, media: Media, channel: Channel) -> None:
        """Note which message carries it."""
        ...

    async def remove(self, service: Service, sid: str) -> None:
        """Take a media away, uploaded or not; its content is left."""
        ...

    async def remove_unsent(self, before: Millis, most: int) -> bool:
        """Take away the media of any service that no message carries since before a moment, or some of them.

        Return whether there may be more.
        """
        ...

    async def left(self, now: Millis, most: int) -> list[str]:
        """Return the SIDs of media that are gone, and whose contents are to be removed by now."""
        ...

    async def forget(self, sids: Collection[str]) -> None:
        """Note that nothing is left of these."""
        ...


class Contents(Protocol):
    """The contents of media, each under the SID of its media.

    Raises:
        ApiError: `UNAVAILABLE`, by each method, when the place where they are kept cannot be used now.
    """

    async def keep(self, sid: str, pieces: AsyncIterator[bytes]) -> None:
        """Keep what comes, durably. When this raises, whatever `pieces` raises, nothing of it stays."""
        ...

    async def pieces(self, sid: str, start: int, end: int) -> AsyncIterator[bytes]:
        """Return the bytes from `start` up to, and without, `end`."""
        ...

    async def remove(self, sid: str) -> None:
        """Remove a content, or what a crash left of one. There need be none."""
        ...


class AddMedia(Struct, frozen=True, kw_only=True):
    """Begin an upload: the row is there before the first byte of the content, and nobody sees it.

    A crash before `FinishMedia` therefore never leaves a content that nothing knows of, and never a file that
    somebody was told of and that is not there.
    """

    service_sid: str
    content_type: str
    filename: str | None
    category: str

    async def apply(self, tx: Transaction, caller: Caller, now: Millis, new_sid: NewSid) -> Media:
        """Return what there is to be.

        Raises:
            ApiError: `SERVICE_NOT_FOUND`.
        """
        service = await service_named(tx, caller, self.service_sid)
        media = Media(
            sid=new_sid("ME"),
            size=0,
            content_type=self.content_type,
            filename=self.filename,
            author=caller.identity or SYSTEM,
            category=self.category,
            uploaded=False,
            date_created=now,
            date_updated=now,
        )
        await tx.media.add(service, media)
        return media


class FinishMedia(Struct, frozen=True, kw_only=True):
    """End an upload: all of the content is kept, `size` bytes."""

    service_sid: str
    sid: str
    size: int

    async def apply(self, tx: Transaction, caller: Caller, now: Millis, _new_sid: NewSid) -> Media:
        """Return the media, which can be sent from now on.

        Raises:
            ApiError: `SERVICE_NOT_FOUND`; `MEDIA_NOT_FOUND` when it took so long that nobody waits any more.
        """
        service = await service_named(tx, caller, self.service_sid)
        media = await tx.media.finish(service, self.sid, self.size, now)
        if media is None:
            raise ApiError(Kinds.MEDIA_NOT_FOUND, "the upload took too long")
        return media


class RemoveMedia(Struct, frozen=True, kw_only=True):
    """Give up an upload."""

    service_sid: str
    sid: str

    async def apply(self, tx: Transaction, caller: Caller, _now: Millis, _new_sid: NewSid) -> None:
        """Remove what is there of it.

        Raises:
            ApiError: `SERVICE_NOT_FOUND`.
        """
        await tx.media.remove(await service_named(tx, caller, self.service_sid), self.sid)


class ForgetContents(Struct, frozen=True, kw_only=True):
    """Note that the contents of media that were gone are removed."""

    sids: tuple[str, ...]

    async def apply(self, tx: Transaction, _caller: Operator, _now: Millis, _new_sid: NewSid) -> None:
        """Forget them."""
        await tx.media.forget(self.sids)


async def media_seen(tx: Reader, caller: Caller, service: Service, sid: str) -> Media:
    """Return a file that a caller may have: its own, or one that was sent to a channel that it may see.

    Raises:
        ApiError: `MEDIA_NOT_FOUND`.
    """
    media = await tx.media.get(service, sid)
    if media is not None and await _sees(tx, caller, service, media):
        return media
    raise ApiError(Kinds.MEDIA_NOT_FOUND)


async def _sees(tx: Reader, caller: Caller, service: Service, media: Media) -> bool:
    own = caller.identity in {None, media.author}
    if media.channel_sid is None:
        return own
    channel = await tx.channels.get(service, media.channel_sid)
    return channel is not None and (own or await may_see(tx, caller, service, channel))


async def media_to_send(tx: Transaction, caller: Caller, service: Service, sid: str) -> Media:
    """Return a file that a message may carry, and hold it until the transaction ends.

    Raises:
        ApiError: `MEDIA_NOT_FOUND`, also for a file that another user uploaded; `MEDIA_SENT_ALREADY`.
    """
    media = await tx.media.hold(service, sid)
    own = media is not None and caller.identity in {None, media.author}
    if media is None or not own or not await _sees(tx, caller, service, media):
        raise ApiError(Kinds.MEDIA_NOT_FOUND, "no file of this SID was uploaded to the service")
    if media.attached:
        raise ApiError(Kinds.MEDIA_SENT_ALREADY)
    return media
