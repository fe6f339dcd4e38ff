"""Google's provider of push notifications, Firebase Cloud Messaging, in its HTTP v1 form. Source: fcm."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

import msgspec
from msgspec import Struct, field

from chinwag.delivery.google_auth import (
    NOT_ACCEPTED,
    AccessTokens,
    NoTokenError,
    read_account,
    read_key,
    without_answer,
)
from chinwag.delivery.http_out import SendError
from chinwag.delivery.provider import (
    ANSWER_BYTES,
    PAYLOAD_BYTES,
    SEND_SECONDS,
    CredentialError,
    PushAnswer,
    Verdict,
    given,
    seconds_to_wait,
    shortened,
)
from chinwag.domain.push import PushKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from chinwag.delivery.google_auth import ServiceAccount
    from chinwag.delivery.http_out import HttpOut, Reply
    from chinwag.delivery.provider import OpenedCredential
    from chinwag.domain.push import PushContent
    from chinwag.ids import Millis

QUOTA_SECONDS = 60.0
"""How long Google is left alone when a quota is used up and it does not say for how long, in seconds.
Source: fcm."""

MOST_ACCOUNTS = 1000
"""Most credentials whose service accounts are remembered."""

_PLAIN = re.compile(r"[A-Z_]{1,64}")


class Meaning(NamedTuple):
    """What an answer means: the number is of the original's log, and the words are for a developer."""

    verdict: Verdict
    code: int
    words: str


_TOKEN_INVALID = Meaning(Verdict.GONE, 52102, "the registration token is not valid")
_TOO_LARGE = Meaning(Verdict.FAILED, 52106, "the push is too large")
_NO_PROJECT = Meaning(Verdict.STOPPED, NOT_ACCEPTED, "there is no such project, or its API is switched off")

_MEANINGS: dict[str, Meaning] = {
    "UNREGISTERED": Meaning(Verdict.GONE, 52103, "the app is not on the device any more"),
    "SENDER_ID_MISMATCH": Meaning(Verdict.GONE, 52104, "the device has registered with another project"),
    "INVALID_ARGUMENT": Meaning(Verdict.FAILED, 52111, "Google does not take the push"),
    "QUOTA_EXCEEDED": Meaning(Verdict.AGAIN, 52108, "a quota is used up"),
    "RESOURCE_EXHAUSTED": Meaning(Verdict.AGAIN, 52108, "a quota is used up"),
    "UNAVAILABLE": Meaning(Verdict.AGAIN, 52110, "Google is not available"),
    "INTERNAL": Meaning(Verdict.AGAIN, 52111, "Google has a fault"),
    "THIRD_PARTY_AUTH_ERROR": Meaning(
        Verdict.FAILED,
        NOT_ACCEPTED,
        "the project has no certificate for this iPhone, or no key for this browser",
    ),
    "UNAUTHENTICATED": Meaning(
        Verdict.STOPPED, NOT_ACCEPTED, "Google does not take the token that it has given"
    ),
    "PERMISSION_DENIED": Meaning(
        Verdict.STOPPED, NOT_ACCEPTED, "the service account may not send pushes of this project"
    ),
    "NOT_FOUND": _NO_PROJECT,
}
"""By Google's name of the error."""

_BY_STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "QUOTA_EXCEEDED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}
"""What stands for an error that Google does not name."""


class _Violation(Struct, frozen=True):
    field: str = ""


class _Detail(Struct, frozen=True, rename={"error_code": "errorCode", "violations": "fieldViolations"}):
    error_code: str = ""
    violations: list[_Violation] = field(default_factory=list[_Violation])


class _Error(Struct, frozen=True):
    status: str = ""
    message: str = ""
    details: list[_Detail] = field(default_factory=list[_Detail])


class _Refusal(Struct, frozen=True):
    """The body of an answer that is not 200."""

    error: _Error = field(default_factory=_Error)


