"""What webhooks are told of each event, against the table of the original's documentation."""

from __future__ import annotations

from dataclasses import replace as with_fields
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from chinwag.delivery.parameters import PARAMETERS, RETRY_COUNT, render
from chinwag.domain.account import Account
from chinwag.domain.channel import ChannelType
from chinwag.domain.happening import Happening, Reason
from chinwag.domain.message import Message
from chinwag.domain.webhook import WebhookEvent
from chinwag.domain.webhook_call import Source
from storage.builders import new_channel, new_media, new_member, new_service, new_user, sid

if TYPE_CHECKING:
    from chinwag.domain.channel import Channel
    from chinwag.domain.member import Member
    from chinwag.domain.user import User

ENDED = 1_437_000_009_007

COMMON = "AccountSid InstanceSid EventType Source"

TABLE = {
    "onMessageSend": "ChannelSid Body Attributes From",
    "onMessageSent": "MessageSid Index ChannelSid Body Attributes From DateCreated",
    "onMessageUpdate": "MessageSid Index ChannelSid Body Attributes From DateCreated ModifiedBy",
    "onMessageUpdated": "MessageSid Index ChannelSid Body Attributes From ModifiedBy DateCreated DateUpdated",
    "onMessageRemove": "MessageSid Index ChannelSid Body Attributes From DateCreated RemovedBy",
    "onMessageRemoved": "MessageSid Index ChannelSid Body Attributes From RemovedBy DateCreated DateRemoved",
    "onMediaMessageSend": (
        "ChannelSid Body Attributes From MediaFilename MediaContentType MediaSid MediaSize"
    ),
    "onMediaMessageSent": (
        "MessageSid Index ChannelSid Body Attributes From DateCreated"
        " MediaFilename MediaContentType MediaSid MediaSize"
    ),
    "onChannelAdd": "Attributes CreatedBy FriendlyName UniqueName ChannelType",
    "onChannelAdded": "ChannelSid Attributes DateCreated CreatedBy FriendlyName UniqueName ChannelType",
    "onChannelUpdate": "ChannelSid Attributes DateCreated CreatedBy FriendlyName UniqueName ChannelType",
    "onChannelUpdated": (
        "ChannelSid Attributes DateCreated CreatedBy FriendlyName UniqueName ChannelType DateUpdated"
    ),
    "onChannelDestroy": "ChannelSid Attributes DateCreated CreatedBy FriendlyName UniqueName ChannelType",
    "onChannelDestroyed": (
        "ChannelSid Attributes DateCreated CreatedBy FriendlyName UniqueName ChannelType DateDestroyed"
    ),
    "onMemberAdd": "ChannelSid Identity RoleSid Reason",
    "onMemberAdded": "MemberSid ChannelSid Identity RoleSid Reason DateCreated",
    "onMemberUpdate": (
        "MemberSid ChannelSid Identity RoleSid Attributes DateCreated LastConsumedMessageIndex"
    ),
    "onMemberUpdated": (
        "MemberSid ChannelSid Identity RoleSid Attributes DateCreated LastConsumedMessageIndex DateUpdated"
    ),
    "onMemberRemove": "MemberSid ChannelSid Identity RoleSid Reason",
    "onMemberRemoved": "MemberSid ChannelSid Identity RoleSid Reason Attributes DateCreated DateRemoved",
    "onUserAdded": "UserSid Identity FriendlyName RoleSid DateCreated Attributes",
    "onUserUpdate": (
        "UserSid Identity FriendlyName RoleSid DateCreated DateUpdated Attributes IsOnline IsNotifiable"
    ),
    "onUserUpdated": (
        "UserSid Identity FriendlyName RoleSid DateCreated DateUpdated Attributes IsOnline IsNotifiable"
    ),
}
"""What each event has besides, when everything has a value. Sources: webhook-events, and decided where it is
silent."""

ACCOUNT = Account(id=1, sid=sid("AC", 1), friendly_name="Test", sealed_auth_token=b"", date_created=0)
SERVICE = new_service(ACCOUNT, reachability_enabled=True)
CHANNEL = new_channel(
    SERVICE,
    friendly_name="Lobby",
    unique_name="lobby",
    attributes='{"a":"ä"}',
    type=ChannelType.PRIVATE,
    created_by="alice",
    date_updated=1_437_000_001_000,
)
USER = new_user(SERVICE, friendly_name="Alice", is_online=True, is_notifiable=False)
MEMBER = new_member(CHANNEL, USER, last_consumed_message_index=0)
MESSAGE = Message(
    sid=sid("IM", 1),
    account_sid=ACCOUNT.sid,
    service_sid=SERVICE.sid,
    channel_sid=CHANNEL.sid,
    index=7,
    author="alice",
    body="hello & welcome",
    media=new_media(filename="a.png"),
    date_created=1_437_000_000_123,
    date_updated=1_437_000_002_000,
    created_event_id=1,
    last_event_id=1,
)


def subject_of(event: WebhookEvent) -> Message | Channel | Member | User:
    if "Message" in event:
        return MESSAGE
    return CHANNEL if "Channel" in event else MEMBER if "Member" in event else USER


def happening(event: WebhookEvent, **columns: Any) -> Happening:
    plain = Happening(
        event=event,
        subject=subject_of(event),
        service=SERVICE,
        channel=CHANNEL,
        reason=Reason.LEFT,
        by="bob",
        ended=ENDED,
    )
    return with_fields(plain, **columns)


def told(event: WebhookEvent, **columns: Any) -> dict[str, str]:
    return render(event, happening(event, **columns), Source.API, None)


