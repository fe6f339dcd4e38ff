"""Making pushes of occasions: what they say, and to whom they go. Source: push-configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from chinwag.domain.notifications import NotificationKind
from chinwag.domain.occasion import NOT_SPREAD
from chinwag.domain.push import NoPush, PushKind, Words
from chinwag.domain.push_text import DEFAULT_TEMPLATES, filled, title, variables

if TYPE_CHECKING:
    from chinwag.domain.caller import Operator
    from chinwag.domain.occasion import Occasion, Spread
    from chinwag.domain.service import Service
    from chinwag.domain.unit import Transaction
    from chinwag.ids import Millis, NewSid


class SpreadOccasion(Struct, frozen=True, kw_only=True):
    """Make pushes of an occasion. What is pushed is what is there now, and to those who are there now.

    Args:
        occasion_id: key of the occasion's row.
        most: members whose devices get theirs at once.
    """

    occasion_id: int
    most: int

    async def apply(self, tx: Transaction, _caller: Operator, now: Millis, _new_sid: NewSid) -> Spread:
        """Return what came of it. There is nothing to do when another server has done it."""
        occasion = await tx.occasions.hold(self.occasion_id)
        if occasion is None:
            return NOT_SPREAD
        service = await tx.services.get(occasion.account_id, occasion.service_sid)
        if service is None:
            return NOT_SPREAD  # its rows are being swept away, and this one with them
        words = await _words(tx, service, occasion)
        if isinstance(words, NoPush):
            await tx.occasions.skip(service, occasion, words, now)
            return NOT_SPREAD
        return await tx.occasions.spread(service, occasion, words, now, self.most)


async def _words(tx: Transaction, service: Service, occasion: Occasion) -> Words | NoPush:
    """Return what is said, or why nothing is."""
    if occasion.kind is PushKind.BADGE:
        return Words(text=None, badge=True)
    kind = NotificationKind(occasion.kind)
    how = service.notifications[kind]
    if not how.enabled:
        return NoPush.DISABLED
    channel = await tx.channels.get(service, occasion.channel_sid or "")
    if channel is None:
        return NoPush.NOT_THERE
    message = None
    if kind is NotificationKind.NEW_MESSAGE:
        message = await tx.messages.get(service, channel, occasion.message_sid or "")
        if message is None:
            return NoPush.NOT_THERE

    user = await tx.users.by_identity(service, occasion.author)
    template = how.template or DEFAULT_TEMPLATES[occasion.kind]
    return Words(
        text=filled(template, variables(service, channel, occasion.author, user, message)),
        sound=how.sound,
        badge=kind is NotificationKind.NEW_MESSAGE and service.counts_badges,
        channel_title=title(channel),
    )
