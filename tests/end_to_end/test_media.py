"""Files in messages against the real server: as large as they may be, and when it is killed."""

from __future__ import annotations

import asyncio
import signal
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import aiohttp
import psutil
import pytest

from chinwag.settings import Settings
from rest.wire import connected, head
from support.api import Api
from support.command_line import CommandLine, Serving
from support.uploads import an_uploader

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

MB = 1024 * 1024
SIZE = 150 * MB
MORE_MB = 20
"""Most memory that a file may take while it comes and goes, in MB."""

ACCOUNT = "AC" + "0" * 31 + "1"
TOKEN = "0123456789abcdef" * 2
KEY = "Y2hpbndhZyB0ZXN0cyB1c2UgdGhpcyBmaXhlZCBrZXk="
VARIABLES = {
    "CHINWAG_ACCOUNT_SID": ACCOUNT,
    "CHINWAG_AUTH_TOKEN": TOKEN,
    "CHINWAG_ENCRYPTION_KEY": KEY,
}


@pytest.fixture
def command_line(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path, VARIABLES)


@asynccontextmanager
async def api_of(server: Serving) -> AsyncIterator[Api]:
    async with aiohttp.ClientSession() as session:
        yield Api(session, server.base, ACCOUNT, TOKEN)


def settings_in(folder: Path) -> Settings:
    return Settings(database=f"sqlite:///{folder}/data/chinwag.db", encryption_key=KEY)


class Watch:
    """How much memory a process takes, at most, from now on."""

    def __init__(self, process: int) -> None:
        self._process = psutil.Process(process)
        self._before = self._most = self._process.memory_info().rss
        self._task = asyncio.ensure_future(self._look())

    async def _look(self) -> None:
        while True:
            self._most = max(self._most, self._process.memory_info().rss)
            await asyncio.sleep(0.01)

    def more_mb(self) -> float:
        self._task.cancel()
        return (self._most - self._before) / MB


async def pieces() -> AsyncIterator[bytes]:
    for number in range(SIZE // MB):
        yield bytes([number]) * MB


async def test_the_largest_file_is_never_in_memory(command_line: CommandLine) -> None:
    with command_line.serving() as server:
        async with api_of(server) as api:
            uploader = await an_uploader(api, settings_in(command_line.folder))
            await uploader.a_file(b"x" * MB)  # what is loaded for the first upload stays
            form = aiohttp.FormData()
            form.add_field("file", pieces(), filename="film.mp4", content_type="video/mp4")

            watch = Watch(server.process.pid)
            raw = await uploader.a_file(pieces(), "video/mp4")
            in_form = await uploader.send("POST", uploader.path, data=form)
            assert in_form.status == 201, server.log[-3000:]
            received = await received_of(raw["links"]["content_direct_temporary"])
            more = watch.more_mb()

    assert (raw["size"], in_form.status, in_form.json["size"]) == (SIZE, 201, SIZE)
    assert received == SIZE
    assert more <= MORE_MB


async def test_a_file_that_was_acknowledged_outlives_a_server_that_is_killed(
    command_line: CommandLine,
) -> None:
    with command_line.serving() as server:
        async with api_of(server) as api:
            uploader = await an_uploader(api, settings_in(command_line.folder))
            media = await uploader.a_file(b"hello" * 100_000)
            server.stop(signal.SIGKILL)

    with command_line.serving() as server:
        async with api_of(server) as api:
            uploader.api = api
            answer = await uploader.get(f"{uploader.path}/{media['sid']}/Content")

    assert (answer.status, answer.body) == (200, b"hello" * 100_000)


async def test_a_server_that_is_killed_in_the_middle_of_an_upload_leaves_nothing_that_is_seen(
    command_line: CommandLine,
) -> None:
    with command_line.serving() as server:
        async with api_of(server) as api:
            uploader = await an_uploader(api, settings_in(command_line.folder))
            async with connected(server.base) as wire:
                token = f"X-Twilio-Token: {uploader.token()}"
                request = head(f"POST {uploader.path}", token, f"Content-Length: {SIZE}")
                await wire.send(request + b"x" * 2 * MB)
                await until_begun(command_line.folder)
                server.stop(signal.SIGKILL)
    left = begun(command_line.folder)

    with command_line.serving() as server:
        async with api_of(server) as api:
            uploader.api = api
            shown = await uploader.get(f"{uploader.path}/{left[0].name.partition('#')[0]}")

    assert [path.name.partition("#")[2] for path in left] == ["1"]
    assert shown.status == 404


def begun(folder: Path) -> list[Path]:
    """The files that are being written."""
    return list((folder / "data" / "media").glob("*/*"))


async def until_begun(folder: Path) -> None:
    for _ in range(1000):
        if begun(folder):
            return
        await asyncio.sleep(0.01)
    pytest.fail("nothing is being written")


async def received_of(link: str) -> int:
    """Fetch a file and return how many bytes came."""
    received = 0
    async with aiohttp.ClientSession() as session, session.get(link) as response:
        async for piece in response.content.iter_chunked(MB):
            received += len(piece)
    return received
