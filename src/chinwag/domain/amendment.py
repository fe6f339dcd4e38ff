"""What a pre-event webhook wants otherwise about a change. Source: webhook-events."""

from __future__ import annotations

from msgspec import UNSET, Struct, UnsetType


class Amendment(Struct, frozen=True, kw_only=True):
    """Values in the place of those that somebody proposed; what is UNSET stays as it was proposed.

    What a caller may do is judged by what the caller proposed: the application itself may do everything.
    """

    body: str | UnsetType = UNSET
    attributes: str | UnsetType = UNSET
    author: str | UnsetType = UNSET
    friendly_name: str | UnsetType | None = UNSET
    unique_name: str | UnsetType | None = UNSET


NO_AMENDMENT = Amendment()
"""Everything as it was proposed."""
