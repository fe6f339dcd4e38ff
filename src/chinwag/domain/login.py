"""How users come with a client SDK."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import UNSET, Struct

from chinwag.domain.lookup import deployment_role, service_named
from chinwag.domain.user import User, add_user, check_identity, new_user

if TYPE_CHECKING:
    from chinwag.domain.caller import Caller
    from chinwag.domain.unit import Transaction
    from chinwag.ids import Millis, NewSid


class LogIn(Struct, frozen=True, kw_only=True):
    """Let somebody in whose access token was found good. An identity that nobody has becomes a user.

    Args:
        deployment_role_sid: the role that the token grants to a new user; None is the default of the service.
            A user that is there keeps the role that it has. Source: permissions-guide.
    """

    service_sid: str
    identity: str
    deployment_role_sid: str | None = None

    async def apply(self, tx: Transaction, caller: Caller, now: Millis, new_sid: NewSid) -> User:
        """Return the user.

        Raises:
            ApiError: `SERVICE_NOT_FOUND`; and for a new user what `check_identity` raises, and
                `DEPLOYMENT_ROLE_NOT_FOUND`.
        """
        service = await service_named(tx, caller, self.service_sid)
        known = await tx.users.by_identity(service, self.identity)
        if known is not None:
            return known

        check_identity(self.identity)
        role_sid = await deployment_role(tx, service, self.deployment_role_sid or UNSET)
        return await add_user(tx, service, new_user(service, self.identity, role_sid, now, new_sid))
