from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from chinwag.domain.credential import Credential, PushType
from chinwag.domain.paging import Cursor
from storage.builders import NOW, REFUSED, a_credential, an_account, new_credential, pages_of_five, sid

if TYPE_CHECKING:
    from chinwag.domain.account import Account
    from chinwag.domain.unit import Store, Transaction

DIFFERENT: dict[str, Any] = {
    "friendly_name": "Zoë's 🐙",
    "sandbox": True,
    "sealed_certificate": b"\x00certificate\xff",
    "sealed_private_key": b"\x00key\xff",
    "sealed_api_key": b"",
    "sealed_secret": bytes(100_000),
    "date_updated": 2**53,
}
"""Another value than `a_credential` has for every column that can change."""


@pytest.mark.parametrize("column", DIFFERENT)
async def test_a_credential_is_kept_with_every_column(store: Store, account: Account, column: str) -> None:
    made = await a_credential(store, account, **{column: DIFFERENT[column]})

    assert getattr(made, column) == DIFFERENT[column] != getattr(new_credential(account), column)
    assert await credential_of(store, account, made.sid) == made


@pytest.mark.parametrize("kind", list(PushType))
async def test_the_type_of_a_credential_comes_back_as_one(
    store: Store, account: Account, kind: PushType
) -> None:
    made = await a_credential(store, account, type=kind)

    found = await credential_of(store, account, made.sid)

    assert found is not None
    assert found.type is kind


@pytest.mark.parametrize("sandbox", [True, False, None])
async def test_the_sandbox_comes_back_as_a_truth_value_or_none(
    store: Store, account: Account, *, sandbox: bool | None
) -> None:
    made = await a_credential(store, account, sandbox=sandbox)

    found = await credential_of(store, account, made.sid)

    assert found is not None
    assert found.sandbox is sandbox


async def test_saving_replaces_every_column_that_can_change(store: Store, account: Account) -> None:
    made = await a_credential(store, account)
    changed = replace(made, **DIFFERENT)

    await store.write(lambda tx: tx.credentials.save(account.id, changed))

    assert await credential_of(store, account, made.sid) == changed


async def test_saving_clears_what_can_be_cleared(store: Store, account: Account) -> None:
    made = await a_credential(store, account, **DIFFERENT)

    await store.write(lambda tx: tx.credentials.save(account.id, new_credential(account)))

    assert await credential_of(store, account, made.sid) == new_credential(account)


async def test_saving_one_credential_leaves_the_others_as_they_are(store: Store, account: Account) -> None:
    stranger = await an_account(store, 2)
    made, beside = await a_credential(store, account, 1), await a_credential(store, account, 2)
    namesake = await a_credential(store, stranger, 1)

    await store.write(lambda tx: tx.credentials.save(account.id, replace(made, **DIFFERENT)))

    assert await credential_of(store, account, beside.sid) == beside
    assert await credential_of(store, stranger, namesake.sid) == namesake


STOPPED: dict[str, Any] = {"stopped": "Gründe 🐙", "stopped_code": 52131, "date_stopped": NOW + 7}
"""What is known of one that its provider does not take."""


async def test_a_new_credential_is_not_stopped(store: Store, account: Account) -> None:
    made = await a_credential(store, account, **STOPPED)

    assert await credential_of(store, account, made.sid) == new_credential(account)


async def test_a_credential_that_is_stopped_stays_so_until_it_is_saved_otherwise(
    store: Store, account: Account
) -> None:
    made = await a_credential(store, account)
    beside = await a_credential(store, account, 2)

    await store.write(lambda tx: tx.credentials.save(account.id, replace(made, **STOPPED)))
    assert await credential_of(store, account, made.sid) == replace(made, **STOPPED)
    assert await held(store, account, made.sid) == replace(made, **STOPPED)
    assert await page(store, account, Cursor()) == [replace(made, **STOPPED), beside]

    await store.write(lambda tx: tx.credentials.save(account.id, made))
    assert await credential_of(store, account, made.sid) == made


