"""Messages on the wire. Source: chat-v1 Message, chat-v2 Message."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chinwag import limits
from chinwag.domain.lookup import message_named
from chinwag.domain.message import DeleteMessage, Message, MessageOrder, MessageType, UpdateMessage
from chinwag.domain.posting import CreateMessage
from chinwag.errors import Kinds
from chinwag.rest import channel
from chinwag.rest.common import DATES, PAGES, attributes, author
from chinwag.rest.paging import Paging, present_page, wrong_token
from chinwag.rest.params import Param, Params
from chinwag.rest.resource import Field, Resource, dates, flag, sid, whole
from chinwag.rest.resource import attributes as attributes_field
from chinwag.rest.service import service_sid
from chinwag.rest.version import Version
from chinwag.values import OneOf, Sid, Words

if TYPE_CHECKING:
    from chinwag.domain.media import Media
    from chinwag.rest.call import Answer, Call


def _shown_media(media: Media | None) -> dict[str, object] | None:
    if media is None:
        return None
    return {
        "sid": media.sid,
        "size": media.size,
        "content_type": media.content_type,
        "filename": media.filename,
    }


def _shown_words(body: str | None) -> str:
    """Return the words of a message: v1 knows none without."""
    return body or ""


MESSAGE = Resource(
    record=Message,
    key="messages",
    path="/Services/{service_sid}/Channels/{channel_sid}/Messages/{sid}",
    says="What somebody said in a channel.",
    fields=(
        sid("sid", "IM"),
        sid("account_sid", "AC"),
        sid("service_sid", "IS"),
        sid("channel_sid", "CH"),
        Field("to", sid("to", "CH").schema, "channel_sid"),
        Field("from", {"type": "string"}, "author"),
        Field("body", {"type": "string"}, until=Version.V1, render=_shown_words),
        Field("body", {"type": ["string", "null"]}, since=Version.V2),
        attributes_field(),
        *whole("index"),
        *flag("was_edited"),
        *dates("date_created", "date_updated"),
        Field("last_updated_by", {"type": ["string", "null"]}, since=Version.V2),
        Field("type", {"type": "string", "enum": [kind.value for kind in MessageType]}, since=Version.V2),
        Field(
            "media",
            {
                "type": ["object", "null"],
                "properties": {
                    "sid": sid("sid", "ME").schema,
                    "size": {"type": "integer"},
                    "content_type": {"type": "string"},
                    "filename": {"type": ["string", "null"]},
                },
            },
            render=_shown_media,
            since=Version.V2,
        ),
    ),
)

_WORDS = Words(limits.BODY_TEXT_BYTES, Kinds.MESSAGE_BODY_TOO_LONG)

_FROM = ("From", "author", "Who says it: a text that need be nobody's identity.", Kinds.AUTHOR_TOO_LONG)

_LAST_UPDATED_BY = author(
    "LastUpdatedBy",
    "last_updated_by",
    "Who changed it last, for imports.",
    Kinds.LAST_UPDATED_BY_TOO_LONG,
    since=Version.V2,
)

CREATE = Params(
    Param("Body", "body", _WORDS, "What is said. May be empty.", required=True, until=Version.V1),
    Param("Body", "body", _WORDS, "What is said. May be empty.", since=Version.V2),
    author(*_FROM),
    attributes(),
    *DATES,
    _LAST_UPDATED_BY,
    Param(
        "MediaSid",
        "media_sid",
        Sid("ME", Kinds.MEDIA_NOT_FOUND),
        "A file that was uploaded and not sent yet.",
        since=Version.V2,
    ),
)

UPDATE = Params(
    Param("Body", "body", _WORDS, "What is said. May be empty."),
    attributes(),
    *DATES,
    _LAST_UPDATED_BY,
    author(*_FROM, since=Version.V2),
)

PAGING = Paging(
    "IM",
    PAGES,
    Param("Order", "order", OneOf(MessageOrder, Kinds.INVALID_PARAMETER), "By index, up or down."),
)


async def create(call: Call) -> Answer:
    """Post a message."""
    message = await call.create(
        CreateMessage(service_sid=service_sid(call), channel=call.names["channel_sid"], **call.fields),
        Message,
    )
    return MESSAGE.present(message, call.version, call.base)


async def fetch(call: Call) -> Answer:
    """Return one message."""
    return MESSAGE.present(await named(call), call.version, call.base)


async def update(call: Call) -> Answer:
    """Change a message."""
    command = UpdateMessage(
        service_sid=service_sid(call),
        channel=call.names["channel_sid"],
        sid=message_sid(call),
        **call.fields,
    )
    return MESSAGE.present(await call.run(command), call.version, call.base)


async def delete(call: Call) -> Answer:
    """Delete a message. Its index stays unused."""
    await call.run(
        DeleteMessage(service_sid=service_sid(call), channel=call.names["channel_sid"], sid=message_sid(call))
    )


async def page(call: Call) -> Answer:
    """List the messages of a channel, by index."""
    query = PAGING.read(call)
    order: MessageOrder = query.filters.get("order", MessageOrder.ASC)
    async with call.reading() as tx:
        service, within = await channel.within(call, tx)
        messages = await tx.messages.page(service, within, query.cursor, order)
    if messages is None:
        raise wrong_token()
    return present_page(call, MESSAGE, query, messages)


async def named(call: Call) -> Message:
    """Return the message that the path names."""
    async with call.reading() as tx:
        service, within = await channel.within(call, tx)
        return await message_named(tx, service, within, message_sid(call))


def message_sid(call: Call) -> str:
    """Return the SID of the message that the path names.

    Raises:
        ApiError: `MESSAGE_NOT_FOUND` when it is no SID of a message.
    """
    return call.sid("message_sid", "IM", Kinds.MESSAGE_NOT_FOUND)
