"""Invites over REST. Source: chat-v1 Invite, chat-v2 Invite."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from rest.shared import (
    NOWHERE,
    ODD_NAMES,
    assert_paged,
    in_both_versions,
    listed,
    outcome,
    records,
    shouted,
)

if TYPE_CHECKING:
    from support.api import Api

UNKNOWN = "0123456789abcdef" * 2


@pytest.fixture
async def service(api: Api) -> dict[str, Any]:
    """A service with the users alice and bob."""
    service = await api.a_service()
    for identity in ("alice", "bob"):
        await api.a_user(service, identity)
    return service


@pytest.fixture
async def channel(api: Api, service: dict[str, Any]) -> dict[str, Any]:
    return await api.a_channel(service)


def invites(channel: dict[str, Any], version: str = "v2") -> str:
    return f"/{version}/Services/{channel['service_sid']}/Channels/{channel['sid']}/Invites"


def at(invite: dict[str, Any], version: str = "v2") -> str:
    channel = f"/{version}/Services/{invite['service_sid']}/Channels/{invite['channel_sid']}"
    return f"{channel}/Invites/{invite['sid']}"


async def outcomes(api: Api, path: str) -> list[int | tuple[int, int]]:
    """What fetching and deleting come to: there is no update."""
    return [outcome(await api.get(path)), outcome(await api.delete(path))]


# Fields


@in_both_versions
async def test_a_new_invite_has_every_field_with_its_default(
    api: Api, service: dict[str, Any], channel: dict[str, Any], version: str
) -> None:
    made = await api.post(invites(channel, version), Identity="alice")

    assert made.status == 201
    invite = made.json
    assert re.fullmatch(r"IN[0-9a-f]{32}", invite["sid"])
    assert invite == {
        "sid": invite["sid"],
        "account_sid": api.account_sid,
        "channel_sid": channel["sid"],
        "service_sid": service["sid"],
        "identity": "alice",
        "role_sid": service["default_channel_role_sid"],
        "created_by": "system",
        "date_created": invite["date_created"],
        "date_updated": invite["date_created"],
        "url": f"{api.base}{invites(channel, version)}/{invite['sid']}",
    }


@in_both_versions
async def test_an_invite_that_is_fetched_or_listed_is_as_it_was_created(
    api: Api, channel: dict[str, Any], version: str
) -> None:
    invite = await api.an_invite(channel, version=version)

    fetched = await api.get(at(invite, version))

    assert (fetched.status, fetched.json) == (200, invite)
    assert await listed(api, invites(channel, version)) == [invite]


@in_both_versions
async def test_an_invite_may_name_the_role_of_the_future_member(
    api: Api, service: dict[str, Any], channel: dict[str, Any], version: str
) -> None:
    role = await api.a_role(service)

    invite = await api.an_invite(channel, version=version, RoleSid=shouted(role["sid"]))

    assert invite["role_sid"] == role["sid"]


@in_both_versions
async def test_an_invite_whose_role_is_deleted_has_the_default_role(
    api: Api, service: dict[str, Any], channel: dict[str, Any], version: str
) -> None:
    role = await api.a_role(service)
    invite = await api.an_invite(channel, version=version, RoleSid=role["sid"])

    await api.delete(f"/v1/Services/{service['sid']}/Roles/{role['sid']}")

    expected = {**invite, "role_sid": service["default_channel_role_sid"]}
    assert (await api.get(at(invite, version))).json == expected
    assert await listed(api, invites(channel, version)) == [expected]


@in_both_versions
async def test_an_invite_is_to_a_public_or_a_private_channel(
    api: Api, service: dict[str, Any], version: str
) -> None:
    made = [await api.a_channel(service, Type=kind) for kind in ("public", "private")]

    sids = [(await api.an_invite(channel, version=version))["channel_sid"] for channel in made]

    assert sids == [channel["sid"] for channel in made]


@in_both_versions
async def test_an_invite_makes_nobody_a_member(
    api: Api, service: dict[str, Any], channel: dict[str, Any], version: str
) -> None:
    await api.an_invite(channel, version=version)

    assert (await api.get(channel["url"])).json == channel
    assert await listed(api, channel["links"]["members"]) == []
    user = (await api.get(f"/v2/Services/{service['sid']}/Users/alice")).json
    assert user["joined_channels_count"] == 0


# What may be asked


@in_both_versions
async def test_who_is_no_user_cannot_be_invited_and_the_refusal_names_the_list(
    api: Api, service: dict[str, Any], channel: dict[str, Any], version: str
) -> None:
    refusal = await api.post(invites(channel, version), Identity="carol")

    assert outcome(refusal) == (404, 20404)
    path = f"/Services/{service['sid']}/Channels/{channel['sid']}/Invites"
    assert refusal.json["message"] == f"The requested resource {path} was not found"
    users = await listed(api, f"/v2/Services/{service['sid']}/Users")
    assert [user["identity"] for user in users] == ["alice", "bob"]
    assert await listed(api, invites(channel)) == []


@in_both_versions
async def test_a_user_of_another_service_cannot_be_invited(
    api: Api, channel: dict[str, Any], version: str
) -> None:
    await api.a_user(await api.a_service(), "carol")

    refusal = await api.post(invites(channel, version), Identity="carol")

    assert outcome(refusal) == (404, 20404)


@in_both_versions
@pytest.mark.parametrize("identity", ODD_NAMES)
async def test_who_is_invited_may_have_any_identity(
    api: Api, service: dict[str, Any], channel: dict[str, Any], version: str, identity: str
) -> None:
    await api.a_user(service, identity)
    await api.an_invite(channel, "bob")

    invite = await api.an_invite(channel, identity, version=version)

    assert invite["identity"] == identity
    assert await listed(api, invites(channel, version), Identity=identity) == [invite]


@in_both_versions
async def test_who_is_invited_already_is_not_invited_again(
    api: Api, channel: dict[str, Any], version: str
) -> None:
    invite = await api.an_invite(channel)

    refusal = await api.post(invites(channel, version), Identity="alice")

    assert outcome(refusal) == (409, 50212)
    assert refusal.json["message"] == "User already invited"
    assert await listed(api, invites(channel)) == [invite]


@in_both_versions
async def test_a_member_is_not_invited(api: Api, channel: dict[str, Any], version: str) -> None:
    await api.a_member(channel)

    refusal = await api.post(invites(channel, version), Identity="alice")

    assert outcome(refusal) == (409, 50404)
    assert await listed(api, invites(channel)) == []


@in_both_versions
async def test_who_was_a_member_may_be_invited(api: Api, channel: dict[str, Any], version: str) -> None:
    member = await api.a_member(channel)
    await api.delete(member["url"])

    invite = await api.an_invite(channel, version=version)

    assert await listed(api, invites(channel, version)) == [invite]


@in_both_versions
async def test_an_identity_is_required(api: Api, channel: dict[str, Any], version: str) -> None:
    refusal = await api.post(invites(channel, version))

    assert outcome(refusal) == (400, 20001)
    assert refusal.json["message"] == "Missing required parameter Identity in the post body"


@in_both_versions
@pytest.mark.parametrize(
    ("identity", "code"), [("", 50204), ("x" * 257, 50207), (f"US{UNKNOWN}", 50206), ("System", 50203)]
)
async def test_an_identity_that_nobody_may_have_is_refused(
    api: Api, channel: dict[str, Any], version: str, identity: str, code: int
) -> None:
    refusal = await api.post(invites(channel, version), Identity=identity)

    assert outcome(refusal) == (400, code)
    assert await listed(api, invites(channel)) == []


@in_both_versions
async def test_a_role_that_is_no_channel_role_of_the_service_is_refused(
    api: Api, stranger: Api, service: dict[str, Any], channel: dict[str, Any], version: str
) -> None:
    other, foreign = await api.a_service(), await stranger.a_service()
    wrong = [
        service["default_service_role_sid"],
        other["default_channel_role_sid"],
        foreign["default_channel_role_sid"],
        f"RL{UNKNOWN}",
        channel["sid"],
        "",
    ]

    refusals = [await api.post(invites(channel, version), Identity="alice", RoleSid=sid) for sid in wrong]

    assert [outcome(refusal) for refusal in refusals] == [(400, 50101)] * 6
    assert await listed(api, invites(channel)) == []


@in_both_versions
async def test_parameters_that_nobody_knows_are_ignored(
    api: Api, channel: dict[str, Any], version: str
) -> None:
    invite = await api.an_invite(
        channel, version=version, CreatedBy="bob", DateCreated="yesterday", Colour="blue"
    )

    assert invite["created_by"] == "system"
    assert invite["date_created"] > "2020"


@in_both_versions
async def test_an_invite_cannot_be_changed(api: Api, channel: dict[str, Any], version: str) -> None:
    invite = await api.an_invite(channel)

    refusal = await api.post(at(invite, version), RoleSid=invite["role_sid"])

    assert outcome(refusal) == (405, 20004)
    assert refusal.headers["Allow"] == "DELETE, GET, OPTIONS"


# Addresses


@in_both_versions
async def test_an_invite_is_found_by_a_sid_in_either_letter_case(
    api: Api, channel: dict[str, Any], version: str
) -> None:
    invite = await api.an_invite(channel, version=version)

    fetched = await api.get(f"{invites(channel, version)}/{shouted(invite['sid'])}")

    assert (fetched.status, fetched.json) == (200, invite)


@in_both_versions
@pytest.mark.parametrize("name", [f"IN{UNKNOWN}", f"MB{UNKNOWN}", "alice", "bob"])
async def test_an_invite_is_found_by_its_sid_only(
    api: Api, channel: dict[str, Any], version: str, name: str
) -> None:
    invite = await api.an_invite(channel, "alice")
    path = f"/Services/{channel['service_sid']}/Channels/{channel['sid']}/Invites/{name}"

    answer = await api.get(f"/{version}{path}")

    assert await outcomes(api, f"/{version}{path}") == NOWHERE[:2]
    assert answer.json["message"] == f"The requested resource {path} was not found"
    assert await listed(api, invites(channel)) == [invite]


@pytest.mark.check(16)
@in_both_versions
async def test_an_invite_is_found_in_its_own_channel_and_account_only(
    api: Api, stranger: Api, service: dict[str, Any], channel: dict[str, Any], version: str
) -> None:
    invite, other = await api.an_invite(channel), await api.a_channel(service)

    assert await outcomes(api, f"{invites(other, version)}/{invite['sid']}") == NOWHERE[:2]
    assert await outcomes(stranger, at(invite, version)) == NOWHERE[:2]
    assert outcome(await stranger.get(invites(channel, version))) == (404, 20404)
    assert (await api.get(at(invite))).json == invite


# How one ends


@in_both_versions
async def test_an_invite_that_is_withdrawn_is_gone(api: Api, channel: dict[str, Any], version: str) -> None:
    invite, other = await api.an_invite(channel, "alice"), await api.an_invite(channel, "bob")

    withdrawn = await api.delete(at(invite, version))

    assert (withdrawn.status, withdrawn.body) == (204, b"")
    assert await outcomes(api, at(invite, version)) == NOWHERE[:2]
    assert await listed(api, invites(channel)) == [other]


async def test_who_was_uninvited_may_be_invited_or_added(
    api: Api, service: dict[str, Any], channel: dict[str, Any]
) -> None:
    role = await api.a_role(service)
    for identity in ("alice", "bob"):
        invite = await api.an_invite(channel, identity, RoleSid=role["sid"])
        await api.delete(at(invite))

    again, member = await api.an_invite(channel, "alice"), await api.a_member(channel, "bob")

    assert again["role_sid"] == service["default_channel_role_sid"]
    assert member["role_sid"] == service["default_channel_role_sid"]


async def test_an_invite_ends_with_its_user(
    api: Api, service: dict[str, Any], channel: dict[str, Any]
) -> None:
    invite, other = await api.an_invite(channel, "alice"), await api.an_invite(channel, "bob")

    await api.delete(f"/v2/Services/{service['sid']}/Users/alice")

    assert await outcomes(api, at(invite)) == NOWHERE[:2]
    assert await listed(api, invites(channel)) == [other]


# What is judged first


@in_both_versions
async def test_what_the_path_names_is_judged_before_the_body(
    api: Api, service: dict[str, Any], version: str
) -> None:
    nowhere = f"/{version}/Services/{service['sid']}/Channels/CH{UNKNOWN}/Invites"

    answers = [
        await api.post(nowhere),
        await api.post(nowhere, Identity="", RoleSid="wrong"),
        await api.get(nowhere, PageSize=0),
    ]

    assert [outcome(answer) for answer in answers] == [(404, 20404)] * 3


@in_both_versions
async def test_an_unknown_role_is_judged_before_a_conflict(
    api: Api, channel: dict[str, Any], version: str
) -> None:
    await api.an_invite(channel, "alice")
    await api.a_member(channel, "bob")

    refusals = [
        await api.post(invites(channel, version), Identity=identity, RoleSid=f"RL{UNKNOWN}")
        for identity in ("alice", "bob")
    ]

    assert [outcome(refusal) for refusal in refusals] == [(400, 50101)] * 2


# Lists


@in_both_versions
async def test_invites_are_listed_oldest_first_in_pages_of_any_size(
    api: Api, service: dict[str, Any], channel: dict[str, Any], version: str
) -> None:
    for identity in "ebdac":
        await api.a_user(service, identity)
    made = [await api.an_invite(channel, identity, version=version) for identity in "cadbe"]
    await api.an_invite(await api.a_channel(service), "alice")

    await assert_paged(api, invites(channel, version), made)


@in_both_versions
async def test_invites_of_some_identities_are_listed_in_pages_that_keep_the_filter(
    api: Api, service: dict[str, Any], channel: dict[str, Any], version: str
) -> None:
    names = ["a b", "c&d", "é", "e", "A B", "f"]
    for identity in names:
        await api.a_user(service, identity)
    made = [await api.an_invite(channel, identity, version=version) for identity in names]
    query = "Identity=e&Identity=%C3%A9&Identity=a%20b&Identity=nobody&Identity=c%26d&Identity=e&"

    await assert_paged(api, invites(channel, version), made[:4], query)


@in_both_versions
async def test_a_filter_that_nobody_meets_finds_nobody(
    api: Api, channel: dict[str, Any], version: str
) -> None:
    await api.an_invite(channel, "alice")

    for identity in ("bob", "ALICE", "alic"):
        assert await listed(api, invites(channel, version), Identity=identity) == []


@in_both_versions
async def test_a_filter_that_is_empty_filters_nothing(
    api: Api, channel: dict[str, Any], version: str
) -> None:
    await api.an_invite(channel, "alice")

    found = await listed(api, invites(channel, version), Identity="")

    assert [invite["identity"] for invite in found] == ["alice"]


@in_both_versions
async def test_a_channel_without_invites_has_one_empty_page(
    api: Api, channel: dict[str, Any], version: str
) -> None:
    page = (await api.get(invites(channel, version))).json

    assert page["invites"] == []
    assert page["meta"]["key"] == "invites"
    assert (page["meta"]["previous_page_url"], page["meta"]["next_page_url"]) == (None, None)


@pytest.mark.parametrize(("version", "most"), [("v1", 1000), ("v2", 100)])
async def test_a_page_of_invites_has_at_most_what_its_version_allows(
    api: Api, channel: dict[str, Any], version: str, most: int
) -> None:
    sizes = [
        (await api.get(invites(channel, version), PageSize=size)).json["meta"]["page_size"]
        for size in (most, most + 1, 5000)
    ]

    assert sizes == [most, most, most]


@in_both_versions
async def test_invites_that_come_and_go_while_a_list_is_read_make_it_neither_skip_nor_repeat(
    api: Api, service: dict[str, Any], channel: dict[str, Any], version: str
) -> None:
    for number in range(9):
        await api.a_user(service, f"user {number}")
    made = [await api.an_invite(channel, f"user {number}") for number in range(6)]
    found: list[str] = []
    url: str | None = f"{invites(channel, version)}?PageSize=2"

    while url is not None:
        page = (await api.get(url)).json
        found += [invite["sid"] for invite in records(page)]
        await api.delete(f"{invites(channel)}/{found[-1]}")
        if len(made) < 9:
            made.append(await api.an_invite(channel, f"user {len(made)}"))
        url = page["meta"]["next_page_url"]

    assert found == [invite["sid"] for invite in made]
