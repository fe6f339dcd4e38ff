"""How long a refusal takes tells nothing of a secret: ten thousand tries of each kind, taken in turns."""

from __future__ import annotations

import random
import statistics
import time
from typing import TYPE_CHECKING

import aiohttp
import pytest

from chinwag import commands
from chinwag.auth.basic import BasicAuthentication
from chinwag.domain.account import CreateAccount
from chinwag.domain.caller import Operator
from chinwag.errors import ApiError

if TYPE_CHECKING:
    from chinwag.auth.secrets import Seal
    from chinwag.commands import World
    from support.torture import Did

pytestmark = [pytest.mark.check(18), pytest.mark.clock]

TRIES = 10_000
SECRET = "0123456789abcdef" * 2  # as long as one that the server makes
LEAST_NOISE = 0.01
"""A difference smaller than this share of the whole is one that no network would let through."""


async def test_a_refusal_takes_as_long_however_nearly_right_the_secret_is(
    world: World, seal: Seal, did: Did
) -> None:
    command = CreateAccount(friendly_name="Test", sealed_auth_token=seal.seal(SECRET))
    account = await commands.run(command, Operator(), world)
    authentication = BasicAuthentication(world.store, seal)
    tries = {
        "the first character wrong": (account.sid, "x" + SECRET[1:]),
        "the first character wrong, again": (account.sid, "x" + SECRET[1:]),
        "the last character wrong": (account.sid, SECRET[:-1] + "x"),
        "all of it wrong": (account.sid, "x" * len(SECRET)),
        "nobody of this name": ("AC" + "0" * 32, "x" + SECRET[1:]),
    }
    headers = {name: aiohttp.encode_basic_auth(*given) for name, given in tries.items()}
    took: dict[str, list[int]] = {name: [] for name in tries}

    order = list(tries)
    shuffled = random.Random(18)
    for _ in range(TRIES):
        shuffled.shuffle(order)
        for name in order:
            began = time.perf_counter_ns()
            with pytest.raises(ApiError):
                await authentication.caller(headers[name])
            took[name].append(time.perf_counter_ns() - began)

    typical = {name: statistics.median(times) for name, times in took.items()}
    first, again, last, all_wrong, nobody = typical.values()
    noise = max(3 * abs(first - again), LEAST_NOISE * first)
    shown = f"{first / 1000:.2f}, {last / 1000:.2f} and {nobody / 1000:.2f} us"
    did(f"{TRIES:,} tries each: {shown} with the first character wrong, with the last, and of nobody")
    assert abs(last - first) <= noise, typical
    assert abs(all_wrong - first) <= noise, typical
    assert abs(nobody - first) <= 0.2 * first, typical  # one row less is read, of the same table
