"""A call as a request: what is sent, and what of it is signed."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

import pytest
from msgspec.structs import replace

from chinwag.delivery.guard import ForbiddenTargetError
from chinwag.delivery.request import IDEMPOTENCY_HEADER, request_of
from chinwag.domain.webhook import WebhookEvent, WebhookMethod
from chinwag.domain.webhook_call import Attempt, Source, WebhookCall

PARAMS = {"EventType": "onMessageSent", "Body": "is it? a+b=c & é/☃", "Attributes": '{"a":1}'}


def a_call(url: str, **columns: Any) -> WebhookCall:
    return WebhookCall(
        sid="WC" + "01" * 16,
        account_sid="AC" + "0" * 32,
        service_sid="IS" + "0" * 32,
        event=WebhookEvent.MESSAGE_SENT,
        source=Source.SDK,
        url=url,
        params=PARAMS,
        date_created=0,
        date_updated=0,
        **columns,
    )


def test_a_post_has_its_parameters_as_a_form() -> None:
    request = request_of(a_call("https://example.com/chat?tenant=7"), 2)

    assert request.url == "https://example.com/chat?tenant=7"
    assert dict(parse_qsl(request.body or "")) == PARAMS | {"RetryCount": "2"}
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded; charset=utf-8"
    assert request.signed_text.startswith(
        'https://example.com/chat?tenant=7Attributes{"a":1}Bodyis it? a+b=c'
    )


@pytest.mark.parametrize(
    ("url", "begins"),
    [
        ("https://example.com/chat", "https://example.com/chat?EventType="),
        ("https://example.com/chat?", "https://example.com/chat?EventType="),
        ("https://example.com/chat?tenant=7", "https://example.com/chat?tenant=7&EventType="),
        ("https://example.com/chat?tenant=7&", "https://example.com/chat?tenant=7&EventType="),
        ("https://example.com/chat?a=%3F#here", "https://example.com/chat?a=%3F&EventType="),
        ("https://example.com", "https://example.com/?EventType="),
    ],
)
def test_a_get_has_them_behind_the_query(url: str, begins: str) -> None:
    request = request_of(a_call(url, method=WebhookMethod.GET), 0)

    assert request.url.startswith(begins)
    assert request.body is None
    assert request.signed_text == request.url
    assert dict(parse_qsl(urlsplit(request.url).query))["Body"] == PARAMS["Body"]
    assert "is%20it?" in request.url  # twilio-node would take %3F for something else


@pytest.mark.parametrize(
    ("url", "sent", "signed"),
    [
        ("http://example.com", "http://example.com/", "http://example.com/"),
        ("http://example.com?x=1", "http://example.com/?x=1", "http://example.com/?x=1"),
        ("http://example.com/a?", "http://example.com/a", "http://example.com/a"),
        ("http://example.com/a#b", "http://example.com/a", "http://example.com/a"),
        ("http://example.com:80/a", "http://example.com:80/a", "http://example.com:80/a"),
        ("http://[::1]:8080/a", "http://[::1]:8080/a", "http://[::1]:8080/a"),
        ("https://u:p@example.com/a", "https://u:p@example.com/a", "https://example.com/a"),
        (
            "https://bücher.example/ä",
            "https://xn--bcher-kva.example/%C3%A4",
            "https://xn--bcher-kva.example/%C3%A4",
        ),
    ],
)
def test_what_is_signed_is_the_address_as_it_is_seen(url: str, sent: str, signed: str) -> None:
    request = request_of(a_call(url), 0)

    assert request.url == sent
    assert request.signed_text.startswith(signed + "Attributes")


def test_the_idempotency_token_is_the_same_on_every_try_and_on_no_other_call() -> None:
    call = a_call("https://example.com/")
    tokens = [request_of(call, retry_count).headers[IDEMPOTENCY_HEADER] for retry_count in range(3)]
    other = request_of(replace(call, sid="WC" + "02" * 16), 0).headers[IDEMPOTENCY_HEADER]

    assert len({*map(UUID, tokens)}) == 1
    assert other not in tokens


def test_what_cannot_be_called_has_no_request() -> None:
    with pytest.raises(ForbiddenTargetError):
        request_of(a_call("http://exa mple.com/"), 0)


def test_the_first_tries_are_forgotten_when_there_were_many() -> None:
    call = a_call("https://example.com/", tries_left=20)
    for number in range(15):
        assert call.retry_count == number
        call = call.after(Attempt(date=0, ms=0, retry_count=number, url="", signature=""))

    assert [attempt.retry_count for attempt in call.attempts] == list(range(5, 15))
    assert call.tries_left == 5
