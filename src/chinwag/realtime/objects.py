"""Sync objects: what client SDKs open by name, page through and follow. Each is a view of domain records.

There are five: the document, the message list and the roster of a channel, and the info and the channels of a
user. Nothing of them is stored: see docs/decisions/0003-state-instead-of-an-event-log.md. Source: sdk-wire.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias

from msgspec import Struct

from chinwag.domain.channel import Channel
from chinwag.domain.items import Slice, Span, Tombstone
from chinwag.domain.service import Service
from chinwag.domain.user import User
from chinwag.errors import ApiError, Kinds
from chinwag.realtime import names, views

if TYPE_CHECKING:
    from chinwag.domain.member import Member
    from chinwag.domain.message import Message
    from chinwag.domain.unit import Reader
    from chinwag.domain.user_channel import UserChannel
    from chinwag.realtime.views import Json

Key: TypeAlias = str | int
"""Of an item: text in a map, a number in a list."""


class Kind(StrEnum):
    """What an object is like."""

    DOCUMENT = "document"
    LIST = "list"
    MAP = "map"


class Action(StrEnum):
    """What happened to an item, or to the context of a list."""

    ADDED = "added"
    UPDATED = "updated"
    REMOVED = "removed"
    CONTEXT = "context"


class Item(NamedTuple):
    """An item of a list or a map."""

    key: Key
    data: Json
    last_event_id: int


class Change(NamedTuple):
    """An item, or a document, that changed. `data` is None for one that went."""

    event_id: int
    action: Action
    key: Key
    data: Json | None


class Object(Protocol):
    """An object, as it was when it was read."""

    @property
    def kind(self) -> Kind:
        """What it is like."""
        ...

    @property
    def sid(self) -> str:
        """Its SID."""
        ...

    @property
    def name(self) -> str:
        """Its unique name."""
        ...

    @property
    def last_event_id(self) -> int:
        """Its counter."""
        ...

    async def again(self, tx: Reader) -> Object | None:
        """Return it as it is now, or None when it has gone."""
        ...

    async def changes(self, tx: Reader, since: int, most: int, known: int) -> list[Change]:
        """Return at most so many of the changes after an event, in the order of events.

        What was added after `known` is told as added: pieces of one replay are read with the same.
        """
        ...


class Collection(Object, Protocol):
    """A list or a map."""

    def key(self, text: str) -> Key:
        """Return the key that a text spells.

        Raises:
            ApiError: `INVALID_PARAMETER`.
        """
        ...

    async def slice(self, tx: Reader, span: Span[Any]) -> Slice[Item]:
        """Return items."""
        ...


class ChannelDocument(Struct, frozen=True):
    """A channel itself."""

    service: Service
    channel: Channel

    kind = Kind.DOCUMENT

    @property
    def sid(self) -> str:
        """Its SID."""
        return names.channel_sid(self.channel.sid)

    @property
    def name(self) -> str:
        """Its unique name."""
        return names.channel(self.channel.sid)

    @property
    def last_event_id(self) -> int:
        """Its counter."""
        return self.channel.event_id

    @property
    def data(self) -> Json:
        """Its content."""
        return views.channel_document(self.channel)

    async def again(self, tx: Reader) -> ChannelDocument | None:
        """Return it as it is now, or None when it has gone."""
        channel = await tx.channels.get(self.service, self.channel.sid)
        return ChannelDocument(self.service, channel) if channel else None

    async def changes(self, tx: Reader, since: int, most: int, known: int) -> list[Change]:  # noqa: ARG002
        """Return the whole of it, if it changed."""
        if self.last_event_id <= since:
            return []
        return [Change(self.last_event_id, Action.UPDATED, "", self.data)]


class MessageList(Struct, frozen=True):
    """The messages of a channel, by index."""

    service: Service
    channel: Channel

    kind = Kind.LIST

    @property
    def sid(self) -> str:
        """Its SID."""
        return names.messages_sid(self.channel.sid)

    @property
    def name(self) -> str:
        """Its unique name."""
        return names.messages(self.channel.sid)

    @property
    def last_event_id(self) -> int:
        """Its counter."""
        return self.channel.messages_event_id

    def key(self, text: str) -> int:
        """Return the index that a text spells."""
        return _index(text)

    async def again(self, tx: Reader) -> MessageList | None:
        """Return it as it is now, or None when it has gone."""
        channel = await tx.channels.get(self.service, self.channel.sid)
        return MessageList(self.service, channel) if channel else None

    async def slice(self, tx: Reader, span: Span[int]) -> Slice[Item]:
        """Return items."""
        found = await tx.messages.slice(self.service, self.channel, span)
        return Slice([self._item(message) for message in found.items], found.before, found.after)

    async def changes(self, tx: Reader, since: int, most: int, known: int) -> list[Change]:
        """Return what changed after an event."""
        found = await tx.messages.since(self.service, self.channel, since, most)
        return [
            _gone(message) if isinstance(message, Tombstone) else _change(message, self._item(message), known)
            for message in found
        ]

    def _item(self, message: Message) -> Item:
        return Item(message.index, views.message_item(message), message.last_event_id)


class Roster(Struct, frozen=True):
    """The members of a channel, by SID."""

    service: Service
    channel: Channel

    kind = Kind.MAP

    @property
    def sid(self) -> str:
        """Its SID."""
        return names.roster_sid(self.channel.sid)

    @property
    def name(self) -> str:
        """Its unique name."""
        return names.roster(self.channel.sid)

    @property
    def last_event_id(self) -> int:
        """Its counter."""
        return self.channel.roster_event_id

    def key(self, text: str) -> str:
        """Return the text: the SID of a member."""
        return text

    async def again(self, tx: Reader) -> Roster | None:
        """Return it as it is now, or None when it has gone."""
        channel = await tx.channels.get(self.service, self.channel.sid)
        return Roster(self.service, channel) if channel else None

    async def slice(self, tx: Reader, span: Span[str]) -> Slice[Item]:
        """Return items."""
        found = await tx.members.slice(self.service, self.channel, span)
        return Slice([self._item(member) for member in found.items], found.before, found.after)

    async def changes(self, tx: Reader, since: int, most: int, known: int) -> list[Change]:
        """Return what changed after an event."""
        found = await tx.members.since(self.service, self.channel, since, most)
        return [
            _gone(member) if isinstance(member, Tombstone) else _change(member, self._item(member), known)
            for member in found
        ]

    def _item(self, member: Member) -> Item:
        data = views.member_item(member, read_status=self.service.read_status_enabled)
        return Item(member.sid, data, member.last_event_id)


class UserChannels(Struct, frozen=True):
    """The channels that a user is in or invited to, by SID."""

    service: Service
    user: User

    kind = Kind.MAP

    @property
    def sid(self) -> str:
        """Its SID."""
        return names.user_channels_sid(self.user.sid)

    @property
    def name(self) -> str:
        """Its unique name."""
        return names.user_channels(self.user.sid)

    @property
    def last_event_id(self) -> int:
        """Its counter."""
        return self.user.channels_event_id

    def key(self, text: str) -> str:
        """Return the text: the SID of a channel."""
        return text

    async def again(self, tx: Reader) -> UserChannels | None:
        """Return it as it is now, or None when it has gone."""
        user = await tx.users.get(self.service, self.user.sid)
        return UserChannels(self.service, user) if user else None

    async def slice(self, tx: Reader, span: Span[str]) -> Slice[Item]:
        """Return items."""
        found = await tx.user_channels.slice(self.service, self.user, span)
        return Slice([self._item(shown) for shown in found.items], found.before, found.after)

    async def changes(self, tx: Reader, since: int, most: int, known: int) -> list[Change]:
        """Return what changed after an event."""
        found = await tx.user_channels.since(self.service, self.user, since, most)
        return [
            _gone(shown) if isinstance(shown, Tombstone) else _change(shown, self._item(shown), known)
            for shown in found
        ]

    def _item(self, shown: UserChannel) -> Item:
        return Item(shown.channel_sid, views.user_channel_item(shown), shown.last_event_id)


class UserInfo(Struct, frozen=True):
    """What everybody in a service may know of a user: three items, there from the first moment."""

    service: Service
    user: User

    kind = Kind.MAP

    @property
    def sid(self) -> str:
        """Its SID."""
        return names.user_info_sid(self.user.sid)

    @property
    def name(self) -> str:
        """Its unique name."""
        return names.user_info(self.user.sid)

    @property
    def last_event_id(self) -> int:
        """Its counter."""
        return self.user.info_event_id

    def key(self, text: str) -> str:
        """Return the text."""
        return text

    async def again(self, tx: Reader) -> UserInfo | None:
        """Return it as it is now, or None when it has gone."""
        user = await tx.users.get(self.service, self.user.sid)
        return UserInfo(self.service, user) if user else None

    async def slice(self, tx: Reader, span: Span[str]) -> Slice[Item]:  # noqa: ARG002
        """Return items."""
        items = [
            Item(key, views.user_info_item(self.user, key), event_id)
            for key, event_id in info_events(self.user).items()
        ]
        if span.descending:
            items.reverse()
        start = span.start
        inside = [
            item
            for item in items
            if start is None or (str(item.key) <= start if span.descending else str(item.key) >= start)
        ]
        page = inside[: span.size]
        return Slice(page, before=len(inside) < len(items), after=len(page) < len(inside))

    async def changes(self, tx: Reader, since: int, most: int, known: int) -> list[Change]:  # noqa: ARG002
        """Return the items that changed after an event."""
        return user_info_changes(self.user, since)


def info_events(user: User) -> dict[str, int]:
    """Return the last event of each item of the info map of a user, by key and in the order of keys."""
    return {
        names.ATTRIBUTES: user.attributes_event_id,
        names.FRIENDLY_NAME: user.friendly_name_event_id,
        names.REACHABILITY: user.reachability_event_id,
    }


def user_info_changes(user: User, since: int) -> list[Change]:
    """Return the items of an info map whose last event is after one, in the order of events."""
    changed = sorted((event_id, key) for key, event_id in info_events(user).items() if event_id > since)
    return [
        Change(event_id, Action.UPDATED, key, views.user_info_item(user, key)) for event_id, key in changed
    ]


class _Stamped(Protocol):
    @property
    def created_event_id(self) -> int: ...

    @property
    def last_event_id(self) -> int: ...


def _change(record: _Stamped, item: Item, known: int) -> Change:
    action = Action.ADDED if record.created_event_id > known else Action.UPDATED
    return Change(record.last_event_id, action, item.key, item.data)


def _gone(tombstone: Tombstone[Any]) -> Change:
    # Also when the item was added after `known`: the client may have read of it in between.
    return Change(tombstone.last_event_id, Action.REMOVED, tombstone.key, None)


def _index(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 18:  # noqa: PLR2004  # digits of 64 bits
        raise ApiError(Kinds.INVALID_PARAMETER, "an index is a whole number", name="Index")
    return int(text)
