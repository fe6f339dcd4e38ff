"""Answers that are kept for requests that may be repeated."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chinwag.domain.answer import Kept

if TYPE_CHECKING:
    from chinwag.ids import Millis
    from chinwag.storage.database import Database


class AnswerRows:
    """Kept answers, by account and key. The fingerprint tells a repetition from another request."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, account_id: int, key: str) -> Kept | None:
        """Return what is kept under a key, or None."""
        row = await self._database.row(
            "SELECT fingerprint, answer, date_expires FROM answer WHERE account_id = $1 AND key = $2",
            account_id,
            key,
        )
        return Kept(fingerprint=row[0], answer=row[1], date_expires=row[2]) if row else None

    async def claim(
        self, account_id: int, key: str, *, fingerprint: bytes, date_expires: Millis, now: Millis
    ) -> bool:
        """Take a key; False when it is taken. On PostgreSQL this waits for whoever is taking it."""
        row = await self._database.row(
            """
            INSERT INTO answer (account_id, key, fingerprint, answer, date_expires)
            VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (account_id, key) DO UPDATE
            SET fingerprint = excluded.fingerprint,
                answer = excluded.answer,
                date_expires = excluded.date_expires
            WHERE answer.date_expires <= $6
            RETURNING 1
            """,
            account_id, key, fingerprint, b"", date_expires, now,
        )  # fmt: skip
        return row is not None

    async def keep(self, account_id: int, key: str, answer: bytes) -> None:
        """Put the answer under a key that was claimed."""
        await self._database.execute(
            "UPDATE answer SET answer = $3 WHERE account_id = $1 AND key = $2", account_id, key, answer
        )

    async def remove_expired(self, now: Millis, most: int) -> bool:
        """Remove some that have expired; False when there was none."""
        rows = await self._database.rows(
            """
            DELETE FROM answer WHERE (account_id, key) IN
                (SELECT account_id, key FROM answer WHERE date_expires <= $1 ORDER BY date_expires LIMIT $2)
            RETURNING 1
            """,
            now,
            most,
        )
        return bool(rows)
