"""Secrets are guessed from one address of a real server: slower than it answers, and nobody else notices."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from conftest import an_account
from realtime.place import a_place
from support.api import Api
from support.keys import Key
from support.limited import limited_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from chinwag.settings import Settings
    from support.sdk_client import Connection
    from support.torture import Did

pytestmark = pytest.mark.check(18, on="sqlite")

PER_MINUTE = 2
"""How often an address may be wrong: a turn every 30 seconds, further away than an address may wait."""

TOGETHER = 50
"""Guesses that are on their way at the same time."""

GUESSER, OTHER, NEWCOMER = "127.0.0.1", "127.0.0.2", "127.0.0.3"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[str, Settings]]:
    with limited_server(tmp_path, guesses_per_minute=PER_MINUTE) as found:
        yield found


@pytest.fixture
def guesses(full_length: bool) -> int:
    """How many secrets are guessed."""
    return 20_000 if full_length else 500


@asynccontextmanager
async def coming_from(address: str) -> AsyncIterator[aiohttp.ClientSession]:
    """Be a client at another address of this machine."""
    connector = aiohttp.TCPConnector(local_addr=(address, 0), limit=TOGETHER)
    async with aiohttp.ClientSession(connector=connector) as session:
        yield session


@pytest.fixture
async def victim(server: tuple[str, Settings]) -> AsyncIterator[Api]:
    """An account whose application is at the address of the guesses, and has asked before."""
    async with coming_from(GUESSER) as session:
        api = await an_account(session, *server)
        assert (await api.get("/v2/Services")).status == 200
        yield api


async def guess(api: Api, username: str, count: int, headers: dict[str, str]) -> Counter[int]:
    """Guess secrets, many at a time, and return how often which status came back."""
    found: Counter[int] = Counter()
    numbers = iter(range(count))

    async def one_after_another() -> None:
        for number in numbers:
            wrong = aiohttp.encode_basic_auth(username, f"guess {number}")
            answer = await api.send("GET", "/v2/Services", headers={"Authorization": wrong, **headers})
            assert answer.code == {401: 20003, 429: 20429}[answer.status]
            if answer.status == 429:
                assert int(answer.headers["Retry-After"]) >= 1
                assert answer.headers["Chinwag-Detail"].startswith("too many wrong credentials from ")
            found[answer.status] += 1

    await asyncio.gather(*(one_after_another() for _ in range(TOGETHER)))
    return found


def most_looked_at(seconds: float) -> float:
    """Return how many guesses may be looked at in some time: those at once, and one for each turn."""
    return PER_MINUTE + seconds * PER_MINUTE / 60 + 1


async def asks_on(api: Api, until: asyncio.Task[Any]) -> Counter[int]:
    """Ask until something is over, and return how that was answered."""
    found: Counter[int] = Counter()
    while not until.done():
        found[(await api.get("/v2/Services")).status] += 1
    return found


@pytest.mark.parametrize("what", ["auth token", "key secret"])
async def test_guesses_are_slowed_down_and_right_credentials_go_on_working(
    server: tuple[str, Settings], victim: Api, what: str, guesses: int, did: Did
) -> None:
    place = await a_place(victim, *server)
    username = victim.account_sid if what == "auth token" else place.key.sid
    async with coming_from(OTHER) as session, coming_from(NEWCOMER) as new:
        other = Api(session, victim.base, victim.account_sid, victim.auth_token)
        began = time.monotonic()
        async with coming_from(GUESSER) as guessing:
            attack = asyncio.ensure_future(
                guess(Api(guessing, victim.base, "", ""), username, guesses, headers={})
            )
            at_work = await asyncio.gather(asks_on(victim, attack), asks_on(other, attack))
            found = await attack
        seconds = time.monotonic() - began

        right = Api(new, victim.base, place.key.sid, place.key.secret)
        wrong = Api(new, victim.base, victim.account_sid, "wrong")
        elsewhere = [(await right.get("/v2/Services")).status, (await wrong.get("/v2/Services")).status]

    did(
        f"{guesses:,} guesses of a secret ({what}) in {seconds:.1f} s: {found[401]} of them looked at; "
        f"meanwhile {sum(map(Counter.total, at_work)):,} requests with right credentials, all answered"
    )
    assert found.total() == guesses
    assert PER_MINUTE <= found[401] <= most_looked_at(seconds)
    assert [set(answered) for answered in at_work] == [{200}, {200}]
    assert elsewhere == [200, 401]


async def test_the_right_secret_among_the_guesses_is_not_found(
    server: tuple[str, Settings], victim: Api
) -> None:
    async with coming_from(OTHER) as session:
        api = Api(session, victim.base, victim.account_sid, victim.auth_token)
        await guess(api, victim.account_sid, 200, headers={})

        found = await api.get("/v2/Services")

    assert (found.status, found.code) == (429, 20429)
    assert (await victim.get("/v2/Services")).status == 200


async def test_behind_a_trusted_proxy_it_is_the_client_that_counts(victim: Api) -> None:
    guesser, neighbour = {"X-Forwarded-For": "203.0.113.9"}, {"X-Forwarded-For": "203.0.113.9, 203.0.113.10"}

    found = await guess(victim, victim.account_sid, 200, guesser)

    assert found[429] > 0
    assert (await guess(victim, victim.account_sid, 1, neighbour)) == {401: 1}
    assert (await victim.send("GET", "/v2/Services", headers=neighbour)).status == 200


async def test_forged_tokens_are_slowed_down_and_right_ones_let_in(
    server: tuple[str, Settings], victim: Api, did: Did
) -> None:
    place = await a_place(victim, *server)
    path = f"/media/v1/Services/{place.service['sid']}/Media/ME{'0' * 32}"
    forger = Key(place.key.sid, "guess")

    async def fetched(token: str) -> tuple[int, int]:
        answer = await victim.send("GET", path, auth=False, headers={"X-Twilio-Token": token})
        return answer.status, answer.code

    forged = await asyncio.gather(*(fetched(place.token(key=forger)) for _ in range(100)))
    connections = [await place.connection() for _ in range(3)]
    replies = [await log_in(connection, place.token(key=forger)) for connection in connections]
    right = [await log_in(await place.connection(), place.token("alice")) for _ in range(5)]
    seen = await fetched(place.token("bob"))
    await place.close()

    did(f"{len(forged) + len(replies)} forged tokens, over HTTP and in sockets; right ones are let in")
    assert set(forged) == {(401, 20107), (429, 20429)}
    for status, payload in replies:
        assert (status["code"], status["errorCode"]) == (429, 20429)
        assert payload["backoff_policy"]["reconnect_min_ms"] >= 1000
    assert [status["code"] for status, _ in right] == [200] * 5
    assert seen == (404, 20404)


async def log_in(connection: Connection, token: str) -> tuple[dict[str, Any], Any]:
    """Show a token, and return what the server says of it."""
    reply = await connection.ask({"method": "init", "token": token})
    return reply.header["status"], reply.payload
