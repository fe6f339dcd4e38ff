"""The demo in a real browser: two people in two tabs, with the unmodified SDK, minified, in Chromium."""

from __future__ import annotations

import base64
import os
import re
import struct
import zlib
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import aiohttp
import pytest
from playwright.async_api import expect

from chinwag.settings import Settings
from support.api import Api
from support.browser import MINIFIED, needs_a_browser, running_browser
from support.cable import a_cable
from support.server import running_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from contextlib import AbstractAsyncContextManager

    from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Locator, Page

    Join = Callable[..., AbstractAsyncContextManager["Tab"]]

pytestmark = [pytest.mark.clients, pytest.mark.timeout(180)]

HOME = Path(__file__).parents[2]
PICTURES = HOME / "build" / "screenshots"
IN_THE_DOCS = HOME / "docs" / "images" / "demo.png"
KEEP = "KEEP_SCREENSHOT"
"""The variable with which the picture in the documents is made anew."""

LOST = re.compile(r"WebSocket connection to|net::ERR_|: disconnected\n")
"""What a browser, and the SDK in it, notes about a connection that a test has cut."""


class Tab:
    """A tab of the demo, and what a person does and sees in it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _hear(self, said: ConsoleMessage) -> None:
        if said.type == "error":
            self.complaints.append(said.text)

    @property
    def messages(self) -> Locator:
        """What has been said, without what is still being sent."""
        return self.page.locator("#messages > .message")

    @property
    def texts(self) -> Locator:
        return self.page.locator("#messages > .message .bubble")

    @property
    def typing(self) -> Locator:
        return self.page.locator("#typing")

    @property
    def connection(self) -> Locator:
        return self.page.locator("#connection")

    def message(self, text: str) -> Locator:
        return self.messages.filter(has_text=text)

    def person(self, identity: str) -> Locator:
        return self.page.locator(f'.person[data-identity="{identity}"]')

    async def write(self, text: str) -> None:
        """Write, and leave it at that: slowly, for the SDK reports it once in five seconds."""
        await self.page.get_by_label("Message", exact=True).press_sequentially(text, delay=6000 / len(text))

    async def say(self, *texts: str) -> None:
        """Send messages, each once the one before is there."""
        for text in texts:
            await self.page.get_by_label("Message", exact=True).fill(text)
            await self.page.keyboard.press("Enter")
            await expect(self.message(text)).to_be_visible()

    async def edit(self, text: str, changed: str) -> None:
        await self.message(text).hover()
        await self.message(text).get_by_role("button", name="Edit").click()
        await self.page.get_by_role("form", name="Edit message").get_by_label("Message").fill(changed)
        await self.page.keyboard.press("Enter")

    async def delete(self, text: str) -> None:
        await self.message(text).hover()
        await self.message(text).get_by_role("button", name="Delete").click()
        await self.message(text).get_by_role("button", name="Sure?").click()

    async def attach(self, name: str, content: bytes, kind: str) -> None:
        file = {"name": name, "mimeType": kind, "buffer": content}
        await self.page.get_by_label("Attach a file").set_input_files(file)


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with running_browser() as found:
        yield found


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        port=0,
        database=f"sqlite:///{tmp_path}/chinwag.db",
        account_sid="AC" + "0" * 32,
        auth_token="swordfish",
        demo=MINIFIED,
    )


@pytest.fixture
def base(settings: Settings) -> Iterator[str]:
    needs_a_browser()
    with running_server(settings) as found:
        yield found


@pytest.fixture
async def api(base: str, settings: Settings) -> AsyncIterator[Api]:
    async with aiohttp.ClientSession() as session:
        yield Api(session, base, settings.account_sid, settings.auth_token)


@pytest.fixture
def join(browser: Browser, base: str) -> Join:
    """Opens the demo in a browser of somebody's own: `async with join("alice") as alice`."""

    @asynccontextmanager
    async def open_tab(
        identity: str, *, at: str = base, options: str = "", mishaps: bool = False, **looks: Any
    ) -> AsyncIterator[Tab]:
        context: BrowserContext = await browser.new_context(**looks)
        tab = Tab(await context.new_page())
        await tab.page.goto(f"{at}/demo?as={quote(identity)}{options}")
        await expect(tab.page.get_by_label("Message", exact=True)).to_be_enabled()
        yield tab
        await context.close()
        assert [said for said in tab.complaints if not (mishaps and LOST.search(said))] == []

    return open_tab


