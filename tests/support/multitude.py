"""Thousands of clients, in processes of their own, which come, go, return all at once, and count what comes.

`multitude` starts them and `Multitude.tell` says what they do. Each follows the messages of one channel,
which had none when it came: every message must come to it once, and in order.
"""

from __future__ import annotations

import asyncio
import gc
import os
import random
import resource
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections import Counter
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import uvloop

from support.sdk_client import DisconnectedError, SdkClient

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

    from support.sync import SyncList

PROCESSES = 2
AT_A_TIME = 64
"""How many come at a time."""

AGAIN_SECONDS = 0.5, 1.5
"""After how long somebody tries again who did not get through, in seconds."""

AWAY_SECONDS = 0.2, 1.2
NICE = 10
"""They let others go first who measure how long something takes."""

ANSWER_SECONDS = 300.0


class Person(msgspec.Struct, frozen=True):
    """Who comes.

    Args:
        channel: the SID of the channel whose messages are followed.
    """

    token: str
    channel: str


class Arrive(msgspec.Struct, frozen=True, tag=True):
    """Connect and follow."""

    base: str
    people: list[Person]


class Return(msgspec.Struct, frozen=True, tag=True):
    """Lose every connection at once, without a goodbye, and be back: all within so many seconds."""

    seconds: float


class Live(msgspec.Struct, frozen=True, tag=True):
    """From now on come and go, type and read.

    Args:
        leaving: how many lose their connection each second.
        acting: how many say each second that they type, or how far they have read.
    """

    leaving: float
    acting: float


class Calm(msgspec.Struct, frozen=True, tag=True):
    """Do so no longer, and wait until everybody is there."""


class Look(msgspec.Struct, frozen=True, tag=True):
    """Say what came so far."""


Task = Arrive | Return | Live | Calm | Look


class Seen(msgspec.Struct):
    """What they have.

    Args:
        there: how many are connected, and follow.
        messages: how many have so many messages, by the number of messages of each.
        wrong: messages that came twice, too early, or without the one before.
        returned: how often somebody came back.
        refused: how often somebody did not get through, and tried again.
        acted: how often somebody typed or read.
    """

    there: int = 0
    messages: dict[int, int] = {}
    wrong: int = 0
    returned: int = 0
    refused: int = 0
    acted: int = 0
    failures: list[str] = []

    def have_all(self, messages: int) -> bool:
        """Whether everybody has so many messages."""
        return self.messages.keys() == {messages}


class Multitude:
    """All of them, as a test sees them."""

    def __init__(self, processes: list[Process]) -> None:
        self._processes = processes

    async def tell(self, *tasks: Task) -> Seen:
        """Have them do something, one task for all or one for each process, and return what they have."""
        each = tasks * len(self._processes) if len(tasks) == 1 else tasks
        told = (_told(process, task) for process, task in zip(self._processes, each, strict=True))
        return _together(await asyncio.gather(*told))

    async def until(self, true: Callable[[Seen], bool], seconds: float = 60.0) -> Seen:
        """Look until a condition is met, or it takes too long: the last look says what is missing."""
        deadline = time.monotonic() + seconds
        while True:
            seen = await self.tell(Look())
            if true(seen) or time.monotonic() > deadline:
                return seen
            await asyncio.sleep(0.05)


@asynccontextmanager
async def multitude(base: str, people: list[Person], processes: int = PROCESSES) -> AsyncIterator[Multitude]:
    """Let people come, and go at the end."""
    async with AsyncExitStack() as stack:
        started = [await stack.enter_async_context(_process()) for _ in range(processes)]
        everybody = Multitude(started)
        await everybody.tell(*(Arrive(base, people[nth::processes]) for nth in range(processes)))
        yield everybody


