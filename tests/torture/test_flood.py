"""Thousands of connections a second that never log in, and what clients that have done so notice of them."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

import aiohttp
import psutil
import pytest

from support.asking import lines, p99, paced, request
from support.churn import KEY_SECRET, KEY_SID
from support.flood import Plan, flooding
from support.kill import ACCOUNT_SID, serving
from support.load_of_messages import CONDITION_SECONDS, SERVICES, a_load
from support.sdk_client import DisconnectedError, SdkClient, access_token

if TYPE_CHECKING:
    from support.asking import Line
    from support.flood import Flood
    from support.load_of_messages import Load
    from support.torture import Did

KEYS = {"CHINWAG_API_KEY_SID": KEY_SID, "CHINWAG_API_KEY_SECRET": KEY_SECRET}
RATE = 5000.0
"""Connections a second, every other one with the handshake of a WebSocket."""

FLOOD_SECONDS = 20.0
QUIET_SECONDS = 5.0
MESSAGES = 20
"""Messages a second meanwhile."""

STRANGERS = 5000
"""As docs/settings.md says."""

SPARE_FILES = 200
MOST_MB = 150.0
"""Most memory that 5,000 strangers may take, in MB: 30 KB each."""

LEAST_SHARE = 0.5
"""Of the rate that is asked for: a machine may be too slow to open more."""

STALL_SECONDS = 0.1
"""How long nearly all posts, and their way to a client, may take at most."""


class Watch:
    """What a server takes, at most, while somebody watches it."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self.files_before, self.mb_before = self.files(), self.mb()
        self.most_files, self.most_mb = self.files_before, self.mb_before

    def files(self) -> int:
        return self._process.num_fds()

    def mb(self) -> float:
        return self._process.memory_info().rss / 2**20

    def look(self) -> None:
        self.most_files = max(self.most_files, self.files())
        self.most_mb = max(self.most_mb, self.mb())

    async def until_files_are_free(self) -> None:
        async with asyncio.timeout(CONDITION_SECONDS):
            while self.files() > self.files_before + 1:  # noqa: ASYNC110  # another process tells nobody
                await asyncio.sleep(0.05)


@pytest.mark.check(30)
@pytest.mark.clock
async def test_a_flood_of_connections_that_never_log_in_hurts_nobody_who_has(database: str, did: Did) -> None:
    async with serving(database, KEYS) as (base, server), a_load(base) as load, lines(base, 2) as (line, eye):
        came: dict[int, float] = {}
        alice = await follower(load, came)
        assert (await eye.ask(request("GET", SERVICES))).status == 200  # who it is is known now
        await posted(load, line, QUIET_SECONDS, came)
        before = await posted(load, line, QUIET_SECONDS, came)
        watch = Watch(server.pid)

        with flooding(Plan(port=urlsplit(base).port or 0, rate=RATE, seconds=FLOOD_SECONDS)) as flood:
            looking = asyncio.create_task(looked(watch, eye, flood))
            during = await posted(load, line, FLOOD_SECONDS / 2, came)
            newcomer = await arrived(load)
            strangers = await looking
            flooded = flood.over()
        await watch.until_files_are_free()
        after = await posted(load, line, QUIET_SECONDS, came)
        await alice.close()

    did(
        f"{flooded.opened:,} connections, {flooded.rate:,.0f} a second; {strangers:,.0f} kept at most, "
        f"{watch.most_mb - watch.mb_before:.0f} MB for them, {watch.most_files:,} files; all free afterwards"
    )
    did(
        f"p99 of posts {during.posts:.0f} ms ({before.posts:.0f} before, {after.posts:.0f} after), "
        f"until a client had them {during.events:.0f} ms ({before.events:.0f} before); "
        f"a new client was in after {newcomer:.1f} s"
    )
    assert flooded.rate >= LEAST_SHARE * RATE
    assert strangers <= STRANGERS
    assert watch.most_files <= watch.files_before + STRANGERS + SPARE_FILES
    assert watch.most_mb - watch.mb_before <= MOST_MB
    assert during.posts <= 1000 * STALL_SECONDS
    assert during.events <= 1000 * STALL_SECONDS


class Took(NamedTuple):
    """How long nearly all took at most, in milliseconds: to be answered, and to be with the client."""

    posts: float
    events: float


async def follower(load: Load, came: dict[int, float]) -> SdkClient:
    """Let somebody in who notes when messages come."""
    client = await a_client(load, "alice")
    found = await client.list(f"{load.channels[0].rpartition('/')[2]}.messages")

    def take(happened: str, index: Any, _: Any) -> None:
        if happened == "added":
            came[index] = time.perf_counter()

    found.listener = take
    await client.settle()
    return client


async def a_client(load: Load, identity: str) -> SdkClient:
    channel = load.channels[0]
    async with load.session.post(f"{load.base}{channel}/Members", data={"Identity": identity}) as answer:
        assert answer.status in {201, 409}
    credentials = {"account_sid": ACCOUNT_SID, "key_sid": KEY_SID, "secret": KEY_SECRET}
    token = access_token(identity, service_sid=channel.split("/")[3], **credentials)
    client = SdkClient(load.base, token, batching=0.0)
    await client.connect()
    return client


async def posted(load: Load, line: Line, seconds: float, came: dict[int, float]) -> Took:
    """Post at an even pace for a while, and see that the client gets everything."""
    ends, first = time.monotonic() + seconds, len(came)
    post = request("POST", f"{load.channels[0]}/Messages", {"Body": "hello"})
    began = time.perf_counter()
    asked = await paced([line], lambda _: post, MESSAGES, lambda: time.monotonic() < ends)
    async with asyncio.timeout(CONDITION_SECONDS):
        while len(came) < first + len(asked):  # noqa: ASYNC110  # an SDK's listener waits for nobody
            await asyncio.sleep(0.01)
    delays = [came[first + number] - began - due for number, (due, _) in enumerate(asked)]
    return Took(1000 * p99([took for _, took in asked]), 1000 * p99(delays))


async def looked(watch: Watch, eye: Line, flood: Flood) -> float:
    """Watch a server as long as the flood goes on, and return how many strangers it had at most."""
    most = 0.0
    while flood.goes_on:
        watch.look()
        measures = (await eye.ask(request("GET", "/metrics"))).body.decode().splitlines()
        found = next(line for line in measures if line.startswith("chinwag_strangers "))
        most = max(most, float(found.rpartition(" ")[2]))
        await asyncio.sleep(0.5)
    return most


async def arrived(load: Load) -> float:
    """Return how long somebody needs to log in who tries again, in seconds."""
    began = time.monotonic()
    async with asyncio.timeout(CONDITION_SECONDS):
        while True:
            try:
                client = await a_client(load, "bob")
            except (DisconnectedError, aiohttp.ClientError):
                continue
            await client.close()
            return time.monotonic() - began
