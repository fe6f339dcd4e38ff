"""What an access token says, as far as the token alone can tell: its times and its grants.

Nothing here asks the store or the clock. Source: access-tokens.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeGuard

from msgspec import Struct

from chinwag import limits
from chinwag.auth.token_form import Claims, as_object, shown
from chinwag.auth.token_refusal import Reason, Reasons, TokenRefusedError
from chinwag.domain.user import check_identity
from chinwag.errors import ApiError
from chinwag.ids import parse_sid

if TYPE_CHECKING:
    from chinwag.ids import Millis

GRANTS = ("chat", "ip_messaging")
"""The names of the grant for chat: that of today and the one of early libraries. Source: access-tokens."""

_SECOND = 1000
_FARTHEST = 2**53
"""Largest number that is read as a moment. Larger ones are not exact in JSON."""


class ChatGrant(Struct, frozen=True, kw_only=True):
    """Who may chat where."""

    identity: str
    service_sid: str
    rest: Claims


def expiry(claims: Claims) -> int:
    """Return when a token ends, in seconds since 1970: check 5.

    Raises:
        TokenRefusedError: `NO_EXPIRY`.
    """
    exp = claims.get("exp")
    if not _is_moment(exp):
        raise TokenRefusedError(Reasons.NO_EXPIRY, f"exp is {shown(exp)}, not a whole number of seconds")
    return exp


def check_times(expires: int, not_before: object, now: Millis) -> None:
    """See that a token is valid at this moment: checks 6 to 8.

    Args:
        expires: its `exp`, in seconds.
        not_before: its `nbf`; None for a token without.
        now: this moment.

    Raises:
        TokenRefusedError: `EXPIRED`; `LIVES_TOO_LONG`; `NOT_YET_VALID`.
    """
    end = expires * _SECOND
    if end <= now:
        raise TokenRefusedError(Reasons.EXPIRED, f"exp was {(now - end) // _SECOND} s ago")

    begin = not_before * _SECOND if _is_moment(not_before) else now
    lifetime = _whole_seconds(end - max(now, begin))
    if lifetime > limits.TOKEN_LIFETIME_S:
        raise TokenRefusedError(
            Reasons.LIVES_TOO_LONG, f"exp is {lifetime} s ahead; at most {limits.TOKEN_LIFETIME_S}"
        )

    if not_before is not None and not _is_moment(not_before):
        raise TokenRefusedError(
            Reasons.NOT_YET_VALID, f"nbf is {shown(not_before)}, not a whole number of seconds"
        )
    ahead = _whole_seconds(begin - now)
    if ahead > limits.TOKEN_SKEW_S:
        raise TokenRefusedError(
            Reasons.NOT_YET_VALID,
            f"nbf is {ahead} s ahead; at most {limits.TOKEN_SKEW_S}: compare the clocks",
        )


def chat_grant(claims: Claims) -> ChatGrant:
    """Return what a token grants: checks 9 to 12. Grants for other products are ignored.

    Raises:
        TokenRefusedError: `NO_GRANTS`; `CHAT_GRANT`; `TWO_CHAT_GRANTS`; `IDENTITY`; `IDENTITY_TOO_LONG`;
            `NO_SERVICE`; `UNKNOWN_SERVICE` when what is given is no SID.
    """
    grants = as_object(claims.get("grants"))
    if grants is None:
        raise TokenRefusedError(Reasons.NO_GRANTS, f"grants is {shown(claims.get('grants'))}, not an object")

    given = [name for name in GRANTS if grants.get(name) is not None]
    if not given:
        raise TokenRefusedError(Reasons.CHAT_GRANT, "grants has no chat: add a ChatGrant to the token")
    if len(given) > 1:
        raise TokenRefusedError(Reasons.TWO_CHAT_GRANTS, "grants has both chat and ip_messaging: give one")
    chat = as_object(grants[given[0]])
    if chat is None:
        raise TokenRefusedError(
            Reasons.CHAT_GRANT, f"grants.{given[0]} is {shown(grants[given[0]])}, not an object"
        )

    return ChatGrant(identity=_identity(grants), service_sid=_service_sid(given[0], chat), rest=chat)


def endpoint_id(grant: ChatGrant) -> str | None:
    """Return the name of the device, if it has one: check 14.

    Raises:
        TokenRefusedError: `ENDPOINT_TOO_LONG`; `CHAT_GRANT` when it is no text.
    """
    endpoint = _text(grant, "endpoint_id")
    if endpoint is not None and len(endpoint) > limits.ENDPOINT:
        raise TokenRefusedError(
            Reasons.ENDPOINT_TOO_LONG,
            f"endpoint_id has {len(endpoint)} characters; at most {limits.ENDPOINT}",
        )
    return endpoint


def role_sid(grant: ChatGrant) -> str | None:
    """Return the role for a new user, if one is given.

    Raises:
        TokenRefusedError: `DEPLOYMENT_ROLE` when it is no SID of a role.
    """
    given = _text(grant, "deployment_role_sid", Reasons.DEPLOYMENT_ROLE)
    sid = parse_sid("RL", given) if given is not None else None
    if given is not None and sid is None:
        raise TokenRefusedError(
            Reasons.DEPLOYMENT_ROLE, f"deployment_role_sid is {shown(given)}, not the SID of a role"
        )
    return sid


def push_credential_sid(grant: ChatGrant) -> str | None:
    """Return the credential for push notifications, if one is given.

    It need not be there: check 16 is made when the device is registered, and fails that alone.

    Raises:
        TokenRefusedError: `CHAT_GRANT` when it is no text.
    """
    given = _text(grant, "push_credential_sid")
    return None if given is None else parse_sid("CR", given) or given


def claimed_sid(claims: Claims, name: str, prefix: str, what: str) -> str:
    """Return a SID that a claim names.

    Raises:
        TokenRefusedError: `ISSUER` when it is none of this kind.
    """
    given = claims.get(name)
    sid = parse_sid(prefix, given) if isinstance(given, str) else None
    if sid is None:
        raise TokenRefusedError(Reasons.ISSUER, f"{name} is {shown(given)}, not the SID of {what}")
    return sid


def _identity(grants: Claims) -> str:
    identity = grants.get("identity")
    if not _is_text(identity) or not identity:
        raise TokenRefusedError(
            Reasons.IDENTITY,
            f"grants.identity is {shown(identity)}; it must be a text of 1 to {limits.IDENTITY} characters",
        )
    if len(identity) > limits.IDENTITY:
        raise TokenRefusedError(
            Reasons.IDENTITY_TOO_LONG,
            f"grants.identity has {len(identity)} characters; at most {limits.IDENTITY}",
        )
    try:
        check_identity(identity)
    except ApiError as error:
        raise TokenRefusedError(Reasons.IDENTITY, f"grants.identity: {error.message}") from None
    return identity


def _service_sid(name: str, chat: Claims) -> str:
    given = chat.get("service_sid")
    if not isinstance(given, str) or not given:
        raise TokenRefusedError(
            Reasons.NO_SERVICE, f"grants.{name}.service_sid is {shown(given)}, not the SID of a service"
        )
    sid = parse_sid("IS", given)
    if sid is None:
        raise TokenRefusedError(
            Reasons.UNKNOWN_SERVICE, f"grants.{name}.service_sid is {shown(given)}, not the SID of a service"
        )
    return sid


def _text(grant: ChatGrant, name: str, otherwise: Reason = Reasons.CHAT_GRANT) -> str | None:
    """Return a text of the grant. Absent, null and empty mean that it is not given."""
    given = grant.rest.get(name)
    if given is None or given == "":
        return None
    if not _is_text(given):
        raise TokenRefusedError(otherwise, f"{name} is {shown(given)}, not a text")
    return given


def _is_moment(value: object) -> TypeGuard[int]:
    """Return whether this is a whole number of seconds; `True` is none, and neither is 1.0."""
    return type(value) is int and abs(value) < _FARTHEST


def _is_text(value: object) -> TypeGuard[str]:
    """Return whether this is a text that can be kept: JSON can spell half a character, and NUL."""
    if not isinstance(value, str) or "\0" in value:
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _whole_seconds(millis: Millis) -> int:
    """Return at least so many seconds."""
    return -(-millis // _SECOND)
