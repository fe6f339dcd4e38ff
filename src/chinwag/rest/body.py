"""Reading the body of a request, within bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chinwag import limits
from chinwag.errors import ApiError, Kinds
from chinwag.rest.manners import RECEIVE

if TYPE_CHECKING:
    import falcon.asgi

    from chinwag.rest.manners import Receive

DRAINED = 4 * limits.BODY_BYTES
"""A body that is too large is still read up to here, in bytes, so that its sender is there to read the
answer."""


async def read_body(request: falcon.asgi.Request) -> bytes:
    """Return the whole body.

    Raises:
        ApiError: `BODY_TOO_LARGE`, by its announced length before it is read, or as soon as it grows too
            large; `MALFORMED_REQUEST` when the client leaves, or is sent away, before its end.
    """
    announced = request.content_length or 0
    if announced > DRAINED:
        raise _too_large()
    body = await _arrived(request.scope[RECEIVE])
    if len(body) > limits.BODY_BYTES:
        raise _too_large()
    return body


async def _arrived(receive: Receive) -> bytes:
    """Return what arrives, up to and including the piece with which it is more than `DRAINED`."""
    body = bytearray()
    more = True
    while more and len(body) <= DRAINED:
        message = await receive()
        if message["type"] == "http.disconnect":
            # Half a body may well be a whole form: what it says must not be done.
            raise ApiError(Kinds.MALFORMED_REQUEST, "the client left before the end of the body")
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return bytes(body)


def _too_large() -> ApiError:
    return ApiError(Kinds.BODY_TOO_LARGE, f"at most {limits.BODY_BYTES} bytes")
