"""What a server says about itself, to anybody."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest

from chinwag import __version__
from chinwag.errors import ApiError, Kinds
from chinwag.rest.openapi import all_routes
from chinwag.rest.routes import ROUTES
from chinwag.rest.version import Version
from chinwag.storage.installation import InstallationRow

if TYPE_CHECKING:
    from support.api import Answer, Api

EVERY_ROUTE = {(prefix + route.path, route.method) for prefix, _, route in all_routes()}


async def open_to_all(api: Api, path: str) -> Answer:
    return await api.send("GET", path, auth=False, allow_redirects=False)


class Page(HTMLParser):
    """What a browser would load or follow, and what it would show in code type."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.addresses: list[str] = []
        self.code: list[str] = []
        self._open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self._open.append(tag)
        self.addresses += [
            value or "" for name, value in attrs if name in {"href", "src", "action", "srcset"}
        ]

    def handle_endtag(self, tag: str) -> None:
        if tag in self._open:
            while self._open.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] == "code":
            self.code.append(data)


async def test_a_server_says_that_it_lives(api: Api) -> None:
    answer = await open_to_all(api, "/healthz")

    assert (answer.status, answer.body) == (200, b"ok\n")
    assert answer.headers["Content-Type"].startswith("text/plain")


async def test_a_server_says_that_its_store_answers(api: Api) -> None:
    answer = await open_to_all(api, "/readyz")

    assert (answer.status, answer.body) == (200, b"ready\n")


async def test_a_server_without_its_store_lives_but_is_not_ready(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(_: InstallationRow) -> int:
        raise ApiError(Kinds.UNAVAILABLE, "the database cannot be read")

    monkeypatch.setattr(InstallationRow, "generation", away)

    ready, alive = await open_to_all(api, "/readyz"), await open_to_all(api, "/healthz")

    assert (ready.status, ready.code) == (503, 20503)
    assert ready.headers["Retry-After"] == "1"
    assert alive.status == 200


async def test_a_database_without_accounts_is_not_ready(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    async def none_yet(_: InstallationRow) -> int:
        return 0

    monkeypatch.setattr(InstallationRow, "generation", none_yet)

    answer = await open_to_all(api, "/readyz")

    assert (answer.status, answer.code) == (503, 20503)


async def test_requests_are_measured_by_method_route_and_status(api: Api) -> None:
    await api.get("/v1/Services/IS0")
    await api.get("/v1/Tea")

    answer = await open_to_all(api, "/metrics")

    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    counted = re.findall(r"chinwag_http_request_seconds_count\{(.*?)\} [1-9]", answer.body.decode())
    assert 'method="GET",route="/v1/Services/{service_sid}",status="404"' in counted
    assert 'method="GET",route="unmatched",status="404"' in counted


async def test_measures_name_no_object_and_no_path_that_a_client_made_up(api: Api) -> None:
    service = await api.a_service()
    await api.get(f"/v1/Services/{service['sid']}")
    await api.get("/made-up-by-a-client")

    measures = (await open_to_all(api, "/metrics")).body.decode()

    assert service["sid"] not in measures
    assert "made-up" not in measures


async def test_the_process_is_measured_too(api: Api) -> None:
    measures = (await open_to_all(api, "/metrics")).body.decode()

    assert "process_resident_memory_bytes" in measures


async def test_whoever_types_the_address_is_shown_the_way(api: Api) -> None:
    answer = await open_to_all(api, "/")

    assert answer.status == 302
    assert answer.headers["Location"] == "/docs"


async def test_the_description_has_every_route_and_no_other(api: Api) -> None:
    answer = await open_to_all(api, "/openapi.json")

    assert answer.headers["Content-Type"].startswith("application/json")
    document = answer.json
    described = {(path, method.upper()) for path, methods in document["paths"].items() for method in methods}
    assert described == EVERY_ROUTE
    assert document["openapi"] == "3.1.0"
    assert document["info"]["version"] == __version__


async def test_the_description_says_where_the_api_is(api: Api) -> None:
    answer = await api.send("GET", "/openapi.json", headers={"Host": "chat.example.com"})

    assert answer.json["servers"] == [{"url": "http://chat.example.com"}]


async def test_the_page_for_people_has_every_route(api: Api) -> None:
    answer = await open_to_all(api, "/docs")

    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("text/html")
    shown = Page(answer.body.decode()).code
    assert {path for path, _ in EVERY_ROUTE} <= set(shown)
    assert {
        param.name
        for route in ROUTES
        if route.takes
        for version in Version
        for param in route.takes.of(version)
    } <= set(shown)


async def test_the_page_for_people_needs_nothing_from_anywhere_else(api: Api) -> None:
    answer = await open_to_all(api, "/docs")

    page = Page(answer.body.decode())
    assert page.addresses == ["/openapi.json"]
    assert page.tags.isdisjoint({"script", "link", "img", "iframe", "form", "object", "embed"})
    assert "url(" not in answer.body.decode()
    assert "@import" not in answer.body.decode()
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


async def test_the_page_for_people_shows_how_to_call_this_very_server(api: Api) -> None:
    answer = await api.send("GET", "/docs", headers={"Host": "chat.example.com"})

    assert "curl http://chat.example.com/v1/Services" in answer.body.decode()


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/openapi.json", "/docs"])
async def test_a_slash_behind_a_page_about_the_server_is_tolerated(api: Api, path: str) -> None:
    answer = await open_to_all(api, f"{path}/")

    assert answer.status == 200
