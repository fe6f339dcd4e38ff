"""One connection of HTTP/2: many requests at a time, and none that waits for the answer to another.

The frames are h2's, which is imported with this file: `http2_out` does so as the first request is made.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from h2.errors import ErrorCodes
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    RemoteSettingsChanged,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    WindowUpdated,
)
from h2.exceptions import H2Error

from chinwag.delivery.http2_frames import new_frames
from chinwag.delivery.http_out import Failure, Reply, SendError
from chinwag.delivery.tls_out import lost

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from h2.events import Event

IDLE_SECONDS = 60.0
"""How long a connection without a request is kept, in seconds."""


class NotProcessedError(Exception):
    """A request of which the other side has done nothing: it may be sent again, on another connection.

    Args:
        sent: whether any of it had gone out.
    """

    def __init__(self, *, sent: bool) -> None:
        super().__init__()
        self.sent = sent


@dataclass(slots=True, eq=False)
class _Exchange:
    """A request and its answer.

    Args:
        rest: what is still to be sent of the body.
        stream: 0 while it waits for its turn.
        heard: how much the connection had heard when the request was sent.
        kept: whether the connection had answered somebody by then.
    """

    headers: list[tuple[bytes, bytes]]
    rest: memoryview
    most_bytes: int
    answer: asyncio.Future[Reply]
    stream: int = 0
    heard: int = 0
    kept: bool = False
    status: int = 0
    content_type: str | None = None
    retry_after: str | None = None
    body: bytearray = field(default_factory=bytearray)

    def reply(self, address: str | None) -> Reply:
        return Reply(self.status, self.content_type, self.retry_after, bytes(self.body), address)


class Connection(asyncio.Protocol):
    """A connection. Requests beyond what the other side takes at a time wait, in order.

    Args:
        host: whom it is to, for messages.
        ended: called once, when there is no connection any more.
    """

    def __init__(self, host: str, ended: Callable[[Connection], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._host = host
        self._address: str | None = None
        self._ended = ended
        self._h2 = new_frames()
        self._transport: asyncio.Transport | None = None
        self._streams: dict[int, _Exchange] = {}
        self._waiting: deque[_Exchange] = deque()
        self._blocked: dict[int, _Exchange] = {}
        self._heard = 0
        self._heard_at = 0.0
        self._idle_since = 0.0
        self._idle_timer: asyncio.TimerHandle | None = None
        self._answered = False
        self._flushing = False
        self.takes_more = True
        self.ready: asyncio.Future[None] = self._loop.create_future()
        self.lost: asyncio.Future[None] = self._loop.create_future()

    @property
    def is_idle(self) -> bool:
        """Whether nothing is on its way."""
        return not self._streams and not self._waiting

    async def answer(self, headers: list[tuple[bytes, bytes]], body: bytes, most_bytes: int) -> Reply:
        """Send a request, and return its answer. Whoever is cancelled meanwhile leaves nothing behind.

        Args:
            headers: all of them, those of HTTP/2 first.
            body: of the request.
            most_bytes: of the body of the answer.

        Raises:
            NotProcessedError: it may be sent again.
            SendError: there is no whole answer.
        """
        if not self.takes_more:
            raise NotProcessedError(sent=False)
        exchange = _Exchange(headers, memoryview(body), most_bytes, self._loop.create_future())
        self._waiting.append(exchange)
        self._begin_waiting()
        try:
            return await exchange.answer
        except asyncio.CancelledError:
            self._abandon(exchange)
            raise

    def drop_if_silent(self, since: float) -> None:
        """End the connection if nothing at all has come since a moment.

        Args:
            since: of the loop's clock, in seconds.
        """
        if self._heard_at <= since:
            self.abort()

    def close(self) -> None:
        """End the connection, and say so to the other side."""
        self.takes_more = False
        if self._transport is not None and not self._transport.is_closing():
            self._h2.close_connection()
            self._flush()
            self._transport.close()

    def abort(self) -> None:
        """End the connection at once."""
        self.takes_more = False
        if self._transport is not None:
            self._transport.abort()

    # What asyncio tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet the other side. `ready` is done when it has greeted, too."""
        self._transport = cast("asyncio.Transport", transport)
        peer = transport.get_extra_info("peername")
        self._address = peer and peer[0]
        tls = cast("ssl.SSLObject", transport.get_extra_info("ssl_object"))
        if tls.selected_alpn_protocol() == "h2":
            self._h2.initiate_connection()
            self._flush()
        else:
            self._fail(SendError(Failure.PROTOCOL, "the other side does not speak HTTP/2"))
            self.abort()

    def data_received(self, data: bytes) -> None:
        """Take what the other side says."""
        self._flush()  # h2 forgets what is not written when it hears a farewell
        self._heard += 1
        self._heard_at = self._loop.time()
        try:
            for event in self._h2.receive_data(data):
                self._take(event)
        except H2Error:
            self._fail(SendError(Failure.PROTOCOL, "the other side does not keep to HTTP/2"))
            self._flush()
            self.abort()
        else:
            self._flush_soon()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell everybody who waits."""
        self._fail(lost(exc, self._host))
        if self._idle_timer is not None:
            self._idle_timer.cancel()
        self.lost.set_result(None)
        self._ended(self)

    # What the other side tells

    def _take(self, event: Event) -> None:
        match event:
            case ResponseReceived():
                self._take_headers(event)
            case DataReceived():
                self._take_data(event)
            case StreamEnded():
                self._take_end(event)
            case StreamReset():
                self._take_reset(event)
            case WindowUpdated():
                self._unblock()
            case RemoteSettingsChanged():
                self._take_settings()
            case ConnectionTerminated():
                self._take_farewell(event)
            case _:
                pass

    def _take_headers(self, event: ResponseReceived) -> None:
        exchange = self._streams.get(event.stream_id)
        if exchange is None:
            return
        headers = dict(event.headers)
        exchange.content_type = _text(headers.get(b"content-type"))
        exchange.retry_after = _text(headers.get(b"retry-after"))
        status = headers.get(b":status", b"")
        if len(status) == 3 and status.isdigit():  # noqa: PLR2004  # digits
            exchange.status = int(status)
        else:
            self._break_off(exchange, Failure.PROTOCOL, "the answer has no status")

    def _take_data(self, event: DataReceived) -> None:
        exchange = self._streams.get(event.stream_id)
        self._h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        if exchange is None:
            return
        exchange.body += event.data
        if len(exchange.body) > exchange.most_bytes:
            detail = f"the body of the answer is larger than {exchange.most_bytes} bytes"
            self._break_off(exchange, Failure.TOO_LARGE, detail)

    def _take_end(self, event: StreamEnded) -> None:
        exchange = self._streams.get(event.stream_id)
        if exchange is None:
            return
        if exchange.rest:
            self._reset(exchange)  # the answer is there: nobody wants the rest of the request
        self._answered = True
        self._settle(exchange, exchange.reply(self._address))

    def _take_reset(self, event: StreamReset) -> None:
        exchange = self._streams.get(event.stream_id)
        if exchange is None:
            return
        if not event.remote_reset:
            self._settle(exchange, SendError(Failure.PROTOCOL, "the answer does not keep to HTTP/2"))
        elif event.error_code == ErrorCodes.REFUSED_STREAM:
            self._settle(exchange, NotProcessedError(sent=True))
        else:
            self._settle(exchange, lost(None, self._host))

    def _take_settings(self) -> None:
        if not self.ready.done():
            self.ready.set_result(None)
            self._rest_if_idle()
        self._unblock()
        self._begin_waiting()

    def _take_farewell(self, event: ConnectionTerminated) -> None:
        """Ask nothing more. What the other side has begun, it may still answer."""
        self.takes_more = False
        while self._waiting:
            self._settle(self._waiting.popleft(), NotProcessedError(sent=False))
        last = event.last_stream_id or 0
        for exchange in [each for stream, each in self._streams.items() if stream > last]:
            self._settle(exchange, NotProcessedError(sent=True))
        self._rest_if_idle()

    # Requests

    def _begin_waiting(self) -> None:
        while self._waiting and len(self._streams) < self._h2.remote_settings.max_concurrent_streams:
            self._begin(self._waiting.popleft())

    def _begin(self, exchange: _Exchange) -> None:
        try:
            exchange.stream = self._h2.get_next_available_stream_id()
            self._h2.send_headers(exchange.stream, exchange.headers, end_stream=not exchange.rest)
        except H2Error:  # the numbers of streams are used up, for one
            self.takes_more = False
            self._settle(exchange, NotProcessedError(sent=False))
            return
        exchange.heard = self._heard
        exchange.kept = self._answered
        self._streams[exchange.stream] = exchange
        if exchange.rest:
            self._send_body(exchange)
        self._flush_soon()

    def _send_body(self, exchange: _Exchange) -> None:
        """Send as much of a body as the other side takes now."""
        while exchange.rest:
            window = self._h2.local_flow_control_window(exchange.stream)
            size = min(window, self._h2.max_outbound_frame_size)
            if size <= 0:
                self._blocked[exchange.stream] = exchange
                return
            piece, exchange.rest = exchange.rest[:size], exchange.rest[size:]
            self._h2.send_data(exchange.stream, piece, end_stream=not exchange.rest)
        self._blocked.pop(exchange.stream, None)

    def _unblock(self) -> None:
        for exchange in list(self._blocked.values()):
            self._send_body(exchange)

    def _abandon(self, exchange: _Exchange) -> None:
        if exchange.stream in self._streams:
            self._reset(exchange)
            self._leave(exchange)
            self._flush_soon()
        elif not exchange.stream and exchange in self._waiting:
            self._waiting.remove(exchange)
            self._rest_if_idle()

    def _break_off(self, exchange: _Exchange, failure: Failure, detail: str) -> None:
        self._reset(exchange)
        self._settle(exchange, SendError(failure, detail))

    def _reset(self, exchange: _Exchange) -> None:
        try:
            self._h2.reset_stream(exchange.stream, ErrorCodes.CANCEL)
        except H2Error:
            return  # it has ended already

    def _settle(self, exchange: _Exchange, outcome: Reply | Exception) -> None:
        if exchange.answer.done():
            pass  # whoever waited is not there any more
        elif isinstance(outcome, Reply):
            exchange.answer.set_result(outcome)
        else:
            exchange.answer.set_exception(outcome)
        self._leave(exchange)

    def _leave(self, exchange: _Exchange) -> None:
        """Give the place of a request to the next."""
        self._blocked.pop(exchange.stream, None)
        if self._streams.pop(exchange.stream, None) is not None:
            self._begin_waiting()
            self._rest_if_idle()

    def _fail(self, error: SendError) -> None:
        """Tell everybody who waits that there will be no answer."""
        self.takes_more = False
        again = error.failure is Failure.DISCONNECTED
        waiting, self._waiting = self._waiting, deque()
        for exchange in waiting:
            self._settle(exchange, NotProcessedError(sent=False) if again else error)
        streams, self._streams = self._streams, {}
        for exchange in streams.values():
            # It was kept for too long if nothing came of all that was sent since: nobody has read it.
            unread = again and exchange.kept and exchange.heard == self._heard
            self._settle(exchange, NotProcessedError(sent=True) if unread else error)
        if not self.ready.done():
            self.ready.set_exception(error)
            self.ready.exception()  # nobody need wait for it

    # Idle connections, and what is still to be written

    def _rest_if_idle(self) -> None:
        if not self.is_idle:
            return
        if not self.takes_more:
            self._loop.call_soon(self.close)  # after what is still to be written
            return
        self._idle_since = self._loop.time()
        if self._idle_timer is None:
            self._idle_timer = self._loop.call_later(IDLE_SECONDS, self._close_if_idle)

    def _close_if_idle(self) -> None:
        self._idle_timer = None
        if not self.is_idle:
            return
        left = self._idle_since + IDLE_SECONDS - self._loop.time()
        if left > 0:
            self._idle_timer = self._loop.call_later(left, self._close_if_idle)
        else:
            self.close()

    def _flush_soon(self) -> None:
        """Write at the end of this turn of the loop: requests that come together go out together."""
        if not self._flushing:
            self._flushing = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flushing = False
        written = self._h2.data_to_send()
        if written and self._transport is not None and not self._transport.is_closing():
            self._transport.write(written)


def _text(header: bytes | None) -> str | None:
    return None if header is None else header.decode(errors="replace")
