"""Services and roles, as rules: what is told, and who may see what. On both engines."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from msgspec import UNSET

from chinwag.domain.account import CreateAccount
from chinwag.domain.caller import Caller, Operator
from chinwag.domain.events import (
    RoleCreated,
    RoleDeleted,
    RoleUpdated,
    ServiceCreated,
    ServiceDeleted,
    ServiceUpdated,
)
from chinwag.domain.lookup import role_named, service_named
from chinwag.domain.permissions import RoleType
from chinwag.domain.role import CreateRole, DeleteRole, UpdateRole
from chinwag.domain.service import CreateService, DeleteService, Limits, UpdateService
from chinwag.errors import ApiError, Kinds

if TYPE_CHECKING:
    from chinwag.domain.events import AnyEvent
    from chinwag.domain.role import Role
    from chinwag.domain.service import Service
    from chinwag.domain.unit import Store

NOW = 1_438_286_400_000
LATER = NOW + 5000
LIMITS = Limits(channel_members=250, user_channels=100)
NO_SERVICE, NO_ROLE = "IS" + "f" * 32, "RL" + "f" * 32


class World:
    """A store with an account in it, a clock that stands, and SIDs in order."""

    def __init__(self, store: Store, caller: Caller) -> None:
        self.store = store
        self.caller = caller
        self.now = NOW
        self._numbers = count(1)

    async def carry_out(self, command: Any) -> tuple[Any, list[AnyEvent]]:
        return await self.store.write(lambda tx: command.apply(tx, self.caller, self.now, self._sid))

    async def a_service(self, friendly_name: str = "Support") -> Service:
        made, _ = await self.carry_out(CreateService(friendly_name=friendly_name, limits=LIMITS))
        return made

    async def a_role(self, service: Service, **changes: Any) -> Role:
        given = {
            "friendly_name": "guest",
            "type": RoleType.CHANNEL,
            "permissions": ("sendMessage",),
            **changes,
        }
        made, _ = await self.carry_out(CreateRole(service_sid=service.sid, **given))
        return made

    def _sid(self, prefix: str) -> str:
        return f"{prefix}{next(self._numbers):032x}"


@pytest.fixture
async def world(store: Store) -> World:
    command = CreateAccount(friendly_name="Tea", sealed_auth_token=b"sealed", sid="AC" + "1" * 32)
    account, _ = await store.write(lambda tx: command.apply(tx, Operator(), NOW, lambda prefix: prefix))
    return World(store, Caller(account_id=account.id, account_sid=account.sid))


async def test_a_new_service_is_told_of_and_dated(world: World) -> None:
    service, events = await world.carry_out(CreateService(friendly_name="Support", limits=LIMITS))

    assert events == [ServiceCreated(service.sid)]
    assert (service.date_created, service.date_updated) == (NOW, NOW)
    assert service.limits == LIMITS


async def test_a_service_starts_with_roles_in_the_order_in_which_they_are_listed(world: World) -> None:
    service = await world.a_service()

    sids = [f"RL{number:032x}" for number in (2, 3, 4, 5)]
    async with world.store.reading() as tx:
        kept = await tx.services.get(world.caller.account_id, service.sid)
        roles = [await tx.roles.get(kept, sid) for sid in sids] if kept else []
    assert [role.friendly_name for role in roles if role] == [
        "service admin",
        "service user",
        "channel admin",
        "channel user",
    ]


async def test_a_changed_service_is_told_of_and_its_date_moves(world: World) -> None:
    service = await world.a_service()
    world.now = LATER

    changed, events = await world.carry_out(UpdateService(sid=service.sid, friendly_name="Sales"))

    assert events == [ServiceUpdated(service.sid)]
    assert changed.friendly_name == "Sales"
    assert (changed.date_created, changed.date_updated) == (NOW, LATER)


async def test_a_field_left_unset_keeps_its_value_and_none_clears_it(world: World) -> None:
    service = await world.a_service()
    await world.carry_out(
        UpdateService(sid=service.sid, pre_webhook_url="http://a", post_webhook_url="http://b")
    )

    changed, _ = await world.carry_out(
        UpdateService(sid=service.sid, pre_webhook_url=None, post_webhook_url=UNSET)
    )

    assert (changed.pre_webhook_url, changed.post_webhook_url) == (None, "http://b")


async def test_a_deleted_service_is_told_of_and_gone(world: World) -> None:
    service = await world.a_service()

    _, events = await world.carry_out(DeleteService(sid=service.sid))

    assert events == [ServiceDeleted(service.sid)]
    async with world.store.reading() as tx:
        with pytest.raises(ApiError) as refusal:
            await service_named(tx, world.caller, service.sid)
    assert refusal.value.kind is Kinds.SERVICE_NOT_FOUND


async def test_changes_of_roles_are_told_of(world: World) -> None:
    service = await world.a_service()

    role, created = await world.carry_out(
        CreateRole(
            service_sid=service.sid,
            friendly_name="guest",
            type=RoleType.CHANNEL,
            permissions=("sendMessage",),
        )
    )
    _, updated = await world.carry_out(UpdateRole(service_sid=service.sid, sid=role.sid, permissions=()))
    _, deleted = await world.carry_out(DeleteRole(service_sid=service.sid, sid=role.sid))

    assert created == [RoleCreated(service.sid, role.sid)]
    assert updated == [RoleUpdated(service.sid, role.sid)]
    assert deleted == [RoleDeleted(service.sid, role.sid)]


async def test_an_updated_role_keeps_everything_but_its_permissions(world: World) -> None:
    service = await world.a_service()
    role = await world.a_role(service)
    world.now = LATER

    changed, _ = await world.carry_out(
        UpdateRole(service_sid=service.sid, sid=role.sid, permissions=("leaveChannel",))
    )

    assert (changed.sid, changed.friendly_name, changed.type) == (role.sid, "guest", RoleType.CHANNEL)
    assert changed.permissions == ("leaveChannel",)
    assert (changed.date_created, changed.date_updated) == (NOW, LATER)


async def test_nothing_is_done_in_a_service_that_is_not_there(world: World) -> None:
    commands = [
        UpdateService(sid=NO_SERVICE),
        DeleteService(sid=NO_SERVICE),
        CreateRole(service_sid=NO_SERVICE, friendly_name="x", type=RoleType.CHANNEL, permissions=()),
        UpdateRole(service_sid=NO_SERVICE, sid=NO_ROLE, permissions=()),
        DeleteRole(service_sid=NO_SERVICE, sid=NO_ROLE),
    ]

    for command in commands:
        with pytest.raises(ApiError) as refusal:
            await world.carry_out(command)

        assert refusal.value.kind is Kinds.SERVICE_NOT_FOUND


async def test_another_account_can_do_nothing_to_a_service(world: World) -> None:
    service = await world.a_service()
    role = await world.a_role(service)
    commands = [
        UpdateService(sid=service.sid),
        DeleteService(sid=service.sid),
        CreateRole(service_sid=service.sid, friendly_name="x", type=RoleType.CHANNEL, permissions=()),
        UpdateRole(service_sid=service.sid, sid=role.sid, permissions=()),
        DeleteRole(service_sid=service.sid, sid=role.sid),
    ]
    stranger = World(world.store, Caller(account_id=world.caller.account_id + 1, account_sid="AC" + "2" * 32))

    for command in commands:
        with pytest.raises(ApiError) as refusal:
            await stranger.carry_out(command)

        assert refusal.value.kind is Kinds.SERVICE_NOT_FOUND


async def test_a_role_is_found_in_its_service_only(world: World) -> None:
    service, other = await world.a_service(), await world.a_service()
    role = await world.a_role(service)

    async with world.store.reading() as tx:
        home = await service_named(tx, world.caller, service.sid)
        elsewhere = await service_named(tx, world.caller, other.sid)

        assert await role_named(tx, home, role.sid) == role
        with pytest.raises(ApiError) as refusal:
            await role_named(tx, elsewhere, role.sid)

    assert refusal.value.kind is Kinds.ROLE_NOT_FOUND


async def test_a_refused_change_is_told_to_nobody(world: World) -> None:
    service = await world.a_service()

    with pytest.raises(ApiError):
        await world.carry_out(UpdateService(sid=service.sid, default_service_role_sid=NO_ROLE))
    _, events = await world.carry_out(UpdateService(sid=service.sid))

    assert events == [ServiceUpdated(service.sid)]
