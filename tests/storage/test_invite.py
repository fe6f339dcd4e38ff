from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from chinwag.domain.paging import Cursor
from storage.builders import (
    REFUSED,
    a_channel,
    a_role,
    a_user,
    an_invite,
    new_invite,
    pages_of_five,
    sid,
)

if TYPE_CHECKING:
    from chinwag.domain.channel import Channel
    from chinwag.domain.invite import Invite
    from chinwag.domain.service import Service
    from chinwag.domain.unit import Store
    from chinwag.domain.user import User

DIFFERENT: dict[str, Any] = {
    "role_sid": sid("RL", 9),
    "created_by": "zoë 🐙",
    "date_created": -1,
    "date_updated": 2**53,
}
"""Another value than `an_invite` has for every column."""


@pytest.fixture(autouse=True)
async def role(store: Store, service: Service) -> None:
    """The role that `DIFFERENT` names."""
    await a_role(store, service, 9)


@pytest.fixture
async def elsewhere(store: Store, service: Service) -> Channel:
    """Another channel of the same service."""
    return await a_channel(store, service, 2)


@pytest.mark.parametrize("column", DIFFERENT)
async def test_an_invite_is_kept_with_every_column(
    store: Store, service: Service, channel: Channel, user: User, column: str
) -> None:
    made = await an_invite(store, channel, user, **{column: DIFFERENT[column]})

    assert DIFFERENT[column] != getattr(new_invite(channel, user), column)
    assert await invite_of(store, service, channel, made.sid) == made
    assert await invite_for(store, service, channel, user) == made


async def test_an_invite_whose_role_is_gone_has_the_default_one(
    store: Store, service: Service, channel: Channel, user: User
) -> None:
    made = await an_invite(store, channel, user, role_sid=sid("RL", 9))

    await store.write(lambda tx: tx.roles.remove(service, sid("RL", 9)))

    found = await invite_of(store, service, channel, made.sid)
    assert found == replace(made, role_sid=service.default_channel_role_sid)


async def test_an_invite_that_nobody_made_is_none(
    store: Store, service: Service, channel: Channel, user: User
) -> None:
    assert await invite_of(store, service, channel, sid("IN", 1)) is None
    assert await invite_for(store, service, channel, user) is None


async def test_the_invites_to_another_channel_are_invisible(
    store: Store, service: Service, channel: Channel, elsewhere: Channel, user: User
) -> None:
    made = await an_invite(store, channel, user)

    assert await invite_of(store, service, elsewhere, made.sid) is None
    assert await invite_for(store, service, elsewhere, user) is None
    assert await page(store, service, elsewhere, Cursor()) == []
    assert await page(store, service, elsewhere, Cursor(before=sid("IN", 9))) == []
    assert await page(store, service, elsewhere, Cursor(), [user.identity]) == []


async def test_a_user_may_be_invited_to_many_channels(
    store: Store, service: Service, channel: Channel, elsewhere: Channel, user: User
) -> None:
    one, other = await an_invite(store, channel, user), await an_invite(store, elsewhere, user)

    assert await invite_for(store, service, channel, user) == one
    assert await invite_for(store, service, elsewhere, user) == other


@pytest.mark.parametrize("number", [1, 2], ids=["same SID", "other SID"])
async def test_a_user_cannot_be_invited_twice(
    store: Store, service: Service, channel: Channel, user: User, number: int
) -> None:
    made = await an_invite(store, channel, user, 1)

    with pytest.raises(REFUSED):
        await an_invite(store, channel, user, number)

    assert await page(store, service, channel, Cursor()) == [made]


@pytest.mark.parametrize(("cursor", "expected"), pages_of_five("IN"), ids=str)
async def test_a_page_begins_where_the_cursor_says_and_has_one_more_if_there_are_more(
    store: Store, service: Service, channel: Channel, cursor: Cursor, expected: list[int]
) -> None:
    elsewhere = await a_channel(store, service, 2)
    users = {number: await a_user(store, service, number) for number in (5, 4, 3, 2, 1)}
    made = {n: await an_invite(store, channel, users[n], n) for n in (3, 1, 5, 2, 4)}
    await an_invite(store, elsewhere, users[3], 3)

    assert await page(store, service, channel, cursor) == [made[number] for number in expected]


@pytest.mark.parametrize(("cursor", "expected"), pages_of_five("IN"), ids=str)
async def test_a_page_of_some_identities_steps_over_the_others(
    store: Store, service: Service, channel: Channel, cursor: Cursor, expected: list[int]
) -> None:
    made = {n: await an_invite(store, channel, await a_user(store, service, n), n) for n in range(9)}
    wanted = ["user5", "user1", "user2", "user4", "user3", "nobody"]

    assert await page(store, service, channel, cursor, wanted) == [made[number] for number in expected]


async def test_one_invite_is_removed(
    store: Store, service: Service, channel: Channel, elsewhere: Channel, user: User
) -> None:
    gone = await an_invite(store, channel, user, 1)
    beside = await an_invite(store, channel, await a_user(store, service, 2), 2)
    namesake = await an_invite(store, elsewhere, user, 1)

    await store.write(lambda tx: tx.invites.remove(channel, gone))

    assert await page(store, service, channel, Cursor()) == [beside]
    assert await page(store, service, elsewhere, Cursor()) == [namesake]


async def test_who_is_no_longer_invited_can_be_invited_again(
    store: Store, service: Service, channel: Channel, user: User
) -> None:
    gone = await an_invite(store, channel, user, 1)
    await store.write(lambda tx: tx.invites.remove(channel, gone))

    again = await an_invite(store, channel, user, 2)

    assert await invite_for(store, service, channel, user) == again


async def invite_of(store: Store, service: Service, channel: Channel, invite_sid: str) -> Invite | None:
    async with store.reading() as tx:
        return await tx.invites.get(service, channel, invite_sid)


async def invite_for(store: Store, service: Service, channel: Channel, user: User) -> Invite | None:
    async with store.reading() as tx:
        return await tx.invites.of(service, channel, user)


async def page(
    store: Store,
    service: Service,
    channel: Channel,
    cursor: Cursor,
    identities: list[str] | None = None,
) -> list[Invite]:
    async with store.reading() as tx:
        return await tx.invites.page(service, channel, cursor, identities)
