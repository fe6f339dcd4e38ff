"""What the tests of every route start from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from conformance.stored import add_binding, add_media

if TYPE_CHECKING:
    from chinwag.settings import Settings
    from support.api import Api


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
        "binding_sid": await add_binding(settings, user, credential.json),
        # Forms.
        "Identity": "carol",
        "MediaSid": await add_media(settings, channel),
        "Permission": ["leaveChannel"],
        "RoleSid": service["default_channel_role_sid"],
        "UniqueName": "lobby",
    }
