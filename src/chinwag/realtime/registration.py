"""Devices that want push notifications, as SDKs register them. Source: sdk-wire."""

from __future__ import annotations

import contextlib
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

from chinwag import limits
from chinwag.domain.binding import CreateBinding, RemoveBinding
from chinwag.domain.credential import PushType
from chinwag.domain.notifications import NotificationKind
from chinwag.domain.push import PushKind
from chinwag.errors import ApiError, Kinds
from chinwag.ids import parse_sid
from chinwag.logs import logger
from chinwag.realtime.call import Answer

if TYPE_CHECKING:
    from chinwag.realtime.call import Call

_log = logger()

_KINDS = {PushKind(kind).message_type: kind for kind in NotificationKind}


async def register(call: Call) -> Answer:
    """Register the device of this client, with the push credential that its access token names.

    An SDK that is refused asks again, each time later, and never gives up; what it does besides goes on.
    """
    given = call.json()
    binding_type, address = _device(given, "channel_type", given.get("data"), "registration_id")
    if binding_type is None:  # the socket itself, for one
        return Answer(HTTPStatus.CREATED, {"id": call.here.world.new_sid("BS")})

    session = call.client.session
    wanted = _names(given.get("message_types"))
    command = CreateBinding(
        service_sid=call.service_sid,
        endpoint=session.endpoint_id,
        credential_sid=session.push_credential_sid,
        binding_type=binding_type,
        address=address,
        message_types=tuple(kind for name, kind in _KINDS.items() if not wanted or name in wanted),
    )
    try:
        binding = await call.run(command)
    except ApiError as error:
        _log.warning(
            "device not registered", identity=session.identity, code=error.kind.code, reason=str(error),
            detail=error.detail,
        )  # fmt: skip
        raise
    return Answer(HTTPStatus.CREATED, {"id": binding.sid})


async def unregister(call: Call) -> Answer:
    """Forget a device of this user."""
    sid = parse_sid("BS", call.names["registration"])
    if sid is not None:
        await call.run(RemoveBinding(service_sid=call.service_sid, sid=sid))
    return Answer(HTTPStatus.NO_CONTENT)


async def remove(call: Call) -> Answer:
    """Forget a device of this user, by its address."""
    given = call.json()
    binding_type, address = _device(given, "binding_type", given, "address")
    if binding_type is not None:
        await call.run(
            RemoveBinding(service_sid=call.service_sid, binding_type=binding_type, address=address)
        )
    return Answer(HTTPStatus.NO_CONTENT)


def _names(given: object) -> list[Any]:
    """Return the message types that a client asks for; none is all of them.

    Raises:
        ApiError: `INVALID_PARAMETER` for what is no list.
    """
    if given is None:
        return []
    if not isinstance(given, list):
        raise ApiError(Kinds.INVALID_PARAMETER, "message_types must be a list", name="message_types")
    return cast("list[Any]", given)


def _device(given: dict[str, Any], type_name: str, place: object, name: str) -> tuple[PushType | None, str]:
    """Return the provider and the address of a device; None for what is no device.

    Raises:
        ApiError: `INVALID_PARAMETER` for what cannot be an address.
    """
    binding_type = None
    with contextlib.suppress(ValueError):
        binding_type = PushType(given.get(type_name))
    if binding_type is None:
        return None, ""
    address = cast("dict[str, Any]", place).get(name) if isinstance(place, dict) else None
    if (
        not isinstance(address, str)
        or not 0 < len(address) <= limits.DEVICE_ADDRESS
        or not address.isascii()
        or not address.isprintable()
    ):
        detail = f"{name} must be 1 to {limits.DEVICE_ADDRESS} printable ASCII characters"
        raise ApiError(Kinds.INVALID_PARAMETER, detail, name=name)
    return binding_type, address
