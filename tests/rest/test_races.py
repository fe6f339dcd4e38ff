"""Many at once: what is counted is exact, what is unique is there once, and nobody is answered with a 5xx."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from rest.shared import listed, outcome, pages, records
from support.api import Api

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Iterable

    from support.api import Answer

MANY = 50


@pytest.fixture
async def api(api: Api) -> AsyncIterator[Api]:
    """The account of a test, with as many connections as there are requests."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        yield Api(session, api.base, api.account_sid, api.auth_token)


@pytest.fixture
async def service(api: Api) -> dict[str, Any]:
    return await api.a_service(Limits__ChannelMembers=1000, Limits__UserChannels=1000)


async def together(*requests: Awaitable[Answer]) -> list[Answer]:
    return await asyncio.gather(*requests)


def tally(answers: Iterable[Answer]) -> dict[int | tuple[int, int], int]:
    """How often each outcome came up."""
    return dict(Counter(outcome(answer) for answer in answers))


def users(service: dict[str, Any]) -> str:
    return f"/v2/Services/{service['sid']}/Users"


async def everything(api: Api, url: str) -> list[dict[str, Any]]:
    """What is on all pages of a list."""
    return [record for page in await pages(api, f"{url}?PageSize=100") for record in records(page)]


async def assert_counts_are_exact(api: Api, service: dict[str, Any]) -> None:
    """See that members, user channels and both counts of a service tell the same story."""
    channels = await everything(api, f"/v2/Services/{service['sid']}/Channels")
    found = await everything(api, users(service))
    memberships = set[tuple[str, str]]()
    for channel in channels:
        members = await everything(api, channel["links"]["members"])
        assert channel["members_count"] == len(members)
        assert len({member["identity"] for member in members}) == len(members)
        memberships |= {(member["identity"], channel["sid"]) for member in members}
    for user in found:
        entries = await everything(api, user["links"]["user_channels"])
        joined = {entry["channel_sid"] for entry in entries if entry["status"] == "joined"}
        assert user["joined_channels_count"] == len(joined)
        assert joined == {channel for identity, channel in memberships if identity == user["identity"]}
    assert {identity for identity, _ in memberships} <= {user["identity"] for user in found}


# Limits


@pytest.mark.parametrize("known", [True, False])
async def test_a_channel_with_10_places_takes_10_of_50(api: Api, *, known: bool) -> None:
    service = await api.a_service(Limits__ChannelMembers=10)
    channel = await api.a_channel(service)
    names = [f"user {number}" for number in range(MANY)]
    if known:
        await together(*(api.post(users(service), Identity=name) for name in names))

    answers = await together(*(api.post(channel["links"]["members"], Identity=name) for name in names))

    assert tally(answers) == {201: 10, (403, 50403): 40}
    assert (await api.get(channel["url"])).json["members_count"] == 10
    assert len(await listed(api, users(service))) == (MANY if known else 10)
    await assert_counts_are_exact(api, service)


@pytest.mark.parametrize("known", [True, False])
async def test_a_user_with_5_places_joins_5_of_20_channels(api: Api, *, known: bool) -> None:
    service = await api.a_service(Limits__UserChannels=5)
    channels = [await api.a_channel(service) for _ in range(20)]
    if known:
        await api.a_user(service)

    answers = await together(
        *(api.post(channel["links"]["members"], Identity="alice") for channel in channels)
    )

    assert tally(answers) == {201: 5, (403, 50208): 15}
    (user,) = await listed(api, users(service))
    assert user["joined_channels_count"] == 5
    await assert_counts_are_exact(api, service)


# Things there can be one of


@pytest.mark.parametrize("known", [True, False])
async def test_the_same_user_added_50_times_at_once_is_added_once(
    api: Api, service: dict[str, Any], *, known: bool
) -> None:
    channel = await api.a_channel(service)
    if known:
        await api.a_user(service)

    answers = await together(*(api.post(channel["links"]["members"], Identity="alice") for _ in range(MANY)))

    assert tally(answers) == {201: 1, (409, 50404): MANY - 1}
    (user,) = await listed(api, users(service))
    assert user["joined_channels_count"] == 1
    await assert_counts_are_exact(api, service)


