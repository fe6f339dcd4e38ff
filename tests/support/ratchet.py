"""Tests reach no less of the code than they did: `make ratchet`, after `make test`.

What decides who may do what, and what keeps it, is reached to the last branch. Of every other file
`tests/coverage.json` says how much has been reached once; `--raise` writes down what is higher now. A figure
goes down by hand alone, in a commit that says why.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple, TypeAlias

from coverage import Coverage, CoverageException

PROJECT = Path(__file__).parents[2]
FIGURES = PROJECT / "tests/coverage.json"

WHOLE = (
    "src/chinwag/commands.py",
    "src/chinwag/auth/",
    "src/chinwag/domain/",
    "src/chinwag/storage/",
)
"""What is reached to the last statement and branch."""

SLACK = 0.5
"""By how much a figure may be lower elsewhere, in points: which side wins a race depends on the machine."""

FEW = 3
"""How many statements and branches may be missing for the same reason: of a small file, each is points."""

Figures: TypeAlias = dict[str, float]
"""By file: how many of a hundred statements and branches are reached, rounded down to a tenth."""


class Reached(NamedTuple):
    """How much of a file is reached, as in `Figures`, and how many statements and branches it has."""

    figure: float
    size: int


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m support.ratchet", description=__doc__)
    parser.add_argument("--raise", action="store_true", dest="raises", help="write down what is higher now")
    parser.add_argument("--data", type=Path, default=PROJECT / ".coverage", help="what a whole run measured")
    asked = parser.parse_args(arguments)

    try:
        now = measured(asked.data)
    except CoverageException as error:
        nothing = f"There is nothing to compare: {str(error).rstrip('.')}. `make test` measures it."
        print(nothing, file=sys.stderr)  # noqa: T201
        return 2
    known = json.loads(FIGURES.read_text())
    if asked.raises:
        known = raised(known, now)
        FIGURES.write_text(json.dumps(known, indent=2, sort_keys=True) + "\n")

    fallen = complaints(known, now)
    print("\n".join(fallen or [f"Tests reach as much as before of all {len(now)} files."]))  # noqa: T201
    return 1 if fallen else 0


def measured(data: Path) -> dict[str, Reached]:
    """Return how much was reached of each file.

    Raises:
        CoverageException: there are no data.
    """
    coverage = Coverage(data_file=str(data), config_file=str(PROJECT / "pyproject.toml"))
    coverage.load()
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        coverage.json_report(outfile=str(report))
        files = json.loads(report.read_text())["files"]
    return {relative(path): reached(**file["summary"]) for path, file in files.items()}


def relative(path: str) -> str:
    """`/anywhere/src/chinwag/app.py` → `src/chinwag/app.py`."""
    return path[path.index("src/chinwag/") :]


def reached(*, percent_covered: float, num_statements: int, num_branches: int, **_: object) -> Reached:
    return Reached(rounded(percent_covered), num_statements + num_branches)


def rounded(percent: float) -> float:
    # 99.9999… is what a sum of floats may come to; but 99.99 is not a hundred.
    return math.floor(round(percent * 10, 6)) / 10


def complaints(known: Figures, now: dict[str, Reached]) -> list[str]:
    """Return a line for each file of which less is reached than before."""
    lines: list[str] = []
    for file in sorted({*known, *now}):
        found, size = now.get(file, (None, 0))
        before = known.get(file)
        if file.startswith(WHOLE):
            if found is not None and found < 100:
                lines.append(f"{file}: {found} % is reached, and all of it must be")
        elif found is None:
            lines.append(f"{file}: not measured; a file that is gone is forgotten with --raise")
        elif before is None:
            lines.append(f"{file}: {found} % is reached, and no figure is kept yet; --raise keeps it")
        elif found < before - max(SLACK, 100 * FEW / max(size, 1)):
            lines.append(f"{file}: {found} % is reached, and it was {before} %")
    return lines


def raised(known: Figures, now: dict[str, Reached]) -> Figures:
    """Return the figures with what is higher or new, without files that are gone or reached wholly."""
    return {
        file: max(figure, known.get(file, 0.0))
        for file, (figure, _) in now.items()
        if not file.startswith(WHOLE)
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
