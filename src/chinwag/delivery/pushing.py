"""Push notifications: all their parts together."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chinwag import commands
from chinwag.delivery.apns import Apns
from chinwag.delivery.dispatcher import Dispatcher
from chinwag.delivery.fcm import Fcm
from chinwag.delivery.gathering import Gathering
from chinwag.delivery.http2_out import Http2Out
from chinwag.delivery.http_out import HttpOut
from chinwag.delivery.pace import Pace
from chinwag.delivery.pushes import Pushes
from chinwag.delivery.spreader import Spreader
from chinwag.domain.caller import Operator
from chinwag.domain.credential import PushType
from chinwag.domain.push import ForgetPushes, Push, SavePushes
from chinwag.logs import logger

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence

    from chinwag.commands import World
    from chinwag.delivery.guard import AddressGuard
    from chinwag.delivery.provider import Provider
    from chinwag.ids import Millis

_log = logger()

TIDY_SECONDS = 60.0
"""How often what is too old is looked for, in seconds."""

TIDY_PAUSE_SECONDS = 0.05
"""How long others have the store to themselves between two such looks that find something, in seconds."""

TIDIED = 500
"""Pushes that are given up, or removed, together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PushUrls:
    """Where the providers are."""

    apns: str
    apns_sandbox: str
    fcm: str


@asynccontextmanager
async def providers(
    guard: AddressGuard, urls: PushUrls, now: Callable[[], Millis]
) -> AsyncGenerator[dict[PushType, Provider]]:
    """Return who reaches which devices, and at the end close their connections."""
    http, http2 = HttpOut(guard), Http2Out(guard)
    fcm = Fcm(http, urls.fcm, now)
    try:
        yield {
            PushType.APN: Apns(http2, urls.apns, urls.apns_sandbox, now),
            PushType.FCM: fcm,
            PushType.GCM: fcm,
        }
    finally:
        await http.close()
        await http2.close()


@asynccontextmanager
async def pushing(
    world: World,
    guard: AddressGuard,
    open_secret: Callable[[bytes], str],
    *,
    urls: PushUrls,
    holder: str,
    sink: bool,
    keep_ms: int,
    patience_ms: int,
) -> AsyncGenerator[None]:
    """Make and send pushes, and at the end let what is under way end.

    Args:
        world: where changes happen.
        guard: says what may be called.
        open_secret: returns a sealed secret in clear.
        urls: where the providers are.
        holder: names this server among those that share the store.
        sink: record pushes instead of sending them.
        keep_ms: how long a push is remembered after its end, in milliseconds.
        patience_ms: how long a push is worth something, in milliseconds.
    """

    async def write(pushes: Sequence[Push]) -> None:
        await commands.run(SavePushes(tuple(pushes)), Operator(), world)

    sending, spreading = Pace(), Pace()
    for pace in (sending, spreading):
        world.broker.listen(pace.listen)
    gathering = Gathering[Push](write, lambda: sending.pause)
    async with providers(guard, urls, world.now) as by_type:
        work = Pushes(world, by_type, open_secret, gathering, sending, patience_ms, sink=sink)
        dispatcher = Dispatcher[str, Push](world, work, holder)
        spreader = Spreader(world, spreading, dispatcher.wake)
        making = [
            asyncio.create_task(spreader.run()),
            asyncio.create_task(dispatcher.run()),
            asyncio.create_task(_tidy(world, keep_ms, patience_ms)),
        ]
        writing = [asyncio.create_task(gathering.run())]
        try:
            yield
        finally:
            for tasks in (making, writing):
                for task in tasks:
                    task.cancel()
                await asyncio.wait(tasks)


async def _tidy(world: World, keep_ms: int, patience_ms: int) -> None:
    """Give up what has waited too long, and remove what is too old, now and then, until cancelled."""
    while True:
        try:
            more = True
            while more:
                now = world.now()
                command = ForgetPushes(
                    waiting_before=now - patience_ms, ended_before=now - keep_ms, most=TIDIED
                )
                more = await commands.run(command, Operator(), world)
                await asyncio.sleep(TIDY_PAUSE_SECONDS)
        except Exception as error:  # noqa: BLE001  # a store that is away for a while comes back
            _log.warning("cannot remove old pushes", error=str(error))
        await asyncio.sleep(TIDY_SECONDS)
