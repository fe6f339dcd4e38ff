"""The credentials that a server starts with."""

from __future__ import annotations

import asyncio
import base64
from typing import TYPE_CHECKING

import pytest

from chinwag.app import now
from chinwag.auth.basic import BasicAuthentication
from chinwag.auth.first_start import ensure_account, ensure_key, make_first_account
from chinwag.broker.memory import MemoryBroker
from chinwag.commands import World
from chinwag.errors import ApiError, Kinds
from chinwag.ids import Mint
from chinwag.storage.store import open_store

if TYPE_CHECKING:
    from chinwag.auth.secrets import Seal

AN_ACCOUNT = "AC" + "0" * 31 + "1"
ANOTHER_ACCOUNT = "AC" + "0" * 31 + "2"
A_KEY = "SK" + "0" * 31 + "1"


async def test_an_empty_database_gets_an_account_and_a_key(world: World, seal: Seal) -> None:
    made = await make_first_account(world, seal)

    assert made is not None
    assert await whose(world, seal, made.account_sid, made.auth_token) == made.account_sid
    assert await whose(world, seal, made.api_key_sid, made.api_key_secret) == made.account_sid


async def test_a_database_with_an_account_gets_no_other(world: World, seal: Seal) -> None:
    await ensure_account(world, seal, AN_ACCOUNT, "token")

    assert await make_first_account(world, seal) is None


async def test_a_fixed_account_and_its_key_are_made(world: World, seal: Seal) -> None:
    await ensure_account(world, seal, AN_ACCOUNT, "token")
    await ensure_key(world, seal, AN_ACCOUNT, A_KEY, "secret")

    assert await whose(world, seal, AN_ACCOUNT, "token") == AN_ACCOUNT
    assert await whose(world, seal, A_KEY, "secret") == AN_ACCOUNT


async def test_fixed_credentials_that_changed_replace_the_old_ones(world: World, seal: Seal) -> None:
    await ensure_account(world, seal, AN_ACCOUNT, "token")
    await ensure_key(world, seal, AN_ACCOUNT, A_KEY, "secret")

    await ensure_account(world, seal, AN_ACCOUNT, "new token")
    await ensure_key(world, seal, AN_ACCOUNT, A_KEY, "new secret")

    assert await whose(world, seal, AN_ACCOUNT, "token") is None
    assert await whose(world, seal, AN_ACCOUNT, "new token") == AN_ACCOUNT
    assert await whose(world, seal, A_KEY, "secret") is None
    assert await whose(world, seal, A_KEY, "new secret") == AN_ACCOUNT


async def test_fixed_credentials_that_did_not_change_change_nothing(world: World, seal: Seal) -> None:
    await ensure_account(world, seal, AN_ACCOUNT, "token")
    await ensure_key(world, seal, AN_ACCOUNT, A_KEY, "secret")
    before = await generation(world)

    await ensure_account(world, seal, AN_ACCOUNT, "token")
    await ensure_key(world, seal, AN_ACCOUNT, A_KEY, "secret")

    assert await generation(world) == before


async def test_two_servers_that_start_at_once_agree_on_the_fixed_credentials(
    database: str, seal: Seal
) -> None:
    store = await open_store(database, serving=False, now=0, connections=4)
    world = World(store=store, broker=MemoryBroker(), now=now, new_sid=Mint(now))

    await asyncio.gather(*(ensure_account(world, seal, AN_ACCOUNT, "token") for _ in range(4)))
    await asyncio.gather(*(ensure_key(world, seal, AN_ACCOUNT, A_KEY, "secret") for _ in range(4)))

    assert await whose(world, seal, AN_ACCOUNT, "token") == AN_ACCOUNT
    assert await whose(world, seal, A_KEY, "secret") == AN_ACCOUNT
    await store.close()


async def test_a_fixed_key_that_is_another_accounts_is_refused(world: World, seal: Seal) -> None:
    await ensure_account(world, seal, AN_ACCOUNT, "token")
    await ensure_key(world, seal, AN_ACCOUNT, A_KEY, "secret")
    await ensure_account(world, seal, ANOTHER_ACCOUNT, "token")

    with pytest.raises(ApiError) as refusal:
        await ensure_key(world, seal, ANOTHER_ACCOUNT, A_KEY, "new secret")

    assert refusal.value.kind is Kinds.CONFLICT
    assert await whose(world, seal, A_KEY, "secret") == AN_ACCOUNT


async def test_a_fixed_key_needs_its_account(world: World, seal: Seal) -> None:
    with pytest.raises(ApiError) as refusal:
        await ensure_key(world, seal, AN_ACCOUNT, A_KEY, "secret")

    assert refusal.value.kind is Kinds.NOT_FOUND


async def whose(world: World, seal: Seal, username: str, password: str) -> str | None:
    """Return the account that these credentials are good for, or None."""
    header = "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()
    try:
        return (await BasicAuthentication(world.store, seal).caller(header)).account_sid
    except ApiError:
        return None


async def generation(world: World) -> int:
    async with world.store.reading() as tx:
        return await tx.installation.generation()
