"""The client for outgoing requests: what it sends, and what it makes of every kind of answer."""

from __future__ import annotations

import asyncio
import datetime as dt
import gzip
import ssl
from contextlib import suppress
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from chinwag.delivery.guard import AddressGuard
from chinwag.delivery.http_out import Failure, HttpOut, Reply, SendError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

pytestmark = pytest.mark.check(27)


HELLO = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
SECONDS = 0.2
"""How long the tests wait for what does not come."""


class Peer:
    """A server on loopback that does on each connection as it is told.

    Args:
        talk: what it does when a request has come.
    """

    def __init__(self, talk: Callable[[Peer, asyncio.StreamWriter], Awaitable[None]]) -> None:
        self._talk = talk
        self._talks: set[asyncio.Task[None]] = set()
        self.requests: list[bytes] = []
        self.connections = 0
        self.left = asyncio.Event()

    async def listen(self, host: str, tls: ssl.SSLContext | None) -> None:
        self._server = await asyncio.start_server(self._serve, host, 0, ssl=tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._talks.add(asyncio.current_task())
        with suppress(asyncio.IncompleteReadError, asyncio.CancelledError, OSError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(header(head, "Content-Length") or 0)
                self.requests.append(head + await reader.readexactly(length))
                await self._talk(self, writer)
        self.left.set()
        writer.transport.abort()

    async def close(self) -> None:
        self._server.close()
        for talk in self._talks:
            talk.cancel()
        await asyncio.gather(*self._talks)

    def url(self, rest: str = "/", host: str = "127.0.0.1", scheme: str = "http") -> str:
        return f"{scheme}://{host}:{self.port}{rest}"


class Peers:
    """Starts servers, and stops them at the end of a test."""

    def __init__(self) -> None:
        self._peers: list[Peer] = []

    async def that(
        self,
        talk: Callable[[Peer, asyncio.StreamWriter], Awaitable[None]],
        host: str = "127.0.0.1",
        tls: ssl.SSLContext | None = None,
    ) -> Peer:
        peer = Peer(talk)
        await peer.listen(host, tls)
        self._peers.append(peer)
        return peer

    async def saying(
        self, *pieces: bytes, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None
    ) -> Peer:
        """Start a server that answers each request with the same bytes, and keeps the connection."""
        return await self.that(says(*pieces), host, tls)

    async def close(self) -> None:
        for peer in self._peers:
            await peer.close()


@pytest.fixture
async def peers() -> AsyncIterator[Peers]:
    found = Peers()
    yield found
    await found.close()


@pytest.fixture
async def out() -> AsyncIterator[HttpOut]:
    """The client of a server that may call this machine."""
    found = HttpOut(a_guard("127.0.0.0/8"))
    yield found
    await found.close()


# What is sent


async def test_a_request_is_sent_as_it_is_given(out: HttpOut, peers: Peers) -> None:
    peer = await peers.saying(HELLO)

    await sent(out, peer.url("/hook"), headers={"X-Signature": "abc", "Content-Type": "a/b"}, body=b"a=b")

    assert peer.requests == [
        b"POST /hook HTTP/1.1\r\n"
        b"Host: 127.0.0.1:%d\r\n"
        b"X-Signature: abc\r\n"
        b"Content-Type: a/b\r\n"
        b"Accept-Encoding: identity\r\n"
        b"Accept: */*\r\n"
        b"Content-Length: 3\r\n"
        b"\r\n"
        b"a=b" % peer.port
    ]


@pytest.mark.parametrize(
    "rest",
    [
        "/a/../b/./c//d",
        "/%7Euser/%2f%zz?a=%20b+c&&d=e?f",
        '/;x=1?[1]|"<>\\^`{}',
        "/?",
        "/?a=b&a=c",
        "//example.com/",
    ],
)
async def test_path_and_query_are_sent_as_they_are_written(out: HttpOut, peers: Peers, rest: str) -> None:
    peer = await peers.saying(HELLO)

    await sent(out, peer.url(rest))

    assert peer.requests[0].startswith(f"POST {rest.removesuffix('?')} HTTP/1.1\r\n".encode())


@pytest.mark.parametrize(
    ("rest", "target"),
    [
        ("", "/"),
        ("?a=b", "/?a=b"),
        ("#fragment", "/"),
        ("/a?b#c?d", "/a?b"),
        ("/ü?ä=€#ö", "/%C3%BC?%C3%A4=%E2%82%AC"),
    ],
)
async def test_what_http_cannot_carry_is_changed(out: HttpOut, peers: Peers, rest: str, target: str) -> None:
    peer = await peers.saying(HELLO)

    await sent(out, peer.url(rest))

    assert peer.requests[0].startswith(f"POST {target} HTTP/1.1\r\n".encode())


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("LOCALHOST", "LOCALHOST"),
        ("localhost.", "localhost."),
        ("0x7f.1", "0x7f.1"),
        ("2130706433", "2130706433"),
        ("bücher.localhost", "xn--bcher-kva.localhost"),
        ("user:swordfish@localhost", "localhost"),
    ],
)
async def test_the_host_is_shown_as_it_is_written(peers: Peers, host: str, shown: str) -> None:
    peer = await peers.saying(HELLO)
    out = HttpOut(a_guard("127.0.0.0/8", credentials=True), lambda _: ["127.0.0.1"])

    await sent(out, peer.url(host=host))

    assert header(peer.requests[0], "Host") == f"{shown}:{peer.port}"
    await out.close()


