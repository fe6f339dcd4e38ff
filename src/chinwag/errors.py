"""Every error a caller can see, once.

A rule raises `ApiError(Kinds.…)`; an edge presents it: HTTP as a status and a JSON envelope of four keys, the
real-time side as a frame. The codes and texts are the original's, so that applications that compare them keep
working. Source: error-dictionary.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus


@dataclass(frozen=True, slots=True)
class Kind:
    """One row of the table: a code of the original, its HTTP status and its text."""

    code: int
    status: HTTPStatus
    text: str


class ApiError(Exception):
    """A refusal that the caller is told about.

    Args:
        kind: the row of `Kinds`.
        detail: what else a developer should know; goes into the `Chinwag-Detail` header and the log, never
            into the body. May be longer than the text, and may be changed freely.
        fields: values for the placeholders of the row's text.
    """

    def __init__(self, kind: Kind, detail: str | None = None, /, **fields: str) -> None:
        super().__init__(kind.text.format_map(fields) if fields else kind.text)
        self.kind = kind
        self.detail = detail

    @property
    def message(self) -> str:
        """The text on the wire."""
        return str(self)


class Kinds:
    """Every error a caller can see, in code order. `docs/api.md` lists them for users."""

    MISSING_PARAMETER = Kind(
        20001, HTTPStatus.BAD_REQUEST, "Missing required parameter {name} in the post body"
    )
    INVALID_PARAMETER = Kind(20001, HTTPStatus.BAD_REQUEST, "Invalid parameter {name}")
    INVALID_BODY = Kind(20001, HTTPStatus.BAD_REQUEST, "The request body is not form-encoded UTF-8")
    TOO_MANY_PARAMETERS = Kind(20001, HTTPStatus.BAD_REQUEST, "Too many parameters")
    MALFORMED_REQUEST = Kind(20001, HTTPStatus.BAD_REQUEST, "Malformed HTTP request")
    REQUEST_TIMEOUT = Kind(20001, HTTPStatus.REQUEST_TIMEOUT, "The request did not arrive in time")
    BODY_TOO_LARGE = Kind(20001, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Request body too large")
    HEAD_TOO_LARGE = Kind(
        20001, HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "Request line and headers too large"
    )
    AUTHENTICATE = Kind(20003, HTTPStatus.UNAUTHORIZED, "Authenticate")
    METHOD_NOT_ALLOWED = Kind(20004, HTTPStatus.METHOD_NOT_ALLOWED, "Method not allowed")
    NOT_FOUND = Kind(20404, HTTPStatus.NOT_FOUND, "The requested resource {path} was not found")
    CONFLICT = Kind(20409, HTTPStatus.CONFLICT, "Conflict")
    INTERNAL = Kind(20500, HTTPStatus.INTERNAL_SERVER_ERROR, "An internal server error has occurred")
    UNAVAILABLE = Kind(20503, HTTPStatus.SERVICE_UNAVAILABLE, "Service unavailable")

    FRIENDLY_NAME_NOT_PROVIDED = Kind(50000, HTTPStatus.BAD_REQUEST, "FriendlyName not provided")
    FRIENDLY_NAME_TOO_LONG = Kind(50003, HTTPStatus.BAD_REQUEST, "Friendly name too long")

    SERVICE_NOT_FOUND = Kind(50050, HTTPStatus.NOT_FOUND, "Service Instance not found")
    INVALID_CONSUMPTION_INTERVAL = Kind(50052, HTTPStatus.BAD_REQUEST, "Invalid consumption interval format")
    INVALID_TYPING_INDICATOR = Kind(50053, HTTPStatus.BAD_REQUEST, "Invalid typing indicator format")
    INVALID_WEBHOOK = Kind(50054, HTTPStatus.BAD_REQUEST, "Invalid webhook format")
    INVALID_WEBHOOK_METHOD = Kind(50055, HTTPStatus.BAD_REQUEST, "Invalid webhook method")
    TEMPLATE_TOO_LONG = Kind(50058, HTTPStatus.BAD_REQUEST, "Notification template too long")
    SOUND_TOO_LONG = Kind(50059, HTTPStatus.BAD_REQUEST, "Notification sound name too long")
    INVALID_USER_CHANNELS = Kind(50060, HTTPStatus.BAD_REQUEST, "Invalid user channels limit format")
    INVALID_CHANNEL_MEMBERS = Kind(50061, HTTPStatus.BAD_REQUEST, "Invalid channel members limit format")

    ROLE_NOT_FOUND = Kind(50100, HTTPStatus.NOT_FOUND, "Role not found")
    CHANNEL_ROLE_NOT_FOUND = Kind(50101, HTTPStatus.BAD_REQUEST, "Channel role not found")
    DEPLOYMENT_ROLE_NOT_FOUND = Kind(50102, HTTPStatus.BAD_REQUEST, "Deployment role not found")
    PERMISSION_NOT_FOUND = Kind(50104, HTTPStatus.BAD_REQUEST, "Permission not found")
    INVALID_ROLE_TYPE = Kind(50105, HTTPStatus.BAD_REQUEST, "Invalid role type")
    CHANNEL_CREATOR_ROLE_NOT_FOUND = Kind(50106, HTTPStatus.BAD_REQUEST, "Channel creator role not found")


def all_kinds() -> list[Kind]:
    """Return every row, in the order in which it is written above."""
    return [kind for kind in vars(Kinds).values() if isinstance(kind, Kind)]