async def the_channel(api: Api) -> dict[str, Any]:
    """Return the channel of the demo, as REST shows it."""
    services = (await api.get("/v2/Services")).json["services"]
    return (await api.get(f"/v2/Services/{services[0]['sid']}/Channels/demo")).json


def a_picture(width: int = 320, height: int = 180) -> bytes:
    """Return a PNG: hills before the sky."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    def pixel(x: int, y: int) -> bytes:
        hill = height * 0.55 + (x - width * 0.3) ** 2 / 500
        far = height * 0.4 + (x - width * 0.75) ** 2 / 300
        return b"\x1d\x6b\x5f" if y > hill else b"\x5c\xa8\x98" if y > far else b"\xfb\xe3\xb5"

    rows = b"".join(b"\0" + b"".join(pixel(x, y) for x in range(width)) for y in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


# Two people


async def test_what_one_says_the_other_reads_once_and_in_order(join: Join) -> None:
    async with join("alice") as alice, join("bob") as bob:
        await alice.say("Hello, Bob", "Are you there?")
        await bob.say("I am")

        for tab in (alice, bob):
            await expect(tab.texts).to_have_text(["Hello, Bob", "Are you there?", "I am"])
        await expect(alice.page.locator("#sending > *")).to_have_count(0)


async def test_whoever_opens_the_page_first_sees_the_second_come(join: Join) -> None:
    async with join("alice") as alice:
        await expect(alice.page.get_by_text("Nobody else is here yet.")).to_be_visible()

        async with join("bob"):
            await expect(alice.person("bob")).to_be_visible()
            await expect(alice.page.get_by_text("Nobody else is here yet.")).to_be_hidden()


async def test_two_who_open_the_page_at_the_same_moment_meet(browser: Browser, base: str) -> None:
    tabs = [Tab(await (await browser.new_context()).new_page()) for _ in range(2)]

    for tab, identity in zip(tabs, ("alice", "bob"), strict=True):
        await tab.page.goto(f"{base}/demo?as={identity}", wait_until="commit")

    await expect(tabs[0].person("bob")).to_be_visible()
    await expect(tabs[1].person("alice")).to_be_visible()
    for tab in tabs:
        await tab.page.context.close()


async def test_a_name_is_asked_for_and_leads_into_the_channel(browser: Browser, base: str) -> None:
    page = await browser.new_page()
    await page.goto(f"{base}/demo")

    await page.get_by_label("Name").fill("carol")
    await page.get_by_role("button", name="Join").click()

    await expect(page.get_by_label("Message", exact=True)).to_be_enabled()
    await expect(page.locator(".person").get_by_text("carol (you)")).to_be_visible()
    await page.close()


async def test_whoever_is_typing_is_shown_to_the_other_until_the_message_comes(join: Join) -> None:
    async with join("alice") as alice, join("bob") as bob:
        await bob.write("I am about to say")

        await expect(alice.typing).to_have_text("bob is typing")
        await expect(bob.typing).to_be_empty()

        await bob.page.keyboard.press("Enter")
        await expect(alice.message("I am about to say")).to_be_visible()
        await expect(alice.typing).to_be_empty()


async def test_the_read_mark_moves_with_the_reader(join: Join) -> None:
    async with join("alice") as alice:
        await alice.say("first")
        await expect(alice.message("first").locator(".seen")).to_be_hidden()

        async with join("bob"):
            await expect(alice.message("first").locator(".seen")).to_have_text("Seen by bob")

            await alice.say("second")

            await expect(alice.message("second").locator(".seen")).to_have_text("Seen by bob")
            await expect(alice.message("first").locator(".seen")).to_be_hidden()


async def test_a_dot_shows_who_is_online(join: Join) -> None:
    async with join("alice") as alice:
        async with join("bob"):
            await expect(alice.person("bob")).to_have_attribute("data-online", "true")

        await expect(alice.person("bob")).to_have_attribute("data-online", "false")
        await expect(alice.person("bob")).to_contain_text("away")


async def test_what_is_edited_changes_for_the_other_and_what_is_deleted_goes(join: Join) -> None:
    async with join("alice") as alice, join("bob") as bob:
        await alice.say("Helo", "Wrong window")
        await bob.say("Hm?")

        await alice.edit("Helo", "Hello")
        await alice.delete("Wrong window")

        for tab in (alice, bob):
            await expect(tab.texts).to_have_text(["Hello", "Hm?"])
            await expect(tab.message("Hello").get_by_text("edited")).to_be_attached()
        await expect(alice.message("Hm?").get_by_role("button", name="Edit")).to_be_hidden()


async def test_an_edit_can_be_given_up(join: Join) -> None:
    async with join("alice") as alice:
        await alice.say("Hello")
        await alice.message("Hello").get_by_role("button", name="Edit").focus()
        await alice.page.keyboard.press("Enter")
        await alice.page.get_by_role("form", name="Edit message").get_by_label("Message").fill("Bye")

        await alice.page.keyboard.press("Escape")

        await expect(alice.texts).to_have_text(["Hello"])


async def test_a_picture_is_shown_to_both(join: Join) -> None:
    async with join("alice") as alice, join("bob") as bob:
        await alice.attach("hills.png", a_picture(), "image/png")

        for tab in (alice, bob):
            picture = tab.page.get_by_role("img", name="hills.png")
            await expect(picture).to_be_visible()
            await expect(picture).to_have_js_property("naturalWidth", 320)
        await expect(alice.page.locator("#sending > *")).to_have_count(0)


async def test_any_other_file_can_be_fetched(join: Join) -> None:
    async with join("alice") as alice, join("bob") as bob:
        await alice.attach("notes.txt", b"Bring milk", "text/plain")

        button = bob.page.get_by_role("button", name="notes.txt (0.1 KB)")
        async with bob.page.context.expect_event(
            "response", lambda answer: "/Temporary/" in answer.url
        ) as fetched:
            await button.click()
        url = (await fetched.value).url
        async with aiohttp.ClientSession() as session, session.get(url) as response:
            assert await response.read() == b"Bring milk"


async def test_what_was_said_is_there_after_a_reload(join: Join) -> None:
    async with join("alice") as alice, join("bob") as bob:
        await alice.say("one", "two")
        await bob.say("three")

        await bob.page.reload()

        await expect(bob.texts).to_have_text(["one", "two", "three"])
        await alice.say("four")
        await expect(bob.texts).to_have_text(["one", "two", "three", "four"])


async def test_older_messages_come_on_demand(join: Join, api: Api) -> None:
    async with join("alice"):
        channel = await the_channel(api)
    bodies = [f"message {number}" for number in range(70)]
    for body in bodies:
        await api.a_message(channel, body, From="bob")

    async with join("alice") as alice:
        await expect(alice.texts).to_have_text(bodies[-30:])
        older = alice.page.get_by_role("button", name="Load older messages")
        await older.click()
        await expect(alice.texts).to_have_text(bodies[-60:])
        await older.click()

        await expect(alice.texts).to_have_text(bodies)
        await expect(older).to_be_hidden()


async def test_what_is_posted_over_rest_appears_at_once(join: Join, api: Api) -> None:
    async with join("alice") as alice:
        await api.a_message(await the_channel(api), "The server room is on fire", From="operator")

        await expect(alice.message("The server room is on fire").locator(".who")).to_have_text("operator")


# Mishaps


async def test_whoever_was_away_catches_up_with_everything_exactly_once(join: Join, base: str) -> None:
    async with (
        a_cable(base) as cable,
        join("alice") as alice,
        join("bob", at=cable.base, mishaps=True) as bob,
    ):
        await alice.say("before", "to be changed", "to be taken back")
        await expect(bob.texts).to_have_text(["before", "to be changed", "to be taken back"])

        cable.pull()
        await expect(bob.connection).not_to_have_text("Connected")
        await alice.say("during 1", "during 2", "during 3")
        await alice.edit("to be changed", "changed")
        await alice.delete("to be taken back")
        await expect(alice.message("to be taken back")).to_have_count(0)
        cable.mend()

        await expect(bob.connection).to_have_text("Connected")
        await alice.say("after")
        everything = ["before", "changed", "during 1", "during 2", "during 3", "after"]
        for tab in (alice, bob):
            await expect(tab.texts).to_have_text(everything)


async def test_what_is_written_while_offline_is_sent_once_when_the_line_is_back(
    join: Join, base: str
) -> None:
    async with (
        a_cable(base) as cable,
        join("alice") as alice,
        join("bob", at=cable.base, mishaps=True) as bob,
    ):
        await bob.say("before")
        cable.pull()
        await expect(bob.connection).not_to_have_text("Connected")

        await bob.page.get_by_label("Message", exact=True).fill("written in the tunnel")
        await bob.page.keyboard.press("Enter")
        await expect(bob.page.locator("#sending .waiting")).to_have_text(re.compile("in the tunnel"))
        cable.mend()

        for tab in (alice, bob):
            await expect(tab.texts).to_have_text(["before", "written in the tunnel"])
        await expect(bob.page.locator("#sending > *")).to_have_count(0)


async def test_a_restart_of_the_server_is_survived(browser: Browser, settings: Settings) -> None:
    page = await browser.new_page()
    tab = Tab(page)
    with running_server(settings) as base:
        await page.goto(f"{base}/demo?as=alice")
        await tab.say("before")
    await expect(tab.connection).not_to_have_text("Connected")

    with running_server(replace(settings, port=int(base.rpartition(":")[2]))):
        await expect(tab.connection).to_have_text("Connected")
        await tab.say("after")
        await expect(tab.texts).to_have_text(["before", "after"])
        await page.close()


async def test_a_token_is_renewed_before_it_expires(join: Join) -> None:
    async with join("alice", options="&ttl=10") as alice:
        async with alice.page.expect_response("**/demo/token") as renewed:
            pass
        assert (await renewed.value).ok

        first_token_is_over = "new Promise((done) => setTimeout(done, 12000 - performance.now()))"
        await alice.page.evaluate(first_token_is_over)
        await alice.say("still here")
        await expect(alice.connection).to_have_text("Connected")
        await expect(alice.page.locator("#events")).not_to_contain_text("tokenExpired")


# What must never happen, and how it looks


async def test_neither_a_name_nor_a_message_is_ever_taken_for_html(join: Join) -> None:
    evil = '<img src=x onerror="window.hacked=1">'
    async with join(evil) as mallory, join("bob") as bob:
        await mallory.say(f"{evil} hello")
        await mallory.write("And now")

        await expect(bob.texts).to_have_text([f"{evil} hello"])
        await expect(bob.page.locator(".message .who")).to_have_text(evil)
        await expect(bob.typing).to_have_text(f"{evil} is typing")
        for tab in (mallory, bob):
            assert await tab.page.evaluate("window.hacked") is None
            assert await tab.page.locator("img").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_page_fits_a_phone(join: Join, scheme: str) -> None:
    looks = {"viewport": {"width": 360, "height": 640}, "color_scheme": scheme, "has_touch": True}
    async with join("alice with rather a long name for so small a screen", **looks) as alice:
        await alice.say("word " * 40, "https://example.com/" + "a" * 80)

        widths = "[document.documentElement.scrollWidth, document.getElementById('scroll').scrollWidth]"
        assert await alice.page.evaluate(widths) == [360, 360]
        await expect(alice.page.get_by_role("button", name="Send")).to_be_in_viewport()
        PICTURES.mkdir(parents=True, exist_ok=True)
        await alice.page.screenshot(path=PICTURES / f"phone-{scheme}.png")


async def test_a_picture_is_taken_of_two_tabs_with_messages_typing_and_read_marks(
    join: Join, browser: Browser
) -> None:
    looks = {"viewport": {"width": 760, "height": 640}}
    async with join("alice", **looks) as alice, join("bob", color_scheme="dark", **looks) as bob:
        await alice.say("Morning! Did the chat survive the move?")
        await bob.say("Nobody noticed. We changed one line of the app.")
        await bob.attach("hills.png", a_picture(), "image/png")
        await expect(alice.page.get_by_role("img", name="hills.png")).to_be_visible()
        await alice.say("And typing and read marks just work?")
        await bob.write("See for yoursel")

        await expect(alice.typing).to_have_text("bob is typing")
        await expect(alice.messages.last.locator(".seen")).to_have_text("Seen by bob")
        await expect(alice.person("bob")).to_have_attribute("data-online", "true")
        await expect(bob.page.get_by_role("img", name="hills.png")).to_have_js_property("naturalWidth", 320)
        await alice.page.locator(".events summary").click()
        pictures = [await tab.page.screenshot() for tab in (alice, bob)]

    kept = await side_by_side(browser, pictures)
    PICTURES.mkdir(parents=True, exist_ok=True)
    (PICTURES / "two-tabs.png").write_bytes(kept)
    if os.environ.get(KEEP):
        IN_THE_DOCS.parent.mkdir(exist_ok=True)
        IN_THE_DOCS.write_bytes(kept)
    assert len(kept) <= 200_000


async def side_by_side(browser: Browser, pictures: list[bytes]) -> bytes:
    """Return several pictures as one."""
    page = await browser.new_page(viewport={"width": 1544, "height": 656})
    images = "".join(
        f'<img src="data:image/png;base64,{base64.b64encode(png).decode()}">' for png in pictures
    )
    await page.set_content(f'<body style="margin:8px;display:flex;gap:8px;background:#888">{images}')
    try:
        return await page.screenshot()
    finally:
        await page.close()
