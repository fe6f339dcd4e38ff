"""Where this server may call: every way to write an address, and what no URL may hold."""

from __future__ import annotations

import asyncio
import threading
from ipaddress import ip_network

import pytest

from chinwag.delivery.guard import (
    LOOKUPS,
    AddressGuard,
    ForbiddenTargetError,
    Lookup,
    read_target,
    system_addresses,
)

pytestmark = pytest.mark.check(27)

PRIVATE = "is an address of this machine or of a private network: add it to outgoing_allow"

NO_HOST = "^the host is neither a name nor an address$"

PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "100.63.255.255",
    "100.128.0.1",
    "172.15.255.255",
    "172.32.0.1",
    "192.0.1.1",
    "223.255.255.255",
    "2606:4700:4700::1111",
    "2a00:1450::1",
]

CLOSED = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.0.9",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
]
"""Addresses of IPv4 that are nobody's on the internet."""

CLOSED_6 = [
    "::",
    "::1",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:0:4136:e378:8000:63bf:f7f7:f7f7",
    "2001:db8::1",
    "3fff::1",
    "4000::1",
    "5f00::1",
    "fc00::1",
    "fd12:3456::1",
    "fe80::1",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
]

HIDING = {
    "compatible": "::{0}",
    "mapped": "::ffff:{0}",
    "mapped in groups": "::ffff:{1:x}:{2:x}",
    "mapped at full length": "0000:0000:0000:0000:0000:FFFF:{1:04X}:{2:04X}",
    "translated": "::ffff:0:{0}",
    "NAT64": "64:ff9b::{0}",
    "6to4": "2002:{1:x}:{2:x}::1",
}
"""How an address of IPv6 holds one of IPv4: as it is written, or as the numbers of its two halves."""

LOOPBACK_HOSTS = [
    "127.0.0.1",
    "127.0.0.1.",
    "127.1",
    "127.0.1",
    "2130706433",
    "017700000001",
    "0x7f000001",
    "0X7F000001",
    "0177.0.0.1",
    "0x7f.1",
    "0x7f.0x0.0x0.0x1",
    "0000177.0.0.01",
    "127.00000.0.1",
    "\uff11\uff12\uff17.0.0.1",
    "127。0。0。1",
    "127\uff0e0\uff0e0\uff0e1",
    "127｡0｡0｡1",
    "①②⑦.⓪.⓪.①",
    "\U0001d7cf\U0001d7d0\U0001d7d5.\U0001d7ce.\U0001d7ce.\U0001d7cf",
    "0\uff587f.1",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[0000:0000:0000:0000:0000:0000:0000:0001]",
    "[::ffff:127.0.0.1]",
    "[::FFFF:7F00:1]",
    "[::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "localhost",
    "localhost.",
    "LOCALHOST",
    "foo.localhost",
    "a.b.LocalHost.",
    "\uff4c\uff4f\uff43\uff41\uff4c\uff48\uff4f\uff53\uff54",
    "ⓛocalhost",
    "foo。localhost",
]
"""Ways to write a host that is this machine."""

NO_HOSTS = [
    "%31%32%37.0.0.1",
    "127.0.0.1%2f.example.com",
    "exa%6dple.com",
    "exa$mple.com",
    "exa,mple.com",
    "exa<mple.com",
    "exa|mple.com",
    ".example.com",
    "..",
    "example..com",
    "[::1",
    "[::g]",
    "[127.0.0.1]",
    "[example.com]",
    "[v1.example]",
    "a[::1]",
    "[::1]a",
    "[::1].example.com",
    "[::ffff:127.0.0.1.1]",
    "example.com\\",
    "example.com\\.example.org",
    "℀.example.com",
    "example.com\uff0f",
    "ü..example.com",
]


UNSEEN = (*"\r\n\t \0\x1f\x7f\x85\xa0\u2028\u200b\u202e\u3000\ufeff\ud800", "\r\n")


@pytest.fixture
def guard() -> AddressGuard:
    return a_guard()


# Addresses


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_may_be_called(guard: AddressGuard, address: str) -> None:
    guard.check_address(address)


@pytest.mark.parametrize("address", CLOSED + CLOSED_6)
def test_an_address_that_is_not_public_may_not_be_called(guard: AddressGuard, address: str) -> None:
    with pytest.raises(ForbiddenTargetError):
        guard.check_address(address)


