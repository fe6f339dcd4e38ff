"""Messages: what is said in a channel, in order. Client SDKs see those of a channel as one list."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, Protocol

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from chinwag.domain.amendment import NO_AMENDMENT, Amendment
from chinwag.domain.attributes import NO_ATTRIBUTES
from chinwag.domain.caller import SYSTEM
from chinwag.domain.change import given, or_else
from chinwag.domain.channel import Channel, ChannelUpdated
from chinwag.domain.event import Event
from chinwag.domain.happening import Happening
from chinwag.domain.lookup import channel_to_change, message_named, service_named
from chinwag.domain.media import Media
from chinwag.domain.rights import rights_of
from chinwag.domain.webhook import WebhookEvent
from chinwag.errors import ApiError, Kinds
from chinwag.ids import Millis

if TYPE_CHECKING:
    from chinwag.domain.caller import Caller
    from chinwag.domain.items import Slice, Span, Tombstone
    from chinwag.domain.paging import Cursor
    from chinwag.domain.rights import Rights
    from chinwag.domain.service import Service
    from chinwag.domain.unit import Transaction
    from chinwag.domain.webhook_call import Foretold
    from chinwag.ids import NewSid


class MessageOrder(StrEnum):
    """In which order messages are listed."""

    ASC = "asc"
    DESC = "desc"


class MessageType(StrEnum):
    """Whether a message carries a file."""

    TEXT = "text"
    MEDIA = "media"


class Message(Struct, frozen=True, kw_only=True):
    """A message. Source: chat-v1 Message.

    Args:
        index: its place in the channel: from 0, never given twice.
        author: an identity, or `system`.
        member_sid: the member who posted it with a client SDK; None for one that came over REST.
        body: its words; None for a file without words.
        attributes: JSON text.
        last_updated_by: who changed it last; None when nobody did.
        media: the file that it carries.
        created_event_id: the event of the message list that added it.
        last_event_id: the last event of this item.
    """

    sid: str
    account_sid: str
    service_sid: str
    channel_sid: str
    index: int
    author: str
    member_sid: str | None = None
    body: str | None
    attributes: str = NO_ATTRIBUTES
    was_edited: bool = False
    last_updated_by: str | None = None
    media: Media | None = None
    date_created: Millis
    date_updated: Millis
    created_event_id: int
    last_event_id: int

    @property
    def type(self) -> MessageType:
        """Whether it carries a file."""
        return MessageType.TEXT if self.media is None else MessageType.MEDIA


class MessageAdded(Event, frozen=True):
    """A message came to the end of a channel."""

    message: Message


class MessageUpdated(Event, frozen=True):
    """A message was changed."""

    message: Message


class MessageRemoved(Event, frozen=True):
    """A message was deleted."""

    message: Message


class Draft(NamedTuple):
    """A message that has no place in its channel yet."""

    sid: str
    author: str
    member_sid: str | None
    body: str | None
    attributes: str
    was_edited: bool
    last_updated_by: str | None
    media: Media | None
    date_created: Millis
    date_updated: Millis


class Posted(NamedTuple):
    """A message that has its place.

    Args:
        message: it.
        channel: as it is right after.
        noted: whether devices may be told of it.
    """

    message: Message
    channel: Channel
    noted: bool


class Messages(Protocol):
    """Messages, as they are kept. Each method sees those of the given channel only."""

    async def post(
        self,
        caller: Caller,
        service_sid: str,
        channel_sid: str,
        draft: Draft,
        foretold: Foretold | None = None,
    ) -> Posted | None:
        """Add a message to the end of a channel and return both as they are then; None without the channel.

        If devices may be told of it, that is noted.

        This is the whole of the change it belongs to, reads before it aside, so that many such changes may be
        made together. With `foretold` the call that tells of it is added with it, and None is returned, and
        nothing done, unless the service is still the same and the channel has no webhooks.
        """
        ...

    async def get(self, service: Service, channel: Channel, sid: str) -> Message | None:
        """Return a message, or None."""
        ...

    async def page(
        self, service: Service, channel: Channel, cursor: Cursor, order: MessageOrder
    ) -> list[Message] | None:
        """Return a page of messages in an order, and one more if there are more.

        None when the cursor names nothing that ever was in the channel.
        """
        ...

    async def slice(self, service: Service, channel: Channel, span: Span[int]) -> Slice[Message]:
        """Return messages by index."""
        ...

    async def since(
        self, service: Service, channel: Channel, event_id: int, most: int
    ) -> list[Message | Tombstone[int]]:
        """Return what changed in the list after an event, ordered by the last event of each.

        The first `most`: who wants the others goes on from the last one. What happened after `channel` was
        read may be among them.
        """
        ...

    async def before(self, service: Service, channel: Channel, index: int) -> Message | None:
        """Return the last message below an index, or None."""
        ...

    async def save(self, channel: Channel, message: Message) -> None:
        """Replace every column of a message whose channel is held."""
        ...

    async def remove(self, channel: Channel, message: Message) -> None:
        """Take a message away; what is left tells client SDKs that it went."""
        ...


class UpdateMessage(Struct, frozen=True, kw_only=True):
    """Change a message. A field left UNSET keeps its value.

    Args:
        channel: a SID or a unique name.
        last_updated_by: who changes it.
    """

    service_sid: str
    channel: str
    sid: str
    body: str | UnsetType = UNSET
    author: str | UnsetType = UNSET
    attributes: str | UnsetType = UNSET
    last_updated_by: str = SYSTEM
    date_created: Millis | UnsetType = UNSET
    date_updated: Millis | UnsetType = UNSET
    amendment: Amendment = NO_AMENDMENT

    async def apply(self, tx: Transaction, caller: Caller, now: Millis, _new_sid: NewSid) -> Message:
        """Return the changed message. Only another body makes it an edited one (decided).

        Raises:
            ApiError: `SERVICE_NOT_FOUND`; `CHANNEL_NOT_FOUND`; `MESSAGE_NOT_FOUND`; `MISSING_PARAMETER`;
                `UNAUTHORIZED`; `MEDIA_BODY_UPDATE`.
        """
        service = await service_named(tx, caller, self.service_sid)
        channel = await channel_to_change(tx, service, self.channel)
        may = await rights_of(tx, caller, service, channel)
        message = await message_named(tx, service, channel, self.sid)
        self._check(may, message)
        body = or_else(self.amendment.body, self.body)
        if body is not UNSET and message.media is not None:
            raise ApiError(Kinds.MEDIA_BODY_UPDATE)

        event_id = channel.messages_event_id + 1
        plain = ("body", "author", "attributes")
        changed = replace(
            message,
            **given(self, (*plain, "date_created")) | given(self.amendment, plain),
            was_edited=message.was_edited or (body is not UNSET and body != message.body),
            last_updated_by=caller.identity or self.last_updated_by,
            date_updated=or_else(self.date_updated, now),
            last_event_id=event_id,
        )
        await tx.messages.save(channel, changed)
        tx.record(MessageUpdated(changed))
        tx.happened(
            Happening(
                event=WebhookEvent.MESSAGE_UPDATED,
                subject=changed,
                service=service,
                channel=channel,
                by=changed.last_updated_by,
            )
        )

        after = replace(channel, messages_event_id=event_id)
        if message.index == channel.last_message_index and changed.date_created != message.date_created:
            after = replace(after, last_message_date=changed.date_created, event_id=channel.event_id + 1)
            tx.record(ChannelUpdated(after))
        await tx.channels.save(after)
        return changed

    def _check(self, may: Rights, message: Message) -> None:
        may.must_say(self.body, self.attributes)
        if self.body is not UNSET:
            may.must_own(message.author, "editOwnMessage", "editAnyMessage")
        if self.attributes is not UNSET:
            may.must_own(message.author, "editOwnMessageAttributes", "editAnyMessageAttributes")


class DeleteMessage(Struct, frozen=True, kw_only=True):
    """Delete a message. Its index stays unused. `channel` is a SID or a unique name."""

    service_sid: str
    channel: str
    sid: str

    async def apply(self, tx: Transaction, caller: Caller, now: Millis, _new_sid: NewSid) -> None:
        """Delete it.

        Raises:
            ApiError: `SERVICE_NOT_FOUND`; `CHANNEL_NOT_FOUND`; `MESSAGE_NOT_FOUND`; `UNAUTHORIZED`.
        """
        service = await service_named(tx, caller, self.service_sid)
        channel = await channel_to_change(tx, service, self.channel)
        may = await rights_of(tx, caller, service, channel)
        message = await message_named(tx, service, channel, self.sid)
        may.must_own(message.author, "deleteOwnMessage", "deleteAnyMessage")

        event_id = channel.messages_event_id + 1
        removed = replace(message, last_event_id=event_id)
        await tx.messages.remove(channel, removed)
        if message.media is not None:
            await tx.media.remove(service, message.media.sid)
        tx.record(MessageRemoved(removed))
        tx.happened(
            Happening(
                event=WebhookEvent.MESSAGE_REMOVED,
                subject=removed,
                service=service,
                channel=channel,
                by=caller.identity or SYSTEM,
                ended=now,
            )
        )

        after = replace(channel, messages_event_id=event_id, messages_count=channel.messages_count - 1)
        if message.index == channel.last_message_index:
            last = await tx.messages.before(service, channel, message.index)
            after = replace(
                after,
                last_message_index=last.index if last else None,
                last_message_sid=last.sid if last else None,
                last_message_date=last.date_created if last else None,
                event_id=channel.event_id + 1,
            )
            tx.record(ChannelUpdated(after))
        await tx.channels.save(after)
