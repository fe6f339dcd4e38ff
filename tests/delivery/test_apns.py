"""Apple's provider: what it is sent, what its answers mean, and which credentials it can take."""

from __future__ import annotations

import datetime as dt
import ssl
from email.utils import format_datetime
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from msgspec.structs import replace

from chinwag.delivery.apns import Apns
from chinwag.delivery.guard import AddressGuard
from chinwag.delivery.http2_out import Http2Out
from chinwag.delivery.provider import PAYLOAD_BYTES, OpenedCredential, PushAnswer, Verdict
from chinwag.domain.credential import PushType
from chinwag.domain.push import PushContent, PushKind
from delivery.certificates import a_ca, issue
from delivery.http2_peer import Answer, Hangup, Peer, a_peer, a_strict_peer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

NOW = 1_800_000_000_000
MOMENT = dt.datetime.fromtimestamp(NOW / 1000, dt.UTC)
DAY = dt.timedelta(days=1)
DIGITS = "0123456789abcdef0123456789abcdef"
CHANNEL = f"CH{DIGITS}"
MESSAGE = f"IM{DIGITS}"
CA = a_ca()
APP = issue(CA, uid="com.example.app")
NOBODY = issue(CA)


@pytest.fixture
async def http(tmp_path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Http2Out]:
    monkeypatch.setenv("SSL_CERT_FILE", CA.trusted(tmp_path))
    found = Http2Out(AddressGuard((ip_network("127.0.0.0/8"),), credentials=False))
    yield found
    await found.close()


@pytest.fixture
async def apple() -> AsyncIterator[Peer]:
    """The provider."""
    async with a_peer(CA, clients=CA) as found:
        yield found


@pytest.fixture
def apns(http: Http2Out, apple: Peer) -> Apns:
    return an_apns(http, apple.url)


# What is sent


async def test_a_push_is_a_request_of_the_app(apns: Apns, apple: Peer) -> None:
    answer = await apns.send(a_credential(), "ab12", a_message())

    assert answer == PushAnswer(verdict=Verdict.DELIVERED, reason="delivered", status=200)
    [asked] = apple.asked
    assert asked.subject == {"commonName": "Somebody", "userId": "com.example.app"}
    assert asked.path == "/3/device/ab12"
    assert {name: value for name, value in asked.headers.items() if name.startswith("apns-")} == {
        "apns-topic": "com.example.app",
        "apns-push-type": "alert",
        "apns-priority": "10",
        "apns-expiration": "1800000060",
        "apns-collapse-id": CHANNEL,
        "apns-id": "01234567-89ab-cdef-0123-456789abcdef",
    }
    assert msgspec.json.decode(asked.body) == {
        "aps": {"alert": "general:alice: hello", "sound": "default", "badge": 3},
        "twi_message_type": "twilio.channel.new_message",
        "twi_message_id": f"RU{DIGITS}",
        "channel_sid": CHANNEL,
        "channel_title": "general",
        "message_sid": MESSAGE,
        "message_index": 17,
        "author": "alice",
    }


async def test_a_badge_alone_is_not_urgent_and_replaces_another(apns: Apns, apple: Peer) -> None:
    content = PushContent(sid=f"NT{DIGITS}", kind=PushKind.BADGE, text=None, badge=0, expires=NOW)

    await apns.send(a_credential(), "ab12", content)

    [asked] = apple.asked
    assert asked.body == b'{"aps":{"badge":0}}'
    assert asked.headers["apns-priority"] == "5"
    assert asked.headers["apns-collapse-id"] == "badge"


@pytest.mark.parametrize("kind", [PushKind.ADDED_TO_CHANNEL, PushKind.TEST])
async def test_other_pushes_replace_none(apns: Apns, apple: Peer, kind: PushKind) -> None:
    await apns.send(a_credential(), "ab12", replace(a_message(), kind=kind))

    assert "apns-collapse-id" not in apple.asked[0].headers


async def test_an_address_cannot_leave_its_place(apns: Apns, apple: Peer) -> None:
    await apns.send(a_credential(), "../a/b?c#d é", a_message())

    assert apple.asked[0].path == "/3/device/..%2Fa%2Fb%3Fc%23d%20%C3%A9"


async def test_the_sandbox_is_elsewhere(http: Http2Out, apple: Peer) -> None:
    apns = Apns(http, "https://127.0.0.1:1", f"{apple.url}/", lambda: NOW)

    answer = await apns.send(replace(a_credential(), sandbox=True), "ab12", a_message())

    assert answer.verdict is Verdict.DELIVERED


