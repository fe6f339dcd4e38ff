"""The names of permissions and what each type of role may hold. Sources: permissions-guide, chat-roles."""

from __future__ import annotations

from enum import StrEnum


class RoleType(StrEnum):
    """Where a role applies: held by users in the whole service, or by members in one channel."""

    CHANNEL = "channel"
    DEPLOYMENT = "deployment"


_EITHER = frozenset(
    {
        "addMember",
        "deleteAnyMessage",
        "deleteOwnMessage",
        "destroyChannel",
        "editAnyMemberAttributes",
        "editAnyMessage",
        "editAnyMessageAttributes",
        "editAnyUserInfo",
        "editChannelAttributes",
        "editChannelName",
        "editOwnMessage",
        "editOwnMessageAttributes",
        "editOwnUserInfo",
        "inviteMember",
        "removeMember",
    }
)

PERMISSIONS: dict[RoleType, frozenset[str]] = {
    RoleType.DEPLOYMENT: _EITHER | {"createChannel", "joinChannel"},
    RoleType.CHANNEL: _EITHER
    | {"editNotificationLevel", "editOwnMemberAttributes", "leaveChannel", "sendMediaMessage", "sendMessage"},
}
"""The permissions that a role of each type may hold. Names of both API versions are known to both
(decided)."""

SERVICE_ADMIN = (
    "addMember",
    "createChannel",
    "deleteAnyMessage",
    "destroyChannel",
    "editAnyMemberAttributes",
    "editAnyMessage",
    "editAnyMessageAttributes",
    "editAnyUserInfo",
    "editChannelAttributes",
    "editChannelName",
    "inviteMember",
    "joinChannel",
    "removeMember",
)
SERVICE_USER = ("createChannel", "joinChannel", "editOwnUserInfo")
CHANNEL_ADMIN = (
    "addMember",
    "deleteAnyMessage",
    "destroyChannel",
    "editAnyMemberAttributes",
    "editAnyMessage",
    "editAnyMessageAttributes",
    "editChannelAttributes",
    "editChannelName",
    "editNotificationLevel",
    "editOwnUserInfo",
    "inviteMember",
    "leaveChannel",
    "removeMember",
    "sendMediaMessage",
    "sendMessage",
)
CHANNEL_USER = (
    "sendMessage",
    "sendMediaMessage",
    "leaveChannel",
    "editOwnMessage",
    "editOwnMessageAttributes",
    "deleteOwnMessage",
    "editNotificationLevel",
    "editOwnMemberAttributes",
)
