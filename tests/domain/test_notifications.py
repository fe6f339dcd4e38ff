"""What is sent as push, and with which words. Source: push-configuration."""

from __future__ import annotations

from chinwag.domain.notifications import (
    NO_NOTIFICATIONS,
    Notification,
    NotificationChange,
    NotificationKind,
    renotified,
)

NEW = NotificationKind.NEW_MESSAGE
WORDED = {**NO_NOTIFICATIONS, NEW: Notification(enabled=True, template="hello", sound="ping")}


def test_a_new_service_sends_nothing() -> None:
    assert set(NO_NOTIFICATIONS) == set(NotificationKind)
    assert {notification.enabled for notification in NO_NOTIFICATIONS.values()} == {False}


def test_each_part_is_changed_alone() -> None:
    def changed(change: NotificationChange) -> Notification:
        return renotified(WORDED, {NEW: change})[NEW]

    assert changed(NotificationChange(enabled=False)) == Notification(
        enabled=False, template="hello", sound="ping"
    )
    assert changed(NotificationChange(template="bye")) == Notification(
        enabled=True, template="bye", sound="ping"
    )
    assert changed(NotificationChange(sound=None)) == Notification(enabled=True, template="hello")


def test_other_kinds_are_left_as_they_are() -> None:
    found = renotified(WORDED, {NotificationKind.ADDED_TO_CHANNEL: NotificationChange(enabled=True)})

    assert found == {**WORDED, NotificationKind.ADDED_TO_CHANNEL: Notification(enabled=True)}


def test_what_was_given_is_left_as_it_is() -> None:
    renotified(NO_NOTIFICATIONS, {NEW: NotificationChange(enabled=True)})

    assert not NO_NOTIFICATIONS[NEW].enabled
