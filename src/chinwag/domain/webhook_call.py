"""Calls of webhooks: those that wait to be made, those that were made, and why others were not.

A call is a row. One that waits was written in the transaction of the change that it tells of
(docs/decisions/0010-webhook-calls-are-rows.md).
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct
from msgspec.structs import replace

from chinwag.domain.caller import Caller
from chinwag.domain.lookup import service_named
from chinwag.domain.webhook import NoCall, WebhookEvent, WebhookMethod
from chinwag.errors import ApiError, Kinds
from chinwag.ids import Millis

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chinwag.domain.caller import Operator
    from chinwag.domain.paging import Cursor
    from chinwag.domain.service import Service
    from chinwag.domain.unit import Reader, Transaction
    from chinwag.ids import NewSid


ATTEMPTS = 10
"""Most tries of a call that are remembered."""


class CallState(StrEnum):
    """How far a call has come."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    REFUSED = "refused"
    FAILED = "failed"
    SKIPPED = "skipped"


class Source(StrEnum):
    """What caused an event: a client SDK, or the REST API. Source: webhook-events."""

    SDK = "SDK"
    API = "API"


class Attempt(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One try to make a call.

    Args:
        date: when it began.
        ms: how long it took.
        retry_count: how many tries came before it.
        url: what was called, with the parameters if they went there.
        signature: what `X-Twilio-Signature` was.
        address: the address that was connected to.
        status: of the answer.
        content_type: of the answer.
        answer: the beginning of what was answered.
        problem: why there was no answer that counts.
    """

    date: Millis
    ms: int
    retry_count: int
    url: str
    signature: str
    address: str | None = None
    status: int | None = None
    content_type: str | None = None
    answer: str | None = None
    problem: str | None = None


class WebhookCall(Struct, frozen=True, kw_only=True):
    """A call of a webhook, or the reason why there is none.

    Args:
        id: key of the row; 0 for one that was not read from the store. Never shown.
        event: what is told, or asked.
        source: what caused it.
        client: whose client SDK caused it; None for what came over REST.
        via: what names the target: a parameter of the service, or the SID of a channel webhook.
        url: what is called; None for a call that was skipped.
        params: what is told, by parameter, in order; `RetryCount` is added for each try.
        target_id: the same for all calls of one URL.
        lane: calls of one target and one lane are made one after the other: the SID of a channel or user.
        tries_left: how often it may still be tried.
        due: when it is tried next, while it waits.
        reason: how it ended, in words; for a call that waits, why the last try failed.
        count: how many calls like this one were skipped.
    """

    id: int = 0
    sid: str
    account_sid: str
    service_sid: str
    channel_sid: str | None = None
    event: WebhookEvent
    source: Source
    client: str | None = None
    via: str | None = None
    url: str | None = None
    method: WebhookMethod = WebhookMethod.POST
    params: dict[str, str] = {}
    target_id: int = 0
    lane: str = ""
    state: CallState = CallState.WAITING
    tries_left: int = 0
    due: Millis = 0
    attempts: tuple[Attempt, ...] = ()
    reason: str | None = None
    count: int = 1
    date_created: Millis
    date_updated: Millis

    @property
    def retry_count(self) -> int:
        """How many tries there were so far."""
        return self.attempts[-1].retry_count + 1 if self.attempts else 0

    def after(self, attempt: Attempt) -> WebhookCall:
        """Return the call after one more try; the first ones are forgotten when there were many."""
        attempts = (*self.attempts, attempt)[-ATTEMPTS:]
        return replace(self, attempts=attempts, tries_left=self.tries_left - 1)


class Foretold(Struct, frozen=True, kw_only=True):
    """What webhooks are told of a message that is to be posted, decided before it has its place.

    Posting is what happens most, and in one statement. It holds only while the service is as it was, and as
    long as the channel has no webhooks of its own.

    Args:
        revision: of the service.
        message_sid: of the message.
        date: when it is posted.
        call: what is told, without the index; None when nothing is.
        skipped: why not, then.
        not_asked: whether the service has itself asked about messages, which it is not over REST.
    """

    revision: str
    message_sid: str
    date: Millis
    call: WebhookCall | None
    skipped: NoCall | None = None
    not_asked: bool = False


class WebhookCalls(Protocol):
    """Calls, as they are kept."""

    async def get(self, service: Service, sid: str) -> WebhookCall | None:
        """Return a call of a service, or None."""
        ...

    async def page(
        self, service: Service, cursor: Cursor, events: list[WebhookEvent], states: list[CallState]
    ) -> list[WebhookCall]:
        """Return a page of the calls of a service, oldest first, and one more if there are more.

        With `events` or `states`, of these only.
        """
        ...

    async def find(self, sid: str) -> WebhookCall | None:
        """Return a call of any service, or None."""
        ...

    async def has_service(self, sid: str) -> bool:
        """Return whether there is such a service, of whatever account."""
        ...

    async def latest(self, service_sid: str | None, most: int) -> list[WebhookCall]:
        """Return the last calls of a service, or of all, oldest first."""
        ...

    async def changed(self, service_sid: str | None, since: Millis, most: int) -> list[WebhookCall]:
        """Return the calls that were made, tried or skipped since a moment, in the order of their change."""
        ...

    async def targets(self) -> dict[int, Millis]:
        """Return the targets for which calls wait, and when the first of each is due."""
        ...

    async def due(self, target_id: int, now: Millis, most: int) -> list[WebhookCall]:
        """Return calls of a target that are due, oldest first."""
        ...

    async def add(self, service: Service, call: WebhookCall) -> None:
        """Add a call."""
        ...

    async def note(self, calls: Sequence[WebhookCall]) -> None:
        """Add calls that were made already, or skipped. Those of services that are gone are not kept."""
        ...

    async def save(self, calls: Sequence[WebhookCall]) -> None:
        """Keep what came of calls."""
        ...

    async def count(self, counts: Sequence[tuple[WebhookCall, int]], now: Millis) -> None:
        """Keep how many calls like these were skipped by now."""
        ...

    async def forget(self, before: Millis, most: int) -> bool:
        """Remove calls that do not wait and have not changed since a moment; True if there may be more."""
        ...


class SaveCalls(Struct, frozen=True):
    """Keep what came of calls, and what was not called.

    Args:
        tried: calls that are kept already.
        noted: calls that were made without having waited, or that were skipped.
        counted: skipped calls that are kept already, and how many there are of each now.
    """

    tried: tuple[WebhookCall, ...] = ()
    noted: tuple[WebhookCall, ...] = ()
    counted: tuple[tuple[WebhookCall, int], ...] = ()

    async def apply(self, tx: Transaction, _caller: Operator, now: Millis, _new_sid: NewSid) -> None:
        """Keep them."""
        if self.tried:
            await tx.webhook_calls.save(self.tried)
        if self.noted:
            await tx.webhook_calls.note(self.noted)
        if self.counted:
            await tx.webhook_calls.count(self.counted, now)


class ReplayCall(Struct, frozen=True, kw_only=True):
    """Make a call again: with the same parameters and the same idempotency token, to the same target.

    Args:
        service_sid: None for the person at the command line, who knows the call alone.
    """

    service_sid: str | None = None
    sid: str

    async def apply(
        self, tx: Transaction, caller: Caller | Operator, now: Millis, _new_sid: NewSid
    ) -> WebhookCall:
        """Return the call, which waits now.

        Raises:
            ApiError: `NOT_FOUND`; `CONFLICT` for a call that was skipped.
        """
        call = await call_named(tx, caller, self.service_sid, self.sid)
        if call.url is None:
            raise ApiError(Kinds.CONFLICT, f"it was not made: {call.reason}")
        again = replace(
            call,
            state=CallState.WAITING,
            tries_left=max(call.tries_left, 1),
            due=now,
            reason="to be made again",
            date_updated=now,
        )
        await tx.webhook_calls.save([again])
        return again


class ForgetCalls(Struct, frozen=True, kw_only=True):
    """Remove calls that have ended, `most` of those that have not changed since `before`."""

    before: Millis
    most: int

    async def apply(self, tx: Transaction, _caller: Operator, _now: Millis, _new_sid: NewSid) -> bool:
        """Return whether there may be more."""
        return await tx.webhook_calls.forget(self.before, self.most)


async def call_named(tx: Reader, caller: Caller | Operator, service_sid: str | None, sid: str) -> WebhookCall:
    """Return a call: of a service of the caller's account, or, for an operator, of any.

    Raises:
        ApiError: `SERVICE_NOT_FOUND`; `NOT_FOUND`.
    """
    if isinstance(caller, Caller):
        service = await service_named(tx, caller, service_sid or "")
        found = await tx.webhook_calls.get(service, sid)
    else:
        found = await tx.webhook_calls.find(sid)
    if found is None:
        raise ApiError(Kinds.NOT_FOUND, f"there is no webhook call {sid}", path=f"/WebhookCalls/{sid}")
    return found
