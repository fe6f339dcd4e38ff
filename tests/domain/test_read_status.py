"""How far others have read is told only while the service reports it. On both engines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from chinwag.domain.events import MemberUpdated, UserChannelUpdated
from chinwag.domain.membership import UpdateMember, UpdateUserChannel
from chinwag.domain.posting import CreateMessage
from chinwag.domain.user_channel import NotificationLevel
from domain.chat import LATER

if TYPE_CHECKING:
    from chinwag.domain.member import Member
    from domain.chat import Chat


@pytest.fixture
async def member(chat: Chat) -> Member:
    """Zoë, in a channel with a message that she has not read."""
    await chat.a_user("zoë")
    channel = await chat.a_channel(unique_name="tea")
    await chat.do(CreateMessage(service_sid=chat.service_sid, channel=channel.sid, body="hello"))
    member = await chat.a_member(channel, "zoë")
    chat.now = LATER
    return member


def as_a_list(chat: Chat, **changes: Any) -> UpdateUserChannel:
    return UpdateUserChannel(service_sid=chat.service_sid, user="zoë", channel="tea", **changes)


def as_a_member(chat: Chat, **changes: Any) -> UpdateMember:
    return UpdateMember(service_sid=chat.service_sid, channel="tea", member="zoë", **changes)


ways = pytest.mark.parametrize(
    ("make", "who"),
    [(as_a_list, "zoë"), (as_a_list, None), (as_a_member, "zoë"), (as_a_member, None)],
    ids=["list of an SDK", "list over REST", "member of an SDK", "member over REST"],
)


@ways
async def test_reading_on_is_told_to_the_roster_and_to_the_users_own_list(
    chat: Chat, member: Member, make: Any, who: str | None
) -> None:
    _, events = await chat.told(make(chat, last_consumed_message_index=0), who)

    after = await chat.member(await the_channel(chat), "zoë")
    assert after == replace(
        member,
        last_consumed_message_index=0,
        last_consumption_timestamp=LATER,
        date_updated=LATER,
        last_event_id=member.last_event_id + 1,
    )
    assert [type(event) for event in events] == [MemberUpdated, UserChannelUpdated]
    assert events[0] == MemberUpdated(after)


@ways
async def test_while_it_is_not_reported_only_the_users_own_list_hears_of_it(
    chat: Chat, member: Member, make: Any, who: str | None
) -> None:
    await chat.set_service(read_status_enabled=False)
    before = await the_channel(chat)

    _, (event,) = await chat.told(make(chat, last_consumed_message_index=0), who)

    assert isinstance(event, UserChannelUpdated)
    assert event.user_channel.member_sid == member.sid
    assert await the_channel(chat) == before
    assert await chat.member(before, "zoë") == replace(
        member, last_consumed_message_index=0, last_consumption_timestamp=LATER
    )


async def test_while_it_is_not_reported_it_is_kept_all_the_same(chat: Chat, member: Member) -> None:
    await chat.set_service(read_status_enabled=False)

    shown = await chat.do(as_a_list(chat, last_consumed_message_index=0), "zoë")
    answered = await chat.do(as_a_member(chat, last_consumption_timestamp=1))

    assert shown.last_consumed_message_index == 0
    assert (answered.last_consumed_message_index, answered.last_consumption_timestamp) == (0, 1)
    assert answered.date_updated == member.date_updated


@pytest.mark.parametrize(
    "besides",
    [{"attributes": "[]"}, {"date_created": 1}, {"date_updated": 1}],
    ids=lambda field: next(iter(field)),
)
async def test_what_changes_besides_is_told_to_the_roster(
    chat: Chat, member: Member, besides: dict[str, Any]
) -> None:
    await chat.set_service(read_status_enabled=False)

    _, events = await chat.told(as_a_member(chat, last_consumed_message_index=0, **besides))

    after = await chat.member(await the_channel(chat), "zoë")
    assert [type(event) for event in events] == [MemberUpdated, UserChannelUpdated]
    assert after.last_event_id == member.last_event_id + 1


async def test_muting_is_nobody_elses_matter(chat: Chat, member: Member) -> None:
    _, (event,) = await chat.told(as_a_list(chat, notification_level=NotificationLevel.MUTED), "zoë")

    assert isinstance(event, UserChannelUpdated)
    assert event.user_channel.member_sid == member.sid


async def the_channel(chat: Chat) -> Any:
    service = await chat.service()
    async with chat.store.reading() as tx:
        return await tx.channels.by_unique_name(service, "tea")
