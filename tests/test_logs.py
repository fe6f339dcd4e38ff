"""Log lines: what they look like, which there are, and that nobody outside can write one.

Each test logs in a process of its own, because how to log is decided once for a whole process.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest

FORGED = '/v1/\x1b[2J\r\n{"event":"forged","level":"info"}\u2028\x07 ü'


def logged(program: str, *, level: str = "info", form: str = "auto") -> str:
    """Return what a program writes to standard error when it logs like a server."""
    beginning = (
        "import logging, structlog\n"
        "from chinwag.logs import configure_logs\n"
        "from chinwag.settings import Settings\n"
        f"configure_logs(Settings(log_level={level!r}, log_format={form!r}))\n"
        "log = structlog.get_logger()\n"
    )
    done = subprocess.run([sys.executable, "-c", beginning + program], capture_output=True, check=True)
    assert done.stdout == b""
    return done.stderr.decode()


def test_without_a_terminal_a_line_is_a_json_object() -> None:
    written = logged("log.info('request', path='/v1/Services', status=200, ms=1.25)")

    assert written.endswith("}\n")
    line = json.loads(written)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", line.pop("timestamp"))
    assert line == {"event": "request", "level": "info", "path": "/v1/Services", "status": 200, "ms": 1.25}


@pytest.mark.check(28)
@pytest.mark.parametrize("form", ["json", "console"])
def test_what_comes_from_outside_cannot_write_lines_or_colours(form: str) -> None:
    written = logged(
        f"log.info('request', path={FORGED!r}, detail={FORGED!r})\n"
        f"logging.getLogger('uvicorn.error').warning('no path %s', {FORGED!r})\n",
        form=form,
    )

    lines = written.split("\n")
    assert len(lines) == 3
    assert lines[2] == ""
    assert "\r" not in written
    assert "\x07" not in written
    assert "\x1b[2J" not in written


def test_a_json_line_keeps_every_character() -> None:
    written = logged(f"log.info('request', path={FORGED!r})")

    assert json.loads(written)["path"] == FORGED


def test_a_traceback_is_part_of_the_json_line() -> None:
    written = logged(
        "try:\n"
        "    raise ValueError('no \\x1b[2J such thing')\n"
        "except ValueError as error:\n"
        "    log.error('request failed', exc_info=error)\n"
    )

    line = json.loads(written)
    assert line["event"] == "request failed"
    assert line["exception"].startswith("Traceback (most recent call last):\n")
    assert line["exception"].endswith("ValueError: no \x1b[2J such thing")


def test_a_traceback_for_people_has_lines_but_no_colours_of_its_own() -> None:
    written = logged(
        "try:\n"
        "    raise ValueError('no \\x1b[2J such thing')\n"
        "except ValueError as error:\n"
        "    log.error('request failed', exc_info=error)\n",
        form="console",
    )

    assert "\nTraceback (most recent call last):\n" in written
    assert written.endswith("\nValueError: no \\x1b[2J such thing\n")


def test_what_json_cannot_say_is_logged_as_text() -> None:
    written = logged("from pathlib import PurePosixPath\nlog.info('opened', file=PurePosixPath('data/x'))")

    assert json.loads(written)["file"] == "data/x"


@pytest.mark.parametrize(
    ("level", "heard"),
    [
        ("debug", ["debug", "info", "warning", "error"]),
        ("info", ["info", "warning", "error"]),
        ("warning", ["warning", "error"]),
        ("error", ["error"]),
    ],
)
def test_less_than_the_level_is_not_logged(level: str, heard: list[str]) -> None:
    written = logged(
        "for name in ('debug', 'info', 'warning', 'error'):\n    getattr(log, name)(name)", level=level
    )

    assert [json.loads(line)["level"] for line in written.splitlines()] == heard


@pytest.mark.parametrize(("level", "heard"), [("debug", ["warning", "error"]), ("error", ["error"])])
def test_of_libraries_only_warnings_and_errors_are_logged(level: str, heard: list[str]) -> None:
    written = logged(
        "for name in ('debug', 'info', 'warning', 'error'):\n    getattr(logging, name)(name)", level=level
    )

    assert [json.loads(line)["level"] for line in written.splitlines()] == heard