async def test_the_same_user_invited_50_times_at_once_is_invited_once(
    api: Api, service: dict[str, Any]
) -> None:
    channel = await api.a_channel(service)
    await api.a_user(service)

    answers = await together(*(api.post(channel["links"]["invites"], Identity="alice") for _ in range(MANY)))

    assert tally(answers) == {201: 1, (409, 50212): MANY - 1}
    assert len(await listed(api, channel["links"]["invites"])) == 1


async def test_who_is_invited_and_added_at_once_is_a_member_and_not_invited(
    api: Api, service: dict[str, Any]
) -> None:
    channels = [await api.a_channel(service) for _ in range(20)]
    await api.a_user(service)

    answers = await together(
        *(
            api.post(channel["links"][way], Identity="alice")
            for channel in channels
            for way in ("invites", "members")
        )
    )

    assert [answer.status for answer in answers[1::2]] == [201] * 20
    assert set(tally(answers[::2])) <= {201, (409, 50404)}
    assert [await listed(api, channel["links"]["invites"]) for channel in channels] == [[]] * 20
    await assert_counts_are_exact(api, service)


async def test_of_50_channels_of_one_unique_name_one_is_made(api: Api, service: dict[str, Any]) -> None:
    path = f"/v2/Services/{service['sid']}/Channels"

    answers = await together(*(api.post(path, UniqueName="lobby") for _ in range(MANY)))

    assert tally(answers) == {201: 1, (409, 50307): MANY - 1}
    assert len(await listed(api, path)) == 1


async def test_of_50_channels_that_take_one_unique_name_one_gets_it(
    api: Api, service: dict[str, Any]
) -> None:
    channels = [await api.a_channel(service) for _ in range(MANY)]

    answers = await together(*(api.post(channel["url"], UniqueName="lobby") for channel in channels))

    assert tally(answers) == {200: 1, (409, 50307): MANY - 1}
    found = await everything(api, f"/v2/Services/{service['sid']}/Channels")
    assert [channel["unique_name"] for channel in found].count("lobby") == 1


async def test_of_50_users_of_one_identity_one_is_made(api: Api, service: dict[str, Any]) -> None:
    answers = await together(*(api.post(users(service), Identity="alice") for _ in range(MANY)))

    assert tally(answers) == {201: 1, (409, 50201): MANY - 1}
    assert len(await listed(api, users(service))) == 1


async def test_an_identity_that_is_made_and_added_at_once_is_one_user(
    api: Api, service: dict[str, Any]
) -> None:
    channels = [await api.a_channel(service) for _ in range(25)]

    answers = await together(
        *(api.post(channel["links"]["members"], Identity="alice") for channel in channels),
        *(api.post(users(service), Identity="alice") for _ in range(25)),
    )

    assert [answer.status for answer in answers[:25]] == [201] * 25
    assert set(tally(answers[25:])) <= {201, (409, 50201)}
    (user,) = await listed(api, users(service))
    assert user["joined_channels_count"] == 25
    await assert_counts_are_exact(api, service)


# Messages


async def test_256_posts_to_one_channel_get_each_index_once(api: Api, service: dict[str, Any]) -> None:
    channel = await api.a_channel(service)

    answers = await together(
        *(api.post(channel["links"]["messages"], Body=f"message {number}") for number in range(256))
    )

    assert tally(answers) == {201: 256}
    assert sorted(answer.json["index"] for answer in answers) == list(range(256))
    found = await everything(api, channel["links"]["messages"])
    assert [message["index"] for message in found] == list(range(256))
    assert {message["sid"]: message for message in found} == {
        answer.json["sid"]: answer.json for answer in answers
    }
    fetched = (await api.get(channel["url"])).json
    assert fetched["messages_count"] == 256
    assert fetched["links"]["last_message"] == found[-1]["url"]


