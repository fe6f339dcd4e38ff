"""What a server says about itself, to anybody: health, measures, the description of the API."""

from __future__ import annotations

from typing import TYPE_CHECKING

import falcon
import falcon.asgi
import msgspec

from chinwag.errors import ApiError, Kinds
from chinwag.rest.docs_page import docs_page
from chinwag.rest.manners import ROUTE
from chinwag.rest.openapi import description

if TYPE_CHECKING:
    from chinwag.domain.unit import Store
    from chinwag.rest.meters import Meters
    from chinwag.rest.urls import PublicAddress


class Health:
    """`GET /healthz`: the process answers."""

    async def on_get(self, request: falcon.asgi.Request, response: falcon.asgi.Response) -> None:
        """Answer."""
        request.scope[ROUTE] = "/healthz"
        response.content_type = falcon.MEDIA_TEXT
        response.text = "ok\n"

    on_head = on_get  # what some monitors send


class Readiness:
    """`GET /readyz`: the store answers too. A load balancer asks this one."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def on_get(self, request: falcon.asgi.Request, response: falcon.asgi.Response) -> None:
        """Ask the store something.

        Raises:
            ApiError: `UNAVAILABLE`.
        """
        request.scope[ROUTE] = "/readyz"
        async with self._store.reading() as tx:
            if await tx.installation.generation() < 1:
                raise ApiError(Kinds.UNAVAILABLE, "the database is empty")
        response.content_type = falcon.MEDIA_TEXT
        response.text = "ready\n"

    on_head = on_get


class Metrics:
    """`GET /metrics`, for Prometheus."""

    def __init__(self, meters: Meters) -> None:
        self._meters = meters

    async def on_get(self, request: falcon.asgi.Request, response: falcon.asgi.Response) -> None:
        """Answer with every measure."""
        request.scope[ROUTE] = "/metrics"
        response.content_type = "text/plain; version=0.0.4; charset=utf-8"
        response.data = self._meters.text()


class OpenApi:
    """`GET /openapi.json`: the description of the API, for programs."""

    def __init__(self, address: PublicAddress) -> None:
        self._address = address

    async def on_get(self, request: falcon.asgi.Request, response: falcon.asgi.Response) -> None:
        """Answer with the description."""
        request.scope[ROUTE] = "/openapi.json"
        response.content_type = "application/json; charset=utf-8"
        response.data = msgspec.json.encode(
            description(self._address.base(request.scope, request.get_header))
        )


class Docs:
    """`GET /docs`: the description of the API, for people."""

    def __init__(self, address: PublicAddress) -> None:
        self._address = address

    async def on_get(self, request: falcon.asgi.Request, response: falcon.asgi.Response) -> None:
        """Answer with a page that needs nothing from anywhere else."""
        request.scope[ROUTE] = "/docs"
        response.content_type = falcon.MEDIA_HTML
        response.set_header("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'")
        response.text = docs_page(description(self._address.base(request.scope, request.get_header)))


class Home:
    """`GET /`: somebody typed the address into a browser."""

    async def on_get(self, request: falcon.asgi.Request, _response: falcon.asgi.Response) -> None:
        """Show the way to the page for people."""
        request.scope[ROUTE] = "/"
        raise falcon.HTTPFound("/docs")
