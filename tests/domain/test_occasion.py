"""What devices are told of, in which words, and who is not told and why. On both engines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from chinwag.domain.credential import PushType
from chinwag.domain.events import OccasionNoted
from chinwag.domain.joining import CreateInvite, CreateMember
from chinwag.domain.leaving import DeleteChannel, DeleteMember, DeleteUserChannel
from chinwag.domain.membership import UpdateMember, UpdateUserChannel
from chinwag.domain.message import DeleteMessage
from chinwag.domain.notifications import NotificationChange, NotificationKind
from chinwag.domain.posting import CreateMessage
from chinwag.domain.push import NoPush, PushKind, PushState
from chinwag.domain.user import UpdateUser
from chinwag.domain.user_channel import NotificationLevel
from domain.devices import ALL_ON, a_credential, a_device, address_of, pushes, spread, told

if TYPE_CHECKING:
    from chinwag.domain.channel import Channel
    from domain.chat import Chat

NEW_MESSAGE = NotificationKind.NEW_MESSAGE


@pytest.fixture
async def channel(chat: Chat) -> Channel:
    """A channel of alice, bob and carol, each with a device; everything is pushed and logged."""
    await chat.set_service(notifications=ALL_ON, notifications_log_enabled=True)
    credential = await a_credential(chat)
    channel = await chat.a_channel(unique_name="general", friendly_name="General talk")
    for who in ("alice", "bob", "carol"):
        await a_device(chat, who, credential)
        await chat.joined(channel, who)
    return channel


async def say(chat: Chat, channel: Channel, body: str | None, who: str | None = "alice", **more: str) -> str:
    command = CreateMessage(service_sid=chat.service_sid, channel=channel.sid, body=body, **more)
    return (await chat.do(command, who)).sid


async def template(chat: Chat, kind: NotificationKind, text: str | None) -> None:
    await chat.set_service(notifications={kind: NotificationChange(template=text)})


# New messages


async def test_a_message_is_pushed_to_every_member_but_its_author(chat: Chat, channel: Channel) -> None:
    await a_device(chat, "dave", await a_credential(chat))  # who is no member
    sid = await say(chat, channel, "hello")

    found = await pushes(chat)

    assert await told(chat) == {
        "alice": NoPush.AUTHOR,
        "bob": "general:alice: hello",
        "carol": "general:alice: hello",
    }
    (bob,) = [push for push in found if push.identity == "bob"]
    assert (bob.kind, bob.state, bob.author) == (PushKind.NEW_MESSAGE, PushState.WAITING, "alice")
    assert (bob.channel_sid, bob.message_sid, bob.message_index) == (channel.sid, sid, 0)
    assert (bob.words.channel_title, bob.words.sound, bob.words.badge) == ("General talk", None, False)
    assert await address_of(chat, bob) == "device-of-bob"


async def test_what_is_posted_over_rest_is_pushed_from_whom_it_says(chat: Chat, channel: Channel) -> None:
    await say(chat, channel, "hello", None, author="bob")

    assert (await told(chat))["bob"] == NoPush.AUTHOR
    assert (await told(chat))["alice"] == "general:bob: hello"


async def test_every_device_of_a_user_is_pushed_to(chat: Chat, channel: Channel) -> None:
    credential = await a_credential(chat, PushType.APN)
    await a_device(chat, "bob", credential, "an-iphone")
    await say(chat, channel, "hello")

    found = [await address_of(chat, push) for push in await pushes(chat) if push.identity == "bob"]

    assert sorted(found) == ["an-iphone", "device-of-bob"]


async def test_members_who_muted_the_channel_are_not_pushed_to(chat: Chat, channel: Channel) -> None:
    muted = NotificationLevel.MUTED
    command = UpdateUserChannel(
        service_sid=chat.service_sid, user="bob", channel=channel.sid, notification_level=muted
    )
    await chat.do(command, "bob")
    await say(chat, channel, "hello")

    assert await told(chat) == {
        "alice": NoPush.AUTHOR,
        "bob": NoPush.MUTED,
        "carol": "general:alice: hello",
    }


async def test_a_device_that_wants_other_things_is_not_pushed_to(chat: Chat, channel: Channel) -> None:
    only = (NotificationKind.ADDED_TO_CHANNEL,)
    await a_device(chat, "bob", await a_credential(chat), message_types=only)
    await say(chat, channel, "hello")

    assert (await told(chat))["bob"] == NoPush.NOT_WANTED


async def test_without_a_log_only_what_is_pushed_is_kept(chat: Chat, channel: Channel) -> None:
    await chat.set_service(notifications_log_enabled=False)
    await say(chat, channel, "hello")

    assert sorted(await told(chat)) == ["bob", "carol"]


async def test_what_is_not_enabled_is_no_occasion(chat: Chat, channel: Channel) -> None:
    off = {kind: NotificationChange(enabled=False) for kind in NotificationKind}
    await chat.set_service(notifications=off, notifications_log_enabled=False)
    _, events = await chat.told(
        CreateMessage(service_sid=chat.service_sid, channel=channel.sid, body="hello"), "alice"
    )
    await chat.a_member(channel, "dave")
    await chat.an_invite(channel, (await chat.a_user("erin")).identity)
    await chat.do(DeleteMember(service_sid=chat.service_sid, channel=channel.sid, member="bob"))

    assert not any(isinstance(event, OccasionNoted) for event in events)
    assert await spread(chat) == 0


async def test_the_log_says_that_a_kind_is_not_enabled(chat: Chat, channel: Channel) -> None:
    await chat.set_service(notifications={NEW_MESSAGE: NotificationChange(enabled=False)})
    await say(chat, channel, "hello")

    (push,) = await pushes(chat)

    assert (push.state, push.reason, push.identity) == (PushState.SKIPPED, NoPush.DISABLED, None)


async def test_the_log_says_that_nobody_has_a_device(chat: Chat) -> None:
    await chat.set_service(notifications=ALL_ON, notifications_log_enabled=True)
    channel = await chat.a_channel()
    await chat.a_user("alice")
    await chat.joined(channel, "alice")
    await say(chat, channel, "hello")

    (push,) = await pushes(chat)

    assert (push.state, push.reason) == (PushState.SKIPPED, NoPush.NO_DEVICE)


async def test_nothing_is_kept_of_what_nobody_is_told_and_nobody_logs(chat: Chat) -> None:
    await chat.set_service(notifications=ALL_ON)
    channel = await chat.a_channel()
    await chat.a_user("alice")
    await chat.joined(channel, "alice")
    await say(chat, channel, "hello")

    assert await pushes(chat) == []
    assert await spread(chat) == 0


async def test_a_message_that_is_gone_before_its_pushes_are_made_is_not_pushed(
    chat: Chat, channel: Channel
) -> None:
    sid = await say(chat, channel, "hello")
    await chat.do(DeleteMessage(service_sid=chat.service_sid, channel=channel.sid, sid=sid), None)

    assert [push.reason for push in await pushes(chat)] == [NoPush.NOT_THERE]


async def test_a_channel_that_is_gone_takes_its_pushes_along(chat: Chat, channel: Channel) -> None:
    await say(chat, channel, "hello")
    await chat.do(DeleteChannel(service_sid=chat.service_sid, channel=channel.sid))

    assert [push.reason for push in await pushes(chat)] == [NoPush.NOT_THERE]


async def test_many_members_get_their_pushes_a_number_at_a_time(chat: Chat) -> None:
    await chat.set_service(notifications=ALL_ON, channel_members=1000)
    credential = await a_credential(chat)
    channel = await chat.a_channel()
    everybody = [f"user {number}" for number in range(23)]
    for who in everybody:
        await a_device(chat, who, credential)
        await chat.joined(channel, who)
    await say(chat, channel, "hello", everybody[0])

    assert await spread(chat, most=5) == 5
    found = await pushes(chat)
    assert sorted(push.identity or "" for push in found) == sorted(everybody[1:])
    assert len({push.sid for push in found}) == 22


# Coming and going


async def test_who_is_added_invited_or_removed_by_somebody_else_is_told(chat: Chat, channel: Channel) -> None:
    credential = await a_credential(chat)
    for who in ("dave", "erin"):
        await a_device(chat, who, credential)
    here = {"service_sid": chat.service_sid, "channel": channel.sid}
    await chat.do(CreateMember(**here, identity="dave"))
    await chat.do(CreateInvite(**here, identity="erin"))
    await chat.do(DeleteMember(**here, member="bob"))
    await chat.do(DeleteUserChannel(**here, user="carol"))

    found = {push.identity: (push.kind, push.words.text) for push in await pushes(chat)}

    assert found == {
        "dave": (PushKind.ADDED_TO_CHANNEL, "You have been added to the channel general by system"),
        "erin": (PushKind.INVITED_TO_CHANNEL, "You have been invited to the channel general by system"),
        "bob": (PushKind.REMOVED_FROM_CHANNEL, "system has removed you from the channel general"),
        "carol": (PushKind.REMOVED_FROM_CHANNEL, "system has removed you from the channel general"),
    }


async def test_who_joins_or_leaves_by_itself_is_not_told(chat: Chat, channel: Channel) -> None:
    await a_device(chat, "dave", await a_credential(chat))
    await chat.joined(channel, "dave")
    await chat.do(DeleteMember(service_sid=chat.service_sid, channel=channel.sid, member="dave"), "dave")

    assert await spread(chat) == 0


# Words


async def test_a_template_may_name_everything(chat: Chat, channel: Channel) -> None:
    await chat.do(UpdateUser(service_sid=chat.service_sid, user="alice", friendly_name="Alice A."))
    alice = await chat.user("alice")
    names = ("USER", "USER_FRIENDLY_NAME", "USER_IDENTITY", "USER_SID", "CHANNEL", "MESSAGE", "NOBODY")
    await template(chat, NEW_MESSAGE, "|".join(f"${{{name}}}" for name in names))
    await say(chat, channel, "say ${USER}")

    text = (await told(chat))["bob"]

    assert text == f"Alice A.|Alice A.|alice|{alice.sid}|general|say ${{USER}}|${{NOBODY}}"


async def test_a_channel_is_called_by_the_names_it_has(chat: Chat, channel: Channel) -> None:
    names = ("CHANNEL", "CHANNEL_FRIENDLY_NAME", "CHANNEL_UNIQUE_NAME", "CHANNEL_SID")
    await template(chat, NEW_MESSAGE, " ".join(f"${{{name}}}" for name in names))
    nameless = await chat.a_channel()
    for who in ("alice", "bob"):
        await chat.joined(nameless, who)
    await say(chat, channel, "hello")
    first = (await told(chat))["bob"]
    await say(chat, nameless, "hello")
    second = (await told(chat))["bob"]

    assert first == f"general General talk general {channel.sid}"
    assert second == " ".join([nameless.sid] * 4)


async def test_words_are_cut_at_178_characters(chat: Chat, channel: Channel) -> None:
    await say(chat, channel, "ä😀" * 200)

    text = (await told(chat))["bob"] or ""

    assert len(text) == 178
    assert text.startswith("general:alice: ä😀ä")


async def test_a_sound_is_what_the_service_says(chat: Chat, channel: Channel) -> None:
    await chat.set_service(notifications={NEW_MESSAGE: NotificationChange(sound="ping.caf")})
    await say(chat, channel, "hello")

    assert {push.words.sound for push in await pushes(chat) if push.state is PushState.WAITING} == {
        "ping.caf"
    }


# Numbers at icons


async def reads(chat: Chat, channel: Channel, who: str, index: int | None) -> None:
    command = UpdateMember(
        service_sid=chat.service_sid, channel=channel.sid, member=who, last_consumed_message_index=index
    )
    await chat.do(command, who)


@pytest.fixture
async def counted(chat: Chat, channel: Channel) -> Channel:
    """The same channel, with numbers at the icon of bob's iPhone. Bob has read nothing of one message."""
    on = NotificationChange(badge_count_enabled=True)
    await chat.set_service(notifications={NEW_MESSAGE: on})
    await a_device(chat, "bob", await a_credential(chat, PushType.APN), "an-iphone")
    await say(chat, channel, "one")
    await spread(chat)
    return channel


