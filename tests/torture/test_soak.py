"""Minutes of load leave a server's memory, files and speed as they were."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

import pytest

from support.soak import soak, spread

if TYPE_CHECKING:
    from support.torture import Did

SECONDS = 600
"""How long, in seconds. In the first fifth caches of pages and statements fill, each of which has a bound."""

MOST_MB_A_MINUTE = 0.1
MOST_FILES = 10
"""How many more files may be open in the last fifth than in the second: of clients that come and go."""

MOST_P99 = 1.1
"""By how much the p99 of the last fifth may be above that of the second, each as the median of ten windows;
and besides by as much as the windows of one fifth differ among themselves."""


@pytest.mark.check(29)
async def test_everything_at_once_loses_nothing(database: str, did: Did) -> None:
    seen = await soak(database, seconds=0.5, peak_seconds=0.2)

    did("messages, webhooks, typing, read horizons and clients that come and go, all at once: nothing lost")
    assert seen.seen is not None
    assert (seen.missing, seen.untold, seen.seen.wrong, seen.seen.failures) == (0, 0, 0, [])


@pytest.mark.check(29)
@pytest.mark.clock
async def test_minutes_of_load_leave_everything_as_it_was(database: str, did: Did) -> None:
    seen = await soak(database, SECONDS)

    slope, files = seen.memory_slope(), (seen.files(1), seen.files(4))
    first, last = seen.p99s(1), seen.p99s(4)
    noise = max(spread(first), spread(last))
    assert seen.seen is not None
    did(f"{len(seen.took):,} messages in {SECONDS // 60} minutes, half of {seen.peak:,.0f} a second")
    did(f"{seen.seen.returned:,} reconnections, {seen.seen.acted:,} times typed or read")
    did(
        f"memory {seen.looks[-1][1]:.0f} MB, {slope:+.2f} MB a minute; {files[0]} files open, then {files[1]}"
    )
    did(f"p99 {1000 * median(first):.1f} ms, then {1000 * median(last):.1f} ms, noise {1000 * noise:.1f} ms")
    assert (seen.missing, seen.untold, seen.seen.wrong, seen.seen.failures) == (0, 0, 0, [])
    assert slope < MOST_MB_A_MINUTE
    assert files[1] <= files[0] + MOST_FILES
    assert median(last) <= MOST_P99 * median(first) + noise
