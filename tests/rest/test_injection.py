"""SQL in every parameter that the served description names stays text. Whoever adds one, adds it here."""

from __future__ import annotations

import json
import re
from itertools import islice
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import pytest

from chinwag.errors import all_kinds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.api import Answer, Api
    from support.torture import Did

pytestmark = pytest.mark.check(25)

CORPUS = (
    "' OR '1'='1",
    "'; DROP TABLE messages; --",
    '" OR ""="',
    "x') UNION SELECT 1, 2, 3 --",
    "1; SELECT pg_sleep(60)",
    "'||(SELECT sqlite_version())||'",
    "\\'; DELETE FROM services; --",
    "$1 OR 1=1 /* $2 */",
    "%' OR body LIKE '%",
    "1 OR 1=1",
    "'); UPDATE channels SET type='public' --",
    "$$; DROP SCHEMA public CASCADE; $$",
    "x\u02bc OR 1=1",
    "?1 :sid @sid ${sid} %s %(sid)s",
    "NULL",
    "sid DESC; --",
)

CODES = {kind.code for kind in all_kinds()}
NAMES = re.compile(r"\{(\w+)\}")
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
SHORT = 2
"""How many of the corpus each parameter gets when time is short, another two in each."""

Operation = tuple[str, str, dict[str, Any]]
"""A method, a path and what is said of them."""


@pytest.fixture
async def operations(api: Api) -> list[Operation]:
    """What the server says that it can do; what deletes comes last."""
    paths = (await api.get("/openapi.json")).json["paths"]
    found = [(method.upper(), path, said) for path, item in paths.items() for method, said in item.items()]
    return sorted(found, key=lambda operation: operation[0] == "DELETE")


def parameters(said: dict[str, Any], where: str) -> list[str]:
    return [one["name"] for one in said.get("parameters", []) if one["in"] == where]


def form_of(said: dict[str, Any]) -> dict[str, Any]:
    content = said.get("requestBody", {}).get("content", {})
    return content.get("application/x-www-form-urlencoded", {}).get("schema", {})


def complete(said: dict[str, Any], there: dict[str, Any], name: str) -> dict[str, Any]:
    """What else a form must say for one parameter to be read and kept."""
    schema = form_of(said) or {"properties": {}}
    known: dict[str, Any] = {
        "Type": "trigger",
        "Secret": "swordfish",
        "Configuration.Url": "http://localhost/",
    }
    known["Configuration.Triggers"] = "help"
    for own in ("channel", "fcm"):
        if own in schema["properties"].get("Type", {}).get("enum", []):
            known["Type"] = own
    needed = {*schema.get("required", []), *known} & set(schema["properties"]) - {name}
    return {one: known.get(one, there.get(one, "x")) for one in needed}


def latin(text: str) -> str:
    """A text as the bytes of a header, which are not always UTF-8."""
    return text.encode().decode("latin-1")


def snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def well_answered(answer: Answer) -> bool:
    if answer.status < 300:
        return True
    return 400 <= answer.status < 500 and answer.code in CODES


def payloads(at: int, *, full_length: bool) -> Iterator[str]:
    start = 0 if full_length else at * SHORT % len(CORPUS)
    return islice((*CORPUS, *CORPUS), start, start + (len(CORPUS) if full_length else SHORT))


async def assert_whole(api: Api, operations: list[Operation], there: dict[str, Any]) -> None:
    """See that every table answers, and that what was there is there."""
    paths = [path for method, path, _ in operations if method == "GET"]

    answers = {path: (await api.get(path.format_map(there))).status for path in paths}

    assert answers == dict.fromkeys(paths, 200)


async def test_sql_in_a_form_or_header_is_kept_as_text_or_refused(
    api: Api, there: dict[str, Any], operations: list[Operation], full_length: bool, did: Did
) -> None:
    sent, kept = 0, set[str]()

    for method, path, said in operations:
        for name in form_of(said).get("properties", {}):
            for text in payloads(sent, full_length=full_length):
                given = json.dumps(text) if name == "Attributes" else text
                form = {**complete(said, there, name), name: given}
                headers = {**FORM, **{one: f"{latin(text)} {sent}" for one in parameters(said, "header")}}
                body = urlencode(form, doseq=True)
                answer = await api.send("POST", path.format_map(there), headers=headers, data=body)
                sent += 1

                assert well_answered(answer), (method, path, form, answer)
                if answer.status < 300 and isinstance(answer.json.get(snake(name)), str):
                    assert answer.json[snake(name)] == given, (method, path, form)
                    kept.add(name)

    await assert_whole(api, operations, there)
    assert kept >= {"Attributes", "Body", "From", "FriendlyName", "Identity", "LastUpdatedBy", "UniqueName"}
    did(f"{sent:,} forms with SQL: kept letter by letter or refused")


async def test_sql_in_a_query_finds_nothing_and_in_a_page_token_is_refused(
    api: Api, there: dict[str, Any], operations: list[Operation], full_length: bool, did: Did
) -> None:
    sent = 0

    for _, path, said in operations:
        for name in parameters(said, "query"):
            for text in payloads(sent, full_length=full_length):
                for given in {text, f"PT{text}", f"PP{text}"} if name == "PageToken" else {text}:
                    answer = await api.get(path.format_map(there) + "?" + urlencode({name: given}))
                    sent += 1

                    assert well_answered(answer), (path, name, given, answer)
                    if name in {"PageToken", "Page", "PageSize"}:
                        assert (answer.status, answer.code) == (400, 20001), (path, name, given)
                    if name == "Identity":
                        assert answer.json[answer.json["meta"]["key"]] == [], (path, name, given)

    await assert_whole(api, operations, there)
    did(f"{sent:,} queries with SQL, every forged page token refused")


async def test_sql_in_a_path_names_nothing(
    api: Api, there: dict[str, Any], operations: list[Operation], full_length: bool, did: Did
) -> None:
    sent = 0

    for method, path, said in operations:
        for name in NAMES.findall(path):
            for text in payloads(sent, full_length=full_length):
                url = path.format_map({**there, name: quote(text, safe="")})
                body = urlencode(complete(said, there, ""), doseq=True) if method == "POST" else None
                answer = await api.send(method, url, headers=FORM if body else {}, data=body)
                sent += 1

                assert (answer.status, answer.code) == (404, 20404), (method, path, name, text)

    await assert_whole(api, operations, there)
    did(f"{sent:,} paths with SQL: all 404")
