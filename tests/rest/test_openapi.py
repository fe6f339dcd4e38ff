"""The description of the API, and the page that is made of it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import falcon.testing
import pytest

from chinwag.errors import all_kinds
from chinwag.rest import openapi, server
from chinwag.rest.docs_page import docs_page
from chinwag.rest.routes import ROUTES
from chinwag.rest.version import Version

if TYPE_CHECKING:
    from support.api import Api

BASE = "https://chat.example.com"
A_LATER_ROUTE = replace(ROUTES[0], path="/Tea", since=Version.V2)
MEMBERS = "/Services/{service_sid}/Channels/{channel_sid}/Members"


def operations() -> list[dict[str, Any]]:
    return [found for path in openapi.description(BASE)["paths"].values() for found in path.values()]


def test_every_schema_that_is_named_is_there() -> None:
    document = openapi.description(BASE)

    named = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(document)))

    assert named == set(document["components"]["schemas"])


def test_every_operation_has_an_id_of_its_own_and_a_summary() -> None:
    ids = [operation["operationId"] for operation in operations()]

    assert len(set(ids)) == len(ids) == len(list(openapi.all_routes()))
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


def test_every_operation_says_that_it_may_not_know_who_asks_and_that_the_store_may_be_away() -> None:
    assert all({"400", "401", "429", "503"} <= set(operation["responses"]) for operation in operations())


def test_only_what_is_named_can_be_missing_and_only_what_is_sent_too_large() -> None:
    for path, methods in openapi.description(BASE)["paths"].items():
        for method, operation in methods.items():
            assert ("404" in operation["responses"]) == ("{" in path)
            assert ("413" in operation["responses"]) == (method != "get")


def test_what_a_noun_refuses_is_described_with_its_code() -> None:
    responses = openapi.description(BASE)["paths"][f"/v1{MEMBERS}"]["post"]["responses"]

    assert list(responses) == ["201", "400", "401", "403", "404", "409", "413", "429", "503"]
    assert responses["403"]["description"] == (
        "User channel limit exceeded (50208). Channel member limit exceeded (50403)."
    )
    assert responses["409"]["description"] == "Member already exists (50404)."


def test_no_operation_answers_with_a_status_that_no_error_has() -> None:
    statuses = {status for operation in operations() for status in operation["responses"]}

    assert statuses - {"200", "201", "204"} <= {str(kind.status.value) for kind in all_kinds()}


@pytest.mark.parametrize(
    ("name", "path", "versions"),
    [
        ("PageSize", "/Services/{service_sid}/Users", {"v1": 1000, "v2": 100}),
        ("PageSize", "/Services/{service_sid}/Users/{user_sid}/Channels", {"v1": 1000, "v2": 50}),
        ("PageSize", "/Services", {"v1": 100, "v2": 100}),
    ],
)
def test_a_parameter_is_described_as_its_version_has_it(
    name: str, path: str, versions: dict[str, int]
) -> None:
    paths = openapi.description(BASE)["paths"]

    for version, most in versions.items():
        (said,) = [
            found["description"]
            for found in paths[f"/{version}{path}"]["get"]["parameters"]
            if found["name"] == name
        ]
        assert said.endswith(f"more than {most} is read as {most}.")


def test_a_version_describes_only_the_parameters_that_it_takes() -> None:
    paths = openapi.description(BASE)["paths"]

    v1, v2 = (
        paths[f"/{version}{MEMBERS}"]["post"]["requestBody"]["content"]["application/x-www-form-urlencoded"]
        for version in ("v1", "v2")
    )

    assert set(v1["schema"]["properties"]) == {"Identity", "RoleSid"}
    assert set(v2["schema"]["properties"]) > {"Identity", "RoleSid", "Attributes", "DateCreated"}


def test_the_header_that_asks_for_webhooks_is_of_the_second_version() -> None:
    paths = openapi.description(BASE)["paths"]

    headers = {
        version: [
            found["name"]
            for found in paths[f"/{version}{MEMBERS}"]["post"]["parameters"]
            if found["in"] == "header"
        ]
        for version in ("v1", "v2")
    }

    assert headers == {"v1": ["Idempotency-Key"], "v2": ["X-Twilio-Webhook-Enabled", "Idempotency-Key"]}


def test_what_makes_something_takes_a_key_under_which_it_may_be_repeated_and_nothing_else_does() -> None:
    paths = openapi.description(BASE)["paths"]

    for path, operations in paths.items():
        for method, said in operations.items():
            if method in {"get", "post", "delete"}:
                named = {parameter["name"] for parameter in said.get("parameters", ())}
                assert ("Idempotency-Key" in named) == ("201" in said["responses"]), (method, path)


async def test_answers_are_as_they_are_described(api: Api) -> None:
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
    paths = [path for path in openapi.description(BASE)["paths"] if "Tea" in path]
    assert paths == ["/v2/Tea"]


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
    assert "<code>roles</code></td><td>list of RoleV2</td>" in page


def test_the_page_shows_what_an_operation_answers_with_and_not_how_it_refuses() -> None:
    page = docs_page(openapi.description(BASE))

    assert set(re.findall(r"<h4>Answer (\d+)</h4>", page)) == {"200", "201"}
