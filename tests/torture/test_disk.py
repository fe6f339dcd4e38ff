"""A disk that is full, or that refuses to write: what is answered, what is kept, and what comes after."""

from __future__ import annotations

import os
import resource
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from support.kill import serving
from support.load_of_messages import Load, a_load

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.torture import Did

pytestmark = [pytest.mark.usefixtures("engine"), pytest.mark.parametrize("engine", ["sqlite"], indirect=True)]

FULL_MB = 6
BALLAST_BYTES = 3 * 2**20
"""What is thrown out to make room."""

LONG = 8_000
"""Of a message that fills disks, in characters."""


@pytest.fixture
def rounds(full_length: bool) -> int:
    return 10 if full_length else 1


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, of a few megabytes."""
    if os.geteuid() != 0:
        pytest.skip("a small file system can be mounted by root only")
    place = tmp_path / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={FULL_MB}m", "chinwag-tests", str(place)]
    mounted = subprocess.run(mount, capture_output=True, text=True, check=False)
    if mounted.returncode != 0:
        pytest.skip(f"a small file system cannot be mounted here: {mounted.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.mark.check(3)
async def test_a_full_disk_refuses_messages_reads_on_and_heals_without_a_restart(
    small_disk: Path, did: Did
) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(BALLAST_BYTES))
    database = f"sqlite:///{small_disk}/chinwag.db"

    async with serving(database) as (base, server), a_load(base, size=LONG) as load:
        async with load.writing():
            await load.until(lambda: load.refused.total() >= 100)
            kept = len(load.acknowledged)
            assert all([await load.messages(channel) for channel in load.channels])
            ballast.unlink()
            seconds = await load.more(20)
        assert server.returncode is None
        assert await load.wrong() == []
        server.kill()
        await server.wait()
        async with serving(database) as (load.base, _):
            wrong = await load.wrong()

    did(
        f"{FULL_MB} MB filled: {kept:,} acknowledged, {load.refused.total():,} answered 503, "
        f"{len(wrong)} lost"
    )
    did(f"20 more within {seconds:.2f} s of room, without a restart")
    assert set(load.refused) == {503}
    assert load.broken == 0
    assert wrong == []


@pytest.mark.check(5)
async def test_what_the_disk_refuses_is_never_acknowledged(tmp_path: Path, rounds: int, did: Did) -> None:
    database = f"sqlite:///{tmp_path}/chinwag.db"

    async with serving(database) as (base, server), a_load(base) as load:
        async with load.writing():
            for number in range(1, rounds + 1):
                await load.more(50)
                with limited_files(server.pid, tmp_path / "chinwag.db-wal"):
                    await load.until(lambda number=number: load.refused.total() >= 50 * number)
                    await see_that_it_reads(load)
                await load.more(50)
        server.kill()
        await server.wait()
        async with serving(database) as (load.base, _):
            wrong = await load.wrong()

    did(f"{rounds} times no write got through: {load.refused.total():,} answered 503")
    did(f"{len(load.acknowledged):,} acknowledged, {len(wrong)} lost")
    assert set(load.refused) == {503}
    assert wrong == []


async def see_that_it_reads(load: Load) -> None:
    async with load.session.get(f"{load.base}{load.channels[0]}/Messages") as answer:
        assert answer.status == 200


@contextmanager
def limited_files(process: int, log: Path) -> Iterator[None]:
    """Let no file of a process grow beyond what the write-ahead log is now: the system refuses with EFBIG."""
    before = resource.prlimit(process, resource.RLIMIT_FSIZE)
    resource.prlimit(process, resource.RLIMIT_FSIZE, (log.stat().st_size, before[1]))
    try:
        yield
    finally:
        resource.prlimit(process, resource.RLIMIT_FSIZE, before)
