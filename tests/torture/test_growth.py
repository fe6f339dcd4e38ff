"""What a message, and a page of them, cost where there are many: as a ratio of the cost where there are few.

This and that are asked in turns, one at a time, so that whatever else the machine does concerns both alike.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING

import asyncpg
import psutil
import pytest

from chinwag.storage.store import sqlite_path
from support import filling
from support.asking import lines, request
from support.full_house import House, a_house
from support.kill import serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from support.asking import Line
    from support.torture import Did

MESSAGES = 100_000
MEMBERS = 1_000
FEW_MEMBERS = 2
PAGE_SIZE = 50

ROUNDS = 60
IN_A_ROW = 100
"""How often one is asked before it is the other's turn."""

MOST_FOR_MESSAGES, MOST_FOR_PAGE, MOST_FOR_MEMBERS = 1.2, 1.5, 1.5


@dataclass
class Cost:
    """What requests took: the median of each turn, in seconds; CPU seconds in all, of the database too."""

    turns: list[float] = field(default_factory=list)
    cpu: float = 0.0

    def __str__(self) -> str:
        cpu = self.cpu / len(self.turns) / IN_A_ROW
        return f"{1000 * median(self.turns):.2f} ms, {1e6 * cpu:.0f} µs of CPU"


@dataclass
class Stage:
    """A server with a house, and the processes that work for it."""

    database: str
    house: House
    server: psutil.Process

    @property
    def line(self) -> Line:
        return self.house.over[0]

    async def in_turns(
        self, status: int, *kinds: Callable[[], Awaitable[bytes]]
    ) -> tuple[list[Cost], float, float]:
        """Ask requests of two kinds in turns.

        Args:
            status: what all must be answered.
            kinds: each is asked for a request before each of its turns.

        Returns:
            What they cost, and how many times as much the second: latency, as the median of what each round
            says, and CPU time.
        """
        costs = [Cost() for _ in kinds]
        processes = [self.server]
        for nth in range(ROUNDS + 1):
            # Each goes first in every other round.
            for cost, kind in list(zip(costs, kinds, strict=True))[:: -1 if nth % 2 else 1]:
                asked = await kind()
                before, seconds = cpu_seconds(processes), []
                for _ in range(IN_A_ROW):
                    began = time.perf_counter()
                    answer = await self.line.ask(asked)
                    seconds.append(time.perf_counter() - began)
                    assert answer.status == status, answer
                if nth:
                    cost.turns.append(median(seconds))
                    cost.cpu += cpu_seconds(processes) - before
            if not nth:  # it warmed up, and all processes are there
                processes += await backends(self.database)
        one, other = costs
        latency = median(late / early for early, late in zip(one.turns, other.turns, strict=True))
        return costs, latency, other.cpu / one.cpu

    async def post_to_a_new_channel(self) -> bytes:
        return self.house.post(await self.house.add_channel())


@asynccontextmanager
async def a_stage(database: str) -> AsyncIterator[Stage]:
    async with serving(database) as (base, server), lines(base, 8) as over:
        house = await a_house(over)
        yield Stage(database, house, psutil.Process(server.pid))


def cpu_seconds(processes: list[psutil.Process]) -> float:
    return sum(sum(process.cpu_times()[:2]) for process in processes)


async def backends(database: str) -> list[psutil.Process]:
    """Return the processes of PostgreSQL that serve a database."""
    if sqlite_path(database) is not None:
        return []
    connection = await asyncpg.connect(database)
    try:
        found = await connection.fetch(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    finally:
        await connection.close()
    return [psutil.Process(row["pid"]) for row in found]


@pytest.mark.check(32)
async def test_a_channel_with_much_history_goes_on_where_it_ends(database: str, did: Did) -> None:
    async with a_stage(database) as stage:
        house = stage.house
        channel = await house.add_channel()
        await asyncio.to_thread(filling.fill, database, [channel], 1_000)

        posted = (await stage.line.ask(house.post(channel, "the last"))).json
        last = (await stage.line.ask(request("GET", await path_of_page(house, channel, 1_001)))).json

    did("a message after 1,000 others has the next index, and is on the last page")
    assert posted["index"] == 1_000
    assert [message["body"] for message in last["messages"]] == ["the last"]
    assert last["meta"]["next_page_url"] is None


@pytest.mark.check(32)
@pytest.mark.clock
async def test_a_message_costs_the_same_behind_a_hundred_thousand(database: str, did: Did) -> None:
    async with a_stage(database) as stage:
        full = await stage.house.add_channel()
        await asyncio.to_thread(filling.fill, database, [full], MESSAGES)

        async def post_to_full() -> bytes:
            return stage.house.post(full)

        (empty, behind), latency, cpu = await stage.in_turns(201, stage.post_to_a_new_channel, post_to_full)

    did(f"a message behind {MESSAGES:,} costs {latency:.2f}x in latency, {cpu:.2f}x in CPU time")
    did(f"{behind}, and in an empty channel {empty}")
    assert max(latency, cpu) <= MOST_FOR_MESSAGES


@pytest.mark.check(32)
@pytest.mark.clock
async def test_the_last_page_costs_what_the_first_does(database: str, did: Did) -> None:
    async with a_stage(database) as stage:
        house = stage.house
        channel = await house.add_channel()
        await asyncio.to_thread(filling.fill, database, [channel], MESSAGES)
        first_path = f"{house.path}/Channels/{channel}/Messages?PageSize={PAGE_SIZE}"
        last_path = await path_of_page(house, channel, MESSAGES)

        async def first() -> bytes:
            return request("GET", first_path)

        async def last() -> bytes:
            return request("GET", last_path)

        (one, other), latency, cpu = await stage.in_turns(200, first, last)

    did(f"page {MESSAGES // PAGE_SIZE:,} costs {latency:.2f}x in latency, {cpu:.2f}x in CPU time")
    did(f"{other}, and the first {one}")
    assert max(latency, cpu) <= MOST_FOR_PAGE


@pytest.mark.check(33)
@pytest.mark.clock
async def test_a_message_costs_much_the_same_with_a_thousand_members(database: str, did: Did) -> None:
    async with a_stage(database) as stage:
        house = stage.house
        crowded, sparse = await house.add_channel(), await house.add_channel()
        await house.join(crowded, (f"person-{nth}" for nth in range(MEMBERS)))
        await house.join(sparse, (f"person-{nth}" for nth in range(FEW_MEMBERS)))

        async def post_to_sparse() -> bytes:
            return house.post(sparse)

        async def post_to_crowded() -> bytes:
            return house.post(crowded)

        (few, many), latency, cpu = await stage.in_turns(201, post_to_sparse, post_to_crowded)
        members = await house.asked("GET", f"{house.path}/Channels/{crowded}")

    did(f"with {MEMBERS:,} members a message costs {latency:.2f}x in latency, {cpu:.2f}x in CPU time")
    did(f"{many}, and with {FEW_MEMBERS} {few}")
    assert members["members_count"] == MEMBERS
    assert max(latency, cpu) <= MOST_FOR_MEMBERS


async def path_of_page(house: House, channel: str, messages: int) -> str:
    """Return the path of the last page of so many messages, as the page before it names it."""
    before_last = (messages - 1) // PAGE_SIZE - 1
    path = f"{house.path}/Channels/{channel}/Messages?PageSize={PAGE_SIZE}&Page={before_last}"
    url: str = (await house.asked("GET", path))["meta"]["next_page_url"]
    return "/" + url.split("/", 3)[3]
