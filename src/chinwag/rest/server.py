"""The REST API as an ASGI application: Falcon for the routes, and around it what every answer has.

Manners (request id, CORS, log line, measure) → Falcon (route, method) → Endpoint (who, where, what) →
operation
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import falcon
import falcon.asgi
import msgspec
from msgspec.structs import replace

from chinwag import limits
from chinwag.errors import ApiError, Kinds
from chinwag.logs import logger
from chinwag.rest import envelope
from chinwag.rest.body import read_body
from chinwag.rest.call import Call, Conventions
from chinwag.rest.manners import ERROR, ROUTE
from chinwag.rest.params import parse_form
from chinwag.rest.routes import OWN_ROUTES, ROUTES, Route
from chinwag.rest.version import OWN, Version

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from chinwag.auth.basic import BasicAuthentication
    from chinwag.commands import World
    from chinwag.domain.caller import Caller
    from chinwag.rates import Requests
    from chinwag.rest.params import Form
    from chinwag.rest.urls import PublicAddress

_log = logger()

_OF_A_BODY = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND})
"""The statuses of what is wrong with a body: not found may be something that it names, such as a file."""

WEBHOOK_HEADER = "X-Twilio-Webhook-Enabled"
"""With `true`, webhooks are told of what a request does. Source: webhook-events."""

KEY_HEADER = "Idempotency-Key"
"""What a client repeats that does not know whether its request arrived. Source: decided (as the draft of
the IETF of that name has it)."""

_JSON = "application/json; charset=utf-8"
_FORM = "application/x-www-form-urlencoded"
_AS_IT_IS = frozenset({"", "identity"})


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the REST API needs from the rest of the server."""

    world: World
    authentication: BasicAuthentication
    address: PublicAddress
    conventions: Conventions
    requests: Requests | None = None


class Endpoint:
    """One path of the route table, as Falcon wants it: a responder for each method."""

    def __init__(
        self, routes: Sequence[Route], template: str, version: Version, around: Surroundings
    ) -> None:
        for route in routes:
            setattr(self, f"on_{route.method.lower()}", _responder(route, template, version, around))

    async def on_options(
        self, _request: falcon.asgi.Request, response: falcon.asgi.Response, **_: str
    ) -> None:
        """Answer a preflight: the headers that matter are on every answer."""
        response.data = b""


def _responder(
    route: Route, template: str, version: Version, around: Surroundings
) -> Callable[..., Awaitable[None]]:
    """Return what Falcon calls for a route."""

    async def respond(request: falcon.asgi.Request, response: falcon.asgi.Response, **names: str) -> None:
        request.scope[ROUTE] = template
        caller = await _caller(request, around)
        if route.webhook_header and _is_true(request.get_header(WEBHOOK_HEADER)):
            caller = replace(caller, tells_webhooks=True)
        call = Call(
            world=around.world,
            caller=caller,
            version=version,
            base=around.address.base(request.scope, request.get_header),
            path=request.path,
            names={name: _decoded(segment) for name, segment in names.items()},
            conventions=around.conventions,
        )
        try:
            if route.makes:
                call.key = _key(request.get_header(KEY_HEADER))
            call.query = parse_form(request.scope["query_string"])
            if route.takes is not None:
                form = await _form(request, response)
                if (hint := route.takes.hint(form, version)) is not None:
                    response.set_header(envelope.DETAIL_HEADER, envelope.inert(hint))
                call.form, call.fields = form, route.takes.read(form, version)
            elif route.method != "GET":
                await read_body(request)  # what is not used is bounded, and waited for, all the same
            answer = await route.operation(call)
        except ApiError as error:
            if error.kind.status in _OF_A_BODY and route.within is not None:
                await route.within(call)  # what the path names is judged before what the body says
            raise

        response.status = route.status
        if answer is not None:
            response.content_type = _JSON
            response.data = msgspec.json.encode(answer)

    return respond


async def _caller(request: falcon.asgi.Request, around: Surroundings) -> Caller:
    """Return who asks.

    Raises:
        ApiError: `AUTHENTICATE`; `TOO_MANY_REQUESTS`.
    """
    address = around.address.client(request.scope, request.get_header)
    caller = await around.authentication.caller(request.get_header("Authorization"), address)
    if around.requests is not None:
        around.requests.count(caller.account_id)
    return caller


def _key(text: str | None) -> str | None:
    """Return the key of a request that may be repeated, if it has one.

    Raises:
        ApiError: `INVALID_PARAMETER`.
    """
    if text is None:
        return None
    if not 0 < len(text) <= limits.KEY_CHARACTERS or not (text.isascii() and text.isprintable()):
        detail = f"1 to {limits.KEY_CHARACTERS} printable ASCII characters"
        raise ApiError(Kinds.INVALID_PARAMETER, detail, name=KEY_HEADER)
    return text


