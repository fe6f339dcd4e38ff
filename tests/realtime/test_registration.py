"""Devices, as SDKs register them and take them back. Source: sdk-wire."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from chinwag import limits
from chinwag.domain.credential import PushType
from chinwag.domain.notifications import NotificationKind
from chinwag.ids import parse_sid
from domain.devices import a_credential
from realtime.house import another_service

if TYPE_CHECKING:
    from chinwag.domain.binding import Binding
    from chinwag.domain.credential import Credential
    from realtime.house import Guest, House

REGISTRATIONS = "/v1/registrations"
ADDRESS = "bk3RNwTe3H0:CI2k_HHwgIpoDKCIZvvDMExUdFQ3P1"
NEW_MESSAGE, ADDED = "twilio.channel.new_message", "twilio.channel.added_to_channel"


@pytest.fixture
async def credential(house: House) -> Credential:
    return await a_credential(house.chat)


@pytest.fixture
async def alice(house: House, credential: Credential) -> Guest:
    """Whose token names the credential."""
    return await house.guest("alice", push_credential_sid=credential.sid)


def device(address: object = ADDRESS, kind: object = "fcm", **more: Any) -> dict[str, Any]:
    """What an SDK says of its device."""
    return {
        "endpoint_platform": "Node.js",
        "channel_type": kind,
        "version": "2",
        "message_types": [NEW_MESSAGE, ADDED],
        "data": {"registration_id": address},
        "ttl": "PT24H",
        **more,
    }


async def register(guest: Guest, *given: Any, **more: Any) -> str:
    """Register a device, and return what it is called."""
    answer = await guest.ask("POST", REGISTRATIONS, device(*given, **more))
    assert answer.status == 201
    return answer.json["id"]


async def refused(guest: Guest, body: object) -> tuple[int, int]:
    """How a registration is refused."""
    answer = await guest.ask("POST", REGISTRATIONS, body)
    return answer.status, answer.json["code"]


async def devices(house: House, who: str = "alice") -> list[Binding]:
    service, user = await house.chat.service(), await house.chat.user(who)
    async with house.chat.store.reading() as tx:
        return await tx.bindings.of(service, user)


# Registering


@pytest.mark.parametrize("kind", list(PushType))
async def test_a_device_is_registered_with_the_credential_of_the_token(house: House, kind: PushType) -> None:
    credential = await a_credential(house.chat, kind)
    alice = await house.guest("alice", push_credential_sid=credential.sid, endpoint_id="app:alice:phone")

    sid = await register(alice, ADDRESS, kind)

    (binding,) = await devices(house)
    assert (binding.sid, parse_sid("BS", sid)) == (sid, sid)
    assert (binding.binding_type, binding.address) == (kind, ADDRESS)
    assert (binding.credential_sid, binding.endpoint) == (credential.sid, "app:alice:phone")
    assert binding.message_types == (NotificationKind.NEW_MESSAGE, NotificationKind.ADDED_TO_CHANNEL)


@pytest.mark.parametrize(("kind", "type_of"), [("gcm", PushType.FCM), ("fcm", PushType.GCM)])
async def test_both_names_of_google_are_good_for_both_of_its_credentials(
    house: House, kind: str, type_of: PushType
) -> None:
    credential = await a_credential(house.chat, type_of)
    alice = await house.guest("alice", push_credential_sid=credential.sid)

    await register(alice, ADDRESS, kind)

    (binding,) = await devices(house)
    assert binding.binding_type == kind


async def test_a_client_without_an_endpoint_gets_one(house: House, alice: Guest) -> None:
    sid = await register(alice)

    (binding,) = await devices(house)
    assert binding.endpoint == f"alice:{sid}"


@pytest.mark.parametrize(
    ("wanted", "kinds"),
    [
        ([], tuple(NotificationKind)),
        (None, tuple(NotificationKind)),
        ([f"twilio.channel.{kind}" for kind in NotificationKind], tuple(NotificationKind)),
        ([ADDED, NEW_MESSAGE, ADDED], (NotificationKind.NEW_MESSAGE, NotificationKind.ADDED_TO_CHANNEL)),
        (["twilio.sync.event"], ()),
    ],
)
async def test_a_device_is_told_what_it_wants_and_without_a_wish_everything(
    house: House, alice: Guest, wanted: object, kinds: tuple[NotificationKind, ...]
) -> None:
    await register(alice, message_types=wanted)

    (binding,) = await devices(house)
    assert binding.message_types == kinds


async def test_a_device_that_registers_again_is_called_the_same(house: House, alice: Guest) -> None:
    first = await register(alice)
    again = await register(alice, message_types=[NEW_MESSAGE])

    assert again == first
    (binding,) = await devices(house)
    assert binding.message_types == (NotificationKind.NEW_MESSAGE,)


async def test_a_user_may_have_several_devices(house: House, alice: Guest) -> None:
    sids = {await register(alice, f"device {number}") for number in range(3)}

    assert {binding.sid for binding in await devices(house)} == sids


@pytest.mark.parametrize("kind", ["twilsock", "ers", "APN", "", None, 7, ["fcm"], {"fcm": 1}])
async def test_what_is_no_device_is_answered_as_one_and_not_kept(
    house: House, alice: Guest, kind: object
) -> None:
    sid = await register(alice, ADDRESS, kind)

    assert parse_sid("BS", sid) == sid
    assert await devices(house) == []


async def test_a_registration_that_says_nothing_is_no_device(house: House, alice: Guest) -> None:
    answer = await alice.ask("POST", REGISTRATIONS, {})

    assert answer.status == 201
    assert await devices(house) == []


# Refusals


async def test_a_device_needs_a_token_with_a_credential(house: House) -> None:
    alice = await house.guest("alice")

    assert await refused(alice, device()) == (400, 52004)
    assert await devices(house) == []


async def test_the_credential_must_be_one_of_the_account(house: House) -> None:
    elsewhere = await another_service(house)
    for sid in ("CR" + "0" * 32, "nothing", ""):
        alice = await elsewhere.guest("alice", push_credential_sid=sid)

        assert await refused(alice, device()) == (404, 52002)
    assert await devices(elsewhere) == []


@pytest.mark.parametrize(
    ("type_of", "kind"),
    [(PushType.FCM, "apn"), (PushType.GCM, "apn"), (PushType.APN, "fcm"), (PushType.APN, "gcm")],
)
async def test_the_credential_must_be_of_the_provider_of_the_device(
    house: House, type_of: PushType, kind: str
) -> None:
    credential = await a_credential(house.chat, type_of)
    alice = await house.guest("alice", push_credential_sid=credential.sid)

    assert await refused(alice, device(ADDRESS, kind)) == (400, 52003)
    assert await devices(house) == []


@pytest.mark.parametrize(
    "address",
    ["", "a" * (limits.DEVICE_ADDRESS + 1), "ä", "a\nb", "a\x00b", "a\x7fb", None, 7, ["a"], {"a": "b"}],
)
async def test_what_cannot_be_an_address_is_refused(house: House, alice: Guest, address: object) -> None:
    status, _ = await refused(alice, device(address))

    assert status == 400
    assert await devices(house) == []


@pytest.mark.parametrize("data", [None, [], "data", 7, {}])
async def test_a_device_without_an_address_is_refused(house: House, alice: Guest, data: object) -> None:
    status, _ = await refused(alice, device() | {"data": data})

    assert status == 400
    assert await devices(house) == []


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"fcm"', b"\xff"])
async def test_what_is_no_object_is_refused_or_no_device(house: House, alice: Guest, body: bytes) -> None:
    answer = await alice.ask("POST", REGISTRATIONS, body)

    assert answer.status in {201, 400}
    assert await devices(house) == []


@pytest.mark.parametrize("wanted", [7, True, NEW_MESSAGE, {NEW_MESSAGE: 1}, [7, None, [NEW_MESSAGE]]])
async def test_wishes_that_are_no_list_of_names_do_no_harm(
    house: House, alice: Guest, wanted: object
) -> None:
    answer = await alice.ask("POST", REGISTRATIONS, device(message_types=wanted))

    assert answer.status in {201, 400}


async def test_the_longest_address_is_kept(house: House, alice: Guest) -> None:
    await register(alice, "a" * limits.DEVICE_ADDRESS)

    assert [len(binding.address) for binding in await devices(house)] == [limits.DEVICE_ADDRESS]


# Taking back


async def unregister(guest: Guest, sid: str) -> int:
    return (await guest.ask("DELETE", f"{REGISTRATIONS}/{sid}")).status


async def remove(guest: Guest, address: object = ADDRESS, kind: object = "fcm") -> int:
    body = {"binding_type": kind, "address": address}
    return (await guest.ask("DELETE", REGISTRATIONS, body)).status


async def test_a_device_is_unregistered_by_its_name(house: House, alice: Guest) -> None:
    one, two = await register(alice, "one"), await register(alice, "two")

    assert await unregister(alice, one) == 204

    assert [binding.sid for binding in await devices(house)] == [two]
    assert await unregister(alice, one) == 204


@pytest.mark.parametrize("sid", ["BS" + "1" * 32, "CH" + "1" * 32, "nothing", quote("a/b", safe="")])
async def test_who_unregisters_what_is_not_there_is_answered_all_the_same(
    house: House, alice: Guest, sid: str
) -> None:
    await register(alice)

    assert await unregister(alice, sid) == 204
    assert len(await devices(house)) == 1


async def test_a_device_is_removed_by_its_address(house: House, alice: Guest) -> None:
    await register(alice, "one")
    await register(alice, "two")

    assert await remove(alice, "one") == 204

    assert [binding.address for binding in await devices(house)] == ["two"]
    assert await remove(alice, "one") == 204


@pytest.mark.parametrize(
    ("kind", "address"), [("gcm", ADDRESS), ("apn", ADDRESS), ("fcm", ADDRESS.upper()), ("tea", ADDRESS)]
)
async def test_only_the_device_that_is_meant_is_removed(
    house: House, alice: Guest, kind: str, address: str
) -> None:
    await register(alice)

    assert await remove(alice, address, kind) == 204
    assert len(await devices(house)) == 1


async def test_what_cannot_be_an_address_is_not_removed(house: House, alice: Guest) -> None:
    for address in ("", None, 7):
        assert await remove(alice, address) == 400


# Others


async def test_somebody_elses_device_is_left_alone(
    house: House, alice: Guest, credential: Credential
) -> None:
    sid = await register(alice)
    bob = await house.guest("bob", push_credential_sid=credential.sid)

    assert await unregister(bob, sid) == 204
    assert await remove(bob) == 204

    assert [binding.sid for binding in await devices(house)] == [sid]


async def test_a_device_of_another_service_is_left_alone(
    house: House, alice: Guest, credential: Credential
) -> None:
    sid = await register(alice)
    elsewhere = await another_service(house)
    same_name = await elsewhere.guest("alice", push_credential_sid=credential.sid)
    other = await register(same_name)

    assert other != sid
    assert await unregister(same_name, sid) == 204
    assert await remove(same_name) == 204

    assert [binding.sid for binding in await devices(house)] == [sid]
    assert await devices(elsewhere) == []


async def test_who_uses_a_device_after_somebody_else_has_it(
    house: House, alice: Guest, credential: Credential
) -> None:
    first = await register(alice)
    bob = await house.guest("bob", push_credential_sid=credential.sid)

    second = await register(bob)

    assert second != first
    assert await devices(house) == []
    assert [binding.sid for binding in await devices(house, "bob")] == [second]


async def test_others_are_told_that_a_user_has_a_device_and_has_none(
    house: House, alice: Guest, credential: Credential
) -> None:
    await house.chat.set_service(reachability_enabled=True)
    assert (await house.chat.user("alice")).is_notifiable is not True

    sid = await register(alice)
    assert (await house.chat.user("alice")).is_notifiable is True
    await unregister(alice, sid)
    assert (await house.chat.user("alice")).is_notifiable is False
