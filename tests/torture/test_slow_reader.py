"""A client that stops reading is cut off; the others, and the memory of the server, notice little of it."""

from __future__ import annotations

import asyncio
import socket
import statistics
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import psutil
import pytest

from support.asking import lines, p99, request
from support.churn import KEY_SECRET, KEY_SID
from support.kill import ACCOUNT_SID, serving
from support.load_of_messages import CONDITION_SECONDS, a_load
from support.sdk_client import SdkClient, access_token

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import AsyncIterator

    from support.asking import Line
    from support.load_of_messages import Load
    from support.torture import Did

pytestmark = [pytest.mark.check(8), pytest.mark.clock]

OTHERS = 10
ROUNDS = 30
MESSAGES = 200
RATE = 100.0
"""Messages a second. More comes in a window than the server and the network keep for anybody."""

BODY = "x" * 30_000
SMALL = 16 * 1024

MOST_FOR_OTHERS = 1.1
"""How much longer nearly all of the others' messages may take at most, while one does not read."""

BEYOND_DOUBT = 2 / 3
"""In what share of the rounds it must have taken longer than that to be no chance: the p99 of a window is
that of its two slowest messages. If all took just as much longer, one run of twenty would fail."""

MOST_MB = 8.0
"""Most memory that a client that stops reading may take, in MB."""

MOST_LEFT_MB = 4.0
"""Most of that memory that may be left once it is cut off, in MB."""


class Window(NamedTuple):
    """What was seen while some messages were posted.

    Args:
        p99: of the time from when a message was posted until one of the others had it, in seconds.
        most: by how much the server had grown at most, in MB.
        left: by how much it has grown in the end, in MB.
    """

    p99: float
    most: float
    left: float


class Reader:
    """A client that notes when messages came, and keeps none."""

    def __init__(self, client: SdkClient) -> None:
        self.client = client
        self.came: dict[int, float] = {}

    async def follow(self, channel: str) -> None:
        found = await self.client.list(f"{channel}.messages", read=False)

        def take(happened: str, index: Any, _: Any) -> None:
            if happened == "added":
                self.came[index] = time.perf_counter()
                found.items.clear()

        found.listener = take
        await self.client.settle()

    @property
    def transport(self) -> Any:
        assert self.client.connection is not None
        return self.client.connection.transport


async def test_others_do_not_notice_who_does_not_read(database: str, did: Did) -> None:
    keys = {"CHINWAG_API_KEY_SID": KEY_SID, "CHINWAG_API_KEY_SECRET": KEY_SECRET}
    async with serving(database, keys) as (base, server), a_load(base) as load, lines(base, 1) as (line,):
        others = [await a_reader(load, f"user-{number}") for number in range(OTHERS)]
        windows: dict[bool, list[Window]] = {False: [], True: []}
        await window(load, line, server, others)
        for number in range(ROUNDS):
            for stalls in (False, True) if number % 2 else (True, False):
                async with one_more(load, stalls=stalls):
                    windows[stalls].append(await window(load, line, server, others))

    ratios = [slow.p99 / quiet.p99 for slow, quiet in zip(windows[True], windows[False], strict=True)]
    ratio = statistics.median(ratios)
    before, during = (statistics.median(one.p99 for one in windows[stalls]) for stalls in (False, True))
    most = max(one.most for one in windows[True])
    left = statistics.median(one.left for one in windows[True])
    worse = sum(ratio > MOST_FOR_OTHERS for ratio in ratios)
    did(
        f"one of {OTHERS + 1} readers stops reading, {ROUNDS} times: p99 of the others {during * 1000:.1f} "
        f"ms, {before * 1000:.1f} ms while all read, in pairs {ratio:.2f} times as long, more than "
        f"{MOST_FOR_OTHERS} times in {worse}"
    )
    did(f"it is cut off each time; {most:.1f} MB for it at most, {left:.1f} MB afterwards")
    assert ratio <= MOST_FOR_OTHERS
    assert worse < ROUNDS * BEYOND_DOUBT
    assert most < MOST_MB
    assert left < MOST_LEFT_MB


async def a_reader(load: Load, identity: str) -> Reader:
    """Let somebody into the first channel."""
    channel = load.channels[0]
    async with load.session.post(f"{load.base}{channel}/Members", data={"Identity": identity}) as answer:
        assert answer.status in {201, 409}
    token = access_token(
        identity,
        account_sid=ACCOUNT_SID,
        key_sid=KEY_SID,
        secret=KEY_SECRET,
        service_sid=channel.split("/")[3],
    )
    reader = Reader(SdkClient(load.base, token, batching=0.0))
    await reader.client.connect()
    await reader.follow(channel.rpartition("/")[2])
    return reader


@asynccontextmanager
async def one_more(load: Load, *, stalls: bool) -> AsyncIterator[None]:
    """Let one more reader in; one that stalls is cut off by the end."""
    reader = await a_reader(load, "one more")
    connection = reader.client.connection
    assert connection is not None
    found: socket.socket = reader.transport.get_extra_info("socket")
    found.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
    if stalls:
        reader.transport.pause_reading()
    yield
    if stalls:
        connection.transport.resume_reading()  # type: ignore[attr-defined]  # of every transport of the loop
        async with asyncio.timeout(CONDITION_SECONDS):
            await connection.closed()
        assert len(reader.came) < MESSAGES
    else:
        assert connection.failure is None
        await reader.client.close()


async def window(load: Load, line: Line, server: Process, others: list[Reader]) -> Window:
    """Post some messages at an even pace, and wait until the others have them."""
    memory = psutil.Process(server.pid)
    before = most = memory.memory_info().rss
    posted: dict[int, float] = {}
    post = request("POST", f"{load.channels[0]}/Messages", {"Body": BODY})
    began = time.perf_counter()
    for number in range(MESSAGES):
        await asyncio.sleep(max(0.0, began + number / RATE - time.perf_counter()))
        at = time.perf_counter()
        answer = await line.ask(post)
        assert answer.status == 201
        posted[answer.json["index"]] = at
        most = max(most, memory.memory_info().rss)
    await load.until(lambda: all(posted.keys() <= reader.came.keys() for reader in others))
    took = [reader.came[index] - at for reader in others for index, at in posted.items()]
    return Window(p99(took), (most - before) / 1e6, (memory.memory_info().rss - before) / 1e6)
