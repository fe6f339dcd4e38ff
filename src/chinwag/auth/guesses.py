"""Who is wrong about a secret again and again is slowed down, address by address, and nobody else is.

Why right credentials may have to wait at an address that guesses, and nowhere else:
docs/decisions/0012-rates-and-guesses.md.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

from chinwag.errors import ApiError, Kinds
from chinwag.rates import Rate, exceeded

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator

PATIENCE_SECONDS = 3.0
"""How long an address waits for its turn, in seconds. If more of it wait than that, they are refused."""


WAITING = 50
"""Most guesses that wait, of all addresses together: each takes the place of a request that is under way."""


class Guesses:
    """How often each address was wrong about a secret.

    Args:
        per_minute: how often it may be; so often at once, and no more than that in the long run.
        now: a clock that never goes back, in seconds.
    """

    def __init__(self, per_minute: int, now: Callable[[], float]) -> None:
        self._rate = Rate(per_minute / 60, per_minute, now)
        self._waiting = 0

    @asynccontextmanager
    async def guess(self, address: str) -> AsyncGenerator[None]:
        """Look at credentials that have never been right from an address, once it is its turn.

        They count as wrong until they prove right, or guesses that come together would all be looked at.

        Raises:
            ApiError: `TOO_MANY_REQUESTS`, and nobody has looked at them.
        """
        await self._turn(address)
        try:
            yield
        except ApiError as error:
            if error.kind is not Kinds.AUTHENTICATE:
                self._rate.take_back(address)
            raise
        self._rate.take_back(address)

    async def wrong(self, address: str) -> None:
        """Count a token that was not signed with the secret of its key, and return when it may be answered.

        Raises:
            ApiError: `TOO_MANY_REQUESTS`.
        """
        await self._turn(address)

    async def _turn(self, address: str) -> None:
        wait = self._rate.wait(address)
        if wait > PATIENCE_SECONDS:
            raise _too_many(address, wait - PATIENCE_SECONDS)
        with self._place(address, wait):
            self._rate.count(address)
            if wait:
                await asyncio.sleep(wait)

    async def follow(self, address: str, guess: asyncio.Future[ApiError | None]) -> None:
        """Wait for what comes of the same guess, which is under way. Whoever waits takes a place.

        Raises:
            ApiError: `TOO_MANY_REQUESTS`.
        """
        with self._place(address, self._rate.wait(address)):
            await asyncio.wait([guess])

    @contextmanager
    def _place(self, address: str, wait: float) -> Generator[None]:
        if not wait:
            yield
            return
        if self._waiting >= WAITING:
            raise _too_many(address, wait)
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1


def _too_many(address: str, wait: float) -> ApiError:
    return exceeded(Kinds.TOO_MANY_REQUESTS, wait, f"too many wrong credentials from {address}")
