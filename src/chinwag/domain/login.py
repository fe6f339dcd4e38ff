"""How users come and go with a client SDK: logging in, and being online."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import UNSET, Struct
from msgspec.structs import replace

from chinwag.domain.happening import Happening
from chinwag.domain.lookup import deployment_role, service_named, user_with
from chinwag.domain.user import User, UserUpdated, add_user, check_identity, new_user
from chinwag.domain.webhook import WebhookEvent

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


class SetOnline(Struct, frozen=True, kw_only=True):
    """Note that the first client of a user has come, or the last one has gone. Source: reachability-guide.

    Nothing is noted while the service does not report it, nor of a user that was deleted.
    """

    service_sid: str
    identity: str
    online: bool

    async def apply(self, tx: Transaction, caller: Caller, _now: Millis, _new_sid: NewSid) -> None:
        """Note it. The user's `date_updated` stays (decided).

        Raises:
            ApiError: `SERVICE_NOT_FOUND`.
        """
        service = await service_named(tx, caller, self.service_sid)
        if not service.reachability_enabled:
            return
        user = await user_with(tx, service, self.identity)
        if user is None or bool(user.is_online) is self.online:
            return

        event_id = user.info_event_id + 1
        changed = replace(user, is_online=self.online, info_event_id=event_id, reachability_event_id=event_id)
        await tx.users.save(changed)
        tx.record(UserUpdated(changed, since=user.info_event_id))
        tx.happened(
            Happening(event=WebhookEvent.USER_UPDATED, subject=changed, service=service, client=self.identity)
        )
