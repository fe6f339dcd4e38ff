"""Channels on the wire. Source: chat-v1 Channel, chat-v2 Channel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chinwag.domain.channel import Channel, ChannelType, CreateChannel, UpdateChannel
from chinwag.domain.leaving import DeleteChannel
from chinwag.domain.lookup import channel_named, service_named
from chinwag.errors import Kinds
from chinwag.rest.common import DATES, PAGES, attributes, author, friendly_name
from chinwag.rest.paging import Paging, present_page
from chinwag.rest.params import Param, Params
from chinwag.rest.resource import Field, Link, Resource, dates, sid, text, text_or_null, whole
from chinwag.rest.resource import attributes as attributes_field
from chinwag.rest.service import service_sid
from chinwag.rest.version import Version
from chinwag.values import OneOf, UniqueName

if TYPE_CHECKING:
    from chinwag.domain.service import Service
    from chinwag.domain.unit import Reader
    from chinwag.rest.call import Answer, Call

CHANNEL = Resource(
    record=Channel,
    key="channels",
    path="/Services/{service_sid}/Channels/{sid}",
    says="Where messages are posted, and who may read them.",
    fields=(
        sid("sid", "CH"),
        sid("account_sid", "AC"),
        sid("service_sid", "IS"),
        *text_or_null("friendly_name", "unique_name"),
        attributes_field(),
        Field("type", {"type": "string", "enum": [kind.value for kind in ChannelType]}),
        *text("created_by"),
        *whole("members_count", "messages_count"),
        *dates("date_created", "date_updated"),
    ),
    links=(
        Link("members", "/Members"),
        Link("messages", "/Messages"),
        Link("invites", "/Invites"),
        Link("webhooks", "/Webhooks", since=Version.V2),
        Link("last_message", "/Services/{service_sid}/Channels/{sid}/Messages/{last_message_sid}"),
    ),
)

_UNIQUE_NAME = Param("UniqueName", "unique_name", UniqueName(), "A name to find the channel by; empty: none.")

_CREATED_BY = author(
    "CreatedBy", "created_by", "Who created it, for imports.", Kinds.INVALID_PARAMETER, since=Version.V2
)

CREATE = Params(
    *friendly_name(),
    _UNIQUE_NAME,
    attributes(),
    Param("Type", "type", OneOf(ChannelType, Kinds.INVALID_PARAMETER), "Who finds the channel."),
    *DATES,
    _CREATED_BY,
)

UPDATE = Params(*friendly_name(), _UNIQUE_NAME, attributes(), *DATES, _CREATED_BY)

PAGING = Paging(
    "CH",
    PAGES,
    Param(
        "Type",
        "types",
        OneOf(ChannelType, Kinds.INVALID_PARAMETER),
        "Channels of this type only; may be repeated.",
        many=True,
    ),
)


async def create(call: Call) -> Answer:
    """Add a channel. Nobody is a member of it yet."""
    channel = await call.create(CreateChannel(service_sid=service_sid(call), **call.fields), Channel)
    return CHANNEL.present(channel, call.version, call.base)


async def fetch(call: Call) -> Answer:
    """Return one channel."""
    return CHANNEL.present(await named(call), call.version, call.base)


async def update(call: Call) -> Answer:
    """Change a channel."""
    command = UpdateChannel(service_sid=service_sid(call), channel=call.names["channel_sid"], **call.fields)
    return CHANNEL.present(await call.run(command), call.version, call.base)


async def delete(call: Call) -> Answer:
    """Remove a channel and everything in it."""
    await call.run(DeleteChannel(service_sid=service_sid(call), channel=call.names["channel_sid"]))


async def page(call: Call) -> Answer:
    """List the channels of a service, oldest first."""
    query = PAGING.read(call)
    types = list(query.filters.get("types", ())) or list(ChannelType)
    if "types" not in query.filters and call.conventions.list_public_channels_only:
        types = [ChannelType.PUBLIC]
    async with call.reading() as tx:
        service = await service_named(tx, call.caller, service_sid(call))
        channels = await tx.channels.page(service, query.cursor, types)
    return present_page(call, CHANNEL, query, channels)


async def named(call: Call) -> Channel:
    """Return the channel that the path names, by SID or unique name."""
    async with call.reading() as tx:
        _, channel = await within(call, tx)
        return channel


async def within(call: Call, tx: Reader) -> tuple[Service, Channel]:
    """Return the service and the channel that the path names."""
    service = await service_named(tx, call.caller, service_sid(call))
    return service, await channel_named(tx, service, call.names["channel_sid"])
