"""Many changes to the same things at once: their events form one row, and lead to what is kept."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Any

import pytest

from chinwag.domain.account import CreateAccount
from chinwag.domain.caller import Caller, Operator
from chinwag.domain.channel import ChannelCreated, ChannelDeleted, CreateChannel, UpdateChannel
from chinwag.domain.joining import CreateInvite, CreateMember
from chinwag.domain.leaving import DeleteChannel, DeleteInvite, DeleteMember, DeleteUser, DeleteUserChannel
from chinwag.domain.lookup import service_named
from chinwag.domain.membership import UpdateMember, UpdateUserChannel
from chinwag.domain.message import DeleteMessage, UpdateMessage
from chinwag.domain.paging import Cursor
from chinwag.domain.posting import CreateMessage
from chinwag.domain.service import CreateService, Limits
from chinwag.domain.user import CreateUser, UpdateUser, UserCreated, UserDeleted
from chinwag.domain.user_channel import NotificationLevel
from chinwag.errors import ApiError, Kinds
from chinwag.ids import Mint
from model.ask import asking
from model.follower import Followed, Follower, Name, kept_objects, place_of
from model.kept import everything

if TYPE_CHECKING:
    from chinwag.domain.event import Event
    from chinwag.domain.unit import Store
    from model.kept import Kept

START = 1_438_286_400_000
TASKS, CHANGES = 50, 8
PEOPLE = ("alice", "bob", "carol", "dave")
CHANNELS = ("general", "random")
NOBODY = "CH" + "0" * 32
LIMITS = Limits(channel_members=3, user_channels=2)


class Crowd:
    """Tasks that change the same channels and users, and what they were told."""

    def __init__(self, store: Store, *, coming_and_going: bool = False) -> None:
        self._store = store
        self._coming_and_going = coming_and_going
        self._mint = Mint(lambda: START)
        self.caller = Caller(account_id=0, account_sid="")
        self.service_sid = ""
        self.events: list[Event] = []
        self.refused: list[int] = []

    async def prepare(self) -> None:
        """Make a service with everybody in it."""
        account = await self._do(CreateAccount(friendly_name="Test", sealed_auth_token=b""), Operator())
        self.caller = Caller(account_id=account.id, account_sid=account.sid)
        service = await self._do(CreateService(friendly_name="Support", limits=LIMITS), self.caller)
        self.service_sid = service.sid
        for identity in PEOPLE:
            await self._do(CreateUser(service_sid=service.sid, identity=identity), self.caller)
        for name in CHANNELS:
            await self._do(CreateChannel(service_sid=service.sid, unique_name=name), self.caller)

    async def change_things(self, dice: random.Random) -> None:
        """Do this and that, whether it is refused or not."""
        for _ in range(CHANGES):
            try:
                await self._do(await self._something(dice), self.caller)
            except ApiError as error:
                self.refused.append(error.kind.code)

    async def kept(self, database: str) -> Kept:
        """Read all that there is in the end."""
        ask = await asking(database)
        try:
            async with self._store.reading() as tx:
                return await everything(tx, self.caller, ask)
        finally:
            await ask.close()

    async def _do(self, command: Any, caller: Any) -> Any:
        result, events = await self._store.write(lambda tx: command.apply(tx, caller, START, self._mint))
        self.events += events
        return result

    async def _something(self, dice: random.Random) -> Any:
        who, unique_name = dice.choice(PEOPLE), dice.choice(CHANNELS)
        service = {"service_sid": self.service_sid}
        at = {**service, "channel": unique_name}
        mine = {**at, "user": who}
        channel, message, invite = await self._there(unique_name)
        if self._coming_and_going and dice.random() < 1 / 3:
            return dice.choice(
                [
                    CreateUser(**service, identity=who),
                    CreateChannel(**service, unique_name=unique_name),
                    CreateChannel(**service, unique_name=unique_name),
                    DeleteUser(**service, user=who),
                    DeleteChannel(**at),
                ]
            )
        return dice.choice(
            [
                CreateMember(**at, identity=who),
                CreateMember(**at, identity=who, last_consumed_message_index=1),
                UpdateMember(**at, member=who, attributes='"changed"'),
                UpdateMember(**at, member=who, last_consumed_message_index=dice.randrange(9)),
                DeleteMember(**at, member=who),
                CreateInvite(**at, identity=who),
                DeleteInvite(**at, sid=invite),
                UpdateUserChannel(**mine, notification_level=NotificationLevel.MUTED),
                UpdateUserChannel(**mine, last_consumed_message_index=dice.randrange(9)),
                DeleteUserChannel(**mine),
                CreateMessage(**service, channel=channel, body="in a lane"),
                CreateMessage(**service, channel=channel, body="in a lane as well"),
                CreateMessage(**at, body="in a transaction"),
                UpdateMessage(**at, sid=message, body="changed", date_created=START - dice.randrange(9)),
                DeleteMessage(**at, sid=message),
                UpdateChannel(**at, friendly_name=str(dice.random())),
                UpdateUser(**service, user=who, friendly_name="A", attributes='"changed"'),
            ]
        )

    async def _there(self, unique_name: str) -> tuple[str, str, str]:
        """SIDs of a channel, and of a message and an invite there, as they were a moment ago."""
        async with self._store.reading() as tx:
            service = await service_named(tx, self.caller, self.service_sid)
            channel = await tx.channels.by_unique_name(service, unique_name)
            if channel is None:
                return NOBODY, NOBODY, NOBODY
            invites = await tx.invites.page(service, channel, Cursor(), None)
        return channel.sid, channel.last_message_sid or NOBODY, invites[0].sid if invites else NOBODY


@pytest.mark.parametrize("seed", range(4))
async def test_changes_that_meet_have_their_events_in_one_row(store: Store, database: str, seed: int) -> None:
    crowd = Crowd(store)
    await crowd.prepare()

    await asyncio.gather(*(crowd.change_things(random.Random(f"{seed} {task}")) for task in range(TASKS)))

    assert followed(crowd.events) == kept_objects(await crowd.kept(database))
    assert len(crowd.refused) < TASKS * CHANGES / 2
    assert Kinds.UNAVAILABLE.code not in crowd.refused


@pytest.mark.parametrize("seed", range(4))
async def test_whoever_and_whatever_goes_meanwhile_leaves_the_rows_of_the_others_whole(
    store: Store, database: str, seed: int
) -> None:
    crowd = Crowd(store, coming_and_going=True)
    await crowd.prepare()

    await asyncio.gather(*(crowd.change_things(random.Random(f"{seed} {task}")) for task in range(TASKS)))

    assert followed(crowd.events) == kept_objects(await crowd.kept(database))
    assert Kinds.UNAVAILABLE.code not in crowd.refused


def followed(events: list[Event]) -> dict[Name, Followed]:
    """What somebody holds who followed each object in the order of its numbers."""
    follower = Follower()
    for event in events:
        if isinstance(event, ChannelCreated | UserCreated):
            follower.follow(event)
    for event in sorted((event for event in events if place_of(event)), key=place_of):
        follower.follow(event)
    gone = [event.channel.sid for event in events if isinstance(event, ChannelDeleted)]
    gone += [event.user.sid for event in events if isinstance(event, UserDeleted)]
    follower.leave(set(gone))
    return follower.objects
