"""Connections that do not show whose they are: how many there may be, who is cut off, and who never is."""

from __future__ import annotations

import asyncio
import resource
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import apsw
import psutil
import pytest

from chinwag.settings import Settings
from rest.wire import DEADLINE_SECONDS, basic, connected, head
from support.churn import KEY_SECRET, KEY_SID
from support.kill import ACCOUNT_SID, AUTH_TOKEN, serving
from support.sdk_client import Connection, SdkClient, access_token
from support.server import running_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from rest.wire import Wire

pytestmark = pytest.mark.check(30, on="sqlite")

MOST = 3
BUSY_MS = 5000
AUTHORIZATION = basic(ACCOUNT_SID, AUTH_TOKEN)
FORM = "Content-Type: application/x-www-form-urlencoded"
LIST = head("GET /v1/Services", authorization=AUTHORIZATION)
MAKE = head("POST /v1/Services", FORM, "Content-Length: 14", authorization=AUTHORIZATION) + b"FriendlyName=a"
HEALTH = head("GET /healthz")
FILES_LEFT = 8


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("strangers") / "chinwag.db"


@pytest.fixture(scope="module")
def running(path: Path) -> Iterator[str]:
    settings = Settings(
        port=0,
        database=f"sqlite:///{path}",
        account_sid=ACCOUNT_SID,
        auth_token=AUTH_TOKEN,
        api_key_sid=KEY_SID,
        api_key_secret=KEY_SECRET,
        unknown_connections=MOST,
        log_level="error",
    )
    with running_server(settings) as base:
        yield base


@pytest.fixture
async def base(running: str) -> str:
    """A server that nobody else is connected to."""
    async with asyncio.timeout(DEADLINE_SECONDS), connected(running) as wire:
        while await measure(wire, "chinwag_strangers"):
            pass
    return running


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


async def measure(wire: Wire, name: str) -> float:
    await wire.send(head("GET /metrics"))
    lines = (await wire.answer()).body.decode().splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{name} "))


async def strangers(stack: AsyncExitStack, base: str, count: int) -> list[Wire]:
    """Connect, so that the server has seen each of them."""
    wires = [await stack.enter_async_context(connected(base)) for _ in range(count)]
    async with connected(base) as last:  # accepted behind them
        await last.send(LIST)
        assert (await last.answer()).status == 200
    return wires


async def status(wire: Wire, request: bytes) -> int:
    await wire.send(request)
    return (await wire.answer()).status


def last_file(pid: int) -> int:
    """The number of the last file that a process has open."""
    return max(int(file.name) for file in Path(f"/proc/{pid}/fd").iterdir())


async def test_of_too_many_silent_connections_the_oldest_are_cut_off(
    base: str, stack: AsyncExitStack
) -> None:
    wires = await strangers(stack, base, MOST + 5)

    for wire in wires[: 5 + 1]:  # and one for the connection that was last
        assert await wire.is_closed()
    for wire in wires[5 + 1 :]:
        assert await status(wire, HEALTH) == 200
    assert await measure(wires[-1], "chinwag_strangers_cut_off_total") >= 6


async def test_who_was_answered_with_success_stays(base: str, stack: AsyncExitStack) -> None:
    known = await stack.enter_async_context(connected(base))
    assert await status(known, LIST) == 200

    await strangers(stack, base, 3 * MOST)

    assert await status(known, LIST) == 200


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        (HEALTH, 200),
        (head("GET /docs"), 200),
        (LIST.replace(b"Basic", b"Other"), 401),
        (head("GET /v1/Nothing", authorization=AUTHORIZATION), 404),
    ],
)
async def test_who_only_asked_what_everybody_may_is_a_stranger(
    base: str, stack: AsyncExitStack, request_: bytes, answer: int
) -> None:
    unknown = await stack.enter_async_context(connected(base))
    assert await status(unknown, request_) == answer

    await strangers(stack, base, MOST)

    assert await unknown.is_closed()


@pytest.mark.parametrize("begun", [HEALTH[:20], MAKE[:-1]])
async def test_who_does_not_end_a_request_is_a_stranger(
    base: str, stack: AsyncExitStack, begun: bytes
) -> None:
    unknown = await stack.enter_async_context(connected(base))
    await unknown.send(begun)

    await strangers(stack, base, MOST)

    assert await unknown.is_closed()


async def test_who_is_being_answered_is_not_cut_off(base: str, stack: AsyncExitStack, path: Path) -> None:
    holder = apsw.Connection(str(path))
    holder.set_busy_timeout(BUSY_MS)
    holder.execute("BEGIN IMMEDIATE")
    asking = await stack.enter_async_context(connected(base))
    await asking.send(MAKE)

    await strangers(stack, base, 3 * MOST)
    holder.close()

    assert (await asking.answer()).status == 201


async def test_who_was_answered_with_success_before_the_body_came_stays(
    base: str, stack: AsyncExitStack
) -> None:
    known = await stack.enter_async_context(connected(base))
    begun = head("GET /v1/Services", "Content-Length: 10", authorization=AUTHORIZATION)
    assert await status(known, begun) == 200

    await strangers(stack, base, 3 * MOST)

    assert await status(known, b"x" * 10 + LIST) == 200


async def test_clients_that_are_logged_in_stay_and_those_that_are_not_go(
    base: str, stack: AsyncExitStack
) -> None:
    async with connected(base) as wire:
        await wire.send(MAKE)
        service = (await wire.answer()).json["sid"]
    credentials = {"account_sid": ACCOUNT_SID, "key_sid": KEY_SID, "secret": KEY_SECRET}
    client = SdkClient(base, access_token("alice", service_sid=service, **credentials))
    await client.connect()
    silent = await Connection.open(base, lambda _: None)
    refused = await Connection.open(base, lambda _: None)
    await refused.ask({"method": "init", "token": "no token"})

    await strangers(stack, base, 3 * MOST)

    async with asyncio.timeout(DEADLINE_SECONDS):
        await silent.closed()
        await refused.closed()
    assert client.connection is not None
    assert (await client.request("GET", "/Client/v1/Configuration")).status == 200
    await client.close()


async def test_a_server_without_files_left_closes_new_connections_and_is_idle(tmp_path: Path) -> None:
    async with serving(f"sqlite:///{tmp_path}/chinwag.db") as (base, server), AsyncExitStack() as stack:
        process = psutil.Process(server.pid)
        known = await stack.enter_async_context(connected(base))
        assert await status(known, LIST) == 200
        most = last_file(server.pid) + FILES_LEFT
        before = process.num_fds()
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (most, most))

        async with AsyncExitStack() as many:
            wires = [await many.enter_async_context(connected(base)) for _ in range(most)]
            assert await wires[-1].is_closed()
            busy = process.cpu_times()
            assert await status(known, LIST) == 200
            await asyncio.sleep(0.5)
            assert process.cpu_times().user - busy.user < 0.3
            assert process.num_fds() <= most

        async with asyncio.timeout(DEADLINE_SECONDS):
            while process.num_fds() > before:
                assert await status(known, LIST) == 200
        async with connected(base) as wire:
            assert await status(wire, MAKE) == 201
