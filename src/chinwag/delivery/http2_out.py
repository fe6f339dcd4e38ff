"""The client for outgoing requests over HTTP/2, as a client with a certificate: those to Apple.

`http_out` sends all others. A URL is sent as it is written, but for characters outside ASCII, which are
percent-encoded; a fragment, a user and a password are not sent.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections import OrderedDict
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from msgspec import Struct

from chinwag.delivery.guard import ForbiddenTargetError, Lookup, read_target, system_addresses
from chinwag.delivery.http_out import Failure, SendError
from chinwag.delivery.tls_out import client_context, lost

if TYPE_CHECKING:
    import ssl

    from chinwag.delivery.guard import Address, AddressGuard, Resolve, Target
    from chinwag.delivery.http2_connection import Connection
    from chinwag.delivery.http_out import Reply

MOST_KEPT = 100
"""Most connections that are kept, and most certificates that are kept ready for new ones."""

OPEN_SECONDS = 30.0
"""How long a connection may take to be there, in seconds, for those who come to wait for it meanwhile."""

CLOSE_SECONDS = 1.0
"""How long a connection waits for the other side to close it, too, in seconds."""

CONNECTIONS_PER_REQUEST = 4
"""Most connections that a request is tried on, if they go away before it is its turn."""

NEXT_ADDRESS_SECONDS = 0.25
"""How long an address of a name may take before the next one is tried, too, in seconds (RFC 8305)."""

_ASCII = "".join(map(chr, range(0x21, 0x7F)))


class ClientIdentity(Struct, frozen=True):
    """Who this server says it is. Secrets are in clear.

    Args:
        key: names the certificate and its version; whoever has the same one shares connections.
        certificate: PEM; those of its issuers may follow.
        private_key: PEM.
    """

    key: str
    certificate: str
    private_key: str

    def __repr__(self) -> str:
        return f"ClientIdentity({self.key})"


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a connection leads, and as whom.

    Args:
        key: of the identity.
        address: of the host, if that is one.
    """

    host: str
    port: int
    key: str
    address: Address | None = field(compare=False)
    identity: ClientIdentity = field(compare=False)


