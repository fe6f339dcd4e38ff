"""How it is kept which server does what for all."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chinwag.ids import Millis
    from chinwag.storage.database import Database


class LeaseRows:
    """Who does what."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def lead(self, name: str, holder: str, now: Millis, until: Millis) -> bool:
        """Let one server do a work, until a moment; False while another does."""
        row = await self._database.row(
            """
            UPDATE lease
            SET holder = $2, held_until = $4
            WHERE name = $1 AND (holder = $2 OR held_until < $3)
            RETURNING 1
            """,
            name, holder, now, until,
        )  # fmt: skip
        return row is not None
