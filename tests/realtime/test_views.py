"""How records look to client SDKs. Source: sdk-wire."""

from __future__ import annotations

import msgspec
import pytest
from msgspec.structs import replace

from chinwag.domain.account import Account
from chinwag.domain.message import Message
from chinwag.domain.user_channel import NotificationLevel, UserChannelStatus
from chinwag.realtime import names, views
from chinwag.realtime.objects import Action, user_info_changes
from storage.builders import (
    new_channel,
    new_media,
    new_member,
    new_service,
    new_user,
    new_user_channel,
    sid,
)

NOW = 1_795_374_757_483
SHOWN = "2026-11-22T19:12:37.483Z"
ACCOUNT = Account(id=1, sid=sid("AC", 1), friendly_name="Test", sealed_auth_token=b"", date_created=NOW)
SERVICE = new_service(ACCOUNT)
CHANNEL = new_channel(
    SERVICE,
    created_by="alice",
    attributes='{"topic":"x"}',
    date_created=NOW,
    date_updated=NOW,
)
USER = new_user(SERVICE, 7, identity="alice/é", friendly_name="Alice", attributes='{"a":1}')


def a_message(**columns: object) -> Message:
    plain = {
        "sid": sid("IM", 1),
        "account_sid": ACCOUNT.sid,
        "service_sid": SERVICE.sid,
        "channel_sid": CHANNEL.sid,
        "index": 3,
        "author": "alice",
        "member_sid": sid("MB", 1),
        "body": "hello",
        "date_created": NOW,
        "date_updated": NOW,
        "created_event_id": 4,
        "last_event_id": 4,
    }
    return msgspec.convert(plain | columns, Message)


