"""Limits that an operator set, over REST: what is refused, with which code, for how long, and what is not."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from conftest import an_account
from support.limited import limited_server, until_refused
from support.uploads import an_uploader

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from chinwag.settings import Settings
    from support.api import Answer, Api

PER_SECOND = 5


@pytest.fixture(scope="module", params=["requests", "service_actions", "channel_actions"])
def limit(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def limited(limit: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Settings]]:
    with limited_server(tmp_path_factory.mktemp(limit), **{f"{limit}_per_second": PER_SECOND}) as found:
        yield found


@pytest.fixture
async def here(limited: tuple[str, Settings]) -> AsyncIterator[Api]:
    """The API of an account on a server with a limit."""
    async with aiohttp.ClientSession() as session:
        yield await an_account(session, *limited)


@pytest.fixture
async def neighbour(limited: tuple[str, Settings]) -> AsyncIterator[Api]:
    """That of another account."""
    async with aiohttp.ClientSession() as session:
        yield await an_account(session, *limited)


only_requests = pytest.mark.parametrize("limit", ["requests"], indirect=True, scope="module")
only_services = pytest.mark.parametrize("limit", ["service_actions"], indirect=True, scope="module")
only_channels = pytest.mark.parametrize("limit", ["channel_actions"], indirect=True, scope="module")
only_actions = pytest.mark.parametrize(
    "limit", ["service_actions", "channel_actions"], indirect=True, scope="module"
)


def status(answer: Answer) -> int:
    return answer.status


def of(channel: dict[str, Any]) -> str:
    """Return the path of the messages of a channel."""
    return f"/v2/Services/{channel['service_sid']}/Channels/{channel['sid']}/Messages"


async def come_again(refused: Answer) -> None:
    """Wait for as long as a refusal tells."""
    seconds = int(refused.headers["Retry-After"])
    assert 1 <= seconds <= 2
    await asyncio.sleep(seconds)


async def refused_posts(api: Api, channel: dict[str, Any]) -> tuple[list[Answer], Answer]:
    """Post to a channel until that is refused."""
    return await until_refused(lambda: api.post(of(channel), Body="hello"), status)


@only_requests
async def test_an_account_that_asks_too_often_is_refused_until_the_time_that_it_is_told(
    here: Api, neighbour: Api
) -> None:
    accepted, refused = await until_refused(lambda: here.get("/v2/Services"), status)

    assert (refused.status, refused.code) == (429, 20429)
    assert refused.json["message"] == "Too Many Requests"
    assert len(accepted) >= PER_SECOND
    assert {answer.status for answer in accepted} == {200}
    assert (await neighbour.get("/v2/Services")).status == 200
    await come_again(refused)
    assert (await here.get("/v2/Services")).status == 200


@only_requests
async def test_refusals_are_measured_by_their_code(here: Api) -> None:
    _, refused = await until_refused(lambda: here.get("/v2/Services"), status)

    text = (await here.get("/metrics")).body.decode()

    assert refused.code == 20429
    found = re.search(r'^chinwag_http_refused_total\{code="20429"\} ([\d.]+)$', text, re.MULTILINE)
    assert found is not None
    assert float(found[1]) >= 1


@only_requests
async def test_wrong_credentials_use_up_nothing_of_an_account(here: Api) -> None:
    wrong = {"Authorization": aiohttp.encode_basic_auth(here.account_sid, "wrong")}

    for _ in range(3 * PER_SECOND):
        assert (await here.send("GET", "/v2/Services", headers=wrong)).status == 401

    assert (await here.get("/v2/Services")).status == 200


@only_channels
async def test_a_channel_in_which_too_much_happens_is_refused_and_no_other(here: Api) -> None:
    service = await here.a_service()
    channel, other = await here.a_channel(service), await here.a_channel(service)

    accepted, refused = await refused_posts(here, channel)

    assert (refused.status, refused.code) == (429, 50063)
    assert refused.json["message"] == "Actions per second limit exceeded"
    assert {answer.status for answer in accepted} == {201}
    await here.a_message(other)
    assert (await here.get(of(channel))).status == 200
    await come_again(refused)
    await here.a_message(channel)


@only_channels
async def test_a_channel_is_the_same_one_under_its_unique_name(here: Api) -> None:
    channel = await here.a_channel(await here.a_service(), UniqueName="lobby")
    named = {**channel, "sid": "lobby"}

    both = iter(range(1_000_000))
    accepted, refused = await until_refused(
        lambda: here.post(of(named if next(both) % 2 else channel), Body="hello"), status, together=100
    )

    assert refused.code == 50063
    assert len(accepted) < 3 * PER_SECOND


@only_services
async def test_a_service_in_which_too_much_happens_is_refused_and_no_other(here: Api) -> None:
    service, other = await here.a_service(), await here.a_service()
    users = iter(range(1_000_000))

    accepted, refused = await until_refused(
        lambda: here.post(f"/v2/Services/{service['sid']}/Users", Identity=f"user {next(users)}"), status
    )

    assert (refused.status, refused.code) == (429, 50074)
    assert refused.json["message"] == "Global actions per second limit exceeded"
    assert {answer.status for answer in accepted} == {201}
    await here.a_user(other)
    assert (await here.get(f"/v2/Services/{service['sid']}/Users")).status == 200
    await come_again(refused)
    assert (await here.post(f"/v2/Services/{service['sid']}", FriendlyName="Sales")).status == 200


@only_services
async def test_changing_the_service_itself_counts(here: Api) -> None:
    service = await here.a_service()

    _, refused = await until_refused(
        lambda: here.post(f"/v1/Services/{service['sid']}", FriendlyName="Sales"), status
    )

    assert refused.code == 50074


@only_actions
async def test_what_is_refused_leaves_nothing(here: Api) -> None:
    channel = await here.a_channel(await here.a_service())

    accepted, _ = await refused_posts(here, channel)

    kept = (await here.get(of(channel), PageSize=100)).json["messages"]
    assert sorted(message["sid"] for message in kept) == sorted(answer.json["sid"] for answer in accepted)
    assert [message["index"] for message in kept] == list(range(len(accepted)))


@only_actions
async def test_a_request_that_was_answered_is_answered_again_while_others_are_refused(here: Api) -> None:
    channel = await here.a_channel(await here.a_service())
    headers = {"Idempotency-Key": "one"}
    first = await here.send("POST", of(channel), headers=headers, data={"Body": "hello"})
    await refused_posts(here, channel)

    again = await asyncio.gather(
        *(here.send("POST", of(channel), headers=headers, data={"Body": "hello"}) for _ in range(25))
    )

    assert {(answer.status, answer.body) for answer in again} == {(201, first.body)}


@only_actions
async def test_who_names_what_belongs_to_another_account_uses_nothing_of_it_up(
    here: Api, neighbour: Api
) -> None:
    channel = await here.a_channel(await here.a_service())

    accepted, refused = await refused_posts(neighbour, channel)

    assert {answer.status for answer in accepted} == {404}
    assert refused.status == 429
    await here.a_message(channel)


@only_services
async def test_a_file_is_one_change_and_its_bytes_are_not_refused_behind_its_beginning(
    here: Api, limited: tuple[str, Settings]
) -> None:
    uploader = await an_uploader(here, limited[1])

    accepted, refused = await until_refused(uploader.upload, status)

    assert {answer.status for answer in accepted} == {201}
    assert len(accepted) >= PER_SECOND
    assert refused.code == 50074


async def test_nothing_is_limited_unless_an_operator_wants_it(api: Api) -> None:
    channel = await api.a_channel(await api.a_service())

    answers = await asyncio.gather(*(api.post(of(channel), Body="hello") for _ in range(200)))

    assert {answer.status for answer in answers} == {201}
