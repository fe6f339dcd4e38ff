"""What every answer has, whatever came of the request: an id, CORS headers, addresses that lead back here."""

from __future__ import annotations

import logging
import re
from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest
import structlog
from structlog.testing import capture_logs

from chinwag.rest.openapi import all_routes
from chinwag.storage.service import ServiceRows
from rest.wire import connected

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from support.api import Answer, Api

Log: TypeAlias = list[MutableMapping[str, Any]]

CORS = {
    "Access-Control-Allow-Methods": "GET, POST, DELETE, OPTIONS",
    "Access-Control-Allow-Headers": (
        "Accept, Authorization, Content-Type, If-Match, If-Modified-Since, If-None-Match, "
        "If-Unmodified-Since, X-Twilio-Webhook-Enabled, X-Twilio-Token"
    ),
    "Access-Control-Expose-Headers": "ETag, Retry-After, Twilio-Request-Id, Chinwag-Detail",
    "Access-Control-Allow-Credentials": "true",
}
ANYBODY = {"Access-Control-Allow-Origin": "*", **CORS}
ABOUT = ("/", "/healthz", "/readyz", "/metrics", "/openapi.json", "/docs")


@pytest.fixture
def log() -> Iterator[Log]:
    """What is logged meanwhile, at every level."""
    was = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG))
    with capture_logs() as lines:
        yield lines
    structlog.configure(**was)


def cors(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower().startswith("access-control-")}


async def breaks(*_: Any) -> None:
    raise RuntimeError("broken for a test")


async def one_of_each(api: Api, monkeypatch: pytest.MonkeyPatch) -> dict[int, Answer]:
    """An answer with every status that the API gives."""
    made = await api.post("/v1/Services", FriendlyName="Support")
    path = f"/v1/Services/{made.json['sid']}"
    answers = [
        made,
        await api.get(path),
        await api.delete(path),
        await api.post("/v1/Services"),
        await api.send("GET", "/v1/Services", auth=False),
        await api.get("/v1/Tea"),
        await api.send("PUT", "/v1/Services"),
        await api.form("/v1/Services", b"x" * 300_000),
    ]
    with monkeypatch.context() as broken:
        broken.setattr(ServiceRows, "page", breaks)
        answers.append(await api.get("/v1/Services"))
    return {answer.status: answer for answer in answers}


# CORS


