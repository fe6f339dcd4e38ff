"""Occasions: what happened of which the devices of users may be told. Source: push-configuration.

An occasion is one row, written in the transaction of the change, however many devices it concerns. Its pushes
are made right after, by `spreading` (docs/decisions/0011-pushes-are-rows.md).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from chinwag.domain.event import Event
from chinwag.domain.notifications import NotificationKind
from chinwag.domain.push import PushKind
from chinwag.ids import Millis

if TYPE_CHECKING:
    from chinwag.domain.channel import Channel
    from chinwag.domain.push import NoPush, Words
    from chinwag.domain.service import Service
    from chinwag.domain.unit import Transaction
    from chinwag.ids import NewSid


class Occasion(Struct, frozen=True, kw_only=True):
    """Something that happened.

    Args:
        id: key of the row; 0 for one that was not read from the store. Never shown.
        account_id: key of the account's row. Never shown; nor are the other keys.
        sid: `NT…`: those of its pushes begin with the same digits.
        user_id: key of the user who is told; None for the members of the channel.
        author: the identity of whoever caused it.
        reached: the SID of the last member whose devices have their push.
        pushes: how many pushes there are so far.
    """

    id: int = 0
    account_id: int = 0
    account_sid: str
    service_sid: str
    sid: str
    kind: PushKind
    channel_id: int | None = None
    channel_sid: str | None = None
    message_sid: str | None = None
    message_index: int | None = None
    user_id: int | None = None
    author: str
    date_created: Millis
    reached: str = ""
    pushes: int = 0


class OccasionNoted(Event, frozen=True):
    """There is an occasion of which no pushes are made yet."""

    service_sid: str


class Spread(Struct, frozen=True):
    """What came of making pushes of an occasion.

    Args:
        credentials: for which pushes wait now.
        more: whether members are left whose devices have none yet.
    """

    credentials: frozenset[str]
    more: bool


NOT_SPREAD = Spread(frozenset(), more=False)
"""Of an occasion of which there are no pushes."""


class Occasions(Protocol):
    """Occasions, as they are kept. That of a new message is added by whoever adds the message."""

    async def add(self, service: Service, occasion: Occasion) -> int:
        """Add an occasion, and return the key of its row."""
        ...

    async def noted(self, most: int) -> list[int]:
        """Return occasions of which not all pushes are made, oldest first."""
        ...

    async def hold(self, occasion_id: int) -> Occasion | None:
        """Return an occasion of which not all pushes are made, and hold it until the transaction ends."""
        ...

    async def spread(
        self, service: Service, occasion: Occasion, words: Words, now: Millis, most: int
    ) -> Spread:
        """Make pushes: for the devices of one user, or of the next `most` members, by one statement.

        Where a device is not pushed to, and the service logs, the reason is kept in the place of a push. An
        occasion of which nothing is kept is forgotten.
        """
        ...

    async def spread_test(
        self, service: Service, occasion: Occasion, words: Words, credential_sid: str, now: Millis
    ) -> list[str]:
        """Make pushes for the devices of a user that are reached with a credential; return their SIDs."""
        ...

    async def skip(self, service: Service, occasion: Occasion, reason: NoPush, now: Millis) -> None:
        """Make no pushes; keep the reason if the service logs."""
        ...


async def note(
    tx: Transaction,
    service: Service,
    kind: NotificationKind | PushKind,
    channel: Channel,
    *,
    user_id: int,
    author: str,
    now: Millis,
    new_sid: NewSid,
) -> None:
    """Write down that something concerns a user, if the service pushes such things, or logs.

    Args:
        tx: the transaction of the change.
        service: whose.
        kind: what it is.
        channel: where.
        user_id: whom it concerns.
        author: the identity of whoever caused it.
        now: when.
        new_sid: makes names.
    """
    if not (service.counts_badges if kind is PushKind.BADGE else service.notes(NotificationKind(kind))):
        return
    occasion = Occasion(
        account_sid=service.account_sid,
        service_sid=service.sid,
        sid=new_sid("NT"),
        kind=PushKind(kind),
        channel_id=channel.id,
        channel_sid=channel.sid,
        user_id=user_id,
        author=author,
        date_created=now,
    )
    await tx.occasions.add(service, occasion)
    tx.record(OccasionNoted(service.sid))
