"""A cable between a client and a server, which a test can pull out and put back."""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Cable:
    """Passes bytes on, both ways, until it is pulled.

    Args:
        base: address of the server.
    """

    def __init__(self, base: str) -> None:
        self._server = urlsplit(base)
        self._ends: set[asyncio.StreamWriter] = set()
        self._whole = True
        self._silent = False
        self.base = ""

    def hang(self) -> None:
        """Carry nothing any more, and tell nobody: both ends believe that the other is there."""
        self._silent = True

    def pull(self) -> None:
        """Break every connection at once, without a goodbye, and refuse new ones."""
        self._whole = False
        for end in self._ends:
            end.transport.abort()

    def mend(self) -> None:
        """Let new connections through again."""
        self._whole = True

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection."""
        if not self._whole:
            writer.transport.abort()
            return
        far_reader, far_writer = await asyncio.open_connection(self._server.hostname, self._server.port)
        ends = {writer, far_writer}
        self._ends |= ends
        try:
            await asyncio.gather(self._carry(reader, far_writer), self._carry(far_reader, writer))
        finally:
            self._ends -= ends
            for end in ends:
                end.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                if not self._silent:
                    writer.write(data)
                    await writer.drain()
        with contextlib.suppress(OSError, RuntimeError):
            if not self._silent:
                writer.write_eof()


@asynccontextmanager
async def a_cable(base: str) -> AsyncIterator[Cable]:
    """Lay a cable to a server; its own address is `base`."""
    cable = Cable(base)
    server = await asyncio.start_server(cable.accept, "127.0.0.1", 0)
    cable.base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield cable
    finally:
        server.close()
        cable.pull()
