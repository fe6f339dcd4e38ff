"""How occasions are kept, and how pushes are made of them: by one statement for many devices."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from chinwag.domain.occasion import Occasion, Spread
from chinwag.domain.push import NoPush, PushKind, PushState

if TYPE_CHECKING:
    from chinwag.domain.push import Words
    from chinwag.domain.service import Service
    from chinwag.ids import Millis
    from chinwag.storage.database import Database

_HOLD = """
    SELECT push_occasion.id, account.id, account.sid, service.sid, push_occasion.sid, kind, channel_id,
           channel_sid, message_sid, message_index, user_id, author, push_occasion.date_created, reached,
           pushes
    FROM push_occasion
    JOIN service ON service.id = push_occasion.service_id
    JOIN account ON account.id = service.account_id
    WHERE push_occasion.id = $1 AND NOT spread
    FOR UPDATE OF push_occasion
"""


# The numbers of the pushes are the last six digits of their SIDs. `why` is the reason not to push.
def _make(whom: str, why: str) -> str:
    """Return what makes pushes; `$8` and up are for whom, and why not."""
    return f"""
    WITH made AS (
        SELECT "user".id AS user_id, "user".identity, binding.sid, binding.binding_type,
               binding.credential_sid, CASE {why} END AS why
        {whom}
    )
    INSERT INTO push (
        service_id, sid, occasion_id, user_id, identity, binding_sid, binding_type, credential_sid, state,
        due, reason, date_created, date_updated
    )
    SELECT CAST($1 AS bigint),
           $2 || substr(CAST(1000000 + $3 + row_number() OVER (ORDER BY user_id, sid) AS text), 2),
           CAST($4 AS bigint), user_id, identity, sid, binding_type, credential_sid,
           CASE WHEN why IS NULL THEN '{PushState.WAITING}' ELSE '{PushState.SKIPPED}' END,
           CAST($5 AS bigint), why, CAST($6 AS bigint), CAST($5 AS bigint)
    FROM made
    WHERE why IS NULL OR $7
    RETURNING state, credential_sid, sid
    """


_TO_MEMBERS = _make(
    """
    FROM member
    JOIN binding ON binding.user_id = member.user_id
    JOIN "user" ON "user".id = member.user_id
    LEFT JOIN user_channel ON user_channel.user_id = member.user_id AND NOT user_channel.deleted
        AND user_channel.channel_sid = $9
    WHERE member.channel_id = $8 AND NOT member.deleted AND member.sid > $10 AND member.sid <= $11
    """,
    f"""
        WHEN "user".identity = $12 THEN '{NoPush.AUTHOR}'
        WHEN user_channel.notification_level = 'muted' THEN '{NoPush.MUTED}'
        WHEN binding.message_types NOT LIKE $13 THEN '{NoPush.NOT_WANTED}'
    """,
)

_TO_USER = _make(
    """
    FROM binding
    JOIN "user" ON "user".id = binding.user_id
    WHERE binding.user_id = $8
    """,
    f"""
        WHEN "user".identity = $9 THEN '{NoPush.AUTHOR}'
        WHEN binding.message_types NOT LIKE $10 THEN '{NoPush.NOT_WANTED}'
    """,
)

_TO_ICONS = _make(
    """
    FROM binding
    JOIN "user" ON "user".id = binding.user_id
    WHERE binding.user_id = $8 AND binding.binding_type = 'apn'
    """,
    "WHEN FALSE THEN ''",
)

_TO_TEST = _make(
    """
    FROM binding
    JOIN "user" ON "user".id = binding.user_id
    WHERE binding.user_id = $8 AND binding.credential_sid = $9
    """,
    "WHEN FALSE THEN ''",
)

_NEXT_MEMBERS = """
    SELECT count(*), max(sid)
    FROM (
        SELECT sid FROM member WHERE channel_id = $1 AND NOT deleted AND sid > $2 ORDER BY sid LIMIT $3
    ) AS next
