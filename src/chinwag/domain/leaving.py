"""How somebody or something goes: members, invites, users and channels, each with what hangs on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from chinwag.domain.caller import SYSTEM
from chinwag.domain.channel import ChannelDeleted
from chinwag.domain.happening import Happening, Reason
from chinwag.domain.lookup import (
    channel_to_change,
    invite_named,
    member_named,
    service_named,
    user_named,
)
from chinwag.domain.member import MemberRemoved
from chinwag.domain.notifications import NotificationKind
from chinwag.domain.occasion import note
from chinwag.domain.rights import rights_of
from chinwag.domain.unit import OvertakenError
from chinwag.domain.user import UserDeleted
from chinwag.domain.user_channel import UserChannelRemoved, hide
from chinwag.domain.webhook import WebhookEvent
from chinwag.errors import ApiError, Kinds

if TYPE_CHECKING:
    from chinwag.domain.caller import Caller
    from chinwag.domain.channel import Channel
    from chinwag.domain.invite import Invite
    from chinwag.domain.member import Member
    from chinwag.domain.service import Service
    from chinwag.domain.unit import Transaction
    from chinwag.ids import Millis, NewSid


class DeleteMember(Struct, frozen=True, kw_only=True):
    """Remove a member from a channel, which a user may leave. What the member posted stays.

    Args:
        channel: a SID or a unique name.
        member: a SID or an identity.
    """

    service_sid: str
    channel: str
    member: str

    async def apply(self, tx: Transaction, caller: Caller, now: Millis, new_sid: NewSid) -> None:
        """Remove it.

        Raises:
            ApiError: `SERVICE_NOT_FOUND`; `CHANNEL_NOT_FOUND`; `NOT_A_MEMBER` for who would leave;
                `MEMBER_NOT_FOUND`; `UNAUTHORIZED`.
        """
        service = await service_named(tx, caller, self.service_sid)
        channel = await channel_to_change(tx, service, self.channel)
        may = await rights_of(tx, caller, service, channel)
        if self.member == caller.identity:
            may.must_be_member()
        member = await member_named(tx, service, channel, self.member)
        may.must("leaveChannel" if member.identity == caller.identity else "removeMember")

        await _remove(tx, caller, service, channel, member, now, new_sid)


class DeleteUserChannel(Struct, frozen=True, kw_only=True):
    """Take a user out of a channel: out of its members, or off its invites.

    Args:
        user: a SID or an identity.
        channel: a SID or a unique name.
    """

    service_sid: str
    user: str
    channel: str

    async def apply(self, tx: Transaction, caller: Caller, now: Millis, new_sid: NewSid) -> None:
        """Take the user out.

        Raises:
            ApiError: `SERVICE_NOT_FOUND`; `USER_NOT_FOUND`; `CHANNEL_NOT_FOUND`, also when the user is not in
                it.
        """
        service = await service_named(tx, caller, self.service_sid)
        user = await user_named(tx, service, self.user)
        channel = await channel_to_change(tx, service, self.channel)

        member = await tx.members.by_identity(service, channel, user.identity)
        invite = await tx.invites.of(service, channel, user)
        if member is not None:
            await _remove(tx, caller, service, channel, member, now, new_sid)
        elif invite is not None:
            await _withdraw(tx, service, channel, invite)
        else:
            raise ApiError(Kinds.CHANNEL_NOT_FOUND, "the user is not in this channel")


class DeleteInvite(Struct, frozen=True, kw_only=True):
    """Withdraw an invite, or turn one's own down. `channel` is a SID or a unique name."""

    service_sid: str
    channel: str
    sid: str

    async def apply(self, tx: Transaction, caller: Caller, _now: Millis, _new_sid: NewSid) -> None:
        """Withdraw it.

        Raises:
            ApiError: `SERVICE_NOT_FOUND`; `CHANNEL_NOT_FOUND`; `INVITE_NOT_FOUND`; `UNAUTHORIZED`.
        """
        service = await service_named(tx, caller, self.service_sid)
        channel = await channel_to_change(tx, service, self.channel)
        may = await rights_of(tx, caller, service, channel)
        invite = await invite_named(tx, service, channel, self.sid)
        if invite.identity != caller.identity:
            may.must("inviteMember")

        await _withdraw(tx, service, channel, invite)


class DeclineInvite(Struct, frozen=True, kw_only=True):
    """Turn an invite down, or withdraw somebody else's. There is one at most of an identity in a channel.

    Args:
        channel: a SID or a unique name.
        identity: who is invited.
    """

    service_sid: str
    channel: str
    identity: str

    async def apply(self, tx: Transaction, caller: Caller, _now: Millis, _new_sid: NewSid) -> None:
        """Turn it down.

        Raises:
            ApiError: `SERVICE_NOT_FOUND`; `CHANNEL_NOT_FOUND`; `UNAUTHORIZED`; `DECLINED_BY_MEMBER`;
                `INVITE_NOT_FOUND`.
        """
        service = await service_named(tx, caller, self.service_sid)
        channel = await channel_to_change(tx, service, self.channel)
        may = await rights_of(tx, caller, service, channel)
        if self.identity != caller.identity:
            may.must("inviteMember")

        user = await tx.users.by_identity(service, self.identity)
        invite = await tx.invites.of(service, channel, user) if user else None
        if invite is not None:
            await _withdraw(tx, service, channel, invite)
        elif await tx.members.by_identity(service, channel, self.identity):
            raise ApiError(Kinds.DECLINED_BY_MEMBER)
        else:
            raise ApiError(Kinds.INVITE_NOT_FOUND)


