"""The dispatcher makes the calls that wait, on one server at a time.

Calls for one target are made in the order of what they tell, channel by channel: one at a time for each, and
several channels at once. A target that does not answer is left alone for a while and then tried with one call
at a time, and nobody else notices. What waits stays a row until it is known what came of it, so that a server
that is killed makes the call again.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING

from msgspec.structs import replace

from chinwag import commands, limits
from chinwag.domain.caller import Operator
from chinwag.domain.webhook_call import CallState, Lead, WebhookCall
from chinwag.logs import logger

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chinwag.commands import World
    from chinwag.delivery.attempt import Caller, Outcome
    from chinwag.delivery.journal import Journal
    from chinwag.ids import Millis

_log = logger()

LOOK_SECONDS = 1.0
"""How often the store is looked into for calls that nobody told of, or that are due again, in seconds."""

LEAD_SECONDS = 10.0
"""How long a server that has vanished is waited for before another one takes its calls over, in seconds."""

CALLS = 512
"""Most calls at a time."""

CALLS_TO_ONE = 16
"""Most calls at a time to one target."""

READ = 64
"""Calls that are read together for one target."""

HELD = 512
"""Most calls for one target that are held in memory."""

READ_AGAIN_SECONDS = 0.1
"""Least time between two looks for further channels of one target, in seconds."""

PAUSES_SECONDS = (1.0, 2.0, 4.0, 5.0)
"""How long a target that does not answer is left alone: after the first time, the second, and so on."""

STOP_SECONDS = 2.0
"""How long calls under way are waited for when the server stops, in seconds. They are made again later."""


class _Target:
    """What waits for one URL, and what is under way."""

    def __init__(self, target_id: int) -> None:
        self.id = target_id
        self.held: set[int] = set()
        self.ended: set[int] = set()
        self.running: dict[str, asyncio.Task[None]] = {}
        self.changed = asyncio.Event()
        self.told = True
        self.read_at = 0.0
        self.failures = 0
        self.resume_at = 0.0
        self._lanes: dict[str, deque[WebhookCall]] = {}

    def hold(self, calls: Iterable[WebhookCall]) -> None:
        """Take calls in, each behind those of its lane; not those that ended since the store was asked."""
        for call in calls:
            if call.id not in self.held and call.id not in self.ended:
                self.held.add(call.id)
                self._lanes.setdefault(call.lane, deque()).append(call)

    def take(self) -> WebhookCall | None:
        """Return the next call of a lane in which none is under way, or None."""
        if len(self.running) >= (1 if self.failures else CALLS_TO_ONE):
            return None
        for lane, waiting in self._lanes.items():
            if lane not in self.running:
                call = waiting.popleft()
                if not waiting:
                    del self._lanes[lane]
                return call
        return None

    def finished(self, call: WebhookCall) -> None:
        """Note that a call is no longer under way, and that it is known what came of it."""
        del self.running[call.lane]
        self.held.discard(call.id)
        self.ended.add(call.id)
        self.changed.set()

    def answered(self) -> None:
        """Note that somebody is there."""
        self.failures = 0

    def unanswered(self) -> None:
        """Note that nobody is there; those that were under way at the same time count as one."""
        now = time.monotonic()
        if now >= self.resume_at:
            self.resume_at = now + PAUSES_SECONDS[min(self.failures, len(PAUSES_SECONDS) - 1)]
            self.failures += 1


class Dispatcher:
    """Makes the calls that wait, until it is cancelled.

    Args:
        world: where calls are kept.
        caller: makes one.
        journal: writes down what came of it.
        holder: names this server among those that share the store.
        patience_ms: how long a call waits for a target that does not answer, in milliseconds.
    """

    def __init__(self, world: World, caller: Caller, journal: Journal, holder: str, patience_ms: int) -> None:
        self._world = world
        self._caller = caller
        self._journal = journal
        self._holder = holder
        self._patience_ms = patience_ms
        self._targets: dict[int, _Target] = {}
        self._serving: dict[int, asyncio.Task[None]] = {}
        self._slots = asyncio.Semaphore(CALLS)
        self._woken: set[int] = set()
        self._wake = asyncio.Event()
        self._looked_at = 0.0
        self._asked_at = 0.0
        self._leads_until = 0.0

    def wake(self, targets: Iterable[int]) -> None:
        """Take note that calls wait for these targets."""
        for target_id in targets:
            target = self._targets.get(target_id)
            if target is None:
                self._woken.add(target_id)
                self._wake.set()
            else:
                target.told = True
                target.changed.set()

    async def run(self) -> None:
        """Make calls."""
        try:
            while True:
                try:
                    await self._look()
                except Exception as error:  # noqa: BLE001  # a store that is away for a while comes back
                    _log.warning("cannot look for webhook calls", error=str(error))
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_SECONDS):
                        await self._wake.wait()
        finally:
            await self._stop()

    @property
    def _leads(self) -> bool:
        return time.monotonic() < self._leads_until

    async def _look(self) -> None:
        """Begin to serve every target for which calls are due."""
        self._wake.clear()
        woken, self._woken = self._woken, set()
        if not woken or time.monotonic() - self._looked_at >= LOOK_SECONDS:
            self._looked_at = time.monotonic()
            async with self._world.store.reading() as tx:
                found = await tx.webhook_calls.targets()
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
            target = self._targets[target_id] = _Target(target_id)
            self._serving[target_id] = asyncio.create_task(self._serve(target))

    async def _keeps_leading(self) -> bool:
        """Return whether this server makes the calls: it does until it lets go, or vanishes.

        While another one does, it is not asked again at every call.
        """
        now = time.monotonic()
        asked = not self._leads and now - self._asked_at < LOOK_SECONDS
        if self._leads_until - now < LEAD_SECONDS / 2 and not asked:
            self._asked_at = now
            await self._lead(LEAD_SECONDS)
        return self._leads

    async def _lead(self, seconds: float) -> None:
        began = time.monotonic()
        command = Lead(holder=self._holder, lasts=round(seconds * 1000))
        leads = await commands.run(command, Operator(), self._world)
        self._leads_until = began + seconds if leads else 0.0

    async def _serve(self, target: _Target) -> None:
        """Make the calls for one target, until none is due."""
        try:
            while self._leads:
                pause = target.resume_at - time.monotonic()
                if pause > 0:
                    await asyncio.sleep(pause)
                target.changed.clear()
                while (call := await self._next(target)) is not None:
                    await self._slots.acquire()
                    target.running[call.lane] = asyncio.create_task(self._make(target, call))
                if not target.running and not target.told:
                    return
                with suppress(TimeoutError):
                    async with asyncio.timeout(READ_AGAIN_SECONDS if target.told else None):
                        await target.changed.wait()
        except Exception as error:  # noqa: BLE001  # the next look begins anew
            _log.warning("cannot make webhook calls", error=str(error))
        finally:
            if target.running:
                await asyncio.wait(target.running.values())
            del self._targets[target.id], self._serving[target.id]

    async def _next(self, target: _Target) -> WebhookCall | None:
        """Return the next call to begin, or None when none can be now."""
        if target.resume_at > time.monotonic():
            return None
        call = target.take()
        waited = time.monotonic() - target.read_at
        read = target.told and (not target.held or waited >= READ_AGAIN_SECONDS)
        if call is None and read and len(target.held) < HELD:
            target.told = False
            target.read_at = time.monotonic()
            target.ended.clear()
            most = len(target.held) + READ
            async with self._world.store.reading() as tx:
                calls = await tx.webhook_calls.due(target.id, self._world.now(), most)
            target.hold(calls)
            target.told = target.told or len(calls) == most
            call = target.take()
        return call

    async def _make(self, target: _Target, call: WebhookCall) -> None:
        """Make a call, and write down what came of it."""
        try:
            await self._journal.save(await self._made(target, call))
        except Exception as error:  # noqa: BLE001  # the row still waits
            _log.warning("cannot make a webhook call", call=call.sid, error=str(error))
            target.unanswered()
        finally:
            self._slots.release()
            target.told = True
            target.finished(call)

    async def _made(self, target: _Target, call: WebhookCall) -> WebhookCall:
        """Make a call, and return it with what came of it."""
        now = self._world.now()
        if now - call.date_updated > self._patience_ms:
            return _ended(call, CallState.FAILED, "given up: nobody has answered there for too long", now)

        outcome = await self._caller.try_once(call, limits.WEBHOOK_ANSWER_BYTES)
        if outcome.unanswered:
            target.unanswered()
        else:
            target.answered()
        return after(call, outcome, self._world.now())

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


def after(call: WebhookCall, outcome: Outcome, now: Millis) -> WebhookCall:
    """Return a call after a try: delivered, failed, or waiting for the next."""
    attempt = outcome.attempt
    tried = call.after(attempt)
    if outcome.reply is not None and outcome.reply.status // 100 == 2:  # noqa: PLR2004  # 2xx
        return _ended(tried, CallState.DELIVERED, f"answered {outcome.reply.status}", now)
    why = attempt.problem or f"answered {attempt.status}"
    if outcome.again and tried.tries_left > 0:
        wait = limits.WEBHOOK_BACK_OFF_SECONDS * 2 ** min(attempt.retry_count, limits.RETRIES)
        return replace(tried, due=now + round(wait * 1000), reason=why, date_updated=now)
    return _ended(tried, CallState.FAILED, why, now)


def _ended(call: WebhookCall, state: CallState, reason: str, now: Millis) -> WebhookCall:
    return replace(call, state=state, reason=reason, date_updated=now)
