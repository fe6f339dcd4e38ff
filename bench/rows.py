"""What is measured, row by row: how a figure is judged and printed, and read from a file again."""

from __future__ import annotations

from statistics import median
from typing import Any

import msgspec


class Spread(msgspec.Struct, frozen=True):
    """A figure that was taken several times."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, figures: list[float]) -> Spread:
        return cls(median(figures), min(figures), max(figures))

    @property
    def ends(self) -> str:
        return "" if self.least == self.most else f"{self.least:.2f}-{self.most:.2f}"

    def __str__(self) -> str:
        return f"{self.median:,.2f}" if self.median < 10 else f"{self.median:,.1f}"


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A figure of a server, and what is asked of it where there is a bar.

    Args:
        least: what the median has to reach.
        most: what the median may be.
    """

    work: str
    server: str
    least: float | None = None
    most: float | None = None

    @property
    def name(self) -> str:
        return f"{self.work} on {self.server}"

    @property
    def judged(self) -> Spread | None:
        """The figure that a bar is for."""
        raise NotImplementedError

    @property
    def measured(self) -> str:
        """That figure, with its unit."""
        return "" if self.judged is None else f"{self.judged.median:.3f}"

    @property
    def met(self) -> bool | None:
        if self.judged is None:
            return None
        if self.least is not None:
            return self.judged.median >= self.least
        return None if self.most is None else self.judged.median <= self.most

    @property
    def bar(self) -> str:
        if self.least is not None:
            return f"≥ {self.least:g}"
        return "" if self.most is None else f"≤ {self.most:g}"

    @property
    def verdict(self) -> str:
        return {None: "", True: "met", False: "MISSED"}[self.met]

    def line(self) -> str:
        """Return the row as the table on a terminal has it."""
        raise NotImplementedError

    def _outcome(self) -> str:
        spread = "" if self.judged is None else self.judged.ends
        return f"{spread:<12}{self.bar:<8}{self.verdict}"


class Speed(Row, frozen=True, kw_only=True):
    """How fast one server did one work.

    Args:
        rate: answers a second.
        cpu_us: CPU time of the server for one answer, in microseconds; a PostgreSQL is not counted in.
        answer_bytes: size of the body of an answer.
        load_busy: share of one core that the load took at most; near 1 it was the load that was measured.
        ratio: of its rate to that of the ceiling in the same round; None for the ceiling.
    """

    in_flight: int
    rate: Spread
    p50_ms: Spread
    p99_ms: Spread
    cpu_us: Spread
    answer_bytes: int
    load_busy: float
    ratio: Spread | None = None

    @property
    def name(self) -> str:
        return f"{self.work} with {self.in_flight} in flight on {self.server}"

    @property
    def judged(self) -> Spread | None:
        return self.ratio

    def line(self) -> str:
        figures = (
            f"{self.work:<24}{self.in_flight:>9}  {self.server:<11}{self.rate.median:>8,.0f}"
            f"{self.p50_ms.median:>8.2f}{self.p99_ms.median:>8.2f}{self.cpu_us.median:>8.0f}"
        )
        return f"{figures}{self.measured:>8}  {self._outcome()}"


class Size(Row, frozen=True, kw_only=True):
    """How long, or how large, something is: less is better."""

    unit: str
    size: Spread

    @property
    def judged(self) -> Spread:
        return self.size

    @property
    def measured(self) -> str:
        return f"{self.size} {self.unit}"

    def line(self) -> str:
        return f"{self.work:<35}{self.server:<11}{self.measured:>40}  {self._outcome()}"


class Growth(Row, frozen=True, kw_only=True):
    """How a figure of one server grew from a small piece of work to a large one: less is better.

    Args:
        ratio: of the large one's figure to that of the small one in the same round.
    """

    unit: str
    small: Spread
    large: Spread
    ratio: Spread

    @property
    def judged(self) -> Spread:
        return self.ratio

    def line(self) -> str:
        figures = f"{self.small} to {self.large} {self.unit}"
        return f"{self.work:<35}{self.server:<11}{figures:>32}{self.measured:>8}  {self._outcome()}"


class Share(Row, frozen=True, kw_only=True):
    """How much of what something else does a server reaches: more is better.

    Args:
        best: what something else does in the same rounds: the same with less to do, or a peer.
        ratio: of the figure to the best one in the same round.
        load_busy: share of one core that the load took at most; near 1 it was the load that was measured.
    """

    unit: str
    figure: Spread
    best: Spread
    ratio: Spread
    load_busy: float

    @property
    def judged(self) -> Spread:
        return self.ratio

    def line(self) -> str:
        figures = f"{self.figure.median:,.0f} / {self.best.median:,.0f} {self.unit}"
        return f"{self.work:<35}{self.server:<11}{figures:>32}{self.measured:>8}  {self._outcome()}"


_KINDS: dict[str, type[Row]] = {"rate": Speed, "size": Size, "small": Growth, "best": Share}
"""By a field that no other kind has."""


def rows_in(result: dict[str, Any]) -> list[Row]:
    """Return the rows in what was kept of a run."""
    return [
        msgspec.convert(row, kind) for row in result["rows"] for own, kind in _KINDS.items() if own in row
    ]
