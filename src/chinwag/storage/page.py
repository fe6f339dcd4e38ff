"""Pages of a list, by the SID they begin behind: page 1,000 costs what page 1 costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chinwag.domain.paging import Cursor
    from chinwag.storage.database import Database, Row


class PageOf:
    """The two statements of a list: onward and back.

    Args:
        select: which rows; it takes the owner of the list as `$1`, and filters from `$5`.
        by: the SID that orders them.
    """

    def __init__(self, select: str, by: str) -> None:
        self._onward = f"{select} AND {by} > $2 ORDER BY {by} LIMIT $3 OFFSET $4"
        self._back = f"{select} AND {by} < $2 ORDER BY {by} DESC LIMIT $3 OFFSET $4"

    async def read(self, database: Database, owner: int, cursor: Cursor, *filters: object) -> list[Row]:
        """Return the rows of a page in order, and one more if there are more in the direction of reading."""
        size = cursor.size + 1
        if cursor.before is None:
            edge = cursor.after or ""
            return list(await database.rows(self._onward, owner, edge, size, cursor.skip, *filters))
        return list(await database.rows(self._back, owner, cursor.before, size, 0, *filters))[::-1]
