"""The credentials that a server starts with: fixed ones from the settings, or new ones, shown once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from chinwag import commands
from chinwag.auth.secrets import WrongKeyError, new_secret
from chinwag.domain.account import ChangeAuthToken, ChangeKeySecret, CreateAccount, CreateKey
from chinwag.domain.caller import Operator
from chinwag.errors import ApiError, Kinds

if TYPE_CHECKING:
    from chinwag.auth.secrets import Seal
    from chinwag.commands import World


class Credentials(Struct, frozen=True, kw_only=True):
    """An account and a key of it, with their secrets in clear."""

    account_sid: str
    auth_token: str
    api_key_sid: str
    api_key_secret: str


async def make_first_account(world: World, seal: Seal) -> Credentials | None:
    """Make an account and a key if there is no account at all, and return them; otherwise None."""
    async with world.store.reading() as tx:
        if await tx.accounts.all():
            return None

    token, secret = new_secret(), new_secret()
    account = await commands.run(
        CreateAccount(friendly_name="First account", sealed_auth_token=seal.seal(token)), Operator(), world
    )
    key = await commands.run(
        CreateKey(account_sid=account.sid, friendly_name="First key", sealed_secret=seal.seal(secret)),
        Operator(),
        world,
    )
    return Credentials(account_sid=account.sid, auth_token=token, api_key_sid=key.sid, api_key_secret=secret)


async def ensure_account(world: World, seal: Seal, sid: str, auth_token: str) -> None:
    """See that an account has this SID and this auth token."""
    async with world.store.reading() as tx:
        account = await tx.accounts.get(sid)
    sealed = seal.seal(auth_token)
    if account is None:
        created = CreateAccount(friendly_name="Fixed account", sealed_auth_token=sealed, sid=sid)
        await _unless_there(created, world)
    elif not _is(seal, account.sealed_auth_token, auth_token):
        await commands.run(ChangeAuthToken(sid=sid, sealed_auth_token=sealed), Operator(), world)


async def ensure_key(world: World, seal: Seal, account_sid: str, sid: str, secret: str) -> None:
    """See that an API key of the account has this SID and this secret.

    Raises:
        ApiError: `CONFLICT` when the key is another account's.
    """
    async with world.store.reading() as tx:
        key = await tx.accounts.key(sid)
    sealed = seal.seal(secret)
    if key is None:
        created = CreateKey(account_sid=account_sid, friendly_name="Fixed key", sealed_secret=sealed, sid=sid)
        await _unless_there(created, world)
    elif key.account_sid != account_sid:
        raise ApiError(Kinds.CONFLICT, f"api_key_sid {sid} is a key of another account, {key.account_sid}")
    elif not _is(seal, key.sealed_secret, secret):
        await commands.run(ChangeKeySecret(sid=sid, sealed_secret=sealed), Operator(), world)


async def _unless_there(command: CreateAccount | CreateKey, world: World) -> None:
    """Add it, unless another node, started at the same moment with the same settings, was first."""
    try:
        await commands.run(command, Operator(), world)
    except ApiError as error:
        if error.kind is not Kinds.CONFLICT:
            raise


def _is(seal: Seal, sealed: bytes, secret: str) -> bool:
    try:
        return seal.open(sealed) == secret
    except WrongKeyError:
        return False
