"""A disk under SQLite that knows what it has flushed: what a power cut leaves of it, and a flush that fails.

It stands between SQLite and the real files. What was written since the last `fsync` of a file may be there
after a power cut, or not, or in part: each piece for itself, cut anywhere at a sector.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import apsw

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

SECTOR = 512
"""What a disk writes whole or not at all, in bytes."""

NAME = "power"


@dataclass
class Kept:
    """One file: what is on the disk for sure, and what may be: offsets and bytes; None is an end there."""

    sure: bytearray = field(default_factory=bytearray)
    unsure: list[tuple[int, bytes | None]] = field(default_factory=list)

    def flushed(self) -> None:
        for offset, data in self.unsure:
            _put(self.sure, offset, data)
        self.unsure.clear()

    def after_a_cut(self, dice: random.Random) -> bytes:
        """Return what might be left of it."""
        left = bytearray(self.sure)
        for offset, data in self.unsure:
            how = dice.choice(("whole", "torn", "never"))
            if how == "whole" or (how == "torn" and data is None):
                _put(left, offset, data)
            elif how == "torn" and data is not None:
                _put(left, offset, data[: dice.randrange(0, len(data) + 1, SECTOR)])
        return bytes(left)


def _put(content: bytearray, offset: int, data: bytes | None) -> None:
    if data is None:
        del content[offset:]
        return
    if len(content) < offset:
        content.extend(bytes(offset - len(content)))
    content[offset : offset + len(data)] = data


class Disk:
    """What is on the disk, by the path of each file."""

    def __init__(self) -> None:
        self.files: dict[str, Kept] = {}
        self.flushes = 0
        self.refused = 0
        self.refuses = False
        """Whether flushes fail."""
        self._lock = threading.Lock()

    def wrote(self, path: str, offset: int, data: bytes | None) -> None:
        with self._lock:
            self.files.setdefault(path, Kept()).unsure.append((offset, data))

    def flush(self, path: str) -> None:
        """Take note of a flush that is over.

        Raises:
            apsw.IOError: flushes fail.
        """
        with self._lock:
            if self.refuses:
                self.refused += 1
                raise apsw.IOError("the disk does not flush")
            self.flushes += 1
            self.files.setdefault(path, Kept()).flushed()

    def removed(self, path: str) -> None:
        with self._lock:
            self.files.pop(path, None)

    def cut(self, database: Path, place: Path, dice: random.Random) -> Path:
        """Leave in a folder what a power cut at this moment leaves of a database, and return its path."""
        place.mkdir()
        with self._lock:
            left = {
                path: kept.after_a_cut(dice)
                for path, kept in self.files.items()
                if path.startswith(str(database))
            }
        for path, content in left.items():
            (place / Path(path).name).write_bytes(content)
        return place / database.name


class _File(apsw.VFSFile):
    def __init__(self, disk: Disk, name: apsw.URIFilename | str | None, flags: list[int]) -> None:
        super().__init__("unix", name, flags)
        self._disk = disk
        self._path = name.filename() if isinstance(name, apsw.URIFilename) else name

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802  # SQLite's names
        super().xWrite(data, offset)
        if self._path is not None:
            self._disk.wrote(self._path, offset, bytes(data))

    def xTruncate(self, newsize: int) -> None:  # noqa: N802
        super().xTruncate(newsize)
        if self._path is not None:
            self._disk.wrote(self._path, newsize, None)

    def xSync(self, flags: int) -> None:  # noqa: N802
        if self._path is not None:
            self._disk.flush(self._path)
        super().xSync(flags)


class _Files(apsw.VFS):
    def __init__(self, disk: Disk) -> None:
        super().__init__(NAME, base="unix", makedefault=True)
        self._disk = disk

    def xOpen(self, name: apsw.URIFilename | str | None, flags: list[int]) -> _File:  # noqa: N802
        return _File(self._disk, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802
        super().xDelete(filename, syncdir)
        self._disk.removed(filename)


@contextmanager
def a_disk() -> Iterator[Disk]:
    """Put a disk under every database that is opened in this process meanwhile."""
    disk = Disk()
    files = _Files(disk)
    try:
        yield disk
    finally:
        files.unregister()
        apsw.set_default_vfs("unix")
