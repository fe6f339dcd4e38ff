"""A power cut: only what was flushed is sure to be there, and everything that was acknowledged is."""

from __future__ import annotations

import random
import shutil
from typing import TYPE_CHECKING

import apsw
import pytest

from support.known import known_server
from support.load_of_messages import Load, Posted, a_load
from support.power import Disk, a_disk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.torture import Did

pytestmark = [pytest.mark.usefixtures("engine"), pytest.mark.parametrize("engine", ["sqlite"], indirect=True)]

BETWEEN = 1, 60
"""How many messages are acknowledged between two cuts, about."""


@pytest.fixture
def cuts(full_length: bool) -> int:
    return 300 if full_length else 8


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "chinwag.db"


@pytest.fixture
def disk() -> Iterator[Disk]:
    with a_disk() as disk:
        yield disk


@pytest.fixture
def base(disk: Disk, path: Path, tmp_path: Path) -> Iterator[str]:
    with known_server(tmp_path, f"sqlite:///{path}") as base:
        yield base


@pytest.mark.check(2)
async def test_a_power_cut_loses_nothing_that_was_acknowledged(
    base: str, disk: Disk, path: Path, cuts: int, did: Did
) -> None:
    dice = random.Random(1)
    wrong: list[str] = []

    async with a_load(base) as load, load.writing():
        for number in range(cuts):
            await load.more(dice.randint(*BETWEEN))
            acknowledged = set(load.acknowledged)
            left = disk.cut(path, path.with_name(f"cut-{number}"), dice)
            wrong += wrong_in(left, load, acknowledged)
            shutil.rmtree(left.parent)

    did(f"{cuts} cuts at any moment under 16 writers; what was not flushed yet was kept, torn or lost")
    did(
        f"{len(load.acknowledged):,} acknowledged with {disk.flushes:,} flushes, {len(wrong)} lost or damaged"
    )
    assert wrong == []


@pytest.mark.check(5)
async def test_what_is_not_flushed_is_not_acknowledged(base: str, disk: Disk, did: Did) -> None:
    async with a_load(base) as load:
        async with load.writing():
            await load.more(50)
            disk.refuses = True
            await load.until(lambda: load.refused.total() >= 100)
            acknowledged = len(load.acknowledged)
            await load.until(lambda: load.refused.total() >= 200)
            acknowledged_meanwhile = len(load.acknowledged) - acknowledged
            disk.refuses = False
            await load.more(50)
        wrong = await load.wrong()

    did(f"{disk.refused} flushes failed: {load.refused.total()} answered 503, none acknowledged")
    assert acknowledged_meanwhile == 0
    assert set(load.refused) == {503}
    assert wrong == []


def wrong_in(path: Path, load: Load, acknowledged: set[str]) -> list[str]:
    """Open what was left of a database, and compare it with what was acknowledged by then."""
    connection = apsw.Connection(str(path), vfs="unix")
    try:
        wrong = [row[0] for row in connection.execute("PRAGMA integrity_check") if row[0] != "ok"]
        wrong += [f"row {row} points to nothing" for row in connection.execute("PRAGMA foreign_key_check")]
        for channel in load.channels:
            rows = connection.execute(_MESSAGES, (channel.rpartition("/")[2],))
            there = [(sid, Posted(channel, index, body)) for sid, index, body in rows]
            wrong += load.differences(channel, there, acknowledged)
        return wrong
    finally:
        connection.close()


_MESSAGES = """
    SELECT message.sid, "index", body FROM message JOIN channel ON channel.id = channel_id
    WHERE channel.sid = ? ORDER BY "index"
"""