# Where nothing is sent


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/",
        "http://localhost:{port}/",
        "http://2130706433:{port}/",
        "http://0177.0.0.1:{port}/",
        "http://0x7f.1:{port}/",
        "http://[::ffff:127.0.0.1]:{port}/",
        "http://[::1]:{port}/",
        "http://169.254.169.254/",
        "http://10.0.0.1/",
        "http://[fd00::1]/",
        "ftp://example.com/",
        "file:///etc/passwd",
        "http://user:secret@127.0.0.1:{port}/",
        "http://example.com/\r\nX: y",
    ],
)
async def test_what_is_forbidden_is_not_connected_to(peers: Peers, url: str) -> None:
    peer = await peers.saying(HELLO)
    out = HttpOut(a_guard())

    error = await failed(out, url.format(port=peer.port))

    assert error.failure is Failure.FORBIDDEN
    assert "secret" not in str(error)
    assert peer.connections == 0
    await out.close()


async def test_a_name_is_judged_by_the_address_that_is_connected_to(peers: Peers) -> None:
    """First it names somebody else's machine, and then ours: a look beforehand would not help."""
    peer = await peers.saying(HELLO)
    answers = iter([["127.0.0.1"], ["127.0.0.1", "10.0.0.1"]])
    out = HttpOut(a_guard(), lambda _name: next(answers))

    for _ in range(2):
        error = await failed(out, peer.url(host="rebinding.example.com"))
        assert error.failure is Failure.FORBIDDEN

    assert peer.connections == 0
    await out.close()


