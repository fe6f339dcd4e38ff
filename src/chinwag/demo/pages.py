"""`/demo`, over HTTP: the page, what it loads, and the tokens of those who open it."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import falcon
import falcon.asgi
import msgspec

from chinwag.domain.user import check_identity
from chinwag.errors import ApiError, Kinds
from chinwag.rest.body import read_body
from chinwag.rest.manners import ROUTE
from chinwag.rest.params import parse_form
from chinwag.rest.urls import PublicAddress

if TYPE_CHECKING:
    from chinwag.demo.visitors import Visitors

SDK = "twilio-chat.js"
"""Name under which the page loads the client library."""

TTL_SECONDS = 3600
"""How long a token is good for, in seconds, unless the page asks for less."""

LEAST_TTL_SECONDS = 10

_TYPES = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8"}


def _file(name: str) -> bytes:
    return files("chinwag.demo").joinpath(name).read_bytes()


class Page:
    """`GET /demo`: the page. It loads nothing that does not come from here, and runs nothing else."""

    def __init__(self, address: PublicAddress) -> None:
        self._address = address
        self._html = _file("page.html")

    async def on_get(self, request: falcon.asgi.Request, response: falcon.asgi.Response) -> None:
        """Answer with the page."""
        request.scope[ROUTE] = "/demo"
        here = PublicAddress().base(request.scope, request.get_header)
        ours = " ".join(sorted({here, self._address.base(request.scope, request.get_header)}))
        response.content_type = falcon.MEDIA_HTML
        response.set_header(
            "content-security-policy",
            "default-src 'none'; script-src 'self'; style-src 'self'; base-uri 'none'; form-action 'self'; "
            f"frame-ancestors 'none'; img-src 'self' data: blob: {ours}; "
            f"connect-src 'self' {ours} {' '.join(_sockets(here))}",
        )
        response.set_header("cache-control", "no-cache")
        response.data = self._html


def _sockets(here: str) -> tuple[str, str]:
    """Return the addresses of sockets on a host. Not every browser takes them for 'self'."""
    authority = _authority(here)
    return f"ws://{authority}", f"wss://{authority}"


class Asset:
    """`GET /demo/{name}`: a file that the page loads."""

    def __init__(self, bundle: bytes) -> None:
        self._files = {name: _file(name) for name in ("page.css", "script.js", "view.js")} | {SDK: bundle}

    async def on_get(self, request: falcon.asgi.Request, response: falcon.asgi.Response, name: str) -> None:
        """Answer with the file.

        Raises:
            HTTPNotFound: the page has no such file.
        """
        request.scope[ROUTE] = "/demo/{name}"
        if name not in self._files:
            raise falcon.HTTPNotFound
        response.content_type = _TYPES[name.rpartition(".")[2]]
        response.set_header("cache-control", "no-cache")
        response.data = self._files[name]


class Token:
    """`POST /demo/token`: an access token for the demo, for whoever asks from the page."""

    def __init__(self, visitors: Visitors, address: PublicAddress) -> None:
        self._visitors = visitors
        self._address = address

    async def on_post(self, request: falcon.asgi.Request, response: falcon.asgi.Response) -> None:
        """Answer with a token for the `Identity` that the form names, good for `Ttl` seconds.

        Raises:
            ApiError: an identity that nobody may have; `INVALID_PARAMETER` for such a `Ttl`.
        """
        request.scope[ROUTE] = "/demo/token"
        if not self._from_here(request):
            response.status = falcon.HTTP_FORBIDDEN
            response.content_type = falcon.MEDIA_TEXT
            response.text = "Only the demo page itself is given tokens.\n"
            return
        form = parse_form(await read_body(request))
        identity = form.get("Identity", [""])[0].strip()
        check_identity(identity)
        token = await self._visitors.token(identity, _ttl(form.get("Ttl", [str(TTL_SECONDS)])[0]))
        response.content_type = "application/json; charset=utf-8"
        response.set_header("cache-control", "no-store")
        response.data = msgspec.json.encode({"identity": identity, "token": token})

    def _from_here(self, request: falcon.asgi.Request) -> bool:
        """Return whether no page of another site asks. Every answer has CORS headers, so it could read it."""
        if request.get_header("Sec-Fetch-Site") not in {None, "same-origin", "none"}:
            return False
        origin = request.get_header("Origin")
        here = self._address.base(request.scope, request.get_header)
        return origin is None or _authority(origin) in {request.get_header("Host"), _authority(here)}


def _authority(address: str) -> str:
    return address.partition("://")[2]


def _ttl(text: str) -> int:
    if re.fullmatch(r"[0-9]{1,4}", text) is None or not LEAST_TTL_SECONDS <= int(text) <= TTL_SECONDS:
        raise ApiError(
            Kinds.INVALID_PARAMETER, f"from {LEAST_TTL_SECONDS} to {TTL_SECONDS} seconds", name="Ttl"
        )
    return int(text)


def add_demo(
    app: falcon.asgi.App[Any, Any], visitors: Visitors, address: PublicAddress, bundle: bytes
) -> None:
    """Put the demo beside the API.

    Args:
        app: where the API is.
        visitors: lets people in.
        address: of this server.
        bundle: the client library.
    """
    app.add_route("/demo", Page(address))
    app.add_route("/demo/token", Token(visitors, address))
    app.add_route("/demo/{name}", Asset(bundle))
