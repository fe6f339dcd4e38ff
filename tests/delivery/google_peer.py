"""Google, as small as can be: it gives access tokens to service accounts, takes pushes, and answers as a test
wants. Nothing here needs a test: a process of its own may run it, too.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

PROJECT = "my-app"
EMAIL = "chinwag@my-app.iam.gserviceaccount.com"
PATIENCE_SECONDS = 20
KEY_ID = "0123456789abcdef0123456789abcdef01234567"
SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
FCM_ERROR = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
BAD_REQUEST = "type.googleapis.com/google.rpc.BadRequest"


@dataclass(frozen=True)
class Says:
    """An answer; `body` is bytes, or something to be written as JSON."""

    status: int = 200
    body: object = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    def response(self) -> web.Response:
        body = self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()
        return web.Response(
            status=self.status, body=body, headers={"Content-Type": "application/json"} | self.headers
        )


@dataclass(frozen=True)
class Sent:
    """A push that has come."""

    project: str
    message: dict[str, Any]
    body: bytes
    headers: dict[str, str]


def error(
    code: int, status: str, message: str = "", *details: dict[str, Any], headers: dict[str, str] | None = None
) -> Says:
    """An error as all of Google's services write it."""
    found: dict[str, Any] = {"code": code, "message": message, "status": status}
    if details:
        found["details"] = list(details)
    return Says(code, {"error": found}, headers or {})


def fcm(error_code: str) -> dict[str, Any]:
    """What Firebase Cloud Messaging adds to an error."""
    return {"@type": FCM_ERROR, "errorCode": error_code}


def violation(field_name: str, description: str = "") -> dict[str, Any]:
    """What is added about a part of the request."""
    return {"@type": BAD_REQUEST, "fieldViolations": [{"field": field_name, "description": description}]}


