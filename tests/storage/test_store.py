"""What every engine promises. The engines' own affairs are in `test_sqlite` and `test_postgres`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import apsw
import asyncpg
import pytest
from msgspec.structs import replace

from chinwag.errors import ApiError, Kinds
from chinwag.storage.store import open_store
from storage.builders import (
    DEADLINE_SECONDS,
    REFUSED,
    a_service,
    adding,
    an_account,
    an_event,
    clear,
    failing,
    kept_accounts,
    new_role,
    new_service,
    sid,
)
from storage.outside import accounts_outside, held_commits

if TYPE_CHECKING:
    from chinwag.domain.unit import Store, Transaction


async def test_a_change_answers_with_its_result_and_its_events(store: Store) -> None:
    result, events = await store.write(adding(1))

    assert result == sid("AC", 1)
    assert events == [an_event(1)]


async def test_events_come_in_the_order_in_which_they_were_recorded(store: Store) -> None:
    async def change(tx: Transaction) -> None:
        for number in (2, 1, 3):
            tx.record(an_event(number))

    _, events = await store.write(change)

    assert events == [an_event(2), an_event(1), an_event(3)]


async def test_a_change_without_events_answers_with_none(store: Store) -> None:
    async def change(tx: Transaction) -> None:
        await tx.installation.raise_generation()

    assert await store.write(change) == (None, [])


async def test_a_change_sees_what_it_has_written_itself(store: Store) -> None:
    async def change(tx: Transaction) -> bool:
        await adding(1)(tx)
        return await tx.accounts.get(sid("AC", 1)) is not None

    seen, _ = await store.write(change)

    assert seen


async def test_a_change_sees_what_it_has_changed_itself(store: Store) -> None:
    async def change(tx: Transaction) -> int:
        await tx.installation.raise_generation()
        await tx.installation.raise_generation()
        return await tx.installation.generation()

    assert await store.write(change) == (3, [])


async def test_statements_take_effect_in_the_order_in_which_a_change_makes_them(store: Store) -> None:
    async def change(tx: Transaction) -> None:
        await tx.installation.keep_key_check(b"first")
        await tx.installation.keep_key_check(b"second")

    await store.write(change)

    async with store.reading() as tx:
        assert await tx.installation.key_check() == b"second"


async def test_a_change_that_does_nothing_is_answered(store: Store) -> None:
    async def change(_tx: Transaction) -> str:
        return "done"

    assert await store.write(change) == ("done", [])


async def test_a_change_of_one_statement_that_is_then_refused_leaves_nothing(store: Store) -> None:
    async def change(tx: Transaction) -> None:
        await tx.installation.raise_generation()
        raise ApiError(Kinds.CONFLICT)

    with pytest.raises(ApiError):
        await store.write(change)

    assert await generation(store) == 1


async def test_a_change_whose_last_statement_fails_leaves_nothing(store: Store) -> None:
    service = await a_service(store, await an_account(store))
    await store.write(lambda tx: tx.services.remove(service))
    await clear(store)

    async def change(tx: Transaction) -> None:
        await tx.installation.raise_generation()
        await tx.roles.add(service, [new_role(service)])

    with pytest.raises(REFUSED):
        await store.write(change)

    assert await generation(store) == 1


async def test_a_refused_change_leaves_nothing(store: Store) -> None:
    refusal = ApiError(Kinds.CONFLICT)

    with pytest.raises(ApiError) as refused:
        await store.write(failing(1, refusal))

    assert refused.value is refusal
    assert await kept_accounts(store) == []


async def test_a_change_after_a_refused_one_is_kept_and_tells_only_of_itself(store: Store) -> None:
    with pytest.raises(ApiError):
        await store.write(failing(1, ApiError(Kinds.CONFLICT)))

    _, events = await store.write(adding(2))

    assert events == [an_event(2)]
    assert await kept_accounts(store) == [sid("AC", 2)]


@pytest.mark.parametrize("error", [ApiError(Kinds.CONFLICT), ZeroDivisionError("a mistake of ours")])
async def test_one_failing_change_among_fifty_harms_no_other(store: Store, error: Exception) -> None:
    changes = [failing(n, error) if n == 25 else adding(n) for n in range(50)]

    answers = await asyncio.gather(*(store.write(change) for change in changes), return_exceptions=True)

    others = [n for n in range(50) if n != 25]
    assert answers[25] is error
    assert [answers[n] for n in others] == [(sid("AC", n), [an_event(n)]) for n in others]
    assert sorted(await kept_accounts(store)) == [sid("AC", n) for n in others]


async def test_a_change_that_breaks_a_rule_of_the_database_fails_alone(store: Store) -> None:
    account = await an_account(store)
    await a_service(store, account, 7)

    async def again(tx: Transaction) -> None:
        await adding(100)(tx)
        await tx.services.add(account.id, new_service(account, 7), [])

    answers = await asyncio.gather(
        *(store.write(again if n == 25 else adding(n)) for n in range(2, 50)), return_exceptions=True
    )

    failures = [answer for answer in answers if isinstance(answer, Exception)]
    assert [type(failure) for failure in failures] in (
        [apsw.ConstraintError],
        [asyncpg.UniqueViolationError],
    )
    assert sid("AC", 100) not in await accounts_of(store)
    assert len(await accounts_of(store)) == 48


async def test_every_change_may_fail_at_once(store: Store) -> None:
    refusals = [ApiError(Kinds.CONFLICT) for _ in range(20)]

    answers = await asyncio.gather(
        *(store.write(failing(n, refusal)) for n, refusal in enumerate(refusals)), return_exceptions=True
    )

    assert answers == refusals
    assert await kept_accounts(store) == []


async def test_a_question_sees_what_was_answered_before_it(store: Store) -> None:
    async def write_then_look(number: int) -> bool:
        await store.write(adding(number))
        async with store.reading() as tx:
            return await tx.accounts.get(sid("AC", number)) is not None

    assert all(await asyncio.gather(*(write_then_look(number) for number in range(100))))


async def test_a_change_sees_what_was_answered_before_it(store: Store) -> None:
    async def look(tx: Transaction) -> int:
        return len(await tx.accounts.all())

    counts = []
    for number in range(5):
        await store.write(adding(number))
        count, _ = await store.write(look)
        counts.append(count)

    assert counts == [1, 2, 3, 4, 5]


@pytest.mark.check(2)
async def test_a_caller_is_not_answered_while_its_commit_is_under_way(store: Store, database: str) -> None:
    async with held_commits(store, database) as commits:
        caller = asyncio.create_task(store.write(adding(1)))
        await commits.reached()

        seen = await accounts_outside(database)
        answered = caller.done()
        await commits.release()
        answer = await caller

    assert (answered, seen) == (False, [])
    assert answer == (sid("AC", 1), [an_event(1)])


async def test_an_answered_change_is_seen_by_every_other_connection_at_once(
    store: Store, database: str
) -> None:
    for number in range(1, 6):
        await store.write(adding(number))

        assert len(await accounts_outside(database)) == number


async def test_questions_are_answered_while_a_commit_is_under_way(store: Store, database: str) -> None:
    async with held_commits(store, database) as commits:
        caller = asyncio.create_task(store.write(adding(1)))
        await commits.reached()

        seen = await accounts_of(store)
        await commits.release()
        await caller

    assert seen == []


async def test_a_question_is_told_nothing_of_a_change_that_was_undone(store: Store, database: str) -> None:
    async with held_commits(store, database) as commits:
        kept = asyncio.create_task(store.write(adding(1)))
        undone = asyncio.create_task(store.write(failing(2, ApiError(Kinds.CONFLICT))))
        await commits.reached()
        await commits.release()
        await asyncio.wait([kept, undone])

    assert await kept_accounts(store) == [sid("AC", 1)]
    assert isinstance(undone.exception(), ApiError)


async def test_a_caller_who_leaves_during_the_commit_harms_no_other(store: Store, database: str) -> None:
    async with held_commits(store, database) as commits:
        callers = [asyncio.create_task(store.write(adding(number))) for number in range(5)]
        await commits.reached()
        callers[0].cancel()
        callers[3].cancel()
        await commits.release()
        await asyncio.wait(callers)

    assert {sid("AC", number) for number in (1, 2, 4)} <= set(await kept_accounts(store))


async def test_a_change_whose_caller_leaves_at_any_moment_is_whole_or_nothing(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    for turns in range(60):
        caller = asyncio.create_task(store.write(adding(turns)))
        for _ in range(turns % 30):
            await asyncio.sleep(0)
        caller.cancel()
        await asyncio.wait([caller], timeout=DEADLINE_SECONDS)

    await asyncio.gather(*(store.write(adding(number)) for number in range(100, 120)))
    assert {sid("AC", number) for number in range(100, 120)} <= set(await kept_accounts(store))
    assert caplog.messages == []


async def test_six_hundred_changes_at_once_are_all_kept(store: Store) -> None:
    answers = await asyncio.gather(*(store.write(adding(number)) for number in range(600)))

    assert [result for result, _ in answers] == [sid("AC", number) for number in range(600)]
    assert sorted(await accounts_of(store)) == [sid("AC", number) for number in range(600)]


async def test_a_locked_service_is_read_as_the_one_before_left_it(store: Store) -> None:
    account = await an_account(store)
    service = await a_service(store, account, friendly_name="")

    async def lengthen(tx: Transaction) -> None:
        found = await tx.services.lock(account.id, service.sid)
        assert found is not None
        await tx.services.save(replace(found, friendly_name=found.friendly_name + "x"))

    await asyncio.gather(*(store.write(lengthen) for _ in range(20)))

    async with store.reading() as tx:
        found = await tx.services.get(account.id, service.sid)
    assert found == replace(service, friendly_name="x" * 20)


@pytest.mark.check(34)
async def test_closing_keeps_exactly_the_changes_that_were_not_refused(store: Store, database: str) -> None:
    callers = [asyncio.create_task(store.write(adding(number))) for number in range(20)]
    await asyncio.sleep(0)

    await store.close()

    await asyncio.wait(callers, timeout=DEADLINE_SECONDS)
    refusals = [caller.exception() for caller in callers if caller.exception() is not None]
    answers = [caller.result()[0] for caller in callers if caller.exception() is None]
    assert all(isinstance(error, ApiError) and error.kind is Kinds.UNAVAILABLE for error in refusals)
    assert await accounts_outside(database) == answers


async def test_what_was_kept_is_there_after_opening_again(store: Store, database: str) -> None:
    await store.write(adding(1))
    await store.close()

    again = await open_store(database, serving=False, now=0, connections=2)

    assert await kept_accounts(again) == [sid("AC", 1)]
    await again.close()


async def generation(store: Store) -> int:
    async with store.reading() as tx:
        return await tx.installation.generation()


async def accounts_of(store: Store) -> list[str]:
    async with store.reading() as tx:
        return [account.sid for account in await tx.accounts.all()]
