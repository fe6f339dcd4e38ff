"""What a client says writes no line into the log of the real server, colours none, and adds no header."""

from __future__ import annotations

import asyncio
import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import aiohttp
import pytest
from yarl import URL

from support.api import Api
from support.command_line import CommandLine

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from support.torture import Did

pytestmark = pytest.mark.check(28)

FORGED = (
    'x\r\nSet-Cookie: forged=1\r\n\r\n{"event":"forged"}',
    "x\n\x1b[2J\x1b[31m2026-01-01T00:00:00Z [error] forged\x1b[0m",
    "x\x85\u2028\u2029\x0b\x0c{forged}\x07\x08\x9b31m",
    "x\u202eforged\u2066",
)
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def say(api: Api, text: str) -> list[Any]:
    """Say a text wherever a client can, and return the answers."""
    service = await api.a_service()
    of_service = f"/v2/Services/{service['sid']}"
    channel = await api.a_channel(service, FriendlyName=text, Attributes=json.dumps(text))
    assert (channel["friendly_name"], channel["attributes"]) == (text, json.dumps(text))
    message = await api.a_message(channel, text, From=text, LastUpdatedBy=text)
    assert (message["body"], message["from"]) == (text, text)
    encoded = quote(text, safe="")
    return [
        await api.get(f"{of_service}/Channels/{channel['sid']}/Messages"),
        await api.post(f"{of_service}/Users", Identity=text, FriendlyName=text),
        await api.get(f"{of_service}/Users/{encoded}"),
        await api.post(of_service, PreWebhookUrl=f"http://example.com/{text}", Wrong=text),
        await api.post(f"{of_service}/Roles", FriendlyName=text, Type=text, Permission=text),
        await api.get(f"{of_service}/Channels", Type=text, PageToken=text),
        await api.get(f"/{encoded}"),
        await api.get(f"/healthz?{encoded}={encoded}"),
        await api.form("/v1/Services", f"{encoded}={encoded}"),
        await api.send("GET", of_service, headers={"Authorization": aiohttp.encode_basic_auth("ACx", "x")}),
    ]


async def shout(base: str, text: str) -> bytes:
    """Say a text in every header that a server might write down, byte by byte, and return the answer."""
    url = URL(base)
    said = re.sub(r"[\r\n]", "", text).encode()
    names = (b"User-Agent", b"Origin", b"Referer", b"X-Forwarded-For", b"Idempotency-Key", b"Authorization")
    head = b"".join(name + b": " + said + b"\r\n" for name in names)
    async with asyncio.timeout(10):
        reader, writer = await asyncio.open_connection(url.host, url.port)
        writer.write(
            b"GET /v1/Services HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + head + b"\r\n"
        )
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
    return answer


@pytest.mark.parametrize("form", ["json", "console"])
async def test_nothing_that_is_said_forges_a_line_of_the_log_or_a_header(
    tmp_path: Path, session: aiohttp.ClientSession, form: str, did: Did
) -> None:
    variables = {"CHINWAG_LOG_FORMAT": form, "CHINWAG_LOG_LEVEL": "debug"}
    with CommandLine(tmp_path, variables).serving() as server:
        api = Api(session, server.base, server.credential("account SID"), server.credential("auth token"))
        answers = [answer for text in FORGED for answer in await say(api, text)]
        refused = [await shout(server.base, text) for text in FORGED]
    written = server.log

    # The log is as many lines as were logged, each by us; a colour is one of ours, in front of what is said.
    lines = written.removesuffix("\n").split("\n")
    assert len(lines) > len(answers)
    assert "forged" in written
    assert (
        re.search(r"[\x00-\x09\x0b-\x1a\x1c-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]", written)
        is None
    )
    if form == "json":
        assert {type(json.loads(line)["event"]) for line in lines} == {str}
        assert "forged" not in {json.loads(line)["event"] for line in lines}
    assert all(re.match(r'\{"|\S*\d{4}-\d\d-\d\dT', COLOUR.sub("", line)) for line in lines)
    assert "\x1b" not in COLOUR.sub("", written)
    assert "\x1b[31m2026-01-01" not in written

    for answer in answers:
        assert "Set-Cookie" not in answer.headers
        assert all(value.isprintable() for value in answer.headers.values()), answer.headers
    for answer in refused:
        assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 401 ")), answer
        assert re.search(rb"(?m)^(?:Set-Cookie|\x1b)", answer) is None, answer
    did(f"{len(FORGED)} forgeries in every place that takes text: {len(lines)} lines of log, each of ours")
