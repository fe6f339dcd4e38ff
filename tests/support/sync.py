"""What a client SDK keeps of the objects that it follows, and how it applies events. Source: sdk-wire."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    Key = int | str
    Listener = Callable[[str, Key | None, Any], None]


class Item(NamedTuple):
    """An item of a list or a map."""

    data: Any
    event_id: int


class SyncObject:
    """A document, a list or a map as a client has it.

    Args:
        descriptor: as the server answered when it was opened.

    Attributes:
        last_event_id: the newest event that is known to be applied, and everything before it.
        removed: whether it is gone, or nobody here may see it any more.
        listener: is told what happened (`added`, `updated`, `removed`, `gone` of the whole), key and data.
        doubled: how many events came that the client had, and had said that it had.
        disordered: how many events came after a later one.
        unasked: how many events came on a connection that did not follow this object.
    """

    kind = ""
    path = ""

    def __init__(self, descriptor: dict[str, Any]) -> None:
        self.sid: str = descriptor["sid"]
        self.name: str = descriptor["unique_name"]
        self.last_event_id: int = descriptor["last_event_id"]
        self.removed = False
        self.failure: dict[str, Any] | None = None
        self.followed = False
        self.listener: Listener | None = None
        self.doubled = self.disordered = self.unasked = 0
        self._asked_since: int | None = None
        self._came: set[int] = set()
        self._newest = 0

    def asks(self) -> int:
        """A subscription begins: return the event that it continues from."""
        self.followed = False
        self._asked_since = self._newest = self.last_event_id
        self._came.clear()
        return self.last_event_id

    def lost(self) -> None:
        """The connection is gone, and the subscription with it."""
        self.followed = False
        self._asked_since = None

    def established(self, last_event_id: int) -> None:
        """Everything up to this event has come."""
        self.followed = True
        self._advance(last_event_id)

    def failed(self, error: dict[str, Any]) -> None:
        """It cannot be followed. If it is not found, it went while the client was away."""
        self.failure = error
        if error["status"] == 404:
            self._gone()

    def take(self, event_type: str, event: dict[str, Any], *, replayed: bool) -> None:
        """Apply an event.

        Args:
            event_type: such as `list_item_added`.
            event: what it says.
            replayed: whether it came as part of a replay. Any other is in order only once the subscription is
                established.
        """
        self._watch(event["id"])
        if event_type == f"{self.kind}_removed":
            self._gone()
        else:
            self._apply(event_type, event)
        if replayed or self.followed:
            self._advance(event["id"])

    def state(self) -> Any:
        """Return what the client would show."""
        raise NotImplementedError

    def _apply(self, event_type: str, event: dict[str, Any]) -> None:
        raise NotImplementedError

    def _advance(self, event_id: int) -> None:
        self.last_event_id = max(self.last_event_id, event_id)

    def _gone(self) -> None:
        if not self.removed:
            self.removed = True
            self._tell("gone", None, None)

    def _tell(self, happened: str, key: Key | None, data: Any) -> None:
        if self.listener is not None:
            self.listener(happened, key, data)

    def _watch(self, event_id: int) -> None:
        """Count what a server that delivers exactly once never sends."""
        if self._asked_since is None:
            self.unasked += 1
        elif event_id in self._came or event_id <= self._asked_since:
            self.doubled += 1
        elif event_id < self._newest:
            self.disordered += 1
        self._came.add(event_id)
        self._newest = max(self._newest, event_id)


class Document(SyncObject):
    """A document: one value."""

    kind = "document"
    path = "/v3/Documents"

    def __init__(self, descriptor: dict[str, Any]) -> None:
        super().__init__(descriptor)
        self.data: dict[str, Any] = descriptor["data"]

    def state(self) -> Any:
        """Return its value; None once it is gone."""
        return None if self.removed else self.data

    def _apply(self, event_type: str, event: dict[str, Any]) -> None:
        if event_type != "document_updated":
            raise ValueError(f"{event_type} of a document")
        if event["id"] > self.last_event_id:
            self.last_event_id = event["id"]
            self.data = event["document_data"]
            self._tell("updated", None, self.data)


class Collection(SyncObject):
    """A list or a map: items by their keys."""

    key = ""

    def __init__(self, descriptor: dict[str, Any]) -> None:
        super().__init__(descriptor)
        self.items_url: str = descriptor["links"]["items"]
        self.items: dict[Key, Item] = {}
        self._tombstones: dict[Key, int] = {}
        for item in descriptor.get("items", []):
            self.store(item)

    def store(self, item: dict[str, Any]) -> None:
        """Keep an item that was read. What came meanwhile with an event is newer."""
        key = item[self.key]
        if item["last_event_id"] > self._known(key):
            self.items[key] = Item(item["data"], item["last_event_id"])
            self._tombstones.pop(key, None)

    def state(self) -> Any:
        """Return its values in the order of their keys; None once it is gone."""
        return None if self.removed else {key: self.items[key].data for key in sorted(self.items)}  # type: ignore[type-var]

    def _apply(self, event_type: str, event: dict[str, Any]) -> None:
        key = event[f"item_{self.key}"]
        match event_type.removeprefix(f"{self.kind}_item_"):
            case "added" | "updated" as happened:
                if event["id"] <= self._known(key):
                    return
                happened = happened if key not in self.items else "updated"
                self.items[key] = Item(event["item_data"], event["id"])
                self._tombstones.pop(key, None)
                self._tell(happened, key, event["item_data"])
            case "removed":
                if event["id"] > self._known(key):
                    self.items.pop(key, None)
                    self._tombstones[key] = event["id"]
                self._tell("removed", key, None)
            case _:
                raise ValueError(f"{event_type} of a {self.kind}")

    def _known(self, key: Key) -> int:
        item = self.items.get(key)
        return item.event_id if item else self._tombstones.get(key, 0)


class SyncList(Collection):
    """A list: items by their indices."""

    kind = "list"
    path = "/v3/Lists"
    key = "index"


class SyncMap(Collection):
    """A map: items by names."""

    kind = "map"
    path = "/v3/Maps"
    key = "key"
