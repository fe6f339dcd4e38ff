"""What client SDKs ask of each object that they follow: items in order, and what changed since an event."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from chinwag.domain.items import Slice, Span, Tombstone
from storage.objects import Followed, Members, Messages, UserChannels
from storage.outside import Steps

if TYPE_CHECKING:
    from chinwag.domain.account import Account
    from chinwag.domain.service import Service
    from chinwag.domain.unit import Store
    from storage.objects import Key

EXAMPLES = 25

ALL = 1000

History = list[tuple[str, int]]

histories = st.lists(
    st.tuples(st.sampled_from(["add", "add", "change", "remove"]), st.integers(0, 99)),
    min_size=1,
    max_size=40,
)

tried = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

Live = Callable[[History], Awaitable[Followed]]

of_messages = pytest.mark.parametrize("kind", [Messages])


@pytest.fixture(params=[Messages, Members, UserChannels])
def kind(request: pytest.FixtureRequest) -> type[Followed]:
    return request.param


@pytest.fixture
def live(kind: type[Followed], store: Store, account: Account, service: Service) -> Live:
    """Makes an object that has a history."""

    async def lived(history: History) -> Followed:
        followed = kind(account, service)
        await store.write(lambda tx: followed.live(tx, history))
        return followed

    return lived


# Any history


@tried
@given(history=histories, most=st.integers(1, 6))
async def test_what_changed_since_an_event_comes_in_the_order_of_events(
    store: Store, live: Live, history: History, most: int
) -> None:
    followed = await live(history)

    async with store.reading() as tx:
        for event_id in range(followed.last_event + 2):
            assert await followed.since(tx, event_id, most) == followed.changed_since(event_id, most)
        assert await followed.since(tx, 0, ALL) == followed.changed_since(0, ALL)


@tried
@given(history=histories, most=st.integers(1, 6))
async def test_who_was_away_and_catches_up_holds_what_is_there_now(
    store: Store, live: Live, history: History, most: int
) -> None:
    followed = await live(history)

    async with store.reading() as tx:
        for seen, held in enumerate(followed.was):
            state: dict[Key, object] = dict(held)
            event_id = seen
            while changes := await followed.since(tx, event_id, most):
                for change in changes:
                    if isinstance(change, Tombstone):
                        state.pop(change.key, None)
                    else:
                        known = followed.key(change) in state
                        assert known or change.created_event_id > seen, "what is not known is new"
                        state[followed.key(change)] = change
                event_id = changes[-1].last_event_id
            assert event_id <= followed.last_event
            assert state == followed.kept


@tried
@given(history=histories, size=st.integers(1, 6))
async def test_a_slice_begins_where_it_should_and_knows_what_is_on_either_side(
    store: Store, live: Live, history: History, size: int
) -> None:
    followed = await live(history)

    async with store.reading() as tx:
        for start in (None, *followed.starts()):
            for descending in (False, True):
                span = Span(start=start, descending=descending, size=size)
                assert await followed.slice(tx, span) == followed.there(span), f"{span}"


# One by one


async def test_of_an_object_in_which_nothing_happened_there_is_nothing(store: Store, live: Live) -> None:
    followed = await live([])

    async with store.reading() as tx:
        assert await followed.since(tx, 0, ALL) == []
        assert await followed.slice(tx, Span(size=1)) == Slice([], before=False, after=False)
        assert await followed.slice(tx, Span(size=1, descending=True)) == Slice([], before=False, after=False)


async def test_who_has_seen_the_last_event_or_claims_a_later_one_is_told_nothing(
    store: Store, live: Live
) -> None:
    followed = await live([("add", 0), ("add", 0), ("change", 0)])

    async with store.reading() as tx:
        assert [await followed.since(tx, event_id, ALL) for event_id in (3, 4, 2**53)] == [[], [], []]


async def test_an_item_that_changed_often_is_told_once_as_it_is_now(store: Store, live: Live) -> None:
    followed = await live([("add", 0), *[("change", 0)] * 3])

    async with store.reading() as tx:
        (found,) = await followed.since(tx, 0, ALL)
    assert (found.created_event_id, found.last_event_id) == (1, 4)
    assert [found] == list(followed.kept.values())


async def test_what_came_and_went_while_a_client_was_away_is_told_as_gone(store: Store, live: Live) -> None:
    followed = await live([("add", 0), ("remove", 0)])

    async with store.reading() as tx:
        (found,) = await followed.since(tx, 0, ALL)
    (key,) = followed.gone
    assert found == Tombstone(key=key, created_event_id=1, last_event_id=2)


async def test_a_slice_that_begins_beyond_the_last_item_is_empty_and_says_that_there_are_some_before(
    store: Store, live: Live
) -> None:
    followed = await live([("add", 0)] * 3)
    beyond = max(followed.starts())

    async with store.reading() as tx:
        assert await followed.slice(tx, Span(start=beyond, size=9)) == Slice([], before=True, after=False)


async def test_objects_do_not_see_each_other(store: Store, live: Live) -> None:
    one = await live([("add", 0), ("add", 0), ("remove", 0)])
    other = await live([("add", 0), ("change", 0), ("add", 0)])

    async with store.reading() as tx:
        for followed in (one, other):
            assert await followed.since(tx, 0, ALL) == followed.changed_since(0, ALL)
            assert await followed.slice(tx, Span(size=ALL)) == followed.there(Span(size=ALL))


@of_messages
async def test_messages_that_were_all_changed_after_they_were_added_come_in_small_parts(
    store: Store, live: Live
) -> None:
    history = [("add", 0), ("change", 0)] * 3 + [("add", 0)] * 20 + [("change", n) for n in range(3, 20)]
    followed = await live(history)

    async with store.reading() as tx:
        for event_id in range(followed.last_event + 1):
            for most in (1, 2, 7):
                assert await followed.since(tx, event_id, most) == followed.changed_since(event_id, most)


@of_messages
async def test_messages_before_and_behind_a_wide_gap_are_found(store: Store, live: Live) -> None:
    history = [("add", 0)] * 30 + [("remove", 1)] * 28 + [("add", 0)] * 3
    followed = await live(history)

    async with store.reading() as tx:
        for event_id in range(followed.last_event + 1):
            assert await followed.since(tx, event_id, 4) == followed.changed_since(event_id, 4)
        assert await followed.slice(tx, Span(start=1, size=2)) == followed.there(Span(start=1, size=2))


# What it costs


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_who_was_away_for_a_moment_pays_nothing_for_a_long_history(store: Store, live: Live) -> None:
    """Counted in the steps of SQLite's machine."""
    moment = [("add", 0), ("change", 0), ("remove", 0)]
    short = await live(moment * 2)
    long = await live(moment * 500)

    costs: list[list[int]] = []
    async with store.reading() as tx:
        for followed in (short, long):
            steps = Steps(store)
            await followed.since(tx, followed.last_event, ALL)
            steps.mark()
            await followed.since(tx, followed.last_event - 2, ALL)
            steps.mark()
            await followed.slice(tx, Span(size=2, descending=True))
            steps.mark()
            costs.append(steps.marks)
    assert all(there <= here * 1.1 for here, there in zip(*costs, strict=True)), f"{costs}"


@of_messages
@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_who_was_away_for_long_pays_for_what_is_told_only(store: Store, live: Live) -> None:
    short = await live(added_and_changed(20))
    long = await live(added_and_changed(500))

    costs: list[int] = []
    async with store.reading() as tx:
        for followed, event_id in ((short, 0), (long, 0), (long, 500), (long, 900)):
            steps = Steps(store)
            assert len(await followed.since(tx, event_id, 10)) == 10
            steps.mark()
            costs += steps.marks
    assert max(costs) <= 1.5 * costs[0], f"{costs}"


def added_and_changed(messages: int) -> History:
    """Messages that are changed as soon as they are there."""
    return [(action, number) for number in range(messages) for action in ("add", "change")]
