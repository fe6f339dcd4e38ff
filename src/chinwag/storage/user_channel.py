"""How the channels of users are kept. A row that says `deleted` tells client SDKs of one that went."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chinwag.domain.items import Tombstone
from chinwag.domain.user_channel import NotificationLevel, UserChannel, UserChannelStatus
from chinwag.storage.items import BEHIND_SIDS, SliceOf
from chinwag.storage.page import PageOf

if TYPE_CHECKING:
    from chinwag.domain.channel import Channel
    from chinwag.domain.items import Slice, Span
    from chinwag.domain.paging import Cursor
    from chinwag.domain.service import Service
    from chinwag.domain.user import User
    from chinwag.storage.database import Database, Row

# Every index below `next_index` was given to a message, and those that were deleted left a tombstone: what is
# unread is what lies above the horizon without them. Counting tombstones is cheaper than counting messages.
_SELECT = """
    SELECT user_channel.user_id, user_channel.channel_id, user_channel.channel_sid, status,
           notification_level, user_channel.created_event_id, user_channel.last_event_id, member.sid,
           last_consumed_message_index, next_index,
           (
               SELECT count(*)
               FROM message
               WHERE message.channel_id = user_channel.channel_id AND message.deleted = TRUE
                   AND message."index" > last_consumed_message_index
           )
    FROM user_channel
    JOIN channel ON channel.id = user_channel.channel_id
    LEFT JOIN member ON member.user_id = user_channel.user_id AND member.channel_id = user_channel.channel_id
        AND NOT member.deleted
    WHERE user_channel.user_id = $1 AND user_channel.deleted = FALSE
"""

_PAGE = PageOf(_SELECT, by="user_channel.channel_sid")

# As client SDKs follow it: without what is unread, which would have to be counted.
_ITEM = """
    SELECT user_channel.user_id, user_channel.channel_id, channel_sid, status, notification_level,
           user_channel.created_event_id, user_channel.last_event_id, member.sid,
           last_consumed_message_index, NULL, NULL, user_channel.deleted
    FROM user_channel
    LEFT JOIN member ON member.user_id = user_channel.user_id AND member.channel_id = user_channel.channel_id
        AND NOT member.deleted
    WHERE user_channel.user_id = $1
