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

from chinwag.cli_log import FOLLOW_SECONDS, READER_GONE
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
    variables = {"CHINWAG_OUTGOING_CREDENTIALS": "true"}
    with command_line.serving("--log-level", "warning", **variables) as server:
        async with aiohttp.ClientSession() as session:
            yield Api(session, server.base, ACCOUNT_SID, "a token")


async def a_service(api: Api, application: Application, *events: str) -> dict[str, Any]:
    service = await api.a_service()
    hook = {"PostWebhookUrl": application.url, "WebhookFilters": list(events)}
    assert (await api.post(f"/v2/Services/{service['sid']}", **hook)).status == 200
    return service


async def post(api: Api, service: dict[str, Any], header: str = "true", body: str = "hello") -> None:
    channel = await api.a_channel(service)
    path = f"/v2/Services/{service['sid']}/Channels/{channel['sid']}/Messages"
    headers = {"X-Twilio-Webhook-Enabled": header}
    assert (await api.send("POST", path, headers=headers, data={"Body": body})).status == 201


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


async def test_what_others_wrote_does_not_command_the_terminal(
    api: Api, command_line: CommandLine, application: Application
) -> None:
    async def refuse(_told: Told) -> web.StreamResponse:
        return web.Response(status=403, text="no \x1b]0;owned\x07")

    application.answer = refuse
    await post(api, await a_service(api, application, "onMessageSent"), body="red \x1b[31m\r\n\u202egreen")

    line = await logged(command_line, "failed: answered 403")
    shown = (await run(command_line, "show", sid_in(line))).output

    assert "Bodyred \\x1b[31m\\r\n\\u202egreenChannelSid" in shown
    assert "no \\x1b]0;owned\\x07" in shown
    assert all(character.isprintable() for character in shown.replace("\n", ""))


async def test_the_credentials_of_an_address_are_never_shown(
    api: Api, command_line: CommandLine, application: Application
) -> None:
    application.url = application.url.replace("//", "//alice:hunter2@")
    await post(api, await a_service(api, application, "onMessageSent"))
    line = await logged(command_line, "delivered")

    printed = [line, *[(await run(command_line, word, sid_in(line))).output for word in ("show", "replay")]]

    assert all("//***@127.0.0.1" in text for text in printed)
    assert not any("hunter2" in text for text in printed)
    assert application.told[0].headers["authorization"].startswith("Basic ")


async def test_the_log_goes_on_with_what_happens_and_says_nothing_twice(
    api: Api, command_line: CommandLine, application: Application
) -> None:
    service = await a_service(api, application, "onMessageSent")
    await post(api, service)
    earlier = sid_in(await logged(command_line, "delivered"))
    await logged(command_line, "onChannelAdded")
    following = await started(command_line, "log", "--follow", "--last", "1")
    assert following.stdout is not None
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            lines = [(await following.stdout.readline()).decode()]
            await post(api, service)
            while "delivered" not in lines[-1] or len(lines) == 1:
                lines.append((await following.stdout.readline()).decode())
            await asyncio.sleep(3 * FOLLOW_SECONDS)
            following.send_signal(signal.SIGINT)
            lines += (await following.stdout.read()).decode().splitlines(keepends=True)
            status = await following.wait()
    finally:
        await end(following)

    assert status == 130
    assert len(set(lines)) == len(lines)
    assert [earlier in line for line in lines[1:]] == [False] * (len(lines) - 1)
    assert ["delivered" in line for line in lines[1:]].count(True) == 1


async def test_a_log_that_nobody_reads_on_ends_quietly(
    api: Api, command_line: CommandLine, application: Application
) -> None:
    await post(api, await a_service(api, application, "onMessageSent"))
    await logged(command_line, "delivered")
    reader, writer = os.pipe()
    os.close(reader)

    process = await started(command_line, "log", stdout=writer)
    os.close(writer)

    _, errors = await asyncio.wait_for(process.communicate(), PATIENCE_SECONDS)
    assert (process.returncode, errors) == (READER_GONE, b"")


async def started(
    command_line: CommandLine, *words: str, stdout: int = subprocess.PIPE
) -> asyncio.subprocess.Process:
    """Start a command that may not end by itself."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "chinwag", "webhooks", *words),
        cwd=command_line.folder,
        env={name: value for name, value in os.environ.items() if not name.startswith("CHINWAG_")},
        stdout=stdout,
        stderr=subprocess.PIPE,
    )


async def end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()
        await process.wait()


def test_what_is_not_there_is_one_line(command_line: CommandLine) -> None:
    command_line.run("migrate")

    assert "No webhook was called" in command_line.run("webhooks", "log").errors
    assert command_line.run("webhooks", "log", "--last", "0") == Done(0, "", "")
    for words, status, said in [
        (("log", "--service", "IS" + "0" * 32), 1, "there is no service IS"),
        (("log", "--last", "-1"), 2, "--last is -1: it must be 0 to 10000"),
        (("show", "WC" + "0" * 32), 1, "there is no webhook call WC"),
        (("replay",), 2, "SID"),
    ]:
        done = command_line.run("webhooks", *words)
        assert (done.status, done.output) == (status, "")
        assert done.errors.startswith("chinwag: ")
        assert said in done.errors


def test_there_is_advice_for_every_reason_not_to_call() -> None:
    assert set(WHAT_TO_DO) == set(NoCall)
