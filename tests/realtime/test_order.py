"""In which order the changes of one client are made, while an application is asked about some of them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from delivery.application import Application, an_application

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from delivery.application import Told
    from realtime.place import Place


@pytest.fixture
async def application() -> AsyncIterator[Application]:
    """Somebody who is asked before messages are posted."""
    async with an_application() as found:
        yield found


@pytest.fixture
async def channel(place: Place, application: Application) -> dict[str, Any]:
    """A channel of a service that asks, with alice in it."""
    await place.api.post(place.path, PreWebhookUrl=application.url, WebhookFilters="onMessageSend")
    found = await place.api.a_channel(place.service)
    await place.api.a_member(found, "alice")
    return found


async def test_who_waits_for_an_application_does_not_hold_up_the_next_change(
    place: Place, application: Application, channel: dict[str, Any]
) -> None:
    go = asyncio.Event()

    async def answer(_told: Told) -> web.StreamResponse:
        await go.wait()
        return web.Response()

    application.answer = answer
    client = await place.client("alice")
    messages = f"/Client/v1/Conversations/{channel['sid']}/Messages"

    posting = asyncio.create_task(client.request("POST", messages, {"body": "slow"}))
    renamed = await client.request("POST", "/Client/v1/Users/alice", {"friendly_name": "Alice"})
    waited = not posting.done()
    go.set()
    posted = await posting

    assert waited
    assert (renamed.status, posted.status) == (200, 201)


async def test_changes_that_are_asked_about_stay_in_order(
    place: Place, application: Application, channel: dict[str, Any]
) -> None:
    """However much longer the answer to the first takes than that to the second."""

    async def answer(told: Told) -> web.StreamResponse:
        await asyncio.sleep(0.02 if int(told.params["Body"]) % 2 == 0 else 0)
        return web.Response()

    application.answer = answer
    client = await place.client("alice")
    messages = f"/Client/v1/Conversations/{channel['sid']}/Messages"

    bodies = [str(number) for number in range(12)]
    await asyncio.gather(*(client.request("POST", messages, {"body": body}) for body in bodies))

    kept = await place.api.get(f"{place.path}/Channels/{channel['sid']}/Messages")
    assert [message["body"] for message in kept.json["messages"]] == bodies
    assert [told.params["Body"] for told in application.told] == bodies
