"""How often something may be done: arithmetic with a clock that stands still until it is told to go on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chinwag.errors import Kinds
from chinwag.rates import MEMORY, Rate, Requests, exceeded


class Clock:
    """A clock in seconds."""

    def __init__(self, now: float = 1_000_000.1) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def done(rate: Rate, key: object = "a", tries: int = 1000) -> int:
    """Try again and again, and return how often it was allowed."""
    allowed = 0
    for _ in range(tries):
        if rate.wait(key) == 0:
            rate.count(key)
            allowed += 1
    return allowed


@pytest.mark.parametrize("per_second", [1, 3, 7, 30, 999])
def test_as_many_as_in_a_second_are_done_at_once(per_second: int) -> None:
    assert done(Rate(per_second, per_second, Clock())) == per_second


@pytest.mark.parametrize("per_second", [1, 3, 30])
def test_then_as_many_as_time_allows(per_second: int) -> None:
    clock = Clock()
    rate = Rate(per_second, per_second, clock)
    done(rate)

    in_ten_seconds = 0
    for _ in range(1000):
        clock.now += 0.01
        in_ten_seconds += done(rate, tries=3)

    assert in_ten_seconds == pytest.approx(10 * per_second, abs=1)


@given(st.integers(1, 1000), st.floats(0, 1e8), st.integers(0, 20))
def test_after_the_wait_that_is_told_it_is_allowed_and_not_before(rate: int, now: float, more: int) -> None:
    clock = Clock(now)
    limit = Rate(rate, rate, clock)
    for _ in range(rate + more):
        limit.count("a")

    wait = limit.wait("a")

    assert wait == pytest.approx((more + 0.5) / rate, abs=1e-4)
    clock.now += wait / 2
    assert limit.wait("a") > 0
    clock.now += wait / 2 + 1e-4
    assert limit.wait("a") == 0


def test_nobody_pays_for_another() -> None:
    rate = Rate(2, 2, Clock())
    done(rate, "a")

    assert done(rate, "b") == 2


def test_what_is_taken_back_was_never_done() -> None:
    rate = Rate(5, 5, Clock())
    for _ in range(100):
        rate.count("a")
        rate.take_back("a")
    rate.take_back("b")

    assert done(rate) == 5
    assert done(rate, "b") == 5


def test_who_has_not_done_it_for_a_while_is_forgotten() -> None:
    clock = Clock()
    rate = Rate(10, 10, clock)
    for key in range(1000):
        rate.count(key)
    assert rate.remembered == 1000

    clock.now += 1
    for key in range(1000, 2001):
        rate.count(key)

    assert rate.remembered <= 1001


def test_of_too_many_the_one_that_did_nothing_for_longest_is_forgotten() -> None:
    rate = Rate(1, 2, Clock())
    for key in range(MEMORY + 1000):
        rate.count(key)
        rate.count("busy")

    assert rate.remembered == MEMORY
    assert rate.wait("busy") > 0
    assert done(rate, MEMORY + 999) == 1
    assert done(rate, 0) == 2


def test_a_refusal_says_in_whole_seconds_when_to_come_again() -> None:
    kind = Kinds.TOO_MANY_REQUESTS

    assert [exceeded(kind, wait, "why").retry_after for wait in (1e-9, 0.5, 1, 1.01, 59.5)] == [
        1,
        1,
        1,
        2,
        60,
    ]


def test_requests_that_are_refused_do_not_make_the_wait_longer() -> None:
    clock = Clock()
    requests = Requests(1, clock)
    refusals = []
    for _ in range(10):
        try:
            requests.count(1)
        except Exception as error:  # noqa: BLE001  # looked at below
            refusals.append(error)
    clock.now += 1

    requests.count(1)

    assert [getattr(refusal, "retry_after", None) for refusal in refusals] == [1] * 9
