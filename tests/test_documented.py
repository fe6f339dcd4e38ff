"""The documents say all there is, and nothing that there is not."""

from __future__ import annotations

import ast
import re
from dataclasses import MISSING, fields
from functools import cache
from pathlib import Path

import pytest

from chinwag.auth.token_refusal import all_reasons
from chinwag.errors import Kind, all_kinds
from chinwag.realtime.router import ROUTES as SOCKET_ROUTES
from chinwag.rest.routes import OWN_ROUTES, ROUTES, Route
from chinwag.rest.version import OWN, Version
from chinwag.settings import Settings

HOME = Path(__file__).parents[1]
DOCS = HOME / "docs"
SOURCES = sorted((HOME / "src").rglob("*.py"))
PAGES = sorted(HOME.glob("*.md")) + sorted(DOCS.rglob("*.md"))

LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?!\w+:)([^)\s]*)\)")
NAMED_PAGE = re.compile(r"\b(docs/[\w/.-]+\.md)(#[\w-]+)?")
SOURCE = re.compile(r"\bSources?:\s+([^.]*)")
ROUTE = re.compile(r"^\| `([A-Z]+) (/[^`]*)` \| (v\d(?:, v\d)*) \| \S", re.MULTILINE)
"""A row of a table of routes: method and path below the version, and the versions that have it."""

REQUEST = re.compile(r"`([A-Z]+) /(v\d)(/[^`\s?]*)[^`]*`")
"""A route in running text, with its version."""

SOCKET_ROUTE = re.compile(r"^\| `([A-Z]+) (/[^`]*)` \| [^|\s][^|]* \|$", re.MULTILINE)
"""A row of the table of what goes through the socket. The chat API is in it as version 1; 2 is the same."""

ANY_NAME = {
    re.compile(r"^Notifications\.(?!LogEnabled)\w+\.(?!BadgeCountEnabled)"): "Notifications.<T>.",
    re.compile(r"^Webhooks\.\w+\."): "Webhooks.<E>.",
}
"""Parameters that there are many of, and how the documents write them."""


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


def test_every_reason_to_refuse_a_token_is_documented_in_the_order_of_the_checks() -> None:
    documented = re.findall(r"\| (\d{5}) \| (51\d{3}) \| (\d{5}) \|$", page("access-tokens.md"), re.MULTILINE)

    assert [tuple(map(int, codes)) for codes in documented] == [
        (reason.code, reason.connection_code, reason.socket_code) for reason in all_reasons()
    ]


def test_every_route_of_every_version_is_documented_once_and_no_other() -> None:
    documented = [
        (method, version, path)
        for method, path, versions in ROUTE.findall(page("api.md"))
        for version in versions.split(", ")
    ]

    assert sorted(documented) == sorted(all_routes())


def test_every_route_of_our_own_is_documented_and_no_other() -> None:
    documented = re.findall(rf"^\| `([A-Z]+) {OWN}(/[^`]*)` \| \S", page("api.md"), re.MULTILINE)

    assert documented == [(route.method, route.path) for route in OWN_ROUTES]


def test_no_route_is_spoken_of_that_is_not_there() -> None:
    spoken_of = set(REQUEST.findall(page("api.md")))

    assert spoken_of - set(all_routes()) == set()


def test_every_route_of_the_socket_is_documented_once_and_no_other() -> None:
    documented = SOCKET_ROUTE.findall(page("realtime.md"))
    again = [
        (method, path.replace("/Client/v1/", "/Client/v2/"))
        for method, path in documented
        if path.startswith("/Client/v1/")
    ]

    assert sorted(documented + again) == sorted((route.method, route.path) for route in SOCKET_ROUTES)


def test_every_line_of_the_log_that_operators_are_told_to_watch_is_written_somewhere() -> None:
    watched = next(in_tables(part) for part in parts("operations.md") if part.startswith("Sockets"))
    code = "".join(path.read_text() for path in SOURCES)

    assert watched
    assert [event for event in watched if f'"{event}"' not in code] == []


@pytest.mark.parametrize("route", [*ROUTES, *OWN_ROUTES], ids=lambda route: f"{route.method} {route.path}")
def test_every_parameter_of_a_route_is_documented_beside_it(route: Route) -> None:
    lists, *_, beside = (
        part
        for part in parts("api.md")
        if part.startswith("Lists") or named(route) in part or named(route, OWN) in part
    )

    assert parameters(route) - in_tables(beside) - in_tables(lists) == set()


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


def all_routes() -> list[tuple[str, str, str]]:
    """Return every route: method, version and path below the version."""
    return [
        (route.method, version.path.strip("/"), route.path)
        for route in ROUTES
        for version in Version
        if route.since <= version
    ]


def named(route: Route, prefix: str = "") -> str:
    """Return a route as a table names it."""
    return f"`{route.method} {prefix}{route.path}`"


def parameters(route: Route) -> set[str]:
    """Return the parameters of a route, in any version, as the documents write them."""
    tables = [table for table in (route.takes, route.pages and route.pages.params) if table is not None]
    names = {param.name for table in tables for version in Version for param in table.of(version)}
    for pattern, short in ANY_NAME.items():
        names = {pattern.sub(short, name) for name in names}
    return names


def page(name: str) -> str:
    return (DOCS / name).read_text()


def parts(name: str) -> list[str]:
    """Return the parts of a page, each below a heading of the second rank."""
    return re.split(r"^## ", page(name), flags=re.MULTILINE)


def in_tables(part: str) -> set[str]:
    """Return the names in the first column of the tables of a part."""
    cells = re.findall(r"^\| ([^|]*) \|", part, re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}


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
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
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
