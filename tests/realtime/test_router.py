"""Which operation a request names. Source: sdk-wire."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chinwag.errors import ApiError, Kind, Kinds
from chinwag.realtime.router import ROUTES, Route, Router

ROUTER = Router()
METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "get", ""}
KNOWN = {(route.method, route.path) for route in ROUTES}


def filled(path: str) -> tuple[str, dict[str, str]]:
    """A path that a route means, and what its names stand for there."""
    names: dict[str, str] = {}
    segments = path.split("/")
    for place, segment in enumerate(segments):
        if segment.startswith("{"):
            name = segment.strip("{…}")
            names[name] = f"{name}/1" if segment.endswith("…}") else f"{name} 1"
            segments[place] = names[name].replace(" ", "%20")
    return "/".join(segments), names


def allowed(path: str) -> set[str]:
    """The methods of all routes that mean this path."""
    return {route.method for route in ROUTES if _means(route.path, path)}


def _means(template: str, path: str) -> bool:
    wanted, given_ = template.split("/"), path.split("/")
    if wanted[-1].endswith("…}"):
        given_ = [*given_[: len(wanted) - 1], "/".join(given_[len(wanted) - 1 :])]
    return len(wanted) == len(given_) and all(
        segment and (name.startswith("{") or name == segment)
        for name, segment in zip(wanted[1:], given_[1:], strict=True)
    )


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_every_operation_is_found(route: Route) -> None:
    path, names = filled(route.path)

    found = ROUTER.find(route.method, path)

    assert found.operation is route.operation
    assert found.names == names
    assert ROUTER.find(route.method, f"{path}?A=b/c%2F").operation is route.operation


@pytest.mark.parametrize("path", sorted({route.path for route in ROUTES}))
def test_other_methods_are_not_allowed(path: str) -> None:
    asked, _ = filled(path)

    for method in METHODS - allowed(asked):
        with pytest.raises(ApiError) as refusal:
            ROUTER.find(method, asked)
        assert refusal.value.kind is Kinds.METHOD_NOT_ALLOWED, method


def test_every_row_is_there_once() -> None:
    assert len(KNOWN) == len(ROUTES)


IDENTITIES = {
    "alice": "alice",
    "a/b": "a/b",
    "a%2Fb": "a/b",
    "alice@example.com": "alice@example.com",
    "alice%40example.com": "alice@example.com",
    "1+1": "1+1",
    "1%2B1": "1+1",
    "two words": "two words",
    "two%20words": "two words",
    "Zo\u00eb": "Zo\u00eb",
    "Zo%C3%AB": "Zo\u00eb",
    "\U0001f419": "\U0001f419",
    "%F0%9F%90%99": "\U0001f419",
    "100%25": "100%",
    "100%": "100%",
    "a%252Fb": "a%2Fb",
    "a&b=c": "a&b=c",
    "a//b": "a//b",
    "a/": "a/",
    "..": "..",
    "a#b": "a#b",
    "a%3Fb": "a?b",
}


@pytest.mark.parametrize(("asked", "identity"), IDENTITIES.items())
def test_an_identity_is_decoded_once_and_may_hold_slashes(asked: str, identity: str) -> None:
    assert ROUTER.find("GET", f"/Client/v1/Users/{asked}").names == {"user": identity}
    assert ROUTER.find("DELETE", f"/Client/v1/Conversations/CH1/Participants/{asked}").names == {
        "channel": "CH1",
        "member": identity,
    }
    assert (
        ROUTER.find("DELETE", f"/Client/v1/Conversations/CH1/Invites/{asked}").names["identity"] == identity
    )


def test_a_unique_name_with_an_encoded_slash_is_one_segment() -> None:
    assert ROUTER.find("GET", "/Client/v1/Conversations/a%2Fb").names == {"channel": "a/b"}
    with pytest.raises(ApiError):
        ROUTER.find("GET", "/Client/v1/Conversations/a/b")


def test_what_follows_a_question_mark_is_no_path() -> None:
    assert ROUTER.find("GET", "/Client/v1/Users/alice?x=/y").names == {"user": "alice"}


def test_words_win_over_names() -> None:
    sid = "ES" + "1" * 32
    context = ROUTER.find("GET", f"/v3/Lists/{sid}/Context")
    items = ROUTER.find("GET", f"/v3/Lists/{sid}/Items")
    opened = ROUTER.find("GET", f"/v3/Lists/{sid}")

    assert context.names == {"list": sid}
    assert items.names == {"kind": "Lists", "name": sid}
    assert opened.names == {"kind": "Lists", "name": sid}


NOWHERE = [
    "",
    "/",
    "//",
    "/Client",
    "/Client/v1",
    "/Client/v1/",
    "/Client/v3/Conversations",
    "/client/v1/Conversations",
    "/Client/v1/Conversations/",
    "/Client/v1/Conversations//Messages",
    "/Client/v1/Conversations/CH1/Nothing",
    "/Client/v1/Conversations/CH1/Messages/IM1/Receipts/1",
    "/Client/v1/Users/",
    "/v1/Typing",
    "/v3/Lists",
    "/v3/Maps//Items",
    "/v3/Maps/MP1/Permissions",
    "/v4/Subscriptions/1",
    "/v2/Services",
    "https://chat.example.com/Client/v1/Conversations",
]


@pytest.mark.parametrize("path", NOWHERE)
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_other_paths_lead_nowhere(method: str, path: str) -> None:
    with pytest.raises(ApiError) as refusal:
        ROUTER.find(method, path)

    assert refusal.value.kind is Kinds.METHOD_NOT_ALLOWED if path == "/v3/Lists" else Kinds.NOT_FOUND


@pytest.mark.parametrize("segment", ["%00", "a%00b", "\0", "%FF", "%C3", "%ED%A0%80", "%f0%9f"])
def test_what_is_no_text_names_nothing(segment: str) -> None:
    for path in (f"/Client/v1/Users/{segment}", f"/v3/Maps/{segment}", f"/Client/v1/Conversations/{segment}"):
        with pytest.raises(ApiError) as refusal:
            ROUTER.find("GET", path)
        assert refusal.value.kind is Kinds.NOT_FOUND


@given(
    st.text(max_size=20),
    st.lists(st.sampled_from(["Client", "v1", "v3", "Conversations", "Users", "Maps", "", "%", "a"])),
)
def test_any_path_is_found_or_refused(text: str, words: list[str]) -> None:
    for path in (text, "/" + "/".join([*words, text])):
        for method in ("GET", "POST", text):
            assert outcome(method, path) in {None, Kinds.NOT_FOUND, Kinds.METHOD_NOT_ALLOWED}


def outcome(method: str, path: str) -> Kind | None:
    """How a request is refused by the router, if so; its message can be sent."""
    try:
        ROUTER.find(method, path)
    except ApiError as refusal:
        refusal.message.encode()
        return refusal.kind
    return None
