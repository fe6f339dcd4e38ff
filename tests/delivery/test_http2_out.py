"""The client for requests over HTTP/2: what it sends, as whom, and to whom it does not talk."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption

from chinwag.delivery.guard import AddressGuard
from chinwag.delivery.http2_out import ClientIdentity, Http2Out
from chinwag.delivery.http_out import Failure, Reply
from delivery.certificates import DAY, Issued, a_ca, issue
from delivery.http2_client import CA, CLIENT, LONG, an_identity, an_out, failed, sent
from delivery.http2_peer import Answer, a_peer, a_strict_peer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def out(tmp_path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Http2Out]:
    """The client of a server that may call this machine, and trusts the authority of the tests."""
    monkeypatch.setenv("SSL_CERT_FILE", CA.trusted(tmp_path))
    found = an_out("127.0.0.0/8")
    yield found
    await found.close()


# What is sent, and as whom


async def test_a_request_is_sent_as_it_is_given(out: Http2Out) -> None:
    async with a_peer(CA) as peer:
        await sent(out, f"{peer.url}/3/device/é?a=b#c", headers={"Apns-Topic": "x"}, body=b"hello")

        [asked] = peer.asked
        assert asked.body == b"hello"
        assert asked.headers == {
            ":method": "POST",
            ":scheme": "https",
            ":authority": peer.url.removeprefix("https://"),
            ":path": "/3/device/%C3%A9?a=b",
            "apns-topic": "x",
            "content-length": "5",
        }


async def test_headers_that_come_again_arrive_as_well(out: Http2Out) -> None:
    async with a_peer(CA) as peer:
        for number in range(4):
            await sent(out, f"{peer.url}/{number}", headers={"a": "same", "b": str(number)}, body=b"")

        heard = [(each.path, each.headers["a"], each.headers["b"]) for each in peer.asked]
        assert heard == [(f"/{number}", "same", str(number)) for number in range(4)]


async def test_an_answer_is_returned_as_it_came(out: Http2Out) -> None:
    headers = {"content-type": "application/json", "retry-after": "7"}
    async with a_peer(CA, answer=lambda _: Answer(429, {"reason": "x"}, headers)) as peer:
        reply = await sent(out, peer.url)

    assert reply == Reply(429, "application/json", "7", b'{"reason": "x"}', "127.0.0.1")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_the_client_certificate_is_shown(out: Http2Out, version: ssl.TLSVersion) -> None:
    async with a_peer(CA, clients=CA, version=version) as peer:
        await sent(out, peer.url)

        assert peer.asked[0].subject == {"commonName": "A client", "userId": "com.example.app"}


async def test_each_identity_has_a_connection_of_its_own(out: Http2Out) -> None:
    other = issue(CA, "Another client")
    async with a_peer(CA, clients=CA) as peer:
        for identity in (an_identity(), an_identity(other, key="other"), an_identity()):
            await sent(out, peer.url, identity=identity)

        names = [each.subject and each.subject["commonName"] for each in peer.asked]
        assert names == ["A client", "Another client", "A client"]
        assert peer.connections == 2


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize(
    ("clients", "client", "words"),
    [
        (a_ca("Another authority"), CLIENT, "unknown ca"),
        (CA, issue(CA, ends=CLIENT.certificate.not_valid_before_utc + DAY / 2), "certificate expired"),
    ],
    ids=["of nobody", "expired"],
)
async def test_a_client_certificate_that_is_refused_is_named(
    out: Http2Out, version: ssl.TLSVersion, clients: Issued, client: Issued, words: str
) -> None:
    with a_strict_peer(CA, clients, version) as url:
        error = await failed(out, url, identity=an_identity(client), seconds=LONG)

    assert error.failure is Failure.IDENTITY
    assert words in error.detail


@pytest.mark.parametrize(
    ("certificate", "private_key"),
    [
        ("", ""),
        ("certificate", CLIENT.key_pem),
        (CLIENT.pem, "key"),
        (CLIENT.pem, issue(CA).key_pem),
        (CLIENT.pem, CLIENT.key_pem_with(BestAvailableEncryption(b"secret"))),
    ],
    ids=["nothing", "no certificate", "no key", "another's key", "a key with a password"],
)
async def test_a_client_certificate_that_cannot_be_used_is_named(
    out: Http2Out, certificate: str, private_key: str
) -> None:
    async with a_peer(CA) as peer:
        identity = ClientIdentity("key", certificate, private_key)
        error = await failed(out, peer.url, identity=identity, seconds=LONG)

        assert error.failure is Failure.IDENTITY
        assert peer.connections == 0


def test_an_identity_is_not_printed() -> None:
    assert repr(an_identity()) == "ClientIdentity(key)"


# To whom nothing is sent


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1/", "https://10.0.0.1/", "https://user:secret@127.0.0.1/", "https://[::1]/"]
)
async def test_what_is_forbidden_is_not_connected_to(out: Http2Out, url: str) -> None:
    error = await failed(out, url)

    assert error.failure is Failure.FORBIDDEN
    assert "secret" not in str(error)


@pytest.mark.usefixtures("out")
async def test_a_name_is_judged_by_the_address_that_is_connected_to() -> None:
    out = an_out(resolve=lambda _name: ["127.0.0.1"])
    async with a_peer(CA) as peer:
        url = peer.url.replace("127.0.0.1", "rebinding.example.com")

        assert (await failed(out, url, seconds=LONG)).failure is Failure.FORBIDDEN
        assert peer.connections == 0


@pytest.mark.usefixtures("out")
async def test_an_address_is_judged_again_when_it_is_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    out = an_out()
    monkeypatch.setattr(AddressGuard, "check_url", lambda _guard, _url: None)
    async with a_peer(CA) as peer:
        assert (await failed(out, peer.url, seconds=LONG)).failure is Failure.FORBIDDEN
        assert peer.connections == 0


@pytest.mark.usefixtures("out")
async def test_of_the_addresses_of_a_name_the_next_is_tried() -> None:
    out = an_out("127.0.0.0/8", resolve=lambda _name: ["127.0.0.9", "127.0.0.1"])
    async with a_peer(CA) as peer:
        reply = await sent(out, peer.url.replace("127.0.0.1", "localhost"))

        assert reply.address == "127.0.0.1"
        await out.close()


@pytest.mark.usefixtures("out")
async def test_a_name_without_an_address_is_named() -> None:
    def nowhere(_name: str) -> list[str]:
        raise OSError

    out = an_out(resolve=nowhere)

    assert (await failed(out, "https://nowhere.example.com/", seconds=LONG)).failure is Failure.NAME


async def test_where_nobody_listens_nothing_is_connected(out: Http2Out) -> None:
    async with a_peer(CA) as peer:
        pass

    assert (await failed(out, peer.url, seconds=LONG)).failure is Failure.CONNECT


async def test_a_server_that_nobody_vouches_for_is_refused(out: Http2Out) -> None:
    async with a_peer(a_ca("Another authority")) as peer:
        assert (await failed(out, peer.url, seconds=LONG)).failure is Failure.TLS
        assert peer.asked == []


async def test_a_server_of_another_name_is_refused(out: Http2Out) -> None:
    async with a_peer(CA, host="127.0.0.2") as peer:
        assert (await failed(out, peer.url, seconds=LONG)).failure is Failure.TLS


@pytest.mark.parametrize("alpn", [(), ("http/1.1",)])
async def test_who_speaks_no_http2_is_named(out: Http2Out, alpn: tuple[str, ...]) -> None:
    async with a_peer(CA, alpn=alpn) as peer:
        assert (await failed(out, peer.url, seconds=LONG)).failure is Failure.PROTOCOL
