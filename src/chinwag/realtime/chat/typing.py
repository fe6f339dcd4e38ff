"""Typing, as client SDKs say it. Source: sdk-wire."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from chinwag.domain.typing import typing
from chinwag.errors import ApiError, Kinds
from chinwag.ids import parse_sid
from chinwag.realtime.call import Answer

if TYPE_CHECKING:
    from chinwag.realtime.call import Call


async def is_typing(call: Call) -> Answer:
    """Tell the other members of a channel that the user is typing."""
    channel_sid = parse_sid("CH", call.form_field("ChannelSid") or call.form_field("ConversationSid") or "")
    if channel_sid is None:
        raise ApiError(Kinds.MISSING_PARAMETER, name="ChannelSid")
    async with call.reading() as tx:
        told = await typing(tx, call.caller, call.service_sid, channel_sid)
    call.here.world.broker.publish([told])
    return Answer(HTTPStatus.OK, {"typing_timeout": told.timeout_s})
