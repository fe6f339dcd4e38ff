"""Events, on their way from one node to another."""

from __future__ import annotations

from typing import Any, get_args

import msgspec
import pytest
from msgspec import inspect

from chinwag.domain.event import Event
from chinwag.domain.events import AnyEvent


def test_every_event_can_be_read_from_the_wire() -> None:
    assert set(get_args(AnyEvent)) == set(Event.__subclasses__())


@pytest.mark.parametrize("whole", [True, False], ids=["with everything", "without what may be missing"])
@pytest.mark.parametrize("kind", get_args(AnyEvent), ids=lambda kind: kind.__name__)
def test_an_event_bears_its_name_on_the_wire_and_comes_back_the_same(
    kind: type[Event], *, whole: bool
) -> None:
    event = a_value(inspect.type_info(kind), whole=whole)

    wire = msgspec.json.encode(event)

    assert msgspec.json.decode(wire)["type"] == kind.__name__
    assert msgspec.json.decode(wire, type=AnyEvent) == event


def a_value(kind: inspect.Type, *, whole: bool) -> Any:  # noqa: PLR0911  # one for each kind
    """Return something of a type, with something or with nothing in the place of what may be None."""
    match kind:
        case inspect.StrType():
            return "é" if whole else ""
        case inspect.IntType():
            return 2**53 + 1 if whole else 0
        case inspect.BoolType():
            return whole
        case inspect.EnumType(cls=words):
            return list(words)[-1 if whole else 0]
        case inspect.UnionType(types=types):
            (something,) = (one for one in types if not isinstance(one, inspect.NoneType))
            return a_value(something, whole=True) if whole else None
        case inspect.FrozenSetType(item_type=one):
            return frozenset({a_value(one, whole=True)} if whole else ())
        case inspect.StructType(cls=record, fields=fields):
            return record(**{field.name: a_value(field.type, whole=whole) for field in fields})
        case _:
            raise AssertionError(f"no event held {kind} so far")
