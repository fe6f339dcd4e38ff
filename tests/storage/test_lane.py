"""Changes of one statement on PostgreSQL: they share round trips and commits, and still fail alone."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import asyncpg
import pytest

from chinwag.errors import ApiError, Kinds
from chinwag.storage.lane import BATCH
from chinwag.storage.postgres import PostgresStore
from storage.builders import DEADLINE_SECONDS, an_account, new_role, new_service
from storage.outside import ask

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable

    from chinwag.domain.account import Account

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


async def test_the_one_statement_that_fails_among_fifty_fails_alone(
    store: PostgresStore, emptied_database: str
) -> None:
    account = await an_account(store)
    await creating(store, account, 25)

    answers = await asyncio.gather(
        *(creating(store, account, number) for number in range(50)), return_exceptions=True
    )

    failures = {n: type(answer) for n, answer in enumerate(answers) if isinstance(answer, Exception)}
    assert failures == {25: asyncpg.UniqueViolationError}
    assert len(await services(emptied_database)) == 50


async def test_a_caller_who_leaves_harms_no_other(store: PostgresStore, emptied_database: str) -> None:
    account = await an_account(store)
    tasks = [asyncio.ensure_future(creating(store, account, number)) for number in range(20)]
    await asyncio.sleep(0)

    tasks[7].cancel()
    answers = await asyncio.gather(*tasks, return_exceptions=True)

    assert [n for n, answer in enumerate(answers) if isinstance(answer, BaseException)] == [7]
    kept = await services(emptied_database)
    assert {new_service(account, n).sid for n in range(20) if n != 7} <= set(kept)


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


async def test_closing_waits_for_what_was_begun(emptied_database: str) -> None:
    store = await PostgresStore.open(emptied_database, connections=1)
    account = await an_account(store)
    tasks = [asyncio.ensure_future(creating(store, account, number)) for number in range(20)]
    await asyncio.sleep(0)

    async with asyncio.timeout(DEADLINE_SECONDS):
        await store.close()

    await asyncio.gather(*tasks)
    assert len(await services(emptied_database)) == 20
