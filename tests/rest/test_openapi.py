"""The description of the API, and the page that is made of it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import falcon.testing

from chinwag.rest import openapi, server
from chinwag.rest.docs_page import docs_page
from chinwag.rest.routes import ROUTES
from chinwag.rest.version import Version

if TYPE_CHECKING:
    import pytest

BASE = "https://chat.example.com"
LATER = cast("Version", Version.V1 + 1)
A_LATER_ROUTE = replace(ROUTES[0], path="/Tea", since=LATER)


def operations() -> list[dict[str, Any]]:
    return [found for path in openapi.description(BASE)["paths"].values() for found in path.values()]


def test_every_schema_that_is_named_is_there() -> None:
    document = openapi.description(BASE)

    named = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(document)))

    assert named == set(document["components"]["schemas"])


def test_every_operation_has_an_id_of_its_own_and_a_summary() -> None:
    ids = [operation["operationId"] for operation in operations()]

    assert len(set(ids)) == len(ids) == len(ROUTES)
    assert all(operation["summary"].endswith(".") for operation in operations())


def test_every_name_in_a_path_is_a_parameter() -> None:
    for path, methods in openapi.description(BASE)["paths"].items():
        for operation in methods.values():
            named = [found["name"] for found in operation.get("parameters", []) if found["in"] == "path"]
            assert named == re.findall(r"\{(\w+)\}", path)


def test_a_body_is_required_where_a_parameter_of_it_is() -> None:
    paths = openapi.description(BASE)["paths"]

    assert paths["/v1/Services"]["post"]["requestBody"]["required"]
    assert not paths["/v1/Services/{service_sid}"]["post"]["requestBody"]["required"]


def test_a_list_is_described_with_its_page_parameters_and_its_key() -> None:
    listing = openapi.description(BASE)["paths"]["/v1/Services"]["get"]

    assert [parameter["name"] for parameter in listing["parameters"]] == ["PageSize", "Page", "PageToken"]
    schema = listing["responses"]["200"]["content"]["application/json"]["schema"]
    assert schema["required"] == ["meta", "services"]


def test_a_deletion_answers_with_nothing() -> None:
    deletion = openapi.description(BASE)["paths"]["/v1/Services/{service_sid}"]["delete"]

    assert "content" not in deletion["responses"]["204"]


async def test_answers_are_as_they_are_described(api: Any) -> None:
    schemas = openapi.description(BASE)["components"]["schemas"]
    service = await api.a_service()

    role = await api.a_role(service)

    assert list(service) == schemas["ServiceV1"]["required"]
    assert list(role) == schemas["RoleV1"]["required"]


def test_a_route_of_a_later_version_is_neither_described_nor_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openapi, "ROUTES", (*ROUTES, A_LATER_ROUTE))
    monkeypatch.setattr(server, "ROUTES", (*ROUTES, A_LATER_ROUTE))
    app = server.rest_app(cast("server.Surroundings", None))

    answer = falcon.testing.TestClient(app).simulate_get("/v1/Tea")

    assert answer.status_code == 404
    assert not any("Tea" in path for path in openapi.description(BASE)["paths"])


def test_the_page_is_safe_whatever_the_description_says() -> None:
    document = openapi.description("http://<script>")
    document["info"]["description"] = "<img src=x>"

    page = docs_page(document)

    assert "<script>" not in page
    assert "<img" not in page


def test_the_page_names_the_values_and_needs_of_each_parameter() -> None:
    page = docs_page(openapi.description(BASE))

    assert "<code>FriendlyName</code></td><td>string</td><td>A name for people. Required.</td>" in page
    assert "<code>Type</code></td><td>channel | deployment</td>" in page
    assert "<code>WebhookFilters</code></td><td>list of onMessageSend | " in page
    assert "<code>date_created</code></td><td>date-time</td>" in page
    assert "<code>pre_webhook_url</code></td><td>string or null</td>" in page
    assert "<code>roles</code></td><td>list of RoleV1</td>" in page
