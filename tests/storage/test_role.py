from __future__ import annotations

from typing import TYPE_CHECKING

import apsw
import asyncpg
import pytest
from msgspec.structs import replace

from chinwag.domain.paging import Cursor
from chinwag.domain.permissions import PERMISSIONS, RoleType
from storage.builders import NOW, REFUSED, a_role, a_service, an_account, clear, new_role, sid

if TYPE_CHECKING:
    from chinwag.domain.role import Role
    from chinwag.domain.service import Service
    from chinwag.domain.unit import Store


@pytest.fixture
async def service(store: Store) -> Service:
    return await a_service(store, await an_account(store))


@pytest.fixture
async def neighbour(store: Store, service: Service) -> Service:
    """Another service of the same account."""
    async with store.reading() as tx:
        account = await tx.accounts.get(service.account_sid)
    assert account is not None
    return await a_service(store, account, 2)


@pytest.mark.parametrize(
    "columns",
    [
        {},
        {"friendly_name": "Zoë's 🐙 'role'"},
        {"friendly_name": ""},
        {"type": RoleType.DEPLOYMENT},
        {"permissions": ()},
        {"permissions": ("sendMessage", "addMember", "leaveChannel")},
        {"permissions": tuple(sorted(PERMISSIONS[RoleType.CHANNEL]))},
        {"date_created": 0, "date_updated": 2**53},
    ],
    ids=str,
)
async def test_a_role_is_kept_with_every_column(
    store: Store, service: Service, columns: dict[str, object]
) -> None:
    made = await a_role(store, service, **columns)

    assert made == replace(new_role(service), **columns)
    assert await role_named(store, service, made.sid) == made


async def test_the_type_of_a_role_comes_back_as_one(store: Store, service: Service) -> None:
    await a_role(store, service, type=RoleType.DEPLOYMENT)

    found = await role_named(store, service, sid("RL", 1))

    assert found is not None
    assert found.type is RoleType.DEPLOYMENT


async def test_many_roles_are_added_together(store: Store, service: Service) -> None:
    roles = [new_role(service, number) for number in range(1, 5)]

    await store.write(lambda tx: tx.roles.add(service, iter(roles)))

    assert await page(store, service, Cursor()) == roles


async def test_adding_no_roles_adds_none(store: Store, service: Service) -> None:
    await store.write(lambda tx: tx.roles.add(service, []))

    assert await page(store, service, Cursor()) == []


async def test_an_unknown_role_is_none(store: Store, service: Service) -> None:
    await a_role(store, service)

    assert await role_named(store, service, sid("RL", 2)) is None


async def test_the_roles_of_another_service_are_invisible(
    store: Store, service: Service, neighbour: Service
) -> None:
    made = await a_role(store, service)

    assert await role_named(store, neighbour, made.sid) is None
    assert await page(store, neighbour, Cursor()) == []
    assert await page(store, neighbour, Cursor(before=sid("RL", 9))) == []


async def test_two_services_may_have_a_role_of_the_same_sid(
    store: Store, service: Service, neighbour: Service
) -> None:
    own = await a_role(store, service, friendly_name="own")
    others = await a_role(store, neighbour, friendly_name="other's")

    assert await role_named(store, service, own.sid) == own
    assert await role_named(store, neighbour, own.sid) == others


async def test_a_service_cannot_have_two_roles_of_the_same_sid(store: Store, service: Service) -> None:
    first = await a_role(store, service, friendly_name="first")

    with pytest.raises((apsw.ConstraintError, asyncpg.UniqueViolationError)):
        await a_role(store, service, friendly_name="second")

    assert await role_named(store, service, first.sid) == first


async def test_a_role_cannot_be_added_to_a_service_that_is_gone(store: Store, service: Service) -> None:
    await store.write(lambda tx: tx.services.remove(service))
    await clear(store)

    with pytest.raises(REFUSED):
        await a_role(store, service)

    assert await page(store, service, Cursor()) == []


@pytest.mark.parametrize("permissions", [(), ("sendMessage", "addMember")])
async def test_the_permissions_of_a_role_are_replaced(
    store: Store, service: Service, permissions: tuple[str, ...]
) -> None:
    made = await a_role(store, service)

    changed, _ = await store.write(
        lambda tx: tx.roles.set_permissions(service, made.sid, permissions, NOW + 1)
    )

    assert changed == replace(made, permissions=permissions, date_updated=NOW + 1)
    assert await role_named(store, service, made.sid) == changed


async def test_the_permissions_of_other_roles_stay(
    store: Store, service: Service, neighbour: Service
) -> None:
    made, beside = await a_role(store, service, 1), await a_role(store, service, 2)
    namesake = await a_role(store, neighbour, 1)

    await store.write(lambda tx: tx.roles.set_permissions(service, made.sid, (), NOW + 1))

    assert await role_named(store, service, beside.sid) == beside
    assert await role_named(store, neighbour, namesake.sid) == namesake


async def test_one_role_is_removed(store: Store, service: Service, neighbour: Service) -> None:
    made, beside = await a_role(store, service, 1), await a_role(store, service, 2)
    namesake = await a_role(store, neighbour, 1)

    await store.write(lambda tx: tx.roles.remove(service, made.sid))

    assert await page(store, service, Cursor()) == [beside]
    assert await page(store, neighbour, Cursor()) == [namesake]


@pytest.mark.parametrize(
    ("cursor", "expected"),
    [
        (Cursor(), [1, 2, 3, 4, 5]),
        (Cursor(size=2), [1, 2, 3]),
        (Cursor(size=2, skip=2), [3, 4, 5]),
        (Cursor(size=2, skip=5), []),
        (Cursor(size=2, after=sid("RL", 3)), [4, 5]),
        (Cursor(size=2, after=sid("RL", 5)), []),
        (Cursor(size=2, before=sid("RL", 5)), [2, 3, 4]),
        (Cursor(size=2, before=sid("RL", 3)), [1, 2]),
        (Cursor(size=2, before=sid("RL", 1)), []),
    ],
    ids=str,
)
async def test_a_page_begins_where_the_cursor_says_and_has_one_more_if_there_are_more(
    store: Store, service: Service, neighbour: Service, cursor: Cursor, expected: list[int]
) -> None:
    made = {number: await a_role(store, service, number) for number in (3, 1, 5, 2, 4)}
    await a_role(store, neighbour, 3)

    assert await page(store, service, cursor) == [made[number] for number in expected]


async def test_roles_are_sorted_by_the_bytes_of_their_sid(store: Store, service: Service) -> None:
    by_bytes = ["RL0", "RL9", "RLA", "RL_", "RLa", "RLä", "RL🐙"]
    for name in reversed(by_bytes):
        await a_role(store, service, sid=name)

    assert [role.sid for role in await page(store, service, Cursor())] == by_bytes
    assert [role.sid for role in await page(store, service, Cursor(after="RLA"))] == by_bytes[3:]
    assert [role.sid for role in await page(store, service, Cursor(before="RLa"))] == by_bytes[:4]


async def role_named(store: Store, service: Service, role_sid: str) -> Role | None:
    async with store.reading() as tx:
        return await tx.roles.get(service, role_sid)


async def page(store: Store, service: Service, cursor: Cursor) -> list[Role]:
    async with store.reading() as tx:
        return await tx.roles.page(service, cursor)