async def test_posts_to_16_channels_at_once_are_numbered_in_each(api: Api, service: dict[str, Any]) -> None:
    channels = [await api.a_channel(service) for _ in range(16)]

    answers = await together(
        *(api.post(channel["links"]["messages"], Body="hello") for _ in range(16) for channel in channels)
    )

    assert tally(answers) == {201: 256}
    for place, channel in enumerate(channels):
        assert sorted(answer.json["index"] for answer in answers[place::16]) == list(range(16))
        assert (await api.get(channel["url"])).json["messages_count"] == 16


async def test_posts_and_deletes_at_once_leave_an_exact_count(api: Api, service: dict[str, Any]) -> None:
    channel = await api.a_channel(service)
    old = [await api.a_message(channel) for _ in range(30)]

    answers = await together(
        *(api.delete(message["url"]) for message in old),
        *(api.post(channel["links"]["messages"], Body="new") for _ in range(30)),
    )

    assert tally(answers) == {204: 30, 201: 30}
    found = await everything(api, channel["links"]["messages"])
    assert [message["index"] for message in found] == list(range(30, 60))
    fetched = (await api.get(channel["url"])).json
    assert fetched["messages_count"] == 30
    assert fetched["links"]["last_message"] == found[-1]["url"]


async def test_posting_joining_and_renaming_at_once_lose_nothing(api: Api, service: dict[str, Any]) -> None:
    channel = await api.a_channel(service)

    answers = await together(
        *(
            request
            for number in range(30)
            for request in (
                api.post(channel["links"]["messages"], Body=f"message {number}"),
                api.post(channel["links"]["members"], Identity=f"user {number}"),
                api.post(channel["url"], FriendlyName=f"name {number}"),
            )
        )
    )

    assert tally(answers) == {201: 60, 200: 30}
    fetched = (await api.get(channel["url"])).json
    assert (fetched["messages_count"], fetched["members_count"]) == (30, 30)
    assert fetched["friendly_name"] in {f"name {number}" for number in range(30)}
    await assert_counts_are_exact(api, service)


# Changes of one thing


async def test_50_moves_of_one_horizon_all_happen_and_one_is_last(api: Api, service: dict[str, Any]) -> None:
    channel = await api.a_channel(service)
    member = await api.a_member(channel)
    await together(*(api.post(channel["links"]["messages"], Body="hello") for _ in range(MANY)))
    entry = f"{users(service)}/alice/Channels/{channel['sid']}"

    answers = await together(
        *(
            api.post(member["url"] if index % 2 else entry, LastConsumedMessageIndex=index)
            for index in range(MANY)
        )
    )

    assert tally(answers) == {200: MANY}
    assert [answer.json["last_consumed_message_index"] for answer in answers] == list(range(MANY))
    index = (await api.get(member["url"])).json["last_consumed_message_index"]
    shown = (await api.get(entry)).json
    assert shown["last_consumed_message_index"] == index
    assert shown["unread_messages_count"] == MANY - 1 - index


async def test_changes_of_different_fields_at_once_are_all_kept(api: Api, service: dict[str, Any]) -> None:
    user, channel = await api.a_user(service), await api.a_channel(service)
    member = await api.a_member(channel)
    role = await api.a_role(service)

    answers = await together(
        api.post(user["url"], FriendlyName="Alice"),
        api.post(user["url"], Attributes="[1]"),
        api.post(channel["url"], FriendlyName="Lobby"),
        api.post(channel["url"], UniqueName="lobby"),
        api.post(channel["url"], Attributes="[2]"),
        api.post(member["url"], RoleSid=role["sid"]),
        api.post(member["url"], Attributes="[3]"),
        api.post(member["url"], LastConsumedMessageIndex=0),
    )

    assert tally(answers) == {200: 8}
    user, channel, member = [(await api.get(record["url"])).json for record in (user, channel, member)]
    assert (user["friendly_name"], user["attributes"]) == ("Alice", "[1]")
    assert (channel["friendly_name"], channel["unique_name"], channel["attributes"]) == (
        "Lobby",
        "lobby",
        "[2]",
    )
    assert (member["role_sid"], member["attributes"], member["last_consumed_message_index"]) == (
        role["sid"],
        "[3]",
        0,
    )


