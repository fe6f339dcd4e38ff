from __future__ import annotations

from typing import TYPE_CHECKING, Any

import apsw
import asyncpg
import pytest
from msgspec.structs import replace

from chinwag.domain.notifications import NO_NOTIFICATIONS, Notification, NotificationKind
from chinwag.domain.paging import Cursor
from chinwag.domain.permissions import RoleType
from chinwag.domain.service import Limits, Service
from chinwag.domain.webhook import WebhookEvent, WebhookMethod, WebhookTarget
from storage.builders import NOW, a_role, a_service, an_account, clear, new_role, new_service, sid

if TYPE_CHECKING:
    from chinwag.domain.account import Account
    from chinwag.domain.role import Role
    from chinwag.domain.unit import Store, Transaction

DIFFERENT: dict[str, Any] = {
    "friendly_name": "Zoë's 🐙 'desk'",
    "default_service_role_sid": sid("RL", 11),
    "default_channel_role_sid": sid("RL", 12),
    "default_channel_creator_role_sid": sid("RL", 13),
    "limits": Limits(channel_members=1, user_channels=1000),
    "read_status_enabled": False,
    "reachability_enabled": True,
    "typing_indicator_timeout": 3600,
    "consumption_report_interval": 86_400,
    "notifications": {
        NotificationKind.ADDED_TO_CHANNEL: Notification(enabled=True, template="🐙 $CHANNEL", sound=""),
        NotificationKind.NEW_MESSAGE: Notification(enabled=False),
    },
    "pre_webhook_url": "https://example.com/pre?a=1&b=ä",
    "post_webhook_url": "https://example.com/post",
    "webhook_method": WebhookMethod.GET,
    "webhook_filters": (WebhookEvent.MESSAGE_SENT, WebhookEvent.CHANNEL_ADD),
    "webhooks": {
        WebhookEvent.MESSAGE_SENT: WebhookTarget(url="https://example.com/ä", method=WebhookMethod.GET),
        WebhookEvent.CHANNEL_ADD: WebhookTarget(),
    },
    "date_updated": NOW + 1,
}
"""Another value than `a_service` has for every column that can change."""


async def test_a_service_is_kept_and_has_a_key(store: Store) -> None:
    account = await an_account(store)

    made = await a_service(store, account)

    assert made == replace(new_service(account), id=made.id)
    assert made.id > 0
    assert await service_named(store, account, made.sid) == made


@pytest.mark.parametrize("column", DIFFERENT)
async def test_a_service_is_kept_with_every_column(store: Store, column: str) -> None:
    account = await an_account(store)

    made = await a_service(store, account, **{column: DIFFERENT[column]})

    assert getattr(made, column) == DIFFERENT[column] != getattr(new_service(account), column)
    assert await service_named(store, account, made.sid) == made


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("friendly_name", ""),
        ("limits", Limits(channel_members=0, user_channels=0)),
        ("typing_indicator_timeout", 0),
        ("notifications", NO_NOTIFICATIONS),
        ("pre_webhook_url", ""),
        ("post_webhook_url", ""),
        ("webhook_method", WebhookMethod.POST),
        ("webhook_filters", ()),
        ("webhook_filters", tuple(WebhookEvent)),
        ("webhooks", {event: WebhookTarget(url="") for event in WebhookEvent}),
        ("date_updated", 2**53),
    ],
)
async def test_a_column_of_a_service_may_be_empty_or_full(store: Store, column: str, value: object) -> None:
    account = await an_account(store)

    made = await a_service(store, account, **{column: value})

    found = await service_named(store, account, made.sid)
    assert found == made
    assert getattr(found, column) == value


async def test_flags_come_back_as_booleans(store: Store) -> None:
    account = await an_account(store)
    await a_service(store, account, read_status_enabled=False, reachability_enabled=True)

    found = await service_named(store, account, sid("IS", 1))

    assert found is not None
    assert found.read_status_enabled is False
    assert found.reachability_enabled is True


async def test_saving_replaces_every_column_that_can_change(store: Store) -> None:
    account = await an_account(store)
    made = await a_service(store, account)
    changed = replace(made, **DIFFERENT)

    await store.write(lambda tx: tx.services.save(changed))

    assert await service_named(store, account, made.sid) == changed


