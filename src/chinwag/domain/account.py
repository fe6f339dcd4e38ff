"""Accounts and their API keys: who may call the REST API.

Secrets arrive sealed (`chinwag.auth.secrets`): a rule never sees one in clear. Every change here raises the
installation's generation, by which a running server notices, within a second, what the command line did
beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from chinwag.domain.event import Event
from chinwag.errors import ApiError, Kinds
from chinwag.ids import Millis

if TYPE_CHECKING:
    from chinwag.domain.caller import Operator
    from chinwag.domain.unit import Transaction
    from chinwag.ids import NewSid


class Account(Struct, frozen=True, kw_only=True):
    """A tenant. Services belong to one account and are invisible to every other."""

    id: int
    sid: str
    friendly_name: str
    sealed_auth_token: bytes
    date_created: Millis


class Key(Struct, frozen=True, kw_only=True):
    """An API key: a second way to act for an account, which can be revoked alone."""

    id: int
    sid: str
    account_id: int
    account_sid: str
    friendly_name: str
    sealed_secret: bytes
    date_created: Millis


class AccountsChanged(Event, frozen=True):
    """Credentials were added, changed or revoked: whoever remembers some must look again."""


class Accounts(Protocol):
    """Accounts and API keys, as they are kept."""

    async def get(self, sid: str) -> Account | None:
        """Return an account, or None."""
        ...

    async def all(self) -> list[Account]:
        """Return every account, oldest first."""
        ...

    async def add(
        self, *, sid: str, friendly_name: str, sealed_auth_token: bytes, date_created: Millis
    ) -> Account | None:
        """Add an account and return it; None when the SID is taken."""
        ...

    async def set_auth_token(self, sid: str, sealed_auth_token: bytes) -> bool:
        """Change the auth token; False when there is no such account."""
        ...

    async def key(self, sid: str) -> Key | None:
        """Return an API key, or None."""
        ...

    async def keys(self, account: Account) -> list[Key]:
        """Return the API keys of an account, oldest first."""
        ...

    async def add_key(
        self, account: Account, *, sid: str, friendly_name: str, sealed_secret: bytes, date_created: Millis
    ) -> Key | None:
        """Add a key and return it; None when the SID is taken."""
        ...

    async def set_key_secret(self, sid: str, sealed_secret: bytes) -> bool:
        """Change the secret of a key; False when there is no such key."""
        ...

    async def remove_key(self, sid: str) -> bool:
        """Remove a key; False when there is no such key."""
        ...


class CreateAccount(Struct, frozen=True, kw_only=True):
    """Add an account. A `sid` may be given, so that tests and containers have fixed credentials."""

    friendly_name: str
    sealed_auth_token: bytes
    sid: str | None = None

    async def apply(self, tx: Transaction, _operator: Operator, now: Millis, new_sid: NewSid) -> Account:
        """Return the new account.

        Raises:
            ApiError: `CONFLICT` when the SID is taken.
        """
        account = await tx.accounts.add(
            sid=self.sid or new_sid("AC"),
            friendly_name=self.friendly_name,
            sealed_auth_token=self.sealed_auth_token,
            date_created=now,
        )
        if account is None:
            raise ApiError(Kinds.CONFLICT, f"there is an account {self.sid} already")

        await _announce(tx)
        return account


class ChangeAuthToken(Struct, frozen=True, kw_only=True):
    """Give an account another auth token. The old one is refused from then on."""

    sid: str
    sealed_auth_token: bytes

    async def apply(self, tx: Transaction, _operator: Operator, _now: Millis, _new_sid: NewSid) -> None:
        """Change it.

        Raises:
            ApiError: `NOT_FOUND` when there is no such account.
        """
        if not await tx.accounts.set_auth_token(self.sid, self.sealed_auth_token):
            raise _no_such_account(self.sid)

        await _announce(tx)


class CreateKey(Struct, frozen=True, kw_only=True):
    """Add an API key to an account. A `sid` may be given, as for `CreateAccount`."""

    account_sid: str
    friendly_name: str
    sealed_secret: bytes
    sid: str | None = None

    async def apply(self, tx: Transaction, _operator: Operator, now: Millis, new_sid: NewSid) -> Key:
        """Return the new key.

        Raises:
            ApiError: `NOT_FOUND` when there is no such account, `CONFLICT` when the SID is taken.
        """
        account = await tx.accounts.get(self.account_sid)
        if account is None:
            raise _no_such_account(self.account_sid)

        key = await tx.accounts.add_key(
            account,
            sid=self.sid or new_sid("SK"),
            friendly_name=self.friendly_name,
            sealed_secret=self.sealed_secret,
            date_created=now,
        )
        if key is None:
            raise ApiError(Kinds.CONFLICT, f"there is a key {self.sid} already")

        await _announce(tx)
        return key


class ChangeKeySecret(Struct, frozen=True, kw_only=True):
    """Give a key another secret. The old one is refused from then on."""

    sid: str
    sealed_secret: bytes

    async def apply(self, tx: Transaction, _operator: Operator, _now: Millis, _new_sid: NewSid) -> None:
        """Change it.

        Raises:
            ApiError: `NOT_FOUND` when there is no such key.
        """
        if not await tx.accounts.set_key_secret(self.sid, self.sealed_secret):
            raise _no_such_key(self.sid)

        await _announce(tx)


class RevokeKey(Struct, frozen=True, kw_only=True):
    """Take an API key away. It is refused from then on."""

    sid: str

    async def apply(self, tx: Transaction, _operator: Operator, _now: Millis, _new_sid: NewSid) -> None:
        """Revoke it.

        Raises:
            ApiError: `NOT_FOUND` when there is no such key.
        """
        if not await tx.accounts.remove_key(self.sid):
            raise _no_such_key(self.sid)

        await _announce(tx)


async def _announce(tx: Transaction) -> None:
    await tx.installation.raise_generation()
    tx.record(AccountsChanged())


def _no_such_account(sid: str) -> ApiError:
    return ApiError(Kinds.NOT_FOUND, f"there is no account {sid}", path=f"/Accounts/{sid}")


def _no_such_key(sid: str) -> ApiError:
    return ApiError(Kinds.NOT_FOUND, f"there is no key {sid}", path=f"/Keys/{sid}")
