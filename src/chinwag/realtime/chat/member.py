"""Members: joining, leaving, adding and removing. Source: sdk-wire."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from chinwag.domain.joining import CreateMember
from chinwag.domain.leaving import DeleteMember
from chinwag.domain.member import Member
from chinwag.domain.membership import UpdateMember
from chinwag.realtime.call import Answer
from chinwag.values import Attributes, Plain

if TYPE_CHECKING:
    from chinwag.realtime.call import Call


async def add(call: Call) -> Answer:
    """Join, or add somebody."""
    identity = call.fields(identity=Plain()).get("identity", call.client.session.identity)
    member = await call.create(
        CreateMember(service_sid=call.service_sid, channel=call.names["channel"], identity=identity), Member
    )
    return Answer(HTTPStatus.CREATED, {"sid": member.sid, "identity": member.identity})


async def update(call: Call) -> Answer:
    """Change the attributes of a member."""
    given = call.fields(attributes=Attributes())
    member = await call.run(
        UpdateMember(
            service_sid=call.service_sid,
            channel=call.names["channel"],
            member=call.names["member"],
            **given,
        )
    )
    return Answer(HTTPStatus.OK, {"sid": member.sid, "attributes": member.attributes})


async def remove(call: Call) -> Answer:
    """Leave, or remove somebody."""
    await call.run(
        DeleteMember(service_sid=call.service_sid, channel=call.names["channel"], member=call.names["member"])
    )
    return Answer(HTTPStatus.NO_CONTENT)
