"""Every route of the table, asked by everybody who must not: whoever adds one, adds it here."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import aiohttp
import pytest

from chinwag.rest.openapi import all_routes

if TYPE_CHECKING:
    from support.api import Answer, Api
    from support.torture import Did

pytestmark = pytest.mark.check(16)

Asked = tuple[str, str]
"""A method, and a path with its names in braces."""

ROUTES: list[Asked] = [(route.method, prefix + route.path) for prefix, _, route in all_routes()]
NAMES = re.compile(r"\{(\w+)\}")
WHOLE = "FriendlyName=x&Type=fcm&Secret=x&Permission=leaveChannel&Identity=carol&Body=x&Target=x"
"""A form from which nothing is missing, whatever it is for."""


async def ask(api: Api, asked: Asked, there: dict[str, str], authorization: str | None) -> Answer:
    method, path = asked
    headers = {"Content-Type": "application/x-www-form-urlencoded"} if method == "POST" else {}
    if authorization is not None:
        headers["Authorization"] = authorization
    body = WHOLE if method == "POST" else None
    return await api.send(method, path.format_map(there), auth=False, headers=headers, data=body)


def of(api: Api) -> str:
    return aiohttp.encode_basic_auth(api.account_sid, api.auth_token)


async def assert_all_there(api: Api, there: dict[str, str]) -> None:
    """See that nothing that a path can name has gone or changed its name."""
    paths = [asked for asked in ROUTES if asked[0] == "GET" and NAMES.search(asked[1])]

    answers = {asked: await ask(api, asked, there, of(api)) for asked in paths}

    assert {asked: answer.status for asked, answer in answers.items()} == dict.fromkeys(paths, 200)
    assert b"carol" not in answers["GET", "/v2/Services/{service_sid}/Channels/{channel_sid}/Members"].body


async def test_without_the_right_credentials_no_route_does_anything(
    api: Api, stranger: Api, there: dict[str, str], did: Did
) -> None:
    wrong = {
        "none": None,
        "empty": "",
        "another secret": aiohttp.encode_basic_auth(api.account_sid, "0" * 32),
        "the secret of somebody else": aiohttp.encode_basic_auth(api.account_sid, stranger.auth_token),
        "no secret": aiohttp.encode_basic_auth(api.account_sid, ""),
        "an account that is not there": aiohttp.encode_basic_auth("AC" + "0" * 32, api.auth_token),
        "a bearer": f"Bearer {api.auth_token}",
    }

    for name, authorization in wrong.items():
        answers = {asked: await ask(api, asked, there, authorization) for asked in ROUTES}

        refused = {asked: (answer.status, answer.code) for asked, answer in answers.items()}
        assert refused == dict.fromkeys(ROUTES, (401, 20003)), name
    await assert_all_there(api, there)
    did(f"{len(ROUTES)} routes of REST with {len(wrong)} wrong credentials: all 401")


async def test_another_account_finds_nothing_on_any_route(
    api: Api, stranger: Api, there: dict[str, str], did: Did
) -> None:
    named = [asked for asked in ROUTES if NAMES.search(asked[1])]
    lists = [asked for asked in ROUTES if asked[0] == "GET" and not NAMES.search(asked[1])]

    answers = {asked: await ask(stranger, asked, there, of(stranger)) for asked in named}
    seen = {asked: await ask(stranger, asked, there, of(stranger)) for asked in lists}

    refused = {asked: (answer.status, answer.code) for asked, answer in answers.items()}
    assert refused == dict.fromkeys(named, (404, 20404))
    assert {asked: answer.status for asked, answer in seen.items()} == dict.fromkeys(lists, 200)
    assert not any(api.account_sid.encode() in answer.body for answer in (*answers.values(), *seen.values()))
    await assert_all_there(api, there)
    did(f"{len(named)} routes of REST by another account: all 404")


@pytest.mark.parametrize("of_whom", ["the same account", "another account"])
async def test_nothing_is_found_through_another_service(
    api: Api, stranger: Api, there: dict[str, str], of_whom: str, did: Did
) -> None:
    """A service that the caller may see opens nothing that lies in a service beside it."""
    caller = api if of_whom == "the same account" else stranger
    elsewhere = {**there, "service_sid": (await caller.a_service("Elsewhere"))["sid"]}
    inside = [asked for asked in ROUTES if "{service_sid}/" in asked[1] and len(NAMES.findall(asked[1])) > 1]

    answers = {asked: await ask(caller, asked, elsewhere, of(caller)) for asked in inside}

    refused = {asked: (answer.status, answer.code) for asked, answer in answers.items()}
    assert refused == dict.fromkeys(inside, (404, 20404))
    await assert_all_there(api, there)
    did(f"{len(inside)} routes of REST through another service: all 404")


async def test_nothing_is_found_through_another_channel_or_user(
    api: Api, there: dict[str, str], did: Did
) -> None:
    service = {"sid": there["service_sid"]}
    elsewhere = {
        **there,
        "channel_sid": (await api.a_channel(service))["sid"],
        "user_sid": (await api.a_user(service, "dave"))["sid"],
    }
    inside = [asked for asked in ROUTES if re.search(r"\{(?:channel|user)_sid\}/\w+/\{", asked[1])]

    answers = {asked: await ask(api, asked, elsewhere, of(api)) for asked in inside}

    refused = {asked: (answer.status, answer.code) for asked, answer in answers.items()}
    assert refused == dict.fromkeys(inside, (404, 20404))
    await assert_all_there(api, there)
    did(f"{len(inside)} routes of REST through another channel or user: all 404")
