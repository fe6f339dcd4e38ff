from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from chinwag.domain.channel import Channel, ChannelType
from chinwag.domain.items import Span, Tombstone
from chinwag.domain.paging import Cursor
from storage.builders import (
    NOW,
    REFUSED,
    a_channel,
    a_member,
    a_role,
    a_user,
    new_member,
    pages_of_five,
    sid,
)
from storage.outside import ask

if TYPE_CHECKING:
    from chinwag.domain.member import Member
    from chinwag.domain.service import Service
    from chinwag.domain.unit import Store
    from chinwag.domain.user import User

DIFFERENT: dict[str, Any] = {
    "role_sid": sid("RL", 9),
    "attributes": '{"ä": "🐙"}',
    "last_consumed_message_index": 2**40,
    "last_consumption_timestamp": 2**53,
    "date_created": -1,
    "date_updated": 2**53,
    "last_event_id": 2**40,
}
"""Another value than `a_member` has for every column that can change."""


@pytest.fixture(autouse=True)
async def role(store: Store, service: Service) -> None:
    """The role that `DIFFERENT` names."""
    await a_role(store, service, 9)


@pytest.fixture
async def elsewhere(store: Store, service: Service) -> Channel:
    """Another channel of the same service."""
    return await a_channel(store, service, 2)


@pytest.mark.parametrize("column", [*DIFFERENT, "created_event_id"])
async def test_a_member_is_kept_with_every_column(
    store: Store, service: Service, channel: Channel, user: User, column: str
) -> None:
    value = DIFFERENT.get(column, 2**40)

    made = await a_member(store, channel, user, **{column: value})

    assert value != getattr(new_member(channel, user), column)
    assert await member_of(store, service, channel, made.sid) == made
    assert await by_identity(store, service, channel, user.identity) == made


async def test_saving_replaces_every_column_that_can_change(
    store: Store, service: Service, channel: Channel, user: User
) -> None:
    made = await a_member(store, channel, user)
    changed = replace(made, **DIFFERENT)

    await store.write(lambda tx: tx.members.save(channel, changed))

    assert await member_of(store, service, channel, made.sid) == changed


async def test_saving_clears_the_read_horizon(
    store: Store, service: Service, channel: Channel, user: User
) -> None:
    made = await a_member(store, channel, user, **DIFFERENT)
    cleared = replace(made, last_consumed_message_index=None, last_consumption_timestamp=None)

    await store.write(lambda tx: tx.members.save(channel, cleared))

    assert await member_of(store, service, channel, made.sid) == cleared


async def test_the_first_message_may_be_the_horizon(
    store: Store, service: Service, channel: Channel, user: User
) -> None:
    made = await a_member(store, channel, user, last_consumed_message_index=0, last_consumption_timestamp=0)

    assert await member_of(store, service, channel, made.sid) == made


async def test_saving_one_member_leaves_the_others_as_they_are(
    store: Store, service: Service, channel: Channel, elsewhere: Channel, user: User
) -> None:
    made = await a_member(store, channel, user, 1)
    beside = await a_member(store, channel, await a_user(store, service, 2), 2)
    namesake = await a_member(store, elsewhere, user, 1)

    await store.write(lambda tx: tx.members.save(channel, replace(made, **DIFFERENT)))

    assert await member_of(store, service, channel, beside.sid) == beside
    assert await member_of(store, service, elsewhere, namesake.sid) == namesake


async def test_a_member_whose_role_is_gone_has_the_default_one(
    store: Store, service: Service, channel: Channel, user: User
) -> None:
    made = await a_member(store, channel, user, role_sid=sid("RL", 9))

    await store.write(lambda tx: tx.roles.remove(service, sid("RL", 9)))

    found = await member_of(store, service, channel, made.sid)
    assert found == replace(made, role_sid=service.default_channel_role_sid)


