"""User channels: the channels of a user, as that user sees them. Each is a membership or an invitation.

Together they are one map that client SDKs follow; its counter is the user's `channels_event_id`. What
joining, changing and leaving do is in `joining`, `membership` and `leaving`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct
from msgspec.structs import replace

from chinwag.domain.event import Event

if TYPE_CHECKING:
    from chinwag.domain.channel import Channel
    from chinwag.domain.items import Slice, Span, Tombstone
    from chinwag.domain.member import Member
    from chinwag.domain.paging import Cursor
    from chinwag.domain.service import Service
    from chinwag.domain.unit import Transaction
    from chinwag.domain.user import User


class UserChannelStatus(StrEnum):
    """How a user takes part in a channel."""

    JOINED = "joined"
    INVITED = "invited"
    NOT_PARTICIPATING = "not_participating"


class NotificationLevel(StrEnum):
    """Whether new messages in a channel are pushed to a user."""

    DEFAULT = "default"
    MUTED = "muted"


class UserChannel(Struct, frozen=True, kw_only=True):
    """A channel of a user. Source: chat-v1 UserChannel.

    Args:
        user_id: key of the user's row. Never shown; nor is the one below.
        channel_id: key of the channel's row.
        member_sid: of the membership; None while the user is only invited (decided).
        last_consumed_message_index: how far the user has read; None when nobody knows.
        unread_messages_count: messages above that, as counted when this was read; None when nobody knows.
        created_event_id: the event that put the channel into the user's list.
        last_event_id: the last event of this item.
    """

    user_id: int
    channel_id: int
    account_sid: str
    service_sid: str
    user_sid: str
    channel_sid: str
    member_sid: str | None = None
    status: UserChannelStatus
    notification_level: NotificationLevel = NotificationLevel.DEFAULT
    last_consumed_message_index: int | None = None
    unread_messages_count: int | None = None
    created_event_id: int
    last_event_id: int


class UserChannelAdded(Event, frozen=True):
    """A channel came into the list of a user."""

    user_channel: UserChannel


class UserChannelUpdated(Event, frozen=True):
    """A user accepted an invitation, or has read on, or muted the channel."""

    user_channel: UserChannel


class UserChannelRemoved(Event, frozen=True):
    """A channel has left the list of a user."""

    user_channel: UserChannel


class UserChannels(Protocol):
    """User channels, as they are kept."""

    async def get(self, service: Service, user: User, channel: Channel) -> UserChannel | None:
        """Return how a user takes part in a channel, or None."""
        ...

    async def page(self, service: Service, user: User, cursor: Cursor) -> list[UserChannel]:
        """Return a page of a user's channels, oldest channel first, and one more if there are more."""
        ...

    async def slice(self, service: Service, user: User, span: Span[str]) -> Slice[UserChannel]:
        """Return a user's channels by the SID of the channel. Unread messages are not counted."""
        ...

    async def since(
        self, service: Service, user: User, event_id: int, most: int
    ) -> list[UserChannel | Tombstone[str]]:
        """Return what changed in a user's list after an event, ordered by the last event of each.

        The first `most`: who wants the others goes on from the last one. The keys of tombstones are SIDs of
        channels. Unread messages are not counted.
        """
        ...

    async def put(self, user_channel: UserChannel) -> None:
        """Keep a user channel, in the place of what there was."""
        ...

    async def remove(self, user_channel: UserChannel) -> None:
        """Take one away; what is left tells client SDKs that it went."""
        ...

    async def remove_all_of(self, service: Service, channel: Channel) -> list[UserChannel]:
        """Take a channel away from all who have it, and count it off for its members.

        Answers with what was taken away, stamped with its last event. Holds the users.
        """
        ...


async def show(
    tx: Transaction,
    user: User,
    channel: Channel,
    *,
    before: UserChannel | None,
    status: UserChannelStatus,
    member: Member | None = None,
) -> None:
    """Put a channel into the list of a user who is held, or show it there in another way.

    Args:
        tx: the transaction.
        user: whose list.
        channel: which channel.
        before: how the list shows the channel so far.
        status: how it does from now on.
        member: the membership, if there is one.
    """
    event_id = user.channels_event_id + 1
    shown = UserChannel(
        user_id=user.id,
        channel_id=channel.id,
        account_sid=user.account_sid,
        service_sid=user.service_sid,
        user_sid=user.sid,
        channel_sid=channel.sid,
        member_sid=member.sid if member else None,
        status=status,
        notification_level=before.notification_level if before else NotificationLevel.DEFAULT,
        last_consumed_message_index=member.last_consumed_message_index if member else None,
        created_event_id=before.created_event_id if before else event_id,
        last_event_id=event_id,
    )
    joins = status is UserChannelStatus.JOINED
    await tx.user_channels.put(shown)
    await tx.users.save(
        replace(
            user,
            channels_event_id=event_id,
            joined_channels_count=user.joined_channels_count + int(joins),
        )
    )
    tx.record(UserChannelUpdated(shown) if before else UserChannelAdded(shown))


async def reshow(tx: Transaction, user: User, changed: UserChannel) -> UserChannel:
    """Keep what changed about a channel in the list of a user who is held, and return it stamped."""
    event_id = user.channels_event_id + 1
    shown = replace(changed, last_event_id=event_id)
    await tx.user_channels.put(shown)
    await tx.users.save(replace(user, channels_event_id=event_id))
    tx.record(UserChannelUpdated(shown))
    return shown


async def hide(tx: Transaction, user: User, shown: UserChannel) -> None:
    """Take a channel out of the list of a user who is held."""
    event_id = user.channels_event_id + 1
    left = shown.status is UserChannelStatus.JOINED
    hidden = replace(shown, last_event_id=event_id)
    await tx.user_channels.remove(hidden)
    await tx.users.save(
        replace(
            user,
            channels_event_id=event_id,
            joined_channels_count=user.joined_channels_count - int(left),
        )
    )
    tx.record(UserChannelRemoved(hidden))
