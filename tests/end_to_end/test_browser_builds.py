"""The browser builds of the SDK, unmodified, in Chromium, from a page of another origin than the server's."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
import pytest
from aiohttp import web

from chinwag.settings import Settings
from support.api import Api
from support.browser import MINIFIED, READABLE, needs_a_browser, running_browser
from support.cable import Cable, a_cable
from support.sdk_client import access_token
from support.server import running_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from aiohttp.typedefs import Handler
    from playwright.async_api import Browser, Page

pytestmark = [pytest.mark.clients, pytest.mark.timeout(180)]

PAGE = Path(__file__).parent / "browser"
OPERATIONS = re.findall(r"^  async '(.+)'\(\) \{$", (PAGE / "operations.js").read_text(), re.MULTILINE)
BUILDS = {"readable": READABLE, "minified": MINIFIED}


@dataclass(frozen=True)
class Connected:
    """A page in which alice and bob are connected, bob through a cable."""

    page: Page
    cable: Cable


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with running_browser() as found:
        yield found


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(
        port=0,
        database=f"sqlite:///{tmp_path_factory.mktemp('builds')}/chinwag.db",
        account_sid="AC" + "0" * 32,
        auth_token="swordfish",
        api_key_sid="SK" + "0" * 32,
        api_key_secret="swordfish" * 4,
    )


@pytest.fixture(scope="module")
def base(settings: Settings) -> Iterator[str]:
    needs_a_browser()
    with running_server(settings) as found:
        yield found


@pytest.fixture(scope="module", params=BUILDS)
async def connected(
    request: pytest.FixtureRequest, browser: Browser, base: str, settings: Settings
) -> AsyncIterator[Connected]:
    """Each build in a page of its own, with a service of its own."""
    application = web.Application()
    application.add_routes(
        [
            web.get("/", _the(PAGE / "operations.html")),
            web.get("/operations.js", _the(PAGE / "operations.js")),
            web.get("/sdk.js", _the(BUILDS[request.param])),
        ]
    )
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()

    async with aiohttp.ClientSession() as session, a_cable(base) as cable:
        api = Api(session, base, settings.account_sid, settings.auth_token)
        service = await api.a_service(ReachabilityEnabled="true")
        page = await browser.new_page()
        host, port = runner.addresses[0]
        await page.goto(f"http://{host}:{port}/")
        people = [
            {"token": _token(identity, settings, service["sid"]), "socket": _socket(at)}
            for identity, at in (("alice", base), ("bob", cable.base))
        ]
        found = await page.evaluate("(people) => connect(people)", people)
        assert found == {"version": "6.0.0", "identities": ["alice", "bob"]}
        yield Connected(page, cable)
        await page.close()
    await runner.cleanup()


def _the(path: Path) -> Handler:
    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.FileResponse(path)

    return answer


def _token(identity: str, settings: Settings, service_sid: str) -> str:
    return access_token(
        identity,
        account_sid=settings.account_sid,
        key_sid=settings.api_key_sid,
        secret=settings.api_key_secret,
        service_sid=service_sid,
    )


def _socket(base: str) -> str:
    return base.replace("http", "ws", 1) + "/v3/wsconnect"


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_in_a_browser(connected: Connected, operation: str) -> None:
    await connected.page.evaluate("(name) => operations[name]()", operation)


async def test_every_operation_of_the_page_is_carried_out(connected: Connected) -> None:
    assert await connected.page.evaluate("Object.keys(operations)") == OPERATIONS


async def test_whoever_was_cut_off_catches_up_exactly_once(connected: Connected) -> None:
    await connected.page.evaluate("away.begins()")

    connected.cable.pull()
    await connected.page.evaluate("away.lasts()")
    connected.cable.mend()

    await connected.page.evaluate("away.ends()")
