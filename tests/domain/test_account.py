"""Accounts and API keys, as rules: on both engines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from chinwag.domain.account import (
    ChangeAuthToken,
    ChangeKeySecret,
    CreateAccount,
    CreateKey,
    RevokeKey,
)
from chinwag.domain.caller import Operator
from chinwag.domain.events import AccountsChanged
from chinwag.errors import ApiError, Kinds

if TYPE_CHECKING:
    from chinwag.domain.events import AnyEvent
    from chinwag.domain.unit import Store

ACCOUNT, KEY = "AC" + "1" * 32, "SK" + "2" * 32
NOW = 1_438_286_400_000


async def carry_out(store: Store, command: Any) -> tuple[Any, list[AnyEvent]]:
    return await store.write(lambda tx: command.apply(tx, Operator(), NOW, lambda prefix: prefix + "9" * 32))


async def an_account(store: Store, sid: str | None = ACCOUNT) -> Any:
    made, _ = await carry_out(store, CreateAccount(friendly_name="Tea", sealed_auth_token=b"one", sid=sid))
    return made


async def a_key(store: Store, sid: str | None = KEY) -> Any:
    command = CreateKey(account_sid=ACCOUNT, friendly_name="app", sealed_secret=b"one", sid=sid)
    made, _ = await carry_out(store, command)
    return made


async def generation(store: Store) -> int:
    async with store.reading() as tx:
        return await tx.installation.generation()


async def test_an_account_is_kept_as_it_was_asked_for(store: Store) -> None:
    account = await an_account(store)

    assert (account.sid, account.friendly_name, account.sealed_auth_token) == (ACCOUNT, "Tea", b"one")
    assert account.date_created == NOW
    async with store.reading() as tx:
        assert await tx.accounts.get(ACCOUNT) == account


async def test_an_account_that_is_given_no_sid_is_given_one(store: Store) -> None:
    assert (await an_account(store, sid=None)).sid == "AC" + "9" * 32


async def test_a_key_belongs_to_its_account(store: Store) -> None:
    account = await an_account(store)

    key = await a_key(store)

    assert (key.sid, key.account_sid, key.account_id) == (KEY, ACCOUNT, account.id)
    assert (key.friendly_name, key.sealed_secret, key.date_created) == ("app", b"one", NOW)
    async with store.reading() as tx:
        assert await tx.accounts.key(KEY) == key


async def test_a_key_that_is_given_no_sid_is_given_one(store: Store) -> None:
    await an_account(store)

    assert (await a_key(store, sid=None)).sid == "SK" + "9" * 32


async def test_a_sid_that_is_taken_is_refused(store: Store) -> None:
    await an_account(store)
    await a_key(store)

    for again in (an_account, a_key):
        with pytest.raises(ApiError) as refusal:
            await again(store)

        assert refusal.value.kind is Kinds.CONFLICT


async def test_secrets_are_changed_and_keys_revoked(store: Store) -> None:
    await an_account(store)
    await a_key(store)

    await carry_out(store, ChangeAuthToken(sid=ACCOUNT, sealed_auth_token=b"two"))
    await carry_out(store, ChangeKeySecret(sid=KEY, sealed_secret=b"two"))

    async with store.reading() as tx:
        account, key = await tx.accounts.get(ACCOUNT), await tx.accounts.key(KEY)
    assert account is not None
    assert key is not None
    assert (account.sealed_auth_token, key.sealed_secret) == (b"two", b"two")

    await carry_out(store, RevokeKey(sid=KEY))

    async with store.reading() as tx:
        assert await tx.accounts.key(KEY) is None


async def test_what_is_not_there_cannot_be_changed(store: Store) -> None:
    commands = {
        ChangeAuthToken(sid=ACCOUNT, sealed_auth_token=b"two"): f"/Accounts/{ACCOUNT}",
        CreateKey(account_sid=ACCOUNT, friendly_name="app", sealed_secret=b"one"): f"/Accounts/{ACCOUNT}",
        ChangeKeySecret(sid=KEY, sealed_secret=b"two"): f"/Keys/{KEY}",
        RevokeKey(sid=KEY): f"/Keys/{KEY}",
    }
    before = await generation(store)

    for command, path in commands.items():
        with pytest.raises(ApiError) as refusal:
            await carry_out(store, command)

        assert refusal.value.kind is Kinds.NOT_FOUND
        assert refusal.value.message == f"The requested resource {path} was not found"
    assert await generation(store) == before


async def test_every_change_is_told_and_raises_the_generation(store: Store) -> None:
    commands = [
        CreateAccount(friendly_name="Tea", sealed_auth_token=b"one", sid=ACCOUNT),
        CreateKey(account_sid=ACCOUNT, friendly_name="app", sealed_secret=b"one", sid=KEY),
        ChangeAuthToken(sid=ACCOUNT, sealed_auth_token=b"two"),
        ChangeKeySecret(sid=KEY, sealed_secret=b"two"),
        RevokeKey(sid=KEY),
    ]
    before = await generation(store)

    told = [(await carry_out(store, command))[1] for command in commands]

    assert told == [[AccountsChanged()]] * 5
    assert await generation(store) == before + 5
