"""The calls of webhooks that wait, as a dispatcher makes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from chinwag import limits
from chinwag.delivery.dispatcher import Health
from chinwag.domain.webhook_call import CallState, WebhookCall

if TYPE_CHECKING:
    from chinwag.commands import World
    from chinwag.delivery.attempt import Caller, Outcome
    from chinwag.delivery.journal import Journal
    from chinwag.ids import Millis

CALLS_TO_ONE = 16
"""Most calls at a time to one URL."""


class Calls:
    """The work of calling webhooks. Targets are URLs, and lanes are channels.

    Args:
        world: where calls are kept.
        caller: makes one.
        journal: writes down what came of it.
        patience_ms: how long a call waits for a target that does not answer, in milliseconds.
    """

    name = "webhooks"
    to_one = CALLS_TO_ONE

    def __init__(self, world: World, caller: Caller, journal: Journal, patience_ms: int) -> None:
        self._world = world
        self._caller = caller
        self._patience_ms = patience_ms
        self.save = journal.save

    async def targets(self) -> dict[int, Millis]:
        """Return the targets for which calls wait, and when the first of each is due."""
        async with self._world.store.reading() as tx:
            return await tx.webhook_calls.targets()

    async def due(self, target: int, most: int) -> list[WebhookCall]:
        """Return calls of a target that are due, oldest first."""
        async with self._world.store.reading() as tx:
            return await tx.webhook_calls.due(target, self._world.now(), most)

    async def turn(self) -> None:
        """Begin at once: calls are few, and others are told by them of what people do."""

    async def make(self, call: WebhookCall, /) -> tuple[WebhookCall, Health]:
        """Make a call, and return it with what came of it."""
        now = self._world.now()
        if now - call.date_updated > self._patience_ms:
            late = "given up: nobody has answered there for too long"
            return _ended(call, CallState.FAILED, late, now), Health()

        outcome = await self._caller.try_once(call, limits.WEBHOOK_ANSWER_BYTES)
        return after(call, outcome, self._world.now()), Health(unanswered=outcome.unanswered)


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
