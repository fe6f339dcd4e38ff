"""Whether users can be reached: with a client that is connected, or by a push. Source: reachability-guide."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from chinwag.domain.happening import Happening
from chinwag.domain.lookup import service_named, user_with
from chinwag.domain.user import UserUpdated
from chinwag.domain.webhook import WebhookEvent

if TYPE_CHECKING:
    from chinwag.domain.caller import Caller
    from chinwag.domain.service import Service
    from chinwag.domain.unit import Transaction
    from chinwag.domain.user import User
    from chinwag.ids import Millis, NewSid


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

        await _report(tx, service, user, replace(user, is_online=self.online), client=self.identity)


async def note_notifiable(tx: Transaction, service: Service, user_id: int, *, client: str | None) -> None:
    """Note that a user has a device now, or no longer has one. Webhooks are told, as of being online.

    Nothing is noted while the service does not report it, nor of a user that was deleted.

    Args:
        tx: the transaction of the change.
        service: whose.
        user_id: whose devices have changed.
        client: whose client caused it; None for what came over REST, or from a provider.
    """
    if not service.reachability_enabled:
        return
    user = await tx.users.hold(service, user_id)
    if user is None:
        return
    notifiable = await tx.bindings.any_of(user)
    if bool(user.is_notifiable) is not notifiable:
        await _report(tx, service, user, replace(user, is_notifiable=notifiable), client=client)


async def _report(
    tx: Transaction, service: Service, user: User, changed: User, *, client: str | None
) -> None:
    """Keep a user whose reachability has changed. Its `date_updated` stays (decided)."""
    event_id = user.info_event_id + 1
    stamped = replace(changed, info_event_id=event_id, reachability_event_id=event_id)
    await tx.users.save(stamped)
    tx.record(UserUpdated(stamped, since=user.info_event_id))
    tx.happened(Happening(event=WebhookEvent.USER_UPDATED, subject=stamped, service=service, client=client))
