"""Identifiers: how they are minted and how they are read."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chinwag.ids import Mint, parse_sid

A_MOMENT = 1_438_214_400_000
HEX = "0123456789abcdef" * 2


def test_a_sid_is_its_prefix_and_32_lower_case_hexadecimal_digits() -> None:
    mint = Mint(lambda: A_MOMENT)

    assert re.fullmatch(r"IS[0-9a-f]{32}", mint("IS"))


def test_a_sid_begins_with_the_moment_at_which_it_was_minted() -> None:
    mint = Mint(lambda: A_MOMENT)

    assert int(mint("IS")[2:14], 16) == A_MOMENT


def test_sids_of_one_millisecond_rise_and_differ() -> None:
    mint = Mint(lambda: A_MOMENT)

    minted = [mint("IS") for _ in range(1000)]

    assert minted == sorted(set(minted))


@settings(deadline=None)
@given(st.lists(st.integers(min_value=0, max_value=2**48 - 1), min_size=2))
def test_sids_rise_however_the_clock_steps(moments: list[int]) -> None:
    clock = iter(moments)
    mint = Mint(lambda: next(clock))

    minted = [mint("IS") for _ in moments]

    assert minted == sorted(set(minted))


def test_two_processes_do_not_mint_the_same_sid() -> None:
    ours, theirs = Mint(lambda: A_MOMENT), Mint(lambda: A_MOMENT)

    assert {ours("IS") for _ in range(100)}.isdisjoint({theirs("IS") for _ in range(100)})


def test_what_was_minted_can_be_read() -> None:
    sid = Mint(lambda: A_MOMENT)("RL")

    assert parse_sid("RL", sid) == sid


@pytest.mark.parametrize("spelled", [f"IS{HEX}", f"is{HEX}", f"IS{HEX.upper()}", f"Is{HEX.upper()}"])
def test_a_sid_is_read_in_either_letter_case(spelled: str) -> None:
    assert parse_sid("IS", spelled) == f"IS{HEX}"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "IS",
        HEX,
        f"RL{HEX}",
        f"IS{HEX[1:]}",
        f"IS{HEX}0",
        f"IS{HEX[1:]}g",
        f"IS{HEX} ",
        f" IS{HEX}",
        f"IS{HEX}\n",
        f"IS{HEX[1:]}٣",
        "\N{LATIN SMALL LETTER DOTLESS I}S" + HEX,
        "I\N{LATIN SMALL LETTER LONG S}" + HEX,
    ],
)
def test_anything_else_is_no_sid(text: str) -> None:
    assert parse_sid("IS", text) is None
