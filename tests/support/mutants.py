"""Code that is wrong in one place, and whether the tests see it: `make mutants`.

Each mutant of a few files that others rest on is written into a copy of the project, and its tests are run
there. A mutant that they let pass survives, and is printed: a test is missing, or the place makes no
difference.
"""

from __future__ import annotations

import argparse
import ast
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PROJECT = Path(__file__).parents[2]

SECONDS = 90
"""How long the tests of a mutant may take. One that never ends is seen too."""

TESTS = {
    "domain/permissions.py": ("tests/domain/test_permissions.py", "tests/domain/test_rights.py"),
    "domain/rights.py": (
        "tests/domain/test_rights.py",
        "tests/domain/test_corners.py",
        "tests/domain/test_acting.py",
    ),
    "storage/lane.py": ("tests/storage/test_lane.py", "tests/storage/test_corners.py"),
    "storage/sqlite.py": (
        "tests/storage/test_sqlite.py",
        "tests/storage/test_store.py",
        "tests/storage/test_migrations.py",
        "tests/storage/test_user.py",
        "tests/storage/test_corners.py",
    ),
}
"""Below src/chinwag, what is changed, and the tests that should see it."""

HARMLESS = {
    "storage/lane.py": {
        "256 → 257": "one change more or less in a batch is as good",
        "True → False": "what is zipped has one length, which `strict` only asserts",
    },
    "storage/sqlite.py": {
        "256 → 257": "one change more or less in a batch is as good",
        "len(batch) < BATCH_CHANGES → len(batch) <= BATCH_CHANGES": "the same",
        "time.perf_counter() < until → time.perf_counter() <= until": "no two moments are the same",
        "time.monotonic() > deadline → time.monotonic() >= deadline": "nor are these",
        "1 → 2": "of two threads one would be idle; a switch that is 2 is on as well",
        "0 → 1": "a moment that nobody gives is not looked at",
        "200 → 201": "one statement more is remembered",
    },
}
"""Below src/chinwag, the mutants that no test can see, and why it is no matter."""

OTHER: dict[type[ast.AST], type[ast.AST]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.And: ast.Or,
    ast.Or: ast.And,
}


@dataclass(frozen=True)
class Place:
    """A place of a tree that can be made wrong.

    Args:
        node: what stands there.
        spoil: makes it wrong, in the tree that it came from.
    """

    node: ast.AST
    spoil: Callable[[], None]


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m support.mutants", description=__doc__)
    parser.add_argument("files", nargs="*", default=list(TESTS), help="as domain/rights.py; all without any")
    parser.add_argument("--every", type=int, default=1, help="take one mutant of so many")
    asked = parser.parse_args(arguments)

    survivors, count = 0, 0
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for name in ("src", "tests", "docs"):
            shutil.copytree(PROJECT / name, copy / name, ignore=shutil.ignore_patterns("node_modules"))
        shutil.copy(PROJECT / "pyproject.toml", copy)
        for file in asked.files:
            if not passes(copy, file):
                say(f"{file}: its tests fail without a mutant")
                return 2
            for mutant, change in list(mutants((PROJECT / "src/chinwag" / file).read_text()))[:: asked.every]:
                count += 1
                (copy / "src/chinwag" / file).write_text(mutant)
                if passes(copy, file):
                    why = HARMLESS.get(file, {}).get(change.partition(": ")[2])
                    survivors += why is None
                    say(f"{file}:{change} survives{f': {why}' if why else ''}")
            shutil.copy(PROJECT / "src/chinwag" / file, copy / "src/chinwag" / file)
    say(f"{count} mutants, {survivors} of which survived and should not have")
    return 1 if survivors else 0


def passes(copy: Path, file: str) -> bool:
    """Whether the tests of a file pass in a copy of the project."""
    words = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "--timeout", "30"]
    environment = {**os.environ, "PYTHONPATH": str(copy / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(
            [*words, *TESTS[file]],
            cwd=copy,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def mutants(text: str) -> Iterator[tuple[str, str]]:
    """Give each mutant of a file, and what it is: `12: a == b → a != b`."""
    for number in range(len(places(ast.parse(text)))):
        tree = ast.parse(text)
        place = places(tree)[number]
        line, before = getattr(place.node, "lineno", 0), ast.unparse(place.node)
        place.spoil()
        yield ast.unparse(tree), f"{line}: {before} → {ast.unparse(place.node)}"


def places(tree: ast.AST) -> list[Place]:
    """Return every place of a tree that can be made wrong, in the order in which it is walked."""
    return [Place(node, spoil) for node in running(tree) for spoil in spoils(node)]


def running(tree: ast.AST) -> Iterator[ast.AST]:
    """Give the nodes of a tree that do something: no annotations, no imports for them, no ways of a class."""
    passed_over = {"annotation", "returns", "decorator_list"}
    if isinstance(tree, ast.ClassDef):
        passed_over.add("keywords")
    for name, value in ast.iter_fields(tree):
        if name in passed_over:
            continue
        for node in value if isinstance(value, list) else [value]:
            if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
                continue
            if isinstance(node, ast.AST):
                yield node
                yield from running(node)


def spoils(node: ast.AST) -> Iterator[Callable[[], None]]:
    """Give what makes a node wrong, each in another way."""
    match node:
        case ast.Compare(ops=[op]) if type(op) in OTHER:
            yield lambda: setattr(node, "ops", [OTHER[type(op)]()])
        case ast.BoolOp():
            yield lambda: setattr(node, "op", OTHER[type(node.op)]())
        case ast.Constant(value=bool(value)):
            yield lambda: setattr(node, "value", not value)
        case ast.Constant(value=int(value)):
            yield lambda: setattr(node, "value", value + 1)
        case ast.Tuple(elts=elements) | ast.Set(elts=elements):
            for element in elements:
                if isinstance(element, ast.Constant) and isinstance(element.value, str):
                    yield lambda element=element: setattr(element, "value", f"{element.value}?")
        case ast.Return(value=ast.expr() as value) if ast.unparse(value) != "None":
            yield lambda: setattr(node, "value", ast.Constant(None))
        case _:
            pass


def say(line: str) -> None:
    print(line, flush=True)  # noqa: T201  # whoever waits wants to see it now


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
