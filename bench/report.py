"""What came out: a table while it grows, and a file at the end."""

from __future__ import annotations

import os
import platform
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import apsw
import msgspec
import psutil

if TYPE_CHECKING:
    from bench.rows import Row

RESULTS = Path(__file__).parent / "results"

_LIBRARIES = ("chinwag", "uvicorn", "uvloop", "httptools", "falcon", "msgspec", "apsw", "asyncpg")

_HEAD = (
    f"{'work':<24}{'in flight':>9}  {'server':<11}{'each s':>8}{'p50 ms':>8}{'p99 ms':>8}{'CPU µs':>8}"
    f"{'ratio':>8}  {'spread':<12}{'bar':<8}"
)


class Report:
    """Everything of one run."""

    def __init__(self, facts: dict[str, Any]) -> None:
        self._facts = facts
        self._rows: list[Row] = []
        self._began = datetime.now(UTC)
        for name, fact in facts.items():
            print(f"{name:<10}{fact}")
        print(f"\n{_HEAD}", flush=True)

    def add(self, row: Row) -> None:
        """Print a row of the table, and keep it."""
        self.now("")
        self._rows.append(row)
        print(row.line().rstrip(), flush=True)

    def now(self, doing: str, nth: int | None = None, rounds: int = 0) -> None:
        """Show what is being done, and in which round: on a terminal in place, elsewhere once, as a line."""
        if sys.stdout.isatty():
            turn = "" if nth is None else f", round {nth + 1} of {rounds}"
            print(f"\r\033[K{doing}{turn}", end="", flush=True)
        elif doing and not nth:
            print(f"… {doing}", file=sys.stderr, flush=True)

    def keep(self) -> Path:
        """Write everything into a file and return it."""
        RESULTS.mkdir(exist_ok=True)
        path = RESULTS / f"{self._began:%Y-%m-%dT%H-%M-%SZ}.json"
        rows = [{**msgspec.to_builtins(row), "met": row.met} for row in self._rows]
        facts = {"began": self._began, **self._facts}
        path.write_bytes(msgspec.json.format(msgspec.json.encode({**facts, "rows": rows}), indent=2))
        return path

    def verdict(self) -> str:
        """Return one line that says how many bars were met."""
        judged = [row for row in self._rows if row.met is not None]
        missed = [row.name for row in judged if not row.met]
        if not judged:
            return "None of this has a bar."
        if not missed:
            return f"All {len(judged)} bars met."
        return f"{len(judged) - len(missed)} of {len(judged)} bars met; missed: {', '.join(missed)}."


def facts(folder: Path) -> dict[str, str]:
    """Return what the figures depend on besides our code: the machine and the versions."""
    load = os.getloadavg()[0]
    return {
        "machine": f"{_processor()}, {os.cpu_count()} cores, "
        f"{psutil.virtual_memory().total / 2**30:.0f} GB, load {load:.1f} before the run",
        "disk": f"{folder.parent} on {_file_system(folder)}",
        "system": f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
        "versions": ", ".join(f"{name} {version(name)}" for name in _LIBRARIES)
        + f", SQLite {apsw.sqlite_lib_version()}",
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _file_system(folder: Path) -> str:
    """Return the kind of file system that a folder is on: figures from one in memory mean nothing."""
    holding = [
        disk for disk in psutil.disk_partitions(all=True) if folder.resolve().is_relative_to(disk.mountpoint)
    ]
    return max(holding, key=lambda disk: len(disk.mountpoint)).fstype if holding else "unknown"
