from __future__ import annotations

from typing import TYPE_CHECKING

from chinwag.domain.account import Account, Key
from storage.builders import NOW, a_key, an_account, sid

if TYPE_CHECKING:
    from chinwag.domain.unit import Store


async def test_an_account_is_kept_with_every_column(store: Store) -> None:
    made = await an_account(store, friendly_name="Zoë's 🐙 'shop'", sealed_auth_token=b"\x00\xff\n'")

    assert made == Account(
        id=made.id,
        sid=sid("AC", 1),
        friendly_name="Zoë's 🐙 'shop'",
        sealed_auth_token=b"\x00\xff\n'",
        date_created=NOW,
    )
    assert await account_named(store, made.sid) == made


async def test_an_account_may_have_an_empty_name_and_token(store: Store) -> None:
    made = await an_account(store, friendly_name="", sealed_auth_token=b"", date_created=0)

    assert await account_named(store, made.sid) == made
    assert (made.friendly_name, made.sealed_auth_token, made.date_created) == ("", b"", 0)


async def test_an_unknown_account_is_none(store: Store) -> None:
    await an_account(store)

    assert await account_named(store, sid("AC", 2)) is None


async def test_accounts_are_listed_in_the_order_in_which_they_were_made(store: Store) -> None:
    made = [await an_account(store, number) for number in (3, 1, 2)]

    async with store.reading() as tx:
        assert await tx.accounts.all() == made


async def test_a_new_database_has_no_account(store: Store) -> None:
    async with store.reading() as tx:
        assert await tx.accounts.all() == []


async def test_an_account_with_a_taken_sid_is_not_added(store: Store) -> None:
    first = await an_account(store, friendly_name="first")

    second = await an_account(store, friendly_name="second")

    assert second is None
    assert await account_named(store, first.sid) == first


async def test_the_auth_token_of_one_account_changes(store: Store) -> None:
    account, other = await an_account(store, 1), await an_account(store, 2)

    changed, _ = await store.write(lambda tx: tx.accounts.set_auth_token(account.sid, b"another"))

    found = await account_named(store, account.sid)
    assert changed is True
    assert found is not None
    assert found.sealed_auth_token == b"another"
    assert await account_named(store, other.sid) == other


async def test_the_auth_token_of_an_unknown_account_cannot_change(store: Store) -> None:
    changed, _ = await store.write(lambda tx: tx.accounts.set_auth_token(sid("AC", 1), b"another"))

    assert changed is False


async def test_a_key_is_kept_with_every_column(store: Store) -> None:
    account = await an_account(store)

    made = await a_key(store, account, friendly_name="Zoë's 🔑", sealed_secret=b"\x00\xff")

    assert made == Key(
        id=made.id,
        sid=sid("SK", 1),
        account_id=account.id,
        account_sid=account.sid,
        friendly_name="Zoë's 🔑",
        sealed_secret=b"\x00\xff",
        date_created=NOW,
    )
    assert await key_named(store, made.sid) == made


async def test_an_unknown_key_is_none(store: Store) -> None:
    await a_key(store, await an_account(store))

    assert await key_named(store, sid("SK", 2)) is None


async def test_the_keys_of_an_account_are_listed_in_the_order_in_which_they_were_made(store: Store) -> None:
    account = await an_account(store)
    made = [await a_key(store, account, number) for number in (3, 1, 2)]

    async with store.reading() as tx:
        assert await tx.accounts.keys(account) == made


async def test_the_keys_of_another_account_are_not_listed(store: Store) -> None:
    account, other = await an_account(store, 1), await an_account(store, 2)
    await a_key(store, other, 1)
    own = await a_key(store, account, 2)

    async with store.reading() as tx:
        assert await tx.accounts.keys(account) == [own]


async def test_a_key_with_a_taken_sid_is_not_added_even_to_another_account(store: Store) -> None:
    account, other = await an_account(store, 1), await an_account(store, 2)
    first = await a_key(store, account)

    second = await a_key(store, other)

    assert second is None
    assert await key_named(store, first.sid) == first


async def test_the_secret_of_one_key_changes(store: Store) -> None:
    account = await an_account(store)
    key, other = await a_key(store, account, 1), await a_key(store, account, 2)

    changed, _ = await store.write(lambda tx: tx.accounts.set_key_secret(key.sid, b"another"))

    found = await key_named(store, key.sid)
    assert changed is True
    assert found is not None
    assert found.sealed_secret == b"another"
    assert await key_named(store, other.sid) == other


async def test_the_secret_of_an_unknown_key_cannot_change(store: Store) -> None:
    changed, _ = await store.write(lambda tx: tx.accounts.set_key_secret(sid("SK", 1), b"another"))

    assert changed is False


async def test_one_key_is_removed(store: Store) -> None:
    account = await an_account(store)
    key, other = await a_key(store, account, 1), await a_key(store, account, 2)

    removed, _ = await store.write(lambda tx: tx.accounts.remove_key(key.sid))

    assert removed is True
    async with store.reading() as tx:
        assert await tx.accounts.keys(account) == [other]


async def test_a_key_is_removed_once(store: Store) -> None:
    key = await a_key(store, await an_account(store))
    await store.write(lambda tx: tx.accounts.remove_key(key.sid))

    removed, _ = await store.write(lambda tx: tx.accounts.remove_key(key.sid))

    assert removed is False


async def account_named(store: Store, account_sid: str) -> Account | None:
    async with store.reading() as tx:
        return await tx.accounts.get(account_sid)


async def key_named(store: Store, key_sid: str) -> Key | None:
    async with store.reading() as tx:
        return await tx.accounts.key(key_sid)
