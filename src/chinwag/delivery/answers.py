"""What the answer to a pre-event webhook does. Source: webhook-events; decided where it is silent."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import msgspec

from chinwag import limits
from chinwag.domain.amendment import NO_AMENDMENT, Amendment
from chinwag.domain.webhook import WebhookEvent
from chinwag.errors import ApiError, Kinds
from chinwag.values import Attributes, Text, UniqueName, Words

if TYPE_CHECKING:
    from chinwag.delivery.http_out import Reply
    from chinwag.values import Type

_AUTHOR = Text(limits.IDENTITY, Kinds.AUTHOR_TOO_LONG, empty=Kinds.INVALID_PARAMETER)
_FRIENDLY_NAME = Text(limits.V2_FRIENDLY_NAME, Kinds.FRIENDLY_NAME_TOO_LONG)

_MESSAGE: dict[str, tuple[str, Type]] = {
    "body": ("body", Words(limits.BODY_TEXT_BYTES, Kinds.MESSAGE_BODY_TOO_LONG)),
    "attributes": ("attributes", Attributes()),
    "from": ("author", _AUTHOR),
    "author": ("author", _AUTHOR),
}

_CHANNEL: dict[str, tuple[str, Type]] = {
    "friendly_name": ("friendly_name", _FRIENDLY_NAME),
    "unique_name": ("unique_name", UniqueName()),
    "attributes": ("attributes", Attributes()),
}

KEYS: dict[WebhookEvent, dict[str, tuple[str, Type]]] = {
    WebhookEvent.MESSAGE_SEND: _MESSAGE,
    WebhookEvent.MESSAGE_UPDATE: _MESSAGE,
    WebhookEvent.MEDIA_MESSAGE_SEND: _MESSAGE,
    WebhookEvent.CHANNEL_ADD: _CHANNEL,
    WebhookEvent.CHANNEL_UPDATE: _CHANNEL,
    WebhookEvent.USER_UPDATE: {
        "friendly_name": ("friendly_name", _FRIENDLY_NAME),
        "attributes": ("attributes", Attributes()),
    },
}
"""What an answer may replace, by event: the key, and what it replaces. Other events take nothing."""


class Verdict(NamedTuple):
    """What an answer means.

    Args:
        amendment: what shall be otherwise.
        says: the same for whoever reads the log.
    """

    amendment: Amendment
    says: str


def verdict(event: WebhookEvent, reply: Reply) -> Verdict:
    """Return what an answer means.

    An answer of 200 that is no JSON object changes nothing: frameworks answer `OK` where nothing is said.

    Raises:
        ApiError: `WEBHOOK_REFUSED` for any status but 200; what is wrong with a value.
    """
    if reply.status != HTTPStatus.OK:
        raise ApiError(Kinds.WEBHOOK_REFUSED, f"the pre-event webhook answered {reply.status}")
    if not reply.body.strip():
        return Verdict(NO_AMENDMENT, "unchanged")
    found = _object(reply.body)
    if found is None:
        return Verdict(NO_AMENDMENT, "unchanged: the answer is no JSON object")

    keys = KEYS.get(event, {})
    values: dict[str, Any] = {}
    for key, value in found.items():
        if key in keys:
            name, kind = keys[key]
            values[name] = kind.read(key, _text(key, value))
    ignored = sorted(set(found) - set(keys))
    says = f"replaced: {', '.join(sorted(values))}" if values else "unchanged"
    if ignored:
        says += f"; ignored: {', '.join(ignored)}"[:200]
    return Verdict(Amendment(**values), says)


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        found: Any = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return None
    return cast("dict[str, Any]", found) if isinstance(found, dict) else None


def _text(key: str, value: object) -> str:
    """Return a value as the text that it must be.

    Raises:
        ApiError: `INVALID_PARAMETER`; `ATTRIBUTES_NOT_JSON` for attributes that are an object instead of the
            text of one.
    """
    if value is None:
        return ""
    if isinstance(value, str) and "\0" not in value:
        return value
    if key == "attributes":
        raise ApiError(
            Kinds.ATTRIBUTES_NOT_JSON, "attributes in the answer of a webhook are a text that holds JSON"
        )
    raise ApiError(Kinds.INVALID_PARAMETER, f"{key} in the answer of a webhook is no text", name=key)
