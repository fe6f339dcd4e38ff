"""Whatever anybody sends, the server never blames itself."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_from_bytes, unquote, unquote_to_bytes

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chinwag.errors import Kinds, all_kinds
from chinwag.rest import manners
from chinwag.rest.manners import Manners, routable
from chinwag.rest.meters import Meters
from chinwag.rest.openapi import all_routes
from chinwag.rest.routes import Route
from chinwag.rest.version import Version

if TYPE_CHECKING:
    from support.api import Answer, Api

pytestmark = pytest.mark.check(21)

bounded = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

Endpoint = tuple[str, Version, Route]

ENDPOINTS: list[Endpoint] = list(all_routes())

NAMES = re.compile(r"\{(\w+)\}")

CODES = {kind.code for kind in all_kinds()}

parameters = st.sampled_from(
    sorted(
        {
            param.name
            for _, version, route in ENDPOINTS
            for table in (route.takes, route.pages and route.pages.params)
            if table
            for param in table.of(version)
        }
    )
)
values = st.one_of(
    st.text(),
    st.integers().map(str),
    st.sampled_from(
        ["true", "channel", "sendMessage", "http://a", "onMessageSent", "GET", "", "{}", "apn", "webhook"]
    ),
    st.sampled_from(["9999-12-31T23:59:59-01:00", "0001-01-01", "lobby", "alice", "PT", "9" * 19]),
)
forms = st.lists(st.tuples(parameters | st.text(), values), max_size=30)


def encoded(pairs: list[tuple[str, str]]) -> bytes:
    def part(text: str) -> str:
        return quote(text, errors="surrogatepass", safe="")

    return "&".join(f"{part(name)}={part(value)}" for name, value in pairs).encode()


endpoints = st.sampled_from(ENDPOINTS)
that_stay = st.sampled_from([found for found in ENDPOINTS if found[2].method != "DELETE"])
with_bodies = st.sampled_from([found for found in ENDPOINTS if found[2].takes])
lists = st.sampled_from([found for found in ENDPOINTS if found[2].pages])

odd_names = st.one_of(
    st.binary(min_size=1, max_size=40),
    st.sampled_from([b"..", b".", b"/", b"%00", b"%2F", b" ", b"\xff", b"\x00"]),
    st.builds(
        lambda prefix, digits: (prefix + digits).encode(),
        st.sampled_from(["IS", "ch", "US", "MB", "IM", "IN", "WH", "CR", "BS", "RL"]),
        st.text("0123456789abcdefABCDEFg", min_size=31, max_size=33),
    ),
)


@given(form=forms, endpoint=that_stay)
@settings(bounded, max_examples=300)
async def test_no_form_and_no_query_is_a_mistake_of_ours(
    api: Api, there: dict[str, str], form: list[tuple[str, str]], endpoint: Endpoint
) -> None:
    prefix, _, route = endpoint
    path = prefix + route.path.format_map(there)

    if route.method == "POST":
        answer = await api.form(path, encoded(form))
    else:
        answer = await api.send(route.method, f"{path}?{encoded(form).decode()}")

    assert well_answered(answer)


@given(body=st.binary(max_size=2000), endpoint=with_bodies)
@settings(bounded, max_examples=200)
async def test_no_bytes_are_a_mistake_of_ours(
    api: Api, there: dict[str, str], body: bytes, endpoint: Endpoint
) -> None:
    prefix, _, route = endpoint
    path = prefix + route.path.format_map(there)

    answer = await api.form(path, b"FriendlyName=x&Identity=dave&Body=x&Type=fcm&" + body)

    assert well_answered(answer)


@given(names=st.lists(odd_names, min_size=3, max_size=3), odd=st.integers(1, 7), endpoint=endpoints)
@settings(bounded, max_examples=300)
async def test_no_name_in_a_path_is_a_mistake_of_ours(
    api: Api, there: dict[str, str], names: list[bytes], odd: int, endpoint: Endpoint
) -> None:
    prefix, _, route = endpoint
    in_path = NAMES.findall(route.path)
    segments = {
        name: quote_from_bytes(names[place], safe="")
        if odd >> place & 1 or (route.method == "DELETE" and name is in_path[-1])
        else there[name]
        for place, name in enumerate(in_path)
    }

    answer = await api.send(route.method, prefix + route.path.format_map(segments))

    assert well_answered(answer)


@given(
    segments=st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=7),
    version=st.sampled_from(Version),
)
@bounded
async def test_no_path_is_a_mistake_of_ours(api: Api, segments: list[bytes], version: Version) -> None:
    path = "/".join(quote_from_bytes(segment, safe="") for segment in segments)

    answers = [await api.get(f"/{path}"), await api.get(f"{version.path}/Services/{path}")]

    assert [(answer.status, answer.code) for answer in answers] == [(404, 20404)] * 2


@given(
    query=st.text(
        st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters="#"), max_size=200
    ),
    endpoint=lists,
)
@settings(bounded, max_examples=200)
async def test_no_query_of_a_list_is_a_mistake_of_ours(
    api: Api, there: dict[str, str], query: str, endpoint: Endpoint
) -> None:
    prefix, _, route = endpoint

    answer = await api.get(f"{prefix}{route.path.format_map(there)}?{query}")

    assert answer.status == 200 or answer.code in {20001, Kinds.INVALID_BINDING_TYPE.code}


def well_answered(answer: Answer) -> bool:
    """Return whether an answer is a success or a refusal in the words of the table."""
    if answer.status < 300:
        return answer.status in {200, 201, 204}
    return 400 <= answer.status < 500 and answer.code in CODES


# Paths


@given(st.lists(st.binary(), min_size=1))
@settings(deadline=None)
def test_a_path_has_as_many_segments_as_were_written_whatever_they_say(segments: list[bytes]) -> None:
    path = "/".join(quote_from_bytes(segment, safe="") for segment in segments)

    found = routable(path.encode()).split("/")

    assert [unquote_to_bytes(segment) for segment in found] == segments


@given(st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E)))
@settings(deadline=None)
def test_a_path_is_routed_by_the_letters_that_need_no_encoding(path: str) -> None:
    found = routable(path.encode())

    assert all(0x21 <= ord(character) <= 0x7E for character in found)
    assert found.count("/") == path.count("/")
    assert routable(found.encode()) == found
    assert unquote_to_bytes(found) == unquote_to_bytes(path)


def test_every_way_to_write_a_segment_is_routed_alike() -> None:
    assert routable(b"/v1/Services") == routable(b"/%76%31/%53ervices") == "/v1/Services"
    assert routable(b"/a%2fb") == routable(b"/a%2Fb") == "/a%2Fb"
    assert routable(b"/%2541") == "/%2541"
    assert unquote(routable(b"/%2541")) == "/%41"


def test_what_is_no_request_goes_straight_through() -> None:
    seen: list[dict[str, Any]] = []

    async def application(scope: dict[str, Any], *_: Any) -> None:
        seen.append(scope)

    async def nothing(*_: Any) -> dict[str, Any]:
        return {}

    scope = {"type": "lifespan"}
    asyncio.run(Manners(application, Meters())(scope, nothing, nothing))

    assert seen == [scope]
    assert manners.RECEIVE not in scope
