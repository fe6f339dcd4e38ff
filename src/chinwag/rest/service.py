"""Services on the wire. Source: chat-v1 Service, chat-v2 Service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from chinwag import limits
from chinwag.domain.lookup import service_named
from chinwag.domain.notifications import Notification, NotificationKind
from chinwag.domain.service import CreateService, DeleteService, Service, UpdateService
from chinwag.domain.webhook import OWN_TARGETS, WebhookEvent, WebhookMethod, WebhookTarget
from chinwag.errors import Kinds
from chinwag.rest.common import friendly_name
from chinwag.rest.paging import Paging, present_page
from chinwag.rest.params import Param, Params
from chinwag.rest.resource import Field, Link, Resource, dates, flag, sid, text, text_or_null, whole
from chinwag.rest.version import Version
from chinwag.values import Flag, OneOf, Sid, Text, Url, Whole

if TYPE_CHECKING:
    from chinwag.rest.call import Answer, Call
    from chinwag.values import Schema

    Notifications: TypeAlias = dict[NotificationKind, Notification]


def _shown_webhooks(webhooks: dict[WebhookEvent, WebhookTarget]) -> dict[str, object]:
    return {_snake(event): {"url": target.url, "method": target.method} for event, target in webhooks.items()}


def _acting_method(method: WebhookMethod | None) -> WebhookMethod:
    return method or WebhookMethod.POST


def _shown_media(compatibility_message: str) -> dict[str, object]:
    return {"size_limit_mb": limits.MEDIA_SIZE_MB, "compatibility_message": compatibility_message}


def _v1_notifications(notifications: Notifications) -> dict[str, object]:
    return {kind.value: _shown(notification) for kind, notification in notifications.items()}


def _v2_notifications(notifications: Notifications, log_enabled: bool) -> dict[str, object]:  # noqa: FBT001
    shown: dict[str, Any] = _v1_notifications(notifications)
    new_message = NotificationKind.NEW_MESSAGE
    shown[new_message]["badge_count_enabled"] = notifications[new_message].badge_count_enabled
    return {"log_enabled": log_enabled, **shown}


def _shown(notification: Notification) -> dict[str, object]:
    """Return a notification without the texts that are not set. Source: recorded-responses."""
    texts = {"template": notification.template, "sound": notification.sound}
    return {"enabled": notification.enabled, **{name: text for name, text in texts.items() if text}}


def _notifications_schema(
    above: dict[str, Schema] | None = None, of_new_message: dict[str, Schema] | None = None
) -> Schema:
    """Return the schema of `notifications`, with what v2 adds."""
    properties: dict[str, Schema] = above or {}
    for kind in NotificationKind:
        more = (of_new_message or {}) if kind is NotificationKind.NEW_MESSAGE else {}
        properties[kind.value] = {
            "type": "object",
            "properties": {
                "enabled": {"type": "boolean"},
                "template": {"type": "string"},
                "sound": {"type": "string"},
                **more,
            },
            "required": ["enabled", *more],
        }
    return {"type": "object", "properties": properties, "required": list(properties)}


def _snake(event: WebhookEvent) -> str:
    """`onMessageSend` → `on_message_send`."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in event)


def _pascal(name: str) -> str:
    """`onMessageSend` or `new_message` → `OnMessageSend`, `NewMessage`."""
    return "".join(word[:1].upper() + word[1:] for word in name.split("_"))


