"""A server in a thread of the tests' own process, whose account and API key are known beforehand."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from chinwag.settings import Settings
from support.churn import KEY_SECRET, KEY_SID
from support.kill import ACCOUNT_SID, AUTH_TOKEN
from support.server import running_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def known_server(folder: Path, database: str | None = None, **more: Any) -> Iterator[str]:
    """Start a server and yield its base address.

    Args:
        folder: where it keeps what it keeps.
        database: its address; a SQLite there, if none is given.
        more: other settings.
    """
    settings = Settings(
        port=0,
        account_sid=ACCOUNT_SID,
        auth_token=AUTH_TOKEN,
        api_key_sid=KEY_SID,
        api_key_secret=KEY_SECRET,
        database=database or f"sqlite:///{folder}/chinwag.db",
        encryption_key="Y2hpbndhZyB0ZXN0cyB1c2UgdGhpcyBmaXhlZCBrZXk=",
        media_store=f"file://{folder}/media",
        log_level="error",
        **more,
    )
    with running_server(settings) as base:
        yield base
