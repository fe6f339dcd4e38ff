"""Credentials: what an account needs to reach a provider of push notifications. Secrets arrive sealed."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from chinwag.domain.change import given
from chinwag.errors import ApiError, Kinds
from chinwag.ids import Millis

if TYPE_CHECKING:
    from chinwag.domain.caller import Caller
    from chinwag.domain.paging import Cursor
    from chinwag.domain.unit import Transaction
    from chinwag.ids import NewSid


class PushType(StrEnum):
    """A provider of push notifications."""

    GCM = "gcm"
    APN = "apn"
    FCM = "fcm"


class Credential(Struct, frozen=True, kw_only=True):
    """A credential of an account. Source: chat-v1 Credential.

    Args:
        sandbox: whether the provider's sandbox is meant; None where it has none.
        sealed_certificate: PEM, of apn.
        sealed_private_key: PEM, of apn.
        sealed_api_key: of gcm.
        sealed_secret: of fcm.
        stopped: why its provider does not take it, since when nothing is sent with it; None while it does.
        stopped_code: the number of the original's log for that, 52xxx.
        date_stopped: since when.
    """

    sid: str
    account_sid: str
    friendly_name: str | None = None
    type: PushType
    sandbox: bool | None = None
    sealed_certificate: bytes | None = None
    sealed_private_key: bytes | None = None
    sealed_api_key: bytes | None = None
    sealed_secret: bytes | None = None
    stopped: str | None = None
    stopped_code: int | None = None
    date_stopped: Millis | None = None
    date_created: Millis
    date_updated: Millis

    def __repr__(self) -> str:
        return f"Credential({self.sid})"


class Usable(StrEnum):
    """Whether something can be sent with a credential."""

    ACTIVE = "active"
    STOPPED = "stopped"
    UNUSABLE = "unusable"


class CredentialState(Struct, frozen=True, kw_only=True):
    """Whether a credential can be used, for a developer.

    Args:
        state: `stopped`, if its provider does not take it; `unusable`, if it need not even be tried.
        detail: what it is for, or what is wrong with it.
        code: the number of the original's log for that, 52xxx.
        date_stopped: since when nothing is sent with it.
    """

    sid: str
    account_sid: str
    type: PushType
    state: Usable
    detail: str
    code: int | None = None
    date_stopped: Millis | None = None


class Credentials(Protocol):
    """Credentials, as they are kept. Each method sees those of the given account only."""

    async def get(self, account_id: int, sid: str) -> Credential | None:
        """Return a credential, or None."""
        ...

    async def hold(self, account_id: int, sid: str) -> Credential | None:
        """Return a credential and hold it until the transaction ends, or None."""
        ...

    async def find(self, sid: str) -> tuple[int, Credential] | None:
        """Return a credential of any account, behind the key of the account's row, or None."""
        ...

    async def page(self, account_id: int, cursor: Cursor) -> list[Credential]:
        """Return a page of credentials, oldest first, and one more if there are more."""
        ...

    async def add(self, account_id: int, credential: Credential) -> None:
        """Add a credential."""
        ...

    async def save(self, account_id: int, credential: Credential) -> None:
        """Replace every column of a credential that is held."""
        ...

    async def remove(self, account_id: int, credential: Credential) -> None:
        """Remove a credential that is held."""
        ...


_NEEDED = {
    PushType.APN: {"sealed_certificate": "Certificate", "sealed_private_key": "PrivateKey"},
    PushType.GCM: {"sealed_api_key": "ApiKey"},
    PushType.FCM: {"sealed_secret": "Secret"},
}
"""The secrets that each provider needs, and how a request names them."""


class CreateCredential(Struct, frozen=True, kw_only=True):
    """Add a credential to the account. Secrets that its type does not need are not kept."""

    type: PushType
    friendly_name: str | None = None
    sandbox: bool = False
    sealed_certificate: bytes | None = None
    sealed_private_key: bytes | None = None
    sealed_api_key: bytes | None = None
    sealed_secret: bytes | None = None

    async def apply(self, tx: Transaction, caller: Caller, now: Millis, new_sid: NewSid) -> Credential:
        """Return the new credential.

        Raises:
            ApiError: `MISSING_PARAMETER` without a secret that the type needs.
        """
        needed = _NEEDED[self.type]
        for field, name in needed.items():
            if getattr(self, field) is None:
                raise ApiError(Kinds.MISSING_PARAMETER, f"{self.type} needs {name}", name=name)

        credential = Credential(
            sid=new_sid("CR"),
            account_sid=caller.account_sid,
            friendly_name=self.friendly_name,
            type=self.type,
            sandbox=self.sandbox if self.type is PushType.APN else None,
            date_created=now,
            date_updated=now,
            **{field: getattr(self, field) for field in needed},
        )
        await tx.credentials.add(caller.account_id, credential)
        return credential


class UpdateCredential(Struct, frozen=True, kw_only=True):
    """Change a credential. A field left UNSET keeps its value; the type never changes.

    One that was stopped is tried again.
    """

    sid: str
    friendly_name: str | UnsetType | None = UNSET
    sandbox: bool | UnsetType = UNSET
    sealed_certificate: bytes | UnsetType = UNSET
    sealed_private_key: bytes | UnsetType = UNSET
    sealed_api_key: bytes | UnsetType = UNSET
    sealed_secret: bytes | UnsetType = UNSET

    async def apply(self, tx: Transaction, caller: Caller, now: Millis, _new_sid: NewSid) -> Credential:
        """Return the changed credential.

        Raises:
            ApiError: `CREDENTIAL_NOT_FOUND`.
        """
        credential = await _held(tx, caller, self.sid)

        changeable = {"friendly_name", *_NEEDED[credential.type]}
        if credential.type is PushType.APN:
            changeable.add("sandbox")
        changed = replace(
            credential,
            **given(self, changeable),
            stopped=None,
            stopped_code=None,
            date_stopped=None,
            date_updated=now,
        )
        await tx.credentials.save(caller.account_id, changed)
        return changed


class StopCredential(Struct, frozen=True, kw_only=True):
    """Send nothing more with a credential, until somebody changes it.

    Args:
        version: `date_updated` of what the provider did not take: another one may be good.
        reason: what the provider says.
        code: the number of the original's log, 52xxx.
    """

    sid: str
    version: Millis
    reason: str
    code: int

    async def apply(self, tx: Transaction, caller: Caller, now: Millis, _new_sid: NewSid) -> bool:
        """Return whether it is stopped by this."""
        credential = await tx.credentials.hold(caller.account_id, self.sid)
        if credential is None or credential.stopped is not None or credential.date_updated != self.version:
            return False
        stopped = replace(credential, stopped=self.reason, stopped_code=self.code, date_stopped=now)
        await tx.credentials.save(caller.account_id, stopped)
        return True


class DeleteCredential(Struct, frozen=True, kw_only=True):
    """Remove a credential. Devices that were registered with it are reached no more."""

    sid: str

    async def apply(self, tx: Transaction, caller: Caller, _now: Millis, _new_sid: NewSid) -> None:
        """Remove it.

        Raises:
            ApiError: `CREDENTIAL_NOT_FOUND`.
        """
        credential = await _held(tx, caller, self.sid)
        await tx.credentials.remove(caller.account_id, credential)


async def _held(tx: Transaction, caller: Caller, sid: str) -> Credential:
    credential = await tx.credentials.hold(caller.account_id, sid)
    if credential is None:
        raise ApiError(Kinds.CREDENTIAL_NOT_FOUND)
    return credential
