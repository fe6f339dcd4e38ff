"""HTTP on a connection, within bounds: uvicorn bounds neither the head of a request nor its arrival."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from chinwag import limits
from chinwag.errors import ApiError, Kinds
from chinwag.logs import logger
from chinwag.rest import envelope
from chinwag.rest.body import DRAINED
from chinwag.rest.manners import LINES, manners, new_request_id
from chinwag.rest.transport import OneWrite

if TYPE_CHECKING:
    import asyncio

_log = logger()

_VERSIONS = frozenset({"1.0", "1.1"})

_MOST_BEHIND_HEAD = 2 * DRAINED
"""Most bytes behind a head, body, chunk sizes, trailers and all: the parser itself would go on for ever."""

_LINGER_SECONDS = 1.0
"""How long a client that was refused may go on sending, in seconds. What it sends is not looked at."""


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's protocol with bounds on the head of a request, and the JSON envelope for what is not HTTP.

    A request line and headers take at most `limits.HEAD_BYTES` in `limits.HEADERS` lines, and arrive within
    `limits.HEAD_SECONDS` of their first byte (of the connection, for its first request); the body arrives
    within `limits.BODY_SECONDS` of its head. What is refused here is answered in its turn, after the requests
    before it, and ends the connection.
    """

    _timer: asyncio.TimerHandle | None = None
    _reading_head = True
    _reading_body = False
    _head_bytes = 0
    _body_bytes = 0
    _refusal: ApiError | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first head."""
        super().connection_made(transport)
        self._one_write = OneWrite(transport)
        self.transport = self._one_write  # type: ignore[assignment]  # all that uvicorn asks of it
        self._timer = self.loop.call_later(limits.HEAD_SECONDS, self._head_is_late)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop_timing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what has come, and see that it stays within its bounds."""
        if self._refusal is not None:
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
        if self._reading_head and self._head_bytes > limits.HEAD_BYTES:
            self._refuse(ApiError(Kinds.HEAD_TOO_LARGE, f"at most {limits.HEAD_BYTES} bytes"))
        elif self._body_bytes > _MOST_BEHIND_HEAD:
            self._refuse(ApiError(Kinds.BODY_TOO_LARGE, f"at most {limits.BODY_BYTES} bytes"))
        elif self._timer is None and self._reading_head:
            self._timer = self.loop.call_later(limits.HEAD_SECONDS, self._head_is_late)
        elif self._timer is None and self._reading_body:
            self._timer = self.loop.call_later(limits.BODY_SECONDS, self._body_is_late)

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
        if self._offers_upgrade():
            return
        self._stop_timing()
        self.scope[LINES] = self._one_write.add  # type: ignore[typeddict-unknown-key]
        super().on_headers_complete()
        self._reading_head = False
        self._reading_body = True
        self._body_bytes = 0

    def on_message_complete(self) -> None:
        """The whole request is there."""
        if self._offers_upgrade():
            return
        self._reading_body = False
        self._stop_timing()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Go on with the next request, or with the refusal that waits behind the last one."""
        self._one_write.flush()
        was_last = not self.pipeline
        super().on_response_complete()
        if was_last and self._refusal is not None:
            self._answer_and_close(self._refusal)

    def _feed(self, data: bytes) -> None:
        """Parse.

        The parser takes what follows an offer to upgrade for the other protocol. We take up none, which
        leaves the request as it is, body and all: so it is parsed again without the offer (RFC 9110, 7.8).
        """
        left = memoryview(data)
        while True:
            try:
                self.parser.feed_data(left)
            except httptools.HttpParserUpgrade as offer:
                left = left[offer.args[0] :]
                head = self._head_without_offer()
                self.parser = httptools.HttpRequestParser(self)
                self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
                self.parser.feed_data(head)
            else:
                return

    def _offers_upgrade(self) -> bool:
        return self.parser.should_upgrade() and any(name == b"upgrade" for name, _ in self.headers)

    def _head_without_offer(self) -> bytes:
        version = self.parser.get_http_version().encode()
        lines = [name + b": " + value + b"\r\n" for name, value in self.headers if name != b"upgrade"]
        return b"%b %b HTTP/%b\r\n%b\r\n" % (self.parser.get_method(), self.url, version, b"".join(lines))

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
        # To close with something unread is to reset the connection: the client might never see the answer.
        self.flow.resume_reading()
        self.transport.write_eof()
        self.loop.call_later(_LINGER_SECONDS, self.transport.close)


def _answer(error: ApiError, request_id: str, origin: bytes | None) -> bytes:
    """Return a whole HTTP answer with the envelope of an error."""
    given, body = envelope.last_answer(error)
    head = b"".join(name + b": " + value + b"\r\n" for name, value in given)
    return STATUS_LINE[int(error.kind.status)] + head + manners(request_id, origin) + b"\r\n" + body
