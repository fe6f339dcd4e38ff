"""What seldom happens: things that are gone when their turn comes. On both engines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from chinwag.domain.answer import Once
from chinwag.domain.caller import Caller, Operator
from chinwag.domain.channel import CreateChannel
from chinwag.domain.joining import CreateInvite
from chinwag.domain.leaving import DeleteInvite
from chinwag.domain.media import AddMedia, FinishMedia, RemoveMedia
from chinwag.domain.occasion import NOT_SPREAD
from chinwag.domain.posting import CreateMessage
from chinwag.domain.push import push_named
from chinwag.domain.reachability import note_notifiable
from chinwag.domain.rights import standing
from chinwag.domain.service import DeleteService
from chinwag.domain.spreading import SpreadOccasion
from chinwag.domain.trying import SendTestPush
from chinwag.domain.unit import OvertakenError
from chinwag.errors import ApiError, Kinds
from domain.devices import ALL_ON, a_credential, a_device, pushes

if TYPE_CHECKING:
    from chinwag.domain.unit import Transaction
    from domain.chat import Chat

NOBODY = 404


class Meanwhile:
    """A transaction in which an answer goes just after its key was found to be taken."""

    def __init__(self, tx: Transaction, later: int) -> None:
        self._answers = tx.answers
        self._later = later
        self.answers = self

    async def claim(self, *given: Any, **more: Any) -> bool:
        claimed = await self._answers.claim(*given, **more)
        await self._answers.remove_expired(self._later, 10)
        return claimed

    async def find(self, *given: Any) -> Any:
        return await self._answers.find(*given)


async def test_who_is_invited_may_remove_the_invite_without_the_right_to_invite(chat: Chat) -> None:
    await chat.a_user("bob")
    channel = await chat.a_channel(unique_name="tea")
    invite = await chat.do(CreateInvite(service_sid=chat.service_sid, channel="tea", identity="bob"))

    await chat.do(DeleteInvite(service_sid=chat.service_sid, channel=channel.sid, sid=invite.sid), "bob")

    async with chat.store.reading() as tx:
        assert await tx.invites.of(await chat.service(), await chat.user("bob"), channel) is None


async def test_an_upload_that_was_given_up_does_not_end(chat: Chat) -> None:
    media = await chat.do(
        AddMedia(
            service_sid=chat.service_sid, content_type="text/plain", filename="tea.txt", category="media"
        )
    )
    await chat.do(RemoveMedia(service_sid=chat.service_sid, sid=media.sid))

    refusal = await chat.refusal(FinishMedia(service_sid=chat.service_sid, sid=media.sid, size=5), None)

    assert refusal.kind is Kinds.MEDIA_NOT_FOUND


async def test_nobody_is_told_of_the_devices_of_a_user_who_is_gone(chat: Chat) -> None:
    await chat.set_service(reachability_enabled=True)
    service = await chat.service()

    _, events = await chat.store.write(lambda tx: note_notifiable(tx, service, NOBODY, client=None))

    assert events == []


async def test_who_made_a_channel_has_no_more_rights_than_others_while_the_role_of_creators_is_gone(
    chat: Chat,
) -> None:
    await chat.a_user("alice")
    channel = await chat.do(CreateChannel(service_sid=chat.service_sid, unique_name="tea"), "alice")
    service = replace(await chat.service(), default_channel_creator_role_sid="RL" + "0" * 32)

    async with chat.store.reading() as tx:
        plain = await standing(tx, chat.caller("alice"), service)
        found = await standing(tx, chat.caller("alice"), service, replace(channel, created_by="alice"))

    assert found.permissions == plain.permissions


async def test_what_happened_in_a_service_that_was_deleted_meanwhile_is_not_pushed(chat: Chat) -> None:
    await chat.set_service(notifications=ALL_ON)
    await a_device(chat, "bob", await a_credential(chat))
    channel = await chat.a_channel(unique_name="tea")
    await chat.joined(channel, "bob")
    await chat.do(CreateMessage(service_sid=chat.service_sid, channel=channel.sid, body="hello"))
    async with chat.store.reading() as tx:
        noted = await tx.occasions.noted(100)
    await chat.do(DeleteService(sid=chat.service_sid))

    command = SpreadOccasion(occasion_id=noted[0], most=10)
    spread, _ = await chat.store.write(lambda tx: command.apply(tx, Operator(), chat.now, chat.new_sid))

    assert spread == NOT_SPREAD


@pytest.mark.parametrize("operator", [True, False])
async def test_a_credential_that_is_gone_is_not_tried(chat: Chat, operator: bool) -> None:
    caller = Operator() if operator else chat.account
    command = SendTestPush(credential_sid="CR" + "0" * 32, identity="bob")

    with pytest.raises(ApiError) as refusal:
        await chat.store.write(lambda tx: command.apply(tx, caller, chat.now, chat.new_sid))

    assert refusal.value.kind is Kinds.CREDENTIAL_NOT_FOUND


@pytest.mark.parametrize("operator", [True, False])
async def test_a_credential_is_tried_by_its_account_and_by_an_operator(chat: Chat, operator: bool) -> None:
    credential = await a_credential(chat)
    await a_device(chat, "bob", credential)
    command = SendTestPush(credential_sid=credential.sid, identity="bob")
    caller = Operator() if operator else chat.account

    made, _ = await chat.store.write(lambda tx: command.apply(tx, caller, chat.now, chat.new_sid))

    assert [push.sid for push in await pushes(chat)] == made


async def test_a_push_is_found_by_its_account_and_by_an_operator_and_by_nobody_else(chat: Chat) -> None:
    credential = await a_credential(chat)
    await a_device(chat, "bob", credential)
    (sid,) = await chat.do(SendTestPush(credential_sid=credential.sid, identity="bob"))
    stranger = Caller(account_id=NOBODY, account_sid="AC" + "0" * 32)

    async with chat.store.reading() as tx:
        found = [
            await push_named(tx, chat.account, chat.service_sid, sid),
            await push_named(tx, Operator(), None, sid),
        ]
        with pytest.raises(ApiError) as by_a_stranger:
            await push_named(tx, stranger, chat.service_sid, sid)
        with pytest.raises(ApiError) as of_nothing:
            await push_named(tx, Operator(), None, "NT" + "0" * 32)

    assert [push.sid for push in found] == [sid, sid]
    assert by_a_stranger.value.kind is Kinds.SERVICE_NOT_FOUND
    assert of_nothing.value.kind is Kinds.NOT_FOUND


async def test_a_push_that_is_logged_shows_neither_its_words_nor_its_device(chat: Chat) -> None:
    credential = await a_credential(chat)
    await a_device(chat, "bob", credential, "address-of-bob")
    await chat.do(SendTestPush(credential_sid=credential.sid, identity="bob"))

    (push,) = await pushes(chat)

    assert repr(push) == f"Push({push.sid}, waiting)"


async def test_a_change_begins_anew_when_the_answer_to_its_first_time_goes_at_that_moment(chat: Chat) -> None:
    once = Once(
        account_id=chat.account.account_id, key="key", fingerprint=b"print", result=str, keeps_ms=1000
    )

    async def change(tx: Transaction) -> tuple[str | None, str | None]:
        first = await once.begin(tx, chat.now)
        await once.end(tx, "tea")
        second = await once.begin(tx, chat.now)
        with pytest.raises(OvertakenError):
            await once.begin(Meanwhile(tx, chat.now + 1000), chat.now)  # type: ignore[arg-type]
        return first, second

    found, _ = await chat.store.write(change)

    assert found == (None, "tea")
