"""The one road for changes.

A REST call, a client SDK, the console and the command line all take it; nothing changes a row by any other.
The order is the contract (docs/architecture.md): an application is **asked** first, if it wants to be, by a
pre-event webhook; **apply** decides and writes inside one transaction, where the calls are **announced** that
webhooks wait for; **commit** makes it durable together with others, and only what was committed is **told**.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol, TypeVar

from chinwag.domain.announcing import NOTHING_ANNOUNCED, Announced, announce

if TYPE_CHECKING:
    from collections.abc import Callable

    from chinwag.broker.broker import Broker
    from chinwag.domain.announcing import Render
    from chinwag.domain.answer import Once
    from chinwag.domain.happening import Happening
    from chinwag.domain.unit import Store, Transaction
    from chinwag.ids import Millis, NewSid

R_co = TypeVar("R_co", covariant=True)
C_contra = TypeVar("C_contra", contravariant=True)
R = TypeVar("R")
C = TypeVar("C")


class Command(Protocol[C_contra, R_co]):
    """A change that somebody asks for: a plain value that knows how to carry itself out."""

    async def apply(self, tx: Transaction, caller: C_contra, now: Millis, new_sid: NewSid, /) -> R_co:
        """Decide and write, inside one transaction, awaiting nothing but `tx`.

        Raises:
            ApiError: the change is refused and nothing of it is kept.
        """
        ...


class Webhooks(Protocol):
    """What webhooks have to do with a change."""

    @property
    def render(self) -> Render:
        """What puts a happening into parameters."""
        ...

    async def ask(self, command: Command[C, R], caller: C, world: World) -> Command[C, R]:
        """Return a command as the application wants it that is asked before, or as it is.

        Raises:
            ApiError: what the command refuses; `WEBHOOK_REFUSED`; `WEBHOOK_FAILED`; `WEBHOOK_TIMEOUT`; what
                is wrong with a value that the application wants.
        """
        ...

    def announced(self, announced: Announced) -> None:
        """Take note of calls that wait, and of what is not called. Never waits."""
        ...


class Actions(Protocol):
    """How many changes are made in a second."""

    async def count(self, command: object, caller: object) -> None:
        """Count a change that a client asks for.

        Raises:
            ApiError: `SERVICE_ACTIONS_EXCEEDED`; `CHANNEL_ACTIONS_EXCEEDED`.
        """
        ...


@dataclass(frozen=True, slots=True)
class World:
    """What a change needs besides its caller: a store, somebody to tell, a clock and new names.

    Without `webhooks` nothing is asked and nothing announced: so it is beside a server, at the command line.
    Without `actions` nothing is counted.
    """

    store: Store
    broker: Broker
    now: Callable[[], Millis]
    new_sid: NewSid
    webhooks: Webhooks | None = None
    actions: Actions | None = None

    @property
    def uncounted(self) -> World:
        """The same one, for what the server does by itself, or has begun to do."""
        return self if self.actions is None else replace(self, actions=None)


async def run(command: Command[C, R], caller: C, world: World, once: Once[R] | None = None) -> R:
    """Carry out one change and return its result, once it is durable.

    Args:
        command: the change.
        caller: who asks for it.
        world: where.
        once: that it may be asked for again: then it is not carried out a second time, nobody is asked or
            told, and the result is that of the first time.

    Raises:
        ApiError: what the command refuses, or who was asked; `KEY_REUSED`; `UNAVAILABLE` when the store
            cannot be written now; `SERVICE_ACTIONS_EXCEEDED`; `CHANNEL_ACTIONS_EXCEEDED`.
    """
    if once is not None:
        async with world.store.reading() as questions:
            given = await once.given(questions, world.now())
        if given is not None:
            return given

    # Behind what was answered already: a repetition is no change, and is not refused.
    if world.actions is not None:
        await world.actions.count(command, caller)

    webhooks = world.webhooks
    if webhooks is None:
        result, events = await world.store.write(
            lambda tx: _apply(command, tx, caller, world.now(), world, once=once)
        )
        world.broker.publish(events)
        return result

    asked = await webhooks.ask(command, caller, world)

    async def change(tx: Transaction) -> tuple[R, Announced]:
        now = world.now()
        result = await _apply(asked, tx, caller, now, world, once=once)
        return result, await announce(tx, caller, webhooks.render, now, world.new_sid)

    (result, announced), events = await world.store.write(change)
    world.broker.publish(events)
    if announced is not NOTHING_ANNOUNCED:
        webhooks.announced(announced)
    return result


async def _apply(
    command: Command[C, R], tx: Transaction, caller: C, now: Millis, world: World, *, once: Once[R] | None
) -> R:
    """Carry out a change inside its transaction, unless it was carried out already."""
    if once is None:
        return await command.apply(tx, caller, now, world.new_sid)
    given = await once.begin(tx, now)
    if given is not None:
        return given
    result = await command.apply(tx, caller, now, world.new_sid)
    await once.end(tx, result)
    return result


async def rehearse(command: Command[C, object], caller: C, world: World) -> list[Happening]:
    """Return what webhooks would be told of a change, and keep nothing of it.

    The change is carried out and taken back: so whoever is asked about it is asked only about what can be,
    and no rule is written twice (docs/decisions/0009-a-rehearsal-before-asking.md). Its first statement must
    be a question, which holds for everything that client SDKs do.

    Raises:
        ApiError: what the command refuses.
    """

    async def change(tx: Transaction) -> None:
        await command.apply(tx, caller, world.now(), world.new_sid)
        raise _RehearsedError(tx.take_happenings())

    try:
        await world.store.write(change)
    except _RehearsedError as rehearsed:
        return rehearsed.happenings
    raise AssertionError("a rehearsal ends with its own error")  # pragma: no cover  # as it says


class _RehearsedError(Exception):
    """Takes a change back that was only rehearsed."""

    def __init__(self, happenings: list[Happening]) -> None:
        super().__init__()
        self.happenings = happenings
