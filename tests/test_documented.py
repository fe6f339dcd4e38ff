"""The documents say all there is, and nothing that there is not."""

from __future__ import annotations

import ast
import re
from dataclasses import MISSING, fields
from functools import cache
from pathlib import Path

import pytest

from chinwag.errors import Kind, all_kinds
from chinwag.rest.routes import ROUTES, Route
from chinwag.rest.version import Version
from chinwag.settings import Settings

HOME = Path(__file__).parents[1]
DOCS = HOME / "docs"
SOURCES = sorted((HOME / "src").rglob("*.py"))
PAGES = sorted(HOME.glob("*.md")) + sorted(DOCS.rglob("*.md"))

LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?!\w+:)([^)\s]*)\)")
NAMED_PAGE = re.compile(r"\b(docs/[\w/.-]+\.md)(#[\w-]+)?")
SOURCE = re.compile(r"\bSources?:\s+([^.]*)")


@pytest.mark.parametrize("setting", fields(Settings), ids=lambda setting: setting.name)
def test_every_setting_is_documented_with_its_variable_and_its_default(setting) -> None:
    default = setting.default if setting.default is not MISSING else setting.default_factory()

    row = rows("settings.md")[f"`{setting.name}`"]

    assert row[0] == f"`CHINWAG_{setting.name.upper()}`"
    assert row[1] == shown(default)
    assert row[2]


def test_no_other_setting_is_documented() -> None:
    names = [name.strip("`") for name in rows("settings.md") if name.startswith("`")]

    assert names == [setting.name for setting in fields(Settings)]


@pytest.mark.parametrize("kind", all_kinds(), ids=lambda kind: f"{kind.code} {kind.text}")
def test_every_error_is_documented(kind: Kind) -> None:
    assert f"| {kind.code} | {int(kind.status)} | {kind.text} |" in page("api.md")


def test_no_other_error_is_documented() -> None:
    documented = re.findall(r"^\| (\d{5}) \| (\d{3}) \| (.*) \|$", page("api.md"), re.MULTILINE)

    assert documented == [(str(kind.code), str(int(kind.status)), kind.text) for kind in all_kinds()]


@pytest.mark.parametrize("version", Version)
@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_every_route_is_documented(route: Route, version: Version) -> None:
    if route.since <= version:
        assert f"`{route.method} {version.path}{route.path}`" in page("api.md")


def test_no_other_route_is_documented() -> None:
    documented = re.findall(r"`([A-Z]+ /v\d/[^`]*)`", page("api.md"))

    assert set(documented) <= {
        f"{route.method} {version.path}{route.path}" for route in ROUTES for version in Version
    }


def test_every_source_that_is_cited_is_listed() -> None:
    listed = {name.strip("`") for name in rows("sources.md") if name.startswith("`")}

    cited = {key: place for place, text in documentation() for key in source_keys(text)}

    assert {key: place for key, place in cited.items() if key not in listed} == {}


def test_every_source_that_is_listed_is_cited() -> None:
    listed = {name.strip("`") for name in rows("sources.md") if name.startswith("`")}

    cited = {key for _, text in documentation() for key in source_keys(text)}

    assert listed - cited == set()


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(HOME)))
def test_every_link_leads_somewhere(path: Path) -> None:
    links = LINK.findall(path.read_text())

    assert [link for link in links if not leads_somewhere(path.parent, link)] == []


def test_every_page_that_the_code_names_is_there() -> None:
    named = {
        f"{place}: {name}{anchor}"
        for place, text in documentation()
        for name, anchor in NAMED_PAGE.findall(text)
        if not leads_somewhere(HOME, name + anchor)
    }

    assert named == set()


def test_the_changelog_has_a_place_for_what_is_unreleased() -> None:
    assert re.search(r"^## \[?Unreleased\]?", (HOME / "CHANGELOG.md").read_text(), re.MULTILINE)


def page(name: str) -> str:
    return (DOCS / name).read_text()


def rows(name: str) -> dict[str, list[str]]:
    """Return the rows of the tables of a page: the first cell, and the others."""
    found = {}
    for line in page(name).splitlines():
        if line.startswith("| "):
            first, *others = (cell.strip() for cell in line.strip().strip("|").split(" | "))
            found[first] = others
    return found


def shown(default: object) -> str:
    """Return how the documents show the default of a setting."""
    if default is None:
        return "unset"
    if isinstance(default, tuple):
        return ", ".join(f"`{part}`" for part in default)
    return f"`{default}`"


@cache
def documentation() -> list[tuple[str, str]]:
    """Return every docstring of the code, with the name of its file."""
    return [
        (str(path.relative_to(HOME)), node.value.value)
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    ]


def source_keys(text: str) -> set[str]:
    """Return the sources that a docstring cites: the first words after `Source:`, or all after `Sources:`."""
    return {
        part.split()[0].strip("`")
        for cited in SOURCE.findall(text)
        for part in cited.partition(";")[0].split(",")
    }


def leads_somewhere(folder: Path, link: str) -> bool:
    name, _, anchor = link.partition("#")
    target = (folder / name).resolve() if name else None
    if target is not None and not target.exists():
        return False
    if not anchor or target is None:
        return True
    headings = re.findall(r"^#+ (.*)$", target.read_text(), re.MULTILINE)
    return anchor in {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
