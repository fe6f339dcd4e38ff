"""How the engines differ in SQL, except that one of them takes sets (`Database.takes_sets`).

Statements are written for PostgreSQL, with `$1`, `$2`, … as parameters. SQLite reads `$1` as the *name* of a
parameter and binds names in their order of appearance, silently wrong as soon as they are out of order; so
for SQLite they become `?1`, `?2`, …, which are positions. `FOR UPDATE` is left out there: a SQLite
transaction that writes is alone anyway. A list of values, which `= ANY($1)` looks into, is JSON there.
"""

from __future__ import annotations

import re
from functools import cache

_PARAMETER = re.compile(r"\$(\d+)")
_LOCK = re.compile(r"""\s+FOR UPDATE( OF "?\w+"?)?""")
_ANY = re.compile(r"= ANY\((\$\d+)\)")


@cache
def for_sqlite(sql: str) -> str:
    """Return a statement as SQLite wants it."""
    sql = _ANY.sub(r"IN (SELECT value FROM json_each(\1))", sql)
    return _LOCK.sub("", _PARAMETER.sub(r"?\1", sql))
