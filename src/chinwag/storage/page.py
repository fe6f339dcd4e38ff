"""Pages of a list, by the SID they begin behind: page 1,000 costs what page 1 costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chinwag.domain.paging import Cursor
    from chinwag.storage.database import Database, Row


@dataclass(frozen=True, slots=True)
class PageOf:
    """The two statements of a list: onward and back.

    Each takes the owner of the list as `$1`, the SID at the edge as `$2` and the number of rows as `$3`;
    onward also takes the rows to skip as `$4`.
    """

    onward: str
    back: str

    async def read(self, database: Database, owner: int, cursor: Cursor) -> list[Row]:
        """Return the rows of a page in order, and one more if there are more in the direction of reading."""
        if cursor.before is None:
            return list(
                await database.rows(self.onward, owner, cursor.after or "", cursor.size + 1, cursor.skip)
            )
        return list(await database.rows(self.back, owner, cursor.before, cursor.size + 1))[::-1]
