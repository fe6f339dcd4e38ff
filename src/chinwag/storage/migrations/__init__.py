"""Numbered SQL files, one folder an engine, that only go forward."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from typing import Literal

from chinwag.storage.store import StoreCannotOpenError


class DatabaseTooNewError(StoreCannotOpenError):
    """The database was written by a newer release than this one."""

    def __init__(self, found: int, known: int) -> None:
        super().__init__(
            f"this database is at version {found}, and this release of Chinwag knows versions up to {known}: "
            "run a newer release, or restore a backup made with this one"
        )


@dataclass(frozen=True, slots=True)
class Migration:
    """One step forward."""

    version: int
    name: str
    sql: str


def migrations(engine: Literal["sqlite", "postgres"]) -> list[Migration]:
    """Return the steps of an engine, in order."""
    found = [
        Migration(int(path.name[:4]), path.name[5:-4], path.read_text())
        for path in files(__name__).joinpath(engine).iterdir()
        if path.name.endswith(".sql")
    ]
    return sorted(found, key=lambda migration: migration.version)


def pending(steps: list[Migration], version: int) -> list[Migration]:
    """Return the steps that a database at `version` (0: empty) still needs.

    Raises:
        DatabaseTooNewError: the database is ahead of this release.
    """
    newest = steps[-1].version
    if version > newest:
        raise DatabaseTooNewError(version, newest)
    return [step for step in steps if step.version > version]
