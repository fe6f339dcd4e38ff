"""What the providers of push notifications have in common, as seen from here."""

from __future__ import annotations

from datetime import UTC
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

import msgspec
from msgspec import Struct

from chinwag.domain.credential import PushType
from chinwag.ids import Millis

if TYPE_CHECKING:
    from chinwag.domain.push import PushContent

SEND_SECONDS = 10.0
"""How long a provider may take to answer, in seconds."""

ANSWER_BYTES = 64 * 1024
"""Largest answer of a provider, in bytes."""

PAYLOAD_BYTES = 4096
"""Largest payload that both providers take, in bytes. Sources: apns, fcm."""


MOST_RETRY_SECONDS = 3600.0
"""Longest that a provider is left alone because it says so, in seconds."""


class Verdict(StrEnum):
    """What comes of a try.

    The provider has it; it should be tried again; it failed and nothing else is wrong; the device is not
    there any more; the credential is no good.
    """

    DELIVERED = "delivered"
    AGAIN = "again"
    FAILED = "failed"
    GONE = "gone"
    STOPPED = "stopped"


class PushAnswer(Struct, frozen=True, kw_only=True):
    """What a provider said to a push, or why it said nothing.

    Args:
        reason: for a developer, one line: what the provider calls it, and what helps where that is known.
        code: the number of the original's log, 52xxx; None for what was delivered. Source: error-dictionary.
        status: of HTTP; None without an answer.
        retry_after: how long the provider wants to be left alone, in seconds, if it says so.
        unanswered: whether nobody was there: others that go the same way need not try now.
        device: whether `retry_after` is about this device only.
    """

    verdict: Verdict
    reason: str
    code: int | None = None
    status: int | None = None
    retry_after: float | None = None
    unanswered: bool = False
    device: bool = False


class OpenedCredential(Struct, frozen=True, kw_only=True):
    """A credential with its secrets in clear. It is held while it is used, and never printed.

    Args:
        version: another one whenever something about it changes.
        certificate: PEM, of apn.
        private_key: PEM, of apn.
        secret: of fcm and gcm: the JSON of a service account, or a legacy server key.
    """

    sid: str
    type: PushType
    version: Millis
    sandbox: bool = False
    certificate: str | None = None
    private_key: str | None = None
    secret: str | None = None

    def __repr__(self) -> str:
        return f"OpenedCredential({self.sid})"


class CredentialError(Exception):
    """A credential that no provider can take.

    Args:
        reason: for a developer, one line: what is wrong, and what helps; nothing secret.
        code: the number of the original's log, 52xxx.
    """

    def __init__(self, reason: str, code: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code


class Provider(Protocol):
    """Reaches devices of one kind."""

    def check(self, credential: OpenedCredential, now: Millis) -> str:
        """Return what a credential is for, in one line for a developer, without asking anybody.

        Raises:
            CredentialError: it cannot be used.
        """
        ...

    def payload(self, content: PushContent, address: str) -> dict[str, object]:
        """Return what is sent, as JSON, with texts shortened where it would be too large."""
        ...

    async def send(self, credential: OpenedCredential, address: str, content: PushContent) -> PushAnswer:
        """Send a push to a device, and return what the provider says.

        Never raises what is the fault of others.

        Args:
            credential: whose.
            address: where the provider finds the device.
            content: what it is told.
        """
        ...


def given(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields that are not None."""
    return {name: value for name, value in fields.items() if value is not None}


def shortened(text: str, excess: int) -> str:
    """Return the beginning of a text that takes fewer bytes as JSON, by `excess` if it has so many."""
    most = len(msgspec.json.encode(text)) - excess
    shortest, longest = 0, len(text)
    while shortest < longest:
        middle = (shortest + longest + 1) // 2
        if len(msgspec.json.encode(text[:middle])) <= most:
            shortest = middle
        else:
            longest = middle - 1
    return text[:shortest]


def seconds_to_wait(header: str | None, now: Millis) -> float | None:
    """Return how long a `Retry-After` header asks to be left alone, in seconds; None without one."""
    if header is None:
        return None
    if header.isascii() and header.isdigit():
        return min(float(header), MOST_RETRY_SECONDS)
    try:
        until = parsedate_to_datetime(header)
    except (ValueError, OverflowError):
        return None
    seconds = until.replace(tzinfo=until.tzinfo or UTC).timestamp() - now / 1000
    return min(max(seconds, 0.0), MOST_RETRY_SECONDS)
