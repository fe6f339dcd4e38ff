"""Lets a crowd of clients come and go while others write, and looks at what each of them has in the end.

`python -m support.churn --clients 200 --seconds 60 --messages 10000`, from `tests/`; without `--engine` both
engines in turn. With `--kill-server` the server is killed now and then, and started again.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import resource
import sys
import tempfile
import time
from collections import Counter
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import msgspec
import uvloop

from support.kill import ACCOUNT_SID, AUTH_TOKEN, serving
from support.postgres import running_postgres
from support.sdk_client import DisconnectedError, SdkClient, access_token

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import Awaitable, Iterable

    from support.sync import SyncList

KEY_SID = f"SK{1:032x}"
KEY_SECRET = "0123456789abcdef0123456789abcdef"

CHANNELS_OF_EACH = 2
MEMBERS_OF_EACH = 40
"""About how many members a channel has."""

LEAVING = 0.1
"""Share of the clients that loses its connection each second."""

AWAY_SECONDS = 0.2, 1.2
"""For how long one is away; an SDK waits about a second before it comes back."""

WRITERS = 16
RECENT = 200
"""How many of the last messages may be changed."""

EDITED, REMOVED = 0.1, 0.05
"""Share of the messages that is changed later, and that is taken away."""

KILL_SECONDS = 6.0
"""About how long a server lives that is killed now and then."""

CATCH_UP_SECONDS = 60.0

Message = dict[str, Any]


@dataclass
class Report:
    """What the clients had in the end.

    Args:
        held: how many messages all clients held together.
        acknowledged: how many messages were.
        lost: messages that a client did not have, or that were acknowledged and are not there.
        doubled: events that a client was told that it had said it had, and messages added twice.
        disordered: events that came after a later one.
        wrong: messages that a client had in another state than the server, or that were gone.
        failures: what no SDK would have understood.
    """

    engine: str = ""
    held: int = 0
    acknowledged: int = 0
    changed: int = 0
    unknown: int = 0
    reconnects: int = 0
    kills: int = 0
    lost: int = 0
    doubled: int = 0
    disordered: int = 0
    wrong: int = 0
    failures: list[str] = field(default_factory=list)
    details: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        return not (self.lost or self.doubled or self.disordered or self.wrong or self.failures)

    def find(self, what: str, text: str) -> None:
        """Count something that should not be, and keep the first few cases."""
        setattr(self, what, getattr(self, what) + 1)
        if len(self.details) < 20:
            self.details.append(f"{what}: {text}")

    def __str__(self) -> str:
        summary = (
            f"{self.acknowledged} messages acknowledged ({self.unknown} never answered), "
            f"{self.changed} changed or removed; {self.reconnects} reconnections, {self.kills} kills; "
            f"{self.held} held by clients: {self.lost} lost, {self.doubled} doubled, "
            f"{self.disordered} out of order, {self.wrong} wrong, {len(self.failures)} failures"
        )
        return "\n".join([summary, *self.details, *self.failures[:10]])


@dataclass(frozen=True)
class Plan:
    """How much of everything."""

    clients: int = 200
    seconds: float = 60.0
    messages: int = 10_000
    kill_server: bool = False
    seed: int = 1

    @property
    def channels(self) -> int:
        return max(CHANNELS_OF_EACH, self.clients * CHANNELS_OF_EACH // MEMBERS_OF_EACH)


class Place:
    """A server that can be killed and started again; its address may be another then."""

    def __init__(self, database_url: str) -> None:
        self._database_url = database_url
        self._stack = AsyncExitStack()
        self.base = ""
        self.process: Process | None = None

    async def start(self) -> None:
        settings = {"CHINWAG_API_KEY_SID": KEY_SID, "CHINWAG_API_KEY_SECRET": KEY_SECRET}
        self.base, self.process = await self._stack.enter_async_context(serving(self._database_url, settings))

    async def kill(self) -> None:
        await self._stack.aclose()


@dataclass
class Person:
    """A client that comes back whenever it loses its connection."""

    identity: str
    client: SdkClient
    place: Place
    dice: random.Random
    channels: list[str]
    lists: dict[str, SyncList] = field(default_factory=dict)
    added: Counter[tuple[str, int]] = field(default_factory=Counter)
    connections: int = 0
    failures: list[str] = field(default_factory=list)

    async def live(self) -> None:
        """Be connected, again and again."""
        while True:
            self.client.base = self.place.base
            try:
                await self.client.connect()
                if connection := self.client.connection:
                    self.connections += 1
                    await self._open_lists()
                    await connection.closed()
                    if connection.failure is not None:
                        self.failures.append(f"{self.identity}: {connection.failure!r}")
            except DisconnectedError:
                pass
            except Exception as error:  # noqa: BLE001  # it goes on, and the report tells
                self.failures.append(f"{self.identity}: {error!r}")
                self.client.cut()
            await asyncio.sleep(self.dice.uniform(*AWAY_SECONDS))

    async def leave(self) -> None:
        """Lose the connection, with a word or without."""
        if self.dice.random() < 0.5:
            self.client.cut()
        else:
            await self.client.close()

    async def _open_lists(self) -> None:
        for channel in self.channels:
            if channel not in self.lists:
                found = await self.client.list(f"{channel}.messages")
                self.lists[channel] = found
                for index in found.items:
                    self.added[channel, int(index)] += 1
                found.listener = lambda happened, index, _, channel=channel: self._note(
                    happened, channel, index
                )

    def _note(self, happened: str, channel: str, index: Any) -> None:
        if happened == "added":
            self.added[channel, index] += 1


class Churn:
    """One run."""

    def __init__(self, place: Place, plan: Plan, session: aiohttp.ClientSession) -> None:
        self._place = place
        self._plan = plan
        self._session = session
        self._dice = random.Random(plan.seed)
        self._people: list[Person] = []
        self._members: dict[str, list[Person]] = {}
        self._acknowledged: dict[str, tuple[str, str, str]] = {}
        """Channel, author and body by the message's SID."""
        self._changed: dict[str, str] = {}
        self._removed: set[str] = set()
        self._unsure: set[str] = set()
        self._numbers = iter(range(plan.messages))
        self.report = Report()

    async def run(self) -> Report:
        plan = self._plan
        await self._prepare()
        living = [asyncio.create_task(person.live()) for person in self._people]
        await self._until(self._everybody_is_here, "the first connections")

        self._began = time.monotonic()
        restless = [asyncio.create_task(self._unsettle())]
        writers = [asyncio.create_task(self._write()) for _ in range(WRITERS)]
        if plan.kill_server:
            restless.append(asyncio.create_task(self._kill_now_and_then(self._began + plan.seconds)))
        await asyncio.gather(*writers)
        await asyncio.sleep(max(0.0, self._began + plan.seconds - time.monotonic()))
        restless[0].cancel()
        await asyncio.gather(*restless[1:])

        await self._until(self._everybody_is_here, "everybody's return")
        await self._compare()
        for task in living:
            task.cancel()
        await asyncio.wait(living)
        for person in self._people:
            person.client.cut()
            self.report.failures += person.failures
        self.report.reconnects = sum(person.connections - 1 for person in self._people)
        return self.report

    async def _prepare(self) -> None:
        """Make a service with channels, and people in them."""
        service = await self._rest("POST", "/v1/Services", FriendlyName="Churn")
        self._service_path = f"/v2/Services/{service['sid']}"
        await self._rest("POST", self._service_path, **{"Limits.ChannelMembers": "1000"})
        channels = [
            (await self._rest("POST", f"{self._service_path}/Channels", FriendlyName=f"Channel {number}"))[
                "sid"
            ]
            for number in range(self._plan.channels)
        ]
        for number in range(self._plan.clients):
            identity = f"person-{number}"
            token = access_token(
                identity,
                account_sid=ACCOUNT_SID,
                key_sid=KEY_SID,
                secret=KEY_SECRET,
                service_sid=service["sid"],
            )
            mine = self._dice.sample(channels, CHANNELS_OF_EACH)
            client = SdkClient(self._place.base, token)
            dice = random.Random(f"{self._plan.seed} {identity}")
            self._people.append(Person(identity, client, self._place, dice, mine))
        self._members = {
            channel: [person for person in self._people if channel in person.channels] for channel in channels
        }
        for channel, members in self._members.items():
            await self._in_parallel(
                self._rest("POST", f"{self._channel_path(channel)}/Members", Identity=person.identity)
                for person in members
            )

    async def _unsettle(self) -> None:
        """Make a share of the clients lose their connections each second."""
        leaving: set[asyncio.Task[None]] = set()
        while True:
            await asyncio.sleep(1 / (LEAVING * self._plan.clients))
            person = self._dice.choice(self._people)
            if person.client.connected:
                task = asyncio.ensure_future(person.leave())
                leaving.add(task)
                task.add_done_callback(leaving.discard)

    async def _kill_now_and_then(self, until: float) -> None:
        while (pause := self._dice.uniform(0.5, 1.5) * KILL_SECONDS) < until - time.monotonic():
            await asyncio.sleep(pause)
            await self._place.kill()
            await self._place.start()
            self.report.kills += 1
        if not self.report.kills:
            await self._place.kill()
            await self._place.start()
            self.report.kills += 1

    async def _write(self) -> None:
        """Post messages at an even pace, half of them over sockets, and change some."""
        pace = self._plan.seconds * 0.95 / self._plan.messages
        for number in self._numbers:
            await asyncio.sleep(max(0.0, self._began + number * pace - time.monotonic()))
            attempt = 0
            while not await self._post(f"{number}.{attempt}"):
                attempt += 1
                await asyncio.sleep(0.05)
            if self._dice.random() < EDITED:
                await self._edit()
            if self._dice.random() < REMOVED:
                await self._remove()

    async def _post(self, body: str) -> bool:
        """Post a message and return whether it was acknowledged."""
        channel = self._dice.choice(list(self._members))
        if self._dice.random() < 0.5:
            author, path = "somebody", f"{self._channel_path(channel)}/Messages"
            made = await self._maybe_rest("POST", path, Body=body, From=author)
        else:
            here = [person for person in self._members[channel] if person.client.connected]
            if not here:
                return False
            person = self._dice.choice(here)
            author, path = person.identity, f"/Client/v1/Conversations/{channel}/Messages"
            made = await self._maybe_over_socket(person, "POST", path, {"body": body, "attributes": "{}"})
        if made is None:
            self.report.unknown += 1
            return False
        self._acknowledged[made["sid"]] = (channel, author, body)
        return True

    async def _edit(self) -> None:
        if (sid := self._untouched()) is None:
            return
        channel, author, body = self._acknowledged[sid]
        body += ", edited"
        self._unsure.add(sid)
        edited = await self._change(channel, author, sid, body)
        if edited is not None:
            self._unsure.discard(sid)
            self._changed[sid] = body

    async def _remove(self) -> None:
        if (sid := self._untouched()) is None:
            return
        channel, author, _ = self._acknowledged[sid]
        self._unsure.add(sid)
        removed = await self._change(channel, author, sid, None)
        if removed is not None:
            self._unsure.discard(sid)
            self._removed.add(sid)

    def _untouched(self) -> str | None:
        touched = self._unsure | self._changed.keys() | self._removed
        there = [sid for sid in islice(reversed(self._acknowledged), RECENT) if sid not in touched]
        return self._dice.choice(there) if there else None

    async def _change(self, channel: str, author: str, sid: str, body: str | None) -> Any:
        """Change or remove a message, over its author's socket if he is there. None if nobody answered."""
        person = next(
            (p for p in self._members[channel] if p.identity == author and p.client.connected), None
        )
        method = "DELETE" if body is None else "POST"
        if person is not None:
            path = f"/Client/v1/Conversations/{channel}/Messages/{sid}"
            return await self._maybe_over_socket(person, method, path, body and {"body": body})
        path = f"{self._channel_path(channel)}/Messages/{sid}"
        return await self._maybe_rest(method, path, **({} if body is None else {"Body": body}))

    async def _compare(self) -> None:
        """Compare what everybody has with what there is."""
        for channel, members in self._members.items():
            fresh = SdkClient(self._place.base, members[0].client.token)
            await fresh.connect()
            there = await fresh.list(f"{channel}.messages")
            await fresh.settle()
            for person in members:
                mine = person.lists[channel]
                await self._caught_up(mine, there)
                self._compare_one(person, channel, mine, there)
            self._compare_acknowledged(channel, there)
            await fresh.close()
        self.report.acknowledged = len(self._acknowledged)
        self.report.changed = len(self._changed) + len(self._removed)

    async def _caught_up(self, mine: SyncList, there: SyncList) -> None:
        """Wait for the last event; if it does not come, the comparison will show it."""
        with suppress(TimeoutError):
            await self._until(lambda: mine.last_event_id >= there.last_event_id, "the last event")

    def _compare_one(self, person: Person, channel: str, mine: SyncList, there: SyncList) -> None:
        report, who = self.report, f"{person.identity} in {channel}"
        report.held += len(mine.items)
        for index in there.items.keys() - mine.items.keys():
            report.find(
                "lost", f"{who}: index {index}, has {mine.last_event_id} of {there.last_event_id} events"
            )
        for index in mine.items.keys() - there.items.keys():
            report.find("wrong", f"{who}: still has index {index}")
        for index in mine.items.keys() & there.items.keys():
            if mine.items[index] != there.items[index]:
                report.find("wrong", f"{who}: {mine.items[index]} is {there.items[index]}")
        for index in mine.items:
            if person.added[channel, int(index)] != 1:
                report.find(
                    "doubled", f"{who}: index {index} was added {person.added[channel, int(index)]} times"
                )
        for _ in range(mine.doubled):
            report.find("doubled", f"{who}: an event it had")
        for _ in range(mine.disordered + mine.unasked):
            report.find("disordered", f"{who}: {mine.disordered} events late, {mine.unasked} unasked")

    def _compare_acknowledged(self, channel: str, there: SyncList) -> None:
        held: dict[str, Message] = {item.data["sid"]: item.data for item in there.items.values()}
        for _ in range(len(there.items) - len(held)):
            self.report.find("doubled", f"{channel}: two indices have one message")
        for sid, (where, _, body) in self._acknowledged.items():
            if where != channel or sid in self._unsure:
                continue
            if sid in self._removed:
                if sid in held:
                    self.report.find("wrong", f"{sid} was removed and is there")
            elif sid not in held:
                self.report.find("lost", f"{sid} was acknowledged and is not there")
            elif held[sid]["text"] != self._changed.get(sid, body):
                self.report.find("wrong", f"{sid} says {held[sid]['text']!r}")

    def _everybody_is_here(self) -> bool:
        return all(
            person.client.settled() and len(person.lists) == len(person.channels) for person in self._people
        )

    async def _until(self, true: Any, what: str) -> None:
        deadline = time.monotonic() + CATCH_UP_SECONDS
        while not true():
            if time.monotonic() > deadline:
                failures = [failure for person in self._people for failure in person.failures]
                raise TimeoutError(f"{what} did not come within {CATCH_UP_SECONDS} s. {failures[:5]}")
            await asyncio.sleep(0.02)

    def _channel_path(self, channel: str) -> str:
        return f"{self._service_path}/Channels/{channel}"

    async def _maybe_over_socket(self, person: Person, method: str, path: str, body: Any) -> Any:
        try:
            answer = await person.client.request(method, path, body)
        except DisconnectedError:
            return None
        if answer.status >= 300:
            raise RuntimeError(f"{person.identity}: {method} {path} was answered {answer}")
        return answer.json or {}

    async def _maybe_rest(self, method: str, path: str, **form: str) -> Any:
        try:
            return await self._rest(method, path, **form)
        except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError):
            return None

    async def _rest(self, method: str, path: str, **form: str) -> Any:
        async with self._session.request(method, self._place.base + path, data=form or None) as answer:
            content = await answer.read()
            if answer.status >= 300:
                raise RuntimeError(f"{method} {path} was answered {answer.status}: {content.decode()}")
            return msgspec.json.decode(content) if content else {}

    async def _in_parallel(self, work: Iterable[Awaitable[Any]]) -> None:
        gate = asyncio.Semaphore(WRITERS)

        async def one(piece: Awaitable[Any]) -> None:
            async with gate:
                await piece

        await asyncio.gather(*(one(piece) for piece in work))


