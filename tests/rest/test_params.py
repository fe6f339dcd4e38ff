"""Parameters as values: from the text of a form to the fields of a command."""

from __future__ import annotations

from contextlib import suppress
from enum import StrEnum
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chinwag import limits
from chinwag.errors import ApiError, Kinds
from chinwag.rest.params import (
    Flag,
    Form,
    OneOf,
    Param,
    Params,
    Plain,
    Sid,
    Text,
    Type,
    Url,
    Whole,
    parse_form,
)

unhurried = settings(deadline=None)
text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


def a_param(
    name: str = "Size", into: str | tuple[str, ...] = "size", kind: Type | None = None, **rest: bool
) -> Param:
    return Param(name, into, kind or Whole(1, 9), "How large.", **rest)


# Forms


@pytest.mark.parametrize(
    ("body", "form"),
    [
        (b"", {}),
        (b"a=b", {"a": ["b"]}),
        (b"a=b&a=c&d=", {"a": ["b", "c"], "d": [""]}),
        (b"a", {"a": [""]}),
        (b"&&a=b&", {"a": ["b"]}),
        (b"=x", {"": ["x"]}),
        (b"a=b=c", {"a": ["b=c"]}),
        (b"a=b;c=d", {"a": ["b;c=d"]}),
        (b"a+b=c+d", {"a b": ["c d"]}),
        (b"a%2Bb=%26%3D%25", {"a+b": ["&=%"]}),
        (b"a=%zz%4", {"a": ["%zz%4"]}),
        (b"a=%C3%A9", {"a": ["é"]}),
        ("a=é".encode(), {"a": ["é"]}),
        (b"Notifications.NewMessage.Enabled=true", {"Notifications.NewMessage.Enabled": ["true"]}),
    ],
)
def test_a_form_is_the_values_of_each_name_in_the_order_sent(body: bytes, form: dict[str, list[str]]) -> None:
    assert parse_form(body) == form


@given(st.lists(st.tuples(text, text), max_size=20))
@unhurried
def test_whatever_is_encoded_is_read_back(pairs: list[tuple[str, str]]) -> None:
    form = parse_form(urlencode(pairs).encode())

    assert [(name, value) for name in form for value in form[name]] == sorted(
        pairs, key=lambda pair: list(form).index(pair[0])
    )


@given(st.binary())
@unhurried
def test_any_bytes_are_a_form_or_are_refused(body: bytes) -> None:
    form: Form = {}

    with suppress(ApiError):
        form = parse_form(body)

    assert all("\0" not in value for values in form.values() for value in values)


def test_the_name_of_a_spoiled_parameter_is_shown_in_ascii_and_cut() -> None:
    with pytest.raises(ApiError) as refusal:
        parse_form(f"{'é' * 100}=%00".encode())

    assert refusal.value.message == "Invalid parameter " + ("\\xe9" * 100)[:64]


def test_a_form_holds_a_thousand_parameters_at_most() -> None:
    parse_form(b"&".join([b"a=b"] * limits.PARAMETERS))

    with pytest.raises(ApiError) as refusal:
        parse_form(b"&".join([b"a=b"] * (limits.PARAMETERS + 1)))
    assert refusal.value.kind is Kinds.TOO_MANY_PARAMETERS


# Types

KIND = Kinds.INVALID_WEBHOOK


@pytest.mark.parametrize(
    ("kind", "given_text", "value"),
    [
        (Text(3, KIND), "abc", "abc"),
        (Text(3, KIND), "", None),
        (Flag(), "TRUE", True),
        (Flag(), "False", False),
        (Whole(1, 9), "9", 9),
        (Whole(1, 9), "007", 7),
        (Whole(-1, 9), "-1", -1),
        (Whole(1, 2**63 - 1), "9223372036854775807", 2**63 - 1),
        (OneOf(Colour, KIND), "red", Colour.RED),
        (OneOf(Colour, KIND, or_empty=True), "", None),
        (Sid("IS", KIND), "is" + "AB" * 16, "IS" + "ab" * 16),
        (Url(KIND), "http://a", "http://a"),
        (Url(KIND), "", None),
        (Plain(), "anything \r\n", "anything \r\n"),
    ],
)
def test_a_text_is_read_as_its_type(kind: Type, given_text: str, value: object) -> None:
    assert kind.read("Name", given_text) == value


