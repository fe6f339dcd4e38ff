"""The events that a webhook may be called for, and where it is called. Source: webhook-events."""

from __future__ import annotations

from enum import StrEnum

from msgspec import UNSET, Struct, UnsetType


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
