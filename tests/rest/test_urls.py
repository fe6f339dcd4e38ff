"""The addresses under which clients reach the server."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest

from chinwag.errors import ApiError, Kinds
from chinwag.rest.urls import PublicAddress

TRUSTING = PublicAddress(trusted_proxies=(ip_network("10.0.0.0/8"), ip_network("fd00::/8")))
FORWARDED = {"host": "inside", "x-forwarded-proto": "https", "x-forwarded-host": "outside"}


def scope(client: str | None = "10.1.2.3", server: tuple[str, int] = ("127.0.0.1", 8080)) -> dict[str, Any]:
    return {"scheme": "http", "server": server, "client": None if client is None else (client, 50000)}


def test_the_base_is_the_host_that_the_client_asked_for() -> None:
    assert (
        PublicAddress().base(scope(), {"host": "chat.example.com:8080"}.get) == "http://chat.example.com:8080"
    )


@pytest.mark.parametrize(
    ("server", "base"),
    [(("127.0.0.1", 8080), "http://127.0.0.1:8080"), (("::1", 8080), "http://[::1]:8080")],
)
@pytest.mark.parametrize("headers", [{}, {"host": ""}])
def test_without_a_host_the_base_is_where_the_server_listens(
    headers: dict[str, str], server: tuple[str, int], base: str
) -> None:
    assert PublicAddress().base(scope(server=server), headers.get) == base


@pytest.mark.parametrize("headers", [{}, FORWARDED, {"host": "not a host"}])
def test_a_base_that_the_operator_gave_wins_over_everything(headers: dict[str, str]) -> None:
    fixed = PublicAddress(fixed="https://chat.example.com/base", trusted_proxies=TRUSTING.trusted_proxies)

    assert fixed.base(scope(), headers.get) == "https://chat.example.com/base"


@pytest.mark.parametrize("client", ["10.1.2.3", "fd00::17"])
def test_a_trusted_proxy_is_believed(client: str) -> None:
    assert TRUSTING.base(scope(client), FORWARDED.get) == "https://outside"


@pytest.mark.parametrize("client", ["192.168.0.1", "::1", "11.0.0.1", None])
def test_anybody_else_is_not(client: str | None) -> None:
    assert TRUSTING.base(scope(client), FORWARDED.get) == "http://inside"


def test_nobody_is_believed_when_nobody_is_trusted() -> None:
    assert PublicAddress().base(scope("127.0.0.1"), FORWARDED.get) == "http://inside"


@pytest.mark.parametrize(
    ("headers", "base"),
    [
        ({"host": "inside", "x-forwarded-proto": "https"}, "https://inside"),
        ({"host": "inside", "x-forwarded-host": "outside"}, "http://outside"),
        ({"host": "inside", "x-forwarded-host": ""}, "http://inside"),
        ({"host": "inside", "x-forwarded-proto": ""}, "http://inside"),
        ({"host": "inside", "x-forwarded-proto": "ftp"}, "http://inside"),
        ({"host": "inside", "x-forwarded-proto": " HTTPS , http"}, "https://inside"),
        ({"host": "inside", "x-forwarded-host": " first:1 , second:2"}, "http://first:1"),
        ({"x-forwarded-proto": "https"}, "https://127.0.0.1:8080"),
    ],
)
def test_what_a_proxy_leaves_out_is_as_the_request_came(headers: dict[str, str], base: str) -> None:
    assert TRUSTING.base(scope(), headers.get) == base


@pytest.mark.parametrize(
    "host", ["a b", "a/b", "a?b", "a#b", "u@h", "a:b", "a:", ":80", "[::1", "é", "a\nb", "a,b"]
)
def test_what_cannot_be_a_host_is_refused(host: str) -> None:
    for headers in ({"host": host}, {"host": "inside", "x-forwarded-host": host}):
        with pytest.raises(ApiError) as refusal:
            TRUSTING.base(scope(), (headers if "," not in host else {"host": host}).get)

        assert refusal.value.kind is Kinds.MALFORMED_REQUEST


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("192.0.2.7", None, "192.0.2.7"),
        ("192.0.2.7", "203.0.113.9", "192.0.2.7"),  # anybody can say that
        ("10.1.2.3", None, "10.1.2.3"),
        ("10.1.2.3", "", "10.1.2.3"),
        ("10.1.2.3", "203.0.113.9", "203.0.113.9"),
        ("10.1.2.3", "198.51.100.1, 203.0.113.9", "203.0.113.9"),  # the client itself said the first one
        ("10.1.2.3", "198.51.100.1,203.0.113.9 , 10.9.9.9", "203.0.113.9"),
        ("10.1.2.3", "10.8.8.8, 10.9.9.9", "10.8.8.8"),
        ("10.1.2.3", "203.0.113.9:4711", "203.0.113.9"),
        ("10.1.2.3", "203.0.113.9, unknown", "10.1.2.3"),
        ("10.1.2.3", "203.0.113.9, é, 10.9.9.9", "10.9.9.9"),
        ("2001:db8:1:2:3:4:5:6", None, "2001:db8:1:2::/64"),
        ("fd00::17", "[2001:db8:1:2::ffff]:4711", "2001:db8:1:2::/64"),
        ("fd00::17", "2001:db8:1:2::eeee", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", None, "192.0.2.7"),
        ("fe80::1%eth0", None, "fe80::/64"),
    ],
)
def test_a_client_is_where_a_trusted_proxy_saw_it_and_in_ipv6_its_network(
    peer: str, forwarded: str | None, client: str
) -> None:
    headers = {} if forwarded is None else {"x-forwarded-for": forwarded}

    assert TRUSTING.client(scope(peer), headers.get) == client


def test_a_client_without_an_address_has_none() -> None:
    assert TRUSTING.client(scope(None), {}.get) == ""


def test_a_client_of_a_socket_is_found_in_the_same_way() -> None:
    headers = [(b"X-Forwarded-For", b"203.0.113.9"), (b"Host", b"inside")]

    assert TRUSTING.client_of_socket({**scope(), "headers": headers}) == "203.0.113.9"


def test_header_lines_of_a_socket_are_one_header_as_those_of_a_request_are() -> None:
    lines = [(b"x-forwarded-for", b"203.0.113.9"), (b"X-Forwarded-For", b"10.9.9.9"), (b"Host", b"inside")]

    assert TRUSTING.client_of_socket({**scope(), "headers": lines}) == "203.0.113.9"
