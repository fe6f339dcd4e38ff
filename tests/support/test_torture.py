"""What the page about the checks of reliability says when some of them were run again."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from support.torture import Did, Kept, Ran, Record

ROOT = Path(__file__).parents[2]

HERE = "tests/support/test_torture.py::"


def test_what_was_run_again_takes_its_own_place_and_the_page_says_what_it_had_come_to(
    request: pytest.FixtureRequest,
) -> None:
    def before(test: str, number: int, said: str) -> Ran:
        return Ran(number, test, "SQLite", "failed", 1.0, [said])

    tests = [before(request.node.nodeid, 31, "79% of peak"), before(f"{HERE}another", 32, "1.3x")]
    record, did = Record(Kept(run="yesterday", tests=tests)), Did()
    request.node.add_marker(pytest.mark.check(31))
    call = pytest.CallInfo.from_call(lambda: None, "call")

    did("90% of peak")
    record.add(request.node, call, pytest.TestReport.from_item_and_call(request.node, call), did)

    page, again = record.document().split("## What was run again")
    assert "| both alike | passed | 1 | 90% of peak |" in page
    assert "| SQLite | **failed** | 1 | 1.3x |" in page
    assert "- check 31 on SQLite: 79% of peak\n" in again
    assert "the run of yesterday" in again
    assert "1.3x" not in again


def test_a_line_without_a_figure_says_what_its_tests_are_called() -> None:
    names = ["test_a_path_is_routed[/%2F-::1]", "test_a_path_is_routed[/a]", "test_any_bytes_are_refused"]
    tests = [Ran(21, HERE + name, "both alike", "passed", 0.1) for name in names]

    page = Record(Kept(run="yesterday", tests=tests)).document()

    assert "| both alike | passed | 3 | a path is routed; any bytes are refused |" in page
    assert "again" not in page


def test_a_line_names_the_first_five_of_its_tests() -> None:
    tests = [Ran(21, f"{HERE}test_{n}", "both alike", "passed", 0.1) for n in range(7)]

    page = Record(Kept(run="yesterday", tests=tests)).document()

    assert "| 0; 1; 2; 3; 4; and 2 more |" in page


def test_a_page_of_one_run_says_nothing_of_another() -> None:
    assert "again" not in Record().document()


def test_the_options_of_make_torture_are_known() -> None:
    [options] = re.findall(r"pytest (--torture .*) -m", (ROOT / "Makefile").read_text())

    command = [sys.executable, "-m", "pytest", *options.split(), "--help"]
    shown = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=60)

    assert "--torture-before" in shown.stdout
