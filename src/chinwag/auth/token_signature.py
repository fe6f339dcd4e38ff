"""The signature of an access token: HMAC-SHA256 with the secret of an API key, and nothing else.

A token cannot choose how it is verified. Its own header has no part in it: the library is shown a header of
ours that names one algorithm, so that `jwk`, `jku`, `kid`, `crit` and `b64` decide nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from joserfc import jws
from joserfc.jwk import OctKey

if TYPE_CHECKING:
    from collections.abc import Mapping

ALGORITHM = "HS256"
"""The one algorithm. Source: access-tokens."""

_ONLY = jws.JWSRegistry(algorithms=[ALGORITHM])


def signed(header: Mapping[str, Any], payload: bytes, secret: str) -> str:
    """Return a compact JWS.

    Args:
        header: what it says besides the algorithm.
        payload: what is signed.
        secret: of the API key; not empty.
    """
    return jws.serialize_compact({"alg": ALGORITHM, **header}, payload, _key(secret), registry=_ONLY)


def is_signed_with(secret: str, header: bytes, payload: bytes, signature: bytes) -> bool:
    """Return whether the secret signed these parts of a compact JWS, each as it came. Takes constant time."""
    token = jws.CompactSignature({"alg": ALGORITHM}, payload)
    token.segments.update(header=header, payload=payload, signature=signature)
    return jws.validate_compact(token, _key(secret), registry=_ONLY)


def _key(secret: str) -> OctKey:
    # Not `import_key`, which first tries to read the secret as a public key in five formats: it is drawn at
    # random, or chosen by the operator, and never a public key.
    raw = secret.encode()
    return OctKey(raw, raw)
