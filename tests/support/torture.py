"""The checks that say how reliable a server is: which there are, how long they run, and the report of a run.

A test that belongs to one is marked with its number, `@pytest.mark.check(21)`, wherever it stands. Under
`make test` it runs with small counts; `make torture` runs all of them, and nothing else, at full length.
"""

from __future__ import annotations

import platform
import re
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import apsw
import asyncpg
import msgspec
import psutil

if TYPE_CHECKING:
    import pytest

RESULTS = Path(__file__).parents[1] / "torture" / "results"

LONGEST_SECONDS = 3600
"""How long one test may take at full length."""

CHECKS = {
    1: "A server that is killed loses nothing that it acknowledged",
    2: "A power cut loses nothing that was acknowledged",
    3: "A full disk refuses what is new, reads on, and heals without a restart",
    4: "A database that restarts, or cuts connections, is survived within seconds",
    5: "What the disk refuses is never acknowledged",
    6: "A backup under load is whole; a database of an older version opens",
    7: "Every message reaches every connected member once, in order, or on return",
    8: "A client that stops reading hurts nobody, and is cut off",
    9: "Connections that are half open, idle, or back all at once",
    12: "A clock that is set back or forward by an hour",
    13: "A request repeated with its key is carried out once",
    14: "Receivers of webhooks that fail, hang or die",
    15: "Signatures of webhooks are compared in constant time, and altered bodies refused",
    16: "Every route, asked by everybody who must not",
    17: "Access tokens that are forged, expired or for something else",
    18: "Secrets are compared in constant time, and guessing is slowed down",
    19: "What is read only stays, and no secret is shown",
    20: "The handshake of a WebSocket",
    21: "Bad input of every kind, to every route and frame",
    22: "Requests that are too large, or never end",
    23: "Bodies that inflate, nest or overflow",
    24: "Unicode comes back byte for byte, or is refused",
    25: "SQL in every parameter stays text",
    26: "No regular expression can be made to hang",
    27: "Outgoing requests reach no address that is private",
    28: "Logs and headers cannot be forged",
    29: "Hours of load leave memory, files and speed as they were",
    30: "A flood of connections that never log in",
    31: "Three times as much as there is room for",
    32: "A channel costs the same with 100,000 messages",
    33: "A channel costs much the same with 1,000 members",
    34: "A server that is asked to stop finishes what it began",
}
"""The checks by number, as the reports name them; those in between need more than one server."""

_NAMED = 5
"""How many tests the report names in a line that has nothing to count."""

_ENGINES = {"sqlite": "SQLite", "postgres": "PostgreSQL"}


@dataclass
class Ran:
    """One test that ran.

    Args:
        engine: what the server kept its objects in, where that matters.
        result: "passed", "failed" or "skipped".
        did: what was done, how often, and what came of it; for a skipped one, why.
    """

    check: int
    test: str
    engine: str
    result: str
    seconds: float
    did: list[str] = field(default_factory=list)


class Did:
    """What a test did, in words, for the report."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def __call__(self, said: str) -> None:
        """Note something down, with its figure: "100 kills", "p99 of the others 3.1 ms, 3.0 before"."""
        self.said.append(said)


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of an earlier run, of which some is run again."""

    run: str
    tests: list[Ran]


