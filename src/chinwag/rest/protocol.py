"""HTTP on a connection, within bounds: uvicorn bounds neither the head of a request nor its arrival."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from chinwag import limits
from chinwag.errors import ApiError, Kinds
from chinwag.logs import logger
from chinwag.rest import envelope
from chinwag.rest.body import DRAINED
from chinwag.rest.guest import GuestProtocol, TurnedAway
from chinwag.rest.manners import LINES, UPLOAD, manners, new_request_id
from chinwag.rest.transport import OneWrite

if TYPE_CHECKING:
    import asyncio

    from chinwag.rest.room import Entrance

_log = logger()

_VERSIONS = frozenset({"1.0", "1.1"})

_MOST_BEHIND_HEAD = 2 * DRAINED
"""Most bytes behind a head, body, chunk sizes, trailers and all: the parser itself would go on for ever."""

_TURNED_AWAY: Any = TurnedAway()

_LINGER_SECONDS = 1.0
"""How long a client that was refused may go on sending, in seconds. What it sends is not looked at."""


@dataclass(slots=True)
class _Upload:
    """A body that may be large, and may take as long as it goes on.

    Args:
        most: bytes of it.
        heard: when something of it came last, by the clock of the loop.
        until: when all of it must have come.
    """

    most: int
    heard: float
    until: float


class BoundedProtocol(GuestProtocol):
    """uvicorn's protocol with bounds on the head of a request, and the JSON envelope for what is not HTTP.

    A request line and headers take at most `limits.HEAD_BYTES` in `limits.HEADERS` lines, and arrive within
    `limits.HEAD_SECONDS` of their first byte (of the connection, for its first request); the body arrives
    within `limits.BODY_SECONDS` of its head. What is refused here is answered in its turn, after the requests
    before it, and ends the connection. A request for which there is no room is answered at its head, and the
    connection rests for a moment.

    An application that wants a larger body says so, under the key `UPLOAD` of the scope: such a body may
    pause for `limits.UPLOAD_IDLE_SECONDS` and take `limits.UPLOAD_SECONDS` in all.
    """

    _timer: asyncio.TimerHandle | None = None
    _reading_head = True
    _reading_body = False
    _head_bytes = 0
    _body_bytes = 0
    _upload: _Upload | None = None
    _refusal: ApiError | None = None
    _is_socket = False
    _lingers = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first head."""
        super().connection_made(transport)
        self._bare = transport
        self._one_write = OneWrite(transport, self._close, self.loop)
        self.transport = self._one_write  # type: ignore[assignment]  # all that uvicorn asks of it
        self._timer = self.loop.call_later(limits.HEAD_SECONDS, self._head_is_late)
        self.strangers.came(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop_timing()
        super().connection_lost(exc)
        self._one_write.let_go()

    def data_received(self, data: bytes) -> None:
        """Parse what has come, and see that it stays within its bounds."""
        if self._refusal is not None or self._lingers:
            return
        if self._reading_head:
            self._head_bytes += len(data)
        else:
            self._body_bytes += len(data)
        try:
            self._feed(data)
        except httptools.HttpParserError as error:
            cause = error.__context__
            self._refuse(
                cause if isinstance(cause, ApiError) else ApiError(Kinds.MALFORMED_REQUEST, str(error))
            )
            return
        if self._is_socket:
            return
        if self._reading_head and self._head_bytes > limits.HEAD_BYTES:
            self._refuse(ApiError(Kinds.HEAD_TOO_LARGE, f"at most {limits.HEAD_BYTES} bytes"))
        elif self._body_bytes > (self._upload.most if self._upload else _MOST_BEHIND_HEAD):
            self._refuse(ApiError(Kinds.BODY_TOO_LARGE, f"{self._body_bytes} bytes and more"))
        else:
            self._go_on_timing()

    def _go_on_timing(self) -> None:
        if self._upload is not None:
            self._upload.heard = self.loop.time()
        elif self._timer is None and self._reading_head:
            self._timer = self.loop.call_later(limits.HEAD_SECONDS, self._head_is_late)
        elif self._timer is None and self._reading_body:
            self._timer = self.loop.call_later(limits.BODY_SECONDS, self._body_is_late)
            if not self.cycle.response_complete:
                self.room.sends(self)

    def on_message_begin(self) -> None:
        """Begin a head."""
        # Not earlier, as uvicorn does: a stray byte must not keep an idle connection for ever.
        self._unset_keepalive_if_required()
        super().on_message_begin()
        if not self._reading_head:
            self._reading_head = True
            self._head_bytes = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        """Count a header line. A trailer is none: it must not pass for a header that a proxy let through."""
        if self._reading_head:
            if len(self.headers) == limits.HEADERS:
                raise ApiError(Kinds.HEAD_TOO_LARGE, f"at most {limits.HEADERS} header lines")
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is there: hand the request on."""
        if self._lingers:
            return  # its client was told that nothing more is answered
        self._check_head()
        if self._offers_upgrade():
            return
        self._stop_timing()
        if len(self.tasks) >= self.room.most and self._is_one_too_many():
            self._turn_away()
            return
        self.scope[LINES] = self._one_write.add  # type: ignore[typeddict-unknown-key]
        self.scope[UPLOAD] = partial(self._expect_upload, self.scope)  # type: ignore[typeddict-unknown-key]
        super().on_headers_complete()
        self._begin_body()
        if self._unread is not None:
            self._note_who_waits()

    def _check_head(self) -> None:
        size, hosts = len(self.url), 0
        for name, value in self.headers:
            size += len(name) + len(value) + 4
            if name == b"host":
                hosts += 1
        if size > limits.HEAD_BYTES:
            raise ApiError(Kinds.HEAD_TOO_LARGE, f"at most {limits.HEAD_BYTES} bytes")
        if self.parser.get_http_version() not in _VERSIONS:
            raise ApiError(Kinds.MALFORMED_REQUEST, "the version of HTTP must be 1.1 or 1.0")
        if hosts > 1:
            raise ApiError(Kinds.MALFORMED_REQUEST, "more than one Host header")
        if len(self.pipeline) >= limits.PIPELINED:
            raise ApiError(Kinds.MALFORMED_REQUEST, f"at most {limits.PIPELINED} requests before an answer")
        if self.parser.get_method() == b"CONNECT":
            raise ApiError(Kinds.MALFORMED_REQUEST, "CONNECT is for proxies")

    def _begin_body(self) -> None:
        self._reading_head = False
        self._reading_body = True
        self._body_bytes = 0
        self._upload = None

    def on_message_complete(self) -> None:
        """The whole request is there."""
        if self._offers_upgrade():
            return
        self._reading_body = False
        if self._upload is not None:
            self._upload, self._body_bytes = None, 0
        if self._timer is not None:  # the body did not come with its head
            self._note_who_waits()
            self._stop_timing()
        if not self._is_known and not self.cycle.response_complete:
            self.strangers.left(self._bare)  # as long as it is being answered
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Go on with the next request, or with the refusal that waits behind the last one."""
        self.room.ends()
        self._one_write.end()
        was_last = not self.pipeline
        if not self._is_known and was_last:
            self._get_to_know()
        super().on_response_complete()
        if was_last and (self._reading_body or self._unread is not None):
            self._note_who_waits()
        if was_last and self._refusal is not None:
            self._answer_and_close(self._refusal)

    def _feed(self, data: bytes) -> None:
        """Parse.

        The parser takes what follows an offer to upgrade for the other protocol. We take up that of a
        WebSocket where there are some. Any other leaves the request as it is, body and all: so it is parsed
        again without the offer (RFC 9110, 7.8).
        """
        left = memoryview(data)
        while True:
            try:
                self.parser.feed_data(left)
            except httptools.HttpParserUpgrade as offer:
                left = left[offer.args[0] :]
                if self._asks_for_socket():
                    self._become_socket(left)
                    return
                head = self._head_without_offer()
                self.parser = httptools.HttpRequestParser(self)
                self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
                self.parser.feed_data(head)
            else:
                return

    def _offers_upgrade(self) -> bool:
        return self.parser.should_upgrade() and any(name == b"upgrade" for name, _ in self.headers)

    def _asks_for_socket(self) -> bool:
        """Return whether a client opens a WebSocket where there are some, and nothing else is under way."""
        if self._lingers or self.pipeline or (self.cycle and not self.cycle.response_complete):
            return False
        path: bytes = getattr(self.ws_protocol_class, "path", b"")
        if self.url.partition(b"?")[0].rstrip(b"/") != path or self.parser.get_method() != b"GET":
            return False
        return [value.lower() for name, value in self.headers if name == b"upgrade"] == [b"websocket"]

    def _become_socket(self, left: memoryview) -> None:
        """Hand the connection, with the request and what came behind it, to the protocol of WebSockets."""
        self._is_socket = True
        self._one_write.flush()
        self._is_read()
        self.room.left(self)
        self.flow.resume_reading()
        self._stop_timing()
        self._unset_keepalive_if_required()
        self.connections.discard(self)
        assert self.ws_protocol_class is not None, "a server has sockets"
        make_protocol: Any = self.ws_protocol_class  # typed as any protocol; it is one of uvicorn's
        protocol = make_protocol(config=self.config, server_state=self.server_state, app_state=self.app_state)
        lines = [name + b": " + value + b"\r\n" for name, value in self.headers]
        protocol.connection_made(self._bare)
        self._bare.set_protocol(protocol)
        protocol.data_received(b"GET %b HTTP/1.1\r\n%b\r\n" % (self.url, b"".join(lines)))
        if left:
            protocol.data_received(bytes(left))
        # These point back at this protocol, and would keep it for as long as the socket lives, and longer.
        del self.parser, self.transport, self._one_write

    def _head_without_offer(self) -> bytes:
        version = self.parser.get_http_version().encode()
        lines = [name + b": " + value + b"\r\n" for name, value in self.headers if name != b"upgrade"]
        return b"%b %b HTTP/%b\r\n%b\r\n" % (self.parser.get_method(), self.url, version, b"".join(lines))

    def _expect_upload(self, scope: object, most: int) -> None:
        """Take a larger body for a request, of up to `most` bytes; what frames them may be as much again."""
        if scope is not self.scope or not self._reading_body:
            return  # it is there, whole, and the next one is being read
        now = self.loop.time()
        self._stop_timing()
        self._upload = _Upload(2 * (most + DRAINED), heard=now, until=now + limits.UPLOAD_SECONDS)
        self._timer = self.loop.call_later(limits.UPLOAD_IDLE_SECONDS, self._upload_may_be_late)

    def _upload_may_be_late(self) -> None:
        self._timer = None
        upload, now = self._upload, self.loop.time()
        assert upload is not None, "this timer ends with the upload"
        if self.flow.read_paused:
            upload.heard = now  # it is we who keep the client waiting
        wait = min(upload.heard + limits.UPLOAD_IDLE_SECONDS, upload.until) - now
        if wait > 0:
            self._timer = self.loop.call_later(wait, self._upload_may_be_late)
        else:
            self._refuse(ApiError(Kinds.REQUEST_TIMEOUT, "the upload pauses, or takes too long"))

    def _stop_timing(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _head_is_late(self) -> None:
        if not self._head_bytes and not self.cycle:
            # A connection made in advance: an answer would pass for that to its first request.
            self.transport.close()
        else:
            self._refuse(ApiError(Kinds.REQUEST_TIMEOUT, f"no whole head within {limits.HEAD_SECONDS:.0f} s"))

    def _body_is_late(self) -> None:
        self._timer = None
        self._refuse(ApiError(Kinds.REQUEST_TIMEOUT, f"no whole body within {limits.BODY_SECONDS:.0f} s"))

    def _refuse(self, error: ApiError) -> None:
        """Answer with an error, in its turn, and close. Nothing more is read from this connection."""
        self._refusal = error
        self._stop_timing()
        if self._reading_body and self.cycle.response_started:
            self.transport.close()  # what is refused has been answered already
        elif self._reading_body and self.pipeline:
            self.pipeline.popleft()  # the request whose body this is; those before it are answered first
        elif self._reading_body:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
            self._answer_and_close(error)
        elif not self.cycle or self.cycle.response_complete:
            self._answer_and_close(error)

    def _answer_and_close(self, error: ApiError) -> None:
        if self.transport.is_closing():
            return
        request_id = new_request_id()
        _log.info(
            "refused",
            request_id=request_id,
            peer=self.client,
            code=error.kind.code,
            error=error.message,
            detail=error.detail,
        )
        origin = next((value for name, value in self.headers or () if name == b"origin"), None)
        self._one_write.add(b"")  # what waits there was for an answer that is not written any more
        self.transport.write(_answer(error, request_id, origin))
        self._linger()

    def _turn_away(self) -> None:
        """Answer a request whose head is there with a refusal, and read nothing more for a moment."""
        # The answer to HEAD has no body: with one, a connection that goes on would be out of step.
        goes_on = self.parser.should_keep_alive() and self.parser.get_method() != b"HEAD"
        last = self.expect_100_continue or not goes_on
        origin = next((value for name, value in self.headers if name == b"origin"), None)
        self._one_write.flush()
        self._bare.write(self.room.refusal(origin, last=last))
        self.cycle = _TURNED_AWAY
        self._begin_body()
        if last:
            self._linger()
            return
        if not self.flow.read_paused:
            self.flow.pause_reading()
            self.room.rest(self)
        self.timeout_keep_alive_task = self.loop.call_later(
            self.timeout_keep_alive, self.timeout_keep_alive_handler
        )

    def _close(self) -> None:
        """Close, but let a client that is still sending read what it was answered."""
        if self._reading_body and self.cycle.response_complete and not self._lingers:
            self._linger()
        else:
            self._bare.close()

    def _linger(self) -> None:
        """Say that no more will come, and close a little later.

        To close with something unread is to reset the connection: the client might never see the answer.
        """
        self._lingers = True
        self._stop_timing()
        self._one_write.flush()
        self.flow.resume_reading()
        self._bare.write_eof()
        self.loop.call_later(_LINGER_SECONDS, self._bare.close)


def bounded_protocol(entrance: Entrance) -> type[BoundedProtocol]:
    """Return the protocol of a server's connections."""
    return type("HttpHere", (BoundedProtocol,), {"room": entrance.room, "strangers": entrance.strangers})


def _answer(error: ApiError, request_id: str, origin: bytes | None) -> bytes:
    """Return a whole HTTP answer with the envelope of an error."""
    given, body = envelope.last_answer(error)
    head = b"".join(name + b": " + value + b"\r\n" for name, value in given)
    return STATUS_LINE[int(error.kind.status)] + head + manners(request_id, origin) + b"\r\n" + body
