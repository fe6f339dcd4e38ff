"""The journal: what came of calls, and what was not called, written down a few at a time.

Nobody waits for it but the dispatcher, which makes no further call in a lane before the last one is written.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from chinwag import commands
from chinwag.domain.caller import Operator
from chinwag.domain.webhook_call import CallState, ForgetCalls, SaveCalls, WebhookCall
from chinwag.errors import ApiError
from chinwag.logs import logger

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from chinwag.commands import World
    from chinwag.domain.announcing import Skipped
    from chinwag.ids import Millis

_log = logger()

PAUSE_SECONDS = 0.25
"""How long lines gather that nobody waits for, in seconds."""

RETRY_SECONDS = 1.0
"""How long a store that cannot be written now is left alone, in seconds."""

SAME_MS = 60_000
"""For how long calls that are skipped for the same reason are counted in one line, in milliseconds."""

LINES = 200
"""How many lines are counted in at a time before channels are no longer told apart."""

NOTED = 2000
"""Most pre-event calls that wait to be written down."""

FORGET_PAUSE_SECONDS = 0.05
"""How long others have the store to themselves between two removals, in seconds."""

FORGET_SECONDS = 600.0
"""How often old lines are looked for, in seconds."""

FORGOTTEN = 500
"""Lines that are removed together."""


class _Line(NamedTuple):
    """A line of skipped calls that is being counted in."""

    call: WebhookCall
    times: int


class Journal:
    """Writes down what came of calls.

    Args:
        world: where changes happen.
        keep_ms: how long a call is remembered after its end, in milliseconds.
    """

    def __init__(self, world: World, keep_ms: int) -> None:
        self._world = world
        self._keep_ms = keep_ms
        self._tried: list[tuple[WebhookCall, asyncio.Future[None]]] = []
        self._noted: list[WebhookCall] = []
        self._skipped: dict[Skipped, int] = {}
        self._lines: dict[Skipped, _Line] = {}
        self._counted_at = 0.0
        self._something = asyncio.Event()
        self._urgent = asyncio.Event()

    async def save(self, call: WebhookCall) -> None:
        """Write down what came of a call that is kept already; returns when it is durable."""
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._tried.append((call, written))
        self._something.set()
        self._urgent.set()
        await written

    def note(self, call: WebhookCall) -> None:
        """Write down a call that has not waited: of a pre-event webhook."""
        if len(self._noted) < NOTED:
            self._noted.append(call)
            self._something.set()

    def skip(self, skipped: Iterable[Skipped]) -> None:
        """Write down what is not called."""
        for one in skipped:
            self._skipped[one] = self._skipped.get(one, 0) + 1
        self._something.set()

    async def run(self) -> None:
        """Write, until cancelled; then what is left."""
        writing: asyncio.Task[bool] | None = None
        try:
            while True:
                await self._something.wait()
                if not self._urgent.is_set():
                    await self._gather()
                self._something.clear()
                self._urgent.clear()
                writing = asyncio.create_task(self._write())
                if not await asyncio.shield(writing):
                    await asyncio.sleep(RETRY_SECONDS)
        finally:
            if writing is not None:
                await asyncio.wait([writing])  # what is being written would be lost with it
            await self._write(all_of_it=True)

    async def forget(self) -> None:
        """Remove what is too old, now and then, until cancelled."""
        while True:
            try:
                more = True
                while more:
                    before = self._world.now() - self._keep_ms
                    more = await commands.run(
                        ForgetCalls(before=before, most=FORGOTTEN), Operator(), self._world
                    )
                    await asyncio.sleep(FORGET_PAUSE_SECONDS)
            except Exception as error:  # noqa: BLE001  # a store that is away for a while comes back
                _log.warning("cannot remove old webhook calls", error=str(error))
            await asyncio.sleep(FORGET_SECONDS)

    async def _gather(self) -> None:
        try:
            async with asyncio.timeout(PAUSE_SECONDS):
                await self._urgent.wait()
        except TimeoutError:
            return

    async def _write(self, *, all_of_it: bool = False) -> bool:
        """Write what waits; False when the store cannot be written now."""
        tried, self._tried = self._tried, []
        noted, self._noted = self._noted, []
        skipped: dict[Skipped, int] = {}
        if all_of_it or time.monotonic() - self._counted_at >= PAUSE_SECONDS:
            skipped, self._skipped = self._skipped, skipped
            self._counted_at = time.monotonic()
        elif self._skipped:
            self._something.set()
        new, counted = self._lines_of(skipped)
        try:
            await self._keep(SaveCalls(tuple(call for call, _ in tried), (*noted, *new), tuple(counted)))
        except ApiError as error:
            _log.warning("cannot write webhook calls down", error=error.detail)
            self._tried = tried + self._tried
            self._noted = (noted + self._noted)[:NOTED]
            self._skip_again(skipped)
            self._urgent.set()
            return False
        for _, written in tried:
            if not written.done():
                written.set_result(None)
        return True

    def _skip_again(self, skipped: dict[Skipped, int]) -> None:
        """Take back what could not be written: in new lines, because it is not known which there are."""
        self._lines.clear()
        for one, times in skipped.items():
            self._skipped[one] = self._skipped.get(one, 0) + times
        self._something.set()

    async def _keep(self, command: SaveCalls) -> None:
        """Write, together; and what cannot be written at all, without what is to blame.

        Raises:
            ApiError: the store is away.
        """
        if not (command.tried or command.noted or command.counted):
            return
        try:
            await commands.run(command, Operator(), self._world)
        except ApiError:
            raise
        except Exception as error:  # noqa: BLE001  # a mistake of ours: it must not hold up everybody else
            _log.error("webhook calls cannot be written together", exc_info=error)
        else:
            return
        for one in _each(command):
            try:
                await commands.run(one, Operator(), self._world)
            except ApiError:
                raise
            except Exception as error:  # noqa: BLE001
                _log.error("a webhook call cannot be written", exc_info=error)

    def _lines_of(
        self, skipped: dict[Skipped, int]
    ) -> tuple[list[WebhookCall], list[tuple[WebhookCall, int]]]:
        """Return the lines to add for what was skipped, and those to count further."""
        now = self._world.now()
        self._lines = {
            one: line for one, line in self._lines.items() if now - line.call.date_created < SAME_MS
        }
        before = set(self._lines)
        for one, more in skipped.items():
            key = one
            if one not in self._lines and len(self._lines) >= LINES:
                key = replace(one, channel_sid=None)
            line = self._lines.get(key)
            if line is None:
                line = _Line(_skipped_call(key, now, self._world.new_sid("WC")), 0)
            self._lines[key] = line._replace(times=line.times + more)

        touched = {one if one in self._lines else replace(one, channel_sid=None) for one in skipped}
        new = [
            replace(line.call, count=line.times)
            for key, line in self._lines.items()
            if key in touched and key not in before
        ]
        counted = [
            (line.call, line.times) for key, line in self._lines.items() if key in touched and key in before
        ]
        return new, counted


def _each(command: SaveCalls) -> Iterator[SaveCalls]:
    """Return a command for each call."""
    yield from (SaveCalls(tried=(call,)) for call in command.tried)
    yield from (SaveCalls(noted=(call,)) for call in command.noted)
    yield from (SaveCalls(counted=(one,)) for one in command.counted)


def _skipped_call(skipped: Skipped, now: Millis, sid: str) -> WebhookCall:
    return WebhookCall(
        sid=sid,
        account_sid=skipped.account_sid,
        service_sid=skipped.service_sid,
        channel_sid=skipped.channel_sid,
        event=skipped.event,
        source=skipped.source,
        via=skipped.via,
        state=CallState.SKIPPED,
        reason=skipped.reason.value,
        date_created=now,
        date_updated=now,
    )
