"""What an SDK is told as it begins. Source: sdk-wire."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from chinwag.domain.lookup import service_named
from chinwag.realtime import names
from chinwag.realtime.call import Answer

if TYPE_CHECKING:
    from chinwag.realtime.call import Call


async def configuration(call: Call) -> Answer:
    """Tell an SDK what it needs to begin."""
    base, client = call.chat_base, call.client
    media = f"{client.base}/media/v1/Services/{call.service_sid}/Media"
    async with call.reading() as tx:
        service = await service_named(tx, call.caller, call.service_sid)
    interval = f"PT{service.consumption_report_interval}S"
    return Answer(
        HTTPStatus.OK,
        {
            "identity": client.session.identity,
            "links": {
                "my_conversations": f"{base}/MyConversations",
                "conversations": f"{base}/Conversations",
                "users": f"{base}/Users",
                "current_user": f"{base}/Users/{names.in_path(client.session.identity)}",
                "typing": f"{base}/Typing",
                "media_service": media,
                "media_set_service": f"{media}Set",
                "messages_receipts": f"{base}/Conversations/%s/Messages/%s/Receipts",
            },
            "sync_objects": {
                "my_user_info": names.user_info(client.user_sid),
                "my_conversations": names.user_channels(client.user_sid),
            },
            "options": {
                "reachability_enabled": service.reachability_enabled,
                "user_infos_to_subscribe": 100,
                "http_cache_interval": "PT5S",
                "consumption_report_interval": interval,
                "media_attachments_count_limit": 1,
                "media_attachment_size_limit_in_mb": call.here.media_size_mb,
                "media_attachments_total_size_limit_in_mb": call.here.media_size_mb,
                "email_histories_allowed_mime_types": [],
                "email_bodies_allowed_mime_types": [],
            },
        },
    )
