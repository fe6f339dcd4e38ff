"""Members: who takes part in a channel.

How one comes, changes and goes is in `joining`, `membership` and `leaving`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from chinwag.domain.attributes import NO_ATTRIBUTES
from chinwag.domain.event import Event
from chinwag.ids import Millis

if TYPE_CHECKING:
    from chinwag.domain.channel import Channel
    from chinwag.domain.items import Slice, Span, Tombstone
    from chinwag.domain.paging import Cursor
    from chinwag.domain.service import Service
    from chinwag.domain.user import User


class Member(Struct, frozen=True, kw_only=True):
    """A member of a channel. Source: chat-v1 Member.

    Args:
        user_id: key of the user's row. Never shown.
        user_sid: of the user.
        role_sid: a channel role. If that was deleted, the default of the service.
        attributes: JSON text.
        last_consumed_message_index: how far the member has read; None when nobody knows.
        last_consumption_timestamp: when that was.
        created_event_id: the event of the roster that added the member.
        last_event_id: the last event of this item of the roster.
    """

    user_id: int
    sid: str
    account_sid: str
    service_sid: str
    channel_sid: str
    user_sid: str
    identity: str
    role_sid: str
    attributes: str = NO_ATTRIBUTES
    last_consumed_message_index: int | None = None
    last_consumption_timestamp: Millis | None = None
    date_created: Millis
    date_updated: Millis
    created_event_id: int
    last_event_id: int


class MemberAdded(Event, frozen=True):
    """Somebody joined a channel or was added."""

    member: Member


class MemberUpdated(Event, frozen=True):
    """The role, the attributes or the read horizon of a member changed."""

    member: Member


class MemberRemoved(Event, frozen=True):
    """Somebody left a channel or was removed."""

    member: Member


class Members(Protocol):
    """Members, as they are kept. Each method sees those of the given channel only."""

    async def get(self, service: Service, channel: Channel, sid: str) -> Member | None:
        """Return a member, or None."""
        ...

    async def by_identity(self, service: Service, channel: Channel, identity: str) -> Member | None:
        """Return a member, or None."""
        ...

    async def page(
        self, service: Service, channel: Channel, cursor: Cursor, identities: list[str] | None
    ) -> list[Member]:
        """Return a page of members, oldest first, and one more if there are more.

        With `identities`, of these only.
        """
        ...

    async def slice(self, service: Service, channel: Channel, span: Span[str]) -> Slice[Member]:
        """Return members by SID."""
        ...

    async def since(
        self, service: Service, channel: Channel, event_id: int, most: int
    ) -> list[Member | Tombstone[str]]:
        """Return what changed in the roster after an event, ordered by the last event of each.

        The first `most`: who wants the others goes on from the last one. The keys of tombstones are SIDs.
        """
        ...

    async def user_sids(self, channel: Channel) -> list[str]:
        """Return the SIDs of the users who are members."""
        ...

    async def add(self, channel: Channel, member: Member) -> None:
        """Add a member to a channel that is held."""
        ...

    async def save(self, channel: Channel, member: Member) -> None:
        """Replace every column of a member whose channel is held."""
        ...

    async def remove(self, channel: Channel, member: Member) -> None:
        """Take a member away; what is left tells client SDKs that it went."""
        ...

    async def remove_all_of(self, service: Service, user: User) -> list[Member]:
        """Take a user who is held out of every channel, all of which are held, and count them off there.

        Answers with the memberships, stamped with their last event.
        """
        ...
