"""Catching up as a client SDK does that was away: what the store says happened since an event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chinwag.domain.items import Tombstone
from model.follower import Name, item_of
from model.kept import BOTH, WHOLE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from chinwag.domain.caller import Caller
    from chinwag.domain.unit import Reader
    from model.follower import Followed

    Since = Callable[[int, int], Awaitable[list[Any]]]

MOST = 3
"""Changes that are asked for at a time."""


async def catches_up(
    tx: Reader, caller: Caller, away: dict[Name, Followed], now: dict[Name, Followed]
) -> None:
    """See that the store tells of what changed, no more and no less, in the order of the events."""
    async for name, since in objects(tx, caller):
        if before := away.get(name):
            wanted = now[name]
            changed = {key: item for key, item in wanted.items.items() if item.last > before.last}
            removed = {key: last for key, last in wanted.removed.items() if last > before.last}
            told = await told_since(since, before.last)

            assert {key: item for _, key, item in told if item is not None} == changed
            assert {key: last for last, key, item in told if item is None} == removed
            assert [last for last, _, _ in told] == sorted({last for last, _, _ in told})


async def told_since(since: Since, event_id: int) -> list[tuple[int, Any, Any]]:
    """The last events, keys and items of what changed, in small parts; no item for what is gone."""
    told: list[tuple[int, Any, Any]] = []
    while changes := await since(event_id, MOST):
        for change in changes:
            event_id = change.last_event_id
            gone = isinstance(change, Tombstone)
            told.append((event_id, change.key, None) if gone else (event_id, *item_of(change)))
    return told


async def objects(tx: Reader, caller: Caller) -> AsyncIterator[tuple[Name, Since]]:
    """Every object of an account that has items of its own rows, and how to ask what changed in it."""
    for service in await tx.services.page(caller.account_id, WHOLE):
        for channel in await tx.channels.page(service, WHOLE, BOTH):
            yield (
                Name("messages", channel.sid),
                lambda n, most, at=(service, channel): tx.messages.since(*at, n, most),
            )
            yield (
                Name("roster", channel.sid),
                lambda n, most, at=(service, channel): tx.members.since(*at, n, most),
            )
        for user in await tx.users.page(service, WHOLE):
            yield (
                Name("channels", user.sid),
                lambda n, most, at=(service, user): tx.user_channels.since(*at, n, most),
            )
