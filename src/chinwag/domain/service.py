"""Services: each one a chat of its own, with its users, channels, roles, limits and webhooks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from msgspec import UNSET, Struct, UnsetType, field
from msgspec.structs import replace

from chinwag.domain.change import given, or_else
from chinwag.domain.event import Event
from chinwag.domain.lookup import role_given, service_to_change
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
from chinwag.errors import Kind, Kinds
from chinwag.ids import Millis

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chinwag.domain.caller import Caller
    from chinwag.domain.paging import Cursor
    from chinwag.domain.role import Role
    from chinwag.domain.unit import Transaction
    from chinwag.ids import NewSid


MEDIA_COMPATIBILITY_MESSAGE = "Media messages are not supported"
"""What clients that know no media show in the place of a file. Source: decided."""


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
        pre_webhook_retry_count: how often a call that failed is repeated; so is the one below.
        notifications_log_enabled: whether push notifications are logged.
        media_compatibility_message: what clients that know no media show in the place of a file.
        revision: another one after each change. Never shown.
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
    pre_webhook_retry_count: int = 0
    post_webhook_retry_count: int = 0
    notifications_log_enabled: bool = False
    media_compatibility_message: str = MEDIA_COMPATIBILITY_MESSAGE
    revision: str = ""

    def notes(self, kind: NotificationKind) -> bool:
        """Return whether such things are written down: they are pushed, or the log says why not."""
        return self.notifications[kind].enabled or self.notifications_log_enabled

    @property
    def counts_badges(self) -> bool:
        """Whether icons show the number of channels with something to read."""
        of_messages = self.notifications[NotificationKind.NEW_MESSAGE]
        return of_messages.enabled and of_messages.badge_count_enabled


class ServiceCreated(Event, frozen=True):
    """A service came into being, with its default roles."""

    service_sid: str


class ServiceUpdated(Event, frozen=True):
    """A setting of a service changed. What client SDKs notice of it is told as it is now."""

    service_sid: str
    read_status_enabled: bool = True
    reachability_enabled: bool = False


class ServiceDeleted(Event, frozen=True):
    """A service is gone, with everything in it."""

    service_sid: str


class Services(Protocol):
    """Services, as they are kept. Each method sees the services of the given account only."""

    async def get(self, account_id: int, sid: str) -> Service | None:
        """Return a service, or None."""
        ...

    async def page(self, account_id: int, cursor: Cursor) -> list[Service]:
        """Return a page of services, oldest first, and one more if there are more."""
        ...

    async def lock(self, account_id: int, sid: str) -> Service | None:
        """Return a service and hold it until the transaction ends, or None."""
        ...

    async def add(self, account_id: int, service: Service, roles: Sequence[Role]) -> None:
        """Add a service with its first roles."""
        ...

    async def save(self, service: Service) -> None:
        """Replace every column of a service that was locked."""
        ...

    async def remove(self, service: Service) -> None:
        """Take a service that was locked away from everybody. Its rows follow later (`Remains`)."""
        ...


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
            revision=new_sid("RV"),
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
    pre_webhook_retry_count: int | UnsetType = UNSET
    post_webhook_retry_count: int | UnsetType = UNSET
    notifications_log_enabled: bool | UnsetType = UNSET
    media_compatibility_message: str | UnsetType = UNSET

    async def apply(self, tx: Transaction, caller: Caller, now: Millis, new_sid: NewSid) -> Service:
        """Return the changed service.

        Lowering a limit below what is in use is allowed and only blocks further joins (decided). With
        reachability goes what is known of it (decided).

        Raises:
            ApiError: `SERVICE_NOT_FOUND`; `DEPLOYMENT_ROLE_NOT_FOUND`, `CHANNEL_ROLE_NOT_FOUND` or
                `CHANNEL_CREATOR_ROLE_NOT_FOUND` for a role that is not of this service and of the right type.
        """
        service = await service_to_change(tx, caller, self.sid)
        await self._check_roles(tx, service)

        changed = replace(
            service,
            date_updated=now,
            revision=new_sid("RV"),
            limits=Limits(
                channel_members=or_else(self.channel_members, service.limits.channel_members),
                user_channels=or_else(self.user_channels, service.limits.user_channels),
            ),
            notifications=renotified(service.notifications, self.notifications),
            webhooks=retargeted(service.webhooks, self.webhooks),
            **given(self, _PLAIN),
        )
        await tx.services.save(changed)
        if service.reachability_enabled and not changed.reachability_enabled:
            await tx.users.forget_reachability(service)
        elif changed.reachability_enabled and not service.reachability_enabled:
            await tx.users.note_notifiable(service)
        tx.record(
            ServiceUpdated(
                changed.sid,
                read_status_enabled=changed.read_status_enabled,
                reachability_enabled=changed.reachability_enabled,
            )
        )
        return changed

    async def _check_roles(self, tx: Transaction, service: Service) -> None:
        wanted: tuple[tuple[str | UnsetType, RoleType, Kind], ...] = (
            (self.default_service_role_sid, RoleType.DEPLOYMENT, Kinds.DEPLOYMENT_ROLE_NOT_FOUND),
            (self.default_channel_role_sid, RoleType.CHANNEL, Kinds.CHANNEL_ROLE_NOT_FOUND),
            (self.default_channel_creator_role_sid, RoleType.CHANNEL, Kinds.CHANNEL_CREATOR_ROLE_NOT_FOUND),
        )
        for sid, role_type, kind in wanted:
            if sid is not UNSET:
                await role_given(tx, service, sid, role_type, kind)


_PLAIN = tuple(
    name
    for name in UpdateService.__struct_fields__
    if name in Service.__struct_fields__ and name not in {"sid", "notifications", "webhooks"}
)
"""The fields of `UpdateService` that replace the field of the same name as they are."""


class DeleteService(Struct, frozen=True, kw_only=True):
    """Remove a service and everything in it. It is gone at once; its rows follow in small batches."""

    sid: str

    async def apply(self, tx: Transaction, caller: Caller, _now: Millis, _new_sid: NewSid) -> None:
        """Remove it.

        Raises:
            ApiError: `SERVICE_NOT_FOUND`.
        """
        service = await service_to_change(tx, caller, self.sid)

        await tx.services.remove(service)
        tx.record(ServiceDeleted(service.sid))
