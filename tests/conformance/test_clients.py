"""The official client libraries, unmodified, do what applications do with them, against a real server."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from chinwag import commands
from chinwag.app import opened
from chinwag.auth.secrets import new_secret
from chinwag.domain.account import CreateKey
from chinwag.domain.caller import Operator

if TYPE_CHECKING:
    from chinwag.settings import Settings
    from support.api import Api

HERE = Path(__file__).parent
PROJECT = HERE.parent.parent
SECONDS = 100


@dataclass(frozen=True)
class Library:
    """An official library, what runs our program against it, and the file that shows it is installed."""

    version: str
    program: tuple[str, ...]
    installed: Path


def python(major: str, version: str) -> Library:
    interpreter = PROJECT / f".clients/twilio-{major}/bin/python"
    return Library(
        f"twilio-python {version}.", (str(interpreter), str(HERE / "python_client.py")), interpreter
    )


def node(package: str, version: str) -> Library:
    installed = HERE / "node/node_modules" / package
    return Library(f"twilio-node {version}:", ("node", str(HERE / "node/client.mjs"), package), installed)


LIBRARIES = {
    "python-9": python("9", "9"),
    "python-7": python("7", "7.17"),
    "python-6": python("6", "6.63"),
    "node-6": node("twilio6", "6.2.0"),
    "node-3": node("twilio3", "3.84.1"),
}


@pytest.fixture(params=LIBRARIES)
def library(request: pytest.FixtureRequest) -> Library:
    """An official library. Where it is missing its test is skipped; on a machine of CI it fails."""
    found = LIBRARIES[request.param]
    if found.installed.exists() and shutil.which(found.program[0]):
        return found
    missing = (
        f"{request.param} is not installed: `make clients` does it, and needs npm for the Node libraries"
    )
    return pytest.fail(missing) if os.environ.get("CI") == "true" else pytest.skip(missing)


@pytest.fixture
async def account(api: Api, server: tuple[str, Settings]) -> dict[str, str]:
    """The environment that our programs expect: a new account with a key."""
    base, settings = server
    secret = new_secret()
    async with opened(settings) as parts:
        command = CreateKey(
            account_sid=api.account_sid, friendly_name="Key", sealed_secret=parts.seal.seal(secret)
        )
        key = await commands.run(command, Operator(), parts.world)
    return {
        "CHAT_URL": base,
        "ACCOUNT_SID": api.account_sid,
        "AUTH_TOKEN": api.auth_token,
        "API_KEY_SID": key.sid,
        "API_KEY_SECRET": secret,
    }


@pytest.mark.clients
async def test_the_library_finds_everything_as_the_original_has_it(
    library: Library, account: dict[str, str]
) -> None:
    status, said = run(library.program, {**os.environ, **account})

    assert status == 0, said
    assert library.version in said.splitlines()[-1]


def run(program: tuple[str, ...], environment: dict[str, str]) -> tuple[int | None, str]:
    """Run a program to its end, and return its status, None if it took too long, and all it said."""
    with subprocess.Popen(
        program, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            said, _ = process.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            return None, process.communicate()[0] + f"... and nothing more in {SECONDS} seconds"
        return process.returncode, said
