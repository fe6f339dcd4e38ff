"""A server that is killed while it pushes: whoever was to hear of a message does, after its next start."""

from __future__ import annotations

import pytest

from support.kill_pushes import killed_with_pushes_waiting


@pytest.mark.check(1)
async def test_a_server_that_is_killed_sends_every_push_that_waited(database: str) -> None:
    report = await killed_with_pushes_waiting(database, 120)

    assert report.clean, str(report)
    assert report.before < report.devices
