"""The calls of webhooks, as a console sees them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from delivery.application import Application, an_application

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from support.api import Answer, Api

PATIENCE_SECONDS = 10


@pytest.fixture
async def application() -> AsyncIterator[Application]:
    async with an_application() as found:
        yield found


@pytest.fixture
async def service(api: Api, application: Application) -> dict[str, Any]:
    """A service whose application is told of messages."""
    service = await api.a_service()
    hook = {"PostWebhookUrl": application.url, "WebhookFilters": "onMessageSent"}
    await api.post(f"/v2/Services/{service['sid']}", **hook)
    return service


async def posted(api: Api, service: dict[str, Any], header: str = "true") -> dict[str, Any]:
    channel = await api.a_channel(service)
    path = f"/v2/Services/{service['sid']}/Channels/{channel['sid']}/Messages"
    answer = await api.send(
        "POST", path, headers={"X-Twilio-Webhook-Enabled": header}, data={"Body": "hello"}
    )
    assert answer.status == 201
    return answer.json


async def listed(api: Api, service: dict[str, Any], count: int = 1, **query: Any) -> Answer:
    """Wait until so many calls are listed."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            answer = await api.get(path_of(service), **query)
            if answer.status != 200 or len(answer.json["webhook_calls"]) >= count:
                return answer
            await asyncio.sleep(0.02)


def path_of(service: dict[str, Any]) -> str:
    return f"/chinwag/v1/Services/{service['sid']}/WebhookCalls"


async def test_a_call_is_shown_with_what_was_told_and_answered(
    api: Api, application: Application, service: dict[str, Any]
) -> None:
    message = await posted(api, service)

    found = await listed(api, service, State="delivered")

    (call,) = found.json["webhook_calls"]
    assert call["parameters"]["MessageSid"] == message["sid"]
    assert (call["event"], call["source"], call["via"]) == ("onMessageSent", "API", "PostWebhookUrl")
    assert (call["target_url"], call["method"]) == (application.url, "POST")
    (attempt,) = call["attempts"]
    assert (attempt["status"], attempt["retry_count"], attempt["problem"]) == (200, 0, None)
    assert attempt["signature"] == application.told[0].headers["x-twilio-signature"]
    assert call["url"] == f"{api.base}{path_of(service)}/{call['sid']}"
    assert (await api.get(call["url"])).json == call


async def test_what_was_not_called_is_shown_with_the_reason(api: Api, service: dict[str, Any]) -> None:
    await posted(api, service, "false")

    found = await listed(api, service, State="skipped", Event="onMessageSent")

    (call,) = found.json["webhook_calls"]
    assert "X-Twilio-Webhook-Enabled" in call["reason"]
    assert (call["target_url"], call["attempts"], call["count"]) == (None, [], 1)
    refused = await api.post(f"{path_of(service)}/{call['sid']}/Replay")
    assert (refused.status, refused.code) == (409, 20409)


async def test_a_call_is_made_again_with_the_same_token(
    api: Api, application: Application, service: dict[str, Any]
) -> None:
    await posted(api, service)
    (call,) = (await listed(api, service, State="delivered")).json["webhook_calls"]

    again = await api.post(f"{path_of(service)}/{call['sid']}/Replay")

    assert (again.status, again.json["state"]) == (200, "waiting")
    first, second = await application.heard(2)
    assert [told.params["RetryCount"] for told in (first, second)] == ["0", "1"]
    assert first.headers["i-twilio-idempotency-token"] == second.headers["i-twilio-idempotency-token"]
    assert first.params | {"RetryCount": "1"} == second.params


async def test_calls_come_in_pages(api: Api, service: dict[str, Any]) -> None:
    for _ in range(3):
        await posted(api, service)
    everything = (await listed(api, service, 3, State="delivered")).json["webhook_calls"]

    first = await api.get(path_of(service), PageSize=2, State="delivered")
    second = await api.get(first.json["meta"]["next_page_url"])

    assert first.json["webhook_calls"] + second.json["webhook_calls"] == everything
    assert second.json["meta"]["next_page_url"] is None


@pytest.mark.parametrize(("query", "code"), [({"Event": "onTea"}, 50054), ({"State": "tea"}, 20001)])
async def test_an_unknown_word_is_refused(
    api: Api, service: dict[str, Any], query: dict[str, str], code: int
) -> None:
    assert (await api.get(path_of(service), **query)).code == code


async def test_calls_of_others_are_not_there(
    api: Api, stranger: Api, application: Application, service: dict[str, Any]
) -> None:
    await posted(api, service)
    (call,) = (await listed(api, service, State="delivered")).json["webhook_calls"]
    elsewhere = await api.a_service()

    answers = [
        await stranger.get(path_of(service)),
        await stranger.get(f"{path_of(service)}/{call['sid']}"),
        await stranger.post(f"{path_of(service)}/{call['sid']}/Replay"),
        await api.get(f"{path_of(elsewhere)}/{call['sid']}"),
        await api.get(f"{path_of(service)}/nothing"),
    ]

    assert [(answer.status, answer.code) for answer in answers] == [(404, 20404)] * 5
    assert len(application.told) == 1
