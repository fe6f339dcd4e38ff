"""Services over REST. Source: chat-v1 Service; `docs/api.md` says the same for users."""

from __future__ import annotations

import re
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from chinwag import app

if TYPE_CHECKING:
    from support.api import Api

OWN_EVENTS = (
    "OnMessageSend",
    "OnMessageUpdate",
    "OnMessageRemove",
    "OnChannelAdd",
    "OnChannelDestroy",
    "OnChannelUpdate",
    "OnMemberAdd",
    "OnMemberRemove",
    "OnMessageSent",
    "OnMessageUpdated",
    "OnMessageRemoved",
    "OnChannelAdded",
    "OnChannelDestroyed",
    "OnChannelUpdated",
    "OnMemberAdded",
    "OnMemberRemoved",
)
FILTERS = (
    "onMessageSend",
    "onMessageUpdate",
    "onMessageRemove",
    "onMediaMessageSend",
    "onChannelAdd",
    "onChannelDestroy",
    "onChannelUpdate",
    "onMemberAdd",
    "onMemberUpdate",
    "onMemberRemove",
    "onUserUpdate",
    "onMessageSent",
    "onMessageUpdated",
    "onMessageRemoved",
    "onMediaMessageSent",
    "onChannelAdded",
    "onChannelDestroyed",
    "onChannelUpdated",
    "onMemberAdded",
    "onMemberUpdated",
    "onMemberRemoved",
    "onUserAdded",
    "onUserUpdated",
)
NOTIFICATIONS = {
    "NewMessage": "new_message",
    "AddedToChannel": "added_to_channel",
    "RemovedFromChannel": "removed_from_channel",
    "InvitedToChannel": "invited_to_channel",
}
OFF = {name: {"enabled": False} for name in NOTIFICATIONS.values()}


async def test_a_new_service_has_every_field_of_v1_with_its_default(api: Api) -> None:
    made = await api.post("/v1/Services", FriendlyName="Support")

    assert made.status == 201
    service = made.json
    url = f"{api.base}/v1/Services/{service['sid']}"
    assert service == {
        "sid": service["sid"],
        "account_sid": api.account_sid,
        "friendly_name": "Support",
        "date_created": service["date_created"],
        "date_updated": service["date_created"],
        "default_service_role_sid": service["default_service_role_sid"],
        "default_channel_role_sid": service["default_channel_role_sid"],
        "default_channel_creator_role_sid": service["default_channel_creator_role_sid"],
        "read_status_enabled": True,
        "reachability_enabled": False,
        "typing_indicator_timeout": 5,
        "consumption_report_interval": 10,
        "limits": {"channel_members": 250, "user_channels": 100},
        "webhooks": {},
        "pre_webhook_url": None,
        "post_webhook_url": None,
        "webhook_method": None,
        "webhook_filters": None,
        "notifications": OFF,
        "url": url,
        "links": {"roles": f"{url}/Roles", "users": f"{url}/Users", "channels": f"{url}/Channels"},
    }


async def test_answers_are_json_in_utf8(api: Api) -> None:
    made = await api.post("/v1/Services", FriendlyName="Support")

    assert made.headers["Content-Type"] == "application/json; charset=utf-8"


async def test_sids_are_two_letters_and_32_lower_case_hexadecimal_digits(api: Api) -> None:
    service = await api.a_service()

    assert re.fullmatch(r"IS[0-9a-f]{32}", service["sid"])
    for role in ("default_service_role_sid", "default_channel_role_sid", "default_channel_creator_role_sid"):
        assert re.fullmatch(r"RL[0-9a-f]{32}", service[role])


async def test_dates_are_whole_seconds_of_utc_as_the_libraries_expect_them(api: Api) -> None:
    before = int(time.time())

    service = await api.a_service()

    moment = time.strptime(service["date_created"], "%Y-%m-%dT%H:%M:%SZ")
    assert before <= time.mktime(moment) - time.timezone <= time.time()
    assert len(service["date_created"]) == len("2016-08-30T13:13:10Z")


