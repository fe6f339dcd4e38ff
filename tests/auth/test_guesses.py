"""Who guesses waits at its own address; whose credentials were right there does not, and nobody elsewhere."""

from __future__ import annotations

import asyncio
import base64
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from auth.tokens import ACCOUNT, KEY, NOW, SECRET, Clock, a_token, claims
from chinwag.auth.access_token import AccessTokens
from chinwag.auth.basic import BasicAuthentication
from chinwag.auth.guesses import PATIENCE_SECONDS, WAITING, Guesses
from chinwag.auth.token_refusal import TokenRefusedError
from chinwag.errors import ApiError, Kind, Kinds

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from auth.tokens import House
    from chinwag.domain.unit import Reader, Store

pytestmark = pytest.mark.check(18)

FEW = 5
"""How often an address may be wrong: the next turn is further away than the patience."""

HERE, ELSEWHERE = "192.0.2.1", "198.51.100.1"


@pytest.fixture
def guesses() -> Guesses:
    """What allows a few, on a clock that stands still."""
    return Guesses(FEW, lambda: 1_000_000.0)


@pytest.fixture
def authentication(house: House, guesses: Guesses) -> BasicAuthentication:
    return BasicAuthentication(house.store, house.seal, guesses)


class Slow:
    """A store that takes its time to be read, so that others come meanwhile."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Reader]:
        await asyncio.sleep(0.05)
        async with self._store.reading() as tx:
            yield tx


class Away:
    """A store that cannot be read."""

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Reader]:
        raise ApiError(Kinds.UNAVAILABLE)
        yield  # what makes it a generator


@pytest.fixture
def slowly(house: House, guesses: Guesses) -> BasicAuthentication:
    return BasicAuthentication(Slow(house.store), house.seal, guesses)  # type: ignore[arg-type]


@pytest.fixture
def tokens(house: House, clock: Clock, guesses: Guesses) -> AccessTokens:
    return AccessTokens(house.store, house.seal, clock, guesses)


def basic(username: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


RIGHT = basic(ACCOUNT, "auth token")


async def outcome(authentication: BasicAuthentication, header: str, address: str = HERE) -> Kind | None:
    """Return how credentials are refused; None when they are right."""
    try:
        await authentication.caller(header, address)
    except ApiError as refusal:
        error = refusal
    else:
        return None
    assert (error.retry_after or 0) >= (1 if error.kind is Kinds.TOO_MANY_REQUESTS else 0)
    return error.kind


async def guess(authentication: BasicAuthentication, times: int, address: str = HERE) -> list[Kind | None]:
    """Guess one secret after another."""
    return [
        await outcome(authentication, basic(ACCOUNT, f"guess {number}"), address) for number in range(times)
    ]


async def test_an_address_may_be_wrong_so_often_and_then_it_is_told_when_to_come_again(
    authentication: BasicAuthentication,
) -> None:
    outcomes = await guess(authentication, FEW + 20)

    assert outcomes == [Kinds.AUTHENTICATE] * FEW + [Kinds.TOO_MANY_REQUESTS] * 20


@pytest.mark.parametrize("name", [ACCOUNT, KEY, "AC" + "f" * 32, "nobody"])
async def test_every_name_counts(authentication: BasicAuthentication, name: str) -> None:
    outcomes = [await outcome(authentication, basic(name, f"guess {n}")) for n in range(FEW + 1)]

    assert outcomes[-1] is Kinds.TOO_MANY_REQUESTS


async def test_what_is_guessed_beyond_that_is_not_looked_at(authentication: BasicAuthentication) -> None:
    """Otherwise the one guess among them that is right would be let in, and nobody slowed down."""
    await guess(authentication, FEW)

    assert await outcome(authentication, RIGHT) is Kinds.TOO_MANY_REQUESTS


async def test_everybody_elsewhere_is_let_in(authentication: BasicAuthentication) -> None:
    await guess(authentication, FEW + 20)

    assert await outcome(authentication, RIGHT, ELSEWHERE) is None
    assert await outcome(authentication, basic(ACCOUNT, "wrong"), ELSEWHERE) is Kinds.AUTHENTICATE


async def test_what_was_right_elsewhere_is_a_guess_here(authentication: BasicAuthentication) -> None:
    assert await outcome(authentication, RIGHT, ELSEWHERE) is None
    await guess(authentication, FEW)

    assert await outcome(authentication, RIGHT, HERE) is Kinds.TOO_MANY_REQUESTS


async def test_what_was_right_here_is_let_in_here_whatever_is_guessed(
    authentication: BasicAuthentication,
) -> None:
    assert await outcome(authentication, RIGHT) is None

    for _ in range(5):
        await guess(authentication, FEW)
        assert await outcome(authentication, RIGHT) is None


async def test_it_is_let_in_also_when_it_has_to_be_looked_up_again(
    authentication: BasicAuthentication,
) -> None:
    assert await outcome(authentication, RIGHT) is None
    await guess(authentication, FEW + 20)

    for _ in range(5):
        authentication.forget()
        assert await outcome(authentication, RIGHT) is None


async def test_right_credentials_use_nothing_up(authentication: BasicAuthentication) -> None:
    for number in range(10 * FEW):
        assert await outcome(authentication, RIGHT if number % 2 else basic(KEY, SECRET)) is None
        authentication.forget()

    assert await guess(authentication, FEW) == [Kinds.AUTHENTICATE] * FEW


@pytest.mark.parametrize("header", [None, "", "Basic ?", "Basic ", "Bearer x", basic("no colon", "")[:-4]])
async def test_what_is_no_guess_counts_as_none(
    authentication: BasicAuthentication, header: str | None
) -> None:
    for _ in range(10 * FEW):
        with pytest.raises(ApiError) as refusal:
            await authentication.caller(header, HERE)
        assert refusal.value.kind is Kinds.AUTHENTICATE

    assert await outcome(authentication, RIGHT) is None


async def test_what_cannot_be_looked_at_counts_as_none(
    house: House, guesses: Guesses, authentication: BasicAuthentication
) -> None:
    away = BasicAuthentication(Away(), house.seal, guesses)  # type: ignore[arg-type]
    for number in range(10 * FEW):
        assert await outcome(away, basic(ACCOUNT, f"guess {number}")) is Kinds.UNAVAILABLE

    assert await outcome(authentication, RIGHT) is None


async def test_who_comes_for_the_first_time_gets_a_turn_between_those_of_one_who_guesses(
    house: House,
) -> None:
    authentication = BasicAuthentication(house.store, house.seal, Guesses(300, time.monotonic))
    await guess(authentication, 300)
    guessing = asyncio.ensure_future(guess(authentication, 1_000_000))

    await asyncio.sleep(0)
    found = [
        await outcome(authentication, RIGHT),
        await outcome(authentication, basic(KEY, SECRET)),
    ]

    assert not guessing.done()
    guessing.cancel()
    assert found == [None, None]


async def test_of_guesses_that_come_together_no_more_are_looked_at(
    slowly: BasicAuthentication,
) -> None:
    headers = [basic(ACCOUNT, f"guess {number}") for number in range(100)]

    outcomes = await asyncio.gather(*(outcome(slowly, header) for header in headers))

    assert outcomes.count(Kinds.AUTHENTICATE) == FEW
    assert outcomes.count(Kinds.TOO_MANY_REQUESTS) == 100 - FEW


async def test_a_client_that_begins_with_many_requests_at_once_is_let_in_with_all_of_them(
    slowly: BasicAuthentication,
) -> None:
    outcomes = await asyncio.gather(*(outcome(slowly, RIGHT) for _ in range(100)))

    assert outcomes == [None] * 100
    assert await guess(slowly, FEW) == [Kinds.AUTHENTICATE] * FEW


async def test_the_same_wrong_credentials_many_times_at_once_are_one_guess(
    slowly: BasicAuthentication,
) -> None:
    outcomes = await asyncio.gather(*(outcome(slowly, basic(ACCOUNT, "x")) for _ in range(100)))

    assert outcomes == [Kinds.AUTHENTICATE] * 100
    assert await guess(slowly, FEW) == [Kinds.AUTHENTICATE] * (FEW - 1) + [Kinds.TOO_MANY_REQUESTS]


async def test_who_waits_for_another_that_goes_away_is_answered_all_the_same(
    slowly: BasicAuthentication,
) -> None:
    asking = [asyncio.ensure_future(outcome(slowly, RIGHT)) for _ in range(5)]
    await asyncio.sleep(0)

    asking[0].cancel()
    asking[2].cancel()
    outcomes = await asyncio.gather(*asking, return_exceptions=True)

    assert [outcomes[number] for number in (1, 3, 4)] == [None] * 3
    assert await guess(slowly, FEW - 1) == [Kinds.AUTHENTICATE] * (FEW - 1)


async def test_of_many_guesses_at_once_only_so_many_are_looked_at_as_there_are_turns(house: House) -> None:
    authentication = BasicAuthentication(house.store, house.seal, Guesses(60, lambda: 1_000_000.0))
    await guess(authentication, 60)

    outcomes = await asyncio.gather(
        *(outcome(authentication, basic(ACCOUNT, f"guess {number}")) for number in range(500))
    )

    assert outcomes.count(Kinds.AUTHENTICATE) == PATIENCE_SECONDS
    assert outcomes.count(Kinds.TOO_MANY_REQUESTS) == 500 - PATIENCE_SECONDS


async def test_of_all_addresses_together_only_so_many_guesses_wait(house: House) -> None:
    authentication = BasicAuthentication(house.store, house.seal, Guesses(600, lambda: 1_000_000.0))
    addresses = [f"192.0.2.{number}" for number in range(1 + WAITING // 10)]
    for address in addresses:
        await guess(authentication, 600, address)

    outcomes = await asyncio.gather(
        *(
            outcome(authentication, basic(ACCOUNT, f"guess {number}"), address)
            for number in range(10)
            for address in addresses
        )
    )

    assert outcomes.count(Kinds.AUTHENTICATE) == WAITING
    assert outcomes.count(Kinds.TOO_MANY_REQUESTS) == 10
    assert await outcome(authentication, basic(ACCOUNT, "one more"), addresses[0]) is Kinds.AUTHENTICATE


async def test_of_the_same_guess_many_times_at_once_only_so_many_wait(house: House) -> None:
    authentication = BasicAuthentication(house.store, house.seal, Guesses(600, lambda: 1_000_000.0))
    await guess(authentication, 600)

    outcomes = await asyncio.gather(*(outcome(authentication, basic(ACCOUNT, "x")) for _ in range(500)))

    assert outcomes.count(Kinds.AUTHENTICATE) == WAITING
    assert outcomes.count(Kinds.TOO_MANY_REQUESTS) == 500 - WAITING
    assert await outcome(authentication, basic(ACCOUNT, "one more")) is Kinds.AUTHENTICATE


async def test_a_token_with_a_wrong_signature_is_told_when_to_come_again_after_a_few(
    tokens: AccessTokens,
) -> None:
    for number in range(FEW):
        with pytest.raises(TokenRefusedError):
            await tokens.session(a_token(secret=f"guess {number}"), HERE)

    with pytest.raises(ApiError) as refusal:
        await tokens.session(a_token(secret="another guess"), HERE)

    assert refusal.value.kind is Kinds.TOO_MANY_REQUESTS
    assert refusal.value.retry_after
    with pytest.raises(TokenRefusedError):
        await tokens.session(a_token(secret="another guess"), ELSEWHERE)


async def test_a_right_token_is_let_in_everywhere_and_always(
    tokens: AccessTokens, authentication: BasicAuthentication
) -> None:
    await guess(authentication, FEW + 20)

    for number in range(10 * FEW):
        token = a_token(claims(jti=f"{KEY}-{number}"))
        assert (await tokens.session(token, HERE)).identity == "alice"


async def test_a_token_that_is_refused_for_another_reason_is_no_guess(
    tokens: AccessTokens, authentication: BasicAuthentication
) -> None:
    for token in ("x", a_token(claims(exp=NOW - 1)), a_token(claims(grants={}))):
        for _ in range(FEW):
            with pytest.raises(TokenRefusedError):
                await tokens.session(token, HERE)

    assert await outcome(authentication, RIGHT) is None


async def test_secrets_cannot_be_guessed_by_tokens_instead(
    tokens: AccessTokens, authentication: BasicAuthentication
) -> None:
    for number in range(FEW):
        with pytest.raises(TokenRefusedError):
            await tokens.session(a_token(secret=f"guess {number}"), HERE)

    assert await outcome(authentication, basic(KEY, "guess")) is Kinds.TOO_MANY_REQUESTS
