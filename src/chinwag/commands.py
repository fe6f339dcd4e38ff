"""The one road for changes.

A REST call, a client SDK, the console and the command line all take it; nothing changes a row by any other.
The order is the contract (docs/architecture.md): **apply** decides and writes inside one transaction,
**commit** makes it durable together with others, and only what was committed is **told**.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from chinwag.broker.broker import Broker
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


@dataclass(frozen=True, slots=True)
class World:
    """What a change needs besides its caller: a store, somebody to tell, a clock and new names."""

    store: Store
    broker: Broker
    now: Callable[[], Millis]
    new_sid: NewSid


async def run(command: Command[C, R], caller: C, world: World) -> R:
    """Carry out one change and return its result, once it is durable.

    Raises:
        ApiError: what the command refuses; `UNAVAILABLE` when the store cannot be written now.
    """
    result, events = await world.store.write(lambda tx: command.apply(tx, caller, world.now(), world.new_sid))
    world.broker.publish(events)
    return result
