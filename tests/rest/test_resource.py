"""How records are printed."""

from __future__ import annotations

from typing import cast

import pytest
from msgspec import Struct

from chinwag.rest.resource import Field, Link, Resource, date, flag, sid, text, text_or_null, whole
from chinwag.rest.version import Version

BASE = "http://localhost"
LATER = cast("Version", Version.V1 + 1)


class Cup(Struct):
    sid: str = "CU1"
    tray_sid: str = "TR1"
    full: bool = True
    degrees: int = 80


def a_resource(
    *fields: Field, path: str = "/Trays/{tray_sid}/Cups/{sid}", links: tuple[Link, ...] = ()
) -> Resource:
    return Resource(record=Cup, key="cups", path=path, fields=fields, links=links, says="A cup.")


def test_a_record_is_shown_field_by_field_with_its_address() -> None:
    cups = a_resource(*text("sid"), *flag("full"))

    assert cups.present(Cup(), Version.V1, BASE) == {
        "sid": "CU1",
        "full": True,
        "url": "http://localhost/v1/Trays/TR1/Cups/CU1",
    }


def test_a_field_may_bear_another_name_than_its_attribute() -> None:
    assert a_resource(Field("hot", {}, "degrees")).present(Cup(), Version.V1, BASE)["hot"] == 80


def test_a_field_may_be_rendered() -> None:
    cups = a_resource(Field("degrees", {}, render=lambda degrees: f"{degrees} °C"))

    assert cups.present(Cup(), Version.V1, BASE)["degrees"] == "80 °C"


def test_links_stand_below_the_address() -> None:
    cups = a_resource(*text("sid"), path="/Cups/{sid}", links=(Link("sips", "/Sips"),))

    assert cups.present(Cup(), Version.V1, BASE)["links"] == {"sips": "http://localhost/v1/Cups/CU1/Sips"}


def test_a_version_does_not_show_what_came_later() -> None:
    cups = a_resource(
        *text("sid"), Field("full", {}, since=LATER), links=(Link("sips", "/Sips", since=LATER),)
    )

    shown = cups.present(Cup(), Version.V1, BASE)

    assert set(shown) == {"sid", "url"}


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        (text("sidd"), "/Cups/{sid}"),
        ((Field("sid", {}, "sidd"),), "/Cups/{sid}"),
        (text("sid"), "/Cups/{sidd}"),
    ],
)
def test_a_typo_fails_when_the_table_is_made(fields: tuple[Field, ...], path: str) -> None:
    with pytest.raises(AttributeError, match="Cup has no attribute sidd"):
        a_resource(*fields, path=path)


@pytest.mark.parametrize(
    ("moment", "shown"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (1_438_286_400_000, "2015-07-30T20:00:00Z"),
        (1_438_286_400_999, "2015-07-30T20:00:00Z"),
        (253_402_300_799_999, "9999-12-31T23:59:59Z"),
    ],
)
def test_a_moment_is_shown_in_whole_seconds(moment: int, shown: str) -> None:
    assert date(moment) == shown


def test_fields_describe_themselves() -> None:
    described = {field.name: field.schema for field in (*text_or_null("a"), *whole("b"), sid("c", "RL"))}

    assert described == {
        "a": {"type": ["string", "null"]},
        "b": {"type": "integer"},
        "c": {"type": "string", "pattern": "^RL[0-9a-f]{32}$"},
    }
