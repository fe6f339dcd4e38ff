"""Who may look at the demo: anybody, as anybody, in a service that is there for nothing else."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from chinwag import commands
from chinwag.auth.access_token import access_token
from chinwag.auth.secrets import new_secret
from chinwag.domain.account import CreateKey
from chinwag.domain.caller import Caller, Operator
from chinwag.domain.paging import Cursor
from chinwag.domain.service import CreateService, Limits, Service, UpdateService
from chinwag.errors import ApiError, Kinds

if TYPE_CHECKING:
    from chinwag.auth.secrets import Seal
    from chinwag.commands import World
    from chinwag.domain.account import Account, Key

NAME = "Chinwag demo"
"""Friendly name of the demo's service and of its API key, by which they are found again. Nobody would call a
service of their own so: whoever opens the page is let into it."""

_MOST = Limits(channel_members=1000, user_channels=1000)
_AT_ONCE = 100


class Visitors:
    """Lets people into the demo. Its service and its key are made when the first one comes.

    Args:
        world: where they are made.
        seal: for the secret of the key.
        account_sid: whose they are; None for the oldest account.
    """

    def __init__(self, world: World, seal: Seal, account_sid: str | None) -> None:
        self._world = world
        self._seal = seal
        self._account_sid = account_sid
        self._service_sid = ""
        self._making = asyncio.Lock()

    async def token(self, identity: str, seconds: int) -> str:
        """Return an access token for the demo's service and no other.

        Raises:
            ApiError: `UNAVAILABLE` when there is no account, or the store cannot be written.
        """
        account = await self._account()
        async with self._making:
            service = await self._service(account)
            key = await self._key(account)
        return access_token(
            account_sid=account.sid,
            key_sid=key.sid,
            secret=self._seal.open(key.sealed_secret),
            service_sid=service.sid,
            identity=identity,
            now=self._world.now(),
            ttl=seconds,
        )

    async def _account(self) -> Account:
        async with self._world.store.reading() as tx:
            for account in await tx.accounts.all():
                if self._account_sid in {None, account.sid}:
                    return account
        raise ApiError(Kinds.UNAVAILABLE, "there is no account for the demo")

    async def _service(self, account: Account) -> Service:
        async with self._world.store.reading() as tx:
            found = await tx.services.get(account.id, self._service_sid)
            after: str | None = None
            while found is None:
                page = await tx.services.page(account.id, Cursor(size=_AT_ONCE, after=after))
                found = next((service for service in page if service.friendly_name == NAME), None)
                if len(page) <= _AT_ONCE:
                    break
                after = page[_AT_ONCE - 1].sid
        if found is None:
            found = await self._new_service(account)
        self._service_sid = found.sid
        return found

    async def _new_service(self, account: Account) -> Service:
        caller = Caller(account_id=account.id, account_sid=account.sid)
        made = await commands.run(CreateService(friendly_name=NAME, limits=_MOST), caller, self._world)
        return await commands.run(UpdateService(sid=made.sid, reachability_enabled=True), caller, self._world)

    async def _key(self, account: Account) -> Key:
        async with self._world.store.reading() as tx:
            for key in await tx.accounts.keys(account):
                if key.friendly_name == NAME:
                    return key
        sealed = self._seal.seal(new_secret())
        command = CreateKey(account_sid=account.sid, friendly_name=NAME, sealed_secret=sealed)
        return await commands.run(command, Operator(), self._world)