@pytest.mark.parametrize(
    ("kind", "given_text", "refused_as"),
    [
        (Text(3, KIND), "abcd", KIND),
        (Text(3, Kinds.SOUND_TOO_LONG, empty=KIND), "", KIND),
        (Flag(), "1", Kinds.INVALID_PARAMETER),
        (Whole(1, 9), "10", Kinds.INVALID_PARAMETER),
        (Whole(1, 9, KIND), "0", KIND),
        (Whole(1, 9, KIND), "1.0", KIND),
        (Whole(0, 10**30, KIND), "1" * 20, KIND),
        (OneOf(Colour, KIND), "green", KIND),
        (OneOf(Colour, KIND), "", KIND),
        (OneOf(Colour, KIND), "RED", KIND),
        (Sid("IS", KIND), "RL" + "0" * 32, KIND),
        (Sid("IS", KIND), "", KIND),
        (Url(KIND), "http://[::1", KIND),
    ],
)
def test_a_text_that_means_nothing_is_refused_in_the_words_of_its_type(
    kind: Type, given_text: str, refused_as: object
) -> None:
    with pytest.raises(ApiError) as refusal:
        kind.read("Name", given_text)

    assert refusal.value.kind is refused_as


@given(text)
@unhurried
def test_no_text_breaks_a_type(some: str) -> None:
    for kind in (
        Text(3, KIND),
        Flag(),
        Whole(1, 9),
        OneOf(Colour, KIND),
        Sid("IS", KIND),
        Url(KIND),
        Plain(),
    ):
        with suppress(ApiError):
            kind.read("Name", some)


@pytest.mark.parametrize(
    ("kind", "schema"),
    [
        (Text(3, KIND), {"type": "string", "maxLength": 3}),
        (Text(3, KIND, empty=KIND), {"type": "string", "minLength": 1, "maxLength": 3}),
        (Flag(), {"type": "boolean"}),
        (Whole(1, 9), {"type": "integer", "minimum": 1, "maximum": 9}),
        (OneOf(Colour, KIND), {"type": "string", "enum": ["red", "blue"]}),
        (
            Sid("IS", KIND),
            {"type": "string", "minLength": 34, "maxLength": 34, "pattern": "^IS[0-9a-fA-F]{32}$"},
        ),
        (Url(KIND), {"type": "string", "format": "uri", "maxLength": 2048}),
        (Plain(), {"type": "string"}),
    ],
)
def test_a_type_is_described_by_what_it_takes(kind: Type, schema: dict[str, object]) -> None:
    assert kind.schema == schema


# Tables


def test_a_table_gives_what_the_form_gives_and_nothing_else() -> None:
    params = Params(a_param(), a_param("Colour", "colour", OneOf(Colour, KIND)))

    assert params.read({"Size": ["3"], "Other": ["x"]}) == {"size": 3}
    assert params.read({}) == {}


def test_of_a_parameter_that_may_not_be_repeated_the_last_counts() -> None:
    assert Params(a_param()).read({"Size": ["x", "3"]}) == {"size": 3}


def test_a_parameter_that_may_be_repeated_is_a_tuple() -> None:
    params = Params(a_param(many=True))

    assert params.read({"Size": ["3", "4", "3"]}) == {"size": (3, 4, 3)}
    assert params.read({"Size": [""]}) == {"size": ()}
    assert params.params[0].schema == {"type": "array", "items": Whole(1, 9).schema}


def test_no_values_may_mean_none() -> None:
    param = Param("Size", "size", Whole(1, 9), "How large.", many=True, many_empty=None)

    assert Params(param).read({"Size": [""]}) == {"size": None}


def test_parameters_of_one_thing_are_gathered() -> None:
    params = Params(a_param("A.X", ("a", "x")), a_param("A.Y", ("a", "y")), a_param("B.C.X", ("b", "c", "x")))

    assert params.read({"B.C.X": ["1"], "A.Y": ["2"], "A.X": ["3"]}) == {
        "a": {"x": 3, "y": 2},
        "b": {"c": {"x": 1}},
    }


def test_a_missing_parameter_is_judged_before_a_wrong_one() -> None:
    params = Params(a_param(), a_param("Colour", "colour", OneOf(Colour, KIND), required=True))

    with pytest.raises(ApiError) as refusal:
        params.read({"Size": ["x"]})

    assert refusal.value.message == "Missing required parameter Colour in the post body"


def test_of_two_wrong_parameters_the_first_of_the_table_is_judged() -> None:
    params = Params(a_param(), a_param("Colour", "colour", OneOf(Colour, KIND)))

    with pytest.raises(ApiError) as refusal:
        params.read({"Colour": ["x"], "Size": ["x"]})

    assert refusal.value.message == "Invalid parameter Size"
