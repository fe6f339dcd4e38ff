"""Errors on the wire."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chinwag.errors import ApiError, Kind, Kinds, all_kinds
from chinwag.rest import envelope


@pytest.mark.parametrize("kind", all_kinds(), ids=lambda kind: f"{kind.code} {kind.text}")
def test_every_kind_of_error_has_exactly_the_four_keys(kind: Kind) -> None:
    error = ApiError(kind, "more", name="Name", path="/Path")

    assert msgspec.json.decode(envelope.envelope(error)) == {
        "code": kind.code,
        "message": kind.text.replace("{name}", "Name").replace("{path}", "/Path"),
        "more_info": f"https://www.twilio.com/docs/errors/{kind.code}",
        "status": kind.status.value,
    }


def test_what_else_there_is_to_say_goes_into_a_header() -> None:
    assert envelope.headers(ApiError(Kinds.CONFLICT, "why")) == {"chinwag-detail": "why"}
    assert envelope.headers(ApiError(Kinds.CONFLICT)) == {}


def test_whoever_must_prove_who_they_are_is_told_how() -> None:
    assert envelope.headers(ApiError(Kinds.AUTHENTICATE)) == {"www-authenticate": 'Basic realm="Twilio API"'}


def test_whoever_comes_at_a_bad_time_is_told_when_to_come_back() -> None:
    assert envelope.headers(ApiError(Kinds.UNAVAILABLE)) == {"retry-after": "1"}
    assert envelope.headers(ApiError(Kinds.UNAVAILABLE, retry_after=7)) == {"retry-after": "7"}


def test_any_refusal_can_say_when_to_come_back() -> None:
    assert envelope.headers(ApiError(Kinds.CONFLICT, retry_after=3)) == {"retry-after": "3"}


@pytest.mark.parametrize(
    "kind",
    [
        Kinds.SERVICE_NOT_FOUND,
        Kinds.ROLE_NOT_FOUND,
        Kinds.USER_NOT_FOUND,
        Kinds.CHANNEL_NOT_FOUND,
        Kinds.CHANNEL_WEBHOOK_NOT_FOUND,
        Kinds.MEMBER_NOT_FOUND,
        Kinds.MESSAGE_NOT_FOUND,
        Kinds.INVITE_NOT_FOUND,
        Kinds.BINDING_NOT_FOUND,
        Kinds.CREDENTIAL_NOT_FOUND,
    ],
    ids=lambda kind: kind.text,
)
def test_what_a_path_names_and_is_not_there_is_20404(kind: Kind) -> None:
    error = envelope.addressed(ApiError(kind), "/Services/IS0")

    assert (error.kind, error.message) == (
        Kinds.NOT_FOUND,
        "The requested resource /Services/IS0 was not found",
    )


@pytest.mark.parametrize(
    "kind",
    [Kinds.CHANNEL_ROLE_NOT_FOUND, Kinds.MEDIA_NOT_FOUND, Kinds.MEMBER_EXISTS],
    ids=lambda kind: kind.text,
)
def test_any_other_error_is_worded_as_it_is(kind: Kind) -> None:
    error = ApiError(kind)

    assert envelope.addressed(error, "/Services/IS0") is error


def test_a_path_with_braces_is_named_as_it_is() -> None:
    error = envelope.addressed(ApiError(Kinds.SERVICE_NOT_FOUND), "/{path}/{0}")

    assert error.message == "The requested resource /{path}/{0} was not found"


@given(st.text(st.characters(), max_size=1000))
@settings(deadline=None)
def test_no_text_can_end_a_header_line(text: str) -> None:
    inert = envelope.inert(text)

    assert inert.isascii()
    assert inert.isprintable()
    assert len(inert) <= 500


@pytest.mark.parametrize(
    ("status", "kind"),
    [(404, Kinds.NOT_FOUND), (405, Kinds.METHOD_NOT_ALLOWED), (400, Kinds.MALFORMED_REQUEST)],
)
def test_what_the_http_library_refuses_is_one_of_our_errors(status: int, kind: Kind) -> None:
    assert envelope.kind_of_status(status) is kind
