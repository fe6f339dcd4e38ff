"""Access tokens: how a client SDK says who its user is.

A token is a JWT that the application's own server makes with the secret of an API key. Which checks it has to
pass, in which order, and what is answered when one fails: docs/access-tokens.md. Source: access-tokens.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from chinwag import limits
from chinwag.auth import token_claims, token_form
from chinwag.auth.token_cache import TokenCache
from chinwag.auth.token_refusal import Reasons, TokenRefusedError
from chinwag.auth.token_signature import is_signed_with, signed
from chinwag.domain.caller import Caller
from chinwag.domain.permissions import RoleType

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from chinwag.auth.guesses import Guesses
    from chinwag.auth.secrets import Seal
    from chinwag.auth.token_form import Claims, Token
    from chinwag.domain.account import Key
    from chinwag.domain.service import Service
    from chinwag.domain.unit import Reader, Store
    from chinwag.ids import Millis


class Session(Struct, frozen=True, kw_only=True):
    """What a verified access token says.

    Args:
        key_sid: the API key that signed it.
        identity: the user.
        expires: when it ends, in seconds since 1970.
        endpoint_id: the user's device, by the application's own name.
        deployment_role_sid: the role of the user, if this session is the user's first.
        push_credential_sid: what push notifications to this device are sent with; may name none.
    """

    account_id: int
    account_sid: str
    key_sid: str
    service_sid: str
    identity: str
    expires: int
    endpoint_id: str | None = None
    deployment_role_sid: str | None = None
    push_credential_sid: str | None = None

    @property
    def caller(self) -> Caller:
        """The user, as a command asks for it."""
        return Caller(
            account_id=self.account_id,
            account_sid=self.account_sid,
            key_sid=self.key_sid,
            identity=self.identity,
        )


class _Verified(Struct, frozen=True):
    session: Session
    not_before: object


class AccessTokens:
    """Answers who presents an access token.

    A token that proved right is remembered, under a keyed digest, until it ends or until `forget`; its times
    are checked again each time.

    Args:
        store: where the keys are.
        seal: opens their secrets.
        now: the clock.
        guesses: slows down who guesses, if anybody does.
    """

    def __init__(
        self, store: Store, seal: Seal, now: Callable[[], Millis], guesses: Guesses | None = None
    ) -> None:
        self._guesses = guesses
        self._store = store
        self._seal = seal
        self._now = now
        self._cache: TokenCache[_Verified] = TokenCache()

    @property
    def forgotten(self) -> int:
        """How often `forget` was called."""
        return self._cache.forgotten

    def forget(self) -> None:
        """Verify every token again from now on: accounts or keys have changed."""
        self._cache.forget()

    async def session(self, token: str, address: str = "") -> Session:
        """Return what a token says that came from some address. A wrong signature is answered in turn.

        Raises:
            TokenRefusedError: it fails one of the checks.
            ApiError: `UNAVAILABLE`, when the store cannot be read now; `TOO_MANY_REQUESTS` in the place of a
                wrong signature, when there were too many from there.
        """
        try:
            return await self.look_at(token)
        except TokenRefusedError as refusal:
            await self.slow_down(refusal, address)
            raise

    async def slow_down(self, refusal: TokenRefusedError, address: str) -> None:
        """Wait until an address may hear of a refusal, if its token was signed with a wrong secret.

        Raises:
            ApiError: `TOO_MANY_REQUESTS`.
        """
        if refusal.reason is Reasons.SIGNATURE and self._guesses is not None:
            await self._guesses.wrong(address)

    async def look_at(self, token: str) -> Session:
        """Return what a token says, and make nobody wait.

        Raises:
            TokenRefusedError: it fails one of the checks.
            ApiError: `UNAVAILABLE`, when the store cannot be read now.
        """
        # Before anything is computed from it.
        if len(token) > limits.TOKEN_BYTES or not token.isascii():
            raise TokenRefusedError(
                Reasons.MALFORMED, f"a token is ASCII text of at most {limits.TOKEN_BYTES} bytes"
            )

        digest = self._cache.digest(token)
        known = self._cache.find(digest)
        if known is None:
            forgotten = self._cache.forgotten
            known = await self._verified(token_form.parsed(token))
            self._cache.keep(digest, known, forgotten)
            return known.session

        try:
            token_claims.check_times(known.session.expires, known.not_before, self._now())
        except TokenRefusedError:
            self._cache.drop(digest)
            raise
        return known.session

    async def still_valid(self, key_sids: Collection[str]) -> set[str]:
        """Return those of some API keys that are there: the sessions of the others are over."""
        async with self._store.reading() as tx:
            return {sid for sid in set(key_sids) if await tx.accounts.key(sid) is not None}

    async def _verified(self, token: Token) -> _Verified:
        """Make checks 3 to 16, in their order."""
        claims = token.claims
        async with self._store.reading() as tx:
            key = await _issuer(tx, claims)
            self._check_signature(token, key)
            expires, not_before = token_claims.expiry(claims), claims.get("nbf")
            token_claims.check_times(expires, not_before, self._now())
            grant = token_claims.chat_grant(claims)
            service = await _service(tx, key, grant.service_sid)
            endpoint_id = token_claims.endpoint_id(grant)
            role_sid = token_claims.role_sid(grant)
            if role_sid is not None:
                await _check_role(tx, service, role_sid)

        session = Session(
            account_id=key.account_id,
            account_sid=key.account_sid,
            key_sid=key.sid,
            service_sid=service.sid,
            identity=grant.identity,
            expires=expires,
            endpoint_id=endpoint_id,
            deployment_role_sid=role_sid,
            push_credential_sid=token_claims.push_credential_sid(grant),
        )
        return _Verified(session, not_before)

    def _check_signature(self, token: Token, key: Key) -> None:
        secret = self._seal.open(key.sealed_secret)
        if not is_signed_with(secret, token.header, token.payload, token.signature):
            raise TokenRefusedError(
                Reasons.SIGNATURE, f"the signature was not made with the secret of {key.sid}"
            )


def access_token(
    *,
    account_sid: str,
    key_sid: str,
    secret: str,
    service_sid: str,
    identity: str,
    now: Millis,
    ttl: int = 3600,
    endpoint_id: str | None = None,
    deployment_role_sid: str | None = None,
    push_credential_sid: str | None = None,
) -> str:
    """Return a new access token, as the original's server libraries make it.

    Args:
        account_sid: the account of the key and of the service.
        key_sid: the API key that signs.
        secret: the secret of that key.
        service_sid: the service to chat in.
        identity: the user.
        now: from when on it is valid.
        ttl: how long it is valid, in seconds; at most a day.
        endpoint_id: the user's device.
        deployment_role_sid: the role of the user, if the user is new.
        push_credential_sid: what push notifications to this device are sent with.

    Raises:
        ValueError: `ttl` is not 1 to 86400.
    """
    if not 1 <= ttl <= limits.TOKEN_LIFETIME_S:
        raise ValueError(f"ttl is {ttl}: it must be 1 to {limits.TOKEN_LIFETIME_S} seconds")

    seconds = now // 1000
    chat = {
        "service_sid": service_sid,
        "endpoint_id": endpoint_id,
        "deployment_role_sid": deployment_role_sid,
        "push_credential_sid": push_credential_sid,
    }
    claims: dict[str, Any] = {
        # SDKs take no notice of a token that they have; two of one second must not be the same.
        "jti": f"{key_sid}-{seconds}-{secrets.token_hex(4)}",
        "iss": key_sid,
        "sub": account_sid,
        "iat": seconds,
        "nbf": seconds,
        "exp": seconds + ttl,
        "grants": {
            "identity": identity,
            "chat": {name: value for name, value in chat.items() if value is not None},
        },
    }
    header = {"typ": token_form.TYPE, "cty": token_form.CONTENT_TYPE}
    return signed(header, msgspec.json.encode(claims), secret)


async def _issuer(tx: Reader, claims: Claims) -> Key:
    """Return the API key that a token says it is from: check 3."""
    key_sid = token_claims.claimed_sid(claims, "iss", "SK", "an API key")
    account_sid = token_claims.claimed_sid(claims, "sub", "AC", "an account")
    key = await tx.accounts.key(key_sid)
    if key is None:
        raise TokenRefusedError(Reasons.ISSUER, f"iss is {key_sid}: there is no such API key, or no longer")
    if key.account_sid != account_sid:
        raise TokenRefusedError(
            Reasons.ISSUER, f"sub is {account_sid}, and iss {key_sid} is no key of that account"
        )
    return key


async def _service(tx: Reader, key: Key, sid: str) -> Service:
    """Return the service that a token is for: check 13."""
    service = await tx.services.get(key.account_id, sid)
    if service is None:
        raise TokenRefusedError(
            Reasons.UNKNOWN_SERVICE, f"service_sid is {sid}: account {key.account_sid} has no such service"
        )
    return service


async def _check_role(tx: Reader, service: Service, sid: str) -> None:
    """See that a new user may have this role: check 15."""
    role = await tx.roles.get(service, sid)
    if role is None or role.type is not RoleType.DEPLOYMENT:
        raise TokenRefusedError(
            Reasons.DEPLOYMENT_ROLE,
            f"deployment_role_sid is {sid}, not a deployment role of service {service.sid}",
        )