async def test_every_answer_may_be_read_by_any_page(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = await one_of_each(api, monkeypatch)

    assert set(answers) == {200, 201, 204, 400, 401, 404, 405, 413, 500}
    assert {status: cors(answer.headers) for status, answer in answers.items()} == dict.fromkeys(
        answers, ANYBODY
    )


async def test_a_refusal_of_the_connection_itself_may_be_read_by_any_page(api: Api) -> None:
    async with connected(api.base) as wire:
        await wire.send(b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 200)
        answer = await wire.answer()

    assert answer.status == 431
    assert cors(answer.headers) == {name.lower(): value for name, value in ANYBODY.items()}


@pytest.mark.parametrize("path", ["/v1/Services", "/v1/Tea", "/healthz", "/docs"])
async def test_the_origin_of_a_page_is_echoed_because_it_may_send_credentials(api: Api, path: str) -> None:
    answer = await api.send("GET", path, headers={"Origin": "https://app.example.com:8443"})

    assert cors(answer.headers) == {"Access-Control-Allow-Origin": "https://app.example.com:8443", **CORS}
    assert answer.headers["Vary"] == "Origin"


async def test_without_an_origin_answers_do_not_vary(api: Api) -> None:
    answer = await api.get("/v1/Services")

    assert "Vary" not in answer.headers


async def test_a_preflight_is_answered_on_every_path_without_credentials(api: Api) -> None:
    paths = [prefix + re.sub(r"\{\w+\}", "x", route.path) for prefix, _, route in all_routes()]
    preflight = {"Origin": "https://app.example.com", "Access-Control-Request-Method": "POST"}

    answers = {
        path: await api.send("OPTIONS", path, auth=False, headers=preflight) for path in (*paths, *ABOUT)
    }

    assert {path: (answer.status, answer.body) for path, answer in answers.items()} == dict.fromkeys(
        answers, (200, b"")
    )
    assert all(
        answer.headers["Access-Control-Allow-Origin"] == "https://app.example.com"
        for answer in answers.values()
    )


async def test_a_preflight_on_an_unknown_path_is_not_found(api: Api) -> None:
    answer = await api.send("OPTIONS", "/v1/Tea", auth=False)

    assert (answer.status, answer.code) == (404, 20404)


# Ids


async def test_every_answer_has_an_id_of_its_own(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = await one_of_each(api, monkeypatch)

    ids = {answer.headers["Twilio-Request-Id"] for answer in answers.values()}
    assert len(ids) == len(answers)
    assert all(re.fullmatch(r"RQ[0-9a-f]{32}", found) for found in ids)


# Methods and paths


@pytest.mark.parametrize(
    ("path", "methods", "allowed"),
    [
        ("/v1/Services", ("PUT", "PATCH", "DELETE", "HEAD", "TRACE"), "GET, OPTIONS, POST"),
        ("/v1/Services/IS0", ("PUT", "PATCH", "HEAD"), "DELETE, GET, OPTIONS, POST"),
        ("/v1/Services/IS0/Roles", ("PUT", "PATCH", "DELETE"), "GET, OPTIONS, POST"),
        ("/v1/Services/IS0/Roles/RL0", ("PUT", "PATCH"), "DELETE, GET, OPTIONS, POST"),
        ("/healthz", ("POST", "DELETE"), "GET, HEAD, OPTIONS"),
    ],
)
async def test_a_method_that_a_path_does_not_know_is_not_allowed(
    api: Api, path: str, methods: tuple[str, ...], allowed: str
) -> None:
    answers = [await api.send(method, path) for method in methods]

    assert {answer.status for answer in answers} == {405}
    assert {answer.headers["Allow"] for answer in answers} == {allowed}
    assert all(answer.code == 20004 for answer in answers if answer.body)


async def test_a_method_that_nobody_knows_is_not_allowed(api: Api) -> None:
    answer = await api.send("PURGE", "/v1/Services")

    assert answer.status == 405
    assert answer.code == 20004


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
async def test_the_health_checks_answer_head(api: Api, path: str) -> None:
    answer = await api.send("HEAD", path, auth=False)

    assert (answer.status, answer.body) == (200, b"")


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("/v1/Tea", "/Tea"),
        ("/v1/Services/IS0/Tea?x=y", "/Services/IS0/Tea"),
        ("/v1/Services/IS0/Roles/RL0/Tea", "/Services/IS0/Roles/RL0/Tea"),
        ("/v1", "/v1"),
        ("/tea", "/tea"),
        ("/v1Services", "/v1Services"),
        ("/v1/Services/{x}%7Bcode%7D", "/Services/{x}{code}"),
        ("/v1/Services/%E2%82%AC", "/Services/%E2%82%AC"),
    ],
)
async def test_an_unknown_path_is_named_without_its_version(api: Api, path: str, named: str) -> None:
    answer = await api.get(path)

    assert (answer.status, answer.code) == (404, 20404)
    assert answer.json["message"] == f"The requested resource {named} was not found"


@pytest.mark.parametrize(
    "path",
    ["/V1/Services", "/v1/services", "/v1/SERVICES", "/v1//Services", "/v1/Services.json"],
)
async def test_paths_are_taken_by_the_letter(api: Api, path: str) -> None:
    answer = await api.get(path)

    assert (answer.status, answer.code) == (404, 20404)


async def test_a_slash_at_the_end_is_tolerated(api: Api) -> None:
    made = await api.post("/v1/Services/", FriendlyName="Support")

    assert made.status == 201
    assert (await api.get(f"/v1/Services/{made.json['sid']}/")).json == made.json
    listed = await api.get("/v1/Services/", PageSize=1)
    assert listed.json["services"] == [made.json]
    assert listed.json["meta"]["url"] == f"{api.base}/v1/Services?PageSize=1&Page=0"


# Mistakes of ours


async def test_a_mistake_of_ours_is_an_envelope_too_and_is_logged_once(
    api: Api, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ServiceRows, "page", breaks)

    answer = await api.get("/v1/Services")

    assert answer.status == 500
    assert answer.json == {
        "code": 20500,
        "message": "An internal server error has occurred",
        "more_info": "https://www.twilio.com/docs/errors/20500",
        "status": 500,
    }
    assert "broken for a test" not in str(answer.headers)
    errors = [line for line in log if line["log_level"] == "error"]
    assert [(line["event"], line["path"], str(line["exc_info"])) for line in errors] == [
        ("request failed", "/v1/Services", "broken for a test")
    ]


