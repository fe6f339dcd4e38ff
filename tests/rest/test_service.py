from __future__ import annotations

from support.api import Api


async def test_a_service_is_created_with_the_defaults_of_the_original(api: Api) -> None:
    made = await api.post("/v1/Services", FriendlyName="Support")

    assert made.status == 201
    service = made.json
    assert service["friendly_name"] == "Support"
    assert service["limits"] == {"channel_members": 250, "user_channels": 100}