def test_the_table_has_every_event() -> None:
    assert set(TABLE) == set(PARAMETERS) == set(WebhookEvent)


@pytest.mark.parametrize("event", WebhookEvent)
def test_an_event_has_the_parameters_of_the_documentation(event: WebhookEvent) -> None:
    assert sorted(told(event)) == sorted(f"{COMMON} {TABLE[event]}".split())


@pytest.mark.parametrize("event", WebhookEvent)
def test_nothing_is_told_twice_and_the_count_of_tries_is_added_later(event: WebhookEvent) -> None:
    assert len(PARAMETERS[event]) == len(set(PARAMETERS[event]))
    assert RETRY_COUNT not in PARAMETERS[event]


def test_what_is_common_to_all() -> None:
    event = WebhookEvent.USER_ADDED

    over_rest = render(event, happening(event), Source.API, None)
    by_sdk = render(event, happening(event), Source.SDK, "alice")

    assert {name: over_rest[name] for name in COMMON.split()} == {
        "AccountSid": ACCOUNT.sid,
        "InstanceSid": SERVICE.sid,
        "EventType": "onUserAdded",
        "Source": "API",
    }
    assert by_sdk == over_rest | {"Source": "SDK", "ClientIdentity": "alice"}


def test_the_values_of_a_message() -> None:
    sent = told(WebhookEvent.MEDIA_MESSAGE_SENT)
    updated = told(WebhookEvent.MESSAGE_UPDATED)
    removed = told(WebhookEvent.MESSAGE_REMOVED)

    assert sent | {"MessageSid": MESSAGE.sid, "ChannelSid": CHANNEL.sid} == sent
    assert sent | {"Index": "7", "From": "alice", "Body": "hello & welcome", "Attributes": "{}"} == sent
    assert sent | {"MediaSid": sid("ME", 1), "MediaSize": "1", "MediaFilename": "a.png"} == sent
    assert sent["MediaContentType"] == "image/png"
    assert sent["DateCreated"] == "2015-07-15T22:40:00.123Z"
    assert (updated["ModifiedBy"], updated["DateUpdated"]) == ("bob", "2015-07-15T22:40:02.000Z")
    assert (removed["RemovedBy"], removed["DateRemoved"]) == ("bob", "2015-07-15T22:40:09.007Z")


def test_the_values_of_a_channel() -> None:
    updated = told(WebhookEvent.CHANNEL_UPDATED)
    destroyed = told(WebhookEvent.CHANNEL_DESTROYED)

    assert updated | {"ChannelSid": CHANNEL.sid, "FriendlyName": "Lobby", "UniqueName": "lobby"} == updated
    assert updated | {"ChannelType": "private", "CreatedBy": "alice", "Attributes": '{"a":"ä"}'} == updated
    assert updated["DateUpdated"] == "2015-07-15T22:40:01.000Z"
    assert destroyed["DateDestroyed"] == "2015-07-15T22:40:09.007Z"


def test_the_values_of_a_member() -> None:
    removed = told(WebhookEvent.MEMBER_REMOVED)
    updated = told(WebhookEvent.MEMBER_UPDATED)

    assert removed | {"MemberSid": MEMBER.sid, "ChannelSid": CHANNEL.sid, "Identity": "user1"} == removed
    assert removed | {"RoleSid": MEMBER.role_sid, "Reason": "LEFT"} == removed
    assert removed["DateRemoved"] == "2015-07-15T22:40:09.007Z"
    assert updated["LastConsumedMessageIndex"] == "0"


def test_the_values_of_a_user() -> None:
    updated = told(WebhookEvent.USER_UPDATED)

    assert updated | {"UserSid": USER.sid, "Identity": "user1", "FriendlyName": "Alice"} == updated
    assert updated | {"RoleSid": USER.role_sid, "IsOnline": "true", "IsNotifiable": "false"} == updated


@pytest.mark.parametrize(
    ("event", "subject", "missing"),
    [
        (WebhookEvent.MESSAGE_SENT, replace(MESSAGE, body=None), {"Body"}),
        (
            WebhookEvent.MEDIA_MESSAGE_SENT,
            replace(MESSAGE, body=None, media=new_media()),
            {"Body", "MediaFilename"},
        ),
        (
            WebhookEvent.CHANNEL_ADDED,
            replace(CHANNEL, friendly_name=None, unique_name=None),
            {"FriendlyName", "UniqueName"},
        ),
        (
            WebhookEvent.MEMBER_UPDATED,
            replace(MEMBER, last_consumed_message_index=None),
            {"LastConsumedMessageIndex"},
        ),
        (WebhookEvent.USER_ADDED, replace(USER, friendly_name=None), {"FriendlyName"}),
        (
            WebhookEvent.USER_UPDATED,
            replace(USER, is_online=None, is_notifiable=None),
            {"IsOnline", "IsNotifiable"},
        ),
    ],
)
def test_what_has_no_value_is_left_out(event: WebhookEvent, subject: Any, missing: set[str]) -> None:
    assert set(told(event)) - set(told(event, subject=subject)) == missing


def test_an_empty_text_is_a_value() -> None:
    assert told(WebhookEvent.MESSAGE_SENT, subject=replace(MESSAGE, body=""))["Body"] == ""


def test_who_is_online_is_told_only_while_the_service_reports_it() -> None:
    hidden = told(WebhookEvent.USER_UPDATED, service=replace(SERVICE, reachability_enabled=False))

    assert set(told(WebhookEvent.USER_UPDATED)) - set(hidden) == {"IsOnline", "IsNotifiable"}
