from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from chinwag.domain.credential import PushType
from chinwag.domain.notifications import NotificationKind
from chinwag.domain.paging import Cursor
from storage.builders import (
    NOW,
    REFUSED,
    a_binding,
    a_service,
    a_user,
    an_account,
    new_binding,
    pages_of_five,
    sid,
)

if TYPE_CHECKING:
    from chinwag.domain.account import Account
    from chinwag.domain.binding import Binding
    from chinwag.domain.service import Service
    from chinwag.domain.unit import Store
    from chinwag.domain.user import User

DIFFERENT: dict[str, Any] = {
    "endpoint": "Zoë's 🐙",
    "credential_sid": sid("CR", 7),
    "binding_type": PushType.APN,
    "address": "ä" * 1000,
    "message_types": tuple(NotificationKind),
    "date_created": -1,
    "date_updated": 2**53,
}
"""Another value than `a_binding` has for every column."""

EVERY_TYPE = list(PushType)


@pytest.mark.parametrize("column", DIFFERENT)
async def test_a_binding_is_kept_with_every_column(
    store: Store, service: Service, user: User, column: str
) -> None:
    made = await a_binding(store, service, user, **{column: DIFFERENT[column]})

    assert DIFFERENT[column] != getattr(new_binding(user), column)
    assert await binding_of(store, service, made.sid) == made


@pytest.mark.parametrize("kinds", [(), tuple(NotificationKind)[::-1]], ids=["none", "all"])
async def test_the_message_types_of_a_binding_keep_their_order(
    store: Store, service: Service, user: User, kinds: tuple[NotificationKind, ...]
) -> None:
    made = await a_binding(store, service, user, message_types=kinds)

    found = await binding_of(store, service, made.sid)

    assert found is not None
    assert found.message_types == kinds
    assert all(isinstance(kind, NotificationKind) for kind in found.message_types)


async def test_a_binding_that_nobody_made_is_none(store: Store, service: Service) -> None:
    assert await binding_of(store, service, sid("BS", 1)) is None


async def test_the_bindings_of_another_service_are_invisible(
    store: Store, service: Service, neighbour: Service, user: User
) -> None:
    made = await a_binding(store, service, user)

    assert await binding_of(store, neighbour, made.sid) is None
    assert await page(store, neighbour, Cursor()) == []
    assert await page(store, neighbour, Cursor(before=sid("BS", 9))) == []
    assert await page(store, neighbour, Cursor(), identities=[user.identity]) == []


async def test_a_service_cannot_have_two_bindings_of_the_same_sid(
    store: Store, service: Service, user: User
) -> None:
    first = await a_binding(store, service, user)

    with pytest.raises(REFUSED):
        await a_binding(store, service, user, endpoint="tablet")

    assert await page(store, service, Cursor()) == [first]


@pytest.mark.parametrize(("cursor", "expected"), pages_of_five("BS"), ids=str)
async def test_a_page_begins_where_the_cursor_says_and_has_one_more_if_there_are_more(
    store: Store, service: Service, user: User, cursor: Cursor, expected: list[int]
) -> None:
    made = {n: await a_binding(store, service, user, n) for n in (3, 1, 5, 2, 4)}

    assert await page(store, service, cursor) == [made[number] for number in expected]


@pytest.mark.parametrize(("cursor", "expected"), pages_of_five("BS"), ids=str)
async def test_a_page_of_some_types_and_identities_steps_over_the_others(
    store: Store, service: Service, user: User, cursor: Cursor, expected: list[int]
) -> None:
    other = await a_user(store, service, 2)
    made = {n: await a_binding(store, service, user, n) for n in (3, 1, 5, 2, 4)}
    for number in (0, 10, 11):
        await a_binding(store, service, other, number)
    for number in (12, 13):
        await a_binding(store, service, user, number, binding_type=PushType.APN)

    found = await page(store, service, cursor, [PushType.FCM, PushType.GCM], [user.identity, "nobody"])

    assert found == [made[number] for number in expected]


async def test_a_page_of_some_types_has_all_of_them(store: Store, service: Service, user: User) -> None:
    made = {
        kind: await a_binding(store, service, user, number, binding_type=kind)
        for number, kind in enumerate(EVERY_TYPE)
    }

    assert await page(store, service, Cursor(), [PushType.APN]) == [made[PushType.APN]]
    two = [PushType.GCM, PushType.FCM, PushType.GCM]
    assert await page(store, service, Cursor(), two) == [made[PushType.GCM], made[PushType.FCM]]
    assert await page(store, service, Cursor(), EVERY_TYPE) == list(made.values())


@pytest.mark.parametrize(("cursor", "expected"), pages_of_five("BS"), ids=str)
async def test_a_page_of_a_user_steps_over_other_users_and_types(
    store: Store, service: Service, user: User, cursor: Cursor, expected: list[int]
) -> None:
    other = await a_user(store, service, 2)
    made = {n: await a_binding(store, service, user, n) for n in (3, 1, 5, 2, 4)}
    await a_binding(store, service, other, 6)
    await a_binding(store, service, user, 7, binding_type=PushType.APN)

    async with store.reading() as tx:
        found = await tx.bindings.page_of_user(service, user, cursor, [PushType.FCM])

    assert found == [made[number] for number in expected]


