"""Services: each one a chat of its own, with its users, channels, roles, limits and webhooks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import UNSET, Struct, UnsetType, field
from msgspec.structs import replace

from chinwag.domain.events import ServiceCreated, ServiceDeleted, ServiceUpdated
from chinwag.domain.lookup import service_to_change
from chinwag.domain.notifications import (
    NO_NOTIFICATIONS,
    Notification,
    NotificationChange,
    NotificationKind,
    renotified,
)
from chinwag.domain.permissions import RoleType
from chinwag.domain.role import default_roles
from chinwag.domain.webhook import (
    WebhookEvent,
    WebhookMethod,
    WebhookTarget,
    WebhookTargetChange,
    retargeted,
)
from chinwag.errors import ApiError, Kind, Kinds

if TYPE_CHECKING:
    from chinwag.domain.caller import Caller
    from chinwag.domain.unit import Transaction
    from chinwag.ids import Millis, NewSid


class Limits(Struct, frozen=True, kw_only=True):
    """How many may come together. Source: chat-v1 Service.limits."""

    channel_members: int
    user_channels: int


class Service(Struct, frozen=True, kw_only=True):
    """A service. Source: chat-v1 Service.

    Args:
        id: key of the row; 0 for one that was not read from the store. Never shown.
        typing_indicator_timeout: seconds after which somebody is no longer typing.
        consumption_report_interval: seconds between the reports of a client's read horizon (deprecated).
        webhooks: the events that have a URL of their own.
        webhook_filters: the events that go to the pre- and post-event URL; None is none of them.
        webhook_method: None acts as POST.
    """

    id: int = 0
    sid: str
    account_sid: str
    friendly_name: str
    default_service_role_sid: str
    default_channel_role_sid: str
    default_channel_creator_role_sid: str
    limits: Limits
    date_created: Millis
    date_updated: Millis
    read_status_enabled: bool = True
    reachability_enabled: bool = False
    typing_indicator_timeout: int = 5
    consumption_report_interval: int = 10
    notifications: dict[NotificationKind, Notification] = field(default_factory=lambda: NO_NOTIFICATIONS)
    pre_webhook_url: str | None = None
    post_webhook_url: str | None = None
    webhook_method: WebhookMethod | None = None
    webhook_filters: tuple[WebhookEvent, ...] | None = None
    webhooks: dict[WebhookEvent, WebhookTarget] = field(default_factory=dict[WebhookEvent, WebhookTarget])


class CreateService(Struct, frozen=True, kw_only=True):
    """Add a service, with its four default roles. `limits` are the defaults of this installation."""

    friendly_name: str
    limits: Limits

    async def apply(self, tx: Transaction, caller: Caller, now: Millis, new_sid: NewSid) -> Service:
        """Return the new service."""
        sid = new_sid("IS")
        roles = default_roles(caller.account_sid, sid, now, new_sid)

        service = Service(
            sid=sid,
            account_sid=caller.account_sid,
            friendly_name=self.friendly_name,
            default_service_role_sid=roles.service_user.sid,
            default_channel_role_sid=roles.channel_user.sid,
            default_channel_creator_role_sid=roles.channel_admin.sid,
            limits=self.limits,
            date_created=now,
            date_updated=now,
        )
        await tx.services.add(caller.account_id, service, tuple(roles))
        tx.record(ServiceCreated(service.sid))
        return service


class UpdateService(Struct, frozen=True, kw_only=True):
    """Change a service. A field left UNSET keeps its value; None clears it."""

    sid: str
    friendly_name: str | UnsetType = UNSET
    default_service_role_sid: str | UnsetType = UNSET
    default_channel_role_sid: str | UnsetType = UNSET
    default_channel_creator_role_sid: str | UnsetType = UNSET
    read_status_enabled: bool | UnsetType = UNSET
    reachability_enabled: bool | UnsetType = UNSET
    typing_indicator_timeout: int | UnsetType = UNSET
    consumption_report_interval: int | UnsetType = UNSET
    channel_members: int | UnsetType = UNSET
    user_channels: int | UnsetType = UNSET
    notifications: dict[NotificationKind, NotificationChange] = field(
        default_factory=dict[NotificationKind, NotificationChange]
    )
    pre_webhook_url: str | UnsetType | None = UNSET
    post_webhook_url: str | UnsetType | None = UNSET
    webhook_method: WebhookMethod | UnsetType | None = UNSET
    webhook_filters: tuple[WebhookEvent, ...] | UnsetType | None = UNSET
    webhooks: dict[WebhookEvent, WebhookTargetChange] = field(
        default_factory=dict[WebhookEvent, WebhookTargetChange]
    )

    async def apply(self, tx: Transaction, caller: Caller, now: Millis, _new_sid: NewSid) -> Service:
        """Return the changed service.

        Lowering a limit below what is in use is allowed and only blocks further joins (decided).

        Raises:
            ApiError: `SERVICE_NOT_FOUND`; `DEPLOYMENT_ROLE_NOT_FOUND`, `CHANNEL_ROLE_NOT_FOUND` or
                `CHANNEL_CREATOR_ROLE_NOT_FOUND` for a role that is not of this service and of the right type.
        """
        service = await service_to_change(tx, caller, self.sid)
        await self._check_roles(tx, service)

        changed = replace(
            service,
            date_updated=now,
            limits=Limits(
                channel_members=_or(self.channel_members, service.limits.channel_members),
                user_channels=_or(self.user_channels, service.limits.user_channels),
            ),
            notifications=renotified(service.notifications, self.notifications),
            webhooks=retargeted(service.webhooks, self.webhooks),
            **{name: value for name in _PLAIN if (value := getattr(self, name)) is not UNSET},
        )
        await tx.services.save(changed)
        tx.record(ServiceUpdated(service.sid))
        return changed

    async def _check_roles(self, tx: Transaction, service: Service) -> None:
        wanted: tuple[tuple[str | UnsetType, RoleType, Kind], ...] = (
            (self.default_service_role_sid, RoleType.DEPLOYMENT, Kinds.DEPLOYMENT_ROLE_NOT_FOUND),
            (self.default_channel_role_sid, RoleType.CHANNEL, Kinds.CHANNEL_ROLE_NOT_FOUND),
            (self.default_channel_creator_role_sid, RoleType.CHANNEL, Kinds.CHANNEL_CREATOR_ROLE_NOT_FOUND),
        )
        for sid, role_type, kind in wanted:
            if sid is UNSET:
                continue
            role = await tx.roles.get(service, sid)
            if role is None or role.type is not role_type:
                raise ApiError(kind, f"{sid} is not a {role_type} role of service {service.sid}")


_PLAIN = tuple(
    name
    for name in UpdateService.__struct_fields__
    if name in Service.__struct_fields__ and name not in {"sid", "notifications", "webhooks"}
)
"""The fields of `UpdateService` that replace the field of the same name as they are."""


def _or(value: int | UnsetType, otherwise: int) -> int:
    return otherwise if value is UNSET else value


class DeleteService(Struct, frozen=True, kw_only=True):
    """Remove a service and everything in it."""

    sid: str

    async def apply(self, tx: Transaction, caller: Caller, _now: Millis, _new_sid: NewSid) -> None:
        """Remove it.

        Raises:
            ApiError: `SERVICE_NOT_FOUND`.
        """
        service = await service_to_change(tx, caller, self.sid)

        await tx.services.remove(service)
        tx.record(ServiceDeleted(service.sid))
