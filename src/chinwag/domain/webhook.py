"""The events that a webhook may be called for, and where a service has it called. Source: webhook-events."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import UNSET, Struct, UnsetType

if TYPE_CHECKING:
    from chinwag.domain.service import Service


class WebhookMethod(StrEnum):
    """How a webhook is called."""

    GET = "GET"
    POST = "POST"


class WebhookEvent(StrEnum):
    """What a webhook may be told of: first what is about to happen, then what has happened."""

    MESSAGE_SEND = "onMessageSend"
    MESSAGE_UPDATE = "onMessageUpdate"
    MESSAGE_REMOVE = "onMessageRemove"
    MEDIA_MESSAGE_SEND = "onMediaMessageSend"
    CHANNEL_ADD = "onChannelAdd"
    CHANNEL_DESTROY = "onChannelDestroy"
    CHANNEL_UPDATE = "onChannelUpdate"
    MEMBER_ADD = "onMemberAdd"
    MEMBER_UPDATE = "onMemberUpdate"
    MEMBER_REMOVE = "onMemberRemove"
    USER_UPDATE = "onUserUpdate"

    MESSAGE_SENT = "onMessageSent"
    MESSAGE_UPDATED = "onMessageUpdated"
    MESSAGE_REMOVED = "onMessageRemoved"
    MEDIA_MESSAGE_SENT = "onMediaMessageSent"
    CHANNEL_ADDED = "onChannelAdded"
    CHANNEL_DESTROYED = "onChannelDestroyed"
    CHANNEL_UPDATED = "onChannelUpdated"
    MEMBER_ADDED = "onMemberAdded"
    MEMBER_UPDATED = "onMemberUpdated"
    MEMBER_REMOVED = "onMemberRemoved"
    USER_ADDED = "onUserAdded"
    USER_UPDATED = "onUserUpdated"


POST_EVENTS = (
    WebhookEvent.MESSAGE_SENT,
    WebhookEvent.MESSAGE_UPDATED,
    WebhookEvent.MESSAGE_REMOVED,
    WebhookEvent.MEDIA_MESSAGE_SENT,
    WebhookEvent.CHANNEL_ADDED,
    WebhookEvent.CHANNEL_DESTROYED,
    WebhookEvent.CHANNEL_UPDATED,
    WebhookEvent.MEMBER_ADDED,
    WebhookEvent.MEMBER_UPDATED,
    WebhookEvent.MEMBER_REMOVED,
    WebhookEvent.USER_ADDED,
    WebhookEvent.USER_UPDATED,
)
"""What has happened, as against what is about to: all that a channel webhook may be told of."""

ASKED_BEFORE = {
    WebhookEvent.MESSAGE_SENT: WebhookEvent.MESSAGE_SEND,
    WebhookEvent.MESSAGE_UPDATED: WebhookEvent.MESSAGE_UPDATE,
    WebhookEvent.MESSAGE_REMOVED: WebhookEvent.MESSAGE_REMOVE,
    WebhookEvent.MEDIA_MESSAGE_SENT: WebhookEvent.MEDIA_MESSAGE_SEND,
    WebhookEvent.CHANNEL_ADDED: WebhookEvent.CHANNEL_ADD,
    WebhookEvent.CHANNEL_DESTROYED: WebhookEvent.CHANNEL_DESTROY,
    WebhookEvent.CHANNEL_UPDATED: WebhookEvent.CHANNEL_UPDATE,
    WebhookEvent.MEMBER_ADDED: WebhookEvent.MEMBER_ADD,
    WebhookEvent.MEMBER_UPDATED: WebhookEvent.MEMBER_UPDATE,
    WebhookEvent.MEMBER_REMOVED: WebhookEvent.MEMBER_REMOVE,
    WebhookEvent.USER_UPDATED: WebhookEvent.USER_UPDATE,
}
"""What has happened, and what is asked before it does. Nobody is asked whether a user may come into being."""

OWN_TARGETS = (
    WebhookEvent.MESSAGE_SEND,
    WebhookEvent.MESSAGE_UPDATE,
    WebhookEvent.MESSAGE_REMOVE,
    WebhookEvent.CHANNEL_ADD,
    WebhookEvent.CHANNEL_DESTROY,
    WebhookEvent.CHANNEL_UPDATE,
    WebhookEvent.MEMBER_ADD,
    WebhookEvent.MEMBER_REMOVE,
    WebhookEvent.MESSAGE_SENT,
    WebhookEvent.MESSAGE_UPDATED,
    WebhookEvent.MESSAGE_REMOVED,
    WebhookEvent.CHANNEL_ADDED,
    WebhookEvent.CHANNEL_DESTROYED,
    WebhookEvent.CHANNEL_UPDATED,
    WebhookEvent.MEMBER_ADDED,
    WebhookEvent.MEMBER_REMOVED,
)
"""The sixteen events that a service may send to a URL of their own. Source: chat-v1 UpdateService."""


class WebhookTarget(Struct, frozen=True, kw_only=True):
    """Where one event goes. A target without a URL is kept for its method and never called (decided)."""

    url: str | None = None
    method: WebhookMethod = WebhookMethod.POST


class WebhookTargetChange(Struct, frozen=True, kw_only=True):
    """What a request changes about a target. A URL of None takes the target away."""

    url: str | UnsetType | None = UNSET
    method: WebhookMethod | UnsetType = UNSET


def retargeted(
    targets: dict[WebhookEvent, WebhookTarget], changes: dict[WebhookEvent, WebhookTargetChange]
) -> dict[WebhookEvent, WebhookTarget]:
    """Return the targets with the changes made, in the order of `OWN_TARGETS`."""
    changed = dict(targets)
    for event, change in changes.items():
        if change.url is None:
            changed.pop(event, None)
            continue
        target = changed.get(event, WebhookTarget())
        changed[event] = WebhookTarget(
            url=target.url if change.url is UNSET else change.url,
            method=target.method if change.method is UNSET else change.method,
        )
    return {event: changed[event] for event in OWN_TARGETS if event in changed}


class Target(Struct, frozen=True, kw_only=True):
    """Where a webhook is called.

    Args:
        via: what names it: `PreWebhookUrl`, `PostWebhookUrl`, `Webhooks.OnMessageSent.Url` and its like, or
            the SID of a channel webhook.
        url: absolute, http or https.
        method: how it is called.
        retries: how often a call that failed is repeated.
    """

    via: str
    url: str
    method: WebhookMethod
    retries: int = 0


class NoCall(StrEnum):
    """Why a webhook was not called, for whoever wonders."""

    NO_HEADER = "over REST webhooks are called only if the request has X-Twilio-Webhook-Enabled: true"
    REST_IS_NOT_ASKED = "what is done over REST is never asked about"
    NO_URL = "the service has no URL for it"
    NOT_IN_FILTERS = "it is not in WebhookFilters of the service"
    NOT_IN_CHANNEL_FILTERS = "it is not in Configuration.Filters of the channel webhook"
    NO_TRIGGER = "no trigger of the channel webhook is in the body of the message"
    STUDIO = "flows (studio) are not run here"


def service_target(service: Service, event: WebhookEvent) -> Target | NoCall:
    """Return where a service has an event told, or why nowhere.

    A URL of the event's own is called whatever the filters say, and then the common one is not (decided).
    """
    own = service.webhooks.get(event)
    if own is not None and own.url is not None:
        # Such URLs belong to the first version of the API, which repeats nothing.
        return Target(via=f"Webhooks.{event[:1].upper()}{event[1:]}.Url", url=own.url, method=own.method)

    before = event not in POST_EVENTS
    url = service.pre_webhook_url if before else service.post_webhook_url
    if url is None:
        return NoCall.NO_URL
    if event not in (service.webhook_filters or ()):
        return NoCall.NOT_IN_FILTERS
    return Target(
        via="PreWebhookUrl" if before else "PostWebhookUrl",
        url=url,
        method=service.webhook_method or WebhookMethod.POST,
        retries=service.pre_webhook_retry_count if before else service.post_webhook_retry_count,
    )