async def test_a_credential_is_found_whichever_account_it_is_of(store: Store, account: Account) -> None:
    stranger = await an_account(store, 2)
    mine, others = await a_credential(store, account, 1), await a_credential(store, stranger, 2)

    async with store.reading() as tx:
        assert await tx.credentials.find(mine.sid) == (account.id, mine)
        assert await tx.credentials.find(others.sid) == (stranger.id, others)
        assert await tx.credentials.find(sid("CR", 3)) is None


async def test_a_credential_that_nobody_made_is_none(store: Store, account: Account) -> None:
    assert await credential_of(store, account, sid("CR", 1)) is None
    assert await held(store, account, sid("CR", 1)) is None


async def test_the_credentials_of_another_account_are_invisible(store: Store, account: Account) -> None:
    stranger = await an_account(store, 2)
    made = await a_credential(store, account)

    assert await credential_of(store, stranger, made.sid) is None
    assert await held(store, stranger, made.sid) is None
    assert await page(store, stranger, Cursor()) == []
    assert await page(store, stranger, Cursor(before=sid("CR", 9))) == []


async def test_an_account_cannot_have_two_credentials_of_the_same_sid(store: Store, account: Account) -> None:
    first = await a_credential(store, account, friendly_name="first")

    with pytest.raises(REFUSED):
        await a_credential(store, account, friendly_name="second")

    assert await page(store, account, Cursor()) == [first]


@pytest.mark.parametrize(("cursor", "expected"), pages_of_five("CR"), ids=str)
async def test_a_page_begins_where_the_cursor_says_and_has_one_more_if_there_are_more(
    store: Store, account: Account, cursor: Cursor, expected: list[int]
) -> None:
    made = {number: await a_credential(store, account, number) for number in (3, 1, 5, 2, 4)}
    await a_credential(store, await an_account(store, 2), 3)

    assert await page(store, account, cursor) == [made[number] for number in expected]


async def test_a_credential_that_is_held_is_read_as_the_one_before_left_it(
    store: Store, account: Account
) -> None:
    made = await a_credential(store, account, friendly_name="")

    async def lengthen(tx: Transaction) -> None:
        found = await tx.credentials.hold(account.id, made.sid)
        assert found is not None
        await tx.credentials.save(account.id, replace(found, friendly_name=f"{found.friendly_name}x"))

    await asyncio.gather(*(store.write(lengthen) for _ in range(20)))

    assert await credential_of(store, account, made.sid) == replace(made, friendly_name="x" * 20)


async def test_one_credential_is_removed(store: Store, account: Account) -> None:
    stranger = await an_account(store, 2)
    gone, beside = await a_credential(store, account, 1), await a_credential(store, account, 2)
    namesake = await a_credential(store, stranger, 1)

    await store.write(lambda tx: tx.credentials.remove(account.id, gone))

    assert await page(store, account, Cursor()) == [beside]
    assert await page(store, stranger, Cursor()) == [namesake]


def test_a_credential_that_is_printed_shows_no_secrets() -> None:
    credential = Credential(
        sid=sid("CR", 1),
        account_sid=sid("AC", 1),
        type=PushType.FCM,
        sealed_secret=b"sealed",
        date_created=0,
        date_updated=0,
    )

    assert str(credential) == repr(credential) == f"Credential({sid('CR', 1)})"


async def credential_of(store: Store, account: Account, credential_sid: str) -> Credential | None:
    async with store.reading() as tx:
        return await tx.credentials.get(account.id, credential_sid)


async def held(store: Store, account: Account, credential_sid: str) -> Credential | None:
    found, _ = await store.write(lambda tx: tx.credentials.hold(account.id, credential_sid))
    return found


async def page(store: Store, account: Account, cursor: Cursor) -> list[Credential]:
    async with store.reading() as tx:
        return await tx.credentials.page(account.id, cursor)