async def test_creation_honours_nothing_but_the_name(api: Api) -> None:
    made = await api.post(
        "/v1/Services",
        FriendlyName="Support",
        ReadStatusEnabled="false",
        TypingIndicatorTimeout="99",
        Limits__ChannelMembers="nonsense",
        PreWebhookUrl="nonsense",
        WebhookFilters="nonsense",
        Notifications__NewMessage__Enabled="true",
        Sid="IS" + "0" * 32,
        Colour="green",
    )

    assert made.status == 201
    assert made.json["read_status_enabled"] is True
    assert made.json["typing_indicator_timeout"] == 5
    assert made.json["limits"] == {"channel_members": 250, "user_channels": 100}
    assert made.json["pre_webhook_url"] is None
    assert made.json["webhook_filters"] is None
    assert made.json["notifications"] == OFF
    assert made.json["sid"] != "IS" + "0" * 32


async def test_names_need_not_be_unique(api: Api) -> None:
    first = await api.a_service("Twin")

    second = await api.a_service("Twin")

    assert first["sid"] != second["sid"]


async def test_a_service_that_is_fetched_is_as_it_was_created(api: Api) -> None:
    service = await api.a_service()

    fetched = await api.get(f"/v1/Services/{service['sid']}")

    assert fetched.status == 200
    assert fetched.json == service


async def test_the_services_of_an_account_are_listed_oldest_first(api: Api) -> None:
    services = [await api.a_service(name) for name in ("one", "two", "three")]

    listed = await api.get("/v1/Services")

    assert listed.status == 200
    assert listed.json == {
        "meta": {
            "page": 0,
            "page_size": 50,
            "first_page_url": f"{api.base}/v1/Services?PageSize=50&Page=0",
            "previous_page_url": None,
            "url": f"{api.base}/v1/Services?PageSize=50&Page=0",
            "next_page_url": None,
            "key": "services",
        },
        "services": services,
    }


@pytest.mark.parametrize(
    ("parameter", "text", "field", "value"),
    [
        ("FriendlyName", "Sales", "friendly_name", "Sales"),
        ("ReadStatusEnabled", "false", "read_status_enabled", False),
        ("ReachabilityEnabled", "true", "reachability_enabled", True),
        ("TypingIndicatorTimeout", "1", "typing_indicator_timeout", 1),
        ("TypingIndicatorTimeout", "3600", "typing_indicator_timeout", 3600),
        ("ConsumptionReportInterval", "0", "consumption_report_interval", 0),
        ("ConsumptionReportInterval", "86400", "consumption_report_interval", 86400),
        ("Limits.ChannelMembers", "1", "limits", {"channel_members": 1, "user_channels": 100}),
        ("Limits.ChannelMembers", "1000", "limits", {"channel_members": 1000, "user_channels": 100}),
        ("Limits.UserChannels", "1", "limits", {"channel_members": 250, "user_channels": 1}),
        ("Limits.UserChannels", "1000", "limits", {"channel_members": 250, "user_channels": 1000}),
        (
            "PreWebhookUrl",
            "https://example.com/pre?x=1#y",
            "pre_webhook_url",
            "https://example.com/pre?x=1#y",
        ),
        ("PostWebhookUrl", "http://u:p@10.0.0.1:81", "post_webhook_url", "http://u:p@10.0.0.1:81"),
        ("WebhookMethod", "GET", "webhook_method", "GET"),
        ("WebhookMethod", "POST", "webhook_method", "POST"),
        ("WebhookFilters", "onMessageSent", "webhook_filters", ["onMessageSent"]),
    ],
)
async def test_an_update_changes_one_field_and_leaves_the_rest(
    api: Api, parameter: str, text: str, field: str, value: object
) -> None:
    service = await api.a_service()

    changed = await api.post(f"/v1/Services/{service['sid']}", **{parameter: text})

    assert changed.status == 200
    assert changed.json == {**service, field: value, "date_updated": changed.json["date_updated"]}
    assert (await api.get(f"/v1/Services/{service['sid']}")).json == changed.json


