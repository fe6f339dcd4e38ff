"""Reading a file that somebody uploads: the whole body of a request, or one part of a form in it.

Source: sdk-wire.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import falcon
from falcon.errors import DelimiterError
from falcon.media.multipart import MultipartFormHandler

from chinwag import limits
from chinwag.errors import ApiError, Kinds
from chinwag.rest.body import DRAINED
from chinwag.rest.manners import RECEIVE, UPLOAD

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from falcon.asgi import Request

    from chinwag.rest.manners import Receive

FORM = "multipart/form-data"

_FRAME = DRAINED
"""Most bytes of a form besides the file."""

BYTES = "application/octet-stream"

_SUFFIX = 16
"""Most characters of a suffix that a long name keeps."""

_TOKEN = r"[\w!#$&^.+-]+"  # noqa: S105  # a word of HTTP, no secret
_CONTENT_TYPE = re.compile(rf'{_TOKEN}/{_TOKEN}(?: *; *{_TOKEN}=(?:{_TOKEN}|"[^"\\]*"))*', re.ASCII)

_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""What cannot be seen in a name, or turns the direction in which it is read: `exe.gpj` from the back."""


@dataclass(slots=True)
class Upload:
    """A file that begins to come.

    Args:
        content_type: as the client says, if it can be one.
        filename: as the client says, without a path; None without one.
        source: its pieces.
        most: bytes that it may have.
        size: bytes that came so far.
    """

    content_type: str
    filename: str | None
    source: AsyncIterator[bytes]
    most: int
    size: int = 0

    async def pieces(self) -> AsyncIterator[bytes]:
        """Return what comes.

        Raises:
            ApiError: `BODY_TOO_LARGE`, as soon as it is; `MALFORMED_REQUEST` when the client leaves before
                the end, or the form is none.
        """
        try:
            async for piece in self.source:
                self.size += len(piece)
                if self.size > self.most:
                    raise _too_large(self.most)
                if piece:
                    yield piece
        except (DelimiterError, falcon.HTTPError) as error:
            raise _no_form(error) from None


async def begun_upload(request: Request, most: int) -> Upload:
    """Return the file that a request begins to bring, of at most `most` bytes. Its sender is known by now.

    Raises:
        ApiError: `BODY_TOO_LARGE` by its announced length; `MALFORMED_REQUEST` for a form without a file.
    """
    kind = request.content_type or BYTES
    in_form = kind.partition(";")[0].strip().lower() == FORM
    if (request.content_length or 0) > most + (_FRAME if in_form else 0):
        raise _too_large(most)
    request.scope[UPLOAD](most + _FRAME)
    body = _arriving(request.scope[RECEIVE])
    named = safe_filename(request.get_param("Filename"))
    if not in_form:
        return Upload(safe_content_type(kind), named, body, most)
    return await _in_form(kind, named, body, most)


async def _in_form(kind: str, named: str | None, body: AsyncIterator[bytes], most: int) -> Upload:
    """Return the file in a form: the part with a name of a file, or with a type that is not that of words."""
    try:
        form: Any = await MultipartFormHandler().deserialize_async(body, kind, None)  # type: ignore[arg-type]  # the reader takes any pieces
        parts = aiter(form)
        async for part in parts:
            if _is_file(part):
                break
        else:
            raise ApiError(Kinds.MALFORMED_REQUEST, f"{FORM} without a file")
        content_type, filename = safe_content_type(part.content_type), safe_filename(part.filename)
    except (DelimiterError, falcon.HTTPError, ValueError) as error:
        raise _no_form(error) from None

    async def source() -> AsyncIterator[bytes]:
        async for piece in part.stream:
            yield piece
        async for other in parts:  # to the end of the form: without it, more of the file may be missing
            if _is_file(other):
                raise ApiError(Kinds.MALFORMED_REQUEST, f"{FORM} with two files: send one at a time")

    return Upload(content_type, named or filename, source(), most)


def _is_file(part: Any) -> bool:  # noqa: ANN401  # of Falcon, whose types do not say
    return part.filename is not None or part.content_type.partition(";")[0] != "text/plain"


async def _arriving(receive: Receive) -> AsyncIterator[bytes]:
    """Return the body of a request as it comes."""
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ApiError(Kinds.MALFORMED_REQUEST, "the client left before the end of the file")
        more = message.get("more_body", False)
        yield message.get("body", b"")


def safe_filename(name: str | None) -> str | None:
    """Return a name as it may be shown and saved: without a path or what cannot be seen, and not too long."""
    if name is None:
        return None
    last = re.split(r"[/\\]", _UNSEEN.sub("", name))[-1].strip().strip(".")
    if len(last) <= limits.MEDIA_FILENAME:
        return last or None
    stem, dot, suffix = last.rpartition(".")
    if not dot or len(suffix) > _SUFFIX:
        return last[: limits.MEDIA_FILENAME]
    return stem[: limits.MEDIA_FILENAME - len(suffix) - 1] + dot + suffix


def safe_content_type(text: str) -> str:
    """Return a content type, or that of any bytes for what is none."""
    text = text.strip()
    if len(text) > limits.MEDIA_CONTENT_TYPE or _CONTENT_TYPE.fullmatch(text) is None:
        return BYTES
    return text


def _too_large(most: int) -> ApiError:
    return ApiError(Kinds.BODY_TOO_LARGE, f"a file has at most {most} bytes")


def _no_form(error: Exception) -> ApiError:
    said = getattr(error, "description", None) or str(error)
    return ApiError(Kinds.MALFORMED_REQUEST, f"no {FORM}: {said}")
