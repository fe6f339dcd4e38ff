"""What webhooks are told of each event: one table. Source: webhook-events; decided where it is silent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from chinwag.domain.webhook import WebhookEvent
from chinwag.values import to_millisecond

if TYPE_CHECKING:
    from collections.abc import Callable

    from chinwag.domain.happening import Happening
    from chinwag.domain.webhook_call import Source
    from chinwag.ids import Millis

    Read: TypeAlias = Callable[[Any, Happening], object]

RETRY_COUNT = "RetryCount"
"""The one parameter that differs between the tries of a call."""


def render(event: WebhookEvent, happening: Happening, source: Source, client: str | None) -> dict[str, str]:
    """Return the parameters of an event, without `RetryCount`. What is null is left out (decided)."""
    subject = happening.subject
    params = {
        "EventType": event.value,
        "AccountSid": subject.account_sid,
        "InstanceSid": subject.service_sid,
        "Source": source.value,
    }
    if client is not None:
        params["ClientIdentity"] = client
    for name in PARAMETERS[event]:
        value = _READ[name](subject, happening)
        if value is not None:
            params[name] = str(value)
    return params


_MESSAGE = ("ChannelSid", "Body", "Attributes", "From")
_MEDIA = ("MediaFilename", "MediaContentType", "MediaSid", "MediaSize")
_CHANNEL = ("Attributes", "CreatedBy", "FriendlyName", "UniqueName", "ChannelType")
_KNOWN_CHANNEL = ("ChannelSid", *_CHANNEL, "DateCreated")
_MEMBER = ("ChannelSid", "Identity", "RoleSid", "Attributes")
_KNOWN_MEMBER = ("MemberSid", *_MEMBER, "DateCreated", "LastConsumedMessageIndex")
_USER = ("UserSid", "Identity", "FriendlyName", "RoleSid", "Attributes", "DateCreated")
_CHANGED_USER = (*_USER, "DateUpdated", "IsOnline", "IsNotifiable")

PARAMETERS: dict[WebhookEvent, tuple[str, ...]] = {
    WebhookEvent.MESSAGE_SEND: _MESSAGE,
    WebhookEvent.MESSAGE_SENT: ("MessageSid", "Index", *_MESSAGE, "DateCreated"),
    WebhookEvent.MESSAGE_UPDATE: ("MessageSid", "Index", *_MESSAGE, "DateCreated", "ModifiedBy"),
    WebhookEvent.MESSAGE_UPDATED: (
        "MessageSid", "Index", *_MESSAGE, "DateCreated", "ModifiedBy", "DateUpdated",
    ),
    WebhookEvent.MESSAGE_REMOVE: ("MessageSid", "Index", *_MESSAGE, "DateCreated", "RemovedBy"),
    WebhookEvent.MESSAGE_REMOVED: (
        "MessageSid", "Index", *_MESSAGE, "DateCreated", "RemovedBy", "DateRemoved",
    ),
    WebhookEvent.MEDIA_MESSAGE_SEND: (*_MESSAGE, *_MEDIA),
    WebhookEvent.MEDIA_MESSAGE_SENT: ("MessageSid", "Index", *_MESSAGE, "DateCreated", *_MEDIA),
    WebhookEvent.CHANNEL_ADD: _CHANNEL,
    WebhookEvent.CHANNEL_ADDED: _KNOWN_CHANNEL,
    WebhookEvent.CHANNEL_UPDATE: _KNOWN_CHANNEL,
    WebhookEvent.CHANNEL_UPDATED: (*_KNOWN_CHANNEL, "DateUpdated"),
    WebhookEvent.CHANNEL_DESTROY: _KNOWN_CHANNEL,
    WebhookEvent.CHANNEL_DESTROYED: (*_KNOWN_CHANNEL, "DateDestroyed"),
    WebhookEvent.MEMBER_ADD: ("ChannelSid", "Identity", "RoleSid", "Reason"),
    WebhookEvent.MEMBER_ADDED: ("MemberSid", "ChannelSid", "Identity", "RoleSid", "Reason", "DateCreated"),
    WebhookEvent.MEMBER_UPDATE: _KNOWN_MEMBER,
    WebhookEvent.MEMBER_UPDATED: (*_KNOWN_MEMBER, "DateUpdated"),
    WebhookEvent.MEMBER_REMOVE: ("MemberSid", "ChannelSid", "Identity", "RoleSid", "Reason"),
    WebhookEvent.MEMBER_REMOVED: ("MemberSid", *_MEMBER, "Reason", "DateCreated", "DateRemoved"),
    WebhookEvent.USER_ADDED: _USER,
    WebhookEvent.USER_UPDATE: _CHANGED_USER,
    WebhookEvent.USER_UPDATED: _CHANGED_USER,
}  # fmt: skip
"""The parameters of each event besides the common ones, in the order in which they are sent."""


def _moment(millis: Millis | None) -> str | None:
    return None if millis is None else to_millisecond(millis)


def _of_media(name: str) -> Read:
    return lambda message, _: getattr(message.media, name) if message.media else None


def _reported(name: str) -> Read:
    """Return what reads a word about reachability: present only while the service reports it."""

    def read(user: Any, happening: Happening) -> str | None:  # noqa: ANN401  # one of four records
        value = getattr(user, name)
        reports = happening.service is not None and happening.service.reachability_enabled
        return str(value).lower() if reports and value is not None else None

    return read


_READ: dict[str, Read] = {
    "Attributes": lambda subject, _: subject.attributes,
    "Body": lambda message, _: message.body,
    "ChannelSid": lambda subject, _: getattr(subject, "channel_sid", subject.sid),
    "ChannelType": lambda channel, _: channel.type.value,
    "CreatedBy": lambda channel, _: channel.created_by,
    "DateCreated": lambda subject, _: to_millisecond(subject.date_created),
    "DateDestroyed": lambda _, happening: _moment(happening.ended),
    "DateRemoved": lambda _, happening: _moment(happening.ended),
    "DateUpdated": lambda subject, _: to_millisecond(subject.date_updated),
    "FriendlyName": lambda subject, _: subject.friendly_name,
    "From": lambda message, _: message.author,
    "Identity": lambda subject, _: subject.identity,
    "Index": lambda message, _: message.index,
    "IsNotifiable": _reported("is_notifiable"),
    "IsOnline": _reported("is_online"),
    "LastConsumedMessageIndex": lambda member, _: member.last_consumed_message_index,
    "MediaContentType": _of_media("content_type"),
    "MediaFilename": _of_media("filename"),
    "MediaSid": _of_media("sid"),
    "MediaSize": _of_media("size"),
    "MemberSid": lambda member, _: member.sid,
    "MessageSid": lambda message, _: message.sid,
    "ModifiedBy": lambda _, happening: happening.by,
    "Reason": lambda _, happening: happening.reason,
    "RemovedBy": lambda _, happening: happening.by,
    "RoleSid": lambda subject, _: subject.role_sid,
    "UniqueName": lambda channel, _: channel.unique_name,
    "UserSid": lambda user, _: user.sid,
}
