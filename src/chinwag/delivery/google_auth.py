"""What Google wants to know before it takes a push: the account that a credential holds, and its token.

The secret of a credential is the JSON of a service account. What is signed with its key is exchanged for a
token, which is good for an hour (RFC 7523). Source: fcm.
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, NamedTuple, TypeVar
from urllib.parse import urlencode, urlsplit

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from msgspec import Struct

from chinwag.delivery.http_out import Failure, SendError
from chinwag.delivery.provider import (
    ANSWER_BYTES,
    SEND_SECONDS,
    CredentialError,
    PushAnswer,
    Verdict,
    seconds_to_wait,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    from chinwag.delivery.http_out import HttpOut
    from chinwag.delivery.provider import OpenedCredential
    from chinwag.ids import Millis

T = TypeVar("T")

SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
"""What a token is for."""

LIFETIME_S = 3600
"""How long a signed request for a token is good, in seconds."""

EARLY_MS = 5 * 60 * 1000
"""How long before its end a token is replaced, in milliseconds."""

LEAST_KEY_BITS = 2048
"""Smallest key of an account: Google gives out no smaller one."""

MEMORY = 100
"""Most credentials whose tokens are held."""

NOT_ACCEPTED = 52109
"""The number of the original's log for a credential that Google does not take. Source: error-dictionary."""

_AWAY = 52110
_LEGACY = (
    "this is a legacy server key: Google switched these off in 2024, and Google Cloud Messaging with them; "
    "give the JSON of a service account of the Firebase project in the same parameter "
    "(Secret, or ApiKey of a gcm credential)"
)
_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_PLAIN = re.compile(r"[A-Za-z_]{1,64}")


class ServiceAccount(Struct, frozen=True, kw_only=True):
    """What the JSON of a service account says. It is held while it is used, and never printed."""

    project_id: str
    private_key: str
    client_email: str
    token_uri: str
    private_key_id: str = ""

    def __repr__(self) -> str:
        return f"ServiceAccount({self.client_email})"


class _Token(NamedTuple):
    """A token, and when it ends."""

    text: str
    until: Millis


class _Asking:
    """What those share who want a token of one credential at the same time."""

    def __init__(self) -> None:
        self.turn = asyncio.Lock()
        self.present = 0
        self.outcome: _Token | PushAnswer | None = None


class _Granted(Struct):
    """The answer of the token endpoint."""

    access_token: str = ""
    expires_in: int = 0


class _Denied(Struct):
    """Its answer when it refuses."""

    error: str = ""


class NoTokenError(Exception):
    """There is no token now.

    Args:
        answer: what that means for a push.
    """

    def __init__(self, answer: PushAnswer) -> None:
        super().__init__(answer.reason)
        self.answer = answer


def read_account(credential: OpenedCredential) -> ServiceAccount:
    """Return the service account that a credential holds.

    Raises:
        CredentialError: it holds none that can be used.
    """
    secret = (credential.secret or "").strip()
    if not secret:
        raise CredentialError("the credential has no secret", 52161)
    if not secret.startswith("{"):
        raise CredentialError(_LEGACY, 52101)
    try:
        account = msgspec.json.decode(secret, type=ServiceAccount)
    except msgspec.ValidationError as error:
        # Of what it finds, msgspec names the place and the type, and not the value.
        raise CredentialError(f"the secret is no JSON of a service account: {error}", 52101) from None
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise CredentialError("the secret is no JSON", 52101) from None
    for name in ("project_id", "client_email"):
        if not getattr(account, name):
            raise CredentialError(f"the secret is no JSON of a service account: {name} is empty", 52101)
    _check_token_uri(account.token_uri)
    return account


def read_key(account: ServiceAccount) -> RSAPrivateKey:
    """Return the key of an account, after a close look at it, which takes 30 ms.

    Raises:
        CredentialError: nothing can be signed with it.
    """
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey  # noqa: PLC0415  # takes long
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

    try:
        key = load_pem_private_key(account.private_key.encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, RSAPrivateKey) or key.key_size < LEAST_KEY_BITS:
        raise CredentialError("the private_key of the service account is no RSA key in PEM", 52101)
    return key


def _check_token_uri(uri: str) -> None:
    try:
        parts = urlsplit(uri)
        host = parts.hostname
    except ValueError:
        host, parts = None, urlsplit("")
    if not host or not (parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK)):
        raise CredentialError("the token_uri of the service account is no https address", 52101)