@pytest.mark.parametrize("address", ["fe80::1%eth0", "::1%lo", "::ffff:127.0.0.1%1"])
def test_a_zone_does_not_change_what_an_address_is(guard: AddressGuard, address: str) -> None:
    with pytest.raises(ForbiddenTargetError):
        guard.check_address(address)


@pytest.mark.parametrize("form", HIDING.values(), ids=HIDING)
@pytest.mark.parametrize("address", CLOSED)
def test_an_address_of_ipv6_is_judged_by_the_one_of_ipv4_that_it_holds(
    guard: AddressGuard, form: str, address: str
) -> None:
    with pytest.raises(ForbiddenTargetError):
        guard.check_address(hidden(address, form))


@pytest.mark.parametrize("form", HIDING.values(), ids=HIDING)
def test_an_address_of_ipv6_that_holds_a_public_one_may_be_called(guard: AddressGuard, form: str) -> None:
    guard.check_address(hidden("8.8.8.8", form))


@pytest.mark.parametrize("form", HIDING.values(), ids=HIDING)
def test_what_is_allowed_of_ipv4_is_allowed_within_ipv6(form: str) -> None:
    guard = a_guard("10.0.0.0/8")

    guard.check_address(hidden("10.1.2.3", form))
    with pytest.raises(ForbiddenTargetError):
        guard.check_address(hidden("192.168.1.1", form))


@pytest.mark.parametrize(
    ("network", "inside", "outside"),
    [
        ("10.0.0.0/8", "10.255.255.255", "127.0.0.1"),
        ("127.0.0.1/32", "127.0.0.1", "127.0.0.2"),
        ("fd00::/8", "fd12::1", "fc00::1"),
        ("::1/128", "::1", "::"),
        ("169.254.169.254/32", "169.254.169.254", "169.254.169.253"),
        ("224.0.0.0/4", "224.0.0.1", "ff02::1"),
    ],
)
def test_a_network_that_is_allowed_may_be_called_and_no_other(
    network: str, inside: str, outside: str
) -> None:
    guard = a_guard(network)

    guard.check_address(inside)
    with pytest.raises(ForbiddenTargetError):
        guard.check_address(outside)


# Hosts of URLs


@pytest.mark.parametrize("host", LOOPBACK_HOSTS)
def test_this_machine_may_not_be_called_however_it_is_written(guard: AddressGuard, host: str) -> None:
    for url in (f"http://{host}", f"https://{host}:8080/path?query#fragment"):
        with pytest.raises(ForbiddenTargetError, match=PRIVATE):
            guard.check_url(url)


@pytest.mark.parametrize("host", LOOPBACK_HOSTS)
def test_this_machine_may_be_called_however_it_is_written_if_it_is_allowed(host: str) -> None:
    a_guard("127.0.0.0/8", "::1/128").check_url(f"http://{host}:8080/")


@pytest.mark.parametrize("address", PUBLIC)
def test_a_url_may_name_a_public_address(guard: AddressGuard, address: str) -> None:
    guard.check_url(f"https://{bracketed(address)}/")


@pytest.mark.parametrize("address", CLOSED + CLOSED_6)
def test_a_url_may_not_name_an_address_that_is_not_public(guard: AddressGuard, address: str) -> None:
    with pytest.raises(ForbiddenTargetError):
        guard.check_url(f"https://{bracketed(address)}/")


@pytest.mark.parametrize("host", ["[fe80::1%25eth0]", "[fe80::1%eth0]", "[::1%25lo]", "[2606:4700::1%251]"])
def test_an_address_with_a_zone_is_refused_even_if_it_is_allowed(host: str) -> None:
    with pytest.raises(ForbiddenTargetError, match="zone"):
        a_guard("::/0").check_url(f"http://{host}/")


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com",
        "HTTPS://EXAMPLE.COM:443/",
        "https://example.com.:8443/a/../b?c=d#e",
        "http://localhost.example.com/",
        "http://notlocalhost/",
        "http://under_score.example.com/",
        "http://127.0.0.1.example.com/",
        "http://256.256.256.256/",
        "http://4294967296/",
        "http://1.2.3.4.5/",
        "https://bücher.example/",
        "https://例え。テスト/",
        "http://example.com/@127.0.0.1/",
        "http://example.com/?@127.0.0.1",
        "http://example.com/%0d%0a%00?%20",
        "http://example.com:/",
    ],
)
def test_a_name_may_be_called_as_far_as_its_url_tells(guard: AddressGuard, url: str) -> None:
    guard.check_url(url)


