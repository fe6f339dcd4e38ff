"""How pushes are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from chinwag.domain.credential import PushType
from chinwag.domain.push import Push, PushAttempt, PushKind, PushState, Words
from chinwag.storage.page import PageOf

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chinwag.domain.paging import Cursor
    from chinwag.domain.service import Service
    from chinwag.ids import Millis
    from chinwag.storage.database import Database, Row

_SELECT = """
    SELECT push.sid, account.sid, service.sid, push.occasion_id, kind, channel_sid, message_sid,
           message_index, author, words, push.user_id, push.identity, push.binding_sid, push.binding_type,
           push.credential_sid, account.id, notifications_log_enabled OR kind = 'test', state, tries, due,
           attempts, reason, push.date_created, push.date_updated
    FROM push
    JOIN push_occasion ON push_occasion.id = push.occasion_id
    JOIN service ON service.id = push.service_id
    JOIN account ON account.id = service.account_id
    WHERE NOT service.deleted
"""

_OF_SERVICE = _SELECT + " AND push.service_id = $1"
_PAGE = PageOf(_OF_SERVICE, by="push.sid")
_PAGE_OF_SOME = PageOf(_OF_SERVICE + " AND state = ANY($5)", by="push.sid")

# Without an index of its own: the services are gone through, each of which has one.
_FIND = _SELECT + " AND push.service_id IN (SELECT id FROM service) AND push.sid = $1"

_LATEST = _SELECT + " AND ($1 = '' OR service.sid = $1) ORDER BY push.sid DESC LIMIT $2"
# Of those that wait only the ones that were tried: the others are not news.
_CHANGED = (
    _SELECT
    + """
    AND ($1 = '' OR service.sid = $1)
    AND push.date_updated >= $2
    AND (state <> 'waiting' OR tries > 0)
    ORDER BY push.date_updated, push.sid
    LIMIT $3
"""
)

# From one credential to the next, whatever waits for each: thousands of pushes cost as much as one.
_TARGETS = """
    WITH RECURSIVE target (sid) AS (
        SELECT min(credential_sid) FROM push WHERE state = 'waiting'
        UNION ALL
        SELECT (SELECT min(credential_sid) FROM push WHERE state = 'waiting' AND credential_sid > target.sid)
        FROM target
        WHERE target.sid IS NOT NULL
    )
    SELECT sid, (SELECT min(due) FROM push WHERE state = 'waiting' AND credential_sid = target.sid)
    FROM target
    WHERE sid IS NOT NULL
        AND NOT EXISTS (
            SELECT 1 FROM credential WHERE credential.sid = target.sid AND credential.stopped IS NOT NULL
        )
"""

# A device is told in order: what is newer waits for what is older, which may have to be sent again, and would
# then be left on the device in the place of what is newer.
_DUE = (
    _SELECT
    + """
    AND state = 'waiting'
    AND push.credential_sid = $1
    AND due <= $2
    AND NOT EXISTS (
        SELECT 1
        FROM push AS older
        WHERE older.binding_sid = push.binding_sid AND older.state = 'waiting' AND older.sid < push.sid
    )
    ORDER BY due, push.sid
    LIMIT $3
"""
)

_SAVE = """
    UPDATE push
    SET state = $3, tries = $4, due = $5, attempts = $6, reason = $7, date_updated = $8
    WHERE sid = $2 AND service_id = (
        SELECT service_id FROM push_occasion WHERE push_occasion.id = $1
    )
"""

_DONE = """
    DELETE FROM push
    WHERE sid = ANY($2) AND service_id = (
        SELECT service_id FROM push_occasion WHERE push_occasion.id = $1
    )
"""

# The SIDs of an occasion's pushes begin with what they have in common with its own.
_TIDY = """
    DELETE FROM push_occasion
    WHERE id = ANY($1) AND spread AND NOT EXISTS (
        SELECT 1
        FROM push
        WHERE push.service_id = push_occasion.service_id
            AND push.sid >= substr(push_occasion.sid, 1, 28)
            AND push.sid < substr(push_occasion.sid, 1, 28) || 'g'
    )