async def test_many_fields_change_together(api: Api) -> None:
    service = await api.a_service()

    changed = await api.post(
        f"/v1/Services/{service['sid']}",
        FriendlyName="Sales",
        ReadStatusEnabled="false",
        Limits__ChannelMembers="7",
        Limits__UserChannels="8",
        WebhookMethod="GET",
    )

    assert changed.json == {
        **service,
        "friendly_name": "Sales",
        "read_status_enabled": False,
        "limits": {"channel_members": 7, "user_channels": 8},
        "webhook_method": "GET",
        "date_updated": changed.json["date_updated"],
    }


@pytest.mark.parametrize(
    ("parameter", "field", "role_type"),
    [
        ("DefaultServiceRoleSid", "default_service_role_sid", "deployment"),
        ("DefaultChannelRoleSid", "default_channel_role_sid", "channel"),
        ("DefaultChannelCreatorRoleSid", "default_channel_creator_role_sid", "channel"),
    ],
)
async def test_a_default_role_is_replaced_by_one_of_the_right_type(
    api: Api, parameter: str, field: str, role_type: str
) -> None:
    service = await api.a_service()
    role = await api.a_role(service, Type=role_type, Permission=["inviteMember"])

    changed = await api.post(f"/v1/Services/{service['sid']}", **{parameter: role["sid"]})

    assert changed.status == 200
    assert changed.json == {**service, field: role["sid"], "date_updated": changed.json["date_updated"]}


@pytest.mark.parametrize(("parameter", "key"), NOTIFICATIONS.items())
async def test_each_notification_is_switched_and_worded_alone(api: Api, parameter: str, key: str) -> None:
    service = await api.a_service()

    changed = await api.post(
        f"/v1/Services/{service['sid']}",
        **{
            f"Notifications.{parameter}.Enabled": "true",
            f"Notifications.{parameter}.Template": "${USER} said ${MESSAGE}",
            f"Notifications.{parameter}.Sound": "ping.aiff",
        },
    )

    assert changed.status == 200
    said = {"enabled": True, "template": "${USER} said ${MESSAGE}", "sound": "ping.aiff"}
    assert changed.json["notifications"] == {**OFF, key: said}


async def test_a_notification_keeps_what_an_update_does_not_name(api: Api) -> None:
    service = await api.a_service(
        Notifications__NewMessage__Enabled="true",
        Notifications__NewMessage__Template="hello",
        Notifications__NewMessage__Sound="ping",
    )

    changed = await api.post(f"/v1/Services/{service['sid']}", Notifications__NewMessage__Enabled="false")

    assert changed.json["notifications"]["new_message"] == {
        "enabled": False,
        "template": "hello",
        "sound": "ping",
    }


async def test_an_empty_template_or_sound_is_left_out_again(api: Api) -> None:
    service = await api.a_service(
        Notifications__NewMessage__Template="hello", Notifications__NewMessage__Sound="ping"
    )

    changed = await api.post(
        f"/v1/Services/{service['sid']}",
        Notifications__NewMessage__Template="",
        Notifications__NewMessage__Sound="",
    )

    assert changed.status == 200
    assert changed.json["notifications"] == OFF


@pytest.mark.parametrize("event", OWN_EVENTS)
async def test_each_of_the_sixteen_events_has_a_url_and_a_method_of_its_own(api: Api, event: str) -> None:
    service = await api.a_service()

    changed = await api.post(
        f"/v1/Services/{service['sid']}",
        **{f"Webhooks.{event}.Url": "https://example.com/hook", f"Webhooks.{event}.Method": "GET"},
    )

    assert changed.status == 200
    key = re.sub(r"(?<!^)(?=[A-Z])", "_", event).lower()
    assert changed.json["webhooks"] == {key: {"url": "https://example.com/hook", "method": "GET"}}


