"""A server that is asked for more than it takes: what is refused, what is not, and what it comes to."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import apsw
import pytest

from chinwag.rest.room import LONGEST_WAIT_SECONDS, REFUSALS, REST_SECONDS, RETURNS, SLOW_SECONDS, Room
from chinwag.settings import Settings
from rest.wire import DEADLINE_SECONDS, basic, connected, head
from support.kill import ACCOUNT_SID, AUTH_TOKEN
from support.sdk_client import access_token
from support.server import running_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
    from pathlib import Path

    from rest.wire import WireAnswer

pytestmark = pytest.mark.check(31, on="sqlite")

ROOM = 2
KEY_SID = f"SK{1:032x}"
SECRET = "a secret for tests"
LARGE = 24 * 1024 * 1024
BUSY_MS = 5000
OTHERS = 8
ROUNDS = 10
AUTHORIZATION = basic(ACCOUNT_SID, AUTH_TOKEN)
FORM = "Content-Type: application/x-www-form-urlencoded"
LIST = head("GET /v1/Services", authorization=AUTHORIZATION)
HEALTH = head("GET /healthz")
HEALTHY = 'chinwag_http_request_seconds_count{method="GET",route="/healthz",status="200"}'


def making(name: str, *headers: str) -> bytes:
    """A request that makes a service."""
    body = f"FriendlyName={name}".encode()
    lines = (FORM, f"Content-Length: {len(body)}", *headers)
    return head("POST /v1/Services", *lines, authorization=AUTHORIZATION) + body


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("room") / "chinwag.db"


@pytest.fixture(scope="module")
def base(path: Path) -> Iterator[str]:
    settings = Settings(
        port=0,
        database=f"sqlite:///{path}",
        account_sid=ACCOUNT_SID,
        auth_token=AUTH_TOKEN,
        api_key_sid=KEY_SID,
        api_key_secret=SECRET,
        requests_at_a_time=ROOM,
        log_level="warning",
    )
    with running_server(settings) as base:
        yield base


@asynccontextmanager
async def full(base: str, path: Path) -> AsyncIterator[Callable[[], Awaitable[list[int]]]]:
    """Have as many requests under way as there is room for, and yield what lets them end.

    They wait for the file of the database, which somebody else has locked.
    """
    holder = apsw.Connection(str(path))
    holder.set_busy_timeout(int(DEADLINE_SECONDS * 1000))  # the server itself may be writing
    async with connected(base) as one, connected(base) as two:
        holder.set_busy_timeout(BUSY_MS)
        holder.execute("BEGIN IMMEDIATE")
        await one.send(making("one"))
        await two.send(making("two"))
        await until(base, 503)

        async def end() -> list[int]:
            holder.close()
            return [(await wire.answer()).status for wire in (one, two)]

        yield end
        holder.close()
    await until(base, 200)


async def until(base: str, status: int) -> WireAnswer:
    """Ask, each time on another connection, until the answer is of that kind."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while (answer := await asked(base, LIST)).status != status:
            pass
    return answer


async def asked(base: str, request: bytes) -> WireAnswer:
    async with connected(base) as wire:
        await wire.send(request)
        return await wire.answer()


async def names(base: str) -> list[str]:
    services = (await asked(base, LIST)).json["services"]
    return sorted(service["friendly_name"] for service in services)


async def measure(base: str, name: str) -> float:
    lines = (await asked(base, head("GET /metrics"))).body.decode().splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{name} "))


async def test_what_there_is_no_room_for_is_refused_with_a_time_to_come_back(base: str, path: Path) -> None:
    async with full(base, path):
        refused = await asked(base, making("three", "Origin: https://app.example.com"))

        assert (refused.status, refused.code) == (503, 20503)
        assert refused.headers["retry-after"] == "1"
        assert refused.headers["access-control-allow-origin"] == "https://app.example.com"
        assert "Retry-After" in refused.headers["access-control-expose-headers"]
        assert "connection" not in refused.headers
        assert await measure(base, "chinwag_turned_away_total") >= 2


async def test_nothing_of_a_refused_request_is_done_and_all_of_an_accepted_one(base: str, path: Path) -> None:
    before = await names(base)

    async with full(base, path) as end:
        assert (await asked(base, making("three"))).status == 503
        assert await end() == [201, 201]

    assert await names(base) == sorted([*before, "one", "two"])
    assert (await asked(base, making("four"))).status == 201


async def test_credentials_are_not_looked_at_when_there_is_no_room(base: str, path: Path) -> None:
    async with full(base, path):
        wrong = head("GET /v1/Services", authorization=basic(ACCOUNT_SID, "wrong"))

        assert (await asked(base, wrong)).status == 503


