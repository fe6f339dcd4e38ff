"""Where this server may call: others choose the URLs of webhooks, and must not reach its own network so."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import TypeAlias
from urllib.parse import SplitResult, urlsplit

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

Resolve: TypeAlias = Callable[[str], Sequence[str]]
"""Returns the addresses of a name, however long that takes. OSError or UnicodeError: it has none."""

LOOKUPS = 16
"""Most names that are looked up at a time."""

_LOOPBACK = (IPv4Address("127.0.0.1"), IPv6Address("::1"))

_UNICAST = IPv6Network("2000::/3")
"""The only part of IPv6 that is given to anybody. Versions of Python disagree about the rest."""

_ALSO_CLOSED = (
    IPv4Network("192.0.0.0/24"),  # protocols of the IETF
    IPv4Network("192.88.99.0/24"),  # relays of 6to4
    IPv6Network("2001::/23"),  # protocols of the IETF, Teredo among them, which hides an IPv4 address
    IPv6Network("3fff::/20"),  # documentation
)
"""What is not for everybody either, though some versions of Python count it as public."""

_HOLDS_IPV4 = (
    IPv6Network("::/96"),  # once "compatible"; :: and ::1 mean 0.0.0.0 and 0.0.0.1 then, which are closed too
    IPv6Network("::ffff:0:0/96"),  # mapped
    IPv6Network("::ffff:0:0:0/96"),  # translated
    IPv6Network("64:ff9b::/96"),  # NAT64
)
"""Networks whose last 32 bits are the IPv4 address that is meant."""

_6TO4 = IPv6Network("2002::/16")
"""Here they are the second and the third group."""

_UNSEEN = re.compile(r"[\s\x00-\x20\x7f-\xa0\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")
_ENCODED_UNSEEN = re.compile(r"%(?:[01][0-9a-f]|20|7f)", re.IGNORECASE)
_AUTHORITY = re.compile(r"(?:[^\[\]:\\]*|\[[^\[\]:\\]*:[^\[\]\\]*\])(?::[0-9]*)?")
_NAME = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.?")


class ForbiddenTargetError(Exception):
    """This server does not call there. The text says which rule it is, and repeats no secret."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a URL names, read once, so that the host that is judged is the host that is called.

    Args:
        scheme: `http` or `https`.
        userinfo: user and password as they are written; None without.
        host: a name in lower-case ASCII, or an address in its usual form, without brackets.
        address: that address; None for a name.
        port: None for that of the scheme.
        authority: host and port as they are written, but in ASCII.
        resource: path and query as they are written; may be empty.
    """

    scheme: str
    userinfo: str | None
    host: str
    address: Address | None
    port: int | None
    authority: str
    resource: str


class AddressGuard:
    """Judges URLs and addresses before they are called.

    Args:
        allow: networks that may be called although they are not public.
        credentials: whether a URL may hold a user name and a password.
    """

    def __init__(self, allow: tuple[Network, ...], *, credentials: bool) -> None:
        self._allow = allow
        self._credentials = credentials

    def check_url(self, url: str) -> None:
        """Check what can be known of a URL without looking its name up.

        Raises:
            ForbiddenTargetError: it cannot be called, or must not.
        """
        target = read_target(url)
        if target.userinfo is not None and not self._credentials:
            raise ForbiddenTargetError(
                "the URL holds a user name or a password: outgoing_credentials is not set"
            )
        if target.address is not None:
            self._check(target.address)
        elif _is_localhost(target.host) and not any(map(self._allows, _LOOPBACK)):
            raise _of_a_private_network(target.host)

    def check_address(self, address: str) -> None:
        """Check an address as it will be connected to.

        Raises:
            ForbiddenTargetError: it is neither public nor allowed.
        """
        self._check(ip_address(address.partition("%")[0]))

    def _check(self, address: Address) -> None:
        if self._allows(address):
            return
        if (meant := _meant(address)).is_multicast:
            raise ForbiddenTargetError(f"{address} is an address of many: only a single machine is called")
        if not _is_public(meant):
            raise _of_a_private_network(str(address))

    def _allows(self, address: Address) -> bool:
        return any(address in network or _meant(address) in network for network in self._allow)


class Lookup:
    """Finds the addresses of names that may be called.

    Each name has a thread, for which nobody waits when the server stops: it takes half a minute if the name
    server does not answer.

    Args:
        guard: judges the addresses.
        resolve: finds them; called in the threads.
    """

    def __init__(self, guard: AddressGuard, resolve: Resolve) -> None:
        self._guard = guard
        self._resolve = resolve
        self._places = asyncio.Semaphore(LOOKUPS)

    async def addresses(self, name: str) -> list[str]:
        """Return the addresses of a name that may be called.

        Raises:
            OSError: it has none.
            ForbiddenTargetError: none of those that it has may be called.
        """
        async with self._places:
            addresses = await self._in_thread(name)
        allowed = [address for address in addresses if self._is_allowed(address)]
        if not allowed:
            raise ForbiddenTargetError(
                f"{name} has only addresses of this machine or of private networks: "
                "add them to outgoing_allow"
            )
        return allowed

    def _is_allowed(self, address: str) -> bool:
        try:
            self._guard.check_address(address)
        except ForbiddenTargetError:
            return False
        return True

    async def _in_thread(self, name: str) -> Sequence[str]:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Sequence[str]] = loop.create_future()

        def look_up() -> None:
            try:
                found = self._resolve(name)
            except (OSError, UnicodeError):
                found = ()
            with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(tell, found)

        def tell(found: Sequence[str]) -> None:
            if answer.done():
                return
            if found:
                answer.set_result(found)
            else:
                answer.set_exception(OSError("no address"))

        threading.Thread(target=look_up, name="look-up", daemon=True).start()
        return await answer


def system_addresses(name: str) -> list[str]:
    """Return the addresses of a name, as the system knows them.

    Raises:
        OSError: it has none.
        UnicodeError: it cannot be a name.
    """
    return [str(place[0]) for *_, place in socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)]


def read_target(url: str) -> Target:
    """Return what a URL names.

    Raises:
        ForbiddenTargetError: no `http` or `https` URL with a host, or one that could be read in two ways.
    """
    if _UNSEEN.search(url):
        raise ForbiddenTargetError("the URL holds a blank or a character that cannot be seen")
    parts, port = _split(url)
    userinfo, at, authority = parts.netloc.rpartition("@")
    if _ENCODED_UNSEEN.search(parts.netloc):
        raise ForbiddenTargetError("a blank or a control character stands before the path")
    if "\\" in userinfo or _AUTHORITY.fullmatch(authority) is None:
        raise _no_host()
    host, address = _read_host(parts.hostname or "")
    if not authority.isascii():
        authority = host if port is None else f"{host}:{port}"
    return Target(
        scheme=parts.scheme,
        userinfo=userinfo if at else None,
        host=host,
        address=address,
        port=port,
        authority=authority.removesuffix(":"),
        resource=url.partition("#")[0].partition("//")[2].removeprefix(parts.netloc),
    )


def _split(url: str) -> tuple[SplitResult, int | None]:
    try:
        parts = urlsplit(url)
    except ValueError:
        raise _no_host() from None
    if parts.scheme not in {"http", "https"}:
        raise ForbiddenTargetError("the scheme is neither http nor https")
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        raise ForbiddenTargetError("the port is not a number from 1 to 65535")
    return parts, port


def _read_host(text: str) -> tuple[str, Address | None]:
    """Return a host in ASCII, and the address that it is, if it is one."""
    if not text:
        raise ForbiddenTargetError("the URL has no host")
    if "%" in text and ":" in text:
        raise ForbiddenTargetError("an address with a zone, such as %eth0, is not called")
    host = _in_ascii(text)
    try:
        address = _read_address(host)
    except ValueError:
        raise _no_host() from None
    if address is not None:
        return str(address), address
    if _NAME.fullmatch(host) is None:
        raise _no_host()
    return host, None


def _in_ascii(host: str) -> str:
    """Return a host as it is looked up: `①②⑦.0.0.1` is `127.0.0.1`, `bücher.example` begins with `xn--`."""
    if host.isascii():
        return host.lower()

    from yarl import URL  # noqa: PLC0415  # few hosts are written so: a start does not pay for them

    try:
        return URL.build(scheme="http", host=host).raw_host or ""
    except ValueError:
        raise _no_host() from None


def _read_address(host: str) -> Address | None:
    """Return the address that a host is, in any form that systems take for one, such as `0x7f.1`."""
    if ":" in host:
        return IPv6Address(host)
    try:
        return IPv4Address(socket.inet_aton(host.removesuffix(".")))
    except OSError:
        return None


def _is_localhost(name: str) -> bool:
    return f".{name.removesuffix('.')}".endswith(".localhost")


def _meant(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 address holds, or the address itself."""
    if isinstance(address, IPv6Address):
        if address in _6TO4:
            return IPv4Address(address.packed[2:6])
        if any(address in network for network in _HOLDS_IPV4):
            return IPv4Address(address.packed[-4:])
    return address


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv6Address) and address not in _UNICAST:
        return False
    return address.is_global and not any(address in network for network in _ALSO_CLOSED)


def _no_host() -> ForbiddenTargetError:
    return ForbiddenTargetError("the host is neither a name nor an address")


def _of_a_private_network(host: str) -> ForbiddenTargetError:
    return ForbiddenTargetError(
        f"{host} is an address of this machine or of a private network: add it to outgoing_allow"
    )