async def test_saving_clears_what_can_be_cleared(store: Store) -> None:
    account = await an_account(store)
    made = await a_service(store, account, **DIFFERENT)
    cleared = replace(
        made,
        notifications=NO_NOTIFICATIONS,
        pre_webhook_url=None,
        post_webhook_url=None,
        webhook_method=None,
        webhook_filters=None,
        webhooks={},
    )

    await store.write(lambda tx: tx.services.save(cleared))

    assert await service_named(store, account, made.sid) == cleared


async def test_saving_one_service_leaves_the_others_as_they_are(store: Store) -> None:
    account = await an_account(store)
    made, other = await a_service(store, account, 1), await a_service(store, account, 2)

    await store.write(lambda tx: tx.services.save(replace(made, **DIFFERENT)))

    assert await service_named(store, account, other.sid) == other


async def test_webhooks_and_notifications_keep_their_order(store: Store) -> None:
    account = await an_account(store)
    made = await a_service(store, account, **DIFFERENT)

    found = await service_named(store, account, made.sid)

    assert found is not None
    assert list(found.webhooks) == list(DIFFERENT["webhooks"])
    assert list(found.notifications) == list(DIFFERENT["notifications"])


async def test_a_service_is_added_with_its_first_roles(store: Store) -> None:
    account = await an_account(store)
    service = new_service(account)
    roles = [
        new_role(service, 1, friendly_name="Zoë's 🐙", type=RoleType.DEPLOYMENT),
        new_role(service, 2, friendly_name="", permissions=()),
        new_role(service, 3, permissions=("sendMessage", "addMember"), date_created=0, date_updated=2**53),
    ]

    await store.write(lambda tx: tx.services.add(account.id, service, roles))

    assert await roles_of(store, await service_named(store, account, service.sid)) == roles


async def test_a_service_that_cannot_be_added_adds_no_roles(store: Store) -> None:
    account = await an_account(store)
    first = await a_service(store, account)

    with pytest.raises((apsw.ConstraintError, asyncpg.UniqueViolationError)):
        await store.write(lambda tx: tx.services.add(account.id, new_service(account), [new_role(first)]))

    assert await roles_of(store, first) == []


async def test_roles_that_cannot_be_added_add_no_service(store: Store) -> None:
    account = await an_account(store)
    service = new_service(account)
    twice = [new_role(service), new_role(service)]

    with pytest.raises((apsw.ConstraintError, asyncpg.UniqueViolationError)):
        await store.write(lambda tx: tx.services.add(account.id, service, twice))

    assert await service_named(store, account, service.sid) is None


async def test_a_service_can_be_found_by_the_change_that_adds_it(store: Store) -> None:
    account = await an_account(store)

    async def change(tx: Transaction) -> Service | None:
        await tx.services.add(account.id, new_service(account), [])
        return await tx.services.get(account.id, sid("IS", 1))

    found, _ = await store.write(change)

    assert found is not None
    assert found == await service_named(store, account, found.sid)


async def test_an_unknown_service_is_none(store: Store) -> None:
    account = await an_account(store)
    await a_service(store, account)

    assert await service_named(store, account, sid("IS", 2)) is None
    assert await locked_service(store, account, sid("IS", 2)) is None


async def test_the_services_of_another_account_are_invisible(store: Store) -> None:
    account, stranger = await an_account(store, 1), await an_account(store, 2)
    made = await a_service(store, account)

    assert await service_named(store, stranger, made.sid) is None
    assert await locked_service(store, stranger, made.sid) is None
    assert await page(store, stranger, Cursor()) == []
    assert await page(store, stranger, Cursor(before=sid("IS", 9))) == []


async def test_two_accounts_may_have_a_service_of_the_same_sid(store: Store) -> None:
    account, other = await an_account(store, 1), await an_account(store, 2)

    own, others = await a_service(store, account), await a_service(store, other)

    assert own.id != others.id
    assert await service_named(store, account, own.sid) == own
    assert await service_named(store, other, own.sid) == others


async def test_an_account_cannot_have_two_services_of_the_same_sid(store: Store) -> None:
    account = await an_account(store)
    first = await a_service(store, account, friendly_name="first")

    with pytest.raises((apsw.ConstraintError, asyncpg.UniqueViolationError)):
        await a_service(store, account, friendly_name="second")

    assert await service_named(store, account, first.sid) == first


