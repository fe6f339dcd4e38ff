"""The names of permissions. Sources: permissions-guide, chat-roles."""

from __future__ import annotations

from chinwag.domain.permissions import PERMISSIONS, RoleType
from chinwag.domain.role import default_roles


def test_there_are_22_permissions() -> None:
    assert len(PERMISSIONS[RoleType.CHANNEL] | PERMISSIONS[RoleType.DEPLOYMENT]) == 22


def test_only_a_deployment_role_creates_and_joins_channels() -> None:
    assert PERMISSIONS[RoleType.DEPLOYMENT] - PERMISSIONS[RoleType.CHANNEL] == {
        "createChannel",
        "joinChannel",
    }


def test_only_a_channel_role_speaks_and_leaves() -> None:
    assert PERMISSIONS[RoleType.CHANNEL] - PERMISSIONS[RoleType.DEPLOYMENT] == {
        "editNotificationLevel",
        "editOwnMemberAttributes",
        "leaveChannel",
        "sendMediaMessage",
        "sendMessage",
    }


def test_every_default_role_holds_what_its_type_may_hold_and_nothing_twice() -> None:
    for role in default_roles("AC", "IS", 0, lambda prefix: prefix):
        assert set(role.permissions) <= PERMISSIONS[role.type]
        assert len(set(role.permissions)) == len(role.permissions)
