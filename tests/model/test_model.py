"""Whatever is done in whatever order, the product does what the rules say and tells of it, on both engines.

Few examples are tried, the same each time, until code changes: hypothesis takes constants from it. With
`MODEL_EXAMPLES=500` there are 500 of fifty steps each, and new ones every time (`make model`).
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

import pytest
import uvloop
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from chinwag.storage.store import open_store
from model.ask import asking
from model.machine import COMMANDS, Machine, Stage
from storage.outside import writer_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.postgres import Postgres

EXAMPLES = int(os.environ.get("MODEL_EXAMPLES", "0"))
FEW = 80
STEPS = 50


@pytest.fixture
def stage(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Stage]:
    """A store, and a loop to use it from what does not wait."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        run = runner.get_loop().run_until_complete
        url = f"sqlite:///{tmp_path}/chinwag.db"
        if engine == "postgres":
            postgres: Postgres = request.getfixturevalue("postgres")
            url = run(postgres.database())
        store = run(open_store(url, serving=False, now=0, connections=2))
        if engine == "sqlite":  # the question is whether rules are kept, not whether a disk is waited for
            writer_of(store).execute("PRAGMA synchronous = OFF")
        ask = run(asking(url))

        yield Stage(run, store, ask)

        run(ask.close())
        run(store.close())
        if engine == "postgres":
            run(postgres.drop(url))


@pytest.mark.timeout(0)  # to find the shortest example of a mistake may take minutes
def test_every_change_does_what_the_rules_say_and_is_told_in_events(stage: Stage) -> None:
    # Of the examples that it makes up, hypothesis ends almost half before their fiftieth step.
    wanted = settings(
        max_examples=2 * EXAMPLES or FEW,
        stateful_step_count=STEPS,
        derandomize=not EXAMPLES,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )

    run_state_machine_as_test(lambda: Machine(stage), settings=wanted)

    print(f"{stage}")  # noqa: T201  # how much was tried
    assert stage.lengths.count(STEPS) >= EXAMPLES
    assert stage.share_done > 0.7, "most of what is tried is done"
    assert {name for name, done in stage.tally if done} == COMMANDS, "everything is done"
