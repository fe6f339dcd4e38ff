"""Slices of the items that client SDKs follow: one statement tells what is there and on either side of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from chinwag.domain.items import Slice

if TYPE_CHECKING:
    from collections.abc import Callable

    from chinwag.domain.items import Span
    from chinwag.storage.database import Database, Row

K = TypeVar("K", int, str)
T = TypeVar("T")

BEHIND_SIDS = "~"
"""Sorts behind every SID."""


class SliceOf(Generic[K]):
    """The two statements of the items of an object: upward and downward.

    Args:
        select: which items; it takes the object as `$1`.
        by: the key that orders them.
        place: of the key among the columns, from 1.
        lowest: every key is above it.
        highest: every key is below it.
    """

    def __init__(self, select: str, *, by: str, place: int, lowest: K, highest: K) -> None:
        self._upward = f"""
            SELECT below.*, FALSE FROM ({select} AND {by} < $2 ORDER BY {by} DESC LIMIT 1) AS below
            UNION ALL
            SELECT here.*, TRUE FROM ({select} AND {by} >= $2 ORDER BY {by} LIMIT $3) AS here
            ORDER BY {place}
        """
        self._downward = f"""
            SELECT above.*, FALSE FROM ({select} AND {by} > $2 ORDER BY {by} LIMIT 1) AS above
            UNION ALL
            SELECT here.*, TRUE FROM ({select} AND {by} <= $2 ORDER BY {by} DESC LIMIT $3) AS here
            ORDER BY {place} DESC
        """
        self._lowest = lowest
        self._highest = highest

    async def read(self, database: Database, owner: int, span: Span[K], item: Callable[[Row], T]) -> Slice[T]:
        """Return the items of a span, each made of its row."""
        if span.descending:
            sql, start = self._downward, self._highest
        else:
            sql, start = self._upward, self._lowest
        if span.start is not None:
            # Whoever asks may ask for any number: engines know those up to 2**63.
            start = min(max(span.start, self._lowest), self._highest)
        rows = await database.rows(sql, owner, start, span.size + 1)
        before = bool(rows) and not rows[0][-1]
        here = rows[1:] if before else rows
        return Slice([item(row) for row in here[: span.size]], before, len(here) > span.size)
