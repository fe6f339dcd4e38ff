"""Bad requests and spoiled packets by the thousand, through sockets: answered, or the end of that socket."""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections import Counter
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec
import psutil
import pytest

from chinwag.realtime.router import ROUTES
from realtime.place import closed, raw, request, status
from realtime.test_bad_input import BODIES, FIELDS, NAMES, PARAMS, VALUES
from support.sdk_client import DisconnectedError
from support.twilsock import packet

if TYPE_CHECKING:
    from realtime.place import Place
    from support.sdk_client import Connection
    from support.torture import Did

pytestmark = pytest.mark.check(21)

AT_ONCE = 8
MOST_SECONDS = 1.0
MOST_GROWTH_MB = 24.0
"""By how much this process, with the server in it, may grow from the first tenth of all to the last."""
SMALL = [body for body in BODIES.values() if len(body) < 10_000]
ENDS = {1002, 1003, 1007, 1009}
"""What a socket is closed with when what came through it was wrong."""


def mutated(chosen: random.Random, text: bytes) -> bytes:
    """Return bytes of which some are others, gone, or there twice."""
    made = bytearray(text)
    for _ in range(chosen.randint(1, 4)):
        at = chosen.randrange(len(made) + 1)
        match chosen.randrange(3):
            case 0:
                made[at : at + 1] = chosen.randbytes(1)
            case 1:
                del made[at : at + chosen.randint(1, 8)]
            case _:
                made[at:at] = made[at : at + 8]
    return bytes(made)


def a_request(chosen: random.Random, at: int) -> tuple[dict[str, Any], bytes]:
    """Return a request to one route after the other; where it deletes, nothing that is there."""
    route = ROUTES[at % len(ROUTES)]

    def name(_: re.Match[str]) -> str:
        if route.method != "DELETE" and chosen.random() < 0.7:
            return chosen.choice(["lobby", "alice"])
        return quote(chosen.choice(NAMES), safe="%")[:300]

    path = re.sub(r"\{\w+\}", name, route.path)
    match chosen.randrange(3):
        case 0:
            body = chosen.choice(SMALL)
        case 1:
            fields = chosen.sample(FIELDS, 3)
            body = msgspec.json.encode({field: chosen.choice(VALUES[:-4]) for field in fields})
        case _:
            body = mutated(chosen, b'{"body":"hello","attributes":{"a":[1,2]},"last_read_message_index":0}')
    return request(route.method, path, params=chosen.choice(PARAMS[:-2])), body


async def test_no_request_to_any_route_is_a_mistake_of_ours(
    place: Place, full_length: bool, did: Did
) -> None:
    await place.api.a_message(await place.api.a_channel(place.service, UniqueName="lobby"))
    how_many = 100_000 if full_length else 400
    chosen = random.Random(21)
    requests = (a_request(chosen, at) for at in range(how_many))
    statuses: Counter[int] = Counter()
    took: list[float] = []
    process = psutil.Process()
    warm: list[int] = []

    async def ask(connection: Connection) -> None:
        for header, body in requests:
            began = time.perf_counter()
            answered = status(await connection.ask(header, body))
            took.append(time.perf_counter() - began)
            assert answered < 500, (header, body)
            statuses[answered] += 1
            if len(took) == how_many // 10:
                warm.append(process.memory_info().rss)

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(ask(await place.logged_in()))

    assert statuses.total() == how_many
    assert set(statuses) >= {200, 400, 404}
    p99 = sorted(took)[len(took) * 99 // 100]
    grown = (process.memory_info().rss - warm[0]) / 1e6
    did(f"{how_many:,} requests through sockets to {len(ROUTES)} routes, p99 {p99 * 1000:.0f} ms, no 5xx")
    did(f"{grown:+.1f} MB from the first tenth of them to the last")
    if full_length:
        assert grown < MOST_GROWTH_MB
        assert p99 < MOST_SECONDS


async def test_a_spoiled_packet_is_answered_or_ends_its_own_socket(
    place: Place, full_length: bool, did: Did
) -> None:
    how_many = 5_000 if full_length else 50
    chosen = random.Random(22)
    good = await place.logged_in("bob")
    configuration = request("GET", "/Client/v1/Configuration")
    ended = 0
    process, warm = psutil.Process(), 0

    for nth in range(how_many):
        if nth == how_many // 10:
            warm = process.memory_info().rss
        bad = await place.logged_in()
        framed = packet({**configuration, "id": "TM77"})
        bad.transport.write(raw(mutated(chosen, framed[framed.index(b"TWILSOCK") :])))
        try:
            assert status(await bad.ask(configuration)) == 200
        except DisconnectedError:
            await closed(bad)
            assert bad.close_code in ENDS, bad.close_code
            ended += 1
        bad.cut()

    assert 0 < ended < how_many
    assert status(await good.ask(configuration)) == 200
    grown = (process.memory_info().rss - warm) / 1e6
    did(f"{how_many:,} spoiled packets: {ended:,} ended their socket, and no other; {grown:+.1f} MB")
    if full_length:
        assert grown < MOST_GROWTH_MB
