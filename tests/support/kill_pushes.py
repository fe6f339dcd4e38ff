"""Kills a server with pushes that wait, starts it again, and looks at whether each arrived.

`python -m support.kill_pushes --pushes 1000 --engine sqlite`, from `tests/`; without `--engine` on both, and
with `--database` on an empty one elsewhere. Everybody has a device, and somebody speaks in each channel. The
server is killed when a third of the devices have heard of it: of the other pushes some are under way then,
some wait and some are not made yet.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
from aiohttp import web

from chinwag import commands
from chinwag.app import opened
from chinwag.domain.binding import CreateBinding
from chinwag.domain.caller import Caller
from chinwag.domain.credential import PushType
from chinwag.domain.notifications import NotificationKind
from chinwag.settings import StoreSettings
from delivery.google_peer import Google
from support.kill import ACCOUNT_SID, AUTH_TOKEN, serving
from support.postgres import running_postgres

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

MEMBERS = 250
"""Most members of a channel."""

WRITERS = 16
ANSWER_SECONDS = 0.05
PATIENCE_SECONDS = 120
ENCRYPTION_KEY = "Y2hpbndhZyB0ZXN0cyB1c2UgdGhpcyBmaXhlZCBrZXk="  # of `serving`


@dataclass
class Report:
    """What came of it.

    Args:
        devices: that were to hear of a message.
        before: those that had, when the server was killed.
        under_way: pushes that the provider had then, and to which the server never had an answer.
        lost: devices that never heard of it.
        twice: those that heard of it more than once.
        waiting: pushes that still waited long after all had arrived.
        seconds: from the restart to the last.
    """

    devices: int
    before: int
    under_way: int
    lost: int
    twice: int
    waiting: int
    seconds: float

    @property
    def clean(self) -> bool:
        return self.lost == 0 and self.waiting == 0

    def __str__(self) -> str:
        return (
            f"{self.devices} devices, {self.before} told and {self.under_way} being told at the kill; "
            f"all told {self.seconds:.1f} s after the restart, {self.lost} lost, {self.twice} told twice, "
            f"{self.waiting} left waiting"
        )


@dataclass
class SlowGoogle(Google):
    """Takes its time over every answer to a push.

    Args:
        answered: pushes to which it has given its answer.
    """

    answered: int = 0
    told: Counter[str] = field(default_factory=Counter)

    async def take(self, request: web.Request) -> web.Response:
        answer = await super().take(request)
        if answer.status == 200:
            self.told[json.loads(await request.read())["message"]["token"]] += 1
            await asyncio.sleep(ANSWER_SECONDS)
            self.answered += 1
        return answer


@asynccontextmanager
async def a_slow_google() -> AsyncIterator[SlowGoogle]:
    found = SlowGoogle()
    found.gives_tokens.set()
    site = web.Application()
    site.router.add_post("/token", found.give_token)
    site.router.add_post("/v1/projects/{project}/messages:send", found.take)
    runner = web.AppRunner(site, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0]
    found.url = f"http://{host}:{port}"
    try:
        yield found
    finally:
        await runner.cleanup()


@dataclass
class Crowd:
    """People with devices, in channels."""

    session: aiohttp.ClientSession
    base: str
    service: str = ""
    channels: list[str] = field(default_factory=list)

    async def made(self, path: str, **form: str) -> str:
        """Make something, and return its SID."""
        async with self.session.post(f"{self.base}{path}", data=form) as answer:
            return (await answer.json())["sid"]

    @property
    def path(self) -> str:
        return f"/v2/Services/{self.service}"

    async def gather(self, database_url: str, devices: int, secret: str) -> None:
        """Let everybody in, each with a device."""
        self.service = await self.made("/v2/Services", FriendlyName="Kill")
        await self.made(self.path, **{"Notifications.NewMessage.Enabled": "true"})
        credential = await self.made("/v2/Credentials", Type="fcm", Secret=secret)
        channels = max(2, -(-devices // MEMBERS))
        self.channels = [await self.made(f"{self.path}/Channels") for _ in range(channels)]
        numbers = iter(range(devices))

        async def let_in() -> None:
            for number in numbers:
                channel = self.channels[number % channels]
                await self.made(f"{self.path}/Channels/{channel}/Members", Identity=f"user {number}")

        await asyncio.gather(*(let_in() for _ in range(WRITERS)))
        await _register(database_url, self.service, credential, devices)

    async def speak(self) -> None:
        """Say something in every channel."""
        await asyncio.gather(
            *(
                self.made(f"{self.path}/Channels/{channel}/Messages", Body="hello")
                for channel in self.channels
            )
        )

    async def waiting(self, base: str) -> int:
        """How many pushes wait, as the first page of them says."""
        url = f"{base}/chinwag/v1/Services/{self.service}/Pushes?State=waiting&PageSize=100"
        async with self.session.get(url) as answer:
            return len((await answer.json())["pushes"])


async def _register(database_url: str, service: str, credential: str, devices: int) -> None:
    """Give everybody a device, as an SDK would."""
    settings = StoreSettings(database=database_url, encryption_key=ENCRYPTION_KEY)
    async with opened(settings) as parts:
        async with parts.world.store.reading() as tx:
            account = await tx.accounts.get(ACCOUNT_SID)
        assert account is not None
        for number in range(devices):
            command = CreateBinding(
                service_sid=service,
                endpoint=None,
                credential_sid=credential,
                binding_type=PushType.FCM,
                address=f"device {number}",
                message_types=tuple(NotificationKind),
            )
            user = Caller(account_id=account.id, account_sid=account.sid, identity=f"user {number}")
            await commands.run(command, user, parts.world)


async def killed_with_pushes_waiting(database_url: str, pushes: int) -> Report:
    """Tell so many devices of a message, kill the server in the middle of it, and start it again."""
    credentials = aiohttp.encode_basic_auth(ACCOUNT_SID, AUTH_TOKEN)
    async with (
        a_slow_google() as google,
        aiohttp.ClientSession(headers={"Authorization": credentials}, raise_for_status=True) as session,
    ):
        more = {"CHINWAG_PUSH_FCM_URL": google.url}
        async with serving(database_url, more) as (base, server):
            crowd = Crowd(session, base)
            await crowd.gather(database_url, pushes, google.service_account())
            await crowd.speak()
            await google.until(lambda: len(google.sent) >= pushes // 3)
            server.kill()
            await server.wait()
        before, under_way = len(google.told), google.told.total() - google.answered

        began = time.monotonic()
        async with serving(database_url, more) as (base, _):
            seconds, waiting = 0.0, pushes
            while waiting and time.monotonic() < began + PATIENCE_SECONDS:
                await asyncio.sleep(0.05)
                if len(google.told) < pushes:
                    seconds = time.monotonic() - began
                else:
                    waiting = await crowd.waiting(base)
        return Report(
            devices=pushes,
            before=before,
            under_way=under_way,
            lost=pushes - len(google.told),
            twice=sum(count > 1 for count in google.told.values()),
            waiting=waiting,
            seconds=seconds,
        )


def main() -> int:
    parser = argparse.ArgumentParser(prog="support.kill_pushes", description=__doc__)
    parser.add_argument("--pushes", type=int, default=1000)
    parser.add_argument("--engine", choices=["sqlite", "postgres"])
    parser.add_argument("--database", help="the address of an empty one")
    wanted = parser.parse_args()

    one = wanted.database or wanted.engine
    clean = True
    for where in [one] if one else ["sqlite", "postgres"]:
        report = asyncio.run(_on(where, wanted.pushes))
        print(f"{where}: {report}", flush=True)  # noqa: T201  # a command line prints
        clean = clean and report.clean
    return 0 if clean else 1


async def _on(where: str, pushes: int) -> Report:
    if where == "sqlite":
        with tempfile.TemporaryDirectory(prefix="chinwag-kill-") as folder:
            return await killed_with_pushes_waiting(f"sqlite:///{Path(folder)}/chinwag.db", pushes)
    if where == "postgres":
        with running_postgres() as postgres:
            return await killed_with_pushes_waiting(await postgres.database(), pushes)
    return await killed_with_pushes_waiting(where, pushes)


if __name__ == "__main__":
    sys.exit(main())
