"""Users on the wire. Source: chat-v1 User, chat-v2 User."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chinwag.domain.leaving import DeleteUser
from chinwag.domain.lookup import service_named, user_named
from chinwag.domain.user import CreateUser, UpdateUser, User
from chinwag.errors import Kinds
from chinwag.rest.common import IDENTITY, PAGES, attributes, friendly_name
from chinwag.rest.paging import Paging, present_page
from chinwag.rest.params import Param, Params
from chinwag.rest.resource import Field, Link, Listed, Resource, dates, sid, text, text_or_null, whole
from chinwag.rest.resource import attributes as attributes_field
from chinwag.rest.service import service_sid
from chinwag.rest.version import Version
from chinwag.values import Sid

if TYPE_CHECKING:
    from chinwag.rest.call import Answer, Call

_TRUE_FALSE_OR_NULL = {"type": ["boolean", "null"]}

USER = Resource(
    record=User,
    key="users",
    path="/Services/{service_sid}/Users/{sid}",
    says="Somebody who takes part in the chat of a service.",
    fields=(
        sid("sid", "US"),
        sid("account_sid", "AC"),
        sid("service_sid", "IS"),
        *text("identity"),
        *text_or_null("friendly_name"),
        attributes_field(),
        sid("role_sid", "RL"),
        Field("is_online", _TRUE_FALSE_OR_NULL, listed=Listed.NO),
        Field("is_notifiable", _TRUE_FALSE_OR_NULL, listed=Listed.NO),
        *whole("joined_channels_count"),
        *dates("date_created", "date_updated"),
    ),
    links=(Link("user_channels", "/Channels"), Link("user_bindings", "/Bindings", since=Version.V2)),
)

_ROLE = Param(
    "RoleSid", "role_sid", Sid("RL", Kinds.DEPLOYMENT_ROLE_NOT_FOUND), "A deployment role of the service."
)

CREATE = Params(IDENTITY, *friendly_name(), attributes(), _ROLE)

UPDATE = Params(*friendly_name(), attributes(), _ROLE)

PAGING = Paging("US", PAGES)


async def create(call: Call) -> Answer:
    """Add a user."""
    user = await call.create(CreateUser(service_sid=service_sid(call), **call.fields), User)
    return USER.present(user, call.version, call.base)


async def fetch(call: Call) -> Answer:
    """Return one user."""
    return USER.present(await named(call), call.version, call.base)


async def update(call: Call) -> Answer:
    """Change a user."""
    command = UpdateUser(service_sid=service_sid(call), user=call.names["user_sid"], **call.fields)
    return USER.present(await call.run(command), call.version, call.base)


async def delete(call: Call) -> Answer:
    """Remove a user, with its memberships, invites and bindings. Messages stay."""
    await call.run(DeleteUser(service_sid=service_sid(call), user=call.names["user_sid"]))


async def page(call: Call) -> Answer:
    """List the users of a service, oldest first."""
    query = PAGING.read(call)
    async with call.reading() as tx:
        service = await service_named(tx, call.caller, service_sid(call))
        users = await tx.users.page(service, query.cursor)
    return present_page(call, USER, query, users)


async def named(call: Call) -> User:
    """Return the user that the path names, by SID or identity."""
    async with call.reading() as tx:
        service = await service_named(tx, call.caller, service_sid(call))
        return await user_named(tx, service, call.names["user_sid"])
