"""The official JavaScript SDK, unmodified: each generation in the field, in each of the `sdk/scenarios`."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import sys
import tempfile
from asyncio.subprocess import DEVNULL, PIPE
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support.command_line import CommandLine
from support.stage import CREDENTIALS

if TYPE_CHECKING:
    from conformance.sdk_made import Account
    from support.postgres import Postgres

SECONDS = 400
"""The longest that all runs on one engine may take."""

pytestmark = [pytest.mark.clients, pytest.mark.timeout(SECONDS + 100)]

SDK = Path(__file__).parent / "sdk"
MODULES = SDK / "node_modules"
HELPERS = SDK.parent / "node/node_modules"
"""Where the official helper libraries are, which make the access tokens."""

GENERATIONS = ("twilio-chat-6", "twilio-chat-5", "twilio-chat-4", "twilio-chat-3")
RUNS_AT_A_TIME = 2

EMPTY_DATABASES = 2
"""How many scenarios need a server of their own."""

IN_CI = os.environ.get("CI") == "true"


def told() -> list[str]:
    """Return the name of every scenario, as `sdk/run.mjs` prints it."""
    return [
        f"{file.stem}: {sentence}"
        for file in sorted((SDK / "scenarios").glob("*.mjs"))
        for sentence in re.findall(r"^scenario\('(.+)', ", file.read_text(), re.MULTILINE)
    ]


@dataclass(frozen=True)
class Run:
    """An SDK, and how it is pointed at the server: with `one option` or with `every option`."""

    package: str
    redirect: str

    def __str__(self) -> str:
        return f"{self.package}, {self.redirect}"


@dataclass(frozen=True)
class Outcome:
    """How a scenario went: `passed`, `failed`, or `cannot` when the SDK cannot do it."""

    outcome: str
    reason: str = ""


ONE_OPTION = [Run(package, "one option") for package in GENERATIONS]
EVERY_OPTION = [Run(package, "every option") for package in GENERATIONS]


@pytest.fixture(scope="module")
def installed() -> None:
    """Without the SDK a test is skipped; on a machine of CI it fails."""
    if shutil.which("node") is None or not MODULES.exists() or not HELPERS.exists():
        missing = "the SDK is not installed: `make clients` does it, and needs npm"
        pytest.fail(missing) if IN_CI else pytest.skip(missing)


@pytest.fixture(scope="module")
async def outcomes(
    installed: None,
    engine: str,
    elsewhere: Account | None,
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> dict[Run, dict[str, Outcome]]:
    """What came, in every run, of the scenarios that are asked for; one server for all of them."""
    wanted = asked_for(request.session.items, engine)
    turn = asyncio.Semaphore(RUNS_AT_A_TIME)

    async def outcomes_of(run: Run, variables: dict[str, str]) -> dict[str, Outcome]:
        async with turn:
            return await carried_out(run, wanted[run], variables)

    async def outcomes_with(told: dict[Run, dict[str, str]]) -> dict[Run, dict[str, Outcome]]:
        done = await asyncio.gather(*(outcomes_of(*one) for one in told.items()))
        return dict(zip(told, done, strict=True))

    if elsewhere is not None:
        return await outcomes_with(dict.fromkeys(wanted, variables_of(elsewhere)))

    folder = tmp_path_factory.mktemp("sdk")

    async def database(name: str) -> str:
        if engine == "sqlite":
            return f"sqlite:///{folder}/{name}.db"
        postgres: Postgres = request.getfixturevalue("postgres")
        return await postgres.database()

    async def empty_databases(run: Run) -> str:
        names = [f"{run.package}-{run.redirect[:3]}-{n}" for n in range(EMPTY_DATABASES)]
        return json.dumps([await database(name) for name in names])

    beside = CommandLine(folder, {**CREDENTIALS, "CHINWAG_DATABASE": await database("shared")})
    with beside.serving("--log-level", "warning") as server:
        words = json.dumps([sys.executable, "-m", "chinwag"])
        variables = {**beside.variables, "CHAT_URL": server.base, "CHINWAG_WORDS": words}
        return await outcomes_with(
            {run: variables | {"EMPTY_DATABASES": await empty_databases(run)} for run in wanted}
        )


@pytest.mark.parametrize("scenario", told())
@pytest.mark.parametrize("run", ONE_OPTION, ids=str)
async def test_with_the_sdk(run: Run, scenario: str, outcomes: dict[Run, dict[str, Outcome]]) -> None:
    passed(scenario, outcomes[run][scenario])


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)  # to an engine it makes no difference
@pytest.mark.parametrize("scenario", told())
@pytest.mark.parametrize("run", EVERY_OPTION, ids=str)
async def test_with_the_sdk_and_every_option(
    run: Run, scenario: str, outcomes: dict[Run, dict[str, Outcome]]
) -> None:
    passed(scenario, outcomes[run][scenario])


def variables_of(account: Account) -> dict[str, str]:
    """Return what a run is told of a server that is named: neither a command line nor databases."""
    return {
        "CHAT_URL": account.base,
        "CHINWAG_ACCOUNT_SID": account.sid,
        "CHINWAG_AUTH_TOKEN": account.auth_token,
        "CHINWAG_API_KEY_SID": account.key.sid,
        "CHINWAG_API_KEY_SECRET": account.key.secret,
    }


def passed(scenario: str, found: Outcome) -> None:
    """Fail with the reason, or skip with it, unless a scenario went well."""
    if found.outcome == "cannot":
        pytest.skip(found.reason)
    assert found.outcome == "passed", f"{scenario}\n{found.reason}"


def asked_for(items: list[pytest.Item], engine: str) -> dict[Run, list[str]]:
    """Return the scenarios of each run that this session of tests looks at, on one engine."""
    wanted: dict[Run, list[str]] = {}
    for item in items:
        given = getattr(item, "callspec", None)
        if (
            given is not None
            and {"run", "scenario"} <= given.params.keys()
            and given.params["engine"] == engine
        ):
            wanted.setdefault(given.params["run"], []).append(given.params["scenario"])
    return wanted


async def carried_out(run: Run, scenarios: list[str], variables: dict[str, str]) -> dict[str, Outcome]:
    """Run scenarios with an SDK and return what came of each, also of those that were not reached."""
    found: dict[str, Outcome] = {}
    with tempfile.TemporaryFile() as errors:
        process = await asyncio.create_subprocess_exec(
            "node",
            str(SDK / "run.mjs"),
            run.package,
            run.redirect,
            *scenarios,
            env=os.environ | variables,
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=errors,
        )
        assert process.stdout is not None
        try:
            async with asyncio.timeout(SECONDS):
                async for line in process.stdout:
                    one = json.loads(line)
                    found[one["name"]] = Outcome(one["outcome"], one.get("reason", ""))
        except TimeoutError:
            process.kill()
        status = await process.wait()
        errors.seek(0)
        said = errors.read().decode(errors="replace")[-2000:]
    missing = Outcome("failed", f"the run ended with {status} and without it: {said}")
    return dict.fromkeys(scenarios, missing) | found