class Fcm:
    """Reaches Android devices and browsers.

    Args:
        http: sends the requests.
        url: of the provider.
        now: the clock.
    """

    def __init__(self, http: HttpOut, url: str, now: Callable[[], Millis]) -> None:
        self._http = http
        self._url = url.rstrip("/")
        self._now = now
        self._tokens = AccessTokens(http, now)
        self._accounts: dict[tuple[str, Millis], ServiceAccount] = {}

    def check(self, credential: OpenedCredential, now: Millis) -> str:  # noqa: ARG002  # of Provider
        """Return what a credential is for, in one line for a developer, without asking anybody.

        Raises:
            CredentialError: it cannot be used.
        """
        account = read_account(credential)
        read_key(account)
        return f"project {account.project_id}, {account.client_email}"

    def payload(self, content: PushContent, address: str) -> dict[str, object]:
        """Return what is sent, as JSON, with texts shortened where it would be too large."""
        index = content.message_index
        data: dict[str, str] = given(
            {
                "twi_message_type": content.kind.message_type,
                "twi_message_id": f"RU{content.sid[2:]}",
                "twi_body": content.text,
                "twi_sound": content.sound,
                "channel_sid": content.channel_sid,
                "channel_id": content.channel_sid,
                "channel_title": content.channel_title,
                "message_sid": content.message_sid,
                "message_id": content.message_sid,
                "message_index": None if index is None else str(index),
                "author": content.author,
            }
        )
        for name in ("channel_title", "author", "twi_body"):
            excess = len(msgspec.json.encode(data)) - PAYLOAD_BYTES
            if excess > 0 and name in data:
                data[name] = shortened(data[name], excess)

        seconds = max(0, (content.expires - self._now()) // 1000)
        android = {"priority": "high", "ttl": f"{seconds}s"}
        if content.kind is PushKind.NEW_MESSAGE and content.channel_sid is not None:
            android["collapse_key"] = content.channel_sid
        webpush = {"headers": {"TTL": str(seconds), "Urgency": "high"}}
        return {"message": {"token": address, "data": data, "android": android, "webpush": webpush}}

    async def send(self, credential: OpenedCredential, address: str, content: PushContent) -> PushAnswer:
        """Send a push to a device, and return what the provider says.

        Args:
            credential: whose.
            address: the registration token.
            content: what it is told.
        """
        try:
            account = self._account(credential)
            body = msgspec.json.encode(self.payload(content, address))
            token = await self._tokens.of(credential, account)
            reply = await self._post(account, token, body)
            if reply.status == 401 and _named(reply)[0] != "THIRD_PARTY_AUTH_ERROR":  # noqa: PLR2004
                self._tokens.forget(credential, token)  # it may have been withdrawn
                token = await self._tokens.of(credential, account)
                reply = await self._post(account, token, body)
        except CredentialError as error:
            return PushAnswer(verdict=Verdict.STOPPED, reason=error.reason, code=error.code)
        except NoTokenError as error:
            return error.answer
        except SendError as error:
            return without_answer(error)
        return self._read(reply)

    async def _post(self, account: ServiceAccount, token: str, body: bytes) -> Reply:
        return await self._http.send(
            "POST",
            f"{self._url}/v1/projects/{quote(account.project_id, safe='')}/messages:send",
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json; charset=UTF-8"},
            body=body,
            seconds=SEND_SECONDS,
            most_bytes=ANSWER_BYTES,
        )

    def _account(self, credential: OpenedCredential) -> ServiceAccount:
        key = (credential.sid, credential.version)
        account = self._accounts.get(key)
        if account is None:
            account = read_account(credential)
            if len(self._accounts) >= MOST_ACCOUNTS:
                del self._accounts[next(iter(self._accounts))]
            self._accounts[key] = account
        return account

    def _read(self, reply: Reply) -> PushAnswer:
        if reply.status == 200:  # noqa: PLR2004  # OK
            return PushAnswer(verdict=Verdict.DELIVERED, reason="delivered", status=reply.status)
        name, found = _named(reply)
        wait = seconds_to_wait(reply.retry_after, self._now())
        if wait is None and found.code == _MEANINGS["QUOTA_EXCEEDED"].code:
            wait = QUOTA_SECONDS
        return PushAnswer(
            verdict=found.verdict,
            reason=f"{name}: {found.words}" if name else found.words,
            code=found.code,
            status=reply.status,
            retry_after=wait,
        )


def _named(reply: Reply) -> tuple[str, Meaning]:
    """Return how Google calls an error, if that can be repeated, and what it means."""
    try:
        error = msgspec.json.decode(reply.body, type=_Refusal).error
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        error = _Error()
    codes = [detail.error_code for detail in error.details if detail.error_code in _MEANINGS]
    name = codes[0] if codes else error.status
    if name not in _MEANINGS:
        name = _BY_STATUS.get(reply.status, "")
    if name == "INVALID_ARGUMENT":
        return name, _of_argument(error)
    if name in _MEANINGS:
        return name, _MEANINGS[name]
    if 500 <= reply.status <= 599:  # noqa: PLR2004  # a fault of the server, whichever
        return "", Meaning(Verdict.AGAIN, 52111, f"Google has a fault: status {reply.status}")
    word = error.status if _PLAIN.fullmatch(error.status) else ""
    return word, Meaning(Verdict.FAILED, 52111, f"an answer that is not known: status {reply.status}")


def _of_argument(error: _Error) -> Meaning:
    """Return what it means that something in the request is not valid."""
    fields = {violation.field for detail in error.details for violation in detail.violations}
    message = error.message.lower()
    if "message.token" in fields or ("registration token" in message and "valid" in message):
        return _TOKEN_INVALID
    if "too big" in message or "too large" in message or "exceeds" in message:
        return _TOO_LARGE
    return _MEANINGS["INVALID_ARGUMENT"]
