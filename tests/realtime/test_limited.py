"""Limits that an operator set, for client SDKs: refused in the socket as over REST, and counted together."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import aiohttp
import msgspec
import pytest

from conftest import an_account
from realtime.place import Place, a_place, request, status
from support.limited import limited_server, until_refused

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from chinwag.settings import Settings
    from support.sdk_client import Connection
    from support.twilsock import Packet

PER_SECOND = 5


@pytest.fixture(scope="module", params=["service_actions", "channel_actions"])
def limited(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Settings]]:
    limits = {f"{request.param}_per_second": PER_SECOND}
    with limited_server(tmp_path_factory.mktemp(request.param), **limits) as found:
        yield found


@pytest.fixture
async def place(limited: tuple[str, Settings]) -> AsyncIterator[Place]:
    """A service on a server with a limit."""
    async with aiohttp.ClientSession() as session:
        found = await a_place(await an_account(session, *limited), *limited)
        yield found
        await found.close()


def code(place: Place) -> int:
    return 50074 if place.settings.service_actions_per_second else 50063


async def post(connection: Connection, channel: str) -> Packet:
    path = f"/Client/v1/Conversations/{channel}/Messages"
    return await connection.ask(request("POST", path), msgspec.json.encode({"body": "hello"}))


async def a_channel(place: Place, **parameters: str) -> str:
    channel = await place.api.a_channel(place.service, **parameters)
    await place.api.a_member(channel, "alice")
    return channel["sid"]


async def said(place: Place, channel: str) -> list[int]:
    listed = await place.api.get(f"{place.path}/Channels/{channel}/Messages", PageSize=100)
    return [message["index"] for message in listed.json["messages"]]


async def test_a_client_that_does_too_much_is_refused_until_the_time_that_it_is_told(place: Place) -> None:
    channel = await a_channel(place)
    alice = await place.logged_in("alice")

    accepted, refused = await until_refused(lambda: post(alice, channel), status)

    assert refused.payload["status"] == 429
    assert refused.payload["code"] == code(place)
    assert {status(reply) for reply in accepted} == {201}
    assert await said(place, channel) == list(range(len(accepted)))
    seconds = int(refused.header["http_headers"]["retry-after"])
    assert 1 <= seconds <= 2
    await asyncio.sleep(seconds)
    assert status(await post(alice, channel)) == 201


async def test_clients_and_the_application_count_together(place: Place) -> None:
    channel = await a_channel(place)
    alice = await place.logged_in("alice")
    path = f"{place.path}/Channels/{channel}/Messages"

    _, refused = await until_refused(lambda: place.api.post(path, Body="hello"), lambda answer: answer.status)
    replies = await asyncio.gather(*(post(alice, channel) for _ in range(25)))

    assert refused.code == code(place)
    assert {reply.payload["code"] for reply in replies if status(reply) == 429} == {code(place)}


async def test_an_application_is_not_asked_about_what_is_refused(place: Place) -> None:
    channel = await a_channel(place)
    hook = {"PreWebhookUrl": "http://127.0.0.1:9/", "WebhookFilters": "onMessageSend"}
    assert (await place.api.post(place.path, **hook)).status == 200
    alice = await place.logged_in("alice")

    accepted, refused = await until_refused(lambda: post(alice, channel), status)
    await asyncio.sleep(int(refused.header["http_headers"]["retry-after"]))
    last = await post(alice, channel)

    assert status(last) == 201
    assert len(await calls(place, len(accepted) + 1)) == len(accepted) + 1


async def calls(place: Place, most: int) -> list[str]:
    """Return the calls that were made, once there are so many."""
    path = f"/chinwag/v1/Services/{place.service['sid']}/WebhookCalls"
    async with asyncio.timeout(20):
        while True:
            found = (await place.api.get(path, Event="onMessageSend", PageSize=100)).json["webhook_calls"]
            if len(found) >= most:
                return [call["sid"] for call in found]
            await asyncio.sleep(0.02)


async def test_logging_in_and_reading_count_as_nothing(place: Place) -> None:
    channel = await a_channel(place)
    alice = await place.logged_in("alice")
    await until_refused(lambda: post(alice, channel), status)

    newcomers = [await place.logged_in(f"user {number}") for number in range(2 * PER_SECOND)]
    read = [
        status(await alice.ask(request("GET", f"/Client/v1/Conversations/{channel}")))
        for _ in range(2 * PER_SECOND)
    ]

    assert len(newcomers) == 2 * PER_SECOND
    assert set(read) == {200}
