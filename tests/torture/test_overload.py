"""Several times as many clients as there is room for: what is done all the same, and what is there then."""

from __future__ import annotations

import asyncio
import time
from statistics import median
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from chinwag.rest.room import REFUSALS, REST_SECONDS
from rest.wire import basic, head
from support.kill import ACCOUNT_SID, AUTH_TOKEN, serving
from support.load_of_messages import a_load
from support.throng import Crowd, Plan, Stream, crowded

if TYPE_CHECKING:
    from support.load_of_messages import Load
    from support.throng import Came
    from support.torture import Did

TIMES = 3
"""How many times the peak is due of a stream. Not all of that is asked: a connection that waits for an answer
asks nothing, and one that was refused waits long, which is how those that ask too much are slowed down."""

ROUNDS = 5
PEAK_CLIENTS = 64
PEAK_SECONDS = 3.0
OVER_SECONDS = 5.0
CONNECTIONS = 2000
"""Of a stream: nearly seven times as many as there is room for."""

CLIENTS = 1500
"""Who wait as they are told: five times as many as there is room for, each with one request."""

LEAST_SHARE = 0.8
SLOWEST_SECONDS = 1.0
"""300 requests may be before one: less than a tenth of a second at full speed, and some tenths where the
senders are on the same two cores."""

SLOWEST_HEEDLESS_SECONDS = REST_SECONDS + CONNECTIONS / REFUSALS + 0.5
"""A connection that was refused is not read for a second, and then they take turns."""

RECOVERED_SECONDS = 5.0


def posting(load: Load) -> list[bytes]:
    """Requests that post a message, one for each channel."""
    body = b"Body=" + b"x" * 100
    lines = ("Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(body)}")
    credentials = basic(ACCOUNT_SID, AUTH_TOKEN)
    return [
        head(f"POST {channel}/Messages", *lines, authorization=credentials) + body
        for channel in load.channels
    ]


@pytest.mark.check(31)
@pytest.mark.clock
async def test_three_times_as_much_as_there_is_room_for_costs_no_more_than_what_is_refused(
    database: str, did: Did
) -> None:
    async with serving(database) as (base, _), a_load(base) as load:
        requests, port = posting(load), urlsplit(base).port
        assert port is not None

        async def asked(who: Crowd | Stream, seconds: float) -> Came:
            return await crowded(Plan(port=port, requests=requests, who=who, seconds=seconds))

        peaks = [await asked(Crowd(PEAK_CLIENTS), PEAK_SECONDS)]
        heedless, heedful, back = [], [], []
        for _ in range(ROUNDS):
            heedless.append(await asked(Stream(TIMES * peaks[-1].goodput, CONNECTIONS), OVER_SECONDS))
            back.append(heedless[-1].drained_s + await recovered(load))
            heedful.append(await asked(Crowd(CLIENTS), OVER_SECONDS))
            back.append(heedful[-1].drained_s + await recovered(load))
            peaks.append(await asked(Crowd(PEAK_CLIENTS), PEAK_SECONDS))

        shares = [share(over, peaks) for over in (heedless, heedful)]
        did(said(f"{CONNECTIONS:,} that do not wait as they are told", heedless, shares[0]))
        did(said(f"{CLIENTS:,} that do", heedful, shares[1]))
        peak = median(one.goodput for one in peaks)
        did(f"peak {peak:,.0f} messages/s; recovered after {max(back):.1f} s at most")
        came = peaks + heedless + heedful
        await see_that_all_are_there(load, came, did)

    for one in came:
        assert one.answers.keys() <= {201, 503}
        assert (one.without_retry, one.lost, one.unanswered) == (0, 0, 0)
    assert all(one.answers.get(503) for one in heedless + heedful)
    assert min(shares) >= LEAST_SHARE
    assert median(one.p99_ms for one in heedless) <= 1000 * SLOWEST_HEEDLESS_SECONDS
    assert median(one.p99_ms for one in heedful) <= 1000 * SLOWEST_SECONDS
    assert max(back) <= RECOVERED_SECONDS


def share(over: list[Came], peaks: list[Came]) -> float:
    """How much was acknowledged, as a share of what was right before and right after that."""
    around = zip(over, peaks[:-1], peaks[1:], strict=True)
    return median(2 * one.goodput / (before.goodput + after.goodput) for one, before, after in around)


def said(name: str, over: list[Came], of_peak: float) -> str:
    """What came of it, in words."""
    refused, p99 = sum(one.answers.get(503, 0) for one in over), median(one.p99_ms for one in over)
    asked, unasked = sum(one.asked for one in over), sum(one.unasked for one in over)
    came = f"{of_peak:.0%} of peak, p99 {p99:,.0f} ms; {asked:,} asked, {refused:,} refused"
    kept = f", {unasked:,} more not asked because each waited for an answer" if unasked else ""
    return f"clients, {name}: {came}{kept}"


async def recovered(load: Load) -> float:
    """Return how long it takes until 20 messages, one after the other, take half a second at most."""
    began = time.monotonic()
    while time.monotonic() - began < 2 * RECOVERED_SECONDS:
        since = time.monotonic()
        posted = [await load.post(load.channels[0], "back") for _ in range(20)]
        if all(posted) and time.monotonic() - since < 0.5:
            return time.monotonic() - began
        await asyncio.sleep(0.05)
    return time.monotonic() - began


async def see_that_all_are_there(load: Load, came: list[Came], did: Did) -> None:
    """Compare what is there with what was acknowledged."""
    sids = [sid for one in came for sid in one.sids] + list(load.acknowledged)
    there: list[str] = []
    for channel in load.channels:
        messages = await load.messages(channel)
        assert [message["index"] for message in messages] == list(range(len(messages)))
        there += [message["sid"] for message in messages]
    did(f"{len(sids):,} acknowledged, {len(set(sids) - set(there))} lost")
    assert sorted(sids) == sorted(there)