async def test_somebody_who_is_no_member_is_none(
    store: Store, service: Service, channel: Channel, user: User
) -> None:
    assert await member_of(store, service, channel, sid("MB", 1)) is None
    assert await by_identity(store, service, channel, user.identity) is None
    assert await by_identity(store, service, channel, "nobody") is None


async def test_the_members_of_another_channel_are_invisible(
    store: Store, service: Service, channel: Channel, elsewhere: Channel, user: User
) -> None:
    made = await a_member(store, channel, user)

    assert await member_of(store, service, elsewhere, made.sid) is None
    assert await by_identity(store, service, elsewhere, user.identity) is None
    assert await page(store, service, elsewhere, Cursor()) == []
    assert await page(store, service, elsewhere, Cursor(before=sid("MB", 9))) == []
    assert await page(store, service, elsewhere, Cursor(), [user.identity]) == []


async def test_two_services_may_have_members_of_the_same_identity(
    store: Store, service: Service, neighbour: Service, channel: Channel, user: User
) -> None:
    other_channel = await a_channel(store, neighbour)
    own = await a_member(store, channel, user)
    others = await a_member(store, other_channel, await a_user(store, neighbour))

    assert await by_identity(store, service, channel, user.identity) == own
    assert await by_identity(store, neighbour, other_channel, user.identity) == others


async def test_an_identity_is_matched_by_its_bytes(store: Store, service: Service, channel: Channel) -> None:
    made = {
        name: await a_member(store, channel, await a_user(store, service, n, identity=name), n)
        for n, name in enumerate(("zoë", "zoe\u0308", "ZOË"))
    }

    assert await by_identity(store, service, channel, "zoë") == made["zoë"]
    assert await page(store, service, channel, Cursor(), ["ZOË"]) == [made["ZOË"]]


@pytest.mark.parametrize("number", [1, 2], ids=["same SID", "other SID"])
async def test_a_user_cannot_be_a_member_twice(
    store: Store, service: Service, channel: Channel, user: User, number: int
) -> None:
    made = await a_member(store, channel, user, 1)

    with pytest.raises(REFUSED):
        await a_member(store, channel, user, number)

    assert await page(store, service, channel, Cursor()) == [made]


# Pages


@pytest.mark.parametrize(("cursor", "expected"), pages_of_five("MB"), ids=str)
async def test_a_page_begins_where_the_cursor_says_and_has_one_more_if_there_are_more(
    store: Store, service: Service, channel: Channel, cursor: Cursor, expected: list[int]
) -> None:
    elsewhere = await a_channel(store, service, 2)
    users = {number: await a_user(store, service, number) for number in (5, 4, 3, 2, 1)}
    made = {n: await a_member(store, channel, users[n], n) for n in (3, 1, 5, 2, 4)}
    await a_member(store, elsewhere, users[3], 3)

    assert await page(store, service, channel, cursor) == [made[number] for number in expected]


@pytest.mark.parametrize(("cursor", "expected"), pages_of_five("MB"), ids=str)
async def test_a_page_of_some_identities_steps_over_the_others(
    store: Store, service: Service, channel: Channel, cursor: Cursor, expected: list[int]
) -> None:
    made = {n: await a_member(store, channel, await a_user(store, service, n), n) for n in range(9)}
    wanted = ["user5", "user1", "user2", "user4", "user3", "user3", "nobody"]

    assert await page(store, service, channel, cursor, wanted) == [made[number] for number in expected]


@pytest.mark.parametrize("identities", [[], ["nobody"], [""], ["user1,user2"], ['["user1"]']])
async def test_identities_that_nobody_has_find_nobody(
    store: Store, service: Service, channel: Channel, user: User, identities: list[str]
) -> None:
    await a_member(store, channel, user)

    assert await page(store, service, channel, Cursor(), identities) == []


# What client SDKs follow: more is in test_items


