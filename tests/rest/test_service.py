"""Services over REST. Source: chat-v1 Service; `docs/api.md` says the same for users."""

from __future__ import annotations

import re
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from chinwag import app
from rest.shared import FORBIDDEN_URLS

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
        ("PostWebhookUrl", "http://93.184.215.14:81", "post_webhook_url", "http://93.184.215.14:81"),
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


@pytest.mark.parametrize("url", FORBIDDEN_URLS)
@pytest.mark.parametrize(
    ("version", "name"),
    [
        ("v1", "PreWebhookUrl"),
        ("v1", "PostWebhookUrl"),
        ("v1", "Webhooks.OnMessageSent.Url"),
        ("v2", "PreWebhookUrl"),
        ("v2", "PostWebhookUrl"),
    ],
)
async def test_a_url_that_must_not_be_called_is_refused(api: Api, version: str, name: str, url: str) -> None:
    service = await api.a_service()

    refusal = await api.post(f"/{version}/Services/{service['sid']}", **{name: url})

    assert (refusal.status, refusal.code) == (400, 50054)
    assert name in refusal.headers["Chinwag-Detail"]
    assert "secret" not in refusal.headers["Chinwag-Detail"]
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


# v2

V2_OFF = {
    "log_enabled": False,
    "new_message": {"enabled": False, "badge_count_enabled": False},
    "added_to_channel": {"enabled": False},
    "removed_from_channel": {"enabled": False},
    "invited_to_channel": {"enabled": False},
}
ONLY_V2 = ("pre_webhook_retry_count", "post_webhook_retry_count", "media")


async def a_v2_service(api: Api) -> dict[str, Any]:
    made = await api.post("/v2/Services", FriendlyName="Support")
    assert made.status == 201, made.body
    return made.json


async def test_a_new_service_has_every_field_of_v2_with_its_default(api: Api) -> None:
    service = await a_v2_service(api)

    url = f"{api.base}/v2/Services/{service['sid']}"
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
        "pre_webhook_url": None,
        "post_webhook_url": None,
        "webhook_method": "POST",
        "webhook_filters": None,
        "pre_webhook_retry_count": 0,
        "post_webhook_retry_count": 0,
        "notifications": V2_OFF,
        "media": {
            "size_limit_mb": 150,
            "compatibility_message": "Media messages are not supported",
        },
        "url": url,
        "links": {
            "roles": f"{url}/Roles",
            "users": f"{url}/Users",
            "channels": f"{url}/Channels",
            "bindings": f"{url}/Bindings",
        },
    }
    assert (await api.get(f"/v2/Services/{service['sid']}")).json == service
    assert (await api.get("/v2/Services")).json["services"] == [service]


@pytest.mark.parametrize(
    ("parameter", "text", "field", "value"),
    [
        ("PreWebhookRetryCount", "3", "pre_webhook_retry_count", 3),
        ("PostWebhookRetryCount", "1", "post_webhook_retry_count", 1),
        ("WebhookMethod", "GET", "webhook_method", "GET"),
        ("FriendlyName", "é" * 256, "friendly_name", "é" * 256),
        ("Notifications.LogEnabled", "true", "notifications", {**V2_OFF, "log_enabled": True}),
        (
            "Notifications.NewMessage.BadgeCountEnabled",
            "true",
            "notifications",
            {**V2_OFF, "new_message": {"enabled": False, "badge_count_enabled": True}},
        ),
        (
            "Notifications.InvitedToChannel.Sound",
            "ping",
            "notifications",
            {**V2_OFF, "invited_to_channel": {"enabled": False, "sound": "ping"}},
        ),
        (
            "Media.CompatibilityMessage",
            "é" * 2048,
            "media",
            {"size_limit_mb": 150, "compatibility_message": "é" * 2048},
        ),
    ],
    ids=lambda given: str(given)[:40],
)
async def test_an_update_in_v2_changes_one_field_and_leaves_the_rest(
    api: Api, parameter: str, text: str, field: str, value: object
) -> None:
    service = await a_v2_service(api)

    changed = await api.post(f"/v2/Services/{service['sid']}", **{parameter: text})

    assert changed.status == 200
    assert changed.json == {**service, field: value, "date_updated": changed.json["date_updated"]}
    assert (await api.get(f"/v2/Services/{service['sid']}")).json == changed.json


@pytest.mark.parametrize(
    ("parameter", "text", "code"),
    [
        *(
            (f"{moment}WebhookRetryCount", text, 50065)
            for moment in ("Pre", "Post")
            for text in ("4", "-1", "1.5", "many", "")
        ),
        ("FriendlyName", "é" * 257, 50003),
        ("FriendlyName", "", 50000),
        ("Media.CompatibilityMessage", "", 20001),
        ("Media.CompatibilityMessage", "é" * 2049, 20001),
        ("Notifications.LogEnabled", "1", 20001),
        ("Notifications.NewMessage.BadgeCountEnabled", "", 20001),
    ],
    ids=lambda given: str(given)[:40],
)
async def test_an_update_in_v2_that_is_refused_changes_nothing(
    api: Api, parameter: str, text: str, code: int
) -> None:
    service = await a_v2_service(api)

    refusal = await api.post(f"/v2/Services/{service['sid']}", **{"WebhookMethod": "GET", parameter: text})

    assert (refusal.status, refusal.code) == (400, code)
    assert (await api.get(f"/v2/Services/{service['sid']}")).json == service