def test_the_refusal_names_the_address_in_its_usual_form_and_the_setting(guard: AddressGuard) -> None:
    with pytest.raises(ForbiddenTargetError) as refusal:
        guard.check_url("http://2130706433/")

    assert str(refusal.value) == f"127.0.0.1 {PRIVATE}"


# What else a URL may not hold


@pytest.mark.parametrize("host", NO_HOSTS)
def test_what_is_neither_a_name_nor_an_address_is_refused(host: str) -> None:
    with pytest.raises(ForbiddenTargetError, match=NO_HOST):
        everything().check_url(f"http://{host}/")


@pytest.mark.parametrize(
    "url", ["", "http", "http:", "http:/example.com/", "http://", "http:///", "http://:80/", "http://?a"]
)
def test_a_url_without_a_host_is_refused(url: str) -> None:
    with pytest.raises(ForbiddenTargetError, match=r"^the (scheme is neither|URL has no host)"):
        everything().check_url(url)


@pytest.mark.parametrize(
    "url",
    ["ftp://example.com/", "file:///etc/passwd", "gopher://example.com/", "//example.com/", "example.com"],
)
def test_another_scheme_is_refused(url: str) -> None:
    with pytest.raises(ForbiddenTargetError, match="the scheme is neither http nor https"):
        everything().check_url(url)


@pytest.mark.parametrize(
    "port", ["0", "00", "65536", "-1", ":1", "+80", "8o", "\uff18\uff10", "80a", "1" * 5000]
)
def test_what_is_no_port_is_refused(port: str) -> None:
    with pytest.raises(ForbiddenTargetError, match="the port is not a number from 1 to 65535"):
        everything().check_url(f"http://example.com:{port}/")


@pytest.mark.parametrize("character", UNSEEN, ids=ascii)
@pytest.mark.parametrize(
    "url",
    [
        "{}http://example.com/",
        "ht{}tp://example.com/",
        "http://a:{}b@example.com/",
        "http://exam{}ple.com/",
        "http://example.com{}/",
        "http://example.com/{}",
        "http://example.com/?a={}",
        "http://example.com/#{}",
    ],
)
def test_a_blank_or_a_character_that_cannot_be_seen_is_refused_anywhere(url: str, character: str) -> None:
    with pytest.raises(ForbiddenTargetError, match="holds a blank or a character that cannot be seen"):
        everything().check_url(url.format(character))


@pytest.mark.parametrize("character", ["%0d", "%0A", "%00", "%20", "%09", "%7F"])
@pytest.mark.parametrize(
    "url", ["http://exam{}ple.com/", "http://a{}:b@example.com/", "http://a:b{}@example.com/"]
)
def test_an_encoded_blank_before_the_path_is_refused(url: str, character: str) -> None:
    with pytest.raises(ForbiddenTargetError, match="stands before the path"):
        everything().check_url(url.format(character))


@pytest.mark.parametrize(
    "url",
    [
        "http://user:swordfish@example.com/",
        "http://user@example.com/",
        "http://:swordfish@example.com/",
        "http://@example.com/",
        "http://a@b@example.com/",
        "http://127.0.0.1@example.com/",
    ],
)
def test_user_and_password_are_refused_unless_they_are_allowed_and_never_repeated(
    guard: AddressGuard, url: str
) -> None:
    with pytest.raises(ForbiddenTargetError) as refusal:
        guard.check_url(url)

    assert str(refusal.value) == ("the URL holds a user name or a password: outgoing_credentials is not set")
    everything().check_url(url)


@pytest.mark.parametrize("url", ["http://example.com@127.0.0.1/", "http://a:b@localhost/"])
def test_what_stands_before_an_at_sign_is_not_the_host(url: str) -> None:
    with pytest.raises(ForbiddenTargetError, match=PRIVATE):
        AddressGuard((), credentials=True).check_url(url)


def test_a_backslash_in_a_user_name_is_refused_since_some_take_it_for_a_slash() -> None:
    with pytest.raises(ForbiddenTargetError, match=NO_HOST):
        everything().check_url("http://127.0.0.1\\@example.com/")


