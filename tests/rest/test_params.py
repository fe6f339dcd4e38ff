"""Parameters as tables: from a form to the fields of a command, by version."""

from __future__ import annotations

from contextlib import suppress
from enum import StrEnum
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chinwag import limits
from chinwag.errors import ApiError, Kinds
from chinwag.rest.params import Form, Param, Params, parse_form
from chinwag.rest.version import Version
from chinwag.values import Flag, OneOf, Type, Whole

KIND = Kinds.INVALID_WEBHOOK
V1, V2 = Version.V1, Version.V2

unhurried = settings(deadline=None)
text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


def a_param(
    name: str = "Size", into: str | tuple[str, ...] = "size", kind: Type | None = None, **rest: Any
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


# Tables


def test_a_table_gives_what_the_form_gives_and_nothing_else() -> None:
    params = Params(a_param(), a_param("Colour", "colour", OneOf(Colour, KIND)))

    assert params.read({"Size": ["3"], "Other": ["x"]}, V1) == {"size": 3}
    assert params.read({}, V1) == {}


def test_of_a_parameter_that_may_not_be_repeated_the_last_counts() -> None:
    assert Params(a_param()).read({"Size": ["x", "3"]}, V1) == {"size": 3}


def test_a_parameter_that_may_be_repeated_is_a_tuple() -> None:
    params = Params(a_param(many=True))

    assert params.read({"Size": ["3", "4", "3"]}, V1) == {"size": (3, 4, 3)}
    assert params.read({"Size": [""]}, V1) == {"size": ()}
    assert params.of(V1)[0].schema == {"type": "array", "items": Whole(1, 9).schema}


def test_no_values_may_mean_none() -> None:
    param = Param("Size", "size", Whole(1, 9), "How large.", many=True, many_empty=None)

    assert Params(param).read({"Size": [""]}, V1) == {"size": None}


def test_parameters_of_one_thing_are_gathered() -> None:
    params = Params(a_param("A.X", ("a", "x")), a_param("A.Y", ("a", "y")), a_param("B.C.X", ("b", "c", "x")))

    assert params.read({"B.C.X": ["1"], "A.Y": ["2"], "A.X": ["3"]}, V1) == {
        "a": {"x": 3, "y": 2},
        "b": {"c": {"x": 1}},
    }


def test_a_missing_parameter_is_judged_before_a_wrong_one() -> None:
    params = Params(a_param(), a_param("Colour", "colour", OneOf(Colour, KIND), required=True))

    with pytest.raises(ApiError) as refusal:
        params.read({"Size": ["x"]}, V1)

    assert refusal.value.message == "Missing required parameter Colour in the post body"


def test_of_two_wrong_parameters_the_first_of_the_table_is_judged() -> None:
    params = Params(a_param(), a_param("Colour", "colour", OneOf(Colour, KIND)))

    with pytest.raises(ApiError) as refusal:
        params.read({"Colour": ["x"], "Size": ["x"]}, V1)

    assert refusal.value.message == "Invalid parameter Size"


def test_a_parameter_is_of_the_versions_between_its_first_and_its_last() -> None:
    always, late, early = (
        a_param("Always"),
        a_param("Late", since=V2),
        a_param("Early", until=V1),
    )

    params = Params(always, late, early)

    assert params.of(V1) == (always, early)
    assert params.of(V2) == (always, late)


@pytest.mark.parametrize(("version", "taken"), [(V1, {"early": 1}), (V2, {"late": 2})])
def test_a_parameter_of_another_version_is_one_that_nobody_knows(
    version: Version, taken: dict[str, int]
) -> None:
    params = Params(a_param("Early", "early", until=V1), a_param("Late", "late", since=V2))

    assert params.read({"Early": ["1"], "Late": ["2"]}, version) == taken


def test_what_is_wrong_in_a_parameter_of_another_version_is_not_judged() -> None:
    params = Params(a_param("Late", "late", since=V2))

    assert params.read({"Late": ["x"]}, V1) == {}


@pytest.mark.parametrize("version", Version)
def test_a_parameter_may_differ_from_version_to_version(version: Version) -> None:
    params = Params(a_param(kind=Whole(1, 9, KIND), required=True, until=V1), a_param(kind=Flag(), since=V2))

    assert params.read({"Size": ["9" if version is V1 else "true"]}, version) == {
        "size": 9 if version is V1 else True
    }


def test_a_parameter_is_required_in_its_own_versions_only() -> None:
    params = Params(a_param(required=True, until=V1))

    with pytest.raises(ApiError) as refusal:
        params.read({}, V1)

    assert refusal.value.kind is Kinds.MISSING_PARAMETER
    assert params.read({}, V2) == {}
