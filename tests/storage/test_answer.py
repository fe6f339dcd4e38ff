from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from storage.builders import NOW, an_account

if TYPE_CHECKING:
    from chinwag.domain.account import Account
    from chinwag.domain.unit import Store


async def test_a_key_that_was_not_used_has_no_answer(store: Store) -> None:
    account = await an_account(store)

    assert await answer_of(store, account, "key") is None


@pytest.mark.parametrize(
    ("key", "answer"),
    [("key", b"\x00\xff{}"), ("", b""), ("🔑 'key'", b"{}"), ("k" * 1000, bytes(100_000))],
    ids=["plain", "empty", "emoji", "long"],
)
async def test_an_answer_is_kept_with_its_fingerprint(store: Store, key: str, answer: bytes) -> None:
    account = await an_account(store)

    kept = await keep(store, account, key, answer)

    assert kept is True
    assert await answer_of(store, account, key) == (b"\x00print", answer)


async def test_the_first_answer_stays(store: Store) -> None:
    account = await an_account(store)
    await keep(store, account, "key", b"first")

    kept = await keep(store, account, "key", b"second")

    assert kept is False
    assert await answer_of(store, account, "key") == (b"\x00print", b"first")


async def test_of_changes_that_keep_the_same_key_at_once_one_succeeds(store: Store) -> None:
    account = await an_account(store)

    kept = await asyncio.gather(*(keep(store, account, "key", bytes([number])) for number in range(10)))

    assert sorted(kept) == [False] * 9 + [True]
    assert await answer_of(store, account, "key") == (b"\x00print", bytes([kept.index(True)]))


async def test_another_account_has_keys_of_its_own(store: Store) -> None:
    account, other = await an_account(store, 1), await an_account(store, 2)
    await keep(store, account, "key", b"own")

    unseen = await answer_of(store, other, "key")
    kept = await keep(store, other, "key", b"other's")

    assert (unseen, kept) == (None, True)
    assert await answer_of(store, account, "key") == (b"\x00print", b"own")
    assert await answer_of(store, other, "key") == (b"\x00print", b"other's")


async def test_letter_case_makes_another_key(store: Store) -> None:
    account = await an_account(store)
    await keep(store, account, "key", b"lower")

    assert await keep(store, account, "KEY", b"upper") is True


async def keep(store: Store, account: Account, key: str, answer: bytes) -> bool:
    kept, _ = await store.write(
        lambda tx: tx.answers.keep(account.id, key, fingerprint=b"\x00print", answer=answer, date_created=NOW)
    )
    return kept


async def answer_of(store: Store, account: Account, key: str) -> tuple[bytes, bytes] | None:
    found, _ = await store.write(lambda tx: tx.answers.find(account.id, key))
    return found
