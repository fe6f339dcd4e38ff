"""What is left of deleted channels and services goes in small batches, to the last row and not one beyond."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from chinwag.storage.store import open_store
from storage.builders import (
    BATCHES,
    a_binding,
    a_channel,
    a_channel_webhook,
    a_credential,
    a_media,
    a_member,
    a_message,
    a_role,
    a_service,
    a_user,
    a_user_channel,
    an_invite,
    clear,
)
from storage.outside import ask

if TYPE_CHECKING:
    from chinwag.domain.account import Account
    from chinwag.domain.channel import Channel
    from chinwag.domain.service import Service
    from chinwag.domain.unit import Store
    from chinwag.domain.user import User

TABLES = (
    "service",
    "role",
    "user",
    "channel",
    "user_channel",
    "member",
    "invite",
    "message",
    "media",
    "channel_webhook",
    "credential",
    "binding",
)
MOST = 3
"""Rows that are removed together."""


async def test_where_nothing_was_deleted_nothing_is_left_to_remove(
    store: Store, service: Service, database: str
) -> None:
    await fill(store, service)
    before = await counted(database)

    more, _ = await store.write(lambda tx: tx.remains.clear(MOST))

    assert more is False
    assert await counted(database) == before


async def test_a_deleted_channel_goes_to_the_last_row(store: Store, service: Service, database: str) -> None:
    users = [await a_user(store, service, number) for number in (1, 2)]
    empty = await counted(database)
    channel = await a_full_channel(store, service, users)

    await delete_channel(store, service, channel)
    await clear(store, MOST)

    left = {**empty, "user_channel": len(users)}  # what tells SDKs that the channel has left their list
    assert await counted(database) == left


async def test_a_deleted_service_goes_to_the_last_row(
    store: Store, account: Account, service: Service, neighbour: Service, database: str
) -> None:
    await a_credential(store, account)
    await fill(store, service)

    await store.write(lambda tx: tx.services.remove(service))
    await clear(store, MOST)

    alone = dict.fromkeys(TABLES, 0)
    assert await counted(database) == {**alone, "service": 1, "credential": 1}


async def test_a_service_with_channels_that_were_deleted_before_goes_too(
    store: Store, service: Service, database: str
) -> None:
    channel = await fill(store, service)
    await delete_channel(store, service, channel)

    await store.write(lambda tx: tx.services.remove(service))
    await clear(store, MOST)

    assert await counted(database) == dict.fromkeys(TABLES, 0)


async def test_rows_go_in_small_batches(store: Store, service: Service, database: str) -> None:
    await fill(store, service)
    await store.write(lambda tx: tx.services.remove(service))
    totals = [sum((await counted(database)).values())]

    for _ in range(BATCHES):
        more, _ = await store.write(lambda tx: tx.remains.clear(MOST))
        totals.append(sum((await counted(database)).values()))
        if not more:
            break

    assert totals[-1] == 0
    removed = [before - after for before, after in pairwise(totals)]
    assert max(removed) <= MOST
    assert min(removed) >= 0


async def test_a_channel_with_gaps_between_its_messages_goes_too(
    store: Store, service: Service, database: str
) -> None:
    channel = await a_channel(store, service)
    messages = [await a_message(store, channel, number) for number in range(10)]
    for index in (0, 1, 2, 3, 4, 8):
        await store.write(lambda tx, index=index: tx.messages.remove(channel, messages[index]))

    await delete_channel(store, service, channel)
    await clear(store, MOST)

    assert (await counted(database))["message"] == 0


async def test_what_belongs_to_others_stays(
    store: Store, service: Service, neighbour: Service, database: str
) -> None:
    await fill(store, neighbour)
    beside = await a_full_channel(store, service, [await a_user(store, service, 8)], 8)
    before = await counted(database)
    gone = await a_channel(store, service, 9)
    for number in range(4):
        await a_message(store, gone, number)

    await delete_channel(store, service, gone)
    await clear(store, MOST)

    assert await counted(database) == before
    async with store.reading() as tx:
        assert await tx.channels.get(service, beside.sid) is not None


async def test_removing_one_service_leaves_all_of_another(
    store: Store, service: Service, neighbour: Service, database: str
) -> None:
    await fill(store, neighbour)
    await store.write(lambda tx: tx.services.remove(service))
    await clear(store, MOST)
    before = await counted(database)
    async with store.reading() as tx:
        account = await tx.accounts.get(neighbour.account_sid)
    assert account is not None

    again = await a_service(store, account, 3)
    await fill(store, again)
    await store.write(lambda tx: tx.services.remove(again))
    await clear(store, MOST)

    assert await counted(database) == before


async def test_users_who_live_on_keep_the_marks_of_channels_that_left_their_list(
    store: Store, service: Service, user: User, database: str
) -> None:
    channel = await a_channel(store, service)
    await a_user_channel(store, channel, user)

    await delete_channel(store, service, channel)
    await clear(store, MOST)

    rows = await ask(database, "SELECT channel_sid, deleted, last_event_id FROM user_channel")
    assert [(row[0], bool(row[1]), row[2]) for row in rows] == [(channel.sid, True, 1)]


@pytest.mark.parametrize("batches", [1, 3, 8])
async def test_another_store_goes_on_where_one_stopped(
    store: Store, service: Service, database: str, batches: int
) -> None:
    await fill(store, service)
    await store.write(lambda tx: tx.services.remove(service))
    for _ in range(batches):
        await store.write(lambda tx: tx.remains.clear(MOST))
    await store.close()

    again = await open_store(database, serving=False, now=0, connections=2)
    await clear(again)
    await again.close()

    assert await counted(database) == dict.fromkeys(TABLES, 0)


async def test_two_stores_may_clear_at_the_same_time(store: Store, service: Service, database: str) -> None:
    await fill(store, service)
    await store.write(lambda tx: tx.services.remove(service))
    other = await open_store(database, serving=False, now=0, connections=2)

    await asyncio.gather(clear(store), clear(other))
    await other.close()

    assert await counted(database) == dict.fromkeys(TABLES, 0)


async def fill(store: Store, service: Service) -> Channel:
    """Put some of everything into a service, and return one of its two channels."""
    await a_role(store, service, 1)
    await a_role(store, service, 2)
    users = [await a_user(store, service, number) for number in (1, 2)]
    for number, user in enumerate(users):
        for more in (1, 2):
            await a_binding(store, service, user, 2 * number + more)
    for number in range(4):
        await a_media(store, service, number)
    await a_full_channel(store, service, users, 2)
    return await a_full_channel(store, service, users, 1)


async def a_full_channel(store: Store, service: Service, users: list[User], number: int = 1) -> Channel:
    """A channel with some of everything, and with what is left of some of everything."""
    channel = await a_channel(store, service, number)
    for place in range(10):
        message = await a_message(store, channel, place)
        if place % 3 == 0:
            await store.write(lambda tx, message=message: tx.messages.remove(channel, message))
    for place, user in enumerate(users):
        for coming in (1, 2, 3):
            member = await a_member(store, channel, user, 10 * place + coming)
            await store.write(lambda tx, member=member: tx.members.remove(channel, member))
        await a_member(store, channel, user, 10 * place)
        await an_invite(store, channel, user, place)
        await a_user_channel(store, channel, user)
    for place in range(5):
        await a_channel_webhook(store, channel, place)
    return channel


async def delete_channel(store: Store, service: Service, channel: Channel) -> None:
    """Take a channel away as the deletion of one does."""
    await store.write(lambda tx: tx.user_channels.remove_all_of(service, channel))
    await store.write(lambda tx: tx.channels.remove(channel))


async def counted(database: str) -> dict[str, int]:
    """How many rows each table has."""
    counts = ", ".join(f'(SELECT count(*) FROM "{table}")' for table in TABLES)
    (row,) = await ask(database, f"SELECT {counts}")
    return dict(zip(TABLES, row, strict=True))
