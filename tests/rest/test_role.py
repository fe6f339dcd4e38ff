"""Roles over REST. Source: chat-v1 Role, permissions-guide."""

from __future__ import annotations

import re
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from chinwag import app

if TYPE_CHECKING:
    from support.api import Api

EITHER = (
    "destroyChannel",
    "inviteMember",
    "addMember",
    "removeMember",
    "editChannelName",
    "editChannelAttributes",
    "editAnyMessage",
    "editAnyMessageAttributes",
    "deleteAnyMessage",
    "editOwnMessage",
    "editOwnMessageAttributes",
    "deleteOwnMessage",
    "editOwnUserInfo",
    "editAnyUserInfo",
    "editAnyMemberAttributes",
)
ONLY_DEPLOYMENT = ("createChannel", "joinChannel")
ONLY_CHANNEL = (
    "sendMessage",
    "sendMediaMessage",
    "leaveChannel",
    "editOwnMemberAttributes",
    "editNotificationLevel",
)

DEFAULT_ROLES = [
    (
        "service admin",
        "deployment",
        [
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
        ],
    ),
    ("service user", "deployment", ["createChannel", "joinChannel", "editOwnUserInfo"]),
    (
        "channel admin",
        "channel",
        [
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
        ],
    ),
    (
        "channel user",
        "channel",
        [
            "sendMessage",
            "sendMediaMessage",
            "leaveChannel",
            "editOwnMessage",
            "editOwnMessageAttributes",
            "deleteOwnMessage",
            "editNotificationLevel",
            "editOwnMemberAttributes",
        ],
    ),
]


async def roles_of(api: Api, service: dict[str, str]) -> list[dict[str, object]]:
    listed = await api.get(f"/v1/Services/{service['sid']}/Roles")
    assert listed.status == 200
    return listed.json["roles"]


async def test_a_new_service_has_the_four_roles_of_the_original(api: Api) -> None:
    service = await api.a_service()

    roles = await roles_of(api, service)

    assert [(role["friendly_name"], role["type"], role["permissions"]) for role in roles] == DEFAULT_ROLES


async def test_a_new_service_points_to_its_default_roles(api: Api) -> None:
    service = await api.a_service()

    sids = {role["friendly_name"]: role["sid"] for role in await roles_of(api, service)}

    assert service["default_service_role_sid"] == sids["service user"]
    assert service["default_channel_role_sid"] == sids["channel user"]
    assert service["default_channel_creator_role_sid"] == sids["channel admin"]


async def test_a_new_role_has_every_field_of_v1(api: Api) -> None:
    service = await api.a_service()

    made = await api.post(
        f"/v1/Services/{service['sid']}/Roles",
        FriendlyName="guest",
        Type="channel",
        Permission=["sendMessage", "leaveChannel"],
    )

    assert made.status == 201
    role = made.json
    assert re.fullmatch(r"RL[0-9a-f]{32}", role["sid"])
    assert role == {
        "sid": role["sid"],
        "account_sid": api.account_sid,
        "service_sid": service["sid"],
        "friendly_name": "guest",
        "type": "channel",
        "permissions": ["sendMessage", "leaveChannel"],
        "date_created": role["date_created"],
        "date_updated": role["date_created"],
        "url": f"{api.base}/v1/Services/{service['sid']}/Roles/{role['sid']}",
    }


async def test_a_role_that_is_fetched_is_as_it_was_created(api: Api) -> None:
    service = await api.a_service()
    role = await api.a_role(service)

    fetched = await api.get(f"/v1/Services/{service['sid']}/Roles/{role['sid']}")

    assert fetched.status == 200
    assert fetched.json == role


async def test_roles_are_listed_oldest_first(api: Api) -> None:
    service = await api.a_service()
    guest, waiter = await api.a_role(service, "guest"), await api.a_role(service, "waiter")

    roles = await roles_of(api, service)

    assert roles[4:] == [guest, waiter]


async def test_role_names_need_not_be_unique(api: Api) -> None:
    service = await api.a_service()

    first, second = await api.a_role(service, "twin"), await api.a_role(service, "twin")

    assert first["sid"] != second["sid"]


@pytest.mark.parametrize(
    ("role_type", "permissions"),
    [("deployment", EITHER + ONLY_DEPLOYMENT), ("channel", EITHER + ONLY_CHANNEL)],
)
async def test_a_role_may_hold_every_permission_of_its_type(
    api: Api, role_type: str, permissions: tuple[str, ...]
) -> None:
    service = await api.a_service()

    role = await api.a_role(service, Type=role_type, Permission=list(permissions))

    assert role["permissions"] == list(permissions)


