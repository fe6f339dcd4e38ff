"""Connections whose other end is gone without a word, thousands that are idle, and all of them back again."""

from __future__ import annotations

import asyncio
import resource
import time
from typing import TYPE_CHECKING

import psutil
import pytest

from chinwag import limits
from support.asking import lines, p99, paced, request
from support.cable import a_cable
from support.full_house import KEY, a_house
from support.kill import serving
from support.known import known_server
from support.multitude import Return, multitude
from support.sdk_client import SdkClient

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.asking import Line
    from support.torture import Did

SHORT_PING_SECONDS = 1.0
"""How often a server asks whether its clients are there, where a test waits for what it finds."""

FOUND_SECONDS = 60
"""Longest wait for that, in seconds."""

CLOSING_SECONDS = 1.0
"""How long what was found takes to end, and to be seen, in seconds."""

VANISHING = 50
"""How many are at the end of a cable that carries nothing, and how many stop reading."""

MEMBERS = 1000
STORM_SECONDS = 1.0
"""Within how many seconds all try to come back."""

STALL_SECONDS = 1.0
"""What a request over REST takes at most meanwhile, in seconds."""

RATE = 20
"""Requests a second meanwhile."""

SPARE_FILES = 500
"""Files that a server has open besides its connections."""


@pytest.fixture
def base(tmp_path: Path) -> Iterator[str]:
    with known_server(tmp_path) as base:
        yield base


@pytest.fixture
def quick_pings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PING_SECONDS", SHORT_PING_SECONDS)


@pytest.fixture
def clients(full_length: bool) -> int:
    """How many there are. Each is an open file of the server, and half of them of each process of clients."""
    count = 10_000 if full_length else 40
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most < count + SPARE_FILES:
        pytest.skip(
            f"{count:,} clients need {count + SPARE_FILES:,} open files, of which {most:,} are allowed"
        )
    return count


@pytest.mark.check(9, on="sqlite")
async def test_who_is_gone_without_a_word_is_found_and_who_is_there_stays(
    quick_pings: None, base: str, did: Did
) -> None:
    stays, seconds = await seconds_to_find(base, vanishing=2)

    did("clients that are silent, or frozen, are found by pings; who answers them stays")
    assert stays
    assert seconds > SHORT_PING_SECONDS


@pytest.mark.check(9, on="sqlite")
@pytest.mark.clock
async def test_who_is_gone_without_a_word_is_found_within_two_pings(base: str, did: Did) -> None:
    most = 2 * limits.PING_SECONDS

    stays, seconds = await seconds_to_find(base, vanishing=VANISHING, patience=2 * most)

    did(f"{2 * VANISHING} half-open connections found within {seconds:.1f} s, by pings of {most / 2:.0f} s")
    assert stays
    assert seconds < most + CLOSING_SECONDS


async def seconds_to_find(base: str, vanishing: int, patience: float = FOUND_SECONDS) -> tuple[bool, float]:
    """Let clients vanish, some on a cable that goes silent, as many that read no more, and one that stays.

    Returns:
        Whether the one is still connected, and how long it took until the server had let go of the others.
    """
    async with lines(base, 1) as over, a_cable(base) as cable:
        house = await a_house(over)
        silent = [SdkClient(cable.base, house.token(f"silent-{nth}")) for nth in range(vanishing)]
        frozen = [SdkClient(base, house.token(f"frozen-{nth}")) for nth in range(vanishing)]
        one = SdkClient(base, house.token("alice"))
        for client in (*silent, *frozen, one):
            await client.connect()
        assert await sockets(over[0]) == 2 * vanishing + 1

        cable.hang()
        for client in frozen:
            assert client.connection is not None
            client.connection.transport.pause_reading()
        began = time.monotonic()
        seconds = 0.0
        while (left := await sockets(over[0]) - 1) and seconds < patience:
            await asyncio.sleep(0.05)
            seconds = time.monotonic() - began

        stays = one.connected
        for client in (*silent, *frozen, one):
            client.cut()
    assert left == 0, f"{left} are still believed to be there after {seconds:.0f} s"
    return stays, seconds


async def sockets(line: Line) -> int:
    """Return how many clients a server believes to be connected."""
    measures = (await line.ask(request("GET", "/metrics"))).body.decode()
    (found,) = [text for text in measures.splitlines() if text.startswith("chinwag_sockets ")]
    return int(float(found.partition(" ")[2]))


@pytest.mark.check(9)
async def test_all_who_do_nothing_stay_and_all_who_return_at_once_miss_nothing(
    database: str, clients: int, full_length: bool, did: Did
) -> None:
    async with serving(database, KEY) as (base, server), lines(base, 16) as over:
        house = await a_house(over)
        rooms = max(2, clients // MEMBERS)
        await house.fill(rooms, clients // rooms)
        quiet = await house.add_channel()
        crowded = house.channels[:-1]

        async def post_to_all(line: Line) -> None:
            for channel in crowded:
                assert (await line.ask(house.post(channel))).status == 201

        async with multitude(base, house.people) as everybody:
            process = psutil.Process(server.pid)
            before = process.cpu_times().user
            idle_seconds = limits.PING_SECONDS + 5 if full_length else 0
            await asyncio.sleep(idle_seconds)
            busy = (process.cpu_times().user - before) / max(idle_seconds, 1)
            idle = await everybody.until(lambda seen: seen.there == clients, 0)
            # Those that are there have been silent for longer than connections over HTTP may be.
            async with lines(base, 16) as fresh:
                await post_to_all(fresh[0])
                told = await everybody.until(lambda seen: seen.have_all(1))

                storm = asyncio.ensure_future(everybody.tell(Return(STORM_SECONDS)))
                asking = asyncio.ensure_future(
                    paced(fresh[1:], lambda _: house.post(quiet), RATE, lambda: not storm.done())
                )
                began = time.monotonic()
                await asyncio.sleep(STORM_SECONDS / 2)
                await post_to_all(fresh[0])
                await storm
                seconds = time.monotonic() - began
                took = [second for _, second in await asking]
                await post_to_all(fresh[0])
                returned = await everybody.until(lambda seen: seen.have_all(3))
        assert server.returncode is None

    did(f"{idle.there:,} clients that do nothing stay, for which the server takes {busy:.0%} of a core")
    did(f"all back {seconds:.1f} s after a storm began, {returned.refused:,} times at a further try")
    did(f"p99 of REST meanwhile {1000 * p99(took):.0f} ms; {returned.wrong} messages lost, doubled or late")
    assert idle.there == clients
    assert told.have_all(1)
    assert returned.returned == clients
    assert returned.there == clients
    assert returned.have_all(3), returned
    assert returned.wrong == 0
    if full_length:
        assert p99(took) < STALL_SECONDS