@pytest.mark.parametrize(
    ("millis", "shown"),
    [
        (None, None),
        (0, "1970-01-01T00:00:00.000Z"),
        (NOW, SHOWN),
        (1_438_286_400_000, "2015-07-30T20:00:00.000Z"),
        (1_438_286_400_007, "2015-07-30T20:00:00.007Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
    ],
)
def test_moments_have_milliseconds_and_are_in_utc(millis: int | None, shown: str | None) -> None:
    assert views.moment(millis) == shown


def test_a_channel_document() -> None:
    assert views.channel_document(CHANNEL) == {
        "sid": CHANNEL.sid,
        "type": "public",
        "friendlyName": None,
        "uniqueName": None,
        "attributes": '{"topic":"x"}',
        "createdBy": "alice",
        "dateCreated": SHOWN,
        "dateUpdated": SHOWN,
        "messages": f"{CHANNEL.sid}.messages",
        "roster": f"{CHANNEL.sid}.roster",
    }


def test_the_last_message_is_there_once_there_is_one() -> None:
    with_one = replace(CHANNEL, last_message_index=0, last_message_date=NOW)

    assert "lastMessage" not in views.channel_document(CHANNEL)
    assert views.channel_document(with_one)["lastMessage"] == {"index": 0, "timestamp": SHOWN}


def test_a_message() -> None:
    assert views.message_item(a_message()) == {
        "sid": sid("IM", 1),
        "author": "alice",
        "memberSid": sid("MB", 1),
        "text": "hello",
        "type": "text",
        "attributes": "{}",
        "timestamp": SHOWN,
        "dateUpdated": SHOWN,
        "lastUpdatedBy": None,
    }


def test_a_message_with_a_file() -> None:
    media = new_media(2, filename="x.png", content_type="image/png", size=8)
    file = {"sid": media.sid, "filename": "x.png", "contentType": "image/png", "size": 8}

    item = views.message_item(replace(a_message(), media=media, body=None))

    assert (item["type"], item["text"], item["media"]) == ("media", None, file)
    assert item["medias"] == [{**file, "category": "media"}]


@pytest.mark.parametrize("read_status", [True, False])
def test_how_far_a_member_has_read_is_told_where_the_service_says_so(read_status: bool) -> None:
    member = new_member(
        CHANNEL, USER, last_consumed_message_index=2, last_consumption_timestamp=NOW, date_created=NOW
    )

    item = views.member_item(member, read_status=read_status)

    assert item["lastConsumedMessageIndex"] == (2 if read_status else None)
    assert item["lastConsumptionTimestamp"] == (SHOWN if read_status else None)
    assert (item["identity"], item["type"], item["roleSid"]) == ("alice/é", "chat", member.role_sid)
    assert item["userInfo"] == f"{USER.sid}.info"
    assert (item["attributes"], item["dateCreated"]) == ("{}", SHOWN)


def test_a_channel_of_a_user_has_nothing_that_would_hide_the_channels_own() -> None:
    shown = new_user_channel(
        CHANNEL,
        USER,
        status=UserChannelStatus.JOINED,
        last_consumed_message_index=0,
        notification_level=NotificationLevel.MUTED,
    )

    assert views.user_channel_item(shown) == {
        "status": "joined",
        "channel": f"{CHANNEL.sid}.channel",
        "messages": f"{CHANNEL.sid}.messages",
        "roster": f"{CHANNEL.sid}.roster",
        "lastConsumedMessageIndex": 0,
        "notificationLevel": "muted",
    }


def test_the_three_items_of_user_info_are_there_from_the_first_moment() -> None:
    fresh = new_user(SERVICE, 8)

    assert {key: views.user_info_item(fresh, key) for key in names.INFO_KEYS} == {
        "attributes": {"value": "{}"},
        "friendlyName": {"value": None},
        "reachability": {"online": False, "notifiable": False},
    }
    assert views.user_info_item(USER, names.ATTRIBUTES) == {"value": '{"a":1}'}
    assert views.user_info_item(USER, names.FRIENDLY_NAME) == {"value": "Alice"}
    assert views.user_info_item(replace(USER, is_online=True), names.REACHABILITY)["online"] is True


def test_the_items_of_user_info_that_changed_are_told_in_the_order_of_events() -> None:
    changed = replace(USER, info_event_id=6, attributes_event_id=6, friendly_name_event_id=4)
    changed = replace(changed, reachability_event_id=5)

    told = user_info_changes(changed, 4)

    assert [(change.event_id, change.action, change.key) for change in told] == [
        (5, Action.UPDATED, "reachability"),
        (6, Action.UPDATED, "attributes"),
    ]


def test_a_channel_as_a_resource_is_as_the_user_takes_part_in_it() -> None:
    base = "https://chat.example.com/Client/v1"
    mine = new_user_channel(
        CHANNEL,
        USER,
        status=UserChannelStatus.INVITED,
        last_consumed_message_index=4,
        unread_messages_count=2,
    )

    shown, strange = (views.channel_resource(CHANNEL, part, base) for part in (mine, None))

    assert (shown["status"], strange["status"]) == ("invited", "notParticipating")
    assert (shown["unread_messages_count"], strange["unread_messages_count"]) == (2, None)
    assert shown["last_consumed_message_index"] == shown["last_read_message_index"] == 4
    assert strange["notification_level"] == "default"
    assert shown["conversation_sid"] == shown["sid"] == CHANNEL.sid
    assert shown["url"] == shown["links"]["self"] == f"{base}/Conversations/{CHANNEL.sid}"
    assert shown["links"]["messages"] == f"{base}/Conversations/{CHANNEL.sid}/Messages"
    assert shown["sync_objects"]["conversation"] == f"{CHANNEL.sid}.channel"
    assert shown["sync_objects"]["participants"] == f"{CHANNEL.sid}.roster"


def test_a_user_as_a_resource_has_an_address_that_can_be_asked_for() -> None:
    shown = views.user_resource(USER, "https://chat.example.com/Client/v1")

    assert shown["url"] == "https://chat.example.com/Client/v1/Users/alice%2F%C3%A9"
    assert shown["sync_objects"] == {"user_info_map": f"{USER.sid}.info"}
    assert shown["attributes"] == '{"a":1}'
    assert (shown["identity"], shown["friendly_name"]) == ("alice/é", "Alice")


def test_objects_of_one_channel_or_user_have_sids_of_their_own() -> None:
    channel_sid, user_sid = sid("CH", 5), sid("US", 5)
    sids = [
        names.channel_sid(channel_sid),
        names.messages_sid(channel_sid),
        names.roster_sid(channel_sid),
        names.user_info_sid(user_sid),
        names.user_channels_sid(user_sid),
    ]

    assert [found[:2] for found in sids] == ["ET", "ES", "MP", "MP", "MP"]
    assert all(len(found) == 34 for found in sids)
    assert names.user_channels_sid(user_sid) != names.user_info_sid(user_sid)
    assert names.user_channels_sid(user_sid) != names.user_channels_sid(sid("US", 6))


@pytest.mark.parametrize(
    ("name", "parsed"),
    [
        (f"{sid('CH', 1)}.channel", (sid("CH", 1), "channel")),
        (f"{sid('US', 1)}.info", (sid("US", 1), "info")),
        (f"{sid('US', 1)}.conversations", (sid("US", 1), "conversations")),
        (f"{sid('CH', 1)}.info", None),
        (f"{sid('US', 1)}.channel", None),
        (f"{sid('CH', 1)}.nothing", (sid("CH", 1), "nothing")),
        (sid("ET", 1), None),
        ("", None),
        (".", None),
        (".channel", None),
    ],
)
def test_a_name_says_what_it_is_of(name: str, parsed: tuple[str, str] | None) -> None:
    assert names.parse_name(name) == parsed
