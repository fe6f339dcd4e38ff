"""Files in messages on the wire: uploading them, and fetching them again. They stand beside the REST API.

`X-Twilio-Token` says who asks. Temporary addresses need no header: they are signed, and expire.
Source: sdk-wire.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

import msgspec
from msgspec import Struct

from chinwag import commands, limits
from chinwag.domain.caller import Caller
from chinwag.domain.lookup import service_named
from chinwag.domain.media import AddMedia, FinishMedia, Media, RemoveMedia, media_seen
from chinwag.errors import ApiError, Kinds
from chinwag.ids import parse_sid
from chinwag.logs import logger
from chinwag.rest.body import read_body
from chinwag.rest.download import send_content
from chinwag.rest.manners import ROUTE
from chinwag.rest.upload import begun_upload

if TYPE_CHECKING:
    import falcon.asgi
    from falcon.asgi import Request, Response

    from chinwag.auth.links import Links
    from chinwag.auth.token_header import TokenAuthentication
    from chinwag.commands import World
    from chinwag.domain.media import Contents
    from chinwag.ids import Millis
    from chinwag.rest.upload import Upload
    from chinwag.rest.urls import PublicAddress

_log = logger()

_SERVICE = "/media/v1/Services/{service_sid}"
_FILES = f"{_SERVICE}/Media"
_FILE = f"{_FILES}/{{media_sid}}"

_CATEGORY = re.compile(rf"[\w.-]{{1,{limits.MEDIA_CATEGORY}}}")

_CONTENT_SECONDS = 300
"""How long a client may keep a content that it fetched with a token, in seconds."""


@dataclass(frozen=True, slots=True)
class MediaSurroundings:
    """What media need from the rest of the server.

    Args:
        world: where changes happen.
        contents: where the files are.
        tokens: knows users by their access tokens.
        links: signs temporary addresses.
        address: how clients reach us.
        most: bytes that a file may have.
    """

    world: World
    contents: Contents
    tokens: TokenAuthentication
    links: Links
    address: PublicAddress
    most: int


class _Wanted(Struct):
    media_sid: str


class _Set(Struct):
    """What `MediaSet` is asked."""

    command: Literal["get"]
    wanted: list[_Wanted] = msgspec.field(name="list")


class _Endpoint:
    """A path, as Falcon wants it."""

    path: str

    def __init__(self, around: MediaSurroundings) -> None:
        self._around = around

    async def on_options(self, _request: Request, response: Response, **_: str) -> None:
        """Answer a preflight: the headers that matter are on every answer."""
        response.data = b""

    async def _caller(self, request: Request, service_sid: str) -> tuple[Caller, str]:
        """Return who asks, and the SID of the service.

        Raises:
            ApiError: a refusal of the token; `NOT_FOUND` for a service that it is not for.
        """
        request.scope[ROUTE] = self.path
        sid = parse_sid("IS", service_sid)
        if sid is None:
            raise _nowhere(request)
        address = self._around.address.client(request.scope, request.get_header)
        return await self._around.tokens.caller(request.get_header("X-Twilio-Token"), sid, address), sid

    async def _seen(self, request: Request, caller: Caller, service_sid: str, media_sid: str) -> Media:
        """Return the file that a path names, if the caller may have it.

        Raises:
            ApiError: `NOT_FOUND`.
        """
        sid = parse_sid("ME", media_sid)
        if sid is None:
            raise _nowhere(request)
        try:
            async with self._around.world.store.reading() as tx:
                return await media_seen(tx, caller, await service_named(tx, caller, service_sid), sid)
        except ApiError as error:
            if error.kind is Kinds.MEDIA_NOT_FOUND:
                raise _nowhere(request) from None
            raise

    def _present(self, request: Request, caller: Caller, service_sid: str, media: Media) -> dict[str, object]:
        """Return a file as the wire has it, with a temporary address for whoever asks."""
        base = self._around.address.base(request.scope, request.get_header)
        path = _FILE.format(service_sid=service_sid, media_sid=media.sid)
        link = self._around.links.sign(f"{path}/Temporary/{caller.account_sid}")
        return {
            "sid": media.sid,
            "service_sid": service_sid,
            "channel_sid": media.channel_sid,
            "message_sid": media.message_sid,
            "date_created": _moment(media.date_created),
            "date_updated": _moment(media.date_updated),
            "date_upload_updated": _moment(media.date_created),
            "size": media.size,
            "content_type": media.content_type,
            "filename": media.filename,
            "category": media.category,
            "author": media.author,
            "is_multipart_upstream": False,
            "url": base + path,
            "links": {"content": f"{base}{path}/Content", "content_direct_temporary": base + link},
        }


class Uploads(_Endpoint):
    """`POST …/Media`: a file comes."""

    path = _FILES

    async def on_post(self, request: Request, response: Response, service_sid: str) -> None:
        """Keep it, and answer once it is durable."""
        response.set_header("Connection", "close")  # in case that we do not wait for the end of the file
        caller, service_sid = await self._caller(request, service_sid)
        upload = await begun_upload(request, self._around.most)
        category = request.get_param("Category") or ""
        begun = AddMedia(
            service_sid=service_sid,
            content_type=upload.content_type,
            filename=upload.filename,
            category=category if _CATEGORY.fullmatch(category) else "media",
        )
        media = await commands.run(begun, caller, self._around.world)
        try:
            kept = await self._kept(caller, service_sid, media, upload)
        except BaseException:
            await asyncio.shield(self._given_up(caller, service_sid, media))
            raise
        response.delete_header("Connection")
        response.status = 201
        _answer(response, self._present(request, caller, service_sid, kept))

    async def _kept(self, caller: Caller, service_sid: str, media: Media, upload: Upload) -> Media:
        await self._around.contents.keep(media.sid, upload.pieces())
        finished = FinishMedia(service_sid=service_sid, sid=media.sid, size=upload.size)
        return await commands.run(finished, caller, self._around.world.uncounted)

    async def _given_up(self, caller: Caller, service_sid: str, media: Media) -> None:
        """Remove the beginning of a file: its row first. What cannot be removed now is swept away later."""
        try:
            await commands.run(
                RemoveMedia(service_sid=service_sid, sid=media.sid), caller, self._around.world.uncounted
            )
            await self._around.contents.remove(media.sid)
        except ApiError as error:
            _log.warning("cannot remove the beginning of a file", sid=media.sid, error=error.detail)


class Files(_Endpoint):
    """`GET …/Media/{sid}`: what is known of a file, with a fresh temporary address."""

    path = _FILE

    async def on_get(self, request: Request, response: Response, service_sid: str, media_sid: str) -> None:
        """Answer."""
        caller, service_sid = await self._caller(request, service_sid)
        media = await self._seen(request, caller, service_sid, media_sid)
        _answer(response, self._present(request, caller, service_sid, media))


class FileContents(_Endpoint):
    """`GET …/Media/{sid}/Content`: the file itself, with a token."""

    path = f"{_FILE}/Content"

    async def on_get(self, request: Request, response: Response, service_sid: str, media_sid: str) -> None:
        """Answer."""
        caller, service_sid = await self._caller(request, service_sid)
        media = await self._seen(request, caller, service_sid, media_sid)
        await send_content(request, response, media, self._around.contents, seconds=_CONTENT_SECONDS)

    on_head = on_get


class TemporaryContents(_Endpoint):
    """`GET …/Media/{sid}/Temporary/{account_sid}`: the file itself, for whoever has the address."""

    path = f"{_FILE}/Temporary/{{account_sid}}"

    async def on_get(self, request: Request, response: Response, **names: str) -> None:
        """Answer."""
        request.scope[ROUTE] = self.path
        path = self.path.format_map({name: quote(value, safe="") for name, value in names.items()})
        expires, signature = request.get_param("Expires") or "", request.get_param("Signature") or ""
        seconds = self._around.links.seconds_left(path, expires, signature)
        if seconds == 0:
            raise ApiError(Kinds.ACCESS_DENIED, "this address has expired, or is none: ask for another")

        async with self._around.world.store.reading() as tx:
            account = await tx.accounts.get(names["account_sid"])
        if account is None:
            raise _nowhere(request)
        caller = Caller(account_id=account.id, account_sid=account.sid)
        media = await self._seen(request, caller, names["service_sid"], names["media_sid"])
        await send_content(request, response, media, self._around.contents, seconds=seconds)

    on_head = on_get


class Sets(_Endpoint):
    """`POST …/MediaSet`: what is known of several files."""

    path = f"{_SERVICE}/MediaSet"

    async def on_post(self, request: Request, response: Response, service_sid: str) -> None:
        """Answer with each, in the order in which they are asked for, or with 404 in its place."""
        caller, service_sid = await self._caller(request, service_sid)
        try:
            wanted = msgspec.json.decode(await read_body(request), type=_Set).wanted
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise ApiError(Kinds.INVALID_PARAMETER, str(error), name="command") from None
        if len(wanted) > limits.MEDIA_SET:
            raise ApiError(Kinds.INVALID_PARAMETER, f"at most {limits.MEDIA_SET}", name="list")
        _answer(
            response,
            [await self._entry(request, caller, service_sid, entry.media_sid) for entry in wanted],
        )

    async def _entry(
        self, request: Request, caller: Caller, service_sid: str, media_sid: str
    ) -> dict[str, object]:
        try:
            media = await self._seen(request, caller, service_sid, media_sid)
        except ApiError as error:
            if error.kind is not Kinds.NOT_FOUND:
                raise
            return {"code": 404, "media_record": {"sid": media_sid}}
        return {"code": 200, "media_record": self._present(request, caller, service_sid, media)}


def add_media_routes(app: falcon.asgi.App[Any, Any], around: MediaSurroundings) -> None:
    """Add the routes of media to an application."""
    for endpoint in (Uploads, Files, FileContents, TemporaryContents, Sets):
        app.add_route(endpoint.path, endpoint(around))


def _answer(response: Response, answer: object) -> None:
    response.content_type = "application/json; charset=utf-8"
    response.data = msgspec.json.encode(answer)


def _moment(moment: Millis) -> str:
    """Return a moment with milliseconds, as client SDKs have it."""
    return datetime.fromtimestamp(moment / 1000, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def _nowhere(request: Request) -> ApiError:
    return ApiError(Kinds.NOT_FOUND, path=request.path)
