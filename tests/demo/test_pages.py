"""The demo over HTTP: a page that loads nothing from elsewhere, and tokens for one service only."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import aiohttp
import msgspec
import pytest

from chinwag.demo.visitors import NAME
from chinwag.settings import Settings
from support.api import Api
from support.command_line import CommandLine
from support.server import running_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

BUNDLE = b"window.Twilio = { Chat: {} };"
PLACES = {
    "the file": "twilio-chat.min.js",
    "the folder of the package": "builds/twilio-chat.min.js",
    "node_modules": "twilio-chat/builds/twilio-chat.min.js",
    "the folder of a program": "node_modules/twilio-chat/builds/twilio-chat.min.js",
}


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("demo")
    bundle = folder / "twilio-chat.min.js"
    bundle.write_bytes(BUNDLE)
    return Settings(
        port=0,
        database=f"sqlite:///{folder}/chinwag.db",
        account_sid="AC" + "0" * 32,
        auth_token="swordfish",
        demo=bundle,
    )


@pytest.fixture(scope="module")
def base(settings: Settings) -> Iterator[str]:
    with running_server(settings) as found:
        yield found


@pytest.fixture
async def visitor(base: str, settings: Settings) -> AsyncIterator[Api]:
    """Somebody with a browser; the credentials are for a look at what became of a visit."""
    async with aiohttp.ClientSession() as session:
        yield Api(session, base, settings.account_sid, settings.auth_token)


async def a_token(visitor: Api, **form: str) -> dict[str, Any]:
    """Ask for a token, as the page does, and return what it says."""
    given = await visitor.post("/demo/token", **form)
    assert given.status == 200, given.body
    payload = given.json["token"].split(".")[1]
    return msgspec.json.decode(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


# The page


async def test_without_the_setting_there_is_no_demo(tmp_path: Path, settings: Settings) -> None:
    plain = replace(settings, demo=None, database=f"sqlite:///{tmp_path}/chinwag.db")

    with running_server(plain) as base:
        async with aiohttp.ClientSession() as session:
            api = Api(session, base, "", "")
            statuses = [
                (await api.get("/demo", auth=False)).status,
                (await api.get("/demo/script.js")).status,
                (await api.post("/demo/token", Identity="alice")).status,
            ]

    assert statuses == [404, 404, 404]


async def test_the_page_may_load_and_reach_only_this_server(visitor: Api) -> None:
    page = await visitor.send("GET", "/demo", auth=False)

    policy = page.headers["Content-Security-Policy"]
    host = visitor.base.removeprefix("http://")
    assert page.status == 200
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "default-src 'none'; script-src 'self'; style-src 'self';" in policy
    assert f"connect-src 'self' {visitor.base} ws://{host} wss://{host}" in policy
    assert "unsafe" not in policy


async def test_everything_that_the_page_names_is_there(visitor: Api) -> None:
    page = await visitor.send("GET", "/demo", auth=False)

    named = re.findall(rb'(?:src|href)="(/demo/[^"]+)"', page.body)

    assert len(named) >= 4
    for path in named:
        assert (await visitor.send("GET", path.decode(), auth=False)).status == 200


async def test_the_page_has_no_script_and_no_style_within(visitor: Api) -> None:
    page = (await visitor.send("GET", "/demo", auth=False)).body.decode()

    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*src=)", page)


async def test_the_scripts_never_take_a_text_for_html(visitor: Api) -> None:
    for name in ("script.js", "view.js"):
        script = (await visitor.get(f"/demo/{name}")).body.decode()
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", script)


async def test_the_client_library_is_the_developers_own_byte_for_byte(visitor: Api) -> None:
    found = await visitor.get("/demo/twilio-chat.js")

    assert found.body == BUNDLE
    assert found.headers["Content-Type"] == "text/javascript; charset=utf-8"


@pytest.mark.parametrize("name", ["pages.py", "page.html", "..%2Fapp.py", "nothing.js"])
async def test_no_other_file_is_served(visitor: Api, name: str) -> None:
    assert (await visitor.get(f"/demo/{name}")).status == 404


# Tokens


async def test_a_visitor_is_let_into_the_demos_own_service(visitor: Api) -> None:
    claims = await a_token(visitor, Identity=" zoë ")

    sid = claims["grants"]["chat"]["service_sid"]
    service = (await visitor.get(f"/v2/Services/{sid}")).json
    assert claims["grants"]["identity"] == "zoë"
    assert claims["sub"] == visitor.account_sid
    assert claims["exp"] - claims["nbf"] == 3600
    assert service["friendly_name"] == NAME
    assert service["reachability_enabled"] is True
    assert service["read_status_enabled"] is True


async def test_every_visitor_meets_the_others_in_the_same_service(visitor: Api) -> None:
    await visitor.a_service("Support")

    alice, bob = await a_token(visitor, Identity="alice"), await a_token(visitor, Identity="bob")

    services = (await visitor.get("/v2/Services")).json["services"]
    assert alice["grants"]["chat"] == bob["grants"]["chat"]
    assert alice["iss"] == bob["iss"]
    assert [service["friendly_name"] for service in services].count(NAME) == 1


async def test_a_demo_that_was_deleted_is_made_anew(visitor: Api) -> None:
    before = (await a_token(visitor, Identity="alice"))["grants"]["chat"]["service_sid"]
    await visitor.delete(f"/v2/Services/{before}")

    after = (await a_token(visitor, Identity="alice"))["grants"]["chat"]["service_sid"]

    assert after != before
    assert (await visitor.get(f"/v2/Services/{after}")).status == 200


async def test_a_token_may_be_short_lived(visitor: Api) -> None:
    claims = await a_token(visitor, Identity="alice", Ttl="30")

    assert claims["exp"] - claims["nbf"] == 30


@pytest.mark.parametrize("ttl", ["", "9", "3601", "1e3", "-60"])
async def test_a_lifetime_out_of_bounds_is_refused(visitor: Api, ttl: str) -> None:
    assert (await visitor.post("/demo/token", Identity="alice", Ttl=ttl)).code == 20001


@pytest.mark.parametrize(
    ("identity", "code"), [("", 50204), (" ", 50204), ("System", 50203), ("x" * 257, 50207)]
)
async def test_an_identity_that_nobody_may_have_is_refused(visitor: Api, identity: str, code: int) -> None:
    assert (await visitor.post("/demo/token", Identity=identity)).code == code


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://elsewhere.example.com"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_a_page_of_another_site_is_given_no_token(visitor: Api, headers: dict[str, str]) -> None:
    refused = await visitor.send("POST", "/demo/token", data={"Identity": "alice"}, headers=headers)

    assert refused.status == 403
    assert b"token" not in refused.body.partition(b".")[2]


async def test_the_page_itself_is_given_one(visitor: Api) -> None:
    headers = {"Origin": visitor.base, "Sec-Fetch-Site": "same-origin"}

    given = await visitor.send("POST", "/demo/token", data={"Identity": "alice"}, headers=headers)

    assert given.status == 200


# The client library


@pytest.mark.parametrize("place", PLACES)
def test_the_client_library_is_found_in(place: str, tmp_path: Path) -> None:
    bundle = tmp_path / PLACES[place]
    bundle.parent.mkdir(parents=True, exist_ok=True)
    bundle.write_bytes(BUNDLE)

    with CommandLine(tmp_path).serving("--demo", str(bundle if place == "the file" else tmp_path)) as server:
        assert server.stop() == 0


def test_without_the_client_library_the_server_does_not_start_and_makes_nothing(tmp_path: Path) -> None:
    refused = CommandLine(tmp_path).run("serve", "--port", "0", "--demo", "node_modules")

    assert refused.status == 1
    assert refused.errors == (
        "chinwag: demo is 'node_modules', and node_modules cannot be read: No such file or directory. "
        "It must be the twilio-chat.min.js of your own `npm install twilio-chat@6.0.0`, "
        "or a folder with it, such as ./node_modules\n"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("host", "warned"), [("127.0.0.1", False), ("0.0.0.0", True)])
def test_a_demo_that_others_can_reach_is_warned_of(tmp_path: Path, host: str, *, warned: bool) -> None:
    (tmp_path / "twilio-chat.min.js").write_bytes(BUNDLE)

    with CommandLine(tmp_path).serving("--host", host, "--demo", "twilio-chat.min.js") as server:
        server.stop()

    assert ("the demo lets everybody in" in server.log) == warned
