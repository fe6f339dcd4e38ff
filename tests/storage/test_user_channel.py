from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from chinwag.domain.items import Span, Tombstone
from chinwag.domain.paging import Cursor
from chinwag.domain.user_channel import NotificationLevel, UserChannel, UserChannelStatus
from storage.builders import (
    a_channel,
    a_member,
    a_message,
    a_user,
    a_user_channel,
    clear,
    new_user_channel,
    pages_of_five,
    sid,
)
from storage.outside import ask

if TYPE_CHECKING:
    from chinwag.domain.channel import Channel
    from chinwag.domain.service import Service
    from chinwag.domain.unit import Store
    from chinwag.domain.user import User

DIFFERENT: dict[str, Any] = {
    "status": UserChannelStatus.JOINED,
    "notification_level": NotificationLevel.MUTED,
    "created_event_id": 2**40,
    "last_event_id": 2**40 + 1,
}
"""Another value than `a_user_channel` has for every column."""


@pytest.mark.parametrize("column", DIFFERENT)
async def test_a_user_channel_is_kept_with_every_column(
    store: Store, service: Service, channel: Channel, user: User, column: str
) -> None:
    made = await a_user_channel(store, channel, user, **{column: DIFFERENT[column]})

    assert getattr(made, column) == DIFFERENT[column] != getattr(new_user_channel(channel, user), column)
    assert await shown_to(store, service, user, channel) == made


async def test_what_there_was_is_replaced(
    store: Store, service: Service, channel: Channel, user: User
) -> None:
    made = await a_user_channel(store, channel, user)
    changed = replace(made, **DIFFERENT)

    await store.write(lambda tx: tx.user_channels.put(changed))

    assert await page(store, service, user, Cursor()) == [changed]


async def test_replacing_one_leaves_the_others_as_they_are(
    store: Store, service: Service, channel: Channel, user: User
) -> None:
    other_channel = await a_channel(store, service, 2)
    other_user = await a_user(store, service, 2)
    made = await a_user_channel(store, channel, user)
    beside = await a_user_channel(store, other_channel, user)
    namesake = await a_user_channel(store, channel, other_user)

    await store.write(lambda tx: tx.user_channels.put(replace(made, **DIFFERENT)))

    assert await shown_to(store, service, user, other_channel) == beside
    assert await shown_to(store, service, other_user, channel) == namesake


async def test_a_channel_that_a_user_is_not_in_is_none(
    store: Store, service: Service, channel: Channel, user: User
) -> None:
    assert await shown_to(store, service, user, channel) is None


async def test_the_channels_of_another_user_are_invisible(
    store: Store, service: Service, channel: Channel, user: User
) -> None:
    await a_user_channel(store, channel, user)
    other = await a_user(store, service, 2)

    assert await shown_to(store, service, other, channel) is None
    assert await page(store, service, other, Cursor()) == []
    assert await page(store, service, other, Cursor(before=sid("CH", 9))) == []


@pytest.mark.parametrize(("cursor", "expected"), pages_of_five("CH"), ids=str)
async def test_a_page_begins_where_the_cursor_says_and_has_one_more_if_there_are_more(
    store: Store, service: Service, user: User, cursor: Cursor, expected: list[int]
) -> None:
    other = await a_user(store, service, 2)
    made = {}
    for number in (3, 1, 5, 2, 4):
        channel = await a_channel(store, service, number)
        made[number] = await a_user_channel(store, channel, user)
        await a_user_channel(store, channel, other)
        hidden = await a_user_channel(store, await a_channel(store, service, number + 10), user)
        await store.write(lambda tx, hidden=hidden: tx.user_channels.remove(hidden))

    assert await page(store, service, user, cursor) == [made[number] for number in expected]


# What is read from elsewhere


async def test_the_membership_shows_with_its_read_horizon(
    store: Store, service: Service, channel: Channel, user: User
) -> None:
    made = await a_user_channel(store, channel, user)
    for number in range(5):
        await a_message(store, channel, number)
    member = await a_member(store, channel, user, last_consumed_message_index=1)

    found = await shown_to(store, service, user, channel)

    expected = replace(made, member_sid=member.sid, last_consumed_message_index=1, unread_messages_count=3)
    assert found == expected
    assert await page(store, service, user, Cursor()) == [expected]


