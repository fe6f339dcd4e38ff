"""The composition root: from settings to a server. The one place that knows everybody."""

from __future__ import annotations

import asyncio
import gc
import socket
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

from chinwag import commands, limits
from chinwag.auth.access_token import AccessTokens
from chinwag.auth.basic import BasicAuthentication
from chinwag.auth.first_start import Credentials, ensure_account, ensure_key, make_first_account
from chinwag.auth.links import Links
from chinwag.auth.secrets import Seal, WrongKeyError, key_from_file, prove_key
from chinwag.auth.token_header import TokenAuthentication
from chinwag.broker.memory import MemoryBroker
from chinwag.demo.bundle import BundleMissingError, read_bundle
from chinwag.domain.account import AccountsChanged
from chinwag.domain.service import Limits
from chinwag.ids import Mint
from chinwag.logs import logger
from chinwag.realtime.realtime import Realtime
from chinwag.settings import key_path, media_place
from chinwag.storage.store import open_store, sqlite_path
from chinwag.sweep import Sweeper

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from chinwag.commands import World
    from chinwag.domain.event import Event
    from chinwag.domain.media import Contents
    from chinwag.ids import Millis
    from chinwag.rest.manners import Application
    from chinwag.rest.media import MediaSurroundings
    from chinwag.rest.urls import PublicAddress
    from chinwag.settings import Settings, StoreSettings

_log = logger()

WATCH_SECONDS = 0.5
"""How often a server looks for changes of accounts and keys that were made beside it, in seconds."""

GRACE_SECONDS = 8
"""Longest wait for requests in flight when the server is told to stop, in seconds."""

BACKLOG = 2048
"""Most connections that wait to be accepted."""

IDLE_SECONDS = 75
"""How long a connection without a request is kept, in seconds: longer than load balancers keep theirs."""

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
"""The hosts that only this machine reaches."""


class CannotStartError(Exception):
    """The server cannot run as it is set up. The text says which setting is to blame."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What a command line and a server have in common."""

    world: World
    seal: Seal


def now() -> Millis:
    """Return this moment."""
    return time.time_ns() // 1_000_000


@asynccontextmanager
async def opened(
    settings: StoreSettings, *, serving: bool = False, new: bool = False
) -> AsyncGenerator[Parts]:
    """Open the store and all that changes need; close it at the end.

    Args:
        settings: which store, and with which key.
        serving: hold a SQLite file against a second server.
        new: make a SQLite file that is not there. Otherwise a command in the wrong folder would make one.

    Raises:
        CannotStartError: there is no such file; or the key is missing, or not the one of this database.
        StoreCannotOpenError: the database cannot be used.
    """
    path = sqlite_path(settings.database)
    if path is not None and not new and not path.exists():
        raise CannotStartError(
            f"there is no database {path.absolute()}: name the server's with --database or CHINWAG_DATABASE, "
            "or start the server once"
        )
    store = await open_store(
        settings.database, serving=serving, now=now(), connections=settings.database_connections
    )
    broker = MemoryBroker()
    try:
        async with store.reading() as tx:
            sealed_before = await tx.installation.key_check() is not None
        seal = _seal(settings, sealed_before=sealed_before)
        try:
            await store.write(lambda tx: prove_key(tx, seal))
        except WrongKeyError:
            raise CannotStartError(
                "the secrets in this database were sealed with another key: "
                f"set encryption_key, or key_file (now {key_path(settings)}), to the key it was made with"
            ) from None
        yield Parts(commands.World(store=store, broker=broker, now=now, new_sid=Mint(now)), seal)
    finally:
        await broker.close()
        await store.close()


def _seal(settings: StoreSettings, *, sealed_before: bool) -> Seal:
    """Return what seals secrets. Only a database without any may be given a new key."""
    if settings.encryption_key is not None:
        return Seal(settings.encryption_key)
    path = key_path(settings)
    if sealed_before and not path.exists():
        raise CannotStartError(
            f"key_file {path} is not there, and this database was made with a key: "
            "put the file back, or set encryption_key"
        )
    try:
        return Seal(key_from_file(path))
    except OSError as error:
        raise CannotStartError(f"key_file {path} cannot be used: {error.strerror}") from error
    except ValueError:
        raise CannotStartError(
            f"key_file {path} holds no key: it must be 32 bytes in URL-safe base64"
        ) from None


