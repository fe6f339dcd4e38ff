"""What the commands that change something have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from msgspec import UNSET, UnsetType

if TYPE_CHECKING:
    from collections.abc import Iterable

    from msgspec import Struct


T = TypeVar("T")


def or_else(value: T | UnsetType, otherwise: T) -> T:
    """Return what a command says, or what there is if it says nothing."""
    return otherwise if value is UNSET else value


def given(command: Struct, names: Iterable[str]) -> dict[str, Any]:
    """Return those of the named fields of a command that it does not leave as they are."""
    return {name: value for name in names if (value := getattr(command, name)) is not UNSET}
