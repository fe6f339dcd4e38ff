"""Users over REST. Source: chat-v1 User, chat-v2 User."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from chinwag.app import opened
from chinwag.domain.caller import Caller
from chinwag.domain.lookup import service_named, user_to_change
from rest.shared import (
    JSON_TEXTS,
    NO_JSON,
    NOWHERE,
    ODD_NAMES,
    as_listed,
    assert_paged,
    in_both_versions,
    later,
    listed,
    outcome,
    outcomes,
    pages,
    records,
    segment,
    shouted,
)

if TYPE_CHECKING:
    from chinwag.domain.unit import Transaction
    from chinwag.settings import Settings
    from support.api import Api

UNKNOWN = "0123456789abcdef" * 2


@pytest.fixture
async def service(api: Api) -> dict[str, Any]:
    return await api.a_service()


def users(service: dict[str, Any], version: str = "v2") -> str:
    return f"/{version}/Services/{service['sid']}/Users"


def at(user: dict[str, Any], version: str = "v2") -> str:
    return f"/{version}/Services/{user['service_sid']}/Users/{user['sid']}"


# Fields


@pytest.mark.parametrize(("version", "more"), [("v1", {}), ("v2", {"user_bindings": "/Bindings"})])
async def test_a_new_user_has_every_field_with_its_default(
    api: Api, service: dict[str, Any], version: str, more: dict[str, str]
) -> None:
    made = await api.post(users(service, version), Identity="alice")

    assert made.status == 201
    user = made.json
    assert re.fullmatch(r"US[0-9a-f]{32}", user["sid"])
    url = f"{api.base}/{version}/Services/{service['sid']}/Users/{user['sid']}"
    assert user == {
        "sid": user["sid"],
        "account_sid": api.account_sid,
        "service_sid": service["sid"],
        "identity": "alice",
        "friendly_name": None,
        "attributes": "{}",
        "role_sid": service["default_service_role_sid"],
        "is_online": None,
        "is_notifiable": None,
        "joined_channels_count": 0,
        "date_created": user["date_created"],
        "date_updated": user["date_created"],
        "url": url,
        "links": {"user_channels": f"{url}/Channels", **{name: url + path for name, path in more.items()}},
    }


@in_both_versions
async def test_a_user_is_made_with_what_is_given(api: Api, service: dict[str, Any], version: str) -> None:
    role = await api.a_role(service, Type="deployment", Permission="joinChannel")

    user = await api.a_user(
        service,
        "bob",
        version=version,
        FriendlyName="Bob",
        Attributes='{"age": 7}',
        RoleSid=role["sid"],
    )

    assert user["identity"] == "bob"
    assert user["friendly_name"] == "Bob"
    assert user["attributes"] == '{"age": 7}'
    assert user["role_sid"] == role["sid"]


@in_both_versions
async def test_a_user_that_is_fetched_is_as_it_was_created(
    api: Api, service: dict[str, Any], version: str
) -> None:
    user = await api.a_user(service, version=version, FriendlyName="Alice", Attributes="[1]")

    fetched = await api.get(at(user, version))

    assert fetched.status == 200
    assert fetched.json == user


async def test_attributes_are_null_in_lists_of_v1_alone(api: Api, service: dict[str, Any]) -> None:
    user = await api.a_user(service, Attributes="[1]")

    assert [found["attributes"] for found in await listed(api, users(service, "v1"))] == [None]
    assert (await api.get(at(user, "v1"))).json["attributes"] == "[1]"
    assert [found["attributes"] for found in await listed(api, users(service, "v2"))] == ["[1]"]


@in_both_versions
async def test_who_is_online_shows_in_a_fetch_and_never_in_a_list(
    api: Api, server: tuple[str, Settings], version: str
) -> None:
    service = await api.a_service(ReachabilityEnabled="true")
    user = await api.a_user(service)
    await is_reachable(api, server[1], user)

    fetched = (await api.get(at(user, version))).json
    (found,) = await listed(api, users(service, version))

    assert (fetched["is_online"], fetched["is_notifiable"]) == (True, False)
    assert (found["is_online"], found["is_notifiable"]) == (None, None)


async def test_nobody_shows_as_online_once_reachability_is_switched_off(
    api: Api, server: tuple[str, Settings]
) -> None:
    service = await api.a_service(ReachabilityEnabled="true")
    user = await api.a_user(service)
    await is_reachable(api, server[1], user)

    await api.post(f"/v1/Services/{service['sid']}", ReachabilityEnabled="false")

    fetched = (await api.get(at(user))).json
    assert (fetched["is_online"], fetched["is_notifiable"]) == (None, None)


async def is_reachable(api: Api, settings: Settings, user: dict[str, Any]) -> None:
    """Keep that a user is online and cannot be pushed to, as the real-time side does."""
    async with opened(settings) as parts:

        async def change(tx: Transaction) -> None:
            account = await tx.accounts.get(api.account_sid)
            assert account is not None
            caller = Caller(account_id=account.id, account_sid=account.sid)
            service = await service_named(tx, caller, user["service_sid"])
            found = await user_to_change(tx, service, user["sid"])
            await tx.users.save(replace(found, is_online=True, is_notifiable=False))

        await parts.world.store.write(change)


async def test_both_versions_show_the_same_users(api: Api, service: dict[str, Any]) -> None:
    first = await api.a_user(service, "first", version="v1")
    second = await api.a_user(service, "second", version="v2")

    for version in ("v1", "v2"):
        found = await listed(api, users(service, version))
        assert [user["sid"] for user in found] == [first["sid"], second["sid"]]


# Addresses


@in_both_versions
async def test_a_user_is_found_by_a_sid_in_either_letter_case(
    api: Api, service: dict[str, Any], version: str
) -> None:
    user = await api.a_user(service, version=version)

    for name in (shouted(user["sid"]), user["sid"].upper(), user["sid"].lower()):
        fetched = await api.get(f"{users(service, version)}/{name}")
        assert (fetched.status, fetched.json) == (200, user)


@in_both_versions
@pytest.mark.parametrize("identity", ODD_NAMES)
async def test_a_user_is_found_by_any_identity_that_a_path_can_hold(
    api: Api, service: dict[str, Any], version: str, identity: str
) -> None:
    await api.a_user(service, "somebody else")
    user = await api.a_user(service, identity, version=version)
    path = f"{users(service, version)}/{segment(identity)}"

    fetched = await api.get(path)
    channels = await api.get(f"{path}/Channels")
    changed = await api.post(path, FriendlyName="Found")
    deleted = await api.delete(path)

    assert user["identity"] == identity
    assert (fetched.status, fetched.json) == (200, user)
    assert channels.status == 200
    assert changed.json["sid"] == user["sid"]
    assert changed.json["url"] == user["url"]
    assert deleted.status == 204
    assert [left["identity"] for left in await listed(api, users(service))] == ["somebody else"]


async def test_identities_differ_in_letter_case_and_in_how_accents_are_composed(
    api: Api, service: dict[str, Any]
) -> None:
    names = ["zoë", "Zoë", "Zoe\u0308", "zoë "]

    sids = [(await api.a_user(service, name))["sid"] for name in names]

    assert len(set(sids)) == 4
    found = [(await api.get(f"{users(service)}/{segment(name)}")).json["sid"] for name in names]
    assert found == sids


@in_both_versions
async def test_what_looks_like_a_sid_is_never_an_identity(
    api: Api, service: dict[str, Any], version: str
) -> None:
    await api.a_user(service)

    answer = await api.get(f"{users(service, version)}/US{UNKNOWN}")

    assert outcome(answer) == (404, 20404)
    path = f"/Services/{service['sid']}/Users/US{UNKNOWN}"
    assert answer.json["message"] == f"The requested resource {path} was not found"


@in_both_versions
@pytest.mark.parametrize("name", [f"US{UNKNOWN}", f"CH{UNKNOWN}", "nobody", "ALICE", "%C3%A9", "a%2Fb"])
async def test_a_user_that_does_not_exist_is_not_found(
    api: Api, service: dict[str, Any], version: str, name: str
) -> None:
    await api.a_user(service)
    path = f"/Services/{service['sid']}/Users/{name}"

    answer = await api.get(f"/{version}{path}")

    assert await outcomes(api, f"/{version}{path}") == NOWHERE
    assert outcome(await api.get(f"/{version}{path}/Channels")) == (404, 20404)
    assert answer.json["message"] == f"The requested resource {path} was not found"
    assert len(await listed(api, users(service))) == 1


@in_both_versions
async def test_a_user_is_found_in_its_own_service_only(
    api: Api, service: dict[str, Any], version: str
) -> None:
    user, other = await api.a_user(service), await api.a_service()

    for name in (user["sid"], "alice"):
        assert await outcomes(api, f"{users(other, version)}/{name}") == NOWHERE
        assert outcome(await api.get(f"{users(other, version)}/{name}/Channels")) == (404, 20404)
    assert await listed(api, users(other, version)) == []
    assert (await api.get(at(user))).json == user


@in_both_versions
async def test_a_user_is_found_by_its_own_account_only(
    api: Api, stranger: Api, service: dict[str, Any], version: str
) -> None:
    user = await api.a_user(service)

    assert await outcomes(stranger, at(user, version)) == NOWHERE
    assert outcome(await stranger.get(users(service, version))) == (404, 20404)
    assert outcome(await stranger.post(users(service, version), Identity="spy")) == (404, 20404)
    assert await listed(api, users(service)) == [user]


# What a user may be given


@in_both_versions
async def test_an_identity_is_required(api: Api, service: dict[str, Any], version: str) -> None:
    refusal = await api.post(users(service, version), identity="alice", FriendlyName="Alice")

    assert outcome(refusal) == (400, 20001)
    assert refusal.json["message"] == "Missing required parameter Identity in the post body"


@in_both_versions
@pytest.mark.parametrize(
    ("identity", "code"),
    [
        ("", 50204),
        ("x" * 257, 50207),
        ("🐙" * 257, 50207),
        (f"US{UNKNOWN}", 50206),
        (f"US{UNKNOWN}".upper(), 50206),
        ("system", 50203),
        ("System", 50203),
        ("SYSTEM", 50203),
    ],
)
async def test_an_identity_that_nobody_may_have_is_refused(
    api: Api, service: dict[str, Any], version: str, identity: str, code: int
) -> None:
    refusal = await api.post(users(service, version), Identity=identity)

    assert outcome(refusal) == (400, code)
    assert await listed(api, users(service)) == []


@in_both_versions
@pytest.mark.parametrize(
    "identity",
    ["x" * 256, "🐙" * 256, f"US{UNKNOWN[1:]}", f"US{UNKNOWN}0", f"xUS{UNKNOWN}", "US" + "g" * 32, "systems"],
)
async def test_an_identity_just_within_the_rules_is_accepted(
    api: Api, service: dict[str, Any], version: str, identity: str
) -> None:
    user = await api.a_user(service, identity, version=version)

    assert user["identity"] == identity
    assert (await api.get(f"{users(service, version)}/{segment(identity)}")).json == user


@in_both_versions
async def test_a_taken_identity_is_refused(api: Api, service: dict[str, Any], version: str) -> None:
    user = await api.a_user(service)

    refusal = await api.post(users(service, version), Identity="alice", FriendlyName="Other")

    assert outcome(refusal) == (409, 50201)
    assert refusal.json["message"] == "User already exists"
    assert await listed(api, users(service)) == [user]


async def test_an_identity_is_taken_in_one_service_only(api: Api, service: dict[str, Any]) -> None:
    other = await api.a_service()

    first, second = await api.a_user(service), await api.a_user(other)

    assert first["sid"] != second["sid"]
    assert (await api.get(f"{users(other)}/alice")).json == second


@pytest.mark.parametrize(("version", "longest"), [("v1", 64), ("v2", 256)])
async def test_a_friendly_name_is_as_long_as_its_version_allows(
    api: Api, service: dict[str, Any], version: str, longest: int
) -> None:
    user = await api.a_user(service, version=version, FriendlyName="é" * longest)

    refusals = [
        await api.post(users(service, version), Identity="bob", FriendlyName="é" * (longest + 1)),
        await api.post(at(user, version), FriendlyName="é" * (longest + 1)),
    ]

    assert user["friendly_name"] == "é" * longest
    assert [outcome(refusal) for refusal in refusals] == [(400, 50003)] * 2
    assert await listed(api, users(service)) == [(await api.get(at(user))).json]


async def test_a_long_name_of_v2_is_shown_whole_in_v1(api: Api, service: dict[str, Any]) -> None:
    user = await api.a_user(service, FriendlyName="x" * 256)

    assert (await api.get(at(user, "v1"))).json["friendly_name"] == "x" * 256


@in_both_versions
async def test_an_empty_friendly_name_is_none(api: Api, service: dict[str, Any], version: str) -> None:
    made = await api.a_user(service, version=version, FriendlyName="")
    named = await api.post(at(made, version), FriendlyName="Alice")

    unnamed = await api.post(at(made, version), FriendlyName="")

    assert made["friendly_name"] is None
    assert named.json["friendly_name"] == "Alice"
    assert unnamed.json["friendly_name"] is None


@in_both_versions
@pytest.mark.parametrize("attributes", JSON_TEXTS)
async def test_attributes_are_json_of_any_type_kept_as_it_came(
    api: Api, service: dict[str, Any], version: str, attributes: str
) -> None:
    made = await api.a_user(service, version=version, Attributes=attributes)
    changed = await api.post(at(made, version), Attributes=f" {attributes}")

    assert made["attributes"] == attributes
    assert changed.json["attributes"] == f" {attributes}"
    assert (await api.get(at(made, version))).json["attributes"] == f" {attributes}"


@in_both_versions
@pytest.mark.parametrize("attributes", NO_JSON)
async def test_attributes_that_are_no_json_are_refused(
    api: Api, service: dict[str, Any], version: str, attributes: str
) -> None:
    user = await api.a_user(service)

    refusals = [
        await api.post(users(service, version), Identity="bob", Attributes=attributes),
        await api.post(at(user, version), Attributes=attributes),
    ]

    assert [outcome(refusal) for refusal in refusals] == [(400, 50304)] * 2
    assert refusals[0].json["message"] == "Attributes not valid JSON"
    assert await listed(api, users(service)) == [user]


@in_both_versions
@pytest.mark.parametrize("letters", ["x" * 16382, "é" * 8191, "🐙" * 4095 + "xx"])
async def test_attributes_have_up_to_16_kilobytes(
    api: Api, service: dict[str, Any], version: str, letters: str
) -> None:
    user = await api.a_user(service, version=version, Attributes=f'"{letters}"')

    refusals = [
        await api.post(users(service, version), Identity="bob", Attributes=f'"{letters}x"'),
        await api.post(at(user, version), Attributes=f'"{letters}x"'),
    ]

    assert user["attributes"] == f'"{letters}"'
    assert [outcome(refusal) for refusal in refusals] == [(400, 50303)] * 2
    assert (await api.get(at(user, version))).json == user


@in_both_versions
async def test_empty_attributes_are_none(api: Api, service: dict[str, Any], version: str) -> None:
    made = await api.a_user(service, version=version, Attributes="")
    await api.post(at(made, version), Attributes="[1]")

    changed = await api.post(at(made, version), Attributes="")

    assert made["attributes"] == "{}"
    assert changed.json["attributes"] == "{}"


@in_both_versions
async def test_a_role_that_is_no_deployment_role_of_the_service_is_refused(
    api: Api, stranger: Api, service: dict[str, Any], version: str
) -> None:
    user = await api.a_user(service)
    other, foreign = await api.a_service(), await stranger.a_service()
    wrong = [
        service["default_channel_role_sid"],
        other["default_service_role_sid"],
        foreign["default_service_role_sid"],
        f"RL{UNKNOWN}",
        user["sid"],
        "service user",
        "",
    ]

    created = [await api.post(users(service, version), Identity="bob", RoleSid=sid) for sid in wrong]
    changed = [await api.post(at(user, version), RoleSid=sid) for sid in wrong]

    assert [outcome(answer) for answer in created + changed] == [(400, 50102)] * 14
    assert created[0].json["message"] == "Deployment role not found"
    assert await listed(api, users(service)) == [user]


@in_both_versions
async def test_a_role_may_be_given_in_either_letter_case(
    api: Api, service: dict[str, Any], version: str
) -> None:
    role = await api.a_role(service, Type="deployment", Permission="joinChannel")

    user = await api.a_user(service, version=version, RoleSid=shouted(role["sid"]))

    assert user["role_sid"] == role["sid"]


async def test_a_user_keeps_the_default_role_that_was_in_force_when_it_was_made(
    api: Api, service: dict[str, Any]
) -> None:
    role = await api.a_role(service, Type="deployment", Permission="joinChannel")
    before = await api.a_user(service, "before")
    await api.post(f"/v1/Services/{service['sid']}", DefaultServiceRoleSid=role["sid"])

    after = await api.a_user(service, "after")

    assert after["role_sid"] == role["sid"]
    assert (await api.get(at(before))).json["role_sid"] == service["default_service_role_sid"]


@in_both_versions
async def test_a_user_whose_role_is_deleted_has_the_default_role(
    api: Api, service: dict[str, Any], version: str
) -> None:
    role = await api.a_role(service, Type="deployment", Permission="joinChannel")
    user = await api.a_user(service, version=version, RoleSid=role["sid"])
    deleted = await api.delete(f"/v1/Services/{service['sid']}/Roles/{role['sid']}")

    fetched = await api.get(at(user, version))
    changed = await api.post(at(user, version), FriendlyName="Alice")

    assert deleted.status == 204
    default = service["default_service_role_sid"]
    assert fetched.json == {**user, "role_sid": default}
    assert changed.json["role_sid"] == default
    assert [found["role_sid"] for found in await listed(api, users(service, version))] == [default]


@in_both_versions
async def test_parameters_that_nobody_knows_are_ignored(
    api: Api, service: dict[str, Any], version: str
) -> None:
    user = await api.a_user(
        service,
        version=version,
        Colour="blue",
        friendlyname="no",
        IsOnline="true",
        DateCreated="2001-01-01T00:00:00Z",
        Sid=f"US{UNKNOWN}",
        JoinedChannelsCount=9,
    )

    assert user["friendly_name"] is None
    assert user["is_online"] is None
    assert user["date_created"] > "2020"
    assert user["sid"] != f"US{UNKNOWN}"
    assert user["joined_channels_count"] == 0


# Changes


@in_both_versions
@pytest.mark.parametrize(
    ("parameters", "changes"),
    [
        ({"FriendlyName": "Al"}, {"friendly_name": "Al"}),
        ({"Attributes": "[2]"}, {"attributes": "[2]"}),
        ({}, {}),
        ({"Identity": "bob", "Colour": "blue"}, {}),
    ],
)
async def test_an_update_changes_what_it_names_and_the_date(
    api: Api,
    monkeypatch: pytest.MonkeyPatch,
    version: str,
    parameters: dict[str, str],
    changes: dict[str, str],
) -> None:
    service = await api.a_service()
    user = await api.a_user(service, version=version, FriendlyName="Alice", Attributes="[1]")
    later(monkeypatch)

    changed = await api.post(at(user, version), **parameters)

    assert changed.status == 200
    assert changed.json["date_updated"] > user["date_updated"]
    assert changed.json == {**user, **changes, "date_updated": changed.json["date_updated"]}
    assert (await api.get(at(user, version))).json == changed.json


@in_both_versions
async def test_an_update_gives_another_role(api: Api, service: dict[str, Any], version: str) -> None:
    role = await api.a_role(service, Type="deployment", Permission="joinChannel")
    user = await api.a_user(service, version=version)

    changed = await api.post(at(user, version), RoleSid=role["sid"])

    assert (changed.status, changed.json["role_sid"]) == (200, role["sid"])
    assert (await api.get(at(user, version))).json["role_sid"] == role["sid"]


@in_both_versions
async def test_an_update_that_is_refused_changes_nothing(
    api: Api, service: dict[str, Any], version: str
) -> None:
    user = await api.a_user(service, version=version)

    refusal = await api.post(at(user, version), FriendlyName="New", Attributes="[1]", RoleSid=f"RL{UNKNOWN}")

    assert outcome(refusal) == (400, 50102)
    assert (await api.get(at(user, version))).json == user


async def test_joining_and_posting_leave_the_date_of_a_user_alone(
    api: Api, service: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    user, channel = await api.a_user(service), await api.a_channel(service)
    later(monkeypatch)

    await api.a_member(channel)
    await api.a_message(channel, From="alice")

    assert (await api.get(at(user))).json == {**user, "joined_channels_count": 1}


# Deleting


@in_both_versions
async def test_a_deleted_user_is_gone(api: Api, service: dict[str, Any], version: str) -> None:
    user = await api.a_user(service)

    deleted = await api.delete(at(user, version))

    assert (deleted.status, deleted.body) == (204, b"")
    assert await outcomes(api, at(user, version)) == NOWHERE
    assert await outcomes(api, f"{users(service, version)}/alice") == NOWHERE
    assert await listed(api, users(service, version)) == []


@in_both_versions
async def test_the_identity_of_a_deleted_user_is_free_and_makes_another_user(
    api: Api, service: dict[str, Any], version: str
) -> None:
    user = await api.a_user(service, version=version, FriendlyName="Alice", Attributes="[1]")
    await api.delete(at(user, version))

    again = await api.a_user(service, version=version)

    assert again["sid"] != user["sid"]
    assert (again["friendly_name"], again["attributes"]) == (None, "{}")
    assert outcome(await api.get(at(user, version))) == (404, 20404)


async def test_memberships_and_invites_go_with_a_user_and_messages_stay(
    api: Api, service: dict[str, Any]
) -> None:
    user, other = await api.a_user(service), await api.a_user(service, "bob")
    joined, inviting = await api.a_channel(service), await api.a_channel(service)
    member, bob = await api.a_member(joined), await api.a_member(joined, "bob")
    invite, kept = await api.an_invite(inviting), await api.an_invite(inviting, "bob")
    message = await api.a_message(joined, From="alice")

    deleted = await api.delete(at(user))

    assert deleted.status == 204
    assert await listed(api, joined["links"]["members"]) == [bob]
    assert await listed(api, inviting["links"]["invites"]) == [kept]
    gone = [await api.get(member["url"]), await api.get(invite["url"])]
    assert [outcome(answer) for answer in gone] == [(404, 20404)] * 2
    assert (await api.get(joined["url"])).json["members_count"] == 1
    assert (await api.get(message["url"])).json == message
    assert (await api.get(other["url"])).json["joined_channels_count"] == 1


async def test_who_comes_back_after_being_deleted_is_in_no_channel(api: Api, service: dict[str, Any]) -> None:
    channel = await api.a_channel(service)
    member = await api.a_member(channel)
    await api.delete(f"{users(service)}/alice")

    again = await api.a_user(service)

    assert again["joined_channels_count"] == 0
    assert await listed(api, again["links"]["user_channels"]) == []
    assert (await api.a_member(channel))["sid"] != member["sid"]
    assert (await api.get(channel["url"])).json["members_count"] == 1


async def test_users_go_with_their_service(api: Api, service: dict[str, Any]) -> None:
    user = await api.a_user(service)

    await api.delete(f"/v1/Services/{service['sid']}")

    assert await outcomes(api, at(user)) == NOWHERE
    assert outcome(await api.get(users(service))) == (404, 20404)


# What is judged first


@in_both_versions
async def test_what_the_path_names_is_judged_before_the_body(
    api: Api, service: dict[str, Any], version: str
) -> None:
    nowhere = f"/{version}/Services/IS{UNKNOWN}/Users"

    answers = [
        await api.post(nowhere),
        await api.post(nowhere, Identity="", Attributes="{"),
        await api.get(nowhere, PageSize=0),
        await api.post(f"{users(service, version)}/nobody", Attributes="{"),
        await api.post(f"{users(service, version)}/nobody", RoleSid="wrong"),
        await api.get(f"{users(service, version)}/nobody/Channels", PageSize=0),
    ]

    assert [outcome(answer) for answer in answers] == [(404, 20404)] * 6


@in_both_versions
async def test_a_missing_parameter_is_judged_before_a_bad_one(
    api: Api, service: dict[str, Any], version: str
) -> None:
    refusal = await api.post(users(service, version), Attributes="{", RoleSid=f"RL{UNKNOWN}")

    assert outcome(refusal) == (400, 20001)


@in_both_versions
async def test_a_bad_format_is_judged_before_an_unknown_role(
    api: Api, service: dict[str, Any], version: str
) -> None:
    role = f"RL{UNKNOWN}"

    refusals = [
        await api.post(users(service, version), Identity="alice", RoleSid=role, Attributes="{"),
        await api.post(users(service, version), Identity="system", RoleSid=role),
    ]

    assert [outcome(refusal) for refusal in refusals] == [(400, 50304), (400, 50203)]


@in_both_versions
async def test_an_unknown_role_is_judged_before_a_taken_identity(
    api: Api, service: dict[str, Any], version: str
) -> None:
    await api.a_user(service)

    refusal = await api.post(users(service, version), Identity="alice", RoleSid=f"RL{UNKNOWN}")

    assert outcome(refusal) == (400, 50102)


@in_both_versions
async def test_users_are_not_deleted_all_at_once(api: Api, service: dict[str, Any], version: str) -> None:
    refusal = await api.delete(users(service, version))

    assert outcome(refusal) == (405, 20004)
    assert refusal.headers["Allow"] == "GET, OPTIONS, POST"


# Lists


@in_both_versions
async def test_users_are_listed_oldest_first_in_pages_of_any_size(
    api: Api, service: dict[str, Any], version: str
) -> None:
    made = [await api.a_user(service, name, version=version, Attributes="[1]") for name in "ebdac"]
    await api.a_user(await api.a_service(), "elsewhere")

    await assert_paged(api, users(service, version), [as_listed(user, version) for user in made])


@in_both_versions
async def test_a_service_without_users_has_one_empty_page(
    api: Api, service: dict[str, Any], version: str
) -> None:
    page = (await api.get(users(service, version))).json

    assert page["users"] == []
    assert page["meta"] == {
        "page": 0,
        "page_size": 50,
        "first_page_url": f"{api.base}{users(service, version)}?PageSize=50&Page=0",
        "previous_page_url": None,
        "url": f"{api.base}{users(service, version)}?PageSize=50&Page=0",
        "next_page_url": None,
        "key": "users",
    }


@pytest.mark.parametrize(("version", "most"), [("v1", 1000), ("v2", 100)])
async def test_a_page_of_users_has_at_most_what_its_version_allows(
    api: Api, service: dict[str, Any], version: str, most: int
) -> None:
    sizes = [
        (await api.get(users(service, version), PageSize=size)).json["meta"]["page_size"]
        for size in (most, most + 1, 5000)
    ]

    assert sizes == [most, most, most]


@in_both_versions
@pytest.mark.parametrize(
    "query",
    [
        {"PageSize": 0},
        {"PageSize": "many"},
        {"Page": -1},
        {"PageToken": "PT"},
        {"PageToken": f"PTCH{UNKNOWN}"},
        {"PageToken": f"XXUS{UNKNOWN}"},
    ],
)
async def test_a_page_of_users_that_cannot_be_is_refused(
    api: Api, service: dict[str, Any], version: str, query: dict[str, Any]
) -> None:
    assert outcome(await api.get(users(service, version), **query)) == (400, 20001)


@in_both_versions
async def test_users_that_come_and_go_while_a_list_is_read_make_it_neither_skip_nor_repeat(
    api: Api, service: dict[str, Any], version: str
) -> None:
    made = [await api.a_user(service, f"user {number}") for number in range(6)]
    found: list[str] = []
    url: str | None = f"{users(service, version)}?PageSize=2"

    while url is not None:
        page = (await api.get(url)).json
        found += [user["sid"] for user in records(page)]
        await api.delete(f"{users(service)}/{found[-1]}")
        if len(made) < 9:
            made.append(await api.a_user(service, f"user {len(made)}"))
        url = page["meta"]["next_page_url"]

    assert found == [user["sid"] for user in made]


async def test_every_page_of_users_speaks_the_version_that_was_asked(
    api: Api, service: dict[str, Any]
) -> None:
    for name in "abc":
        await api.a_user(service, name)

    first, last = await pages(api, f"{users(service, 'v1')}?PageSize=2")

    assert first["meta"]["next_page_url"].startswith(f"{api.base}/v1/")
    assert last["users"][0]["url"].startswith(f"{api.base}/v1/")
    assert "user_bindings" not in last["users"][0]["links"]
