"""User channels on the wire. Source: chat-v1 UserChannel, chat-v2 UserChannel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chinwag import limits
from chinwag.domain.leaving import DeleteUserChannel
from chinwag.domain.lookup import channel_named, service_named, user_channel_named, user_named
from chinwag.domain.membership import UpdateUserChannel
from chinwag.domain.user_channel import NotificationLevel, UserChannel, UserChannelStatus
from chinwag.errors import Kinds
from chinwag.rest.common import CONSUMPTION_TIMESTAMP, consumed_index
from chinwag.rest.paging import Paging, present_page
from chinwag.rest.params import Param, Params
from chinwag.rest.resource import Field, Link, Resource, sid, sid_or_null, whole_or_null
from chinwag.rest.service import service_sid
from chinwag.rest.version import Version
from chinwag.values import OneOf

if TYPE_CHECKING:
    from chinwag.rest.call import Answer, Call

_V2_WORDS = {
    UserChannelStatus.JOINED: "joined",
    UserChannelStatus.INVITED: "invited",
    UserChannelStatus.NOT_PARTICIPATING: "notParticipating",
}

USER_CHANNEL = Resource(
    record=UserChannel,
    key="channels",
    path="/Services/{service_sid}/Users/{user_sid}/Channels/{channel_sid}",
    says="A channel as one of its members, or somebody invited to it, sees it.",
    url_since=Version.V2,
    fields=(
        sid("account_sid", "AC"),
        sid("service_sid", "IS"),
        sid("channel_sid", "CH"),
        Field("user_sid", sid("user_sid", "US").schema, since=Version.V2),
        sid_or_null("member_sid", "MB"),
        Field(
            "status",
            {"type": "string", "enum": [status.value for status in UserChannelStatus]},
            until=Version.V1,
        ),
        Field(
            "status",
            {"type": "string", "enum": list(_V2_WORDS.values())},
            render=_V2_WORDS.__getitem__,
            since=Version.V2,
        ),
        *whole_or_null("last_consumed_message_index", "unread_messages_count"),
        Field(
            "notification_level",
            {"type": "string", "enum": [level.value for level in NotificationLevel]},
            since=Version.V2,
        ),
    ),
    links=(
        Link("channel", "/Services/{service_sid}/Channels/{channel_sid}"),
        Link("member", "/Services/{service_sid}/Channels/{channel_sid}/Members/{member_sid}"),
    ),
)

UPDATE = Params(
    Param(
        "NotificationLevel",
        "notification_level",
        OneOf(NotificationLevel, Kinds.INVALID_NOTIFICATION_LEVEL),
        "Whether new messages in the channel are pushed to the user.",
    ),
    consumed_index(),
    CONSUMPTION_TIMESTAMP,
)

PAGING = Paging("CH", {Version.V1: limits.V1_PAGE, Version.V2: limits.V2_SMALL_PAGE}, by="channel_sid")


async def fetch(call: Call) -> Answer:
    """Return how a user takes part in a channel."""
    return USER_CHANNEL.present(await named(call), call.version, call.base)


async def update(call: Call) -> Answer:
    """Change how far a user has read in a channel, and what is pushed."""
    command = UpdateUserChannel(
        service_sid=service_sid(call),
        user=call.names["user_sid"],
        channel=call.names["channel_sid"],
        **call.fields,
    )
    return USER_CHANNEL.present(await call.run(command), call.version, call.base)


async def delete(call: Call) -> Answer:
    """Take a user out of a channel."""
    await call.run(
        DeleteUserChannel(
            service_sid=service_sid(call), user=call.names["user_sid"], channel=call.names["channel_sid"]
        )
    )


async def page(call: Call) -> Answer:
    """List the channels that a user is a member of or is invited to, oldest channel first."""
    query = PAGING.read(call)
    async with call.reading() as tx:
        service = await service_named(tx, call.caller, service_sid(call))
        user = await user_named(tx, service, call.names["user_sid"])
        user_channels = await tx.user_channels.page(service, user, query.cursor)
    return present_page(call, USER_CHANNEL, query, user_channels)


async def named(call: Call) -> UserChannel:
    """Return what the path names: a user by SID or identity, a channel by SID or unique name."""
    async with call.reading() as tx:
        service = await service_named(tx, call.caller, service_sid(call))
        user = await user_named(tx, service, call.names["user_sid"])
        channel = await channel_named(tx, service, call.names["channel_sid"])
        return await user_channel_named(tx, service, user, channel)
