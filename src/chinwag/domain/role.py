"""Roles: named sets of permissions. They bind what client SDKs may do, never what the REST API may."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from chinwag.domain.event import Event
from chinwag.domain.lookup import role_named, service_to_change
from chinwag.domain.permissions import (
    CHANNEL_ADMIN,
    CHANNEL_USER,
    PERMISSIONS,
    SERVICE_ADMIN,
    SERVICE_USER,
    RoleType,
)
from chinwag.errors import ApiError, Kinds
from chinwag.ids import Millis

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from chinwag.domain.caller import Caller
    from chinwag.domain.channel import Channel
    from chinwag.domain.paging import Cursor
    from chinwag.domain.rights import Standing
    from chinwag.domain.service import Service
    from chinwag.domain.unit import Transaction
    from chinwag.errors import Kind
    from chinwag.ids import NewSid


class Role(Struct, frozen=True, kw_only=True):
    """A role of a service. Its name and type never change."""

    sid: str
    account_sid: str
    service_sid: str
    friendly_name: str
    type: RoleType
    permissions: tuple[str, ...]
    date_created: Millis
    date_updated: Millis


class RoleCreated(Event, frozen=True):
    """A role was added to a service."""

    service_sid: str
    role_sid: str


class RoleUpdated(Event, frozen=True):
    """The permissions of a role changed: who holds it may do more or less from now on."""

    service_sid: str
    role_sid: str


class RoleDeleted(Event, frozen=True):
    """A role is gone: who held it falls back to the default of the service."""

    service_sid: str
    role_sid: str


class Roles(Protocol):
    """Roles, as they are kept."""

    async def get(self, service: Service, sid: str) -> Role | None:
        """Return a role of the service, or None."""
        ...

    async def page(self, service: Service, cursor: Cursor) -> list[Role]:
        """Return a page of roles, oldest first, and one more if there are more."""
        ...

    async def add(self, service: Service, roles: Iterable[Role]) -> None:
        """Add roles to the service."""
        ...

    async def set_permissions(
        self, service: Service, sid: str, permissions: tuple[str, ...], date_updated: Millis
    ) -> Role:
        """Replace the permissions of a role and return it."""
        ...

    async def remove(self, service: Service, sid: str) -> None:
        """Remove a role."""
        ...

    async def standing(self, service: Service, identity: str, channel: Channel | None) -> Standing | None:
        """Return who a user is in a service and in a channel, and what the user's roles permit, or None.

        Roles that were deleted are the defaults of the service.
        """
        ...


class DefaultRoles(Struct, frozen=True, kw_only=True):
    """The four roles that every service starts with. Source: permissions-guide."""

    service_admin: Role
    service_user: Role
    channel_admin: Role
    channel_user: Role

    def __iter__(self) -> Iterator[Role]:
        """Yield them in the order in which they are listed."""
        yield self.service_admin
        yield self.service_user
        yield self.channel_admin
        yield self.channel_user


def default_roles(account_sid: str, service_sid: str, now: Millis, new_sid: NewSid) -> DefaultRoles:
    """Return the roles of a new service."""

    def role(friendly_name: str, role_type: RoleType, permissions: tuple[str, ...]) -> Role:
        return Role(
            sid=new_sid("RL"),
            account_sid=account_sid,
            service_sid=service_sid,
            friendly_name=friendly_name,
            type=role_type,
            permissions=permissions,
            date_created=now,
            date_updated=now,
        )

    return DefaultRoles(
        service_admin=role("service admin", RoleType.DEPLOYMENT, SERVICE_ADMIN),
        service_user=role("service user", RoleType.DEPLOYMENT, SERVICE_USER),
        channel_admin=role("channel admin", RoleType.CHANNEL, CHANNEL_ADMIN),
        channel_user=role("channel user", RoleType.CHANNEL, CHANNEL_USER),
    )


class CreateRole(Struct, frozen=True, kw_only=True):
    """Add a role to a service. Names need not be unique."""

    service_sid: str
    friendly_name: str
    type: RoleType
    permissions: tuple[str, ...]

    async def apply(self, tx: Transaction, caller: Caller, now: Millis, new_sid: NewSid) -> Role:
        """Return the new role.

        Raises:
            ApiError: `SERVICE_NOT_FOUND`; `PERMISSION_NOT_FOUND` for a name that this type of role cannot
            hold.
        """
        service = await service_to_change(tx, caller, self.service_sid)

        role = Role(
            sid=new_sid("RL"),
            account_sid=service.account_sid,
            service_sid=service.sid,
            friendly_name=self.friendly_name,
            type=self.type,
            permissions=_permitted(self.type, self.permissions),
            date_created=now,
            date_updated=now,
        )
        await tx.roles.add(service, [role])
        tx.record(RoleCreated(service.sid, role.sid))
        return role


class UpdateRole(Struct, frozen=True, kw_only=True):
    """Replace the permissions of a role. Nothing else about a role can change."""

    service_sid: str
    sid: str
    permissions: tuple[str, ...]

    async def apply(self, tx: Transaction, caller: Caller, now: Millis, _new_sid: NewSid) -> Role:
        """Return the changed role.

        Raises:
            ApiError: `SERVICE_NOT_FOUND`; `ROLE_NOT_FOUND`; `PERMISSION_NOT_FOUND`.
        """
        service = await service_to_change(tx, caller, self.service_sid)
        role = await role_named(tx, service, self.sid)

        changed = await tx.roles.set_permissions(
            service, role.sid, _permitted(role.type, self.permissions), now
        )
        tx.record(RoleUpdated(service.sid, role.sid))
        return changed


class DeleteRole(Struct, frozen=True, kw_only=True):
    """Remove a role. Who holds it falls back to the default of the service."""

    service_sid: str
    sid: str

    async def apply(self, tx: Transaction, caller: Caller, _now: Millis, _new_sid: NewSid) -> None:
        """Remove it.

        Raises:
            ApiError: `SERVICE_NOT_FOUND`; `ROLE_NOT_FOUND`; and, for a default role of the service,
                `DEPLOYMENT_ROLE_NOT_FOUND`, `CHANNEL_ROLE_NOT_FOUND` or `CHANNEL_CREATOR_ROLE_NOT_FOUND`.
        """
        service = await service_to_change(tx, caller, self.service_sid)
        role = await role_named(tx, service, self.sid)

        # One role may be several defaults: of two entries for it the last one stays.
        defaults: dict[str, Kind] = {
            service.default_service_role_sid: Kinds.DEPLOYMENT_ROLE_NOT_FOUND,
            service.default_channel_role_sid: Kinds.CHANNEL_ROLE_NOT_FOUND,
            service.default_channel_creator_role_sid: Kinds.CHANNEL_CREATOR_ROLE_NOT_FOUND,
        }
        if role.sid in defaults:
            raise ApiError(
                defaults[role.sid], "the role is a default of its service: give the service another one first"
            )

        await tx.roles.remove(service, role.sid)
        tx.record(RoleDeleted(service.sid, role.sid))


def _permitted(role_type: RoleType, permissions: tuple[str, ...]) -> tuple[str, ...]:
    """Return the permissions once each, in the order given."""
    for permission in permissions:
        if permission not in PERMISSIONS[role_type]:
            raise ApiError(
                Kinds.PERMISSION_NOT_FOUND, f"{permission!r} is not a permission of a {role_type} role"
            )
    return tuple(dict.fromkeys(permissions))
