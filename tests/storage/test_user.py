from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from chinwag.domain.paging import Cursor
from chinwag.domain.permissions import RoleType
from storage.builders import (
    NOW,
    REFUSED,
    a_binding,
    a_channel,
    a_member,
    a_role,
    a_service,
    a_user,
    a_user_channel,
    an_account,
    an_invite,
    new_user,
    pages_of_five,
    sid,
)
from storage.outside import ask

if TYPE_CHECKING:
    from chinwag.domain.account import Account
    from chinwag.domain.channel import Channel
    from chinwag.domain.service import Service
    from chinwag.domain.unit import Store, Transaction
    from chinwag.domain.user import User

DIFFERENT: dict[str, Any] = {
    "friendly_name": "Zoë's 🐙 'name'",
    "attributes": '{"ä": [1, null, "🐙"]}',
    "role_sid": sid("RL", 9),
    "is_online": True,
    "is_notifiable": False,
    "joined_channels_count": 1000,
    "date_updated": 2**53,
    "info_event_id": 2,
    "friendly_name_event_id": 3,
    "attributes_event_id": 4,
    "reachability_event_id": 5,
    "channels_event_id": 2**40,
}
"""Another value than `a_user` has for every column that can change."""


@pytest.fixture
async def service(store: Store, account: Account) -> Service:
    return await a_service(store, account, reachability_enabled=True)


@pytest.fixture(autouse=True)
async def role(store: Store, service: Service) -> None:
    """The role that `DIFFERENT` names."""
    await a_role(store, service, 9, type=RoleType.DEPLOYMENT)


async def test_a_user_is_kept_and_has_a_key(store: Store, service: Service) -> None:
    made = await a_user(store, service)

    assert made.id > 0
    assert made == replace(new_user(service), id=made.id)
    assert await user_of(store, service, made.sid) == made
    assert await user_by_identity(store, service, made.identity) == made


@pytest.mark.parametrize("column", DIFFERENT)
async def test_a_user_is_kept_with_every_column(store: Store, service: Service, column: str) -> None:
    made = await a_user(store, service, **{column: DIFFERENT[column]})

    assert getattr(made, column) == DIFFERENT[column] != getattr(new_user(service), column)
    assert await user_of(store, service, made.sid) == made


async def test_saving_replaces_every_column_that_can_change(store: Store, service: Service) -> None:
    made = await a_user(store, service)
    changed = replace(made, **DIFFERENT)

    await store.write(lambda tx: tx.users.save(changed))

    assert await user_of(store, service, made.sid) == changed


async def test_saving_clears_what_can_be_cleared(store: Store, service: Service) -> None:
    made = await a_user(store, service, **DIFFERENT)
    cleared = replace(made, friendly_name=None, is_online=None, is_notifiable=None)

    await store.write(lambda tx: tx.users.save(cleared))

    assert await user_of(store, service, made.sid) == cleared


async def test_saving_one_user_leaves_the_others_as_they_are(store: Store, service: Service) -> None:
    made, other = await a_user(store, service, 1), await a_user(store, service, 2)

    await store.write(lambda tx: tx.users.save(replace(made, **DIFFERENT)))

    assert await user_of(store, service, other.sid) == other


async def test_reachability_comes_back_as_truth_values(store: Store, service: Service) -> None:
    made = await a_user(store, service, is_online=False, is_notifiable=True)

    found = await user_of(store, service, made.sid)

    assert found is not None
    assert (found.is_online, found.is_notifiable) == (False, True)
    assert isinstance(found.is_online, bool)
    assert isinstance(found.is_notifiable, bool)


async def test_a_service_without_reachability_knows_none_of_its_users(
    store: Store, service: Service, neighbour: Service
) -> None:
    made = await a_user(store, neighbour, is_online=True, is_notifiable=False)

    found = await user_of(store, neighbour, made.sid)

    assert found == replace(made, is_online=None, is_notifiable=None)


async def test_a_user_whose_role_is_gone_has_the_default_one(store: Store, service: Service) -> None:
    made = await a_user(store, service, role_sid=sid("RL", 9))

    await store.write(lambda tx: tx.roles.remove(service, sid("RL", 9)))

    found = await user_of(store, service, made.sid)
    assert found == replace(made, role_sid=service.default_service_role_sid)


