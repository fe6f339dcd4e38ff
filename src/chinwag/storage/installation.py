"""The one row of facts about the whole installation."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chinwag.storage.database import Database


class InstallationRow:
    """Facts about the whole installation, as they are kept."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def generation(self) -> int:
        """Return the number that rises with every change of accounts or keys."""
        row = await self._database.row("SELECT generation FROM installation")
        return row[0] if row else 0

    async def raise_generation(self) -> None:
        """Raise it by one."""
        await self._database.execute("UPDATE installation SET generation = generation + 1")

    async def key_check(self) -> bytes | None:
        """Return the sealed text that proves the encryption key, or None."""
        row = await self._database.row("SELECT key_check FROM installation")
        return row[0] if row else None

    async def keep_key_check(self, sealed: bytes) -> None:
        """Keep that text."""
        await self._database.execute("UPDATE installation SET key_check = $1", sealed)
