"""The vendor's published description of the API, and ours, taken apart into items that can be compared.

The description comes with an npm package that `make clients` installs; VENDOR_OPENAPI may name another folder
that has a `twilio_chat_v1.json` and a `twilio_chat_v2.json`.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from chinwag.rest.openapi import description

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chinwag.rest.version import Version

PACKAGED = Path(__file__).parent / "node/node_modules/@twilio/cli-core/src/services/twilio-api"
FOLDER = Path(os.environ.get("VENDOR_OPENAPI", PACKAGED))

Json: TypeAlias = dict[str, Any]

Key: TypeAlias = str
"""An operation: `POST /v1/Services/{}`."""

Items: TypeAlias = dict[str, object]
"""What is said of an operation: `form FriendlyName` → its type, `status` → 201, `link roles` → True."""


@dataclass(frozen=True)
class Operation:
    """One method of one path of a description.

    Args:
        id: `CreateRole`; ours has another form.
        items: what is said of it.
        parameters: schemas of the form and of the query, by name.
        requests: examples of the form, by name.
        answers: examples of the answer, by name.
    """

    id: str
    items: Items
    parameters: dict[str, Json]
    requests: dict[str, Json]
    answers: dict[str, Json]


Operations: TypeAlias = dict[Key, Operation]


@dataclass(frozen=True)
class Difference:
    """An item that the two descriptions do not share. None stands for what is not there."""

    key: Key
    item: str
    theirs: object
    ours: object


@dataclass(frozen=True)
class Known:
    """Differences that are there on purpose.

    Args:
        where: a pattern of the operation and the item: `GET /v1/Services/{}: form WebhookFilters`.
        why: the reason, as docs/compatibility.md has it too.
    """

    where: str
    why: str

    def explains(self, difference: Difference) -> bool:
        """Return whether this is the reason of a difference."""
        return re.fullmatch(self.where, f"{difference.key}: {difference.item}") is not None


@cache
def vendors(version: Version) -> Operations:
    """Return the operations of the vendor. Without its description a test is skipped, or fails in CI."""
    file = FOLDER / f"twilio_chat_v{version.value}.json"
    if not file.exists():
        missing = f"there is no {file.name}: `make clients` installs it, and needs npm"
        return pytest.fail(missing) if os.environ.get("CI") == "true" else pytest.skip(missing)
    return operations(json.loads(file.read_text()))


def our_description() -> Json:
    """Return our description of both versions."""
    return description("http://localhost:8080")


def ours(version: Version, document: Json) -> Operations:
    """Return the operations of a version in a description of ours."""
    return {
        key: operation
        for key, operation in operations(document).items()
        if key.partition(" ")[2].startswith(f"{version.path}/")
    }


def operations(document: Json) -> Operations:
    """Return every operation of a description."""
    return {
        f"{method.upper()} {template(path)}": _operation(document, said)
        for path, methods in document["paths"].items()
        for method, said in methods.items()
        if method in {"get", "post", "put", "patch", "delete"}
    }


def template(path: str) -> str:
    """`/v1/Services/{ServiceSid}` → `/v1/Services/{}`."""
    return re.sub(r"\{\w+\}", "{}", path)


def differences(theirs: Operations, own: Operations) -> list[Difference]:
    """Return every item that is in one description only, or is not the same in both; in order."""
    found: list[Difference] = []
    for key in sorted(theirs.keys() | own.keys()):
        if key not in theirs or key not in own:
            found.append(Difference(key, "route", key in theirs or None, key in own or None))
            continue
        said, answered = theirs[key].items, own[key].items
        found += [
            Difference(key, item, said.get(item), answered.get(item))
            for item in sorted(said.keys() | answered.keys())
            if said.get(item) != answered.get(item)
        ]
    return found


def unexplained(found: list[Difference], known: tuple[Known, ...]) -> list[Difference]:
    """Return the differences that nobody wants."""
    return [difference for difference in found if not any(one.explains(difference) for one in known)]


def stale(found: list[Difference], known: tuple[Known, ...]) -> list[Known]:
    """Return the reasons that explain nothing."""
    return [one for one in known if not any(one.explains(difference) for difference in found)]


def _operation(document: Json, said: Json) -> Operation:
    (status,) = (status for status in said["responses"] if status.startswith("2"))
    form = _content(said.get("requestBody", {}), "application/x-www-form-urlencoded")
    answer = _content(said["responses"][status], "application/json")
    given = [
        (found["in"], found["name"], _resolved(document, found["schema"]), found.get("required", False))
        for found in said.get("parameters", ())
        if found["in"] != "path"
    ]
    fields = _resolved(document, form.get("schema", {}))
    given += [
        ("form", name, schema, name in fields.get("required", ()))
        for name, schema in fields.get("properties", {}).items()
    ]

    items: Items = {"status": int(status)}
    for place, name, schema, required in given:
        items[f"{place} {name}"] = kind(schema)
        if required:
            items[f"{place} {name} required"] = True
    answers = _examples(answer)
    schema = _resolved(document, answer.get("schema", {}))
    items |= {f"field {name}": found for name, found in _fields(schema.get("properties", {}))}
    items |= {f"link {name}": True for name in _links(schema, answers)}
    return Operation(
        id=said["operationId"],
        items=items,
        parameters={name: schema for place, name, schema, _ in given if place != "header"},
        requests=_examples(form),
        answers=answers,
    )


def _content(holder: Json, media_type: str) -> Json:
    return holder.get("content", {}).get(media_type, {})


def _examples(content: Json) -> dict[str, Json]:
    return {name: found["value"] for name, found in content.get("examples", {}).items()}


def _resolved(document: Json, schema: Any) -> Any:
    """Return a schema with what it refers to in the place of each reference."""
    if isinstance(schema, list):
        return [_resolved(document, part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _resolved(document, document["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    return {name: _resolved(document, part) for name, part in schema.items()}


def kind(schema: Json) -> str:
    """Return what two schemas must share, null aside: `string`, `string a|b`, `array of string a|b`."""
    types = schema.get("type", "object")
    written = types if isinstance(types, str) else next(name for name in types if name != "null")
    if "items" in schema:
        return f"{written} of {kind(schema['items'])}"
    return " ".join([written, *filter(None, ["|".join(sorted(schema.get("enum", ())))])])


def _fields(properties: Json, above: str = "") -> Iterator[tuple[str, str]]:
    """Yield the path and kind of every field; below `meta` and a list, also of those inside.

    Other objects are of any shape to the vendor; the examples tell what is in them.
    """
    for name, schema in properties.items():
        path = f"{above}{name}"
        inside = schema.get("items", schema).get("properties", {})
        yield path, kind(schema)
        if inside and (name == "meta" or "items" in schema):
            yield from _fields(inside, f"{path}.")


def _links(schema: Json, answers: dict[str, Json]) -> set[str]:
    """Return the names of links: ours are in the schema, the vendor's in its examples alone."""
    described = [found.get("properties", {}) for found in _named("links", schema)]
    return {name for found in [*described, *_named("links", answers)] for name in found}


def _named(name: str, value: Any) -> Iterator[Json]:
    """Yield every object of this name, however deep."""
    match value:
        case dict():
            for key, part in value.items():
                if key == name and isinstance(part, dict):
                    yield part
                yield from _named(name, part)
        case list():
            for part in value:
                yield from _named(name, part)
