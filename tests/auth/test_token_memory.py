"""What is remembered of access tokens, for how long, and when it is forgotten."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from auth.tokens import NOW, SECRET, Clock, House, a_token, claims, refused
from chinwag.auth import token_cache
from chinwag.auth.access_token import AccessTokens
from chinwag.auth.secrets import Seal
from chinwag.auth.token_cache import TokenCache
from chinwag.auth.token_refusal import Reasons
from storage.builders import a_key, sid

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from chinwag.domain.account import Key
    from chinwag.domain.unit import Reader, Store

pytestmark = pytest.mark.check(17)


class CountingSeal(Seal):
    """A seal that knows how often it was opened, which is what a verification costs."""

    opened = 0

    def __init__(self, seal: Seal) -> None:
        self._seal = seal

    def open(self, sealed: bytes) -> str:
        self.opened += 1
        return self._seal.open(sealed)


class Interrupted:
    """A store in which something else happens just after each time it was read."""

    def __init__(self, store: Store, meanwhile: Callable[[], Awaitable[None]]) -> None:
        self._store = store
        self._meanwhile = meanwhile

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Reader]:
        async with self._store.reading() as tx:
            yield tx
        await self._meanwhile()


@pytest.fixture
def counted(house: House) -> CountingSeal:
    return CountingSeal(house.seal)


@pytest.fixture
def tokens(house: House, counted: CountingSeal, clock: Clock) -> AccessTokens:
    return AccessTokens(house.store, counted, clock)


@pytest.fixture
async def key(house: House, request: pytest.FixtureRequest) -> AsyncIterator[Key]:
    """A key that may be revoked."""
    made = await a_key(house.store, house.account, 50, sealed_secret=house.seal.seal(SECRET))
    yield made
    await revoke(house, made)


async def test_a_verified_token_is_remembered(tokens: AccessTokens, counted: CountingSeal) -> None:
    first = await tokens.session(a_token())

    again = await tokens.session(a_token())

    assert again == first
    assert counted.opened == 1


async def test_another_token_is_verified_by_itself(tokens: AccessTokens, counted: CountingSeal) -> None:
    await tokens.session(a_token())

    await tokens.session(a_token(claims(jti="another")))
    await refused(tokens, a_token(secret="wrong"), Reasons.SIGNATURE)

    assert counted.opened == 3


async def test_a_refusal_is_not_remembered(tokens: AccessTokens, counted: CountingSeal) -> None:
    for _ in range(2):
        await refused(tokens, a_token(secret="wrong"), Reasons.SIGNATURE)

    assert counted.opened == 2


async def test_a_remembered_token_ends_when_it_expires(tokens: AccessTokens, clock: Clock) -> None:
    token = a_token(claims(exp=NOW + 60))
    await tokens.session(token)

    clock.seconds = NOW + 72
    await refused(tokens, token, Reasons.EXPIRED, "exp was 12 s ago")
    await refused(tokens, token, Reasons.EXPIRED, "exp was 12 s ago")


async def test_a_remembered_token_is_refused_by_a_clock_that_was_set_back(
    tokens: AccessTokens, clock: Clock
) -> None:
    await tokens.session(a_token())

    clock.seconds = NOW - 61

    await refused(tokens, a_token(), Reasons.NOT_YET_VALID, "nbf is 61 s ahead")


async def test_a_revoked_key_is_refused_once_everything_is_forgotten(
    tokens: AccessTokens, house: House, key: Key
) -> None:
    token = a_token(claims(iss=key.sid))
    await tokens.session(token)
    await revoke(house, key)

    tokens.forget()

    await refused(tokens, token, Reasons.ISSUER, f"iss is {key.sid}: there is no such API key")


async def test_a_changed_secret_is_refused_once_everything_is_forgotten(
    tokens: AccessTokens, house: House, key: Key
) -> None:
    token = a_token(claims(iss=key.sid))
    await tokens.session(token)
    await house.store.write(lambda tx: tx.accounts.set_key_secret(key.sid, house.seal.seal("new secret")))

    tokens.forget()

    await refused(tokens, token, Reasons.SIGNATURE)
    assert await tokens.session(a_token(claims(iss=key.sid), secret="new secret"))


async def test_a_token_whose_key_is_revoked_while_it_is_verified_is_not_remembered(
    house: House, key: Key, clock: Clock
) -> None:
    revocations = [key]

    async def meanwhile() -> None:
        if revocations:
            await revoke(house, revocations.pop())
            tokens.forget()

    tokens = house.tokens(clock, Interrupted(house.store, meanwhile))
    token = a_token(claims(iss=key.sid))

    await tokens.session(token)  # it was still right when it was read

    await refused(tokens, token, Reasons.ISSUER)


async def test_which_keys_are_still_there_is_asked_of_the_store(
    tokens: AccessTokens, house: House, key: Key
) -> None:
    every = [house.key.sid, key.sid, sid("SK", 77), key.sid]

    before = await tokens.still_valid(every)
    await revoke(house, key)
    after = await tokens.still_valid(every)

    assert before == {house.key.sid, key.sid}
    assert after == {house.key.sid}
    assert await tokens.still_valid([]) == set()


def test_no_more_tokens_are_remembered_than_there_is_room_for() -> None:
    cache: TokenCache[int] = TokenCache()
    digests = [cache.digest(str(number)) for number in range(token_cache.MEMORY + 2)]

    for number, digest in enumerate(digests):
        cache.keep(digest, number, cache.forgotten)

    assert [cache.find(digest) for digest in digests[:3]] == [None, None, 2]
    assert cache.find(digests[-1]) == token_cache.MEMORY + 1


def test_two_caches_know_a_token_by_different_digests() -> None:
    assert TokenCache().digest("token") != TokenCache().digest("token")


async def revoke(house: House, key: Key) -> None:
    await house.store.write(lambda tx: tx.accounts.remove_key(key.sid))
