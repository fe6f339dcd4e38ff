"""A document of one run: the machine, each figure, its spread and its bar, and a chart beside it.

python -m bench.page RESULT.json docs/performance.md
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from bench.chart import drawn
from bench.rows import Growth, Row, Share, Size, Speed, rows_in

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

HEAD = """\
# Performance

Written by `python -m bench --page {page}` from one run, which began on {began}.
{verdict}

**Only ratios within one run count.** What is compared took turns on one machine, a few seconds each. Rates,
times and sizes are that machine's, that day: another has others, and so has the same one when it is busy.
Do not compare them with figures from elsewhere.

![Each figure against its bar]({chart})
"""

ENDING = """\
A figure is the median of the rounds, and its spread goes from the least to the most of them; one without a
spread was measured once. "In flight" is
the number of requests that wait for their answers at a time. CPU time is that of the server's process alone,
without PostgreSQL's.
"""

SPEEDS = """\
## Answers, against the ceiling

The ceiling is an application that does the least that a durable answer takes, on the same HTTP server: it
parses the form, waits for the disk, and answers the same JSON, without credentials or rules. The ratio is to
its rate in the same round.{peers}
"""

PEERS = {
    "Express": """
Express stands for a chat that one writes oneself, in one process, with socket.io and PostgreSQL: it is
`bench/peers/express/server.cjs`, and has no credentials, rules or webhooks either.""",
    "ejabberd": """
ejabberd takes messages to rooms over its HTTP API and keeps them in PostgreSQL (`bench/peers/ejabberd`); it
answers before a message is written, so its times are those of its answers, and its rate is that at which
messages came into its archive.""",
}

SHARES = """\
## Against something else

What stands after the stroke was measured in the same rounds: the same work with less to do, or the
fastest peer's. More is better. For a message to many it is the same bytes written to as many connections,
without frames or rules. Where clients acknowledge, that is no ceiling: it takes up each acknowledgement as it
comes, and a server leaves those of a crowd to later turns of its loop.
"""

GROWTHS = """\
## From small to large

How much more something takes when there is more of it. Less is better.
"""

SIZES = """\
## Sizes and times

These have no ratio: they are this machine's. Less is better.
"""


def write(result: Path, page: Path) -> None:
    """Write the document of a run, and its chart beside it."""
    run = msgspec.json.decode(result.read_bytes())
    rows = rows_in(run)
    chart = page.with_suffix(".svg")
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(_page(run, rows, page, chart))
    chart.write_text(drawn(rows))


def _page(run: dict[str, Any], rows: list[Row], page: Path, chart: Path) -> str:
    facts = [(name, fact) for name, fact in run.items() if name not in {"began", "rows"}]
    peers = [about for name, about in PEERS.items() if any(row.server == name for row in rows)]
    began = run["began"].partition(".")[0].replace("T", " at ") + " UTC"
    parts = [
        HEAD.format(page=page, began=began, verdict=_verdict(rows), chart=chart.name),
        _table(["", ""], [[name, fact] for name, fact in facts]),
        ENDING,
        *_section(
            SPEEDS.format(peers="".join(peers)),
            rows,
            Speed,
            ["in flight", "each s", "p50 ms", "p99 ms", "CPU µs"],
            _speed,
        ),
        *_section(SHARES, rows, Share, ["figures"], _share),
        *_section(GROWTHS, rows, Growth, ["figures"], _growth),
        *_section(SIZES, rows, Size, [], lambda _: []),
    ]
    return "\n".join(parts)


def _verdict(rows: Sequence[Row]) -> str:
    judged = [row for row in rows if row.met is not None]
    met = sum(1 for row in judged if row.met)
    return f"Of {len(judged)} bars, {met} are met."


def _section(
    text: str, rows: Sequence[Row], kind: type[Any], more: list[str], figures: Callable[[Any], list[str]]
) -> list[str]:
    """Return a text and a table of one kind of rows; nothing if there is none of it."""
    these = [row for row in rows if isinstance(row, kind)]
    if not these:
        return []
    head = ["work", "server", *more, "median" if kind is Size else "ratio", "spread", "bar", ""]
    lines = [[row.work, row.server, *figures(row), *_outcome(row)] for row in these]
    return [text, _table(head, lines)]


def _outcome(row: Row) -> list[str]:
    verdict = "**missed**" if row.met is False else row.verdict
    return [row.measured, row.judged.ends if row.judged else "", row.bar, verdict]


def _speed(row: Speed) -> list[str]:
    return [
        str(row.in_flight),
        f"{row.rate.median:,.0f}",
        f"{row.p50_ms.median:.2f}",
        f"{row.p99_ms.median:.2f}",
        f"{row.cpu_us.median:.0f}",
    ]


def _share(row: Share) -> list[str]:
    return [f"{row.figure.median:,.0f} / {row.best.median:,.0f} {row.unit}"]


def _growth(row: Growth) -> list[str]:
    return [f"{row.small} to {row.large} {row.unit}"]


def _table(head: list[str], lines: list[list[str]]) -> str:
    written = [head, ["---"] * len(head), *lines]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in written)


if __name__ == "__main__":
    write(*(Path(argument) for argument in sys.argv[1:]))