"""

_words = msgspec.json.Decoder(Words).decode
_attempts = msgspec.json.Decoder(tuple[PushAttempt, ...]).decode
_encode = msgspec.json.Encoder().encode


class PushRows:
    """Pushes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def targets(self) -> dict[str, Millis]:
        """Return the credentials for which pushes wait, and when the first of each is due."""
        return {row[0]: row[1] for row in await self._database.rows(_TARGETS)}

    async def due(self, credential_sid: str, now: Millis, most: int) -> list[Push]:
        """Return pushes of a credential that are due, oldest first."""
        return [_push(row) for row in await self._database.rows(_DUE, credential_sid, now, most)]

    async def address_of(self, push: Push) -> str | None:
        """Return where the provider finds the device of a push now; None when it is registered no more."""
        row = await self._database.row(
            """
            SELECT address
            FROM push_occasion
            JOIN binding ON binding.service_id = push_occasion.service_id
            WHERE push_occasion.id = $1 AND binding.sid = $2 AND binding.user_id = $3
            """,
            push.occasion_id, push.binding_sid, push.user_id,
        )  # fmt: skip
        return row[0] if row else None

    async def unread_channels(self, user_id: int) -> int:
        """Return in how many channels a user has something to read, of those in which the user has read."""
        row = await self._database.row(
            """
            SELECT count(*)
            FROM member JOIN channel ON channel.id = member.channel_id
            WHERE member.user_id = $1 AND NOT member.deleted AND NOT channel.deleted
                AND last_consumed_message_index < last_message_index
            """,
            user_id,
        )
        return row[0] if row else 0

    async def save(self, pushes: Sequence[Push]) -> None:
        """Keep what came of pushes."""
        done = [push for push in pushes if push.state is PushState.DELIVERED and not push.logged]
        kept = [push for push in pushes if push.state is not PushState.DELIVERED or push.logged]
        if kept:
            await self._database.execute_many(
                _SAVE,
                [
                    (
                        push.occasion_id,
                        push.sid,
                        push.state,
                        push.tries,
                        push.due,
                        _encode(push.attempts).decode(),
                        push.reason,
                        push.date_updated,
                    )
                    for push in kept
                ],
            )
        if done:
            # What is written together is of few occasions, and those of one go by one statement.
            sids: dict[int, list[str]] = {}
            for push in done:
                sids.setdefault(push.occasion_id, []).append(push.sid)
            await self._database.execute_many(
                _DONE, [(occasion_id, self._database.array(some)) for occasion_id, some in sids.items()]
            )
            await self._tidy(set(sids))

    async def give_up(self, before: Millis, now: Millis, reason: str, most: int) -> bool:
        """Let pushes fail that have waited since before a moment; True if there may be more."""
        rows = await self._database.rows(
            """
            UPDATE push
            SET state = 'failed', reason = $3, date_updated = $2
            WHERE state = 'waiting' AND (service_id, sid) IN (
                SELECT service_id, sid FROM push WHERE state = 'waiting' AND date_created < $1 LIMIT $4
            )
            RETURNING 1
            """,
            before, now, reason, most,
        )  # fmt: skip
        return len(rows) == most

    async def forget(self, before: Millis, most: int) -> bool:
        """Remove pushes that do not wait and have not changed since a moment; True if there may be more."""
        rows = await self._database.rows(
            """
            DELETE FROM push
            WHERE (service_id, sid) IN (
                SELECT service_id, sid FROM push WHERE state <> 'waiting' AND date_updated < $1
                ORDER BY date_updated LIMIT $2
            )
            RETURNING occasion_id
            """,
            before, most,
        )  # fmt: skip
        await self._tidy({row[0] for row in rows})
        return len(rows) == most

    async def get(self, service: Service, sid: str) -> Push | None:
        """Return a push of a service, or None."""
        row = await self._database.row(_OF_SERVICE + " AND push.sid = $2", service.id, sid)
        return _push(row) if row else None

    async def page(self, service: Service, cursor: Cursor, states: list[PushState]) -> list[Push]:
        """Return a page of the pushes of a service, oldest first, and one more if there are more."""
        if not states:
            rows = await _PAGE.read(self._database, service.id, cursor)
        else:
            wanted = self._database.array(states)
            rows = await _PAGE_OF_SOME.read(self._database, service.id, cursor, wanted)
        return [_push(row) for row in rows]

    async def find(self, sid: str) -> Push | None:
        """Return a push of any service, or None."""
        row = await self._database.row(_FIND, sid)
        return _push(row) if row else None

    async def latest(self, service_sid: str | None, most: int) -> list[Push]:
        """Return the last pushes of a service, or of all, oldest first."""
        rows = await self._database.rows(_LATEST, service_sid or "", most)
        return [_push(row) for row in rows][::-1]

    async def changed(self, service_sid: str | None, since: Millis, most: int) -> list[Push]:
        """Return the pushes that have changed since a moment, in the order of their change."""
        rows = await self._database.rows(_CHANGED, service_sid or "", since, most)
        return [_push(row) for row in rows]

    async def _tidy(self, occasion_ids: set[int]) -> None:
        """Forget occasions of which there are no pushes any more."""
        if occasion_ids:
            await self._database.execute(_TIDY, self._database.array(sorted(occasion_ids)))


def _push(row: Row) -> Push:
    return Push(
        sid=row[0],
        account_sid=row[1],
        service_sid=row[2],
        occasion_id=row[3],
        kind=PushKind(row[4]),
        channel_sid=row[5],
        message_sid=row[6],
        message_index=row[7],
        author=row[8],
        words=_words(row[9]) if row[9] else _NO_WORDS,
        user_id=row[10],
        identity=row[11],
        binding_sid=row[12],
        binding_type=None if row[13] is None else PushType(row[13]),
        credential_sid=row[14],
        account_id=row[15],
        logged=bool(row[16]),
        state=PushState(row[17]),
        tries=row[18],
        due=row[19],
        attempts=_attempts(row[20]),
        reason=row[21],
        date_created=row[22],
        date_updated=row[23],
    )


_NO_WORDS = Words(text=None)
