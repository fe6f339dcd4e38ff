"""Google's provider: what it is sent, and what its answers mean."""

from __future__ import annotations

import json
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from chinwag.delivery.fcm import Fcm
from chinwag.delivery.provider import (
    ANSWER_BYTES,
    PAYLOAD_BYTES,
    PushAnswer,
    Verdict,
)
from chinwag.domain.push import PushContent, PushKind
from delivery import google_peer
from delivery.fcm_client import (
    CHANNEL,
    DEVICE,
    DIGITS,
    MESSAGE,
    NOW,
    Clock,
    a_closed_port,
    a_content,
    a_credential,
    an_http,
    sent,
)
from delivery.google_peer import Google, Says, a_google, error, fcm

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from chinwag.delivery.http_out import HttpOut


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def http() -> AsyncIterator[HttpOut]:
    found = an_http()
    yield found
    await found.close()


@pytest.fixture
async def google(clock: Clock) -> AsyncIterator[Google]:
    """The provider, and who gives access tokens."""
    async with a_google() as found:
        found.now = lambda: clock.now / 1000
        yield found


@pytest.fixture
def provider(http: HttpOut, google: Google, clock: Clock) -> Fcm:
    return Fcm(http, google.url, clock)


# What is sent


async def test_a_message_is_told_to_the_app_and_shown_by_nobody_else(provider: Fcm, google: Google) -> None:
    answer = await sent(provider, google)

    assert answer == PushAnswer(verdict=Verdict.DELIVERED, reason="delivered", status=200)
    assert google.sent[0].project == "my-app"
    assert google.sent[0].message == {
        "token": DEVICE,
        "data": {
            "twi_message_type": "twilio.channel.new_message",
            "twi_message_id": f"RU{DIGITS}",
            "twi_body": "general:alice: hello",
            "twi_sound": "default",
            "channel_sid": CHANNEL,
            "channel_id": CHANNEL,
            "channel_title": "general",
            "message_sid": MESSAGE,
            "message_id": MESSAGE,
            "message_index": "17",
            "author": "alice",
        },
        "android": {"priority": "high", "ttl": "3600s", "collapse_key": CHANNEL},
        "webpush": {"headers": {"TTL": "3600", "Urgency": "high"}},
    }


async def test_what_is_sent_is_what_can_be_looked_at_before(provider: Fcm, google: Google) -> None:
    content = a_content()

    await sent(provider, google, content)

    assert json.loads(google.sent[0].body) == provider.payload(content, DEVICE)


@pytest.mark.parametrize(
    "kind", [PushKind.ADDED_TO_CHANNEL, PushKind.REMOVED_FROM_CHANNEL, PushKind.INVITED_TO_CHANNEL]
)
async def test_what_happens_to_a_user_has_no_message_and_replaces_nothing(
    provider: Fcm, kind: PushKind
) -> None:
    content = a_content(kind=kind, sound=None, message_sid=None, message_index=None)

    message = message_of(provider, content)

    assert message["data"] == {
        "twi_message_type": f"twilio.channel.{kind}",
        "twi_message_id": f"RU{DIGITS}",
        "twi_body": "general:alice: hello",
        "channel_sid": CHANNEL,
        "channel_id": CHANNEL,
        "channel_title": "general",
        "author": "alice",
    }
    assert "collapse_key" not in message["android"]


async def test_a_try_has_words_and_no_type(provider: Fcm) -> None:
    content = PushContent(sid=f"NT{DIGITS}", kind=PushKind.TEST, text="It works", expires=NOW + 60_000)

    message = message_of(provider, content)

    assert message["data"] == {"twi_message_id": f"RU{DIGITS}", "twi_body": "It works"}
    assert message["android"] == {"priority": "high", "ttl": "60s"}


async def test_the_first_message_of_a_channel_has_an_index(provider: Fcm) -> None:
    assert message_of(provider, a_content(message_index=0))["data"]["message_index"] == "0"


async def test_what_is_worth_nothing_any_more_is_not_kept_by_google(provider: Fcm) -> None:
    message = message_of(provider, a_content(expires=NOW - 5000))

    assert message["android"]["ttl"] == "0s"
    assert message["webpush"]["headers"]["TTL"] == "0"


