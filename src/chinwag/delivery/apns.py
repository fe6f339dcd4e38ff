"""Apple's provider of push notifications: a request over HTTP/2 for each device. Source: apns."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from uuid import UUID

import msgspec
from msgspec import Struct

from chinwag.delivery.apns_answers import meaning
from chinwag.delivery.apns_certificate import read_certificate, topic_of
from chinwag.delivery.http2_out import ClientIdentity
from chinwag.delivery.http_out import Failure, SendError
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

    from chinwag.delivery.http2_out import Http2Out
    from chinwag.delivery.http_out import Reply
    from chinwag.delivery.provider import OpenedCredential
    from chinwag.domain.push import PushContent
    from chinwag.ids import Millis

MOST_TOPICS = 1000
"""Most credentials whose topics are remembered."""

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9]{0,63}")


class _Refusal(Struct):
    """The body of an answer that is not 200."""

    reason: str = ""


class Apns:
    """Reaches iPhones and the like.

    Args:
        http: sends the requests.
        url: of the provider: scheme and host.
        sandbox_url: of its sandbox, which apps reach that come from a developer and not from the store.
        now: the clock.
    """

    def __init__(self, http: Http2Out, url: str, sandbox_url: str, now: Callable[[], Millis]) -> None:
        self._http = http
        self._url = url.rstrip("/")
        self._sandbox_url = sandbox_url.rstrip("/")
        self._now = now
        self._topics: dict[tuple[str, Millis], str] = {}

    def check(self, credential: OpenedCredential, now: Millis) -> str:
        """Return what a credential is for, in one line for a developer, without asking anybody.

        Raises:
            CredentialError: it cannot be used.
        """
        found = read_certificate(credential, now)
        where = "sandbox" if credential.sandbox else "production"
        return f"{found.topic}, {where}, valid until {found.valid_until:%Y-%m-%d}"

    def payload(self, content: PushContent, address: str) -> dict[str, object]:  # noqa: ARG002  # of Provider
        """Return what is sent, as JSON, with texts shortened where it would be too large."""
        if content.kind is PushKind.BADGE:
            return {"aps": given({"badge": content.badge})}
        aps = {"alert": content.text, "sound": content.sound, "badge": content.badge}
        found: dict[str, Any] = {
            "aps": given(aps),
            "twi_message_type": content.kind.message_type,
            "twi_message_id": f"RU{content.sid[2:]}",
            "channel_sid": content.channel_sid,
            "channel_title": content.channel_title,
            "message_sid": content.message_sid,
            "message_index": content.message_index,
            "author": content.author,
        }
        return _fitting(given(found))

    async def send(self, credential: OpenedCredential, address: str, content: PushContent) -> PushAnswer:
        """Send a push to a device, and return what the provider says.

        Args:
            credential: whose.
            address: the device token, in hexadecimal.
            content: what it is told.
        """
        origin = self._sandbox_url if credential.sandbox else self._url
        try:
            topic = self._topic(credential)
            reply = await self._http.send(
                f"{origin}/3/device/{quote(address, safe='')}",
                identity=ClientIdentity(
                    key=f"{credential.sid}/{credential.version}",
                    certificate=credential.certificate or "",
                    private_key=credential.private_key or "",
                ),
                headers=_headers(content, topic),
                body=msgspec.json.encode(self.payload(content, address)),
                seconds=SEND_SECONDS,
                most_bytes=ANSWER_BYTES,
            )
        except CredentialError as error:
            return PushAnswer(verdict=Verdict.STOPPED, reason=error.reason, code=error.code)
        except SendError as error:
            return _without_answer(error)
        return self._read(reply)

    def _topic(self, credential: OpenedCredential) -> str:
        """Return the app of a credential.

        Raises:
            CredentialError: it names none.
        """
        key = (credential.sid, credential.version)
        topic = self._topics.get(key)
        if topic is None:
            topic = topic_of(credential)
            if len(self._topics) >= MOST_TOPICS:
                del self._topics[next(iter(self._topics))]
            self._topics[key] = topic
        return topic

    def _read(self, reply: Reply) -> PushAnswer:
        reason = "" if reply.status == 200 else _reason(reply.body)  # noqa: PLR2004  # OK
        found = meaning(reply.status, reason)
        return PushAnswer(
            verdict=found.verdict,
            reason=f"{reason}: {found.words}" if reason else found.words,
            code=found.code,
            status=reply.status,
            retry_after=seconds_to_wait(reply.retry_after, self._now()),
            device=reply.status == 429,  # noqa: PLR2004  # Apple counts pushes to one device
        )


def _headers(content: PushContent, topic: str) -> dict[str, str]:
    headers = {
        "apns-topic": topic,
        "apns-push-type": "alert",
        "apns-priority": "5" if content.kind is PushKind.BADGE else "10",
        "apns-expiration": str(content.expires // 1000),
        "apns-id": str(UUID(content.sid[2:])),
    }
    if content.kind is PushKind.BADGE:
        headers["apns-collapse-id"] = "badge"
    elif content.kind is PushKind.NEW_MESSAGE and content.channel_sid is not None:
        headers["apns-collapse-id"] = content.channel_sid
    return headers


def _fitting(payload: dict[str, Any]) -> dict[str, Any]:
    """Shorten what is too large: first what an app can do without, and what is shown last."""
    for holder, name in ((payload, "channel_title"), (payload, "author"), (payload["aps"], "alert")):
        excess = len(msgspec.json.encode(payload)) - PAYLOAD_BYTES
        if excess <= 0:
            break
        if name in holder:
            holder[name] = shortened(holder[name], excess)
    return payload


def _reason(body: bytes) -> str:
    """Return the provider's word for what is wrong; nothing if there is none that can be repeated."""
    try:
        found = msgspec.json.decode(body, type=_Refusal).reason
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
    return found if _PLAIN.fullmatch(found) else ""


def _without_answer(error: SendError) -> PushAnswer:
    match error.failure:
        case Failure.IDENTITY:
            return PushAnswer(verdict=Verdict.STOPPED, reason=error.detail, code=52131)
        case Failure.FORBIDDEN:
            return PushAnswer(verdict=Verdict.FAILED, reason=error.detail, code=52143)
        case Failure.TOO_LARGE:
            return PushAnswer(verdict=Verdict.FAILED, reason=str(error), code=52140)
        case _:
            return PushAnswer(verdict=Verdict.AGAIN, reason=str(error), code=52140, unanswered=True)