async def test_a_user_that_nobody_added_is_none(store: Store, service: Service, user: User) -> None:
    assert await user_of(store, service, sid("US", 2)) is None
    assert await user_by_identity(store, service, "nobody") is None
    assert await held(store, service, user.id + 1) is None


@pytest.mark.parametrize("identity", ["zoë", "zoe\u0308", "ZOË", "zoë ", "US1", "🐙/%2F", "x" * 256])
async def test_a_user_is_found_by_exactly_the_identity_it_has(
    store: Store, service: Service, identity: str
) -> None:
    identities = ["zoë", "zoe\u0308", "ZOË", "zoë ", "US1", "🐙/%2F", "x" * 256]
    made = {name: await a_user(store, service, n, identity=name) for n, name in enumerate(identities)}

    assert await user_by_identity(store, service, identity) == made[identity]


async def test_the_users_of_another_service_are_invisible(
    store: Store, neighbour: Service, user: User
) -> None:
    assert await user_of(store, neighbour, user.sid) is None
    assert await user_by_identity(store, neighbour, user.identity) is None
    assert await held(store, neighbour, user.id) is None
    assert await page(store, neighbour, Cursor()) == []
    assert await page(store, neighbour, Cursor(before=sid("US", 9))) == []


async def test_two_services_may_have_users_of_the_same_sid_and_identity(
    store: Store, service: Service, neighbour: Service
) -> None:
    own, others = await a_user(store, service), await a_user(store, neighbour)

    assert own.id != others.id
    assert await user_by_identity(store, service, own.identity) == own
    assert await user_by_identity(store, neighbour, own.identity) == others


@pytest.mark.parametrize("twice", [{"identity": "user1"}, {"sid": sid("US", 1)}], ids=["identity", "sid"])
async def test_a_service_cannot_have_two_of_the_same(
    store: Store, service: Service, user: User, twice: dict[str, Any]
) -> None:
    with pytest.raises(REFUSED):
        await a_user(store, service, 2, **twice)

    assert await page(store, service, Cursor()) == [user]


@pytest.mark.parametrize(("cursor", "expected"), pages_of_five("US"), ids=str)
async def test_a_page_begins_where_the_cursor_says_and_has_one_more_if_there_are_more(
    store: Store, service: Service, neighbour: Service, cursor: Cursor, expected: list[int]
) -> None:
    made = {number: await a_user(store, service, number) for number in (3, 1, 5, 2, 4)}
    await a_user(store, neighbour, 3)

    assert await page(store, service, cursor) == [made[number] for number in expected]


async def test_these_users_are_those_of_the_service_oldest_first_and_each_once(
    store: Store, service: Service, neighbour: Service
) -> None:
    made = {n: await a_user(store, service, n) for n in (3, 1, 2)}
    await a_user(store, neighbour, 4)
    await store.write(lambda tx: tx.users.remove(made[2]))

    async with store.reading() as tx:
        found = await tx.users.these(service, [sid("US", n) for n in (3, 4, 2, 1, 3, 9)])
        assert await tx.users.these(service, []) == []

    assert found == [made[1], made[3]]


async def test_a_user_that_is_held_is_the_one_that_is_kept(store: Store, service: Service) -> None:
    made = await a_user(store, service, **DIFFERENT)

    assert await held(store, service, made.id) == made


async def test_a_user_that_is_held_is_read_as_the_one_before_left_it(
    store: Store, service: Service, user: User
) -> None:
    async def count(tx: Transaction) -> None:
        found = await tx.users.hold(service, user.id)
        assert found is not None
        await tx.users.save(replace(found, joined_channels_count=found.joined_channels_count + 1))

    await asyncio.gather(*(store.write(count) for _ in range(20)))

    assert await user_of(store, service, user.sid) == replace(user, joined_channels_count=20)


async def test_a_removed_user_is_nowhere(store: Store, service: Service, user: User) -> None:
    await store.write(lambda tx: tx.users.remove(user))

    assert await user_of(store, service, user.sid) is None
    assert await user_by_identity(store, service, user.identity) is None
    assert await held(store, service, user.id) is None
    assert await page(store, service, Cursor()) == []


