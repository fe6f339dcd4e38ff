"""The real command line, as an operator has it: a process in a folder of its own."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

START_SECONDS = 20
COMMAND_SECONDS = 20
STOP_SECONDS = 10
"""Longest time that a server may take to stop; the promise of docs/operations.md."""

READY = "Chinwag is listening on "


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    status: int
    output: str
    errors: str


class Serving:
    """A `chinwag serve` that runs."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process = process
        self._log = log
        self.output = ""

    @property
    def base(self) -> str:
        """The address that the ready line names."""
        return self.output.rpartition(READY)[2].strip()

    @property
    def log(self) -> str:
        """What was written to standard error."""
        return self._log.read_text()

    def credential(self, name: str) -> str:
        """One of the first credentials that were printed, such as `account SID`."""
        found = re.search(rf"{name} +(\S+)", self.output)
        assert found is not None, self.output
        return found[1]

    def line(self, start: str) -> str:
        """The line that was printed with this start, without it."""
        found = re.search(rf"^{start} +(.*)$", self.output, re.MULTILINE)
        assert found is not None, self.output
        return found[1]

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal, wait for the end and return the exit status."""
        self.process.send_signal(number)
        return self.process.wait(STOP_SECONDS)

    def wait_until_ready(self) -> None:
        """Read what it prints up to the ready line."""
        assert self.process.stdout is not None
        deadline = time.monotonic() + START_SECONDS
        while not self.output.endswith("\n") or READY not in self.output:
            readable, _, _ = select.select([self.process.stdout], [], [], max(0, deadline - time.monotonic()))
            assert readable, f"not ready within {START_SECONDS} s: {self.log}"
            printed = os.read(self.process.stdout.fileno(), 65536)
            assert printed, f"ended with {self.process.wait(STOP_SECONDS)}: {self.log}"
            self.output += printed.decode()


@dataclass(frozen=True)
class CommandLine:
    """`python -m chinwag` in a folder, with `CHINWAG_` variables of its own."""

    folder: Path
    variables: dict[str, str] = field(default_factory=dict)

    def run(self, *arguments: str, **variables: str) -> Done:
        """Run a command to its end."""
        done = subprocess.run(
            [sys.executable, "-m", "chinwag", *arguments],
            cwd=self.folder,
            env=self._environment(variables),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=COMMAND_SECONDS,
            text=True,
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    @contextlib.contextmanager
    def serving(self, *arguments: str, **variables: str) -> Iterator[Serving]:
        """Start a server on a free port, wait until it is ready, and see at the end that it is gone."""
        log = self.folder / "server.log"
        with log.open("wb") as errors:
            process = subprocess.Popen(
                [sys.executable, "-m", "chinwag", "serve", "--port", "0", *arguments],
                cwd=self.folder,
                env=self._environment(variables),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
            )
        with process:
            try:
                server = Serving(process, log)
                server.wait_until_ready()
                yield server
                if process.poll() is None:
                    server.stop()
            finally:
                if process.poll() is None:
                    process.kill()

    @contextlib.contextmanager
    def serving_on_a_terminal(self) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
        """Start a server that is attached to a terminal; give its process and our end of the terminal."""
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            [sys.executable, "-m", "chinwag", "serve", "--port", "0"],
            cwd=self.folder,
            env=self._environment({}),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)
        with process:
            try:
                yield process, ours
            finally:
                if process.poll() is None:
                    process.kill()
                os.close(ours)

    def _environment(self, variables: dict[str, str]) -> dict[str, str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("CHINWAG_")}
        return clean | self.variables | variables