async def test_another_version_of_a_credential_is_another_app(apns: Apns, apple: Peer) -> None:
    other = issue(CA, uid="com.example.other")
    later = replace(a_credential(), version=2, certificate=other.pem, private_key=other.key_pem)

    for credential in (a_credential(), later):
        await apns.send(credential, "ab12", a_message())

    topics = [each.headers["apns-topic"] for each in apple.asked]
    assert topics == ["com.example.app", "com.example.other"]
    assert [each.subject and each.subject["userId"] for each in apple.asked] == topics


# The payload


def test_what_is_not_given_is_not_told() -> None:
    content = PushContent(sid=f"NT{DIGITS}", kind=PushKind.TEST, text="hello", expires=NOW)

    assert payload(content) == {"aps": {"alert": "hello"}, "twi_message_id": f"RU{DIGITS}"}


@pytest.mark.parametrize(
    "kind",
    [
        PushKind.NEW_MESSAGE,
        PushKind.ADDED_TO_CHANNEL,
        PushKind.REMOVED_FROM_CHANNEL,
        PushKind.INVITED_TO_CHANNEL,
    ],
)
def test_the_type_is_that_of_the_original(kind: PushKind) -> None:
    assert payload(replace(a_message(), kind=kind))["twi_message_type"] == f"twilio.channel.{kind}"


def test_the_title_is_shortened_first() -> None:
    content = replace(a_message(), channel_title="t" * 4000, author="a" * 200)

    found = payload(content)

    assert len(msgspec.json.encode(found)) == PAYLOAD_BYTES
    assert 0 < len(found["channel_title"]) < 4000
    assert found["author"] == content.author
    assert found["aps"]["alert"] == content.text


def test_the_text_is_shortened_last() -> None:
    content = replace(a_message(), text="x" * 5000)

    found = payload(content)

    assert len(msgspec.json.encode(found)) == PAYLOAD_BYTES
    assert (found["channel_title"], found["author"]) == ("", "")
    assert content.text.startswith(found["aps"]["alert"])


@pytest.mark.parametrize("character", ["é", "€", "🎉", '"', "\n", "\x01"])
def test_no_character_is_cut_in_two(character: str) -> None:
    content = replace(a_message(), text=character * 5000)

    found = payload(content)

    size = len(msgspec.json.encode(found))
    assert PAYLOAD_BYTES - len(msgspec.json.encode(character)) < size <= PAYLOAD_BYTES
    assert set(found["aps"]["alert"]) == {character}


# What answers mean


@pytest.mark.parametrize(
    ("answered", "verdict", "code"),
    [
        ((400, "BadDeviceToken"), Verdict.GONE, 52142),
        ((400, "DeviceTokenNotForTopic"), Verdict.GONE, 52142),
        ((410, "Unregistered"), Verdict.GONE, 52141),
        ((410, "ExpiredToken"), Verdict.GONE, 52141),
        ((413, "PayloadTooLarge"), Verdict.FAILED, 52138),
        ((400, "PayloadEmpty"), Verdict.FAILED, 52136),
        ((400, "BadTopic"), Verdict.STOPPED, 52131),
        ((400, "MissingTopic"), Verdict.STOPPED, 52131),
        ((400, "TopicDisallowed"), Verdict.STOPPED, 52131),
        ((400, "BadPriority"), Verdict.FAILED, 52143),
        ((403, "BadCertificate"), Verdict.STOPPED, 52145),
        ((403, "BadCertificateEnvironment"), Verdict.STOPPED, 52145),
        ((403, "ExpiredProviderToken"), Verdict.STOPPED, 52148),
        ((403, "InvalidProviderToken"), Verdict.STOPPED, 52149),
        ((403, "MissingProviderToken"), Verdict.STOPPED, 52145),
        ((403, "Forbidden"), Verdict.STOPPED, 52145),
        ((404, "BadPath"), Verdict.FAILED, 52143),
        ((405, "MethodNotAllowed"), Verdict.FAILED, 52143),
        ((429, "TooManyRequests"), Verdict.AGAIN, 52143),
        ((429, "TooManyProviderTokenUpdates"), Verdict.AGAIN, 52147),
        ((500, "InternalServerError"), Verdict.AGAIN, 52144),
        ((500, "BadDeviceToken"), Verdict.AGAIN, 52144),
        ((503, "ServiceUnavailable"), Verdict.AGAIN, 52139),
        ((503, "Shutdown"), Verdict.AGAIN, 52139),
        ((502, ""), Verdict.AGAIN, 52140),
        ((302, ""), Verdict.FAILED, 52140),
        ((999, ""), Verdict.FAILED, 52140),
    ],
)
async def test_an_answer_means_what_apple_says_it_means(
    apns: Apns, apple: Peer, answered: tuple[int, str], verdict: Verdict, code: int
) -> None:
    status, reason = answered
    apple.answer = lambda _: Answer(status, {"reason": reason})

    answer = await apns.send(a_credential(), "ab12", a_message())

    assert (answer.verdict, answer.code, answer.status) == (verdict, code, status)
    assert answer.reason.startswith(f"{reason}: " if reason else "")
    assert not answer.unanswered


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>no",
        b"\xff",
        b"[]",
        b'{"reason": 7}',
        b'{"reason": "a b"}',
        {"reason": "x" * 100},
        {"reason": "é"},
    ],
)
async def test_what_is_no_reason_is_not_repeated(apns: Apns, apple: Peer, body: object) -> None:
    apple.answer = lambda _: Answer(400, body)

    answer = await apns.send(a_credential(), "ab12", a_message())

    assert answer == PushAnswer(
        verdict=Verdict.FAILED, code=52143, status=400, reason="Apple rejects the push"
    )


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7),
        ("1000000", 3600),
        ("9" * 5000, 3600),
        (format_datetime(MOMENT + dt.timedelta(seconds=90), usegmt=True), 90),
        (format_datetime(MOMENT - DAY, usegmt=True), 0),
        (format_datetime(MOMENT + DAY, usegmt=True), 3600),
        ("-7", None),
        ("soon", None),
        ("Mon, 99 Foo 2027 99:99:99 GMT", None),
    ],
)
async def test_how_long_apple_wants_to_be_left_alone_is_read(
    apns: Apns, apple: Peer, header: str, seconds: float | None
) -> None:
    apple.answer = lambda _: Answer(429, {}, {"retry-after": header})

    assert (await apns.send(a_credential(), "ab12", a_message())).retry_after == seconds