async def test_a_webhook_url_without_a_method_is_posted_to(api: Api) -> None:
    service = await api.a_service(Webhooks__OnMessageSend__Url="https://example.com/hook")

    assert service["webhooks"] == {"on_message_send": {"url": "https://example.com/hook", "method": "POST"}}


async def test_a_webhook_method_without_a_url_is_kept(api: Api) -> None:
    service = await api.a_service(Webhooks__OnMessageSend__Method="GET")

    assert service["webhooks"] == {"on_message_send": {"url": None, "method": "GET"}}


async def test_a_webhook_keeps_what_an_update_does_not_name(api: Api) -> None:
    service = await api.a_service(
        Webhooks__OnMessageSend__Url="https://example.com/a",
        Webhooks__OnMessageSend__Method="GET",
        Webhooks__OnMemberAdded__Url="https://example.com/b",
    )

    changed = await api.post(
        f"/v1/Services/{service['sid']}", Webhooks__OnMessageSend__Url="https://example.com/c"
    )

    assert changed.json["webhooks"] == {
        "on_message_send": {"url": "https://example.com/c", "method": "GET"},
        "on_member_added": {"url": "https://example.com/b", "method": "POST"},
    }


async def test_an_empty_webhook_url_takes_the_webhook_away(api: Api) -> None:
    service = await api.a_service(
        Webhooks__OnMessageSend__Url="https://example.com/a",
        Webhooks__OnMemberAdded__Url="https://example.com/b",
    )

    changed = await api.post(f"/v1/Services/{service['sid']}", Webhooks__OnMessageSend__Url="")

    assert changed.json["webhooks"] == {"on_member_added": {"url": "https://example.com/b", "method": "POST"}}


async def test_webhook_parameters_of_other_releases_are_ignored(api: Api) -> None:
    service = await api.a_service()

    changed = await api.post(
        f"/v1/Services/{service['sid']}",
        Webhooks="anything",
        Webhooks__OnMessageSend__Format="anything",
        Webhooks__OnMediaMessageSend__Url="anything",
        Webhooks__OnTea__Url="anything",
    )

    assert changed.status == 200
    assert changed.json["webhooks"] == {}


async def test_every_event_can_be_a_filter(api: Api) -> None:
    service = await api.a_service(WebhookFilters=list(FILTERS))

    assert service["webhook_filters"] == list(FILTERS)


async def test_filters_are_replaced_as_a_whole(api: Api) -> None:
    service = await api.a_service(WebhookFilters=["onMessageSent", "onMemberAdd"])

    changed = await api.post(
        f"/v1/Services/{service['sid']}", WebhookFilters=["onUserUpdated", "onChannelAdd"]
    )

    assert changed.json["webhook_filters"] == ["onUserUpdated", "onChannelAdd"]


async def test_one_empty_filter_clears_them(api: Api) -> None:
    service = await api.a_service(WebhookFilters=["onMessageSent", "onMemberAdd"])

    changed = await api.post(f"/v1/Services/{service['sid']}", WebhookFilters="")

    assert changed.status == 200
    assert changed.json["webhook_filters"] is None


async def test_an_empty_url_or_method_is_no_url_or_method(api: Api) -> None:
    service = await api.a_service(
        PreWebhookUrl="https://example.com/a", PostWebhookUrl="https://example.com/b", WebhookMethod="GET"
    )

    changed = await api.post(
        f"/v1/Services/{service['sid']}", PreWebhookUrl="", PostWebhookUrl="", WebhookMethod=""
    )

    assert changed.status == 200
    assert changed.json["pre_webhook_url"] is None
    assert changed.json["post_webhook_url"] is None
    assert changed.json["webhook_method"] is None


