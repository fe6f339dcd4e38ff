"""Messages, as client SDKs send and change them. Source: sdk-wire."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from chinwag import limits
from chinwag.domain.message import DeleteMessage, Message, UpdateMessage
from chinwag.domain.posting import CreateMessage
from chinwag.errors import ApiError, Kinds
from chinwag.ids import parse_sid
from chinwag.realtime import views
from chinwag.realtime.call import Answer
from chinwag.values import Attributes, Sid, Words

if TYPE_CHECKING:
    from chinwag.realtime.call import Call

_BODY = Words(limits.BODY_TEXT_BYTES, Kinds.MESSAGE_BODY_TOO_LONG)


async def send(call: Call) -> Answer:
    """Post a message."""
    given = call.fields(body=_BODY, attributes=Attributes(), media_sid=Sid("ME", Kinds.MEDIA_NOT_FOUND))
    message = await call.create(
        CreateMessage(
            service_sid=call.service_sid,
            channel=call.names["channel"],
            author=call.client.session.identity,
            **given,
        ),
        Message,
    )
    return Answer(
        HTTPStatus.CREATED,
        {
            "sid": message.sid,
            "index": message.index,
            "body": message.body,
            "author": message.author,
            "attributes": message.attributes,
            "date_created": views.moment(message.date_created),
        },
    )


async def update(call: Call) -> Answer:
    """Change the words or the attributes of a message."""
    given = call.fields(body=_BODY, attributes=Attributes())
    message = await call.run(
        UpdateMessage(
            service_sid=call.service_sid,
            channel=call.names["channel"],
            sid=_message_sid(call),
            last_updated_by=call.client.session.identity,
            **given,
        )
    )
    return Answer(HTTPStatus.OK, {"sid": message.sid, "index": message.index})


async def remove(call: Call) -> Answer:
    """Delete a message."""
    await call.run(
        DeleteMessage(service_sid=call.service_sid, channel=call.names["channel"], sid=_message_sid(call))
    )
    return Answer(HTTPStatus.NO_CONTENT)


async def receipts(_call: Call) -> Answer:
    """Return that nothing is known of who got a message: there are no receipts here."""
    return Answer(HTTPStatus.OK, {"delivery_receipts": [], "meta": {}})


def _message_sid(call: Call) -> str:
    sid = parse_sid("IM", call.names["message"])
    if sid is None:
        raise ApiError(Kinds.MESSAGE_NOT_FOUND)
    return sid