async def test_who_is_not_there_may_be_later(apns: Apns, apple: Peer) -> None:
    apple.answer = lambda _: Hangup()

    answer = await apns.send(a_credential(), "ab12", a_message())

    assert (answer.verdict, answer.code, answer.status) == (Verdict.AGAIN, 52140, None)
    assert answer.unanswered
    assert answer.reason.startswith("disconnected: ")


async def test_an_answer_without_end_is_not_read(apns: Apns, apple: Peer) -> None:
    apple.answer = lambda _: Answer(400, bytes(100_000))

    answer = await apns.send(a_credential(), "ab12", a_message())

    assert (answer.verdict, answer.code) == (Verdict.FAILED, 52140)


async def test_where_this_server_must_not_call_pushes_fail(http: Http2Out) -> None:
    apns = an_apns(http, "https://10.0.0.1")

    answer = await apns.send(a_credential(), "ab12", a_message())

    assert (answer.verdict, answer.code, answer.unanswered) == (Verdict.FAILED, 52143, False)
    assert "outgoing_allow" in answer.reason


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
async def test_a_certificate_that_apple_refuses_stops_the_credential(http: Http2Out, version: str) -> None:

    with a_strict_peer(CA, a_ca("Apple"), ssl.TLSVersion[version]) as url:
        answer = await an_apns(http, url).send(a_credential(), "ab12", a_message())

    assert (answer.verdict, answer.code) == (Verdict.STOPPED, 52131)


async def test_a_credential_without_an_app_is_stopped(apns: Apns, apple: Peer) -> None:
    answer = await apns.send(a_credential(NOBODY.pem, NOBODY.key_pem), "ab12", a_message())

    assert (answer.verdict, answer.code) == (Verdict.STOPPED, 52135)
    assert apple.asked == []


def an_apns(http: Http2Out, url: str) -> Apns:
    return Apns(http, url, "https://127.0.0.1:1", lambda: NOW)


def payload(content: PushContent) -> dict[str, Any]:
    http = Http2Out(AddressGuard((), credentials=False))
    return an_apns(http, "https://127.0.0.1:1").payload(content, "ab12")


def a_credential(
    certificate: str | None = APP.pem, private_key: str | None = APP.key_pem
) -> OpenedCredential:
    return OpenedCredential(
        sid=f"CR{DIGITS}",
        type=PushType.APN,
        version=1,
        certificate=certificate,
        private_key=private_key,
    )


def a_message() -> PushContent:
    return PushContent(
        sid=f"NT{DIGITS}",
        kind=PushKind.NEW_MESSAGE,
        text="general:alice: hello",
        sound="default",
        badge=3,
        channel_sid=CHANNEL,
        channel_title="general",
        message_sid=MESSAGE,
        message_index=17,
        author="alice",
        expires=NOW + 60_000,
    )
