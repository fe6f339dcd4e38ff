"""Bindings: the devices on which users get push notifications. Client SDKs make them; REST shows and removes.

Source: chat-v2 Binding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from chinwag.domain.credential import PushType
from chinwag.domain.lookup import binding_named, service_named, user_named
from chinwag.domain.notifications import NotificationKind
from chinwag.ids import Millis

if TYPE_CHECKING:
    from chinwag.domain.caller import Caller
    from chinwag.domain.paging import Cursor
    from chinwag.domain.service import Service
    from chinwag.domain.unit import Transaction
    from chinwag.domain.user import User
    from chinwag.ids import NewSid


class Binding(Struct, frozen=True, kw_only=True):
    """A device of a user.

    Args:
        user_id: key of the user's row. Never shown.
        endpoint: the client that registered it, as it calls itself.
        address: where the provider finds the device. Never shown.
        message_types: the occasions for which the device wants to be pushed to.
    """

    user_id: int
    sid: str
    account_sid: str
    service_sid: str
    user_sid: str
    identity: str
    endpoint: str
    credential_sid: str
    binding_type: PushType
    address: str
    message_types: tuple[NotificationKind, ...]
    date_created: Millis
    date_updated: Millis


class Bindings(Protocol):
    """Bindings, as they are kept. Each method sees those of the given service only."""

    async def get(self, service: Service, sid: str) -> Binding | None:
        """Return a binding, or None."""
        ...

    async def page(
        self,
        service: Service,
        cursor: Cursor,
        types: list[PushType],
        identities: list[str] | None,
    ) -> list[Binding]:
        """Return a page of bindings of these types, oldest first, and one more if there are more.

        With `identities`, of these users only.
        """
        ...

    async def page_of_user(
        self, service: Service, user: User, cursor: Cursor, types: list[PushType]
    ) -> list[Binding]:
        """Return a page of a user's bindings of these types, in the same way."""
        ...

    async def add(self, service: Service, binding: Binding) -> None:
        """Add a binding."""
        ...

    async def remove(self, service: Service, binding: Binding) -> None:
        """Remove a binding."""
        ...


class DeleteBinding(Struct, frozen=True, kw_only=True):
    """Remove a binding.

    Args:
        user: a SID or an identity; None for a binding of whomever.
    """

    service_sid: str
    sid: str
    user: str | None = None

    async def apply(self, tx: Transaction, caller: Caller, _now: Millis, _new_sid: NewSid) -> None:
        """Remove it.

        Raises:
            ApiError: `SERVICE_NOT_FOUND`; `USER_NOT_FOUND`; `BINDING_NOT_FOUND`.
        """
        service = await service_named(tx, caller, self.service_sid)
        user = await user_named(tx, service, self.user) if self.user is not None else None
        await tx.bindings.remove(service, await binding_named(tx, service, self.sid, user))