async def churn(database_url: str, plan: Plan) -> Report:
    """Run it on a database."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 4 * plan.clients + 1000)), hard))
    place = Place(database_url)
    await place.start()
    credentials = {"Authorization": aiohttp.encode_basic_auth(ACCOUNT_SID, AUTH_TOKEN)}
    try:
        async with aiohttp.ClientSession(headers=credentials) as session:
            return await Churn(place, plan, session).run()
    finally:
        await place.kill()


async def churn_on(engine: str, plan: Plan) -> Report:
    """Run it on an engine of its own."""
    if engine == "sqlite":
        with tempfile.TemporaryDirectory(prefix="chinwag-churn-") as folder:
            return await churn(f"sqlite:///{Path(folder)}/chinwag.db", plan)
    with running_postgres() as postgres:
        return await churn(await postgres.database(), plan)


def main() -> int:
    parser = argparse.ArgumentParser(prog="support.churn", description="Come and go while others write.")
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--kill-server", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--engine", choices=["sqlite", "postgres"])
    wanted = parser.parse_args()
    plan = Plan(wanted.clients, wanted.seconds, wanted.messages, wanted.kill_server, wanted.seed)
    clean = True
    for engine in [wanted.engine] if wanted.engine else ["sqlite", "postgres"]:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            report = runner.run(churn_on(engine, plan))
        print(f"{engine}: {report}", flush=True)  # noqa: T201  # a command line prints
        clean = clean and report.clean
    return 0 if clean else 1


if __name__ == "__main__":
    sys.exit(main())
