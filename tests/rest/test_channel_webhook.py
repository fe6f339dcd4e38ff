"""Webhooks of channels over REST, in v2 only. Source: chat-v2 ChannelWebhook, webhook-events."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any

import pytest

from rest.shared import FORBIDDEN_URLS, later

if TYPE_CHECKING:
    from support.api import Answer, Api

URL = "https://example.com/hook?x=1"
FLOW = "FW" + "0123456789abcdef" * 2
POST_EVENTS = [
    "onMessageSent",
    "onMessageUpdated",
    "onMessageRemoved",
    "onMediaMessageSent",
    "onChannelAdded",
    "onChannelUpdated",
    "onChannelDestroyed",
    "onMemberAdded",
    "onMemberUpdated",
    "onMemberRemoved",
    "onUserAdded",
    "onUserUpdated",
]
PRE_EVENTS = [
    "onMessageSend",
    "onMessageUpdate",
    "onMessageRemove",
    "onMediaMessageSend",
    "onChannelAdd",
    "onChannelUpdate",
    "onChannelDestroy",
    "onMemberAdd",
    "onMemberUpdate",
    "onMemberRemove",
    "onUserUpdate",
]
WEBHOOK = {
    "Type": "webhook",
    "Configuration.Url": URL,
    "Configuration.Method": "GET",
    "Configuration.Filters": ["onMessageSent", "onMemberAdded"],
    "Configuration.RetryCount": "2",
}
TRIGGER = {
    "Type": "trigger",
    "Configuration.Url": URL,
    "Configuration.Method": "POST",
    "Configuration.Triggers": ["help", "é 🐙"],
    "Configuration.RetryCount": "1",
}
STUDIO = {"Type": "studio", "Configuration.FlowSid": FLOW, "Configuration.RetryCount": "3"}
SHOWN = {
    "webhook": {
        "url": URL,
        "method": "GET",
        "filters": ["onMessageSent", "onMemberAdded"],
        "retry_count": 2,
    },
    "trigger": {
        "url": URL,
        "method": "POST",
        "filters": ["help", "é 🐙"],
        "triggers": ["help", "é 🐙"],
        "retry_count": 1,
    },
    "studio": {"flow_sid": FLOW, "retry_count": 3},
}
EVERY_TYPE = [WEBHOOK, TRIGGER, STUDIO]


@pytest.fixture
async def channel(api: Api) -> dict[str, Any]:
    return await api.a_channel(await api.a_service())


@pytest.fixture
def webhooks(channel: dict[str, Any]) -> str:
    """The path of the webhooks of the channel."""
    return f"/v2/Services/{channel['service_sid']}/Channels/{channel['sid']}/Webhooks"


async def made(api: Api, webhooks: str, parameters: dict[str, Any]) -> dict[str, Any]:
    answer = await api.post(webhooks, **parameters)
    assert answer.status == 201, answer.body
    return answer.json


def not_found(answers: list[Answer]) -> bool:
    """Whether each of some answers says that what the path names is not there."""
    return [(answer.status, answer.code) for answer in answers] == [(404, 20404)] * len(answers)


# Creating


@pytest.mark.parametrize("parameters", EVERY_TYPE, ids=lambda given: given["Type"])
async def test_a_new_webhook_has_every_field(
    api: Api, channel: dict[str, Any], webhooks: str, parameters: dict[str, Any]
) -> None:
    answer = await api.post(webhooks, **parameters)

    assert answer.status == 201
    webhook = answer.json
    assert re.fullmatch(r"WH[0-9a-f]{32}", webhook["sid"])
    assert webhook == {
        "sid": webhook["sid"],
        "account_sid": api.account_sid,
        "service_sid": channel["service_sid"],
        "channel_sid": channel["sid"],
        "type": parameters["Type"],
        "configuration": SHOWN[parameters["Type"]],
        "date_created": webhook["date_created"],
        "date_updated": webhook["date_created"],
        "url": f"{api.base}{webhooks}/{webhook['sid']}",
    }
    assert (await api.get(f"{webhooks}/{webhook['sid']}")).json == webhook
    assert (await api.get(webhooks)).json["webhooks"] == [webhook]


async def test_a_webhook_is_posted_to_once_unless_it_says_otherwise(api: Api, webhooks: str) -> None:
    webhook = await made(
        api,
        webhooks,
        {"Type": "webhook", "Configuration.Url": URL, "Configuration.Filters": "onMessageSent"},
    )

    assert webhook["configuration"] == {
        "url": URL,
        "method": "POST",
        "filters": ["onMessageSent"],
        "retry_count": 0,
    }


async def test_a_flow_may_be_told_of_chosen_events(api: Api, webhooks: str) -> None:
    webhook = await made(api, webhooks, {**STUDIO, "Configuration.Filters": "onMessageSent"})

    assert webhook["configuration"] == {**SHOWN["studio"], "filters": ["onMessageSent"]}


async def test_what_a_type_does_not_use_is_not_kept(api: Api, webhooks: str) -> None:
    everything = {**WEBHOOK, **TRIGGER, **STUDIO}

    trigger = await made(api, webhooks, {**everything, "Type": "trigger", "Configuration.Method": "GET"})
    studio = await made(api, webhooks, {**STUDIO, "Configuration.Url": URL, "Configuration.Triggers": "x"})

    assert trigger["configuration"] == {**SHOWN["trigger"], "method": "GET", "retry_count": 3}
    assert studio["configuration"] == SHOWN["studio"]


async def test_every_event_that_has_happened_can_be_a_filter(api: Api, webhooks: str) -> None:
    webhook = await made(api, webhooks, {**WEBHOOK, "Configuration.Filters": POST_EVENTS})

    assert webhook["configuration"]["filters"] == POST_EVENTS


@pytest.mark.parametrize("count", ["0", "1", "2", "3"])
async def test_a_call_is_repeated_up_to_three_times(api: Api, webhooks: str, count: str) -> None:
    webhook = await made(api, webhooks, {**WEBHOOK, "Configuration.RetryCount": count})

    assert webhook["configuration"]["retry_count"] == int(count)


async def test_five_triggers_are_kept_in_order(api: Api, webhooks: str) -> None:
    words = ["e", "d", "c", "b", "a" * 256]

    webhook = await made(api, webhooks, {**TRIGGER, "Configuration.Triggers": words})

    assert webhook["configuration"]["triggers"] == words


async def test_the_channel_can_be_named_by_its_unique_name(api: Api) -> None:
    service = await api.a_service()
    channel = await api.a_channel(service, UniqueName="lobby")
    named = f"/v2/Services/{service['sid']}/Channels/lobby/Webhooks"

    webhook = await made(api, named, WEBHOOK)

    path = f"/v2/Services/{service['sid']}/Channels/{channel['sid']}/Webhooks/{webhook['sid']}"
    assert webhook["channel_sid"] == channel["sid"]
    assert webhook["url"] == api.base + path
    assert (await api.get(f"{named}/{webhook['sid']}")).json == webhook
    assert (await api.post(f"{named}/{webhook['sid']}")).status == 200
    assert (await api.delete(f"{named}/{webhook['sid']}")).status == 204
    assert (await api.get(path)).status == 404


async def test_a_channel_links_to_its_webhooks_in_v2_only(
    api: Api, channel: dict[str, Any], webhooks: str
) -> None:
    shown = {version: await api.get(f"/{version}{webhooks[3:-9]}") for version in ("v1", "v2")}

    assert shown["v2"].json["links"]["webhooks"] == api.base + webhooks
    assert "webhooks" not in shown["v1"].json["links"]


# Refusals

WRONG = [
    ({"Type": "sms"}, 50324),
    ({"Type": ""}, 50324),
    ({"Type": "Webhook"}, 50324),
    ({**WEBHOOK, "Configuration.Url": None}, 50329),
    ({**WEBHOOK, "Configuration.Url": ""}, 50329),
    ({**TRIGGER, "Configuration.Url": None}, 50329),
    ({**WEBHOOK, "Configuration.Url": "example.com/hook"}, 50054),
    ({**WEBHOOK, "Configuration.Url": "ftp://example.com/hook"}, 50054),
    ({**WEBHOOK, "Configuration.Url": f"https://example.com/{'a' * 2029}"}, 50332),
    ({**WEBHOOK, "Configuration.Method": "PUT"}, 50055),
    ({**WEBHOOK, "Configuration.Method": ""}, 50055),
    ({**WEBHOOK, "Configuration.Filters": None}, 50330),
    ({**WEBHOOK, "Configuration.Filters": ""}, 50330),
    ({**WEBHOOK, "Configuration.Filters": ["onMessageSent", "onTea"]}, 50325),
    ({**WEBHOOK, "Configuration.Filters": ["onMessageSent", ""]}, 50325),
    *(({**WEBHOOK, "Configuration.Filters": event}, 50325) for event in PRE_EVENTS),
    ({**TRIGGER, "Configuration.Triggers": None}, 50331),
    ({**TRIGGER, "Configuration.Triggers": ""}, 50331),
    ({**TRIGGER, "Configuration.Triggers": list("abcdef")}, 50322),
    ({**TRIGGER, "Configuration.Triggers": ["a", ""]}, 50326),
    ({**TRIGGER, "Configuration.Triggers": "a" * 257}, 50326),
    ({**STUDIO, "Configuration.FlowSid": None}, 50327),
    ({**STUDIO, "Configuration.FlowSid": ""}, 50327),
    ({**STUDIO, "Configuration.FlowSid": "FW1"}, 50327),
    ({**STUDIO, "Configuration.FlowSid": "IS" + "0" * 32}, 50327),
    ({**WEBHOOK, "Configuration.RetryCount": "4"}, 50065),
    ({**WEBHOOK, "Configuration.RetryCount": "-1"}, 50065),
    ({**WEBHOOK, "Configuration.RetryCount": "many"}, 50065),
    ({**WEBHOOK, "Configuration.RetryCount": ""}, 50065),
]


@pytest.mark.parametrize(("parameters", "code"), WRONG, ids=str)
async def test_a_webhook_that_could_not_work_is_refused(
    api: Api, webhooks: str, parameters: dict[str, Any], code: int
) -> None:
    given = {name: value for name, value in parameters.items() if value is not None}

    refusal = await api.post(webhooks, **given)

    assert (refusal.status, refusal.code) == (400, code)
    assert (await api.get(webhooks)).json["webhooks"] == []


@pytest.mark.check(27)
@pytest.mark.parametrize("url", FORBIDDEN_URLS)
async def test_a_webhook_at_an_address_that_must_not_be_called_is_refused(
    api: Api, webhooks: str, url: str
) -> None:
    hook = await made(api, webhooks, WEBHOOK)

    refusals = [
        await api.post(webhooks, **{**WEBHOOK, "Configuration.Url": url}),
        await api.post(webhooks, **{**TRIGGER, "Configuration.Url": url}),
        await api.post(f"{webhooks}/{hook['sid']}", **{"Configuration.Url": url}),
    ]

    for refusal in refusals:
        assert (refusal.status, refusal.code) == (400, 50054)
        assert "Configuration.Url" in refusal.headers["Chinwag-Detail"]
        assert "secret" not in refusal.headers["Chinwag-Detail"]
    assert (await api.get(webhooks)).json["webhooks"] == [hook]


async def test_a_webhook_needs_a_type(api: Api, webhooks: str) -> None:
    refusal = await api.post(webhooks, Configuration__Url=URL, Configuration__Filters="onMessageSent")

    assert (refusal.status, refusal.code) == (400, 20001)
    assert refusal.json["message"] == "Missing required parameter Type in the post body"


async def test_the_longest_url_is_taken(api: Api, webhooks: str) -> None:
    longest = f"https://example.com/{'a' * 2028}"

    webhook = await made(api, webhooks, {**WEBHOOK, "Configuration.Url": longest})

    assert webhook["configuration"]["url"] == longest


async def test_a_channel_has_five_webhooks_at_most(api: Api, webhooks: str) -> None:
    first, *_ = [await made(api, webhooks, EVERY_TYPE[number % 3]) for number in range(5)]

    refusal = await api.post(webhooks, **WEBHOOK)

    assert (refusal.status, refusal.code) == (400, 50321)
    await api.delete(f"{webhooks}/{first['sid']}")
    assert (await api.post(webhooks, **WEBHOOK)).status == 201


async def test_of_webhooks_that_come_at_once_five_stay(api: Api, webhooks: str) -> None:
    answers = await asyncio.gather(*(api.post(webhooks, **WEBHOOK) for _ in range(12)))

    assert sorted(answer.status for answer in answers) == [201] * 5 + [400] * 7
    assert len((await api.get(webhooks)).json["webhooks"]) == 5


async def test_each_channel_has_webhooks_of_its_own(api: Api, channel: dict[str, Any], webhooks: str) -> None:
    for _ in range(5):
        await made(api, webhooks, WEBHOOK)
    other = await api.a_channel({"sid": channel["service_sid"]})

    answer = await api.post(webhooks.replace(channel["sid"], other["sid"]), **WEBHOOK)

    assert answer.status == 201


# Updating


@pytest.mark.parametrize(
    ("parameters", "changes", "shown"),
    [
        (WEBHOOK, {"Configuration.Url": "http://93.184.215.14:81"}, {"url": "http://93.184.215.14:81"}),
        (WEBHOOK, {"Configuration.Method": "POST"}, {"method": "POST"}),
        (WEBHOOK, {"Configuration.Filters": "onUserUpdated"}, {"filters": ["onUserUpdated"]}),
        (WEBHOOK, {"Configuration.RetryCount": "0"}, {"retry_count": 0}),
        (WEBHOOK, {"Configuration.Triggers": "x", "Configuration.FlowSid": FLOW}, {}),
        (TRIGGER, {"Configuration.Triggers": ["x", "y"]}, {"filters": ["x", "y"], "triggers": ["x", "y"]}),
        (TRIGGER, {"Configuration.Filters": "onMessageSent"}, {}),
        (STUDIO, {"Configuration.FlowSid": "FW" + "f" * 32}, {"flow_sid": "FW" + "f" * 32}),
        (STUDIO, {"Configuration.Filters": "onMessageSent"}, {"filters": ["onMessageSent"]}),
        (STUDIO, {"Configuration.Url": URL}, {}),
        (STUDIO, {}, {}),
    ],
    ids=str,
)
async def test_an_update_changes_what_it_names_and_leaves_the_rest(
    api: Api, webhooks: str, parameters: dict[str, Any], changes: dict[str, Any], shown: dict[str, Any]
) -> None:
    webhook = await made(api, webhooks, parameters)

    changed = await api.post(f"{webhooks}/{webhook['sid']}", **changes)

    assert changed.status == 200
    assert changed.json == {
        **webhook,
        "configuration": {**webhook["configuration"], **shown},
        "date_updated": changed.json["date_updated"],
    }
    assert (await api.get(f"{webhooks}/{webhook['sid']}")).json == changed.json


async def test_the_type_never_changes(api: Api, webhooks: str) -> None:
    webhook = await made(api, webhooks, WEBHOOK)

    changed = await api.post(f"{webhooks}/{webhook['sid']}", Type="studio", Configuration__FlowSid=FLOW)

    assert changed.status == 200
    assert changed.json["type"] == "webhook"
    assert changed.json["configuration"] == SHOWN["webhook"]


async def test_every_update_moves_the_date(api: Api, webhooks: str, monkeypatch: pytest.MonkeyPatch) -> None:
    webhook = await made(api, webhooks, WEBHOOK)
    later(monkeypatch)

    changed = await api.post(f"{webhooks}/{webhook['sid']}")

    assert changed.json["date_created"] == webhook["date_created"]
    assert changed.json["date_updated"] > webhook["date_updated"]


@pytest.mark.parametrize(
    ("parameters", "changes", "code"),
    [
        (WEBHOOK, {"Configuration.Url": ""}, 50329),
        (WEBHOOK, {"Configuration.Url": "x"}, 50054),
        (WEBHOOK, {"Configuration.Url": f"https://example.com/{'a' * 2029}"}, 50332),
        (WEBHOOK, {"Configuration.Method": "PUT"}, 50055),
        (WEBHOOK, {"Configuration.Filters": ""}, 50330),
        (WEBHOOK, {"Configuration.Filters": "onMessageSend"}, 50325),
        (WEBHOOK, {"Configuration.RetryCount": "4"}, 50065),
        (TRIGGER, {"Configuration.Triggers": ""}, 50331),
        (TRIGGER, {"Configuration.Triggers": list("abcdef")}, 50322),
        (STUDIO, {"Configuration.FlowSid": "x"}, 50327),
    ],
    ids=str,
)
async def test_an_update_that_is_refused_changes_nothing(
    api: Api, webhooks: str, parameters: dict[str, Any], changes: dict[str, Any], code: int
) -> None:
    webhook = await made(api, webhooks, parameters)

    refusal = await api.post(f"{webhooks}/{webhook['sid']}", **{"Configuration.Method": "POST", **changes})

    assert (refusal.status, refusal.code) == (400, code)
    assert (await api.get(f"{webhooks}/{webhook['sid']}")).json == webhook


# Deleting, and what is not there


async def test_a_webhook_is_deleted_with_an_empty_answer_and_gone(api: Api, webhooks: str) -> None:
    gone, kept = await made(api, webhooks, WEBHOOK), await made(api, webhooks, TRIGGER)
    path = f"{webhooks}/{gone['sid']}"

    deleted = await api.delete(path)

    assert (deleted.status, deleted.body) == (204, b"")
    assert not_found([await api.get(path), await api.post(path), await api.delete(path)])
    assert (await api.get(webhooks)).json["webhooks"] == [kept]


async def test_webhooks_go_with_their_channel(api: Api, channel: dict[str, Any], webhooks: str) -> None:
    webhook = await made(api, webhooks, WEBHOOK)
    path = f"{webhooks}/{webhook['sid']}"

    await api.delete(channel["url"])

    answers = [
        await api.get(webhooks),
        await api.post(webhooks, **WEBHOOK),
        await api.get(path),
        await api.post(path),
        await api.delete(path),
    ]
    assert not_found(answers)


@pytest.mark.parametrize("key", ["WH" + "0" * 32, "WH0", "CH" + "0" * 32, "lobby"])
async def test_a_webhook_is_found_by_its_sid_alone(api: Api, webhooks: str, key: str) -> None:
    await made(api, webhooks, WEBHOOK)
    path = f"{webhooks}/{key}"

    answers = [
        await api.get(path),
        await api.post(path),
        await api.post(path, Configuration__Method="PUT"),
        await api.delete(path),
    ]

    assert not_found(answers)


async def test_a_webhook_is_not_found_in_another_channel(
    api: Api, channel: dict[str, Any], webhooks: str
) -> None:
    webhook = await made(api, webhooks, WEBHOOK)
    other = await api.a_channel({"sid": channel["service_sid"]})
    path = f"{webhooks.replace(channel['sid'], other['sid'])}/{webhook['sid']}"

    assert not_found([await api.get(path), await api.post(path), await api.delete(path)])
    assert (await api.get(f"{webhooks}/{webhook['sid']}")).json == webhook


async def test_v1_has_no_webhooks_of_channels(api: Api, webhooks: str) -> None:
    webhook = await made(api, webhooks, WEBHOOK)
    in_v1 = webhooks.replace("/v2/", "/v1/")

    answers = [
        await api.get(in_v1),
        await api.post(in_v1, **WEBHOOK),
        await api.get(f"{in_v1}/{webhook['sid']}"),
        await api.post(f"{in_v1}/{webhook['sid']}"),
        await api.delete(f"{in_v1}/{webhook['sid']}"),
    ]

    assert not_found(answers)


@pytest.mark.check(16)
async def test_another_account_finds_nothing(api: Api, stranger: Api, webhooks: str) -> None:
    webhook = await made(api, webhooks, WEBHOOK)
    path = f"{webhooks}/{webhook['sid']}"

    answers = [
        await stranger.get(webhooks),
        await stranger.post(webhooks, **WEBHOOK),
        await stranger.get(path),
        await stranger.post(path),
        await stranger.delete(path),
    ]

    assert not_found(answers)
    assert (await api.get(webhooks)).json["webhooks"] == [webhook]


# Pages


async def test_webhooks_are_listed_oldest_first_five_on_a_page(api: Api, webhooks: str) -> None:
    expected = [await made(api, webhooks, EVERY_TYPE[number % 3]) for number in range(5)]

    listed = await api.get(webhooks)

    assert listed.status == 200
    assert listed.json == {
        "meta": {
            "page": 0,
            "page_size": 5,
            "first_page_url": f"{api.base}{webhooks}?PageSize=5&Page=0",
            "previous_page_url": None,
            "url": f"{api.base}{webhooks}?PageSize=5&Page=0",
            "next_page_url": None,
            "key": "webhooks",
        },
        "webhooks": expected,
    }


@pytest.mark.parametrize(("asked", "given"), [(1, 1), (5, 5), (6, 5), (50, 5), (5000, 5)])
async def test_a_page_holds_five_at_most(api: Api, webhooks: str, asked: int, given: int) -> None:
    listed = await api.get(webhooks, PageSize=asked)

    assert listed.json["meta"]["page_size"] == given


async def test_pages_lead_onward_and_back(api: Api, webhooks: str) -> None:
    expected = [await made(api, webhooks, WEBHOOK) for _ in range(5)]

    first = (await api.get(webhooks, PageSize=2)).json
    second = (await api.get(first["meta"]["next_page_url"])).json
    third = (await api.get(second["meta"]["next_page_url"])).json
    back = (await api.get(third["meta"]["previous_page_url"])).json

    assert [page["webhooks"] for page in (first, second, third, back)] == [
        expected[:2],
        expected[2:4],
        expected[4:],
        expected[2:4],
    ]
    assert third["meta"]["next_page_url"] is None
