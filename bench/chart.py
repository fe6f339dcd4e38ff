"""A chart of one run: how far each figure that has a bar is beyond it, or short of it.

python -m bench.chart RESULT.json      writes RESULT.svg beside it
"""

from __future__ import annotations

import sys
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from bench.rows import rows_in

if TYPE_CHECKING:
    from bench.rows import Row

WIDTH, LABEL, ROW, TOP = 1_040, 430, 24, 56
"""In pixels: of the chart, of the names at its left, of one row, and of what is above the first."""

FURTHEST = 3.0
"""Where the axis ends, as a multiple of what is asked; what goes further is cut off there."""

SCALE = (WIDTH - LABEL - 170) / FURTHEST
ASKED = LABEL + SCALE

READ_IT = (
    "Longer is better, also where little is asked for. "
    "What reaches the dashed line meets its bar; the thin lines are the spread."
)

STYLE = """
  svg { background: #ffffff; font: 13px system-ui, sans-serif }
  text { fill: #1f2328 }
  .quiet { fill: #59636e }
  .met { fill: #2f7d6b }
  .missed { fill: #c2591b }
  line { stroke: #1f2328; stroke-width: 1.5 }
  .asked { stroke-dasharray: 4 3 }
  @media (prefers-color-scheme: dark) {
    svg { background: #0d1117 }
    text { fill: #f0f6fc }
    .quiet { fill: #9198a1 }
    .met { fill: #2ea38a }
    .missed { fill: #f0883e }
    line { stroke: #f0f6fc }
  }
"""


def drawn(rows: list[Row]) -> str:
    """Return the chart of those rows that have a bar."""
    judged = [row for row in rows if row.met is not None]
    height = TOP + ROW * len(judged) + 12
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
            f"<title>Each figure against its bar</title><style>{STYLE}</style>",
            f'<text class="quiet" x="10" y="22">{READ_IT}</text>',
            f'<text class="quiet" x="{ASKED:.0f}" y="44" text-anchor="middle">asked</text>',
            *(line for nth, row in enumerate(judged) for line in _row(row, TOP + ROW * nth)),
            f'<line class="asked" x1="{ASKED:.0f}" y1="50" x2="{ASKED:.0f}" y2="{height - 8}"/>',
            "</svg>\n",
        ]
    )


def _row(row: Row, top: int) -> list[str]:
    """Return what is drawn of one row: its name, its length, its spread, and its figure."""
    assert row.judged is not None
    end, one, other = (
        LABEL + SCALE * min(FURTHEST, _reach(row, figure))
        for figure in (row.judged.median, row.judged.least, row.judged.most)
    )
    middle, foot = top + ROW // 2, top + ROW // 2 + 4
    colour, length = "met" if row.met else "missed", f"{end - LABEL:.1f}"
    said = f"{row.measured}, asked {row.bar}" + ("" if row.met else ": missed")
    return [
        f'<text x="{LABEL - 10}" y="{foot}" text-anchor="end">{escape(row.name)}</text>',
        f'<rect class="{colour}" x="{LABEL}" y="{top + 4}" width="{length}" height="{ROW - 8}" rx="2"/>',
        f'<line x1="{one:.1f}" y1="{middle}" x2="{other:.1f}" y2="{middle}"/>',
        f'<text class="quiet" x="{max(end, one, other, ASKED) + 8:.1f}" y="{foot}">{escape(said)}</text>',
    ]


def _reach(row: Row, figure: float) -> float:
    """Return how many times a figure has what is asked; where less is better, how often it fits into that."""
    if row.least is not None:
        return figure / row.least
    assert row.most is not None
    return row.most / figure if figure > 0 else FURTHEST


def beside(result: Path) -> Path:
    """Write the chart of a run beside its file, and return where it is."""
    path = result.with_suffix(".svg")
    path.write_text(drawn(rows_in(msgspec.json.decode(result.read_bytes()))))
    return path


if __name__ == "__main__":
    print(beside(Path(sys.argv[1])))
