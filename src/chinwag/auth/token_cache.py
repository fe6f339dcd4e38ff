"""Tokens that were verified are remembered: an SDK that reconnects shows the same one again."""

from __future__ import annotations

import hashlib
import secrets
from typing import Generic, TypeVar

V = TypeVar("V")

MEMORY = 10_000
"""Most tokens that are remembered; the oldest goes first. Those that were refused never are."""


class TokenCache(Generic[V]):
    """What was found out about tokens.

    They are known by a keyed digest only, so that neither memory nor the time of a look-up tells of one.
    """

    def __init__(self) -> None:
        self._known: dict[bytes, V] = {}
        self._forgotten = 0
        self._digest_key = secrets.token_bytes(32)

    @property
    def forgotten(self) -> int:
        """How often everything was forgotten: to be asked before a token is verified."""
        return self._forgotten

    def digest(self, token: str) -> bytes:
        """Return what a token is known by."""
        return hashlib.blake2b(token.encode(), key=self._digest_key, digest_size=32).digest()

    def find(self, digest: bytes) -> V | None:
        """Return what is known of a token, or None."""
        return self._known.get(digest)

    def keep(self, digest: bytes, found: V, forgotten: int) -> None:
        """Remember a token, unless everything was forgotten while it was verified: its key may be revoked."""
        if forgotten != self._forgotten:
            return
        if len(self._known) >= MEMORY:
            del self._known[next(iter(self._known))]
        self._known[digest] = found

    def drop(self, digest: bytes) -> None:
        """Forget one token."""
        self._known.pop(digest, None)

    def forget(self) -> None:
        """Forget all of them, and those that are being verified."""
        self._known.clear()
        self._forgotten += 1
