"""A server with limits that an operator set, and what it takes to run into them."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, TypeVar

from chinwag.settings import Settings
from support.server import running_server

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

T = TypeVar("T")

ENCRYPTION_KEY = "Y2hpbndhZyB0ZXN0cyB1c2UgdGhpcyBmaXhlZCBrZXk="

TOO_MANY = 429


@contextlib.contextmanager
def limited_server(folder: Path, **limits: Any) -> Iterator[tuple[str, Settings]]:
    """Start a server with some limits; yield its address and settings."""
    settings = Settings(
        port=0,
        database=f"sqlite:///{folder}/chinwag.db",
        encryption_key=ENCRYPTION_KEY,
        media_store=f"file://{folder}/media",
        log_level="warning",
        **limits,
    )
    with running_server(settings) as base:
        yield base, settings


async def until_refused(
    ask: Callable[[], Awaitable[T]], status: Callable[[T], int], together: int = 25
) -> tuple[list[T], T]:
    """Ask for something, some at a time, until it is refused: return what was not, and a refusal.

    However slow the machine is: so many that come together are not answered one a second.
    """
    accepted: list[T] = []
    for _ in range(10):
        answers = await asyncio.gather(*(ask() for _ in range(together)))
        accepted += [answer for answer in answers if status(answer) != TOO_MANY]
        refused = [answer for answer in answers if status(answer) == TOO_MANY]
        if refused:
            return accepted, refused[-1]
    raise AssertionError("nothing was ever refused")
