"""How post-events are delivered, to applications with the vendor's validators: retries, order, crashes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from support.kill_webhooks import killed_with_calls_waiting
from support.receiver import needs_a_receiver
from support.stage import LANGUAGES

if TYPE_CHECKING:
    from support.stage import Stage

pytestmark = [pytest.mark.clients, pytest.mark.timeout(240)]

TRIES_SECONDS = 15
PAUSE_SECONDS = 4


async def a_channel(stage: Stage, service: str) -> str:
    return (await stage.rest("POST", f"/v2/Services/{service}/Channels", header=None))["sid"]


async def post(stage: Stage, service: str, channel: str, body: str = "hello", version: str = "v2") -> Any:
    return await stage.rest("POST", f"/{version}/Services/{service}/Channels/{channel}/Messages", Body=body)


async def test_a_call_is_repeated_as_often_as_the_service_wants(stage: Stage) -> None:
    service = await stage.service("onMessageSent", PostWebhookRetryCount=2)
    await stage.receiver.plan({"match": {"InstanceSid": service}, "times": 2, "status": 503})

    await post(stage, service, await a_channel(stage, service))

    tries = await stage.receiver.wait_for(3, seconds=TRIES_SECONDS, InstanceSid=service)
    assert [one.one("RetryCount") for one in tries] == ["0", "1", "2"]
    assert len({one.headers["i-twilio-idempotency-token"] for one in tries}) == 1
    assert all(one.valid for one in tries)
    assert [one.answered for one in tries[:2]] == [503, 503]


async def test_a_channel_webhook_has_retries_of_its_own(stage: Stage) -> None:
    service = await stage.service("onMemberAdded")
    channel = await a_channel(stage, service)
    await stage.api.post(
        f"/v2/Services/{service}/Channels/{channel}/Webhooks",
        Type="webhook",
        Configuration__Url=stage.receiver.hook,
        Configuration__Filters="onMessageSent",
        Configuration__RetryCount="1",
    )
    await stage.receiver.plan({"match": {"InstanceSid": service}, "status": 429})

    await post(stage, service, channel)

    tries = await stage.receiver.wait_for(2, seconds=TRIES_SECONDS, InstanceSid=service)
    assert [one.one("RetryCount") for one in tries] == ["0", "1"]


async def test_a_service_of_v1_tries_once(stage: Stage) -> None:
    service = await stage.service("onMessageSent", version="v1")
    await stage.receiver.plan({"match": {"InstanceSid": service, "Body": "first"}, "status": 503})
    channel = await a_channel(stage, service)

    await post(stage, service, channel, "first", version="v1")
    await stage.receiver.wait_for(1, InstanceSid=service)
    await asyncio.sleep(PAUSE_SECONDS)  # longer than any repetition would take
    await post(stage, service, channel, "second", version="v1")

    told = await stage.receiver.wait_for(2, InstanceSid=service)
    assert [one.one("Body") for one in told] == ["first", "second"]


async def test_messages_of_a_channel_come_in_order(stage: Stage) -> None:
    service = await stage.service("onMessageSent")
    channels = [await a_channel(stage, service) for _ in range(4)]

    async def fill(channel: str) -> None:
        for number in range(25):
            await post(stage, service, channel, str(number))

    await asyncio.gather(*map(fill, channels))

    told = await stage.receiver.wait_for(100, InstanceSid=service)
    for channel in channels:
        mine = [one for one in told if one.one("ChannelSid") == channel]
        assert [one.one("Index") for one in mine] == [str(index) for index in range(25)]


async def test_a_target_that_is_dead_or_slow_delays_no_other(stage: Stage) -> None:
    dead = await stage.service("onMessageSent", PostWebhookUrl="http://127.0.0.1:9/")
    slow = await stage.service("onMessageSent", PostWebhookUrl=f"{stage.receiver.hook}/slow")
    good = await stage.service("onMessageSent")
    await stage.receiver.plan({"path": "/hook/slow", "delay": 4.9})
    rooms = {service: await a_channel(stage, service) for service in (dead, slow, good)}

    await asyncio.gather(
        *(post(stage, service, rooms[service]) for service in (dead, slow) for _ in range(40))
    )
    await post(stage, good, rooms[good])

    await stage.receiver.wait_for(1, seconds=3, InstanceSid=good)


async def test_a_server_that_is_killed_makes_every_call_that_waited(engine: str, database: str) -> None:
    needs_a_receiver(LANGUAGES[engine])

    report = await killed_with_calls_waiting(database, 300, LANGUAGES[engine])

    assert report.clean, str(report)
    assert report.posted == 300
    assert report.under_way > 0
