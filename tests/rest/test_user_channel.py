"""User channels over REST. Source: chat-v1 UserChannel, chat-v2 UserChannel; consumption-guide."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from rest.shared import (
    MOMENTS,
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


@pytest.fixture
async def service(api: Api) -> dict[str, Any]:
    return await api.a_service()


@pytest.fixture
async def user(api: Api, service: dict[str, Any]) -> dict[str, Any]:
    """The user alice."""
    return await api.a_user(service)


@pytest.fixture
async def channel(api: Api, user: dict[str, Any]) -> dict[str, Any]:
    """A channel, in which nobody is."""
    return await api.a_channel({"sid": user["service_sid"]})


def of(user: dict[str, Any], version: str = "v2") -> str:
    return f"/{version}/Services/{user['service_sid']}/Users/{user['sid']}/Channels"


def at(user: dict[str, Any], channel: dict[str, Any]) -> str:
    return f"{of(user)}/{channel['sid']}"


async def unread(api: Api, user: dict[str, Any], channel: dict[str, Any]) -> int | None:
    """What the list of v1, the list of v2 and the fetch of v2 agree on."""
    shown = [(await api.get(at(user, channel))).json]
    for version in ("v1", "v2"):
        entries = await listed(api, of(user, version))
        shown += [entry for entry in entries if entry["channel_sid"] == channel["sid"]]
    counts = {entry["unread_messages_count"] for entry in shown}
    assert (len(shown), len(counts)) == (3, 1)
    return counts.pop()


# Fields


async def test_a_channel_of_a_member_has_every_field_of_v1(
    api: Api, user: dict[str, Any], channel: dict[str, Any]
) -> None:
    member = await api.a_member(channel)

    (entry,) = await listed(api, of(user, "v1"))

    url = f"{api.base}/v1/Services/{user['service_sid']}/Channels/{channel['sid']}"
    assert entry == {
        "account_sid": api.account_sid,
        "service_sid": user["service_sid"],
        "channel_sid": channel["sid"],
        "member_sid": member["sid"],
        "status": "joined",
        "last_consumed_message_index": None,
        "unread_messages_count": None,
        "links": {"channel": url, "member": f"{url}/Members/{member['sid']}"},
    }


async def test_a_channel_of_a_member_has_every_field_of_v2(
    api: Api, user: dict[str, Any], channel: dict[str, Any]
) -> None:
    member = await api.a_member(channel)

    fetched = await api.get(at(user, channel))
    (entry,) = await listed(api, of(user))

    assert fetched.status == 200
    assert fetched.json == entry
    assert entry == {
        "account_sid": api.account_sid,
        "service_sid": user["service_sid"],
        "channel_sid": channel["sid"],
        "user_sid": user["sid"],
        "member_sid": member["sid"],
        "status": "joined",
        "last_consumed_message_index": None,
        "unread_messages_count": None,
        "notification_level": "default",
        "url": f"{user['url']}/Channels/{channel['sid']}",
        "links": {"channel": channel["url"], "member": member["url"]},
    }


@in_both_versions
async def test_a_channel_that_a_user_is_invited_to_has_no_member(
    api: Api, user: dict[str, Any], channel: dict[str, Any], version: str
) -> None:
    await api.a_message(channel)
    await api.an_invite(channel)

    (entry,) = await listed(api, of(user, version))

    assert (entry["channel_sid"], entry["status"]) == (channel["sid"], "invited")
    assert (entry["member_sid"], entry["links"]["member"]) == (None, None)
    assert (entry["last_consumed_message_index"], entry["unread_messages_count"]) == (None, None)


async def test_the_addresses_in_it_lead_somewhere(
    api: Api, user: dict[str, Any], channel: dict[str, Any]
) -> None:
    member = await api.a_member(channel)

    entry = (await api.get(at(user, channel))).json

    assert (await api.get(entry["url"])).json == entry
    assert (await api.get(entry["links"]["member"])).json == member
    assert (await api.get(entry["links"]["channel"])).json == {**channel, "members_count": 1}


@in_both_versions
async def test_each_status_is_listed_and_channels_without_the_user_are_not(
    api: Api, service: dict[str, Any], user: dict[str, Any], version: str
) -> None:
    joined, invited, left, declined, never = [await api.a_channel(service) for _ in range(5)]
    await api.a_member(joined)
    await api.an_invite(invited)
    await api.delete((await api.a_member(left))["url"])
    await api.delete((await api.an_invite(declined))["url"])
    await api.a_member(never, "bob")

    entries = await listed(api, of(user, version))

    assert [(entry["channel_sid"], entry["status"]) for entry in entries] == [
        (joined["sid"], "joined"),
        (invited["sid"], "invited"),
    ]


async def test_an_invited_user_who_is_added_is_listed_once(
    api: Api, user: dict[str, Any], channel: dict[str, Any]
) -> None:
    await api.an_invite(channel)
    member = await api.a_member(channel)

    (entry,) = await listed(api, of(user))

    assert (entry["status"], entry["member_sid"]) == ("joined", member["sid"])


async def test_a_member_who_left_and_was_invited_is_listed_as_invited(
    api: Api, user: dict[str, Any], channel: dict[str, Any]
) -> None:
    await api.a_message(channel)
    member = await api.a_member(channel, LastConsumedMessageIndex=0)
    await api.post(at(user, channel), NotificationLevel="muted")
    await api.delete(member["url"])
    await api.an_invite(channel)

    (entry,) = await listed(api, of(user))

    assert (entry["status"], entry["member_sid"]) == ("invited", None)
    assert (entry["last_consumed_message_index"], entry["unread_messages_count"]) == (None, None)
    assert entry["notification_level"] == "default"


@in_both_versions
async def test_v1_has_the_list_alone(
    api: Api, user: dict[str, Any], channel: dict[str, Any], version: str
) -> None:
    await api.a_member(channel)
    path = f"{of(user, version)}/{channel['sid']}"

    found = await outcomes(api, path)

    assert found == ([200, 200, 204] if version == "v2" else NOWHERE)


# Addresses


@in_both_versions
@pytest.mark.parametrize("identity", ODD_NAMES)
async def test_the_list_is_found_through_the_identity_of_the_user(
    api: Api, service: dict[str, Any], version: str, identity: str
) -> None:
    user, channel = await api.a_user(service, identity), await api.a_channel(service)
    member = await api.a_member(channel, identity)

    entries = await listed(api, f"/{version}/Services/{service['sid']}/Users/{segment(identity)}/Channels")

    assert [entry["member_sid"] for entry in entries] == [member["sid"]]
    assert entries == await listed(api, of(user, version))


@pytest.mark.parametrize("name", ODD_NAMES)
async def test_one_is_found_through_an_identity_and_a_unique_name(
    api: Api, service: dict[str, Any], name: str
) -> None:
    user, channel = await api.a_user(service, name), await api.a_channel(service, UniqueName=name)
    await api.a_member(channel, name)
    path = f"/v2/Services/{service['sid']}/Users/{segment(name)}/Channels/{segment(name)}"

    fetched = await api.get(path)
    changed = await api.post(path, NotificationLevel="muted")
    deleted = await api.delete(path)

    url = f"{api.base}{at(user, channel)}"
    assert (fetched.status, fetched.json["url"]) == (200, url)
    assert (changed.status, changed.json["url"]) == (200, url)
    assert deleted.status == 204
    assert await listed(api, of(user)) == []


async def test_one_is_found_through_sids_in_either_letter_case(
    api: Api, user: dict[str, Any], channel: dict[str, Any]
) -> None:
    await api.a_member(channel)

    path = (
        f"/v2/Services/{user['service_sid']}/Users/{shouted(user['sid'])}/Channels/{shouted(channel['sid'])}"
    )

    assert (await api.get(path)).json == (await api.get(at(user, channel))).json


async def test_a_channel_in_which_the_user_is_not_is_not_found(
    api: Api, user: dict[str, Any], channel: dict[str, Any]
) -> None:
    await api.a_member(channel, "bob")
    path = at(user, channel)

    refusal = await api.get(path)

    assert await outcomes(api, path, NotificationLevel="loud") == NOWHERE
    assert refusal.json["message"] == f"The requested resource {path.removeprefix('/v2')} was not found"
    assert (await api.get(channel["url"])).json["members_count"] == 1


async def test_what_does_not_exist_is_not_found(
    api: Api, user: dict[str, Any], channel: dict[str, Any]
) -> None:
    await api.a_member(channel)
    users = f"/v2/Services/{user['service_sid']}/Users"
    paths = [
        f"{users}/US{UNKNOWN}/Channels/{channel['sid']}",
        f"{users}/nobody/Channels/{channel['sid']}",
        f"{users}/alice/Channels/CH{UNKNOWN}",
        f"{users}/alice/Channels/nowhere",
        f"/v2/Services/IS{UNKNOWN}/Users/alice/Channels/{channel['sid']}",
    ]

    found = [await outcomes(api, path, LastConsumedMessageIndex="x") for path in paths]

    assert found == [NOWHERE] * 5
    assert len(await listed(api, of(user))) == 1


async def test_one_is_found_in_its_own_service_and_account_only(
    api: Api, stranger: Api, user: dict[str, Any], channel: dict[str, Any]
) -> None:
    await api.a_member(channel)
    other = await api.a_service()
    path = at(user, channel).replace(user["service_sid"], other["sid"])

    assert await outcomes(api, path) == NOWHERE
    assert await outcomes(stranger, at(user, channel)) == NOWHERE
    assert outcome(await stranger.get(of(user))) == (404, 20404)
    assert len(await listed(api, of(user))) == 1


# Unread counts


async def test_who_has_read_nothing_has_no_count(
    api: Api, user: dict[str, Any], channel: dict[str, Any]
) -> None:
    await api.a_member(channel)
    await api.a_message(channel)

    assert await unread(api, user, channel) is None


async def test_messages_above_the_horizon_are_counted_own_ones_too(
    api: Api, user: dict[str, Any], channel: dict[str, Any]
) -> None:
    for author in ("alice", "bob", "alice", "system"):
        await api.a_message(channel, From=author)
    await api.a_member(channel, LastConsumedMessageIndex=0)

    counts = [await unread(api, user, channel)]
    await api.a_message(channel, From="alice")
    counts.append(await unread(api, user, channel))
    for index in (2, 4, 1):
        await api.post(f"{channel['links']['members']}/alice", LastConsumedMessageIndex=index)
        counts.append(await unread(api, user, channel))

    assert counts == [3, 4, 2, 0, 3]


async def test_deleted_messages_are_not_counted(
    api: Api, user: dict[str, Any], channel: dict[str, Any]
) -> None:
    messages = [await api.a_message(channel) for _ in range(6)]
    await api.a_member(channel, LastConsumedMessageIndex=2)

    counts = [await unread(api, user, channel)]
    for index in (0, 4, 2, 5, 3):  # read, unread, at the horizon, the last, all that is left
        await api.delete(messages[index]["url"])
        counts.append(await unread(api, user, channel))
    await api.a_message(channel)
    counts.append(await unread(api, user, channel))

    assert counts == [3, 3, 2, 2, 1, 0, 1]


async def test_a_horizon_that_is_forgotten_has_no_count(
    api: Api, user: dict[str, Any], channel: dict[str, Any]
) -> None:
    await api.a_message(channel)
    await api.a_member(channel, LastConsumedMessageIndex=0)

    await api.post(at(user, channel), LastConsumedMessageIndex="")

    assert await unread(api, user, channel) is None


async def test_a_horizon_set_in_an_empty_channel_counts_from_0(
    api: Api, user: dict[str, Any], channel: dict[str, Any]
) -> None:
    await api.a_member(channel, LastConsumedMessageIndex=0)

    counts = [await unread(api, user, channel)]
    for _ in range(2):
        await api.a_message(channel)
        counts.append(await unread(api, user, channel))

    assert counts == [0, 0, 1]


async def test_counts_are_of_one_channel_and_one_user(
    api: Api, service: dict[str, Any], user: dict[str, Any]
) -> None:
    one, two = await api.a_channel(service), await api.a_channel(service)
    bob = await api.a_user(service, "bob")
    for channel, count in ((one, 3), (two, 5)):
        for _ in range(count):
            await api.a_message(channel)
        await api.a_member(channel, LastConsumedMessageIndex=0)
        await api.a_member(channel, "bob", LastConsumedMessageIndex=count - 1)

    assert [await unread(api, user, channel) for channel in (one, two)] == [2, 4]
    assert [await unread(api, bob, channel) for channel in (one, two)] == [0, 0]


# Changes


@pytest.mark.parametrize("level", ["muted", "default"])
async def test_the_notification_level_is_changed_and_kept(
    api: Api, user: dict[str, Any], channel: dict[str, Any], level: str
) -> None:
    await api.a_member(channel)
    before = (await api.post(at(user, channel), NotificationLevel="muted")).json

    changed = await api.post(at(user, channel), NotificationLevel=level)

    assert changed.status == 200
    assert changed.json == {**before, "notification_level": level}
    assert (await api.get(at(user, channel))).json == changed.json
    assert await listed(api, of(user)) == [changed.json]


async def test_a_horizon_move_leaves_the_notification_level(
    api: Api, user: dict[str, Any], channel: dict[str, Any]
) -> None:
    await api.a_member(channel)
    await api.a_message(channel)
    await api.post(at(user, channel), NotificationLevel="muted")

    await api.post(f"{channel['links']['members']}/alice", LastConsumedMessageIndex=0)

    entry = (await api.get(at(user, channel))).json
    assert (entry["notification_level"], entry["last_consumed_message_index"]) == ("muted", 0)


async def test_who_is_only_invited_may_mute_but_has_no_horizon(
    api: Api, user: dict[str, Any], channel: dict[str, Any]
) -> None:
    await api.an_invite(channel)

    muted = await api.post(at(user, channel), NotificationLevel="muted")
    refusal = await api.post(at(user, channel), LastConsumedMessageIndex=0, NotificationLevel="default")

    assert (muted.status, muted.json["notification_level"]) == (200, "muted")
    assert outcome(refusal) == (404, 20404)
    assert (await api.get(at(user, channel))).json == muted.json


async def test_levels_are_of_one_channel_and_one_user(
    api: Api, service: dict[str, Any], user: dict[str, Any], channel: dict[str, Any]
) -> None:
    bob, other = await api.a_user(service, "bob"), await api.a_channel(service)
    for where in (channel, other):
        await api.a_member(where, "alice")
        await api.a_member(where, "bob")

    await api.post(at(user, channel), NotificationLevel="muted")

    assert [entry["notification_level"] for entry in await listed(api, of(user))] == ["muted", "default"]
    assert [entry["notification_level"] for entry in await listed(api, of(bob))] == ["default"] * 2


async def test_who_comes_back_is_not_muted(api: Api, user: dict[str, Any], channel: dict[str, Any]) -> None:
    member = await api.a_member(channel)
    await api.post(at(user, channel), NotificationLevel="muted")
    await api.delete(member["url"])

    await api.a_member(channel)

    assert (await api.get(at(user, channel))).json["notification_level"] == "default"


async def test_a_horizon_that_is_moved_here_is_that_of_the_member(
    api: Api, user: dict[str, Any], channel: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    member = await api.a_member(channel)
    for _ in range(4):
        await api.a_message(channel)
    later(monkeypatch)

    changed = await api.post(at(user, channel), LastConsumedMessageIndex=1)

    assert changed.status == 200
    assert (changed.json["last_consumed_message_index"], changed.json["unread_messages_count"]) == (1, 2)
    assert (await api.get(at(user, channel))).json == changed.json
    moved = (await api.get(member["url"])).json
    assert moved["last_consumed_message_index"] == 1
    assert moved["last_consumption_timestamp"] == moved["date_updated"] > member["date_updated"]


async def test_a_horizon_here_is_held_to_the_last_message(
    api: Api, user: dict[str, Any], channel: dict[str, Any]
) -> None:
    await api.a_member(channel)

    empty = await api.post(at(user, channel), LastConsumedMessageIndex=5)
    for _ in range(2):
        await api.a_message(channel)
    full = await api.post(at(user, channel), LastConsumedMessageIndex=5)

    assert empty.json["last_consumed_message_index"] == 0
    assert (full.json["last_consumed_message_index"], full.json["unread_messages_count"]) == (1, 0)


@pytest.mark.parametrize(("given", "shown"), MOMENTS.items())
async def test_the_date_of_a_horizon_is_kept_with_the_member(
    api: Api, user: dict[str, Any], channel: dict[str, Any], given: str, shown: str
) -> None:
    member = await api.a_member(channel)

    changed = await api.post(at(user, channel), LastConsumedMessageIndex=0, LastConsumptionTimestamp=given)

    assert changed.status == 200
    assert (await api.get(member["url"])).json["last_consumption_timestamp"] == shown


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        *(({"NotificationLevel": text}, 50210) for text in ("", "loud", "MUTED", "muted ")),
        *(({"LastConsumedMessageIndex": text}, 50406) for text in ("-1", "1.5", "one", " ", "9" * 19)),
        *(({"LastConsumptionTimestamp": text}, 50405) for text in NO_MOMENTS),
    ],
)
async def test_a_value_that_cannot_be_is_refused(
    api: Api, user: dict[str, Any], channel: dict[str, Any], bad: dict[str, str], code: int
) -> None:
    await api.a_member(channel)
    before = (await api.get(at(user, channel))).json
    good = {"NotificationLevel": "muted", "LastConsumedMessageIndex": "0"}

    refusal = await api.post(at(user, channel), **{**good, **bad})

    assert outcome(refusal) == (400, code)
    assert (await api.get(at(user, channel))).json == before


async def test_an_update_of_nothing_changes_nothing_that_shows(
    api: Api, user: dict[str, Any], channel: dict[str, Any]
) -> None:
    await api.a_member(channel)
    before = (await api.get(at(user, channel))).json

    changed = await api.post(at(user, channel), Status="invited", Colour="blue")

    assert (changed.status, changed.json) == (200, before)


# Leaving


async def test_deleting_it_takes_the_user_out_of_the_channel(
    api: Api, user: dict[str, Any], channel: dict[str, Any]
) -> None:
    member, bob = await api.a_member(channel), await api.a_member(channel, "bob")

    deleted = await api.delete(at(user, channel))

    assert (deleted.status, deleted.body) == (204, b"")
    assert await outcomes(api, at(user, channel)) == NOWHERE
    assert outcome(await api.get(member["url"])) == (404, 20404)
    assert await listed(api, channel["links"]["members"]) == [bob]
    assert (await api.get(channel["url"])).json["members_count"] == 1
    assert (await api.get(user["url"])).json == user


async def test_deleting_it_withdraws_an_invite(
    api: Api, user: dict[str, Any], channel: dict[str, Any]
) -> None:
    await api.an_invite(channel)

    deleted = await api.delete(at(user, channel))

    assert deleted.status == 204
    assert await listed(api, channel["links"]["invites"]) == []
    assert await listed(api, of(user)) == []
    assert (await api.get(channel["url"])).json["members_count"] == 0


# Lists


@in_both_versions
async def test_channels_of_a_user_are_listed_oldest_channel_first_in_pages_of_any_size(
    api: Api, service: dict[str, Any], user: dict[str, Any], version: str
) -> None:
    made = [await api.a_channel(service) for _ in range(6)]
    for number in (3, 0, 4, 1, 2):
        await (api.an_invite if number == 1 else api.a_member)(made[number])
    entries = await listed(api, of(user, version))

    assert [entry["channel_sid"] for entry in entries] == [channel["sid"] for channel in made[:5]]
    await assert_paged(api, of(user, version), entries)


@in_both_versions
async def test_the_position_of_a_page_is_the_sid_of_a_channel(
    api: Api, service: dict[str, Any], user: dict[str, Any], version: str
) -> None:
    made = [await api.a_channel(service) for _ in range(2)]
    for channel in made:
        await api.a_member(channel)

    page = (await api.get(of(user, version), PageSize=1)).json

    assert page["meta"]["next_page_url"].endswith(f"PageSize=1&Page=1&PageToken=PT{made[0]['sid']}")


@in_both_versions
async def test_a_user_in_no_channel_has_one_empty_page(api: Api, user: dict[str, Any], version: str) -> None:
    page = (await api.get(of(user, version))).json

    assert page["channels"] == []
    assert page["meta"]["key"] == "channels"
    assert (page["meta"]["previous_page_url"], page["meta"]["next_page_url"]) == (None, None)


@pytest.mark.parametrize(("version", "most"), [("v1", 1000), ("v2", 50)])
async def test_a_page_has_at_most_what_its_version_allows(
    api: Api, user: dict[str, Any], version: str, most: int
) -> None:
    sizes = [
        (await api.get(of(user, version), PageSize=size)).json["meta"]["page_size"]
        for size in (most, most + 1, 5000)
    ]

    assert sizes == [most, most, most]


@in_both_versions
async def test_channels_that_come_and_go_while_a_list_is_read_make_it_neither_skip_nor_repeat(
    api: Api, service: dict[str, Any], user: dict[str, Any], version: str
) -> None:
    made = [await api.a_channel(service) for _ in range(9)]
    for channel in made[:6]:
        await api.a_member(channel)
    coming, found = made[6:], list[str]()
    url: str | None = f"{of(user, version)}?PageSize=2"

    while url is not None:
        page = (await api.get(url)).json
        found += [entry["channel_sid"] for entry in records(page)]
        await api.delete(f"{of(user)}/{found[-1]}")
        if coming:
            await api.a_member(coming.pop(0))
        url = page["meta"]["next_page_url"]

    assert found == [channel["sid"] for channel in made]
