"""What a service sends as push notifications, and with which words. Source: push-configuration."""

from __future__ import annotations

from enum import StrEnum

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from chinwag.domain.change import given


class NotificationKind(StrEnum):
    """An occasion for a push notification."""

    NEW_MESSAGE = "new_message"
    ADDED_TO_CHANNEL = "added_to_channel"
    REMOVED_FROM_CHANNEL = "removed_from_channel"
    INVITED_TO_CHANNEL = "invited_to_channel"


class Notification(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How one kind of push notification is sent. Without a template the default one is used.

    A text that is not set is left out wherever this is written. Source: recorded-responses.

    Args:
        badge_count_enabled: whether an icon shows the number of unread channels; for new messages only.
    """

    enabled: bool
    template: str | None = None
    sound: str | None = None
    badge_count_enabled: bool = False


class NotificationChange(Struct, frozen=True, kw_only=True):
    """What a request changes about a notification. None clears a text."""

    enabled: bool | UnsetType = UNSET
    template: str | UnsetType | None = UNSET
    sound: str | UnsetType | None = UNSET
    badge_count_enabled: bool | UnsetType = UNSET


NO_NOTIFICATIONS: dict[NotificationKind, Notification] = {
    kind: Notification(enabled=False) for kind in NotificationKind
}
"""What a new service sends: nothing."""


def renotified(
    notifications: dict[NotificationKind, Notification], changes: dict[NotificationKind, NotificationChange]
) -> dict[NotificationKind, Notification]:
    """Return the notifications with the changes made."""
    changed = dict(notifications)
    for kind, change in changes.items():
        was = changed[kind]
        changed[kind] = replace(was, **given(change, change.__struct_fields__))
    return changed