async def test_titles_and_authors_are_shortened_before_words(provider: Fcm) -> None:
    content = a_content(text="ü" * 178, channel_title="ü" * 3000, author="a" * 200)

    data = message_of(provider, content)["data"]

    assert len(msgspec.json.encode(data)) in {PAYLOAD_BYTES, PAYLOAD_BYTES - 1}
    assert content.channel_title.startswith(data["channel_title"])
    assert len(data["channel_title"]) > 1000
    assert (data["author"], data["twi_body"]) == ("a" * 200, "ü" * 178)


async def test_words_are_shortened_at_characters_where_nothing_else_helps(provider: Fcm) -> None:
    content = a_content(text='"😀' * 2000, channel_title="t" * 5000, author="a" * 5000)

    data = message_of(provider, content)["data"]

    assert PAYLOAD_BYTES - 5 < len(msgspec.json.encode(data)) <= PAYLOAD_BYTES
    assert (data["channel_title"], data["author"]) == ("", "")
    assert content.text.startswith(data["twi_body"])


async def test_a_project_cannot_reach_out_of_its_place_in_the_path(provider: Fcm, google: Google) -> None:
    google.project = "a/../b?c#d%2F"

    answer = await sent(provider, google)

    assert answer.verdict is Verdict.DELIVERED
    assert google.sent[0].project == "a/../b?c#d%2F"


async def test_there_may_be_something_in_front_of_google(http: HttpOut, google: Google, clock: Clock) -> None:
    provider = Fcm(http, f"{google.url}/", clock)

    assert (await sent(provider, google)).verdict is Verdict.DELIVERED


# What answers mean


@pytest.mark.parametrize(
    ("says", "verdict", "code"),
    [
        (google_peer.UNREGISTERED, Verdict.GONE, 52103),
        (google_peer.INVALID_TOKEN, Verdict.GONE, 52102),
        (google_peer.INVALID_TOKEN_FIELD, Verdict.GONE, 52102),
        (google_peer.SENDER_ID_MISMATCH, Verdict.GONE, 52104),
        (google_peer.INVALID_TTL, Verdict.FAILED, 52111),
        (google_peer.TOO_BIG, Verdict.FAILED, 52106),
        (google_peer.QUOTA_EXCEEDED, Verdict.AGAIN, 52108),
        (google_peer.PROJECT_QUOTA_EXCEEDED, Verdict.AGAIN, 52108),
        (google_peer.UNAVAILABLE, Verdict.AGAIN, 52110),
        (google_peer.INTERNAL, Verdict.AGAIN, 52111),
        (google_peer.THIRD_PARTY, Verdict.FAILED, 52109),
        (google_peer.PERMISSION_DENIED, Verdict.STOPPED, 52109),
        (google_peer.NO_PROJECT, Verdict.STOPPED, 52109),
    ],
    ids=lambda value: value.body["error"]["message"] if isinstance(value, Says) else None,
)
async def test_each_documented_error_has_its_meaning(
    provider: Fcm, google: Google, says: Says, verdict: Verdict, code: int
) -> None:
    google.answers[DEVICE] = [says]

    answer = await sent(provider, google)

    assert (answer.verdict, answer.code, answer.status) == (verdict, code, says.status)
    assert answer.reason.isprintable()
    assert len(google.sent) == 1


@pytest.mark.parametrize(
    ("says", "verdict"),
    [
        (Says(400, b"<html>"), Verdict.FAILED),
        (Says(404, b""), Verdict.STOPPED),
        (Says(429, b"\xff"), Verdict.AGAIN),
        (Says(500, b"[" * 50_000), Verdict.AGAIN),
        (Says(502, b"<html>"), Verdict.AGAIN),
        (Says(503, {"error": None}), Verdict.AGAIN),
        (Says(400, {"error": {"message": 1, "status": [], "details": "x"}}), Verdict.FAILED),
        (Says(400, b'{"error": {"details": [' + b'{"a": [' * 5000), Verdict.FAILED),
        (Says(400, {"error": {"details": [{"errorCode": "A\nB"}, {"errorCode": "C<D"}]}}), Verdict.FAILED),
        (Says(301, b"", {"Location": "http://127.0.0.1:1/"}), Verdict.FAILED),
        (Says(418, {"error": {"status": "TEAPOT"}}), Verdict.FAILED),
        (Says(204, b""), Verdict.FAILED),
    ],
    ids=lambda value: f"{value.status} {value.body!r}"[:60] if isinstance(value, Says) else None,
)
async def test_whatever_is_answered_means_something(
    provider: Fcm, google: Google, says: Says, verdict: Verdict
) -> None:
    google.answers[DEVICE] = [says]

    answer = await sent(provider, google)

    assert (answer.verdict, answer.status) == (verdict, says.status)
    assert answer.code in range(52101, 52112)
    assert answer.reason.isprintable()
    assert not {"<", ">"} & set(answer.reason)