# Coming and going


async def test_of_20_deletes_of_one_thing_one_deletes_it(api: Api, service: dict[str, Any]) -> None:
    user, channel = await api.a_user(service, "bob"), await api.a_channel(service)
    kept = await api.a_channel(service)
    member, invite = await api.a_member(channel), await api.an_invite(channel, "bob")
    message = await api.a_message(channel)
    await api.a_member(kept, "bob")
    await api.a_member(kept, "alice")

    for thing in (member, invite, message, channel, user):
        answers = await together(*(api.delete(thing["url"]) for _ in range(20)))
        assert tally(answers) == {204: 1, (404, 20404): 19}

    assert (await api.get(kept["url"])).json["members_count"] == 1
    await assert_counts_are_exact(api, service)


async def test_a_channel_that_is_deleted_while_members_come_and_go_leaves_nothing(
    api: Api, service: dict[str, Any]
) -> None:
    channel, kept = await api.a_channel(service, UniqueName="lobby"), await api.a_channel(service)
    names = [f"user {number}" for number in range(30)]
    for name in names[:15]:
        await api.a_member(channel, name)
        await api.a_member(kept, name)
    await api.a_user(service, "guest")

    answers = await together(
        *(
            request
            for place, name in enumerate(names)
            for request in (
                api.delete(f"{channel['links']['members']}/{name.replace(' ', '%20')}")
                if place < 15
                else api.post(channel["links"]["members"], Identity=name),
                api.post(channel["links"]["messages"], Body="hello", From=name),
                *([api.delete(channel["url"])] if place in {10, 20} else []),
                *([api.post(channel["links"]["invites"], Identity="guest")] if place == 5 else []),
            )
        )
    )

    assert set(tally(answers)) <= {201, 204, (404, 20404)}
    assert outcome(await api.get(channel["url"])) == (404, 20404)
    again = await api.a_channel(service, UniqueName="lobby")
    assert await listed(api, again["links"]["members"]) == []
    assert await everything(api, f"{users(service)}/guest/Channels") == []
    found = await everything(api, users(service))
    assert {user["joined_channels_count"] for user in found} <= {0, 1}
    await assert_counts_are_exact(api, service)


async def test_users_that_are_deleted_while_they_join_leave_exact_counts(
    api: Api, service: dict[str, Any]
) -> None:
    channels = [await api.a_channel(service) for _ in range(6)]
    names = [f"user{number}" for number in range(10)]
    for name in names:
        await api.a_member(channels[0], name)

    answers = await together(
        *(
            request
            for name in names
            for place, channel in enumerate(channels[1:])
            for request in (
                api.post(channel["links"]["members"], Identity=name),
                *([api.delete(f"{users(service)}/{name}")] if place == 2 else []),
            )
        )
    )

    assert tally(answers) == {201: 50, 204: 10}
    assert await listed(api, channels[0]["links"]["members"]) == []
    await assert_counts_are_exact(api, service)


async def test_a_user_that_is_deleted_while_it_is_added_to_30_channels_is_in_those_that_came_later(
    api: Api, service: dict[str, Any]
) -> None:
    channels = [await api.a_channel(service) for _ in range(30)]
    old = await api.a_user(service)

    answers = await together(
        *(api.post(channel["links"]["members"], Identity="alice") for channel in channels[:15]),
        api.delete(old["url"]),
        *(api.post(channel["links"]["members"], Identity="alice") for channel in channels[15:]),
    )

    assert tally(answers) == {201: 30, 204: 1}
    assert old["sid"] not in {user["sid"] for user in await listed(api, users(service))}
    await assert_counts_are_exact(api, service)


