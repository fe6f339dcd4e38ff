"""The real-time side of a server: everything that the sockets of its clients share."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from chinwag import commands, limits
from chinwag.domain.login import LogIn
from chinwag.domain.lookup import service_named
from chinwag.domain.service import ServiceDeleted, ServiceUpdated
from chinwag.outbox import Outbox
from chinwag.realtime.client import Client
from chinwag.realtime.connection import Connection
from chinwag.realtime.dialects.session_list import Sessions
from chinwag.realtime.envelopes import event
from chinwag.realtime.hub import Hub
from chinwag.realtime.presence import Presence
from chinwag.realtime.router import Router
from chinwag.realtime.telling import Telling, wire
from chinwag.realtime.turns import Turns

if TYPE_CHECKING:
    from chinwag.auth.access_token import AccessTokens, Session
    from chinwag.commands import World
    from chinwag.domain.event import Event
    from chinwag.realtime.client import Socket
    from chinwag.realtime.objects import Object

REPLAY = 500
"""Changes that are read at once for clients that missed something."""

LOGINS = 4
"""How many logins are looked at at a time. When all come back at once, whoever asks over REST finds a
connection to PostgreSQL, and no queue of thousands in front of it; what follows a login comes no faster."""

COME_BACK_RATE = 500
"""How many clients a second shall come back to us, or elsewhere, when this server stops."""


class Realtime:
    """What sockets share.

    Args:
        world: where changes are made.
        tokens: who a client is.
        loop: the event loop.
        media_size_mb: largest file, in MB.
    """

    def __init__(
        self,
        world: World,
        tokens: AccessTokens,
        loop: asyncio.AbstractEventLoop,
        media_size_mb: int = limits.MEDIA_SIZE_MB,
    ) -> None:
        self.media_size_mb = media_size_mb
        self.world = world
        self.tokens = tokens
        self.router = Router()
        self.sessions = Sessions()
        self.turns = Turns(loop.call_soon)
        self.logins = asyncio.Semaphore(LOGINS)
        # A turn later than answers over REST leave: who changed something there hears of that first, as ever.
        self.outbox = Outbox(lambda flush: loop.call_soon(loop.call_soon, flush))
        self.hub = Hub(self._replay)
        self.presence = Presence(world.uncounted)
        self._read_status: dict[str, bool] = {}
        world.broker.listen(self._remember)
        world.broker.listen(Telling(self.hub, self._tells_read_status))
        world.broker.listen(self.presence)

    async def log_in(self, session: Session, base: str, socket: Socket) -> Client:
        """Return a client for a session, whose user is made if this is its first.

        Raises:
            ApiError: what `LogIn` raises.
        """
        async with self.world.store.reading() as tx:
            service = await service_named(tx, session.caller, session.service_sid)
            user = await tx.users.by_identity(service, session.identity)
        if user is None:
            command = LogIn(
                service_sid=session.service_sid,
                identity=session.identity,
                deployment_role_sid=session.deployment_role_sid,
            )
            user = await commands.run(command, session.caller, self.world.uncounted)
        # Unless something else was told of it since it was read.
        self._read_status.setdefault(service.sid, service.read_status_enabled)
        self.presence.reports.setdefault(service.sid, service.reachability_enabled)
        return Client(session=session, user_sid=user.sid, base=base, socket=socket, outbox=self.outbox)

    def came(self, client: Client) -> None:
        """Take a client in."""
        self.hub.add(client)
        self.presence.came(client)

    def went(self, client: Client, *, lost: bool) -> None:
        """Let a client go."""
        client.gone = True
        self.hub.remove(client)
        self.presence.went(client, lost=lost)

    async def revoke(self) -> None:
        """Look for API keys that are no longer there, and end the sessions that rest on them."""
        self.tokens.forget()
        clients = self.hub.everybody()
        valid = await self.tokens.still_valid({client.session.key_sid for client in clients})
        for client in clients:
            if client.session.key_sid not in valid:
                client.drop("its API key was revoked")

    def say_goodbye(self) -> None:
        """Tell clients that this server stops, and, if they are many, to come back one after the other.

        A few are quicker back without a word: an SDK that is told waits three seconds more.
        """
        clients = self.hub.everybody()
        if len(clients) <= COME_BACK_RATE:
            return
        for place, client in enumerate(clients):
            goodbye = Connection()
            goodbye.close(308, "TEMPORARY_REDIRECT", wait_ms=place * 1000 // COME_BACK_RATE)
            for packet in goodbye.data_to_send():
                client.send(packet)
        self.outbox.flush()

    async def _replay(self, shown: Object, since: int) -> list[tuple[int, bytes]]:
        """Return the messages that tell what happened to an object after an event."""
        told: list[tuple[int, bytes]] = []
        known = since
        async with self.world.store.reading() as tx:
            found = await shown.again(tx)
            while found is not None:
                changes = await found.changes(tx, since, REPLAY, known)
                told += [(change.event_id, wire(event(found.kind, found.sid, change))) for change in changes]
                if len(changes) < REPLAY:
                    break
                since = changes[-1].event_id
        return told

    def _tells_read_status(self, service_sid: str) -> bool:
        return self._read_status.get(service_sid, False)

    def _remember(self, event: Event) -> None:
        """Listen to the broker: what a service tells of its members may change."""
        match event:
            case ServiceUpdated():
                self._read_status[event.service_sid] = event.read_status_enabled
            case ServiceDeleted(service_sid):
                self._read_status.pop(service_sid, None)
                self.tokens.forget()  # those that were good are refused now, and for the right reason
            case _:
                pass
