"""Events, on their way from one node to another."""

from __future__ import annotations

from typing import get_args

import msgspec
import pytest

from chinwag.domain.events import AnyEvent, Event


def test_every_event_can_be_read_from_the_wire() -> None:
    assert set(get_args(AnyEvent)) == set(Event.__subclasses__())


@pytest.mark.parametrize("kind", get_args(AnyEvent), ids=lambda kind: kind.__name__)
def test_an_event_bears_its_name_on_the_wire_and_comes_back_the_same(kind: type[Event]) -> None:
    event = kind(**{name: f"{name} of a test" for name in kind.__struct_fields__})

    wire = msgspec.json.encode(event)

    assert msgspec.json.decode(wire)["type"] == kind.__name__
    assert msgspec.json.decode(wire, type=AnyEvent) == event
