"""Webhooks: what `commands` needs of them, and all their parts together."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeVar, cast

from chinwag.delivery.attempt import Caller
from chinwag.delivery.calls import Calls
from chinwag.delivery.dispatcher import Dispatcher
from chinwag.delivery.foretelling import Foreteller
from chinwag.delivery.gate import Gate
from chinwag.delivery.http_out import HttpOut
from chinwag.delivery.journal import Journal
from chinwag.delivery.parameters import render
from chinwag.domain import caller as who
from chinwag.domain.posting import CreateMessage

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from chinwag.commands import Command, World
    from chinwag.delivery.guard import AddressGuard
    from chinwag.domain.announcing import Announced
    from chinwag.domain.webhook_call import WebhookCall

R = TypeVar("R")
C = TypeVar("C")


class Webhooks:
    """What `chinwag.commands` asks for."""

    render = staticmethod(render)

    def __init__(
        self,
        gate: Gate,
        foreteller: Foreteller,
        journal: Journal,
        dispatcher: Dispatcher[int, WebhookCall],
        caller: Caller,
    ) -> None:
        self._gate = gate
        self._foreteller = foreteller
        self._journal = journal
        self._dispatcher = dispatcher
        self._caller = caller

    async def ask(self, command: Command[C, R], caller: C, world: World) -> Command[C, R]:
        """Return a command as the application wants it that is asked before, or as it is."""
        asked: object = command
        asking: object = caller
        if isinstance(asked, CreateMessage) and isinstance(asking, who.Caller) and asking.tells_webhooks:
            return cast("Command[C, R]", await self._foreteller.foretell(asked, asking, world))
        return await self._gate.ask(command, caller, world)

    def announced(self, announced: Announced) -> None:
        """Take note of calls that wait, and of what is not called."""
        if announced.targets:
            self._dispatcher.wake(announced.targets)
        if announced.skipped:
            self._journal.skip(announced.skipped)

    def forget(self) -> None:
        """Look auth tokens up again from now on."""
        self._caller.forget()


@asynccontextmanager
async def webhooks(
    world: World,
    guard: AddressGuard,
    open_secret: Callable[[bytes], str],
    *,
    holder: str,
    fails_open: bool,
    keep_ms: int,
    patience_ms: int,
) -> AsyncGenerator[Webhooks]:
    """Run webhooks, and at the end let what is under way end.

    Args:
        world: where changes happen.
        guard: says what may be called.
        open_secret: returns a sealed secret in clear.
        holder: names this server among those that share the store.
        fails_open: whether a change is made although nobody answers who was to be asked.
        keep_ms: how long a call is remembered after its end, in milliseconds.
        patience_ms: how long a call waits for a target that does not answer, in milliseconds.
    """
    http = HttpOut(guard)
    caller = Caller(http, world.store, open_secret, world.now)
    foreteller = Foreteller()
    world.broker.listen(caller.listen)
    world.broker.listen(foreteller.listen)
    journal = Journal(world, keep_ms)
    dispatcher = Dispatcher(world, Calls(world, caller, journal, patience_ms), holder)
    writing = [asyncio.create_task(journal.run()), asyncio.create_task(journal.forget())]
    dispatching = asyncio.create_task(dispatcher.run())
    try:
        gate = Gate(caller, journal, fails_open=fails_open)
        yield Webhooks(gate, foreteller, journal, dispatcher, caller)
    finally:
        for tasks in ([dispatching], writing):
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
        await http.close()
