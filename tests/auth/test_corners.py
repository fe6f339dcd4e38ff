"""What seldom happens to credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.fernet import Fernet

from auth.test_first_start import A_KEY, AN_ACCOUNT, whose
from chinwag.auth.first_start import ensure_account, ensure_key
from chinwag.auth.secrets import Seal

if TYPE_CHECKING:
    from chinwag.commands import World


async def test_fixed_credentials_that_were_sealed_with_a_lost_key_are_replaced(
    world: World, seal: Seal
) -> None:
    lost = Seal(Fernet.generate_key().decode())
    await ensure_account(world, lost, AN_ACCOUNT, "token")
    await ensure_key(world, lost, AN_ACCOUNT, A_KEY, "secret")

    await ensure_account(world, seal, AN_ACCOUNT, "token")
    await ensure_key(world, seal, AN_ACCOUNT, A_KEY, "secret")

    assert await whose(world, seal, AN_ACCOUNT, "token") == AN_ACCOUNT
    assert await whose(world, seal, A_KEY, "secret") == AN_ACCOUNT
