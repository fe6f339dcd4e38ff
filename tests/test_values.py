"""What a parameter may be, as values: how its text is read, and how it is described."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from enum import StrEnum

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chinwag import limits, values
from chinwag.errors import ApiError, Kind, Kinds
from chinwag.values import (
    Attributes,
    Flag,
    Moment,
    OneOf,
    Plain,
    Sid,
    Text,
    Type,
    UniqueName,
    Url,
    Whole,
    Words,
)

KIND = Kinds.INVALID_WEBHOOK
OTHER = Kinds.SOUND_TOO_LONG

unhurried = settings(deadline=None)
text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | text,
    lambda inner: st.lists(inner) | st.dictionaries(text, inner),
    max_leaves=20,
)


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"
    GREEN = "green"


def refused_as(kind: Type, given_text: str) -> Kind:
    with pytest.raises(ApiError) as refusal:
        kind.read("Name", given_text)
    return refusal.value.kind


# All of them


@pytest.mark.parametrize(
    ("kind", "given_text", "value"),
    [
        (Text(3, KIND), "abc", "abc"),
        (Text(3, KIND), "éé🐦", "éé🐦"),
        (Text(3, KIND), "", None),
        (Flag(), "TRUE", True),
        (Flag(), "False", False),
        (Whole(1, 9), "9", 9),
        (Whole(1, 9), "007", 7),
        (Whole(-1, 9), "-1", -1),
        (Whole(1, 2**63 - 1), "9223372036854775807", 2**63 - 1),
        (Whole(1, 9, or_empty=True), "", None),
        (Whole(1, 9, or_empty=True), "9", 9),
        (OneOf(Colour, KIND), "red", Colour.RED),
        (OneOf(Colour, KIND, or_empty=True), "", None),
        (OneOf(Colour, KIND, only=(Colour.RED, Colour.BLUE)), "blue", Colour.BLUE),
        (Sid("IS", KIND), "is" + "AB" * 16, "IS" + "ab" * 16),
        (Url(KIND), "http://a", "http://a"),
        (Url(KIND), "", None),
        (Plain(), "anything \r\n", "anything \r\n"),
        (Plain(), "", ""),
        (Words(4, KIND), "abcd", "abcd"),
        (Words(4, KIND), "", ""),
        (UniqueName(), "lobby", "lobby"),
        (UniqueName(), "", None),
        (Attributes(), "", "{}"),
    ],
)
def test_a_text_is_read_as_its_type(kind: Type, given_text: str, value: object) -> None:
    assert kind.read("Name", given_text) == value


@pytest.mark.parametrize(
    ("kind", "given_text", "refusal"),
    [
        (Text(3, KIND), "abcd", KIND),
        (Text(3, OTHER, empty=KIND), "", KIND),
        (Flag(), "1", Kinds.INVALID_PARAMETER),
        (Flag(), "", Kinds.INVALID_PARAMETER),
        (Whole(1, 9), "10", Kinds.INVALID_PARAMETER),
        (Whole(1, 9, KIND), "0", KIND),
        (Whole(1, 9, KIND), "1.0", KIND),
        (Whole(1, 9, KIND), "", KIND),
        (Whole(1, 9, KIND, or_empty=True), " ", KIND),
        (Whole(0, 10**30, KIND), "1" * 20, KIND),
        (Whole(1, 9, KIND), "٣", KIND),
        (OneOf(Colour, KIND), "black", KIND),
        (OneOf(Colour, KIND), "", KIND),
        (OneOf(Colour, KIND), "RED", KIND),
        (OneOf(Colour, KIND, only=(Colour.RED, Colour.BLUE)), "green", KIND),
        (Sid("IS", KIND), "RL" + "0" * 32, KIND),
        (Sid("IS", KIND), "", KIND),
        (Url(KIND), "http://[::1", KIND),
        (Url(KIND, OTHER), "http://" + "a" * limits.WEBHOOK_URL, OTHER),
        (Url(KIND), "http://" + "a" * limits.WEBHOOK_URL, KIND),
    ],
)
def test_a_text_that_means_nothing_is_refused_in_the_words_of_its_type(
    kind: Type, given_text: str, refusal: Kind
) -> None:
    assert refused_as(kind, given_text) is refusal


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
        Words(3, KIND),
        Attributes(),
        UniqueName(),
        Moment(KIND),
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
        (OneOf(Colour, KIND), {"type": "string", "enum": ["red", "blue", "green"]}),
        (OneOf(Colour, KIND, only=(Colour.BLUE,)), {"type": "string", "enum": ["blue"]}),
        (
            Sid("IS", KIND),
            {"type": "string", "minLength": 34, "maxLength": 34, "pattern": "^IS[0-9a-fA-F]{32}$"},
        ),
        (Url(KIND), {"type": "string", "format": "uri", "maxLength": 2048}),
        (Plain(), {"type": "string"}),
        (Words(3, KIND), {"type": "string", "maxLength": 3}),
        (Attributes(), {"type": "string", "maxLength": 16384}),
        (UniqueName(), {"type": "string", "maxLength": 256}),
        (Moment(KIND), {"type": "string", "format": "date-time"}),
    ],
)
def test_a_type_is_described_by_what_it_takes(kind: Type, schema: dict[str, object]) -> None:
    assert kind.schema == schema


# Words


@pytest.mark.parametrize("words", ["abcdefgh", "éééé", "€€ab", "🐦🐦"])
def test_words_are_counted_in_bytes(words: str) -> None:
    eight = Words(8, KIND)

    assert eight.read("Name", words) == words
    assert refused_as(eight, words + "x") is KIND


# Attributes


@given(json)
@unhurried
def test_attributes_are_json_of_any_type_and_stay_as_they_came(value: object) -> None:
    written = msgspec.json.encode(value).decode()

    assert Attributes().read("Name", written) == written


@pytest.mark.parametrize(
    "written",
    [
        ' {"a" : 1 } ',
        "1.50e+3",
        '{"a":1,"a":2}',
        '"\\u00e9\\ud83d\\udc26"',
        '"\x7f"',
        "1e999",
        "9" * 5000,
        '"\\ud83d"',
        '["\\udc26", 1e999, "\\ud83dx"]',
    ],
)
def test_the_writing_of_attributes_is_not_changed(written: str) -> None:
    assert Attributes().read("Name", written) == written


@pytest.mark.parametrize(
    "written",
    [
        " ",
        "{",
        "{}{}",
        "[1,]",
        "{'a': 1}",
        "{a: 1}",
        "01",
        "NaN",
        "Infinity",
        "undefined",
        "é",
        "\ufeff{}",
        '"a\tb"',
        '"\\x41"',
        "// none\n{}",
        '"\\ud83d", "é',
    ],
)
def test_attributes_that_are_no_json_are_refused(written: str) -> None:
    assert refused_as(Attributes(), written) is Kinds.ATTRIBUTES_NOT_JSON


@pytest.mark.parametrize("letter", ["x", "é", "🐦"])
def test_attributes_hold_16384_bytes_and_not_one_more(letter: str) -> None:
    inside = letter * ((16_384 - 2) // len(letter.encode()))
    written = f'"{inside}"'.ljust(16_384 - len(inside.encode()) + len(inside))

    assert len(written.encode()) == 16_384
    assert Attributes().read("Name", written) == written
    assert refused_as(Attributes(), written + " ") is Kinds.ATTRIBUTES_TOO_LONG


def test_attributes_too_long_are_refused_as_such_whatever_they_say() -> None:
    assert refused_as(Attributes(), "{" * 16_385) is Kinds.ATTRIBUTES_TOO_LONG


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_attributes_may_be_nested_and_not_without_end(opening: str, closing: str) -> None:
    nested, endless = (opening * depth + "1" + closing * depth for depth in (200, 2500))

    assert Attributes().read("Name", nested) == nested
    assert refused_as(Attributes(), endless) is Kinds.ATTRIBUTES_NOT_JSON


# Unique names


@pytest.mark.parametrize("letter", ["x", "é", "🐦"])
def test_a_unique_name_is_counted_in_characters(letter: str) -> None:
    longest = letter * 256

    assert UniqueName().read("Name", longest) == longest
    assert refused_as(UniqueName(), longest + letter) is Kinds.UNIQUE_NAME_TOO_LONG


@pytest.mark.parametrize("name", ["CH" + "0" * 32, "ch" + "aB" * 16])
def test_a_unique_name_cannot_be_taken_for_a_sid(name: str) -> None:
    assert refused_as(UniqueName(), name) is Kinds.UNIQUE_NAME_LIKE_SID


@pytest.mark.parametrize(
    "name", ["CH", "CH" + "0" * 31, "CH" + "0" * 33, "CH" + "g" * 32, "IS" + "0" * 32, " ", "a/b?c#d", "%2F"]
)
def test_a_unique_name_may_be_anything_else(name: str) -> None:
    assert UniqueName().read("Name", name) == name


# Moments


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2015-07-30T20:00:00Z", "2015-07-30T20:00:00.000"),
        ("2015-07-30t20:00:00z", "2015-07-30T20:00:00.000"),
        ("2015-07-30 20:00:00Z", "2015-07-30T20:00:00.000"),
        ("2015-07-30T20:00:00", "2015-07-30T20:00:00.000"),
        ("2015-07-30T20:00", "2015-07-30T20:00:00.000"),
        ("2015-07-30", "2015-07-30T00:00:00.000"),
        ("2016-02-29", "2016-02-29T00:00:00.000"),
        ("2015-07-30T20:00:00+05:30", "2015-07-30T14:30:00.000"),
        ("2015-07-30T20:00:00+0530", "2015-07-30T14:30:00.000"),
        ("2015-07-30T20:00:00-05", "2015-07-31T01:00:00.000"),
        ("2015-07-30T20:00:00-00:00", "2015-07-30T20:00:00.000"),
        ("2015-07-30T20:00:00+23:59", "2015-07-29T20:01:00.000"),
        ("2015-07-30T20:00:00.5Z", "2015-07-30T20:00:00.500"),
        ("2015-07-30T20:00:00,5Z", "2015-07-30T20:00:00.500"),
        ("2015-07-30T20:00:00.1239", "2015-07-30T20:00:00.123"),
        ("2015-07-30T20:00:00.999999999-01:00", "2015-07-30T21:00:00.999"),
        ("1969-12-31T23:59:59.9999Z", "1969-12-31T23:59:59.999"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000"),
        ("0001-01-01T00:00:00-00:01", "0001-01-01T00:01:00.000"),
        ("9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999"),
        ("9999-12-31T23:59:59+00:01", "9999-12-31T23:58:59.000"),
    ],
)
def test_a_moment_is_a_date_of_iso_8601_in_utc_unless_it_says_otherwise(written: str, meant: str) -> None:
    found = Moment(KIND).read("Name", written)

    seconds, thousandths = divmod(found, 1000)
    shown = datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None, microsecond=thousandths * 1000)
    assert shown.isoformat(timespec="milliseconds") == meant


@pytest.mark.parametrize(
    "written",
    [
        "",
        "now",
        "0",
        "1438286400",
        "2015",
        "2015-07",
        "20150730",
        "2015-7-30",
        "2015-W31-4",
        "2015-211",
        "15-07-30",
        "+2015-07-30",
        "-0001-01-01",
        "0000-01-01",
        "2015-00-01",
        "2015-13-01",
        "2015-02-29",
        "2015-07-30T",
        "2015-07-30Z",
        "2015-07-30T20",
        "2015-07-30T20:00.5",
        "2015-07-30T25:00",
        "2015-07-30T23:60",
        "2015-07-30T23:59:60Z",
        "2015-07-30T20:00:00.Z",
        "2015-07-30T20:00:00.0123456789Z",
        "2015-07-30T20:00:00 Z",
        "2015-07-30T20:00:00+24:00",
        "2015-07-30T20:00:00+5",
        "2015-07-30T20:00:00+05:30:15",
        "2015-07-30T20:00:00Z\n",
        " 2015-07-30",
        "٢٠١٥-07-30",
        "Thu, 30 Jul 2015 20:00:00 +0000",
        "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
    ],
)
def test_what_is_no_moment_is_refused(written: str) -> None:
    assert refused_as(Moment(KIND), written) is KIND


@given(st.datetimes(), st.sampled_from(["", "Z"]))
@unhurried
def test_every_moment_is_read_back_to_the_millisecond(moment: datetime, zone: str) -> None:
    found = Moment(KIND).read("Name", moment.isoformat() + zone)

    exact = moment.replace(microsecond=moment.microsecond // 1000 * 1000, tzinfo=UTC)
    assert found == round(exact.timestamp() * 1000)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://user:secret@example.com/?a=b@c", "https://***@example.com/?a=b@c"),
        ("https://example.com/a@b", "https://example.com/a@b"),
        ("http://example.com?x@y", "http://example.com?x@y"),
    ],
)
def test_an_address_is_shown_without_its_credentials(url: str, shown: str) -> None:
    assert values.without_credentials(url) == shown
