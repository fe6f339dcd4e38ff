"""How changes and items of Sync objects look on the wire. Source: sdk-wire."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from chinwag.realtime import names
from chinwag.realtime.objects import Action, Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chinwag.realtime.objects import Change, Item
    from chinwag.realtime.views import Json

_encode = msgspec.json.Encoder().encode


def event(kind: Kind, object_sid: str, change: Change, *, correlation_id: Any = None) -> bytes:  # noqa: ANN401
    """Return the payload of a notification that tells of a change.

    Args:
        kind: of the object.
        object_sid: which object.
        change: what changed.
        correlation_id: of the subscription that this is replayed for.
    """
    told: Json = {"id": change.event_id, f"{kind}_sid": object_sid}
    if kind is Kind.DOCUMENT:
        event_type = "document_updated"
        told["document_data"] = change.data
    elif change.action is Action.CONTEXT:
        event_type = "list_context_updated"
        told["context_data"] = change.data
    else:
        event_type = f"{kind}_item_{change.action}"
        told["item_key" if kind is Kind.MAP else "item_index"] = change.key
        if change.data is not None:
            told["item_data"] = change.data
    envelope: Json = {"event_type": event_type, "event": told}
    if correlation_id is not None:
        envelope["correlation_id"] = correlation_id
    return _encode(envelope)


def removal(kind: Kind, object_sid: str, event_id: int) -> bytes:
    """Return the payload of a notification that tells that an object is gone."""
    return _encode({"event_type": f"{kind}_removed", "event": {"id": event_id, f"{kind}_sid": object_sid}})


def descriptors(objects: Sequence[Item], object_sid: str, kind: Kind, base: str) -> list[Json]:
    """Return the descriptors of items."""
    field = "key" if kind is Kind.MAP else "index"
    return [
        {
            field: item.key,
            f"{kind}_sid": object_sid,
            "data": item.data,
            "last_event_id": item.last_event_id,
            "revision": str(item.last_event_id),
            "url": f"{base}/Items/{names.in_path(str(item.key))}",
            "date_expires": None,
        }
        for item in objects
    ]
