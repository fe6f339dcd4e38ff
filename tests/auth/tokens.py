"""An account with a key and a service, and tokens for it, good and bad, made without the code under test."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.fernet import Fernet

from chinwag.auth.access_token import AccessTokens
from chinwag.auth.secrets import Seal
from chinwag.auth.token_refusal import Reason, TokenRefusedError
from chinwag.domain.permissions import RoleType
from storage.builders import a_key, a_role, a_service, an_account, sid

if TYPE_CHECKING:
    from chinwag.domain.account import Account, Key
    from chinwag.domain.service import Service
    from chinwag.domain.unit import Store

NOW = 1_480_000_000
"""The moment of all these tests, in seconds."""

SECRET = "0123456789abcdef0123456789abcdef"
ACCOUNT, KEY, SERVICE = sid("AC", 1), sid("SK", 2), sid("IS", 3)
DEPLOYMENT_ROLE, CHANNEL_ROLE = sid("RL", 4), sid("RL", 5)
CREDENTIAL = sid("CR", 5)

HEADER = {"alg": "HS256", "typ": "JWT", "cty": "twilio-fpa;v=1"}

ABSENT = object()
"""The value of a claim that is left out."""


class Clock:
    """A clock that stands still until it is set, in seconds."""

    def __init__(self) -> None:
        self.seconds = float(NOW)

    def __call__(self) -> int:
        return int(self.seconds * 1000)


@dataclass
class House:
    """An account with a key, a service and a role of each type, and another account."""

    store: Store
    seal: Seal
    account: Account
    key: Key
    service: Service
    stranger: Account

    def tokens(self, clock: Clock | None = None, store: Any = None) -> AccessTokens:
        """A verifier that knows nothing yet."""
        return AccessTokens(store or self.store, self.seal, clock or Clock())


async def a_house(store: Store) -> House:
    seal = Seal(Fernet.generate_key().decode())
    account = await an_account(store, 1, sealed_auth_token=seal.seal("auth token"))
    key = await a_key(store, account, 2, sealed_secret=seal.seal(SECRET))
    service = await a_service(store, account, 3)
    await a_role(store, service, 4, type=RoleType.DEPLOYMENT, permissions=())
    await a_role(store, service, 5, type=RoleType.CHANNEL, permissions=())
    stranger = await an_account(store, 99, sealed_auth_token=seal.seal("auth token"))
    return House(store, seal, account, key, service, stranger)


def claims(**changed: Any) -> dict[str, Any]:
    """Return the claims of a good token, with changes."""
    plain = {
        "jti": f"{KEY}-{NOW}",
        "iss": KEY,
        "sub": ACCOUNT,
        "nbf": NOW,
        "exp": NOW + 3600,
        "grants": grants(),
    }
    return _present(plain | changed)


def grants(*, name: str = "chat", **changed: Any) -> dict[str, Any]:
    """Return the grants of a good token, with changes: `identity`, or what the grant for chat says."""
    identity = changed.pop("identity", "alice")
    return _present({"identity": identity, name: _present({"service_sid": SERVICE} | changed)})


def a_token(payload: object = None, header: object = HEADER, secret: str = SECRET) -> str:
    """Return a token: a good one, unless something else is given."""
    return signed(as_json(header), as_json(claims() if payload is None else payload), secret)


def signed(header: bytes, payload: bytes, secret: str = SECRET) -> str:
    """Return two texts as they are, signed with HMAC-SHA256."""
    text = f"{base64url(header)}.{base64url(payload)}"
    return f"{text}.{base64url(hmac.digest(secret.encode(), text.encode(), hashlib.sha256))}"


def as_json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


async def refused(tokens: AccessTokens, token: str, reason: Reason, *said: str) -> TokenRefusedError:
    """See that a token is refused, and that the detail says so."""
    with pytest.raises(TokenRefusedError) as refusal:
        await tokens.session(token)

    error = refusal.value
    given = (error.code, error.connection_code, error.socket_code)
    assert given == (reason.code, reason.connection_code, reason.socket_code), error.detail
    for text in said:
        assert text in error.detail
    assert SECRET not in error.detail
    return error


def _present(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not ABSENT}
