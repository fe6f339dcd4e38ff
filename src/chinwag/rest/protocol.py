"""HTTP on a connection, within bounds: uvicorn bounds neither the head of a request nor its arrival."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httptools
import structlog
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from chinwag import limits
from chinwag.errors import ApiError, Kinds
from chinwag.rest import envelope
from chinwag.rest.cors import cors_headers
from chinwag.rest.manners import new_request_id

if TYPE_CHECKING:
    import asyncio

_log = structlog.get_logger()


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's protocol with bounds on the head of a request, and the JSON envelope for what is not HTTP.

    A request line and headers take at most `limits.HEAD_BYTES` in `limits.HEADERS` lines, and arrive within
    `limits.HEAD_SECONDS` of their first byte (of the connection, for its first request).
    """

    _head_timer: asyncio.TimerHandle | None = None
    _head_bytes = 0
    _reading_head = True
    _refusal: ApiError | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first head."""
        super().connection_made(transport)
        self._time_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._head_arrived()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what has come, and see that a head that is not complete stays within its bounds."""
        if self._refusal is not None:
            return
        super().data_received(data)
        if not self._reading_head or self._refusal is not None:
            return
        self._head_bytes += len(data)
        if self._head_bytes > limits.HEAD_BYTES:
            self._refuse(ApiError(Kinds.HEAD_TOO_LARGE, f"at most {limits.HEAD_BYTES} bytes"))
        elif self._head_timer is None:
            self._time_head()

    def on_message_begin(self) -> None:
        """Begin a head."""
        super().on_message_begin()
        self._reading_head = True
        self._head_bytes = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        """Count a header line."""
        super().on_header(name, value)
        if len(self.headers) > limits.HEADERS:
            self._refusal = ApiError(Kinds.HEAD_TOO_LARGE, f"at most {limits.HEADERS} header lines")
            raise httptools.HttpParserError("too many header lines")

    def on_headers_complete(self) -> None:
        """The head is there: hand the request on, unless its size shows only now."""
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if size > limits.HEAD_BYTES:
            self._refusal = ApiError(Kinds.HEAD_TOO_LARGE, f"at most {limits.HEAD_BYTES} bytes")
            raise httptools.HttpParserError("head too large")
        self._head_arrived()
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer what cannot be parsed; uvicorn calls this."""
        refusal, self._refusal = self._refusal, None
        self._refuse(refusal or ApiError(Kinds.MALFORMED_REQUEST, msg))

    def _time_head(self) -> None:
        self._head_timer = self.loop.call_later(limits.HEAD_SECONDS, self._head_is_late)

    def _head_arrived(self) -> None:
        self._reading_head = False
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _head_is_late(self) -> None:
        self._head_timer = None
        if self._head_bytes or not self.cycle:
            self._refuse(ApiError(Kinds.REQUEST_TIMEOUT, f"no whole head within {limits.HEAD_SECONDS:.0f} s"))

    def _refuse(self, error: ApiError) -> None:
        """Answer with an error and close. Nothing more is read from this connection."""
        self._refusal = error
        self._head_arrived()
        if self.transport.is_closing():
            return
        if not self.cycle or self.cycle.response_complete:
            self.transport.write(_answer(error))
            _log.info(
                "refused", peer=self.client, code=error.kind.code, error=error.message, detail=error.detail
            )
        self.transport.close()


def _answer(error: ApiError) -> bytes:
    """Return a whole HTTP answer with the envelope of an error."""
    body = envelope.envelope(error)
    lines = [
        (b"content-type", b"application/json; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
        (b"twilio-request-id", new_request_id().encode()),
        *((name.encode(), value.encode()) for name, value in envelope.headers(error).items()),
        *cors_headers(None),
    ]
    head = b"".join(name + b": " + value + b"\r\n" for name, value in lines)
    return STATUS_LINE[int(error.kind.status)] + head + b"\r\n" + body