# What a URL names


@pytest.mark.parametrize(
    ("url", "resource"),
    [
        ("http://h", ""),
        ("http://h?a=b", "?a=b"),
        ("http://h/?", "/?"),
        ("http://h/a/../b//c;d?e=f?g&&h=%7e%zz+#i", "/a/../b//c;d?e=f?g&&h=%7e%zz+"),
        ("http://u:p@h:80/http://h/", "/http://h/"),
        ("http://h/ü", "/ü"),
    ],
)
def test_path_and_query_are_as_they_are_written(url: str, resource: str) -> None:
    assert read_target(url).resource == resource


@pytest.mark.parametrize(
    ("url", "host", "authority"),
    [
        ("http://Example.COM/", "example.com", "Example.COM"),
        ("http://u:p@Example.COM:0080/", "example.com", "Example.COM:0080"),
        ("http://example.com.:/", "example.com.", "example.com."),
        ("http://Bücher.example:80/", "xn--bcher-kva.example", "xn--bcher-kva.example:80"),
        ("http://0x7f.1:80/", "127.0.0.1", "0x7f.1:80"),
        ("http://[2606:4700:0::1]:80/", "2606:4700::1", "[2606:4700:0::1]:80"),
    ],
)
def test_the_host_is_in_its_usual_form_and_the_authority_as_it_is_written(
    url: str, host: str, authority: str
) -> None:
    target = read_target(url)

    assert (target.host, target.authority) == (host, authority)


# Names


async def test_only_those_addresses_of_a_name_are_found_that_may_be_called() -> None:
    found = ["127.0.0.1", "8.8.8.8", "::ffff:10.0.0.1", "2606:4700::1", "fe80::1%eth0"]
    lookup = Lookup(a_guard(), lambda _: found)

    assert await lookup.addresses("example.com") == ["8.8.8.8", "2606:4700::1"]


async def test_a_name_that_has_only_other_addresses_is_forbidden_without_telling_them() -> None:
    lookup = Lookup(a_guard(), lambda _: ["10.1.2.3"])

    with pytest.raises(ForbiddenTargetError) as refusal:
        await lookup.addresses("intra.example.com")

    assert str(refusal.value) == (
        "intra.example.com has only addresses of this machine or of private networks: "
        "add them to outgoing_allow"
    )


async def test_names_are_those_of_the_system() -> None:
    assert "127.0.0.1" in await Lookup(a_guard("127.0.0.0/8"), system_addresses).addresses("localhost")


@pytest.mark.parametrize("name", ["a" * 64 + ".invalid", "a..invalid"])
async def test_a_name_that_has_no_address_is_an_error_of_the_system(name: str) -> None:
    with pytest.raises(OSError, match="no address"):
        await Lookup(a_guard(), system_addresses).addresses(name)


async def test_slow_names_do_not_hold_up_others() -> None:
    answering = threading.Event()
    slow = Lookup(a_guard(), lambda name: ["8.8.8.8"] if name == "fast" or answering.wait(60) else [])
    waiting = [asyncio.create_task(slow.addresses("slow")) for _ in range(LOOKUPS - 1)]

    assert await slow.addresses("fast") == ["8.8.8.8"]

    answering.set()
    assert await asyncio.gather(*waiting) == [["8.8.8.8"]] * (LOOKUPS - 1)


async def test_a_name_that_nobody_waits_for_any_more_is_forgotten() -> None:
    answering = threading.Event()
    answered = asyncio.Event()
    loop = asyncio.get_running_loop()

    def late(_name: str) -> list[str]:
        answering.wait(60)
        loop.call_soon_threadsafe(lambda: loop.call_soon(answered.set))
        return ["8.8.8.8"]

    waiting = asyncio.create_task(Lookup(a_guard(), late).addresses("slow"))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    answering.set()

    await answered.wait()


def a_guard(*allow: str, credentials: bool = False) -> AddressGuard:
    return AddressGuard(tuple(map(ip_network, allow)), credentials=credentials)


def everything() -> AddressGuard:
    """Return a guard that allows every address, and credentials."""
    return a_guard("0.0.0.0/0", "::/0", credentials=True)


def hidden(address: str, form: str) -> str:
    a, b, c, d = map(int, address.split("."))
    return form.format(address, a * 256 + b, c * 256 + d)


def bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address
