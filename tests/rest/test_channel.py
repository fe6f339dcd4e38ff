"""Channels over REST. Source: chat-v1 Channel, chat-v2 Channel."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from chinwag.settings import Settings
from rest.shared import (
    JSON_TEXTS,
    MOMENTS,
    NO_JSON,
    NO_MOMENTS,
    NOWHERE,
    ODD_NAMES,
    as_listed,
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
from support.api import Api
from support.server import running_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

UNKNOWN = "0123456789abcdef" * 2
BELOW = ("Members", "Invites", "Messages")


@pytest.fixture
async def service(api: Api) -> dict[str, Any]:
    return await api.a_service()


def channels(service: dict[str, Any], version: str = "v2") -> str:
    return f"/{version}/Services/{service['sid']}/Channels"


def at(channel: dict[str, Any], version: str = "v2") -> str:
    return f"/{version}/Services/{channel['service_sid']}/Channels/{channel['sid']}"


# Fields


@pytest.mark.parametrize(("version", "more"), [("v1", {}), ("v2", {"webhooks": "/Webhooks"})])
async def test_a_new_channel_has_every_field_with_its_default(
    api: Api, service: dict[str, Any], version: str, more: dict[str, str]
) -> None:
    made = await api.post(channels(service, version))

    assert made.status == 201
    channel = made.json
    assert re.fullmatch(r"CH[0-9a-f]{32}", channel["sid"])
    url = f"{api.base}/{version}/Services/{service['sid']}/Channels/{channel['sid']}"
    assert channel == {
        "sid": channel["sid"],
        "account_sid": api.account_sid,
        "service_sid": service["sid"],
        "friendly_name": None,
        "unique_name": None,
        "attributes": "{}",
        "type": "public",
        "created_by": "system",
        "members_count": 0,
        "messages_count": 0,
        "date_created": channel["date_created"],
        "date_updated": channel["date_created"],
        "url": url,
        "links": {
            "members": f"{url}/Members",
            "messages": f"{url}/Messages",
            "invites": f"{url}/Invites",
            "last_message": None,
            **{name: url + path for name, path in more.items()},
        },
    }


@in_both_versions
async def test_a_channel_is_made_with_what_is_given(api: Api, service: dict[str, Any], version: str) -> None:
    channel = await api.a_channel(
        service,
        version=version,
        FriendlyName="The Lobby",
        UniqueName="lobby",
        Attributes='{"floor": 0}',
        Type="private",
    )

    assert channel["friendly_name"] == "The Lobby"
    assert channel["unique_name"] == "lobby"
    assert channel["attributes"] == '{"floor": 0}'
    assert channel["type"] == "private"


@in_both_versions
async def test_a_channel_that_is_fetched_is_as_it_was_created(
    api: Api, service: dict[str, Any], version: str
) -> None:
    channel = await api.a_channel(service, version=version, UniqueName="lobby", Attributes="[1]")

    fetched = await api.get(at(channel, version))

    assert fetched.status == 200
    assert fetched.json == channel


async def test_attributes_are_null_in_lists_of_v1_alone(api: Api, service: dict[str, Any]) -> None:
    channel = await api.a_channel(service, Attributes="[1]")

    assert [found["attributes"] for found in await listed(api, channels(service, "v1"))] == [None]
    assert (await api.get(at(channel, "v1"))).json["attributes"] == "[1]"
    assert [found["attributes"] for found in await listed(api, channels(service, "v2"))] == ["[1]"]


@in_both_versions
async def test_the_last_message_is_that_of_the_highest_index(
    api: Api, service: dict[str, Any], version: str
) -> None:
    channel = await api.a_channel(service)
    messages = [await api.a_message(channel, version=version) for _ in range(3)]

    shown = [(await api.get(at(channel, version))).json["links"]["last_message"]]
    for message in (messages[0], messages[2], messages[1]):
        await api.delete(message["url"])
        shown.append((await api.get(at(channel, version))).json["links"]["last_message"])

    assert shown == [messages[2]["url"], messages[2]["url"], messages[1]["url"], None]
    assert (await listed(api, channels(service, version)))[0]["links"]["last_message"] is None


@in_both_versions
async def test_members_and_messages_are_counted_exactly(
    api: Api, service: dict[str, Any], version: str
) -> None:
    channel = await api.a_channel(service)
    await api.a_user(service, "invited")
    await api.an_invite(channel, "invited")
    members = [await api.a_member(channel, name) for name in "abc"]
    messages = [await api.a_message(channel) for _ in range(4)]
    await api.delete(members[0]["url"])
    for message in messages[2:]:
        await api.delete(message["url"])

    fetched = (await api.get(at(channel, version))).json
    (found,) = await listed(api, channels(service, version))

    assert (fetched["members_count"], fetched["messages_count"]) == (2, 2)
    assert (found["members_count"], found["messages_count"]) == (2, 2)


# Addresses


@in_both_versions
async def test_a_channel_is_found_by_a_sid_in_either_letter_case(
    api: Api, service: dict[str, Any], version: str
) -> None:
    channel = await api.a_channel(service, version=version)

    for name in (shouted(channel["sid"]), channel["sid"].upper(), channel["sid"].lower()):
        fetched = await api.get(f"{channels(service, version)}/{name}")
        assert (fetched.status, fetched.json) == (200, channel)


@pytest.mark.check(24)
@in_both_versions
@pytest.mark.parametrize("unique_name", ODD_NAMES)
async def test_a_channel_is_found_by_any_unique_name_that_a_path_can_hold(
    api: Api, service: dict[str, Any], version: str, unique_name: str
) -> None:
    await api.a_channel(service, UniqueName="another")
    channel = await api.a_channel(service, version=version, UniqueName=unique_name)
    path = f"{channels(service, version)}/{segment(unique_name)}"

    fetched = await api.get(path)
    changed = await api.post(path, FriendlyName="Found")
    deleted = await api.delete(path)

    assert channel["unique_name"] == unique_name
    assert (fetched.status, fetched.json) == (200, channel)
    assert (changed.json["sid"], changed.json["url"]) == (channel["sid"], channel["url"])
    assert deleted.status == 204
    assert [left["unique_name"] for left in await listed(api, channels(service))] == ["another"]


@in_both_versions
@pytest.mark.parametrize("unique_name", ODD_NAMES)
async def test_what_is_in_a_channel_is_found_through_its_unique_name(
    api: Api, service: dict[str, Any], version: str, unique_name: str
) -> None:
    channel = await api.a_channel(service, UniqueName=unique_name)
    path = f"{channels(service, version)}/{segment(unique_name)}"
    await api.a_user(service, "bob")

    made = [
        await api.post(f"{path}/Members", Identity="alice"),
        await api.post(f"{path}/Invites", Identity="bob"),
        await api.post(f"{path}/Messages", Body="hello"),
    ]
    found = [await listed(api, f"{path}/{below}") for below in BELOW]
    fetched = [
        await api.get(f"{path}/{below}/{answer.json['sid']}")
        for below, answer in zip(BELOW, made, strict=True)
    ]

    assert [answer.status for answer in made] == [201] * 3
    assert [[record["sid"] for record in records] for records in found] == [
        [answer.json["sid"]] for answer in made
    ]
    assert [answer.json for answer in fetched] == [answer.json for answer in made]
    for below, answer in zip(BELOW, made, strict=True):
        assert answer.json["channel_sid"] == channel["sid"]
        assert answer.json["url"] == f"{api.base}{at(channel, version)}/{below}/{answer.json['sid']}"


@in_both_versions
async def test_what_is_in_a_channel_is_found_through_its_sid_in_either_letter_case(
    api: Api, service: dict[str, Any], version: str
) -> None:
    channel = await api.a_channel(service)
    member = await api.a_member(channel, version=version)
    path = f"{channels(service, version)}/{shouted(channel['sid'])}/Members"

    assert await listed(api, path) == [member]
    assert (await api.get(f"{path}/{shouted(member['sid'])}")).json == member


@in_both_versions
@pytest.mark.parametrize("name", [f"CH{UNKNOWN}", f"US{UNKNOWN}", "nowhere", "LOBBY", "%C3%A9", "a%2Fb"])
async def test_a_channel_that_does_not_exist_is_not_found(
    api: Api, service: dict[str, Any], version: str, name: str
) -> None:
    channel = await api.a_channel(service, UniqueName="lobby")
    path = f"/Services/{service['sid']}/Channels/{name}"

    answer = await api.get(f"/{version}{path}")

    assert await outcomes(api, f"/{version}{path}") == NOWHERE
    assert answer.json["message"] == f"The requested resource {path} was not found"
    for below in BELOW:
        refusals = [await api.get(f"/{version}{path}/{below}"), await api.post(f"/{version}{path}/{below}")]
        assert [outcome(refusal) for refusal in refusals] == [(404, 20404)] * 2
        assert refusals[1].json["message"] == f"The requested resource {path}/{below} was not found"
    assert await listed(api, channels(service)) == [channel]


@pytest.mark.check(16)
@in_both_versions
async def test_a_channel_is_found_in_its_own_service_only(
    api: Api, service: dict[str, Any], version: str
) -> None:
    channel, other = await api.a_channel(service, UniqueName="lobby"), await api.a_service()

    for name in (channel["sid"], "lobby"):
        path = f"{channels(other, version)}/{name}"
        assert await outcomes(api, path) == NOWHERE
        assert [outcome(await api.get(f"{path}/{below}")) for below in BELOW] == NOWHERE
    assert await listed(api, channels(other, version)) == []
    assert (await api.get(at(channel))).json == channel


@pytest.mark.check(16)
@in_both_versions
async def test_a_channel_is_found_by_its_own_account_only(
    api: Api, stranger: Api, service: dict[str, Any], version: str
) -> None:
    channel = await api.a_channel(service)
    path = at(channel, version)

    assert await outcomes(stranger, path) == NOWHERE
    assert [outcome(await stranger.get(f"{path}/{below}")) for below in BELOW] == NOWHERE
    assert outcome(await stranger.post(f"{path}/Members", Identity="spy")) == (404, 20404)
    assert outcome(await stranger.get(channels(service, version))) == (404, 20404)
    assert outcome(await stranger.post(channels(service, version))) == (404, 20404)
    assert await listed(api, channels(service)) == [channel]


# What a channel may be given


@pytest.mark.parametrize(("version", "longest"), [("v1", 64), ("v2", 256)])
async def test_a_friendly_name_is_as_long_as_its_version_allows(
    api: Api, service: dict[str, Any], version: str, longest: int
) -> None:
    channel = await api.a_channel(service, version=version, FriendlyName="🐙" * longest)

    refusals = [
        await api.post(channels(service, version), FriendlyName="🐙" * (longest + 1)),
        await api.post(at(channel, version), FriendlyName="🐙" * (longest + 1)),
    ]

    assert channel["friendly_name"] == "🐙" * longest
    assert [outcome(refusal) for refusal in refusals] == [(400, 50003)] * 2
    assert (await api.get(at(channel, version))).json == channel


@in_both_versions
async def test_empty_names_and_attributes_are_none(api: Api, service: dict[str, Any], version: str) -> None:
    empty = {"FriendlyName": "", "UniqueName": "", "Attributes": ""}
    made = await api.a_channel(service, version=version, **empty)
    await api.post(at(made, version), FriendlyName="Lobby", UniqueName="lobby", Attributes="[1]")

    changed = await api.post(at(made, version), **empty)

    for channel in (made, changed.json):
        assert channel["friendly_name"] is None
        assert channel["unique_name"] is None
        assert channel["attributes"] == "{}"
    assert outcome(await api.get(f"{channels(service, version)}/lobby")) == (404, 20404)


@in_both_versions
@pytest.mark.parametrize(
    ("unique_name", "code"),
    [
        ("x" * 257, 50004),
        ("🐙" * 257, 50004),
        (f"CH{UNKNOWN}", 50306),
        (f"CH{UNKNOWN.upper()}", 50306),
        (f"ch{UNKNOWN}", 50306),
    ],
)
async def test_a_unique_name_that_no_channel_may_have_is_refused(
    api: Api, service: dict[str, Any], version: str, unique_name: str, code: int
) -> None:
    channel = await api.a_channel(service)

    refusals = [
        await api.post(channels(service, version), UniqueName=unique_name),
        await api.post(at(channel, version), UniqueName=unique_name),
    ]

    assert [outcome(refusal) for refusal in refusals] == [(400, code)] * 2
    assert await listed(api, channels(service)) == [channel]


@in_both_versions
@pytest.mark.parametrize(
    "unique_name",
    ["x" * 256, "🐙" * 256, f"CH{UNKNOWN[1:]}", f"CH{UNKNOWN}0", f"xCH{UNKNOWN}", "CH" + "g" * 32, "x"],
)
async def test_a_unique_name_just_within_the_rules_is_accepted(
    api: Api, service: dict[str, Any], version: str, unique_name: str
) -> None:
    channel = await api.a_channel(service, version=version, UniqueName=unique_name)

    assert channel["unique_name"] == unique_name
    assert (await api.get(f"{channels(service, version)}/{segment(unique_name)}")).json == channel


@in_both_versions
async def test_a_taken_unique_name_is_refused(api: Api, service: dict[str, Any], version: str) -> None:
    made = [await api.a_channel(service, UniqueName="lobby"), await api.a_channel(service)]

    refusals = [
        await api.post(channels(service, version), UniqueName="lobby"),
        await api.post(at(made[1], version), UniqueName="lobby", FriendlyName="New"),
    ]

    assert [outcome(refusal) for refusal in refusals] == [(409, 50307)] * 2
    assert refusals[0].json["message"] == "Channel with provided unique name already exists"
    assert await listed(api, channels(service)) == made


@in_both_versions
async def test_a_channel_may_be_given_the_unique_name_that_it_has(
    api: Api, service: dict[str, Any], version: str
) -> None:
    channel = await api.a_channel(service, UniqueName="lobby")

    changed = await api.post(at(channel, version), UniqueName="lobby")

    assert (changed.status, changed.json["unique_name"]) == (200, "lobby")


async def test_a_unique_name_is_taken_in_one_service_only(api: Api, service: dict[str, Any]) -> None:
    other = await api.a_service()

    first, second = [await api.a_channel(where, UniqueName="lobby") for where in (service, other)]

    assert first["sid"] != second["sid"]
    assert (await api.get(f"{channels(other)}/lobby")).json == second


async def test_unique_names_differ_in_letter_case(api: Api, service: dict[str, Any]) -> None:
    lower, upper = [await api.a_channel(service, UniqueName=name) for name in ("lobby", "LOBBY")]

    assert (await api.get(f"{channels(service)}/lobby")).json == lower
    assert (await api.get(f"{channels(service)}/LOBBY")).json == upper


async def test_many_channels_may_have_no_unique_name(api: Api, service: dict[str, Any]) -> None:
    made = [await api.a_channel(service, UniqueName="", FriendlyName="Twin") for _ in range(3)]

    assert await listed(api, channels(service)) == made


@in_both_versions
@pytest.mark.parametrize("free", ["renamed", "emptied", "deleted"])
async def test_a_unique_name_that_was_given_up_is_free_at_once(
    api: Api, service: dict[str, Any], version: str, free: str
) -> None:
    channel = await api.a_channel(service, UniqueName="lobby")
    match free:
        case "renamed":
            await api.post(at(channel, version), UniqueName="hall")
        case "emptied":
            await api.post(at(channel, version), UniqueName="")
        case _:
            await api.delete(at(channel, version))

    again = await api.a_channel(service, version=version, UniqueName="lobby")

    assert again["sid"] != channel["sid"]
    assert (await api.get(f"{channels(service, version)}/lobby")).json == again


@in_both_versions
@pytest.mark.parametrize("attributes", JSON_TEXTS)
async def test_attributes_are_json_of_any_type_kept_as_it_came(
    api: Api, service: dict[str, Any], version: str, attributes: str
) -> None:
    made = await api.a_channel(service, version=version, Attributes=attributes)
    changed = await api.post(at(made, version), Attributes=f" {attributes}")

    assert made["attributes"] == attributes
    assert changed.json["attributes"] == f" {attributes}"
    assert (await api.get(at(made, version))).json["attributes"] == f" {attributes}"


@in_both_versions
@pytest.mark.parametrize("attributes", NO_JSON)
async def test_attributes_that_are_no_json_are_refused(
    api: Api, service: dict[str, Any], version: str, attributes: str
) -> None:
    channel = await api.a_channel(service)

    refusals = [
        await api.post(channels(service, version), Attributes=attributes),
        await api.post(at(channel, version), Attributes=attributes),
    ]

    assert [outcome(refusal) for refusal in refusals] == [(400, 50304)] * 2
    assert await listed(api, channels(service)) == [channel]


@pytest.mark.check(22)
@in_both_versions
@pytest.mark.parametrize("letters", ["x" * 16382, "é" * 8191])
async def test_attributes_have_up_to_16_kilobytes(
    api: Api, service: dict[str, Any], version: str, letters: str
) -> None:
    channel = await api.a_channel(service, version=version, Attributes=f'"{letters}"')

    refusals = [
        await api.post(channels(service, version), Attributes=f'"{letters}x"'),
        await api.post(at(channel, version), Attributes=f'"{letters}x"'),
    ]

    assert channel["attributes"] == f'"{letters}"'
    assert [outcome(refusal) for refusal in refusals] == [(400, 50303)] * 2
    assert (await api.get(at(channel, version))).json == channel


@in_both_versions
@pytest.mark.parametrize("channel_type", ["", "Public", "PRIVATE", "secret", "public "])
async def test_an_unknown_type_of_channel_is_refused(
    api: Api, service: dict[str, Any], version: str, channel_type: str
) -> None:
    refusal = await api.post(channels(service, version), Type=channel_type)

    assert outcome(refusal) == (400, 20001)
    assert refusal.json["message"] == "Invalid parameter Type"
    assert await listed(api, channels(service)) == []


@in_both_versions
async def test_a_private_channel_is_seen_and_changed_without_membership(
    api: Api, service: dict[str, Any], version: str
) -> None:
    channel = await api.a_channel(service, version=version, Type="private", UniqueName="secret")

    assert (await api.get(f"{channels(service, version)}/secret")).json == channel
    assert (await api.post(at(channel, version), FriendlyName="Secret")).status == 200
    assert (await api.delete(at(channel, version))).status == 204


@pytest.mark.parametrize("creator", ["alice", "x" * 256, "🐙" * 256, "nobody at all", "system"])
async def test_v2_is_told_who_created_a_channel(api: Api, service: dict[str, Any], creator: str) -> None:
    made = await api.a_channel(service, CreatedBy=creator)
    other = await api.a_channel(service)

    changed = await api.post(at(other), CreatedBy=creator)

    assert made["created_by"] == creator
    assert changed.json["created_by"] == creator
    assert (await api.get(at(other))).json["created_by"] == creator


@pytest.mark.parametrize("creator", ["", "x" * 257])
async def test_a_creator_that_nobody_can_be_is_refused(
    api: Api, service: dict[str, Any], creator: str
) -> None:
    channel = await api.a_channel(service)

    refusals = [
        await api.post(channels(service), CreatedBy=creator),
        await api.post(at(channel), CreatedBy=creator),
    ]

    assert [outcome(refusal) for refusal in refusals] == [(400, 20001)] * 2
    assert await listed(api, channels(service)) == [channel]


@pytest.mark.parametrize(("given", "shown"), MOMENTS.items())
async def test_v2_is_told_when_a_channel_was_created_and_changed(
    api: Api, service: dict[str, Any], given: str, shown: str
) -> None:
    made = await api.a_channel(service, DateCreated=given, DateUpdated=given)
    other = await api.a_channel(service)

    changed = await api.post(at(other), DateCreated=given, DateUpdated=given)

    assert (made["date_created"], made["date_updated"]) == (shown, shown)
    assert (changed.json["date_created"], changed.json["date_updated"]) == (shown, shown)
    assert (await api.get(at(other))).json == changed.json


@pytest.mark.parametrize(("name", "code"), [("DateCreated", 50308), ("DateUpdated", 50309)])
@pytest.mark.parametrize("moment", NO_MOMENTS)
async def test_a_date_of_a_channel_that_is_none_is_refused(
    api: Api, service: dict[str, Any], name: str, code: int, moment: str
) -> None:
    channel = await api.a_channel(service)

    refusals = [
        await api.post(channels(service), **{name: moment}),
        await api.post(at(channel), **{name: moment}),
    ]

    assert [outcome(refusal) for refusal in refusals] == [(400, code)] * 2
    assert await listed(api, channels(service)) == [channel]


async def test_the_date_of_creation_alone_is_also_that_of_the_last_change(
    api: Api, service: dict[str, Any]
) -> None:
    channel = await api.a_channel(service, DateCreated="2015-07-30T20:00:00Z")

    assert channel["date_created"] == channel["date_updated"] == "2015-07-30T20:00:00Z"


async def test_a_channel_may_have_changed_before_it_was_created(api: Api, service: dict[str, Any]) -> None:
    channel = await api.a_channel(
        service, DateCreated="2030-01-01T00:00:00Z", DateUpdated="2001-01-01T00:00:00Z"
    )

    assert channel["date_created"] == "2030-01-01T00:00:00Z"
    assert channel["date_updated"] == "2001-01-01T00:00:00Z"


async def test_the_imports_of_v2_are_ignored_in_v1_even_bad_ones(api: Api, service: dict[str, Any]) -> None:
    imports = {"CreatedBy": "", "DateCreated": "yesterday", "DateUpdated": "2001-01-01T00:00:00Z"}

    made = await api.a_channel(service, version="v1", **imports)
    changed = await api.post(at(made, "v1"), **imports)

    assert changed.status == 200
    for channel in (made, changed.json):
        assert channel["created_by"] == "system"
        assert channel["date_created"] > "2020"
        assert channel["date_updated"] > "2020"


# Changes


@in_both_versions
@pytest.mark.parametrize(
    ("parameters", "changes"),
    [
        ({"FriendlyName": "Hall"}, {"friendly_name": "Hall"}),
        ({"UniqueName": "hall"}, {"unique_name": "hall"}),
        ({"Attributes": "[2]"}, {"attributes": "[2]"}),
        ({}, {}),
        ({"Type": "private"}, {}),
        ({"Type": "secret", "MembersCount": "9", "uniquename": "no"}, {}),
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
    channel = await api.a_channel(
        service, version=version, FriendlyName="Lobby", UniqueName="lobby", Attributes="[1]"
    )
    later(monkeypatch)

    changed = await api.post(at(channel, version), **parameters)

    assert changed.status == 200
    assert changed.json["date_updated"] > channel["date_updated"]
    assert changed.json == {**channel, **changes, "date_updated": changed.json["date_updated"]}
    assert (await api.get(at(channel, version))).json == changed.json


async def test_an_update_of_an_imported_channel_moves_only_what_it_names(
    api: Api, service: dict[str, Any]
) -> None:
    channel = await api.a_channel(service, DateCreated="2015-07-30T20:00:00Z", CreatedBy="alice")

    changed = (await api.post(at(channel), FriendlyName="Lobby")).json

    assert (changed["date_created"], changed["created_by"]) == ("2015-07-30T20:00:00Z", "alice")
    assert changed["date_updated"] > "2020"


@in_both_versions
async def test_an_update_that_is_refused_changes_nothing(
    api: Api, service: dict[str, Any], version: str
) -> None:
    await api.a_channel(service, UniqueName="taken")
    channel = await api.a_channel(service, version=version)

    refusal = await api.post(at(channel, version), FriendlyName="New", Attributes="[1]", UniqueName="taken")

    assert outcome(refusal) == (409, 50307)
    assert (await api.get(at(channel, version))).json == channel


@in_both_versions
async def test_members_and_messages_leave_the_date_of_a_channel_alone(
    api: Api, service: dict[str, Any], monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    channel = await api.a_channel(service)
    later(monkeypatch)

    await api.a_member(channel)
    await api.a_message(channel)
    await api.post(f"{at(channel)}/Members/alice", LastConsumedMessageIndex=0)

    fetched = (await api.get(at(channel, version))).json
    assert fetched["date_updated"] == channel["date_updated"]


# Deleting


@in_both_versions
async def test_a_deleted_channel_is_gone(api: Api, service: dict[str, Any], version: str) -> None:
    channel = await api.a_channel(service, UniqueName="lobby")
    other = await api.a_channel(service)

    deleted = await api.delete(at(channel, version))

    assert (deleted.status, deleted.body) == (204, b"")
    assert await outcomes(api, at(channel, version)) == NOWHERE
    assert await outcomes(api, f"{channels(service, version)}/lobby") == NOWHERE
    assert await listed(api, channels(service)) == [other]


async def test_everything_in_a_channel_goes_with_it(api: Api, service: dict[str, Any]) -> None:
    channel, kept = await api.a_channel(service), await api.a_channel(service)
    user = await api.a_user(service, "bob")
    inside = [
        await api.a_member(channel),
        await api.an_invite(channel, "bob"),
        await api.a_message(channel),
    ]
    alice, bob = await api.a_member(kept), await api.an_invite(kept, "bob")

    await api.delete(at(channel))

    assert [await outcomes(api, record["url"]) for record in inside[::2]] == [NOWHERE] * 2
    assert outcome(await api.get(inside[1]["url"])) == (404, 20404)
    assert [outcome(await api.get(f"{at(channel)}/{below}")) for below in BELOW] == NOWHERE
    assert outcome(await api.post(f"{at(channel)}/Members", Identity="carol")) == (404, 20404)
    assert [(await api.get(record["url"])).json for record in (alice, bob)] == [alice, bob]
    member = (await api.get(f"/v2/Services/{service['sid']}/Users/alice")).json
    assert member["joined_channels_count"] == 1
    for user_channels in (member["links"]["user_channels"], user["links"]["user_channels"]):
        assert [entry["channel_sid"] for entry in await listed(api, user_channels)] == [kept["sid"]]


async def test_a_new_channel_of_an_old_name_begins_empty(api: Api, service: dict[str, Any]) -> None:
    channel = await api.a_channel(service, UniqueName="lobby", FriendlyName="Lobby", Attributes="[1]")
    await api.a_member(channel)
    await api.a_message(channel)
    await api.delete(at(channel))

    again = await api.a_channel(service, UniqueName="lobby")

    assert (again["friendly_name"], again["attributes"]) == (None, "{}")
    assert (again["members_count"], again["messages_count"]) == (0, 0)
    assert [await listed(api, f"{at(again)}/{below}") for below in BELOW] == [[], [], []]
    assert (await api.a_message(again))["index"] == 0


async def test_a_user_of_a_deleted_channel_can_be_deleted(api: Api, service: dict[str, Any]) -> None:
    channel = await api.a_channel(service)
    await api.a_member(channel)
    await api.delete(at(channel))

    deleted = await api.delete(f"/v2/Services/{service['sid']}/Users/alice")

    assert deleted.status == 204


# What is judged first


@in_both_versions
async def test_what_the_path_names_is_judged_before_the_body(
    api: Api, service: dict[str, Any], version: str
) -> None:
    nowhere = f"/{version}/Services/IS{UNKNOWN}/Channels"

    answers = [
        await api.post(nowhere, Attributes="{"),
        await api.get(nowhere, PageSize=0, Type="secret"),
        await api.post(f"{channels(service, version)}/nowhere", Attributes="{"),
        await api.post(f"{channels(service, version)}/nowhere/Members", Identity=""),
        await api.post(f"{channels(service, version)}/nowhere/Invites", Identity=""),
        await api.get(f"{channels(service, version)}/nowhere/Members", PageSize=0),
    ]

    assert [outcome(answer) for answer in answers] == [(404, 20404)] * 6


@in_both_versions
async def test_a_bad_format_is_judged_before_a_taken_name(
    api: Api, service: dict[str, Any], version: str
) -> None:
    await api.a_channel(service, UniqueName="lobby")

    refusal = await api.post(channels(service, version), UniqueName="lobby", Attributes="{")

    assert outcome(refusal) == (400, 50304)


# Lists


@in_both_versions
async def test_channels_are_listed_oldest_first_in_pages_of_any_size(
    api: Api, service: dict[str, Any], version: str
) -> None:
    made = [
        await api.a_channel(service, version=version, UniqueName=name, Attributes="[1]", Type=channel_type)
        for name, channel_type in zip("ebdac", ["public", "private"] * 2 + ["public"], strict=True)
    ]
    await api.a_channel(await api.a_service())

    await assert_paged(api, channels(service, version), [as_listed(channel, version) for channel in made])


async def test_an_imported_date_does_not_change_the_order_of_a_list(
    api: Api, service: dict[str, Any]
) -> None:
    made = [
        await api.a_channel(service, DateCreated=f"{year}-01-01T00:00:00Z") for year in (2030, 2001, 2015)
    ]

    assert await listed(api, channels(service)) == made


@in_both_versions
@pytest.mark.parametrize("channel_type", ["public", "private"])
async def test_channels_of_one_type_are_listed_in_pages_that_keep_the_filter(
    api: Api, service: dict[str, Any], version: str, channel_type: str
) -> None:
    made = [
        await api.a_channel(service, version=version, Type=kind)
        for kind in ("public", "private", "private") * 3
    ]
    wanted = [as_listed(channel, version) for channel in made if channel["type"] == channel_type]

    await assert_paged(api, channels(service, version), wanted, f"Type={channel_type}&")


@in_both_versions
@pytest.mark.parametrize("types", [["public", "private"], ["private", "public", "private"]])
async def test_channels_of_several_types_are_listed_together(
    api: Api, service: dict[str, Any], version: str, types: list[str]
) -> None:
    made = [await api.a_channel(service, version=version, Type=kind) for kind in ("public", "private") * 2]
    query = "".join(f"Type={kind}&" for kind in types)

    await assert_paged(api, channels(service, version), made_listed(made, version), query)


def made_listed(made: list[dict[str, Any]], version: str) -> list[dict[str, Any]]:
    return [as_listed(channel, version) for channel in made]


@in_both_versions
async def test_a_type_given_twice_counts_once(api: Api, service: dict[str, Any], version: str) -> None:
    await api.a_channel(service)
    private = await api.a_channel(service, Type="private")

    found = await listed(api, channels(service, version), Type=["private", "private"])

    assert [channel["sid"] for channel in found] == [private["sid"]]


@in_both_versions
async def test_an_unknown_type_is_no_filter(api: Api, service: dict[str, Any], version: str) -> None:
    answers = [
        await api.get(channels(service, version), Type="secret"),
        await api.get(channels(service, version), Type=["public", "Private"]),
    ]

    assert [outcome(answer) for answer in answers] == [(400, 20001)] * 2


@in_both_versions
async def test_a_service_without_channels_has_one_empty_page(
    api: Api, service: dict[str, Any], version: str
) -> None:
    page = (await api.get(channels(service, version))).json

    assert page["channels"] == []
    assert page["meta"]["key"] == "channels"
    assert (page["meta"]["previous_page_url"], page["meta"]["next_page_url"]) == (None, None)


@pytest.mark.parametrize(("version", "most"), [("v1", 1000), ("v2", 100)])
async def test_a_page_of_channels_has_at_most_what_its_version_allows(
    api: Api, service: dict[str, Any], version: str, most: int
) -> None:
    sizes = [
        (await api.get(channels(service, version), PageSize=size)).json["meta"]["page_size"]
        for size in (most, most + 1, 5000)
    ]

    assert sizes == [most, most, most]


@in_both_versions
async def test_channels_that_come_and_go_while_a_list_is_read_make_it_neither_skip_nor_repeat(
    api: Api, service: dict[str, Any], version: str
) -> None:
    made = [await api.a_channel(service) for _ in range(6)]
    found: list[str] = []
    url: str | None = f"{channels(service, version)}?PageSize=2&Type=public"

    while url is not None:
        page = (await api.get(url)).json
        found += [channel["sid"] for channel in records(page)]
        await api.delete(f"{channels(service)}/{found[-1]}")
        if len(made) < 9:
            made.append(await api.a_channel(service))
        url = page["meta"]["next_page_url"]

    assert found == [channel["sid"] for channel in made]


# Settings


@pytest.fixture
async def literal(tmp_path: Path) -> AsyncIterator[Api]:
    """A server that lists attributes in v1, and public channels only."""
    settings = Settings(
        port=0,
        database=f"sqlite:///{tmp_path}/chinwag.db",
        account_sid=f"AC{UNKNOWN}",
        auth_token="secret",
        log_level="warning",
        v1_list_attributes=True,
        list_public_channels_only=True,
    )
    with running_server(settings) as base:
        async with aiohttp.ClientSession() as session:
            yield Api(session, base, settings.account_sid, settings.auth_token)


async def test_an_operator_may_have_v1_show_attributes_in_lists(literal: Api) -> None:
    service = await literal.a_service()
    channel = await literal.a_channel(service, version="v1", Attributes="[1]")
    user = await literal.a_user(service, version="v1", Attributes="[2]")

    assert await listed(literal, channels(service, "v1")) == [channel]
    assert await listed(literal, f"/v1/Services/{service['sid']}/Users") == [user]


@in_both_versions
async def test_an_operator_may_have_lists_without_a_type_leave_private_channels_out(
    literal: Api, version: str
) -> None:
    service = await literal.a_service()
    public = await literal.a_channel(service, version=version)
    private = await literal.a_channel(service, version=version, Type="private")
    path = channels(service, version)

    assert await listed(literal, path) == [public]
    assert await listed(literal, path, Type="private") == [private]
    assert await listed(literal, path, Type=["public", "private"]) == [public, private]
    assert (await literal.get(at(private, version))).json == private


@in_both_versions
async def test_a_list_without_a_type_has_private_channels_unless_the_operator_says_otherwise(
    api: Api, service: dict[str, Any], version: str
) -> None:
    made = [await api.a_channel(service, version=version, Type=kind) for kind in ("private", "public")]

    assert await listed(api, channels(service, version)) == made_listed(made, version)
