"""The vendor's published description of the API, compared with ours and with what a real server answers.

The description comes with an npm package that `make clients` installs; VENDOR_OPENAPI may name another folder
that has a `twilio_chat_v1.json`.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from chinwag.rest.openapi import description

if TYPE_CHECKING:
    from support.api import Answer, Api

pytestmark = pytest.mark.clients

PACKAGED = Path(__file__).parent / "node/node_modules/@twilio/cli-core/src/services/twilio-api"
FOLDER = Path(os.environ.get("VENDOR_OPENAPI", PACKAGED))

LATER = {"Channel", "Credential", "Invite", "Member", "Message", "User", "UserChannel"}
"""What the vendor describes and we do not have yet."""

OURS_ALONE = {
    "POST /v1/Services/{}": {
        "Notifications.AddedToChannel.Sound",
        "Notifications.InvitedToChannel.Sound",
        "Notifications.NewMessage.Sound",
        "Notifications.RemovedFromChannel.Sound",
    },
}
"""Parameters that we take and the vendor does not describe in v1, by operation."""

NEVER_DESCRIBED = {"actions_per_second", "format", "log_enabled"}
"""Keys that stand in the vendor's examples and nowhere else in its documents; recorded answers lack them."""


@dataclass(frozen=True)
class Operation:
    """One method of one path of an OpenAPI document.

    Args:
        noun: `ChatV1Role` → `Role`; empty in ours.
        parameters: those of the form and those after the question mark, by name.
        required: those that may not be missing.
        success: the status.
        properties: of the answer, by name; of a list, those of its envelope.
        examples: of the answer.
    """

    noun: str
    parameters: dict[str, dict[str, Any]]
    required: set[str]
    success: str
    properties: dict[str, dict[str, Any]]
    examples: dict[str, Any]


Operations = dict[tuple[str, str], Operation]
Pairs = list[tuple[str, Operation, Operation]]


def operations(document: dict[str, Any]) -> Operations:
    """Return every operation of a document, by method and path, such as `POST` and `/v1/Services/{}`."""
    return {
        (method.upper(), re.sub(r"\{\w+\}", "{}", path)): operation(document, said)
        for path, methods in document["paths"].items()
        for method, said in methods.items()
        if method in {"get", "post", "put", "patch", "delete"}
    }


def operation(document: dict[str, Any], said: dict[str, Any]) -> Operation:
    query = [found for found in said.get("parameters", ()) if found["in"] == "query"]
    form = content(said.get("requestBody", {}), "application/x-www-form-urlencoded").get("schema", {})
    (success,) = (status for status in said["responses"] if status.startswith("2"))
    answer = content(said["responses"][success], "application/json")
    parameters = {found["name"]: found["schema"] for found in query} | form.get("properties", {})
    return Operation(
        noun=said.get("tags", [""])[0].removeprefix("ChatV1"),
        parameters=resolved(document, parameters),
        required={*form.get("required", ()), *(found["name"] for found in query if found.get("required"))},
        success=success,
        properties=resolved(document, answer.get("schema", {})).get("properties", {}),
        examples={name: found["value"] for name, found in answer.get("examples", {}).items()},
    )


def content(holder: dict[str, Any], media_type: str) -> dict[str, Any]:
    return holder.get("content", {}).get(media_type, {})


