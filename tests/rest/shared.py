"""What the tests of several nouns have in common."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from chinwag import app

if TYPE_CHECKING:
    from support.api import Answer, Api

in_both_versions = pytest.mark.parametrize("version", ["v1", "v2"])

FORBIDDEN_URLS = (
    "http://10.0.0.1/",
    "http://169.254.169.254/latest/meta-data/",
    "http://167772161/",
    "http://0xA9FEA9FE/",
    "http://[::ffff:10.0.0.1]/",
    "https://user:secret@example.com/hook",
)
"""What webhooks must not call: private addresses, however they are written, and credentials."""

ODD_NAMES = (
    "alice@example.com",
    "a/b",
    "/",
    "a#b?c=d&e",
    "left|right",
    "1+1",
    "100%",
    "100%25",
    "two words",
    " ",
    "..",
    "Zoë",
    "Zoe\u0308",
    "李雷",
    "🐙",
    "'; --",
    'back\\slash "quoted"',
    "US1234",
    "CH1234",
    "line\nbreak",
)
"""Names that a path must be able to hold."""

JSON_TEXTS = (
    "{}",
    '{"a": 1,\n  "a": 2}',
    "[1, 2]",
    '"text"',
    " 12 ",
    "1e400",
    "true",
    "null",
    '{"é": "🐙\\u0000"}',
)
"""Attributes that are kept as they came."""

NO_JSON = ("{", "{'a': 1}", "text", '{"a": NaN}', "[1,]", "undefined", " ", '{"a": 1} x', "\ufeff{}")
"""Attributes that are refused."""

NO_MOMENTS = (
    "yesterday",
    "",
    " ",
    "2020-13-01T00:00:00Z",
    "2020-02-30",
    "1577836800",
    "2020-01-01T25:00:00Z",
)
"""Dates that are refused."""

MOMENTS = {
    "2015-07-30T20:00:00Z": "2015-07-30T20:00:00Z",
    "2015-07-30T20:00:00.999Z": "2015-07-30T20:00:00Z",
    "2015-07-30T22:30:00+02:30": "2015-07-30T20:00:00Z",
    "2015-07-30": "2015-07-30T00:00:00Z",
    "1969-12-31T23:59:59Z": "1969-12-31T23:59:59Z",
    "2999-12-31T23:59:59Z": "2999-12-31T23:59:59Z",
}
"""Dates that are accepted, and how they read from then on."""


def segment(name: str) -> str:
    """A name as a segment of a path."""
    return quote(name, safe="").replace(".", "%2E")


def shouted(sid: str) -> str:
    """A SID with upper-case digits."""
    return sid[:2] + sid[2:].upper()


def as_listed(record: dict[str, Any], version: str) -> dict[str, Any]:
    """A record as a list shows it."""
    return {**record, "attributes": None} if version == "v1" and "attributes" in record else record


def later(monkeypatch: pytest.MonkeyPatch, seconds: int = 10) -> None:
    """Put the clock of the server forward."""
    monkeypatch.setattr(app, "time", SimpleNamespace(time_ns=lambda: time.time_ns() + seconds * 10**9))


def outcome(answer: Answer) -> int | tuple[int, int]:
    """The status of an answer, and the code with it when it is an error."""
    return answer.status if answer.status < 400 else (answer.status, answer.code)


async def outcomes(api: Api, path: str, **parameters: Any) -> list[int | tuple[int, int]]:
    """What fetching, changing and deleting come to."""
    answers = [await api.get(path), await api.post(path, **parameters), await api.delete(path)]
    return [outcome(answer) for answer in answers]


NOWHERE = [(404, 20404)] * 3
"""What they come to for what is not there."""


async def pages(api: Api, url: str, onward: str = "next_page_url") -> list[dict[str, Any]]:
    """Each page, by the addresses that the server gives, as the libraries do."""
    found: list[dict[str, Any]] = []
    following: str | None = url
    while following is not None:
        answer = await api.get(following)
        assert answer.status == 200, answer.body
        found.append(answer.json)
        following = answer.json["meta"][onward]
    return found


def records(page: dict[str, Any]) -> list[dict[str, Any]]:
    """What is on a page."""
    return page[page["meta"]["key"]]


async def listed(api: Api, path: str, **query: Any) -> list[dict[str, Any]]:
    """What is on the first page of a list."""
    answer = await api.get(path, **query)
    assert answer.status == 200, answer.body
    return records(answer.json)


async def assert_paged(api: Api, path: str, expected: list[dict[str, Any]], query: str = "") -> None:
    """See that pages of 1, 2 and 3 hold each record once, onward and back, and keep what was asked."""
    for size in (1, 2, 3):
        asked = f"{api.base}{path}?{query}PageSize={size}"
        chunks = [expected[start : start + size] for start in range(0, len(expected), size)]

        onward = await pages(api, asked)
        back = await pages(api, onward[-1]["meta"]["url"], "previous_page_url")

        assert [records(page) for page in onward] == chunks
        assert [records(page) for page in back] == chunks[::-1]
        for page in (*onward, *back):
            assert page["meta"]["page_size"] == size
            names = ("first_page_url", "previous_page_url", "url", "next_page_url")
            urls = [page["meta"][name] for name in names if page["meta"][name]]
            assert all(url.startswith(f"{asked}&Page=") for url in urls)
