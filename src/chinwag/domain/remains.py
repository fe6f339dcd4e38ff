"""What is left of what was deleted, never sent, or kept for long enough: removed in small batches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from chinwag import limits

if TYPE_CHECKING:
    from chinwag.domain.caller import Operator
    from chinwag.domain.unit import Transaction
    from chinwag.ids import Millis, NewSid


class Remains(Protocol):
    """The rows of what was deleted."""

    async def clear(self, most: int) -> bool:
        """Remove about this many rows; False when there was nothing left to remove."""
        ...


class ClearRemains(Struct, frozen=True, kw_only=True):
    """Remove some rows of what was deleted, or uploaded and never sent, and answers that have expired.

    Args:
        most: rows, about, so that nobody waits long for this change.
    """

    most: int

    async def apply(self, tx: Transaction, _caller: Operator, now: Millis, _new_sid: NewSid) -> bool:
        """Return whether there may be more."""
        if await tx.remains.clear(self.most):
            return True
        if await tx.media.remove_unsent(now - limits.UNSENT_MEDIA_MS, self.most):
            return True
        return await tx.answers.remove_expired(now, self.most)
