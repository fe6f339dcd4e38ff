"""Trying whether pushes arrive: a push that says nothing but that it has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from chinwag.domain.caller import SYSTEM, Caller
from chinwag.domain.lookup import service_named
from chinwag.domain.occasion import Occasion
from chinwag.domain.push import PushKind, Words
from chinwag.errors import ApiError, Kinds

if TYPE_CHECKING:
    from chinwag.domain.caller import Operator
    from chinwag.domain.credential import Credential
    from chinwag.domain.unit import Reader, Transaction
    from chinwag.ids import Millis, NewSid

TEXT = "A test: push notifications of {} arrive here."
"""What is said."""


class SendTestPush(Struct, frozen=True, kw_only=True):
    """Push to the devices of an identity that are reached with a credential, in all services of the account.

    Args:
        credential_sid: the credential.
        identity: whose devices.
    """

    credential_sid: str
    identity: str

    async def apply(
        self, tx: Transaction, caller: Caller | Operator, now: Millis, new_sid: NewSid
    ) -> list[str]:
        """Return the SIDs of the pushes, which wait now.

        Raises:
            ApiError: `CREDENTIAL_NOT_FOUND`; `BINDING_NOT_FOUND` when there is no such device.
        """
        account_id, credential = await credential_of(tx, caller, self.credential_sid)
        within = await tx.bindings.reached_with(account_id, credential.sid, self.identity)
        if not within:
            detail = f"{self.identity} has no device that is registered with {credential.sid}"
            raise ApiError(Kinds.BINDING_NOT_FOUND, detail)

        account = Caller(account_id=account_id, account_sid=credential.account_sid)
        words = Words(text=TEXT.format(credential.friendly_name or credential.sid))
        made: list[str] = []
        for service_sid, user_id in within:
            service = await service_named(tx, account, service_sid)
            occasion = Occasion(
                account_sid=service.account_sid,
                service_sid=service.sid,
                sid=new_sid("NT"),
                kind=PushKind.TEST,
                user_id=user_id,
                author=SYSTEM,
                date_created=now,
            )
            made += await tx.occasions.spread_test(service, occasion, words, credential.sid, now)
        return made


async def credential_of(tx: Reader, caller: Caller | Operator, sid: str) -> tuple[int, Credential]:
    """Return a credential of the caller's account, or, for an operator, of any, behind the account's key.

    Raises:
        ApiError: `CREDENTIAL_NOT_FOUND`.
    """
    if isinstance(caller, Caller):
        found = await tx.credentials.get(caller.account_id, sid)
        known = (caller.account_id, found) if found else None
    else:
        known = await tx.credentials.find(sid)
    if known is None:
        raise ApiError(Kinds.CREDENTIAL_NOT_FOUND, f"there is no credential {sid}")
    return known