async def test_without_a_horizon_nobody_knows_what_is_unread(
    store: Store, service: Service, channel: Channel, user: User
) -> None:
    made = await a_user_channel(store, channel, user)
    await a_message(store, channel)
    member = await a_member(store, channel, user)

    assert await shown_to(store, service, user, channel) == replace(made, member_sid=member.sid)


async def test_a_membership_that_ended_does_not_show(
    store: Store, service: Service, channel: Channel, user: User
) -> None:
    made = await a_user_channel(store, channel, user)
    member = await a_member(store, channel, user, last_consumed_message_index=0)
    await store.write(lambda tx: tx.members.remove(channel, member))

    assert await shown_to(store, service, user, channel) == made


@pytest.mark.parametrize(
    ("horizon", "unread"), [(0, 4), (1, 4), (2, 3), (3, 2), (4, 2), (6, 0), (7, 0), (99, 0)]
)
async def test_deleted_messages_are_not_unread(
    store: Store, service: Service, user: User, horizon: int, unread: int
) -> None:
    channel = await a_channel(store, service)
    messages = [await a_message(store, channel, number) for number in range(8)]
    for index in (1, 4, 7):
        await store.write(lambda tx, index=index: tx.messages.remove(channel, messages[index]))
    await a_user_channel(store, channel, user)
    await a_member(store, channel, user, last_consumed_message_index=horizon)

    found = await shown_to(store, service, user, channel)

    assert found is not None
    assert found.unread_messages_count == unread


async def test_messages_of_other_channels_are_not_counted(
    store: Store, service: Service, channel: Channel, user: User
) -> None:
    other = await a_channel(store, service, 2)
    for number in range(3):
        await a_message(store, channel, number)
        gone = await a_message(store, other, number)
        await store.write(lambda tx, gone=gone: tx.messages.remove(other, gone))
    await a_user_channel(store, channel, user)
    await a_member(store, channel, user, last_consumed_message_index=0)

    found = await shown_to(store, service, user, channel)

    assert found is not None
    assert found.unread_messages_count == 2


# What client SDKs follow: more is in test_items


async def test_channels_are_followed_with_the_membership_but_without_what_is_unread(
    store: Store, service: Service, channel: Channel, user: User
) -> None:
    made = await a_user_channel(store, channel, user)
    await a_message(store, channel)
    member = await a_member(store, channel, user, last_consumed_message_index=0)

    async with store.reading() as tx:
        (since,) = await tx.user_channels.since(service, user, 0, 10)
        items, _, _ = await tx.user_channels.slice(service, user, Span(size=10))

    assert [since] == items == [replace(made, member_sid=member.sid, last_consumed_message_index=0)]


async def test_what_is_left_in_a_list_outlives_the_channel(
    store: Store, service: Service, channel: Channel, user: User
) -> None:
    gone = await a_user_channel(store, channel, user, last_event_id=1)
    await store.write(lambda tx: tx.user_channels.remove(replace(gone, last_event_id=2)))
    await store.write(lambda tx: tx.channels.remove(channel))
    await clear(store)
    another = await a_channel(store, service, 2)  # in SQLite it has the key of the first
    made = await a_user_channel(store, another, user, created_event_id=3, last_event_id=3)
    member = await a_member(store, another, user)

    async with store.reading() as tx:
        found = await tx.user_channels.since(service, user, 0, 10)

    left = Tombstone(key=channel.sid, created_event_id=1, last_event_id=2)
    assert found == [left, replace(made, member_sid=member.sid)]


# Removing


async def test_a_removed_one_is_nowhere(store: Store, service: Service, channel: Channel, user: User) -> None:
    gone = await a_user_channel(store, channel, user)
    other = await a_user(store, service, 2)
    beside = await a_user_channel(store, channel, other)

    await store.write(lambda tx: tx.user_channels.remove(gone))

    assert await shown_to(store, service, user, channel) is None
    assert await page(store, service, user, Cursor()) == []
    assert await page(store, service, other, Cursor()) == [beside]


async def test_of_a_removed_one_the_stamps_stay(
    store: Store, channel: Channel, user: User, database: str
) -> None:
    gone = await a_user_channel(store, channel, user, created_event_id=3)

    await store.write(lambda tx: tx.user_channels.remove(replace(gone, last_event_id=7)))

    assert await marks(database) == [(user.id, channel.sid, True, 3, 7)]


