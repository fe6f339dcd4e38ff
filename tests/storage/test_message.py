"""Messages, as they are kept: each way of posting, places in the channel, pages, and what deletion leaves."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest
from msgspec.structs import replace

from chinwag.domain.caller import Caller
from chinwag.domain.items import Span
from chinwag.domain.message import Draft, Message, MessageOrder
from chinwag.domain.paging import Cursor
from chinwag.errors import ApiError, Kinds
from storage.builders import (
    NOW,
    REFUSED,
    a_channel,
    a_media,
    a_message,
    an_account,
    new_channel,
    new_draft,
    pages_of_five,
    sid,
)
from storage.outside import ask

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from chinwag.domain.account import Account
    from chinwag.domain.channel import Channel
    from chinwag.domain.service import Service
    from chinwag.domain.unit import Store, Transaction

DIFFERENT: dict[str, Any] = {
    "author": "zoë 🐙",
    "body": "Zoë's 'words'\n🐙",
    "attributes": '["ä"]',
    "was_edited": True,
    "last_updated_by": "zoë",
    "date_created": -1,
    "date_updated": 2**53,
}
"""Another value than `new_draft` has for every column that can change."""

Posted: TypeAlias = "tuple[Message, Channel] | None"


@pytest.fixture
async def caller(account: Account) -> Caller:
    return Caller(account_id=account.id, account_sid=account.sid)


@pytest.fixture
async def elsewhere(store: Store, service: Service) -> Channel:
    """Another channel of the same service."""
    return await a_channel(store, service, 2)


async def post(store: Store, caller: Caller, channel: Channel, draft: Draft) -> Posted:
    """Post as a change of its own, which may share a COMMIT with others."""
    posted, _ = await store.write(
        lambda tx: tx.messages.post(caller, channel.service_sid, channel.sid, draft)
    )
    return posted and posted[:2]


async def post_after_a_question(store: Store, caller: Caller, channel: Channel, draft: Draft) -> Posted:
    """Post at the end of a change that has asked and written before."""

    async def change(tx: Transaction) -> Posted:
        assert await tx.installation.generation() >= 1
        await tx.installation.raise_generation()
        posted = await tx.messages.post(caller, channel.service_sid, channel.sid, draft)
        return posted and posted[:2]

    posted, _ = await store.write(change)
    return posted


each_way = pytest.mark.parametrize("way", [post, post_after_a_question], ids=["alone", "after others"])


# Posting


@each_way
async def test_a_message_takes_the_next_place_and_its_channel_counts_it(
    store: Store, caller: Caller, channel: Channel, way: Any
) -> None:
    answers = [await way(store, caller, channel, new_draft(n, date_created=NOW + n)) for n in range(3)]

    assert [(message.sid, message.index) for message, _ in answers] == [(sid("IM", n), n) for n in range(3)]
    assert [after for _, after in answers] == [
        replace(
            channel,
            messages_count=n + 1,
            next_index=n + 1,
            last_message_index=n,
            last_message_sid=sid("IM", n),
            last_message_date=NOW + n,
            event_id=2 + n,
            messages_event_id=1 + n,
        )
        for n in range(3)
    ]


@each_way
async def test_what_is_answered_is_what_is_kept(
    store: Store, service: Service, caller: Caller, channel: Channel, way: Any
) -> None:
    message, after = await way(store, caller, channel, new_draft(**DIFFERENT))

    assert await message_of(store, service, channel, message.sid) == message
    async with store.reading() as tx:
        assert await tx.channels.get(service, channel.sid) == after
    assert (message.created_event_id, message.last_event_id) == (1, 1)


@each_way
@pytest.mark.parametrize("column", DIFFERENT)
async def test_a_message_is_kept_with_every_column(
    store: Store, service: Service, caller: Caller, way: Any, column: str
) -> None:
    channel = await a_channel(store, service)
    draft = new_draft(**{column: DIFFERENT[column]})

    message, _ = await way(store, caller, channel, draft)

    found = await message_of(store, service, channel, message.sid)
    assert found is not None
    assert getattr(found, column) == DIFFERENT[column] != getattr(new_draft(), column)
    assert found == message


@each_way
@pytest.mark.parametrize("body", [None, "", "x" * 32_768], ids=["none", "empty", "long"])
async def test_a_message_may_have_no_words_or_many(
    store: Store, service: Service, caller: Caller, way: Any, body: str | None
) -> None:
    channel = await a_channel(store, service)

    await way(store, caller, channel, new_draft(body=body))

    found = await message_of(store, service, channel, sid("IM", 1))
    assert found is not None
    assert found.body == body


@each_way
async def test_a_message_is_kept_with_its_media(
    store: Store, service: Service, caller: Caller, channel: Channel, way: Any
) -> None:
    media = await a_media(store, service, size=2**40, filename="ä.png")

    message, _ = await way(store, caller, channel, new_draft(media=media, body=None))

    found = await message_of(store, service, channel, message.sid)
    assert found is not None
    assert message.media == media
    assert found.media == media


@each_way
async def test_a_message_is_kept_with_the_membership_of_who_posted_it(
    store: Store, service: Service, caller: Caller, channel: Channel, way: Any
) -> None:
    message, _ = await way(store, caller, channel, new_draft(member_sid=sid("MB", 1)))

    found = await message_of(store, service, channel, message.sid)
    assert found is not None
    assert found.member_sid == message.member_sid == sid("MB", 1)


@each_way
async def test_a_post_goes_on_from_what_the_channel_counts(
    store: Store, service: Service, caller: Caller, way: Any
) -> None:
    channel = await a_channel(
        store, service, next_index=2**40, messages_count=3, event_id=50, messages_event_id=70
    )

    message, after = await way(store, caller, channel, new_draft())

    assert (message.index, message.created_event_id) == (2**40, 71)
    assert (after.next_index, after.messages_count, after.event_id) == (2**40 + 1, 4, 51)


@each_way
async def test_a_post_to_what_is_not_there_is_none_and_leaves_nothing(
    store: Store, service: Service, caller: Caller, way: Any, database: str
) -> None:
    gone = await a_channel(store, service, 7)
    await store.write(lambda tx: tx.channels.remove(gone))
    channel = await a_channel(store, service, 8)
    nowhere = [new_channel(service, 9), gone, replace(channel, service_sid=sid("IS", 9))]

    answers = [await way(store, caller, place, new_draft()) for place in nowhere]

    assert answers == [None, None, None]
    assert await ask(database, "SELECT sid FROM message") == []
    assert {row[0] for row in await ask(database, "SELECT next_index FROM channel")} == {0}


@each_way
async def test_a_post_to_a_deleted_service_is_none(
    store: Store, service: Service, caller: Caller, channel: Channel, way: Any
) -> None:
    await store.write(lambda tx: tx.services.remove(service))

    assert await way(store, caller, channel, new_draft()) is None


@each_way
async def test_a_post_by_another_account_is_none(
    store: Store, service: Service, channel: Channel, way: Any
) -> None:
    stranger = await an_account(store, 2)
    caller = Caller(account_id=stranger.id, account_sid=stranger.sid)

    assert await way(store, caller, channel, new_draft()) is None
    assert await page(store, service, channel, Cursor()) == []


async def test_a_post_goes_to_the_service_that_is_named(
    store: Store, service: Service, neighbour: Service, caller: Caller, channel: Channel
) -> None:
    namesake = await a_channel(store, neighbour)

    await post(store, caller, namesake, new_draft())

    assert await page(store, service, channel, Cursor()) == []
    assert len(await page(store, neighbour, namesake, Cursor()) or []) == 1


async def test_two_channels_may_have_messages_of_the_same_sid(
    store: Store, service: Service, channel: Channel, elsewhere: Channel
) -> None:
    own = await a_message(store, channel, body="own")
    others = await a_message(store, elsewhere, body="other's")

    assert await message_of(store, service, channel, own.sid) == own
    assert await message_of(store, service, elsewhere, own.sid) == others


@each_way
async def test_a_channel_cannot_have_two_messages_of_the_same_sid(
    store: Store, service: Service, caller: Caller, channel: Channel, way: Any
) -> None:
    first = await a_message(store, channel)

    with pytest.raises(REFUSED):
        await way(store, caller, channel, new_draft(body="again"))

    assert await page(store, service, channel, Cursor()) == [first]


async def test_a_change_that_fails_after_it_has_posted_leaves_nothing(
    store: Store, service: Service, caller: Caller, channel: Channel
) -> None:
    async def change(tx: Transaction) -> None:
        await tx.installation.generation()
        await tx.messages.post(caller, service.sid, channel.sid, new_draft())
        raise ApiError(Kinds.CONFLICT)

    with pytest.raises(ApiError):
        await store.write(change)

    assert await page(store, service, channel, Cursor()) == []
    async with store.reading() as tx:
        assert await tx.channels.get(service, channel.sid) == channel


# Posting together


async def test_messages_that_are_posted_together_take_their_places_in_order(
    store: Store, service: Service, caller: Caller
) -> None:
    channels = [await a_channel(store, service, number) for number in range(1, 8)]
    count = 600

    answers = await asyncio.gather(
        *(post(store, caller, channels[n % 7], new_draft(n, date_created=NOW + n)) for n in range(count))
    )

    for place, channel in enumerate(channels):
        mine = [answer for answer in answers[place::7] if answer is not None]
        messages = [message for message, _ in mine]
        assert [message.index for message in messages] == list(range(len(messages)))
        assert [message.created_event_id for message in messages] == list(range(1, len(messages) + 1))
        assert await page(store, service, channel, Cursor(size=count)) == messages
        assert [after for _, after in mine] == [
            replace(
                channel,
                messages_count=message.index + 1,
                next_index=message.index + 1,
                last_message_index=message.index,
                last_message_sid=message.sid,
                last_message_date=message.date_created,
                event_id=message.index + 2,
                messages_event_id=message.index + 1,
            )
            for message in messages
        ]
        async with store.reading() as tx:
            assert await tx.channels.get(service, channel.sid) == mine[-1][1]


async def test_what_is_not_there_harms_no_post_beside_it(
    store: Store, service: Service, caller: Caller
) -> None:
    there = [await a_channel(store, service, number) for number in (1, 2)]
    gone = await a_channel(store, service, 3)
    await store.write(lambda tx: tx.channels.remove(gone))
    targets = [there[0], gone, there[1], new_channel(service, 9)]

    answers = await asyncio.gather(*(post(store, caller, targets[n % 4], new_draft(n)) for n in range(100)))

    assert answers[1::4] == answers[3::4] == [None] * 25
    for place, channel in ((0, there[0]), (2, there[1])):
        mine = [answer[0] for answer in answers[place::4] if answer is not None]
        assert [message.index for message in mine] == list(range(25))
        assert await page(store, service, channel, Cursor()) == mine


async def test_accounts_that_post_together_reach_only_their_own_channels(
    store: Store, service: Service, caller: Caller, channel: Channel
) -> None:
    stranger = await an_account(store, 2)
    callers = [caller, Caller(account_id=stranger.id, account_sid=stranger.sid)]

    answers = await asyncio.gather(*(post(store, callers[n % 2], channel, new_draft(n)) for n in range(50)))

    assert answers[1::2] == [None] * 25
    mine = [answer[0] for answer in answers[::2] if answer is not None]
    assert [message.index for message in mine] == list(range(25))
    assert await page(store, service, channel, Cursor()) == mine


async def test_a_post_that_fails_among_many_fails_alone_and_takes_no_place(
    store: Store, service: Service, caller: Caller, channel: Channel
) -> None:
    await a_message(store, channel, 7)

    answers = await asyncio.gather(
        *(post(store, caller, channel, new_draft(n)) for n in range(20)), return_exceptions=True
    )

    assert isinstance(answers[7], REFUSED)
    kept = [answer[0] for answer in answers if isinstance(answer, tuple)]
    assert sorted(message.index for message in kept) == list(range(1, 20))
    found = await page(store, service, channel, Cursor())
    assert found is not None
    assert [message.index for message in found] == list(range(20))


async def test_both_ways_of_posting_share_one_sequence(
    store: Store, service: Service, caller: Caller, channel: Channel
) -> None:
    ways: list[Callable[..., Awaitable[Posted]]] = [post, post_after_a_question]

    answers = await asyncio.gather(*(ways[n % 2](store, caller, channel, new_draft(n)) for n in range(60)))

    messages = [answer[0] for answer in answers if answer is not None]
    assert sorted(message.index for message in messages) == list(range(60))
    in_order = sorted(messages, key=lambda message: message.index)
    assert await page(store, service, channel, Cursor(size=60)) == in_order


async def test_posts_and_other_changes_of_a_channel_lose_nothing_to_each_other(
    store: Store, service: Service, caller: Caller, channel: Channel
) -> None:
    async def count_a_member(tx: Transaction) -> None:
        found = await tx.channels.hold(service, channel.id)
        assert found is not None
        await tx.channels.save(replace(found, members_count=found.members_count + 1))

    await asyncio.gather(
        *(post(store, caller, channel, new_draft(n)) for n in range(40)),
        *(store.write(count_a_member) for _ in range(20)),
    )

    async with store.reading() as tx:
        found = await tx.channels.get(service, channel.sid)
    assert found is not None
    assert (found.members_count, found.messages_count, found.next_index) == (20, 40, 40)


async def test_of_posts_to_a_channel_that_is_removed_meanwhile_each_is_kept_or_none(
    store: Store, caller: Caller, channel: Channel, database: str
) -> None:
    posts = [asyncio.create_task(post(store, caller, channel, new_draft(n))) for n in range(30)]
    removal = asyncio.create_task(store.write(lambda tx: tx.channels.remove(channel)))
    posts += [asyncio.create_task(post(store, caller, channel, new_draft(n))) for n in range(30, 60)]

    answers = await asyncio.gather(*posts)
    await removal

    kept = {answer[0].sid for answer in answers if answer is not None}
    assert {row[0] for row in await ask(database, "SELECT sid FROM message")} == kept
    assert await post(store, caller, channel, new_draft(99)) is None


# Finding


async def test_a_message_that_nobody_posted_is_none(store: Store, service: Service, channel: Channel) -> None:
    assert await message_of(store, service, channel, sid("IM", 1)) is None


async def test_the_messages_of_another_channel_are_invisible(
    store: Store, service: Service, channel: Channel, elsewhere: Channel
) -> None:
    made = await a_message(store, channel)

    assert await message_of(store, service, elsewhere, made.sid) is None
    assert await page(store, service, elsewhere, Cursor()) == []
    assert await before(store, service, elsewhere, 99) is None


@pytest.mark.parametrize(("cursor", "expected"), pages_of_five("IM"), ids=str)
@pytest.mark.parametrize("order", list(MessageOrder))
async def test_a_page_is_read_by_index_in_either_order_and_has_one_more_if_there_are_more(
    store: Store, service: Service, order: MessageOrder, cursor: Cursor, expected: list[int]
) -> None:
    channel = await a_channel(store, service)
    made: list[Message] = []
    for number in (3, 1, 5, 2, 4):  # their SIDs are not in the order of their indices
        made.append(await a_message(store, channel, number))
        await remove(store, channel, await a_message(store, channel, 10 + number))
    reading = made if order is MessageOrder.ASC else made[::-1]

    def of(edge: str | None) -> str | None:
        return None if edge is None else reading[int(edge.removeprefix("IM"), 16) - 1].sid

    place = replace(cursor, after=of(cursor.after), before=of(cursor.before))

    assert await page(store, service, channel, place, order) == [reading[n - 1] for n in expected]


@pytest.mark.parametrize("order", list(MessageOrder))
async def test_a_message_that_is_gone_still_marks_its_place(
    store: Store, service: Service, channel: Channel, order: MessageOrder
) -> None:
    made = [await a_message(store, channel, number) for number in range(5)]
    await remove(store, channel, made[2])
    above, below = made[3:], made[:2]
    onward, back = (above, below) if order is MessageOrder.ASC else (below[::-1], above[::-1])

    assert await page(store, service, channel, Cursor(after=made[2].sid), order) == onward
    assert await page(store, service, channel, Cursor(before=made[2].sid), order) == back


async def test_a_place_that_never_was_in_the_channel_is_no_place(
    store: Store, service: Service, channel: Channel, elsewhere: Channel
) -> None:
    await a_message(store, channel, 1)
    others = await a_message(store, elsewhere, 2)

    for cursor in (Cursor(after=others.sid), Cursor(before=others.sid), Cursor(after=sid("IM", 9))):
        assert await page(store, service, channel, cursor) is None


async def test_the_message_before_an_index_is_the_last_that_was_not_deleted(
    store: Store, service: Service, channel: Channel
) -> None:
    made = [await a_message(store, channel, number) for number in range(4)]
    await remove(store, channel, made[2])

    assert await before(store, service, channel, 4) == made[3]
    assert await before(store, service, channel, 3) == made[1]
    assert await before(store, service, channel, 1) == made[0]
    assert await before(store, service, channel, 0) is None


# What client SDKs follow: more is in test_items


async def test_messages_are_followed_with_their_media(
    store: Store, service: Service, channel: Channel, elsewhere: Channel
) -> None:
    media = await a_media(store, service)
    first = await a_message(store, channel, 1, media=media)
    second = await a_message(store, channel, 2, body="changed soon")
    second = replace(second, body="changed", last_event_id=3)
    await a_message(store, elsewhere, 3)

    async def change(tx: Transaction) -> None:
        held = await tx.channels.hold(service, channel.id)
        assert held is not None
        await tx.messages.save(channel, second)
        await tx.channels.save(replace(held, messages_event_id=3))

    await store.write(change)

    async with store.reading() as tx:
        assert await tx.messages.since(service, channel, 0, 10) == [first, second]
        assert await tx.messages.slice(service, channel, Span(size=2)) == ([first, second], False, False)


# Saving


async def test_saving_replaces_every_column_that_can_change(
    store: Store, service: Service, channel: Channel
) -> None:
    made = await a_message(store, channel)
    changed = replace(made, **DIFFERENT, last_event_id=2**40)

    await store.write(lambda tx: tx.messages.save(channel, changed))

    assert await message_of(store, service, channel, made.sid) == changed


async def test_saving_clears_what_can_be_cleared(store: Store, service: Service, channel: Channel) -> None:
    made = await a_message(store, channel, **DIFFERENT)
    cleared = replace(made, body=None, last_updated_by=None)

    await store.write(lambda tx: tx.messages.save(channel, cleared))

    assert await message_of(store, service, channel, made.sid) == cleared


async def test_saving_one_message_leaves_the_others_as_they_are(
    store: Store, service: Service, channel: Channel, elsewhere: Channel
) -> None:
    made, beside = await a_message(store, channel, 1), await a_message(store, channel, 2)
    namesake = await a_message(store, elsewhere, 1)

    await store.write(lambda tx: tx.messages.save(channel, replace(made, **DIFFERENT)))

    assert await message_of(store, service, channel, beside.sid) == beside
    assert await message_of(store, service, elsewhere, namesake.sid) == namesake


# Removing


async def test_a_removed_message_is_nowhere(store: Store, service: Service, channel: Channel) -> None:
    gone, beside = await a_message(store, channel, 1), await a_message(store, channel, 2)

    await remove(store, channel, gone)

    assert await message_of(store, service, channel, gone.sid) is None
    assert await page(store, service, channel, Cursor()) == [beside]
    assert await page(store, service, channel, Cursor(), MessageOrder.DESC) == [beside]


async def test_of_a_removed_message_stamps_stay_and_nothing_of_what_it_said(
    store: Store, service: Service, channel: Channel, database: str
) -> None:
    media = await a_media(store, service)
    gone = await a_message(store, channel, **DIFFERENT, media=media, member_sid=sid("MB", 1))

    await store.write(lambda tx: tx.messages.remove(channel, replace(gone, last_event_id=7)))

    (row,) = await ask(
        database,
        """
        SELECT sid, "index", created_event_id, last_event_id, author, member_sid, body, attributes,
               last_updated_by, media_id
        FROM message WHERE deleted
        """,
    )
    assert tuple(row) == (gone.sid, 0, 1, 7, "", None, None, "{}", None, None)


async def test_the_place_of_a_removed_message_is_not_given_again(
    store: Store, service: Service, channel: Channel
) -> None:
    for number in range(3):
        await remove(store, channel, await a_message(store, channel, number))

    made = await a_message(store, channel, 9)

    assert made.index == 3
    assert await page(store, service, channel, Cursor()) == [made]


async def test_removing_one_message_leaves_the_namesake_in_another_channel(
    store: Store, service: Service, channel: Channel, elsewhere: Channel
) -> None:
    gone, namesake = await a_message(store, channel), await a_message(store, elsewhere)

    await remove(store, channel, gone)

    assert await message_of(store, service, elsewhere, namesake.sid) == namesake


async def test_a_message_that_went_cannot_be_saved_or_removed_again(
    store: Store, service: Service, channel: Channel, database: str
) -> None:
    gone = await a_message(store, channel)
    await store.write(lambda tx: tx.messages.remove(channel, replace(gone, last_event_id=2)))

    await store.write(lambda tx: tx.messages.save(channel, replace(gone, body="again", last_event_id=3)))
    await store.write(lambda tx: tx.messages.remove(channel, replace(gone, last_event_id=4)))

    assert await message_of(store, service, channel, gone.sid) is None
    rows = await ask(database, "SELECT body, last_event_id FROM message")
    assert [tuple(row) for row in rows] == [(None, 2)]


async def message_of(store: Store, service: Service, channel: Channel, message_sid: str) -> Message | None:
    async with store.reading() as tx:
        return await tx.messages.get(service, channel, message_sid)


async def page(
    store: Store,
    service: Service,
    channel: Channel,
    cursor: Cursor,
    order: MessageOrder = MessageOrder.ASC,
) -> list[Message] | None:
    async with store.reading() as tx:
        return await tx.messages.page(service, channel, cursor, order)


async def before(store: Store, service: Service, channel: Channel, index: int) -> Message | None:
    async with store.reading() as tx:
        return await tx.messages.before(service, channel, index)


async def remove(store: Store, channel: Channel, message: Message) -> None:
    await store.write(lambda tx: tx.messages.remove(channel, message))
