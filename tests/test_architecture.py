"""Who may know whom, as docs/architecture.md draws it: imports point inward, and each secret has one room."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "chinwag"
FILES = sorted(SOURCE.rglob("*.py"))

LINES = 400
"""Most lines of a file. Longer ones hold more than one idea."""

BASE = {"errors", "ids", "limits"}

MAY_IMPORT: dict[str, set[str]] = {
    "__init__": set(),
    "errors": set(),
    "ids": set(),
    "limits": set(),
    "settings": set(),
    "logs": set(),
    "outbox": set(),
    "domain": BASE,
    "values": {"domain"} | BASE,
    "commands": {"domain"} | BASE,
    "storage": {"domain"} | BASE,
    "sweep": {"commands", "domain", "logs", "errors"},
    "broker": {"domain", "logs"} | BASE,
    "rates": {"domain"} | BASE,
    "auth": {"commands", "domain", "rates"} | BASE,
    "rest": {"commands", "domain", "logs", "outbox", "values", "__init__"} | BASE,
    "realtime": {"auth", "commands", "domain", "logs", "outbox", "values"} | BASE,
    "delivery": {"commands", "domain", "logs", "values", "__init__"} | BASE,
    "demo": {"auth", "commands", "domain", "rest"} | BASE,
    "app": {"auth", "broker", "commands", "settings", "storage"} | BASE,
    "web": {"app", "auth", "delivery", "demo", "domain", "rates", "realtime", "rest", "settings"} | BASE,
    "serving": {
        "app",
        "auth",
        "delivery",
        "demo",
        "domain",
        "logs",
        "rates",
        "realtime",
        "rest",
        "settings",
        "storage",
        "sweep",
        "web",
    }
    | BASE,
    "cli": {
        "app",
        "auth",
        "commands",
        "domain",
        "errors",
        "limits",
        "logs",
        "serving",
        "settings",
        "storage",
        "__init__",
        "cli_push",
        "cli_run",
        "cli_webhooks",
    },
    "cli_log": {"app", "domain", "settings"} | BASE,
    "cli_push": {"app", "cli_log", "cli_run", "commands", "delivery", "domain", "settings", "values"} | BASE,
    "cli_run": {"app", "auth", "storage"} | BASE,
    "cli_webhooks": {"app", "cli_log", "cli_run", "commands", "delivery", "domain", "settings", "values"}
    | BASE,
    "__main__": {"cli"},
}
"""For each room of the house, the rooms whose code it uses. Every room may use itself."""

MAY_NAME: dict[str, set[str]] = {
    "commands": {"broker"},
    "logs": {"settings"},
    "rest": {"auth", "rates"},
}
"""The rooms that it may name besides, in types only: what it is handed by `web.py` and `serving.py`."""

SQL = re.compile(
    r"\b(SELECT\s.+?\sFROM|INSERT\s+INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM|CREATE\s+TABLE|ON\s+CONFLICT)\b",
    re.DOTALL,
)


@dataclass(frozen=True)
class Import:
    """One import of ours by ours."""

    path: Path
    line: int
    room: str
    only_types: bool

    def __str__(self) -> str:
        return f"{self.path.relative_to(SOURCE)}:{self.line} imports {self.room}"


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_a_room_uses_only_the_rooms_that_it_may_know(room: str) -> None:
    strangers = [
        str(found)
        for found in imports_of(room)
        if not found.only_types and found.room not in MAY_IMPORT[room] | {room}
    ]

    assert strangers == []


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_a_room_names_only_the_rooms_that_it_may_know_even_in_types(room: str) -> None:
    known = MAY_IMPORT[room] | MAY_NAME.get(room, set()) | {room}

    strangers = [str(found) for found in imports_of(room) if found.room not in known]

    assert strangers == []


def test_every_room_has_its_rule() -> None:
    assert {room_of(path) for path in FILES} == set(MAY_IMPORT)


def test_only_storage_contains_sql() -> None:
    elsewhere = {
        f"{path.relative_to(SOURCE)}: {text.strip()[:60]}"
        for path in FILES
        if room_of(path) != "storage"
        for text in texts(path)
        if SQL.search(text)
    }

    assert elsewhere == set()


def test_statements_are_written_for_both_engines_except_by_the_engines_own_files() -> None:
    """`?1` and `?` belong to SQLite; only `dialect.py` turns `$1` into it."""
    engines = {"dialect.py", "sqlite.py", "postgres.py"}
    own = {
        f"{path.relative_to(SOURCE)}: {text.strip()[:60]}"
        for path in FILES
        if room_of(path) == "storage" and path.name not in engines
        for text in texts(path)
        if SQL.search(text) and "?" in text
    }

    assert own == set()


@pytest.mark.parametrize(
    ("library", "rooms"),
    [
        ("aiohttp", {"delivery"}),
        ("apsw", {"storage"}),
        ("asyncpg", {"storage"}),
        ("obstore", {"storage"}),
        ("falcon", {"rest", "demo"}),
        ("httptools", {"rest"}),
        ("uvicorn", {"realtime", "rest", "serving"}),
        ("websockets", {"realtime"}),
        ("prometheus_client", {"rest"}),
        ("cryptography", {"auth", "delivery"}),
        ("h2", {"delivery"}),
        ("joserfc", {"auth", "delivery"}),
        ("cyclopts", {"cli", "cli_log", "cli_push", "cli_webhooks", "settings"}),
    ],
)
def test_a_library_is_known_in_its_own_room_only(library: str, rooms: set[str]) -> None:
    users = {
        room_of(path) for path in FILES for _, module, _ in modules(path) if module.split(".")[0] == library
    }

    assert users == rooms


@pytest.mark.parametrize(
    "module", ["time", "datetime", "secrets", "random", "uuid", "asyncio", "socket", "os"]
)
def test_the_rules_have_no_clock_no_dice_and_no_outside(module: str) -> None:
    users = [
        str(path.relative_to(SOURCE))
        for path in FILES
        if room_of(path) in {"domain", "commands"}
        for _, imported, _ in modules(path)
        if imported.split(".")[0] == module
    ]

    assert users == []


def test_no_file_is_too_long() -> None:
    lengths = {path: len(path.read_text().splitlines()) for path in FILES}

    assert {str(path.relative_to(SOURCE)): lines for path, lines in lengths.items() if lines > LINES} == {}


def imports_of(room: str) -> list[Import]:
    """Return what the files of a room import of ours."""
    found = []
    for path in FILES:
        if room_of(path) == room:
            for line, module, only_types in modules(path):
                first, _, rest = module.partition(".")
                if first == "chinwag":
                    found.append(Import(path, line, rest.split(".")[0] or "__init__", only_types))
    return found


def room_of(path: Path) -> str:
    """Return the folder of a file, or its own name if it stands at the top."""
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


@cache
def modules(path: Path) -> list[tuple[int, str, bool]]:
    """Return every import of a file: its line, the module, and whether it is for types only."""
    tree = ast.parse(path.read_text())
    for_types = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for statement in node.body
        for inner in ast.walk(statement)
    }
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            # `from chinwag import limits` names a module, `from chinwag.ids import Mint` something in one.
            whole = node.module == "chinwag"
            names = [f"chinwag.{alias.name}" if whole else str(node.module) for alias in node.names]
        else:
            continue
        found += [(node.lineno, name.removesuffix(".__version__"), id(node) in for_types) for name in names]
    return found


@cache
def texts(path: Path) -> list[str]:
    """Return the strings of a file that are not documentation."""
    tree = ast.parse(path.read_text())
    documentation = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation
    ]
