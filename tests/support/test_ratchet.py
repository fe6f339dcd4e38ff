"""What the ratchet of coverage complains about, and what it keeps."""

from __future__ import annotations

import pytest

from support.ratchet import Reached, complaints, raised, rounded

APP, LANE = "src/chinwag/app.py", "src/chinwag/storage/lane.py"


def of(figure: float, size: int = 1000) -> Reached:
    return Reached(figure, size)


def test_a_file_of_which_less_is_reached_is_named_with_both_figures() -> None:
    assert complaints({APP: 97.0}, {APP: of(96.4)}) == [f"{APP}: 96.4 % is reached, and it was 97.0 %"]


@pytest.mark.parametrize("now", [of(96.5), of(94.0, size=100)])
def test_half_a_point_or_three_statements_less_may_be_a_race(now: Reached) -> None:
    assert complaints({APP: 97.0}, {APP: now}) == []


def test_more_than_three_statements_of_a_small_file_are_no_race() -> None:
    assert complaints({APP: 97.0}, {APP: of(93.0, size=100)}) != []


def test_what_must_be_reached_wholly_has_no_slack() -> None:
    assert complaints({}, {LANE: of(99.9)}) == [f"{LANE}: 99.9 % is reached, and all of it must be"]
    assert complaints({}, {LANE: of(100.0)}) == []


def test_a_file_without_a_figure_and_a_figure_without_a_file_are_named() -> None:
    (gone, new) = complaints({"src/chinwag/a.py": 90.0}, {"src/chinwag/b.py": of(90.0)})

    assert gone.startswith("src/chinwag/a.py: not measured")
    assert new.startswith("src/chinwag/b.py: 90.0 % is reached, and no figure is kept yet")


def test_figures_go_up_and_never_down() -> None:
    higher, lower, gone = "src/chinwag/a.py", "src/chinwag/b.py", "src/chinwag/c.py"

    now = {higher: of(91.0), lower: of(94.0), LANE: of(100.0)}

    kept = raised({higher: 90.0, lower: 95.0, gone: 80.0}, now)

    assert kept == {higher: 91.0, lower: 95.0}


@pytest.mark.parametrize(("percent", "kept"), [(99.99, 99.9), (100.0, 100.0), (97.3, 97.3), (0.0, 0.0)])
def test_figures_are_rounded_down(percent: float, kept: float) -> None:
    assert rounded(percent) == kept
