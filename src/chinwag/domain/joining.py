"""How users come into channels: by being added or invited. Limits are decided here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from chinwag.domain.attributes import NO_ATTRIBUTES
from chinwag.domain.caller import SYSTEM
from chinwag.domain.change import or_else
from chinwag.domain.happening import Happening, Reason
from chinwag.domain.horizon import Horizon, moved
from chinwag.domain.invite import Invite
from chinwag.domain.lookup import channel_role, channel_to_change, service_named, user_with
from chinwag.domain.member import Member, MemberAdded
from chinwag.domain.notifications import NotificationKind
from chinwag.domain.occasion import note
from chinwag.domain.rights import rights_of
from chinwag.domain.user import User, add_user, check_identity, new_user
from chinwag.domain.user_channel import UserChannelStatus, show
from chinwag.domain.webhook import WebhookEvent
from chinwag.errors import ApiError, Kinds
from chinwag.ids import Millis

if TYPE_CHECKING:
    from chinwag.domain.caller import Caller
    from chinwag.domain.channel import Channel
    from chinwag.domain.service import Service
    from chinwag.domain.unit import Transaction
    from chinwag.ids import NewSid


class CreateMember(Struct, frozen=True, kw_only=True):
    """Add a user to a channel. An identity that nobody has becomes a user; a pending invite is used up.

    A user who adds itself joins. Who joins a channel that it has created holds the role for creators.

    Args:
        channel: a SID or a unique name.
        role_sid: UNSET is the role of the invite, or the default of the service.
    """

    service_sid: str
    channel: str
    identity: str
    role_sid: str | UnsetType = UNSET
    attributes: str = NO_ATTRIBUTES
    last_consumed_message_index: int | UnsetType | None = UNSET
    last_consumption_timestamp: Millis | UnsetType | None = UNSET
    date_created: Millis | UnsetType = UNSET
    date_updated: Millis | UnsetType = UNSET

    async def apply(self, tx: Transaction, caller: Caller, now: Millis, new_sid: NewSid) -> Member:
        """Return the new member.

        Raises:
            ApiError: `SERVICE_NOT_FOUND`; `CHANNEL_NOT_FOUND`; what `check_identity` raises; `UNAUTHORIZED`;
                `ROLE_UNAUTHORIZED`; `CHANNEL_ROLE_NOT_FOUND`; `MEMBER_EXISTS`; `CHANNEL_MEMBER_LIMIT`;
                `USER_CHANNEL_LIMIT`.
        """
        check_identity(self.identity)
        service = await service_named(tx, caller, self.service_sid)
        channel = await channel_to_change(tx, service, self.channel)
        joins = self.identity == caller.identity
        may = await rights_of(tx, caller, service, channel)
        may.must("joinChannel" if joins else "addMember")
        may.must_not_give(self.role_sid)

        role_sid = await channel_role(tx, service, self.role_sid)
        user = await self._user(tx, service, now, new_sid)
        before = await tx.user_channels.get(service, user, channel)
        _check_room(service, channel, user, joined=before and before.status is UserChannelStatus.JOINED)

        invite = await tx.invites.of(service, channel, user) if before else None
        if invite is not None:
            role_sid = or_else(self.role_sid, invite.role_sid)
            await tx.invites.remove(channel, invite)
        if joins and channel.created_by == caller.identity:
            role_sid = service.default_channel_creator_role_sid

        created = or_else(self.date_created, now)
        event_id = channel.roster_event_id + 1
        member = moved(
            Member(
                user_id=user.id,
                sid=new_sid("MB"),
                account_sid=service.account_sid,
                service_sid=service.sid,
                channel_sid=channel.sid,
                user_sid=user.sid,
                identity=user.identity,
                role_sid=role_sid,
                attributes=self.attributes,
                date_created=created,
                date_updated=or_else(self.date_updated, created),
                created_event_id=event_id,
                last_event_id=event_id,
            ),
            channel,
            Horizon(self.last_consumed_message_index, self.last_consumption_timestamp),
            now,
        )
        await tx.channels.save(
            replace(channel, members_count=channel.members_count + 1, roster_event_id=event_id)
        )
        await tx.members.add(channel, member)
        tx.record(MemberAdded(member))
        tx.happened(
            Happening(
                event=WebhookEvent.MEMBER_ADDED,
                subject=member,
                service=service,
                channel=channel,
                reason=Reason.JOINED if joins else Reason.ADDED,
            )
        )
        await show(tx, user, channel, before=before, status=UserChannelStatus.JOINED, member=member)
        if not joins:
            await note(
                tx, service, NotificationKind.ADDED_TO_CHANNEL, channel,
                user_id=user.id, author=caller.identity or SYSTEM, now=now, new_sid=new_sid,
            )  # fmt: skip
        return member

    async def _user(self, tx: Transaction, service: Service, now: Millis, new_sid: NewSid) -> User:
        """Return the user with the identity, held, and made if there is none."""
        user = await user_with(tx, service, self.identity)
        if user is not None:
            return user
        role_sid = service.default_service_role_sid
        return await add_user(tx, service, new_user(service, self.identity, role_sid, now, new_sid))


def _check_room(service: Service, channel: Channel, user: User, *, joined: bool | None) -> None:
    if joined:
        raise ApiError(Kinds.MEMBER_EXISTS)
    if channel.members_count >= service.limits.channel_members:
        most = service.limits.channel_members
        raise ApiError(Kinds.CHANNEL_MEMBER_LIMIT, f"limits.channel_members of the service is {most}")
    if user.joined_channels_count >= service.limits.user_channels:
        most = service.limits.user_channels
        raise ApiError(Kinds.USER_CHANNEL_LIMIT, f"limits.user_channels of the service is {most}")


class CreateInvite(Struct, frozen=True, kw_only=True):
    """Invite a user to a channel. Invites count against no limit (decided).

    Args:
        channel: a SID or a unique name.
        role_sid: of the future member; UNSET is the default of the service.
    """

    service_sid: str
    channel: str
    identity: str
    role_sid: str | UnsetType = UNSET
    created_by: str = SYSTEM

    async def apply(self, tx: Transaction, caller: Caller, now: Millis, new_sid: NewSid) -> Invite:
        """Return the new invite.

        Raises:
            ApiError: `SERVICE_NOT_FOUND`; `CHANNEL_NOT_FOUND`; what `check_identity` raises; `UNAUTHORIZED`;
                `ROLE_UNAUTHORIZED`; `CHANNEL_ROLE_NOT_FOUND`; `USER_NOT_FOUND` for an identity that nobody
                has (recorded); `MEMBER_EXISTS`; `USER_INVITED`.
        """
        check_identity(self.identity)
        service = await service_named(tx, caller, self.service_sid)
        channel = await channel_to_change(tx, service, self.channel)
        may = await rights_of(tx, caller, service, channel)
        may.must("inviteMember")
        may.must_not_give(self.role_sid)

        role_sid = await channel_role(tx, service, self.role_sid)
        user = await user_with(tx, service, self.identity)
        if user is None:
            raise ApiError(Kinds.USER_NOT_FOUND, "no User has this identity: adding a member would make one")
        there = await tx.user_channels.get(service, user, channel)
        if there is not None:
            joined = there.status is UserChannelStatus.JOINED
            raise ApiError(Kinds.MEMBER_EXISTS if joined else Kinds.USER_INVITED)

        invite = Invite(
            user_id=user.id,
            sid=new_sid("IN"),
            account_sid=service.account_sid,
            service_sid=service.sid,
            channel_sid=channel.sid,
            identity=user.identity,
            role_sid=role_sid,
            created_by=caller.identity or self.created_by,
            date_created=now,
            date_updated=now,
        )
        await tx.invites.add(channel, invite)
        await show(tx, user, channel, before=None, status=UserChannelStatus.INVITED)
        await note(
            tx, service, NotificationKind.INVITED_TO_CHANNEL, channel,
            user_id=user.id, author=invite.created_by, now=now, new_sid=new_sid,
        )  # fmt: skip
        return invite