async def test_a_locked_service_is_the_one_that_is_kept(store: Store) -> None:
    account = await an_account(store)
    made = await a_service(store, account, **DIFFERENT)

    assert await locked_service(store, account, made.sid) == made


PAGES = [
    (Cursor(), [1, 2, 3, 4, 5, 6, 7]),
    (Cursor(size=3), [1, 2, 3, 4]),
    (Cursor(size=7), [1, 2, 3, 4, 5, 6, 7]),
    (Cursor(size=3, skip=3), [4, 5, 6, 7]),
    (Cursor(size=3, skip=6), [7]),
    (Cursor(size=3, skip=9), []),
    (Cursor(size=3, after=sid("IS", 3)), [4, 5, 6, 7]),
    (Cursor(size=3, after=sid("IS", 4)), [5, 6, 7]),
    (Cursor(size=3, after=sid("IS", 7)), []),
    (Cursor(size=3, before=sid("IS", 7)), [3, 4, 5, 6]),
    (Cursor(size=3, before=sid("IS", 4)), [1, 2, 3]),
    (Cursor(size=3, before=sid("IS", 1)), []),
]


@pytest.mark.parametrize(("cursor", "expected"), PAGES, ids=str)
async def test_a_page_begins_where_the_cursor_says_and_has_one_more_if_there_are_more(
    store: Store, cursor: Cursor, expected: list[int]
) -> None:
    account, other = await an_account(store, 1), await an_account(store, 2)
    made = {number: await a_service(store, account, number) for number in (3, 1, 7, 5, 2, 6, 4)}
    await a_service(store, other, 2)

    assert await page(store, account, cursor) == [made[number] for number in expected]


async def test_a_page_may_begin_behind_a_service_that_is_gone(store: Store) -> None:
    account = await an_account(store)
    made = [await a_service(store, account, number) for number in (1, 2, 3)]

    await store.write(lambda tx: tx.services.remove(made[1]))

    assert await page(store, account, Cursor(after=made[1].sid)) == [made[2]]
    assert await page(store, account, Cursor(before=made[1].sid)) == [made[0]]


async def test_services_are_sorted_by_the_bytes_of_their_sid(store: Store) -> None:
    account = await an_account(store)
    by_bytes = ["IS0", "IS9", "ISA", "ISB", "IS_", "ISa", "ISb", "ISä", "IS🐙"]
    for number, name in enumerate(reversed(by_bytes)):
        await a_service(store, account, number, sid=name)

    assert [service.sid for service in await page(store, account, Cursor())] == by_bytes
    assert [service.sid for service in await page(store, account, Cursor(after="ISB"))] == by_bytes[4:]
    assert [service.sid for service in await page(store, account, Cursor(before="ISB"))] == by_bytes[:3]


async def test_a_removed_service_is_gone_with_its_roles_and_no_others(store: Store) -> None:
    account = await an_account(store)
    gone, other = await a_service(store, account, 1), await a_service(store, account, 2)
    await a_role(store, gone)
    kept = await a_role(store, other)

    await store.write(lambda tx: tx.services.remove(gone))
    await clear(store)

    assert await service_named(store, account, gone.sid) is None
    assert await service_named(store, account, other.sid) == other
    async with store.reading() as tx:
        assert await tx.roles.page(gone, Cursor()) == []
        assert await tx.roles.page(other, Cursor()) == [kept]


async def roles_of(store: Store, service: Service | None) -> list[Role]:
    assert service is not None
    async with store.reading() as tx:
        return await tx.roles.page(service, Cursor())


async def service_named(store: Store, account: Account, service_sid: str) -> Service | None:
    async with store.reading() as tx:
        return await tx.services.get(account.id, service_sid)


async def locked_service(store: Store, account: Account, service_sid: str) -> Service | None:
    found, _ = await store.write(lambda tx: tx.services.lock(account.id, service_sid))
    return found


async def page(store: Store, account: Account, cursor: Cursor) -> list[Service]:
    async with store.reading() as tx:
        return await tx.services.page(account.id, cursor)
