"""Everything that is answered over HTTP, as one ASGI application: the REST API, media, the demo."""

from __future__ import annotations

from ipaddress import ip_network
from time import monotonic
from typing import TYPE_CHECKING

from chinwag import limits
from chinwag.app import Parts, now
from chinwag.auth.links import Links
from chinwag.auth.token_header import TokenAuthentication
from chinwag.delivery.credentials import state_of
from chinwag.delivery.guard import ForbiddenTargetError
from chinwag.domain.service import Limits
from chinwag.rates import Requests
from chinwag.rest.about import Docs, Health, Home, Metrics, OpenApi, Readiness
from chinwag.rest.call import Conventions
from chinwag.rest.manners import Manners
from chinwag.rest.media import MediaSurroundings, add_media_routes
from chinwag.rest.meters import Meters
from chinwag.rest.server import Surroundings, rest_app
from chinwag.rest.urls import PublicAddress

if TYPE_CHECKING:
    from collections.abc import Callable

    from chinwag.auth.access_token import AccessTokens
    from chinwag.auth.basic import BasicAuthentication
    from chinwag.delivery.guard import AddressGuard
    from chinwag.domain.media import Contents
    from chinwag.realtime.realtime import Realtime
    from chinwag.rest.manners import Application
    from chinwag.rest.room import Entrance
    from chinwag.settings import Settings


def web(
    settings: Settings,
    parts: Parts,
    authentication: BasicAuthentication,
    realtime: Realtime,
    entrance: Entrance,
    *,
    contents: Contents,
    guard: AddressGuard,
    bundle: bytes | None,
) -> Application:
    """Return the REST API, media, and the demo if there is a bundle for it, as an ASGI application."""
    address = public_address(settings)
    conventions = Conventions(
        default_limits=Limits(
            channel_members=settings.default_channel_members, user_channels=settings.default_user_channels
        ),
        v1_list_attributes=settings.v1_list_attributes,
        list_public_channels_only=settings.list_public_channels_only,
        seal=parts.seal.seal,
        forbidden=_judge(guard),
        credential_state=lambda credential: state_of(credential, parts.seal.open, parts.world.now()),
    )
    meters = Meters()
    meters.watch("chinwag_sockets", "Clients that are logged in.", lambda: len(realtime.hub.everybody()))
    meters.watch("chinwag_topics", "Objects that clients follow.", lambda: len(realtime.hub.topics))
    entrance.watched(meters)
    requests = Requests(settings.requests_per_second, monotonic) if settings.requests_per_second else None
    app = rest_app(Surroundings(parts.world, authentication, address, conventions, requests))
    app.add_route("/", Home())
    app.add_route("/healthz", Health())
    app.add_route("/readyz", Readiness(parts.world.store))
    app.add_route("/metrics", Metrics(meters))
    app.add_route("/openapi.json", OpenApi(address))
    app.add_route("/docs", Docs(address))
    add_media_routes(app, _media_surroundings(settings, parts, address, realtime.tokens, contents))
    if bundle is not None:
        from chinwag.demo.pages import add_demo  # noqa: PLC0415  # a sample: others start without it
        from chinwag.demo.visitors import Visitors  # noqa: PLC0415

        visitors = Visitors(parts.world.uncounted, parts.seal, settings.account_sid)
        add_demo(app, visitors, address, bundle)
    return Manners(app, meters)


def _judge(guard: AddressGuard) -> Callable[[str], str | None]:
    """Return what says why a URL must not be called."""

    def why_not(url: str) -> str | None:
        try:
            guard.check_url(url)
        except ForbiddenTargetError as error:
            return str(error)
        return None

    return why_not


def _media_surroundings(
    settings: Settings, parts: Parts, address: PublicAddress, tokens: AccessTokens, contents: Contents
) -> MediaSurroundings:
    """Return what the routes of media need."""
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
    return PublicAddress(
        fixed=settings.public_url.rstrip("/") if settings.public_url else None,
        trusted_proxies=tuple(ip_network(text) for text in settings.trusted_proxies),
    )
