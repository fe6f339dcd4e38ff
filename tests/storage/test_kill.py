from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.kill import kill_rounds

if TYPE_CHECKING:
    from support.torture import Did


@pytest.fixture
def rounds(full_length: bool) -> int:
    return 100 if full_length else 2


@pytest.mark.check(1)
async def test_a_killed_server_has_lost_nothing_that_it_acknowledged(
    database: str, rounds: int, did: Did
) -> None:
    report = await kill_rounds(database, rounds=rounds)

    did(f"{report.rounds} kills under 16 writers of services")
    did(f"{len(report.acknowledged):,} acknowledged, {len(report.lost)} lost")
    assert len(report.acknowledged) > 0
    assert report.clean, report
