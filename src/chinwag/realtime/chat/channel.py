"""Channels, as client SDKs see and change them. Source: sdk-wire."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from chinwag.domain.channel import Channel, ChannelType, CreateChannel, UpdateChannel
from chinwag.domain.leaving import DeleteChannel
from chinwag.domain.lookup import service_named
from chinwag.errors import Kinds
from chinwag.realtime import views
from chinwag.realtime.call import Answer
from chinwag.realtime.chat.shared import (
    FRIENDLY_NAME,
    caller_user,
    channel_in_path,
    list_of_channels,
    page_asked,
    page_of,
)
from chinwag.values import Attributes, OneOf, UniqueName

if TYPE_CHECKING:
    from chinwag.realtime.call import Call


async def create(call: Call) -> Answer:
    """Add a channel. Its creator is not a member of it yet."""
    given = call.fields(
        type=OneOf(ChannelType, Kinds.INVALID_PARAMETER),
        unique_name=UniqueName(),
        friendly_name=FRIENDLY_NAME,
        attributes=Attributes(),
    )
    channel = await call.create(CreateChannel(service_sid=call.service_sid, **given), Channel)
    return Answer(HTTPStatus.CREATED, views.channel_resource(channel, None, call.chat_base))


async def fetch(call: Call) -> Answer:
    """Return a channel that the user may see, by SID or unique name."""
    async with call.reading() as tx:
        service = await service_named(tx, call.caller, call.service_sid)
        channel = await channel_in_path(call, tx, service)
        mine = await tx.user_channels.get(service, await caller_user(call, tx, service), channel)
    return Answer(HTTPStatus.OK, views.channel_resource(channel, mine, call.chat_base))


async def page(call: Call) -> Answer:
    """List the public channels of the service, oldest first."""
    async with call.reading() as tx:
        service = await service_named(tx, call.caller, call.service_sid)
        cursor = page_asked(call)
        channels = await tx.channels.page(service, cursor, [ChannelType.PUBLIC])
        page, meta = page_of(channels, cursor, lambda channel: channel.sid)
        me = await caller_user(call, tx, service)
        shown = [await tx.user_channels.get(service, me, channel) for channel in page]
    return list_of_channels(call, list(zip(page, shown, strict=True)), meta)


async def update(call: Call) -> Answer:
    """Change a channel."""
    given = call.fields(unique_name=UniqueName(), friendly_name=FRIENDLY_NAME, attributes=Attributes())
    command = UpdateChannel(service_sid=call.service_sid, channel=call.names["channel"], **given)
    channel = await call.run(command)
    return Answer(HTTPStatus.OK, views.channel_resource(channel, None, call.chat_base))


async def delete(call: Call) -> Answer:
    """Remove a channel and everything in it."""
    await call.run(DeleteChannel(service_sid=call.service_sid, channel=call.names["channel"]))
    return Answer(HTTPStatus.NO_CONTENT)
