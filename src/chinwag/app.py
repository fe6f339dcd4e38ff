"""What a server and a command beside it have in common: from settings to an open store."""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chinwag import commands
from chinwag.auth.secrets import Seal, WrongKeyError, key_from_file, prove_key
from chinwag.broker.memory import MemoryBroker
from chinwag.ids import Mint
from chinwag.settings import key_path
from chinwag.storage.store import open_store, sqlite_path

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from chinwag.commands import World
    from chinwag.ids import Millis
    from chinwag.settings import StoreSettings


class CannotStartError(Exception):
    """The server cannot run as it is set up. The text says which setting is to blame."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What a command line and a server have in common."""

    world: World
    seal: Seal


def now() -> Millis:
    """Return this moment."""
    return time.time_ns() // 1_000_000


@asynccontextmanager
async def opened(
    settings: StoreSettings, *, serving: bool = False, new: bool = False
) -> AsyncGenerator[Parts]:
    """Open the store and all that changes need; close it at the end.

    Args:
        settings: which store, and with which key.
        serving: hold a SQLite file against a second server.
        new: make a SQLite file that is not there. Otherwise a command in the wrong folder would make one.

    Raises:
        CannotStartError: there is no such file; or the key is missing, or not the one of this database.
        StoreCannotOpenError: the database cannot be used.
    """
    path = sqlite_path(settings.database)
    if path is not None and not new and not path.exists():
        raise CannotStartError(
            f"there is no database {path.absolute()}: name the server's with --database or CHINWAG_DATABASE, "
            "or start the server once"
        )
    store = await open_store(
        settings.database, serving=serving, now=now(), connections=settings.database_connections
    )
    broker = MemoryBroker()
    try:
        async with store.reading() as tx:
            sealed_before = await tx.installation.key_check() is not None
        seal = _seal(settings, sealed_before=sealed_before)
        try:
            await store.write(lambda tx: prove_key(tx, seal))
        except WrongKeyError:
            raise CannotStartError(
                "the secrets in this database were sealed with another key: "
                f"set encryption_key, or key_file (now {key_path(settings)}), to the key it was made with"
            ) from None
        yield Parts(commands.World(store=store, broker=broker, now=now, new_sid=Mint(now)), seal)
    finally:
        await broker.close()
        await store.close()


def _seal(settings: StoreSettings, *, sealed_before: bool) -> Seal:
    """Return what seals secrets. Only a database without any may be given a new key."""
    if settings.encryption_key is not None:
        return Seal(settings.encryption_key)
    path = key_path(settings)
    if sealed_before and not path.exists():
        raise CannotStartError(
            f"key_file {path} is not there, and this database was made with a key: "
            "put the file back, or set encryption_key"
        )
    try:
        return Seal(key_from_file(path))
    except OSError as error:
        raise CannotStartError(f"key_file {path} cannot be used: {error.strerror}") from error
    except ValueError:
        raise CannotStartError(
            f"key_file {path} holds no key: it must be 32 bytes in URL-safe base64"
        ) from None