class DeleteUser(Struct, frozen=True, kw_only=True):
    """Remove a user with its memberships, invites and bindings. `user` is a SID or an identity.

    Messages stay, and name the identity as their author. Whoever uses the identity again is a new user
    (decided).
    """

    service_sid: str
    user: str

    async def apply(self, tx: Transaction, caller: Caller, now: Millis, _new_sid: NewSid) -> None:
        """Remove it. Webhooks are told of the memberships that end.

        Raises:
            ApiError: `SERVICE_NOT_FOUND`; `USER_NOT_FOUND`.
        """
        service = await service_named(tx, caller, self.service_sid)
        named = await user_named(tx, service, self.user)
        await tx.channels.hold_joined_by(service, named)
        user = await tx.users.hold(service, named.id)
        if user is None:
            raise ApiError(Kinds.USER_NOT_FOUND)
        if user.channels_event_id != named.channels_event_id:
            raise OvertakenError  # there may be a channel that is not held

        members = await tx.members.remove_all_of(service, user)
        for member in members:
            tx.record(MemberRemoved(member))
        channels = await tx.channels.these(service, [member.channel_sid for member in members])
        within = {channel.sid: channel for channel in channels}
        for member in members:
            tx.happened(_removal(caller, service, within[member.channel_sid], member, now))
        await tx.users.remove(user)
        tx.record(UserDeleted(user))


class DeleteChannel(Struct, frozen=True, kw_only=True):
    """Remove a channel with its members, messages, invites and webhooks. `channel` is a SID or a unique name.

    It is gone for everybody at once, and its unique name is free; its rows follow in small batches.
    """

    service_sid: str
    channel: str

    async def apply(self, tx: Transaction, caller: Caller, now: Millis, _new_sid: NewSid) -> None:
        """Remove it. Webhooks are told of the channel, and not of each of its members (decided).

        Raises:
            ApiError: `SERVICE_NOT_FOUND`; `CHANNEL_NOT_FOUND`; `UNAUTHORIZED`.
        """
        service = await service_named(tx, caller, self.service_sid)
        channel = await channel_to_change(tx, service, self.channel)
        may = await rights_of(tx, caller, service, channel)
        may.must("destroyChannel")

        # Client SDKs must hear that the channel left their list before they hear that it is gone.
        for user_channel in await tx.user_channels.remove_all_of(service, channel):
            tx.record(UserChannelRemoved(user_channel))
        await tx.channels.remove(channel)
        tx.record(ChannelDeleted(channel))
        tx.happened(
            Happening(
                event=WebhookEvent.CHANNEL_DESTROYED,
                subject=channel,
                service=service,
                channel=channel,
                ended=now,
            )
        )


async def _remove(  # noqa: PLR0917  # each of another kind
    tx: Transaction,
    caller: Caller,
    service: Service,
    channel: Channel,
    member: Member,
    now: Millis,
    new_sid: NewSid,
) -> None:
    event_id = channel.roster_event_id + 1
    removed = replace(member, last_event_id=event_id)
    await tx.channels.save(
        replace(channel, members_count=channel.members_count - 1, roster_event_id=event_id)
    )
    await tx.members.remove(channel, removed)
    tx.record(MemberRemoved(removed))
    await _hide(tx, service, channel, member.user_id)
    tx.happened(_removal(caller, service, channel, member, now))
    if member.identity != caller.identity:
        await note(
            tx, service, NotificationKind.REMOVED_FROM_CHANNEL, channel,
            user_id=member.user_id, author=caller.identity or SYSTEM, now=now, new_sid=new_sid,
        )  # fmt: skip


def _removal(caller: Caller, service: Service, channel: Channel, member: Member, now: Millis) -> Happening:
    return Happening(
        event=WebhookEvent.MEMBER_REMOVED,
        subject=member,
        service=service,
        channel=channel,
        reason=Reason.LEFT if member.identity == caller.identity else Reason.REMOVED,
        by=caller.identity or SYSTEM,
        ended=now,
    )


async def _withdraw(tx: Transaction, service: Service, channel: Channel, invite: Invite) -> None:
    await tx.invites.remove(channel, invite)
    await _hide(tx, service, channel, invite.user_id)


async def _hide(tx: Transaction, service: Service, channel: Channel, user_id: int) -> None:
    """Take the channel out of the user's list."""
    user = await tx.users.hold(service, user_id)
    shown = await tx.user_channels.get(service, user, channel) if user else None
    assert user is not None, "a user takes its memberships and invites along, and the channel is held"
    assert shown is not None, "who is a member or invited has the channel in the list"
    await hide(tx, user, shown)