async def test_what_is_left_of_a_member_outlives_the_user_and_is_not_taken_for_another(
    store: Store, service: Service, channel: Channel, user: User
) -> None:
    gone = await a_member(store, channel, user, last_event_id=1)
    await store.write(lambda tx: tx.members.remove(channel, replace(gone, last_event_id=2)))
    await store.write(lambda tx: tx.users.remove(user))
    another = await a_user(store, service, 2)  # in SQLite it has the key of the first
    made = await a_member(store, channel, another, 2, created_event_id=3, last_event_id=3)

    async with store.reading() as tx:
        found = await tx.members.since(service, channel, 0, 10)

    assert found == [Tombstone(key=gone.sid, created_event_id=1, last_event_id=2), made]


async def test_a_member_whose_role_is_gone_is_followed_with_the_default_one(
    store: Store, service: Service, channel: Channel, user: User
) -> None:
    made = await a_member(store, channel, user, role_sid=sid("RL", 8))

    async with store.reading() as tx:
        (since,) = await tx.members.since(service, channel, 0, 10)
        items, _, _ = await tx.members.slice(service, channel, Span(size=10))

    assert [since] == items == [replace(made, role_sid=service.default_channel_role_sid)]


async def test_the_users_are_those_of_all_who_are_members(
    store: Store, service: Service, channel: Channel, elsewhere: Channel
) -> None:
    users = [await a_user(store, service, n) for n in range(4)]
    made = [await a_member(store, channel, users[n], n) for n in (2, 0, 1)]
    await a_member(store, elsewhere, users[3])
    await store.write(lambda tx: tx.members.remove(channel, made[2]))

    async with store.reading() as tx:
        assert await tx.members.user_sids(channel) == [users[0].sid, users[2].sid]
        assert await tx.members.user_sids(elsewhere) == [users[3].sid]


# Removing


async def test_a_removed_member_is_nowhere(
    store: Store, service: Service, channel: Channel, user: User
) -> None:
    gone = await a_member(store, channel, user, 1)
    beside = await a_member(store, channel, await a_user(store, service, 2), 2)

    await store.write(lambda tx: tx.members.remove(channel, gone))

    assert await member_of(store, service, channel, gone.sid) is None
    assert await by_identity(store, service, channel, user.identity) is None
    assert await page(store, service, channel, Cursor()) == [beside]
    assert await page(store, service, channel, Cursor(), ["user1", "user2"]) == [beside]


async def test_of_a_removed_member_the_stamps_stay_and_the_attributes_go(
    store: Store, channel: Channel, user: User, database: str
) -> None:
    gone = await a_member(store, channel, user, attributes='{"secret": 1}', created_event_id=3)

    await store.write(lambda tx: tx.members.remove(channel, replace(gone, last_event_id=7)))

    (row,) = await ask(database, "SELECT sid, created_event_id, last_event_id, attributes FROM member")
    assert tuple(row) == (gone.sid, 3, 7, "{}")


async def test_removing_one_member_leaves_the_namesake_in_another_channel(
    store: Store, service: Service, channel: Channel, elsewhere: Channel, user: User
) -> None:
    gone = await a_member(store, channel, user)
    namesake = await a_member(store, elsewhere, user)

    await store.write(lambda tx: tx.members.remove(channel, gone))

    assert await member_of(store, service, elsewhere, namesake.sid) == namesake


async def test_who_was_removed_can_come_again_and_go_again(
    store: Store, service: Service, channel: Channel, user: User, database: str
) -> None:
    for number in (1, 2):
        gone = await a_member(store, channel, user, number)
        await store.write(lambda tx, gone=gone: tx.members.remove(channel, gone))

    again = await a_member(store, channel, user, 3)

    assert await by_identity(store, service, channel, user.identity) == again
    assert len(await ask(database, "SELECT sid FROM member WHERE deleted")) == 2


async def test_a_member_that_went_cannot_be_saved(
    store: Store, service: Service, channel: Channel, user: User, database: str
) -> None:
    gone = await a_member(store, channel, user)
    await store.write(lambda tx: tx.members.remove(channel, gone))

    await store.write(lambda tx: tx.members.save(channel, replace(gone, attributes="[1]")))

    assert await member_of(store, service, channel, gone.sid) is None
    assert [row[0] for row in await ask(database, "SELECT attributes FROM member")] == ["{}"]


