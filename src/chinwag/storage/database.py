"""What a noun's file asks of an engine: the ways to run a statement."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

Row: TypeAlias = "Sequence[Any]"
"""The columns of a result, by position, in the order in which the statement names them."""


class Database(Protocol):
    """One connection. Statements use `$n` parameters; see `dialect`."""

    @property
    def nests_inserts(self) -> bool:
        """Whether one statement may hold several INSERTs (PostgreSQL: WITH … AS (INSERT …))."""
        ...

    async def row(self, sql: str, *values: object) -> Row | None:
        """Return the first row, or None."""
        ...

    async def rows(self, sql: str, *values: object) -> Sequence[Row]:
        """Return every row."""
        ...

    async def execute(self, sql: str, *values: object) -> None:
        """Run a statement that returns nothing: not later than the end of the change."""
        ...

    async def execute_many(self, sql: str, values: Sequence[Sequence[object]]) -> None:
        """Run a statement once for each row of values."""
        ...