async def test_the_identity_of_a_removed_user_is_free(store: Store, service: Service, user: User) -> None:
    await store.write(lambda tx: tx.users.remove(user))

    again = await a_user(store, service, 2, identity=user.identity)

    assert await user_by_identity(store, service, user.identity) == again


async def test_a_removed_user_takes_its_invites_bindings_and_channel_list_and_nobody_elses(
    store: Store, service: Service, channel: Channel, user: User, database: str
) -> None:
    other_channel = await a_channel(store, service, 2)
    other = await a_user(store, service, 2)
    for number, somebody in ((1, user), (2, other)):
        await an_invite(store, channel, somebody, number)
        await a_binding(store, service, somebody, number)
        await a_user_channel(store, channel, somebody)
        gone = await a_user_channel(store, other_channel, somebody)
        await store.write(lambda tx, gone=gone: tx.user_channels.remove(gone))

    await store.write(lambda tx: tx.users.remove(user))

    for table, left in (("invite", 1), ("binding", 1), ("user_channel", 2)):
        rows = await ask(database, f"SELECT user_id FROM {table}")
        assert [tuple(row) for row in rows] == [(other.id,)] * left, table


async def test_a_removed_user_leaves_the_marks_of_its_memberships(
    store: Store, service: Service, channel: Channel, user: User, database: str
) -> None:
    await a_member(store, channel, user)
    await store.write(lambda tx: tx.members.remove_all_of(service, user))

    await store.write(lambda tx: tx.users.remove(user))

    assert len(await ask(database, "SELECT sid FROM member WHERE deleted")) == 1


async def test_dates_may_lie_far_back_and_ahead(store: Store, service: Service) -> None:
    made = await a_user(store, service, date_created=-NOW, date_updated=2**53)

    assert await user_of(store, service, made.sid) == made


async def test_who_is_online_is_found_in_every_service_of_every_account(
    store: Store, account: Account, service: Service, neighbour: Service
) -> None:
    another = await an_account(store, 2)
    abroad = await a_service(store, another, 3)
    for number, within, value in (
        (1, service, True),
        (2, service, False),
        (3, service, None),
        (4, neighbour, True),
        (5, abroad, True),
    ):
        await a_user(store, within, number, is_online=value)

    assert await online(store) == [
        (account.id, account.sid, service.sid, "user1"),
        (account.id, account.sid, neighbour.sid, "user4"),
        (another.id, another.sid, abroad.sid, "user5"),
    ]


async def test_nobody_is_online_in_a_service_that_was_deleted(store: Store, service: Service) -> None:
    await a_user(store, service, is_online=True)

    await store.write(lambda tx: tx.services.remove(service))

    assert await online(store) == []


async def test_reachability_is_forgotten_of_every_user_of_a_service_and_of_no_others(
    store: Store, account: Account, service: Service
) -> None:
    beside = await a_service(store, account, 2, reachability_enabled=True)
    made = [
        await a_user(store, service, 1, is_online=True),
        await a_user(store, service, 2, is_notifiable=False),
        await a_user(store, service, 3),
    ]
    other = await a_user(store, beside, 4, is_online=True, is_notifiable=True)

    await store.write(lambda tx: tx.users.forget_reachability(service))

    assert await page(store, service, Cursor()) == [
        replace(user, is_online=None, is_notifiable=None) for user in made
    ]
    assert await user_of(store, beside, other.sid) == other


async def online(store: Store) -> list[tuple[int, str, str, str]]:
    async with store.reading() as tx:
        return [tuple(found) for found in await tx.users.online()]


async def user_of(store: Store, service: Service, user_sid: str) -> User | None:
    async with store.reading() as tx:
        return await tx.users.get(service, user_sid)


async def user_by_identity(store: Store, service: Service, identity: str) -> User | None:
    async with store.reading() as tx:
        return await tx.users.by_identity(service, identity)


async def held(store: Store, service: Service, user_id: int) -> User | None:
    found, _ = await store.write(lambda tx: tx.users.hold(service, user_id))
    return found


async def page(store: Store, service: Service, cursor: Cursor) -> list[User]:
    async with store.reading() as tx:
        return await tx.users.page(service, cursor)
