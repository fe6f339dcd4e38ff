"""What the commands that change something have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET

if TYPE_CHECKING:
    from collections.abc import Iterable

    from msgspec import Struct


def given(command: Struct, names: Iterable[str]) -> dict[str, Any]:
    """Return those of the named fields of a command that it does not leave as they are."""
    return {name: value for name in names if (value := getattr(command, name)) is not UNSET}