class Http2Out:
    """Sends requests to others, if the guard allows it. Those to the same place share a connection.

    Args:
        guard: judges the URL, the addresses of its name, and once more the address that is connected to.
        resolve: finds the addresses of a name; called in threads.
    """

    def __init__(self, guard: AddressGuard, resolve: Resolve = system_addresses) -> None:
        self._guard = guard
        self._lookup = Lookup(guard, resolve)
        self._contexts: OrderedDict[str, ssl.SSLContext] = OrderedDict()
        self._opening: dict[_Place, asyncio.Task[Connection]] = {}
        self._kept: OrderedDict[_Place, Connection] = OrderedDict()
        self._all: set[Connection] = set()

    async def send(
        self,
        url: str,
        *,
        identity: ClientIdentity,
        headers: dict[str, str],
        body: bytes,
        seconds: float,
        most_bytes: int,
    ) -> Reply:
        """POST a request and return the answer.

        It is sent once more, on a new connection, only if the other side has not read it: because it says so,
        or because it turns out to have closed a kept one.

        Args:
            url: where to; https.
            identity: as whom.
            headers: all of the request but the length of the body.
            body: of the request.
            seconds: for everything, from looking the name up to the last byte of the answer.
            most_bytes: of the body of the answer.

        Raises:
            SendError: there is no whole answer.
        """
        target = self._target(url)
        place = _Place(target.host, target.port or 443, identity.key, target.address, identity)
        began = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(seconds):
                return await self._answer(place, _all_headers(headers, target, body), body, most_bytes)
        except TimeoutError:
            if (kept := self._kept.get(place)) is not None:
                kept.drop_if_silent(began)
            raise SendError(Failure.TIMEOUT, f"no whole answer within {seconds:g} seconds") from None

    async def close(self) -> None:
        """Close all connections. Nothing may be on its way any more, or follow."""
        for opening in self._opening.values():
            opening.cancel()
        connections = list(self._all)
        for connection in connections:
            connection.close()
        if connections:
            await asyncio.wait([connection.lost for connection in connections], timeout=2 * CLOSE_SECONDS)
        for connection in connections:
            connection.abort()

    def _target(self, url: str) -> Target:
        try:
            self._guard.check_url(url)
            target = read_target(url)
        except ForbiddenTargetError as error:
            raise SendError(Failure.FORBIDDEN, str(error)) from None
        if target.scheme != "https":
            raise SendError(Failure.FORBIDDEN, "the scheme is not https")
        return target

    async def _answer(
        self, place: _Place, headers: list[tuple[bytes, bytes]], body: bytes, most_bytes: int
    ) -> Reply:
        again = False
        for _ in range(CONNECTIONS_PER_REQUEST):
            connection = await self._connection(place)
            from chinwag.delivery.http2_connection import NotProcessedError  # noqa: PLC0415  # is there by now

            try:
                return await connection.answer(headers, body, most_bytes)
            except NotProcessedError as error:
                if again and error.sent:
                    break
                again |= error.sent
        raise SendError(Failure.DISCONNECTED, "the other side closes connections instead of answering")

    # Connections

    async def _connection(self, place: _Place) -> Connection:
        """Return the connection to a place. Whoever comes while it is opened waits for it, too."""
        kept = self._kept.get(place)
        if kept is not None and kept.takes_more:
            self._kept.move_to_end(place)
            return kept
        opening = self._opening.get(place)
        if opening is None:
            opening = asyncio.create_task(self._opened(place))
            opening.add_done_callback(_seen)  # those who wait may have gone
            self._opening[place] = opening
        try:
            return await asyncio.shield(opening)
        except SendError as error:  # each who waits has one of its own
            raise SendError(error.failure, error.detail) from None

    async def _opened(self, place: _Place) -> Connection:
        try:
            async with asyncio.timeout(OPEN_SECONDS):
                connection = await self._open(place)
        except TimeoutError:
            detail = f"no connection within {OPEN_SECONDS:g} seconds"
            raise SendError(Failure.TIMEOUT, detail) from None
        except ForbiddenTargetError as error:
            raise SendError(Failure.FORBIDDEN, str(error)) from None
        finally:
            del self._opening[place]
        if connection.takes_more:
            self._close_oldest()
            self._kept[place] = connection
            self._kept.move_to_end(place)
        return connection

    async def _open(self, place: _Place) -> Connection:
        # So long that others would notice.
        await asyncio.to_thread(import_module, "chinwag.delivery.http2_connection")
        from chinwag.delivery.http2_connection import Connection  # noqa: PLC0415

        context = await self._context(place.identity)
        connected = await self._connected(place, await self._addresses(place))

        def ended(connection: Connection) -> None:
            self._all.discard(connection)
            if self._kept.get(place) is connection:
                del self._kept[place]

        connection = Connection(place.host, ended)
        self._all.add(connection)
        try:
            await asyncio.get_running_loop().create_connection(
                lambda: connection,
                sock=connected,
                ssl=context,
                server_hostname=place.host,
                ssl_handshake_timeout=OPEN_SECONDS,
                ssl_shutdown_timeout=CLOSE_SECONDS,
            )
            # Whoever does not accept the certificate says so only now, and whoever does, how much it takes.
            await connection.ready
        except BaseException as error:
            connection.abort()
            self._all.discard(connection)
            if isinstance(error, OSError):
                raise lost(error, place.host) from None
            raise
        return connection

    async def _addresses(self, place: _Place) -> list[str]:
        if place.address is not None:
            return [str(place.address)]
        try:
            return await self._lookup.addresses(place.host)
        except OSError:
            raise SendError(Failure.NAME, f"the name {place.host} has no address") from None

    async def _connected(self, place: _Place, addresses: list[str]) -> socket.socket:
        """Return a socket that is connected to the first of some addresses that answers."""
        race: Any = await asyncio.to_thread(import_module, "aiohappyeyeballs")  # comes with aiohttp
        refusals: list[str] = []

        def checked(found: tuple[int, int, int, str, tuple[Any, ...]]) -> socket.socket:
            family, kind, protocol, _, (address, *_) = found
            try:
                self._guard.check_address(address)
            except ForbiddenTargetError as error:
                refusals.append(str(error))
                raise OSError from None  # so that the next one is tried
            return socket.socket(family, kind, protocol)

        families = [socket.AF_INET6 if ":" in address else socket.AF_INET for address in addresses]
        infos = [
            (family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, place.port))
            for family, address in zip(families, addresses, strict=True)
        ]
        try:
            return await race.start_connection(
                infos, happy_eyeballs_delay=NEXT_ADDRESS_SECONDS, socket_factory=checked
            )
        except (OSError, RuntimeError) as error:  # the latter is uvloop's
            if len(refusals) == len(infos):
                raise SendError(Failure.FORBIDDEN, refusals[0]) from None
            number = error.errno if isinstance(error, OSError) else None
            reason = os.strerror(number) if number else "not reachable"
            raise SendError(Failure.CONNECT, f"{place.host}, port {place.port}: {reason}") from None

    def _close_oldest(self) -> None:
        """Make room for one more connection."""
        idle = [connection for connection in self._kept.values() if connection.is_idle]
        for connection in idle[: max(0, len(self._kept) + 1 - MOST_KEPT)]:
            connection.close()

    # Certificates

    async def _context(self, identity: ClientIdentity) -> ssl.SSLContext:
        if identity.key not in self._contexts:
            # In a thread, because it reads some hundred certificates of authorities.
            self._contexts[identity.key] = await asyncio.to_thread(
                client_context, identity.certificate, identity.private_key
            )
            while len(self._contexts) > MOST_KEPT:
                self._contexts.popitem(last=False)
        self._contexts.move_to_end(identity.key)
        return self._contexts[identity.key]


def _seen(opening: asyncio.Task[Connection]) -> None:
    if not opening.cancelled():
        opening.exception()


def _all_headers(headers: dict[str, str], target: Target, body: bytes) -> list[tuple[bytes, bytes]]:
    resource = quote(target.resource, safe=_ASCII)
    path = resource if resource.startswith("/") else f"/{resource}"
    return [
        (b":method", b"POST"),
        (b":scheme", b"https"),
        (b":authority", target.authority.encode()),
        (b":path", path.encode()),
        *((name.lower().encode(), value.encode()) for name, value in headers.items()),
        (b"content-length", b"%d" % len(body)),
    ]