class AccessTokens:
    """The tokens of service accounts. Of each credential one is asked for at a time, and then remembered.

    Args:
        http: sends the requests.
        now: the clock.
    """

    def __init__(self, http: HttpOut, now: Callable[[], Millis]) -> None:
        self._http = http
        self._now = now
        self._tokens: dict[tuple[str, Millis], _Token] = {}
        self._asking: dict[tuple[str, Millis], _Asking] = {}

    async def of(self, credential: OpenedCredential, account: ServiceAccount) -> str:
        """Return a token.

        Raises:
            NoTokenError: there is none now.
        """
        key = (credential.sid, credential.version)
        known = self._tokens.get(key)
        if known is not None and self._now() < known.until - EARLY_MS:
            return known.text
        asking = self._asking.setdefault(key, _Asking())
        asking.present += 1
        try:
            async with asking.turn:
                # Those who have waited take what the first was told: or each would wait for the same failure.
                outcome = asking.outcome = asking.outcome or await self._outcome(key, account)
        finally:
            asking.present -= 1
            if not asking.present:
                del self._asking[key]
        if isinstance(outcome, PushAnswer):
            raise NoTokenError(outcome)
        return outcome.text

    def forget(self, credential: OpenedCredential, text: str) -> None:
        """Forget a token that was not taken."""
        key = (credential.sid, credential.version)
        if (known := self._tokens.get(key)) is not None and known.text == text:
            del self._tokens[key]

    async def _outcome(self, key: tuple[str, Millis], account: ServiceAccount) -> _Token | PushAnswer:
        try:
            token = await self._ask(account)
        except NoTokenError as error:
            return error.answer
        self._tokens.pop(key, None)
        if len(self._tokens) >= MEMORY:
            del self._tokens[next(iter(self._tokens))]
        self._tokens[key] = token
        return token

    async def _ask(self, account: ServiceAccount) -> _Token:
        began = self._now()
        try:
            assertion = await asyncio.to_thread(_signed, account, began // 1000)
        except CredentialError as error:
            answer = PushAnswer(verdict=Verdict.STOPPED, reason=error.reason, code=error.code)
            raise NoTokenError(answer) from None
        try:
            reply = await self._http.send(
                "POST",
                account.token_uri,
                headers={"Content-Type": "application/x-www-form-urlencoded"},
                body=urlencode({"grant_type": _GRANT, "assertion": assertion}).encode(),
                seconds=SEND_SECONDS,
                most_bytes=ANSWER_BYTES,
            )
        except SendError as error:
            raise NoTokenError(without_answer(error)) from None
        if reply.status == 200:  # noqa: PLR2004  # OK
            granted = _decoded(reply.body, _Granted)
            if granted is not None and granted.access_token.isascii() and granted.access_token:
                return _Token(granted.access_token, began + 1000 * max(granted.expires_in, 0))
            reason = "Google's token endpoint answers with no token"
            raise NoTokenError(PushAnswer(verdict=Verdict.AGAIN, reason=reason, code=_AWAY, status=200))
        denied = _decoded(reply.body, _Denied)
        word = f" ({denied.error})" if denied and _PLAIN.fullmatch(denied.error) else ""
        refused = reply.status in {400, 401, 403}
        raise NoTokenError(
            PushAnswer(
                verdict=Verdict.STOPPED if refused else Verdict.AGAIN,
                reason=f"Google gives the service account no token{word}",
                code=NOT_ACCEPTED if refused else _AWAY,
                status=reply.status,
                retry_after=seconds_to_wait(reply.retry_after, self._now()),
            )
        )


def without_answer(error: SendError) -> PushAnswer:
    """Return what it means for a push that there is no answer."""
    if error.failure is Failure.FORBIDDEN:
        return PushAnswer(verdict=Verdict.FAILED, reason=error.detail, code=52111)
    if error.failure is Failure.TOO_LARGE:
        return PushAnswer(verdict=Verdict.FAILED, reason=str(error), code=52111)
    return PushAnswer(verdict=Verdict.AGAIN, reason=str(error), code=_AWAY, unanswered=True)


def _signed(account: ServiceAccount, now_s: int) -> str:
    from joserfc import jwt  # noqa: PLC0415  # a tenth of the time in which a server starts
    from joserfc.jwk import RSAKey  # noqa: PLC0415

    claims = {
        "iss": account.client_email,
        "scope": SCOPE,
        "aud": account.token_uri,
        "iat": now_s,
        "exp": now_s + LIFETIME_S,
    }
    header = {"alg": "RS256", "kid": account.private_key_id, "typ": "JWT"}
    key = read_key(account)
    return jwt.encode(header, claims, RSAKey(key, key), algorithms=["RS256"])


def _decoded(body: bytes, into: type[T]) -> T | None:
    try:
        return msgspec.json.decode(body, type=into)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
