"""The one client for every request that this server makes on its own: webhooks and push.

It is aiohttp's, which is imported as the first request is made. A URL is sent as it is written, because it is
signed as it is written, with these exceptions:

- Characters outside ASCII are percent-encoded as UTF-8 in path and query; a host gets its `xn--` form.
- A fragment is not sent, an empty path is `/`, and a `?` with nothing behind it goes.
- User and password become an `Authorization` header, unless the request has one.

`Host` has host and port as they are written, even the usual port.
"""

from __future__ import annotations

import asyncio
import base64
import os
import re
import socket
import ssl
from dataclasses import dataclass
from enum import StrEnum
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote, unquote_to_bytes

from msgspec import Struct

from chinwag.delivery.guard import ForbiddenTargetError, Lookup, read_target, system_addresses

if TYPE_CHECKING:
    from aiohttp import ClientHandlerType, ClientRequest, ClientResponse, ClientSession
    from aiohttp.abc import AbstractResolver, ResolveResult
    from aiohttp.connector import Connection
    from yarl import URL

    from chinwag.delivery.guard import AddressGuard, Resolve, Target

KEPT_SECONDS = 1.5
"""How long a connection without a request is kept, in seconds. Node closes it after five, and what is sent
just then is lost."""

_ASCII = "".join(map(chr, range(0x21, 0x7F)))
_WORDS = re.compile(r"[\w ]*", re.ASCII)


class Failure(StrEnum):
    """Why there is no answer."""

    FORBIDDEN = "forbidden"
    NAME = "name not resolved"
    CONNECT = "not connected"
    TLS = "tls"
    IDENTITY = "client certificate not accepted"
    TIMEOUT = "timeout"
    DISCONNECTED = "disconnected"
    PROTOCOL = "not http"
    TOO_LARGE = "too large"


class SendError(Exception):
    """A request that has no whole answer.

    Args:
        failure: why.
        detail: one line for a developer, without anything secret, and nothing that the other side wrote.
    """

    def __init__(self, failure: Failure, detail: str) -> None:
        super().__init__(f"{failure}: {detail}")
        self.failure = failure
        self.detail = detail


class Reply(Struct, frozen=True):
    """A whole answer, whatever its status: a redirect is one, too.

    Args:
        status: of HTTP.
        content_type: the header.
        retry_after: the header.
        body: as it came: compressed, if the other side insists on that.
        address: of the machine that answered.
    """

    status: int
    content_type: str | None
    retry_after: str | None
    body: bytes
    address: str | None


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    target: Target
    headers: dict[str, str]
    body: bytes | None
    most_bytes: int


