"""What every event has in common. Each noun's file has its own; `events` gathers them."""

from __future__ import annotations

from msgspec import Struct


class Event(Struct, frozen=True, tag=True):
    """Something that happened: recorded inside the transaction of its change, told after the commit.

    On the wire between nodes it carries the name of its class. An event that tells of an object which client
    SDKs see holds the record as it is afterwards, with the stamps that order it among the object's events.
    See docs/decisions/0003-state-instead-of-an-event-log.md.
    """
