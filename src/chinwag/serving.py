"""A running server: what listens, what runs beside it, and how it stops."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import resource
import socket
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import uvicorn

from chinwag import limits
from chinwag.app import CannotStartError, Parts, now, opened
from chinwag.auth.access_token import AccessTokens
from chinwag.auth.basic import BasicAuthentication
from chinwag.auth.first_start import Credentials, ensure_account, ensure_key, make_first_account
from chinwag.auth.guesses import Guesses
from chinwag.auth.secrets import new_secret
from chinwag.delivery.guard import AddressGuard
from chinwag.delivery.pushing import PushUrls, pushing
from chinwag.delivery.webhooks import Webhooks, webhooks
from chinwag.demo.bundle import BundleMissingError, read_bundle
from chinwag.domain.account import AccountsChanged
from chinwag.logs import logger
from chinwag.rates import Actions
from chinwag.realtime.protocol import socket_protocol
from chinwag.realtime.realtime import Realtime
from chinwag.rest.protocol import bounded_protocol
from chinwag.rest.room import Entrance, Room, Strangers
from chinwag.settings import LOOPBACK, allowed_networks, media_place
from chinwag.storage.contents import ContentStore
from chinwag.storage.store import sqlite_path
from chinwag.sweep import Sweeper
from chinwag.web import public_address, web

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from chinwag.domain.event import Event
    from chinwag.rest.manners import Application
    from chinwag.settings import Settings

_log = logger()

WATCH_SECONDS = 0.5
"""How often a server looks for changes of accounts and keys that were made beside it, in seconds."""

GRACE_SECONDS = 6
"""Longest wait for requests in flight when the server is told to stop, in seconds."""

HOUR_MS = 60 * 60 * 1000
"""An hour, in milliseconds."""

BACKLOG = 2048
"""Most connections that wait to be accepted."""

IDLE_SECONDS = 75
"""How long a connection without a request is kept, in seconds: longer than load balancers keep theirs."""


async def serve(settings: Settings, ready: Callable[[str, Credentials | None], None]) -> None:
    """Run a server until SIGTERM, SIGINT or cancellation; each lets requests in flight be answered.

    Args:
        settings: how.
        ready: called once it listens, with its address and, at the very first start, the new credentials.

    Raises:
        CannotStartError: it cannot run as it is set up.
        StoreCannotOpenError: there is no place for the contents of media.
    """
    files = _raise_file_limit()
    bundle = _demo_bundle(settings)
    guard = AddressGuard(allowed_networks(settings), credentials=settings.outgoing_credentials)
    # The port first: an account that was made by a server that cannot listen is never shown to anybody.
    with _listening(settings) as listening:
        async with (
            opened(settings, serving=True, new=True) as opening,
            _webhooks(settings, opening, guard) as hooks,
            contextlib.AsyncExitStack() as running,
        ):
            parts = replace(opening, world=replace(opening.world, webhooks=hooks))
            await running.enter_async_context(_pushing(settings, parts, guard))
            credentials = await _credentials(settings, parts)
            guesses = _guesses(settings)
            authentication = BasicAuthentication(parts.world.store, parts.seal, guesses)
            parts.world.broker.listen(_forgetter(authentication))
            tokens = AccessTokens(parts.world.store, parts.seal, now, guesses)
            contents = ContentStore.open(media_place(settings))
            asked = replace(parts, world=replace(parts.world, actions=_actions(settings, parts)))
            realtime = Realtime(asked.world, tokens, asyncio.get_running_loop(), settings.media_size_limit_mb)
            await realtime.presence.begin()
            entrance = Entrance(
                Room(settings.requests_at_a_time), Strangers(min(settings.unknown_connections, files // 2))
            )
            application = web(
                settings,
                asked,
                authentication,
                realtime,
                entrance,
                contents=contents,
                guard=guard,
                bundle=bundle,
            )

            beside = [
                asyncio.create_task(_watch(parts, authentication, realtime, hooks)),
                asyncio.create_task(Sweeper(parts.world, contents).run()),
            ]
            try:
                await _listen(
                    listening,
                    settings,
                    application,
                    lambda base: ready(base, credentials),
                    realtime,
                    entrance=entrance,
                )
            finally:
                for task in beside:
                    task.cancel()
                await asyncio.wait(beside)
                await realtime.presence.close()


def _guesses(settings: Settings) -> Guesses | None:
    """Return what slows down who guesses secrets, if anything does."""
    most = settings.guesses_per_minute
    return Guesses(most, time.monotonic) if most else None


def _actions(settings: Settings, parts: Parts) -> Actions | None:
    """Return what counts the changes that clients ask for, if there shall not be any number of them."""
    if not settings.service_actions_per_second and not settings.channel_actions_per_second:
        return None
    return Actions(
        per_service=settings.service_actions_per_second,
        per_channel=settings.channel_actions_per_second,
        store=parts.world.store,
        now=time.monotonic,
    )


def _webhooks(settings: Settings, parts: Parts, guard: AddressGuard) -> AbstractAsyncContextManager[Webhooks]:
    """Return webhooks, as they are set up."""
    return webhooks(
        parts.world,
        guard,
        parts.seal.open,
        holder=_holder(settings),
        fails_open=settings.webhook_failure == "open",
        keep_ms=settings.webhook_log_hours * HOUR_MS,
        patience_ms=settings.webhook_patience_hours * HOUR_MS,
    )


def _pushing(settings: Settings, parts: Parts, guard: AddressGuard) -> AbstractAsyncContextManager[None]:
    """Return push notifications, as they are set up."""
    return pushing(
        parts.world,
        guard,
        parts.seal.open,
        urls=push_urls(settings),
        holder=_holder(settings),
        sink=settings.push == "sink",
        keep_ms=settings.push_log_hours * HOUR_MS,
        patience_ms=settings.push_patience_hours * HOUR_MS,
    )


def push_urls(settings: Settings) -> PushUrls:
    """Return where providers of push notifications are."""
    return PushUrls(
        apns=settings.push_apns_url, apns_sandbox=settings.push_apns_sandbox_url, fcm=settings.push_fcm_url
    )


def _holder(settings: Settings) -> str:
    """Return what names this server among those that share its store."""
    # A SQLite file has one server, which is the same after a restart.
    return "the server" if sqlite_path(settings.database) is not None else new_secret()


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


def _raise_file_limit() -> int:
    """Allow as many open files as the system does, and return how many: the usual limit is 1,024.

    Each connection is one.
    """
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


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
    *,
    entrance: Entrance,
) -> None:
    """Serve an application on a socket until SIGTERM or SIGINT."""

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
            gc.set_threshold(20_000, 200, 20)
            ready(f"http://{host}:{port}")

        async def shutdown(self, sockets: Any = None) -> None:  # noqa: ANN401
            realtime.say_goodbye()
            await super().shutdown(sockets)

        async def _serve(self, sockets: Any = None) -> None:  # noqa: ANN401
            await super()._serve(sockets)
            self._captured_signals.clear()  # uvicorn would raise them again, and the exit status would be 143

    address = public_address(settings)
    config = uvicorn.Config(
        application,  # type: ignore[arg-type]  # uvicorn's types of ASGI are stricter than ASGI
        http=bounded_protocol(entrance),
        ws=socket_protocol(realtime, address.of_socket, address.client_of_socket, entrance.strangers),
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


async def _watch(
    parts: Parts, authentication: BasicAuthentication, realtime: Realtime, hooks: Webhooks
) -> None:
    """Notice what a command line, or another node, changes about accounts and keys."""
    seen = None
    while True:
        try:
            async with parts.world.store.reading() as tx:
                generation = await tx.installation.generation()
            if generation != seen:
                authentication.forget()
                hooks.forget()
                await realtime.revoke()
            seen = generation
        except Exception as error:  # noqa: BLE001  # without this watch, revoked keys would go on working
            authentication.forget()
            hooks.forget()
            realtime.tokens.forget()
            _log.warning("cannot look for changed credentials", error=str(error))
        await asyncio.sleep(WATCH_SECONDS)