"""

_NUMBER = "000000"
"""What stands in the SID of an occasion where those of its pushes have their numbers."""

_text = msgspec.json.Encoder().encode


class OccasionRows:
    """Occasions."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, service: Service, occasion: Occasion) -> int:
        """Add an occasion, and return the key of its row."""
        row = await self._database.row(
            """
            INSERT INTO push_occasion (
                service_id, sid, kind, channel_id, channel_sid, user_id, author, date_created
            )
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
            RETURNING id
            """,
            service.id, occasion.sid, occasion.kind, occasion.channel_id, occasion.channel_sid,
            occasion.user_id, occasion.author, occasion.date_created,
        )  # fmt: skip
        assert row is not None, "INSERT … RETURNING answers with a row"
        return row[0]

    async def noted(self, most: int) -> list[int]:
        """Return occasions of which not all pushes are made, oldest first."""
        rows = await self._database.rows(
            """
            SELECT push_occasion.id
            FROM push_occasion JOIN service ON service.id = service_id
            WHERE NOT spread AND NOT service.deleted
            ORDER BY push_occasion.id
            LIMIT $1
            """,
            most,
        )
        return [row[0] for row in rows]

    async def hold(self, occasion_id: int) -> Occasion | None:
        """Return an occasion of which not all pushes are made, and hold its row, or None."""
        row = await self._database.row(_HOLD, occasion_id)
        if row is None:
            return None
        return Occasion(
            id=row[0],
            account_id=row[1],
            account_sid=row[2],
            service_sid=row[3],
            sid=row[4],
            kind=PushKind(row[5]),
            channel_id=row[6],
            channel_sid=row[7],
            message_sid=row[8],
            message_index=row[9],
            user_id=row[10],
            author=row[11],
            date_created=row[12],
            reached=row[13],
            pushes=row[14],
        )

    async def spread(
        self, service: Service, occasion: Occasion, words: Words, now: Millis, most: int
    ) -> Spread:
        """Make pushes: for the devices of one user, or of the next `most` members."""
        common = (
            service.id,
            _common(occasion),
            occasion.pushes,
            occasion.id,
            now,
            occasion.date_created or now,
            service.notifications_log_enabled,
        )
        wants = f'%"{occasion.kind}"%'
        count, last = 0, ""
        if occasion.kind is PushKind.BADGE:
            rows = await self._database.rows(_TO_ICONS, *common, occasion.user_id)
        elif occasion.user_id is not None:
            rows = await self._database.rows(_TO_USER, *common, occasion.user_id, occasion.author, wants)
        else:
            row = await self._database.row(_NEXT_MEMBERS, occasion.channel_id, occasion.reached, most)
            assert row is not None, "an aggregate answers with a row"
            count, last = row[0], row[1] or ""
            rows = await self._database.rows(
                _TO_MEMBERS, *common, occasion.channel_id, occasion.channel_sid, occasion.reached, last,
                occasion.author, wants,
            )  # fmt: skip

        more, pushes = count == most, occasion.pushes + len(rows)
        if not more and pushes == 0:
            await self.skip(service, occasion, NoPush.NO_DEVICE, now)
        else:
            await self._database.execute(
                """
                UPDATE push_occasion
                SET words = $2, reached = $3, pushes = $4, spread = $5, sid = $6
                WHERE id = $1
                """,
                occasion.id, _text(words).decode(), last, pushes, not more, _common(occasion) + _NUMBER,
            )  # fmt: skip
        return Spread(frozenset(row[1] for row in rows if row[0] == PushState.WAITING), more=more)

    async def spread_test(
        self, service: Service, occasion: Occasion, words: Words, credential_sid: str, now: Millis
    ) -> list[str]:
        """Make pushes for the devices of a user that are reached with a credential; return their SIDs."""
        added = replace(occasion, id=await self.add(service, occasion))
        rows = await self._database.rows(
            _TO_TEST, service.id, _common(added), 0, added.id, now, now, True, added.user_id, credential_sid
        )
        await self._database.execute(
            "UPDATE push_occasion SET words = $2, pushes = $3, spread = TRUE, sid = $4 WHERE id = $1",
            added.id, _text(words).decode(), len(rows), _common(added) + _NUMBER,
        )  # fmt: skip
        return [row[2] for row in rows]

    async def skip(self, service: Service, occasion: Occasion, reason: NoPush, now: Millis) -> None:
        """Make no pushes; keep the reason if the service logs."""
        if not service.notifications_log_enabled or occasion.kind is PushKind.BADGE:
            await self._database.execute("DELETE FROM push_occasion WHERE id = $1", occasion.id)
            return
        await self._database.execute(
            """
            INSERT INTO push (
                service_id, sid, occasion_id, user_id, identity, state, due, reason, date_created,
                date_updated
            )
            VALUES (
                $1, $2, $3, $4, (SELECT identity FROM "user" WHERE "user".id = $4), $5, $6, $7, $8, $6
            )
            """,
            service.id, _common(occasion) + _NUMBER, occasion.id, occasion.user_id, PushState.SKIPPED, now,
            reason, occasion.date_created or now,
        )  # fmt: skip
        await self._database.execute(
            "UPDATE push_occasion SET spread = TRUE, sid = $2 WHERE id = $1",
            occasion.id, _common(occasion) + _NUMBER,
        )  # fmt: skip


def _common(occasion: Occasion) -> str:
    """Return what the SIDs of the pushes of an occasion begin with: when it was, and the key of its row."""
    return f"{occasion.sid[:14]}{occasion.id:014x}"