async def unread(chat: Chat, who: str) -> int:
    user = await chat.user(who)
    async with chat.store.reading() as tx:
        return await tx.pushes.unread_channels(user.id)


async def test_a_channel_counts_that_was_read_once_and_has_more(chat: Chat, counted: Channel) -> None:
    assert await unread(chat, "bob") == 0  # nobody knows how far bob has read
    await reads(chat, counted, "bob", 0)
    assert await unread(chat, "bob") == 0
    await say(chat, counted, "two")
    assert await unread(chat, "bob") == 1
    await say(chat, counted, "three")
    assert await unread(chat, "bob") == 1
    await reads(chat, counted, "bob", 1)
    assert await unread(chat, "bob") == 1
    await reads(chat, counted, "bob", 2)
    assert await unread(chat, "bob") == 0


async def test_when_a_user_has_read_a_channel_its_iphones_are_told_and_nothing_else(
    chat: Chat, counted: Channel
) -> None:
    await reads(chat, counted, "bob", 0)
    await say(chat, counted, "two")
    before = {push.sid for push in await pushes(chat)}
    await reads(chat, counted, "bob", 1)

    (push,) = [push for push in await pushes(chat) if push.sid not in before]

    assert (push.kind, await address_of(chat, push)) == (PushKind.BADGE, "an-iphone")
    assert (push.words.text, push.words.badge) == (None, True)


async def test_reading_that_leaves_the_number_as_it_is_is_no_occasion(chat: Chat, counted: Channel) -> None:
    await reads(chat, counted, "bob", 0)
    await reads(chat, counted, "bob", 0)
    await say(chat, counted, "two")
    await say(chat, counted, "three")
    await spread(chat)
    await reads(chat, counted, "bob", 1)

    assert await spread(chat) == 0


async def test_without_numbers_reading_is_no_occasion(chat: Chat, counted: Channel) -> None:
    await reads(chat, counted, "bob", 0)
    await say(chat, counted, "two")
    await chat.set_service(notifications={NEW_MESSAGE: NotificationChange(badge_count_enabled=False)})
    await spread(chat)
    await reads(chat, counted, "bob", 1)

    assert await spread(chat) == 0
