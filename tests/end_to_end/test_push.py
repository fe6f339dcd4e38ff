"""Push notifications, from the SDK that registers a device to what Apple and Google are sent."""

from __future__ import annotations

import asyncio
import json
import secrets
import signal
import ssl
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from chinwag.domain.push import NoPush
from delivery.application import an_application
from delivery.certificates import a_ca
from delivery.google_peer import QUOTA_EXCEEDED, UNAVAILABLE, UNREGISTERED, private_key
from delivery.http2_peer import Answer, a_strict_peer
from support.push_stage import APP, KINDS, PushStage, a_push_stage, eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from support.postgres import Postgres
    from support.push_stage import Arrived

pytestmark = [pytest.mark.clients, pytest.mark.timeout(120)]

TYPES = ("apn", "fcm")


@pytest.fixture(scope="module")
async def stage(
    engine: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> AsyncIterator[PushStage]:
    """A server, its providers and people: for all tests but those that want others."""
    folder = tmp_path_factory.mktemp("push")
    database = f"sqlite:///{folder}/chinwag.db"
    if engine == "postgres":
        postgres: Postgres = request.getfixturevalue("postgres")
        database = await postgres.database()
    async with a_push_stage(folder, database) as found:
        yield found


# What arrives


async def by_the_sdk(stage: PushStage, service: str, channel: str, kind: str) -> None:
    call, argument = {
        "new_message": ("sendMessage", "good morning"),
        "added_to_channel": ("add", "bob"),
        "removed_from_channel": ("removeMember", "bob"),
        "invited_to_channel": ("invite", "bob"),
    }[kind]
    await stage.act("alice", service, call, argument, channel=channel)


async def over_rest(stage: PushStage, service: str, channel: str, kind: str) -> None:
    path = f"/v2/Services/{service}/Channels/{channel}"
    where = {"service_sid": service, "sid": channel}
    match kind:
        case "new_message":
            await stage.api.a_message(where, "good morning", From="alice")
        case "added_to_channel":
            await stage.api.a_member(where, "bob")
        case "removed_from_channel":
            assert (await stage.api.delete(f"{path}/Members/bob")).status == 204
        case _:
            await stage.api.an_invite(where, "bob")


WORDS = {
    "new_message": "{} in {}: good morning",
    "added_to_channel": "{} has you in {}",
    "removed_from_channel": "{} wants you out of {}",
    "invited_to_channel": "{} would like you in {}",
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("device_type", TYPES)
async def test_what_somebody_does_with_the_sdk_arrives_on_the_device(
    stage: PushStage, device_type: str, kind: str
) -> None:
    service = await stage.service()
    await stage.act("alice", service, "updateFriendlyName", "Alice A.", user="alice")
    bob = await stage.registered("bob", service, device_type)
    members = () if kind in {"added_to_channel", "invited_to_channel"} else ("bob",)
    channel = await stage.a_channel(service, "lobby", *members)

    await by_the_sdk(stage, service, channel, kind)

    (push,) = await stage.arrived(bob, kind=kind)
    assert push.text == WORDS[kind].format("Alice A.", "lobby")
    assert push.sound == f"{kind}.wav"
    assert push.about["channel_sid"] == channel
    assert push.about["author"] == "alice"
    see_that_it_is_a_request_of_its_provider(stage, push, device_type, channel)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("device_type", TYPES)
async def test_what_is_done_over_rest_arrives_on_the_device(
    stage: PushStage, device_type: str, kind: str
) -> None:
    service = await stage.service()
    bob = await stage.registered("bob", service, device_type)
    members = () if kind in {"added_to_channel", "invited_to_channel"} else ("bob",)
    channel = await stage.a_channel(service, "lobby", *members)

    await over_rest(stage, service, channel, kind)

    (push,) = await stage.arrived(bob, kind=kind)
    author = "alice" if kind == "new_message" else "system"
    assert push.text == WORDS[kind].format(author, "lobby")
    assert push.about["author"] == author
    see_that_it_is_a_request_of_its_provider(stage, push, device_type, channel)


def see_that_it_is_a_request_of_its_provider(
    stage: PushStage, push: Arrived, device_type: str, channel: str
) -> None:
    """See that there is everything that Apple, or Google, wants besides."""
    of_message = push.kind == "new_message"
    if device_type == "apn":
        assert push.headers["apns-topic"] == APP
        assert push.headers["apns-push-type"] == "alert"
        assert push.headers["apns-priority"] == "10"
        assert push.headers.get("apns-collapse-id") == (channel if of_message else None)
        assert int(push.headers["apns-expiration"]) > time.time()
        assert len(push.headers["apns-id"]) == 36
        assert push.about.get("message_index") == (0 if of_message else None)
    else:
        assert set(push.sent) == {"token", "data", "android", "webpush"}
        assert all(isinstance(value, str) for value in push.about.values())
        assert push.sent["android"].get("collapse_key") == (channel if of_message else None)
        assert push.sent["android"]["priority"] == "high"
        scheme, _, token = push.headers["authorization"].partition(" ")
        assert (scheme, token in stage.google.tokens) == ("Bearer", True)
        assert push.about.get("message_index") == ("0" if of_message else None)
    assert ("message_sid" in push.about) is of_message


async def test_a_file_is_announced_with_the_words_of_the_service(stage: PushStage) -> None:
    service = await stage.service(Media__CompatibilityMessage="(a file)")
    bob = await stage.registered("bob", service, "apn")
    channel = await stage.a_channel(service, "lobby", "bob")

    await stage.act("alice", service, "sendMessage", {"file": "x", "type": "text/plain"}, channel=channel)

    (push,) = await stage.arrived(bob, kind="new_message")
    assert push.text == "alice in lobby: (a file)"


@pytest.mark.parametrize("device_type", TYPES)
async def test_messages_arrive_in_the_order_in_which_they_were_posted(
    stage: PushStage, device_type: str
) -> None:
    service = await stage.service()
    bob = await stage.registered("bob", service, device_type)
    channel = await stage.a_channel(service, "lobby", "bob")

    for number in range(20):
        await stage.post(service, channel, str(number))

    pushes = await stage.arrived(bob, 20, kind="new_message")
    assert [push.text for push in pushes] == [f"alice in lobby: {number}" for number in range(20)]


@pytest.mark.parametrize("device_type", TYPES)
async def test_the_sdk_on_the_device_understands_what_arrives(stage: PushStage, device_type: str) -> None:
    service = await stage.service()
    bob = await stage.registered("bob", service, device_type)
    channel = await stage.a_channel(service, "lobby", "bob")
    await stage.post(service, channel)
    (push,) = await stage.arrived(bob, kind="new_message")

    understood = await stage.act("bob", service, "parsePushNotification", push.sent)

    answer = await stage.api.get(f"/v2/Services/{service}/Channels/{channel}/Messages")
    (message,) = answer.json["messages"]
    assert understood["type"] == "twilio.channel.new_message"
    assert understood["body"] == "alice in lobby: good morning"
    assert understood["sound"] == "new_message.wav"
    assert understood["data"] == {"channelSid": channel, "messageSid": message["sid"], "messageIndex": 0}


# Who is pushed to, and who is not


def reasons(pushes: list[dict[str, Any]]) -> dict[str, str]:
    return {push["identity"]: push["reason"] for push in pushes if push["kind"] == "new_message"}


@pytest.mark.parametrize("device_type", TYPES)
async def test_who_is_online_is_pushed_to_but_not_the_author_nor_who_has_muted_the_channel(
    stage: PushStage, device_type: str
) -> None:
    service = await stage.service(Notifications__LogEnabled="true")
    alice = await stage.registered("alice", service, device_type)
    bob = await stage.registered("bob", service, device_type)
    carol = await stage.registered("carol", service, device_type)
    channel = await stage.a_channel(service, "lobby", "bob", "carol")
    await stage.act("carol", service, "setUserNotificationLevel", "muted", channel=channel)

    await stage.post(service, channel)

    assert await stage.act("bob", service, "read", "connectionState") == "connected"
    await stage.arrived(bob, kind="new_message")
    found = await stage.pushes(service, 5)
    assert reasons(found) == {"alice": NoPush.AUTHOR, "bob": "delivered", "carol": NoPush.MUTED}
    assert [push.kind for push in stage.come(alice)] == []
    assert [push.kind for push in stage.come(carol)] == ["added_to_channel"]


async def test_who_is_not_muted_any_more_is_pushed_to_again(stage: PushStage) -> None:
    service = await stage.service(Notifications__LogEnabled="true")
    bob = await stage.registered("bob", service, "fcm")
    channel = await stage.a_channel(service, "lobby", "bob")
    await stage.act("bob", service, "setUserNotificationLevel", "muted", channel=channel)
    await stage.post(service, channel, "one")
    assert reasons(await stage.pushes(service, 2)) == {"bob": NoPush.MUTED}
    await stage.act("bob", service, "setUserNotificationLevel", "default", channel=channel)

    await stage.post(service, channel, "two")

    (push,) = await stage.arrived(bob, kind="new_message")
    assert push.text == "alice in lobby: two"


async def test_the_log_says_that_a_kind_is_disabled_and_that_nobody_has_a_device(stage: PushStage) -> None:
    disabled = {"Notifications__NewMessage__Enabled": "false"}
    service = await stage.service(Notifications__LogEnabled="true", **disabled)
    channel = await stage.a_channel(service, "lobby")
    await stage.post(service, channel)
    (first,) = await stage.pushes(service)
    await stage.change(service, Notifications__NewMessage__Enabled="true")

    await stage.post(service, channel)

    _, second = await stage.pushes(service, 2)
    assert (first["state"], first["reason"]) == ("skipped", NoPush.DISABLED)
    assert (second["state"], second["reason"]) == ("skipped", NoPush.NO_DEVICE)
    assert first["message_index"] == 0


async def test_without_the_log_nothing_is_remembered_of_what_was_delivered(stage: PushStage) -> None:
    service = await stage.service()
    bob = await stage.registered("bob", service, "fcm")
    channel = await stage.a_channel(service, "lobby", "bob")
    await stage.post(service, channel)
    await stage.arrived(bob, 2)

    async def look() -> bool:
        return not await stage.pushes(service, 0)

    await eventually(look, "something is remembered")


# The number at the icon


async def test_iphones_get_the_number_of_unread_channels_and_hear_of_it_when_they_are_read(
    stage: PushStage,
) -> None:
    service = await stage.service(Notifications__NewMessage__BadgeCountEnabled="true")
    bob = await stage.registered("bob", service, "apn")
    channel = await stage.a_channel(service, "lobby", "bob")
    await stage.post(service, channel, "one")
    await stage.arrived(bob, kind="new_message")
    await stage.act("bob", service, "setAllMessagesConsumed", channel=channel)
    hears = asyncio.ensure_future(stage.act("bob", service, "hears", "messageAdded", channel=channel))
    await asyncio.sleep(0)  # it is asked before what follows
    await stage.post(service, channel, "two")
    pushes = await stage.arrived(bob, 2, kind="new_message")
    await hears

    await stage.act("bob", service, "setAllMessagesConsumed", channel=channel)

    (silent,) = await stage.arrived(bob, kind="")
    assert [push.sent["aps"]["badge"] for push in pushes] == [0, 1]
    assert silent.sent == {"aps": {"badge": 0}}
    assert silent.headers["apns-collapse-id"] == "badge"
    assert silent.headers["apns-priority"] == "5"


# Devices over REST


@pytest.mark.parametrize("device_type", TYPES)
async def test_a_device_is_shown_without_its_address(stage: PushStage, device_type: str) -> None:
    service = await stage.service()

    bob = await stage.registered("bob", service, device_type)

    user = (await stage.api.get(f"/v2/Services/{service}/Users/bob")).json
    path = f"/v2/Services/{service}/Bindings/{bob.binding['sid']}"
    of_user = f"/v2/Services/{service}/Users/{user['sid']}/Bindings"
    one = await stage.api.get(path)
    listed = await stage.api.get(of_user)
    same = await stage.api.get(f"{of_user}/{bob.binding['sid']}")
    assert one.json == bob.binding
    assert {name: one.json[name] for name in ("identity", "endpoint", "binding_type", "credential_sid")} == {
        "identity": "bob",
        "endpoint": f"bob's {device_type}",
        "binding_type": device_type,
        "credential_sid": bob.credential,
    }
    assert sorted(one.json["message_types"]) == sorted(KINDS)
    assert listed.json["bindings"] == [same.json]
    assert same.json["user_sid"] == user["sid"]
    for name in set(one.json) - {"links", "url"}:
        assert same.json[name] == one.json[name]
    for answer in (one, listed, same):
        assert bob.address not in answer.body.decode()
        assert "address" not in answer.body.decode()


@pytest.mark.parametrize("device_type", TYPES)
async def test_a_device_that_the_sdk_unregisters_is_forgotten(stage: PushStage, device_type: str) -> None:
    service = await stage.service(Notifications__LogEnabled="true")
    bob = await stage.registered("bob", service, device_type)
    channel = await stage.a_channel(service, "lobby")

    await stage.act("bob", service, "unsetPushRegistrationId", device_type)

    await stage.is_gone(bob)
    await stage.api.a_member({"service_sid": service, "sid": channel}, "bob")
    (push,) = await stage.pushes(service)
    assert (push["kind"], push["identity"], push["reason"]) == ("added_to_channel", "bob", NoPush.NO_DEVICE)
    assert stage.come(bob) == []


@pytest.mark.parametrize("place", ["Bindings", "Users/bob/Bindings"])
async def test_a_device_that_is_removed_over_rest_is_not_pushed_to(stage: PushStage, place: str) -> None:
    service = await stage.service(Notifications__LogEnabled="true")
    bob = await stage.registered("bob", service, "apn")
    channel = await stage.a_channel(service, "lobby")
    path = f"/v2/Services/{service}/{place}/{bob.binding['sid']}"

    removed = await stage.api.delete(path)

    await stage.api.a_member({"service_sid": service, "sid": channel}, "bob")
    (push,) = await stage.pushes(service)
    assert removed.status == 204
    assert (await stage.api.get(path)).status == 404
    assert push["reason"] == NoPush.NO_DEVICE
    assert stage.come(bob) == []


async def test_a_device_that_another_user_registers_is_that_users(stage: PushStage) -> None:
    service, credential = await stage.service(), await stage.credential("fcm")
    bob = await stage.registered("bob", service, "fcm", credential)
    await stage.act("carol", service, "login", {"pushCredentialSid": credential})

    await stage.act("carol", service, "setPushRegistrationId", "fcm", bob.address)

    await stage.is_gone(bob)
    (binding,) = await stage.bindings(service, Identity="carol")
    assert binding["sid"] != bob.binding["sid"]


@pytest.mark.parametrize("named", ["none", "unknown", "of another provider"])
async def test_a_device_without_a_credential_that_reaches_it_is_not_registered_and_the_log_says_so(
    stage: PushStage, named: str
) -> None:
    service = await stage.service()
    grant, code = {
        "none": ({}, 52004),
        "unknown": ({"pushCredentialSid": "CR" + "0" * 32}, 52002),
        "of another provider": ({"pushCredentialSid": await stage.credential("fcm")}, 52003),
    }[named]
    who = f"bob with {code} on {stage.server.base}"
    await stage.act(who, service, "login", grant)
    stage.addresses.append(address := secrets.token_hex(32))

    # It does not end: the SDK tries again and again.
    await stage.act(who, service, "begins", "setPushRegistrationId", "apn", address)

    async def look() -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in stage.server.log.splitlines() if who in line]
        return [line for line in lines if line["event"] == "device not registered"]

    found = await eventually(look, "the log says nothing")
    assert {line["code"] for line in found} == {code}
    assert await stage.bindings(service) == []
    await stage.act(who, service, "logout")


# What providers answer

LATER = {"Retry-After": "1"}


@pytest.mark.parametrize(
    ("device_type", "answer", "code"),
    [
        ("apn", Answer(410, {"reason": "Unregistered", "timestamp": 1700000000000}), 52141),
        ("apn", Answer(400, {"reason": "BadDeviceToken"}), 52142),
        ("fcm", UNREGISTERED, 52103),
    ],
    ids=["Unregistered", "BadDeviceToken", "UNREGISTERED"],
)
async def test_a_device_that_its_provider_does_not_know_is_forgotten(
    stage: PushStage, device_type: str, answer: Any, code: int
) -> None:
    service = await stage.service()
    bob = await stage.registered("bob", service, device_type)
    stage.says(bob, answer)

    await stage.a_channel(service, "lobby", "bob")

    await stage.is_gone(bob)
    (push,) = await stage.pushes(service)
    assert (push["state"], push["tries"], push["attempts"][0]["code"]) == ("failed", 1, code)


@pytest.mark.parametrize(
    ("device_type", "answer"),
    [
        ("apn", Answer(429, {"reason": "TooManyRequests"}, LATER)),
        ("apn", Answer(503, {"reason": "ServiceUnavailable"}, LATER)),
        ("fcm", replace(QUOTA_EXCEEDED, headers=LATER)),
        ("fcm", replace(UNAVAILABLE, headers=LATER)),
    ],
    ids=["apn 429", "apn 503", "fcm 429", "fcm 503"],
)
async def test_a_push_that_its_provider_wants_later_is_tried_again(
    stage: PushStage, device_type: str, answer: Any
) -> None:
    service = await stage.service(Notifications__LogEnabled="true")
    bob = await stage.registered("bob", service, device_type)
    fine = Answer() if device_type == "apn" else replace(UNREGISTERED, status=200, body={"name": "a message"})
    stage.says(bob, answer, fine)

    await stage.a_channel(service, "lobby", "bob")

    first, second = await stage.arrived(bob, 2)
    (push,) = await stage.pushes(service)
    assert (push["state"], push["tries"]) == ("delivered", 2)
    assert [attempt["status"] for attempt in push["attempts"]] == [answer.status, 200]
    assert first.about == second.about


async def test_an_access_token_that_google_has_withdrawn_is_replaced(stage: PushStage) -> None:
    service = await stage.service(Notifications__LogEnabled="true")
    bob = await stage.registered("bob", service, "fcm")
    channel = await stage.a_channel(service, "lobby", "bob")
    await stage.arrived(bob)
    stage.secrets += stage.google.tokens
    stage.google.revoke()

    await stage.post(service, channel)

    await stage.arrived(bob, 3)
    push = (await stage.pushes(service, 2))[1]
    assert (push["state"], push["tries"]) == ("delivered", 1)


# Credentials that providers do not take


async def test_a_credential_that_apple_does_not_take_is_stopped_until_it_is_changed_and_no_other(
    stage: PushStage,
) -> None:
    service = await stage.service(Notifications__LogEnabled="true")
    bob = await stage.registered("bob", service, "apn")
    carol = await stage.registered("carol", service, "apn")
    dave = await stage.registered("dave", service, "fcm")
    stage.says(bob, Answer(403, {"reason": "BadCertificate"}))
    channel = await stage.a_channel(service, "lobby", "bob", "carol", "dave")

    stopped = await stage.comes_to_be(bob.credential, "stopped")
    await stage.post(service, channel)
    await stage.arrived(carol, 2)
    await stage.arrived(dave, 2)
    while_stopped = len(stage.come(bob))
    stage.says(bob, Answer())
    await stage.update(bob.credential, FriendlyName="Renewed")

    pushes = (await stage.arrived(bob, 3))[1:]
    assert "BadCertificate: Apple does not accept the certificate" in stopped["detail"]
    assert (stopped["code"], stopped["date_stopped"] is None) == (52145, False)
    assert while_stopped == 1
    assert [push.kind for push in pushes] == ["added_to_channel", "new_message"]
    active = await stage.comes_to_be(bob.credential, "active")
    assert (active["code"], active["date_stopped"]) == (None, None)
    (first, _) = [push for push in await stage.pushes(service, 6) if push["identity"] == "bob"]
    assert [attempt["status"] for attempt in first["attempts"]] == [403, 200]


async def test_a_service_account_to_which_google_gives_no_token_is_stopped_until_it_is_changed(
    stage: PushStage,
) -> None:
    service = await stage.service()
    wrong = stage.of_google(private_key=private_key("somebody else"))
    credential = await stage.credential("fcm", **wrong)
    bob = await stage.registered("bob", service, "fcm", credential)
    carol = await stage.registered("carol", service, "fcm")
    channel = await stage.a_channel(service, "lobby", "bob", "carol")

    stopped = await stage.comes_to_be(credential, "stopped")
    await stage.post(service, channel)
    await stage.arrived(carol, 2)
    while_stopped = stage.come(bob)
    tested = await stage.run("test", credential)
    await stage.update(credential, **stage.of_google())

    pushes = await stage.arrived(bob, 2)
    assert "Google gives the service account no token (invalid_grant)" in stopped["detail"]
    assert stopped["code"] == 52109
    assert (tested.status, stopped["detail"] in tested.output) == (1, True)
    assert while_stopped == []
    assert [push.kind for push in pushes] == ["added_to_channel", "new_message"]
    await stage.comes_to_be(credential, "active")


async def test_what_waits_for_a_device_that_is_unregistered_meanwhile_is_not_sent(stage: PushStage) -> None:
    service = await stage.service(Notifications__LogEnabled="true")
    bob = await stage.registered("bob", service, "apn")
    stage.says(bob, Answer(403, {"reason": "BadCertificate"}), Answer())
    await stage.a_channel(service, "lobby", "bob")
    await stage.comes_to_be(bob.credential, "stopped")
    await stage.act("bob", service, "unsetPushRegistrationId", "apn")
    await stage.is_gone(bob)

    await stage.update(bob.credential, FriendlyName="Renewed")

    (push,) = await stage.pushes(service)
    assert (push["state"], push["reason"]) == ("skipped", NoPush.UNREGISTERED)
    assert len(stage.come(bob)) == 1


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_client_certificate_that_is_refused_stops_its_credential(
    database: str, tmp_path: Path, version: ssl.TLSVersion
) -> None:
    authority = a_ca()
    with a_strict_peer(authority, a_ca(), version) as sandbox:
        async with a_push_stage(tmp_path, database, sandbox=sandbox, authority=authority) as stage:
            service = await stage.service()
            credential = await stage.credential("apn", Sandbox="true")
            bob = await stage.registered("bob", service, "apn", credential)
            carol = await stage.registered("carol", service, "apn")

            channel = await stage.a_channel(service, "lobby", "bob", "carol")
            stopped = await stage.comes_to_be(credential, "stopped")
            await stage.post(service, channel)

            await stage.arrived(carol, 2)
            waiting = (await stage.api.get(f"/chinwag/v1/Services/{service}/Pushes", State="waiting")).json
            tested = await stage.run("test", credential)
            of_bob = [push["kind"] for push in waiting["pushes"] if push["identity"] == "bob"]
            assert "127.0.0.1 does not accept the client certificate" in stopped["detail"]
            assert (tested.status, stopped["detail"] in tested.output) == (1, True)
            assert of_bob == ["added_to_channel", "new_message"]
            assert stage.come(bob) == []


# Whether users can be reached


async def is_notifiable(stage: PushStage, service: str) -> object:
    return (await stage.api.get(f"/v2/Services/{service}/Users/bob")).json["is_notifiable"]


async def until(stage: PushStage, service: str, name: str, *, value: bool) -> None:
    """Wait until alice sees, with the SDK, that something about bob is so."""

    async def look() -> bool:
        return (await stage.act("alice", service, "read", name, user="bob")) is value

    await eventually(look, f"alice does not see that {name} is {value}")


async def test_others_see_whether_a_user_has_a_device_and_webhooks_are_told(stage: PushStage) -> None:
    async with an_application() as application:
        service = await stage.service(
            ReachabilityEnabled="true", PostWebhookUrl=application.url, WebhookFilters="onUserUpdated"
        )
        await stage.api.a_user({"sid": service}, "bob")
        at_first = await is_notifiable(stage, service)
        credential = await stage.credential("apn")
        await stage.act("bob", service, "login", {"pushCredentialSid": credential, "endpointId": "bob's apn"})
        await until(stage, service, "online", value=True)
        hears = asyncio.ensure_future(stage.act("alice", service, "hears", "userUpdated"))
        await asyncio.sleep(0)  # it is asked before what follows

        await stage.registered("bob", service, "apn", credential)
        with_device = await is_notifiable(stage, service)
        reasons = await hears
        await until(stage, service, "notifiable", value=True)
        await stage.act("bob", service, "unsetPushRegistrationId", "apn")

        await until(stage, service, "notifiable", value=False)
        without = await is_notifiable(stage, service)
        assert (at_first, with_device, without) == (None, True, False)
        assert reasons == ["notifiable"]
        (told,) = await application.heard(1, "onUserUpdated", IsNotifiable="true")
        later = await application.heard(1, "onUserUpdated", IsNotifiable="false")
        assert told.params["Identity"] == later[-1].params["Identity"] == "bob"
        assert told.params["IsOnline"] == "true"


async def test_a_user_whose_device_is_gone_is_not_notifiable_any_more(stage: PushStage) -> None:
    async with an_application() as application:
        service = await stage.service(
            ReachabilityEnabled="true", PostWebhookUrl=application.url, WebhookFilters="onUserUpdated"
        )
        bob = await stage.registered("bob", service, "apn")
        before = await is_notifiable(stage, service)
        stage.says(bob, Answer(410, {"reason": "Unregistered"}))

        await stage.a_channel(service, "lobby", "bob")

        await stage.is_gone(bob)
        (told,) = await application.heard(1, "onUserUpdated", IsNotifiable="false")
        assert (before, await is_notifiable(stage, service)) == (True, False)
        assert (told.params["Identity"], told.params["Source"]) == ("bob", "API")


async def test_a_user_with_a_device_is_notifiable_as_soon_as_that_is_reported(stage: PushStage) -> None:
    service = await stage.service()
    await stage.registered("bob", service, "apn")
    before = await is_notifiable(stage, service)

    await stage.change(service, ReachabilityEnabled="true")

    assert (before, await is_notifiable(stage, service)) == (None, True)


async def test_whether_a_user_has_a_device_is_right_after_the_server_was_killed(
    database: str, tmp_path: Path
) -> None:
    async with a_push_stage(tmp_path, database) as stage:
        service = await stage.service(ReachabilityEnabled="true")
        bob = await stage.registered("bob", service, "fcm")
        await stage.a_channel(service, "lobby", "bob")
        await stage.arrived(bob)

        await asyncio.to_thread(stage.server.stop, signal.SIGKILL)
        with stage.command_line.serving() as again:
            stage.api.base = again.base
            after = await is_notifiable(stage, service)
            channel = await stage.api.a_channel({"sid": service})
            await stage.api.a_member(channel, "bob")
            await stage.arrived(bob, 2)
            path = f"/v2/Services/{service}/Bindings/{bob.binding['sid']}"
            assert (await stage.api.delete(path)).status == 204

            assert (after, await is_notifiable(stage, service)) == (True, False)


async def test_what_waits_when_the_server_is_killed_is_sent_by_the_next_one(
    database: str, tmp_path: Path
) -> None:
    async with a_push_stage(tmp_path, database) as stage:
        service = await stage.service()
        bob = await stage.registered("bob", service, "apn")
        stage.says(bob, Answer(503, headers={"Retry-After": "2"}), Answer())
        await stage.a_channel(service, "lobby", "bob")
        await stage.arrived(bob)

        await asyncio.to_thread(stage.server.stop, signal.SIGKILL)
        with stage.command_line.serving():
            first, second = await stage.arrived(bob, 2)

        assert first.about == second.about


# Secrets


async def in_clear(database: str) -> str:
    """Return everything in a database that is not sealed, as text."""
    if database.startswith("sqlite"):
        path = database.removeprefix("sqlite:///")
        files = [Path(f"{path}{end}") for end in ("", "-wal")]
        return "".join(file.read_bytes().decode("latin-1") for file in files if file.exists())
    connection = await asyncpg.connect(database)
    try:
        tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        rows = [
            await connection.fetch(f"""SELECT CAST("{name}" AS text) FROM "{name}" """) for (name,) in tables
        ]
    finally:
        await connection.close()
    return "\n".join(row[0] for table in rows for row in table)


async def test_secrets_and_addresses_are_shown_to_nobody(stage: PushStage) -> None:
    service = await stage.service(Notifications__LogEnabled="true")
    bob = await stage.registered("bob", service, "apn")
    carol = await stage.registered("carol", service, "fcm")
    stage.says(bob, Answer(403, {"reason": "BadCertificate"}))
    stage.says(carol, UNREGISTERED)
    await stage.a_channel(service, "lobby", "bob", "carol")
    await stage.comes_to_be(bob.credential, "stopped")
    await stage.is_gone(carol)
    printed = [await stage.run("log"), await stage.run("test", bob.credential)]
    printed += [await stage.run("test", carol.credential)]
    pushes = (await stage.api.get(f"/chinwag/v1/Services/{service}/Pushes")).json["pushes"]
    for push in pushes:
        await stage.api.get(f"/chinwag/v1/Services/{service}/Pushes/{push['sid']}")
        printed.append(await stage.run("show", push["sid"]))
    for path in ("/v1/Credentials", "/v2/Credentials", f"/v2/Services/{service}", "/chinwag/v1"):
        await stage.api.get(path)
    for sid in (bob.credential, carol.credential):
        for place in ("/v1", "/v2", "/chinwag/v1"):
            await stage.api.get(f"{place}/Credentials/{sid}")

    tokens = list(stage.google.tokens)
    hidden = [*stage.secrets, *tokens]
    said = "\n".join(stage.api.answers) + "\n".join(done.output + done.errors for done in printed)
    kept = await in_clear(stage.command_line.variables["CHINWAG_DATABASE"])
    log = stage.server.log

    assert (len(tokens) > 0, len(stage.addresses) > 1, len(pushes)) == (True, True, 2)
    for text in (said, log):
        assert [secret for secret in (*hidden, *stage.addresses) if secret in text] == []
    assert [secret for secret in hidden if secret in kept] == []
    assert bob.credential in log
    assert bob.credential in kept
    assert bob.address in kept  # so what is kept can be read like this
