from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from storage.builders import NOW, REFUSED, a_media, new_media, sid

if TYPE_CHECKING:
    from chinwag.domain.channel import Channel
    from chinwag.domain.media import Media
    from chinwag.domain.service import Service
    from chinwag.domain.unit import Store, Transaction

DAY_MS = 24 * 60 * 60 * 1000

DIFFERENT: dict[str, Any] = {
    "size": 2**40,
    "content_type": "text/plain; charset=ä",
    "filename": "Zoë's 🐙.txt",
    "author": "zoë",
    "category": "body",
    "channel_sid": sid("CH", 7),
    "message_sid": sid("IM", 7),
    "date_created": 2**53,
    "date_updated": 2**53,
}
"""Another value than `a_media` has for every column."""


async def test_a_media_is_kept_and_has_a_key(store: Store, service: Service) -> None:
    made = await a_media(store, service)

    assert made.id > 0
    assert made == replace(new_media(), id=made.id)


@pytest.mark.parametrize("column", DIFFERENT)
async def test_a_media_is_kept_with_every_column(store: Store, service: Service, column: str) -> None:
    made = await a_media(store, service, **{column: DIFFERENT[column]})

    assert getattr(made, column) == DIFFERENT[column] != getattr(new_media(), column)


async def test_a_media_that_nobody_uploaded_is_none(store: Store, service: Service) -> None:
    assert await held(store, service, sid("ME", 1)) is None


async def test_the_media_of_another_service_are_invisible(
    store: Store, service: Service, neighbour: Service
) -> None:
    made = await a_media(store, service)

    assert await held(store, neighbour, made.sid) is None


async def test_two_services_may_have_media_of_the_same_sid(
    store: Store, service: Service, neighbour: Service
) -> None:
    own, others = await a_media(store, service, size=1), await a_media(store, neighbour, size=2)

    assert await held(store, service, own.sid) == own
    assert await held(store, neighbour, own.sid) == others


async def test_a_service_cannot_have_two_media_of_the_same_sid(store: Store, service: Service) -> None:
    first = await a_media(store, service, size=1)

    with pytest.raises(REFUSED):
        await a_media(store, service, size=2)

    assert await held(store, service, first.sid) == first


async def test_a_media_that_is_attached_says_so_and_no_other_does(
    store: Store, service: Service, neighbour: Service, channel: Channel
) -> None:
    made, beside = await a_media(store, service, 1), await a_media(store, service, 2)
    namesake = await a_media(store, neighbour, 1)
    sent = replace(made, channel_sid=channel.sid, message_sid=sid("IM", 1), date_updated=7)

    await store.write(lambda tx: tx.media.attach(sent, channel))

    assert sent.attached
    assert await held(store, service, made.sid) == sent
    assert await held(store, service, beside.sid) == beside
    assert await held(store, neighbour, namesake.sid) == namesake


async def test_of_changes_that_attach_a_media_at_once_only_one_finds_it_free(
    store: Store, service: Service, channel: Channel
) -> None:
    made = await a_media(store, service)

    async def take(tx: Transaction) -> bool:
        found = await tx.media.hold(service, made.sid)
        assert found is not None
        if not found.attached:
            await tx.media.attach(replace(found, message_sid=sid("IM", 1)), channel)
        return not found.attached

    answers = await asyncio.gather(*(store.write(take) for _ in range(20)))

    assert sorted(free for free, _ in answers) == [False] * 19 + [True]


# Uploads


async def test_a_media_is_seen_when_all_of_it_has_come(store: Store, service: Service) -> None:
    await begun(store, service, 1)
    before = [await held(store, service, sid("ME", 1)), await found(store, service, sid("ME", 1))]

    finished, _ = await store.write(lambda tx: tx.media.finish(service, sid("ME", 1), 42, 7))

    assert before == [None, None]
    assert finished == await held(store, service, sid("ME", 1)) == await found(store, service, sid("ME", 1))
    assert (finished.size, finished.date_created, finished.date_updated) == (42, 7, 7)


