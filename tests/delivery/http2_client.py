"""A client over HTTP/2, with a certificate, and short ways to let it ask."""

from __future__ import annotations

from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

import pytest

from chinwag.delivery.guard import AddressGuard
from chinwag.delivery.http2_out import ClientIdentity, Http2Out
from chinwag.delivery.http_out import Reply, SendError
from delivery.certificates import Issued, a_ca, issue

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

CA = a_ca()
CLIENT = issue(CA, "A client", uid="com.example.app")
SECONDS = 0.3
"""How long the tests wait for what does not come."""
LONG = 20.0


def an_out(*allow: str, resolve: Callable[[str], Sequence[str]] | None = None) -> Http2Out:
    guard = AddressGuard(tuple(map(ip_network, allow)), credentials=False)
    return Http2Out(guard, resolve) if resolve else Http2Out(guard)


def an_identity(issued: Issued = CLIENT, key: str = "key") -> ClientIdentity:
    return ClientIdentity(key, issued.pem, issued.key_pem)


async def sent(
    out: Http2Out,
    url: str,
    *,
    identity: ClientIdentity | None = None,
    headers: dict[str, str] | None = None,
    body: bytes = b"{}",
    seconds: float = LONG,
    most_bytes: int = 1_000_000,
) -> Reply:
    return await out.send(
        url,
        identity=identity or an_identity(),
        headers=headers or {},
        body=body,
        seconds=seconds,
        most_bytes=most_bytes,
    )


async def failed(out: Http2Out, url: str, *, seconds: float = SECONDS, **more: Any) -> SendError:
    with pytest.raises(SendError) as failure:
        await sent(out, url, seconds=seconds, **more)
    return failure.value
