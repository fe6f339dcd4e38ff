"""What may change about a membership: its role, its attributes, how far is read, and what is pushed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from chinwag.domain.change import given, or_else
from chinwag.domain.happening import Happening
from chinwag.domain.horizon import Horizon, moved
from chinwag.domain.lookup import (
    channel_role,
    channel_to_change,
    member_named,
    service_named,
    user_channel_named,
    user_named,
)
from chinwag.domain.member import Member, MemberUpdated
from chinwag.domain.occasion import note
from chinwag.domain.push import PushKind
from chinwag.domain.rights import rights_of
from chinwag.domain.user_channel import NotificationLevel, UserChannel, UserChannelStatus, reshow
from chinwag.domain.webhook import WebhookEvent
from chinwag.errors import ApiError, Kinds
from chinwag.ids import Millis

if TYPE_CHECKING:
    from chinwag.domain.caller import Caller
    from chinwag.domain.channel import Channel
    from chinwag.domain.rights import Rights
    from chinwag.domain.service import Service
    from chinwag.domain.unit import Transaction
    from chinwag.ids import NewSid


class UpdateMember(Struct, frozen=True, kw_only=True):
    """Change a member. A field left UNSET keeps its value; None forgets it.

    Args:
        channel: a SID or a unique name.
        member: a SID or an identity.
    """

    service_sid: str
    channel: str
    member: str
    role_sid: str | UnsetType = UNSET
    attributes: str | UnsetType = UNSET
    last_consumed_message_index: int | UnsetType | None = UNSET
    last_consumption_timestamp: Millis | UnsetType | None = UNSET
    date_created: Millis | UnsetType = UNSET
    date_updated: Millis | UnsetType = UNSET

    async def apply(self, tx: Transaction, caller: Caller, now: Millis, new_sid: NewSid) -> Member:
        """Return the changed member.

        Raises:
            ApiError: `SERVICE_NOT_FOUND`; `CHANNEL_NOT_FOUND`; `MEMBER_NOT_FOUND`; `ROLE_UNAUTHORIZED`;
                `MISSING_PARAMETER`; `UNAUTHORIZED`; `CHANNEL_ROLE_NOT_FOUND`.
        """
        service = await service_named(tx, caller, self.service_sid)
        channel = await channel_to_change(tx, service, self.channel)
        may = await rights_of(tx, caller, service, channel)
        member = await member_named(tx, service, channel, self.member)
        horizon = Horizon(self.last_consumed_message_index, self.last_consumption_timestamp)
        self._check(may, member, horizon)
        if self.role_sid is not UNSET:
            await channel_role(tx, service, self.role_sid)

        changed = moved(member, channel, horizon, now)
        if horizon.moves and not given(self, _BESIDES_THE_HORIZON):
            changed = await _read_on(tx, service, channel, changed, now)
        else:
            plain = given(self, ("role_sid", "attributes", "date_created"))
            changed = replace(changed, **plain, date_updated=or_else(self.date_updated, now))
            changed = await _save(tx, channel, changed)
            tx.happened(
                Happening(
                    event=WebhookEvent.MEMBER_UPDATED, subject=changed, service=service, channel=channel
                )
            )
        if horizon.moves:
            await _show_horizon(tx, service, channel, changed)
            await _note_reading(tx, service, channel, (member, changed), now, new_sid)
        return changed

    def _check(self, may: Rights, member: Member, horizon: Horizon) -> None:
        may.must_not_give(self.role_sid)
        may.must_say(self.attributes, horizon.index, horizon.timestamp)
        if self.attributes is not UNSET:
            may.must_own(member.identity, "editOwnMemberAttributes", "editAnyMemberAttributes")
        if horizon.moves:
            may.must_be(member.identity)


_BESIDES_THE_HORIZON = ("role_sid", "attributes", "date_created", "date_updated")


class UpdateUserChannel(Struct, frozen=True, kw_only=True):
    """Change how a user sees a channel: what is pushed, and how far is read.

    Args:
        user: a SID or an identity.
        channel: a SID or a unique name.
    """

    service_sid: str
    user: str
    channel: str
    notification_level: NotificationLevel | UnsetType = UNSET
    last_consumed_message_index: int | UnsetType | None = UNSET
    last_consumption_timestamp: Millis | UnsetType | None = UNSET

    async def apply(self, tx: Transaction, caller: Caller, now: Millis, new_sid: NewSid) -> UserChannel:
        """Return the changed user channel.

        Raises:
            ApiError: `SERVICE_NOT_FOUND`; `USER_NOT_FOUND`; `UNAUTHORIZED`; `NOT_A_MEMBER`;
                `CHANNEL_NOT_FOUND`, also when the user is not in it; `MEMBER_NOT_FOUND` when the read horizon
                of somebody who is only invited should move.
        """
        service = await service_named(tx, caller, self.service_sid)
        named = await user_named(tx, service, self.user)
        channel = await channel_to_change(tx, service, self.channel)
        may = await rights_of(tx, caller, service, channel)
        may.must_be(named.identity)
        may.must_be_member()
        if self.notification_level is not UNSET:
            may.must("editNotificationLevel")

        horizon = Horizon(self.last_consumed_message_index, self.last_consumption_timestamp)
        if horizon.moves:
            member = await tx.members.by_identity(service, channel, named.identity)
            if member is None:
                raise ApiError(Kinds.MEMBER_NOT_FOUND, "who is only invited has no read horizon")
            read = await _read_on(tx, service, channel, moved(member, channel, horizon, now), now)
            await _note_reading(tx, service, channel, (member, read), now, new_sid)

        user = await tx.users.hold(service, named.id)
        if user is None:
            raise ApiError(Kinds.USER_NOT_FOUND)
        shown = await user_channel_named(tx, service, user, channel)
        level = or_else(self.notification_level, shown.notification_level)
        return await reshow(tx, user, replace(shown, notification_level=level))


async def _read_on(
    tx: Transaction, service: Service, channel: Channel, member: Member, now: Millis
) -> Member:
    """Keep a member of whom nothing but the read horizon has moved. Source: consumption-guide.

    While the service does not report how far others have read, the roster hears nothing of it.
    """
    if service.read_status_enabled:
        return await _save(tx, channel, replace(member, date_updated=now))
    await tx.members.save(channel, member)
    return member


async def _note_reading(  # noqa: PLR0917  # each of another kind
    tx: Transaction,
    service: Service,
    channel: Channel,
    members: tuple[Member, Member],
    now: Millis,
    new_sid: NewSid,
) -> None:
    """Note that a member, as before and after, has read all of a channel, which icons counted until now."""
    before, after = (member.last_consumed_message_index for member in members)
    last = channel.last_message_index
    if last is not None and before is not None and before < last and (after is None or after >= last):
        await note(
            tx, service, PushKind.BADGE, channel,
            user_id=members[0].user_id, author=members[0].identity, now=now, new_sid=new_sid,
        )  # fmt: skip


async def _save(tx: Transaction, channel: Channel, member: Member) -> Member:
    """Keep a member, and stamp it with an event of the roster."""
    event_id = channel.roster_event_id + 1
    stamped = replace(member, last_event_id=event_id)
    await tx.channels.save(replace(channel, roster_event_id=event_id))
    await tx.members.save(channel, stamped)
    tx.record(MemberUpdated(stamped))
    return stamped


async def _show_horizon(tx: Transaction, service: Service, channel: Channel, member: Member) -> None:
    """Stamp the channel in the list of its member, where the horizon shows too."""
    # Who is deleted leaves its channels before, each held as this one is: a member is a user that has a list.
    user = await tx.users.hold(service, member.user_id)
    if user is not None:  # pragma: no branch
        shown = await tx.user_channels.get(service, user, channel)
        if shown is not None and shown.status is UserChannelStatus.JOINED:  # pragma: no branch
            await reshow(tx, user, shown)
