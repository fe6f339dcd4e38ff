"""Why an access token is refused: each reason once, with the codes that go out for it.

Three families of codes tell of the same reasons:

* `code` answers an HTTP request, such as one for media. Sources: access-tokens, error-dictionary.
* `connection_code` goes to the log, for whoever mends the token. Sources: access-tokens, decided.
* `socket_code` answers a login over the socket. An SDK acts on one of them only: 20104 makes it say that the
  token has expired, and the application fetches another. So 20104 is for a token that was good and is over.
  One whose `exp` is missing or too far ahead comes from a server that makes no other kind: fetching again
  would never end, and it is 20101. What the token grants, and to whom, is 20107. Everything else is 20101,
  the signature too, which has 20107 in the other family. Sources: sdk-wire, decided.
"""

from __future__ import annotations

from dataclasses import dataclass

_INVALID = 20101
_EXPIRED = 20104
_GRANTS = 20107


@dataclass(frozen=True, slots=True)
class Reason:
    """One row of the table."""

    code: int
    connection_code: int
    socket_code: int


class Reasons:
    """Every reason, in the order in which a token is checked. `docs/access-tokens.md` lists them."""

    MALFORMED = Reason(20101, 51130, _INVALID)
    HEADER = Reason(20102, 51114, _INVALID)
    ISSUER = Reason(20103, 51115, _INVALID)
    SIGNATURE = Reason(20107, 51117, _INVALID)
    NO_EXPIRY = Reason(20104, 51118, _INVALID)
    EXPIRED = Reason(20104, 51119, _EXPIRED)
    LIVES_TOO_LONG = Reason(20104, 51121, _INVALID)
    NOT_YET_VALID = Reason(20105, 51120, _INVALID)
    NO_GRANTS = Reason(20106, 51103, _GRANTS)
    CHAT_GRANT = Reason(20106, 51116, _GRANTS)
    TWO_CHAT_GRANTS = Reason(20106, 51110, _GRANTS)
    IDENTITY = Reason(20106, 51105, _GRANTS)
    IDENTITY_TOO_LONG = Reason(20106, 51003, _GRANTS)
    NO_SERVICE = Reason(20106, 51104, _GRANTS)
    UNKNOWN_SERVICE = Reason(20404, 51101, _GRANTS)
    ENDPOINT_TOO_LONG = Reason(20106, 51004, _GRANTS)
    DEPLOYMENT_ROLE = Reason(50102, 51116, _GRANTS)


class TokenRefusedError(Exception):
    """An access token is no good.

    Args:
        reason: the row of `Reasons`.
        detail: which claim, and by how much it is wrong, for whoever mends the token. Never a secret.
    """

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.code = reason.code
        self.connection_code = reason.connection_code
        self.socket_code = reason.socket_code
        self.detail = detail


def all_reasons() -> list[Reason]:
    """Return every row, in the order in which it is written above."""
    return [reason for reason in vars(Reasons).values() if isinstance(reason, Reason)]
