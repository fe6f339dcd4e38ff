"""Items of the objects that client SDKs follow: reading them in order, and what changed since an event.

Source: decided (docs/decisions/0003-state-instead-of-an-event-log.md).
"""

from __future__ import annotations

from typing import Generic, NamedTuple, TypeVar

from msgspec import Struct

K = TypeVar("K")
T = TypeVar("T")


class Span(Struct, Generic[K], frozen=True, kw_only=True):
    """Which items of an object to read.

    Args:
        start: the key to begin with, or the next one there is in the order; None begins at the end.
        descending: from the highest key down.
        size: most items.
    """

    start: K | None = None
    descending: bool = False
    size: int


class Slice(NamedTuple, Generic[T]):
    """Items in the order that was asked for.

    Args:
        items: what was read.
        before: whether there is an item before the first, in that order.
        after: whether there is one behind the last.
    """

    items: list[T]
    before: bool
    after: bool


class Tombstone(Struct, Generic[K], frozen=True, kw_only=True):
    """What is left of an item that went: enough to tell those who knew it.

    Args:
        key: of the item: an index, or a SID.
        created_event_id: the event that had added it.
        last_event_id: the event that took it away.
    """

    key: K
    created_event_id: int
    last_event_id: int