@pytest.mark.parametrize(
    "request_line",
    ["GET /healthz", "GET /healthz?a=b", "GET /readyz", "GET /metrics", "OPTIONS /v1/Services"],
)
async def test_health_and_preflights_are_always_answered(base: str, path: Path, request_line: str) -> None:
    async with full(base, path):
        assert (await asked(base, head(request_line, "Origin: https://app.example.com"))).status == 200


async def test_a_connection_that_was_refused_goes_on_whatever_the_body_was(base: str, path: Path) -> None:
    request, before = making("three"), await names(base)

    async with connected(base) as wire:
        async with full(base, path) as end:
            await wire.send(request[:-5])
            assert (await wire.answer()).status == 503
            await wire.send(request[-5:] + LIST)
            await end()

        there = (await wire.answer()).json["services"]
        assert len(there) == len(before) + 2


async def test_a_refused_connection_is_asked_to_rest(base: str, path: Path) -> None:
    async with full(base, path), connected(base) as wire:
        await wire.send(LIST)
        assert (await wire.answer()).status == 503

        await wire.send(LIST)
        for _ in range(5):  # others are refused meanwhile, this one is not read
            assert (await asked(base, LIST)).status == 503
        assert wire.is_silent
        assert (await wire.answer()).status == 503


async def test_what_was_answered_in_this_turn_of_the_loop_is_not_under_way() -> None:
    room = Room(most=2)
    under_way = {object(), object()}
    assert room.is_full(under_way)

    room.ends()
    assert not room.is_full(under_way)
    assert room.is_full(under_way | {object()})

    await asyncio.sleep(0)  # now its task is over, or it is under way for another reason
    assert room.is_full(under_way)


async def test_of_many_that_are_refused_in_a_second_only_some_come_back_after_each() -> None:
    room = Room(ROOM)

    refusals = [room.refusal(None, last=False) for _ in range(RETURNS * LONGEST_WAIT_SECONDS + 1)]
    waits = [int(refusal.partition(b"retry-after: ")[2].partition(b"\r\n")[0]) for refusal in refusals]

    assert waits[: RETURNS + 1] == [1] * RETURNS + [2]
    assert waits == sorted(waits)
    assert waits[-2:] == [LONGEST_WAIT_SECONDS, LONGEST_WAIT_SECONDS]


class Turned:
    """A connection, of which a request was turned away."""

    def __init__(self) -> None:
        self.listens = asyncio.Event()

    def listen_again(self) -> None:
        self.listens.set()


async def test_who_left_after_a_refusal_takes_no_time_of_those_who_stay() -> None:
    room, too_late = Room(ROOM), asyncio.Event()
    for _ in range(10 * REFUSALS):
        leaving = Turned()
        room.rest(leaving)
        room.left(leaving)
    asyncio.get_running_loop().call_later(5 * REST_SECONDS, too_late.set)
    stays = Turned()

    room.rest(stays)
    await stays.listens.wait()

    assert not too_late.is_set()


