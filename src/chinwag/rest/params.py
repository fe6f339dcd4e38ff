"""Parameters: from the text of a form to the fields of a command, each with the error of the original.

A `Params` is a table of what an operation takes. It is read by the parser here, by the description of the API
(`openapi.py`) and by nobody else. Parameter names are case-sensitive, unknown ones are ignored, one that is
absent means "no change", and one that is empty means "set to empty". Source: rest-conventions.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias
from urllib.parse import parse_qsl, urlsplit

from chinwag import limits
from chinwag.errors import ApiError, Kind, Kinds
from chinwag.ids import parse_sid

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from enum import StrEnum

Form: TypeAlias = dict[str, list[str]]
"""The parameters of a request: every value of each name, in the order sent."""

Schema: TypeAlias = dict[str, Any]
"""A piece of JSON Schema, for the description of the API."""

ANY = 2**63 - 1
"""Largest whole number that is read at all, where nothing bounds it."""

_INTEGER = re.compile(r"[+-]?[0-9]{1,19}")
_NO_URL = re.compile(r"[\x00-\x20\x7f]")


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
        pairs = parse_qsl(text.decode(), keep_blank_values=True, errors="strict")
    except UnicodeDecodeError as error:
        raise ApiError(Kinds.INVALID_BODY, str(error)) from None

    form: Form = {}
    for name, value in pairs:
        if "\0" in value:
            raise ApiError(Kinds.INVALID_PARAMETER, "NUL is not allowed", name=_shown(name))
        form.setdefault(name, []).append(value)
    return form


def _shown(name: str) -> str:
    """Return a name that a client made up, fit for a message."""
    return name.encode("ascii", "backslashreplace").decode()[:64]


class Type(Protocol):
    """What a parameter may be: how its text is read, and how it is described."""

    def read(self, name: str, text: str) -> object:
        """Return the value that the text means.

        Raises:
            ApiError: it means none.
        """
        ...

    @property
    def schema(self) -> Schema:
        """The values allowed, as JSON Schema."""
        ...


@dataclass(frozen=True, slots=True)
class Text:
    """Any text, counted in Unicode code points. With `empty` None, an empty text means None."""

    longest: int
    too_long: Kind
    empty: Kind | None = None

    def read(self, name: str, text: str) -> str | None:  # noqa: ARG002
        """Return the text."""
        if not text:
            if self.empty is not None:
                raise ApiError(self.empty, f"1 to {self.longest} characters")
            return None
        if len(text) > self.longest:
            raise ApiError(self.too_long, f"{len(text)} characters; at most {self.longest}")
        return text

    @property
    def schema(self) -> Schema:
        """The values allowed."""
        least = {} if self.empty is None else {"minLength": 1}
        return {"type": "string", **least, "maxLength": self.longest}


@dataclass(frozen=True, slots=True)
class Flag:
    """`true` or `false`, in any letter case: old client libraries send `True`."""

    def read(self, name: str, text: str) -> bool:
        """Return the truth value."""
        match text.lower():
            case "true":
                return True
            case "false":
                return False
            case _:
                raise ApiError(Kinds.INVALID_PARAMETER, f"{name} must be true or false", name=name)

    @property
    def schema(self) -> Schema:
        """The values allowed."""
        return {"type": "boolean"}


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number in decimal digits."""

    least: int
    most: int
    otherwise: Kind = Kinds.INVALID_PARAMETER

    def read(self, name: str, text: str) -> int:
        """Return the number."""
        if _INTEGER.fullmatch(text) is None or not self.least <= int(text) <= self.most:
            most = f" to {self.most}" if self.most < ANY else " or more"
            raise ApiError(self.otherwise, f"{name} must be a whole number, {self.least}{most}", name=name)
        return int(text)

    @property
    def schema(self) -> Schema:
        """The values allowed."""
        return {"type": "integer", "minimum": self.least, "maximum": self.most}


@dataclass(frozen=True, slots=True)
class OneOf:
    """A word of a closed set. With `or_empty`, an empty text means None."""

    words: type[StrEnum]
    otherwise: Kind
    or_empty: bool = False

    def read(self, name: str, text: str) -> StrEnum | None:
        """Return the member of the set."""
        if self.or_empty and not text:
            return None
        try:
            return self.words(text)
        except ValueError:
            raise ApiError(
                self.otherwise, f"{name} must be one of {', '.join(self.words)}", name=name
            ) from None

    @property
    def schema(self) -> Schema:
        """The values allowed."""
        return {"type": "string", "enum": [word.value for word in self.words]}


@dataclass(frozen=True, slots=True)
class Sid:
    """A SID of one kind of object."""

    prefix: str
    otherwise: Kind

    def read(self, name: str, text: str) -> str:
        """Return the SID with lower-case digits."""
        sid = parse_sid(self.prefix, text)
        if sid is None:
            raise ApiError(
                self.otherwise, f"{name} must be {self.prefix} and 32 hexadecimal digits", name=name
            )
        return sid

    @property
    def schema(self) -> Schema:
        """The values allowed."""
        return {
            "type": "string",
            "minLength": 34,
            "maxLength": 34,
            "pattern": f"^{self.prefix}[0-9a-fA-F]{{32}}$",
        }


@dataclass(frozen=True, slots=True)
class Url:
    """An absolute `http` or `https` URL. An empty text means None."""

    otherwise: Kind

    def read(self, name: str, text: str) -> str | None:
        """Return the URL as it was written."""
        if not text:
            return None
        if len(text) > limits.WEBHOOK_URL:
            raise ApiError(
                self.otherwise, f"{name} is longer than {limits.WEBHOOK_URL} characters", name=name
            )
        try:
            parts = urlsplit(text)
            absolute = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
        except ValueError:
            absolute = False
        if not absolute or _NO_URL.search(text):
            raise ApiError(self.otherwise, f"{name} must be an absolute http or https URL", name=name)
        return text

    @property
    def schema(self) -> Schema:
        """The values allowed."""
        return {"type": "string", "format": "uri", "maxLength": limits.WEBHOOK_URL}


@dataclass(frozen=True, slots=True)
class Plain:
    """A text that something else judges."""

    def read(self, name: str, text: str) -> str:  # noqa: ARG002
        """Return the text."""
        return text

    @property
    def schema(self) -> Schema:
        """The values allowed."""
        return {"type": "string"}


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
    """

    name: str
    into: str | tuple[str, ...]
    type: Type
    says: str
    required: bool = False
    many: bool = False
    many_empty: tuple[()] | None = ()

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
    """The parameters that an operation takes."""

    def __init__(self, *params: Param) -> None:
        self.params = params
        self._by_name = {param.name: param for param in params}
        self._required = tuple(param for param in params if param.required)

    def read(self, form: Mapping[str, list[str]]) -> dict[str, Any]:
        """Return the fields that a form gives, by name; those that it does not give are absent.

        Raises:
            ApiError: `MISSING_PARAMETER` first, then the error of the first parameter that is wrong, in the
            order
                of the table.
        """
        for param in self._required:
            if param.name not in form:
                raise ApiError(Kinds.MISSING_PARAMETER, name=param.name)

        fields: dict[str, Any] = {}
        for param in self.params:
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
