"""A clock that is set back and forward by an hour while messages are posted and clients are connected."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
from aiohttp import web

from chinwag import sweep
from chinwag.delivery import journal, pushing
from chinwag.realtime import endpoint
from delivery.application import Told, an_application
from support.churn import KEY_SECRET, KEY_SID
from support.kill import ACCOUNT_SID
from support.known import known_server
from support.load_of_messages import CONDITION_SECONDS, Load, a_load
from support.sdk_client import LoginRefusedError, SdkClient, access_token

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.torture import Did

HOUR = 3600
STEPS = [HOUR, -2 * HOUR, HOUR, -HOUR, HOUR]

CLIENTS = 20
CALLS = 50
RETRIES = 3
WHILE_SECONDS = 3.0

MOST_CPU = 0.15
"""Share of a core that a server takes at most that nobody asks for anything; a loop that spins takes one."""

MOST_WAKEUPS = 2.0
"""How many times as often as before its threads may wake."""


class Clock:
    """The clock of this machine, as this process sees it, for everybody who asks for the time.

    What measures only how long something takes, `time.monotonic`, goes on as it does on a real machine.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ahead = 0
        time_s, time_ns = time.time, time.time_ns
        monkeypatch.setattr(time, "time", lambda: time_s() + self.ahead)
        monkeypatch.setattr(time, "time_ns", lambda: time_ns() + self.ahead * 10**9)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a server looks for once in minutes it looks for each second, so that a look comes in time."""
    monkeypatch.setattr(sweep, "LOOK_SECONDS", 1.0)
    monkeypatch.setattr(endpoint, "CLOCK_SECONDS", 1.0)
    monkeypatch.setattr(journal, "FORGET_SECONDS", 1.0)
    monkeypatch.setattr(pushing, "TIDY_SECONDS", 1.0)


@pytest.fixture
def base(clock: Clock, database: str, tmp_path: Path) -> Iterator[str]:
    with known_server(tmp_path, database) as base:
        yield base


@pytest.mark.check(12)
async def test_messages_keep_their_order_whatever_the_clock_is_set_to(
    base: str, clock: Clock, full_length: bool, did: Did
) -> None:
    between = 500 if full_length else 30
    async with a_load(base) as load:
        client = await a_client(load, "alice")
        seen = await client.list(f"{load.channels[0].rpartition('/')[2]}.messages")
        added: list[int] = []
        seen.listener = lambda happened, index, _: added.append(int(index)) if happened == "added" else None
        async with load.writing():
            for step in STEPS:
                await load.more(between)
                clock.ahead += step
            await load.more(between)
        listed = await load.messages(load.channels[0])
        await load.until(lambda: len(added) == len(listed))
        wrong = await load.wrong()
        await client.close()

    did(f"{len(STEPS)} steps of 1 or 2 hours under 16 writers, {len(load.acknowledged):,} acknowledged")
    did(f"{len(wrong)} lost, doubled or out of order; a client that was connected had all in order")
    assert load.refused.total() + load.broken == 0
    assert wrong == []
    assert added == [message["index"] for message in listed]
    dates = [datetime.fromisoformat(message["date_created"]) for message in listed]
    assert max(dates) - min(dates) > timedelta(seconds=2 * HOUR - CONDITION_SECONDS)


@pytest.mark.check(12)
async def test_a_token_is_good_by_the_clock_of_the_server(base: str, clock: Clock, did: Did) -> None:
    async with a_load(base) as load:
        token = a_token(load, "alice")
        clock.ahead = 2 * HOUR
        with pytest.raises(LoginRefusedError):
            await SdkClient(base, token).connect()
        clock.ahead = 0

        client = SdkClient(base, token)
        await client.connect()

        assert client.connected
        await client.close()
    did("a token for an hour is refused two hours later, and taken when the clock is set back")


@pytest.mark.check(12)
async def test_a_token_that_has_ended_by_the_clock_ends_its_connection(
    base: str, clock: Clock, monkeypatch: pytest.MonkeyPatch, did: Did
) -> None:
    monkeypatch.setattr(endpoint, "CLOCK_SECONDS", 0.05)
    async with a_load(base) as load:
        short, long = SdkClient(base, a_token(load, "alice")), SdkClient(base, a_token(load, "bob", hours=24))
        for client in (short, long):
            await client.connect()

        clock.ahead = HOUR - 60
        await load.until(lambda: bool(short.notes))
        assert [note.header["client_update_type"] for note in short.notes] == ["token_about_to_expire"]
        assert short.connected

        clock.ahead = HOUR
        await load.until(lambda: not short.connected)
        assert (long.connected, long.notes) == (True, [])
        await long.close()
    did("a client is told that its token ends, and cut off when it has ended, by a clock that was set")


async def a_client(load: Load, identity: str) -> SdkClient:
    """Let a member of the first channel in."""
    members = f"{load.base}{load.channels[0]}/Members"
    async with load.session.post(members, data={"Identity": identity}) as answer:
        assert answer.status == 201
    client = SdkClient(load.base, a_token(load, identity, hours=24), batching=0.0)
    await client.connect()
    return client


def a_token(load: Load, identity: str, hours: int = 1) -> str:
    return access_token(
        identity,
        account_sid=ACCOUNT_SID,
        key_sid=KEY_SID,
        secret=KEY_SECRET,
        service_sid=load.channels[0].split("/")[3],
        ttl=hours * HOUR,
    )


@pytest.mark.check(12)
@pytest.mark.clock
@pytest.mark.usefixtures("hasty")  # before there is a server, whose first look would be far away
async def test_a_step_of_the_clock_sets_off_no_storm(base: str, clock: Clock, did: Did) -> None:
    """Users are online, and calls of webhooks wait for another try: most of what is timed is under way."""
    async with an_application() as application, a_load(base) as load:
        application.answer = refused
        service = load.channels[0].partition("/Channels")[0]
        hooks = {
            "ReachabilityEnabled": "true",
            "PostWebhookUrl": application.url,
            "WebhookFilters": "onMessageSent",
            "PostWebhookRetryCount": str(RETRIES),
        }
        await posted(load, service, **hooks)
        clients = [await a_client(load, f"user-{number}") for number in range(CLIENTS)]
        for client in clients:
            await client.list(f"{load.channels[0].rpartition('/')[2]}.messages")
        for number in range(CALLS):
            await posted(load, f"{load.channels[0]}/Messages", Body=str(number))
        await application.heard(CALLS)

        quiet = await a_while()
        stepped: list[While] = []
        for step in STEPS:
            clock.ahead += step
            stepped.append(await a_while())

        tries = Counter(told.params["MessageSid"] for told in application.told)
        assert all(client.connected and client.notes == [] for client in clients)
        await asyncio.gather(*(client.close() for client in clients))

    busiest = max(stepped, key=lambda one: one.cpu)
    did(
        f"after {len(STEPS)} steps with {CLIENTS} clients and {CALLS} calls that wait: {busiest.cpu:.1%} of "
        f"a core, {quiet.cpu:.1%} before; {max(one.wakeups for one in stepped):.0f} wake-ups a second, "
        f"{quiet.wakeups:.0f} before; no call was tried more than {max(tries.values())} times"
    )
    assert len(tries) == CALLS
    assert 1 < max(tries.values()) <= 1 + RETRIES
    assert busiest.cpu < MOST_CPU
    assert max(one.wakeups for one in stepped) < MOST_WAKEUPS * quiet.wakeups


class While(NamedTuple):
    """What a process did for a while in which nobody asked it for anything.

    Args:
        cpu: share of a core.
        wakeups: a second, of all of its threads: how often one had nothing to do, and then something.
    """

    cpu: float
    wakeups: float


async def a_while() -> While:
    """Wait, and see what this process does, with the server in it."""
    began, cpu, wakeups = time.monotonic(), time.process_time(), _switches()
    await asyncio.sleep(WHILE_SECONDS)
    seconds = time.monotonic() - began
    return While((time.process_time() - cpu) / seconds, (_switches() - wakeups) / seconds)


def _switches() -> int:
    """How often the threads of this process have gone to sleep. A thread that has ended is not counted."""
    found = 0
    for status in Path("/proc/self/task").glob("*/status"):
        with suppress(OSError):  # it ends just now
            lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
            found += int(lines["voluntary_ctxt_switches"])
    return found


async def refused(_told: Told) -> web.StreamResponse:
    return web.Response(status=503)


async def posted(load: Load, path: str, **form: str) -> None:
    headers = {"X-Twilio-Webhook-Enabled": "true"}
    async with load.session.post(load.base + path, data=form, headers=headers) as answer:
        assert answer.status in {200, 201}, await answer.text()
