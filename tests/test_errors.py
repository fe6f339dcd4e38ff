"""The table of errors."""

from __future__ import annotations

import re
from http import HTTPStatus

import pytest

from chinwag.errors import ApiError, Kind, Kinds, all_kinds


def test_the_table_is_in_code_order() -> None:
    codes = [kind.code for kind in all_kinds()]

    assert codes == sorted(codes)


def test_no_two_rows_are_alike() -> None:
    assert len(set(all_kinds())) == len(all_kinds())


def test_each_code_has_one_text_for_a_status_unless_it_is_the_general_one() -> None:
    """20001 stands for whatever is wrong with a request and has no code of its own."""
    codes = [kind.code for kind in all_kinds() if kind.code != 20001]

    assert len(set(codes)) == len(codes)


@pytest.mark.parametrize("kind", all_kinds(), ids=lambda kind: f"{kind.code} {kind.text}")
def test_each_row_refuses_with_a_code_of_five_digits_and_a_plain_text(kind: Kind) -> None:
    assert 10_000 <= kind.code <= 99_999
    assert 400 <= kind.status <= 599
    assert re.fullmatch(r"[A-Z][\w{} /-]*\w[}\w]*\.?", kind.text)


def test_the_placeholders_of_a_text_are_filled() -> None:
    error = ApiError(Kinds.NOT_FOUND, path="/Services/IS1")

    assert error.message == "The requested resource /Services/IS1 was not found"


def test_a_text_without_placeholders_is_used_as_it_is() -> None:
    assert ApiError(Kinds.AUTHENTICATE).message == "Authenticate"


def test_braces_in_a_value_are_left_alone() -> None:
    error = ApiError(Kinds.NOT_FOUND, path="/Services/{sid}{0}")

    assert error.message == "The requested resource /Services/{sid}{0} was not found"


def test_the_detail_is_kept_apart_from_the_text() -> None:
    error = ApiError(Kinds.AUTHENTICATE, "the key is revoked")

    assert error.detail == "the key is revoked"
    assert "revoked" not in error.message


def test_a_status_of_the_original_is_a_status_of_http() -> None:
    assert all(isinstance(kind.status, HTTPStatus) for kind in all_kinds())
