from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from chinwag.domain.channel import Channel, ChannelType
from chinwag.domain.paging import Cursor
from storage.builders import (
    REFUSED,
    a_channel,
    a_user_channel,
    new_channel,
    pages_of_five,
    sid,
)
from storage.outside import ask

if TYPE_CHECKING:
    from chinwag.domain.service import Service
    from chinwag.domain.unit import Store, Transaction
    from chinwag.domain.user import User

DIFFERENT: dict[str, Any] = {
    "friendly_name": "Zoë's 🐙 'lobby'",
    "unique_name": "lobby/ä%2F🐙",
    "attributes": '["ä"]',
    "created_by": "zoë",
    "members_count": 1000,
    "messages_count": 2**31 - 1,
    "next_index": 2**40,
    "last_message_index": 2**40 - 1,
    "last_message_sid": sid("IM", 7),
    "last_message_date": 2**53,
    "date_created": -1,
    "date_updated": 2**53,
    "event_id": 2**40,
    "messages_event_id": 2**40 + 1,
    "roster_event_id": 2**40 + 2,
}
"""Another value than `a_channel` has for every column that can change."""

EVERY_TYPE = list(ChannelType)


async def test_a_channel_is_kept_and_has_a_key(store: Store, service: Service) -> None:
    made = await a_channel(store, service)

    assert made.id > 0
    assert made == replace(new_channel(service), id=made.id)
    assert await channel_of(store, service, made.sid) == made


@pytest.mark.parametrize("column", DIFFERENT)
async def test_a_channel_is_kept_with_every_column(store: Store, service: Service, column: str) -> None:
    made = await a_channel(store, service, **{column: DIFFERENT[column]})

    assert getattr(made, column) == DIFFERENT[column] != getattr(new_channel(service), column)
    assert await channel_of(store, service, made.sid) == made


@pytest.mark.parametrize("kind", EVERY_TYPE)
async def test_the_type_of_a_channel_comes_back_as_one(
    store: Store, service: Service, kind: ChannelType
) -> None:
    made = await a_channel(store, service, type=kind)

    found = await channel_of(store, service, made.sid)

    assert found is not None
    assert found.type is kind


async def test_saving_replaces_every_column_that_can_change(store: Store, service: Service) -> None:
    made = await a_channel(store, service)
    changed = replace(made, **DIFFERENT)

    await store.write(lambda tx: tx.channels.save(changed))

    assert await channel_of(store, service, made.sid) == changed


async def test_saving_clears_what_can_be_cleared(store: Store, service: Service) -> None:
    made = await a_channel(store, service, **DIFFERENT)
    cleared = replace(
        made,
        friendly_name=None,
        unique_name=None,
        last_message_index=None,
        last_message_sid=None,
        last_message_date=None,
    )

    await store.write(lambda tx: tx.channels.save(cleared))

    assert await channel_of(store, service, made.sid) == cleared


async def test_saving_one_channel_leaves_the_others_as_they_are(store: Store, service: Service) -> None:
    made, other = await a_channel(store, service, 1), await a_channel(store, service, 2)

    await store.write(lambda tx: tx.channels.save(replace(made, **DIFFERENT)))

    assert await channel_of(store, service, other.sid) == other


async def test_a_channel_that_nobody_added_is_none(store: Store, service: Service, channel: Channel) -> None:
    assert await channel_of(store, service, sid("CH", 2)) is None
    assert await channel_named(store, service, "lobby") is None
    assert await held(store, service, channel.id + 1) is None


@pytest.mark.parametrize("name", ["lobby", "LOBBY", "lobby ", "Zoë", "Zoe\u0308", "a/b%2F", "x" * 256])
async def test_a_channel_is_found_by_exactly_the_unique_name_it_has(
    store: Store, service: Service, name: str
) -> None:
    names = ["lobby", "LOBBY", "lobby ", "Zoë", "Zoe\u0308", "a/b%2F", "x" * 256]
    made = {text: await a_channel(store, service, n, unique_name=text) for n, text in enumerate(names)}

    assert await channel_named(store, service, name) == made[name]


