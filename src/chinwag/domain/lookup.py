"""Finding what a caller names, or refusing: what belongs to another account or service is not there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chinwag.errors import ApiError, Kinds

if TYPE_CHECKING:
    from chinwag.domain.caller import Caller
    from chinwag.domain.role import Role
    from chinwag.domain.service import Service
    from chinwag.domain.unit import Reader, Transaction


async def service_named(tx: Reader, caller: Caller, sid: str) -> Service:
    """Return a service.

    Raises:
        ApiError: `SERVICE_NOT_FOUND`.
    """
    service = await tx.services.get(caller.account_id, sid)
    if service is None:
        raise ApiError(Kinds.SERVICE_NOT_FOUND)
    return service


async def service_to_change(tx: Transaction, caller: Caller, sid: str) -> Service:
    """Return a service and hold it until the transaction ends.

    Raises:
        ApiError: `SERVICE_NOT_FOUND`.
    """
    service = await tx.services.lock(caller.account_id, sid)
    if service is None:
        raise ApiError(Kinds.SERVICE_NOT_FOUND)
    return service


async def role_named(tx: Reader, service: Service, sid: str) -> Role:
    """Return a role of a service.

    Raises:
        ApiError: `ROLE_NOT_FOUND`.
    """
    role = await tx.roles.get(service, sid)
    if role is None:
        raise ApiError(Kinds.ROLE_NOT_FOUND)
    return role