async def test_those_that_rest_come_back_in_order_and_a_few_at_a_time() -> None:
    room = Room(ROOM)
    resting = [Turned() for _ in range(REFUSALS // 10)]
    for connection in resting:
        room.rest(connection)

    await resting[0].listens.wait()
    back = [connection.listens.is_set() for connection in resting]

    assert back == sorted(back, reverse=True)
    assert sum(back) <= REFUSALS // 50
    await resting[-1].listens.wait()


@pytest.mark.parametrize("header", ["Connection: close", "Expect: 100-continue"])
async def test_a_refused_request_after_which_nothing_can_follow_ends_its_connection(
    base: str, path: Path, header: str
) -> None:
    async with full(base, path), connected(base) as wire:
        await wire.send(head("POST /v1/Services", FORM, "Content-Length: 10", header))

        answer = await wire.answer()
        assert (answer.status, answer.headers["connection"]) == (503, "close")
        assert await wire.is_closed()


async def test_a_refused_head_request_ends_its_connection(base: str, path: Path) -> None:
    async with full(base, path), connected(base) as wire:
        await wire.send(head("HEAD /v1/Services", authorization=AUTHORIZATION))

        answer = await wire.answer()
        assert (answer.status, answer.headers["connection"]) == (503, "close")
        assert await wire.is_closed()


async def test_what_is_asked_behind_a_refusal_that_ends_its_connection_is_not_done_and_harms_nobody(
    base: str, path: Path
) -> None:
    ending = head("POST /v1/Services", FORM, "Content-Length: 0", "Expect: 100-continue")

    async with full(base, path), AsyncExitStack() as stack:
        others = [await stack.enter_async_context(connected(base)) for _ in range(OTHERS)]
        before = await measure(base, HEALTHY)
        for _ in range(ROUNDS):
            async with connected(base) as wire:
                await asyncio.gather(wire.send(ending + HEALTH), *(other.send(HEALTH) for other in others))

                assert (await wire.answer()).status == 503
                assert await wire.is_closed()
                assert [(await other.answer()).status for other in others] == [200] * OTHERS
        assert await measure(base, HEALTHY) == before + ROUNDS * OTHERS


async def test_a_large_body_is_refused_at_its_head(base: str, path: Path) -> None:
    async with full(base, path), connected(base) as wire:
        await wire.send(head("POST /v1/Services", FORM, "Content-Length: 100000000"))
        assert (await wire.answer()).status == 503

        sent = 0
        while wire.is_silent and sent < 100_000_000:
            await wire.send(b"x" * 1_000_000)
            sent += 1_000_000
        assert sent < 100_000_000


async def test_what_is_pipelined_behind_an_accepted_request_is_answered_behind_it(
    base: str, path: Path
) -> None:
    async with connected(base) as wire:
        await wire.send(LIST)  # known, and idle
        assert (await wire.answer()).status == 200
        holder = apsw.Connection(str(path))
        holder.set_busy_timeout(BUSY_MS)
        holder.execute("BEGIN IMMEDIATE")
        await wire.send(making("one") + LIST)
        async with connected(base) as other:
            await other.send(making("two"))
            await until(base, 503)
            holder.execute("ROLLBACK")
            holder.close()

            assert (await wire.answer()).status == 201
            assert (await wire.answer()).status == 200
            assert (await other.answer()).status == 201


async def test_requests_whose_bodies_do_not_come_keep_nobody_out(base: str) -> None:
    begun = head("POST /v1/Services", FORM, "Content-Length: 10", authorization=AUTHORIZATION)

    async with AsyncExitStack() as stack:
        slow = [await stack.enter_async_context(connected(base)) for _ in range(ROOM)]
        for wire in slow:
            await wire.send(begun)
        assert (await until(base, 503)).status == 503
        assert (await until(base, 200)).status == 200

        for wire in slow:
            assert wire.is_silent
            await wire.send(b"FriendlyNa")
            assert (await wire.answer()).status == 400
        assert (await until(base, 200)).status == 200


async def test_answers_that_nobody_reads_keep_nobody_out(base: str) -> None:
    link = await a_large_file(base)

    async with AsyncExitStack() as stack:
        readers = [await stack.enter_async_context(connected(base)) for _ in range(ROOM)]
        for wire in readers:
            await wire.send(head(f"GET {link}"))
        for wire in readers:
            await wire.begins()

        assert (await until(base, 200)).status == 200
        for wire in readers:
            assert len((await wire.answer()).body) == LARGE
        assert (await asked(base, LIST)).status == 200


async def a_large_file(base: str) -> str:
    """Upload a file that no buffer of a network takes in whole, and return where it is."""
    service_sid = (await asked(base, making("files"))).json["sid"]
    key = {"account_sid": ACCOUNT_SID, "key_sid": KEY_SID, "secret": SECRET}
    token = access_token("alice", service_sid=service_sid, **key)
    lines = ("Content-Type: image/png", f"Content-Length: {LARGE}", f"X-Twilio-Token: {token}")
    uploaded = await asked(base, head(f"POST /media/v1/Services/{service_sid}/Media", *lines) + bytes(LARGE))
    link = urlsplit(uploaded.json["links"]["content_direct_temporary"])
    return f"{link.path}?{link.query}"


async def test_who_was_answered_or_refused_before_the_end_of_a_body_makes_no_room(
    base: str, path: Path
) -> None:
    begun = head("POST /v1/Services", FORM, "Content-Length: 10", authorization=basic(ACCOUNT_SID, "wrong"))

    async with AsyncExitStack() as stack:
        wires = [await stack.enter_async_context(connected(base)) for _ in range(ROOM)]
        for wire in wires:
            await wire.send(begun)
            assert (await wire.answer()).status == 401
        async with full(base, path), connected(base) as refused:
            await refused.send(begun)
            assert (await refused.answer()).status == 503
            await asyncio.sleep(1.2 * SLOW_SECONDS)
            assert (await asked(base, LIST)).status == 503
