"""How calls of webhooks are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from chinwag.domain.webhook import WebhookEvent, WebhookMethod
from chinwag.domain.webhook_call import Attempt, CallState, Source, WebhookCall
from chinwag.storage.page import PageOf

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chinwag.domain.paging import Cursor
    from chinwag.domain.service import Service
    from chinwag.ids import Millis
    from chinwag.storage.database import Database, Row

_SELECT = """
    SELECT webhook_call.id, webhook_call.sid, account.sid, service.sid, channel_sid, event, source, client,
           via, url, method, params, target_id, lane, state, tries_left, due, attempts, reason, "count",
           webhook_call.date_created, webhook_call.date_updated
    FROM webhook_call
    JOIN service ON service.id = webhook_call.service_id
    JOIN account ON account.id = service.account_id
    WHERE NOT service.deleted
"""

_OF_SERVICE = _SELECT + " AND webhook_call.service_id = $1"
_PAGE = PageOf(_OF_SERVICE, by="webhook_call.sid")
_PAGE_OF_SOME = PageOf(_OF_SERVICE + " AND event = ANY($5) AND state = ANY($6)", by="webhook_call.sid")

# Without an index of its own: the services are gone through, each of which has one.
_FIND = _SELECT + " AND webhook_call.service_id IN (SELECT id FROM service) AND webhook_call.sid = $1"

_LATEST = _SELECT + " AND ($1 = '' OR service.sid = $1) ORDER BY webhook_call.id DESC LIMIT $2"
# Of those that wait only the ones that were tried: the others are not news.
_CHANGED = (
    _SELECT
    + """
    AND ($1 = '' OR service.sid = $1)
    AND webhook_call.id IN (
        SELECT id FROM webhook_call WHERE state <> 'waiting' AND date_updated >= $2
        UNION ALL
        SELECT id FROM webhook_call WHERE state = 'waiting' AND attempts <> '[]' AND date_updated >= $2
    )
    ORDER BY webhook_call.date_updated, webhook_call.id
    LIMIT $3
"""
)

# From one target to the next, whatever waits for each: thousands of calls for one cost as much as one.
_TARGETS = """
    WITH RECURSIVE target (id) AS (
        SELECT min(target_id) FROM webhook_call WHERE state = 'waiting'
        UNION ALL
        SELECT (SELECT min(target_id) FROM webhook_call WHERE state = 'waiting' AND target_id > target.id)
        FROM target
        WHERE target.id IS NOT NULL
    )
    SELECT id, (SELECT min(due) FROM webhook_call WHERE state = 'waiting' AND target_id = target.id)
    FROM target
    WHERE id IS NOT NULL
"""

_DUE = _SELECT + (
    " AND state = 'waiting' AND target_id = $1 AND due <= $2 ORDER BY due, webhook_call.id LIMIT $3"
)

_COLUMNS = """
    service_id, sid, channel_sid, event, source, client, via, url, method, params, target_id, lane, state,
    tries_left, due, attempts, reason, "count", date_created, date_updated
"""

_ADD = f"""
    INSERT INTO webhook_call ({_COLUMNS})
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
"""

_NOTE = f"""
    INSERT INTO webhook_call ({_COLUMNS})
    SELECT service.id, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21
    FROM service JOIN account ON account.id = account_id
    WHERE account.sid = $1 AND service.sid = $2 AND NOT service.deleted
"""

_SAVE = """
    UPDATE webhook_call
    SET state = $2, tries_left = $3, due = $4, attempts = $5, reason = $6, date_updated = $7
    WHERE id = $1
"""

_COUNT = """
    UPDATE webhook_call
    SET "count" = $4, date_updated = $5
    WHERE sid = $3 AND service_id = (
        SELECT service.id
        FROM service JOIN account ON account.id = account_id
        WHERE account.sid = $1 AND service.sid = $2
    )
