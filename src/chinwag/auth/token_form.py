"""The form of an access token: three parts of base64url, JSON, and the header that every one of them has.

A token is read strictly, because what two readers understand differently can be abused: base64url without
padding and UTF-8 only, and no key twice in any object. Source: access-tokens.
"""

from __future__ import annotations

import json
from typing import Any, TypeAlias, cast

from joserfc.util import urlsafe_b64decode
from msgspec import Struct

from chinwag.auth.token_refusal import Reasons, TokenRefusedError
from chinwag.auth.token_signature import ALGORITHM

Claims: TypeAlias = dict[str, Any]
"""An object of JSON, of which nothing is known yet."""

TYPE = "JWT"
CONTENT_TYPE = "twilio-fpa;v=1"
"""What the header of every access token says, besides the algorithm. Source: access-tokens."""

_SHOWN = 60


class Token(Struct, frozen=True):
    """A token whose form is right, and nothing more. The first three are its parts as they came."""

    header: bytes
    payload: bytes
    signature: bytes
    claims: Claims


def parsed(token: str) -> Token:
    """Return the parts of a token: checks 1 and 2.

    Raises:
        TokenRefusedError: `MALFORMED`; `HEADER`.
    """
    parts = token.encode().split(b".")
    if len(parts) != 3:  # noqa: PLR2004  # header, payload, signature
        raise TokenRefusedError(Reasons.MALFORMED, f"a token has 3 parts, this one {len(parts)}")
    header, payload, signature = parts
    said = _object("header", _decoded("header", header))
    claims = _object("payload", _decoded("payload", payload))
    _decoded("signature", signature)

    _check_header(said)
    return Token(header, payload, signature, claims)


def as_object(value: object) -> Claims | None:
    """Return what is an object of JSON, or None."""
    return cast("Claims", value) if isinstance(value, dict) else None


def shown(value: object) -> str:
    """Return what was given, short enough for a line of the log."""
    if value is None:
        return "missing"
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    text = ascii(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


def _decoded(part: str, text: bytes) -> bytes:
    try:
        return urlsafe_b64decode(text)
    except ValueError:
        raise TokenRefusedError(Reasons.MALFORMED, f"the {part} is not unpadded base64url") from None


def _object(part: str, text: bytes) -> Claims:
    try:
        found: object = json.loads(text.decode(), object_pairs_hook=_unique, parse_constant=_no_constant)
    except _TwiceError as error:
        raise TokenRefusedError(Reasons.MALFORMED, f"the {part} has {shown(str(error))} twice") from None
    except (ValueError, RecursionError):
        raise TokenRefusedError(Reasons.MALFORMED, f"the {part} is not JSON") from None
    claims = as_object(found)
    if claims is None:
        raise TokenRefusedError(Reasons.MALFORMED, f"the {part} is not an object of JSON")
    return claims


class _TwiceError(ValueError):
    """A key is there twice. The text is the key."""


def _unique(pairs: list[tuple[str, Any]]) -> Claims:
    found: Claims = {}
    for key, value in pairs:
        if key in found:
            raise _TwiceError(key)
        found[key] = value
    return found


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _check_header(header: Claims) -> None:
    alg, typ, cty = header.get("alg"), header.get("typ"), header.get("cty")
    if alg != ALGORITHM:
        raise TokenRefusedError(Reasons.HEADER, f"alg is {shown(alg)}; it must be {ALGORITHM}")
    if not isinstance(typ, str) or typ.upper() != TYPE:
        raise TokenRefusedError(Reasons.HEADER, f"typ is {shown(typ)}; it must be {TYPE}")
    if cty != CONTENT_TYPE:
        raise TokenRefusedError(Reasons.HEADER, f"cty is {shown(cty)}; it must be {CONTENT_TYPE}")
    # Both say that the parts of the token mean something else than they usually do.
    for name in ("crit", "b64"):
        if name in header:
            raise TokenRefusedError(Reasons.HEADER, f"{name} is not supported in the header")