async def test_an_answer_without_an_end_is_not_read(provider: Fcm, google: Google) -> None:
    google.answers[DEVICE] = [Says(400, b" " * (ANSWER_BYTES + 1))]

    answer = await sent(provider, google)

    assert (answer.verdict, answer.code) == (Verdict.FAILED, 52111)


async def test_that_one_device_is_gone_means_nothing_to_another(provider: Fcm, google: Google) -> None:
    google.answers["one"] = [google_peer.UNREGISTERED]

    answers = [await provider.send(a_credential(google), name, a_content()) for name in ("one", "two")]

    assert [answer.verdict for answer in answers] == [Verdict.GONE, Verdict.DELIVERED]


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("30", 30),
        ("0", 0),
        ("999999999", 3600),
        ("9" * 400, 3600),
        (formatdate(NOW / 1000 + 90, usegmt=True), 90),
        (formatdate(NOW / 1000 - 90, usegmt=True), 0),
        (formatdate(NOW / 1000 + 86_400, usegmt=True), 3600),
        ("soon", None),
        ("-5", None),
    ],
)
async def test_google_is_left_alone_for_as_long_as_it_says(
    provider: Fcm, google: Google, header: str, seconds: float | None
) -> None:
    google.answers[DEVICE] = [
        error(503, "UNAVAILABLE", "", fcm("UNAVAILABLE"), headers={"Retry-After": header})
    ]

    answer = await sent(provider, google)

    assert (answer.verdict, answer.retry_after) == (Verdict.AGAIN, seconds)


async def test_a_quota_that_is_used_up_is_left_alone_for_a_minute(provider: Fcm, google: Google) -> None:
    google.answers[DEVICE] = [google_peer.QUOTA_EXCEEDED]

    assert (await sent(provider, google)).retry_after == 60


async def test_google_is_not_left_alone_if_it_does_not_say_so(provider: Fcm, google: Google) -> None:
    google.answers[DEVICE] = [google_peer.UNAVAILABLE]

    assert (await sent(provider, google)).retry_after is None


# Where there is no answer


async def test_where_nobody_listens_it_is_tried_again(http: HttpOut, google: Google, clock: Clock) -> None:
    provider = Fcm(http, f"http://127.0.0.1:{await a_closed_port()}", clock)

    answer = await sent(provider, google)

    assert (answer.verdict, answer.code, answer.unanswered) == (Verdict.AGAIN, 52110, True)
    assert answer.status is None


async def test_a_name_without_an_address_is_tried_again(google: Google, clock: Clock) -> None:
    def resolve(_name: str) -> list[str]:
        raise OSError

    http = an_http(resolve)

    answer = await sent(Fcm(http, "http://fcm.example.com", clock), google)

    assert (answer.verdict, answer.code, answer.unanswered) == (Verdict.AGAIN, 52110, True)
    await http.close()


async def test_where_this_server_may_not_call_nothing_is_tried_again(
    http: HttpOut, google: Google, clock: Clock
) -> None:
    answer = await sent(Fcm(http, "http://10.0.0.1", clock), google)

    assert (answer.verdict, answer.code, answer.unanswered) == (Verdict.FAILED, 52111, False)
    assert "outgoing_allow" in answer.reason


def message_of(provider: Fcm, content: PushContent) -> dict[str, Any]:
    payload: Any = provider.payload(content, DEVICE)
    return payload["message"]
