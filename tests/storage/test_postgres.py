"""What is particular to PostgreSQL: races that are lost, connections that die, and waits that end."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import asyncpg
import pytest

from chinwag.errors import ApiError, Kinds
from chinwag.storage import postgres as module
from chinwag.storage.postgres import PostgresStore
from storage.builders import (
    DEADLINE_SECONDS,
    Change,
    a_service,
    a_user,
    adding,
    an_account,
    kept_accounts,
    new_user,
    sid,
)
from storage.outside import ask, held_commits

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from chinwag.domain.unit import Store, Transaction
    from support.postgres import Postgres


@pytest.fixture
async def database(postgres: Postgres) -> AsyncIterator[str]:
    url = await postgres.database()
    yield url
    await postgres.drop(url)


@pytest.fixture
async def beside(database: str) -> AsyncIterator[asyncpg.Connection]:
    """Somebody else's connection to the same database."""
    connection = await asyncpg.connect(database)
    yield connection
    await connection.close()


# Races


async def test_changes_that_deadlock_are_tried_again_until_both_succeed(database: str) -> None:
    await configure(database, "deadlock_timeout", "10ms")
    store = await PostgresStore.open(database, connections=2)
    account = await an_account(store)
    one, other = await a_service(store, account, 1), await a_service(store, account, 2)
    both_hold_one = asyncio.Barrier(2)
    winner_holds_both = asyncio.Event()
    tries = 0

    def locking(first: str, second: str) -> Change:
        async def change(tx: Transaction) -> str:
            nonlocal tries
            tries += 1
            if tries > 2:  # at once it could take back the row that the winner has yet to wake up for
                await winner_holds_both.wait()
            await tx.services.lock(account.id, first)
            if tries <= 2:
                await both_hold_one.wait()
            await tx.services.lock(account.id, second)
            winner_holds_both.set()
            return first

        return change

    async with asyncio.timeout(DEADLINE_SECONDS):
        answers = await asyncio.gather(
            store.write(locking(one.sid, other.sid)), store.write(locking(other.sid, one.sid))
        )

    assert answers == [(one.sid, []), (other.sid, [])]
    assert tries == 3
    await store.close()


async def test_changes_that_cannot_be_put_in_order_are_tried_again_with_fresh_reads(database: str) -> None:
    await configure(database, "default_transaction_isolation", "repeatable read")
    store = await PostgresStore.open(database, connections=2)
    both_have_read = asyncio.Barrier(2)
    reads: list[int] = []

    async def change(tx: Transaction) -> None:
        reads.append(await tx.installation.generation())
        if len(reads) <= 2:
            await both_have_read.wait()
        await tx.installation.raise_generation()

    async with asyncio.timeout(DEADLINE_SECONDS):
        await asyncio.gather(store.write(change), store.write(change))

    assert reads == [1, 1, 2]
    assert await generation(store) == 3
    await store.close()


async def test_the_events_of_a_lost_race_are_not_told(database: str) -> None:
    await configure(database, "default_transaction_isolation", "repeatable read")
    store = await PostgresStore.open(database, connections=2)
    winner = await asyncpg.connect(database)
    tries = 0

    async def change(tx: Transaction) -> None:
        nonlocal tries
        tries += 1
        await adding(1)(tx)
        if tries == 1:
            await winner.execute("UPDATE installation SET generation = generation + 1")
        await tx.installation.raise_generation()

    _, events = await store.write(change)

    assert (tries, len(events)) == (2, 1)
    assert await kept_accounts(store) == [sid("AC", 1)]
    await winner.close()
    await store.close()


async def test_a_change_that_loses_every_race_is_unavailable_and_leaves_nothing(database: str) -> None:
    await configure(database, "default_transaction_isolation", "repeatable read")
    store = await PostgresStore.open(database, connections=2)
    winner = await asyncpg.connect(database)
    tries = 0

    async def change(tx: Transaction) -> None:
        nonlocal tries
        tries += 1
        await adding(1)(tx)
        await winner.execute("UPDATE installation SET generation = generation + 1")
        await tx.installation.raise_generation()

    assert await refused(store, change) is Kinds.UNAVAILABLE
    assert tries == 4
    assert await kept_accounts(store) == []
    await winner.close()
    await store.close()