"""

_params = msgspec.json.Decoder(dict[str, str]).decode
_attempts = msgspec.json.Decoder(tuple[Attempt, ...]).decode
_encode = msgspec.json.Encoder().encode


class WebhookCallRows:
    """Calls of webhooks."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, service: Service, sid: str) -> WebhookCall | None:
        """Return a call of a service, or None."""
        row = await self._database.row(_OF_SERVICE + " AND webhook_call.sid = $2", service.id, sid)
        return _call(row) if row else None

    async def page(
        self, service: Service, cursor: Cursor, events: list[WebhookEvent], states: list[CallState]
    ) -> list[WebhookCall]:
        """Return a page of the calls of a service, oldest first, and one more if there are more."""
        if not events and not states:
            rows = await _PAGE.read(self._database, service.id, cursor)
        else:
            wanted = self._database.array(events or list(WebhookEvent))
            rows = await _PAGE_OF_SOME.read(
                self._database, service.id, cursor, wanted, self._database.array(states or list(CallState))
            )
        return [_call(row) for row in rows]

    async def find(self, sid: str) -> WebhookCall | None:
        """Return a call of any service, or None."""
        row = await self._database.row(_FIND, sid)
        return _call(row) if row else None

    async def has_service(self, sid: str) -> bool:
        """Return whether there is such a service, of whatever account."""
        row = await self._database.row("SELECT 1 FROM service WHERE sid = $1 AND NOT deleted", sid)
        return row is not None

    async def latest(self, service_sid: str | None, most: int) -> list[WebhookCall]:
        """Return the last calls of a service, or of all, oldest first."""
        rows = await self._database.rows(_LATEST, service_sid or "", most)
        return [_call(row) for row in rows][::-1]

    async def changed(self, service_sid: str | None, since: Millis, most: int) -> list[WebhookCall]:
        """Return the calls that have changed since a moment, in the order of their change."""
        rows = await self._database.rows(_CHANGED, service_sid or "", since, most)
        return [_call(row) for row in rows]

    async def targets(self) -> dict[int, Millis]:
        """Return the targets for which calls wait, and when the first of each is due."""
        return {row[0]: row[1] for row in await self._database.rows(_TARGETS)}

    async def due(self, target_id: int, now: Millis, most: int) -> list[WebhookCall]:
        """Return calls of a target that are due, oldest first."""
        return [_call(row) for row in await self._database.rows(_DUE, target_id, now, most)]

    async def add(self, service: Service, call: WebhookCall) -> None:
        """Add a call."""
        await self._database.execute(_ADD, service.id, *_values(call))

    async def note(self, calls: Sequence[WebhookCall]) -> None:
        """Add calls that were made already, or skipped."""
        await self._database.execute_many(
            _NOTE, [(call.account_sid, call.service_sid, *_values(call)) for call in calls]
        )

    async def save(self, calls: Sequence[WebhookCall]) -> None:
        """Keep what came of calls."""
        await self._database.execute_many(
            _SAVE,
            [
                (
                    call.id,
                    call.state,
                    call.tries_left,
                    call.due,
                    _encode(call.attempts).decode(),
                    call.reason,
                    call.date_updated,
                )
                for call in calls
            ],
        )

    async def count(self, counts: Sequence[tuple[WebhookCall, int]], now: Millis) -> None:
        """Keep how many calls like these were skipped by now."""
        await self._database.execute_many(
            _COUNT, [(call.account_sid, call.service_sid, call.sid, count, now) for call, count in counts]
        )

    async def forget(self, before: Millis, most: int) -> bool:
        """Remove calls that have ended and have not changed since a moment; True if there may be more."""
        rows = await self._database.rows(
            """
            DELETE FROM webhook_call
            WHERE id IN (
                SELECT id FROM webhook_call WHERE state <> 'waiting' AND date_updated < $1
                ORDER BY date_updated LIMIT $2
            )
            RETURNING 1
            """,
            before, most,
        )  # fmt: skip
        return len(rows) == most


def _call(row: Row) -> WebhookCall:
    return WebhookCall(
        id=row[0],
        sid=row[1],
        account_sid=row[2],
        service_sid=row[3],
        channel_sid=row[4],
        event=WebhookEvent(row[5]),
        source=Source(row[6]),
        client=row[7],
        via=row[8],
        url=row[9],
        method=WebhookMethod(row[10]),
        params=_params(row[11]),
        target_id=row[12],
        lane=row[13],
        state=CallState(row[14]),
        tries_left=row[15],
        due=row[16],
        attempts=_attempts(row[17]),
        reason=row[18],
        count=row[19],
        date_created=row[20],
        date_updated=row[21],
    )


def _values(call: WebhookCall) -> tuple[object, ...]:
    """Return what is kept of a call besides its service, in the order of `_COLUMNS`."""
    return (
        call.sid,
        call.channel_sid,
        call.event,
        call.source,
        call.client,
        call.via,
        call.url,
        call.method,
        _encode(call.params).decode(),
        call.target_id,
        call.lane,
        call.state,
        call.tries_left,
        call.due,
        _encode(call.attempts).decode(),
        call.reason,
        call.count,
        call.date_created,
        call.date_updated,
    )
