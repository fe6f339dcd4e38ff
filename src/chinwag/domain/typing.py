"""Typing: that a member is writing something. It is told and never kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chinwag.domain.event import Event
from chinwag.domain.lookup import channel_named, service_named
from chinwag.domain.rights import rights_of

if TYPE_CHECKING:
    from chinwag.domain.caller import Caller
    from chinwag.domain.unit import Reader


class Typing(Event, frozen=True, kw_only=True):
    """A member of a channel is typing.

    Args:
        identity: who.
        timeout_s: how long this holds unless it is said again, in seconds.
        to: the members of the channel: the SIDs of their users.
    """

    service_sid: str
    channel_sid: str
    member_sid: str
    identity: str
    timeout_s: int
    to: frozenset[str]


async def typing(tx: Reader, caller: Caller, service_sid: str, channel_sid: str) -> Typing:
    """Return that a user is typing in a channel.

    Raises:
        ApiError: `SERVICE_NOT_FOUND`; `CHANNEL_NOT_FOUND`; `NOT_A_MEMBER`.
    """
    service = await service_named(tx, caller, service_sid)
    channel = await channel_named(tx, service, channel_sid)
    may = await rights_of(tx, caller, service, channel)
    may.must_be_member()
    assert may.member_sid is not None, "who types is a member"
    assert caller.identity is not None, "and a user"
    return Typing(
        service_sid=service.sid,
        channel_sid=channel.sid,
        member_sid=may.member_sid,
        identity=caller.identity,
        timeout_s=service.typing_indicator_timeout,
        to=frozenset(await tx.members.user_sids(channel)),
    )
