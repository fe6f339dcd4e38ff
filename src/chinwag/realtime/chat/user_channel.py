"""The channels that a user is in or invited to. Source: sdk-wire."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from chinwag.domain.lookup import channel_named, service_named
from chinwag.domain.membership import UpdateUserChannel
from chinwag.domain.user_channel import NotificationLevel
from chinwag.errors import ApiError, Kinds
from chinwag.realtime import views
from chinwag.realtime.call import Answer
from chinwag.realtime.chat.shared import (
    caller_user,
    channel_in_path,
    list_of_channels,
    page_asked,
    page_of,
)
from chinwag.values import ANY, OneOf, Whole

if TYPE_CHECKING:
    from chinwag.domain.user_channel import UserChannel
    from chinwag.realtime.call import Call

_INDEX = Whole(0, ANY, Kinds.INVALID_CONSUMED_INDEX, or_empty=True)


async def page(call: Call) -> Answer:
    """List the channels that the user is in or invited to, oldest first."""
    async with call.reading() as tx:
        service = await service_named(tx, call.caller, call.service_sid)
        cursor = page_asked(call)
        shown = await tx.user_channels.page(service, await caller_user(call, tx, service), cursor)
        page, meta = page_of(shown, cursor, lambda mine: mine.channel_sid)
        found = await tx.channels.these(service, [mine.channel_sid for mine in page])
    channels = {channel.sid: channel for channel in found}
    pairs = [(channels[mine.channel_sid], mine) for mine in page if mine.channel_sid in channels]
    return list_of_channels(call, pairs, meta)


async def fetch(call: Call) -> Answer:
    """Return a channel that the user is in or invited to."""
    async with call.reading() as tx:
        service = await service_named(tx, call.caller, call.service_sid)
        channel = await channel_in_path(call, tx, service)
        mine = await tx.user_channels.get(service, await caller_user(call, tx, service), channel)
        if mine is None:
            raise ApiError(Kinds.CHANNEL_NOT_FOUND, "the user is not in this channel")
    return Answer(HTTPStatus.OK, views.channel_resource(channel, mine, call.chat_base))


async def update(call: Call) -> Answer:
    """Move the user's read horizon, or mute the channel.

    A horizon in a channel that is gone, or that the user has left, is accepted and forgotten: applications
    would log an error again and again.
    """
    given = call.fields(
        last_consumed_message_index=_INDEX,
        last_read_message_index=_INDEX,
        notification_level=OneOf(NotificationLevel, Kinds.INVALID_NOTIFICATION_LEVEL),
    )
    if "last_read_message_index" in given:
        given["last_consumed_message_index"] = given.pop("last_read_message_index")
    command = UpdateUserChannel(
        service_sid=call.service_sid,
        user=call.client.user_sid,
        channel=call.names["channel"],
        **given,
    )
    try:
        mine = await call.run(command)
    except ApiError as error:
        gone = error.kind in {Kinds.CHANNEL_NOT_FOUND, Kinds.MEMBER_NOT_FOUND, Kinds.NOT_A_MEMBER}
        if gone and "last_consumed_message_index" in given and "notification_level" not in given:
            return Answer(HTTPStatus.OK, {"unread_messages_count": None})
        raise
    unread = await _unread(call, mine)
    return Answer(
        HTTPStatus.OK,
        {
            "conversation_sid": mine.channel_sid,
            "last_consumed_message_index": mine.last_consumed_message_index,
            "last_read_message_index": mine.last_consumed_message_index,
            "notification_level": mine.notification_level,
            "unread_messages_count": unread,
        },
    )


async def _unread(call: Call, mine: UserChannel) -> int | None:
    """Return how many messages are unread, as they are counted when a user channel is read."""
    async with call.reading() as tx:
        service = await service_named(tx, call.caller, call.service_sid)
        me = await caller_user(call, tx, service)
        channel = await channel_named(tx, service, mine.channel_sid)
        shown = await tx.user_channels.get(service, me, channel)
    return shown.unread_messages_count if shown else None
