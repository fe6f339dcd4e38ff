"""Calls of webhooks on the wire: what was called, why something was not, and calling again.

The original has nothing like it, so this stands apart from its versions, below `OWN`. Source: decided.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chinwag import limits
from chinwag.domain.webhook import WebhookEvent
from chinwag.domain.webhook_call import Attempt, CallState, ReplayCall, WebhookCall, call_named
from chinwag.errors import ApiError, Kinds
from chinwag.ids import parse_sid
from chinwag.rest import service
from chinwag.rest.paging import Paging, present_page
from chinwag.rest.params import Param
from chinwag.rest.resource import Field, Resource, dates, sid, sid_or_null, text, text_or_null, whole
from chinwag.rest.version import OWN, Version
from chinwag.values import OneOf, to_millisecond, without_credentials

if TYPE_CHECKING:
    from chinwag.rest.call import Answer, Call
    from chinwag.values import Schema

_TEXT_OR_NULL: Schema = {"type": ["string", "null"]}

_ATTEMPT: Schema = {
    "type": "object",
    "properties": {
        "date": {"type": "string", "format": "date-time"},
        "duration_ms": {"type": "integer"},
        "retry_count": {"type": "integer"},
        "url": {"type": "string"},
        "signature": {"type": "string"},
        "address": _TEXT_OR_NULL,
        "status": {"type": ["integer", "null"]},
        "content_type": _TEXT_OR_NULL,
        "answer": _TEXT_OR_NULL,
        "problem": _TEXT_OR_NULL,
    },
}


def _shown_url(url: str | None) -> str | None:
    return None if url is None else without_credentials(url)


def _shown_attempts(attempts: tuple[Attempt, ...]) -> list[dict[str, object]]:
    return [
        {
            "date": to_millisecond(attempt.date),
            "duration_ms": attempt.ms,
            "retry_count": attempt.retry_count,
            "url": attempt.url,
            "signature": attempt.signature,
            "address": attempt.address,
            "status": attempt.status,
            "content_type": attempt.content_type,
            "answer": attempt.answer,
            "problem": attempt.problem,
        }
        for attempt in attempts
    ]


WEBHOOK_CALL = Resource(
    record=WebhookCall,
    key="webhook_calls",
    path="/Services/{service_sid}/WebhookCalls/{sid}",
    prefix=OWN,
    says="A call of a webhook, or the reason why there is none.",
    fields=(
        sid("sid", "WC"),
        sid("account_sid", "AC"),
        sid("service_sid", "IS"),
        sid_or_null("channel_sid", "CH"),
        *text("event", "source"),
        Field("client_identity", _TEXT_OR_NULL, "client"),
        *text_or_null("via"),
        Field("target_url", _TEXT_OR_NULL, ("url",), render=_shown_url),
        *text("method"),
        Field("parameters", {"type": "object", "additionalProperties": {"type": "string"}}, "params"),
        *text("state"),
        *text_or_null("reason"),
        *whole("count", "tries_left"),
        Field("attempts", {"type": "array", "items": _ATTEMPT}, render=_shown_attempts),
        *dates("date_created", "date_updated"),
    ),
)

PAGING = Paging(
    "WC",
    {Version.V2: limits.V2_PAGE},
    Param(
        "Event",
        "events",
        OneOf(WebhookEvent, Kinds.INVALID_WEBHOOK),
        "Of these events only; may be repeated.",
        many=True,
    ),
    Param(
        "State",
        "states",
        OneOf(CallState, Kinds.INVALID_PARAMETER),
        "In these states only; may be repeated.",
        many=True,
    ),
)


async def page(call: Call) -> Answer:
    """List the calls of a service, oldest first."""
    query = PAGING.read(call)
    events, states = query.filters.get("events", ()), query.filters.get("states", ())
    within = await service.named(call)
    async with call.reading() as tx:
        calls = await tx.webhook_calls.page(within, query.cursor, list(events), list(states))
    return present_page(call, WEBHOOK_CALL, query, calls)


async def fetch(call: Call) -> Answer:
    """Return one call."""
    return WEBHOOK_CALL.present(await named(call), call.version, call.base)


async def replay(call: Call) -> Answer:
    """Make a call again, with the same parameters and the same idempotency token."""
    again = await call.run(ReplayCall(service_sid=service.service_sid(call), sid=_sid(call)))
    return WEBHOOK_CALL.present(again, call.version, call.base)


async def named(call: Call) -> WebhookCall:
    """Return the call that the path names."""
    async with call.reading() as tx:
        return await call_named(tx, call.caller, service.service_sid(call), _sid(call))


def _sid(call: Call) -> str:
    found = parse_sid("WC", call.names["call_sid"])
    if found is None:
        raise ApiError(Kinds.NOT_FOUND, "that is no SID of a webhook call", path=call.path)
    return found
