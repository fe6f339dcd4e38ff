"""Pushes on the wire: what went to devices, why something did not, and trying a credential.

The original has nothing like it, so this stands apart from its versions, below `OWN`. Source: decided.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from msgspec import Struct

from chinwag import limits
from chinwag.domain.credential import CredentialState, PushType
from chinwag.domain.push import Push, PushAttempt, PushState, push_named
from chinwag.domain.trying import SendTestPush
from chinwag.errors import ApiError, Kinds
from chinwag.ids import parse_sid
from chinwag.rest import credential, service
from chinwag.rest.paging import Paging, present_page
from chinwag.rest.params import Param, Params
from chinwag.rest.resource import (
    Field,
    Resource,
    date_or_null,
    dates,
    sid,
    sid_or_null,
    text,
    text_or_null,
    whole,
    whole_or_null,
)
from chinwag.rest.version import OWN, Version
from chinwag.values import OneOf, Text, to_millisecond

if TYPE_CHECKING:
    from chinwag.domain.push import Words
    from chinwag.rest.call import Answer, Call
    from chinwag.values import Schema

_ATTEMPT: Schema = {
    "type": "object",
    "properties": {
        "date": {"type": "string", "format": "date-time"},
        "duration_ms": {"type": "integer"},
        "status": {"type": ["integer", "null"]},
        "code": {"type": ["integer", "null"]},
        "answer": {"type": "string"},
        "badge": {"type": ["integer", "null"]},
    },
}


def _shown_attempts(attempts: tuple[PushAttempt, ...]) -> list[dict[str, object]]:
    return [
        {
            "date": to_millisecond(attempt.date),
            "duration_ms": attempt.ms,
            "status": attempt.status,
            "code": attempt.code,
            "answer": attempt.answer,
            "badge": attempt.badge,
        }
        for attempt in attempts
    ]


def _shown_text(words: Words) -> str | None:
    return words.text


def _shown_sound(words: Words) -> str | None:
    return words.sound


PUSH = Resource(
    record=Push,
    key="pushes",
    path="/Services/{service_sid}/Pushes/{sid}",
    prefix=OWN,
    says="A push notification to a device, or the reason why there is none.",
    fields=(
        sid("sid", "NT"),
        sid("account_sid", "AC"),
        sid("service_sid", "IS"),
        *text("kind"),
        sid_or_null("channel_sid", "CH"),
        sid_or_null("message_sid", "IM"),
        *whole_or_null("message_index"),
        *text("author"),
        *text_or_null("identity"),
        sid_or_null("binding_sid", "BS"),
        *text_or_null("binding_type"),
        sid_or_null("credential_sid", "CR"),
        Field("body", {"type": ["string", "null"]}, "words", render=_shown_text),
        Field("sound", {"type": ["string", "null"]}, "words", render=_shown_sound),
        *text("state"),
        *text_or_null("reason"),
        *whole("tries"),
        Field("attempts", {"type": "array", "items": _ATTEMPT}, render=_shown_attempts),
        *dates("date_created", "date_updated"),
    ),
)

CREDENTIAL_STATE = Resource(
    record=CredentialState,
    key="credentials",
    path="/Credentials/{sid}",
    prefix=OWN,
    says="Whether a credential can be used: what it is for, or what is wrong with it.",
    fields=(
        sid("sid", "CR"),
        sid("account_sid", "AC"),
        Field("type", {"type": "string", "enum": [kind.value for kind in PushType]}),
        *text("state", "detail"),
        *whole_or_null("code"),
        Field("date_stopped", {"type": ["string", "null"], "format": "date-time"}, render=date_or_null),
    ),
)


class CredentialTest(Struct, frozen=True, kw_only=True):
    """What came of trying a credential: pushes that wait now."""

    sid: str
    account_sid: str
    identity: str
    push_sids: list[str]


CREDENTIAL_TEST = Resource(
    record=CredentialTest,
    key="tests",
    path="/Credentials/{sid}/Test",
    prefix=OWN,
    says="Test pushes to the devices of a user that are registered with a credential.",
    fields=(
        sid("sid", "CR"),
        sid("account_sid", "AC"),
        *text("identity"),
        Field("push_sids", {"type": "array", "items": {"type": "string"}}),
    ),
)

PAGING = Paging(
    "NT",
    {Version.V2: limits.V2_PAGE},
    Param(
        "State",
        "states",
        OneOf(PushState, Kinds.INVALID_PARAMETER),
        "In these states only; may be repeated.",
        many=True,
    ),
)

TEST = Params(
    Param(
        "Identity",
        "identity",
        Text(limits.IDENTITY, Kinds.INVALID_PARAMETER, empty=Kinds.INVALID_PARAMETER),
        "Whose devices are pushed to.",
        required=True,
    )
)


async def page(call: Call) -> Answer:
    """List the pushes of a service, oldest first."""
    query = PAGING.read(call)
    states = query.filters.get("states", ())
    within = await service.named(call)
    async with call.reading() as tx:
        pushes = await tx.pushes.page(within, query.cursor, list(states))
    return present_page(call, PUSH, query, pushes)


async def fetch(call: Call) -> Answer:
    """Return one push."""
    async with call.reading() as tx:
        found = await push_named(tx, call.caller, service.service_sid(call), _sid(call))
    return PUSH.present(found, call.version, call.base)


async def check(call: Call) -> Answer:
    """Return whether a credential can be used."""
    found = await credential.named(call)
    state = await asyncio.to_thread(call.conventions.credential_state, found)
    return CREDENTIAL_STATE.present(state, call.version, call.base)


async def test(call: Call) -> Answer:
    """Push to the devices of a user that are registered with a credential."""
    found = await credential.named(call)
    identity = call.fields["identity"]
    sids = await call.create(SendTestPush(credential_sid=found.sid, identity=identity), list[str])
    tried = CredentialTest(sid=found.sid, account_sid=found.account_sid, identity=identity, push_sids=sids)
    return CREDENTIAL_TEST.present(tried, call.version, call.base)


def _sid(call: Call) -> str:
    found = parse_sid("NT", call.names["push_sid"])
    if found is None:
        raise ApiError(Kinds.NOT_FOUND, "that is no SID of a push", path=call.path)
    return found