async def test_a_media_is_finished_once_and_where_it_was_begun(
    store: Store, service: Service, neighbour: Service
) -> None:
    await begun(store, service, 1)

    elsewhere, _ = await store.write(lambda tx: tx.media.finish(neighbour, sid("ME", 1), 42, 7))
    first, _ = await store.write(lambda tx: tx.media.finish(service, sid("ME", 1), 42, 7))
    again, _ = await store.write(lambda tx: tx.media.finish(service, sid("ME", 1), 43, 8))

    assert (elsewhere, again) == (None, None)
    assert first == await held(store, service, sid("ME", 1))


# Removing


async def test_of_a_media_that_is_removed_the_content_is_left_until_that_is_forgotten(
    store: Store, service: Service, neighbour: Service
) -> None:
    gone, beside = await a_media(store, service, 1), await a_media(store, service, 2)
    namesake = await a_media(store, neighbour, 1)

    await store.write(lambda tx: tx.media.remove(service, gone.sid))
    left = await contents_left(store)
    await store.write(lambda tx: tx.media.forget([gone.sid, sid("ME", 9)]))

    assert left == [gone.sid]
    assert await contents_left(store) == []
    assert await held(store, service, gone.sid) is None
    assert await held(store, service, beside.sid) == beside
    assert await held(store, neighbour, namesake.sid) == namesake


async def test_the_content_of_what_was_not_uploaded_yet_is_left_until_it_cannot_come_any_more(
    store: Store, service: Service
) -> None:
    await begun(store, service, 1)

    await store.write(lambda tx: tx.media.remove(service, sid("ME", 1)))

    assert await contents_left(store, NOW + DAY_MS - 1) == []
    assert await contents_left(store, NOW + DAY_MS) == [sid("ME", 1)]


async def test_what_no_message_carries_is_removed_when_it_is_old_enough(
    store: Store, service: Service, neighbour: Service, channel: Channel
) -> None:
    for number, age in enumerate((3, 2, 1)):
        await a_media(store, service, number, date_created=NOW - age)
    await a_media(store, neighbour, 3, date_created=NOW - 4)
    await begun(store, service, 4, date_created=NOW - 5)
    sent = await a_media(store, service, 5, date_created=NOW - 6)
    await store.write(lambda tx: tx.media.attach(replace(sent, message_sid=sid("IM", 1)), channel))

    answers = [await store.write(lambda tx: tx.media.remove_unsent(NOW - 1, 2)) for _ in range(3)]

    assert [more for more, _ in answers] == [True, True, False]
    assert await contents_left(store, NOW + DAY_MS) == [sid("ME", number) for number in (0, 1, 3, 4)]
    assert await held(store, service, sid("ME", 2)) is not None
    assert await held(store, service, sent.sid) is not None


async def test_contents_are_told_of_a_few_at_a_time(store: Store, service: Service) -> None:
    for number in range(3):
        await a_media(store, service, number)
        await store.write(lambda tx, number=number: tx.media.remove(service, sid("ME", number)))

    assert await contents_left(store, most=2) == [sid("ME", 0), sid("ME", 1)]


async def begun(store: Store, service: Service, number: int, **columns: Any) -> None:
    """Add a media that has not come yet."""
    media = new_media(number, uploaded=False, **columns)
    await store.write(lambda tx: tx.media.add(service, media))


async def contents_left(store: Store, now: int = 0, most: int = 10) -> list[str]:
    async with store.reading() as tx:
        return await tx.media.left(now, most)


async def found(store: Store, service: Service, media_sid: str) -> Media | None:
    async with store.reading() as tx:
        return await tx.media.get(service, media_sid)


async def held(store: Store, service: Service, media_sid: str) -> Media | None:
    kept, _ = await store.write(lambda tx: tx.media.hold(service, media_sid))
    return kept