def resolved(document: dict[str, Any], schema: Any) -> Any:
    """Return a schema with what it refers to in the place of each reference."""
    if isinstance(schema, list):
        return [resolved(document, part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return resolved(document, document["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    return {name: resolved(document, part) for name, part in schema.items()}


@pytest.fixture(scope="module")
def vendor() -> Operations:
    """The operations of the vendor."""
    file = FOLDER / "twilio_chat_v1.json"
    if not file.exists():
        missing = f"there is no {file.name}: `make clients` installs it, and needs npm"
        return pytest.fail(missing) if os.environ.get("CI") == "true" else pytest.skip(missing)
    return operations(json.loads(file.read_text()))


@pytest.fixture(scope="module")
def ours() -> Operations:
    """Our operations of version 1."""
    found = operations(description("http://localhost:8080"))
    return {(method, path): own for (method, path), own in found.items() if path.startswith("/v1/")}


@pytest.fixture(scope="module")
def pairs(vendor: Operations, ours: Operations) -> Pairs:
    """What the vendor describes and what we have in its place, beside a name such as `POST /v1/Services`."""
    return [(" ".join(key), vendor[key], ours[key]) for key in vendor if key in ours]


def test_operations_are_missing_only_of_nouns_that_come_later(vendor: Operations, ours: Operations) -> None:
    missing = {theirs.noun for key, theirs in vendor.items() if key not in ours}

    assert missing == LATER


def test_no_noun_is_there_in_part(vendor: Operations, ours: Operations) -> None:
    there = {theirs.noun for key, theirs in vendor.items() if key in ours}

    assert there & LATER == set()


def test_no_operation_is_ours_alone(vendor: Operations, ours: Operations) -> None:
    assert set(ours) - set(vendor) == set()


def test_no_parameter_is_missing(pairs: Pairs) -> None:
    missing = [
        (key, name) for key, theirs, own in pairs for name in theirs.parameters if name not in own.parameters
    ]

    assert missing == []


def test_parameters_that_are_ours_alone_are_listed(pairs: Pairs) -> None:
    alone = {key: own.parameters.keys() - theirs.parameters.keys() for key, theirs, own in pairs}

    assert {key: names for key, names in alone.items() if names} == OURS_ALONE


def test_the_same_parameters_are_required(pairs: Pairs) -> None:
    assert [(key, own.required) for key, _, own in pairs] == [
        (key, theirs.required) for key, theirs, _ in pairs
    ]


def test_parameters_have_the_same_type_and_words(pairs: Pairs) -> None:
    differing = [
        (key, name, schema, own.parameters[name])
        for key, theirs, own in pairs
        for name, schema in theirs.parameters.items()
        if kind(schema) != kind(own.parameters[name])
    ]

    assert differing == []


def test_success_has_the_same_status(pairs: Pairs) -> None:
    assert [(key, own.success) for key, _, own in pairs] == [
        (key, theirs.success) for key, theirs, _ in pairs
    ]


def test_answers_have_the_same_fields_of_the_same_type_and_words(pairs: Pairs) -> None:
    differing = [
        (key, fields(theirs.properties) ^ fields(own.properties))
        for key, theirs, own in pairs
        if fields(theirs.properties) != fields(own.properties)
    ]

    assert differing == []


def kind(schema: dict[str, Any]) -> tuple[object, ...]:
    """Return what two schemas must share: the type, the words of a closed set, the type of what is repeated.

    The words inside a list are ours to check: the vendor describes them in prose.
    """
    types = schema.get("type", "object")
    written = types if isinstance(types, str) else next(name for name in types if name != "null")
    repeated = kind(schema["items"])[0] if "items" in schema else None
    return written, tuple(sorted(schema.get("enum", ()))), repeated


def fields(properties: dict[str, dict[str, Any]], above: str = "") -> set[tuple[object, ...]]:
    """Return the path, type and words of every field; below `meta` and a list, also of those inside.

    Other objects are of any shape to the vendor; the examples tell what is in them.
    """
    found: set[tuple[object, ...]] = set()
    for name, schema in properties.items():
        path = f"{above}.{name}"
        inside = schema.get("items", schema).get("properties", {})
        if name == "meta" or schema.get("items", {}).get("properties"):
            found |= {(path,)} | fields(inside, path)
        else:
            found.add((path, *kind(schema)))
    return found


async def test_a_new_service_has_the_keys_of_the_example(api: Api, vendor: Operations) -> None:
    made = await api.post("/v1/Services", FriendlyName="friendly_name")
    fetched = await api.get(f"/v1/Services/{made.json['sid']}")

    # The examples show no notification; a recorded new service has all four.
    assert_alike(made, vendor["POST", "/v1/Services"], "create", without=".notifications.")
    assert_alike(fetched, vendor["GET", "/v1/Services/{}"], "fetch", without=".notifications.")


async def test_a_changed_service_has_the_keys_of_the_example(api: Api, vendor: Operations) -> None:
    service = await api.a_service()
    update = vendor["POST", "/v1/Services/{}"]

    changed = await api.post(f"/v1/Services/{service['sid']}", **everything(update, service))

    assert_alike(changed, update, "update")


async def test_listed_services_have_the_keys_of_the_example(api: Api, vendor: Operations) -> None:
    nothing = await api.get("/v1/Services")
    service = await api.a_service()
    await api.post(f"/v1/Services/{service['sid']}", **everything(vendor["POST", "/v1/Services/{}"], service))

    listed = await api.get("/v1/Services")

    assert_alike(nothing, vendor["GET", "/v1/Services"], "readEmpty")
    assert_alike(listed, vendor["GET", "/v1/Services"], "readFull")


async def test_a_new_role_has_the_keys_of_the_example(api: Api, vendor: Operations) -> None:
    service = await api.a_service()
    path = f"/v1/Services/{service['sid']}/Roles"

    made = await api.post(path, FriendlyName="friendly_name", Type="channel", Permission="sendMessage")
    fetched = await api.get(f"{path}/{made.json['sid']}")
    changed = await api.post(f"{path}/{made.json['sid']}", Permission="sendMessage")
    listed = await api.get(path)

    assert_alike(made, vendor["POST", "/v1/Services/{}/Roles"], "create")
    assert_alike(fetched, vendor["GET", "/v1/Services/{}/Roles/{}"], "fetch")
    assert_alike(changed, vendor["POST", "/v1/Services/{}/Roles/{}"], "update")
    assert_alike(listed, vendor["GET", "/v1/Services/{}/Roles"], "readFull")


@pytest.mark.parametrize("below", ["", "/{}/Roles"])
async def test_the_largest_page_is_as_large_as_described(api: Api, vendor: Operations, below: str) -> None:
    service = await api.a_service()
    largest = vendor["GET", f"/v1/Services{below}"].parameters["PageSize"]["maximum"]
    path = f"/v1/Services{below.format(service['sid'])}"

    pages = [await api.get(path, PageSize=size) for size in (largest, largest + 1)]

    assert [page.json["meta"]["page_size"] for page in pages] == [largest, largest]


def everything(update: Operation, service: dict[str, Any]) -> dict[str, str]:
    """Return a value for each parameter that changes a service."""
    roles = {
        "DefaultServiceRoleSid": service["default_service_role_sid"],
        "DefaultChannelRoleSid": service["default_channel_role_sid"],
        "DefaultChannelCreatorRoleSid": service["default_channel_creator_role_sid"],
    }
    return {"WebhookFilters": "onMessageSend", **roles} | {
        name: value(schema)
        for name, schema in update.parameters.items()
        if name not in {"WebhookFilters", *roles}
    }


def value(schema: dict[str, Any]) -> str:
    """Return a value that a schema allows."""
    match schema:
        case {"enum": [first, *_]}:
            return first
        case {"format": "uri"}:
            return "https://example.org/"
        case {"type": "boolean"}:
            return "false"
        case {"type": "integer"}:
            return "100"
        case _:
            return "text"


def assert_alike(answer: Answer, described: Operation, example: str, without: str = "-") -> None:
    """Compare the keys of an answer, at every depth, with those of the example that has this name.

    Keys that begin with `without` are not compared.
    """
    assert str(answer.status) == described.success, answer.body
    ours = {key for key in keys(answer.json) if not key.startswith(without)}
    assert ours == keys(described.examples[example])


def keys(value: Any, above: str = "") -> set[str]:
    """Return the path of every key in a JSON value. A list counts as its elements."""
    found: set[str] = set()
    match value:
        case dict():
            for name, part in value.items():
                if name not in NEVER_DESCRIBED:
                    found |= {f"{above}.{name}", *keys(part, f"{above}.{name}")}
        case list():
            for part in value:
                found |= keys(part, above)
    return found
