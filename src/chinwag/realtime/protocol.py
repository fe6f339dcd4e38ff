"""WebSockets on a connection: uvicorn's protocol, and past it a way to write what is framed already."""

from __future__ import annotations

from typing import TYPE_CHECKING

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from chinwag.realtime.endpoint import SOCKET

if TYPE_CHECKING:
    from websockets.frames import Frame
    from websockets.http11 import Request


class SocketProtocol(WebSocketsSansIOProtocol):
    """A WebSocket connection. It is what `chinwag.realtime.client.Socket` asks for.

    Attributes:
        was_closed: whether the peer has said that it closes, so that it was not lost.
    """

    was_closed = False

    def handle_connect(self, event: Request) -> None:
        """Begin: let the application find this connection."""
        super().handle_connect(event)
        if self.handshake_complete:  # refused
            return
        self.scope[SOCKET] = self  # type: ignore[typeddict-unknown-key]

    def handle_close(self, event: Frame) -> None:
        """Note that the peer goes of its own will."""
        self.was_closed = True
        super().handle_close(event)

    def write(self, data: bytes) -> None:
        """Send messages that are framed already."""
        if not self.transport.is_closing():
            self.transport.write(data)

    def buffered(self) -> int:
        """Return how many bytes have not been taken by the network."""
        return self.transport.get_write_buffer_size()

    def abort(self) -> None:
        """End the connection at once, without a word."""
        self.transport.abort()

    async def room(self) -> None:
        """Wait until most of what was written has been taken."""
        await self.writable.wait()
