"""Access tokens that an operator makes at the command line, for a first try or a test."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chinwag.auth.access_token import AccessTokens, access_token
from chinwag.errors import ApiError, Kinds
from chinwag.ids import parse_sid

if TYPE_CHECKING:
    from collections.abc import Callable

    from chinwag.auth.secrets import Seal
    from chinwag.domain.account import Key
    from chinwag.domain.unit import Reader, Store
    from chinwag.ids import Millis


async def issued(
    store: Store,
    seal: Seal,
    now: Callable[[], Millis],
    *,
    service_sid: str,
    identity: str,
    ttl: int,
    key_sid: str | None = None,
    endpoint_id: str | None = None,
    deployment_role_sid: str | None = None,
    push_credential_sid: str | None = None,
) -> str:
    """Return a new access token that a server with this store will accept.

    Args:
        store: where the service and the key are, of whatever account.
        seal: opens the secret of the key.
        now: the clock.
        service_sid: the service to chat in.
        identity: the user.
        ttl: how long it is valid, in seconds.
        key_sid: the API key that signs; None for the newest of the service's account.
        endpoint_id: the user's device.
        deployment_role_sid: the role of the user, if the user is new.
        push_credential_sid: what push notifications to this device are sent with.

    Raises:
        ApiError: `NOT_FOUND`, when there is no such service, key or credential.
        TokenRefusedError: a server would refuse the token, for the reason that it says.
        ValueError: `ttl` is not 1 to 86400.
    """
    async with store.reading() as tx:
        key = await _signer(tx, service_sid, key_sid)
        await _check_credential(tx, key, push_credential_sid)

    token = access_token(
        account_sid=key.account_sid,
        key_sid=key.sid,
        secret=seal.open(key.sealed_secret),
        service_sid=service_sid,
        identity=identity,
        now=now(),
        ttl=ttl,
        endpoint_id=endpoint_id,
        deployment_role_sid=deployment_role_sid,
        push_credential_sid=push_credential_sid,
    )
    await AccessTokens(store, seal, now).session(token)
    return token


async def _signer(tx: Reader, service_sid: str, key_sid: str | None) -> Key:
    """Return the API key that signs: the one named, or the newest of the service's account."""
    sid = parse_sid("IS", service_sid)
    for account in await tx.accounts.all():
        if sid is None or await tx.services.get(account.id, sid) is None:
            continue
        keys = await tx.accounts.keys(account)
        if key_sid is None and not keys:
            raise _nothing(
                f"account {account.sid} has no API key: `chinwag keys create {account.sid}` makes one"
            )
        for key in reversed(keys):
            if key_sid is None or key.sid == parse_sid("SK", key_sid):
                return key
        raise _nothing(f"there is no key {key_sid} in the account of the service, {account.sid}")
    raise _nothing(f"there is no service {service_sid}")


async def _check_credential(tx: Reader, key: Key, sid: str | None) -> None:
    """See that a push credential is the account's: a server would take the token and never push."""
    if sid is None:
        return
    known = parse_sid("CR", sid)
    if known is None or await tx.credentials.get(key.account_id, known) is None:
        raise _nothing(f"there is no credential {sid} in the account of the service, {key.account_sid}")


def _nothing(detail: str) -> ApiError:
    return ApiError(Kinds.NOT_FOUND, detail, path="/")
