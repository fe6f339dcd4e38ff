"""Members on the wire. Source: chat-v1 Member, chat-v2 Member."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chinwag.domain.joining import CreateMember
from chinwag.domain.leaving import DeleteMember
from chinwag.domain.lookup import member_named
from chinwag.domain.member import Member
from chinwag.domain.membership import UpdateMember
from chinwag.errors import Kinds
from chinwag.rest import channel
from chinwag.rest.common import (
    CONSUMPTION_TIMESTAMP,
    DATES,
    IDENTITIES,
    IDENTITY,
    PAGES,
    attributes,
    consumed_index,
)
from chinwag.rest.paging import Paging, present_page
from chinwag.rest.params import Param, Params
from chinwag.rest.resource import Field, Resource, date_or_null, dates, sid, text, whole_or_null
from chinwag.rest.resource import attributes as attributes_field
from chinwag.rest.service import service_sid
from chinwag.rest.version import Version
from chinwag.values import Sid

if TYPE_CHECKING:
    from chinwag.rest.call import Answer, Call

MEMBER = Resource(
    record=Member,
    key="members",
    path="/Services/{service_sid}/Channels/{channel_sid}/Members/{sid}",
    says="Somebody who takes part in a channel.",
    fields=(
        sid("sid", "MB"),
        sid("account_sid", "AC"),
        sid("channel_sid", "CH"),
        sid("service_sid", "IS"),
        *text("identity"),
        sid("role_sid", "RL"),
        *whole_or_null("last_consumed_message_index"),
        Field(
            "last_consumption_timestamp",
            {"type": ["string", "null"], "format": "date-time"},
            render=date_or_null,
        ),
        attributes_field(since=Version.V2),
        *dates("date_created", "date_updated"),
    ),
)

_ROLE = Param(
    "RoleSid", "role_sid", Sid("RL", Kinds.CHANNEL_ROLE_NOT_FOUND), "A channel role of the service."
)

CREATE = Params(
    IDENTITY, _ROLE, consumed_index(Version.V2), CONSUMPTION_TIMESTAMP, *DATES, attributes(Version.V2)
)

UPDATE = Params(_ROLE, consumed_index(), CONSUMPTION_TIMESTAMP, *DATES, attributes(Version.V2))

PAGING = Paging("MB", PAGES, IDENTITIES)


async def create(call: Call) -> Answer:
    """Add a user to a channel. An identity that nobody has becomes a user."""
    member = await call.create(
        CreateMember(service_sid=service_sid(call), channel=call.names["channel_sid"], **call.fields), Member
    )
    return MEMBER.present(member, call.version, call.base)


async def fetch(call: Call) -> Answer:
    """Return one member."""
    return MEMBER.present(await named(call), call.version, call.base)


async def update(call: Call) -> Answer:
    """Change the role of a member, or how far the member has read."""
    command = UpdateMember(
        service_sid=service_sid(call),
        channel=call.names["channel_sid"],
        member=call.names["member_sid"],
        **call.fields,
    )
    return MEMBER.present(await call.run(command), call.version, call.base)


async def delete(call: Call) -> Answer:
    """Remove a member from a channel. What the member posted stays."""
    await call.run(
        DeleteMember(
            service_sid=service_sid(call),
            channel=call.names["channel_sid"],
            member=call.names["member_sid"],
        )
    )


async def page(call: Call) -> Answer:
    """List the members of a channel, oldest first."""
    query = PAGING.read(call)
    identities = query.filters.get("identities") or None
    async with call.reading() as tx:
        service, within = await channel.within(call, tx)
        members = await tx.members.page(service, within, query.cursor, identities)
    return present_page(call, MEMBER, query, members)


async def named(call: Call) -> Member:
    """Return the member that the path names, by SID or identity."""
    async with call.reading() as tx:
        service, within = await channel.within(call, tx)
        return await member_named(tx, service, within, call.names["member_sid"])