async def test_one_binding_is_removed(store: Store, service: Service, neighbour: Service, user: User) -> None:
    gone, beside = await a_binding(store, service, user, 1), await a_binding(store, service, user, 2)
    namesake = await a_binding(store, neighbour, await a_user(store, neighbour), 1)

    await store.write(lambda tx: tx.bindings.remove(service, gone))

    assert await page(store, service, Cursor()) == [beside]
    assert await page(store, neighbour, Cursor()) == [namesake]


# Devices


async def test_a_device_is_found_by_its_address_whosever_it_is(
    store: Store, service: Service, neighbour: Service, user: User
) -> None:
    other = await a_user(store, service, 2)
    mine = await a_binding(store, service, user, 1, address="one")
    others = await a_binding(store, service, other, 2, address="two")
    same_address = await a_binding(store, service, other, 3, address="one", binding_type=PushType.APN)
    await a_binding(store, neighbour, await a_user(store, neighbour), 4, address="four")

    assert await at(store, service, PushType.FCM, "one") == mine
    assert await at(store, service, PushType.FCM, "two") == others
    assert await at(store, service, PushType.APN, "one") == same_address
    for kind, address in ((PushType.GCM, "one"), (PushType.FCM, "four"), (PushType.FCM, "ONE")):
        assert await at(store, service, kind, address) is None


async def test_a_device_is_registered_once_in_a_service(
    store: Store, service: Service, neighbour: Service, user: User
) -> None:
    await a_binding(store, service, user, 1, address="one")

    with pytest.raises(REFUSED):
        await a_binding(store, service, await a_user(store, service, 2), 2, address="one")

    await a_binding(store, neighbour, await a_user(store, neighbour), 3, address="one")


async def test_the_bindings_of_a_user_come_in_the_order_of_their_registration(
    store: Store, service: Service, user: User
) -> None:
    when = {1: NOW + 2, 2: NOW + 1, 3: NOW + 2, 4: NOW}
    made = {n: await a_binding(store, service, user, n, date_updated=date) for n, date in when.items()}
    other = await a_user(store, service, 2)
    await a_binding(store, service, other, 5)
    nobody = await a_user(store, service, 3)

    async with store.reading() as tx:
        assert await tx.bindings.of(service, user) == [made[number] for number in (4, 2, 1, 3)]
        assert await tx.bindings.of(service, nobody) == []
        assert await tx.bindings.any_of(other)
        assert not await tx.bindings.any_of(nobody)


async def test_saving_replaces_what_a_device_may_register_anew(
    store: Store, service: Service, neighbour: Service, user: User
) -> None:
    made, beside = await a_binding(store, service, user, 1), await a_binding(store, service, user, 2)
    namesake = await a_binding(store, neighbour, await a_user(store, neighbour), 1)
    names = ("endpoint", "credential_sid", "message_types", "date_updated")
    changed = replace(made, **{name: DIFFERENT[name] for name in names})

    await store.write(lambda tx: tx.bindings.save(service, changed))

    assert await binding_of(store, service, made.sid) == changed
    assert await binding_of(store, service, beside.sid) == beside
    assert await binding_of(store, neighbour, namesake.sid) == namesake


async def test_who_is_reached_with_a_credential_is_found_in_every_service_of_the_account(
    store: Store, account: Account, service: Service, neighbour: Service, user: User
) -> None:
    same = await a_user(store, neighbour, 1)
    deleted = await a_service(store, account, 3)
    stranger = await a_service(store, await an_account(store, 2), 4)
    for number in (1, 2):
        await a_binding(store, service, user, number)
    await a_binding(store, neighbour, same, 1)
    await a_binding(store, service, await a_user(store, service, 2), 3)
    await a_binding(store, service, user, 4, credential_sid=sid("CR", 2))
    for elsewhere in (deleted, stranger):
        await a_binding(store, elsewhere, await a_user(store, elsewhere, 1), 1)
    await store.write(lambda tx: tx.services.remove(deleted))

    async def reached(credential_sid: str, identity: str) -> list[tuple[str, int]]:
        async with store.reading() as tx:
            return await tx.bindings.reached_with(account.id, credential_sid, identity)

    assert await reached(sid("CR", 1), "user1") == [(service.sid, user.id), (neighbour.sid, same.id)]
    assert await reached(sid("CR", 2), "user1") == [(service.sid, user.id)]
    assert await reached(sid("CR", 2), "user2") == []
    assert await reached(sid("CR", 3), "user1") == []


async def at(store: Store, service: Service, kind: PushType, address: str) -> Binding | None:
    async with store.reading() as tx:
        return await tx.bindings.at(service, kind, address)


async def binding_of(store: Store, service: Service, binding_sid: str) -> Binding | None:
    async with store.reading() as tx:
        return await tx.bindings.get(service, binding_sid)


async def page(
    store: Store,
    service: Service,
    cursor: Cursor,
    types: list[PushType] | None = None,
    identities: list[str] | None = None,
) -> list[Binding]:
    async with store.reading() as tx:
        return await tx.bindings.page(service, cursor, types or EVERY_TYPE, identities)