async def test_of_a_parameter_sent_twice_the_last_counts(api: Api) -> None:
    service = await api.a_service()

    changed = await api.post(f"/v1/Services/{service['sid']}", FriendlyName=["first", "last"])

    assert changed.json["friendly_name"] == "last"


async def test_parameter_names_are_case_sensitive(api: Api) -> None:
    service = await api.a_service()

    changed = await api.post(f"/v1/Services/{service['sid']}", friendlyName="no", FRIENDLYNAME="no")

    assert changed.status == 200
    assert changed.json["friendly_name"] == service["friendly_name"]


async def test_every_update_moves_the_date_even_one_that_changes_nothing(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = await api.a_service()
    later = SimpleNamespace(time_ns=lambda: time.time_ns() + 10 * 10**9)
    monkeypatch.setattr(app, "time", later)

    changed = await api.post(f"/v1/Services/{service['sid']}")

    assert changed.status == 200
    assert changed.json["date_updated"] > service["date_updated"]
    assert changed.json == {**service, "date_updated": changed.json["date_updated"]}


async def test_an_update_that_is_refused_changes_nothing(api: Api) -> None:
    service = await api.a_service()

    refusal = await api.post(f"/v1/Services/{service['sid']}", FriendlyName="Sales", WebhookMethod="PUT")

    assert refusal.status == 400
    assert (await api.get(f"/v1/Services/{service['sid']}")).json == service


async def test_a_service_is_deleted_with_an_empty_answer(api: Api) -> None:
    service = await api.a_service()

    deleted = await api.delete(f"/v1/Services/{service['sid']}")

    assert deleted.status == 204
    assert deleted.body == b""
    assert "Content-Type" not in deleted.headers


async def test_a_deleted_service_is_gone_with_its_roles(api: Api) -> None:
    service = await api.a_service()
    kept = await api.a_service()
    path = f"/v1/Services/{service['sid']}"
    role = f"{path}/Roles/{service['default_channel_role_sid']}"

    await api.delete(path)

    gone = [
        await api.get(path),
        await api.post(path, FriendlyName="x"),
        await api.delete(path),
        await api.get(f"{path}/Roles"),
        await api.post(f"{path}/Roles", FriendlyName="x", Type="channel", Permission="sendMessage"),
        await api.get(role),
        await api.post(role, Permission="sendMessage"),
        await api.delete(role),
    ]
    assert [(answer.status, answer.code) for answer in gone] == [(404, 20404)] * len(gone)
    assert (await api.get("/v1/Services")).json["services"] == [kept]


async def test_what_is_not_there_is_named_by_its_path_without_version_and_host(api: Api) -> None:
    missing = "IS" + "0" * 32

    answer = await api.get(f"/v1/Services/{missing}")

    assert answer.json == {
        "code": 20404,
        "message": f"The requested resource /Services/{missing} was not found",
        "more_info": "https://www.twilio.com/docs/errors/20404",
        "status": 404,
    }


async def test_another_account_finds_nothing(api: Api, stranger: Api) -> None:
    service = await api.a_service()
    path = f"/v1/Services/{service['sid']}"
    role = f"{path}/Roles/{service['default_channel_role_sid']}"

    answers = [
        await stranger.get(path),
        await stranger.post(path, FriendlyName="mine"),
        await stranger.delete(path),
        await stranger.get(f"{path}/Roles"),
        await stranger.post(f"{path}/Roles", FriendlyName="x", Type="channel", Permission="sendMessage"),
        await stranger.get(role),
        await stranger.post(role, Permission="sendMessage"),
        await stranger.delete(role),
    ]

    assert [(answer.status, answer.code) for answer in answers] == [(404, 20404)] * len(answers)
    assert (await stranger.get("/v1/Services")).json["services"] == []
    assert (await api.get(path)).json == service
    assert len((await api.get(f"{path}/Roles")).json["roles"]) == 4
