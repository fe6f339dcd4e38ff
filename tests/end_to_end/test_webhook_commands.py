"""`chinwag webhooks` as an operator meets it: beside a server, and an application that it tells of things."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from aiohttp import web

from chinwag.cli_webhooks import WHAT_TO_DO
from chinwag.domain.webhook import NoCall
from delivery.application import Application, an_application
from support.api import Api
from support.command_line import CommandLine, Done

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from delivery.application import Told

ACCOUNT_SID = "AC" + "0" * 31 + "1"
CREDENTIALS = {"CHINWAG_ACCOUNT_SID": ACCOUNT_SID, "CHINWAG_AUTH_TOKEN": "a token"}
PATIENCE_SECONDS = 15


@pytest.fixture
def command_line(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path, CREDENTIALS)


@pytest.fixture
async def application() -> AsyncIterator[Application]:
    async with an_application() as found:
        yield found


@pytest.fixture
async def api(command_line: CommandLine) -> AsyncIterator[Api]:
    with command_line.serving("--log-level", "warning") as server:
        async with aiohttp.ClientSession() as session:
            yield Api(session, server.base, ACCOUNT_SID, "a token")


async def a_service(api: Api, application: Application, *events: str) -> dict[str, Any]:
    service = await api.a_service()
    hook = {"PostWebhookUrl": application.url, "WebhookFilters": list(events)}
    assert (await api.post(f"/v2/Services/{service['sid']}", **hook)).status == 200
    return service


async def post(api: Api, service: dict[str, Any], header: str = "true") -> None:
    channel = await api.a_channel(service)
    path = f"/v2/Services/{service['sid']}/Channels/{channel['sid']}/Messages"
    headers = {"X-Twilio-Webhook-Enabled": header}
    assert (await api.send("POST", path, headers=headers, data={"Body": "hello"})).status == 201


async def run(command_line: CommandLine, *words: str) -> Done:
    return await asyncio.to_thread(command_line.run, "webhooks", *words)


async def logged(command_line: CommandLine, text: str, *words: str) -> str:
    """Wait until a line of the log has a text, and return it."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            done = await run(command_line, "log", *words)
            for line in done.output.splitlines():
                if text in line:
                    return line


def sid_in(line: str) -> str:
    found = re.search(r"WC[0-9a-f]{32}", line)
    assert found is not None, line
    return found[0]


async def test_an_event_that_is_not_in_the_filters_is_explained(
    api: Api, command_line: CommandLine, application: Application
) -> None:
    service = await a_service(api, application, "onMemberAdded")
    await post(api, service)

    line = await logged(command_line, "onMessageSent", "--service", service["sid"])
    shown = await run(command_line, "show", sid_in(line))

    assert line.endswith(f"not called: {NoCall.NOT_IN_FILTERS}")
    assert shown.status == 0
    assert WHAT_TO_DO[NoCall.NOT_IN_FILTERS] in shown.output
    assert application.told == []


async def test_a_signature_that_is_refused_is_explained(
    api: Api, command_line: CommandLine, application: Application
) -> None:
    async def refuse(_told: Told) -> web.StreamResponse:
        return web.Response(status=403, text="Twilio Request Validation Failed.")

    application.answer = refuse
    await post(api, await a_service(api, application, "onMessageSent"))

    line = await logged(command_line, "failed: answered 403")
    shown = (await run(command_line, "show", sid_in(line))).output

    (told,) = application.told
    assert f"POST {application.url}" in shown
    assert f"X-Twilio-Signature: {told.headers['x-twilio-signature']}" in shown
    assert f"{application.url}AccountSid{ACCOUNT_SID}Attributes{{}}Bodyhello" in shown
    assert f"the auth token of account {ACCOUNT_SID}" in shown
    assert "Twilio Request Validation Failed." in shown


async def test_a_call_is_made_again(api: Api, command_line: CommandLine, application: Application) -> None:
    await post(api, await a_service(api, application, "onMessageSent"))
    sid = sid_in(await logged(command_line, "delivered"))

    done = await run(command_line, "replay", sid)

    assert (done.status, done.errors) == (0, "")
    first, second = await application.heard(2)
    assert [told.params["RetryCount"] for told in (first, second)] == ["0", "1"]
    assert first.headers["i-twilio-idempotency-token"] == second.headers["i-twilio-idempotency-token"]


async def test_what_cannot_be_made_again_is_said_and_the_others_are(
    api: Api, command_line: CommandLine, application: Application
) -> None:
    service = await a_service(api, application, "onMessageSent")
    await post(api, service)
    await post(api, service, "false")
    made = sid_in(await logged(command_line, "delivered"))
    skipped = sid_in(await logged(command_line, "onMessageSent        API  not called"))
    nobodys = "WC" + "0" * 32

    done = await run(command_line, "replay", nobodys, skipped, made)

    assert done.status == 1
    assert f"there is no webhook call {nobodys}" in done.errors
    assert f"{skipped}: it was not made" in done.errors
    assert made in done.output
    await application.heard(2)


async def test_the_log_goes_on_with_what_happens(
    api: Api, command_line: CommandLine, application: Application
) -> None:
    following = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "chinwag", "webhooks", "log", "--follow"),
        cwd=command_line.folder,
        env={name: value for name, value in os.environ.items() if not name.startswith("CHINWAG_")},
        stdout=subprocess.PIPE,
    )
    assert following.stdout is not None
    try:
        await post(api, await a_service(api, application, "onMessageSent"))

        async with asyncio.timeout(PATIENCE_SECONDS):
            lines = [(await following.stdout.readline()).decode() for _ in range(2)]

        assert sorted("delivered" in line for line in lines) == [False, True]
        following.send_signal(signal.SIGINT)
        async with asyncio.timeout(PATIENCE_SECONDS):
            assert await following.wait() == 130
    finally:
        if following.returncode is None:
            following.kill()
            await following.wait()


def test_what_is_not_there_is_one_line(command_line: CommandLine) -> None:
    command_line.run("migrate")

    assert "No webhook was called" in command_line.run("webhooks", "log").errors
    for words, status, said in [
        (("log", "--service", "IS" + "0" * 32), 1, "there is no service IS"),
        (("log", "--last", "-1"), 2, "--last is -1: it must be 0 to 10000"),
        (("show", "WC" + "0" * 32), 1, "there is no webhook call WC"),
    ]:
        done = command_line.run("webhooks", *words)
        assert (done.status, done.output) == (status, "")
        assert done.errors.startswith("chinwag: ")
        assert said in done.errors


def test_there_is_advice_for_every_reason_not_to_call() -> None:
    assert set(WHAT_TO_DO) == set(NoCall)
