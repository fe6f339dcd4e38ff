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
    def takes_sets(self) -> bool:
        """Whether one statement may hold several changes, and take arrays to make them for many rows at once.

        PostgreSQL does: WITH … AS (INSERT …), unnest(…).
        """
        ...

    def array(self, values: Sequence[object]) -> object:
        """Return a list as the parameter of `= ANY($n)`."""
        ...

    async def row(self, sql: str, *values: object) -> Row | None:
        """Return the first row, or None."""
        ...

    async def rows(self, sql: str, *values: object) -> Sequence[Row]:
        """Return every row."""
        ...

    async def together(self, sql: str, values: Sequence[object]) -> Row | None:
        """Run a statement for sets, for one row of values, and return its row, or None if it has none.

        The statement takes an array for each value, and answers with rows that begin with the place (from 1)
        in the arrays of the values that they belong to. When it is the first of its change, it must be the
        last as well, unless it has no row, and has done nothing: then it runs together with others that wait
        in the same lane.
        """
        ...

    async def execute(self, sql: str, *values: object) -> None:
        """Run a statement that returns nothing: not later than the end of the change."""
        ...

    async def execute_many(self, sql: str, values: Sequence[Sequence[object]]) -> None:
        """Run a statement once for each row of values."""
        ...
