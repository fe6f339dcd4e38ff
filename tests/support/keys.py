"""API keys for tests: what access tokens are signed with."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from chinwag import commands
from chinwag.app import opened
from chinwag.auth.secrets import new_secret
from chinwag.domain.account import CreateKey
from chinwag.domain.caller import Operator

if TYPE_CHECKING:
    from chinwag.settings import Settings


class Key(NamedTuple):
    """A key and what nobody else knows of it."""

    sid: str
    secret: str


async def a_key(settings: Settings, account_sid: str) -> Key:
    """Add a key to an account, as the command line does beside a server."""
    secret = new_secret()
    async with opened(settings) as parts:
        command = CreateKey(
            account_sid=account_sid, friendly_name="Test", sealed_secret=parts.seal.seal(secret)
        )
        key = await commands.run(command, Operator(), parts.world)
    return Key(key.sid, secret)