@pytest.mark.parametrize(
    ("role_type", "permission"),
    [("channel", name) for name in ONLY_DEPLOYMENT] + [("deployment", name) for name in ONLY_CHANNEL],
)
async def test_a_permission_of_the_other_type_is_refused(api: Api, role_type: str, permission: str) -> None:
    service = await api.a_service()
    wanted = {"FriendlyName": "x", "Type": role_type, "Permission": ["addMember", permission]}

    refusal = await api.post(f"/v1/Services/{service['sid']}/Roles", **wanted)

    assert (refusal.status, refusal.code) == (400, 50104)
    assert len(await roles_of(api, service)) == 4


async def test_a_permission_given_twice_is_held_once_where_it_stood_first(api: Api) -> None:
    service = await api.a_service()

    role = await api.a_role(
        service, Permission=["leaveChannel", "sendMessage", "leaveChannel", "sendMessage"]
    )

    assert role["permissions"] == ["leaveChannel", "sendMessage"]


async def test_one_empty_permission_is_none(api: Api) -> None:
    service = await api.a_service()

    role = await api.a_role(service, Permission="")

    assert role["permissions"] == []


async def test_an_update_replaces_the_permissions(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    service = await api.a_service()
    role = await api.a_role(service, Permission=["leaveChannel", "sendMessage"])
    monkeypatch.setattr(app, "time", SimpleNamespace(time_ns=lambda: time.time_ns() + 10 * 10**9))

    changed = await api.post(
        f"/v1/Services/{service['sid']}/Roles/{role['sid']}", Permission=["editOwnMessage", "leaveChannel"]
    )

    assert changed.status == 200
    assert changed.json["date_updated"] > role["date_updated"]
    assert changed.json == {
        **role,
        "permissions": ["editOwnMessage", "leaveChannel"],
        "date_updated": changed.json["date_updated"],
    }
    assert (await api.get(f"/v1/Services/{service['sid']}/Roles/{role['sid']}")).json == changed.json


async def test_an_update_changes_neither_name_nor_type(api: Api) -> None:
    service = await api.a_service()
    role = await api.a_role(service)

    changed = await api.post(
        f"/v1/Services/{service['sid']}/Roles/{role['sid']}",
        FriendlyName="other",
        Type="deployment",
        Permission="sendMessage",
    )

    assert changed.status == 200
    assert changed.json["friendly_name"] == "guest"
    assert changed.json["type"] == "channel"


async def test_an_update_is_held_to_the_type_of_the_role(api: Api) -> None:
    service = await api.a_service()
    role = await api.a_role(service)

    refusal = await api.post(
        f"/v1/Services/{service['sid']}/Roles/{role['sid']}", Permission=["sendMessage", "createChannel"]
    )

    assert (refusal.status, refusal.code) == (400, 50104)
    assert (await api.get(f"/v1/Services/{service['sid']}/Roles/{role['sid']}")).json == role


async def test_an_update_needs_permissions(api: Api) -> None:
    service = await api.a_service()
    role = await api.a_role(service)

    refusal = await api.post(f"/v1/Services/{service['sid']}/Roles/{role['sid']}")

    assert (refusal.status, refusal.code) == (400, 20001)
    assert refusal.json["message"] == "Missing required parameter Permission in the post body"


@pytest.mark.parametrize(
    "field", ["default_service_role_sid", "default_channel_role_sid", "default_channel_creator_role_sid"]
)
async def test_a_default_role_may_be_changed(api: Api, field: str) -> None:
    service = await api.a_service()

    changed = await api.post(
        f"/v1/Services/{service['sid']}/Roles/{service[field]}", Permission="inviteMember"
    )

    assert changed.status == 200
    assert changed.json["permissions"] == ["inviteMember"]


@pytest.mark.parametrize(
    ("field", "code"),
    [
        ("default_service_role_sid", 50102),
        ("default_channel_role_sid", 50101),
        ("default_channel_creator_role_sid", 50106),
    ],
)
async def test_a_default_role_cannot_be_deleted(api: Api, field: str, code: int) -> None:
    service = await api.a_service()

    refusal = await api.delete(f"/v1/Services/{service['sid']}/Roles/{service[field]}")

    assert (refusal.status, refusal.code) == (400, code)
    assert len(await roles_of(api, service)) == 4


async def test_a_role_that_is_two_defaults_is_refused_as_that_of_channel_creators_first(api: Api) -> None:
    service = await api.a_service()
    role = service["default_channel_creator_role_sid"]
    await api.post(f"/v1/Services/{service['sid']}", DefaultChannelRoleSid=role)

    refusal = await api.delete(f"/v1/Services/{service['sid']}/Roles/{role}")

    assert (refusal.status, refusal.code) == (400, 50106)


async def test_a_role_that_is_no_longer_a_default_can_be_deleted(api: Api) -> None:
    service = await api.a_service()
    role = await api.a_role(service)
    await api.post(f"/v1/Services/{service['sid']}", DefaultChannelRoleSid=role["sid"])

    deleted = await api.delete(f"/v1/Services/{service['sid']}/Roles/{service['default_channel_role_sid']}")

    assert deleted.status == 204


async def test_any_other_role_can_be_deleted(api: Api) -> None:
    service = await api.a_service()
    role = await api.a_role(service)
    path = f"/v1/Services/{service['sid']}/Roles/{role['sid']}"

    deleted = await api.delete(path)

    assert deleted.status == 204
    assert deleted.body == b""
    gone = [await api.get(path), await api.post(path, Permission="sendMessage"), await api.delete(path)]
    assert [(answer.status, answer.code) for answer in gone] == [(404, 20404)] * 3
    assert len(await roles_of(api, service)) == 4


async def test_a_role_is_found_in_its_own_service_only(api: Api) -> None:
    service, other = await api.a_service(), await api.a_service()
    role = await api.a_role(service)
    path = f"/v1/Services/{other['sid']}/Roles/{role['sid']}"

    answers = [await api.get(path), await api.post(path, Permission="sendMessage"), await api.delete(path)]

    assert [(answer.status, answer.code) for answer in answers] == [(404, 20404)] * 3
    assert (await roles_of(api, service))[4] == role


# v2


async def test_a_role_has_the_same_fields_in_v2(api: Api) -> None:
    service = await api.a_service()
    role = await api.a_role(service)
    path = f"/v2/Services/{service['sid']}/Roles"

    fetched = await api.get(f"{path}/{role['sid']}")

    assert fetched.status == 200
    assert fetched.json == {**role, "url": f"{api.base}{path}/{role['sid']}"}


async def test_a_role_is_made_changed_listed_and_deleted_in_v2(api: Api) -> None:
    service = await api.a_service()
    path = f"/v2/Services/{service['sid']}/Roles"

    made = await api.post(path, FriendlyName="guest", Type="channel", Permission=["sendMessage"])
    changed = await api.post(f"{path}/{made.json['sid']}", Permission=["leaveChannel", "sendMediaMessage"])
    listed = await api.get(path)
    deleted = await api.delete(f"{path}/{made.json['sid']}")

    assert made.status == 201
    assert made.json["url"] == f"{api.base}{path}/{made.json['sid']}"
    assert changed.status == 200
    assert changed.json["permissions"] == ["leaveChannel", "sendMediaMessage"]
    assert listed.json["roles"][-1] == changed.json
    assert (deleted.status, deleted.body) == (204, b"")
    assert (await api.get(f"{path}/{made.json['sid']}")).code == 20404


@pytest.mark.parametrize(("version", "longest"), [("v1", 64), ("v2", 256)])
async def test_the_name_of_a_role_is_as_long_as_its_version_allows(
    api: Api, version: str, longest: int
) -> None:
    service = await api.a_service()
    path = f"/{version}/Services/{service['sid']}/Roles"
    role = {"Type": "channel", "Permission": "sendMessage"}

    kept = await api.post(path, FriendlyName="é" * longest, **role)
    refused = await api.post(path, FriendlyName="é" * (longest + 1), **role)

    assert (kept.status, kept.json["friendly_name"]) == (201, "é" * longest)
    assert (refused.status, refused.code) == (400, 50003)


@pytest.mark.parametrize(("version", "most"), [("v1", 1000), ("v2", 100)])
async def test_a_page_of_roles_is_as_large_as_its_version_allows(api: Api, version: str, most: int) -> None:
    service = await api.a_service()

    listed = await api.get(f"/{version}/Services/{service['sid']}/Roles", PageSize=5000)

    assert listed.json["meta"]["page_size"] == most
