"""What is sent to Google in the tests, with what, and when."""

from __future__ import annotations

import asyncio
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

from chinwag.delivery.guard import AddressGuard
from chinwag.delivery.http_out import HttpOut
from chinwag.delivery.provider import OpenedCredential, PushAnswer
from chinwag.domain.credential import PushType
from chinwag.domain.push import PushContent, PushKind

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from chinwag.delivery.fcm import Fcm
    from delivery.google_peer import Google

NOW = 1_800_000_000_000
DIGITS = "0123456789abcdef0123456789abcdef"
CHANNEL = f"CH{DIGITS}"
MESSAGE = f"IM{DIGITS}"
DEVICE = "bk3RNwTe3H0:CI2k_HHwgIpoDKCIZvvDMExUdFQ3P1"
PATIENCE_SECONDS = 20


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> int:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += round(seconds * 1000)


def an_http(resolve: Callable[[str], Sequence[str]] | None = None) -> HttpOut:
    """The client of a server that may call this machine."""
    guard = AddressGuard((ip_network("127.0.0.0/8"),), credentials=False)
    return HttpOut(guard, resolve) if resolve else HttpOut(guard)


def a_content(**other: Any) -> PushContent:
    fields: dict[str, Any] = {
        "sid": f"NT{DIGITS}",
        "kind": PushKind.NEW_MESSAGE,
        "text": "general:alice: hello",
        "sound": "default",
        "channel_sid": CHANNEL,
        "channel_title": "general",
        "message_sid": MESSAGE,
        "message_index": 17,
        "author": "alice",
        "expires": NOW + 3_600_000,
    }
    return PushContent(**fields | other)


def a_credential(google: Google, **other: Any) -> OpenedCredential:
    fields: dict[str, Any] = {"sid": f"CR{DIGITS}", "type": PushType.FCM, "version": NOW}
    fields["secret"] = google.service_account()
    return OpenedCredential(**fields | other)


async def sent(
    provider: Fcm, google: Google, content: PushContent | None = None, **credential: Any
) -> PushAnswer:
    """Send a push to a device."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        return await provider.send(a_credential(google, **credential), DEVICE, content or a_content())


async def a_closed_port() -> int:
    """A port at which nobody listens."""
    server = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    return port
