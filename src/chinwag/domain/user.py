"""Users: everybody who takes part in the chat of a service, known by an identity.

How one is removed, with all that hangs on it, is in `leaving`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from chinwag import limits
from chinwag.domain.amendment import NO_AMENDMENT, Amendment
from chinwag.domain.attributes import NO_ATTRIBUTES
from chinwag.domain.caller import SYSTEM
from chinwag.domain.change import given
from chinwag.domain.event import Event
from chinwag.domain.happening import Happening
from chinwag.domain.lookup import deployment_role, service_named, user_to_change
from chinwag.domain.rights import rights_of
from chinwag.domain.webhook import WebhookEvent
from chinwag.errors import ApiError, Kinds
from chinwag.ids import Millis, parse_sid

if TYPE_CHECKING:
    from chinwag.domain.caller import Caller
    from chinwag.domain.paging import Cursor
    from chinwag.domain.service import Service
    from chinwag.domain.unit import Transaction
    from chinwag.ids import NewSid


class User(Struct, frozen=True, kw_only=True):
    """A user. Source: chat-v1 User.

    Client SDKs see a user as two objects: the *info map*, whose items are the friendly name, the attributes
    and the reachability, and the map of the user's channels.

    Args:
        id: key of the row; 0 for one that was not read from the store. Never shown.
        attributes: JSON text.
        role_sid: a deployment role. If that was deleted, the default of the service.
        is_online: whether a client is connected; None while nobody knows.
        is_notifiable: whether a push can reach the user; None while nobody knows.
        joined_channels_count: channels that the user is a member of.
        info_event_id: counter of the events of the info map.
        friendly_name_event_id: the last event of that item; so are the two below.
        channels_event_id: counter of the events of the user's channels.
    """

    id: int = 0
    sid: str
    account_sid: str
    service_sid: str
    identity: str
    friendly_name: str | None = None
    attributes: str = NO_ATTRIBUTES
    role_sid: str
    is_online: bool | None = None
    is_notifiable: bool | None = None
    joined_channels_count: int = 0
    date_created: Millis
    date_updated: Millis
    info_event_id: int = 1
    friendly_name_event_id: int = 1
    attributes_event_id: int = 1
    reachability_event_id: int = 1
    channels_event_id: int = 0


class OnlineUser(NamedTuple):
    """Somebody who is marked as online."""

    account_id: int
    account_sid: str
    service_sid: str
    identity: str


class UserCreated(Event, frozen=True):
    """A user came into being, by request or by being added to a channel."""

    user: User


class UserUpdated(Event, frozen=True):
    """Something about a user changed. Items of the info map whose event is above `since` changed with it."""

    user: User
    since: int


class UserDeleted(Event, frozen=True):
    """A user is gone. Memberships, invites and bindings went with it; messages stay."""

    user: User


class Users(Protocol):
    """Users, as they are kept. Each method sees the users of the given service only."""

    async def get(self, service: Service, sid: str) -> User | None:
        """Return a user, or None."""
        ...

    async def by_identity(self, service: Service, identity: str) -> User | None:
        """Return a user, or None."""
        ...

    async def hold(self, service: Service, user_id: int) -> User | None:
        """Return a user as it is now and hold it until the transaction ends; None when it has gone."""
        ...

    async def page(self, service: Service, cursor: Cursor) -> list[User]:
        """Return a page of users, oldest first, and one more if there are more."""
        ...

    async def these(self, service: Service, sids: list[str]) -> list[User]:
        """Return those of these users that there are, oldest first."""
        ...

    async def online(self) -> list[OnlineUser]:
        """Return who is marked as online, in all services of all accounts."""
        ...

    async def forget_reachability(self, service: Service) -> None:
        """Forget of every user whether a client is connected and whether a push can reach it."""
        ...

    async def note_notifiable(self, service: Service) -> None:
        """Note of every user with a device that a push can reach it."""
        ...

    async def add(self, service: Service, user: User) -> User:
        """Add a user and return it with its key."""
        ...

    async def save(self, user: User) -> None:
        """Replace every column of a user that is held."""
        ...

    async def remove(self, user: User) -> None:
        """Remove a user that is held, with its invites, bindings and channel list."""
        ...


class CreateUser(Struct, frozen=True, kw_only=True):
    """Add a user to a service."""

    service_sid: str
    identity: str
    friendly_name: str | None = None
    attributes: str = NO_ATTRIBUTES
    role_sid: str | UnsetType = UNSET

    async def apply(self, tx: Transaction, caller: Caller, now: Millis, new_sid: NewSid) -> User:
        """Return the new user.

        Raises:
            ApiError: `SERVICE_NOT_FOUND`; what `check_identity` raises; `DEPLOYMENT_ROLE_NOT_FOUND`;
                `USER_EXISTS`.
        """
        check_identity(self.identity)
        service = await service_named(tx, caller, self.service_sid)
        role_sid = await deployment_role(tx, service, self.role_sid)
        if await tx.users.by_identity(service, self.identity) is not None:
            raise ApiError(Kinds.USER_EXISTS)

        user = new_user(service, self.identity, role_sid, now, new_sid)
        named = replace(user, friendly_name=self.friendly_name, attributes=self.attributes)
        return await add_user(tx, service, named)


class UpdateUser(Struct, frozen=True, kw_only=True):
    """Change a user. A field left UNSET keeps its value; None clears it. `user` is a SID or an identity."""

    service_sid: str
    user: str
    friendly_name: str | UnsetType | None = UNSET
    attributes: str | UnsetType = UNSET
    role_sid: str | UnsetType = UNSET
    amendment: Amendment = NO_AMENDMENT

    async def apply(self, tx: Transaction, caller: Caller, now: Millis, _new_sid: NewSid) -> User:
        """Return the changed user.

        Raises:
            ApiError: `SERVICE_NOT_FOUND`; `USER_NOT_FOUND`; `ROLE_UNAUTHORIZED`; `MISSING_PARAMETER`;
                `UNAUTHORIZED`; `DEPLOYMENT_ROLE_NOT_FOUND`.
        """
        service = await service_named(tx, caller, self.service_sid)
        may = await rights_of(tx, caller, service)
        user = await user_to_change(tx, service, self.user)
        may.must_not_give(self.role_sid)
        may.must_say(self.friendly_name, self.attributes)
        may.must_own(user.identity, "editOwnUserInfo", "editAnyUserInfo")

        role_sid = user.role_sid
        if self.role_sid is not UNSET:
            role_sid = await deployment_role(tx, service, self.role_sid)

        changed = replace(user, role_sid=role_sid, date_updated=now)
        event_id = user.info_event_id
        items = ("friendly_name", "attributes")
        for name, value in (given(self, items) | given(self.amendment, items)).items():
            event_id += 1
            changed = replace(changed, **{name: value, f"{name}_event_id": event_id})
        changed = replace(changed, info_event_id=event_id)

        await tx.users.save(changed)
        tx.record(UserUpdated(changed, since=user.info_event_id))
        tx.happened(Happening(event=WebhookEvent.USER_UPDATED, subject=changed, service=service))
        return changed


def new_user(service: Service, identity: str, role_sid: str, now: Millis, new_sid: NewSid) -> User:
    """Return somebody new, who is in no store yet."""
    return User(
        sid=new_sid("US"),
        account_sid=service.account_sid,
        service_sid=service.sid,
        identity=identity,
        role_sid=role_sid,
        date_created=now,
        date_updated=now,
    )


async def add_user(tx: Transaction, service: Service, user: User) -> User:
    """Add a user whose identity nobody has, and return it."""
    added = await tx.users.add(service, user)
    tx.record(UserCreated(added))
    tx.happened(Happening(event=WebhookEvent.USER_ADDED, subject=added, service=service))
    return added


def check_identity(identity: str) -> None:
    """See that somebody may have this identity.

    Raises:
        ApiError: `IDENTITY_NOT_PROVIDED`; `IDENTITY_TOO_LONG`; `IDENTITY_LIKE_SID`; `IDENTITY_RESERVED`.
    """
    if not identity:
        raise ApiError(Kinds.IDENTITY_NOT_PROVIDED)
    if len(identity) > limits.IDENTITY:
        raise ApiError(Kinds.IDENTITY_TOO_LONG, f"{len(identity)} characters; at most {limits.IDENTITY}")
    if parse_sid("US", identity) is not None:
        raise ApiError(Kinds.IDENTITY_LIKE_SID)
    if identity.lower() == SYSTEM:
        raise ApiError(Kinds.IDENTITY_RESERVED, f"{SYSTEM} stands for what is done over REST")
