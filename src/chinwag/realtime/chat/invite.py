"""Invites, as client SDKs make and decline them. Source: sdk-wire."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from chinwag.domain.invite import Invite
from chinwag.domain.joining import CreateInvite
from chinwag.domain.leaving import DeclineInvite
from chinwag.realtime.call import Answer
from chinwag.values import Plain

if TYPE_CHECKING:
    from chinwag.realtime.call import Call


async def invite(call: Call) -> Answer:
    """Invite somebody."""
    identity = call.fields(identity=Plain()).get("identity", "")
    invited = await call.create(
        CreateInvite(service_sid=call.service_sid, channel=call.names["channel"], identity=identity), Invite
    )
    return Answer(HTTPStatus.CREATED, {"sid": invited.sid, "identity": invited.identity})


async def decline(call: Call) -> Answer:
    """Decline an invitation, or take one back."""
    await call.run(
        DeclineInvite(
            service_sid=call.service_sid, channel=call.names["channel"], identity=call.names["identity"]
        )
    )
    return Answer(HTTPStatus.NO_CONTENT)
