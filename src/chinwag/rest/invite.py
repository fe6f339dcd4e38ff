"""Invites on the wire. Source: chat-v1 Invite, chat-v2 Invite."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chinwag.domain.invite import Invite
from chinwag.domain.joining import CreateInvite
from chinwag.domain.leaving import DeleteInvite
from chinwag.domain.lookup import invite_named
from chinwag.errors import Kinds
from chinwag.rest import channel
from chinwag.rest.common import IDENTITIES, IDENTITY, PAGES
from chinwag.rest.paging import Paging, present_page
from chinwag.rest.params import Param, Params
from chinwag.rest.resource import Resource, dates, sid, text
from chinwag.rest.service import service_sid
from chinwag.values import Sid

if TYPE_CHECKING:
    from chinwag.rest.call import Answer, Call

INVITE = Resource(
    record=Invite,
    key="invites",
    path="/Services/{service_sid}/Channels/{channel_sid}/Invites/{sid}",
    says="An invitation of a user to a channel.",
    fields=(
        sid("sid", "IN"),
        sid("account_sid", "AC"),
        sid("channel_sid", "CH"),
        sid("service_sid", "IS"),
        *text("identity"),
        sid("role_sid", "RL"),
        *text("created_by"),
        *dates("date_created", "date_updated"),
    ),
)

CREATE = Params(
    IDENTITY,
    Param(
        "RoleSid",
        "role_sid",
        Sid("RL", Kinds.CHANNEL_ROLE_NOT_FOUND),
        "A channel role of the service, for the future member.",
    ),
)

PAGING = Paging("IN", PAGES, IDENTITIES)


async def create(call: Call) -> Answer:
    """Invite a user to a channel."""
    invite = await call.create(
        CreateInvite(service_sid=service_sid(call), channel=call.names["channel_sid"], **call.fields), Invite
    )
    return INVITE.present(invite, call.version, call.base)


async def fetch(call: Call) -> Answer:
    """Return one invite."""
    async with call.reading() as tx:
        service, within = await channel.within(call, tx)
        invite = await invite_named(tx, service, within, invite_sid(call))
    return INVITE.present(invite, call.version, call.base)


async def delete(call: Call) -> Answer:
    """Withdraw an invite."""
    await call.run(
        DeleteInvite(service_sid=service_sid(call), channel=call.names["channel_sid"], sid=invite_sid(call))
    )


async def page(call: Call) -> Answer:
    """List the invites to a channel, oldest first."""
    query = PAGING.read(call)
    identities = query.filters.get("identities") or None
    async with call.reading() as tx:
        service, within = await channel.within(call, tx)
        invites = await tx.invites.page(service, within, query.cursor, identities)
    return present_page(call, INVITE, query, invites)


def invite_sid(call: Call) -> str:
    """Return the SID of the invite that the path names.

    Raises:
        ApiError: `INVITE_NOT_FOUND` when it is no SID of an invite.
    """
    return call.sid("invite_sid", "IN", Kinds.INVITE_NOT_FOUND)
