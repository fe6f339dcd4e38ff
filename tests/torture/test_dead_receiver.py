"""What senders notice of a webhook that nobody receives: as a ratio of what those see who tell nobody.

Both post in turns, so that whatever else the machine does concerns both alike.
"""

from __future__ import annotations

import asyncio
import socket
import time
from contextlib import asynccontextmanager, suppress
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

import pytest

from support.asking import Line, lines, p99
from support.full_house import a_house
from support.kill import serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager

    from support.full_house import House
    from support.torture import Did

pytestmark = [pytest.mark.check(14), pytest.mark.clock]

SENDERS = 16
CHANNELS = 8
ROUNDS = 20
IN_A_TURN = 1_000
"""How many messages all senders together post before it is the others' turn."""

LEAST_RATE, MOST_P99 = 0.7, 2.0
"""Of posts that nobody is told of. A call is written down with its message, which is what they pay for."""


class Turn(NamedTuple):
    """What the senders of one turn saw: messages a second, and what nearly all of them took, in seconds."""

    rate: float
    p99: float


@asynccontextmanager
async def nobody() -> AsyncIterator[int]:
    """Yield a port at which connections are refused."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


@asynccontextmanager
async def somebody_silent() -> AsyncIterator[int]:
    """Yield a port at which everything is read and nothing answered."""

    async def read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while await reader.read(65_536):
                pass
        writer.close()

    server = await asyncio.start_server(read, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


@pytest.mark.parametrize("receiver", [nobody, somebody_silent])
async def test_a_receiver_that_is_dead_does_not_slow_those_who_send(
    database: str, did: Did, receiver: Callable[[], AbstractAsyncContextManager[int]]
) -> None:
    async with serving(database) as (base, _), lines(base, SENDERS) as over, receiver() as port:
        telling_nobody, telling = [await a_house_with_channels(over) for _ in range(2)]
        url = f"http://127.0.0.1:{port}/hook"
        form = {"PostWebhookUrl": url, "WebhookFilters": "onMessageSent", "PostWebhookRetryCount": "3"}
        await telling.asked("POST", telling.path, **form)
        pairs: list[tuple[Turn, Turn]] = []
        for nth in range(ROUNDS + 1):
            houses = (telling_nobody, telling) if nth % 2 else (telling, telling_nobody)
            turns = {house.service: await turn(house) for house in houses}
            if nth:  # it warmed up
                pairs.append((turns[telling_nobody.service], turns[telling.service]))
        calls = await telling.asked("GET", f"/chinwag/v1/Services/{telling.service}/WebhookCalls?PageSize=1")

    rate = median(told.rate / untold.rate for untold, told in pairs)
    slower = median(told.p99 / untold.p99 for untold, told in pairs)
    did(
        f"{receiver.__name__.replace('_', ' ')} at the other end, {ROUNDS} times {IN_A_TURN:,} messages: "
        f"{rate:.2f} times as many a second as without a webhook, p99 {slower:.2f} times as long"
    )
    assert [call["event"] for call in calls["webhook_calls"]] == ["onMessageSent"]
    assert rate >= LEAST_RATE
    assert slower <= MOST_P99


async def a_house_with_channels(over: list[Line]) -> House:
    house = await a_house(over)
    for _ in range(CHANNELS):
        await house.add_channel()
    return house


async def turn(house: House) -> Turn:
    """Post some messages, as fast as they are taken."""
    numbers = iter(range(IN_A_TURN))
    took: list[float] = []

    async def send(line: Line) -> None:
        for number in numbers:
            post = house.post(house.channels[number % CHANNELS], X_Twilio_Webhook_Enabled="true")
            began = time.perf_counter()
            answer = await line.ask(post)
            assert answer.status == 201, answer
            took.append(time.perf_counter() - began)

    began = time.perf_counter()
    await asyncio.gather(*(send(line) for line in house.over))
    return Turn(len(took) / (time.perf_counter() - began), p99(took))
