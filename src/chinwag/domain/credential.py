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
    date_created: Millis
    date_updated: Millis

    def __repr__(self) -> str:
        return f"Credential({self.sid})"


class Credentials(Protocol):
    """Credentials, as they are kept. Each method sees those of the given account only."""

    async def get(self, account_id: int, sid: str) -> Credential | None:
        """Return a credential, or None."""
        ...

    async def hold(self, account_id: int, sid: str) -> Credential | None:
        """Return a credential and hold it until the transaction ends, or None."""
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
    """Change a credential. A field left UNSET keeps its value; the type never changes."""

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
        changed = replace(credential, **given(self, changeable), date_updated=now)
        await tx.credentials.save(caller.account_id, changed)
        return changed


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