class HttpOut:
    """Sends requests to others, if the guard allows it. How many at a time is for callers to bound.

    Args:
        guard: judges the URL, the addresses of its name, and once more the address that is connected to.
        resolve: finds the addresses of a name; called in threads.
    """

    def __init__(self, guard: AddressGuard, resolve: Resolve = system_addresses) -> None:
        self._guard = guard
        self._resolver = _Resolver(Lookup(guard, resolve))
        self._kept: ClientSession | None = None

    async def send(
        self,
        method: str,
        url: str,
        *,
        headers: dict[str, str],
        body: bytes | None = None,
        seconds: float,
        most_bytes: int,
    ) -> Reply:
        """Send a request and return the answer.

        It is sent once more, on a new connection, only if it went out on a kept one that the other side turns
        out to have closed.

        Args:
            method: of HTTP.
            url: where to; the top of this file says what is changed in it.
            headers: all of the request but `Host`, `Accept`, `Accept-Encoding` and `Content-Length`.
            body: of the request.
            seconds: for everything, from looking the name up to the last byte of the answer.
            most_bytes: of the body of the answer.

        Raises:
            SendError: there is no whole answer.
        """
        try:
            self._guard.check_url(url)
            target = read_target(url)
            request = _Request(method, target, _all_headers(headers, target), body, most_bytes)
            async with asyncio.timeout(seconds):
                return await self._answer(request)
        except ForbiddenTargetError as error:
            raise SendError(Failure.FORBIDDEN, str(error)) from None
        except TimeoutError:
            raise SendError(Failure.TIMEOUT, f"no whole answer within {seconds:g} seconds") from None

    async def close(self) -> None:
        """Close the connections that are kept. Nothing may be on its way any more, or follow."""
        if self._kept is not None:
            await self._kept.close()

    async def _answer(self, request: _Request) -> Reply:
        if self._kept is None:
            await asyncio.to_thread(import_module, "aiohttp")  # so long that others would notice
            self._kept = self._kept or self._session(keep=True)
        attempt = _Attempt()
        try:
            return await _exchange(self._kept, request, attempt)
        except _BrokenError as broken:
            if not attempt.reused or broken.answer_began:
                raise _disconnected() from None
        async with self._session(keep=False) as session:
            try:
                return await _exchange(session, request, _Attempt())
            except _BrokenError:
                raise _disconnected() from None

    def _session(self, *, keep: bool) -> ClientSession:
        """Return a session that keeps connections, or has a new one for each request."""
        from aiohttp import ClientSession, ClientTimeout, DummyCookieJar, TCPConnector, TraceConfig  # noqa: PLC0415  # fmt: skip

        traces = TraceConfig()
        traces.on_connection_reuseconn.append(_note_reuse)
        return ClientSession(
            connector=TCPConnector(
                resolver=cast("AbstractResolver", self._resolver),
                socket_factory=self._socket,
                limit=0,
                keepalive_timeout=KEPT_SECONDS if keep else None,
                force_close=not keep,
            ),
            response_class=_answer_class(),
            cookie_jar=DummyCookieJar(),
            trust_env=False,
            auto_decompress=False,
            skip_auto_headers=("User-Agent", "Content-Type"),
            timeout=ClientTimeout(total=None, sock_connect=None),
            trace_configs=[traces],
            middlewares=[_only_once],
        )

    def _socket(self, found: tuple[int, int, int, str, tuple[Any, ...]]) -> socket.socket:
        """Return a socket for an address, which is judged now: aiohttp looks up names, but not addresses."""
        family, kind, protocol, _, place = found
        try:
            self._guard.check_address(str(place[0]))
        except ForbiddenTargetError as error:
            raise _NotCalledError(str(error)) from None
        return socket.socket(family, kind, protocol)


class _Resolver:
    """Answers aiohttp, which asks for the addresses of names."""

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup

    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[ResolveResult]:
        """Return the addresses of a name that may be called."""
        return [
            {"hostname": host, "host": address, "port": port, "family": family, "proto": 0, "flags": 0}
            for address in await self._lookup.addresses(host)
        ]

    async def close(self) -> None:
        """Do nothing: there is nothing to close."""


@dataclass(slots=True)
class _Attempt:
    """What aiohttp tells of a request on its way."""

    reused: bool = False


class _BrokenError(Exception):
    """The connection was there, and is not any more."""

    def __init__(self, *, answer_began: bool) -> None:
        super().__init__()
        self.answer_began = answer_began


class _NotCalledError(OSError):
    """The guard forbids an address; an OSError, so that aiohttp tries the next of the name."""


async def _note_reuse(_session: object, context: Any, _params: object) -> None:  # noqa: ANN401  # of aiohttp
    context.trace_request_ctx.reused = True


