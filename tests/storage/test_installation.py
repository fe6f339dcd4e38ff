from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chinwag.domain.unit import Store


async def test_a_new_installation_is_of_generation_1_and_has_no_key_check(store: Store) -> None:
    async with store.reading() as tx:
        assert await tx.installation.generation() == 1
        assert await tx.installation.key_check() is None


async def test_each_raise_counts_even_when_many_come_at_once(store: Store) -> None:
    await asyncio.gather(*(store.write(lambda tx: tx.installation.raise_generation()) for _ in range(20)))

    async with store.reading() as tx:
        assert await tx.installation.generation() == 21


async def test_the_key_check_is_kept_as_it_is(store: Store) -> None:
    await store.write(lambda tx: tx.installation.keep_key_check(b"\x00\xffsealed"))

    async with store.reading() as tx:
        assert await tx.installation.key_check() == b"\x00\xffsealed"


async def test_the_key_check_is_replaced_and_the_generation_stays(store: Store) -> None:
    await store.write(lambda tx: tx.installation.keep_key_check(b"first"))

    await store.write(lambda tx: tx.installation.keep_key_check(b"second"))

    async with store.reading() as tx:
        assert await tx.installation.key_check() == b"second"
        assert await tx.installation.generation() == 1
