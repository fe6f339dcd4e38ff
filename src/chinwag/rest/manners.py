"""What every request and every answer has: an id, CORS headers, a log line, a measure."""

from __future__ import annotations

import asyncio
import random
import time
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import unquote_to_bytes

from chinwag.errors import ApiError, Kinds
from chinwag.logs import logger
from chinwag.rest.cors import cors_lines
from chinwag.rest.envelope import last_answer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from chinwag.rest.meters import Meters

    Scope: TypeAlias = dict[str, Any]
    Receive: TypeAlias = Callable[[], Awaitable[dict[str, Any]]]
    Send: TypeAlias = Callable[[dict[str, Any]], Awaitable[None]]
    Application: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

_log = logger()

ROUTE = "chinwag.route"
"""Key of the ASGI scope under which the route that matched is noted, for the log line and the measure."""

ERROR = "chinwag.error"
"""Key of the ASGI scope under which the error that was presented is noted."""

LINES = "chinwag.lines"
"""Key of the ASGI scope under which the protocol takes header lines for the next answer."""

UPLOAD = "chinwag.upload"
"""Key of the ASGI scope under which the protocol is told that a body of so many bytes is welcome."""

RECEIVE = "chinwag.receive"
"""Key of the ASGI scope under which the body of the request is to be had."""


_PLAIN = frozenset(range(0x21, 0x7F)) - frozenset(b"%/?#\\")
"""Printable ASCII, except what has a meaning in a path, or in an address that is made from one."""


_bits = random.Random(random.SystemRandom().getrandbits(256)).getrandbits  # noqa: S311  # an id is no secret


def new_request_id() -> str:
    """Return an id for a request, of the original's form. It is in the answer's headers and in the log."""
    return f"RQ{_bits(128):032x}"


def manners(request_id: str, origin: bytes | None) -> bytes:
    """Return the header lines that every answer has."""
    return b"twilio-request-id: %b\r\n%b" % (request_id.encode(), cors_lines(origin))


def routable(raw_path: bytes) -> str:
    """Return a path with each segment decoded as far as routing needs, so that `%2F` never splits a segment.

    What is left encoded is what would change the meaning of the path, such as `%` and `/` themselves, and
    bytes that are not printable ASCII. Each segment is decoded the rest of the way by the endpoint, so in all
    exactly once.
    """
    path = raw_path.decode("ascii", "replace")
    if "%" not in path:
        return path
    return "/".join(_once(segment) for segment in path.split("/"))


def _once(segment: str) -> str:
    return "".join(chr(byte) if byte in _PLAIN else f"%{byte:02X}" for byte in unquote_to_bytes(segment))


async def _nothing_yet() -> dict[str, Any]:
    """Let Falcon begin. It would wait for the first piece of a body before it looks at anything, for ever."""
    return {"type": "http.request", "body": b"", "more_body": True}


async def _send_error(error: ApiError, send: Send) -> None:
    lines, body = last_answer(error)
    await send({"type": "http.response.start", "status": int(error.kind.status), "headers": lines})
    await send({"type": "http.response.body", "body": body})


class Manners:
    """An ASGI application around another one."""

    def __init__(self, application: Application, meters: Meters) -> None:
        self._application = application
        self._meters = meters

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; anything else goes straight through."""
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return

        began = time.perf_counter()
        request_id = new_request_id()
        origin = next((value for name, value in scope["headers"] if name == b"origin"), None)
        status = 0

        async def send_with_manners(message: dict[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                scope[LINES](manners(request_id, origin))
            await send(message)

        scope["path"] = routable(scope["raw_path"])
        scope[RECEIVE] = receive
        try:
            await self._application(scope, _nothing_yet, send_with_manners)
        except asyncio.CancelledError:  # the server stops, and its patience is over
            if status:
                raise
            scope[ERROR] = error = ApiError(Kinds.UNAVAILABLE, "the server is stopping")
            await _send_error(error, send_with_manners)
        finally:
            # Both lead back to the scope: a ring, which would be left to the garbage collector every time.
            del scope[RECEIVE]
            scope.pop(UPLOAD, None)

        seconds = time.perf_counter() - began
        route = scope.get(ROUTE, "unmatched")
        self._meters.answered(scope["method"], route, status, seconds)
        error = scope.get(ERROR)
        if error is not None:
            self._meters.refused(error.kind.code)
        _log.info(
            "request",
            request_id=request_id,
            method=scope["method"],
            path=scope["path"],
            status=status,
            ms=round(seconds * 1000, 2),
            **({"code": error.kind.code, "error": error.message, "detail": error.detail} if error else {}),
        )
