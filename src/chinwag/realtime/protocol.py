"""WebSockets on a connection: uvicorn's protocol, without ASGI behind it.

A queue, a task and a pause in reading for each message, as ASGI needs them, cost more than what we do with
most messages, and memory for each connection: docs/decisions/0006-sockets-without-asgi.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import msgspec
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.datastructures import Headers
from websockets.http11 import Response
from websockets.protocol import State

from chinwag.errors import ApiError
from chinwag.logs import logger
from chinwag.realtime.acknowledgements import Acknowledgements
from chinwag.realtime.endpoint import SocketSession, error_body

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from websockets.frames import Frame
    from websockets.http11 import Request

    from chinwag.realtime.realtime import Realtime

CLOSE_SECONDS = 10.0
"""How long a connection may take to end, in seconds."""

_TEXT = 1003

_REASON_BYTES = 123
"""What a close frame has room for (RFC 6455, 5.5)."""


_log = logger()


class Strangers(Protocol):
    """The connections of which nobody knows whose they are. There may be only so many."""

    def came(self, transport: asyncio.Transport) -> None:
        """Take note of one."""
        ...

    def left(self, transport: asyncio.Transport) -> None:
        """Take note of one that is known, or asks to be, or is over."""
        ...


class SocketProtocol(WebSocketsSansIOProtocol):
    """A WebSocket connection. It is what `chinwag.realtime.client.Socket` asks for."""

    path: ClassVar[bytes] = b"/v3/wsconnect"
    """Where sockets are. Offers of a WebSocket elsewhere are not taken up."""

    here: ClassVar[Realtime]
    base: ClassVar[Callable[[dict[str, Any]], str]]
    address: ClassVar[Callable[[dict[str, Any]], str]]
    strangers: ClassVar[Strangers]

    _untaken: list[bytes] | None = None
    """What has come and waits for a turn."""

    _holds = False
    """Whether nothing more is read because of that."""

    _session: SocketSession | None = None
    _frames: Acknowledgements | None = None
    _was_closed = False

    def handle_connect(self, event: Request) -> None:
        """Accept the handshake, or refuse it."""
        response = self.conn.accept(event)
        self.handshake_complete = True
        base, scope = "", self._scope(event)
        try:
            base = type(self).base(scope)
        except ApiError as error:
            _log.info("socket refused", error=error.message, detail=error.detail, peer=self.client)
            response = _refusal(error)
        self.conn.send_response(response)
        self.transport.write(b"".join(self.conn.data_to_send()))
        if response.status_code != 101:  # noqa: PLR2004  # switching protocols
            self.close_sent = True
            self.transport.close()
            return
        self._session = SocketSession(self.here, base, type(self).address(scope), self)
        self._session.begin()
        self._frames = Acknowledgements()
        self.start_keepalive()

    def data_received(self, data: bytes) -> None:
        """Take what has come, without the acknowledgements in it."""
        if self._frames is not None:
            for piece in self._frames.wanted(data):
                self._take(piece)
        else:
            self._take(data)

    def _take(self, data: bytes) -> None:
        if self._untaken is not None:
            self._untaken.append(data)
        elif self.here.turns.has_time():
            super().data_received(data)
        else:
            self._untaken = [data]
            self._holds = not self.read_paused
            self.pause()
            self.here.turns.wait(self._take_what_waits)

    def _take_what_waits(self) -> None:
        waiting, self._untaken = self._untaken or [], None
        if self._holds:
            self.resume()
        was_outside = self._frames is None
        for nth, data in enumerate(waiting):
            if self.disconnected:
                return
            if was_outside and nth:  # it is behind the handshake, so nobody has looked for frames in it
                self.data_received(data)
            else:
                super().data_received(data)

    def send_receive_event_to_app(self) -> None:
        """Hand a message on."""
        data = self.frames[0] if len(self.frames) == 1 else b"".join(self.frames)
        self.frames = []
        if self._session is None or self.close_sent:
            return
        if self.curr_msg_data_type == "text":
            self.refuse(_TEXT, "send binary messages")
        else:
            self._session.received(data)

    def handle_close(self, event: Frame) -> None:
        """Note that the peer goes of its own will."""
        self._was_closed = True
        super().handle_close(event)
        self._end_soon()

    def handle_parser_exception(self) -> None:
        """End a connection whose bytes are no WebSocket."""
        super().handle_parser_exception()
        self._end_soon()

    def keepalive_timeout(self) -> None:
        """End a connection whose peer does not answer."""
        super().keepalive_timeout()
        self._end_soon()

    def connection_lost(self, exc: Exception | None) -> None:
        """End the session."""
        super().connection_lost(exc)
        self.conn.parser.close()  # a ring, which only the garbage collector would undo, and that late
        self.strangers.left(self.transport)
        if self._session is not None:
            self._session.ended(lost=not self._was_closed)
            self._session = None

    def shutdown(self) -> None:
        """End the connection because the server stops. One that is ending already is not told again."""
        if self.conn.state is State.OPEN:
            super().shutdown()
        else:
            self.stop_keepalive()
            self.transport.close()

    def write(self, data: bytes) -> None:
        """Send messages that are framed already. Nothing may follow the end of a WebSocket."""
        if not self.transport.is_closing() and not self.close_sent:
            self.transport.write(data)

    def buffered(self) -> int:
        """Return how many bytes have not been taken by the network."""
        return self.transport.get_write_buffer_size()

    def abort(self) -> None:
        """End the connection at once, without a word."""
        self.transport.abort()

    def refuse(self, code: int, reason: str) -> None:
        """Close the WebSocket and say why.

        Args:
            code: of RFC 6455, 7.4.
            reason: what was wrong. There is room for 123 bytes of it.
        """
        if self.conn.state is State.OPEN and not self.close_sent and not self.transport.is_closing():
            self.conn.send_close(code, reason.encode()[:_REASON_BYTES].decode(errors="ignore"))
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.close_sent = True
            self._end_soon()

    def is_stranger(self, *, yes: bool) -> None:
        """Take note of whether nobody knows, and nobody is being asked, whose connection this is."""
        if not yes:
            self.strangers.left(self.transport)
        elif not self.transport.is_closing():
            self.strangers.came(self.transport)

    def _end_soon(self) -> None:
        """Cut the connection if it does not end by itself: whoever does not read would hold it for ever."""
        if self.close_timer is None and not self.disconnected:
            self.close_timer = self.loop.call_later(CLOSE_SECONDS, self.transport.abort)

    def pause(self) -> None:
        """Read nothing more for now."""
        if not self.read_paused and not self.transport.is_closing():
            self.read_paused = True
            self.transport.pause_reading()

    def resume(self) -> None:
        """Read on, as soon as what has come already had its turn."""
        if self._untaken is not None:
            self._holds = True
        elif self.read_paused and not self.transport.is_closing():
            self.read_paused = False
            self.transport.resume_reading()

    async def room(self) -> None:
        """Wait until most of what was written has been taken."""
        while not self.writable.is_set():  # who waited before us may have used it up
            await self.writable.wait()

    def _scope(self, event: Request) -> dict[str, Any]:
        """Return what the base of addresses is found from, as in ASGI."""
        return {
            "scheme": self.scheme,
            "server": self.server,
            "client": self.client,
            "headers": [(name.encode(), value.encode()) for name, value in event.headers.raw_items()],
        }


def socket_protocol(
    here: Realtime,
    base: Callable[[dict[str, Any]], str],
    address: Callable[[dict[str, Any]], str],
    strangers: Strangers,
) -> type[SocketProtocol]:
    """Return the protocol of a server's sockets.

    Args:
        here: what they share.
        base: returns the base of addresses for a connection, as the client reached us.
        address: returns the address from which the client of a connection comes.
        strangers: those that have not logged in.
    """
    known = {
        "here": here,
        "base": staticmethod(base),
        "address": staticmethod(address),
        "strangers": strangers,
    }
    return type("SocketsHere", (SocketProtocol,), known)


def _refusal(error: ApiError) -> Response:
    body = msgspec.json.encode(error_body(error))
    headers = Headers(
        [
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(body))),
            ("Connection", "close"),
        ]
    )
    return Response(int(error.kind.status), error.kind.status.phrase, headers, body)