async def test_creation_in_v2_honours_nothing_but_the_name(api: Api) -> None:
    made = await api.post(
        "/v2/Services",
        FriendlyName="é" * 256,
        PreWebhookRetryCount="nonsense",
        Media__CompatibilityMessage="no",
        Notifications__LogEnabled="true",
    )

    assert (made.status, made.json["friendly_name"]) == (201, "é" * 256)
    assert made.json["pre_webhook_retry_count"] == 0
    assert made.json["notifications"] == V2_OFF
    assert made.json["media"]["compatibility_message"] == "Media messages are not supported"


async def test_the_largest_file_is_not_for_clients_to_decide(api: Api) -> None:
    service = await a_v2_service(api)

    changed = await api.post(f"/v2/Services/{service['sid']}", Media__SizeLimitMb="9999")

    assert (changed.status, changed.json["media"]["size_limit_mb"]) == (200, 150)


async def test_v2_knows_no_webhooks_of_single_events_and_leaves_those_of_v1(api: Api) -> None:
    service = await api.a_service(Webhooks__OnMessageSend__Url="https://example.com/a")
    path = f"Services/{service['sid']}"

    changed = await api.post(
        f"/v2/{path}",
        Webhooks__OnMessageSend__Url="nonsense",
        Webhooks__OnMessageSend__Method="PUT",
        Webhooks__OnMemberAdded__Url="https://example.com/b",
    )

    assert changed.status == 200
    assert "webhooks" not in changed.json
    assert (await api.get(f"/v1/{path}")).json["webhooks"] == service["webhooks"]


async def test_v1_keeps_its_shape_whatever_v2_sets(api: Api) -> None:
    service = await api.a_service()
    path = f"Services/{service['sid']}"

    await api.post(
        f"/v2/{path}",
        PreWebhookRetryCount="3",
        PostWebhookRetryCount="3",
        Notifications__LogEnabled="true",
        Notifications__NewMessage__BadgeCountEnabled="true",
        Media__CompatibilityMessage="no",
    )

    seen = (await api.get(f"/v1/{path}")).json
    assert seen == {**service, "date_updated": seen["date_updated"]}


@pytest.mark.parametrize(
    ("parameter", "text"),
    [
        ("PreWebhookRetryCount", "nonsense"),
        ("PostWebhookRetryCount", "3"),
        ("Notifications.LogEnabled", "nonsense"),
        ("Notifications.NewMessage.BadgeCountEnabled", "nonsense"),
        ("Media.CompatibilityMessage", ""),
    ],
)
async def test_v1_ignores_what_only_v2_takes(api: Api, parameter: str, text: str) -> None:
    service = await a_v2_service(api)
    path = f"Services/{service['sid']}"

    changed = await api.post(f"/v1/{path}", **{parameter: text})

    seen = (await api.get(f"/v2/{path}")).json
    assert changed.status == 200
    assert not set(ONLY_V2) & set(changed.json)
    assert seen == {**service, "date_updated": seen["date_updated"]}


async def test_a_method_that_v2_shows_was_not_set_by_that(api: Api) -> None:
    service = await a_v2_service(api)

    assert service["webhook_method"] == "POST"
    assert (await api.get(f"/v1/Services/{service['sid']}")).json["webhook_method"] is None


async def test_a_name_of_v2_is_shown_whole_in_v1_and_too_long_there(api: Api) -> None:
    made = await api.post("/v2/Services", FriendlyName="a" * 65)
    path = f"/v1/Services/{made.json['sid']}"

    refusal = await api.post(path, FriendlyName="a" * 65)

    assert (await api.get(path)).json["friendly_name"] == "a" * 65
    assert (refusal.status, refusal.code) == (400, 50003)


@pytest.mark.parametrize("version", ["v1", "v2"])
async def test_a_page_of_services_holds_a_hundred_at_most(api: Api, version: str) -> None:
    listed = await api.get(f"/{version}/Services", PageSize=5000)

    assert listed.json["meta"]["page_size"] == 100


async def test_a_deleted_service_is_gone_with_everything_in_it_in_both_versions(
    api: Api, there: dict[str, Any]
) -> None:
    service = f"Services/{there['service_sid']}"
    channel = f"{service}/Channels/{there['channel_sid']}"
    user = f"{service}/Users/{there['user_sid']}"
    in_both = [
        service,
        f"{service}/Roles/{there['role_sid']}",
        user,
        f"{user}/Channels",
        channel,
        f"{service}/Channels/lobby",
        f"{channel}/Members/{there['member_sid']}",
        f"{channel}/Invites/{there['invite_sid']}",
        f"{channel}/Messages",
        f"{channel}/Messages/{there['message_sid']}",
    ]
    in_v2 = [
        f"{user}/Channels/{there['channel_sid']}",
        f"{channel}/Webhooks/{there['webhook_sid']}",
        f"{service}/Bindings/{there['binding_sid']}",
        f"{user}/Bindings/{there['binding_sid']}",
    ]
    paths = [f"/v1/{path}" for path in in_both] + [f"/v2/{path}" for path in (*in_both, *in_v2)]
    assert {(await api.get(path)).status for path in paths} == {200}

    await api.delete(f"/v2/{service}")

    answers = [await api.get(path) for path in paths]
    assert [(answer.status, answer.code) for answer in answers] == [(404, 20404)] * len(paths)
    assert (await api.get(f"/v2/Credentials/{there['credential_sid']}")).status == 200
