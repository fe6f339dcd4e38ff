"""How records are printed."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct

from chinwag.rest.resource import (
    Field,
    Link,
    Listed,
    Resource,
    Shape,
    attributes,
    date_or_null,
    dates,
    flag,
    sid,
    sid_or_null,
    text,
    text_or_null,
    whole,
    whole_or_null,
)
from chinwag.rest.version import Version
from chinwag.values import to_second

BASE = "http://localhost"
V1, V2 = Version.V1, Version.V2


class Cup(Struct):
    sid: str = "CU1"
    tray_sid: str = "TR1"
    drinker: str | None = "alice"
    full: bool = True
    degrees: int = 80
    attributes: str = "{}"


def a_resource(
    *fields: Field,
    path: str = "/Trays/{tray_sid}/Cups/{sid}",
    links: tuple[Link, ...] = (),
    **rest: Any,
) -> Resource:
    shown = fields or text("sid")
    return Resource(record=Cup, key="cups", path=path, fields=shown, links=links, says="A cup.", **rest)


def test_a_record_is_shown_field_by_field_with_its_address() -> None:
    cups = a_resource(*text("sid"), *flag("full"))

    assert cups.present(Cup(), V1, BASE) == {
        "sid": "CU1",
        "full": True,
        "url": "http://localhost/v1/Trays/TR1/Cups/CU1",
    }


def test_a_field_may_bear_another_name_than_its_attribute() -> None:
    assert a_resource(Field("hot", {}, "degrees")).present(Cup(), V1, BASE)["hot"] == 80


def test_a_field_may_be_rendered() -> None:
    cups = a_resource(Field("degrees", {}, render=lambda degrees: f"{degrees} °C"))

    assert cups.present(Cup(), V1, BASE)["degrees"] == "80 °C"


def test_links_stand_below_the_address() -> None:
    cups = a_resource(*text("sid"), path="/Cups/{sid}", links=(Link("sips", "/Sips"),))

    assert cups.present(Cup(), V1, BASE)["links"] == {"sips": "http://localhost/v1/Cups/CU1/Sips"}


def test_a_link_may_lead_anywhere() -> None:
    cups = a_resource(links=(Link("drinker", "/Trays/{tray_sid}/People/{drinker}"),))

    assert cups.present(Cup(), V1, BASE)["links"] == {"drinker": f"{BASE}/v1/Trays/TR1/People/alice"}
    assert cups.present(Cup(), V2, BASE)["links"] == {"drinker": f"{BASE}/v2/Trays/TR1/People/alice"}


def test_a_link_to_what_is_not_there_is_null() -> None:
    cups = a_resource(links=(Link("sips", "/Sips"), Link("drinker", "/People/{drinker}")))

    links = cups.present(Cup(drinker=None), V1, BASE)["links"]

    assert links == {"sips": f"{BASE}/v1/Trays/TR1/Cups/CU1/Sips", "drinker": None}


@pytest.mark.parametrize(
    ("identity", "segment"),
    [
        ("a b", "a%20b"),
        ("a/b", "a%2Fb"),
        ("a?b#c", "a%3Fb%23c"),
        ("50%", "50%25"),
        ("+1@x:y", "%2B1%40x%3Ay"),
        ("é🐦", "%C3%A9%F0%9F%90%A6"),
    ],
)
def test_what_stands_in_a_link_is_percent_encoded(identity: str, segment: str) -> None:
    cups = a_resource(links=(Link("drinker", "/People/{drinker}"),))

    links = cups.present(Cup(drinker=identity), V1, BASE)["links"]

    assert links == {"drinker": f"{BASE}/v1/People/{segment}"}


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
@settings(deadline=None)
def test_whatever_stands_in_a_link_is_one_segment_and_comes_back(identity: str) -> None:
    cups = a_resource(links=(Link("drinker", "/People/{drinker}"),))

    links: Any = cups.present(Cup(drinker=identity), V1, BASE)["links"]

    path = urlsplit(links["drinker"]).path
    assert unquote(path.removeprefix("/v1/People/")) == identity
    assert path.count("/") == 3


def test_a_version_does_not_show_what_came_later() -> None:
    cups = a_resource(*text("sid"), Field("full", {}, since=V2), links=(Link("sips", "/Sips", since=V2),))

    assert set(cups.present(Cup(), V1, BASE)) == {"sid", "url"}
    assert set(cups.present(Cup(), V2, BASE)) == {"sid", "full", "url", "links"}


def test_a_version_does_not_show_what_went_before_it() -> None:
    cups = a_resource(*text("sid"), Field("full", {}, until=V1))

    assert set(cups.present(Cup(), V1, BASE)) == {"sid", "full", "url"}
    assert set(cups.present(Cup(), V2, BASE)) == {"sid", "url"}


def test_a_field_may_differ_from_version_to_version() -> None:
    cups = a_resource(
        Field("heat", {}, "degrees", render=str, until=V1), Field("heat", {}, "degrees", since=V2)
    )

    assert cups.present(Cup(), V1, BASE)["heat"] == "80"
    assert cups.present(Cup(), V2, BASE)["heat"] == 80


def test_a_resource_may_show_its_address_in_later_versions_only() -> None:
    cups = a_resource(*text("sid"), url_since=V2)

    assert cups.present(Cup(), V1, BASE) == {"sid": "CU1"}
    assert cups.present(Cup(), V2, BASE) == {"sid": "CU1", "url": f"{BASE}/v2/Trays/TR1/Cups/CU1"}


def test_a_resource_that_does_not_show_its_address_may_still_have_links_below_it() -> None:
    cups = a_resource(url_since=V2, links=(Link("sips", "/Sips"),))

    shown = cups.present(Cup(), V1, BASE)

    assert "url" not in shown
    assert shown["links"] == {"sips": f"{BASE}/v1/Trays/TR1/Cups/CU1/Sips"}


def test_several_attributes_may_make_one_field() -> None:
    cups = a_resource(
        *text("sid"),
        Field("state", {}, ("full", "degrees"), render=lambda full, degrees: [full, degrees]),
    )

    assert cups.present(Cup(), V1, BASE)["state"] == [True, 80]


@pytest.mark.parametrize(
    ("listed", "version", "shape", "shown"),
    [
        (Listed.YES, V1, Shape.ALONE, 80),
        (Listed.YES, V1, Shape.LISTED, 80),
        (Listed.YES, V2, Shape.LISTED_WHOLE, 80),
        (Listed.SINCE_V2, V1, Shape.ALONE, 80),
        (Listed.SINCE_V2, V1, Shape.LISTED, None),
        (Listed.SINCE_V2, V1, Shape.LISTED_WHOLE, 80),
        (Listed.SINCE_V2, V2, Shape.LISTED, 80),
        (Listed.SINCE_V2, V2, Shape.LISTED_WHOLE, 80),
        (Listed.NO, V1, Shape.ALONE, 80),
        (Listed.NO, V2, Shape.ALONE, 80),
        (Listed.NO, V1, Shape.LISTED, None),
        (Listed.NO, V2, Shape.LISTED, None),
        (Listed.NO, V1, Shape.LISTED_WHOLE, None),
        (Listed.NO, V2, Shape.LISTED_WHOLE, None),
    ],
)
def test_what_a_list_does_not_show_is_null_there(
    listed: Listed, version: Version, shape: Shape, shown: int | None
) -> None:
    cups = a_resource(Field("degrees", {}, listed=listed))

    assert cups.present(Cup(), version, BASE, shape)["degrees"] == shown


def test_what_a_list_does_not_show_is_not_rendered_either() -> None:
    cups = a_resource(Field("degrees", {}, render=lambda degrees: f"{degrees} °C", listed=Listed.NO))

    assert cups.present(Cup(), V2, BASE, Shape.LISTED)["degrees"] is None


def test_attributes_are_null_in_lists_of_v1() -> None:
    cups = a_resource(attributes())

    shown = {
        (v, shape): cups.present(Cup(), v, BASE, shape)["attributes"] for v in Version for shape in Shape
    }

    assert [where for where, value in shown.items() if value is None] == [(V1, Shape.LISTED)]


def test_attributes_may_have_come_later() -> None:
    cups = a_resource(*text("sid"), attributes(since=V2))

    assert "attributes" not in cups.present(Cup(), V1, BASE)
    assert cups.present(Cup(), V2, BASE)["attributes"] == "{}"


def test_a_resource_is_named_after_its_record_unless_it_has_a_name_of_its_own() -> None:
    assert a_resource().name == "Cup"
    assert a_resource(name="UserCup").name == "UserCup"


@pytest.mark.parametrize(
    ("field", "path", "link"),
    [
        (Field("sidd", {}), "/Cups/{sid}", "/Sips"),
        (Field("sid", {}, "sidd"), "/Cups/{sid}", "/Sips"),
        (Field("sid", {}, ("sid", "sidd"), render=max), "/Cups/{sid}", "/Sips"),
        (Field("sid", {}), "/Cups/{sidd}", "/Sips"),
        (Field("sid", {}), "/Cups/{sid}", "/Sips/{sidd}"),
    ],
)
def test_a_typo_fails_when_the_table_is_made(field: Field, path: str, link: str) -> None:
    with pytest.raises(AttributeError, match="Cup has no attribute sidd"):
        a_resource(field, path=path, links=(Link("sips", link),))


@pytest.mark.parametrize(
    ("moment", "shown"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (1_438_286_400_000, "2015-07-30T20:00:00Z"),
        (1_438_286_400_999, "2015-07-30T20:00:00Z"),
        (-1, "1969-12-31T23:59:59Z"),
        (-62_135_596_800_000, "0001-01-01T00:00:00Z"),
        (253_402_300_799_999, "9999-12-31T23:59:59Z"),
    ],
)
def test_a_moment_is_shown_in_whole_seconds(moment: int, shown: str) -> None:
    assert to_second(moment) == shown


def test_a_moment_that_is_not_known_is_null() -> None:
    assert date_or_null(None) is None
    assert date_or_null(0) == "1970-01-01T00:00:00Z"


def test_fields_describe_themselves() -> None:
    fields = (
        *text("text"),
        *text_or_null("text_or_null"),
        *whole("whole"),
        *whole_or_null("whole_or_null"),
        *flag("flag"),
        *dates("date"),
        sid("sid", "RL"),
        sid_or_null("sid_or_null", "MB"),
        attributes(),
    )

    assert {field.name: field.schema for field in fields} == {
        "text": {"type": "string"},
        "text_or_null": {"type": ["string", "null"]},
        "whole": {"type": "integer"},
        "whole_or_null": {"type": ["integer", "null"]},
        "flag": {"type": "boolean"},
        "date": {"type": "string", "format": "date-time"},
        "sid": {"type": "string", "pattern": "^RL[0-9a-f]{32}$"},
        "sid_or_null": {"type": ["string", "null"], "pattern": "^MB[0-9a-f]{32}$"},
        "attributes": {"type": ["string", "null"]},
    }
