"""Temporary addresses: whoever has one may fetch what it names until it expires, and nobody can make one.

Source: decided.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from chinwag.auth.secrets import Seal
    from chinwag.ids import Millis


class Links:
    """Signs addresses, and knows its signatures again.

    Args:
        seal: of this installation. Every node of one has the same, so each knows the links of the others.
        now: the clock.
        seconds: how long a link is good for.
    """

    def __init__(self, seal: Seal, now: Callable[[], Millis], seconds: int) -> None:
        self._key = seal.key_for("temporary links")
        self._now = now
        self._seconds = seconds

    def sign(self, path: str) -> str:
        """Return a path with what makes it a link: when it expires, and a signature of both."""
        expires = self._now() // 1000 + self._seconds
        return f"{path}?Expires={expires}&Signature={self._signature(path, expires)}"

    def seconds_left(self, path: str, expires: str, signature: str) -> int:
        """Return for how many seconds a link is still good: 0 for one that is none, or no longer one."""
        if not (expires.isascii() and expires.isdigit() and len(expires) <= 12):  # noqa: PLR2004  # of a date
            return 0
        right = hmac.compare_digest(
            self._signature(path, int(expires)).encode(), signature.encode("utf-8", "replace")
        )
        return max(0, int(expires) - self._now() // 1000) if right else 0

    def _signature(self, path: str, expires: int) -> str:
        return hmac.new(self._key, f"{path}\n{expires}".encode(), hashlib.sha256).hexdigest()
