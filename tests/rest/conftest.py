"""What the tests of every route start from."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from conformance.stored import add_binding, add_media

if TYPE_CHECKING:
    from chinwag.settings import Settings
    from support.api import Api


async def a_call(api: Api, channel: dict[str, Any]) -> str:
    """Have a webhook called at which nobody is, and return the SID of the call."""
    path = f"/Services/{channel['service_sid']}"
    hook = {"PostWebhookUrl": "http://127.0.0.1:9/", "WebhookFilters": "onMessageSent"}
    await api.post(f"/v2{path}", **hook)
    headers = {"X-Twilio-Webhook-Enabled": "true"}
    posted = f"/v2{path}/Channels/{channel['sid']}/Messages"
    await api.send("POST", posted, headers=headers, data={"Body": "hello"})
    await api.post(f"/v2{path}", PostWebhookUrl="")
    calls = await api.get(f"/chinwag/v1{path}/WebhookCalls", Event="onMessageSent", PageSize=100)
    return next(call["sid"] for call in calls.json["webhook_calls"] if call["target_url"])


async def a_push(api: Api, channel: dict[str, Any]) -> str:
    """Have the log say that a message was not pushed, and return the SID of that."""
    path = f"/Services/{channel['service_sid']}"
    await api.post(f"/v2{path}", Notifications__LogEnabled="true")
    await api.a_message(channel)
    async with asyncio.timeout(20):
        while True:
            if pushes := (await api.get(f"/chinwag/v1{path}/Pushes")).json["pushes"]:
                return pushes[0]["sid"]
            await asyncio.sleep(0.02)


@pytest.fixture
async def there(api: Api, server: tuple[str, Settings]) -> dict[str, object]:
    """Something of every kind, by the names that paths and forms have for it."""
    _, settings = server
    service = await api.a_service()
    role = await api.a_role(service)
    channel = await api.a_channel(service, UniqueName="lobby")
    user = await api.a_user(service, "alice")
    member = await api.a_member(channel, "alice")
    await api.a_user(service, "bob")
    invite = await api.an_invite(channel, "bob")
    await api.a_user(service, "carol")
    message = await api.a_message(channel)
    webhook = await api.post(
        f"/v2/Services/{service['sid']}/Channels/lobby/Webhooks",
        Type="trigger",
        Configuration__Url="http://localhost/",
        Configuration__Triggers="help",
    )
    credential = await api.post("/v2/Credentials", Type="fcm", Secret="swordfish")
    return {
        # Paths.
        "service_sid": service["sid"],
        "role_sid": role["sid"],
        "user_sid": user["sid"],
        "channel_sid": channel["sid"],
        "member_sid": member["sid"],
        "invite_sid": invite["sid"],
        "message_sid": message["sid"],
        "webhook_sid": webhook.json["sid"],
        "credential_sid": credential.json["sid"],
        "call_sid": await a_call(api, channel),
        "push_sid": await a_push(api, channel),
        "binding_sid": await add_binding(settings, user, credential.json),
        # Forms.
        "Identity": "carol",
        "MediaSid": await add_media(settings, channel),
        "Permission": ["leaveChannel"],
        "RoleSid": service["default_channel_role_sid"],
        "UniqueName": "lobby",
    }