async def test_the_channels_of_another_service_are_invisible(
    store: Store, service: Service, neighbour: Service
) -> None:
    made = await a_channel(store, service, unique_name="lobby")

    assert await channel_of(store, neighbour, made.sid) is None
    assert await channel_named(store, neighbour, "lobby") is None
    assert await held(store, neighbour, made.id) is None
    assert await page(store, neighbour, Cursor()) == []
    assert await page(store, neighbour, Cursor(before=sid("CH", 9)), [ChannelType.PUBLIC]) == []


async def test_two_services_may_have_channels_of_the_same_sid_and_unique_name(
    store: Store, service: Service, neighbour: Service
) -> None:
    own = await a_channel(store, service, unique_name="lobby")
    others = await a_channel(store, neighbour, unique_name="lobby")

    assert await channel_named(store, service, "lobby") == own
    assert await channel_named(store, neighbour, "lobby") == others


@pytest.mark.parametrize("twice", [{"unique_name": "lobby"}, {"sid": sid("CH", 1)}], ids=["name", "sid"])
async def test_a_service_cannot_have_two_of_the_same(
    store: Store, service: Service, twice: dict[str, Any]
) -> None:
    first = await a_channel(store, service, 1, unique_name="lobby")

    with pytest.raises(REFUSED):
        await a_channel(store, service, 2, **twice)

    assert await page(store, service, Cursor()) == [first]


async def test_many_channels_may_have_no_unique_name(store: Store, service: Service) -> None:
    made = [await a_channel(store, service, number) for number in (1, 2, 3)]

    assert await page(store, service, Cursor()) == made


# Pages


@pytest.mark.parametrize(("cursor", "expected"), pages_of_five("CH"), ids=str)
async def test_a_page_begins_where_the_cursor_says_and_has_one_more_if_there_are_more(
    store: Store, service: Service, neighbour: Service, cursor: Cursor, expected: list[int]
) -> None:
    kinds = [ChannelType.PUBLIC, ChannelType.PRIVATE]
    made = {n: await a_channel(store, service, n, type=kinds[n % 2]) for n in (3, 1, 5, 2, 4)}
    await a_channel(store, neighbour, 3)

    assert await page(store, service, cursor) == [made[number] for number in expected]


@pytest.mark.parametrize(("cursor", "expected"), pages_of_five("CH"), ids=str)
@pytest.mark.parametrize("kind", EVERY_TYPE)
async def test_a_page_of_one_type_steps_over_the_other(
    store: Store, service: Service, cursor: Cursor, expected: list[int], kind: ChannelType
) -> None:
    (other,) = set(ChannelType) - {kind}
    made = {n: await a_channel(store, service, n, type=kind) for n in (3, 1, 5, 2, 4)}
    for number in range(10, 14):
        await a_channel(store, service, number, type=other)
    await a_channel(store, service, 0, type=other)

    assert await page(store, service, cursor, [kind]) == [made[number] for number in expected]


@pytest.mark.parametrize("kinds", [EVERY_TYPE, EVERY_TYPE[::-1], [*EVERY_TYPE, *EVERY_TYPE]])
async def test_all_types_together_are_all_channels(
    store: Store, service: Service, kinds: list[ChannelType]
) -> None:
    made = [await a_channel(store, service, n, type=kind) for n, kind in enumerate(EVERY_TYPE)]

    assert await page(store, service, Cursor(), kinds) == made


async def test_a_type_that_is_named_twice_is_one_type(store: Store, service: Service) -> None:
    made = [await a_channel(store, service, n, type=kind) for n, kind in enumerate(EVERY_TYPE)]

    assert await page(store, service, Cursor(), [ChannelType.PRIVATE] * 2) == made[1:]


# Some by name


async def test_these_channels_come_oldest_first_and_each_once(store: Store, service: Service) -> None:
    made = {n: await a_channel(store, service, n) for n in (3, 1, 5, 2, 4)}

    assert await these(store, service, [sid("CH", n) for n in (5, 2, 4, 2, 9)]) == [made[2], made[4], made[5]]
    assert await these(store, service, []) == []