async def serve(settings: Settings, ready: Callable[[str, Credentials | None], None]) -> None:
    """Run a server until SIGTERM, SIGINT or cancellation; each lets requests in flight be answered.

    Args:
        settings: how.
        ready: called once it listens, with its address and, at the very first start, the new credentials.

    Raises:
        CannotStartError: it cannot run as it is set up.
        StoreCannotOpenError: there is no place for the contents of media.
    """
    from chinwag.storage.contents import ContentStore  # noqa: PLC0415  # a CLI needs none

    bundle = _demo_bundle(settings)
    # The port first: an account that was made by a server that cannot listen is never shown to anybody.
    with _listening(settings) as listening:
        async with opened(settings, serving=True, new=True) as parts:
            credentials = await _credentials(settings, parts)
            authentication = BasicAuthentication(parts.world.store, parts.seal)
            parts.world.broker.listen(_forgetter(authentication))
            tokens = AccessTokens(parts.world.store, parts.seal, now)
            contents = ContentStore.open(media_place(settings))
            realtime = Realtime(parts.world, tokens, asyncio.get_running_loop())
            await realtime.presence.begin()
            application = rest(settings, parts, authentication, (tokens, contents), bundle)

            beside = [
                asyncio.create_task(_watch(parts, authentication, realtime)),
                asyncio.create_task(Sweeper(parts.world, contents).run()),
            ]
            try:
                await _listen(
                    listening,
                    settings,
                    application,
                    lambda base: ready(base, credentials),
                    realtime,
                )
            finally:
                for task in beside:
                    task.cancel()
                await asyncio.wait(beside)
                await realtime.presence.close()


async def _credentials(settings: Settings, parts: Parts) -> Credentials | None:
    """See to the first account and key; return them if they are new and nobody knows them yet."""
    if settings.account_sid is None or settings.auth_token is None:
        return await make_first_account(parts.world, parts.seal)

    await ensure_account(parts.world, parts.seal, settings.account_sid, settings.auth_token)
    if settings.api_key_sid is not None and settings.api_key_secret is not None:
        await ensure_key(
            parts.world, parts.seal, settings.account_sid, settings.api_key_sid, settings.api_key_secret
        )
    return None


def rest(
    settings: Settings,
    parts: Parts,
    authentication: BasicAuthentication,
    media: tuple[AccessTokens, Contents],
    bundle: bytes | None = None,
) -> Application:
    """Return the REST API, and the demo if there is a bundle for it, as an ASGI application."""
    from chinwag.rest.about import Docs, Health, Home, Metrics, OpenApi, Readiness  # noqa: PLC0415  # a CLI needs no HTTP
    from chinwag.rest.call import Conventions  # noqa: PLC0415
    from chinwag.rest.manners import Manners  # noqa: PLC0415
    from chinwag.rest.media import add_media_routes  # noqa: PLC0415
    from chinwag.rest.meters import Meters  # noqa: PLC0415
    from chinwag.rest.server import Surroundings, rest_app  # noqa: PLC0415

    address = public_address(settings)
    conventions = Conventions(
        default_limits=Limits(
            channel_members=settings.default_channel_members, user_channels=settings.default_user_channels
        ),
        v1_list_attributes=settings.v1_list_attributes,
        list_public_channels_only=settings.list_public_channels_only,
        seal=parts.seal.seal,
    )
    meters = Meters()
    app = rest_app(Surroundings(parts.world, authentication, address, conventions))
    app.add_route("/", Home())
    app.add_route("/healthz", Health())
    app.add_route("/readyz", Readiness(parts.world.store))
    app.add_route("/metrics", Metrics(meters))
    app.add_route("/openapi.json", OpenApi(address))
    app.add_route("/docs", Docs(address))
    add_media_routes(app, _media_surroundings(settings, parts, address, *media))
    if bundle is not None:
        from chinwag.demo.pages import add_demo  # noqa: PLC0415  # nobody else needs it
        from chinwag.demo.visitors import Visitors  # noqa: PLC0415

        visitors = Visitors(parts.world, parts.seal, settings.account_sid)
        add_demo(app, visitors, address, bundle)
    return Manners(app, meters)


def _media_surroundings(
    settings: Settings, parts: Parts, address: PublicAddress, tokens: AccessTokens, contents: Contents
) -> MediaSurroundings:
    """Return what the routes of media need."""
    from chinwag.rest.media import MediaSurroundings  # noqa: PLC0415  # a CLI needs no HTTP

    return MediaSurroundings(
        world=parts.world,
        contents=contents,
        tokens=TokenAuthentication(tokens),
        links=Links(parts.seal, now, limits.MEDIA_LINK_SECONDS),
        address=address,
        most=settings.media_size_limit_mb * 1024 * 1024,
    )


