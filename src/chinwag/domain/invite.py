"""Invites: somebody may join a channel. What an invite does is in `joining`, how one ends in `leaving`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from chinwag.domain.caller import SYSTEM
from chinwag.ids import Millis

if TYPE_CHECKING:
    from chinwag.domain.channel import Channel
    from chinwag.domain.paging import Cursor
    from chinwag.domain.service import Service
    from chinwag.domain.user import User


class Invite(Struct, frozen=True, kw_only=True):
    """An invitation of a user to a channel. Source: chat-v1 Invite.

    Args:
        user_id: key of the user's row. Never shown.
        role_sid: a channel role, of the future member. If that was deleted, the default of the service.
        created_by: an identity, or `system`.
    """

    user_id: int
    sid: str
    account_sid: str
    service_sid: str
    channel_sid: str
    identity: str
    role_sid: str
    created_by: str = SYSTEM
    date_created: Millis
    date_updated: Millis


class Invites(Protocol):
    """Invites, as they are kept. Each method sees those of the given channel only."""

    async def get(self, service: Service, channel: Channel, sid: str) -> Invite | None:
        """Return an invite, or None."""
        ...

    async def of(self, service: Service, channel: Channel, user: User) -> Invite | None:
        """Return the invite of a user, or None."""
        ...

    async def page(
        self, service: Service, channel: Channel, cursor: Cursor, identities: list[str] | None
    ) -> list[Invite]:
        """Return a page of invites, oldest first, and one more if there are more.

        With `identities`, of these only.
        """
        ...

    async def add(self, channel: Channel, invite: Invite) -> None:
        """Add an invite to a channel that is held."""
        ...

    async def remove(self, channel: Channel, invite: Invite) -> None:
        """Remove an invite."""
        ...
