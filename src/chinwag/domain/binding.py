"""Bindings: the devices on which users get push notifications. Client SDKs make them; REST shows and removes.

Source: chat-v2 Binding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from chinwag import limits
from chinwag.domain.credential import PushType
from chinwag.domain.lookup import binding_named, service_named, user_named, user_to_change
from chinwag.domain.notifications import NotificationKind
from chinwag.domain.reachability import note_notifiable
from chinwag.errors import ApiError, Kinds
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

    async def at(self, service: Service, binding_type: PushType, address: str) -> Binding | None:
        """Return the binding of a device, whosever it is, or None."""
        ...

    async def of(self, service: Service, user: User) -> list[Binding]:
        """Return every binding of a user, the one that was registered longest ago first."""
        ...

    async def reached_with(
        self, account_id: int, credential_sid: str, identity: str
    ) -> list[tuple[str, int]]:
        """Return in which services who has devices with a credential: SIDs, and keys of the users' rows."""
        ...

    async def any_of(self, user: User) -> bool:
        """Return whether a user has a device."""
        ...

    async def add(self, service: Service, binding: Binding) -> None:
        """Add a binding."""
        ...

    async def save(self, service: Service, binding: Binding) -> None:
        """Replace every column of a binding but its user."""
        ...

    async def remove(self, service: Service, binding: Binding) -> None:
        """Remove a binding."""
        ...


class CreateBinding(Struct, frozen=True, kw_only=True):
    """Register a device of the user who asks. One that is known already keeps its SID.

    A device belongs to the user who registered it last: who uses a device after somebody else gets no more of
    what is meant for that one. When there are too many, the one that was registered longest ago goes (both
    decided).

    Args:
        endpoint: what the client calls itself; None when it does not.
        credential_sid: what reaches the device, as the access token says.
        address: where the provider finds it.
    """

    service_sid: str
    endpoint: str | None
    credential_sid: str | None
    binding_type: PushType
    address: str
    message_types: tuple[NotificationKind, ...]

    async def apply(self, tx: Transaction, caller: Caller, now: Millis, new_sid: NewSid) -> Binding:
        """Return the binding.

        Raises:
            ApiError: `SERVICE_NOT_FOUND`; `USER_NOT_FOUND`; `PUSH_CREDENTIAL_MISSING`;
                `CREDENTIAL_NOT_FOUND`; `PUSH_CREDENTIAL_TYPE`.
        """
        service = await service_named(tx, caller, self.service_sid)
        credential_sid = await self._credential(tx, caller)
        user = await user_to_change(tx, service, caller.identity or "")
        known = await tx.bindings.at(service, self.binding_type, self.address)
        sid = known.sid if known and known.user_id == user.id else new_sid("BS")
        binding = Binding(
            user_id=user.id,
            sid=sid,
            account_sid=service.account_sid,
            service_sid=service.sid,
            user_sid=user.sid,
            identity=user.identity,
            endpoint=self.endpoint or f"{user.identity}:{sid}",
            credential_sid=credential_sid,
            binding_type=self.binding_type,
            address=self.address,
            message_types=self.message_types,
            date_created=known.date_created if known and known.sid == sid else now,
            date_updated=now,
        )
        if known is not None and known.sid == sid:
            await tx.bindings.save(service, binding)
            return binding

        if known is not None:
            await _remove(tx, service, known, client=None)
        of_user = await tx.bindings.of(service, user)
        for old in of_user[: max(0, len(of_user) + 1 - limits.BINDINGS)]:
            await tx.bindings.remove(service, old)
        await tx.bindings.add(service, binding)
        await note_notifiable(tx, service, user.id, client=caller.identity)
        return binding

    async def _credential(self, tx: Transaction, caller: Caller) -> str:
        if self.credential_sid is None:
            raise ApiError(Kinds.PUSH_CREDENTIAL_MISSING)
        credential = await tx.credentials.get(caller.account_id, self.credential_sid)
        if credential is None:
            raise ApiError(Kinds.CREDENTIAL_NOT_FOUND, f"the account has no {self.credential_sid}")
        if (credential.type is PushType.APN) is not (self.binding_type is PushType.APN):
            detail = f"{credential.sid} is for {credential.type}, and the device for {self.binding_type}"
            raise ApiError(Kinds.PUSH_CREDENTIAL_TYPE, detail)
        return credential.sid


class RemoveBinding(Struct, frozen=True, kw_only=True):
    """Forget a device of the user who asks. One that is not there, or somebody else's, is left alone.

    Args:
        sid: of the binding; None to name the device as its provider does, by the two below.
    """

    service_sid: str
    sid: str | None = None
    binding_type: PushType | None = None
    address: str | None = None

    async def apply(self, tx: Transaction, caller: Caller, _now: Millis, _new_sid: NewSid) -> None:
        """Forget it.

        Raises:
            ApiError: `SERVICE_NOT_FOUND`.
        """
        service = await service_named(tx, caller, self.service_sid)
        if self.sid is not None:
            binding = await tx.bindings.get(service, self.sid)
        elif self.binding_type is not None and self.address is not None:
            binding = await tx.bindings.at(service, self.binding_type, self.address)
        else:
            binding = None
        if binding is not None and binding.identity == caller.identity:
            await _remove(tx, service, binding, client=caller.identity)


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
        binding = await binding_named(tx, service, self.sid, user)
        await _remove(tx, service, binding, client=caller.identity)


async def _remove(tx: Transaction, service: Service, binding: Binding, *, client: str | None) -> None:
    await tx.bindings.remove(service, binding)
    await note_notifiable(tx, service, binding.user_id, client=client)
