"""How services are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from chinwag.domain.notifications import Notification, NotificationKind
from chinwag.domain.service import Limits, Service
from chinwag.domain.webhook import WebhookEvent, WebhookMethod, WebhookTarget
from chinwag.storage.page import PageOf
from chinwag.storage.role import COLUMNS as ROLE_COLUMNS
from chinwag.storage.role import RoleRows, columns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chinwag.domain.paging import Cursor
    from chinwag.domain.role import Role
    from chinwag.storage.database import Database, Row

_COLUMNS = """
    service.id, service.sid, account.sid, service.friendly_name,
    default_service_role_sid, default_channel_role_sid, default_channel_creator_role_sid,
    channel_members, user_channels, read_status_enabled, reachability_enabled,
    typing_indicator_timeout, consumption_report_interval, notifications,
    pre_webhook_url, post_webhook_url, webhook_method, webhook_filters, webhooks,
    service.date_created, service.date_updated, pre_webhook_retry_count, post_webhook_retry_count,
    notifications_log_enabled, media_compatibility_message, service.revision
"""

_SELECT = f"""
    SELECT {_COLUMNS}
    FROM service JOIN account ON account.id = account_id
    WHERE account_id = $1 AND NOT service.deleted
"""

_GET = _SELECT + " AND service.sid = $2"

_PAGE = PageOf(_SELECT, by="service.sid")

_ADD = """
    INSERT INTO service (
        account_id, sid, date_created, friendly_name,
        default_service_role_sid, default_channel_role_sid, default_channel_creator_role_sid,
        channel_members, user_channels, read_status_enabled, reachability_enabled,
        typing_indicator_timeout, consumption_report_interval, notifications,
        pre_webhook_url, post_webhook_url, webhook_method, webhook_filters, webhooks,
        date_updated, pre_webhook_retry_count, post_webhook_retry_count, notifications_log_enabled,
        media_compatibility_message, revision
    )
    VALUES (
        $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22,
        $23, $24, $25
    )
    RETURNING id
"""

_ADD_WITH_ROLES = f"""
    WITH made AS ({_ADD})
    INSERT INTO role (service_id, sid, friendly_name, type, permissions, date_created, date_updated)
    SELECT made.id, given.*
    FROM made, unnest(
        $26::text[], $27::text[], $28::text[], $29::text[], $30::bigint[], $31::bigint[]
    ) AS given
"""

_notifications = msgspec.json.Decoder(dict[NotificationKind, Notification]).decode
_filters = msgspec.json.Decoder(tuple[WebhookEvent, ...]).decode
_webhooks = msgspec.json.Decoder(dict[WebhookEvent, WebhookTarget]).decode


class ServiceRows:
    """Services, each within its account."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, account_id: int, sid: str) -> Service | None:
        """Return a service, or None."""
        row = await self._database.row(_GET, account_id, sid)
        return _service(row) if row else None

    async def lock(self, account_id: int, sid: str) -> Service | None:
        """Return a service and hold its row until the transaction ends, or None."""
        row = await self._database.row(_GET + " FOR UPDATE OF service", account_id, sid)
        return _service(row) if row else None

    async def page(self, account_id: int, cursor: Cursor) -> list[Service]:
        """Return a page of services, oldest first, and one more if there are more."""
        return [_service(row) for row in await _PAGE.read(self._database, account_id, cursor)]

    async def add(self, account_id: int, service: Service, roles: Sequence[Role]) -> None:
        """Add a service with its first roles."""
        values = (account_id, service.sid, service.date_created, *_values(service))
        if self._database.takes_sets:
            await self._database.execute(_ADD_WITH_ROLES, *values, *_by_column(roles))
            return

        row = await self._database.row(_ADD, *values)
        assert row is not None, "INSERT … RETURNING answers with a row"
        await RoleRows(self._database).add(replace(service, id=row[0]), roles)

    async def save(self, service: Service) -> None:
        """Replace every column of a service that was locked."""
        await self._database.execute(
            """
            UPDATE service
            SET friendly_name = $2,
                default_service_role_sid = $3,
                default_channel_role_sid = $4,
                default_channel_creator_role_sid = $5,
                channel_members = $6,
                user_channels = $7,
                read_status_enabled = $8,
                reachability_enabled = $9,
                typing_indicator_timeout = $10,
                consumption_report_interval = $11,
                notifications = $12,
                pre_webhook_url = $13,
                post_webhook_url = $14,
                webhook_method = $15,
                webhook_filters = $16,
                webhooks = $17,
                date_updated = $18,
                pre_webhook_retry_count = $19,
                post_webhook_retry_count = $20,
                notifications_log_enabled = $21,
                media_compatibility_message = $22,
                revision = $23,
                notes_messages = $24
            WHERE id = $1
            """,
            service.id, *_values(service), service.notes(NotificationKind.NEW_MESSAGE),
        )  # fmt: skip

    async def remove(self, service: Service) -> None:
        """Take a service away from everybody; `remains` removes its rows."""
        await self._database.execute("UPDATE service SET deleted = TRUE WHERE id = $1", service.id)


def _service(row: Row) -> Service:
    return Service(
        id=row[0],
        sid=row[1],
        account_sid=row[2],
        friendly_name=row[3],
        default_service_role_sid=row[4],
        default_channel_role_sid=row[5],
        default_channel_creator_role_sid=row[6],
        limits=Limits(channel_members=row[7], user_channels=row[8]),
        read_status_enabled=bool(row[9]),
        reachability_enabled=bool(row[10]),
        typing_indicator_timeout=row[11],
        consumption_report_interval=row[12],
        notifications=_notifications(row[13]),
        pre_webhook_url=row[14],
        post_webhook_url=row[15],
        webhook_method=None if row[16] is None else WebhookMethod(row[16]),
        webhook_filters=None if row[17] is None else _filters(row[17]),
        webhooks=_webhooks(row[18]),
        date_created=row[19],
        date_updated=row[20],
        pre_webhook_retry_count=row[21],
        post_webhook_retry_count=row[22],
        notifications_log_enabled=bool(row[23]),
        media_compatibility_message=row[24],
        revision=row[25],
    )


def _values(service: Service) -> tuple[object, ...]:
    """Return what may change about a service, in the order in which both statements name it."""
    return (
        service.friendly_name,
        service.default_service_role_sid,
        service.default_channel_role_sid,
        service.default_channel_creator_role_sid,
        service.limits.channel_members,
        service.limits.user_channels,
        service.read_status_enabled,
        service.reachability_enabled,
        service.typing_indicator_timeout,
        service.consumption_report_interval,
        _text(service.notifications),
        service.pre_webhook_url,
        service.post_webhook_url,
        service.webhook_method,
        None if service.webhook_filters is None else _text(service.webhook_filters),
        _text(service.webhooks),
        service.date_updated,
        service.pre_webhook_retry_count,
        service.post_webhook_retry_count,
        service.notifications_log_enabled,
        service.media_compatibility_message,
        service.revision,
    )


def _by_column(roles: Sequence[Role]) -> list[list[object]]:
    """Return the columns of the roles, as `_ADD_WITH_ROLES` takes them."""
    rows = [columns(role) for role in roles]
    return [[row[place] for row in rows] for place in range(ROLE_COLUMNS)]


def _text(value: object) -> str:
    return msgspec.json.encode(value).decode()
