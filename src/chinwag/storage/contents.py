"""Where the contents of media are kept: a folder, or a bucket of S3, Google or Azure.

Nothing here ever holds a whole file in memory.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING

from obstore import delete_async, get_async, put_async
from obstore.exceptions import BaseError
from obstore.store import LocalStore, from_url

from chinwag.errors import ApiError, Kinds
from chinwag.storage.store import StoreCannotOpenError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from obstore.store import ObjectStore

PIECE_BYTES = 256 * 1024
"""How much is read at a time, about, in bytes."""

LOCAL_PART_BYTES = 1024 * 1024
"""How much of an upload is gathered before it is written to a folder, in bytes."""

REMOTE_PART_BYTES = 5 * 1024 * 1024
"""The same for a bucket, which takes no smaller parts."""

PARTS = 2
"""How many parts of an upload are written at a time. Times their size, an upload takes so much memory."""

_DAY_DIGITS = 7
"""Length of the names of folders: `ME` and five digits of time, which are the same for some three days."""

_FAILURES = (OSError, BaseError)


class ContentStore:
    """Contents, each under the SID of its media. Make one with `open`."""

    def __init__(self, store: ObjectStore, folder: Path | None) -> None:
        self._store = store
        self._folder = folder
        self._part = REMOTE_PART_BYTES if folder is None else LOCAL_PART_BYTES

    @classmethod
    def open(cls, place: str | Path) -> ContentStore:
        """Return the contents in a folder, which is made, or at a URL such as `s3://bucket/media`.

        Raises:
            StoreCannotOpenError: there can be none. Whether a bucket is there, the first use tells.
        """
        try:
            if isinstance(place, Path):
                folder = place.absolute()
                return cls(LocalStore(folder, mkdir=True), folder)
            return cls(from_url(place), None)
        except (*_FAILURES, ValueError) as error:
            raise StoreCannotOpenError(f"media cannot be kept in {place}: {_first_line(error)}") from error

    async def keep(self, sid: str, pieces: AsyncIterator[bytes]) -> None:
        """Keep what comes, durably. When this raises, whatever `pieces` raises, nothing of it stays.

        Raises:
            ApiError: `UNAVAILABLE`.
        """
        key = _key(sid)
        try:
            await put_async(self._store, key, pieces, chunk_size=self._part, max_concurrency=PARTS)
            if self._folder is not None:
                await asyncio.to_thread(_flush, self._folder / key, self._folder)
        except _FAILURES as error:
            raise _unavailable(error) from error

    async def pieces(self, sid: str, start: int, end: int) -> AsyncGenerator[bytes]:
        """Return the bytes from `start` up to, and without, `end`.

        Raises:
            ApiError: `UNAVAILABLE`; `MEDIA_NOT_FOUND` when there is no such content, although a row says so.
        """
        if start >= end:
            return _nothing()
        try:
            found = await get_async(self._store, _key(sid), options={"range": (start, end)})
        except FileNotFoundError:
            raise ApiError(Kinds.MEDIA_NOT_FOUND, f"the content of {sid} is not where it was kept") from None
        except _FAILURES as error:
            raise _unavailable(error) from error

        async def read() -> AsyncGenerator[bytes]:
            async for piece in found.stream(min_chunk_size=PIECE_BYTES):
                yield bytes(piece)

        return read()

    async def remove(self, sid: str) -> None:
        """Remove a content, or what a crash left of one. There need be none.

        Raises:
            ApiError: `UNAVAILABLE`.
        """
        key = _key(sid)
        try:
            await delete_async(self._store, key)
        except FileNotFoundError:
            pass
        except _FAILURES as error:
            raise _unavailable(error) from error
        if self._folder is not None:
            await asyncio.to_thread(_remove_begun, self._folder / key)


def _key(sid: str) -> str:
    return f"{sid[:_DAY_DIGITS]}/{sid}"


async def _nothing() -> AsyncGenerator[bytes]:
    return
    yield b""


def _flush(path: Path, folder: Path) -> None:
    """See that a file, its name and the name of its folder are on the disk."""
    for place in (path, path.parent, folder):
        descriptor = os.open(place, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _remove_begun(path: Path) -> None:
    """Remove what obstore calls a file while it is being written, if it was killed then."""
    for begun in path.parent.glob(f"{path.name}#*"):
        begun.unlink(missing_ok=True)


def _unavailable(error: Exception) -> ApiError:
    return ApiError(Kinds.UNAVAILABLE, f"the media store: {_first_line(error)}")


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
