"""Parameters: from the text of a form to the fields of a command, each with the error of the original.

A `Params` is a table of what an operation takes. It is read by the parser here, by the description of the API
(`openapi.py`) and by nobody else. Parameter names are case-sensitive, unknown ones are ignored, one that is
absent means "no change", and one that is empty means "set to empty". Source: rest-conventions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import parse_qsl

from falcon.uri import parse_query_string

from chinwag import limits
from chinwag.errors import ApiError, Kinds
from chinwag.rest.version import Version

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from chinwag.values import Schema, Type

Form: TypeAlias = dict[str, list[str]]
"""The parameters of a request: every value of each name, in the order sent."""


_REPLACED = "\ufffd"
"""What Falcon's parser, ten times as fast as Python's, puts in the place of what is not UTF-8."""


def parse_form(text: bytes) -> Form:
    """Return the parameters of a form body or a query string.

    Raises:
        ApiError: `TOO_MANY_PARAMETERS`; `INVALID_BODY` for what is not UTF-8; `INVALID_PARAMETER` for a NUL,
        which
            not every store can keep.
    """
    if not text:
        return {}
    if text.count(b"&") >= limits.PARAMETERS:
        raise ApiError(Kinds.TOO_MANY_PARAMETERS, f"at most {limits.PARAMETERS}")
    try:
        decoded = text.decode()
        form = {
            name: value if isinstance(value, list) else [value]
            for name, value in parse_query_string(decoded, keep_blank=True, csv=False).items()
        }
        if any(_REPLACED in part for name, values in form.items() for part in (name, *values)):
            parse_qsl(decoded, keep_blank_values=True, errors="strict")
    except UnicodeDecodeError as error:
        raise ApiError(Kinds.INVALID_BODY, str(error)) from None

    for name, values in form.items():
        if any("\0" in value for value in values):
            raise ApiError(Kinds.INVALID_PARAMETER, "NUL is not allowed", name=_shown(name))
    return form


def _shown(name: str) -> str:
    """Return a name that a client made up, fit for a message."""
    return name.encode("ascii", "backslashreplace").decode()[:64]


@dataclass(frozen=True, slots=True)
class Param:
    """One parameter.

    Args:
        name: as the client writes it.
        into: the field of the command, or the path to it where the command holds a table.
        type: what it may be.
        says: one sentence for the description of the API.
        required: an absent one is an error.
        many: the parameter may be repeated, and its value is a tuple. One empty value is the empty tuple.
        many_empty: what the empty tuple is turned into.
        since: the first version that takes it.
        until: the last one; None for all that there are.
    """

    name: str
    into: str | tuple[str, ...]
    type: Type
    says: str
    required: bool = False
    many: bool = False
    many_empty: tuple[()] | None = ()
    since: Version = Version.V1
    until: Version | None = None

    def of(self, version: Version) -> bool:
        """Return whether a version takes it."""
        return self.since <= version and (self.until is None or version <= self.until)

    def read(self, texts: Sequence[str]) -> object:
        """Return the value. Of a repeated parameter that may not be repeated the last counts."""
        if not self.many:
            return self.type.read(self.name, texts[-1])
        if list(texts) == [""]:
            return self.many_empty
        return tuple(self.type.read(self.name, text) for text in texts)

    @property
    def schema(self) -> Schema:
        """The values allowed."""
        return {"type": "array", "items": self.type.schema} if self.many else self.type.schema


class Params:
    """The parameters that an operation takes, by version."""

    def __init__(self, *params: Param) -> None:
        self._by_version = {
            version: tuple(param for param in params if param.of(version)) for version in Version
        }
        self._names = {
            version: {param.name.lower(): param.name for param in taken}
            for version, taken in self._by_version.items()
        }

    def of(self, version: Version) -> tuple[Param, ...]:
        """Return those that a version takes."""
        return self._by_version[version]

    def hint(self, form: Mapping[str, list[str]], version: Version) -> str | None:
        """Return what may be wrong with a form that holds names nobody knows, for its developer, or None."""
        names = self._names[version]
        for name in form:
            meant = names.get(name.lower())
            if meant is None and name.lstrip().startswith(("{", "[")):
                return "the body looks like JSON, which is not read: send a form"
            if meant is not None and meant != name:
                return f"parameter {name} is not known, {meant} is: names are case-sensitive"
        return None

    def read(self, form: Mapping[str, list[str]], version: Version) -> dict[str, Any]:
        """Return the fields that a form gives, by name; those that it does not give are absent.

        Raises:
            ApiError: `MISSING_PARAMETER` first, then the error of the first parameter that is wrong, in
                the order of the table.
        """
        params = self._by_version[version]
        for param in params:
            if param.required and param.name not in form:
                raise ApiError(Kinds.MISSING_PARAMETER, name=param.name)

        fields: dict[str, Any] = {}
        for param in params:
            if param.name in form:
                _place(fields, param.into, param.read(form[param.name]))
        return fields


def _place(fields: dict[str, Any], into: str | tuple[str, ...], value: object) -> None:
    if isinstance(into, str):
        fields[into] = value
        return
    *way, last = into
    for step in way:
        fields = fields.setdefault(step, {})
    fields[last] = value
