"""A dispatcher makes the deliveries that wait, on one server at a time: calls of webhooks, or pushes.

Deliveries to one target are made in the order of what they tell, lane by lane: one at a time in each, and
several lanes at once. A target that does not answer is left alone for a while and then tried with one at a
time, and nobody else notices. What waits stays a row until it is known what came of it, so that a server that
is killed makes the delivery again.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Generic, NamedTuple, Protocol, TypeVar

from chinwag import commands
from chinwag.domain.caller import Operator
from chinwag.domain.lease import Lead
from chinwag.logs import logger

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence

    from chinwag.commands import World
    from chinwag.ids import Millis

_log = logger()

T = TypeVar("T", bound="Hashable")
D = TypeVar("D", bound="Delivery")

LOOK_SECONDS = 1.0
"""How often the store is looked into for what nobody told of, or is due again, in seconds."""

LEAD_SECONDS = 10.0
"""How long a server that has vanished is waited for before another one takes its work over, in seconds."""

AT_A_TIME = 512
"""Most deliveries at a time."""

READ = 64
"""Deliveries that are read together for one target."""

HELD = 512
"""Most deliveries to one target that are held in memory."""

READ_AGAIN_SECONDS = 0.1
"""Least time between two looks for further lanes of one target, in seconds."""

PAUSES_SECONDS = (1.0, 2.0, 4.0, 5.0)
"""How long a target that does not answer is left alone: after the first time, the second, and so on."""

STOP_SECONDS = 2.0
"""How long deliveries under way are waited for when the server stops, in seconds. They are made again later.
"""


class Delivery(Protocol):
    """Something that waits to be delivered."""

    @property
    def sid(self) -> str:
        """Its name."""
        ...

    @property
    def lane(self) -> str:
        """Deliveries of one target and one lane are made one after the other."""
        ...


class Health(NamedTuple):
    """What a try says about its target.

    Args:
        unanswered: whether nobody is there.
        pause: how long it wants to be left alone, in seconds.
        closed: whether nothing more is to be delivered there for now.
    """

    unanswered: bool = False
    pause: float = 0.0
    closed: bool = False


class Work(Protocol[T, D]):
    """What is delivered, and how."""

    name: str
    """What the work is called, where it is kept which server does it."""

    to_one: int
    """Most deliveries at a time to one target."""

    async def targets(self) -> dict[T, Millis]:
        """Return the targets for which something waits, and when the first of each is due."""
        ...

    async def due(self, target: T, most: int) -> Sequence[D]:
        """Return what is due for a target, oldest first."""
        ...

    async def turn(self) -> None:
        """Wait until the next delivery may begin."""
        ...

    async def make(self, delivery: D, /) -> tuple[D, Health]:
        """Try a delivery, and return it with what came of it; never raises what is the fault of others."""
        ...

    async def save(self, delivery: D, /) -> None:
        """Write down what came of a delivery; returns when it is durable."""
        ...


class _Target(Generic[T, D]):
    """What waits for one target, and what is under way."""

    def __init__(self, target: T, most: int) -> None:
        self.id = target
        self.held: set[str] = set()
        self.ended: set[str] = set()
        self.closed = False
        self.running: dict[str, asyncio.Task[None]] = {}
        self.changed = asyncio.Event()
        self.told = True
        self.read_at = 0.0
        self.failures = 0
        self.resume_at = 0.0
        self._most = most
        self._lanes: dict[str, deque[D]] = {}

    def hold(self, deliveries: Iterable[D]) -> None:
        """Take deliveries in, each behind those of its lane, but those that ended since they were read."""
        for delivery in deliveries:
            if delivery.sid not in self.held and delivery.sid not in self.ended:
                self.held.add(delivery.sid)
                self._lanes.setdefault(delivery.lane, deque()).append(delivery)

    def take(self) -> D | None:
        """Return the next delivery of a lane in which none is under way, or None."""
        if self.closed or len(self.running) >= (1 if self.failures else self._most):
            return None
        for lane, waiting in self._lanes.items():
            if lane not in self.running:
                delivery = waiting.popleft()
                if not waiting:
                    del self._lanes[lane]
                return delivery
        return None

    def finished(self, delivery: D) -> None:
        """Note that a delivery is no longer under way, and that it is known what came of it."""
        del self.running[delivery.lane]
        self.held.discard(delivery.sid)
        self.ended.add(delivery.sid)
        self.changed.set()

    def note(self, health: Health) -> None:
        """Note what a try says."""
        if health.unanswered:
            self.unanswered()
        else:
            self.failures = 0
        if health.pause > 0:
            self.resume_at = max(self.resume_at, time.monotonic() + health.pause)
        self.closed = self.closed or health.closed

    def unanswered(self) -> None:
        """Note that nobody is there; those that were under way at the same time count as one."""
        now = time.monotonic()
        if now >= self.resume_at:
            self.resume_at = now + PAUSES_SECONDS[min(self.failures, len(PAUSES_SECONDS) - 1)]
            self.failures += 1


class Dispatcher(Generic[T, D]):
    """Makes the deliveries that wait, until it is cancelled.

    Args:
        world: where it is kept which server does the work.
        work: what is delivered, and how.
        holder: names this server among those that share the store.
    """

    def __init__(self, world: World, work: Work[T, D], holder: str) -> None:
        self._world = world
        self._work = work
        self._holder = holder
        self._targets: dict[T, _Target[T, D]] = {}
        self._serving: dict[T, asyncio.Task[None]] = {}
        self._slots = asyncio.Semaphore(AT_A_TIME)
        self._woken: set[T] = set()
        self._wake = asyncio.Event()
        self._looked_at = 0.0
        self._asked_at = 0.0
        self._leads_until = 0.0

    def wake(self, targets: Iterable[T]) -> None:
        """Take note that something waits for these targets."""
        for target_id in targets:
            target = self._targets.get(target_id)
            if target is None:
                self._woken.add(target_id)
                self._wake.set()
            else:
                target.told = True
                target.changed.set()

    async def run(self) -> None:
        """Deliver."""
        try:
            while True:
                try:
                    await self._look()
                except Exception as error:  # noqa: BLE001  # a store that is away for a while comes back
                    _log.warning("cannot look for deliveries", work=self._work.name, error=str(error))
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_SECONDS):
                        await self._wake.wait()
        finally:
            await self._stop()

    @property
    def _leads(self) -> bool:
        return time.monotonic() < self._leads_until

    async def _look(self) -> None:
        """Begin to serve every target for which something is due."""
        self._wake.clear()
        woken, self._woken = self._woken, set()
        if not woken or time.monotonic() - self._looked_at >= LOOK_SECONDS:
            self._looked_at = time.monotonic()
            found = await self._work.targets()
            now = self._world.now()
            woken |= {target_id for target_id, due in found.items() if due <= now}
        if not woken and not self._targets:
            if self._leads:
                await self._lead(-1)
            return
        if not await self._keeps_leading():
            return
        for target_id in woken:
            if (known := self._targets.get(target_id)) is not None:
                known.told = True
                known.changed.set()
                continue
            target = self._targets[target_id] = _Target[T, D](target_id, self._work.to_one)
            self._serving[target_id] = asyncio.create_task(self._serve(target))

    async def _keeps_leading(self) -> bool:
        """Return whether this server does the work: it does until it lets go, or vanishes.

        While another one does, it is not asked again at every delivery.
        """
        now = time.monotonic()
        asked = not self._leads and now - self._asked_at < LOOK_SECONDS
        if self._leads_until - now < LEAD_SECONDS / 2 and not asked:
            self._asked_at = now
            await self._lead(LEAD_SECONDS)
        return self._leads

    async def _lead(self, seconds: float) -> None:
        began = time.monotonic()
        command = Lead(name=self._work.name, holder=self._holder, lasts=round(seconds * 1000))
        leads = await commands.run(command, Operator(), self._world)
        self._leads_until = began + seconds if leads else 0.0

    async def _serve(self, target: _Target[T, D]) -> None:
        """Make the deliveries to one target, until none is due."""
        try:
            while self._leads:
                pause = target.resume_at - time.monotonic()
                if pause > 0:
                    await asyncio.sleep(pause)
                target.changed.clear()
                while (delivery := await self._next(target)) is not None:
                    await self._slots.acquire()
                    await self._work.turn()
                    target.running[delivery.lane] = asyncio.create_task(self._make(target, delivery))
                if not target.running and (target.closed or not target.told):
                    return
                with suppress(TimeoutError):
                    async with asyncio.timeout(READ_AGAIN_SECONDS if target.told else None):
                        await target.changed.wait()
        except Exception as error:  # noqa: BLE001  # the next look begins anew
            _log.warning("cannot deliver", work=self._work.name, error=str(error))
        finally:
            if target.running:
                await asyncio.wait(target.running.values())
            del self._targets[target.id], self._serving[target.id]

    async def _next(self, target: _Target[T, D]) -> D | None:
        """Return the next delivery to begin, or None when none can be now."""
        if target.resume_at > time.monotonic():
            return None
        delivery = target.take()
        waited = time.monotonic() - target.read_at
        read = target.told and not target.closed and (not target.held or waited >= READ_AGAIN_SECONDS)
        if delivery is None and read and len(target.held) < HELD:
            target.told = False
            target.read_at = time.monotonic()
            target.ended.clear()
            most = len(target.held) + READ
            deliveries = await self._work.due(target.id, most)
            target.hold(deliveries)
            target.told = target.told or len(deliveries) == most
            delivery = target.take()
        return delivery

    async def _make(self, target: _Target[T, D], delivery: D) -> None:
        """Make a delivery, and write down what came of it."""
        try:
            made, health = await self._work.make(delivery)
            target.note(health)
            await self._work.save(made)
        except Exception as error:  # noqa: BLE001  # the row still waits
            _log.warning("cannot deliver", work=self._work.name, delivery=delivery.sid, error=str(error))
            target.unanswered()
        finally:
            self._slots.release()
            target.told = True
            target.finished(delivery)

    async def _stop(self) -> None:
        """Let what is under way end, and let go."""
        for task in self._serving.values():
            task.cancel()
        under_way = [task for target in self._targets.values() for task in target.running.values()]
        if under_way:
            _, late = await asyncio.wait(under_way, timeout=STOP_SECONDS)
            for task in late:
                task.cancel()
        if self._serving:
            await asyncio.wait(self._serving.values())
        if self._leads:
            with suppress(Exception):
                await self._lead(-1)
