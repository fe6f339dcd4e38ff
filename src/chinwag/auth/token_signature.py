"""The signature of an access token: HMAC-SHA256 with the secret of an API key, and nothing else.

A token cannot choose how it is verified. Its own header has no part in it: the library is shown a header of
ours that names one algorithm, so that `jwk`, `jku`, `kid`, `crit` and `b64` decide nothing.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from joserfc.jwk import OctKey
    from joserfc.jws import JWSRegistry

ALGORITHM = "HS256"
"""The one algorithm. Source: access-tokens."""


def signed(header: Mapping[str, Any], payload: bytes, secret: str) -> str:
    """Return a compact JWS.

    Args:
        header: what it says besides the algorithm.
        payload: what is signed.
        secret: of the API key; not empty.
    """
    from joserfc import jws  # noqa: PLC0415  # a tenth of the time in which a server starts: only for tokens

    return jws.serialize_compact({"alg": ALGORITHM, **header}, payload, _key(secret), registry=_only())


def is_signed_with(secret: str, header: bytes, payload: bytes, signature: bytes) -> bool:
    """Return whether the secret signed these parts of a compact JWS, each as it came. Takes constant time."""
    from joserfc import jws  # noqa: PLC0415  # as above

    token = jws.CompactSignature({"alg": ALGORITHM}, payload)
    token.segments.update(header=header, payload=payload, signature=signature)
    return jws.validate_compact(token, _key(secret), registry=_only())


@cache
def _only() -> JWSRegistry:
    from joserfc.jws import JWSRegistry  # noqa: PLC0415  # as above

    return JWSRegistry(algorithms=[ALGORITHM])


def _key(secret: str) -> OctKey:
    from joserfc.jwk import OctKey  # noqa: PLC0415  # as above

    # Not `import_key`, which first tries to read the secret as a public key in five formats: it is drawn at
    # random, or chosen by the operator, and never a public key.
    raw = secret.encode()
    return OctKey(raw, raw)
