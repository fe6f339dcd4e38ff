"""Debian's Chromium without a window, and the browser builds of the official SDK as npm has them."""

from __future__ import annotations

import os
import shutil
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.async_api import async_playwright, expect

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Browser

CHROMIUM = shutil.which("chromium")
BUILDS = Path(__file__).parents[1] / "conformance/sdk/node_modules/twilio-chat-6/builds"
MINIFIED = BUILDS / "twilio-chat.min.js"
READABLE = BUILDS / "twilio-chat.js"

PATIENCE_MS = 20_000
"""How long a page may take to show something, in milliseconds: the machine may be busy."""

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

IN_CI = os.environ.get("CI") == "true"

expect.set_options(timeout=PATIENCE_MS)


def needs_a_browser() -> None:
    """Skip a test, with what to do about it, where there is no browser or no SDK. In CI that is a failure."""
    missing = [
        what
        for what, there in (
            ("Chromium (apt-get install chromium)", CHROMIUM is not None),
            ("twilio-chat (`make clients` installs it, and needs npm)", MINIFIED.exists()),
        )
        if not there
    ]
    if missing:
        text = f"not installed: {' and '.join(missing)}"
        pytest.fail(text) if IN_CI else pytest.skip(text)


@asynccontextmanager
async def running_browser() -> AsyncIterator[Browser]:
    """Start a browser that talks to nobody but us."""
    needs_a_browser()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        await browser.close()