SERVICE = Resource(
    record=Service,
    key="services",
    path="/Services/{sid}",
    says="A chat of its own, with its users, channels, roles, limits and webhooks.",
    fields=(
        sid("sid", "IS"),
        sid("account_sid", "AC"),
        *text("friendly_name"),
        *dates("date_created", "date_updated"),
        sid("default_service_role_sid", "RL"),
        sid("default_channel_role_sid", "RL"),
        sid("default_channel_creator_role_sid", "RL"),
        *flag("read_status_enabled", "reachability_enabled"),
        *whole("typing_indicator_timeout", "consumption_report_interval"),
        Field(
            "limits",
            {
                "type": "object",
                "properties": {"channel_members": {"type": "integer"}, "user_channels": {"type": "integer"}},
                "required": ["channel_members", "user_channels"],
            },
        ),
        Field(
            "webhooks",
            {
                "type": "object",
                "properties": {
                    _snake(event): {
                        "type": "object",
                        "properties": {
                            "url": {"type": ["string", "null"]},
                            "method": {"type": "string", "enum": ["GET", "POST"]},
                        },
                    }
                    for event in OWN_TARGETS
                },
            },
            render=_shown_webhooks,
            until=Version.V1,
        ),
        *text_or_null("pre_webhook_url", "post_webhook_url"),
        Field("webhook_method", {"type": ["string", "null"]}, until=Version.V1),
        Field("webhook_method", {"type": "string"}, render=_acting_method, since=Version.V2),
        Field("webhook_filters", {"type": ["array", "null"], "items": {"type": "string"}}),
        Field("notifications", _notifications_schema(), render=_v1_notifications, until=Version.V1),
        Field(
            "notifications",
            _notifications_schema(
                {"log_enabled": {"type": "boolean"}}, {"badge_count_enabled": {"type": "boolean"}}
            ),
            ("notifications", "notifications_log_enabled"),
            render=_v2_notifications,
            since=Version.V2,
        ),
        Field("pre_webhook_retry_count", {"type": "integer"}, since=Version.V2),
        Field("post_webhook_retry_count", {"type": "integer"}, since=Version.V2),
        Field(
            "media",
            {
                "type": "object",
                "properties": {
                    "size_limit_mb": {"type": "integer"},
                    "compatibility_message": {"type": "string"},
                },
            },
            "media_compatibility_message",
            render=_shown_media,
            since=Version.V2,
        ),
    ),
    links=(
        Link("roles", "/Roles"),
        Link("users", "/Users"),
        Link("channels", "/Channels"),
        Link("bindings", "/Bindings", since=Version.V2),
    ),
)

CREATE = Params(*friendly_name(empty=Kinds.FRIENDLY_NAME_NOT_PROVIDED, required=True))

UPDATE = Params(
    *friendly_name(empty=Kinds.FRIENDLY_NAME_NOT_PROVIDED),
    Param(
        "DefaultServiceRoleSid",
        "default_service_role_sid",
        Sid("RL", Kinds.DEPLOYMENT_ROLE_NOT_FOUND),
        "The deployment role of new users.",
    ),
    Param(
        "DefaultChannelRoleSid",
        "default_channel_role_sid",
        Sid("RL", Kinds.CHANNEL_ROLE_NOT_FOUND),
        "The channel role of new members.",
    ),
    Param(
        "DefaultChannelCreatorRoleSid",
        "default_channel_creator_role_sid",
        Sid("RL", Kinds.CHANNEL_CREATOR_ROLE_NOT_FOUND),
        "The channel role of somebody who creates a channel and joins it.",
    ),
    Param(
        "ReadStatusEnabled", "read_status_enabled", Flag(), "Whether members see each other's read horizon."
    ),
    Param(
        "ReachabilityEnabled", "reachability_enabled", Flag(), "Whether users show as online and notifiable."
    ),
    Param(
        "TypingIndicatorTimeout",
        "typing_indicator_timeout",
        Whole(1, limits.TYPING_INDICATOR_TIMEOUT_S, Kinds.INVALID_TYPING_INDICATOR),
        "Seconds after which somebody is no longer typing.",
    ),
    Param(
        "ConsumptionReportInterval",
        "consumption_report_interval",
        Whole(0, limits.CONSUMPTION_REPORT_INTERVAL_S, Kinds.INVALID_CONSUMPTION_INTERVAL),
        "Seconds between the reports of a client's read horizon. Deprecated.",
    ),
    *(
        param
        for kind in NotificationKind
        for param in (
            Param(
                f"Notifications.{_pascal(kind)}.Enabled",
                ("notifications", kind, "enabled"),
                Flag(),
                f"Whether a push is sent for {kind}.",
            ),
            Param(
                f"Notifications.{_pascal(kind)}.Template",
                ("notifications", kind, "template"),
                Text(limits.NOTIFICATION_TEMPLATE, Kinds.TEMPLATE_TOO_LONG),
                f"The words of a push for {kind}; empty: the default words.",
            ),
            Param(
                f"Notifications.{_pascal(kind)}.Sound",
                ("notifications", kind, "sound"),
                Text(limits.NOTIFICATION_SOUND, Kinds.SOUND_TOO_LONG),
                f"The sound of a push for {kind}; empty: none.",
            ),
        )
    ),
    Param(
        "Notifications.NewMessage.BadgeCountEnabled",
        ("notifications", NotificationKind.NEW_MESSAGE, "badge_count_enabled"),
        Flag(),
        "Whether a push for new_message sets the number on the icon of an app.",
        since=Version.V2,
    ),
    Param(
        "Notifications.LogEnabled",
        "notifications_log_enabled",
        Flag(),
        "Whether push notifications are logged.",
        since=Version.V2,
    ),
    Param(
        "PreWebhookUrl",
        "pre_webhook_url",
        Url(Kinds.INVALID_WEBHOOK),
        "Called before an action; empty: none.",
    ),
    Param("PostWebhookUrl", "post_webhook_url", Url(Kinds.INVALID_WEBHOOK), "Called after it; empty: none."),
    Param(
        "WebhookMethod",
        "webhook_method",
        OneOf(WebhookMethod, Kinds.INVALID_WEBHOOK_METHOD, or_empty=True),
        "How both are called; empty: POST.",
    ),
    Param(
        "WebhookFilters",
        "webhook_filters",
        OneOf(WebhookEvent, Kinds.INVALID_WEBHOOK),
        "The events that both are called for; one empty value: none.",
        many=True,
        many_empty=None,
    ),
    *(
        param
        for event in OWN_TARGETS
        for param in (
            Param(
                f"Webhooks.{_pascal(event)}.Url",
                ("webhooks", event, "url"),
                Url(Kinds.INVALID_WEBHOOK),
                f"Called for {event} instead of the common URL; empty: none.",
                until=Version.V1,
            ),
            Param(
                f"Webhooks.{_pascal(event)}.Method",
                ("webhooks", event, "method"),
                OneOf(WebhookMethod, Kinds.INVALID_WEBHOOK_METHOD),
                "How that URL is called.",
                until=Version.V1,
            ),
        )
    ),
    *(
        Param(
            f"{moment}WebhookRetryCount",
            f"{moment.lower()}_webhook_retry_count",
            Whole(0, limits.RETRIES, Kinds.INVALID_RETRY_COUNT),
            f"How often a call of {moment}WebhookUrl that failed is repeated.",
            since=Version.V2,
        )
        for moment in ("Pre", "Post")
    ),
    Param(
        "Media.CompatibilityMessage",
        "media_compatibility_message",
        Text(limits.COMPATIBILITY_MESSAGE, Kinds.INVALID_PARAMETER, empty=Kinds.INVALID_PARAMETER),
        "What clients that know no media show in the place of a file.",
        since=Version.V2,
    ),
    Param(
        "Limits.ChannelMembers",
        "channel_members",
        Whole(1, limits.COUNTED, Kinds.INVALID_CHANNEL_MEMBERS),
        "Most members of one channel.",
    ),
    Param(
        "Limits.UserChannels",
        "user_channels",
        Whole(1, limits.COUNTED, Kinds.INVALID_USER_CHANNELS),
        "Most channels of one user.",
    ),
)

