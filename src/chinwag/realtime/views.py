"""What client SDKs see: items of Sync objects and resources of the chat API, from domain records.

Source: sdk-wire.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from chinwag.realtime import names
from chinwag.values import to_millisecond

if TYPE_CHECKING:
    from chinwag.domain.channel import Channel
    from chinwag.domain.media import Media
    from chinwag.domain.member import Member
    from chinwag.domain.message import Message
    from chinwag.domain.user import User
    from chinwag.domain.user_channel import UserChannel
    from chinwag.ids import Millis

Json: TypeAlias = dict[str, Any]


def moment(millis: Millis | None) -> str | None:
    """Return a moment as SDKs read it: milliseconds and `Z`."""
    return None if millis is None else to_millisecond(millis)


def channel_document(channel: Channel) -> Json:
    """Return the document of a channel. Without a message it has no `lastMessage`."""
    document: Json = {
        "sid": channel.sid,
        "type": channel.type,
        "friendlyName": channel.friendly_name,
        "uniqueName": channel.unique_name,
        "attributes": channel.attributes,
        "createdBy": channel.created_by,
        "dateCreated": moment(channel.date_created),
        "dateUpdated": moment(channel.date_updated),
        "messages": names.messages(channel.sid),
        "roster": names.roster(channel.sid),
    }
    if channel.last_message_index is not None:
        document["lastMessage"] = {
            "index": channel.last_message_index,
            "timestamp": moment(channel.last_message_date),
        }
    return document


def message_item(message: Message) -> Json:
    """Return an item of a message list."""
    item: Json = {
        "sid": message.sid,
        "author": message.author,
        "memberSid": message.member_sid,
        "text": message.body,
        "type": message.type,
        "attributes": message.attributes,
        "timestamp": moment(message.date_created),
        "dateUpdated": moment(message.date_updated),
        "lastUpdatedBy": message.last_updated_by,
    }
    if message.media is not None:
        item["media"] = _media(message.media)
        item["medias"] = [{**item["media"], "category": "media"}]
    return item


def _media(media: Media) -> Json:
    return {
        "sid": media.sid,
        "filename": media.filename,
        "contentType": media.content_type,
        "size": media.size,
    }


def member_item(member: Member, *, read_status: bool) -> Json:
    """Return an item of a roster. How far a member has read is told only where the service says so."""
    return {
        "identity": member.identity,
        "type": "chat",
        "roleSid": member.role_sid,
        "userInfo": names.user_info(member.user_sid),
        "lastConsumedMessageIndex": member.last_consumed_message_index if read_status else None,
        "lastConsumptionTimestamp": moment(member.last_consumption_timestamp) if read_status else None,
        "attributes": member.attributes,
        "dateCreated": moment(member.date_created),
        "dateUpdated": moment(member.date_updated),
    }


def user_channel_item(user_channel: UserChannel) -> Json:
    """Return an item of the map of a user's channels."""
    channel_sid = user_channel.channel_sid
    return {
        "status": user_channel.status,
        "channel": names.channel(channel_sid),
        "messages": names.messages(channel_sid),
        "roster": names.roster(channel_sid),
        "lastConsumedMessageIndex": user_channel.last_consumed_message_index,
        "notificationLevel": user_channel.notification_level,
    }


def user_info_item(user: User, key: str) -> Json:
    """Return an item of the info map of a user."""
    if key == names.FRIENDLY_NAME:
        return {"value": user.friendly_name}
    if key == names.ATTRIBUTES:
        return {"value": user.attributes}
    return {"online": bool(user.is_online), "notifiable": bool(user.is_notifiable)}


def channel_resource(channel: Channel, mine: UserChannel | None, base: str) -> Json:
    """Return a channel as the chat API shows it to a user.

    Args:
        channel: the channel.
        mine: how the user takes part in it, if so.
        base: of addresses, with the version: `https://chat.example.com/Client/v1`.
    """
    url = f"{base}/Conversations/{channel.sid}"
    horizon = mine.last_consumed_message_index if mine else None
    return {
        "sid": channel.sid,
        "conversation_sid": channel.sid,
        "unique_name": channel.unique_name,
        "friendly_name": channel.friendly_name,
        "attributes": channel.attributes,
        "type": channel.type,
        "created_by": channel.created_by,
        "date_created": moment(channel.date_created),
        "date_updated": moment(channel.date_updated),
        "messages_count": channel.messages_count,
        "participants_count": channel.members_count,
        "status": mine.status if mine else "notParticipating",
        "last_consumed_message_index": horizon,
        "last_read_message_index": horizon,
        "notification_level": mine.notification_level if mine else "default",
        "unread_messages_count": mine.unread_messages_count if mine else None,
        "url": url,
        "links": {
            "self": url,
            "messages": f"{url}/Messages",
            "participants": f"{url}/Participants",
            "invites": f"{url}/Invites",
        },
        "sync_objects": {
            "conversation": names.channel(channel.sid),
            "messages": names.messages(channel.sid),
            "roster": names.roster(channel.sid),
            "participants": names.roster(channel.sid),
        },
    }


def user_resource(user: User, base: str) -> Json:
    """Return a user as the chat API shows it. `base` is that of `channel_resource`."""
    return {
        "sid": user.sid,
        "identity": user.identity,
        "friendly_name": user.friendly_name,
        "attributes": user.attributes,
        "is_online": user.is_online,
        "is_notifiable": user.is_notifiable,
        "date_created": moment(user.date_created),
        "date_updated": moment(user.date_updated),
        "url": f"{base}/Users/{names.in_path(user.identity)}",
        "sync_unique_name": names.user_info(user.sid),
        "sync_objects": {"user_info_map": names.user_info(user.sid)},
    }
