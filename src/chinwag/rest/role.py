"""Roles on the wire. Source: chat-v1 Role, chat-v2 Role."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chinwag.domain.lookup import role_named, service_named
from chinwag.domain.permissions import RoleType
from chinwag.domain.role import CreateRole, DeleteRole, Role, UpdateRole
from chinwag.errors import Kinds
from chinwag.rest.common import PAGES, friendly_name
from chinwag.rest.paging import Paging, present_page
from chinwag.rest.params import Param, Params
from chinwag.rest.resource import Field, Resource, dates, sid, text
from chinwag.rest.service import service_sid
from chinwag.values import OneOf, Plain

if TYPE_CHECKING:
    from chinwag.rest.call import Answer, Call

ROLE = Resource(
    record=Role,
    key="roles",
    path="/Services/{service_sid}/Roles/{sid}",
    says="A named set of permissions. Roles bind what client SDKs may do.",
    fields=(
        sid("sid", "RL"),
        sid("account_sid", "AC"),
        sid("service_sid", "IS"),
        *text("friendly_name"),
        Field("type", {"type": "string", "enum": [role_type.value for role_type in RoleType]}),
        Field("permissions", {"type": "array", "items": {"type": "string"}}),
        *dates("date_created", "date_updated"),
    ),
)

_PERMISSION = Param(
    "Permission",
    "permissions",
    Plain(),
    "A permission, once for each; one empty value: none.",
    required=True,
    many=True,
)

CREATE = Params(
    *friendly_name(empty=Kinds.FRIENDLY_NAME_NOT_PROVIDED, required=True),
    Param("Type", "type", OneOf(RoleType, Kinds.INVALID_ROLE_TYPE), "Where the role applies.", required=True),
    _PERMISSION,
)

UPDATE = Params(_PERMISSION)

PAGING = Paging("RL", PAGES)


async def create(call: Call) -> Answer:
    """Add a role."""
    role = await call.create(CreateRole(service_sid=service_sid(call), **call.fields), Role)
    return ROLE.present(role, call.version, call.base)


async def fetch(call: Call) -> Answer:
    """Return one role."""
    return ROLE.present(await named(call), call.version, call.base)


async def update(call: Call) -> Answer:
    """Replace the permissions of a role."""
    command = UpdateRole(service_sid=service_sid(call), sid=role_sid(call), **call.fields)
    return ROLE.present(await call.run(command), call.version, call.base)


async def delete(call: Call) -> Answer:
    """Remove a role that is no default of its service."""
    await call.run(DeleteRole(service_sid=service_sid(call), sid=role_sid(call)))


async def page(call: Call) -> Answer:
    """List the roles of a service, oldest first."""
    query = PAGING.read(call)
    async with call.reading() as tx:
        service = await service_named(tx, call.caller, service_sid(call))
        roles = await tx.roles.page(service, query.cursor)
    return present_page(call, ROLE, query, roles)


async def named(call: Call) -> Role:
    """Return the role that the path names."""
    async with call.reading() as tx:
        service = await service_named(tx, call.caller, service_sid(call))
        return await role_named(tx, service, role_sid(call))


def role_sid(call: Call) -> str:
    """Return the SID of the role that the path names.

    Raises:
        ApiError: `ROLE_NOT_FOUND` when it is no SID of a role.
    """
    return call.sid("role_sid", "RL", Kinds.ROLE_NOT_FOUND)
