"""Reading the body of a request, within bounds."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from chinwag import limits
from chinwag.errors import ApiError, Kinds

if TYPE_CHECKING:
    import falcon.asgi

DRAINED = 4 * limits.BODY_BYTES
"""A body that is too large is still read up to here, in bytes, so that its sender is there to read the
answer."""


async def read_body(request: falcon.asgi.Request) -> bytes:
    """Return the whole body.

    Raises:
        ApiError: `BODY_TOO_LARGE`, by its announced length before it is read, or as soon as it grows too
        large;
            `REQUEST_TIMEOUT` when it does not arrive within `limits.BODY_SECONDS`.
    """
    announced = request.content_length or 0
    if announced > DRAINED:
        raise _too_large()
    try:
        async with asyncio.timeout(limits.BODY_SECONDS):
            body = await request.stream.read(DRAINED + 1)
    except TimeoutError:
        raise ApiError(Kinds.REQUEST_TIMEOUT, f"no whole body within {limits.BODY_SECONDS:.0f} s") from None
    if len(body) > limits.BODY_BYTES:
        raise _too_large()
    return body


def _too_large() -> ApiError:
    return ApiError(Kinds.BODY_TOO_LARGE, f"at most {limits.BODY_BYTES} bytes")
