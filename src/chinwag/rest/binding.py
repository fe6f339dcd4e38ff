"""Bindings on the wire, v2 only: of a service, and of one user. Source: chat-v2 Binding."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chinwag import limits
from chinwag.domain.binding import Binding, DeleteBinding
from chinwag.domain.credential import PushType
from chinwag.domain.lookup import binding_named, service_named, user_named
from chinwag.errors import Kinds
from chinwag.rest.common import IDENTITIES
from chinwag.rest.paging import Paging, present_page
from chinwag.rest.params import Param
from chinwag.rest.resource import Field, Link, Resource, dates, sid, text
from chinwag.rest.service import service_sid
from chinwag.rest.version import Version
from chinwag.values import OneOf

if TYPE_CHECKING:
    from chinwag.rest.call import Answer, Call

_FIELDS = (
    sid("sid", "BS"),
    sid("account_sid", "AC"),
    sid("service_sid", "IS"),
    *text("endpoint", "identity"),
    sid("credential_sid", "CR"),
    Field("binding_type", {"type": "string", "enum": [kind.value for kind in PushType]}),
    Field("message_types", {"type": "array", "items": {"type": "string"}}),
    *dates("date_created", "date_updated"),
)

BINDING = Resource(
    record=Binding,
    key="bindings",
    path="/Services/{service_sid}/Bindings/{sid}",
    says="A device on which a user gets push notifications.",
    fields=_FIELDS,
    links=(Link("user", "/Services/{service_sid}/Users/{identity}"),),
)

USER_BINDING = Resource(
    record=Binding,
    name="UserBinding",
    key="bindings",
    path="/Services/{service_sid}/Users/{user_sid}/Bindings/{sid}",
    says="A device on which this user gets push notifications.",
    fields=(*_FIELDS, sid("user_sid", "US")),
)

_TYPE = Param(
    "BindingType",
    "types",
    OneOf(PushType, Kinds.INVALID_BINDING_TYPE),
    "Bindings of this provider only; may be repeated.",
    many=True,
)

_SIZES = {Version.V2: limits.V2_SMALL_PAGE}

PAGING = Paging("BS", _SIZES, _TYPE, IDENTITIES)

USER_PAGING = Paging("BS", _SIZES, _TYPE)


async def fetch(call: Call) -> Answer:
    """Return one binding."""
    async with call.reading() as tx:
        service = await service_named(tx, call.caller, service_sid(call))
        binding = await binding_named(tx, service, binding_sid(call), None)
    return BINDING.present(binding, call.version, call.base)


async def delete(call: Call) -> Answer:
    """Remove a binding."""
    await call.run(DeleteBinding(service_sid=service_sid(call), sid=binding_sid(call)))


async def page(call: Call) -> Answer:
    """List the bindings of a service, oldest first."""
    query = PAGING.read(call)
    types = list(query.filters.get("types", ())) or list(PushType)
    identities = query.filters.get("identities") or None
    async with call.reading() as tx:
        service = await service_named(tx, call.caller, service_sid(call))
        bindings = await tx.bindings.page(service, query.cursor, types, identities)
    return present_page(call, BINDING, query, bindings)


async def fetch_of_user(call: Call) -> Answer:
    """Return one binding of a user."""
    async with call.reading() as tx:
        service = await service_named(tx, call.caller, service_sid(call))
        user = await user_named(tx, service, call.names["user_sid"])
        binding = await binding_named(tx, service, binding_sid(call), user)
    return USER_BINDING.present(binding, call.version, call.base)


async def delete_of_user(call: Call) -> Answer:
    """Remove a binding of a user."""
    await call.run(
        DeleteBinding(service_sid=service_sid(call), user=call.names["user_sid"], sid=binding_sid(call))
    )


async def page_of_user(call: Call) -> Answer:
    """List the bindings of a user, oldest first."""
    query = USER_PAGING.read(call)
    types = list(query.filters.get("types", ())) or list(PushType)
    async with call.reading() as tx:
        service = await service_named(tx, call.caller, service_sid(call))
        user = await user_named(tx, service, call.names["user_sid"])
        bindings = await tx.bindings.page_of_user(service, user, query.cursor, types)
    return present_page(call, USER_BINDING, query, bindings)


def binding_sid(call: Call) -> str:
    """Return the SID of the binding that the path names.

    Raises:
        ApiError: `BINDING_NOT_FOUND` when it is no SID of a binding.
    """
    return call.sid("binding_sid", "BS", Kinds.BINDING_NOT_FOUND)