OK = Says(200, {"name": f"projects/{PROJECT}/messages/0:1500415314455276%31bd1c9631bd1c96"})
UNREGISTERED = error(404, "NOT_FOUND", "Requested entity was not found.", fcm("UNREGISTERED"))
INVALID_TOKEN = error(
    400,
    "INVALID_ARGUMENT",
    "The registration token is not a valid FCM registration token",
    fcm("INVALID_ARGUMENT"),
)
INVALID_TOKEN_FIELD = error(
    400,
    "INVALID_ARGUMENT",
    "Request contains an invalid argument.",
    fcm("INVALID_ARGUMENT"),
    violation("message.token", "Invalid registration token"),
)
INVALID_TTL = error(
    400,
    "INVALID_ARGUMENT",
    "Invalid value at 'message.android.ttl' (type.googleapis.com/google.protobuf.Duration), \"x\"",
    violation("message.android.ttl", "Field 'ttl', Illegal duration format"),
)
TOO_BIG = error(400, "INVALID_ARGUMENT", "Android message is too big", fcm("INVALID_ARGUMENT"))
SENDER_ID_MISMATCH = error(403, "PERMISSION_DENIED", "SenderId mismatch", fcm("SENDER_ID_MISMATCH"))
QUOTA_EXCEEDED = error(429, "RESOURCE_EXHAUSTED", "Quota exceeded.", fcm("QUOTA_EXCEEDED"))
PROJECT_QUOTA_EXCEEDED = error(
    429,
    "RESOURCE_EXHAUSTED",
    "Quota exceeded for quota metric 'Send requests' and limit 'Send requests per minute'",
    {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "RATE_LIMIT_EXCEEDED"},
)
UNAVAILABLE = error(503, "UNAVAILABLE", "The service is currently unavailable.", fcm("UNAVAILABLE"))
INTERNAL = error(500, "INTERNAL", "Internal error encountered.", fcm("INTERNAL"))
THIRD_PARTY = error(
    401, "UNAUTHENTICATED", "Auth error from APNS or Web Push Service", fcm("THIRD_PARTY_AUTH_ERROR")
)
UNAUTHENTICATED = error(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.")
PERMISSION_DENIED = error(
    403, "PERMISSION_DENIED", "Permission 'cloudmessaging.messages.create' denied on resource"
)
NO_PROJECT = error(404, "NOT_FOUND", "Requested entity was not found.")


@cache
def private_key(owner: str = EMAIL) -> str:
    """The key of an account, in PEM: made once, because that takes long."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@dataclass
class Google:
    """What was sent to it, and how it answers.

    Args:
        answers: to pushes, by registration token, one after the other; the last one stays.
        token_answers: to requests for an access token, as above but each only once; then tokens are given.
        expires_in: how long an access token is good, in seconds, as is said; it is good until it is revoked.
        gives_tokens: set while it answers requests for an access token.
        now: its clock, in seconds.
    """

    url: str = ""
    project: str = PROJECT
    email: str = EMAIL
    answers: dict[str, list[Says]] = field(default_factory=dict)
    token_answers: list[Says] = field(default_factory=list)
    expires_in: object = 3599
    sent: list[Sent] = field(default_factory=list)
    assertions: list[dict[str, Any]] = field(default_factory=list)
    tokens_asked: int = 0
    tokens: set[str] = field(default_factory=set)
    gives_tokens: asyncio.Event = field(default_factory=asyncio.Event)
    now: Callable[[], float] = time.time
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    def service_account(self, **other: object) -> str:
        """The JSON of a service account; what is None is left out."""
        account: dict[str, object] = {
            "type": "service_account",
            "project_id": self.project,
            "private_key_id": KEY_ID,
            "private_key": private_key(),
            "client_email": self.email,
            "client_id": "104235678901234567890",
            "auth_uri": "https://accounts.google.com/o/oauth2/auth",
            "token_uri": f"{self.url}/token",
            "universe_domain": "googleapis.com",
        }
        return json.dumps({name: value for name, value in (account | other).items() if value is not None})

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait until something that it was asked has made something true."""
        async with self._changed:
            await asyncio.wait_for(self._changed.wait_for(true), PATIENCE_SECONDS)

    def revoke(self) -> None:
        """Take back all access tokens."""
        self.tokens.clear()

    def to(self, token: str) -> list[Sent]:
        return [sent for sent in self.sent if sent.message.get("token") == token]

    async def give_token(self, request: web.Request) -> web.Response:
        async with self._changed:
            self.tokens_asked += 1
            self._changed.notify_all()
        form = {name: values[0] for name, values in parse_qs((await request.read()).decode()).items()}
        await self.gives_tokens.wait()
        if self.token_answers:
            return self.token_answers.pop(0).response()
        if request.content_type != "application/x-www-form-urlencoded" or form.get("grant_type") != GRANT:
            return Says(400, {"error": "unsupported_grant_type"}).response()
        wrong = self._wrong(form.get("assertion", ""))
        if wrong:
            return Says(400, {"error": "invalid_grant", "error_description": wrong}).response()
        token = f"ya29.{secrets.token_urlsafe(24)}"
        self.tokens.add(token)
        given = {"access_token": token, "expires_in": self.expires_in, "token_type": "Bearer"}
        return Says(200, given).response()

    def _wrong(self, assertion: str) -> str | None:
        """What is wrong with an assertion."""
        try:
            found = jwt.decode(assertion, RSAKey.import_key(private_key()), algorithms=["RS256"])
        except (JoseError, ValueError):
            return "Invalid JWT Signature."
        claims, now = found.claims, self.now()
        self.assertions.append({"header": found.header, "claims": claims})
        if found.header.get("kid") != KEY_ID or claims["iss"] != self.email:
            return "Invalid grant: account not found"
        if claims["aud"] != f"{self.url}/token" or claims["scope"] != SCOPE:
            return "Invalid JWT: audience or scope"
        if not claims["iat"] - 60 <= now < claims["exp"] <= claims["iat"] + 3600:
            return "Invalid JWT: Token must be a short-lived token and in a reasonable timeframe."
        return None

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        message = json.loads(body)["message"]
        headers = {name.lower(): value for name, value in request.headers.items()}
        project = request.match_info["project"]
        async with self._changed:
            self.sent.append(Sent(project, message, body, headers))
            self._changed.notify_all()
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or token not in self.tokens:
            return UNAUTHENTICATED.response()
        if project != self.project:
            return NO_PROJECT.response()
        return self._answer(message["token"]).response()

    def _answer(self, token: str) -> Says:
        answers = self.answers.get(token, [OK])
        return answers.pop(0) if len(answers) > 1 else answers[0]


@asynccontextmanager
async def a_google(port: int = 0) -> AsyncIterator[Google]:
    """Start one on this machine, on a free port unless another is wanted."""
    found = Google()
    found.gives_tokens.set()
    site = web.Application(client_max_size=1_000_000)
    site.router.add_post("/token", found.give_token)
    site.router.add_post("/v1/projects/{project}/messages:send", found.take)
    runner = web.AppRunner(site, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    (host, bound, *_) = runner.addresses[0]
    found.url = f"http://{host}:{bound}"
    try:
        yield found
    finally:
        found.gives_tokens.set()
        await runner.cleanup()