"""

_SLICE = SliceOf(
    _ITEM + " AND user_channel.deleted = FALSE", by="channel_sid", place=3, lowest="", highest=BEHIND_SIDS
)
_SINCE = _ITEM + " AND user_channel.last_event_id > $2 ORDER BY user_channel.last_event_id LIMIT $3"


class UserChannelRows:
    """The channels of users."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, service: Service, user: User, channel: Channel) -> UserChannel | None:
        """Return how a user takes part in a channel, or None."""
        row = await self._database.row(_SELECT + " AND user_channel.channel_sid = $2", user.id, channel.sid)
        return _user_channel(row, service, user.sid) if row else None

    async def page(self, service: Service, user: User, cursor: Cursor) -> list[UserChannel]:
        """Return a page of a user's channels, oldest channel first, and one more if there are more."""
        rows = await _PAGE.read(self._database, user.id, cursor)
        return [_user_channel(row, service, user.sid) for row in rows]

    async def slice(self, service: Service, user: User, span: Span[str]) -> Slice[UserChannel]:
        """Return a user's channels by the SID of the channel, without what is unread."""
        return await _SLICE.read(
            self._database, user.id, span, lambda row: _user_channel(row, service, user.sid)
        )

    async def since(
        self, service: Service, user: User, event_id: int, most: int
    ) -> list[UserChannel | Tombstone[str]]:
        """Return what changed in the list after an event: the first `most`, by their last events."""
        rows = await self._database.rows(_SINCE, user.id, event_id, most)
        return [
            Tombstone(key=row[2], created_event_id=row[5], last_event_id=row[6])
            if row[11]
            else _user_channel(row, service, user.sid)
            for row in rows
        ]

    async def put(self, user_channel: UserChannel) -> None:
        """Keep a user channel, in the place of what there was."""
        await self._database.execute(
            """
            INSERT INTO user_channel (
                user_id, channel_sid, channel_id, status, notification_level, created_event_id, last_event_id
            )
            VALUES ($1, $2, $3, $4, $5, $6, $7)
            ON CONFLICT (user_id, channel_sid) DO UPDATE
            SET status = excluded.status,
                notification_level = excluded.notification_level,
                created_event_id = excluded.created_event_id,
                last_event_id = excluded.last_event_id,
                deleted = FALSE
            """,
            user_channel.user_id, user_channel.channel_sid, user_channel.channel_id, user_channel.status,
            user_channel.notification_level, user_channel.created_event_id, user_channel.last_event_id,
        )  # fmt: skip

    async def remove(self, user_channel: UserChannel) -> None:
        """Take one away, and keep that it went."""
        await self._database.execute(
            """
            UPDATE user_channel
            SET deleted = TRUE, last_event_id = $3
            WHERE user_id = $1 AND channel_sid = $2
            """,
            user_channel.user_id, user_channel.channel_sid, user_channel.last_event_id,
        )  # fmt: skip

    async def remove_all_of(self, service: Service, channel: Channel) -> list[UserChannel]:
        """Take a channel away from all who have it, and count it off for its members. Holds the users."""
        await self._database.rows(
            """
            SELECT id
            FROM "user"
            WHERE id IN (SELECT user_id FROM user_channel WHERE channel_id = $1 AND NOT deleted)
            ORDER BY id
            FOR UPDATE
            """,
            channel.id,
        )
        await self._database.execute(
            """
            UPDATE "user"
            SET channels_event_id = channels_event_id + 1,
                joined_channels_count = joined_channels_count - (
                    SELECT count(*)
                    FROM member
                    WHERE user_id = "user".id AND channel_id = $1 AND NOT deleted
                )
            WHERE id IN (SELECT user_id FROM user_channel WHERE channel_id = $1 AND NOT deleted)
            """,
            channel.id,
        )
        await self._database.execute(
            """
            UPDATE user_channel
            SET last_event_id = (SELECT channels_event_id FROM "user" WHERE "user".id = user_id)
            WHERE channel_id = $1 AND NOT deleted
            """,
            channel.id,
        )
        rows = await self._database.rows(
            """
            SELECT user_channel.user_id, user_channel.channel_id, channel_sid, status, notification_level,
                   user_channel.created_event_id, user_channel.last_event_id, member.sid,
                   last_consumed_message_index, 0, 0, "user".sid
            FROM user_channel
            JOIN "user" ON "user".id = user_channel.user_id
            LEFT JOIN member ON member.user_id = user_channel.user_id
                AND member.channel_id = user_channel.channel_id AND NOT member.deleted
            WHERE user_channel.channel_id = $1 AND NOT user_channel.deleted
            ORDER BY user_channel.user_id
            """,
            channel.id,
        )
        await self._database.execute(
            "UPDATE user_channel SET deleted = TRUE WHERE channel_id = $1 AND NOT deleted", channel.id
        )
        return [_user_channel(row, service, row[11]) for row in rows]


def _user_channel(row: Row, service: Service, user_sid: str) -> UserChannel:
    horizon: int | None = row[8]
    next_index: int | None = row[9]
    unread = None
    if horizon is not None and next_index is not None:
        unread = max(next_index - 1 - horizon - row[10], 0)
    return UserChannel(
        user_id=row[0],
        channel_id=row[1],
        account_sid=service.account_sid,
        service_sid=service.sid,
        user_sid=user_sid,
        channel_sid=row[2],
        status=UserChannelStatus(row[3]),
        notification_level=NotificationLevel(row[4]),
        created_event_id=row[5],
        last_event_id=row[6],
        member_sid=row[7],
        last_consumed_message_index=horizon,
        unread_messages_count=unread,
    )
