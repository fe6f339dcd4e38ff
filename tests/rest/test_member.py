"""Members over REST. Source: chat-v1 Member, chat-v2 Member; consumption-guide."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from rest.shared import (
    JSON_TEXTS,
    MOMENTS,
    NO_JSON,
    NO_MOMENTS,
    NOWHERE,
    ODD_NAMES,
    assert_paged,
    in_both_versions,
    later,
    listed,
    outcome,
    outcomes,
    records,
    segment,
    shouted,
)

if TYPE_CHECKING:
    from support.api import Api

UNKNOWN = "0123456789abcdef" * 2
NO_INDICES = ("-1", "1.5", "one", " ", "0x1", "1e3", "null", "9223372036854775808", "9" * 19, "9" * 40)


@pytest.fixture
async def service(api: Api) -> dict[str, Any]:
    return await api.a_service()


@pytest.fixture
async def channel(api: Api, service: dict[str, Any]) -> dict[str, Any]:
    return await api.a_channel(service)


def members(channel: dict[str, Any], version: str = "v2") -> str:
    return f"/{version}/Services/{channel['service_sid']}/Channels/{channel['sid']}/Members"


def at(member: dict[str, Any], version: str = "v2") -> str:
    channel = f"/{version}/Services/{member['service_sid']}/Channels/{member['channel_sid']}"
    return f"{channel}/Members/{member['sid']}"


async def counted(api: Api, channel: dict[str, Any]) -> int:
    return (await api.get(channel["url"])).json["members_count"]


async def joined(api: Api, service: dict[str, Any], identity: str = "alice") -> int:
    path = f"/v2/Services/{service['sid']}/Users/{segment(identity)}"
    return (await api.get(path)).json["joined_channels_count"]


async def identities(api: Api, service: dict[str, Any]) -> list[str]:
    return [user["identity"] for user in await listed(api, f"/v2/Services/{service['sid']}/Users")]


# Fields


@pytest.mark.parametrize(("version", "more"), [("v1", {}), ("v2", {"attributes": "{}"})])
async def test_a_new_member_has_every_field_with_its_default(
    api: Api, service: dict[str, Any], channel: dict[str, Any], version: str, more: dict[str, str]
) -> None:
    made = await api.post(members(channel, version), Identity="alice")

    assert made.status == 201
    member = made.json
    assert re.fullmatch(r"MB[0-9a-f]{32}", member["sid"])
    assert member == {
        "sid": member["sid"],
        "account_sid": api.account_sid,
        "channel_sid": channel["sid"],
        "service_sid": service["sid"],
        "identity": "alice",
        "role_sid": service["default_channel_role_sid"],
        "last_consumed_message_index": None,
        "last_consumption_timestamp": None,
        "date_created": member["date_created"],
        "date_updated": member["date_created"],
        "url": f"{api.base}{members(channel, version)}/{member['sid']}",
        **more,
    }


@in_both_versions
async def test_a_member_that_is_fetched_or_listed_is_as_it_was_created(
    api: Api, channel: dict[str, Any], version: str
) -> None:
    member = await api.a_member(channel, version=version)

    fetched = await api.get(at(member, version))

    assert (fetched.status, fetched.json) == (200, member)
    assert await listed(api, members(channel, version)) == [member]


async def test_a_member_is_made_with_what_is_given(
    api: Api, service: dict[str, Any], channel: dict[str, Any]
) -> None:
    role = await api.a_role(service)
    await api.a_message(channel)

    member = await api.a_member(
        channel,
        RoleSid=role["sid"],
        Attributes='{"seat": 1}',
        LastConsumedMessageIndex=0,
        LastConsumptionTimestamp="2016-01-02T03:04:05Z",
        DateCreated="2015-07-30T20:00:00Z",
        DateUpdated="2015-07-31T20:00:00Z",
    )

    assert member["role_sid"] == role["sid"]
    assert member["attributes"] == '{"seat": 1}'
    assert member["last_consumed_message_index"] == 0
    assert member["last_consumption_timestamp"] == "2016-01-02T03:04:05Z"
    assert member["date_created"] == "2015-07-30T20:00:00Z"
    assert member["date_updated"] == "2015-07-31T20:00:00Z"
    assert (await api.get(at(member))).json == member


async def test_what_only_v2_takes_is_ignored_in_v1_even_when_it_is_bad(
    api: Api, channel: dict[str, Any]
) -> None:
    await api.a_message(channel)
    later_versions = {
        "Attributes": "{",
        "DateCreated": "yesterday",
        "DateUpdated": "2001-01-01T00:00:00Z",
        "LastConsumptionTimestamp": "never",
    }

    made = await api.a_member(channel, version="v1", LastConsumedMessageIndex=0, **later_versions)
    changed = await api.post(at(made, "v1"), **later_versions)

    assert changed.status == 200
    for member in (made, changed.json):
        assert member["last_consumed_message_index"] is None
        assert member["last_consumption_timestamp"] is None
        assert member["date_created"] > "2020"
        assert member["date_updated"] > "2020"
    assert (await api.get(at(made))).json["attributes"] == "{}"


# Adding


@in_both_versions
async def test_adding_an_unknown_identity_makes_a_user(
    api: Api, service: dict[str, Any], channel: dict[str, Any], version: str
) -> None:
    await api.a_member(channel, "alice", version=version)

    (user,) = await listed(api, f"/v2/Services/{service['sid']}/Users")

    assert user["identity"] == "alice"
    assert user["role_sid"] == service["default_service_role_sid"]
    assert (user["friendly_name"], user["attributes"]) == (None, "{}")
    assert user["joined_channels_count"] == 1


@in_both_versions
@pytest.mark.parametrize("channel_type", ["public", "private"])
async def test_a_known_user_is_added_as_who_it_is(
    api: Api, service: dict[str, Any], version: str, channel_type: str
) -> None:
    user = await api.a_user(service, FriendlyName="Alice")
    channel = await api.a_channel(service, Type=channel_type)

    await api.a_member(channel, "alice", version=version)

    assert (await api.get(user["url"])).json == {**user, "joined_channels_count": 1}
    assert await counted(api, channel) == 1


@in_both_versions
async def test_a_second_add_is_refused(
    api: Api, service: dict[str, Any], channel: dict[str, Any], version: str
) -> None:
    member = await api.a_member(channel)

    refusal = await api.post(members(channel, version), Identity="alice")

    assert outcome(refusal) == (409, 50404)
    assert refusal.json["message"] == "Member already exists"
    assert await listed(api, members(channel)) == [member]
    assert (await counted(api, channel), await joined(api, service)) == (1, 1)


@in_both_versions
async def test_who_left_may_come_back_as_a_new_member_who_has_read_nothing(
    api: Api, service: dict[str, Any], channel: dict[str, Any], version: str
) -> None:
    await api.a_message(channel)
    role = await api.a_role(service)
    member = await api.a_member(channel, RoleSid=role["sid"], LastConsumedMessageIndex=0, Attributes="[1]")
    await api.delete(at(member))

    again = await api.a_member(channel, version=version)

    assert again["sid"] != member["sid"]
    assert again["role_sid"] == service["default_channel_role_sid"]
    assert (again["last_consumed_message_index"], again["last_consumption_timestamp"]) == (None, None)
    assert (await api.get(at(again))).json["attributes"] == "{}"
    assert outcome(await api.get(at(member))) == (404, 20404)
    assert (await counted(api, channel), await joined(api, service)) == (1, 1)


@pytest.mark.check(24)
@in_both_versions
async def test_a_member_may_have_any_identity(
    api: Api, service: dict[str, Any], channel: dict[str, Any], version: str
) -> None:
    for identity in ODD_NAMES:
        member = await api.a_member(channel, identity, version=version)
        assert member["identity"] == identity

    assert await identities(api, service) == list(ODD_NAMES)


@in_both_versions
async def test_an_identity_is_required(
    api: Api, service: dict[str, Any], channel: dict[str, Any], version: str
) -> None:
    refusal = await api.post(members(channel, version), RoleSid=service["default_channel_role_sid"])

    assert outcome(refusal) == (400, 20001)
    assert refusal.json["message"] == "Missing required parameter Identity in the post body"


@in_both_versions
@pytest.mark.parametrize(
    ("identity", "code"),
    [("", 50204), ("x" * 257, 50207), (f"US{UNKNOWN}", 50206), ("system", 50203), ("SYSTEM", 50203)],
)
async def test_an_identity_that_nobody_may_have_makes_neither_member_nor_user(
    api: Api, channel: dict[str, Any], version: str, identity: str, code: int
) -> None:
    refusal = await api.post(members(channel, version), Identity=identity)

    assert outcome(refusal) == (400, code)
    assert await identities(api, {"sid": channel["service_sid"]}) == []
    assert await counted(api, channel) == 0


@in_both_versions
@pytest.mark.parametrize("identity", ["x" * 256, "🐙" * 256, "MB" + UNKNOWN, "CH" + UNKNOWN])
async def test_an_identity_just_within_the_rules_is_added(
    api: Api, channel: dict[str, Any], version: str, identity: str
) -> None:
    member = await api.a_member(channel, identity, version=version)

    assert member["identity"] == identity
    assert await listed(api, members(channel, version), Identity=identity) == [member]


# Roles


@in_both_versions
async def test_a_member_may_be_given_a_role_in_either_letter_case(
    api: Api, service: dict[str, Any], channel: dict[str, Any], version: str
) -> None:
    role = await api.a_role(service)

    made = await api.a_member(channel, "alice", version=version, RoleSid=shouted(role["sid"]))
    other = await api.a_member(channel, "bob", version=version)
    changed = await api.post(at(other, version), RoleSid=shouted(role["sid"]))

    assert made["role_sid"] == role["sid"]
    assert (changed.status, changed.json["role_sid"]) == (200, role["sid"])
    assert (await api.get(at(other, version))).json["role_sid"] == role["sid"]


@in_both_versions
async def test_a_role_that_is_no_channel_role_of_the_service_is_refused(
    api: Api, stranger: Api, service: dict[str, Any], channel: dict[str, Any], version: str
) -> None:
    member = await api.a_member(channel)
    other, foreign = await api.a_service(), await stranger.a_service()
    wrong = [
        service["default_service_role_sid"],
        other["default_channel_role_sid"],
        foreign["default_channel_role_sid"],
        f"RL{UNKNOWN}",
        member["sid"],
        "channel user",
        "",
    ]

    created = [await api.post(members(channel, version), Identity="bob", RoleSid=sid) for sid in wrong]
    changed = [await api.post(at(member, version), RoleSid=sid) for sid in wrong]

    assert [outcome(answer) for answer in created + changed] == [(400, 50101)] * 14
    assert created[0].json["message"] == "Channel role not found"
    assert await listed(api, members(channel)) == [member]
    assert await identities(api, service) == ["alice"]


async def test_a_member_keeps_the_default_role_that_was_in_force_when_it_was_added(
    api: Api, service: dict[str, Any], channel: dict[str, Any]
) -> None:
    role = await api.a_role(service)
    before = await api.a_member(channel, "before")
    await api.post(f"/v1/Services/{service['sid']}", DefaultChannelRoleSid=role["sid"])

    after = await api.a_member(channel, "after")

    assert after["role_sid"] == role["sid"]
    assert (await api.get(at(before))).json == before


@in_both_versions
async def test_a_member_whose_role_is_deleted_has_the_default_role(
    api: Api, service: dict[str, Any], channel: dict[str, Any], version: str
) -> None:
    role = await api.a_role(service)
    member = await api.a_member(channel, version=version, RoleSid=role["sid"])

    deleted = await api.delete(f"/v1/Services/{service['sid']}/Roles/{role['sid']}")

    assert deleted.status == 204
    expected = {**member, "role_sid": service["default_channel_role_sid"]}
    assert (await api.get(at(member, version))).json == expected
    assert await listed(api, members(channel, version)) == [expected]


# Invites


@in_both_versions
async def test_adding_uses_up_a_pending_invite_and_its_role(
    api: Api, service: dict[str, Any], channel: dict[str, Any], version: str
) -> None:
    role = await api.a_role(service)
    await api.a_user(service)
    invite = await api.an_invite(channel, RoleSid=role["sid"])

    member = await api.a_member(channel, version=version)

    assert member["role_sid"] == role["sid"]
    assert outcome(await api.get(invite["url"])) == (404, 20404)
    assert await listed(api, channel["links"]["invites"]) == []
    assert (await counted(api, channel), await joined(api, service)) == (1, 1)


@in_both_versions
async def test_a_role_that_is_given_wins_over_that_of_the_invite(
    api: Api, service: dict[str, Any], channel: dict[str, Any], version: str
) -> None:
    invited, given = await api.a_role(service), await api.a_role(service)
    await api.a_user(service)
    await api.an_invite(channel, RoleSid=invited["sid"])

    member = await api.a_member(channel, version=version, RoleSid=given["sid"])

    assert member["role_sid"] == given["sid"]
    assert await listed(api, channel["links"]["invites"]) == []


async def test_an_invite_whose_role_is_deleted_makes_a_member_with_the_default_role(
    api: Api, service: dict[str, Any], channel: dict[str, Any]
) -> None:
    role = await api.a_role(service)
    await api.a_user(service)
    await api.an_invite(channel, RoleSid=role["sid"])
    await api.delete(f"/v1/Services/{service['sid']}/Roles/{role['sid']}")

    member = await api.a_member(channel)

    assert member["role_sid"] == service["default_channel_role_sid"]


async def test_adding_leaves_the_invites_of_others_and_to_other_channels(
    api: Api, service: dict[str, Any], channel: dict[str, Any]
) -> None:
    other = await api.a_channel(service)
    await api.a_user(service, "alice")
    await api.a_user(service, "bob")
    await api.an_invite(channel, "alice")
    bobs, elsewhere = await api.an_invite(channel, "bob"), await api.an_invite(other, "alice")

    await api.a_member(channel, "alice")

    assert await listed(api, channel["links"]["invites"]) == [bobs]
    assert await listed(api, other["links"]["invites"]) == [elsewhere]


# Limits


@in_both_versions
async def test_a_full_channel_takes_nobody_and_makes_no_user(api: Api, version: str) -> None:
    service = await api.a_service(Limits__ChannelMembers=2)
    channel = await api.a_channel(service)
    for name in "ab":
        await api.a_member(channel, name)

    refusal = await api.post(members(channel, version), Identity="c")

    assert outcome(refusal) == (403, 50403)
    assert refusal.json["message"] == "Channel member limit exceeded"
    assert await identities(api, service) == ["a", "b"]
    assert await counted(api, channel) == 2
    assert len(await listed(api, members(channel))) == 2


@in_both_versions
async def test_a_user_in_too_many_channels_is_not_added_to_another(api: Api, version: str) -> None:
    service = await api.a_service(Limits__UserChannels=2)
    for _ in range(2):
        await api.a_member(await api.a_channel(service))
    channel = await api.a_channel(service)

    refusal = await api.post(members(channel, version), Identity="alice")

    assert outcome(refusal) == (403, 50208)
    assert refusal.json["message"] == "User channel limit exceeded"
    assert await joined(api, service) == 2
    assert await counted(api, channel) == 0
    assert await listed(api, members(channel)) == []


async def test_a_place_that_becomes_free_can_be_taken(api: Api) -> None:
    service = await api.a_service(Limits__ChannelMembers=1, Limits__UserChannels=1)
    full, other = await api.a_channel(service), await api.a_channel(service)
    alice, _ = await api.a_member(full, "alice"), await api.a_member(other, "bob")

    await api.delete(at(alice))
    await api.delete(other["url"])

    assert (await api.post(members(full), Identity="bob")).status == 201


async def test_a_lowered_limit_only_blocks_further_members(api: Api) -> None:
    service = await api.a_service()
    channel = await api.a_channel(service)
    made = [await api.a_member(channel, name) for name in "abc"]

    lowered = await api.post(
        f"/v1/Services/{service['sid']}", Limits__ChannelMembers=1, Limits__UserChannels=1
    )

    assert lowered.status == 200
    assert await listed(api, members(channel)) == made
    assert outcome(await api.post(members(channel), Identity="d")) == (403, 50403)
    await api.delete(at(made[0]))
    assert outcome(await api.post(members(channel), Identity="d")) == (403, 50403)


async def test_invites_count_against_no_limit(api: Api) -> None:
    service = await api.a_service(Limits__ChannelMembers=1, Limits__UserChannels=1)
    full, other = await api.a_channel(service), await api.a_channel(service)
    await api.a_user(service, "bob")

    made = [await api.an_invite(full, "bob"), await api.an_invite(other, "bob")]
    member = await api.a_member(full, "alice")

    assert len(made) == 2
    assert member["identity"] == "alice"


async def test_an_invite_that_finds_no_room_stays(api: Api) -> None:
    service = await api.a_service(Limits__ChannelMembers=1)
    channel = await api.a_channel(service)
    await api.a_user(service, "bob")
    invite = await api.an_invite(channel, "bob")
    await api.a_member(channel, "alice")

    refusal = await api.post(members(channel), Identity="bob")

    assert outcome(refusal) == (403, 50403)
    assert await listed(api, channel["links"]["invites"]) == [invite]


async def test_a_full_channel_and_a_full_user_are_told_apart_from_a_second_add(api: Api) -> None:
    service = await api.a_service(Limits__ChannelMembers=1, Limits__UserChannels=1)
    channel = await api.a_channel(service)
    await api.a_member(channel, "alice")

    refusal = await api.post(members(channel), Identity="alice")

    assert outcome(refusal) == (409, 50404)


# Addresses


@in_both_versions
async def test_a_member_is_found_by_a_sid_in_either_letter_case(
    api: Api, channel: dict[str, Any], version: str
) -> None:
    member = await api.a_member(channel, version=version)

    for name in (shouted(member["sid"]), member["sid"].upper(), member["sid"].lower()):
        fetched = await api.get(f"{members(channel, version)}/{name}")
        assert (fetched.status, fetched.json) == (200, member)


@in_both_versions
@pytest.mark.parametrize("identity", ODD_NAMES)
async def test_a_member_is_found_by_any_identity_that_a_path_can_hold(
    api: Api, channel: dict[str, Any], version: str, identity: str
) -> None:
    other = await api.a_member(channel, "somebody else")
    member = await api.a_member(channel, identity, version=version)
    path = f"{members(channel, version)}/{segment(identity)}"

    fetched = await api.get(path)
    changed = await api.post(path, LastConsumedMessageIndex=0)
    deleted = await api.delete(path)

    assert (fetched.status, fetched.json) == (200, member)
    assert (changed.json["sid"], changed.json["url"]) == (member["sid"], member["url"])
    assert deleted.status == 204
    assert await listed(api, members(channel)) == [other]


@in_both_versions
@pytest.mark.parametrize("name", [f"MB{UNKNOWN}", f"US{UNKNOWN}", "nobody", "ALICE", "%C3%A9"])
async def test_a_member_that_does_not_exist_is_not_found(
    api: Api, channel: dict[str, Any], version: str, name: str
) -> None:
    member = await api.a_member(channel)
    path = f"/Services/{channel['service_sid']}/Channels/{channel['sid']}/Members/{name}"

    answer = await api.get(f"/{version}{path}")

    assert await outcomes(api, f"/{version}{path}") == NOWHERE
    assert answer.json["message"] == f"The requested resource {path} was not found"
    assert await listed(api, members(channel)) == [member]


@in_both_versions
async def test_a_member_is_not_found_by_the_sid_of_its_user(
    api: Api, service: dict[str, Any], channel: dict[str, Any], version: str
) -> None:
    user = await api.a_user(service)
    await api.a_member(channel)

    assert await outcomes(api, f"{members(channel, version)}/{user['sid']}") == NOWHERE


@pytest.mark.check(16)
@in_both_versions
async def test_a_member_is_found_in_its_own_channel_only(
    api: Api, service: dict[str, Any], channel: dict[str, Any], version: str
) -> None:
    member, other = await api.a_member(channel), await api.a_channel(service)
    await api.a_user(service, "bob")

    for name in (member["sid"], "alice", "bob"):
        assert await outcomes(api, f"{members(other, version)}/{name}") == NOWHERE
    assert (await api.get(at(member))).json == member
    assert await counted(api, channel) == 1


@pytest.mark.check(16)
@in_both_versions
async def test_a_member_is_found_by_its_own_account_only(
    api: Api, stranger: Api, channel: dict[str, Any], version: str
) -> None:
    member = await api.a_member(channel)

    assert await outcomes(stranger, at(member, version)) == NOWHERE
    assert outcome(await stranger.get(members(channel, version))) == (404, 20404)
    assert (await api.get(at(member))).json == member


# Changes


@in_both_versions
async def test_an_update_of_nothing_changes_the_date_alone(
    api: Api, channel: dict[str, Any], monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    member = await api.a_member(channel, version=version)
    later(monkeypatch)

    changed = await api.post(at(member, version), Identity="bob", Colour="blue")

    assert changed.status == 200
    assert changed.json["date_updated"] > member["date_updated"]
    assert changed.json == {**member, "date_updated": changed.json["date_updated"]}
    assert (await api.get(at(member, version))).json == changed.json


async def test_an_update_of_v2_changes_what_it_names(
    api: Api, service: dict[str, Any], channel: dict[str, Any]
) -> None:
    role = await api.a_role(service)
    member = await api.a_member(channel)
    await api.a_message(channel)

    changed = await api.post(
        at(member),
        RoleSid=role["sid"],
        Attributes="[1]",
        LastConsumedMessageIndex=0,
        LastConsumptionTimestamp="2016-01-02T03:04:05Z",
        DateCreated="2015-07-30T20:00:00Z",
        DateUpdated="2015-07-31T20:00:00Z",
    )

    assert changed.status == 200
    assert changed.json == {
        **member,
        "role_sid": role["sid"],
        "attributes": "[1]",
        "last_consumed_message_index": 0,
        "last_consumption_timestamp": "2016-01-02T03:04:05Z",
        "date_created": "2015-07-30T20:00:00Z",
        "date_updated": "2015-07-31T20:00:00Z",
    }
    assert (await api.get(at(member))).json == changed.json


@in_both_versions
async def test_an_update_that_is_refused_changes_nothing(
    api: Api, channel: dict[str, Any], version: str
) -> None:
    member = await api.a_member(channel, version=version)

    refusal = await api.post(at(member, version), LastConsumedMessageIndex=0, RoleSid=f"RL{UNKNOWN}")

    assert outcome(refusal) == (400, 50101)
    assert (await api.get(at(member, version))).json == member


@pytest.mark.parametrize("attributes", JSON_TEXTS)
async def test_attributes_are_json_of_any_type_kept_as_it_came(
    api: Api, channel: dict[str, Any], attributes: str
) -> None:
    made = await api.a_member(channel, Attributes=attributes)
    changed = await api.post(at(made), Attributes=f" {attributes}")

    assert made["attributes"] == attributes
    assert changed.json["attributes"] == f" {attributes}"
    assert await listed(api, members(channel)) == [changed.json]


@pytest.mark.check(22)
@pytest.mark.parametrize(
    ("attributes", "code"), [*((text, 50304) for text in NO_JSON), (f'"{"é" * 8191}x"', 50303)]
)
async def test_attributes_that_are_no_json_or_too_long_are_refused(
    api: Api, channel: dict[str, Any], attributes: str, code: int
) -> None:
    member = await api.a_member(channel)

    refusals = [
        await api.post(members(channel), Identity="bob", Attributes=attributes),
        await api.post(at(member), Attributes=attributes),
    ]

    assert [outcome(refusal) for refusal in refusals] == [(400, code)] * 2
    assert await listed(api, members(channel)) == [member]


async def test_empty_attributes_are_none(api: Api, channel: dict[str, Any]) -> None:
    made = await api.a_member(channel, Attributes="")
    await api.post(at(made), Attributes="[1]")

    changed = await api.post(at(made), Attributes="")

    assert made["attributes"] == "{}"
    assert changed.json["attributes"] == "{}"


@pytest.mark.parametrize(("given", "shown"), MOMENTS.items())
async def test_v2_is_told_when_a_member_came_changed_and_read(
    api: Api, channel: dict[str, Any], given: str, shown: str
) -> None:
    names = ("DateCreated", "DateUpdated", "LastConsumptionTimestamp")
    moments = dict.fromkeys(names, given)
    made = await api.a_member(channel, **moments)
    other = await api.a_member(channel, "bob")

    changed = await api.post(at(other), **moments)

    for member in (made, changed.json, (await api.get(at(other))).json):
        assert member["date_created"] == shown
        assert member["date_updated"] == shown
        assert member["last_consumption_timestamp"] == shown


@pytest.mark.parametrize(
    ("name", "code"),
    [("DateCreated", 50308), ("DateUpdated", 50309), ("LastConsumptionTimestamp", 50405)],
)
@pytest.mark.parametrize("moment", NO_MOMENTS)
async def test_a_date_of_a_member_that_is_none_is_refused(
    api: Api, channel: dict[str, Any], name: str, code: int, moment: str
) -> None:
    member = await api.a_member(channel)

    refusals = [
        await api.post(members(channel), Identity="bob", **{name: moment}),
        await api.post(at(member), **{name: moment}),
    ]

    assert [outcome(refusal) for refusal in refusals] == [(400, code)] * 2
    assert await listed(api, members(channel)) == [member]


# The read horizon


@in_both_versions
async def test_a_horizon_moves_forward_and_back_and_is_dated(
    api: Api, channel: dict[str, Any], monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    member = await api.a_member(channel, version=version)
    for _ in range(4):
        await api.a_message(channel)
    later(monkeypatch)

    moves = [
        (await api.post(at(member, version), LastConsumedMessageIndex=index)).json for index in (2, 3, 0)
    ]

    assert [move["last_consumed_message_index"] for move in moves] == [2, 3, 0]
    for move in moves:
        assert move["last_consumption_timestamp"] > member["date_created"]
        assert move["date_updated"] > member["date_updated"]
    assert (await api.get(at(member, version))).json == moves[-1]


@in_both_versions
@pytest.mark.parametrize("index", ["4", "100", "9223372036854775807"])
async def test_a_horizon_beyond_the_last_message_is_at_the_last_message(
    api: Api, channel: dict[str, Any], version: str, index: str
) -> None:
    member = await api.a_member(channel)
    for _ in range(4):
        await api.a_message(channel)

    changed = await api.post(at(member, version), LastConsumedMessageIndex=index)

    assert changed.json["last_consumed_message_index"] == 3


@in_both_versions
async def test_a_horizon_in_an_empty_channel_is_at_0(api: Api, channel: dict[str, Any], version: str) -> None:
    member = await api.a_member(channel)

    changed = await api.post(at(member, version), LastConsumedMessageIndex=7)

    assert changed.json["last_consumed_message_index"] == 0
    assert changed.json["last_consumption_timestamp"] is not None


async def test_a_member_may_be_added_with_a_horizon(api: Api, channel: dict[str, Any]) -> None:
    for _ in range(3):
        await api.a_message(channel)

    alice = await api.a_member(channel, "alice", LastConsumedMessageIndex=1)
    bob = await api.a_member(channel, "bob", LastConsumedMessageIndex=9)
    carol = await api.a_member(channel, "carol", LastConsumedMessageIndex="")

    assert alice["last_consumed_message_index"] == 1
    assert alice["last_consumption_timestamp"] == alice["date_created"]
    assert bob["last_consumed_message_index"] == 2
    assert carol["last_consumed_message_index"] is None
    assert carol["last_consumption_timestamp"] is None


@in_both_versions
async def test_an_empty_index_forgets_the_horizon(api: Api, channel: dict[str, Any], version: str) -> None:
    await api.a_message(channel)
    member = await api.a_member(channel, LastConsumedMessageIndex=0)

    changed = await api.post(at(member, version), LastConsumedMessageIndex="")

    assert changed.json["last_consumed_message_index"] is None
    assert changed.json["last_consumption_timestamp"] is None


async def test_a_horizon_may_be_dated_without_moving(api: Api, channel: dict[str, Any]) -> None:
    await api.a_message(channel)
    member = await api.a_member(channel, LastConsumedMessageIndex=0)

    changed = await api.post(at(member), LastConsumptionTimestamp="2016-01-02T03:04:05Z")

    assert changed.json["last_consumed_message_index"] == 0
    assert changed.json["last_consumption_timestamp"] == "2016-01-02T03:04:05Z"


@in_both_versions
@pytest.mark.parametrize("index", NO_INDICES)
async def test_an_index_that_is_no_whole_number_from_0_is_refused(
    api: Api, channel: dict[str, Any], version: str, index: str
) -> None:
    member = await api.a_member(channel)

    refusal = await api.post(at(member, version), LastConsumedMessageIndex=index)

    assert outcome(refusal) == (400, 50406)
    assert (await api.get(at(member))).json == member


@pytest.mark.parametrize("index", NO_INDICES)
async def test_nobody_is_added_with_an_index_that_is_no_whole_number_from_0(
    api: Api, service: dict[str, Any], channel: dict[str, Any], index: str
) -> None:
    refusal = await api.post(members(channel), Identity="alice", LastConsumedMessageIndex=index)

    assert outcome(refusal) == (400, 50406)
    assert await identities(api, service) == []


async def test_reading_and_writing_messages_never_moves_a_horizon(api: Api, channel: dict[str, Any]) -> None:
    member = await api.a_member(channel)

    message = await api.a_message(channel, From="alice")
    await api.get(message["url"])
    await api.get(channel["links"]["messages"])

    assert (await api.get(at(member))).json == member


@in_both_versions
async def test_a_horizon_is_kept_although_read_status_is_off(api: Api, version: str) -> None:
    service = await api.a_service(ReadStatusEnabled="false")
    channel = await api.a_channel(service)
    member = await api.a_member(channel)
    await api.a_message(channel)

    changed = await api.post(at(member, version), LastConsumedMessageIndex=0)

    assert changed.json["last_consumed_message_index"] == 0
    assert (await api.get(at(member, version))).json == changed.json


async def test_a_horizon_stays_where_its_message_was_deleted(api: Api, channel: dict[str, Any]) -> None:
    messages = [await api.a_message(channel) for _ in range(3)]
    member = await api.a_member(channel, LastConsumedMessageIndex=2)

    for message in messages:
        await api.delete(message["url"])

    assert (await api.get(at(member))).json["last_consumed_message_index"] == 2


# Removing


@in_both_versions
async def test_a_removed_member_is_gone_and_the_user_and_the_messages_stay(
    api: Api, service: dict[str, Any], channel: dict[str, Any], version: str
) -> None:
    member, other = await api.a_member(channel), await api.a_member(channel, "bob")
    message = await api.a_message(channel, From="alice")

    removed = await api.delete(at(member, version))

    assert (removed.status, removed.body) == (204, b"")
    assert await outcomes(api, at(member, version)) == NOWHERE
    assert await outcomes(api, f"{members(channel, version)}/alice") == NOWHERE
    assert await listed(api, members(channel)) == [other]
    assert (await api.get(message["url"])).json == message
    assert await identities(api, service) == ["alice", "bob"]


async def test_counts_follow_every_coming_and_going(api: Api, service: dict[str, Any]) -> None:
    one, two = await api.a_channel(service), await api.a_channel(service)

    counts = [(await counted(api, one), await counted(api, two))]
    first = await api.a_member(one)
    counts.append((await counted(api, one), await joined(api, service)))
    await api.a_member(two)
    counts.append((await counted(api, two), await joined(api, service)))
    await api.delete(at(first))
    counts.append((await counted(api, one), await joined(api, service)))
    await api.delete(two["url"])
    counts.append((await counted(api, one), await joined(api, service)))

    assert counts == [(0, 0), (1, 1), (1, 2), (0, 1), (0, 0)]


# What is judged first


@in_both_versions
async def test_what_the_path_names_is_judged_before_the_body(
    api: Api, service: dict[str, Any], channel: dict[str, Any], version: str
) -> None:
    nowhere = f"/{version}/Services/{service['sid']}/Channels/CH{UNKNOWN}/Members"

    answers = [
        await api.post(nowhere),
        await api.post(nowhere, Identity="system", RoleSid="wrong"),
        await api.get(nowhere, PageSize=0),
        await api.post(f"{members(channel, version)}/nobody", LastConsumedMessageIndex="x"),
        await api.post(f"{members(channel, version)}/nobody", RoleSid="wrong"),
    ]

    assert [outcome(answer) for answer in answers] == [(404, 20404)] * 5


async def test_refusals_come_in_their_order(api: Api) -> None:
    service = await api.a_service(Limits__ChannelMembers=1)
    channel = await api.a_channel(service)
    await api.a_member(channel, "alice")
    role = f"RL{UNKNOWN}"

    refusals = [
        await api.post(members(channel), RoleSid=role, Attributes="{"),
        await api.post(members(channel), Identity="alice", RoleSid=role, Attributes="{"),
        await api.post(members(channel), Identity="alice", RoleSid=role),
        await api.post(members(channel), Identity="alice"),
        await api.post(members(channel), Identity="bob"),
    ]

    assert [outcome(refusal) for refusal in refusals] == [
        (400, 20001),
        (400, 50304),
        (400, 50101),
        (409, 50404),
        (403, 50403),
    ]


# Lists


@in_both_versions
async def test_members_are_listed_oldest_first_in_pages_of_any_size(
    api: Api, service: dict[str, Any], channel: dict[str, Any], version: str
) -> None:
    made = [await api.a_member(channel, name, version=version) for name in "ebdac"]
    await api.a_member(await api.a_channel(service), "elsewhere")

    await assert_paged(api, members(channel, version), made)


@in_both_versions
async def test_members_of_some_identities_are_listed_in_pages_that_keep_the_filter(
    api: Api, channel: dict[str, Any], version: str
) -> None:
    names = ["a b", "c&d", "é", "e", "A B", "f"]
    made = [await api.a_member(channel, name, version=version) for name in names]
    query = "Identity=e&Identity=%C3%A9&Identity=a%20b&Identity=nobody&Identity=c%26d&Identity=e&"

    await assert_paged(api, members(channel, version), made[:4], query)


@in_both_versions
async def test_a_filter_that_nobody_meets_finds_nobody(
    api: Api, service: dict[str, Any], channel: dict[str, Any], version: str
) -> None:
    await api.a_member(channel, "alice")
    await api.a_user(service, "bob")

    for identity in ("bob", "ALICE", "alic"):
        assert await listed(api, members(channel, version), Identity=identity) == []


@in_both_versions
async def test_a_filter_that_is_empty_filters_nothing(
    api: Api, channel: dict[str, Any], version: str
) -> None:
    await api.a_member(channel, "alice")

    found = await listed(api, members(channel, version), Identity="")

    assert [member["identity"] for member in found] == ["alice"]


@in_both_versions
async def test_a_member_whose_identity_looks_like_a_member_sid_is_found_by_it(
    api: Api, channel: dict[str, Any], version: str
) -> None:
    identity = "MB" + "0" * 32
    member = await api.a_member(channel, identity)

    found = await api.get(f"{members(channel, version)}/{identity}")

    assert found.json["sid"] == member["sid"]


@in_both_versions
async def test_a_channel_without_members_has_one_empty_page(
    api: Api, channel: dict[str, Any], version: str
) -> None:
    page = (await api.get(members(channel, version))).json

    assert page["members"] == []
    assert page["meta"]["key"] == "members"
    assert (page["meta"]["previous_page_url"], page["meta"]["next_page_url"]) == (None, None)


@pytest.mark.parametrize(("version", "most"), [("v1", 1000), ("v2", 100)])
async def test_a_page_of_members_has_at_most_what_its_version_allows(
    api: Api, channel: dict[str, Any], version: str, most: int
) -> None:
    sizes = [
        (await api.get(members(channel, version), PageSize=size)).json["meta"]["page_size"]
        for size in (most, most + 1, 5000)
    ]

    assert sizes == [most, most, most]


@in_both_versions
async def test_members_that_come_and_go_while_a_list_is_read_make_it_neither_skip_nor_repeat(
    api: Api, channel: dict[str, Any], version: str
) -> None:
    made = [await api.a_member(channel, f"user {number}") for number in range(6)]
    found: list[str] = []
    url: str | None = f"{members(channel, version)}?PageSize=2"

    while url is not None:
        page = (await api.get(url)).json
        found += [member["sid"] for member in records(page)]
        await api.delete(f"{members(channel)}/{found[-1]}")
        if len(made) < 9:
            made.append(await api.a_member(channel, f"user {len(made)}"))
        url = page["meta"]["next_page_url"]

    assert found == [member["sid"] for member in made]