async def test_these_channels_are_those_of_the_service_that_are_not_removed(
    store: Store, service: Service, neighbour: Service
) -> None:
    made = [await a_channel(store, service, n) for n in (1, 2)]
    await a_channel(store, neighbour, 3)
    await store.write(lambda tx: tx.channels.remove(made[0]))

    assert await these(store, service, [sid("CH", n) for n in (1, 2, 3)]) == [made[1]]


# Holding


async def test_a_channel_that_is_held_is_the_one_that_is_kept(store: Store, service: Service) -> None:
    made = await a_channel(store, service, **DIFFERENT)

    assert await held(store, service, made.id) == made


async def test_a_channel_that_is_held_is_read_as_the_one_before_left_it(
    store: Store, service: Service, channel: Channel
) -> None:
    async def count(tx: Transaction) -> None:
        found = await tx.channels.hold(service, channel.id)
        assert found is not None
        await tx.channels.save(replace(found, members_count=found.members_count + 1))

    await asyncio.gather(*(store.write(count) for _ in range(20)))

    assert await channel_of(store, service, channel.sid) == replace(channel, members_count=20)


async def test_the_channels_of_a_user_are_held_together(
    store: Store, service: Service, channel: Channel, user: User
) -> None:
    other = await a_channel(store, service, 2)
    for shown in (channel, other):
        await a_user_channel(store, shown, user)

    def counting(counted: Channel) -> Any:
        async def count(tx: Transaction) -> None:
            await tx.channels.hold_joined_by(service, user)
            found = await tx.channels.get(service, counted.sid)
            assert found is not None
            await tx.channels.save(replace(found, members_count=found.members_count + 1))

        return count

    await asyncio.gather(*(store.write(counting([channel, other][n % 2])) for n in range(20)))

    assert await channel_of(store, service, channel.sid) == replace(channel, members_count=10)
    assert await channel_of(store, service, other.sid) == replace(other, members_count=10)


# Removing


async def test_a_removed_channel_is_nowhere(store: Store, service: Service) -> None:
    gone = await a_channel(store, service, 1, unique_name="lobby")
    other = await a_channel(store, service, 2)

    await store.write(lambda tx: tx.channels.remove(gone))

    assert await channel_of(store, service, gone.sid) is None
    assert await channel_named(store, service, "lobby") is None
    assert await held(store, service, gone.id) is None
    assert await page(store, service, Cursor()) == [other]
    assert await page(store, service, Cursor(), [ChannelType.PUBLIC]) == [other]


async def test_a_removed_channel_is_a_row_until_its_remains_are_cleared(
    store: Store, channel: Channel, database: str
) -> None:
    await store.write(lambda tx: tx.channels.remove(channel))

    assert [row[0] for row in await ask(database, "SELECT sid FROM channel WHERE deleted")] == [channel.sid]


async def test_the_unique_name_of_a_removed_channel_is_free(store: Store, service: Service) -> None:
    gone = await a_channel(store, service, 1, unique_name="lobby")
    await store.write(lambda tx: tx.channels.remove(gone))

    again = await a_channel(store, service, 2, unique_name="lobby")

    assert await channel_named(store, service, "lobby") == again


async def channel_of(store: Store, service: Service, channel_sid: str) -> Channel | None:
    async with store.reading() as tx:
        return await tx.channels.get(service, channel_sid)


async def channel_named(store: Store, service: Service, unique_name: str) -> Channel | None:
    async with store.reading() as tx:
        return await tx.channels.by_unique_name(service, unique_name)


async def held(store: Store, service: Service, channel_id: int) -> Channel | None:
    found, _ = await store.write(lambda tx: tx.channels.hold(service, channel_id))
    return found


async def page(
    store: Store, service: Service, cursor: Cursor, types: list[ChannelType] | None = None
) -> list[Channel]:
    async with store.reading() as tx:
        return await tx.channels.page(service, cursor, types or EVERY_TYPE)


async def these(store: Store, service: Service, sids: list[str]) -> list[Channel]:
    async with store.reading() as tx:
        return await tx.channels.these(service, sids)
