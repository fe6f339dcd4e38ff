"""The read horizon: how far a member has read. Source: consumption-guide; decided where it says nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from chinwag.domain.change import or_else
from chinwag.ids import Millis

if TYPE_CHECKING:
    from chinwag.domain.channel import Channel
    from chinwag.domain.member import Member


class Horizon(Struct, frozen=True):
    """What a request says about a read horizon. UNSET leaves as it is, None forgets.

    Args:
        index: of the last message that was read.
        timestamp: when it was.
    """

    index: int | UnsetType | None
    timestamp: Millis | UnsetType | None

    @property
    def moves(self) -> bool:
        """Whether it says anything."""
        return self.index is not UNSET or self.timestamp is not UNSET


def moved(member: Member, channel: Channel, horizon: Horizon, now: Millis) -> Member:
    """Return a member with another read horizon.

    It may move back. Beyond the last message means the last message; in a channel that never had one, 0. An
    index that comes without a timestamp was reached now.
    """
    index, timestamp = horizon.index, horizon.timestamp
    if index is UNSET:
        index = member.last_consumed_message_index
        reached = member.last_consumption_timestamp
    elif index is None:
        reached = None
    else:
        index = min(index, max(channel.next_index - 1, 0))
        reached = now
    return replace(
        member,
        last_consumed_message_index=index,
        last_consumption_timestamp=or_else(timestamp, reached),
    )
