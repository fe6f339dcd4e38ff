"""Why a login is refused: what the client is told, and what is logged for whoever mends it."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chinwag.auth.token_refusal import TokenRefusedError
    from chinwag.errors import ApiError

_TEXTS = {20101: "Invalid Access Token", 20104: "Access Token expired", 20107: "Invalid grants"}

_TRY_AGAIN = frozenset(
    {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.INTERNAL_SERVER_ERROR}
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """One refusal.

    Args:
        status: of HTTP; it decides whether an SDK tries again.
        code: what applications see.
        connection_code: the finer code, for the log.
        text: for people.
        detail: for developers; only in the log.
        retry_after: after how many seconds an SDK shall try again, if that is known.
    """

    status: HTTPStatus
    code: int
    connection_code: int | None
    text: str
    detail: str | None
    retry_after: int | None = None

    @classmethod
    def of_token(cls, error: TokenRefusedError) -> Refusal:
        """Return what is said of a token that is no good."""
        code = error.socket_code
        return cls(HTTPStatus.UNAUTHORIZED, code, error.connection_code, _TEXTS[code], error.detail)

    @classmethod
    def of_error(cls, error: ApiError) -> Refusal:
        """Return what is said when a good token leads nowhere: its service is gone, or the store is away."""
        status = error.kind.status
        if status in _TRY_AGAIN:
            return cls(status, error.kind.code, None, error.message, error.detail, error.retry_after)
        return cls(HTTPStatus.FORBIDDEN, 20107, error.kind.code, error.message, error.detail)

    @property
    def told(self) -> dict[str, Any]:
        """What `Connection.refused` says."""
        return {
            "status": int(self.status),
            "reason": self.status.phrase.upper(),
            "code": self.code,
            "text": self.text,
            "wait_ms": None if self.retry_after is None else self.retry_after * 1000,
        }

    @property
    def logged(self) -> dict[str, Any]:
        """What the log says."""
        return {
            "code": self.code,
            "connection_code": self.connection_code,
            "error": self.text,
            "detail": self.detail,
        }
