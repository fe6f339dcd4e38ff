"""Changes of one statement on PostgreSQL: they share round trips and commits, and still fail alone."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest
from msgspec.structs import replace

from chinwag.errors import ApiError, Kinds
from chinwag.storage.lane import BATCH, as_set, repeated
from chinwag.storage.postgres import PostgresStore
from storage.builders import (
    DEADLINE_SECONDS,
    a_channel,
    a_service,
    an_account,
    caller_of,
    new_draft,
    new_role,
    new_service,
    sid,
)
from storage.outside import ask

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable

    from chinwag.domain.account import Account
    from chinwag.domain.caller import Caller
    from chinwag.domain.channel import Channel
    from chinwag.domain.unit import Transaction

END_CONNECTIONS = """
    SELECT pg_terminate_backend(pid)
    FROM pg_stat_activity
    WHERE application_name = 'chinwag' AND datname = current_database()
"""


WAITING = """
    SELECT count(*)
    FROM pg_stat_activity
    WHERE application_name = 'chinwag' AND wait_event_type = 'Lock' AND datname = current_database()
"""


@pytest.fixture
async def store(emptied_database: str) -> AsyncIterator[PostgresStore]:
    found = await PostgresStore.open(emptied_database, connections=4)
    yield found
    await found.close()


def creating(store: PostgresStore, account: Account, number: int, *, roles: int = 0) -> Awaitable[object]:
    """A change that is one statement."""
    service = new_service(account, number)
    given = [new_role(service, 10 * number + place) for place in range(roles)]
    return store.write(lambda tx: tx.services.add(account.id, service, given))


async def services(database: str) -> list[str]:
    return [row[0] for row in await ask(database, "SELECT sid FROM service ORDER BY sid")]


async def test_changes_that_come_together_share_a_commit(store: PostgresStore, emptied_database: str) -> None:
    account = await an_account(store)

    await asyncio.gather(*(creating(store, account, number, roles=2) for number in range(50)))

    kept = await ask(emptied_database, "SELECT count(*), count(DISTINCT xmin::text) FROM service")
    assert kept[0][0] == 50
    assert kept[0][1] <= 3
    assert (await ask(emptied_database, "SELECT count(*) FROM role"))[0][0] == 100


async def test_more_than_one_batch_is_sent_where_one_is_not_enough(
    store: PostgresStore, emptied_database: str
) -> None:
    account = await an_account(store)

    async with asyncio.timeout(DEADLINE_SECONDS):
        await asyncio.gather(*(creating(store, account, number) for number in range(BATCH + 10)))

    assert len(await services(emptied_database)) == BATCH + 10


@pytest.mark.parametrize("together", [2, 50])
async def test_the_one_statement_that_fails_among_others_fails_alone(
    store: PostgresStore, emptied_database: str, together: int
) -> None:
    account = await an_account(store)
    bad = together // 2
    await creating(store, account, bad)

    answers = await asyncio.gather(
        *(creating(store, account, number) for number in range(together)), return_exceptions=True
    )

    failures = {n: type(answer) for n, answer in enumerate(answers) if isinstance(answer, Exception)}
    assert failures == {bad: asyncpg.UniqueViolationError}
    assert len(await services(emptied_database)) == together


async def test_a_caller_who_leaves_harms_no_other(store: PostgresStore, emptied_database: str) -> None:
    account = await an_account(store)
    tasks = [asyncio.ensure_future(creating(store, account, number)) for number in range(20)]
    await asyncio.sleep(0)

    tasks[7].cancel()
    answers = await asyncio.gather(*tasks, return_exceptions=True)

    assert [n for n, answer in enumerate(answers) if isinstance(answer, BaseException)] == [7]
    kept = await services(emptied_database)
    assert {new_service(account, n).sid for n in range(20) if n != 7} <= set(kept)


@pytest.mark.check(4)
async def test_every_caller_of_a_batch_hears_of_a_lost_connection(
    store: PostgresStore, emptied_database: str
) -> None:
    account = await an_account(store)
    beside = await asyncpg.connect(emptied_database)

    async with asyncio.timeout(DEADLINE_SECONDS), beside.transaction():
        await beside.execute("LOCK TABLE service IN ACCESS EXCLUSIVE MODE")
        tasks = [asyncio.ensure_future(creating(store, account, number)) for number in range(20)]
        while not await beside.fetchval(WAITING):  # noqa: ASYNC110  # PostgreSQL tells only who asks
            await asyncio.sleep(0)
        await beside.execute(END_CONNECTIONS)
        answers = await asyncio.gather(*tasks, return_exceptions=True)
    await beside.close()

    assert [type(answer) for answer in answers] == [ApiError] * 20
    assert {answer.kind for answer in answers if isinstance(answer, ApiError)} == {Kinds.UNAVAILABLE}
    assert await services(emptied_database) == []
    await creating(store, account, 100)
    assert len(await services(emptied_database)) == 1


@pytest.mark.check(34)
async def test_closing_waits_for_what_was_begun(emptied_database: str) -> None:
    store = await PostgresStore.open(emptied_database, connections=1)
    account = await an_account(store)
    tasks = [asyncio.ensure_future(creating(store, account, number)) for number in range(20)]
    await asyncio.sleep(0)

    async with asyncio.timeout(DEADLINE_SECONDS):
        await store.close()

    await asyncio.gather(*tasks)
    assert len(await services(emptied_database)) == 20


# Statements for sets


async def test_messages_that_come_together_share_a_commit_and_stand_in_the_order_in_which_they_came(
    store: PostgresStore, emptied_database: str
) -> None:
    channel, caller = await a_channel_and_a_caller(store)

    posted = await asyncio.gather(*(posting(store, caller, channel, number) for number in range(50)))

    assert [message.index for message, *_ in posted] == list(range(50))
    kept = await ask(emptied_database, 'SELECT sid, xmin::text FROM message ORDER BY "index"')
    assert [row[0] for row in kept] == [sid("IM", number) for number in range(50)]
    assert len({row[1] for row in kept}) <= 3


async def test_each_message_of_a_set_is_told_with_its_channel_as_it_was_then(store: PostgresStore) -> None:
    channel, caller = await a_channel_and_a_caller(store)

    posted = await asyncio.gather(*(posting(store, caller, channel, number) for number in range(50)))

    assert [
        (then.messages_count, then.next_index, then.last_message_index, then.last_message_sid, then.event_id)
        for _, then, _ in posted
    ] == [
        (number + 1, number + 1, number, sid("IM", number), channel.event_id + number + 1)
        for number in range(50)
    ]


async def test_messages_for_several_channels_share_a_set_and_are_counted_apart(store: PostgresStore) -> None:
    account = await an_account(store)
    service = await a_service(store, account)
    channels = [await a_channel(store, service, number) for number in range(1, 6)]
    caller = await caller_of(store, account.sid)

    posted = await asyncio.gather(
        *(posting(store, caller, channels[number % 5], number) for number in range(50))
    )

    assert [message.index for message, *_ in posted] == [number // 5 for number in range(50)]
    assert [message.channel_sid for message, *_ in posted] == [channels[n % 5].sid for n in range(50)]


async def test_a_message_for_no_channel_is_answered_with_nothing_among_those_that_are_posted(
    store: PostgresStore, emptied_database: str
) -> None:
    channel, caller = await a_channel_and_a_caller(store)
    nowhere = replace(channel, sid=sid("CH", 99))

    posted = await asyncio.gather(
        *(posting(store, caller, nowhere if number % 2 else channel, number) for number in range(10))
    )

    assert [answer is None for answer in posted] == [bool(number % 2) for number in range(10)]
    assert (await ask(emptied_database, "SELECT count(*) FROM message"))[0][0] == 5


async def test_the_one_change_of_a_set_that_fails_fails_alone(
    store: PostgresStore, emptied_database: str
) -> None:
    channel, caller = await a_channel_and_a_caller(store)
    await posting(store, caller, channel, 7)

    answers = await asyncio.gather(
        *(posting(store, caller, channel, number) for number in range(20)), return_exceptions=True
    )

    failures = {n: type(answer) for n, answer in enumerate(answers) if isinstance(answer, Exception)}
    assert failures == {7: asyncpg.UniqueViolationError}
    kept = await ask(emptied_database, 'SELECT "index" FROM message ORDER BY "index"')
    assert [row[0] for row in kept] == list(range(20))


async def test_a_statement_for_sets_behind_others_is_part_of_their_transaction(store: PostgresStore) -> None:
    channel, caller = await a_channel_and_a_caller(store)

    async def change(tx: Transaction) -> int:
        await tx.installation.raise_generation()
        await post(tx, caller, channel, 1)
        second = await post(tx, caller, channel, 2)
        assert second is not None
        return second[0].index

    index, _ = await store.write(change)

    assert index == 1
    assert await counts(store, channel) == (2, 2)


async def test_a_statement_for_sets_behind_others_is_undone_with_them(store: PostgresStore) -> None:
    channel, caller = await a_channel_and_a_caller(store)

    async def change(tx: Transaction) -> None:
        await tx.installation.raise_generation()
        await post(tx, caller, channel, 1)
        raise ApiError(Kinds.CONFLICT)

    with pytest.raises(ApiError):
        await store.write(change)

    assert await counts(store, channel) == (1, 0)


async def test_a_statement_for_sets_behind_a_question_is_part_of_its_transaction(
    store: PostgresStore,
) -> None:
    channel, caller = await a_channel_and_a_caller(store)

    async def change(tx: Transaction) -> None:
        await tx.installation.generation()
        await post(tx, caller, channel, 1)
        await tx.installation.raise_generation()

    await store.write(change)

    assert await counts(store, channel) == (2, 1)


@pytest.mark.parametrize("further", ["a question", "a statement", "another of its kind"])
async def test_a_change_that_goes_on_behind_the_statement_that_was_to_be_all_of_it_is_refused(
    store: PostgresStore, further: str
) -> None:
    channel, caller = await a_channel_and_a_caller(store)

    async def change(tx: Transaction) -> None:
        await post(tx, caller, channel, 1)
        match further:
            case "a question":
                await tx.installation.generation()
            case "a statement":
                await tx.installation.raise_generation()
            case _:
                await post(tx, caller, channel, 2)

    with pytest.raises(RuntimeError, match="went on after the statement that was to be all of it"):
        await store.write(change)

    generation, _ = await counts(store, channel)
    assert generation == 1


async def test_a_set_is_answered_place_by_place(emptied_database: str) -> None:
    even = as_set(
        """
        SELECT place, value * 10
        FROM unnest($1::int[], $2::text[]) WITH ORDINALITY AS given (value, word, place)
        WHERE value % 2 = 0
        ORDER BY place DESC
        """
    )
    connection = await asyncpg.connect(emptied_database)

    answers = await even(connection, [(1, "a"), (2, "b"), (3, "c"), (4, "d"), (5, "e")])

    assert [row and tuple(row) for row in answers] == [None, (2, 20), None, (4, 40), None]
    await connection.close()


async def test_a_repeated_statement_runs_for_every_row_of_every_change_and_has_no_result(
    emptied_database: str,
) -> None:
    raising = repeated("UPDATE installation SET generation = generation + $1")
    connection = await asyncpg.connect(emptied_database)

    answers = await raising(connection, [[(1,), (10,)], [], [(100,)]])

    assert answers == [None, None, None]
    assert (await ask(emptied_database, "SELECT generation FROM installation"))[0][0] == 112
    await connection.close()


async def a_channel_and_a_caller(store: PostgresStore) -> tuple[Channel, Caller]:
    account = await an_account(store)
    channel = await a_channel(store, await a_service(store, account))
    return channel, await caller_of(store, account.sid)


def post(tx: Transaction, caller: Caller, channel: Channel, number: int) -> Awaitable[Any]:
    return tx.messages.post(caller, channel.service_sid, channel.sid, new_draft(number))


async def posting(store: PostgresStore, caller: Caller, channel: Channel, number: int) -> Any:
    """A change that is one statement for sets."""
    answer, _ = await store.write(lambda tx: post(tx, caller, channel, number))
    return answer


async def counts(store: PostgresStore, channel: Channel) -> tuple[int, int]:
    """The generation of the installation, and how many messages the channel has."""
    async with store.reading() as tx:
        account = await tx.accounts.get(channel.account_sid)
        assert account is not None
        service = await tx.services.get(account.id, channel.service_sid)
        assert service is not None
        kept = await tx.channels.get(service, channel.sid)
        assert kept is not None
        return await tx.installation.generation(), kept.messages_count
