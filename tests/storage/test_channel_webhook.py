from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from chinwag.domain.channel_webhook import ChannelWebhook, ChannelWebhookType
from chinwag.domain.paging import Cursor
from chinwag.domain.webhook import POST_EVENTS, WebhookMethod
from storage.builders import (
    REFUSED,
    a_channel,
    a_channel_webhook,
    new_channel_webhook,
    pages_of_five,
    sid,
)

if TYPE_CHECKING:
    from chinwag.domain.channel import Channel
    from chinwag.domain.service import Service
    from chinwag.domain.unit import Store

DIFFERENT: dict[str, Any] = {
    "target": "https://example.com/ä?x=1#🐙",
    "method": WebhookMethod.GET,
    "filters": POST_EVENTS[::-1],
    "triggers": ("ä", "🐙", 'a "word"'),
    "flow_sid": sid("FW", 1),
    "retry_count": 3,
    "date_updated": 2**53,
}
"""Another value than `a_channel_webhook` has for every column that can change."""


@pytest.fixture
async def elsewhere(store: Store, service: Service) -> Channel:
    """Another channel of the same service."""
    return await a_channel(store, service, 2)


@pytest.mark.parametrize("column", [*DIFFERENT, "date_created"])
async def test_a_webhook_is_kept_with_every_column(
    store: Store, service: Service, channel: Channel, column: str
) -> None:
    value = DIFFERENT.get(column, -1)

    made = await a_channel_webhook(store, channel, **{column: value})

    assert value != getattr(new_channel_webhook(channel), column)
    assert await webhook_of(store, service, channel, made.sid) == made


@pytest.mark.parametrize("kind", list(ChannelWebhookType))
async def test_the_type_of_a_webhook_comes_back_as_one(
    store: Store, service: Service, channel: Channel, kind: ChannelWebhookType
) -> None:
    made = await a_channel_webhook(store, channel, type=kind)

    found = await webhook_of(store, service, channel, made.sid)

    assert found is not None
    assert found.type is kind


async def test_saving_replaces_every_column_that_can_change(
    store: Store, service: Service, channel: Channel
) -> None:
    made = await a_channel_webhook(store, channel)
    changed = replace(made, **DIFFERENT)

    await store.write(lambda tx: tx.channel_webhooks.save(channel, changed))

    assert await webhook_of(store, service, channel, made.sid) == changed


async def test_saving_clears_what_can_be_cleared(store: Store, service: Service, channel: Channel) -> None:
    made = await a_channel_webhook(store, channel, **DIFFERENT)
    cleared = replace(made, target=None, filters=(), triggers=(), flow_sid=None)

    await store.write(lambda tx: tx.channel_webhooks.save(channel, cleared))

    assert await webhook_of(store, service, channel, made.sid) == cleared


async def test_saving_one_webhook_leaves_the_others_as_they_are(
    store: Store, service: Service, channel: Channel, elsewhere: Channel
) -> None:
    made, beside = await a_channel_webhook(store, channel, 1), await a_channel_webhook(store, channel, 2)
    namesake = await a_channel_webhook(store, elsewhere, 1)

    await store.write(lambda tx: tx.channel_webhooks.save(channel, replace(made, **DIFFERENT)))

    assert await webhook_of(store, service, channel, beside.sid) == beside
    assert await webhook_of(store, service, elsewhere, namesake.sid) == namesake


async def test_a_webhook_that_nobody_made_is_none(store: Store, service: Service, channel: Channel) -> None:
    assert await webhook_of(store, service, channel, sid("WH", 1)) is None


async def test_the_webhooks_of_another_channel_are_invisible(
    store: Store, service: Service, channel: Channel, elsewhere: Channel
) -> None:
    made = await a_channel_webhook(store, channel)

    assert await webhook_of(store, service, elsewhere, made.sid) is None
    assert await page(store, service, elsewhere, Cursor()) == []
    assert await page(store, service, elsewhere, Cursor(before=sid("WH", 9))) == []


async def test_the_webhooks_of_each_channel_are_counted(
    store: Store, channel: Channel, elsewhere: Channel
) -> None:
    for number in range(3):
        await a_channel_webhook(store, channel, number)

    async with store.reading() as tx:
        assert await tx.channel_webhooks.count(channel) == 3
        assert await tx.channel_webhooks.count(elsewhere) == 0


async def test_a_channel_cannot_have_two_webhooks_of_the_same_sid(
    store: Store, service: Service, channel: Channel
) -> None:
    first = await a_channel_webhook(store, channel)

    with pytest.raises(REFUSED):
        await a_channel_webhook(store, channel, retry_count=3)

    assert await page(store, service, channel, Cursor()) == [first]


@pytest.mark.parametrize(("cursor", "expected"), pages_of_five("WH"), ids=str)
async def test_a_page_begins_where_the_cursor_says_and_has_one_more_if_there_are_more(
    store: Store, service: Service, channel: Channel, cursor: Cursor, expected: list[int]
) -> None:
    made = {number: await a_channel_webhook(store, channel, number) for number in (3, 1, 5, 2, 4)}
    await a_channel_webhook(store, await a_channel(store, service, 2), 3)

    assert await page(store, service, channel, cursor) == [made[number] for number in expected]


async def test_one_webhook_is_removed(
    store: Store, service: Service, channel: Channel, elsewhere: Channel
) -> None:
    gone, beside = await a_channel_webhook(store, channel, 1), await a_channel_webhook(store, channel, 2)
    namesake = await a_channel_webhook(store, elsewhere, 1)

    await store.write(lambda tx: tx.channel_webhooks.remove(channel, gone))

    assert await page(store, service, channel, Cursor()) == [beside]
    assert await page(store, service, elsewhere, Cursor()) == [namesake]


async def webhook_of(
    store: Store, service: Service, channel: Channel, webhook_sid: str
) -> ChannelWebhook | None:
    async with store.reading() as tx:
        return await tx.channel_webhooks.get(service, channel, webhook_sid)


async def page(store: Store, service: Service, channel: Channel, cursor: Cursor) -> list[ChannelWebhook]:
    async with store.reading() as tx:
        return await tx.channel_webhooks.page(service, channel, cursor)
