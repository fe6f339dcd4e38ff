"""Devices: who registers one, whose it is, and whether its user can be reached. On both engines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from chinwag import limits
from chinwag.domain.account import CreateAccount
from chinwag.domain.binding import CreateBinding, DeleteBinding, RemoveBinding
from chinwag.domain.caller import Caller, Operator
from chinwag.domain.credential import PushType
from chinwag.domain.events import UserUpdated
from chinwag.errors import Kinds
from domain.devices import EVERYTHING, a_credential, a_device

if TYPE_CHECKING:
    from chinwag.domain.binding import Binding
    from chinwag.domain.credential import Credential
    from domain.chat import Chat


@pytest.fixture
async def credential(chat: Chat) -> Credential:
    return await a_credential(chat)


async def devices(chat: Chat, who: str) -> list[Binding]:
    service, user = await chat.service(), await chat.user(who)
    async with chat.store.reading() as tx:
        return await tx.bindings.of(service, user)


def registering(chat: Chat, credential_sid: str | None, kind: PushType = PushType.FCM) -> CreateBinding:
    return CreateBinding(
        service_sid=chat.service_sid,
        endpoint=None,
        credential_sid=credential_sid,
        binding_type=kind,
        address="a-device",
        message_types=EVERYTHING,
    )


async def test_a_device_is_registered_with_the_credential_of_the_token(
    chat: Chat, credential: Credential
) -> None:
    binding = await a_device(chat, "alice", credential, endpoint="app:alice:phone")

    assert binding.endpoint == "app:alice:phone"
    assert (binding.credential_sid, binding.binding_type) == (credential.sid, PushType.FCM)
    assert binding.message_types == EVERYTHING
    assert await devices(chat, "alice") == [binding]


async def test_a_device_that_registers_again_keeps_its_name(chat: Chat, credential: Credential) -> None:
    first = await a_device(chat, "alice", credential)
    other = await a_credential(chat)
    again = await a_device(chat, "alice", other, message_types=EVERYTHING[:1], endpoint="new")

    assert (again.sid, again.credential_sid, again.endpoint) == (first.sid, other.sid, "new")
    assert await devices(chat, "alice") == [again]


async def test_a_device_belongs_to_the_user_who_registered_it_last(
    chat: Chat, credential: Credential
) -> None:
    await a_device(chat, "alice", credential, "shared")
    bobs = await a_device(chat, "bob", credential, "shared")

    assert await devices(chat, "alice") == []
    assert await devices(chat, "bob") == [bobs]


async def test_of_too_many_devices_the_oldest_goes(chat: Chat, credential: Credential) -> None:
    for number in range(limits.BINDINGS + 2):
        chat.now += 1
        await a_device(chat, "alice", credential, f"device {number}")

    found = [binding.address for binding in await devices(chat, "alice")]

    assert found == [f"device {number}" for number in range(2, limits.BINDINGS + 2)]


async def test_a_device_needs_a_credential_of_the_account_and_of_its_provider(
    chat: Chat, credential: Credential
) -> None:
    await chat.a_user("alice")
    other_account = CreateAccount(friendly_name="other", sealed_auth_token=b"t")
    other, _ = await chat.store.write(lambda tx: other_account.apply(tx, Operator(), chat.now, chat.new_sid))
    foreign = await a_credential(chat, caller=Caller(account_id=other.id, account_sid=other.sid))

    for command, kind in (
        (registering(chat, None), Kinds.PUSH_CREDENTIAL_MISSING),
        (registering(chat, "CR" + "0" * 32), Kinds.CREDENTIAL_NOT_FOUND),
        (registering(chat, foreign.sid), Kinds.CREDENTIAL_NOT_FOUND),
        (registering(chat, credential.sid, PushType.APN), Kinds.PUSH_CREDENTIAL_TYPE),
    ):
        assert (await chat.refusal(command, "alice")).kind is kind
    assert await devices(chat, "alice") == []


async def test_only_the_user_itself_unregisters_a_device(chat: Chat, credential: Credential) -> None:
    binding = await a_device(chat, "alice", credential)
    await chat.a_user("bob")
    by_sid = RemoveBinding(service_sid=chat.service_sid, sid=binding.sid)
    by_address = RemoveBinding(
        service_sid=chat.service_sid, binding_type=PushType.FCM, address=binding.address
    )
    nothing = RemoveBinding(service_sid=chat.service_sid)

    for command, who in ((by_sid, "bob"), (by_address, "bob"), (nothing, "alice")):
        await chat.do(command, who)
        assert await devices(chat, "alice") == [binding]
    await chat.do(by_address, "alice")
    assert await devices(chat, "alice") == []
    await chat.do(by_sid, "alice")  # which is gone already


# Reachability


async def notifiable(chat: Chat, who: str) -> bool | None:
    return (await chat.user(who)).is_notifiable


async def test_a_user_with_a_device_is_notifiable_if_the_service_reports_it(
    chat: Chat, credential: Credential
) -> None:
    await chat.set_service(reachability_enabled=True)
    before = await chat.a_user("alice")
    assert before.is_notifiable is None

    binding = await a_device(chat, "alice", credential)
    after = await chat.user("alice")
    assert after.is_notifiable is True
    assert after.reachability_event_id > before.reachability_event_id
    assert after.date_updated == before.date_updated

    _, events = await chat.told(DeleteBinding(service_sid=chat.service_sid, sid=binding.sid))
    assert await notifiable(chat, "alice") is False
    assert [type(event) for event in events] == [UserUpdated]


async def test_a_second_device_changes_nothing_about_it(chat: Chat, credential: Credential) -> None:
    await chat.set_service(reachability_enabled=True)
    await a_device(chat, "alice", credential, "one")
    before = await chat.user("alice")
    binding = await a_device(chat, "alice", credential, "two")
    await chat.do(DeleteBinding(service_sid=chat.service_sid, sid=binding.sid))

    assert await chat.user("alice") == before


async def test_who_loses_its_device_to_another_user_is_not_notifiable(
    chat: Chat, credential: Credential
) -> None:
    await chat.set_service(reachability_enabled=True)
    await a_device(chat, "alice", credential, "shared")
    await a_device(chat, "bob", credential, "shared")

    assert (await notifiable(chat, "alice"), await notifiable(chat, "bob")) == (False, True)


async def test_switching_reachability_off_forgets_it_and_on_finds_who_has_a_device(
    chat: Chat, credential: Credential
) -> None:
    await a_device(chat, "alice", credential)
    await chat.a_user("bob")
    assert await notifiable(chat, "alice") is None

    await chat.set_service(reachability_enabled=True)
    assert (await notifiable(chat, "alice"), await notifiable(chat, "bob")) == (True, None)
    await chat.set_service(reachability_enabled=False)
    assert await notifiable(chat, "alice") is None
