"""Channels: where messages are posted and who may read them.

How one is removed, with all that hangs on it, is in `leaving`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from chinwag.domain.amendment import NO_AMENDMENT, Amendment
from chinwag.domain.attributes import NO_ATTRIBUTES
from chinwag.domain.caller import SYSTEM
from chinwag.domain.change import given, or_else
from chinwag.domain.event import Event
from chinwag.domain.happening import Happening
from chinwag.domain.lookup import channel_to_change, service_named
from chinwag.domain.rights import rights_of
from chinwag.domain.webhook import WebhookEvent
from chinwag.errors import ApiError, Kinds
from chinwag.ids import Millis

if TYPE_CHECKING:
    from chinwag.domain.caller import Caller
    from chinwag.domain.paging import Cursor
    from chinwag.domain.service import Service
    from chinwag.domain.unit import Transaction
    from chinwag.domain.user import User
    from chinwag.ids import NewSid


class ChannelType(StrEnum):
    """Who finds a channel: everybody, or its members and who is invited."""

    PUBLIC = "public"
    PRIVATE = "private"


class Channel(Struct, frozen=True, kw_only=True):
    """A channel. Source: chat-v1 Channel.

    Client SDKs see a channel as three objects: its *document*, the list of its messages and its *roster*, the
    map of its members.

    Args:
        id: key of the row; 0 for one that was not read from the store. Never shown.
        attributes: JSON text.
        created_by: an identity, or `system`.
        members_count: members, now.
        messages_count: messages that were not deleted, now.
        next_index: index of the next message: one more than was ever given to one.
        last_message_index: of the last message that was not deleted.
        last_message_sid: of the same message; so is the one below.
        last_message_date: when it was created.
        event_id: counter of the events of the document.
        messages_event_id: counter of the events of the message list.
        roster_event_id: counter of the events of the roster.
    """

    id: int = 0
    sid: str
    account_sid: str
    service_sid: str
    friendly_name: str | None = None
    unique_name: str | None = None
    attributes: str = NO_ATTRIBUTES
    type: ChannelType = ChannelType.PUBLIC
    created_by: str = SYSTEM
    members_count: int = 0
    messages_count: int = 0
    next_index: int = 0
    last_message_index: int | None = None
    last_message_sid: str | None = None
    last_message_date: Millis | None = None
    date_created: Millis
    date_updated: Millis
    event_id: int = 1
    messages_event_id: int = 0
    roster_event_id: int = 0

    @property
    def is_public(self) -> bool:
        """Whether everybody finds it."""
        return self.type is ChannelType.PUBLIC


class ChannelCreated(Event, frozen=True):
    """A channel came into being."""

    channel: Channel


class ChannelUpdated(Event, frozen=True):
    """The document of a channel changed: by an edit, or because another message is its last."""

    channel: Channel


class ChannelDeleted(Event, frozen=True):
    """A channel is gone, with everything in it."""

    channel: Channel


class Channels(Protocol):
    """Channels, as they are kept. Each method sees the channels of the given service only."""

    async def get(self, service: Service, sid: str) -> Channel | None:
        """Return a channel, or None."""
        ...

    async def by_unique_name(self, service: Service, unique_name: str) -> Channel | None:
        """Return a channel, or None."""
        ...

    async def hold(self, service: Service, channel_id: int) -> Channel | None:
        """Return a channel as it is now and hold it until the transaction ends; None when it has gone."""
        ...

    async def hold_joined_by(self, service: Service, user: User) -> None:
        """Hold every channel that a user is a member of or is invited to until the transaction ends."""
        ...

    async def page(self, service: Service, cursor: Cursor, types: list[ChannelType]) -> list[Channel]:
        """Return a page of channels of these types, oldest first, and one more if there are more."""
        ...

    async def these(self, service: Service, sids: list[str]) -> list[Channel]:
        """Return those of these channels that there are, oldest first."""
        ...

    async def add(self, service: Service, channel: Channel) -> Channel:
        """Add a channel and return it with its key."""
        ...

    async def save(self, channel: Channel) -> None:
        """Replace every column of a channel that is held."""
        ...

    async def remove(self, channel: Channel) -> None:
        """Take a channel that is held away from everybody. Its rows follow later (`Remains`)."""
        ...


class CreateChannel(Struct, frozen=True, kw_only=True):
    """Add a channel to a service. Nobody is a member of it yet."""

    service_sid: str
    friendly_name: str | None = None
    unique_name: str | None = None
    attributes: str = NO_ATTRIBUTES
    type: ChannelType = ChannelType.PUBLIC
    created_by: str = SYSTEM
    date_created: Millis | UnsetType = UNSET
    date_updated: Millis | UnsetType = UNSET
    amendment: Amendment = NO_AMENDMENT

    async def apply(self, tx: Transaction, caller: Caller, now: Millis, new_sid: NewSid) -> Channel:
        """Return the new channel.

        Raises:
            ApiError: `SERVICE_NOT_FOUND`; `UNAUTHORIZED`; `CHANNEL_EXISTS` when the unique name is taken.
        """
        service = await service_named(tx, caller, self.service_sid)
        may = await rights_of(tx, caller, service)
        may.must("createChannel")
        unique_name = or_else(self.amendment.unique_name, self.unique_name)
        await _check_free(tx, service, unique_name)
        created = or_else(self.date_created, now)

        channel = await tx.channels.add(
            service,
            Channel(
                sid=new_sid("CH"),
                account_sid=service.account_sid,
                service_sid=service.sid,
                friendly_name=or_else(self.amendment.friendly_name, self.friendly_name),
                unique_name=unique_name,
                attributes=or_else(self.amendment.attributes, self.attributes),
                type=self.type,
                created_by=caller.identity or self.created_by,
                date_created=created,
                date_updated=or_else(self.date_updated, created),
            ),
        )
        tx.record(ChannelCreated(channel))
        tx.happened(Happening(event=WebhookEvent.CHANNEL_ADDED, subject=channel, service=service))
        return channel


class UpdateChannel(Struct, frozen=True, kw_only=True):
    """Change a channel. A field left UNSET keeps its value; None clears it.

    Args:
        channel: a SID or a unique name.
    """

    service_sid: str
    channel: str
    friendly_name: str | UnsetType | None = UNSET
    unique_name: str | UnsetType | None = UNSET
    attributes: str | UnsetType = UNSET
    created_by: str | UnsetType = UNSET
    date_created: Millis | UnsetType = UNSET
    date_updated: Millis | UnsetType = UNSET
    amendment: Amendment = NO_AMENDMENT

    async def apply(self, tx: Transaction, caller: Caller, now: Millis, _new_sid: NewSid) -> Channel:
        """Return the changed channel.

        Raises:
            ApiError: `SERVICE_NOT_FOUND`; `CHANNEL_NOT_FOUND`; `CHANNEL_UPDATE_EMPTY`; `UNAUTHORIZED`;
                `CHANNEL_EXISTS`.
        """
        service = await service_named(tx, caller, self.service_sid)
        channel = await channel_to_change(tx, service, self.channel)
        await self._check(tx, caller, service, channel)
        unique_name = or_else(self.amendment.unique_name, self.unique_name)
        if unique_name is not UNSET and unique_name != channel.unique_name:
            await _check_free(tx, service, unique_name)

        changed = replace(
            channel,
            **given(self, (*_AMENDABLE, "created_by", "date_created")) | given(self.amendment, _AMENDABLE),
            date_updated=or_else(self.date_updated, now),
            event_id=channel.event_id + 1,
        )
        await tx.channels.save(changed)
        tx.record(ChannelUpdated(changed))
        tx.happened(
            Happening(event=WebhookEvent.CHANNEL_UPDATED, subject=changed, service=service, channel=changed)
        )
        return changed

    async def _check(self, tx: Transaction, caller: Caller, service: Service, channel: Channel) -> None:
        renamed = self.friendly_name is not UNSET or self.unique_name is not UNSET
        may = await rights_of(tx, caller, service, channel)
        may.must_say(
            self.friendly_name, self.unique_name, self.attributes, otherwise=Kinds.CHANNEL_UPDATE_EMPTY
        )
        if renamed:
            may.must("editChannelName")
        if self.attributes is not UNSET:
            may.must("editChannelAttributes")


_AMENDABLE = ("friendly_name", "unique_name", "attributes")


async def _check_free(tx: Transaction, service: Service, unique_name: str | None) -> None:
    if unique_name is not None and await tx.channels.by_unique_name(service, unique_name) is not None:
        raise ApiError(Kinds.CHANNEL_EXISTS)
