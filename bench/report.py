"""What came out: a table while it grows, and a file at the end."""

from __future__ import annotations

import os
import platform
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import apsw
import msgspec
import psutil

RESULTS = Path(__file__).parent / "results"

_LIBRARIES = ("chinwag", "uvicorn", "uvloop", "httptools", "falcon", "msgspec", "apsw", "asyncpg")

_HEAD = (
    f"{'work':<24}{'in flight':>9}  {'server':<11}{'each s':>8}{'p50 ms':>8}{'p99 ms':>8}{'CPU µs':>8}"
    f"{'ratio':>8}  {'spread':<12}{'bar':<8}"
)


class Spread(msgspec.Struct, frozen=True):
    """A figure that was taken several times."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, figures: list[float]) -> Spread:
        return cls(median(figures), min(figures), max(figures))


class Speed(msgspec.Struct, frozen=True, kw_only=True):
    """How fast one server did one work.

    Args:
        rate: answers a second.
        cpu_us: CPU time of the server for one answer, in microseconds; a PostgreSQL is not counted in.
        answer_bytes: size of the body of an answer.
        load_busy: share of one core that the load took at most; near 1 it was the load that was measured.
        ratio: of its rate to that of the ceiling in the same round; None for the ceiling.
        least: what the median of the ratio has to reach, where there is a bar.
    """

    work: str
    in_flight: int
    server: str
    rate: Spread
    p50_ms: Spread
    p99_ms: Spread
    cpu_us: Spread
    answer_bytes: int
    load_busy: float
    ratio: Spread | None = None
    least: float | None = None

    @property
    def name(self) -> str:
        return f"{self.work} with {self.in_flight} in flight on {self.server}"

    @property
    def met(self) -> bool | None:
        return None if self.least is None or self.ratio is None else self.ratio.median >= self.least

    def line(self) -> str:
        figures = (
            f"{self.work:<24}{self.in_flight:>9}  {self.server:<11}{self.rate.median:>8,.0f}"
            f"{self.p50_ms.median:>8.2f}{self.p99_ms.median:>8.2f}{self.cpu_us.median:>8.0f}"
        )
        if self.ratio is None:
            return figures
        bar = "" if self.least is None else f"≥ {self.least:.2f}"
        return f"{figures}{self.ratio.median:>8.3f}  {_spread(self.ratio):<12}{bar:<8}{_verdict(self.met)}"


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """How long, or how large, something is: less is better."""

    work: str
    server: str
    unit: str
    size: Spread
    most: float | None = None

    @property
    def name(self) -> str:
        return f"{self.work} on {self.server}"

    @property
    def met(self) -> bool | None:
        return None if self.most is None else self.size.median <= self.most

    def line(self) -> str:
        bar = "" if self.most is None else f"≤ {self.most:g}"
        measure = f"{_figure(self.size)} {self.unit}"
        return (
            f"{self.work:<35}{self.server:<11}{measure:>40}  "
            f"{_spread(self.size):<12}{bar:<8}{_verdict(self.met)}"
        )


class Growth(msgspec.Struct, frozen=True, kw_only=True):
    """How a figure of one server grew from a small piece of work to a large one: less is better.

    Args:
        ratio: of the large one's figure to that of the small one in the same round.
        most: what the median of the ratio may be.
    """

    work: str
    server: str
    unit: str
    small: Spread
    large: Spread
    ratio: Spread
    most: float

    @property
    def name(self) -> str:
        return f"{self.work} on {self.server}"

    @property
    def met(self) -> bool:
        return self.ratio.median <= self.most

    def line(self) -> str:
        figures = f"{_figure(self.small)} to {_figure(self.large)} {self.unit}"
        bar = f"≤ {self.most:.2f}"
        return (
            f"{self.work:<35}{self.server:<11}{figures:>32}{self.ratio.median:>8.3f}  "
            f"{_spread(self.ratio):<12}{bar:<8}{_verdict(self.met)}"
        )


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """How much of the best there could be a server reaches: more is better.

    Args:
        best: what something else does that does less, in the same rounds.
        ratio: of the figure to the best one in the same round.
        least: what the median of the ratio has to reach, where there is a bar.
        load_busy: share of one core that the load took at most; near 1 it was the load that was measured.
    """

    work: str
    server: str
    unit: str
    figure: Spread
    best: Spread
    ratio: Spread
    load_busy: float
    least: float | None = None

    @property
    def name(self) -> str:
        return f"{self.work} on {self.server}"

    @property
    def met(self) -> bool | None:
        return None if self.least is None else self.ratio.median >= self.least

    def line(self) -> str:
        figures = f"{self.figure.median:,.0f} of {self.best.median:,.0f} {self.unit}"
        bar = "" if self.least is None else f"≥ {self.least:.2f}"
        return (
            f"{self.work:<35}{self.server:<11}{figures:>32}{self.ratio.median:>8.3f}  "
            f"{_spread(self.ratio):<12}{bar:<8}{_verdict(self.met)}"
        )


class Report:
    """Everything of one run."""

    def __init__(self, facts: dict[str, Any]) -> None:
        self._facts = facts
        self._rows: list[Speed | Size | Growth | Share] = []
        self._began = datetime.now(UTC)
        for name, fact in facts.items():
            print(f"{name:<10}{fact}")
        print(f"\n{_HEAD}", flush=True)

    def add(self, row: Speed | Size | Growth | Share) -> None:
        """Print a row of the table, and keep it."""
        self.now("")
        self._rows.append(row)
        print(row.line().rstrip(), flush=True)

    def now(self, doing: str) -> None:
        """Show what is being done, where somebody watches."""
        if sys.stdout.isatty():
            print(f"\r\033[K{doing}", end="", flush=True)

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


def _figure(spread: Spread) -> str:
    return f"{spread.median:,.2f}" if spread.median < 10 else f"{spread.median:,.1f}"


def _spread(spread: Spread) -> str:
    return "" if spread.least == spread.most else f"{spread.least:.2f}-{spread.most:.2f}"


def _verdict(met: bool | None) -> str:  # noqa: FBT001
    return {None: "", True: "met", False: "MISSED"}[met]
