"""The official client libraries, unmodified, do what applications do with them, against a real server."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from asyncio.subprocess import DEVNULL, PIPE, STDOUT
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from chinwag.rest.version import Version
from conformance.sdk_made import DEVICES, add_bindings, add_media
from conformance.vendor import Operations, vendors
from support.api import Api

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.conftest import NewAccount
    from conformance.sdk_made import Account

pytestmark = pytest.mark.clients

HERE = Path(__file__).parent
PROJECT = HERE.parent.parent
COMPATIBILITY = PROJECT / "docs/compatibility.md"
SECONDS = 100
YES, NO = "✓", "\N{EN DASH}"

BEGIN, END = "<!-- operations:begin -->", "<!-- operations:end -->"
"""The lines of docs/compatibility.md that the table of operations stands between."""

IN_CI = os.environ.get("CI") == "true"

PLACES = ("form", "query", "header")


@dataclass(frozen=True)
class Library:
    """An official library.

    Args:
        name: as the table of operations has it.
        says: what the last line of a run that went well begins with.
        program: what runs our program against it.
        installed: the file that shows it is there.
        lacks: parameters that it does not offer, by operation.
    """

    name: str
    says: str
    program: tuple[str, ...]
    installed: Path
    lacks: dict[str, set[str]] = field(default_factory=dict[str, set[str]])


def python(major: str, version: str, *arguments: str, **more: Any) -> Library:
    interpreter = PROJECT / f".clients/twilio-{major}/bin/python"
    program = (str(interpreter), str(HERE / "python/client.py"), *arguments)
    name = " ".join(["twilio-python", version, *arguments])
    return Library(name, f"twilio-python {version}.", program, interpreter, **more)


def node(package: str, version: str) -> Library:
    installed = HERE / "node/node_modules" / package
    program = ("node", str(HERE / "node/client.mjs"), package)
    return Library(f"twilio-node {version}", f"twilio-node {version}.", program, installed)


HEADER = "header X-Twilio-Webhook-Enabled"

TAKEN_AND_NOT_SENT = {
    f"DELETE /v2/Services/{{}}/{below}": {HEADER}
    for below in ("Channels/{}", "Channels/{}/Members/{}", "Channels/{}/Messages/{}", "Users/{}/Channels/{}")
}
"""What `delete` of twilio-python 9.13 takes, and overwrites before it sends the request."""

LIBRARIES = (
    python("9", "9", lacks=TAKEN_AND_NOT_SENT),
    python("9", "9", "asynchronously", lacks=TAKEN_AND_NOT_SENT),
    python("7", "7.17"),
    python(
        "6",
        "6.63",
        # Its `delete` takes no argument there.
        lacks={"DELETE /v2/Services/{}/Users/{}/Channels/{}": {HEADER}},
    ),
    node("twilio6", "6.2"),
    node("twilio3", "3.84"),
)


@dataclass(frozen=True)
class Run:
    """What a library did.

    Args:
        status: of its process; None if it took too long.
        said: all that it printed.
        done: the operations that succeeded, each with the parameters that went with it.
    """

    status: int | None
    said: str
    done: dict[str, set[str]]


@pytest.fixture(scope="module")
async def runs(
    new_account: NewAccount, elsewhere: Account | None, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Run]:
    """The runs of every library that is installed, by name.

    All at the same time, each with its account; one after the other where there is but one account.
    """

    async def run(library: Library) -> Run:
        async with one_at_a_time:
            record = tmp_path_factory.mktemp("run") / "record.json"
            environment = {**os.environ, **await prepared(await new_account()), "RECORD": str(record)}
            return Run(*await carried_out(library, environment), done=read(record))

    installed = [library for library in LIBRARIES if is_installed(library)]
    one_at_a_time = asyncio.Semaphore(1 if elsewhere else len(LIBRARIES))
    done = await asyncio.gather(*map(run, installed))
    return {library.name: found for library, found in zip(installed, done, strict=True)}


@pytest.fixture(params=LIBRARIES, ids=lambda library: library.name)
def library(request: pytest.FixtureRequest) -> Library:
    """An official library. Where it is missing its test is skipped; on a machine of CI it fails."""
    found: Library = request.param
    if is_installed(found):
        return found
    missing = f"{found.name} is not installed: `make clients` does it, and needs npm for the Node libraries"
    return pytest.fail(missing) if IN_CI else pytest.skip(missing)


async def test_the_library_finds_everything_as_the_original_has_it(
    library: Library, runs: dict[str, Run]
) -> None:
    run = runs[library.name]

    assert run.status == 0, run.said
    assert run.said.splitlines()[-1].startswith(library.says)


@pytest.mark.parametrize("version", Version)
async def test_the_library_does_every_operation_of_the_vendors_description(
    library: Library, runs: dict[str, Run], version: Version
) -> None:
    done = {operation for operation in runs[library.name].done if f" {version.path}/" in operation}

    assert done == set(vendors(version))


@pytest.mark.parametrize("version", Version)
async def test_the_library_sends_every_parameter_that_it_offers(
    library: Library, runs: dict[str, Run], version: Version
) -> None:
    done = runs[library.name].done

    missing = {
        operation: parameters - done.get(operation, set())
        for operation, parameters in described_parameters(vendors(version)).items()
    }

    not_offered = {operation: names for operation, names in library.lacks.items() if operation in missing}
    assert {operation: names for operation, names in missing.items() if names} == not_offered


async def test_the_documents_say_which_library_did_what(
    runs: dict[str, Run], elsewhere: Account | None
) -> None:
    if elsewhere is not None:
        pytest.skip("they speak of the server of this folder")
    if len(runs) < len(LIBRARIES):
        pytest.skip("not every library is installed")
    text = COMPATIBILITY.read_text()
    if BEGIN not in text:
        pytest.skip("there is no place for the table yet")
    assert {name: run.status for name, run in runs.items()} == dict.fromkeys(runs, 0)

    expected = with_table(text, table(runs))
    if not IN_CI:
        COMPATIBILITY.write_text(expected)

    assert COMPATIBILITY.read_text() == expected, "run `make clients` and commit docs/compatibility.md"


def is_installed(library: Library) -> bool:
    return library.installed.exists() and shutil.which(library.program[0]) is not None


async def prepared(account: Account) -> dict[str, str]:
    """Make what a run needs, and return it as our programs expect it in their environment."""
    async with aiohttp.ClientSession() as session:
        api = Api(session, account.base, account.sid, account.auth_token)
        service, media_sid = await prepared_service(api, account)
    return {
        "CHAT_URL": account.base,
        "ACCOUNT_SID": account.sid,
        "AUTH_TOKEN": account.auth_token,
        "API_KEY_SID": account.key.sid,
        "API_KEY_SECRET": account.key.secret,
        "PREPARED_SERVICE_SID": service,
        "MEDIA_SID": media_sid,
    }


async def prepared_service(api: Api, account: Account) -> tuple[str, str]:
    """Make a service with sixty bindings and a file; return the SIDs of the service and of the file."""
    service = await api.a_service()
    apn = (await api.post("/v2/Credentials", Type="apn", Certificate="text", PrivateKey="text")).json
    fcm = (await api.post("/v2/Credentials", Type="fcm", Secret="text")).json
    alice = await api.a_user(service, "alice")
    zoe = await api.a_user(service, "zoë@example.com")
    carol = await api.a_user(service, "carol")
    dan = await api.a_user(service, "dan")
    erin = await api.a_user(service, "erin")
    for user, credential, how_many in [
        (alice, apn, 2),
        (zoe, apn, 1),
        (zoe, fcm, 2),
        (carol, fcm, DEVICES),
        (dan, fcm, DEVICES),
        (erin, fcm, 5),
    ]:
        await add_bindings(account, user, credential, how_many)
    return service["sid"], await add_media(api, account, alice)


async def carried_out(library: Library, environment: dict[str, str]) -> tuple[int | None, str]:
    """Run our program against a library; return its status, None if it took too long, and all it said."""
    process = await asyncio.create_subprocess_exec(
        *library.program, env=environment, stdin=DEVNULL, stdout=PIPE, stderr=STDOUT
    )
    try:
        said, _ = await asyncio.wait_for(process.communicate(), SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()
        return None, f"not done in {SECONDS} seconds"
    return process.returncode, said.decode(errors="replace")


def read(record: Path) -> dict[str, set[str]]:
    """Return what a run noted; nothing if it did not come to its end."""
    if not record.exists():
        return {}
    return {operation: set(names) for operation, names in json.loads(record.read_text()).items()}


def described_parameters(operations: Operations) -> dict[str, set[str]]:
    """Return the parameters of every operation: `form Type`, `query PageSize`."""
    return {
        key: {item for item in operation.items if item.startswith(PLACES) and item.count(" ") == 1}
        for key, operation in operations.items()
    }


def table(runs: dict[str, Run]) -> str:
    """Return which library did which operation, as a table of Markdown."""
    operations = [key for version in Version for key in sorted(vendors(version), key=by_path)]
    return "\n".join(
        [
            line(["operation", *runs]),
            line(["---"] * (len(runs) + 1)),
            *(
                line([f"`{key}`", *(YES if key in run.done else NO for run in runs.values())])
                for key in operations
            ),
        ]
    )


def by_path(key: str) -> tuple[str, int]:
    """The order of the table: by path; below it get, post, delete."""
    method, _, path = key.partition(" ")
    return path, ("GET", "POST", "DELETE").index(method)


def line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def with_table(text: str, written: str) -> str:
    """Return a document with a table between its two lines."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{written}\n{END}{after}"
