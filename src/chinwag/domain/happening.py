"""What webhooks may be told of: said by the rules, told by `announcing`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chinwag.domain.channel import Channel
    from chinwag.domain.member import Member
    from chinwag.domain.message import Message
    from chinwag.domain.service import Service
    from chinwag.domain.user import User
    from chinwag.domain.webhook import WebhookEvent
    from chinwag.domain.webhook_call import Foretold
    from chinwag.ids import Millis


class Reason(StrEnum):
    """How somebody came into a channel, or went. Source: webhook-events."""

    ADDED = "ADDED"
    JOINED = "JOINED"
    REMOVED = "REMOVED"
    LEFT = "LEFT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """Something that webhooks may be told of.

    Args:
        event: what happened, as webhooks are told of it afterwards.
        subject: whom or what it happened to, as it is now, or as it was before it went.
        service: where; None when nobody looked it up, because webhooks are not told of this caller's doings.
        channel: the channel in which it happened, if it happened in one that was there before.
        reason: how a member came or went.
        by: who changed or removed it.
        ended: when it went.
        client: whose client caused it, where that is not the caller.
        foretold: what is told of it, where that is decided, and written down, already.
    """

    event: WebhookEvent
    subject: Message | Channel | Member | User
    service: Service | None
    channel: Channel | None = None
    reason: Reason | None = None
    by: str | None = None
    ended: Millis | None = None
    client: str | None = None
    foretold: Foretold | None = None