def public_address(settings: Settings) -> PublicAddress:
    """Return how the base of addresses is found."""
    from chinwag.rest.urls import PublicAddress  # noqa: PLC0415  # a CLI needs no HTTP

    return PublicAddress(
        fixed=settings.public_url.rstrip("/") if settings.public_url else None,
        trusted_proxies=tuple(ip_network(text) for text in settings.trusted_proxies),
    )


def _demo_bundle(settings: Settings) -> bytes | None:
    """Return the client library for the demo; None when there shall be no demo.

    Raises:
        CannotStartError: it is not where it is said to be.
    """
    if settings.demo is None:
        return None
    if settings.host not in LOOPBACK:
        _log.warning("the demo lets everybody in who reaches this host", host=settings.host, path="/demo")
    try:
        return read_bundle(settings.demo)
    except BundleMissingError as error:
        raise CannotStartError(str(error)) from None


async def _listen(
    listening: socket.socket,
    settings: Settings,
    application: Application,
    ready: Callable[[str], None],
    realtime: Realtime,
) -> None:
    """Serve an application on a socket until SIGTERM or SIGINT."""
    import uvicorn  # noqa: PLC0415  # a CLI needs no HTTP

    from chinwag.realtime.protocol import socket_protocol  # noqa: PLC0415
    from chinwag.rest.protocol import BoundedProtocol  # noqa: PLC0415

    class Server(uvicorn.Server):
        """uvicorn's server, which exits with 0 when it is told to stop, and says when it is ready."""

        async def startup(self, sockets: Any = None) -> None:  # noqa: ANN401
            await super().startup(sockets)
            host = f"[{settings.host}]" if ":" in settings.host else settings.host
            port = listening.getsockname()[1]
            # What was made so far stays for good: spare the garbage collector the look at it. Requests leave
            # few cycles behind, so it need not look after every few hundred objects either.
            gc.collect()
            gc.freeze()
            gc.set_threshold(200_000, 20, 20)
            ready(f"http://{host}:{port}")

        async def shutdown(self, sockets: Any = None) -> None:  # noqa: ANN401
            realtime.say_goodbye()
            await super().shutdown(sockets)

        async def _serve(self, sockets: Any = None) -> None:  # noqa: ANN401
            await super()._serve(sockets)
            self._captured_signals.clear()  # uvicorn would raise them again, and the exit status would be 143

    config = uvicorn.Config(
        application,  # type: ignore[arg-type]  # uvicorn's types of ASGI are stricter than ASGI
        http=BoundedProtocol,
        ws=socket_protocol(realtime, public_address(settings).of_socket),
        ws_max_size=limits.SOCKET_MESSAGE_BYTES,
        ws_ping_interval=limits.PING_SECONDS,
        ws_ping_timeout=limits.PING_SECONDS,
        ws_per_message_deflate=False,
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=IDLE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    server = Server(config)
    try:
        await server.serve([listening])
    except asyncio.CancelledError:
        await server.shutdown([listening])
        raise


def _listening(settings: Settings) -> socket.socket:
    """Return a socket that listens.

    Raises:
        CannotStartError: the port is in use, or the host is not of this machine.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=BACKLOG)
    except (OSError, UnicodeError) as error:
        # The address follows in brackets, in Python's words.
        reason = str(getattr(error, "strerror", error)).partition(" (")[0]
        raise CannotStartError(
            f"cannot listen on host {settings.host}, port {settings.port}: {reason}. "
            "Choose others with --host and --port, or CHINWAG_HOST and CHINWAG_PORT"
        ) from None


def _forgetter(authentication: BasicAuthentication) -> Callable[[Event], None]:
    def listener(event: Event) -> None:
        if isinstance(event, AccountsChanged):
            authentication.forget()

    return listener


async def _watch(parts: Parts, authentication: BasicAuthentication, realtime: Realtime) -> None:
    """Notice what a command line, or another node, changes about accounts and keys."""
    seen = None
    while True:
        try:
            async with parts.world.store.reading() as tx:
                generation = await tx.installation.generation()
            if generation != seen:
                authentication.forget()
                await realtime.revoke()
            seen = generation
        except Exception as error:  # noqa: BLE001  # without this watch, revoked keys would go on working
            authentication.forget()
            realtime.tokens.forget()
            _log.warning("cannot look for changed credentials", error=str(error))
        await asyncio.sleep(WATCH_SECONDS)
