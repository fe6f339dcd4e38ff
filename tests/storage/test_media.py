from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from storage.builders import REFUSED, a_media, new_media, sid

if TYPE_CHECKING:
    from chinwag.domain.media import Media
    from chinwag.domain.service import Service
    from chinwag.domain.unit import Store, Transaction

DIFFERENT: dict[str, Any] = {
    "size": 2**40,
    "content_type": "text/plain; charset=ä",
    "filename": "Zoë's 🐙.txt",
    "attached": True,
    "date_created": 2**53,
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
    store: Store, service: Service, neighbour: Service
) -> None:
    made, beside = await a_media(store, service, 1), await a_media(store, service, 2)
    namesake = await a_media(store, neighbour, 1)

    await store.write(lambda tx: tx.media.attach(made))

    assert await held(store, service, made.sid) == replace(made, attached=True)
    assert await held(store, service, beside.sid) == beside
    assert await held(store, neighbour, namesake.sid) == namesake


async def test_of_changes_that_attach_a_media_at_once_only_one_finds_it_free(
    store: Store, service: Service
) -> None:
    made = await a_media(store, service)

    async def take(tx: Transaction) -> bool:
        found = await tx.media.hold(service, made.sid)
        assert found is not None
        if not found.attached:
            await tx.media.attach(found)
        return not found.attached

    answers = await asyncio.gather(*(store.write(take) for _ in range(20)))

    assert sorted(free for free, _ in answers) == [False] * 19 + [True]


async def held(store: Store, service: Service, media_sid: str) -> Media | None:
    found, _ = await store.write(lambda tx: tx.media.hold(service, media_sid))
    return found