# Removing a user from everywhere


async def test_a_user_is_taken_out_of_every_channel_stamped_with_its_event(
    store: Store, service: Service, channel: Channel, user: User
) -> None:
    busy = await a_channel(store, service, 2, members_count=9, roster_event_id=41)
    one = await a_member(store, channel, user, 1, attributes="[1]", last_consumed_message_index=4)
    other = await a_member(store, busy, user, 2)

    removed, _ = await store.write(lambda tx: tx.members.remove_all_of(service, user))

    assert removed == [replace(one, last_event_id=1), replace(other, last_event_id=42)]
    assert await by_identity(store, service, channel, user.identity) is None
    assert await by_identity(store, service, busy, user.identity) is None


async def test_channels_count_off_a_user_who_is_taken_out(store: Store, service: Service, user: User) -> None:
    joined = await a_channel(store, service, 1, members_count=3, roster_event_id=5)
    not_joined = await a_channel(store, service, 2, members_count=3, roster_event_id=5)
    await a_member(store, joined, user)

    await store.write(lambda tx: tx.members.remove_all_of(service, user))

    async with store.reading() as tx:
        assert await tx.channels.page(service, Cursor(), list(ChannelType)) == [
            replace(joined, members_count=2, roster_event_id=6),
            not_joined,
        ]


async def test_what_a_user_who_is_taken_out_leaves_are_stamps(
    store: Store, service: Service, channel: Channel, user: User, database: str
) -> None:
    await a_member(store, channel, user, attributes='{"secret": 1}')

    await store.write(lambda tx: tx.members.remove_all_of(service, user))

    (row,) = await ask(database, "SELECT deleted, attributes, last_event_id FROM member")
    assert (bool(row[0]), row[1], row[2]) == (True, "{}", 1)


async def test_taking_a_user_out_touches_nobody_else(
    store: Store, service: Service, channel: Channel, user: User
) -> None:
    await a_member(store, channel, user, 1)
    other = await a_member(store, channel, await a_user(store, service, 2), 2)

    await store.write(lambda tx: tx.members.remove_all_of(service, user))

    assert await page(store, service, channel, Cursor()) == [other]


async def test_channels_that_a_user_left_before_are_not_touched_again(
    store: Store, service: Service, user: User, database: str
) -> None:
    left = await a_channel(store, service, 1, members_count=3, roster_event_id=5)
    gone = await a_member(store, left, user)
    await store.write(lambda tx: tx.members.remove(left, replace(gone, last_event_id=4)))

    removed, _ = await store.write(lambda tx: tx.members.remove_all_of(service, user))

    assert removed == []
    async with store.reading() as tx:
        assert await tx.channels.get(service, left.sid) == left
    assert [row[0] for row in await ask(database, "SELECT last_event_id FROM member")] == [4]


async def test_dates_of_long_ago_are_kept(
    store: Store, service: Service, channel: Channel, user: User
) -> None:
    made = await a_member(store, channel, user, date_created=-NOW, last_consumption_timestamp=-1)

    assert await member_of(store, service, channel, made.sid) == made


async def member_of(store: Store, service: Service, channel: Channel, member_sid: str) -> Member | None:
    async with store.reading() as tx:
        return await tx.members.get(service, channel, member_sid)


async def by_identity(store: Store, service: Service, channel: Channel, identity: str) -> Member | None:
    async with store.reading() as tx:
        return await tx.members.by_identity(service, channel, identity)


async def page(
    store: Store,
    service: Service,
    channel: Channel,
    cursor: Cursor,
    identities: list[str] | None = None,
) -> list[Member]:
    async with store.reading() as tx:
        return await tx.members.page(service, channel, cursor, identities)