async def test_a_change_that_finds_a_name_taken_meanwhile_is_tried_again_with_fresh_reads(
    store: Store,
) -> None:
    service = await a_service(store, await an_account(store))
    seen: list[bool] = []

    async def change(tx: Transaction) -> str:
        known = await tx.users.by_identity(service, "alice")
        seen.append(known is not None)
        if known is None:
            if len(seen) == 1:
                await a_user(store, service, 1, identity="alice")
            known = await tx.users.add(service, new_user(service, 2, identity="alice"))
        return known.sid

    async with asyncio.timeout(DEADLINE_SECONDS):
        found, _ = await store.write(change)

    assert seen == [False, True]
    assert found == sid("US", 1)


async def test_a_change_that_finds_its_name_taken_however_often_it_is_tried_is_a_mistake_of_ours(
    store: Store,
) -> None:
    service = await a_service(store, await an_account(store))
    await a_user(store, service, 1, identity="alice")
    tries = 0

    async def change(tx: Transaction) -> None:
        nonlocal tries
        tries += 1
        await tx.installation.raise_generation()
        await tx.users.add(service, new_user(service, 2, identity="alice"))

    with pytest.raises(asyncpg.UniqueViolationError):
        await store.write(change)

    assert tries == 4
    assert await generation(store) == 1


async def test_of_changes_that_want_one_name_at_once_one_gets_it_and_the_others_see_that(
    store: Store,
) -> None:
    service = await a_service(store, await an_account(store))
    all_have_looked = asyncio.Barrier(4)
    looks = 0

    async def change(tx: Transaction, number: int) -> str:
        nonlocal looks
        known = await tx.users.by_identity(service, "alice")
        looks += 1
        if looks <= 4:
            await all_have_looked.wait()
        return (known or await tx.users.add(service, new_user(service, number, identity="alice"))).sid

    async with asyncio.timeout(DEADLINE_SECONDS):
        answers = await asyncio.gather(
            *(store.write(lambda tx, number=number: change(tx, number)) for number in range(1, 5))
        )

    assert len({found for found, _ in answers}) == 1
    assert looks == 7


# Lost connections


@pytest.mark.check(4, on="postgres")
async def test_after_its_connections_were_lost_the_store_works_again(
    store: Store, beside: asyncpg.Connection
) -> None:
    await asyncio.gather(*(store.write(adding(number)) for number in range(16)))

    await end_connections(beside)

    answers = await asyncio.gather(
        *(store.write(adding(number)) for number in range(100, 116)), return_exceptions=True
    )
    assert all(isinstance(answer, tuple) or unavailable(answer) for answer in answers)
    await works_again(store)


@pytest.mark.check(4, on="postgres")
async def test_a_question_after_its_connections_were_lost_is_answered_or_unavailable(
    store: Store, beside: asyncpg.Connection
) -> None:
    await store.write(adding(1))

    await end_connections(beside)

    answers = await asyncio.gather(kept_accounts(store), return_exceptions=True)
    assert answers == [[sid("AC", 1)]] or unavailable(answers[0])
    await works_again(store)


@pytest.mark.check(4, on="postgres")
async def test_a_change_that_loses_its_connection_half_way_is_unavailable_and_leaves_nothing(
    store: Store, beside: asyncpg.Connection
) -> None:
    async def change(tx: Transaction) -> None:
        await adding(1)(tx)
        await end_connections(beside)
        await tx.installation.raise_generation()

    assert await refused(store, change) is Kinds.UNAVAILABLE
    await works_again(store)
    assert sid("AC", 1) not in await kept_accounts(store)


@pytest.mark.check(4, on="postgres")
async def test_a_change_that_loses_its_connection_during_the_commit_is_unavailable(
    store: Store, database: str, beside: asyncpg.Connection
) -> None:
    async with held_commits(store, database) as commits:
        caller = asyncio.create_task(store.write(adding(1)))
        await commits.reached()

        await beside.execute("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE NOT granted")
        await asyncio.wait([caller])
        await commits.release()

    assert unavailable(caller.exception())
    await works_again(store)
    assert sid("AC", 1) not in await kept_accounts(store)


