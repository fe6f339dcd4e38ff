"""What the logs of the command line have in common: the last lines, those that follow, what may be shown."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from typing import TYPE_CHECKING, Protocol, TypeVar

from cyclopts import CycloptsError

from chinwag.app import opened
from chinwag.errors import ApiError, Kinds
from chinwag.settings import without_password

if TYPE_CHECKING:
    from collections.abc import Hashable

    from chinwag.domain.unit import Reader
    from chinwag.ids import Millis
    from chinwag.settings import StoreSettings

R = TypeVar("R")

FOLLOW_SECONDS = 0.5
"""How often `--follow` looks, in seconds."""

OVERLAP_MS = 5000
"""How far back each look goes, in milliseconds: what others wrote just then may be seen a moment later."""

MOST = 10_000
"""Most lines that one look prints."""

READER_GONE = 141
"""The exit status when nobody reads on, as after `| head`: the one that a shell gives to SIGPIPE."""


class Log(Protocol[R]):
    """What is listed, and how."""

    nothing: str
    """What is said when there is nothing; `{}` stands for the database."""

    async def latest(self, tx: Reader, service_sid: str | None, most: int) -> list[R]:
        """Return the last records of a service, or of all, oldest first."""
        ...

    async def changed(self, tx: Reader, service_sid: str | None, since: Millis, most: int) -> list[R]:
        """Return the records that have changed since a moment, in the order of their change."""
        ...

    def line(self, record: R, /) -> str:
        """Return a record in one line."""
        ...

    def version(self, record: R, /) -> Hashable:
        """Return what tells a record from what was printed of it before."""
        ...


async def list_log(
    log: Log[R], settings: StoreSettings, *, service: str | None, last: int, follow: bool
) -> None:
    """Print the last records, and with `follow` what happens from now on, until cancelled.

    Raises:
        CycloptsError: `last` is out of bounds.
        ApiError: there is no such service.
    """
    if not 0 <= last <= MOST:
        raise CycloptsError(f"--last is {last}: it must be 0 to {MOST}")
    async with opened(settings) as parts:
        store = parts.world.store
        since = parts.world.now()
        async with store.reading() as tx:
            await _check_service(tx, service)
            # Before the last ones: what happens in between is then printed, now or at the first look.
            before = await log.changed(tx, service, since - OVERLAP_MS, MOST) if follow else []
            records = await log.latest(tx, service, last)
        if not records and last > 0:
            print(log.nothing.format(without_password(settings.database)), file=sys.stderr)
        for record in records:
            say(log.line(record))
        known = {log.version(record) for record in (*before, *records)}
        while follow:
            await asyncio.sleep(FOLLOW_SECONDS)
            looked = parts.world.now()
            async with store.reading() as tx:
                records = await log.changed(tx, service, since - OVERLAP_MS, MOST)
            for record in records:
                if log.version(record) not in known:
                    say(log.line(record))
            known, since = {log.version(record) for record in records}, looked


async def _check_service(tx: Reader, sid: str | None) -> None:
    if sid is not None and not await tx.webhook_calls.has_service(sid):
        raise ApiError(Kinds.NOT_FOUND, f"there is no service {sid}", path=f"/Services/{sid}")


def say(text: str) -> None:
    """Print a line. Whoever wrote a message or an answer does not command the terminal of an operator."""
    try:
        print(UNSEEN.sub(_escaped, text), flush=True)
    except BrokenPipeError:
        # What could not be written is written again at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(READER_GONE) from None


UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""What controls a terminal, or the direction of a line."""


def _escaped(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode()
