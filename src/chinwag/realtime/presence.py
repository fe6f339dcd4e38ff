"""Who is online: a user with a client, and for a while after the last one has gone.

Source: reachability-guide.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

from chinwag import commands
from chinwag.domain.caller import Caller
from chinwag.domain.reachability import SetOnline
from chinwag.domain.service import ServiceDeleted, ServiceUpdated
from chinwag.logs import logger

if TYPE_CHECKING:
    from chinwag.commands import World
    from chinwag.domain.event import Event
    from chinwag.realtime.client import Client

_log = logger()

LEFT_SECONDS = 2.0
"""How long a user stays online after the last client has left: a page that is loaded anew comes back."""

LOST_SECONDS = 60.0
"""How long, when the last client was lost without a word, or with the server itself."""


class Who(NamedTuple):
    """A user."""

    account_id: int
    account_sid: str
    service_sid: str
    identity: str


class Presence:
    """Keeps `is_online` of users right. Nothing is written unless the service has reachability enabled.

    Attributes:
        reports: whether services report who is online, of those that anybody came to.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self.reports: dict[str, bool] = {}
        self._clients: dict[Who, int] = {}
        self._leaving: dict[Who, asyncio.TimerHandle] = {}
        self._changes: dict[Who, asyncio.Task[None]] = {}

    async def begin(self) -> None:
        """Take over those who were online when the last server stopped: they may be on their way back."""
        async with self._world.store.reading() as tx:
            found = await tx.users.online()
        for user in found:
            self._leave(Who(*user), LOST_SECONDS)

    def came(self, client: Client) -> None:
        """Note a client that has logged in."""
        who = _who(client)
        self._clients[who] = self._clients.get(who, 0) + 1
        if (leaving := self._leaving.pop(who, None)) is not None:
            leaving.cancel()
        elif self._clients[who] > 1:
            return
        self._set(who)

    def went(self, client: Client, *, lost: bool) -> None:
        """Note that a client is gone: lost, or because it wanted to go."""
        who = _who(client)
        left = self._clients.get(who, 0) - 1
        if left > 0:
            self._clients[who] = left
        else:
            self._clients.pop(who, None)
            self._leave(who, LOST_SECONDS if lost else LEFT_SECONDS)

    def __call__(self, event: Event) -> None:
        """Listen to the broker: reachability may have been enabled while users are connected."""
        match event:
            case ServiceUpdated(service_sid):
                self.reports[service_sid] = event.reachability_enabled
                if event.reachability_enabled:
                    for who in [who for who in self._clients if who.service_sid == service_sid]:
                        self._set(who)
            case ServiceDeleted(service_sid):
                self.reports.pop(service_sid, None)
                for who in [who for who in self._leaving if who.service_sid == service_sid]:
                    self._leaving.pop(who).cancel()
            case _:
                pass

    async def close(self) -> None:
        """Stop. Who is online stays so in the store: clients come back, here or elsewhere."""
        for leaving in self._leaving.values():
            leaving.cancel()
        self._leaving.clear()
        if self._changes:
            await asyncio.wait(self._changes.values())

    def _leave(self, who: Who, seconds: float) -> None:
        if (before := self._leaving.pop(who, None)) is not None:
            before.cancel()
        self._leaving[who] = asyncio.get_running_loop().call_later(seconds, self._left, who)

    def _left(self, who: Who) -> None:
        self._leaving.pop(who, None)
        self._set(who)

    def _set(self, who: Who) -> None:
        """Write whether a user is online now, after what is being written of that user."""
        if not self.reports.get(who.service_sid, True):
            return
        before = self._changes.get(who)
        task = asyncio.get_running_loop().create_task(self._write(who, before))
        self._changes[who] = task
        task.add_done_callback(lambda done: self._done(who, done))

    def _done(self, who: Who, task: asyncio.Task[None]) -> None:
        if self._changes.get(who) is task:
            del self._changes[who]

    async def _write(self, who: Who, before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await asyncio.wait([before])
        online = who in self._clients or who in self._leaving
        command = SetOnline(service_sid=who.service_sid, identity=who.identity, online=online)
        caller = Caller(account_id=who.account_id, account_sid=who.account_sid)
        try:
            await commands.run(command, caller, self._world)
        except Exception as error:  # noqa: BLE001  # a dot in a list of users is not worth a connection
            _log.warning("cannot note who is online", identity=who.identity, error=str(error))


def _who(client: Client) -> Who:
    session = client.session
    return Who(session.account_id, session.account_sid, session.service_sid, session.identity)