async def test_a_change_that_an_operator_cancels_is_unavailable_and_leaves_nothing(
    store: Store, database: str, beside: asyncpg.Connection
) -> None:
    async with held_commits(store, database) as commits:
        caller = asyncio.create_task(store.write(adding(1)))
        await commits.reached()

        await beside.execute("SELECT pg_cancel_backend(pid) FROM pg_locks WHERE NOT granted")
        await asyncio.wait([caller])
        await commits.release()

    assert unavailable(caller.exception())
    assert await kept_accounts(store) == []


@pytest.mark.check(5, on="postgres")
async def test_a_database_that_has_become_read_only_makes_changes_unavailable(
    store: Store, database: str, beside: asyncpg.Connection
) -> None:
    await configure(database, "default_transaction_read_only", "on")
    await end_connections(beside)

    answers = await asyncio.gather(
        *(store.write(adding(number)) for number in range(16)), return_exceptions=True
    )

    assert all(unavailable(answer) for answer in answers)


# Waits


async def test_a_change_that_waits_too_long_for_a_row_is_unavailable(
    database: str, beside: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "STATEMENT_SECONDS", 1.0)
    store = await PostgresStore.open(database, connections=2)
    async with beside.transaction():
        await beside.execute("UPDATE installation SET generation = 7")

        refusal = await refused(store, raising)

    await store.write(raising)
    assert refusal is Kinds.UNAVAILABLE
    assert await generation(store) == 8
    await store.close()


@pytest.mark.check(4, on="postgres")
async def test_a_change_that_waits_too_long_for_a_connection_is_unavailable(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await PostgresStore.open(database, connections=1)
    async with held_commits(store, database) as commits:
        first = asyncio.create_task(store.write(adding(1)))
        await commits.reached()
        with monkeypatch.context() as impatient:
            impatient.setattr(module, "STATEMENT_SECONDS", 0.05)

            refusals = await refused(store, adding(2)), await refused_question(store)

        await commits.release()
        await first
    assert refusals == (Kinds.UNAVAILABLE, Kinds.UNAVAILABLE)
    assert await kept_accounts(store) == [sid("AC", 1)]
    await store.close()


async def raising(tx: Transaction) -> None:
    await tx.installation.raise_generation()


async def generation(store: Store) -> int:
    async with store.reading() as tx:
        return await tx.installation.generation()


async def refused(store: Store, change: Change) -> object:
    with pytest.raises(ApiError) as error:
        await store.write(change)
    return error.value.kind


async def refused_question(store: Store) -> object:
    with pytest.raises(ApiError) as error:
        await kept_accounts(store)
    return error.value.kind


def unavailable(answer: object) -> bool:
    return isinstance(answer, ApiError) and answer.kind is Kinds.UNAVAILABLE


async def works_again(store: Store) -> None:
    """Each lost connection may cost one refusal; then changes and questions succeed on all of them."""
    number = 1000
    async with asyncio.timeout(DEADLINE_SECONDS):
        while True:
            number += 16
            answers = await asyncio.gather(
                *(store.write(adding(number + n)) for n in range(16)), return_exceptions=True
            )
            if not any(isinstance(answer, BaseException) for answer in answers):
                break
            assert all(isinstance(answer, tuple) or unavailable(answer) for answer in answers)
    assert sid("AC", number) in await kept_accounts(store)


async def end_connections(beside: asyncpg.Connection) -> None:
    """End every other connection to the database, as a restart of the server does."""
    await beside.execute(
        """
        SELECT pg_terminate_backend(pid, 1000) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()
        """
    )


async def configure(database: str, setting: str, value: str) -> None:
    """Set something for every later connection to the database."""
    await ask(
        database,
        f"""
        DO $$ BEGIN
            EXECUTE format('ALTER DATABASE %I SET {setting} = ''{value}''', current_database());
        END $$
        """,
    )
