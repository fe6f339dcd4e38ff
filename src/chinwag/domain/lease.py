"""Work that one server does for all that share a store, for as long as it is there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

if TYPE_CHECKING:
    from chinwag.domain.caller import Operator
    from chinwag.domain.unit import Transaction
    from chinwag.ids import Millis, NewSid


class Leases(Protocol):
    """Who does what, as it is kept."""

    async def lead(self, name: str, holder: str, now: Millis, until: Millis) -> bool:
        """Let one server do a work, until a moment; False while another does.

        `until` in the past lets go.
        """
        ...


class Lead(Struct, frozen=True, kw_only=True):
    """Be the one server that does a work.

    Args:
        name: which work.
        holder: which server.
        lasts: for how long, in milliseconds; below 0, let go.
    """

    name: str
    holder: str
    lasts: int

    async def apply(self, tx: Transaction, _caller: Operator, now: Millis, _new_sid: NewSid) -> bool:
        """Return whether it is."""
        return await tx.leases.lead(self.name, self.holder, now, now + self.lasts)
