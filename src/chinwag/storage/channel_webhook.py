"""How the webhooks of channels are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from chinwag.domain.channel_webhook import ChannelWebhook, ChannelWebhookType
from chinwag.domain.webhook import WebhookEvent, WebhookMethod
from chinwag.storage.page import PageOf

if TYPE_CHECKING:
    from chinwag.domain.channel import Channel
    from chinwag.domain.paging import Cursor
    from chinwag.domain.service import Service
    from chinwag.storage.database import Database, Row

_SELECT = """
    SELECT sid, type, target, method, filters, triggers, flow_sid, retry_count, date_created, date_updated
    FROM channel_webhook
    WHERE channel_id = $1
"""

_PAGE = PageOf(_SELECT, by="sid")

_filters = msgspec.json.Decoder(tuple[WebhookEvent, ...]).decode
_triggers = msgspec.json.Decoder(tuple[str, ...]).decode


class ChannelWebhookRows:
    """Webhooks, each within its channel."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, service: Service, channel: Channel, sid: str) -> ChannelWebhook | None:
        """Return a webhook, or None."""
        row = await self._database.row(_SELECT + " AND sid = $2", channel.id, sid)
        return _webhook(row, service, channel) if row else None

    async def page(self, service: Service, channel: Channel, cursor: Cursor) -> list[ChannelWebhook]:
        """Return a page of webhooks, oldest first, and one more if there are more."""
        rows = await _PAGE.read(self._database, channel.id, cursor)
        return [_webhook(row, service, channel) for row in rows]

    async def of(self, service: Service, channel: Channel) -> list[ChannelWebhook]:
        """Return all there are, oldest first."""
        rows = await self._database.rows(_SELECT + " ORDER BY sid", channel.id)
        return [_webhook(row, service, channel) for row in rows]

    async def count(self, channel: Channel) -> int:
        """Return how many there are."""
        row = await self._database.row(
            "SELECT count(*) FROM channel_webhook WHERE channel_id = $1", channel.id
        )
        assert row is not None, "an aggregate answers with a row"
        return row[0]

    async def add(self, channel: Channel, webhook: ChannelWebhook) -> None:
        """Add a webhook to a channel that is held."""
        await self._database.execute(
            """
            INSERT INTO channel_webhook (
                channel_id, sid, type, date_created, target, method, filters, triggers, flow_sid, retry_count,
                date_updated
            )
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
            """,
            channel.id, webhook.sid, webhook.type, webhook.date_created, *_values(webhook),
        )  # fmt: skip

    async def save(self, channel: Channel, webhook: ChannelWebhook) -> None:
        """Replace every column of a webhook whose channel is held."""
        await self._database.execute(
            """
            UPDATE channel_webhook
            SET target = $3, method = $4, filters = $5, triggers = $6, flow_sid = $7, retry_count = $8,
                date_updated = $9
            WHERE channel_id = $1 AND sid = $2
            """,
            channel.id, webhook.sid, *_values(webhook),
        )  # fmt: skip

    async def remove(self, channel: Channel, webhook: ChannelWebhook) -> None:
        """Remove a webhook."""
        await self._database.execute(
            "DELETE FROM channel_webhook WHERE channel_id = $1 AND sid = $2", channel.id, webhook.sid
        )


def _webhook(row: Row, service: Service, channel: Channel) -> ChannelWebhook:
    return ChannelWebhook(
        sid=row[0],
        account_sid=service.account_sid,
        service_sid=service.sid,
        channel_sid=channel.sid,
        type=ChannelWebhookType(row[1]),
        target=row[2],
        method=WebhookMethod(row[3]),
        filters=_filters(row[4]),
        triggers=_triggers(row[5]),
        flow_sid=row[6],
        retry_count=row[7],
        date_created=row[8],
        date_updated=row[9],
    )


def _values(webhook: ChannelWebhook) -> tuple[object, ...]:
    """Return what may change about a webhook, in the order in which both statements name it."""
    return (
        webhook.target,
        webhook.method,
        msgspec.json.encode(webhook.filters).decode(),
        msgspec.json.encode(webhook.triggers).decode(),
        webhook.flow_sid,
        webhook.retry_count,
        webhook.date_updated,
    )
