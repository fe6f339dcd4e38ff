from __future__ import annotations

from support.kill import kill_rounds


async def test_a_killed_server_has_lost_nothing_that_it_acknowledged(database: str) -> None:
    report = await kill_rounds(database, rounds=2)

    assert len(report.acknowledged) > 0
    assert report.clean, report
