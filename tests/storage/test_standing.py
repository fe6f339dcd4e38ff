"""Who a user is in a service and a channel, and what the roles of both permit: one question."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from chinwag.domain.permissions import RoleType
from chinwag.domain.rights import Standing
from storage.builders import a_channel, a_member, a_role, a_user, an_invite, sid

if TYPE_CHECKING:
    from chinwag.domain.channel import Channel
    from chinwag.domain.service import Service
    from chinwag.domain.unit import Store
    from chinwag.domain.user import User

EVERYWHERE, HERE, EVERYWHERE_ELSE, HERE_ELSE = sid("RL", 1), sid("RL", 2), sid("RL", 8), sid("RL", 9)


@pytest.fixture(autouse=True)
async def roles(store: Store, service: Service) -> None:
    """The defaults of the service, and another role of either type."""
    for number, role_type, permissions in (
        (1, RoleType.DEPLOYMENT, ("joinChannel", "addMember")),
        (2, RoleType.CHANNEL, ("sendMessage", "addMember")),
        (8, RoleType.DEPLOYMENT, ("createChannel",)),
        (9, RoleType.CHANNEL, ()),
    ):
        await a_role(store, service, number, type=role_type, permissions=permissions)


async def test_outside_of_a_channel_a_user_has_the_permissions_of_the_deployment_role(
    store: Store, service: Service, user: User
) -> None:
    assert await standing(store, service, user.identity, None) == Standing(
        user_sid=user.sid,
        deployment_role_sid=EVERYWHERE,
        channel_role_sid=None,
        permissions=frozenset({"joinChannel", "addMember"}),
        member_sid=None,
        invited=False,
    )


async def test_a_member_has_those_of_both_roles(
    store: Store, service: Service, channel: Channel, user: User
) -> None:
    member = await a_member(store, channel, user, role_sid=HERE)

    assert await standing(store, service, user.identity, channel) == Standing(
        user_sid=user.sid,
        deployment_role_sid=EVERYWHERE,
        channel_role_sid=HERE,
        permissions=frozenset({"joinChannel", "addMember", "sendMessage"}),
        member_sid=member.sid,
        invited=False,
    )


async def test_each_has_the_roles_that_were_given(store: Store, service: Service, channel: Channel) -> None:
    user = await a_user(store, service, role_sid=EVERYWHERE_ELSE)
    await a_member(store, channel, user, role_sid=HERE_ELSE)

    found = await standing(store, service, user.identity, channel)

    assert found is not None
    assert (found.deployment_role_sid, found.channel_role_sid) == (EVERYWHERE_ELSE, HERE_ELSE)
    assert found.permissions == {"createChannel"}


async def test_roles_that_were_deleted_are_the_defaults(
    store: Store, service: Service, channel: Channel
) -> None:
    user = await a_user(store, service, role_sid=EVERYWHERE_ELSE)
    await a_member(store, channel, user, role_sid=HERE_ELSE)
    for gone in (EVERYWHERE_ELSE, HERE_ELSE):
        await store.write(lambda tx, gone=gone: tx.roles.remove(service, gone))

    found = await standing(store, service, user.identity, channel)

    assert found is not None
    assert (found.deployment_role_sid, found.channel_role_sid) == (EVERYWHERE, HERE)
    assert found.permissions == {"joinChannel", "addMember", "sendMessage"}


async def test_a_role_has_the_permissions_of_now(store: Store, service: Service, user: User) -> None:
    await store.write(lambda tx: tx.roles.set_permissions(service, EVERYWHERE, ("editOwnUserInfo",), 0))

    found = await standing(store, service, user.identity, None)

    assert found is not None
    assert found.permissions == {"editOwnUserInfo"}


async def test_who_is_invited_is_no_member(
    store: Store, service: Service, channel: Channel, user: User
) -> None:
    await an_invite(store, channel, user)

    found = await standing(store, service, user.identity, channel)

    assert found is not None
    assert (found.invited, found.member_sid, found.channel_role_sid) == (True, None, None)


async def test_who_has_left_is_no_member(
    store: Store, service: Service, channel: Channel, user: User
) -> None:
    member = await a_member(store, channel, user)
    await store.write(lambda tx: tx.members.remove(channel, member))

    found = await standing(store, service, user.identity, channel)

    assert found is not None
    assert (found.invited, found.member_sid, found.channel_role_sid) == (False, None, None)
    assert "sendMessage" not in found.permissions


async def test_who_has_left_and_come_back_is_one_member(
    store: Store, service: Service, channel: Channel, user: User
) -> None:
    member = await a_member(store, channel, user, 1)
    await store.write(lambda tx: tx.members.remove(channel, member))
    again = await a_member(store, channel, user, 2)

    found = await standing(store, service, user.identity, channel)

    assert found is not None
    assert found.member_sid == again.sid


async def test_what_somebody_is_elsewhere_does_not_count(
    store: Store, service: Service, channel: Channel, user: User
) -> None:
    elsewhere, other = await a_channel(store, service, 2), await a_user(store, service, 2)
    await a_member(store, elsewhere, user)
    await a_member(store, channel, other, 2)
    await an_invite(store, channel, other)

    found = await standing(store, service, user.identity, channel)

    assert found is not None
    assert (found.invited, found.member_sid) == (False, None)


async def test_who_is_no_user_of_the_service_is_nobody(
    store: Store, service: Service, neighbour: Service, channel: Channel, user: User
) -> None:
    assert await standing(store, service, "nobody", channel) is None
    assert await standing(store, service, user.identity.upper(), channel) is None
    assert await standing(store, neighbour, user.identity, channel) is None


async def standing(store: Store, service: Service, identity: str, channel: Channel | None) -> Standing | None:
    async with store.reading() as tx:
        return await tx.roles.standing(service, identity, channel)
