"""The addresses under which clients reach us: they stand in every answer, and libraries follow them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache, partial
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import TYPE_CHECKING, Any, TypeAlias

from chinwag.errors import ApiError, Kinds

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Network: TypeAlias = IPv4Network | IPv6Network

_AUTHORITY = re.compile(r"(?:[A-Za-z0-9._~-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
_SCHEMES = frozenset({"http", "https"})


@dataclass(frozen=True, slots=True)
class PublicAddress:
    """How the base of addresses is found.

    Args:
        fixed: the base, where the operator gave one; it wins over everything.
        trusted_proxies: networks whose `X-Forwarded-Proto`, `X-Forwarded-Host` and `X-Forwarded-For` are
            believed.
    """

    fixed: str | None = None
    trusted_proxies: tuple[Network, ...] = ()
    _client: Callable[[str, str | None], str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Remember clients for this address alone: to hash a network takes longer than all the rest."""
        known = lru_cache(maxsize=4096)(partial(_client, self.trusted_proxies))
        object.__setattr__(self, "_client", known)

    def base(self, scope: Mapping[str, Any], header: Callable[[str], str | None]) -> str:
        """Return scheme and authority, such as `http://localhost:8080`.

        Args:
            scope: of ASGI.
            header: returns a header of the request, or None.

        Raises:
            ApiError: `MALFORMED_REQUEST` for a host that cannot be one.
        """
        if self.fixed is not None:
            return self.fixed
        scheme: str = scope["scheme"]
        host = header("host")
        forwarded = header("x-forwarded-proto"), header("x-forwarded-host")
        if forwarded != (None, None) and self._trusts(scope):
            proto = _first(forwarded[0] or "").lower()
            scheme = proto if proto in _SCHEMES else scheme
            host = _first(forwarded[1] or "") or host
        if not host:
            name, port = scope["server"]
            return f"{scheme}://{f'[{name}]' if ':' in name else name}:{port}"
        if _AUTHORITY.fullmatch(host) is None:
            raise ApiError(Kinds.MALFORMED_REQUEST, "the Host header is no host")
        return f"{scheme}://{host}"

    def client(self, scope: Mapping[str, Any], header: Callable[[str], str | None]) -> str:
        """Return the address from which somebody comes, without what anybody there can choose at will.

        Args:
            scope: of ASGI.
            header: returns a header of the request, or None.
        """
        client = scope.get("client")
        return self._client(client[0], header("x-forwarded-for")) if client else ""

    def of_socket(self, scope: Mapping[str, Any]) -> str:
        """Return the base for who came by a WebSocket, in the scheme of HTTP.

        Raises:
            ApiError: `MALFORMED_REQUEST` for a host that cannot be one.
        """
        scheme = "https" if scope["scheme"] == "wss" else "http"
        return self.base({**scope, "scheme": scheme}, _headers(scope).get)

    def client_of_socket(self, scope: Mapping[str, Any]) -> str:
        """Return the address from which somebody comes by a WebSocket."""
        return self.client(scope, _headers(scope).get)

    def _trusts(self, scope: Mapping[str, Any]) -> bool:
        client = scope.get("client")
        if not client:
            return False
        address = ip_address(client[0])
        return any(address in network for network in self.trusted_proxies)


def _headers(scope: Mapping[str, Any]) -> dict[str, str]:
    """Return the headers; lines of one name are one header, as the framework of REST has them too."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    return headers


def _client(trusted_proxies: tuple[Network, ...], peer: str, forwarded: str | None) -> str:
    """Return the address of a client: that of the peer, or the last one that a trusted proxy has seen."""
    address = ip_address(peer)
    for seen in reversed((forwarded or "").split(",")):
        if not any(address in network for network in trusted_proxies):
            break
        try:
            address = ip_address(_without_port(seen.strip()))
        except ValueError:
            break
    if isinstance(address, IPv6Address):
        # Whoever has one has 2^64 of them.
        return str(address.ipv4_mapped or IPv6Network((int(address), 64), strict=False))
    return str(address)


def _without_port(text: str) -> str:
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0] if text.count(":") == 1 else text


def _first(value: str) -> str:
    """Return what the proxy nearest to the client said."""
    return value.split(",", 1)[0].strip()
