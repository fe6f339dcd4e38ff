"""Which webhooks are told of a change: decided, and written down, inside the transaction of the change."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from chinwag.domain.caller import Caller
from chinwag.domain.channel_webhook import channel_target
from chinwag.domain.message import Message
from chinwag.domain.user import User
from chinwag.domain.webhook import ASKED_BEFORE, NoCall, Target, WebhookEvent, service_target
from chinwag.domain.webhook_call import Source, WebhookCall

if TYPE_CHECKING:
    from chinwag.domain.channel import Channel
    from chinwag.domain.happening import Happening
    from chinwag.domain.service import Service
    from chinwag.domain.unit import Reader, Transaction
    from chinwag.ids import Millis, NewSid


class Render(Protocol):
    """Puts what happened into the parameters of webhooks."""

    def __call__(
        self, event: WebhookEvent, happening: Happening, source: Source, client: str | None, /
    ) -> dict[str, str]:
        """Return the parameters of an event, without `RetryCount`."""
        ...


class Skipped(Struct, frozen=True, kw_only=True):
    """A call that is not made.

    Args:
        via: the SID of the channel webhook that is not called; None for the service's own.
    """

    account_sid: str
    service_sid: str
    channel_sid: str | None
    event: WebhookEvent
    source: Source
    via: str | None
    reason: NoCall


class Announced(Struct, frozen=True):
    """What comes of a change for webhooks.

    Args:
        targets: for which calls wait now.
        skipped: what is not called.
    """

    targets: frozenset[int]
    skipped: tuple[Skipped, ...]


NOTHING_ANNOUNCED = Announced(frozenset(), ())
"""Of a change that webhooks are never told of."""


async def announce(
    tx: Transaction, caller: object, render: Render, now: Millis, new_sid: NewSid
) -> Announced:
    """Write the calls down that tell of what happened in this transaction, and say what is not called.

    Over REST nothing is told unless the request asks for it. Source: webhook-events.
    """
    happenings = tx.take_happenings()
    if not happenings or not isinstance(caller, Caller):
        return NOTHING_ANNOUNCED
    targets: set[int] = set()
    skipped: list[Skipped] = []
    for happening in happenings:
        client = happening.client or caller.identity
        source = Source.API if client is None else Source.SDK
        service, channel, foretold = happening.service, happening.channel, happening.foretold
        if foretold is not None:
            if foretold.call is not None:
                targets.add(foretold.call.target_id)
            if foretold.skipped is not None:
                skipped.append(_skipped(caller, happening, client, foretold.skipped))
            if foretold.not_asked:
                skipped.append(_not_asked(caller, happening))
            continue
        if service is None or (client is None and not caller.tells_webhooks):
            skipped.append(_skipped(caller, happening, client, NoCall.NO_HEADER))
            continue

        found, missed = await _targets(tx, service, channel, happening)
        skipped += [_skipped(caller, happening, client, why, via=via) for via, why in missed]
        if client is None and asks(service, happening.event):
            skipped.append(_not_asked(caller, happening))
        params = render(happening.event, happening, source, client) if found else {}
        for target in found:
            call = new_call(service, happening, target, params, source, client, now, new_sid)
            await tx.webhook_calls.add(service, call)
            targets.add(call.target_id)
    return Announced(frozenset(targets), tuple(skipped))


def new_call(  # noqa: PLR0917  # each of another kind
    service: Service,
    happening: Happening,
    target: Target,
    params: dict[str, str],
    source: Source,
    client: str | None,
    now: Millis,
    new_sid: NewSid,
) -> WebhookCall:
    """Return a call that waits."""
    subject = happening.subject
    channel_sid = _channel_sid(happening)
    return WebhookCall(
        sid=new_sid("WC"),
        account_sid=service.account_sid,
        service_sid=service.sid,
        channel_sid=channel_sid,
        event=happening.event,
        source=source,
        client=client,
        via=target.via,
        url=target.url,
        method=target.method,
        params=params,
        target_id=target_id(target.url),
        lane=channel_sid or subject.sid,
        tries_left=target.retries + 1,
        due=now,
        date_created=now,
        date_updated=now,
    )


def asks(service: Service, event: WebhookEvent) -> bool:
    """Return whether a service has itself asked before an event."""
    before = ASKED_BEFORE.get(event)
    return before is not None and isinstance(service_target(service, before), Target)


@lru_cache(maxsize=10_000)
def target_id(url: str) -> int:
    """Return a number that stands for a URL."""
    return int.from_bytes(hashlib.blake2b(url.encode(), digest_size=8).digest(), signed=True)


async def _targets(
    tx: Reader, service: Service, channel: Channel | None, happening: Happening
) -> tuple[list[Target], list[tuple[str | None, NoCall]]]:
    """Return who is told of something, and who is not and why. Channel webhooks come on top (decided)."""
    subject = happening.subject
    body = subject.body if isinstance(subject, Message) else None
    asked: list[tuple[str | None, Target | NoCall | None]] = [
        (None, service_target(service, happening.event))
    ]
    if channel is not None:
        asked += [
            (webhook.sid, channel_target(webhook, happening.event, body))
            for webhook in await tx.channel_webhooks.of(service, channel)
        ]
    found = [target for _, target in asked if isinstance(target, Target)]
    return found, [(via, why) for via, why in asked if isinstance(why, NoCall)]


def _not_asked(caller: Caller, happening: Happening) -> Skipped:
    return _skipped(caller, happening, None, NoCall.REST_IS_NOT_ASKED, ASKED_BEFORE[happening.event])


def _skipped(
    caller: Caller,
    happening: Happening,
    client: str | None,
    reason: NoCall,
    event: WebhookEvent | None = None,
    *,
    via: str | None = None,
) -> Skipped:
    return Skipped(
        account_sid=caller.account_sid,
        service_sid=happening.subject.service_sid,
        channel_sid=_channel_sid(happening),
        event=event or happening.event,
        source=Source.API if client is None else Source.SDK,
        via=via,
        reason=reason,
    )


def _channel_sid(happening: Happening) -> str | None:
    """Return the SID of the channel that something happened in, or to."""
    subject = happening.subject
    if isinstance(subject, User) or happening.event is WebhookEvent.CHANNEL_ADD:
        return None  # a channel that is not there yet gets another SID
    return getattr(subject, "channel_sid", subject.sid)