PAGING = Paging("IS", {Version.V1: limits.SERVICES_PAGE, Version.V2: limits.V2_PAGE})


async def create(call: Call) -> Answer:
    """Add a service."""
    service = await call.create(CreateService(limits=call.conventions.default_limits, **call.fields), Service)
    return SERVICE.present(service, call.version, call.base)


async def fetch(call: Call) -> Answer:
    """Return one service."""
    return SERVICE.present(await named(call), call.version, call.base)


async def update(call: Call) -> Answer:
    """Change a service."""
    fields: dict[str, Any] = {"sid": service_sid(call), **call.fields}
    call.must_be_callable(fields.get("pre_webhook_url"), "PreWebhookUrl")
    call.must_be_callable(fields.get("post_webhook_url"), "PostWebhookUrl")
    for event, target in fields.get("webhooks", {}).items():
        call.must_be_callable(target.get("url"), f"Webhooks.{_pascal(event)}.Url")
    service = await call.run(msgspec.convert(fields, UpdateService))
    return SERVICE.present(service, call.version, call.base)


async def delete(call: Call) -> Answer:
    """Remove a service and everything in it."""
    await call.run(DeleteService(sid=service_sid(call)))


async def page(call: Call) -> Answer:
    """List the services of the account, oldest first."""
    query = PAGING.read(call)
    async with call.reading() as tx:
        services = await tx.services.page(call.caller.account_id, query.cursor)
    return present_page(call, SERVICE, query, services)


async def named(call: Call) -> Service:
    """Return the service that the path names."""
    async with call.reading() as tx:
        return await service_named(tx, call.caller, service_sid(call))


def service_sid(call: Call) -> str:
    """Return the SID of the service that the path names.

    Raises:
        ApiError: `SERVICE_NOT_FOUND` when it is no SID of a service.
    """
    return call.sid("service_sid", "IS", Kinds.SERVICE_NOT_FOUND)
