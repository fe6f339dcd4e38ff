from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from storage.builders import NOW, an_account

if TYPE_CHECKING:
    from chinwag.domain.account import Account
    from chinwag.domain.unit import Store, Transaction

KEPT_MS = 1000


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


async def test_a_key_whose_answer_has_expired_is_free(store: Store) -> None:
    account = await an_account(store)
    await keep(store, account, "key", b"first")

    before = await keep(store, account, "key", b"second", now=NOW + KEPT_MS - 1)
    after = await keep(store, account, "key", b"third", now=NOW + KEPT_MS)

    assert (before, after) == (False, True)
    assert await answer_of(store, account, "key") == (b"\x00print", b"third")


async def test_what_has_expired_is_removed_some_at_a_time(store: Store) -> None:
    account = await an_account(store)
    for number in range(5):
        await keep(store, account, f"old {number}", b"")
    await keep(store, account, "new", b"", now=NOW + 1)

    async def removed(most: int) -> bool:
        found, _ = await store.write(lambda tx: tx.answers.remove_expired(NOW + KEPT_MS, most))
        return found

    assert [await removed(3), await removed(3), await removed(3)] == [True, True, False]
    left = [await answer_of(store, account, key) for key in ("old 0", "old 4", "new")]
    assert left == [None, None, (b"\x00print", b"")]


async def keep(store: Store, account: Account, key: str, answer: bytes, now: int = NOW) -> bool:
    async def change(tx: Transaction) -> bool:
        expires = now + KEPT_MS
        claimed = await tx.answers.claim(
            account.id, key, fingerprint=b"\x00print", date_expires=expires, now=now
        )
        if claimed:
            await tx.answers.keep(account.id, key, answer)
        return claimed

    kept, _ = await store.write(change)
    return kept


async def answer_of(store: Store, account: Account, key: str) -> tuple[bytes, bytes] | None:
    async with store.reading() as tx:
        found = await tx.answers.find(account.id, key)
    return (found.fingerprint, found.answer) if found else None
