"""Everything that a store holds for an account, read through its lists."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chinwag.domain.channel import ChannelType
from chinwag.domain.message import MessageOrder
from chinwag.domain.paging import Cursor

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from chinwag.domain.caller import Caller
    from chinwag.domain.channel import Channel
    from chinwag.domain.channel_webhook import ChannelWebhook
    from chinwag.domain.credential import Credential
    from chinwag.domain.invite import Invite
    from chinwag.domain.member import Member
    from chinwag.domain.message import Message
    from chinwag.domain.role import Role
    from chinwag.domain.service import Service
    from chinwag.domain.unit import Reader
    from chinwag.domain.user import User
    from chinwag.domain.user_channel import UserChannel

    Ask = Callable[..., Awaitable[list[Any]]]

WHOLE = Cursor(size=1000)
BOTH = list(ChannelType)

TOMBSTONES = """
    SELECT 'messages', channel.sid, NULL, "index", last_event_id
    FROM message JOIN channel ON channel.id = channel_id
    WHERE message.deleted AND NOT channel.deleted AND channel.service_id = $1
    UNION ALL
    SELECT 'roster', channel.sid, member.sid, NULL, last_event_id
    FROM member JOIN channel ON channel.id = channel_id
    WHERE member.deleted AND NOT channel.deleted AND channel.service_id = $1
    UNION ALL
    SELECT 'channels', "user".sid, channel_sid, NULL, last_event_id
    FROM user_channel JOIN "user" ON "user".id = user_id
    WHERE user_channel.deleted AND "user".service_id = $1
"""


@dataclass
class Kept:
    """Records by the SID of the list that they are in, and what is left of those that clients followed.

    Args:
        tombstones: the kind of the object, its SID, the key of the item and its last event.
    """

    services: list[Service]
    credentials: list[Credential]
    roles: dict[str, list[Role]]
    users: dict[str, list[User]]
    channels: dict[str, list[Channel]]
    user_channels: dict[str, list[UserChannel]]
    members: dict[str, list[Member]]
    invites: dict[str, list[Invite]]
    messages: dict[str, list[Message]]
    webhooks: dict[str, list[ChannelWebhook]]
    tombstones: list[tuple[str, str, Any, int]]

    def all_channels(self) -> Iterator[Channel]:
        return (channel for channels in self.channels.values() for channel in channels)

    def all_users(self) -> Iterator[User]:
        return (user for users in self.users.values() for user in users)


async def everything(tx: Reader, caller: Caller, ask: Ask) -> Kept:
    """Read it all. `ask` runs a statement of the tests' own."""
    kept = Kept(
        await tx.services.page(caller.account_id, WHOLE),
        await tx.credentials.page(caller.account_id, WHOLE),
        *({} for _ in range(8)),
        tombstones=[],
    )
    for service in kept.services:
        kept.roles[service.sid] = await tx.roles.page(service, WHOLE)
        kept.users[service.sid] = await tx.users.page(service, WHOLE)
        kept.channels[service.sid] = await tx.channels.page(service, WHOLE, BOTH)
        for user in kept.users[service.sid]:
            kept.user_channels[user.sid] = await tx.user_channels.page(service, user, WHOLE)
        for channel in kept.channels[service.sid]:
            messages = await tx.messages.page(service, channel, WHOLE, MessageOrder.ASC)
            assert messages is not None
            kept.messages[channel.sid] = messages
            kept.members[channel.sid] = await tx.members.page(service, channel, WHOLE, None)
            kept.invites[channel.sid] = await tx.invites.page(service, channel, WHOLE, None)
            kept.webhooks[channel.sid] = await tx.channel_webhooks.page(service, channel, WHOLE)
        for kind, sid, key, index, last in await ask(TOMBSTONES, service.id):
            kept.tombstones.append((kind, sid, index if key is None else key, last))
    return kept