def _is_true(text: str | None) -> bool:
    return text is not None and text.strip().lower() == "true"


def _decoded(segment: str) -> str:
    """Return a segment of a path as text. What is not UTF-8, or holds a NUL, names nothing that can exist."""
    if "%" not in segment:
        return segment
    try:
        text = unquote(segment, errors="strict")
    except UnicodeDecodeError:
        raise falcon.HTTPNotFound from None
    if "\0" in text:
        raise falcon.HTTPNotFound
    return text


async def _form(request: falcon.asgi.Request, response: falcon.asgi.Response) -> Form:
    """Return the parameters in a body; a body of another kind has none. Source: recorded-responses.

    Raises:
        ApiError: `BODY_TOO_LARGE`; `INVALID_BODY` for one that is packed, which is never unpacked; and what
            `parse_form` raises.
    """
    body = await read_body(request)
    coding = request.get_header("Content-Encoding")
    if coding is not None and coding.strip().lower() not in _AS_IT_IS:
        raise ApiError(Kinds.INVALID_BODY, f"Content-Encoding: {coding} is not read: send the body as it is")
    kind = (request.content_type or _FORM).partition(";")[0].strip().lower()
    if kind == _FORM:
        return parse_form(body)
    if body:
        response.set_header(
            envelope.DETAIL_HEADER, envelope.inert(f"the body is {kind}, which is not read: send {_FORM}")
        )
    return {}


def _present(request: falcon.asgi.Request, response: falcon.asgi.Response, error: ApiError) -> None:
    error.detail = error.detail or response.get_header(envelope.DETAIL_HEADER)
    response.status = int(error.kind.status)
    response.content_type = _JSON
    response.data = envelope.envelope(error)
    response.set_headers(envelope.headers(error))
    if error.kind is Kinds.BODY_TOO_LARGE:
        response.set_header("connection", "close")
    request.scope[ERROR] = error


async def _refused(
    request: falcon.asgi.Request, response: falcon.asgi.Response, error: ApiError, _names: dict[str, str]
) -> None:
    """Present what a rule raised."""
    _present(request, response, envelope.addressed(error, _unversioned(request.path)))


async def _unrouted(
    request: falcon.asgi.Request,
    response: falcon.asgi.Response,
    error: falcon.HTTPError,
    _names: dict[str, str],
) -> None:
    """Present what Falcon raised: no such path, or no such method on it."""
    known = request.method in falcon.HTTP_METHODS
    kind = envelope.kind_of_status(error.status_code) if known else Kinds.METHOD_NOT_ALLOWED
    detail = "no route of this release: /docs lists them all" if kind is Kinds.NOT_FOUND else None
    _present(request, response, ApiError(kind, detail, path=_unversioned(request.path)))
    if kind is Kinds.METHOD_NOT_ALLOWED and error.headers:
        response.set_headers(dict(error.headers))


async def _broken(
    request: falcon.asgi.Request, response: falcon.asgi.Response, error: Exception, _names: dict[str, str]
) -> None:
    """Present a mistake of ours, and log it once."""
    _log.error("request failed", method=request.method, path=request.path, exc_info=error)
    _present(request, response, ApiError(Kinds.INTERNAL))


def _unversioned(path: str) -> str:
    """Return a path as error messages name it: without the version. Source: recorded-responses."""
    for version in Version:
        if path.startswith(version.path + "/"):
            return path.removeprefix(version.path)
    return path


def rest_app(around: Surroundings) -> falcon.asgi.App[Any, Any]:
    """Return the REST API."""
    app: falcon.asgi.App[Any, Any] = falcon.asgi.App()
    app.router_options.converters.clear()
    app.req_options.strip_url_path_trailing_slash = True
    app.add_error_handler(Exception, _broken)
    app.add_error_handler(falcon.HTTPError, _unrouted)
    app.add_error_handler(ApiError, _refused)
    for version in Version:
        _add(app, [route for route in ROUTES if route.since <= version], version.path, version, around)
    _add(app, OWN_ROUTES, OWN, max(Version), around)
    return app


def _add(
    app: falcon.asgi.App[Any, Any],
    routes: Iterable[Route],
    prefix: str,
    version: Version,
    around: Surroundings,
) -> None:
    """Add routes below a prefix."""
    by_path: dict[str, list[Route]] = {}
    for route in routes:
        by_path.setdefault(prefix + route.path, []).append(route)
    for path, together in by_path.items():
        app.add_route(path, Endpoint(together, path, version, around))