@asynccontextmanager
async def _process() -> AsyncIterator[Process]:
    tests = Path(__file__).parents[1]
    command = (sys.executable, "-m", "support.multitude")
    process = await asyncio.create_subprocess_exec(
        *command, cwd=tests, env=os.environ | {"PYTHONPATH": str(tests)}, stdin=PIPE, stdout=PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def _told(process: Process, task: Task) -> Seen:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(msgspec.json.encode(task) + b"\n")
    async with asyncio.timeout(ANSWER_SECONDS):
        answer = await process.stdout.readline()
    return msgspec.json.decode(answer, type=Seen)


def _together(all_seen: Iterable[Seen]) -> Seen:
    total = Seen()
    messages: Counter[int] = Counter()
    for seen in all_seen:
        messages.update(seen.messages)
        for name in ("there", "wrong", "returned", "refused", "acted", "failures"):
            setattr(total, name, getattr(total, name) + getattr(seen, name))
    total.messages = dict(messages)
    return total


class _Client:
    """One of them."""

    def __init__(self, base: str, person: Person) -> None:
        self.sdk = SdkClient(base, person.token)
        self.channel = person.channel
        self.messages: SyncList | None = None
        self.came = self.wrong = self.refused = 0

    async def arrive(self) -> None:
        """Get through, however often that takes, and follow."""
        while True:
            try:
                await self.sdk.connect()
                if self.messages is None:
                    self.messages = await self.sdk.list(f"{self.channel}.messages", read=False)
                    self.messages.listener = self._take
                await self.sdk.settle()
            except (DisconnectedError, TimeoutError):
                self.refused += 1
                self.sdk.cut()
                await asyncio.sleep(random.uniform(*AGAIN_SECONDS))
            else:
                return

    def _take(self, happened: str, index: Any, _: Any) -> None:
        if happened == "added":
            self.wrong += index != self.came
            self.came = index + 1
            if self.messages is not None:
                self.messages.items.clear()  # hours of messages are nobody's to keep


class _Clients:
    """All of a process."""

    def __init__(self) -> None:
        self._all: list[_Client] = []
        self._living: list[asyncio.Task[None]] = []
        self._under_way: set[asyncio.Task[None]] = set()
        self._away: set[_Client] = set()
        self._returned = self._acted = 0
        self._failures: list[str] = []

    async def do(self, task: Task) -> Seen:
        match task:
            case Arrive():
                self._all = [_Client(task.base, person) for person in task.people]
                await _some_at_a_time(self._all)
                gc.collect()
                gc.freeze()
            case Return():
                for client in self._all:
                    client.sdk.cut()
                await asyncio.gather(*(self._return(client, (0.0, task.seconds)) for client in self._all))
            case Live():
                self._living = [
                    asyncio.create_task(self._often(task.leaving, self._leave)),
                    asyncio.create_task(self._often(task.acting, self._act)),
                ]
            case Calm():
                for living in self._living:
                    living.cancel()
                await asyncio.gather(*self._under_way)
            case Look():
                pass
        return self._seen()

    async def _return(self, client: _Client, away: tuple[float, float]) -> None:
        await asyncio.sleep(random.uniform(*away))
        await client.arrive()
        self._returned += 1

    async def _often(self, rate: float, act: Callable[[_Client], Awaitable[None]]) -> None:
        """Have somebody do something, so many times a second."""
        while True:
            await asyncio.sleep(1 / rate)
            client = random.choice(self._all)
            if client not in self._away:
                task = asyncio.ensure_future(self._carefully(client, act))
                self._under_way.add(task)
                task.add_done_callback(self._under_way.discard)

    async def _carefully(self, client: _Client, act: Callable[[_Client], Awaitable[None]]) -> None:
        try:
            await act(client)
        except DisconnectedError:
            pass  # it left meanwhile
        except Exception as error:  # noqa: BLE001  # it goes on, and the report tells
            self._failures.append(repr(error))

    async def _leave(self, client: _Client) -> None:
        self._away.add(client)
        try:
            if random.random() < 0.5:
                client.sdk.cut()
            else:
                await client.sdk.close()
            await self._return(client, AWAY_SECONDS)
        finally:
            self._away.discard(client)

    async def _act(self, client: _Client) -> None:
        if random.random() < 0.5:
            body: dict[str, Any] = {"ConversationSid": client.channel}
            answer = await client.sdk.request("POST", "/Client/v1/Typing", body)
        else:
            body = {"last_read_message_index": client.came - 1} if client.came else {}
            path = f"/Client/v1/MyConversations/{client.channel}"
            answer = await client.sdk.request("POST", path, body)
        if answer.status >= 300:
            raise RuntimeError(f"{body} was answered {answer}")
        client.sdk.notes.clear()
        self._acted += 1

    def _seen(self) -> Seen:
        lists = [client.messages for client in self._all if client.messages is not None]
        return Seen(
            there=sum(client.sdk.settled() for client in self._all),
            messages=dict(Counter(client.came for client in self._all)),
            wrong=sum(client.wrong for client in self._all)
            + sum(found.doubled + found.disordered + found.unasked for found in lists),
            returned=self._returned,
            refused=sum(client.refused for client in self._all),
            acted=self._acted,
            failures=self._failures[:10],
        )


async def _some_at_a_time(clients: list[_Client]) -> None:
    left = iter(clients)

    async def worker() -> None:
        for client in left:
            await client.arrive()

    await asyncio.gather(*(worker() for _ in range(AT_A_TIME)))


async def _obey() -> None:
    clients = _Clients()
    while line := await asyncio.to_thread(sys.stdin.buffer.readline):
        answer = await clients.do(msgspec.json.decode(line, type=Task))
        sys.stdout.buffer.write(msgspec.json.encode(answer) + b"\n")
        sys.stdout.buffer.flush()


def main() -> None:
    os.nice(NICE)
    gc.set_threshold(100_000, 20, 20)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, hard), hard))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_obey())


if __name__ == "__main__":
    main()
