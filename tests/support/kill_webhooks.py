"""Kills a server with webhook calls that wait, starts it again, and looks at whether each was made.

`python -m support.kill_webhooks --calls 5000 --engine sqlite`, from `tests/`; without `--engine` on both.
The application hangs while the messages are posted, and answers after the kill.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp

from support.kill import ACCOUNT_SID, AUTH_TOKEN, serving
from support.postgres import running_postgres
from support.receiver import Language, receiving

if TYPE_CHECKING:
    from support.receiver import Receiver

CHANNELS = 16
WRITERS = 32
PATIENCE_SECONDS = 300
HEADER = {"X-Twilio-Webhook-Enabled": "true"}


@dataclass
class Report:
    """What came of it.

    Args:
        posted: messages that were answered with 201 before the kill.
        under_way: requests that had reached the application by then, and that it never answered.
        lost: of those messages, those that the application was never told of afterwards.
        told: requests after the kill.
        unsigned: requests whose signature the vendor's code did not accept.
        seconds: from the restart to the last.
    """

    posted: int
    under_way: int
    lost: int
    told: int
    unsigned: int
    seconds: float

    @property
    def clean(self) -> bool:
        return self.lost == 0 and self.unsigned == 0

    def __str__(self) -> str:
        return (
            f"{self.posted} posted, {self.under_way} under way at the kill; after it {self.told} calls in "
            f"{self.seconds:.1f} s, {self.lost} messages lost, {self.unsigned} signatures wrong"
        )


async def killed_with_calls_waiting(database_url: str, calls: int, language: Language = "python") -> Report:
    """Post so many messages that webhooks are told of, kill the server, and start it again."""
    credentials = aiohttp.encode_basic_auth(ACCOUNT_SID, AUTH_TOKEN)
    async with (
        receiving(language, AUTH_TOKEN) as receiver,
        aiohttp.ClientSession(headers={"Authorization": credentials}, raise_for_status=True) as session,
    ):
        await receiver.plan({"hang": True})
        async with serving(database_url) as (base, server):
            posted = await _posted(session, base, receiver, calls)
            await receiver.wait_for(1)
            server.kill()
            await server.wait()
        under_way = len(await receiver.received())
        await receiver.forget()
        await receiver.plan()
        began = time.monotonic()
        async with serving(database_url):
            while len({one.one("MessageSid") for one in await receiver.received()}) < len(posted):
                if time.monotonic() > began + PATIENCE_SECONDS:
                    break
                await asyncio.sleep(0.5)
            seconds = time.monotonic() - began
        told = await receiver.received()
    return Report(
        posted=len(posted),
        under_way=under_way,
        lost=len(posted - {one.one("MessageSid") for one in told}),
        told=len(told),
        unsigned=sum(not one.valid for one in told),
        seconds=seconds,
    )


async def _posted(session: aiohttp.ClientSession, base: str, receiver: Receiver, calls: int) -> set[str]:
    """Post messages to several channels, and return the SIDs of those that were answered."""

    async def made(path: str, **form: str) -> str:
        async with session.post(f"{base}{path}", data=form, headers=HEADER) as answer:
            return (await answer.json())["sid"]

    service = f"/v2/Services/{await made('/v2/Services', FriendlyName='Kill')}"
    await made(service, PostWebhookUrl=receiver.hook, WebhookFilters="onMessageSent")
    channels = [await made(f"{service}/Channels") for _ in range(CHANNELS)]
    numbers = iter(range(calls))
    sids: set[str] = set()

    async def write() -> None:
        for number in numbers:
            path = f"{service}/Channels/{channels[number % CHANNELS]}/Messages"
            sids.add(await made(path, Body=f"message {number}"))

    await asyncio.gather(*(write() for _ in range(WRITERS)))
    return sids


def main() -> int:
    parser = argparse.ArgumentParser(prog="support.kill_webhooks", description=__doc__)
    parser.add_argument("--calls", type=int, default=5000)
    parser.add_argument("--engine", choices=["sqlite", "postgres"])
    wanted = parser.parse_args()

    clean = True
    for engine in [wanted.engine] if wanted.engine else ["sqlite", "postgres"]:
        report = asyncio.run(_on(engine, wanted.calls))
        print(f"{engine}: {report}", flush=True)  # noqa: T201  # a command line prints
        clean = clean and report.clean
    return 0 if clean else 1


async def _on(engine: str, calls: int) -> Report:
    if engine == "sqlite":
        with tempfile.TemporaryDirectory(prefix="chinwag-kill-") as folder:
            return await killed_with_calls_waiting(f"sqlite:///{Path(folder)}/chinwag.db", calls)
    with running_postgres() as postgres:
        return await killed_with_calls_waiting(await postgres.database(), calls)


if __name__ == "__main__":
    sys.exit(main())
