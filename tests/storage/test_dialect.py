"""One text of a statement for both engines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import apsw
import asyncpg
import pytest

from chinwag.storage.dialect import for_sqlite
from chinwag.storage.postgres import PostgresDatabase
from chinwag.storage.sqlite import SqliteDatabase

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from chinwag.storage.database import Database

ODD_WORDS = ["", "a", "'", '"', "\\", ",", "{}", "[1]", "é", "🐙", "a\nb", "NULL", "%"]


@pytest.fixture
async def connected(engine: str, database: str) -> AsyncIterator[Database]:
    """A connection of each engine, as the files of the nouns see it."""
    if engine == "sqlite":
        lite = apsw.Connection(":memory:")
        yield SqliteDatabase(lite)
        lite.close()
        return
    other = await asyncpg.connect(database)
    yield PostgresDatabase(other)
    await other.close()


@pytest.mark.parametrize(
    ("written", "as_it_becomes"),
    [
        ("SELECT $1, $2, $10", "SELECT ?1, ?2, ?10"),
        ("VALUES ($2, $1, $2)", "VALUES (?2, ?1, ?2)"),
        ("SELECT * FROM a WHERE b = $1 FOR UPDATE", "SELECT * FROM a WHERE b = ?1"),
        ('SELECT * FROM a FOR UPDATE OF "user"', "SELECT * FROM a"),
        ("SELECT 1\n    FOR UPDATE OF service\n", "SELECT 1\n"),
        ("a = ANY($1)", "a IN (SELECT value FROM json_each(?1))"),
        (
            "a = ANY($5) AND b = $1 AND c = ANY($6)",
            "a IN (SELECT value FROM json_each(?5)) AND b = ?1 AND c IN (SELECT value FROM json_each(?6))",
        ),
    ],
)
def test_a_statement_becomes_what_sqlite_reads(written: str, as_it_becomes: str) -> None:
    assert for_sqlite(written) == as_it_becomes


async def test_parameters_go_by_their_numbers(connected: Database) -> None:
    row = await connected.row(
        "SELECT $2::text, $1::text" if connected.takes_sets else "SELECT $2, $1", "a", "b"
    )

    assert row is not None
    assert tuple(row) == ("b", "a")


@pytest.mark.parametrize("word", ODD_WORDS)
async def test_a_list_is_looked_into(connected: Database, word: str) -> None:
    row = await connected.row(
        "SELECT count(*) FROM (SELECT $2 AS word) AS given WHERE word = ANY($1)",
        connected.array(["other", word, word]),
        word,
    )

    assert row is not None
    assert row[0] == 1


@pytest.mark.parametrize("words", [[], ["b"], ["A"], [" a"], ["aa"]])
async def test_what_a_list_does_not_hold_is_not_found_in_it(connected: Database, words: list[str]) -> None:
    row = await connected.row(
        "SELECT count(*) FROM (SELECT $2 AS word) AS given WHERE word = ANY($1)",
        connected.array(words),
        "a",
    )

    assert row is not None
    assert row[0] == 0


async def test_only_postgresql_takes_sets(connected: Database, engine: str) -> None:
    assert connected.takes_sets == (engine == "postgres")


async def test_a_statement_for_sets_runs_for_one_row_of_values_where_no_others_wait(
    emptied_database: str,
) -> None:
    connection = await asyncpg.connect(emptied_database)
    statement = """
        SELECT place, value
        FROM unnest($1::int[], $2::text[]) WITH ORDINALITY AS given (value, word, place)
        WHERE value > 1
    """

    found, nothing = [
        await PostgresDatabase(connection).together(statement, values) for values in [(2, "a"), (1, "b")]
    ]

    assert found is not None
    assert tuple(found) == (1, 2)
    assert nothing is None
    await connection.close()


async def test_a_statement_for_sets_is_refused_where_there_are_none() -> None:
    database = SqliteDatabase(apsw.Connection(":memory:"))

    with pytest.raises(NotImplementedError):
        await database.together("SELECT 1", ())
