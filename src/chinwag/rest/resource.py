"""How a record is printed: a table of fields, read by `present` and by the description of the API."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from chinwag.rest.version import Version

if TYPE_CHECKING:
    from collections.abc import Callable

    from msgspec import Struct

    from chinwag.ids import Millis
    from chinwag.rest.params import Schema


_NAMES = re.compile(r"\{(\w+)\}")


@lru_cache(maxsize=4096)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def date(moment: Millis) -> str:
    """Return a moment as `2015-07-30T20:00:00Z`: whole seconds, as every official library expects.

    Source: recorded-responses.
    """
    return _second(moment // 1000)


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a resource.

    Args:
        name: on the wire.
        schema: its values, as JSON Schema.
        attribute: of the record, where the name differs.
        render: from the attribute to the wire, where they differ.
        since: the first version that shows it.
    """

    name: str
    schema: Schema
    attribute: str = ""
    render: Callable[[Any], object] | None = None
    since: Version = Version.V1


@dataclass(frozen=True, slots=True)
class Link:
    """An address below a resource's own."""

    name: str
    suffix: str
    since: Version = Version.V1


class Resource:
    """How a kind of record is printed.

    Args:
        record: the type of the record. Every attribute that a field or the path names must exist on it.
        key: the name of a list of these.
        path: below the version, with attributes of the record in braces.
        fields: what is shown, in order.
        links: what is listed under `links`; without any the field is left out.
        says: one sentence for the description of the API.

    Raises:
        AttributeError: a field or the path names an attribute that the record does not have.
    """

    def __init__(
        self,
        *,
        record: type[Struct],
        key: str,
        path: str,
        fields: tuple[Field, ...],
        links: tuple[Link, ...] = (),
        says: str,
    ) -> None:
        known: tuple[str, ...] = record.__struct_fields__
        for name in (*(field.attribute or field.name for field in fields), *_NAMES.findall(path)):
            if name not in known:
                raise AttributeError(f"{record.__name__} has no attribute {name}")
        self.record = record
        self.key = key
        self.path = path
        self.fields = fields
        self.links = links
        self.says = says
        self._views = {version: _View(self, version) for version in Version}

    def present(self, record: Struct, version: Version, base: str) -> dict[str, object]:
        """Return a record as a version shows it.

        Args:
            record: what to print.
            version: what the client speaks.
            base: scheme and authority of the addresses, such as `http://localhost:8080`.
        """
        view = self._views[version]
        shown: dict[str, object] = dict(zip(view.names, view.values(record), strict=True))
        for name, render in view.renders:
            shown[name] = render(shown[name])

        url = base + view.path % view.path_values(record)
        shown["url"] = url
        if view.links:
            shown["links"] = {name: url + suffix for name, suffix in view.links}
        return shown


class _View:
    """What one version shows of a resource, laid out for speed: every answer is printed by this."""

    def __init__(self, resource: Resource, version: Version) -> None:
        fields = [field for field in resource.fields if field.since <= version]
        self.names = [field.name for field in fields]
        self.values = _tuple_getter([field.attribute or field.name for field in fields])
        self.renders = [(field.name, field.render) for field in fields if field.render is not None]
        self.links = [(link.name, link.suffix) for link in resource.links if link.since <= version]
        self.path = version.path + _NAMES.sub("%s", resource.path)
        self.path_values = _tuple_getter(_NAMES.findall(resource.path))


def _tuple_getter(names: list[str]) -> Callable[[object], tuple[object, ...]]:
    """Return what gets these attributes as a tuple, also if there is only one."""
    get = attrgetter(*names)
    return get if len(names) > 1 else lambda record: (get(record),)


def text(*names: str) -> tuple[Field, ...]:
    """Return fields that are texts."""
    return tuple(Field(name, {"type": "string"}) for name in names)


def text_or_null(*names: str) -> tuple[Field, ...]:
    """Return fields that are texts or null."""
    return tuple(Field(name, {"type": ["string", "null"]}) for name in names)


def whole(*names: str) -> tuple[Field, ...]:
    """Return fields that are whole numbers."""
    return tuple(Field(name, {"type": "integer"}) for name in names)


def flag(*names: str) -> tuple[Field, ...]:
    """Return fields that are true or false."""
    return tuple(Field(name, {"type": "boolean"}) for name in names)


def dates(*names: str) -> tuple[Field, ...]:
    """Return fields that are moments."""
    return tuple(Field(name, {"type": "string", "format": "date-time"}, render=date) for name in names)


def sid(name: str, prefix: str) -> Field:
    """Return a field that is a SID."""
    return Field(name, {"type": "string", "pattern": f"^{prefix}[0-9a-f]{{32}}$"})
