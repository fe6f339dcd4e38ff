"""No regular expression of the server can be made to hang: each is found in the source, none is left out."""

from __future__ import annotations

import ast
import importlib
import re
import time
from collections import defaultdict
from pathlib import Path
from re import _constants as codes  # pyright: ignore[reportAttributeAccessIssue]
from re import _parser as parser  # pyright: ignore[reportAttributeAccessIssue]
from typing import TYPE_CHECKING, Any

import pytest

import chinwag

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.torture import Did

SOURCE = Path(chinwag.__file__).parent
SIZE = 50_000
MOST_SECONDS = 0.01
SEARCHES = ("match", "fullmatch", "search", "sub", "split", "findall", "finditer", "subn")
Used = tuple[str, "re.Pattern[Any]", str]
"""Where an expression stands, the expression, and what the server does with it."""


OUR_OWN_TEXT = {"storage.dialect", "settings"}
"""The modules whose expressions read what the project or the operator wrote: statements and settings."""


def modules() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(SOURCE.rglob("*.py")):
        name = ".".join(path.relative_to(SOURCE).with_suffix("").parts)
        if name not in OUR_OWN_TEXT:
            yield name, ast.parse(path.read_text())


def calls(tree: ast.Module) -> Iterator[tuple[str, str, ast.Call]]:
    """Every call of a method: the name it is called on, the method, and the call."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id=name) | ast.Attribute(attr=name), attr=method)
            ):
                yield name, method, node


def every_use() -> tuple[list[Used], list[tuple[str, str]]]:
    """Each expression with each method that is called on it; and those that the source does not spell out."""
    found = [(module, tree, list(calls(tree))) for module, tree in modules()]
    methods: dict[str, set[str]] = defaultdict(set)
    for _, _, called in found:
        for name, method, _ in called:
            methods[name].add(method)
    used: list[Used] = []
    unread: list[tuple[str, str]] = []
    for module, tree, called in found:
        names = dict(constants(tree))
        for made in [call for name, method, call in called if name == "re" and method == "compile"]:
            if made in names:
                pattern = getattr(importlib.import_module(f"chinwag.{module}"), names[made])
                ways = sorted(methods[names[made]] & set(SEARCHES)) or SEARCHES
                used += [(f"{module}.{names[made]}", pattern, way) for way in ways]
            else:
                unread.append((module, ast.unparse(made)))
        for way, call in [(way, call) for name, way, call in called if name == "re" and way in SEARCHES]:
            try:
                used.append((module, re.compile(ast.literal_eval(call.args[0])), way))
            except ValueError:
                unread.append((module, ast.unparse(call.args[0])))
    return used, unread


def constants(tree: ast.Module) -> Iterator[tuple[ast.Call, str]]:
    """The calls whose outcome has a name that the whole module knows."""
    for statement in tree.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call() as call):
                yield call, name


USED, UNREAD = every_use()


# The worst that can be said to an expression, made from the expression itself.


def example(tree: Any) -> str:
    """A text that a part of an expression matches, mostly."""
    return "".join(_example(code, value) for code, value in tree)


def _example(code: Any, value: Any) -> str:  # noqa: PLR0911  # a line for each kind of part
    match code:
        case codes.LITERAL:
            return chr(value)
        case codes.NOT_LITERAL:
            return "a" if value != ord("a") else "b"
        case codes.IN:
            return _of_class(value)
        case codes.ANY | codes.CATEGORY:
            return "a"
        case codes.BRANCH:
            return example(value[1][0])
        case codes.SUBPATTERN:
            return example(value[3])
        case codes.ATOMIC_GROUP:
            return example(value)
        case codes.MAX_REPEAT | codes.MIN_REPEAT | codes.POSSESSIVE_REPEAT:
            return example(value[2]) * max(1, value[0])
        case codes.ASSERT:
            return example(value[1])
        case _:
            return ""


def _of_class(members: list[tuple[Any, Any]]) -> str:
    """A character that a class holds."""
    whole = re.compile(_classes(members), re.DOTALL)
    return next((chr(at) for at in (97, 48, 32, *range(0x2100)) if whole.fullmatch(chr(at))), "a")


def _classes(members: list[tuple[Any, Any]]) -> str:
    words = {
        codes.CATEGORY_DIGIT: r"\d",
        codes.CATEGORY_NOT_DIGIT: r"\D",
        codes.CATEGORY_SPACE: r"\s",
        codes.CATEGORY_NOT_SPACE: r"\S",
        codes.CATEGORY_WORD: r"\w",
        codes.CATEGORY_NOT_WORD: r"\W",
    }
    said = ""
    for code, value in members:
        match code:
            case codes.NEGATE:
                said += "^"
            case codes.LITERAL:
                said += f"\\U{value:08x}"
            case codes.RANGE:
                said += f"\\U{value[0]:08x}-\\U{value[1]:08x}"
            case codes.CATEGORY:
                said += words[value]
    return f"[{said}]"


def repeats(tree: Any, before: str = "") -> Iterator[tuple[str, str]]:
    """Each part that may repeat, with a text that leads to it."""
    for code, value in tree:
        match code:
            case codes.MAX_REPEAT | codes.MIN_REPEAT | codes.POSSESSIVE_REPEAT:
                yield before, example(value[2])
                yield from repeats(value[2], before)
            case codes.SUBPATTERN:
                yield from repeats(value[3], before)
            case codes.ATOMIC_GROUP:
                yield from repeats(value, before)
            case codes.BRANCH:
                for branch in value[1]:
                    yield from repeats(branch, before)
        before += _example(code, value)


def worst_cases(pattern: re.Pattern[Any], size: int) -> set[str]:
    """Much of everything that may repeat, from where it may repeat, which in the end does not match."""
    text = pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode("latin-1")
    tree = parser.parse(text, pattern.flags)
    whole = example(tree)
    bodies = {body for _, body in repeats(tree)} | set(whole) | {whole, " ", "a", "\n", "/", "//", "a."}
    befores = {before for before, _ in repeats(tree)} | {"", whole}
    ends = ("", "\x00", "!", "é", whole)
    return {
        before + body * (size // len(body)) + end
        for before in befores
        for body in bodies
        if body
        for end in ends
    }


def seconds(pattern: re.Pattern[Any], method: str, text: str) -> float:
    """How long it takes, of the time of this thread and at the best of five: the machine may be busy."""
    given: Any = text if isinstance(pattern.pattern, str) else text.encode("utf-8")
    arguments = ("_", given) if method in {"sub", "subn"} else (given,)
    best = float("inf")
    for _ in range(5):
        began = time.thread_time()
        found = getattr(pattern, method)(*arguments)
        if method == "finditer":
            list(found)
        best = min(best, time.thread_time() - began)
        if best < MOST_SECONDS:
            break
    return best


@pytest.mark.check(26)
def test_every_regular_expression_of_the_source_is_known() -> None:
    """One that is made when it is used, or under a name of its own within a function, would be left out."""
    assert UNREAD == []
    assert len(USED) > 20


@pytest.mark.check(26)
@pytest.mark.clock
@pytest.mark.parametrize("known", [r"\s*;", r"x*y", r"[a-z]+\d+!", r"(?:a|b)*c", r"//[^/?#]*@|(\w+)-"])
def test_the_strings_are_bad_enough_to_find_what_hangs(known: str) -> None:
    pattern = re.compile(known)

    assert any(seconds(pattern, "search", text) > MOST_SECONDS for text in worst_cases(pattern, 10_000))


@pytest.mark.check(26)
@pytest.mark.clock
@pytest.mark.parametrize(("pattern", "method"), [used[1:] for used in USED], ids=[use[0] for use in USED])
def test_no_string_holds_a_regular_expression_up(pattern: re.Pattern[Any], method: str, did: Did) -> None:
    cases = worst_cases(pattern, SIZE)

    slow = {text[:40]: took for text in cases if (took := seconds(pattern, method, text)) > MOST_SECONDS}

    assert slow == {}
    did(f"{len(USED)} uses of regular expressions, each with 50 KB of everything that it repeats: < 10 ms")
