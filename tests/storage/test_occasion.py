"""How occasions are kept, and how their pushes are made: for many devices by one statement, and once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from chinwag.domain.caller import Caller
from chinwag.domain.credential import PushType
from chinwag.domain.notifications import Notification, NotificationKind
from chinwag.domain.occasion import Occasion, Spread
from chinwag.domain.push import NoPush, Push, PushKind, PushState, Words
from chinwag.domain.user_channel import NotificationLevel
from chinwag.ids import Mint, parse_sid
from chinwag.storage.store import open_store
from storage.builders import (
    DEADLINE_SECONDS,
    NOW,
    a_binding,
    a_member,
    a_message,
    a_user,
    a_user_channel,
    new_binding,
    new_draft,
    new_member,
    new_user,
    sid,
)
from storage.outside import ask

if TYPE_CHECKING:
    from chinwag.domain.account import Account
    from chinwag.domain.channel import Channel
    from chinwag.domain.service import Service
    from chinwag.domain.unit import Store, Transaction
    from chinwag.domain.user import User

WORDS = Words(text="hellö 🐙")
EVERYBODY = 1000


@pytest.fixture
async def logging(store: Store, service: Service) -> Service:
    """The same service, which logs."""
    changed = replace(service, notifications_log_enabled=True)
    await store.write(lambda tx: tx.services.save(changed))
    return changed


def new_occasion(service: Service, **columns: Any) -> Occasion:
    plain = Occasion(
        account_sid=service.account_sid,
        service_sid=service.sid,
        sid=sid("NT", 1),
        kind=PushKind.NEW_MESSAGE,
        author="somebody",
        date_created=NOW,
    )
    return replace(plain, **columns)


def of_members(channel: Channel) -> dict[str, Any]:
    return {"channel_id": channel.id, "channel_sid": channel.sid}


async def an_occasion(store: Store, service: Service, **columns: Any) -> Occasion:
    """An occasion as it is kept."""
    key, _ = await store.write(lambda tx: tx.occasions.add(service, new_occasion(service, **columns)))
    found = await held(store, key)
    assert found is not None
    return found


async def held(store: Store, key: int) -> Occasion | None:
    return (await store.write(lambda tx: tx.occasions.hold(key)))[0]


async def noted(store: Store, most: int = 100) -> list[int]:
    async with store.reading() as tx:
        return await tx.occasions.noted(most)


async def spread(
    store: Store, service: Service, occasion: Occasion, most: int = EVERYBODY, now: int = NOW
) -> Spread:
    """Make pushes of an occasion as whoever holds it does."""

    async def change(tx: Transaction) -> Spread:
        found = await tx.occasions.hold(occasion.id)
        assert found is not None
        return await tx.occasions.spread(service, found, WORDS, now, most)

    return (await store.write(change))[0]


async def pushes(store: Store) -> list[Push]:
    async with store.reading() as tx:
        return await tx.pushes.latest(None, 100_000)


async def members(store: Store, service: Service, channel: Channel, how_many: int) -> None:
    """Let so many users into a channel, each with a device."""

    async def change(tx: Transaction) -> None:
        for number in range(1, how_many + 1):
            user = await tx.users.add(service, new_user(service, number))
            await tx.members.add(channel, new_member(channel, user, number))
            await tx.bindings.add(service, new_binding(user, number))

    await store.write(change)


async def occasions(database: str) -> list[int]:
    """The keys of all occasions that are kept."""
    return [row[0] for row in await ask(database, "SELECT id FROM push_occasion ORDER BY id")]


# What is kept


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("sid", sid("NT", 2)),
        ("kind", PushKind.BADGE),
        ("channel_id", 2**53),
        ("channel_sid", sid("CH", 9)),
        ("user_id", 2**53),
        ("author", "álïçé 🐙"),
        ("date_created", 2**53),
    ],
)
async def test_an_occasion_is_kept_with_every_column(
    store: Store, account: Account, service: Service, column: str, value: Any
) -> None:
    found = await an_occasion(store, service, **{column: value})

    assert value != getattr(new_occasion(service), column)
    assert found == new_occasion(service, id=found.id, account_id=account.id, **{column: value})


async def test_a_message_is_an_occasion_if_the_service_notes_messages(
    store: Store, service: Service, channel: Channel
) -> None:
    await a_message(store, channel, 1)
    assert await noted(store) == []

    new_message = {NotificationKind.NEW_MESSAGE: Notification(enabled=True)}
    noting = replace(service, notifications=service.notifications | new_message)
    await store.write(lambda tx: tx.services.save(noting))
    message = await a_message(store, channel, 2)
    (key,) = await noted(store)

    found = await held(store, key)
    assert found is not None
    assert (found.kind, found.author, found.user_id) == (PushKind.NEW_MESSAGE, "alice", None)
    assert (found.channel_id, found.channel_sid) == (channel.id, channel.sid)
    assert (found.message_sid, found.message_index, found.sid) == (message.sid, 1, sid("NT", 2))


async def test_messages_that_are_posted_together_are_an_occasion_each(
    store: Store, account: Account, logging: Service, channel: Channel
) -> None:
    caller = Caller(account_id=account.id, account_sid=account.sid)

    async def post(number: int) -> tuple[str, int]:
        draft = new_draft(number)
        posted, _ = await store.write(lambda tx: tx.messages.post(caller, logging.sid, channel.sid, draft))
        assert posted is not None
        assert posted.noted
        return posted.message.sid, posted.message.index

    posted = await asyncio.gather(*(post(number) for number in range(1, 41)))

    found = [await held(store, key) for key in await noted(store)]
    assert sorted((one.message_sid or "", one.message_index) for one in found if one) == sorted(posted)
    assert len(found) == 40


async def test_a_change_that_fails_leaves_no_occasion(store: Store, service: Service) -> None:
    async def change(tx: Transaction) -> None:
        await tx.occasions.add(service, new_occasion(service))
        raise ValueError

    with pytest.raises(ValueError, match=r"^$"):
        await store.write(change)

    assert await noted(store) == []


async def test_those_that_are_noted_come_oldest_first_until_they_are_spread(
    store: Store, service: Service, user: User
) -> None:
    await a_binding(store, service, user)
    made = [await an_occasion(store, service, user_id=user.id) for _ in range(4)]

    assert await noted(store) == [occasion.id for occasion in made]
    assert await noted(store, 2) == [made[0].id, made[1].id]
    await spread(store, service, made[1])

    assert await noted(store) == [made[0].id, made[2].id, made[3].id]
    assert await held(store, made[1].id) is None
    assert await held(store, made[3].id + 1) is None


async def test_what_is_left_of_a_deleted_service_is_not_noted(
    store: Store, service: Service, neighbour: Service
) -> None:
    await an_occasion(store, service)
    there = await an_occasion(store, neighbour)

    await store.write(lambda tx: tx.services.remove(service))

    assert await noted(store) == [there.id]


# To members


async def test_every_device_of_a_member_gets_a_push(
    store: Store, service: Service, channel: Channel, user: User
) -> None:
    await a_member(store, channel, user)
    credentials = (sid("CR", 1), sid("CR", 2))
    for number, credential_sid in enumerate(credentials):
        await a_binding(store, service, user, number, credential_sid=credential_sid)
    await a_binding(store, service, await a_user(store, service, 2), 9)  # who is no member
    occasion = await an_occasion(store, service, **of_members(channel))

    found = await spread(store, service, occasion, now=NOW + 7)

    assert found == Spread(frozenset(credentials), more=False)
    made = await pushes(store)
    assert [push.credential_sid for push in made] == list(credentials)
    for push in made:
        assert (push.state, push.due, push.words) == (PushState.WAITING, NOW + 7, WORDS)
        assert (push.date_created, push.date_updated) == (NOW, NOW + 7)
        assert (push.identity, push.user_id, push.author) == (user.identity, user.id, "somebody")
        assert parse_sid("NT", push.sid) == push.sid


async def test_an_occasion_without_a_date_is_of_the_moment_when_it_is_spread(
    store: Store, service: Service, user: User
) -> None:
    await a_binding(store, service, user)
    occasion = await an_occasion(store, service, user_id=user.id, date_created=0)

    await spread(store, service, occasion, now=NOW + 7)

    (push,) = await pushes(store)
    assert push.date_created == NOW + 7


@pytest.mark.parametrize(("most", "statements"), [(10, 3), (23, 2), (24, 1), (EVERYBODY, 1)])
async def test_members_get_their_pushes_a_number_at_a_time(
    store: Store, service: Service, channel: Channel, most: int, statements: int
) -> None:
    await members(store, service, channel, 23)
    occasion = await an_occasion(store, service, **of_members(channel))

    more = [(await spread(store, service, occasion, most)).more for _ in range(statements)]

    assert more == [True] * (statements - 1) + [False]
    made = await pushes(store)
    assert [push.identity for push in made] == [f"user{number}" for number in range(1, 24)]
    assert len({push.sid for push in made}) == 23
    assert await noted(store) == []


async def test_who_joins_or_leaves_between_two_numbers_gets_none_twice(
    store: Store, service: Service, channel: Channel
) -> None:
    await members(store, service, channel, 6)
    occasion = await an_occasion(store, service, **of_members(channel))
    await spread(store, service, occasion, 3)

    late = await a_user(store, service, 7)
    await a_binding(store, service, late, 7)
    await a_member(store, channel, late, 7)
    async with store.reading() as tx:
        gone = await tx.members.get(service, channel, sid("MB", 5))
    assert gone is not None
    await store.write(lambda tx: tx.members.remove(channel, replace(gone, last_event_id=99)))
    while (await spread(store, service, occasion, 3)).more:
        pass

    assert [push.identity for push in await pushes(store)] == [
        f"user{number}" for number in (1, 2, 3, 4, 6, 7)
    ]


async def test_who_is_not_told_is_kept_with_the_reason_if_the_service_logs(
    store: Store, logging: Service, channel: Channel
) -> None:
    await members(store, logging, channel, 4)
    async with store.reading() as tx:
        muted = await tx.users.by_identity(logging, "user2")
        other = await tx.bindings.get(logging, sid("BS", 3))
    assert muted is not None
    assert other is not None
    await a_user_channel(store, channel, muted, notification_level=NotificationLevel.MUTED)
    only = replace(other, message_types=(NotificationKind.ADDED_TO_CHANNEL,))
    await store.write(lambda tx: tx.bindings.save(logging, only))
    occasion = await an_occasion(store, logging, **of_members(channel), author="user1")

    found = await spread(store, logging, occasion)

    assert found.credentials == {sid("CR", 1)}
    assert {push.identity: push.reason for push in await pushes(store)} == {
        "user1": NoPush.AUTHOR,
        "user2": NoPush.MUTED,
        "user3": NoPush.NOT_WANTED,
        "user4": None,
    }


async def test_who_is_not_told_is_not_kept_if_the_service_does_not_log(
    store: Store, service: Service, channel: Channel, database: str
) -> None:
    await members(store, service, channel, 1)
    occasion = await an_occasion(store, service, **of_members(channel), author="user1")

    assert await spread(store, service, occasion) == Spread(frozenset(), more=False)

    assert await pushes(store) == []
    assert await occasions(database) == []


async def test_with_members_left_an_occasion_is_kept_although_nobody_was_told_yet(
    store: Store, service: Service, channel: Channel
) -> None:
    await members(store, service, channel, 3)
    occasion = await an_occasion(store, service, **of_members(channel), author="user1")

    assert (await spread(store, service, occasion, 1)).more
    assert await pushes(store) == []
    found = await held(store, occasion.id)
    assert found is not None
    assert found.reached == sid("MB", 1)
    while (await spread(store, service, occasion, 1)).more:
        pass

    assert [push.identity for push in await pushes(store)] == ["user2", "user3"]


# To one user


async def test_a_user_is_told_on_every_device_that_wants_it(
    store: Store, logging: Service, user: User
) -> None:
    wanted = (NotificationKind.ADDED_TO_CHANNEL, NotificationKind.NEW_MESSAGE)
    for number, kinds in enumerate((wanted, (), wanted[:1], wanted[1:])):
        await a_binding(store, logging, user, number, message_types=kinds)
    occasion = await an_occasion(store, logging, user_id=user.id, kind=PushKind.ADDED_TO_CHANNEL)

    await spread(store, logging, occasion)

    assert {push.binding_sid: push.reason for push in await pushes(store)} == {
        sid("BS", 0): None,
        sid("BS", 1): NoPush.NOT_WANTED,
        sid("BS", 2): None,
        sid("BS", 3): NoPush.NOT_WANTED,
    }


async def test_a_number_goes_to_iphones_whatever_they_want(
    store: Store, service: Service, user: User
) -> None:
    for number, kind in enumerate(PushType):
        await a_binding(store, service, user, number, binding_type=kind, message_types=())
    occasion = await an_occasion(store, service, user_id=user.id, kind=PushKind.BADGE, author=user.identity)

    await spread(store, service, occasion)

    (push,) = await pushes(store)
    assert (push.kind, push.binding_type, push.state) == (PushKind.BADGE, PushType.APN, PushState.WAITING)


async def test_a_number_for_nobody_is_not_logged(
    store: Store, logging: Service, user: User, database: str
) -> None:
    await spread(store, logging, await an_occasion(store, logging, user_id=user.id, kind=PushKind.BADGE))

    assert await pushes(store) == []
    assert await occasions(database) == []


async def test_devices_of_other_services_are_not_told(
    store: Store, logging: Service, neighbour: Service, user: User
) -> None:
    await a_binding(store, neighbour, await a_user(store, neighbour))

    await spread(store, logging, await an_occasion(store, logging, user_id=user.id))

    (push,) = await pushes(store)
    assert (push.state, push.reason, push.identity) == (PushState.SKIPPED, NoPush.NO_DEVICE, user.identity)


# Nobody


@pytest.mark.parametrize("reason", [NoPush.DISABLED, NoPush.NOT_THERE])
async def test_the_log_keeps_why_there_are_no_pushes(
    store: Store, logging: Service, channel: Channel, reason: NoPush
) -> None:
    occasion = await an_occasion(store, logging, **of_members(channel))

    await store.write(lambda tx: tx.occasions.skip(logging, occasion, reason, NOW + 7))

    (push,) = await pushes(store)
    assert (push.state, push.reason, push.identity) == (PushState.SKIPPED, reason, None)
    assert (push.date_created, push.date_updated, push.words.text) == (NOW, NOW + 7, None)
    assert await noted(store) == []
    await store.write(lambda tx: tx.pushes.forget(NOW + 8, 10))
    assert await pushes(store) == []


async def test_without_a_log_nothing_is_kept_of_it(
    store: Store, service: Service, channel: Channel, database: str
) -> None:
    occasion = await an_occasion(store, service, **of_members(channel))

    await store.write(lambda tx: tx.occasions.skip(service, occasion, NoPush.DISABLED, NOW))

    assert await occasions(database) == []


# Trying


async def test_a_test_goes_to_the_devices_of_one_credential(
    store: Store, service: Service, user: User
) -> None:
    for number, credential_sid in enumerate((sid("CR", 1), sid("CR", 2), sid("CR", 1))):
        await a_binding(store, service, user, number, credential_sid=credential_sid, message_types=())
    occasion = new_occasion(service, user_id=user.id, kind=PushKind.TEST)

    sids, _ = await store.write(
        lambda tx: tx.occasions.spread_test(service, occasion, WORDS, sid("CR", 1), NOW)
    )

    made = await pushes(store)
    assert [push.sid for push in made] == sorted(sids)
    assert [push.binding_sid for push in made] == [sid("BS", 0), sid("BS", 2)]
    assert {(push.kind, push.state, push.words, push.logged) for push in made} == {
        (PushKind.TEST, PushState.WAITING, WORDS, True)
    }
    assert await noted(store) == []


# Their names


async def test_pushes_of_occasions_of_one_millisecond_have_names_of_their_own(
    store: Store, service: Service, channel: Channel, database: str
) -> None:
    await members(store, service, channel, 5)
    mint = Mint(lambda: NOW)
    made = [await an_occasion(store, service, **of_members(channel), sid=mint("NT")) for _ in range(20)]
    for occasion in made:
        while (await spread(store, service, occasion, 2)).more:
            pass

    found = await pushes(store)

    assert len({push.sid for push in found}) == 100
    assert all(len(push.sid) == 34 for push in found)
    assert [push.occasion_id for push in found] == [occasion.id for occasion in made for _ in range(5)]
    # Each is forgotten with its own pushes, and no earlier.
    first = [replace(push, state=PushState.DELIVERED) for push in found if push.occasion_id == made[0].id]
    await store.write(lambda tx: tx.pushes.save(first))
    assert await occasions(database) == [occasion.id for occasion in made[1:]]


# At once


async def test_who_spreads_an_occasion_that_another_holds_finds_it_done(
    store: Store, service: Service, channel: Channel, database: str
) -> None:
    """Two servers at once. On PostgreSQL the second waits for the row, and then goes on behind the first."""
    await members(store, service, channel, 9)
    made = [await an_occasion(store, service, **of_members(channel)) for _ in range(10)]
    other = await open_store(database, serving=False, now=0, connections=4)

    async def spread_if_left(server: Store, key: int) -> int:
        """Make the pushes of an occasion, and return how many statements that took."""
        statements = 0

        async def change(tx: Transaction) -> bool:
            nonlocal statements
            found = await tx.occasions.hold(key)
            if found is None:
                return False
            statements += 1
            return (await tx.occasions.spread(service, found, WORDS, NOW, 4)).more

        while (await server.write(change))[0]:
            pass
        return statements

    async with asyncio.timeout(DEADLINE_SECONDS):
        counts = await asyncio.gather(
            *(spread_if_left(server, occasion.id) for occasion in made for server in (store, other))
        )
    await other.close()

    found = await pushes(store)
    assert sum(counts) == 30
    assert len(found) == 90
    assert len({(push.occasion_id, push.binding_sid) for push in found}) == 90
    assert await noted(store) == []
