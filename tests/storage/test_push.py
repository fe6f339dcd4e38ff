"""How pushes are kept: those that wait, those that were sent, and those that were not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from chinwag.domain.credential import PushType
from chinwag.domain.occasion import Occasion
from chinwag.domain.paging import Cursor
from chinwag.domain.push import NoPush, Push, PushAttempt, PushKind, PushState, Words
from storage.builders import (
    NOW,
    a_binding,
    a_channel,
    a_credential,
    a_member,
    a_message,
    a_user,
    clear,
    new_binding,
    new_credential,
    sid,
)
from storage.outside import ask

if TYPE_CHECKING:
    from chinwag.domain.account import Account
    from chinwag.domain.channel import Channel
    from chinwag.domain.service import Service
    from chinwag.domain.unit import Store, Transaction
    from chinwag.domain.user import User

WORDS = Words(text="general:alice: hellö 🐙", sound="ping", badge=True, channel_title="General")
ATTEMPT = PushAttempt(date=NOW, ms=7, code=52110, status=503, answer="ä🐙", badge=3)


def new_occasion(service: Service, **columns: Any) -> Occasion:
    plain = Occasion(
        account_sid=service.account_sid,
        service_sid=service.sid,
        sid=sid("NT", 1),
        kind=PushKind.NEW_MESSAGE,
        channel_id=7,
        channel_sid=sid("CH", 1),
        author="alice",
        date_created=NOW,
    )
    return replace(plain, **columns)


async def make(
    tx: Transaction, service: Service, user: User, now: int = NOW, words: Words = WORDS, **columns: Any
) -> int:
    """Make the pushes of an occasion, one for each device of a user, and return the key of its row."""
    occasion = new_occasion(service, user_id=user.id, **columns)
    key = await tx.occasions.add(service, occasion)
    await tx.occasions.spread(service, replace(occasion, id=key), words, now, 100)
    return key


async def some_pushes(
    store: Store, service: Service, user: User, now: int = NOW, **columns: Any
) -> list[Push]:
    """The pushes of a new occasion."""
    key, _ = await store.write(lambda tx: make(tx, service, user, now, **columns))
    return [push for push in await latest(store) if push.occasion_id == key]


async def a_push(store: Store, service: Service, user: User, now: int = NOW, **columns: Any) -> Push:
    """The push of a new occasion, to a user who has one device."""
    (push,) = await some_pushes(store, service, user, now, **columns)
    return push


async def save(store: Store, *pushes: Push) -> None:
    await store.write(lambda tx: tx.pushes.save(pushes))


async def latest(store: Store, service_sid: str | None = None, most: int = 10_000) -> list[Push]:
    async with store.reading() as tx:
        return await tx.pushes.latest(service_sid, most)


async def find(store: Store, push: Push) -> Push | None:
    async with store.reading() as tx:
        return await tx.pushes.find(push.sid)


async def targets(store: Store) -> dict[str, int]:
    async with store.reading() as tx:
        return await tx.pushes.targets()


async def due(
    store: Store, credential_sid: str = sid("CR", 1), now: int = NOW, most: int = 100
) -> list[Push]:
    async with store.reading() as tx:
        return await tx.pushes.due(credential_sid, now, most)


async def occasions(database: str) -> list[int]:
    """The keys of all occasions that are kept."""
    return [row[0] for row in await ask(database, "SELECT id FROM push_occasion ORDER BY id")]


# What is kept


async def test_a_push_is_kept_with_all_that_is_told(store: Store, service: Service, user: User) -> None:
    binding = await a_binding(store, service, user)

    push = await a_push(store, service, user)

    assert push == Push(
        sid=push.sid,
        account_id=push.account_id,
        account_sid=service.account_sid,
        service_sid=service.sid,
        occasion_id=push.occasion_id,
        kind=PushKind.NEW_MESSAGE,
        channel_sid=sid("CH", 1),
        author="alice",
        words=WORDS,
        user_id=user.id,
        identity=user.identity,
        binding_sid=binding.sid,
        binding_type=PushType.FCM,
        credential_sid=binding.credential_sid,
        state=PushState.WAITING,
        due=NOW,
        date_created=NOW,
        date_updated=NOW,
    )
    assert await find(store, push) == push
    async with store.reading() as tx:
        assert await tx.pushes.address_of(push) == binding.address


async def test_a_push_says_of_which_message_it_is(
    store: Store, service: Service, channel: Channel, user: User
) -> None:
    await store.write(lambda tx: tx.services.save(replace(service, notifications_log_enabled=True)))
    await a_member(store, channel, user)
    message = await a_message(store, channel)

    async def spread(tx: Transaction) -> None:
        (key,) = await tx.occasions.noted(10)
        occasion = await tx.occasions.hold(key)
        assert occasion is not None
        await tx.occasions.spread(replace(service, notifications_log_enabled=True), occasion, WORDS, NOW, 100)

    await store.write(spread)

    (push,) = await latest(store)
    assert (push.state, push.reason) == (PushState.SKIPPED, NoPush.NO_DEVICE)
    assert (push.channel_sid, push.message_sid, push.message_index) == (channel.sid, message.sid, 0)


async def test_a_push_is_logged_while_the_service_logs(store: Store, service: Service, user: User) -> None:
    await a_binding(store, service, user)
    push = await a_push(store, service, user)
    assert not push.logged

    await store.write(lambda tx: tx.services.save(replace(service, notifications_log_enabled=True)))

    assert await find(store, push) == replace(push, logged=True)


async def test_a_push_to_a_device_that_is_gone_has_no_address(
    store: Store, service: Service, neighbour: Service, user: User
) -> None:
    binding = await a_binding(store, service, user)
    await a_binding(store, neighbour, await a_user(store, neighbour))
    push = await a_push(store, service, user)

    await store.write(lambda tx: tx.bindings.remove(service, binding))

    async with store.reading() as tx:
        assert await tx.pushes.address_of(push) is None
    assert await find(store, push) == push
    assert await due(store) == [push]


async def test_the_address_of_a_push_is_that_of_its_device_now(
    store: Store, service: Service, user: User
) -> None:
    binding = await a_binding(store, service, user)
    push = await a_push(store, service, user)
    other = await a_user(store, service, 2)

    async def address() -> str | None:
        async with store.reading() as tx:
            return await tx.pushes.address_of(push)

    assert await address() == binding.address
    await store.write(lambda tx: tx.bindings.remove(service, binding))
    assert await address() is None
    await a_binding(store, service, other, 1)  # of the same name: it may be anybody's
    assert await address() is None


# Which wait


async def test_a_credential_is_a_target_since_its_first_push_is_due(
    store: Store, service: Service, user: User
) -> None:
    async def fill(tx: Transaction) -> None:
        for number in range(30):
            credential_sid = sid("CR", 1 + number % 3)
            await tx.bindings.add(service, new_binding(user, number, credential_sid=credential_sid))
        for number in range(100):
            await make(tx, service, user, NOW + 1000 - number)

    await store.write(fill)

    waiting = [push for push in await latest(store) if push.credential_sid == sid("CR", 2)]
    assert len(waiting) == 1000
    await save(store, *(replace(push, due=NOW + 20_000) for push in waiting[1:]))
    await save(store, *(replace(push, due=NOW + 7) for push in waiting[:1]))
    assert await targets(store) == {
        sid("CR", 1): NOW + 901,
        sid("CR", 2): NOW + 7,
        sid("CR", 3): NOW + 901,
    }


async def test_what_does_not_wait_has_no_target(store: Store, service: Service, user: User) -> None:
    await a_binding(store, service, user)
    assert await targets(store) == {}

    push = await a_push(store, service, user)
    assert await targets(store) == {sid("CR", 1): NOW}
    await save(store, replace(push, state=PushState.FAILED))

    assert await targets(store) == {}
    assert await due(store) == []


async def test_a_credential_that_was_stopped_is_no_target(
    store: Store, account: Account, service: Service, user: User
) -> None:
    good, stopped = await a_credential(store, account, 1), await a_credential(store, account, 2)
    await store.write(
        lambda tx: tx.credentials.save(account.id, replace(stopped, stopped="no", date_stopped=1))
    )
    for number, credential_sid in enumerate((good.sid, stopped.sid, sid("CR", 9))):
        await a_binding(store, service, user, number, credential_sid=credential_sid)
    await some_pushes(store, service, user)

    # Nobody has made the third, or it was deleted: its pushes must not wait for ever.
    assert await targets(store) == {good.sid: NOW, sid("CR", 9): NOW}
    await store.write(lambda tx: tx.credentials.save(account.id, new_credential(account, 2)))
    assert stopped.sid in await targets(store)


async def test_those_that_are_due_come_oldest_first(store: Store, service: Service, user: User) -> None:
    made: list[Push] = []
    for number, later in enumerate((5, 0, 9, 0, 10), 3):
        somebody = await a_user(store, service, number)
        await a_binding(store, service, somebody, number)
        made.append(await a_push(store, service, somebody, NOW + later))
    await a_binding(store, service, user, 2, credential_sid=sid("CR", 2))
    await a_push(store, service, user)

    assert await due(store, now=NOW + 9) == [made[number] for number in (1, 3, 0, 2)]
    assert await due(store, now=NOW + 9, most=2) == [made[1], made[3]]
    assert await due(store, now=NOW - 1) == []


async def test_of_each_device_the_oldest_comes_and_what_is_newer_waits_for_it(
    store: Store, service: Service, user: User
) -> None:
    await a_binding(store, service, user)
    first, second, third = [await a_push(store, service, user) for _ in range(3)]
    assert await due(store) == [first]

    again = replace(first, tries=1, due=NOW + 5)
    await save(store, again)
    assert await due(store) == []
    assert await due(store, now=NOW + 5) == [again]

    await save(store, replace(again, state=PushState.DELIVERED))
    assert await due(store) == [second]
    await save(store, replace(second, state=PushState.FAILED))
    assert await due(store) == [third]


async def test_what_waits_for_a_service_that_is_gone_is_not_sent_and_is_swept(
    store: Store, service: Service, user: User, database: str
) -> None:
    await a_binding(store, service, user)
    push = await a_push(store, service, user)
    await store.write(lambda tx: tx.occasions.add(service, new_occasion(service)))
    await store.write(lambda tx: tx.services.remove(service))

    assert await due(store) == []
    assert await latest(store) == []
    assert await find(store, push) is None
    await clear(store, 1)
    assert await targets(store) == {}
    assert await occasions(database) == []


async def test_unread_channels_are_those_with_more_than_was_read(
    store: Store, service: Service, user: User
) -> None:
    read = {1: None, 2: 0, 3: 1, 4: 0, 5: 0}
    channels = {number: await a_channel(store, service, number) for number in read}
    for number, index in read.items():
        await a_member(store, channels[number], user, number, last_consumed_message_index=index)
        await a_message(store, channels[number], 10 * number)
        await a_message(store, channels[number], 10 * number + 1)
    await store.write(lambda tx: tx.channels.remove(channels[4]))

    async with store.reading() as tx:
        assert await tx.pushes.unread_channels(user.id) == 2
        assert await tx.pushes.unread_channels(-1) == 0


# What comes of them


async def test_what_came_of_a_push_is_kept(store: Store, service: Service, user: User) -> None:
    await a_binding(store, service, user, 1)
    await a_binding(store, service, user, 2)
    push, other = await some_pushes(store, service, user)
    tried = push.after(ATTEMPT, PushState.WAITING, NOW + 2000).after(ATTEMPT, PushState.FAILED, NOW + 3000)

    await save(store, tried)

    assert await find(store, push) == tried
    assert (tried.tries, tried.reason, tried.date_updated) == (2, "ä🐙", NOW + 7)
    assert await find(store, other) == other


async def test_what_was_delivered_is_forgotten_and_at_last_its_occasion(
    store: Store, service: Service, user: User, database: str
) -> None:
    for number in range(3):
        await a_binding(store, service, user, number)
    first, second, third = await some_pushes(store, service, user)
    (beside, *_) = await some_pushes(store, service, user)
    delivered = PushState.DELIVERED

    await save(store, replace(first, state=delivered), replace(second, state=PushState.FAILED))
    assert await occasions(database) == [first.occasion_id, beside.occasion_id]
    assert await find(store, first) is None
    assert await find(store, second) is not None

    await save(store, replace(third, state=delivered))
    assert await occasions(database) == [first.occasion_id, beside.occasion_id]
    await save(store, replace(second, state=delivered))
    assert await occasions(database) == [beside.occasion_id]
    assert await find(store, beside) == beside


async def test_what_was_delivered_is_kept_if_it_is_logged(
    store: Store, service: Service, user: User, database: str
) -> None:
    await a_binding(store, service, user)
    push = await a_push(store, service, user)

    await save(store, replace(push, state=PushState.DELIVERED, logged=True))

    assert await find(store, push) == replace(push, state=PushState.DELIVERED)
    assert await occasions(database) == [push.occasion_id]


async def test_an_occasion_of_which_not_all_pushes_are_made_is_kept(
    store: Store, service: Service, channel: Channel, database: str
) -> None:
    for number in (1, 2):
        user = await a_user(store, service, number)
        await a_member(store, channel, user, number)
        await a_binding(store, service, user, number)

    async def spread(tx: Transaction) -> None:
        occasion = new_occasion(service, channel_id=channel.id)
        key = await tx.occasions.add(service, occasion)
        await tx.occasions.spread(service, replace(occasion, id=key), WORDS, NOW, 1)

    await store.write(spread)
    (push,) = await latest(store)

    await save(store, replace(push, state=PushState.DELIVERED))

    assert await occasions(database) == [push.occasion_id]


async def test_saving_nothing_and_what_is_gone_does_nothing(
    store: Store, service: Service, user: User
) -> None:
    await a_binding(store, service, user)
    gone, there = await a_push(store, service, user), await a_push(store, service, user)
    await save(store, replace(gone, state=PushState.DELIVERED))

    await save(store)
    await save(store, replace(gone, state=PushState.DELIVERED))
    await save(store, replace(gone, state=PushState.FAILED))

    assert await latest(store) == [there]


async def test_what_has_waited_too_long_fails_a_number_at_a_time(
    store: Store, service: Service, user: User
) -> None:
    await a_binding(store, service, user)
    made = [await a_push(store, service, user, date_created=NOW + number) for number in range(6)]
    await save(store, replace(made[0], state=PushState.SKIPPED, reason="before"))

    async def give_up(tx: Transaction) -> bool:
        return await tx.pushes.give_up(NOW + 4, NOW + 99, "too late", 2)

    assert [(await store.write(give_up))[0] for _ in range(2)] == [True, False]

    late = {"state": PushState.FAILED, "reason": "too late", "date_updated": NOW + 99}
    assert await latest(store) == [
        replace(made[0], state=PushState.SKIPPED, reason="before"),
        *(replace(push, **late) for push in made[1:4]),
        *made[4:],
    ]


async def test_old_pushes_are_forgotten_with_their_occasions_and_those_that_wait_are_not(
    store: Store, service: Service, user: User, database: str
) -> None:
    await a_binding(store, service, user)
    made = [await a_push(store, service, user) for _ in range(6)]
    ended = [replace(push, state=PushState.FAILED, date_updated=NOW + n) for n, push in enumerate(made[:5])]
    await save(store, *ended)

    async def forget(tx: Transaction) -> bool:
        return await tx.pushes.forget(NOW + 4, 2)

    assert [(await store.write(forget))[0] for _ in range(3)] == [True, True, False]

    assert await latest(store) == [ended[4], made[5]]
    assert await occasions(database) == [made[4].occasion_id, made[5].occasion_id]


async def test_an_occasion_stays_while_one_of_its_pushes_does(
    store: Store, service: Service, user: User, database: str
) -> None:
    await a_binding(store, service, user, 1)
    await a_binding(store, service, user, 2)
    old, young = await some_pushes(store, service, user)
    await save(
        store,
        replace(old, state=PushState.FAILED),
        replace(young, state=PushState.FAILED, date_updated=NOW + 9),
    )

    await store.write(lambda tx: tx.pushes.forget(NOW + 9, 100))
    assert await occasions(database) == [old.occasion_id]
    await store.write(lambda tx: tx.pushes.forget(NOW + 10, 100))
    assert await occasions(database) == []


# Who sees them


async def test_pushes_of_others_are_not_seen(
    store: Store, service: Service, neighbour: Service, user: User
) -> None:
    await a_binding(store, service, user)
    push = await a_push(store, service, user)

    async with store.reading() as tx:
        pushes = tx.pushes
        assert await pushes.get(service, push.sid) == push
        assert await pushes.get(neighbour, push.sid) is None
        assert await pushes.page(neighbour, Cursor(), []) == []
        assert await pushes.page(neighbour, Cursor(), list(PushState)) == []
        assert await pushes.latest(neighbour.sid, 10) == []
        assert await pushes.changed(neighbour.sid, 0, 10) == []
        assert await pushes.find(sid("NT", 9)) is None


async def test_a_page_has_those_that_are_asked_for(store: Store, service: Service, user: User) -> None:
    await a_binding(store, service, user)
    waiting, failed, skipped = [await a_push(store, service, user) for _ in range(3)]
    failed, skipped = replace(failed, state=PushState.FAILED), replace(skipped, state=PushState.SKIPPED)
    await save(store, failed, skipped)

    async with store.reading() as tx:
        page = tx.pushes.page
        assert await page(service, Cursor(), []) == [waiting, failed, skipped]
        assert await page(service, Cursor(), [PushState.FAILED, PushState.SKIPPED]) == [failed, skipped]
        assert await page(service, Cursor(), [PushState.DELIVERED]) == []
        assert await page(service, Cursor(after=waiting.sid, size=1), []) == [failed, skipped]
        assert await page(service, Cursor(before=skipped.sid, size=1), []) == [waiting, failed]
        assert await page(service, Cursor(size=1), [PushState.SKIPPED]) == [skipped]


async def test_the_log_has_the_latest_and_goes_on_with_what_has_changed(
    store: Store, service: Service, neighbour: Service, user: User
) -> None:
    await a_binding(store, service, user)
    await a_binding(store, neighbour, other := await a_user(store, neighbour))
    first, waiting = await a_push(store, service, user), await a_push(store, service, user)
    tried, skipped = await a_push(store, neighbour, other), await a_push(store, neighbour, other)
    first = replace(first, state=PushState.FAILED, date_updated=NOW + 3)
    tried = replace(tried, tries=1, date_updated=NOW + 2)
    skipped = replace(skipped, state=PushState.SKIPPED, date_updated=NOW + 1)
    await save(store, first, tried, skipped)

    assert await latest(store) == [first, waiting, tried, skipped]
    assert await latest(store, most=2) == [tried, skipped]
    assert await latest(store, service.sid) == [first, waiting]
    async with store.reading() as tx:
        assert await tx.pushes.changed(None, NOW, 10) == [skipped, tried, first]
        assert await tx.pushes.changed(None, NOW + 2, 1) == [tried]
        assert await tx.pushes.changed(service.sid, NOW, 10) == [first]


# Who sends them


async def test_each_work_has_a_server_of_its_own(store: Store) -> None:
    async def lead(name: str, holder: str, now: int, until: int) -> bool:
        return (await store.write(lambda tx: tx.leases.lead(name, holder, now, until)))[0]

    assert await lead("pushes", "one", 100, 200)
    assert await lead("webhooks", "two", 100, 200)
    assert not await lead("pushes", "two", 200, 300)
    assert not await lead("webhooks", "one", 200, 300)
    assert await lead("pushes", "two", 201, 200)
    assert await lead("pushes", "one", 201, 301)
    assert not await lead("tea", "one", 100, 200)
