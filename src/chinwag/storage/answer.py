"""Answers that are kept for requests that may be repeated."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chinwag.ids import Millis
    from chinwag.storage.database import Database


class AnswerRows:
    """Kept answers, by account and key. The fingerprint tells a repetition from another request."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, account_id: int, key: str) -> tuple[bytes, bytes] | None:
        """Return the fingerprint and the answer kept under a key, or None."""
        row = await self._database.row(
            "SELECT fingerprint, answer FROM answer WHERE account_id = $1 AND key = $2", account_id, key
        )
        return (row[0], row[1]) if row else None

    async def keep(
        self, account_id: int, key: str, *, fingerprint: bytes, answer: bytes, date_created: Millis
    ) -> bool:
        """Keep an answer; False when the key has one."""
        row = await self._database.row(
            """
            INSERT INTO answer (account_id, key, fingerprint, answer, date_created)
            VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT DO NOTHING
            RETURNING 1
            """,
            account_id, key, fingerprint, answer, date_created,
        )  # fmt: skip
        return row is not None
