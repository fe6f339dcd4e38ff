"""Finding what a caller names, or refusing: what belongs to another account or service is not there.

A channel is named by SID or unique name, a user or a member by SID or identity, everything else by SID.
Source: rest-conventions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import UNSET, UnsetType

from chinwag.domain.permissions import RoleType
from chinwag.errors import ApiError, Kind, Kinds
from chinwag.ids import parse_sid

if TYPE_CHECKING:
    from chinwag.domain.binding import Binding
    from chinwag.domain.caller import Caller
    from chinwag.domain.channel import Channel
    from chinwag.domain.channel_webhook import ChannelWebhook
    from chinwag.domain.credential import Credential
    from chinwag.domain.invite import Invite
    from chinwag.domain.member import Member
    from chinwag.domain.message import Message
    from chinwag.domain.role import Role
    from chinwag.domain.service import Service
    from chinwag.domain.unit import Reader, Transaction
    from chinwag.domain.user import User
    from chinwag.domain.user_channel import UserChannel


async def service_named(tx: Reader, caller: Caller, sid: str) -> Service:
    """Return a service.

    Raises:
        ApiError: `SERVICE_NOT_FOUND`.
    """
    service = await tx.services.get(caller.account_id, sid)
    if service is None:
        raise ApiError(Kinds.SERVICE_NOT_FOUND)
    return service


async def service_to_change(tx: Transaction, caller: Caller, sid: str) -> Service:
    """Return a service and hold it until the transaction ends.

    Raises:
        ApiError: `SERVICE_NOT_FOUND`.
    """
    service = await tx.services.lock(caller.account_id, sid)
    if service is None:
        raise ApiError(Kinds.SERVICE_NOT_FOUND)
    return service


async def role_named(tx: Reader, service: Service, sid: str) -> Role:
    """Return a role of a service.

    Raises:
        ApiError: `ROLE_NOT_FOUND`.
    """
    role = await tx.roles.get(service, sid)
    if role is None:
        raise ApiError(Kinds.ROLE_NOT_FOUND)
    return role


async def role_given(tx: Reader, service: Service, sid: str, role_type: RoleType, otherwise: Kind) -> str:
    """Return the SID of a role that a request gives to somebody.

    Raises:
        ApiError: `otherwise`, when it is not a role of this service and of this type.
    """
    role = await tx.roles.get(service, sid)
    if role is None or role.type is not role_type:
        raise ApiError(otherwise, f"{sid} is not a {role_type} role of service {service.sid}")
    return sid


async def deployment_role(tx: Reader, service: Service, sid: str | UnsetType) -> str:
    """Return the role of a user: the one given, or the default of the service.

    Raises:
        ApiError: `DEPLOYMENT_ROLE_NOT_FOUND`.
    """
    if sid is UNSET:
        return service.default_service_role_sid
    return await role_given(tx, service, sid, RoleType.DEPLOYMENT, Kinds.DEPLOYMENT_ROLE_NOT_FOUND)


async def channel_role(tx: Reader, service: Service, sid: str | UnsetType) -> str:
    """Return the role of a member: the one given, or the default of the service.

    Raises:
        ApiError: `CHANNEL_ROLE_NOT_FOUND`.
    """
    if sid is UNSET:
        return service.default_channel_role_sid
    return await role_given(tx, service, sid, RoleType.CHANNEL, Kinds.CHANNEL_ROLE_NOT_FOUND)


async def user_named(tx: Reader, service: Service, key: str) -> User:
    """Return a user, by SID or identity.

    Raises:
        ApiError: `USER_NOT_FOUND`.
    """
    sid = parse_sid("US", key)
    user = await (tx.users.get(service, sid) if sid else tx.users.by_identity(service, key))
    if user is None:
        raise ApiError(Kinds.USER_NOT_FOUND)
    return user


async def user_with(tx: Transaction, service: Service, identity: str) -> User | None:
    """Return the user who has an identity and hold it until the transaction ends; None when nobody has it."""
    known = await tx.users.by_identity(service, identity)
    return await tx.users.hold(service, known.id) if known else None


async def user_to_change(tx: Transaction, service: Service, key: str) -> User:
    """Return a user, by SID or identity, and hold it until the transaction ends.

    Raises:
        ApiError: `USER_NOT_FOUND`.
    """
    held = await tx.users.hold(service, (await user_named(tx, service, key)).id)
    if held is None:
        raise ApiError(Kinds.USER_NOT_FOUND)
    return held


async def channel_named(tx: Reader, service: Service, key: str) -> Channel:
    """Return a channel, by SID or unique name.

    Raises:
        ApiError: `CHANNEL_NOT_FOUND`.
    """
    sid = parse_sid("CH", key)
    channel = await (tx.channels.get(service, sid) if sid else tx.channels.by_unique_name(service, key))
    if channel is None:
        raise ApiError(Kinds.CHANNEL_NOT_FOUND)
    return channel


async def channel_to_change(tx: Transaction, service: Service, key: str) -> Channel:
    """Return a channel, by SID or unique name, and hold it until the transaction ends.

    Raises:
        ApiError: `CHANNEL_NOT_FOUND`.
    """
    held = await tx.channels.hold(service, (await channel_named(tx, service, key)).id)
    if held is None:
        raise ApiError(Kinds.CHANNEL_NOT_FOUND)
    return held


async def member_named(tx: Reader, service: Service, channel: Channel, key: str) -> Member:
    """Return a member of a channel, by SID or by identity, which may look like one.

    Raises:
        ApiError: `MEMBER_NOT_FOUND`.
    """
    sid = parse_sid("MB", key)
    member = await tx.members.get(service, channel, sid) if sid else None
    if member is None:
        member = await tx.members.by_identity(service, channel, key)
    if member is None:
        raise ApiError(Kinds.MEMBER_NOT_FOUND)
    return member


async def invite_named(tx: Reader, service: Service, channel: Channel, sid: str) -> Invite:
    """Return an invite to a channel.

    Raises:
        ApiError: `INVITE_NOT_FOUND`.
    """
    invite = await tx.invites.get(service, channel, sid)
    if invite is None:
        raise ApiError(Kinds.INVITE_NOT_FOUND)
    return invite


async def user_channel_named(tx: Reader, service: Service, user: User, channel: Channel) -> UserChannel:
    """Return how a user takes part in a channel.

    Raises:
        ApiError: `CHANNEL_NOT_FOUND`, when the user is neither a member nor invited.
    """
    user_channel = await tx.user_channels.get(service, user, channel)
    if user_channel is None:
        raise ApiError(Kinds.CHANNEL_NOT_FOUND, "the user is not in this channel")
    return user_channel


async def message_named(tx: Reader, service: Service, channel: Channel, sid: str) -> Message:
    """Return a message of a channel.

    Raises:
        ApiError: `MESSAGE_NOT_FOUND`.
    """
    message = await tx.messages.get(service, channel, sid)
    if message is None:
        raise ApiError(Kinds.MESSAGE_NOT_FOUND)
    return message


async def binding_named(tx: Reader, service: Service, sid: str, user: User | None) -> Binding:
    """Return a binding of a service; with `user`, of this one only.

    Raises:
        ApiError: `BINDING_NOT_FOUND`.
    """
    binding = await tx.bindings.get(service, sid)
    if binding is None or (user is not None and binding.user_id != user.id):
        raise ApiError(Kinds.BINDING_NOT_FOUND)
    return binding


async def credential_named(tx: Reader, caller: Caller, sid: str) -> Credential:
    """Return a credential of the account.

    Raises:
        ApiError: `CREDENTIAL_NOT_FOUND`.
    """
    credential = await tx.credentials.get(caller.account_id, sid)
    if credential is None:
        raise ApiError(Kinds.CREDENTIAL_NOT_FOUND)
    return credential


async def channel_webhook_named(tx: Reader, service: Service, channel: Channel, sid: str) -> ChannelWebhook:
    """Return a webhook of a channel.

    Raises:
        ApiError: `CHANNEL_WEBHOOK_NOT_FOUND`.
    """
    webhook = await tx.channel_webhooks.get(service, channel, sid)
    if webhook is None:
        raise ApiError(Kinds.CHANNEL_WEBHOOK_NOT_FOUND)
    return webhook
