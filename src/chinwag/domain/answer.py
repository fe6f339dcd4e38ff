"""Answers that are kept, so that a change that is asked for twice is carried out once.

Source: decided (docs/compatibility.md, Repeated requests).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

import msgspec
from msgspec import Struct

from chinwag.domain.unit import OvertakenError
from chinwag.errors import ApiError, Kinds
from chinwag.ids import Millis

if TYPE_CHECKING:
    from chinwag.domain.unit import Reader, Transaction

R = TypeVar("R")


class Kept(Struct, frozen=True, kw_only=True):
    """What is kept under a key.

    Args:
        fingerprint: of the request that used the key.
        answer: what came of it.
        date_expires: when both are forgotten.
    """

    fingerprint: bytes
    answer: bytes
    date_expires: Millis


class Answers(Protocol):
    """The answers that are kept, by account and key."""

    async def find(self, account_id: int, key: str) -> Kept | None:
        """Return what is kept under a key, expired or not."""
        ...

    async def claim(
        self, account_id: int, key: str, *, fingerprint: bytes, date_expires: Millis, now: Millis
    ) -> bool:
        """Take a key that is free, or whose answer has expired; False when it is taken.

        Waits for another change that is about to take it.
        """
        ...

    async def keep(self, account_id: int, key: str, answer: bytes) -> None:
        """Put the answer under a key that was claimed."""
        ...

    async def remove_expired(self, now: Millis, most: int) -> bool:
        """Remove up to `most` answers that have expired; False when there was none."""
        ...


class Once(Struct, Generic[R], frozen=True, kw_only=True):
    """That a change is carried out once, however often it is asked for.

    Args:
        account_id: who asks.
        key: what the repetitions of a request have in common.
        fingerprint: of all else that a request says: repetitions have the same.
        result: the type of what the change returns.
        keeps_ms: how long its result is kept, in milliseconds.
    """

    account_id: int
    key: str
    fingerprint: bytes
    result: type[R]
    keeps_ms: int

    async def given(self, tx: Reader, now: Millis) -> R | None:
        """Return what the change has returned already; None when it was not carried out.

        Raises:
            ApiError: `KEY_REUSED`.
        """
        kept = await tx.answers.find(self.account_id, self.key)
        if kept is None or kept.date_expires <= now:
            return None
        if kept.fingerprint != self.fingerprint:
            raise ApiError(Kinds.KEY_REUSED, "a key belongs to one request: its path and its parameters")
        return msgspec.msgpack.decode(kept.answer, type=self.result)

    async def begin(self, tx: Transaction, now: Millis) -> R | None:
        """Take the key for a change that begins; return what it has returned already, if it has.

        Raises:
            ApiError: `KEY_REUSED`.
        """
        expires = now + self.keeps_ms
        if await tx.answers.claim(
            self.account_id, self.key, fingerprint=self.fingerprint, date_expires=expires, now=now
        ):
            return None
        given = await self.given(tx, now)
        if given is None:
            raise OvertakenError  # it was there, and has expired or gone meanwhile
        return given

    async def end(self, tx: Transaction, result: R) -> None:
        """Keep what a change returned that has begun."""
        await tx.answers.keep(self.account_id, self.key, msgspec.msgpack.encode(result))
