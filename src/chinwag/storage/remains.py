"""Removing, batch by batch, the rows of channels and services that were deleted.

What is left to do is what is left in the tables: a server that stops in the middle goes on at its next start.
Rows go from the leaves to the root, so that nothing loses its way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chinwag.storage.media import GOING, leave_contents

if TYPE_CHECKING:
    from chinwag.storage.database import Database

_IN_CHANNEL = ("member", "invite", "channel_webhook")
"""What a channel has besides messages and media, by SID."""

_IN_SERVICE = ("binding", "role", "webhook_call", "push", "push_occasion")
"""What a service has besides channels, users and media, by SID."""


class RemainsRows:
    """The rows of what was deleted."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def clear(self, most: int) -> bool:
        """Remove about `most` rows; False when there was nothing left to remove."""
        removed = 0
        while removed < most:
            some = await self._clear(most - removed)
            if some == 0:
                return removed > 0
            removed += some
        return True

    async def _clear(self, most: int) -> int:
        """Remove the next rows that belong together, and return how many that were, about."""
        channel = await self._first("SELECT id FROM channel WHERE deleted ORDER BY id LIMIT 1 FOR UPDATE")
        if channel is not None:
            return await self._clear_channel(channel, most)
        service = await self._first("SELECT id FROM service WHERE deleted ORDER BY id LIMIT 1 FOR UPDATE")
        if service is not None:
            return await self._clear_service(service, most)
        return 0

    async def _clear_channel(self, channel: int, most: int) -> int:
        for deleted in (False, True):
            if await self._clear_messages(channel, most, deleted=deleted):
                return most
        if removed := await self._clear_media("channel_id", channel, most):
            return removed
        for table in _IN_CHANNEL:
            if removed := await self._clear_some(table, "channel_id", channel, most):
                return removed
        await self._database.execute("DELETE FROM channel WHERE id = $1", channel)
        return most  # and no more: who holds many channels and who removes many would wait for each other

    async def _clear_messages(self, channel: int, most: int, *, deleted: bool) -> bool:
        """Remove messages, by index; False when there is none."""
        first = await self._first(
            'SELECT "index" FROM message WHERE channel_id = $1 AND deleted = $2 ORDER BY "index" LIMIT 1',
            channel, deleted,
        )  # fmt: skip
        if first is None:
            return False
        await self._database.execute(
            'DELETE FROM message WHERE channel_id = $1 AND deleted = $2 AND "index" < $3',
            channel, deleted, first + most,
        )  # fmt: skip
        return True

    async def _clear_service(self, service: int, most: int) -> int:
        channel = await self._first(
            "SELECT id FROM channel WHERE service_id = $1 LIMIT 1 FOR UPDATE", service
        )
        if channel is not None:
            return await self._clear_channel(channel, most)
        user = await self._first('SELECT id FROM "user" WHERE service_id = $1 LIMIT 1', service)
        if user is not None:
            return await self._clear_user(user, most)
        if removed := await self._clear_media("service_id", service, most):
            return removed
        for table in _IN_SERVICE:
            if removed := await self._clear_some(table, "service_id", service, most):
                return removed
        await self._database.execute("DELETE FROM service WHERE id = $1", service)
        return 1

    async def _clear_user(self, user: int, most: int) -> int:
        rows = await self._database.rows(
            """
            DELETE FROM user_channel
            WHERE user_id = $1
                AND channel_sid IN (SELECT channel_sid FROM user_channel WHERE user_id = $1 LIMIT $2)
            RETURNING 1
            """,
            user, most,
        )  # fmt: skip
        if len(rows) < most:
            await self._database.execute('DELETE FROM "user" WHERE id = $1', user)
        return len(rows) + 1

    async def _clear_media(self, owner: str, key: int, most: int) -> int:
        """Remove files, whose contents are left, and return how many there were."""
        rows = await self._database.rows(
            f"""
            DELETE FROM media
            WHERE {owner} = $1 AND id IN (SELECT id FROM media WHERE {owner} = $1 LIMIT $2)
            RETURNING {GOING}
            """,
            key, most,
        )  # fmt: skip
        await leave_contents(self._database, rows)
        return len(rows)

    async def _clear_some(self, table: str, owner: str, key: int, most: int) -> int:
        """Remove rows of a table, and return how many there were."""
        rows = await self._database.rows(
            f"""
            DELETE FROM {table}
            WHERE {owner} = $1 AND sid IN (SELECT sid FROM {table} WHERE {owner} = $1 LIMIT $2)
            RETURNING 1
            """,
            key, most,
        )  # fmt: skip
        return len(rows)

    async def _first(self, sql: str, *values: object) -> int | None:
        row = await self._database.row(sql, *values)
        return row[0] if row else None
