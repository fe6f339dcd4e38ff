"""What users may do with a client SDK. Sources: permissions-guide, chat-roles; decided where they are silent.

A user has the permissions of a deployment role, and in a channel also those of the membership's role. The
account itself may do everything, and nothing is looked up for it.

The order of checks is: whether the user sees the channel, whether it is a member (where that is needed),
whether there is a permission; limits and everything else come after (decided).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from chinwag.errors import ApiError, Kinds

if TYPE_CHECKING:
    from chinwag.domain.caller import Caller
    from chinwag.domain.channel import Channel
    from chinwag.domain.service import Service
    from chinwag.domain.unit import Reader
    from chinwag.errors import Kind


class Standing(Struct, frozen=True, kw_only=True):
    """Who a user is in a service and in a channel, and what the user may do there.

    Args:
        deployment_role_sid: the role of the user; the default of the service, if that was deleted.
        channel_role_sid: the same of the membership; None without one.
        permissions: of both roles together.
        member_sid: of the membership; None without one, and without a channel.
        invited: whether there is an invite that was not accepted yet.
    """

    user_sid: str
    deployment_role_sid: str
    channel_role_sid: str | None
    permissions: frozenset[str]
    member_sid: str | None
    invited: bool

    @property
    def roles(self) -> str:
        """The roles that were looked at, for a developer who wonders."""
        channel_role = f"channel role {self.channel_role_sid}" if self.channel_role_sid else "no channel role"
        return f"deployment role {self.deployment_role_sid}, {channel_role}"


class Rights(Struct, frozen=True, kw_only=True):
    """What a caller may do. Each check passes or refuses.

    Args:
        identity: of a user; None for the account, which may do everything. So is `standing`.
    """

    identity: str | None = None
    standing: Standing | None = None

    @property
    def member_sid(self) -> str | None:
        """The user's membership in the channel; None for the account."""
        return self.standing.member_sid if self.standing else None

    def must(self, *permissions: str) -> None:
        """See that there is one of these permissions.

        Raises:
            ApiError: `UNAUTHORIZED`; its detail names the permission and the roles that lack it.
        """
        if self.standing is not None and self.standing.permissions.isdisjoint(permissions):
            raise ApiError(Kinds.UNAUTHORIZED, f"needs {' or '.join(permissions)}; {self.standing.roles}")

    def must_own(self, identity: str, own: str, of_anybody: str) -> None:
        """See that there is the permission for what belongs to an identity: the first, if it is the caller's.

        Whoever may do it to anybody's may do it to their own.

        Raises:
            ApiError: `UNAUTHORIZED`.
        """
        if identity == self.identity:
            self.must(own, of_anybody)
        else:
            self.must(of_anybody)

    def must_be(self, identity: str) -> None:
        """See that the caller has this identity: no permission reaches what is somebody else's here.

        Raises:
            ApiError: `UNAUTHORIZED`.
        """
        if self.standing is not None and identity != self.identity:
            raise ApiError(Kinds.UNAUTHORIZED, f"only {identity} may do this, whatever the permissions")

    def must_be_member(self) -> None:
        """See that the caller is a member of the channel.

        Raises:
            ApiError: `NOT_A_MEMBER`.
        """
        if self.standing is not None and self.standing.member_sid is None:
            raise ApiError(Kinds.NOT_A_MEMBER)

    def must_not_give(self, role_sid: str | UnsetType) -> None:
        """See that a user gives nobody a role.

        Raises:
            ApiError: `ROLE_UNAUTHORIZED`.
        """
        if self.standing is not None and role_sid is not UNSET:
            raise ApiError(Kinds.ROLE_UNAUTHORIZED, "roles are given over REST only")

    def must_say(self, *values: object, otherwise: Kind | None = None) -> None:
        """See that a user who wants to change something says what: nothing would need no permission.

        Raises:
            ApiError: `otherwise`, or `MISSING_PARAMETER`.
        """
        if self.standing is not None and all(value is UNSET for value in values):
            raise ApiError(otherwise) if otherwise else ApiError(Kinds.MISSING_PARAMETER, name="Attributes")


EVERYTHING = Rights()
"""What the account may do."""


async def rights_of(tx: Reader, caller: Caller, service: Service, channel: Channel | None = None) -> Rights:
    """Return what a caller may do in a service, or in a channel of it.

    Raises:
        ApiError: `USER_NOT_FOUND` when the user was deleted; `CHANNEL_NOT_FOUND` when the user may not see
            the channel.
    """
    if caller.identity is None:
        return EVERYTHING
    found = await standing(tx, caller, service, channel)
    if channel is not None and not _sees(found, caller.identity, channel):
        raise ApiError(Kinds.CHANNEL_NOT_FOUND, "a private channel: neither its creator, member nor invited")
    return Rights(identity=caller.identity, standing=found)


async def standing(tx: Reader, caller: Caller, service: Service, channel: Channel | None = None) -> Standing:
    """Return who a user is in a service, and in a channel of it.

    Raises:
        ApiError: `USER_NOT_FOUND` when the user was deleted.
    """
    assert caller.identity is not None, "an account has no roles"
    found = await tx.roles.standing(service, caller.identity, channel)
    if found is None:
        raise ApiError(Kinds.USER_NOT_FOUND, f"{caller.identity} is no longer a user of the service")
    if channel is not None and found.member_sid is None and channel.created_by == caller.identity:
        return await _as_creator(tx, service, found)
    return found


async def _as_creator(tx: Reader, service: Service, found: Standing) -> Standing:
    """Return the same with the role of creators: who made a channel has it, member or not (decided)."""
    role = await tx.roles.get(service, service.default_channel_creator_role_sid)
    if role is None:
        return found
    return replace(found, channel_role_sid=role.sid, permissions=found.permissions.union(role.permissions))


async def may_see(tx: Reader, caller: Caller, service: Service, channel: Channel) -> bool:
    """Return whether a caller may see a channel: a private one its creator, its members and who is invited.

    Everybody sees a public one, and the account sees them all.
    """
    if caller.identity is None or channel.is_public:
        return True
    found = await tx.roles.standing(service, caller.identity, channel)
    return found is not None and _sees(found, caller.identity, channel)


def _sees(found: Standing, identity: str, channel: Channel) -> bool:
    return (
        channel.is_public or channel.created_by == identity or found.member_sid is not None or found.invited
    )