async def test_a_mistake_of_ours_in_a_change_leaves_nothing_of_it(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = await api.a_service()
    path = f"/v1/Services/{service['sid']}"

    with monkeypatch.context() as broken:
        broken.setattr(ServiceRows, "save", breaks)
        answer = await api.post(path, FriendlyName="Sales")

    assert (answer.status, answer.code) == (500, 20500)
    assert (await api.get(path)).json == service
    assert (await api.post(path, FriendlyName="Sales")).status == 200


async def test_a_request_is_logged_with_its_id_and_outcome(api: Api, log: Log) -> None:
    answer = await api.get("/v1/Services", PageSize=0)
    await api.get("/healthz")  # a line is written after its answer

    [line] = [line for line in log if line.get("request_id") == answer.headers["Twilio-Request-Id"]]
    assert line["event"] == "request"
    assert line["log_level"] == "info"
    assert (line["method"], line["path"], line["status"]) == ("GET", "/v1/Services", 400)
    assert (line["code"], line["error"]) == (20001, "Invalid parameter PageSize")
    assert line["detail"].startswith("PageSize must be a whole number")


@pytest.mark.check(19)
async def test_credentials_are_never_logged(api: Api, log: Log) -> None:
    await api.get("/v1/Services")
    await api.send("GET", "/v1/Services", headers={"Authorization": f"Basic {api.auth_token}"})
    await api.get("/healthz")

    assert {line["status"] for line in log if line.get("path") == "/v1/Services"} == {200, 401}
    assert api.auth_token not in str(log)


# Addresses


@pytest.mark.parametrize(
    "host",
    ["chat.twilio.com", "ip-messaging.twilio.com", "localhost:1234", "10.0.0.7", "[::1]:8080", "a_b.c"],
)
async def test_every_address_in_an_answer_leads_back_over_the_host_of_the_request(
    api: Api, host: str
) -> None:
    service = await api.a_service()
    await api.a_service()

    fetched = await api.send("GET", f"/v1/Services/{service['sid']}", headers={"Host": host})
    listed = await api.send("GET", "/v1/Services?PageSize=1", headers={"Host": host})

    assert fetched.json["url"] == f"http://{host}/v1/Services/{service['sid']}"
    assert {url.partition("/v1/")[0] for url in fetched.json["links"].values()} == {f"http://{host}"}
    meta = listed.json["meta"]
    assert meta["url"] == meta["first_page_url"] == f"http://{host}/v1/Services?PageSize=1&Page=0"
    assert meta["next_page_url"].startswith(f"http://{host}/v1/Services?")
    assert listed.json["services"][0]["url"] == fetched.json["url"]


@pytest.mark.parametrize(
    ("headers", "base"),
    [
        ({"X-Forwarded-Proto": "https"}, "https://inside"),
        ({"X-Forwarded-Host": "chat.example.com"}, "http://chat.example.com"),
        ({"X-Forwarded-Proto": "https", "X-Forwarded-Host": "a.example:8443"}, "https://a.example:8443"),
        ({"X-Forwarded-Proto": "HTTPS, http", "X-Forwarded-Host": "outer, inner"}, "https://outer"),
        ({"X-Forwarded-Proto": "gopher"}, "http://inside"),
    ],
)
async def test_a_proxy_that_is_trusted_says_how_the_client_came(
    api: Api, headers: dict[str, str], base: str
) -> None:
    listed = await api.send("GET", "/v1/Services", headers={"Host": "inside", **headers})

    assert listed.json["meta"]["url"] == f"{base}/v1/Services?PageSize=50&Page=0"


@pytest.mark.check(28)
@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "a b"},
        {"Host": "a/b"},
        {"Host": "user@host"},
        {"Host": "<script>"},
        {"Host": "a:port"},
        {"Host": "a:123456"},
        {"Host": "[zz]"},
        {"Host": "x" * 300},
        {"Host": "é"},
        {"X-Forwarded-Host": "a b"},
        {"X-Forwarded-Host": 'x"onload="y'},
    ],
)
@pytest.mark.parametrize("path", ["/v1/Services", "/openapi.json", "/docs"])
async def test_a_host_that_cannot_be_one_is_refused(api: Api, path: str, headers: dict[str, str]) -> None:
    answer = await api.send("GET", path, headers=headers)

    assert (answer.status, answer.code) == (400, 20001)