async def test_an_address_is_judged_again_when_it_is_connected_to(
    peers: Peers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even if the look at the URL, and that at the name, had let it pass."""
    peer = await peers.saying(HELLO)
    guard = a_guard()
    out = HttpOut(guard)
    monkeypatch.setattr(AddressGuard, "check_url", lambda _guard, _url: None)

    error = await failed(out, peer.url())

    assert error.failure is Failure.FORBIDDEN
    assert peer.connections == 0
    await out.close()


async def test_redirects_are_answers(out: HttpOut, peers: Peers) -> None:
    elsewhere = await peers.saying(HELLO)
    head = f"HTTP/1.1 302 Found\r\nLocation: {elsewhere.url()}\r\nContent-Length: 0\r\n\r\n"
    peer = await peers.saying(head.encode())

    reply = await sent(out, peer.url())

    assert reply.status == 302
    assert elsewhere.connections == 0


async def test_proxies_of_the_environment_are_not_used(
    out: HttpOut, peers: Peers, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy, peer = await peers.saying(HELLO), await peers.saying(HELLO)
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, proxy.url())

    await sent(out, peer.url())

    assert (proxy.connections, len(peer.requests)) == (0, 1)


# What is made of answers


async def test_an_answer_is_returned_as_it_came(out: HttpOut, peers: Peers) -> None:
    peer = await peers.saying(HELLO)

    reply = await sent(out, peer.url())

    assert reply == Reply(200, "text/plain", None, b"hello", "127.0.0.1")


@pytest.mark.check(23)
async def test_a_compressed_answer_is_not_unpacked(out: HttpOut, peers: Peers) -> None:
    bomb = gzip.compress(b"0" * 10_000_000)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(bomb)}\r\n\r\n"
    peer = await peers.saying(head.encode(), bomb)

    reply = await sent(out, peer.url(), most_bytes=100_000)

    assert reply.body == bomb


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n", CHUNKED])
async def test_an_answer_that_is_too_large_is_broken_off(out: HttpOut, peers: Peers, head: bytes) -> None:
    piece = b"x" * 1000 if head is not CHUNKED else b"3e8\r\n" + b"x" * 1000 + b"\r\n"
    peer = await peers.saying(head, *[piece] * 2000)

    error = await failed(out, peer.url(), most_bytes=10_000, seconds=5)

    assert error.failure is Failure.TOO_LARGE


async def test_who_says_nothing_takes_too_long(out: HttpOut, peers: Peers) -> None:
    peer = await peers.saying()

    assert (await failed(out, peer.url())).failure is Failure.TIMEOUT


async def test_who_drips_takes_too_long(out: HttpOut, peers: Peers) -> None:
    async def drip(peer: Peer, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while not peer.left.is_set():
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(SECONDS / 10)

    peer = await peers.that(drip)

    assert (await failed(out, peer.url())).failure is Failure.TIMEOUT


@pytest.mark.parametrize(
    ("said", "failure"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", Failure.PROTOCOL),
        (b"HTTP/1.1 two hundred\r\n\r\n", Failure.PROTOCOL),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n", Failure.PROTOCOL),
        (b"", Failure.DISCONNECTED),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", Failure.DISCONNECTED),
    ],
    ids=["another protocol", "no status", "a long line", "nothing", "half"],
)
async def test_what_is_no_whole_answer_is_named(
    out: HttpOut, peers: Peers, said: bytes, failure: Failure
) -> None:
    async def say_and_go(_peer: Peer, writer: asyncio.StreamWriter) -> None:
        writer.write(said)
        await writer.drain()
        writer.close()

    peer = await peers.that(say_and_go)

    error = await failed(out, peer.url(), seconds=5)

    assert error.failure is failure
    assert "OpenSSH" not in str(error)


async def test_where_nobody_listens_nothing_is_connected(out: HttpOut, peers: Peers) -> None:
    peer = await peers.saying(HELLO)
    url = peer.url()
    await peer.close()

    assert (await failed(out, url)).failure is Failure.CONNECT


async def test_a_name_without_an_address_is_named(peers: Peers) -> None:
    def nowhere(_name: str) -> list[str]:
        raise OSError

    out = HttpOut(a_guard(), nowhere)

    assert (await failed(out, "http://nowhere.example.com/")).failure is Failure.NAME
    await out.close()


async def test_a_certificate_that_nobody_vouches_for_is_refused(
    out: HttpOut, peers: Peers, tmp_path: Path
) -> None:
    peer = await peers.saying(HELLO, tls=a_certificate(tmp_path))

    error = await failed(out, peer.url(scheme="https"), seconds=5)

    assert error.failure is Failure.TLS
    assert peer.requests == []


# Connections


async def test_a_kept_connection_that_is_dead_is_replaced_once(out: HttpOut, peers: Peers) -> None:
    async def answer_once(peer: Peer, writer: asyncio.StreamWriter) -> None:
        if len(peer.requests) != 2:  # the second request of all comes on a connection that ends just then
            writer.write(HELLO)
        else:
            writer.transport.abort()

    peer = await peers.that(answer_once)

    assert [(await sent(out, peer.url(), seconds=5)).status for _ in range(2)] == [200, 200]
    assert (len(peer.requests), peer.connections) == (3, 2)


async def test_a_new_connection_that_ends_is_not_replaced(out: HttpOut, peers: Peers) -> None:
    async def go(_peer: Peer, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    peer = await peers.that(go)

    assert (await failed(out, peer.url(), seconds=5)).failure is Failure.DISCONNECTED
    assert peer.connections == 1


def a_guard(*allow: str, credentials: bool = False) -> AddressGuard:
    return AddressGuard(tuple(map(ip_network, allow)), credentials=credentials)


async def sent(
    out: HttpOut,
    url: str,
    *,
    headers: dict[str, str] | None = None,
    body: bytes | None = None,
    seconds: float = 5.0,
    most_bytes: int = 1_000_000,
) -> Reply:
    return await out.send(
        "POST", url, headers=headers or {}, body=body, seconds=seconds, most_bytes=most_bytes
    )


async def failed(out: HttpOut, url: str, *, seconds: float = SECONDS, **more: Any) -> SendError:
    with pytest.raises(SendError) as failure:
        await sent(out, url, seconds=seconds, **more)
    return failure.value


def header(head: bytes, name: str) -> str | None:
    """The value of a header of a request."""
    for line in head.partition(b"\r\n\r\n")[0].split(b"\r\n")[1:]:
        found, _, value = line.partition(b": ")
        if found.lower() == name.lower().encode():
            return value.decode()
    return None


def says(*pieces: bytes) -> Callable[[Peer, asyncio.StreamWriter], Awaitable[None]]:
    async def talk(_peer: Peer, writer: asyncio.StreamWriter) -> None:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()

    return talk


def a_certificate(folder: Path) -> ssl.SSLContext:
    """A certificate for this machine that it has signed itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + dt.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (folder / "pem").write_bytes(pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "pem")
    return context
