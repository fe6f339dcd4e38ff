"""Sending a file that somebody uploaded: in pieces, and so that it can do nothing where it comes from.

Source: decided.
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from chinwag.rest.manners import RECEIVE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from falcon.asgi import Request, Response

    from chinwag.domain.media import Contents, Media
    from chinwag.rest.manners import Receive

_INERT = re.compile(
    r"(?:image/(?:apng|avif|bmp|gif|heic|heif|jpeg|png|tiff|webp)|audio/[\w.+-]+|video/[\w.+-]+|text/plain)"
    r"(?:\s*;.*)?",
    re.IGNORECASE | re.ASCII,
)
"""What a browser may show by itself. All else is saved: HTML, SVG and PDF run scripts, and who knows."""

_SAFETY = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; img-src 'self'; media-src 'self'; "
    "style-src 'unsafe-inline'; sandbox",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Referrer-Policy": "no-referrer",
}

_RANGE = re.compile(r"bytes=([0-9]{0,15})-([0-9]{0,15})")


async def send_content(
    request: Request, response: Response, media: Media, contents: Contents, *, seconds: int
) -> None:
    """Answer with the content of a file, or with the range of it that is asked for.

    Args:
        request: GET or HEAD.
        response: what is answered.
        media: the file.
        contents: where it is kept.
        seconds: for how long the client may keep the answer.

    Raises:
        ApiError: `UNAVAILABLE`.
    """
    tag = f'"{media.sid}"'
    response.set_headers(_SAFETY)
    response.set_header("Cache-Control", f"private, max-age={seconds}")
    response.set_header("ETag", tag)
    if tag in (request.get_header("If-None-Match") or ""):
        response.status = 304
        return

    start, end = 0, media.size
    found = _range(request.get_header("Range"), media.size)
    if found is not None and request.get_header("If-Range") in {None, tag}:
        start, end = found
        response.status = 206
        response.set_header("Content-Range", f"bytes {start}-{end - 1}/{media.size}")
    response.set_header("Accept-Ranges", "bytes")
    response.set_header("Content-Disposition", disposition(media))
    response.content_type = media.content_type
    response.content_length = end - start
    if request.method != "HEAD":
        pieces = await contents.pieces(media.sid, start, end)
        response.stream = _while_wanted(request.scope[RECEIVE], pieces)


def disposition(media: Media) -> str:
    """Return whether a browser shows a file or saves it, and under which name (RFC 6266)."""
    kind = "inline" if _INERT.fullmatch(media.content_type) else "attachment"
    if media.filename is None:
        return kind
    plain = re.sub(r'[^\x20-\x7e]|["\\%]', "_", media.filename)
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(media.filename, safe='')}"


def _range(header: str | None, size: int) -> tuple[int, int] | None:
    """Return the bytes that are asked for, from and without; None for all of them.

    Several ranges, and what is no range of this file, are answered with all of it, as they may be.
    """
    found = _RANGE.fullmatch((header or "").replace(" ", ""))
    if found is None or found.groups() == ("", ""):
        return None
    first, last = found.groups()
    if first == "":
        start, end = max(0, size - int(last)), size
    else:
        start, end = int(first), min(size, int(last) + 1) if last else size
    return (start, end) if start < end else None


async def _while_wanted(receive: Receive, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Return the pieces, until the client has left."""
    gone = asyncio.ensure_future(_left(receive))
    try:
        async for piece in pieces:
            if gone.done():
                return
            yield piece
    finally:
        gone.cancel()


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
