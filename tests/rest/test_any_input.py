"""Whatever anybody sends, the server never blames itself."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_from_bytes, unquote, unquote_to_bytes

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chinwag.rest import manners
from chinwag.rest.manners import Manners, routable
from chinwag.rest.meters import Meters
from chinwag.rest.routes import ROUTES

if TYPE_CHECKING:
    from support.api import Api

bounded = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

names = st.sampled_from(
    sorted({param.name for route in ROUTES if route.takes for param in route.takes.params})
)
values = st.one_of(
    st.text(),
    st.integers().map(str),
    st.sampled_from(["true", "channel", "sendMessage", "http://a", "onMessageSent", "GET", ""]),
)
forms = st.lists(st.tuples(names | st.text(), values), max_size=30)


def encoded(pairs: list[tuple[str, str]]) -> bytes:
    def part(text: str) -> str:
        return quote(text, errors="surrogatepass", safe="")

    return "&".join(f"{part(name)}={part(value)}" for name, value in pairs).encode()


@given(form=forms)
@bounded
async def test_no_form_is_a_mistake_of_ours(api: Api, form: list[tuple[str, str]]) -> None:
    service = await api.a_service()
    body = encoded(form)

    answers = [
        await api.form("/v1/Services", body),
        await api.form(f"/v1/Services/{service['sid']}", body),
        await api.form(f"/v1/Services/{service['sid']}/Roles", body),
        await api.form(f"/v1/Services/{service['sid']}/Roles/{service['default_channel_role_sid']}", body),
    ]

    assert all(answer.status in {200, 201} or answer.code // 10000 in {2, 5} for answer in answers)
    assert all(answer.status < 500 for answer in answers)


@given(body=st.binary(max_size=2000))
@bounded
async def test_no_bytes_are_a_mistake_of_ours(api: Api, body: bytes) -> None:
    answer = await api.form("/v1/Services", b"FriendlyName=x&" + body)

    assert answer.status == 201 or answer.code in {20001, 50000, 50003}


@given(segments=st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=5))
@bounded
async def test_no_path_is_a_mistake_of_ours(api: Api, segments: list[bytes]) -> None:
    path = "/".join(quote_from_bytes(segment, safe="") for segment in segments)

    answers = [await api.get(f"/{path}"), await api.get(f"/v1/Services/{path}")]

    assert [(answer.status, answer.code) for answer in answers] == [(404, 20404)] * 2


@given(
    query=st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters="#"), max_size=200)
)
@bounded
async def test_no_query_is_a_mistake_of_ours(api: Api, query: str) -> None:
    answer = await api.get(f"/v1/Services?{query}")

    assert answer.status == 200 or answer.code == 20001


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
