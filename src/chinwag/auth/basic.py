"""HTTP Basic credentials: account SID and auth token, or API key SID and secret.

Source: rest-conventions.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import secrets
from typing import TYPE_CHECKING

from chinwag.domain.caller import Caller
from chinwag.errors import ApiError, Kinds

if TYPE_CHECKING:
    from chinwag.auth.guesses import Guesses
    from chinwag.auth.secrets import Seal
    from chinwag.domain.unit import Reader, Store

MEMORY = 10_000
"""Most credentials that are remembered. Those that were refused never are."""

_SCHEME = "basic "


class BasicAuthentication:
    """Answers who sent an `Authorization` header.

    Credentials that proved right are remembered for the address that they came from, under a keyed digest,
    until `forget`: opening a sealed secret costs more than all the rest of a request's authentication.

    Args:
        store: where the secrets are.
        seal: opens them.
        guesses: slows down who guesses, if anybody does.
    """

    def __init__(self, store: Store, seal: Seal, guesses: Guesses | None = None) -> None:
        self._store = store
        self._seal = seal
        self._guesses = guesses
        self._known: dict[bytes, Caller | None] = {}  # None: to be looked up again
        self._guessing: dict[bytes, asyncio.Future[ApiError | None]] = {}
        self._forgotten = 0
        self._digest_key = secrets.token_bytes(32)
        self._nobody = seal.seal(secrets.token_hex(16))

    def forget(self) -> None:
        """Look every credential up again from now on."""
        self._known = dict.fromkeys(self._known)
        self._forgotten += 1

    async def caller(self, authorization: str | None, address: str = "") -> Caller:
        """Return who sent this header, from some address.

        Raises:
            ApiError: `AUTHENTICATE`, when it is missing, malformed or wrong; `TOO_MANY_REQUESTS`, when others
                from there were wrong too often.
        """
        if authorization is None:
            raise ApiError(Kinds.AUTHENTICATE, "no Authorization header: use HTTP Basic")

        # A keyed digest, so that the time of the look-up tells nothing of the secrets that are known.
        digest = hashlib.blake2b(
            f"{address} {authorization}".encode("utf-8", "surrogateescape"),
            key=self._digest_key,
            digest_size=32,
        ).digest()
        known = self._known.get(digest)
        if known is not None:
            return known
        credentials = _credentials(authorization)
        if self._guesses is None or digest in self._known:  # what was right once is no guess
            return await self._looked_up(digest, credentials)
        return await self._guessed(digest, credentials, address, self._guesses)

    async def _guessed(
        self, digest: bytes, credentials: tuple[str, str], address: str, guesses: Guesses
    ) -> Caller:
        """Return who sent credentials that have never been right.

        A client may begin with many requests at once. They are one guess, and have one answer.
        """
        while (under_way := self._guessing.get(digest)) is not None:
            await guesses.follow(address, under_way)
            if not under_way.cancelled() and (error := under_way.result()) is not None:
                raise ApiError(error.kind, error.detail, retry_after=error.retry_after)
            if (known := self._known.get(digest)) is not None:
                return known

        guessing = self._guessing[digest] = asyncio.get_running_loop().create_future()
        try:
            async with guesses.guess(address):
                caller = await self._looked_up(digest, credentials)
        except ApiError as error:
            guessing.set_result(error)
            raise
        else:
            guessing.set_result(None)
            return caller
        finally:
            del self._guessing[digest]
            guessing.cancel()

    async def _looked_up(self, digest: bytes, credentials: tuple[str, str]) -> Caller:
        forgotten = self._forgotten
        caller = await self._verified(*credentials)
        if forgotten == self._forgotten:  # else they may have been revoked while they were being verified
            if len(self._known) >= MEMORY:
                self._known.clear()
            self._known[digest] = caller
        return caller

    async def _verified(self, username: str, password: str) -> Caller:
        async with self._store.reading() as tx:
            caller, sealed = await _known(tx, username) or (None, self._nobody)

        # An unknown user name costs as much time as a wrong password.
        right = hmac.compare_digest(self._seal.open(sealed).encode(), password.encode())
        if caller is None or not right:
            raise ApiError(Kinds.AUTHENTICATE, "unknown user name or wrong password")
        return caller


async def _known(tx: Reader, username: str) -> tuple[Caller, bytes] | None:
    """Return whose user name it is, and the sealed password; None for nobody's."""
    if username.startswith("SK"):
        key = await tx.accounts.key(username)
        if key is None:
            return None
        caller = Caller(account_id=key.account_id, account_sid=key.account_sid, key_sid=key.sid)
        return caller, key.sealed_secret
    account = await tx.accounts.get(username)
    if account is None:
        return None
    return Caller(account_id=account.id, account_sid=account.sid), account.sealed_auth_token


def _credentials(authorization: str) -> tuple[str, str]:
    """Return the user name and the password of a Basic header."""
    if authorization[: len(_SCHEME)].lower() != _SCHEME:
        raise ApiError(Kinds.AUTHENTICATE, "the Authorization scheme is not Basic")
    try:
        text = base64.b64decode(authorization[len(_SCHEME) :].strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        raise ApiError(Kinds.AUTHENTICATE, "the Authorization header is not base64 of UTF-8 text") from None
    username, colon, password = text.partition(":")
    if not colon or "\0" in username:
        raise ApiError(Kinds.AUTHENTICATE, "the credentials are not of the form user:password")
    return username, password
