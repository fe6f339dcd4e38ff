"""What a value on the wire may be: how its text is read, and how the description of the API tells it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias
from urllib.parse import urlsplit

import msgspec

from chinwag import limits
from chinwag.domain.attributes import NO_ATTRIBUTES
from chinwag.errors import ApiError, Kind, Kinds
from chinwag.ids import parse_sid

if TYPE_CHECKING:
    from enum import StrEnum

    from chinwag.ids import Millis

Schema: TypeAlias = dict[str, Any]
"""A piece of JSON Schema, for the description of the API."""

ANY = 2**63 - 1
"""Largest whole number that is read at all, where nothing bounds it."""

_INTEGER = re.compile(r"[+-]?[0-9]{1,19}")
_NO_URL = re.compile(r"[\x00-\x20\x7f]")
_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"(?:[Tt ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]{1,9})?)?(?:[Zz]|[+-][0-9]{2}(?::?[0-9]{2})?)?)?"
)


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

    def read(self, name: str, text: str) -> str | None:
        """Return the text."""
        if not text:
            if self.empty is not None:
                raise ApiError(self.empty, f"1 to {self.longest} characters", name=name)
            return None
        if len(text) > self.longest:
            raise ApiError(self.too_long, f"{len(text)} characters; at most {self.longest}", name=name)
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
    """A whole number in decimal digits. With `or_empty`, an empty text means None."""

    least: int
    most: int
    otherwise: Kind = Kinds.INVALID_PARAMETER
    or_empty: bool = False

    def read(self, name: str, text: str) -> int | None:
        """Return the number."""
        if self.or_empty and not text:
            return None
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
    """A word of a closed set, or of those of its words that are in `only`.

    With `or_empty`, an empty text means None.
    """

    words: type[StrEnum]
    otherwise: Kind
    or_empty: bool = False
    only: tuple[StrEnum, ...] = ()

    def read(self, name: str, text: str) -> StrEnum | None:
        """Return the member of the set."""
        if self.or_empty and not text:
            return None
        allowed = self.only or tuple(self.words)
        if text not in allowed:
            raise ApiError(self.otherwise, f"{name} must be one of {', '.join(allowed)}", name=name)
        return self.words(text)

    @property
    def schema(self) -> Schema:
        """The values allowed."""
        return {"type": "string", "enum": [word.value for word in self.only or self.words]}


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
    too_long: Kind | None = None

    def read(self, name: str, text: str) -> str | None:
        """Return the URL as it was written."""
        if not text:
            return None
        if len(text) > limits.WEBHOOK_URL:
            raise ApiError(
                self.too_long or self.otherwise,
                f"{name} is longer than {limits.WEBHOOK_URL} characters",
                name=name,
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
class Words:
    """A text as long as it is in bytes of UTF-8, which may be empty."""

    most_bytes: int
    too_long: Kind

    def read(self, name: str, text: str) -> str:
        """Return the text."""
        if len(text) * 4 > self.most_bytes and (size := len(text.encode())) > self.most_bytes:
            raise ApiError(self.too_long, f"{size} bytes; at most {self.most_bytes}", name=name)
        return text

    @property
    def schema(self) -> Schema:
        """The values allowed."""
        return {"type": "string", "maxLength": self.most_bytes}


_BOUNDED = Words(limits.ATTRIBUTES_BYTES, Kinds.ATTRIBUTES_TOO_LONG)


@dataclass(frozen=True, slots=True)
class Attributes:
    """A text that holds JSON of any type, and is kept as it came. An empty text means no attributes."""

    def read(self, name: str, text: str) -> str:
        """Return the text."""
        if not text:
            return NO_ATTRIBUTES
        _BOUNDED.read(name, text)
        if (wrong := _no_json(text)) is not None:
            raise ApiError(Kinds.ATTRIBUTES_NOT_JSON, wrong)
        return text

    @property
    def schema(self) -> Schema:
        """The values allowed."""
        return _BOUNDED.schema


def _no_json(text: str) -> str | None:
    """Return what keeps a text from being JSON by its grammar, which allows numbers of any size."""
    try:
        msgspec.json.decode(text, type=msgspec.Raw)
    except RecursionError:
        return "nested too deeply"
    except msgspec.DecodeError:
        # It refuses half of an escaped pair, which JavaScript writes for a string cut in the wrong place.
        try:
            json.loads(text, parse_int=str, parse_float=str, parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:
            return str(error)
    return None


def _no_constant(name: str) -> str:
    raise ValueError(name)


@dataclass(frozen=True, slots=True)
class UniqueName:
    """A name that a channel is found by, and that no SID can be taken for. An empty text means None."""

    def read(self, name: str, text: str) -> str | None:  # noqa: ARG002
        """Return the name."""
        if len(text) > limits.UNIQUE_NAME:
            raise ApiError(
                Kinds.UNIQUE_NAME_TOO_LONG, f"{len(text)} characters; at most {limits.UNIQUE_NAME}"
            )
        if parse_sid("CH", text) is not None:
            raise ApiError(Kinds.UNIQUE_NAME_LIKE_SID)
        return text or None

    @property
    def schema(self) -> Schema:
        """The values allowed."""
        return {"type": "string", "maxLength": limits.UNIQUE_NAME}


@dataclass(frozen=True, slots=True)
class Moment:
    """A date and time of ISO 8601; UTC, unless it names an offset. Without a time, midnight."""

    otherwise: Kind

    def read(self, name: str, text: str) -> Millis:
        """Return the moment."""
        try:
            moment = datetime.fromisoformat(text.upper() if _MOMENT.fullmatch(text) else "")
            moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        except (ValueError, OverflowError):
            raise ApiError(
                self.otherwise, f"{name} must be a date of ISO 8601, such as 2015-07-30T20:00:00Z", name=name
            ) from None
        return (moment - _EPOCH) // _MILLISECOND

    @property
    def schema(self) -> Schema:
        """The values allowed."""
        return {"type": "string", "format": "date-time"}


def without_credentials(url: str) -> str:
    """Return a URL as it may be shown to others."""
    return re.sub(r"(?<=//)[^/?#]*@", "***@", url, count=1)


def to_second(millis: Millis) -> str:
    """Return a moment as `2015-07-30T20:00:00Z`: whole seconds, as REST has it.

    Source: recorded-responses.
    """
    return _second(millis // 1000) + "Z"


def to_millisecond(millis: Millis) -> str:
    """Return a moment as `2015-07-30T20:00:00.123Z`, as client SDKs and webhooks have it.

    Source: recorded-responses.
    """
    seconds, rest = divmod(millis, 1000)
    return f"{_second(seconds)}.{rest:03d}Z"


# Rows that were changed in the same second stand together, so most moments on a page are repeated.
@lru_cache(maxsize=4096)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None).isoformat()


_EPOCH = datetime.fromtimestamp(0, UTC)
_MILLISECOND = timedelta(milliseconds=1)