async def test_a_removed_one_can_come_again(
    store: Store, service: Service, channel: Channel, user: User, database: str
) -> None:
    gone = await a_user_channel(store, channel, user)
    await store.write(lambda tx: tx.user_channels.remove(gone))

    again = await a_user_channel(store, channel, user, **DIFFERENT)

    assert await shown_to(store, service, user, channel) == again
    assert len(await marks(database)) == 1


# Removing a channel from all


async def test_a_channel_is_taken_away_from_all_who_have_it_stamped_with_its_event(
    store: Store, service: Service, channel: Channel
) -> None:
    joined = await a_user(store, service, 1, joined_channels_count=3, channels_event_id=41)
    invited = await a_user(store, service, 2, joined_channels_count=3)
    await a_member(store, channel, joined, last_consumed_message_index=5)
    one = await a_user_channel(store, channel, joined, **DIFFERENT)
    other = await a_user_channel(store, channel, invited)

    taken, _ = await store.write(lambda tx: tx.user_channels.remove_all_of(service, channel))

    assert [(gone.user_sid, gone.last_event_id) for gone in taken] == [(joined.sid, 42), (invited.sid, 1)]
    assert taken[0] == replace(
        one,
        member_sid=sid("MB", 1),
        last_consumed_message_index=5,
        unread_messages_count=taken[0].unread_messages_count,
        last_event_id=42,
    )
    assert taken[1] == other
    assert await page(store, service, joined, Cursor()) == []
    assert await page(store, service, invited, Cursor()) == []


async def test_users_count_off_a_channel_that_is_taken_away_if_they_were_members(
    store: Store, service: Service, channel: Channel
) -> None:
    joined = await a_user(store, service, 1, joined_channels_count=3, channels_event_id=5)
    invited = await a_user(store, service, 2, joined_channels_count=3, channels_event_id=5)
    neither = await a_user(store, service, 3, joined_channels_count=3, channels_event_id=5)
    await a_member(store, channel, joined)
    await a_user_channel(store, channel, joined)
    await a_user_channel(store, channel, invited)

    await store.write(lambda tx: tx.user_channels.remove_all_of(service, channel))

    async with store.reading() as tx:
        assert await tx.users.page(service, Cursor()) == [
            replace(joined, joined_channels_count=2, channels_event_id=6),
            replace(invited, channels_event_id=6),
            neither,
        ]


async def test_what_is_left_of_a_channel_that_was_taken_away_are_stamps(
    store: Store, service: Service, channel: Channel, user: User, database: str
) -> None:
    await a_user_channel(store, channel, user, created_event_id=1)

    await store.write(lambda tx: tx.user_channels.remove_all_of(service, channel))

    assert await marks(database) == [(user.id, channel.sid, True, 1, 1)]


async def test_who_left_a_channel_before_hears_nothing_when_it_is_taken_away(
    store: Store, service: Service, channel: Channel, user: User, database: str
) -> None:
    gone = await a_user_channel(store, channel, user)
    await store.write(lambda tx: tx.user_channels.remove(replace(gone, last_event_id=7)))

    taken, _ = await store.write(lambda tx: tx.user_channels.remove_all_of(service, channel))

    assert taken == []
    assert await marks(database) == [(user.id, channel.sid, True, 1, 7)]
    async with store.reading() as tx:
        assert await tx.users.get(service, user.sid) == user


async def test_taking_one_channel_away_leaves_the_others(
    store: Store, service: Service, channel: Channel, user: User
) -> None:
    kept = await a_user_channel(store, await a_channel(store, service, 2), user)
    await a_user_channel(store, channel, user)

    await store.write(lambda tx: tx.user_channels.remove_all_of(service, channel))

    assert await page(store, service, user, Cursor()) == [kept]


async def marks(database: str) -> list[tuple[object, ...]]:
    """What is kept of every user channel, as far as its marks go."""
    rows = await ask(
        database, "SELECT user_id, channel_sid, deleted, created_event_id, last_event_id FROM user_channel"
    )
    return [(row[0], row[1], bool(row[2]), row[3], row[4]) for row in rows]


async def shown_to(store: Store, service: Service, user: User, channel: Channel) -> UserChannel | None:
    async with store.reading() as tx:
        return await tx.user_channels.get(service, user, channel)


async def page(store: Store, service: Service, user: User, cursor: Cursor) -> list[UserChannel]:
    async with store.reading() as tx:
        return await tx.user_channels.page(service, user, cursor)
