"""An application that receives webhooks: a process with the vendor's own code to verify them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
from asyncio.subprocess import DEVNULL, PIPE
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypedDict

import aiohttp
import pytest

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import AsyncIterator

Language = Literal["python", "node"]

START_SECONDS = 20
STOP_SECONDS = 5
POLL_SECONDS = 0.02

READY = "listening on "

PROJECT = Path(__file__).parents[2]
PROGRAMS = PROJECT / "tests/end_to_end/webhooks"
INTERPRETER = PROJECT / ".clients/twilio-9/bin/python"
MODULES = PROJECT / "tests/conformance/node/node_modules"

IN_CI = os.environ.get("CI") == "true"


class Rule(TypedDict, total=False):
    """What the application does with a request; the first rule that fits is followed.

    Which requests:
        match: these parameters are among those of the request.
        path: its path and query begin so.
        times: the rule is used so often, and then passed over.

    What it answers:
        status: 200 if not said.
        body: empty if not said.
        size: instead of `body`, so many bytes.
        type: `application/json` if not said.
        headers: further ones.

    How:
        delay: seconds before it answers, or does one of the following.
        hang: never answers, and keeps the connection open.
        drop: closes the connection without an answer.
    """

    match: dict[str, str]
    path: str
    times: int
    status: int
    body: str
    size: int
    type: str
    headers: dict[str, str]
    delay: float
    hang: bool
    drop: bool


@dataclass(frozen=True)
class Received:
    """A request that came.

    Attributes:
        url: path and query, as they were received.
        headers: their names are in lower case.
        params: of the form or, of a GET, of the query.
        body: as it was received.
        valid: what the vendor's code says of the signature.
        at: milliseconds since 1970.
        answered: the status, or None as long as no answer was sent.
    """

    method: str
    url: str
    headers: dict[str, str]
    params: dict[str, list[str]]
    body: str
    valid: bool
    at: int
    answered: int | None

    @property
    def event(self) -> str:
        return self.one("EventType")

    def one(self, name: str) -> str:
        """The value of a parameter that came once."""
        (value,) = self.params[name]
        return value


class Tally(NamedTuple):
    """How many requests came, and how many different `I-Twilio-Idempotency-Token` they had."""

    requests: int
    ids: int


class Receiver:
    """The application, as a test sees it. `hook` is the address of its webhook, as is every address below."""

    def __init__(self, session: aiohttp.ClientSession, language: Language, base: str) -> None:
        self._session = session
        self.language = language
        self.base = base
        self.hook = f"{base}/hook"
        self.port = int(base.rpartition(":")[2])

    async def plan(self, *rules: Rule) -> None:
        """Say what it does from now on, instead of what was said before; without a rule, an empty 200."""
        await self._asked("POST", "plan", rules)

    async def received(self, **match: str) -> list[Received]:
        """Return the requests with these parameters, in the order in which they came."""
        return [
            one
            for one in (Received(**found) for found in await self._asked("GET", "received"))
            if all(value in one.params.get(name, ()) for name, value in match.items())
        ]

    async def wait_for(self, count: int, seconds: float = 10, **match: str) -> list[Received]:
        """Wait until so many requests with these parameters came, or more, and return them.

        One that came need not be answered yet.

        Raises:
            AssertionError: fewer came in time.
        """
        looked_at = -1
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while True:
                    # To ask for the requests themselves is dear when there are thousands.
                    came = (await self.count()).requests
                    if came >= count and came != looked_at:
                        looked_at = came
                        found = await self.received(**match)
                        if len(found) >= count:
                            return found
                    await asyncio.sleep(POLL_SECONDS)
        raise AssertionError(
            f"{count} requests with {match} did not come within {seconds} s, but {await self._summary()}"
        )

    async def count(self) -> Tally:
        found = await self._asked("GET", "count")
        return Tally(found["count"], found["ids"])

    async def forget(self) -> None:
        """Forget what came; the plan stays."""
        await self._asked("DELETE", "received")

    async def _summary(self) -> str:
        came = Counter((*one.params.get("EventType", ()), one.answered) for one in await self.received())
        return ", ".join(f"{times} x {what}" for what, times in came.items()) or "nothing"

    async def _asked(self, method: str, what: str, body: Any = None) -> Any:
        options = {} if body is None else {"json": body}
        async with self._session.request(method, f"{self.base}/control/{what}", **options) as response:
            assert response.ok, await response.text()
            return await response.json() if response.status == 200 else None


def available(language: Language) -> bool:
    """Return whether what the application needs is installed."""
    if language == "python":
        return INTERPRETER.exists()
    return shutil.which("node") is not None and all(
        (MODULES / package).exists() for package in ("express", "twilio6")
    )


def needs_a_receiver(language: Language) -> None:
    """Skip a test, with what to do about it, where the application cannot run. In CI that is a failure."""
    if not available(language):
        npm = ", and needs npm" if language == "node" else ""
        missing = f"not installed: twilio-{language} (`make clients` installs it{npm})"
        pytest.fail(missing) if IN_CI else pytest.skip(missing)


@asynccontextmanager
async def receiving(
    language: Language, auth_token: str, port: int = 0, *, lenient: bool = False
) -> AsyncIterator[Receiver]:
    """Start the application, and end it.

    Args:
        language: what it is written in.
        auth_token: with which requests to it are signed.
        port: 0 means any that is free.
        lenient: it takes requests whose signature is not valid.
    """
    needs_a_receiver(language)
    program = {"python": [INTERPRETER, PROGRAMS / "receiver.py"], "node": ["node", PROGRAMS / "receiver.mjs"]}
    process = await asyncio.create_subprocess_exec(
        *program[language],
        "--port",
        str(port),
        env={**os.environ, "AUTH_TOKEN": auth_token, "RECEIVER_LENIENT": "1" if lenient else ""},
        stdin=DEVNULL,
        stdout=PIPE,
    )
    try:
        base = await _base(process)
        async with aiohttp.ClientSession() as session:
            yield Receiver(session, language, base)
    finally:
        await _end(process)


async def _base(process: Process) -> str:
    assert process.stdout is not None
    async with asyncio.timeout(START_SECONDS):
        line = (await process.stdout.readline()).decode()
    assert line.startswith(READY), f"the receiver ended with {await process.wait()}"
    return line.removeprefix(READY).strip()


async def _end(process: Process) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
