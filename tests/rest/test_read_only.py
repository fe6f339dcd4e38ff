"""What only the server writes cannot be written, on any route; and no answer shows a secret."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from chinwag.rest.openapi import all_routes

if TYPE_CHECKING:
    from chinwag.rest.resource import Field
    from chinwag.rest.routes import Route
    from chinwag.rest.version import Version
    from support.api import Api
    from support.torture import Did

pytestmark = pytest.mark.check(19)

ENDPOINTS = list(all_routes())
CHANGES = [
    found
    for found in ENDPOINTS
    if found[2].method == "POST" and found[2].takes and not found[2].path.endswith("/Test")
]
"""Whatever makes or changes something; the test of a credential does neither."""

SECRET = "swordfish"
"""That of the credential which is there."""

PLANTED = {
    "string": "11111111111111111111111111111111",
    "integer": "1111111111",
    "boolean": "true",
    "object": '{"planted": "11111111111111111111111111111111"}',
    "array": "11111111111111111111111111111111",
}
"""A value for each type that no field has by itself, as far as the type has such values."""


def camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def read_only(route: Route, version: Version) -> list[Field]:
    """The fields of what a route gives that it does not take."""
    assert route.gives is not None
    assert route.takes is not None
    taken = {param.name.partition(".")[0] for param in route.takes.of(version)}
    fields = [field for field in route.gives.fields if field.of(version)]
    return [field for field in fields if camel(field.name) not in taken]


def planted(field: Field) -> list[tuple[str, str]]:
    """What somebody might send to write a field: its name in every spelling, and a value."""
    kind = field.schema.get("type", "string")
    value = PLANTED[kind if isinstance(kind, str) else kind[0]]
    if field.name.startswith("date_"):
        value = "1999-01-01T00:00:00Z"
    if field.name.endswith("sid"):
        value = "CH" + PLANTED["string"]
    return [(spelled, value) for spelled in (field.name, camel(field.name), field.name.replace("_", ""))]


async def a_form(there: dict[str, Any], route: Route, version: Version) -> dict[str, Any]:
    """What a route must be told to make something new."""
    assert route.takes is not None
    known: dict[str, Any] = {
        **there,
        "Type": "channel" if "Roles" in route.path else "fcm" if "Cred" in route.path else "trigger",
        "Identity": f"new {route.path} {version.value}",
        "Body": "hello",
        "Secret": SECRET,
        "Configuration.Url": "http://localhost/",
        "Configuration.Triggers": "help",
    }
    params = route.takes.of(version)
    more = {"Secret", "Body", "Configuration.Url", "Configuration.Triggers"}
    return {one.name: known.get(one.name, "x") for one in params if one.required or one.name in more}


async def test_what_only_the_server_writes_cannot_be_written_on_any_route(
    api: Api, there: dict[str, Any], did: Did
) -> None:
    tried = 0

    for prefix, version, route in CHANGES:
        path = prefix + route.path.format_map(there)
        if "/Invites" in path:  # whom it invites must be there
            await api.a_user({"sid": there["service_sid"]}, f"new {route.path} {version.value}")
        form = await a_form(there, route, version)
        before = (await api.get(path)).json
        fields = read_only(route, version)
        extra = [pair for field in fields for pair in planted(field)]
        answer = await api.form(path, urlencode([*extra, *form.items()], doseq=True))

        assert answer.status in {200, 201}, (route.method, path, form, answer.body)
        for field in fields:
            tried += 1
            found = answer.json[field.name]
            if route.status == 200 and field.name != "date_updated":
                assert found == before[field.name], (path, field.name)
        assert PLANTED["string"].encode() not in answer.body, path
        assert PLANTED["integer"].encode() not in answer.body, path
        assert b"1999-01-01" not in answer.body, path
        assert answer.json["account_sid"] == api.account_sid

    assert tried > len(CHANGES) * 4
    did(f"{tried} read-only fields on {len(CHANGES)} routes, none written")


async def test_no_answer_shows_a_secret(api: Api, there: dict[str, Any], did: Did) -> None:
    """Neither in what is read nor in what is refused."""
    answers: dict[tuple[str, str], bytes] = {}

    for prefix, _, route in ENDPOINTS:
        path = prefix + route.path.format_map(there)
        if route.method == "GET":
            answers["GET", path] = (await api.get(path)).body
        if route.method == "POST":
            answers["POST", path] = (await api.form(path, f"Secret={SECRET}&ApiKey={SECRET}&Type=x")).body

    shown = [asked for asked, body in answers.items() if re.search(rb"swordfish|sealed|gAAAAA", body)]
    assert shown == []
    assert [asked for asked, body in answers.items() if api.auth_token.encode() in body] == []
    did(f"no secret in the answers of {len(answers)} routes")
