"""What a change by a user with a client SDK leaves behind: names, roles and memberships. On both engines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chinwag.domain.channel import ChannelType
from chinwag.domain.events import MessageAdded, UserChannelRemoved
from chinwag.domain.joining import CreateInvite
from chinwag.domain.leaving import DeclineInvite, DeleteMember
from chinwag.domain.message import UpdateMessage
from chinwag.domain.permissions import RoleType
from chinwag.domain.posting import CreateMessage
from chinwag.errors import Kinds

if TYPE_CHECKING:
    from domain.chat import Chat


async def test_a_channel_is_created_by_the_user_who_is_no_member_of_it(chat: Chat) -> None:
    await chat.a_user("zoë")

    channel = await chat.a_channel("zoë", created_by="somebody else")

    assert (channel.created_by, channel.members_count) == ("zoë", 0)


async def test_who_joins_a_channel_of_their_own_holds_the_role_for_creators(chat: Chat) -> None:
    await chat.a_user("zoë")
    service = await chat.service()

    member = await chat.joined(await chat.a_channel("zoë", type=ChannelType.PRIVATE), "zoë")

    assert member.role_sid == service.default_channel_creator_role_sid


async def test_the_role_for_creators_is_held_again_by_a_creator_who_comes_back(chat: Chat) -> None:
    await chat.a_user("zoë")
    service = await chat.service()
    channel = await chat.a_channel("zoë")
    await chat.joined(channel, "zoë")
    await chat.do(DeleteMember(service_sid=chat.service_sid, channel=channel.sid, member="zoë"), "zoë")
    await chat.an_invite(channel, "zoë")

    member = await chat.joined(channel, "zoë")

    assert member.role_sid == service.default_channel_creator_role_sid


async def test_who_joins_a_channel_of_others_holds_the_default_role(chat: Chat) -> None:
    await chat.a_user("zoë")
    service = await chat.service()

    member = await chat.joined(await chat.a_channel(), "zoë")

    assert member.role_sid == service.default_channel_role_sid


async def test_who_accepts_an_invite_holds_its_role(chat: Chat) -> None:
    role = await chat.a_role(RoleType.CHANNEL, "sendMessage")
    await chat.a_user("zoë")
    channel = await chat.a_channel(type=ChannelType.PRIVATE)
    await chat.an_invite(channel, "zoë", role_sid=role.sid)

    member = await chat.joined(channel, "zoë")

    assert member.role_sid == role.sid


async def test_a_creator_who_is_added_holds_the_default_role(chat: Chat) -> None:
    await chat.a_user("zoë")
    service = await chat.service()

    member = await chat.a_member(await chat.a_channel("zoë"), "zoë")

    assert member.role_sid == service.default_channel_role_sid


async def test_an_invite_is_by_the_user(chat: Chat) -> None:
    await chat.a_user("zoë")
    await chat.a_user("tom")
    channel = await chat.a_channel("zoë")
    await chat.joined(channel, "zoë")

    invite = await chat.do(
        CreateInvite(service_sid=chat.service_sid, channel=channel.sid, identity="tom"), "zoë"
    )

    assert invite.created_by == "zoë"


async def test_a_message_is_by_the_user_and_names_the_membership(chat: Chat) -> None:
    await chat.a_user("zoë")
    channel = await chat.a_channel(unique_name="tea")
    member = await chat.a_member(channel, "zoë")

    for key in (channel.sid, "tea"):
        command = CreateMessage(service_sid=chat.service_sid, channel=key, body="hello", author="tom")
        message, events = await chat.told(command, "zoë")

        assert (message.author, message.member_sid) == ("zoë", member.sid)
        assert events[0] == MessageAdded(message)


async def test_a_message_over_rest_names_no_membership(chat: Chat) -> None:
    channel = await chat.a_channel()
    await chat.a_member(channel, "zoë")

    message = await chat.do(
        CreateMessage(service_sid=chat.service_sid, channel=channel.sid, body="hello", author="zoë")
    )

    assert (message.author, message.member_sid) == ("zoë", None)


async def test_a_message_that_a_user_changes_was_last_updated_by_that_user(chat: Chat) -> None:
    await chat.a_user("zoë")
    channel = await chat.a_channel()
    member = await chat.a_member(channel, "zoë")
    message = await chat.do(
        CreateMessage(service_sid=chat.service_sid, channel=channel.sid, body="hello"), "zoë"
    )

    changed = await chat.do(
        UpdateMessage(service_sid=chat.service_sid, channel=channel.sid, sid=message.sid, body="bye"), "zoë"
    )

    assert (message.last_updated_by, changed.last_updated_by) == (None, "zoë")
    assert (changed.author, changed.member_sid) == ("zoë", member.sid)


async def test_who_left_is_refused_at_once(chat: Chat) -> None:
    await chat.a_user("zoë")
    channel = await chat.a_channel()
    await chat.joined(channel, "zoë")
    await chat.do(DeleteMember(service_sid=chat.service_sid, channel=channel.sid, member="zoë"), "zoë")

    refusal = await chat.refusal(
        CreateMessage(service_sid=chat.service_sid, channel=channel.sid, body="hello"), "zoë"
    )

    assert refusal.kind == Kinds.NOT_A_MEMBER


async def test_a_member_may_be_named_by_sid_to_leave(chat: Chat) -> None:
    await chat.a_user("zoë")
    channel = await chat.a_channel()
    member = await chat.joined(channel, "zoë")

    await chat.do(DeleteMember(service_sid=chat.service_sid, channel=channel.sid, member=member.sid), "zoë")

    await chat.joined(channel, "zoë")


# Declining


async def test_an_invite_that_is_declined_is_gone_and_so_is_a_private_channel(chat: Chat) -> None:
    user, channel = await chat.a_user("zoë"), await chat.a_channel(type=ChannelType.PRIVATE)
    await chat.an_invite(channel, "zoë")
    command = DeclineInvite(service_sid=chat.service_sid, channel=channel.sid, identity="zoë")

    _, (event,) = await chat.told(command, "zoë")

    assert isinstance(event, UserChannelRemoved)
    assert (event.user_channel.user_sid, event.user_channel.channel_sid) == (user.sid, channel.sid)
    assert (await chat.refusal(command, "zoë")).kind == Kinds.CHANNEL_NOT_FOUND


async def test_an_invite_of_nobody_cannot_be_declined(chat: Chat) -> None:
    channel = await chat.a_channel()

    command = DeclineInvite(service_sid=chat.service_sid, channel=channel.sid, identity="nobody")

    assert (await chat.refusal(command, None)).kind == Kinds.INVITE_NOT_FOUND


async def test_a_member_has_nothing_to_decline(chat: Chat) -> None:
    await chat.a_user("zoë")
    channel = await chat.a_channel()
    await chat.joined(channel, "zoë")

    command = DeclineInvite(service_sid=chat.service_sid, channel=channel.sid, identity="zoë")

    assert (await chat.refusal(command, "zoë")).kind == Kinds.DECLINED_BY_MEMBER
