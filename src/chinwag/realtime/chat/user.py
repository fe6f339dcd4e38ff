"""Users, as client SDKs see and change them. Source: sdk-wire."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from chinwag.domain.lookup import service_named, user_named
from chinwag.domain.user import UpdateUser
from chinwag.errors import ApiError, Kinds
from chinwag.realtime import views
from chinwag.realtime.call import Answer
from chinwag.realtime.chat.shared import (
    FRIENDLY_NAME,
    page_asked,
    page_of,
    visible_channel,
)
from chinwag.values import Attributes

if TYPE_CHECKING:
    from chinwag.realtime.call import Call


async def fetch(call: Call) -> Answer:
    """Return a user of the service."""
    async with call.reading() as tx:
        service = await service_named(tx, call.caller, call.service_sid)
        user = await user_named(tx, service, call.names["user"])
    return Answer(HTTPStatus.OK, views.user_resource(user, call.chat_base))


async def page(call: Call) -> Answer:
    """List the users who are members of a channel that the caller may see."""
    key = call.param("ConversationSid") or call.param("ChannelSid")
    if key is None:
        raise ApiError(Kinds.MISSING_PARAMETER, name="ConversationSid")
    async with call.reading() as tx:
        service = await service_named(tx, call.caller, call.service_sid)
        channel = await visible_channel(call, tx, service, key)
        cursor = page_asked(call)
        members = await tx.members.page(service, channel, cursor, None)
        page, meta = page_of(members, cursor, lambda member: member.sid)
        found = await tx.users.these(service, [member.user_sid for member in page])
    users = {user.sid: user for user in found}
    shown = [users[member.user_sid] for member in page if member.user_sid in users]
    return Answer(
        HTTPStatus.OK,
        {
            "users": [views.user_resource(user, call.chat_base) for user in shown],
            "meta": {"prev_token": meta["previous_token"], **meta},
        },
    )


async def update(call: Call) -> Answer:
    """Change the friendly name or the attributes of a user."""
    given = call.fields(friendly_name=FRIENDLY_NAME, attributes=Attributes())
    user = await call.run(UpdateUser(service_sid=call.service_sid, user=call.names["user"], **given))
    return Answer(HTTPStatus.OK, views.user_resource(user, call.chat_base))