async def _only_once(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
    """Keep aiohttp from sending again what is idempotent, which it does on new connections, too."""
    from aiohttp import ClientConnectorError, ClientOSError, ServerDisconnectedError  # noqa: PLC0415

    try:
        return await handler(request)
    except ClientConnectorError:
        raise
    except ServerDisconnectedError as error:
        raise _BrokenError(answer_began=not isinstance(error.message, str)) from error
    except (ClientOSError, ConnectionError) as error:
        raise _BrokenError(answer_began=False) from error


def _answer_class() -> type[ClientResponse]:
    from aiohttp import ClientResponse  # noqa: PLC0415

    class Answer(ClientResponse):
        """An answer that knows whose it is, even when its connection is long free for the next."""

        address: str | None = None

        async def start(self, connection: Connection) -> ClientResponse:
            peer = connection.transport and connection.transport.get_extra_info("peername")
            self.address = peer and peer[0]
            return await super().start(connection)

    return Answer


async def _exchange(session: ClientSession, request: _Request, attempt: _Attempt) -> Reply:
    """Return the answer to a request that is sent once.

    Raises:
        SendError: there is none, whole.
        ForbiddenTargetError: its name has no address that may be called.
        _BrokenError: the connection was lost before there was one.
    """
    from aiohttp import ClientError  # noqa: PLC0415

    try:
        async with session.request(
            request.method,
            _wire_url(request.target),
            headers=request.headers,
            data=request.body,
            allow_redirects=False,
            trace_request_ctx=attempt,
        ) as answer:
            return Reply(
                status=answer.status,
                content_type=_header(answer, "Content-Type"),
                retry_after=_header(answer, "Retry-After"),
                body=await _body(answer, request.most_bytes),
                address=getattr(answer, "address", None),
            )
    except (ClientError, OSError, RuntimeError, ValueError) as error:
        raise _named(error) from None


async def _body(answer: ClientResponse, most: int) -> bytes:
    body = bytearray()
    async for piece in answer.content.iter_any():
        body += piece
        if len(body) > most:
            raise SendError(Failure.TOO_LARGE, f"the body of the answer is larger than {most} bytes")
    return bytes(body)


def _header(answer: ClientResponse, name: str) -> str | None:
    """Return a header as text that can be kept: bytes that are no UTF-8 become question marks."""
    text = answer.headers.get(name)
    return None if text is None else text.encode(errors="replace").decode()


def _all_headers(headers: dict[str, str], target: Target) -> dict[str, str]:
    own = {"Host": target.authority, "Accept-Encoding": "identity"}
    if target.userinfo is not None and "authorization" not in map(str.lower, headers):
        user, _, password = target.userinfo.partition(":")
        credentials = unquote_to_bytes(user) + b":" + unquote_to_bytes(password)
        own["Authorization"] = f"Basic {base64.b64encode(credentials).decode()}"
    return headers | own


def _wire_url(target: Target) -> URL:
    from yarl import URL  # noqa: PLC0415  # comes with aiohttp

    host = f"[{target.host}]" if ":" in target.host else target.host
    port = "" if target.port is None else f":{target.port}"
    return URL(f"{target.scheme}://{host}{port}{quote(target.resource, safe=_ASCII)}", encoded=True)


def _named(error: Exception) -> SendError:
    """Return what the caller is told of an error that aiohttp or the system raised."""
    import aiohttp  # noqa: PLC0415

    match error:
        case aiohttp.ClientConnectorDNSError():
            failure, detail = Failure.NAME, f"the name {error.host} has no address"
        case aiohttp.ClientConnectorCertificateError():
            reason = getattr(error.certificate_error, "verify_message", "")
            failure, detail = Failure.TLS, f"the certificate of {error.host} is not accepted: {reason}"
        case aiohttp.ClientSSLError() | ssl.SSLError():
            failure, detail = Failure.TLS, "the other side does not agree on an encrypted connection"
        case aiohttp.ClientConnectorError(os_error=_NotCalledError() as refusal):
            failure, detail = Failure.FORBIDDEN, str(refusal)
        case aiohttp.ClientConnectorError():
            reason = os.strerror(error.os_error.errno) if error.os_error.errno else "not reachable"
            failure, detail = Failure.CONNECT, f"{error.host}, port {error.port}: {reason}"
        case RuntimeError():  # of uvloop, in the place of an OSError
            failure, detail = Failure.CONNECT, "not reachable"
        case aiohttp.ClientResponseError():
            # After these words comes what the other side wrote, which may be anything.
            reason = _WORDS.match(error.message)
            failure, detail = Failure.PROTOCOL, f"the answer is not HTTP: {reason and reason[0].strip()}"
        case aiohttp.ClientConnectionError() | aiohttp.ClientPayloadError() | OSError():
            return _disconnected()
        case _:
            failure, detail = Failure.PROTOCOL, "the request cannot be written as HTTP"
    return SendError(failure, detail)


def _disconnected() -> SendError:
    return SendError(Failure.DISCONNECTED, "the connection was closed before there was a whole answer")