async def test_members_that_join_and_leave_many_channels_at_once_leave_exact_counts(
    api: Api, service: dict[str, Any]
) -> None:
    channels = [await api.a_channel(service) for _ in range(5)]
    names = [f"user{number}" for number in range(6)]
    pairs = [(channel, name) for channel in channels for name in names]

    answers = await together(
        *(
            request
            for _ in range(2)
            for channel, name in pairs
            for request in (
                api.post(channel["links"]["members"], Identity=name),
                api.delete(f"{channel['links']['members']}/{name}"),
            )
        )
    )

    assert set(tally(answers)) <= {201, 204, (404, 20404), (409, 50404)}
    await assert_counts_are_exact(api, service)


async def test_channels_users_and_members_deleted_at_once_leave_exact_counts(
    api: Api, service: dict[str, Any]
) -> None:
    channels = [await api.a_channel(service) for _ in range(6)]
    made = [await api.a_user(service, f"user{number}") for number in range(6)]
    members = [await api.a_member(channel, user["identity"]) for channel in channels for user in made]

    answers = await together(
        *(api.delete(thing["url"]) for trio in zip(channels[:3], made[:3], strict=True) for thing in trio),
        *(api.delete(member["url"]) for member in members),
    )

    assert set(tally(answers)) <= {204, (404, 20404)}
    assert [answer.status for answer in answers[:6]] == [204] * 6
    assert await everything(api, users(service)) == [
        {**user, "joined_channels_count": 0} for user in made[3:]
    ]
    assert [
        channel["members_count"] for channel in await listed(api, f"/v2/Services/{service['sid']}/Channels")
    ] == [0] * 3
    await assert_counts_are_exact(api, service)


async def test_a_service_that_is_deleted_while_it_is_used_is_gone(api: Api, service: dict[str, Any]) -> None:
    channel = await api.a_channel(service)
    path = f"/v1/Services/{service['sid']}"

    answers = await together(
        *(
            request
            for number in range(20)
            for request in (
                api.post(channel["links"]["members"], Identity=f"user {number}"),
                api.post(channel["links"]["messages"], Body="hello"),
                api.post(users(service), Identity=f"other {number}"),
                *([api.delete(path)] if number == 5 else []),
            )
        )
    )

    assert set(tally(answers)) <= {201, 204, (404, 20404)}
    gone = [await api.get(url) for url in (path, channel["url"], users(service), channel["links"]["members"])]
    assert [outcome(answer) for answer in gone] == [(404, 20404)] * 4


# Values that are given at once


@pytest.mark.parametrize("attempt", range(5))
async def test_a_role_given_to_a_user_that_joins_and_changes_at_once_stays(
    api: Api, service: dict[str, Any], attempt: int
) -> None:
    user = await api.a_user(service)
    role = await api.a_role(service, Type="deployment", Permission=["joinChannel"])
    channels = [await api.a_channel(service) for _ in range(3)]

    answers = await together(
        *(api.post(channel["links"]["members"], Identity="alice") for channel in channels),
        api.post(user["url"], RoleSid=role["sid"]),
        api.post(user["url"], FriendlyName="Alice"),
        api.post(user["url"], Attributes='{"a":1}'),
    )

    assert tally(answers) == {201: 3, 200: 3}
    found = (await api.get(user["url"])).json
    assert (found["role_sid"], found["friendly_name"], found["attributes"]) == (
        role["sid"],
        "Alice",
        '{"a":1}',
    )
    assert found["joined_channels_count"] == 3


async def test_what_is_changed_about_a_member_at_once_stays(api: Api, service: dict[str, Any]) -> None:
    channel = await api.a_channel(service)
    member = await api.a_member(channel, "alice")
    role = await api.a_role(service)
    await api.a_message(channel)

    answers = await together(
        api.post(member["url"], RoleSid=role["sid"]),
        api.post(member["url"], Attributes='{"a":1}'),
        api.post(member["url"], LastConsumedMessageIndex=0),
        *(api.post(channel["links"]["messages"], Body="x") for _ in range(5)),
    )

    assert tally(answers) == {200: 3, 201: 5}
    found = (await api.get(member["url"])).json
    assert (found["role_sid"], found["attributes"], found["last_consumed_message_index"]) == (
        role["sid"],
        '{"a":1}',
        0,
    )
