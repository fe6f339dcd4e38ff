"""Objects that client SDKs follow, each with a history, and what must be found of it later."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from chinwag.domain.caller import Caller
from chinwag.domain.items import Slice, Span, Tombstone
from chinwag.domain.user_channel import NotificationLevel
from storage.builders import new_channel, new_draft, new_member, new_user, new_user_channel, sid

if TYPE_CHECKING:
    from chinwag.domain.account import Account
    from chinwag.domain.channel import Channel
    from chinwag.domain.service import Service
    from chinwag.domain.unit import Reader, Transaction
    from chinwag.domain.user import User

Record = Any
Key = Any

MOST_THERE = 5
"""Most members of a roster here, and most channels of a user."""

_numbers = count(1000)


@dataclass
class Followed(ABC):
    """An object: its items, what is left of those that went, and the items that there were after each event.

    Args:
        account: whose it is; so is `service`.
        kept: the items, by key.
        gone: the tombstones, by key.
        was: what was kept after each event.
    """

    account: Account
    service: Service
    kept: dict[Key, Record] = field(default_factory=dict)
    gone: dict[Key, Tombstone[Key]] = field(default_factory=dict)
    was: list[dict[Key, Record]] = field(default_factory=lambda: [{}])

    async def live(self, tx: Transaction, history: list[tuple[str, int]]) -> None:
        """Come into being, and have a history of items that are added, changed and removed."""
        await self._begin(tx)
        for action, pick in history:
            if action == "add":
                added = await self._add(tx)
                if added is None:
                    continue
                self.gone.pop(self.key(added), None)
                self.kept[self.key(added)] = added
            elif not self.kept:
                continue
            else:
                key = sorted(self.kept)[pick % len(self.kept)]
                stamped = replace(self.kept[key], last_event_id=self.next_event)
                if action == "change":
                    self.kept[key] = await self._change(tx, stamped)
                else:
                    await self._remove(tx, stamped)
                    del self.kept[key]
                    created, last = stamped.created_event_id, stamped.last_event_id
                    self.gone[key] = Tombstone(key=key, created_event_id=created, last_event_id=last)
            self.was.append(dict(self.kept))

    @property
    def last_event(self) -> int:
        return len(self.was) - 1

    @property
    def next_event(self) -> int:
        return len(self.was)

    def changed_since(self, event_id: int, most: int) -> list[Record | Tombstone[Key]]:
        """What a client that has seen all up to an event must be told."""
        everything = [*self.kept.values(), *self.gone.values()]
        later = [item for item in everything if item.last_event_id > event_id]
        return sorted(later, key=lambda item: item.last_event_id)[:most]

    def there(self, span: Span[Key]) -> Slice[Record]:
        """What must be in a slice."""
        order = sorted(self.kept, reverse=span.descending)
        first = 0
        if span.start is not None:
            first = sum(key > span.start if span.descending else key < span.start for key in order)
        beyond = first + span.size
        return Slice([self.kept[key] for key in order[first:beyond]], first > 0, beyond < len(order))

    @abstractmethod
    def starts(self) -> list[Key]:
        """Keys to begin a slice with: of what is there, of what went, between them and outside."""

    @abstractmethod
    def key(self, record: Record) -> Key: ...

    @abstractmethod
    async def since(self, tx: Reader, event_id: int, most: int) -> list[Record | Tombstone[Key]]: ...

    @abstractmethod
    async def slice(self, tx: Reader, span: Span[Key]) -> Slice[Record]: ...

    @abstractmethod
    async def _begin(self, tx: Transaction) -> None: ...

    @abstractmethod
    async def _add(self, tx: Transaction) -> Record | None: ...

    @abstractmethod
    async def _change(self, tx: Transaction, stamped: Record) -> Record: ...

    @abstractmethod
    async def _remove(self, tx: Transaction, stamped: Record) -> None: ...


class Messages(Followed):
    """The messages of a channel, which is known as it was before the first."""

    channel: Channel

    def starts(self) -> list[int]:
        return [-(2**70), *range(-1, len(self.kept) + len(self.gone) + 2), 2**70]

    def key(self, record: Record) -> int:
        return record.index

    async def since(self, tx: Reader, event_id: int, most: int) -> list[Record | Tombstone[int]]:
        return await tx.messages.since(self.service, self.channel, event_id, most)

    async def slice(self, tx: Reader, span: Span[int]) -> Slice[Record]:
        return await tx.messages.slice(self.service, self.channel, span)

    async def _begin(self, tx: Transaction) -> None:
        self.channel = await tx.channels.add(self.service, new_channel(self.service, next(_numbers)))

    async def _add(self, tx: Transaction) -> Record:
        caller = Caller(account_id=self.account.id, account_sid=self.account.sid)
        posted = await tx.messages.post(caller, self.service.sid, self.channel.sid, new_draft(next(_numbers)))
        assert posted is not None
        return posted.message

    async def _change(self, tx: Transaction, stamped: Record) -> Record:
        changed = replace(stamped, body=f"event {stamped.last_event_id}")
        await tx.messages.save(self.channel, changed)
        await self._count(tx)
        return changed

    async def _remove(self, tx: Transaction, stamped: Record) -> None:
        await tx.messages.remove(self.channel, stamped)
        await self._count(tx)

    async def _count(self, tx: Transaction) -> None:
        held = await tx.channels.hold(self.service, self.channel.id)
        assert held is not None
        await tx.channels.save(replace(held, messages_event_id=self.next_event))


class Members(Followed):
    """The roster of a channel. Who was a member and comes again is another one."""

    channel: Channel
    users: list[User]

    def starts(self) -> list[str]:
        return [
            "",
            sid("MB", 0),
            *self.kept,
            *self.gone,
            *(f"{key}0" for key in self.kept),
            "MC",
            "\U0010ffff",
        ]

    def key(self, record: Record) -> str:
        return record.sid

    async def since(self, tx: Reader, event_id: int, most: int) -> list[Record | Tombstone[str]]:
        return await tx.members.since(self.service, self.channel, event_id, most)

    async def slice(self, tx: Reader, span: Span[str]) -> Slice[Record]:
        return await tx.members.slice(self.service, self.channel, span)

    async def _begin(self, tx: Transaction) -> None:
        self.channel = await tx.channels.add(self.service, new_channel(self.service, next(_numbers)))
        self.users = [
            await tx.users.add(self.service, new_user(self.service, next(_numbers)))
            for _ in range(MOST_THERE)
        ]

    async def _add(self, tx: Transaction) -> Record | None:
        there = {member.user_id for member in self.kept.values()}
        absent = [user for user in self.users if user.id not in there]
        if not absent:
            return None
        user = absent[self.next_event % len(absent)]
        number = next(_numbers) * 7919 % 100_003  # SIDs are not in the order of the events
        event_id = self.next_event
        stamps = {"created_event_id": event_id, "last_event_id": event_id}
        role_sid = self.service.default_channel_role_sid
        member = new_member(self.channel, user, number, role_sid=role_sid, **stamps)
        await tx.members.add(self.channel, member)
        return member

    async def _change(self, tx: Transaction, stamped: Record) -> Record:
        changed = replace(stamped, attributes=f"{stamped.last_event_id}")
        await tx.members.save(self.channel, changed)
        return changed

    async def _remove(self, tx: Transaction, stamped: Record) -> None:
        await tx.members.remove(self.channel, stamped)


class UserChannels(Followed):
    """The channels of a user. One that comes back takes the place of its tombstone."""

    user: User
    channels: list[Channel]

    def starts(self) -> list[str]:
        keys = [channel.sid for channel in self.channels]
        return ["", sid("CH", 0), *keys, *(f"{key}0" for key in keys), "CI", "\U0010ffff"]

    def key(self, record: Record) -> str:
        return record.channel_sid

    async def since(self, tx: Reader, event_id: int, most: int) -> list[Record | Tombstone[str]]:
        return await tx.user_channels.since(self.service, self.user, event_id, most)

    async def slice(self, tx: Reader, span: Span[str]) -> Slice[Record]:
        return await tx.user_channels.slice(self.service, self.user, span)

    async def _begin(self, tx: Transaction) -> None:
        self.user = await tx.users.add(self.service, new_user(self.service, next(_numbers)))
        self.channels = [
            await tx.channels.add(self.service, new_channel(self.service, next(_numbers)))
            for _ in range(MOST_THERE)
        ]

    async def _add(self, tx: Transaction) -> Record | None:
        absent = [channel for channel in self.channels if channel.sid not in self.kept]
        if not absent:
            return None
        event_id = self.next_event
        stamps = {"created_event_id": event_id, "last_event_id": event_id}
        added = new_user_channel(absent[event_id % len(absent)], self.user, **stamps)
        await tx.user_channels.put(added)
        return added

    async def _change(self, tx: Transaction, stamped: Record) -> Record:
        muted = stamped.notification_level is NotificationLevel.MUTED
        level = NotificationLevel.DEFAULT if muted else NotificationLevel.MUTED
        changed = replace(stamped, notification_level=level)
        await tx.user_channels.put(changed)
        return changed

    async def _remove(self, tx: Transaction, stamped: Record) -> None:
        await tx.user_channels.remove(stamped)
