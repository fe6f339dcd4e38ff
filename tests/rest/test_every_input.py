"""Bad input by the thousand, to every route at once: it is refused in the words of the table, and soon."""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections import Counter
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_from_bytes, urlencode

import psutil
import pytest

from chinwag.errors import all_kinds
from chinwag.rest.openapi import all_routes

if TYPE_CHECKING:
    from chinwag.rest.routes import Route
    from chinwag.rest.version import Version
    from support.api import Api
    from support.torture import Did

pytestmark = pytest.mark.check(21)

CODES = {kind.code for kind in all_kinds()}
NAMES = re.compile(r"\{(\w+)\}")
ROUTES = list(all_routes())
AT_ONCE = 16
MOST_SECONDS = 1.0
MOST_GROWTH_MB = 24.0
"""By how much this process, with the server in it, may grow from the first tenth of the requests to the last.
A hundred bytes kept of each would be 9 MB; what is measured has its place in it, too."""
WORDS: list[bytes] = [
    b"",
    b"\x00",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    "\U0001f600".encode() * 20,
    b"e\xcc\x81" * 100,
    b"\xe2\x80\xae",
    b"-1",
    b"9" * 19,
    b"1e400",
    b"NaN",
    b"true",
    b"[" * 2000,
    b'{"a":' * 500,
    b'{"a": 1}',
    b"../../etc/passwd",
    b"CH" + b"0" * 32,
    b"PTIS" + b"f" * 32,
    b"0000-00-00T00:00:00Z",
    b"9999-12-31T23:59:59.999999999-14:00",
    b"http://[::1",
    b"http://user:secret@localhost:99999/",
    b"%00%2e%2e",
    b"${jndi:x}",
    b"x" * 33_000,
]


class Inputs:
    """Bad requests, the same for the same seed."""

    def __init__(self, there: dict[str, Any], seed: int) -> None:
        self._there = there
        self._random = random.Random(seed)

    def one(self, at: int) -> tuple[str, str, bytes | None]:
        """Return a method, a path and a body: the routes take turns. Nothing that they need is deleted."""
        prefix, version, route = ROUTES[at % len(ROUTES)]
        names = {name: self._name(name) for name in NAMES.findall(route.path)}
        if route.method == "DELETE":
            last = NAMES.findall(route.path)[-1]
            names[last] = quote_from_bytes(self._mutated(b"not there")[:200], safe="") or "-"
            return "DELETE", prefix + route.path.format_map(names), None
        path = prefix + route.path.format_map(names)
        if route.method == "POST":
            return "POST", path, self._form(self._params(route, version))
        query = self._form(self._params(route, version)).decode("latin-1")
        return "GET", f"{path}?{quote_from_bytes(query.encode(), safe='&=%+')[:8000]}", None

    def _params(self, route: Route, version: Version) -> list[str]:
        table = route.takes or (route.pages and route.pages.params)
        return [param.name for param in table.of(version)] if table else ["Nothing"]

    def _name(self, name: str) -> str:
        if self._random.random() < 0.8:
            return str(self._there[name])
        return quote_from_bytes(self._mutated(str(self._there[name]).encode())[:200], safe="") or "-"

    def _form(self, names: list[str]) -> bytes:
        pairs = [(name, self._value(name)) for name in names if self._random.random() < 0.6]
        form = urlencode(pairs).encode()
        return self._mutated(form) if self._random.random() < 0.2 else form

    def _value(self, name: str) -> bytes:
        good = self._there.get(name, "x")
        good = good[0] if isinstance(good, list) else good
        match self._random.randrange(3):
            case 0:
                return self._random.choice(WORDS)
            case 1:
                return self._mutated(str(good).encode())
            case _:
                return str(good).encode()

    def _mutated(self, text: bytes) -> bytes:
        """Return bytes of which some are others, gone, or there twice."""
        made = bytearray(text)
        for _ in range(self._random.randint(1, 4)):
            at = self._random.randrange(len(made) + 1)
            match self._random.randrange(3):
                case 0:
                    made[at : at + 1] = self._random.randbytes(1)
                case 1:
                    del made[at : at + self._random.randint(1, 8)]
                case _:
                    made[at:at] = made[at : at + 8] or self._random.choice(WORDS)[:64]
        return bytes(made)


async def test_no_input_to_any_route_is_a_mistake_of_ours(
    api: Api, there: dict[str, Any], full_length: bool, did: Did
) -> None:
    how_many = 100_000 if full_length else 600
    inputs = Inputs(there, seed=21)
    requests = (inputs.one(at) for at in range(how_many))
    statuses: Counter[int] = Counter()
    took: list[float] = []
    process = psutil.Process()
    warm: list[int] = []

    async def ask() -> None:
        for method, path, body in requests:
            headers = {"Content-Type": "application/x-www-form-urlencoded"} if body is not None else {}
            began = time.perf_counter()
            answer = await api.send(method, path, headers=headers, data=body)
            took.append(time.perf_counter() - began)
            statuses[answer.status] += 1
            if len(took) == how_many // 10:
                warm.append(process.memory_info().rss)
            assert answer.status in {200, 201} or answer.status < 500, (method, path, body, answer)
            assert answer.status < 400 or answer.code in CODES, (method, path, body, answer)

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(ask())

    assert statuses.total() == how_many
    assert set(statuses) >= {200, 201, 400, 404}
    assert (await api.get(f"/v2/Services/{there['service_sid']}")).status == 200
    p99 = sorted(took)[len(took) * 99 // 100]
    grown = (process.memory_info().rss - warm[0]) / 1e6
    did(f"{how_many:,} requests to {len(ROUTES)} routes, made up or spoiled: {_said(statuses)}")
    did(f"p99 of them {p99 * 1000:.0f} ms")
    did(f"{grown:+.1f} MB from the first tenth of them to the last")
    if full_length:
        assert grown < MOST_GROWTH_MB
        assert p99 < MOST_SECONDS


def _said(statuses: Counter[int]) -> str:
    return ", ".join(f"{count:,} answered {status}" for status, count in sorted(statuses.items()))
