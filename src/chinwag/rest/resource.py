"""How a record is printed: a table of fields, read by `present` and by the description of the API."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto
from operator import attrgetter
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from chinwag.rest.version import Version
from chinwag.values import to_second

if TYPE_CHECKING:
    from collections.abc import Callable

    from msgspec import Struct

    from chinwag.ids import Millis
    from chinwag.values import Schema


_NAMES = re.compile(r"\{(\w+)\}")


class Shape(Enum):
    """Where a record is shown: some fields show only where it stands alone.

    Source: chat-v1 User.is_online, Channel.attributes.
    """

    ALONE = auto()
    LISTED = auto()
    LISTED_WHOLE = auto()
    """In a list that shows attributes in every version, which the original does not."""


class Listed(Enum):
    """Whether a list shows a field, or null in its place."""

    YES = auto()
    SINCE_V2 = auto()
    NO = auto()


def date_or_null(moment: Millis | None) -> str | None:
    """Return a moment, if there is one."""
    return None if moment is None else to_second(moment)


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a resource.

    Args:
        name: on the wire.
        schema: its values, as JSON Schema.
        attribute: of the record, where the name differs; several are given to `render` together.
        render: from the attributes to the wire, where they differ.
        since: the first version that shows it.
        until: the last one; None for all that there are.
        listed: whether it shows in lists.
    """

    name: str
    schema: Schema
    attribute: str | tuple[str, ...] = ()
    render: Callable[..., object] | None = None
    since: Version = Version.V1
    until: Version | None = None
    listed: Listed = Listed.YES

    @property
    def attributes(self) -> tuple[str, ...]:
        """The attributes of the record."""
        names = (self.attribute,) if isinstance(self.attribute, str) else self.attribute
        return names or (self.name,)

    def of(self, version: Version) -> bool:
        """Return whether a version shows it."""
        return self.since <= version and (self.until is None or version <= self.until)

    def is_null(self, version: Version, shape: Shape) -> bool:
        """Return whether null stands in its place."""
        match self.listed:
            case Listed.YES:
                return False
            case Listed.SINCE_V2:
                return shape is Shape.LISTED and version < Version.V2
            case Listed.NO:
                return shape is not Shape.ALONE


@dataclass(frozen=True, slots=True)
class Link:
    """An address that goes with a resource.

    Args:
        name: on the wire.
        to: `/Roles`: below the resource's own; `/v…` left out, with attributes of the record in braces:
            anywhere. An attribute that is None makes the link null.
        since: the first version that shows it.
    """

    name: str
    to: str
    since: Version = Version.V1

    @property
    def attributes(self) -> tuple[str, ...]:
        """The attributes of the record that it names."""
        return tuple(_NAMES.findall(self.to))


class Resource:
    """How a kind of record is printed.

    Args:
        record: the type of the record. Every attribute that a field or a path names must exist on it.
        key: the name of a list of these.
        path: below the version, with attributes of the record in braces.
        fields: what is shown, in order.
        links: what is listed under `links`; without any the field is left out.
        says: one sentence for the description of the API.
        url_since: the first version that shows the resource's own address.
        name: in the description of the API, where it is not that of the record.
        prefix: what its path stands below, in the place of a version.

    Raises:
        AttributeError: a field or a path names an attribute that the record does not have.
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
        url_since: Version = Version.V1,
        name: str = "",
        prefix: str | None = None,
    ) -> None:
        named = [attribute for part in (*fields, *links) for attribute in part.attributes]
        for attribute in (*named, *_NAMES.findall(path)):
            if not hasattr(record, attribute):
                raise AttributeError(f"{record.__name__} has no attribute {attribute}")
        self.name = name or record.__name__
        self.key = key
        self.path = path
        self.prefix = prefix
        self.fields = fields
        self.links = links
        self.says = says
        self.url_since = url_since
        self._views = {
            (version, shape): _View(self, version, shape) for version in Version for shape in Shape
        }

    def present(
        self, record: Struct, version: Version, base: str, shape: Shape = Shape.ALONE
    ) -> dict[str, object]:
        """Return a record as a version shows it.

        Args:
            record: what to print.
            version: what the client speaks.
            base: scheme and authority of the addresses, such as `http://localhost:8080`.
            shape: where it is shown.
        """
        view = self._views[version, shape]
        shown: dict[str, object] = dict(zip(view.names, view.values(record), strict=True))
        for name, render in view.renders:
            shown[name] = render(shown[name])
        for name, attributes, compose in view.composed:
            shown[name] = compose(*attributes(record))

        url = base + view.path % view.path_values(record)
        if view.has_url:
            shown["url"] = url
        if view.below or view.elsewhere:
            links: dict[str, object] = {name: url + suffix for name, suffix in view.below}
            for name, path, attributes in view.elsewhere:
                links[name] = _address(base, path, attributes(record))
            shown["links"] = links
        return shown


class _View:
    """What one version shows of a resource in one place, laid out for speed: this prints every answer."""

    def __init__(self, resource: Resource, version: Version, shape: Shape) -> None:
        fields = [field for field in resource.fields if field.of(version)]
        plain = [field for field in fields if len(field.attributes) == 1]
        self.names = [field.name for field in plain]
        self.values = _tuple_getter([field.attributes[0] for field in plain])
        self.renders = [
            (field.name, render)
            for field in plain
            if (render := _null if field.is_null(version, shape) else field.render) is not None
        ]
        self.composed = [
            (field.name, attrgetter(*field.attributes), render)
            for field in fields
            if len(field.attributes) > 1 and (render := field.render) is not None
        ]
        self.has_url = resource.url_since <= version
        self.path = (resource.prefix or version.path) + _NAMES.sub("%s", resource.path)
        self.path_values = _tuple_getter(_NAMES.findall(resource.path))
        links = [link for link in resource.links if link.since <= version]
        self.below = [(link.name, link.to) for link in links if not link.attributes]
        self.elsewhere = [
            (link.name, version.path + _NAMES.sub("%s", link.to), _tuple_getter(list(link.attributes)))
            for link in links
            if link.attributes
        ]


def _null(_value: object) -> None:
    return None


def _address(base: str, path: str, values: tuple[str | None, ...]) -> str | None:
    """Return an address, or None when there is nothing at it."""
    if None in values:
        return None
    return base + path % tuple(quote(value or "", safe="") for value in values)


def _tuple_getter(names: list[str]) -> Callable[[object], tuple[Any, ...]]:
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


def whole_or_null(*names: str) -> tuple[Field, ...]:
    """Return fields that are whole numbers or null."""
    return tuple(Field(name, {"type": ["integer", "null"]}) for name in names)


def attributes(since: Version = Version.V1) -> Field:
    """Return the field of free-form attributes. Lists of v1 have null there. Source: chat-v1."""
    return Field("attributes", {"type": ["string", "null"]}, since=since, listed=Listed.SINCE_V2)


def flag(*names: str) -> tuple[Field, ...]:
    """Return fields that are true or false."""
    return tuple(Field(name, {"type": "boolean"}) for name in names)


def dates(*names: str) -> tuple[Field, ...]:
    """Return fields that are moments."""
    return tuple(Field(name, {"type": "string", "format": "date-time"}, render=to_second) for name in names)


def sid(name: str, prefix: str) -> Field:
    """Return a field that is a SID."""
    return Field(name, {"type": "string", "pattern": f"^{prefix}[0-9a-f]{{32}}$"})


def sid_or_null(name: str, prefix: str) -> Field:
    """Return a field that is a SID or null."""
    return Field(name, {"type": ["string", "null"], "pattern": f"^{prefix}[0-9a-f]{{32}}$"})