class Record:
    """Everything that ran at full length.

    Args:
        before: a run in which not everything passed. What runs now takes the place of what ran then, and the
            page says so.
    """

    def __init__(self, before: Kept | None = None) -> None:
        self._began = datetime.now(UTC)
        self._clock = time.monotonic()
        self._now: list[Ran] = []
        self._before = before

    @property
    def _ran(self) -> list[Ran]:
        again = {ran.test for ran in self._now}
        before = self._before.tests if self._before else []
        return [ran for ran in before if ran.test not in again] + self._now

    def add(
        self, item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport, did: Did
    ) -> None:
        """Take note of one phase of a test: of the call itself, and of whatever else did not pass."""
        if report.when != "call" and report.passed:
            return
        said = list(did.said)
        if report.skipped and isinstance(report.longrepr, tuple):
            said.append(report.longrepr[2].removeprefix("Skipped: "))
        for mark in item.iter_markers("check"):
            for number in mark.args:
                on = _engine(item.nodeid, mark.kwargs.get("on"))
                ran = Ran(number, item.nodeid, on, report.outcome, call.duration, said)
                self._now.append(ran)

    def lines(self) -> list[str]:
        """Return the table: a line for each check and engine."""
        rows = ["| | check | on | result | tests | what was done |", "|---|---|---|---|---|---|"]
        everything = self._ran
        for number, title in CHECKS.items():
            mine = [ran for ran in everything if ran.check == number]
            if not mine:
                rows.append(f"| {number} | {title} | | not run | 0 | |")
            for engine in sorted({ran.engine for ran in mine}):
                here = [ran for ran in mine if ran.engine == engine]
                rows.append(
                    f"| {number} | {title} | {engine} | {_result(here)} | {len(here)} | {_done(here)} |"
                )
        return rows

    def keep(self) -> Path:
        """Write everything into a file and return it."""
        RESULTS.mkdir(exist_ok=True)
        path = RESULTS / f"{self._began:%Y-%m-%dT%H-%M-%SZ}.json"
        facts = {"began": self._began, **self._facts(), "tests": self._ran}
        path.write_bytes(msgspec.json.format(msgspec.json.encode(facts), indent=2))
        return path

    def document(self) -> str:
        """Return the page of the documentation."""
        facts = "\n".join(f"- {name}: {fact}" for name, fact in self._facts().items())
        return _PAGE.format(facts=facts, table="\n".join(self.lines()), again=self._again())

    def _again(self) -> str:
        """Return what failed before, and was run again."""
        if self._before is None or not self._now:
            return ""
        again = {ran.test for ran in self._now}
        failed = [ran for ran in self._before.tests if ran.test in again and ran.result == "failed"]
        lines = [f"- check {ran.check} on {ran.engine}: {'; '.join(ran.did)}" for ran in failed]
        return _AGAIN.format(
            before=self._before.run, count=len(again), now=self._run(), lines="\n".join(lines) or "- none"
        )

    def _run(self) -> str:
        return f"{self._began:%Y-%m-%d %H:%M} UTC, {(time.monotonic() - self._clock) / 60:.0f} minutes"

    def _facts(self) -> dict[str, str]:
        memory = psutil.virtual_memory().total / 2**30
        results = list({ran.test: ran.result for ran in self._ran}.values())
        return {
            "run": self._before.run if self._before else self._run(),
            "machine": f"{psutil.cpu_count()} cores, {memory:.0f} GB, {platform.platform(terse=True)}",
            "versions": f"Python {platform.python_version()}, SQLite {apsw.sqlite_lib_version()}, "
            f"asyncpg {asyncpg.__version__}",
            "tests": f"{len(results)}, of which {results.count('failed')} failed and "
            f"{results.count('skipped')} were skipped",
        }


def _engine(nodeid: str, on: str | None) -> str:
    found = re.search(r"\[[^]]*\b(sqlite|postgres)\b", nodeid)
    return _ENGINES.get(found[1] if found else on or "", "both alike")


def _name(nodeid: str) -> str:
    function = nodeid.partition("[")[0].rpartition("::")[2]
    return function.removeprefix("test_").replace("_", " ")


def _done(ran: list[Ran]) -> str:
    """Return what tests did: what they say of it or, where there is nothing to count, their names."""
    said = list(dict.fromkeys(said for one in ran for said in one.did))
    if said:
        return "; ".join(said)
    names = list(dict.fromkeys(_name(one.test) for one in ran))
    more = [f"and {len(names) - _NAMED} more"] if len(names) > _NAMED else []
    return "; ".join(names[:_NAMED] + more)


def _result(ran: list[Ran]) -> str:
    results = {one.result for one in ran}
    if "failed" in results:
        return "**failed**"
    return "passed" if "passed" in results else "skipped"


_PAGE = """# Reliability

Written by `make torture`, which anybody can run: it takes about an hour, wants a quiet machine, and root
for the checks that need a small file system of their own. What needs no clock and no root is also part of
`make test`, with smaller counts.

{facts}

Each line is one check, on one engine; *both alike* is what no database takes part in. Where it matters little
what objects are kept in, a check runs on SQLite alone.

{table}
{again}
## What was not measured

- More than one server: a node of a cluster that dies, a broker that is lost, a network that parts (checks
  10 and 11). Chinwag runs as one server today.
- A real power cut. The write-ahead log is cut where the last `fsync` ended instead, which is what a disk
  that keeps its promises would leave.
- A power cut, a full disk and a failing one under PostgreSQL, which keeps its promises by itself. What is
  tested is that nothing is answered before PostgreSQL has said that it is kept, and what happens when it
  refuses, crashes, restarts or is away.
- 24 hours of load. The soak is minutes long, and looks at the slope of what grows.
- More than one machine: clients, receivers, database and server share the cores of this one.
"""

_AGAIN = """
## What was run again

The table is that of the run of {before}. {count} tests stand in it as they came out when they were run again,
by themselves ({now}), because something of them or of the server had changed. These had failed:

{lines}
"""
