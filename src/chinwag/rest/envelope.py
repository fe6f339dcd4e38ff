"""Errors on the wire: exactly four keys for every refusal. Source: recorded-responses."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

import msgspec

from chinwag.errors import ApiError, Kinds

if TYPE_CHECKING:
    from chinwag.errors import Kind

MORE_INFO = "https://www.twilio.com/docs/errors/"
"""Where a client is sent to read about a code: the original's pages, which applications may already know."""

DETAIL_HEADER = "chinwag-detail"
"""What else a developer should know goes here: the envelope has no room for it."""

_NAMED_IN_PATH = frozenset(
    {
        Kinds.SERVICE_NOT_FOUND,
        Kinds.ROLE_NOT_FOUND,
        Kinds.USER_NOT_FOUND,
        Kinds.CHANNEL_NOT_FOUND,
        Kinds.CHANNEL_WEBHOOK_NOT_FOUND,
        Kinds.MEMBER_NOT_FOUND,
        Kinds.MESSAGE_NOT_FOUND,
        Kinds.INVITE_NOT_FOUND,
        Kinds.BINDING_NOT_FOUND,
        Kinds.CREDENTIAL_NOT_FOUND,
    }
)
"""What REST reports as 20404, because the path names it."""


def addressed(error: ApiError, path: str) -> ApiError:
    """Return the error as REST words it: what a path names and is not there is 20404, whatever it is.

    Args:
        error: what a rule raised.
        path: as requested, without the version. Source: recorded-responses.
    """
    if error.kind in _NAMED_IN_PATH:
        return ApiError(Kinds.NOT_FOUND, error.detail or error.message, path=path)
    return error


def envelope(error: ApiError) -> bytes:
    """Return the body of an error."""
    return msgspec.json.encode(
        {
            "code": error.kind.code,
            "message": error.message,
            "more_info": f"{MORE_INFO}{error.kind.code}",
            "status": int(error.kind.status),
        }
    )


def headers(error: ApiError) -> dict[str, str]:
    """Return the headers that go with an error."""
    found: dict[str, str] = {}
    if error.kind is Kinds.AUTHENTICATE:
        found["www-authenticate"] = 'Basic realm="Twilio API"'
    if error.retry_after is not None:
        found["retry-after"] = str(error.retry_after)
    elif error.kind is Kinds.UNAVAILABLE:
        found["retry-after"] = "1"
    if error.detail:
        found[DETAIL_HEADER] = inert(error.detail)
    return found


def last_answer(error: ApiError) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """Return the headers and the body of an error after which the connection is closed."""
    body = envelope(error)
    given = {
        "content-type": "application/json; charset=utf-8",
        "content-length": str(len(body)),
        "connection": "close",
        **headers(error),
    }
    return [(name.encode(), value.encode()) for name, value in given.items()], body


def inert(text: str) -> str:
    """Return a text that cannot end a header line: 500 characters of printable ASCII, the rest escaped."""
    escaped = text.encode("ascii", "backslashreplace").decode()
    return "".join(character if character.isprintable() else "?" for character in escaped)[:500]


def kind_of_status(status: int) -> Kind:
    """Return the row of the table that stands for a status of the HTTP library itself."""
    return {
        HTTPStatus.NOT_FOUND: Kinds.NOT_FOUND,
        HTTPStatus.METHOD_NOT_ALLOWED: Kinds.METHOD_NOT_ALLOWED,
    }.get(HTTPStatus(status), Kinds.MALFORMED_REQUEST)
