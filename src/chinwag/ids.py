"""Identifiers: minting them and reading them.

A SID is two letters and 32 lower-case hexadecimal digits. Ours are time-ordered: 48 bits of milliseconds
since 1970, then 80 random bits, so that rows made one after the other are neighbours in every index
(docs/decisions/0004-time-ordered-sids.md). Source: chat-v1 Service.sid.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from typing import TypeAlias

Millis: TypeAlias = int
"""A moment, in milliseconds since 1970-01-01T00:00:00Z."""

NewSid: TypeAlias = Callable[[str], str]
"""Given a prefix such as `IS`, answers a new SID."""

_RANDOM_BITS = 80
_STEP_BITS = 40
_SID = re.compile(r"[A-Za-z]{2}[0-9A-Fa-f]{32}")


class Mint:
    """Makes SIDs that rise: a SID minted later in one process sorts after one minted earlier.

    Args:
        now: the clock; a clock that steps back leaves the order intact.
    """

    def __init__(self, now: Callable[[], Millis]) -> None:
        self._now = now
        self._last = 0
        # A SID is no secret, so asking the system for each one's bits would be 2 µs for nothing.
        self._bits = random.Random(random.SystemRandom().getrandbits(256)).getrandbits  # noqa: S311

    def __call__(self, prefix: str) -> str:
        """Return a new SID with the given two-letter prefix."""
        fresh = (self._now() << _RANDOM_BITS) | self._bits(_RANDOM_BITS)
        if fresh >> _RANDOM_BITS <= self._last >> _RANDOM_BITS:
            fresh = self._last + 1 + self._bits(_STEP_BITS)
        self._last = fresh
        return f"{prefix}{fresh:032x}"


def parse_sid(prefix: str, text: str) -> str | None:
    """Return `text` as the SID it spells, lower-case digits and all, or None if it spells none of this kind.

    Either letter case is accepted (decided; see docs/compatibility.md#identifiers).
    """
    if _SID.fullmatch(text) is None or text[:2].upper() != prefix:
        return None
    return prefix + text[2:].lower()
