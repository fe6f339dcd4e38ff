"""What the answer to a pre-event webhook means."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from chinwag.delivery.answers import KEYS, verdict
from chinwag.delivery.http_out import Reply
from chinwag.domain.amendment import NO_AMENDMENT, Amendment
from chinwag.domain.webhook import ASKED_BEFORE, WebhookEvent
from chinwag.errors import ApiError, Kind, Kinds

MESSAGE = {"body": "x", "attributes": "{}", "from": "bot"}
CHANNEL = {"friendly_name": "x", "unique_name": "y", "attributes": "{}"}
USER = {"friendly_name": "x", "attributes": "{}"}


def answer(body: object, status: int = 200) -> Reply:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Reply(status, "application/json", None, text, "127.0.0.1")


@pytest.mark.parametrize(
    "body", [b"", b"  \n", b"{}", b"OK", b"{", b"[]", b'"x"', b"null", b"\xff", b"[" * 5000]
)
def test_what_says_nothing_changes_nothing(body: bytes) -> None:
    amendment, says = verdict(WebhookEvent.MESSAGE_SEND, answer(body))

    assert amendment == NO_AMENDMENT
    assert says.startswith("unchanged")


@pytest.mark.parametrize("status", [100, 201, 204, 301, 302, 400, 403, 404, 429, 500, 503])
def test_every_status_but_200_refuses(status: int) -> None:
    with pytest.raises(ApiError) as refused:
        verdict(WebhookEvent.MESSAGE_SEND, answer({"body": "x"}, status))

    assert refused.value.kind is Kinds.WEBHOOK_REFUSED


@pytest.mark.parametrize(
    ("event", "given", "amendment"),
    [
        (WebhookEvent.MESSAGE_SEND, MESSAGE, Amendment(body="x", attributes="{}", author="bot")),
        (WebhookEvent.MESSAGE_UPDATE, MESSAGE, Amendment(body="x", attributes="{}", author="bot")),
        (WebhookEvent.MEDIA_MESSAGE_SEND, MESSAGE, Amendment(body="x", attributes="{}", author="bot")),
        (WebhookEvent.MESSAGE_SEND, {"author": "bot"}, Amendment(author="bot")),
        (WebhookEvent.MESSAGE_SEND, {"body": ""}, Amendment(body="")),
        (WebhookEvent.CHANNEL_ADD, CHANNEL, Amendment(friendly_name="x", unique_name="y", attributes="{}")),
        (WebhookEvent.CHANNEL_UPDATE, {"friendly_name": None}, Amendment(friendly_name=None)),
        (WebhookEvent.USER_UPDATE, USER, Amendment(friendly_name="x", attributes="{}")),
    ],
)
def test_what_an_event_takes_is_taken(
    event: WebhookEvent, given: dict[str, Any], amendment: Amendment
) -> None:
    assert verdict(event, answer(given)).amendment == amendment


@pytest.mark.parametrize("event", sorted(set(ASKED_BEFORE.values()) - set(KEYS)))
def test_other_events_take_nothing(event: WebhookEvent) -> None:
    amendment, says = verdict(event, answer(MESSAGE | CHANNEL))

    assert amendment == NO_AMENDMENT
    assert says == "unchanged; ignored: attributes, body, friendly_name, from, unique_name"


@pytest.mark.parametrize(
    ("event", "given", "kind"),
    [
        (WebhookEvent.MESSAGE_SEND, {"body": "ä" * 16_385}, Kinds.MESSAGE_BODY_TOO_LONG),
        (WebhookEvent.MESSAGE_SEND, {"body": ["x"]}, Kinds.INVALID_PARAMETER),
        (WebhookEvent.MESSAGE_SEND, {"body": "a\0b"}, Kinds.INVALID_PARAMETER),
        (WebhookEvent.MESSAGE_SEND, {"from": None}, Kinds.INVALID_PARAMETER),
        (WebhookEvent.MESSAGE_SEND, {"from": "x" * 257}, Kinds.AUTHOR_TOO_LONG),
        (WebhookEvent.MESSAGE_SEND, {"attributes": "no json"}, Kinds.ATTRIBUTES_NOT_JSON),
        (WebhookEvent.MESSAGE_SEND, {"attributes": {"a": 1}}, Kinds.ATTRIBUTES_NOT_JSON),
        (WebhookEvent.MESSAGE_SEND, {"attributes": '"' + "x" * 17_000 + '"'}, Kinds.ATTRIBUTES_TOO_LONG),
        (WebhookEvent.CHANNEL_ADD, {"friendly_name": "x" * 257}, Kinds.FRIENDLY_NAME_TOO_LONG),
        (WebhookEvent.CHANNEL_ADD, {"unique_name": "CH" + "0" * 32}, Kinds.UNIQUE_NAME_LIKE_SID),
        (WebhookEvent.USER_UPDATE, {"friendly_name": 7}, Kinds.INVALID_PARAMETER),
    ],
)
def test_a_value_that_may_not_be_is_refused_with_its_own_error(
    event: WebhookEvent, given: dict[str, Any], kind: Kind
) -> None:
    with pytest.raises(ApiError) as refused:
        verdict(event, answer(given))

    assert refused.value.kind is kind


@pytest.mark.check(23)
@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000 + b"]" * 100_000,
        b'{"body":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"x":' * 100_000 + b"1" + b"}" * 100_000,
        b'{"body":"y","x":NaN}',
        b'{"body":"y","x":-Infinity}',
        b'{"body":"y","x":1e400}',
        b'{"body":"y","x":' + b"9" * 100_000 + b"}",
        gzip.compress(b'{"body":"y"}'),
        gzip.compress(b'{"body":"' + b"y" * 10_000_000 + b'"}'),
    ],
    ids=[
        "deep",
        "a deep body",
        "deep objects",
        "NaN",
        "infinity",
        "beyond floats",
        "long",
        "packed",
        "a bomb",
    ],
)
def test_what_cannot_be_read_changes_nothing(body: bytes) -> None:
    assert verdict(WebhookEvent.MESSAGE_SEND, answer(body)) == (
        NO_AMENDMENT,
        "unchanged: the answer is no JSON object",
    )


@pytest.mark.check(23)
@pytest.mark.parametrize("digits", [19, 20, 4_000])
def test_a_long_number_is_no_text_and_elsewhere_it_does_not_matter(digits: int) -> None:
    number = b"9" * digits

    with pytest.raises(ApiError) as refused:
        verdict(WebhookEvent.MESSAGE_SEND, answer(b'{"body":%b}' % number))
    amendment, _ = verdict(WebhookEvent.MESSAGE_SEND, answer(b'{"body":"y","x":%b}' % number))

    assert refused.value.kind is Kinds.INVALID_PARAMETER
    assert amendment == Amendment(body="y")


@pytest.mark.check(23)
def test_of_a_key_that_is_there_twice_the_last_counts() -> None:
    amendment, _ = verdict(WebhookEvent.MESSAGE_SEND, answer(b'{"body":"x","body":["z"],"body":"y"}'))

    assert amendment == Amendment(body="y")
