"""What SDKs 3 and 4 may ask for in a session, each by the operation that later SDKs use. Source: sdk-wire."""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, cast

import msgspec

from chinwag.domain.items import Span
from chinwag.domain.lookup import channel_named, service_named
from chinwag.domain.rights import may_see
from chinwag.errors import ApiError, Kinds
from chinwag.logs import logger
from chinwag.realtime import names
from chinwag.realtime.call import text
from chinwag.realtime.chat import channel, invite, member, message, user, user_channel

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from chinwag.realtime.call import Answer, Call
    from chinwag.realtime.views import Json

_log = logger()

REPORTS = 100
"""Most read horizons in one report."""


async def response(call: Call, request: object) -> Json:
    """Carry out what an item asks, and return the answer that it is updated with."""
    try:
        asked = _object(request)
        action = _ACTIONS.get(str(asked.get("action")), _unknown)
        return {"status": 200, "statusText": "OK", **await action(call, asked)}
    except ApiError as error:
        return {"status": int(error.kind.status), "statusText": error.message, "code": error.kind.code}
    except Exception as error:  # noqa: BLE001  # an answer, whatever happened: without one the SDK waits for ever
        _log.error("request failed", path="session", exc_info=error)
        return {"status": int(HTTPStatus.INTERNAL_SERVER_ERROR), "statusText": Kinds.INTERNAL.text}


async def _unknown(_call: Call, asked: Json) -> Json:
    raise ApiError(Kinds.INVALID_BODY, f"{str(asked.get('action'))[:40]!r} is no action")


async def _create_channel(call: Call, asked: Json) -> Json:
    made = await _ask(call, channel.create, _fields(asked, _CHANNEL_FIELDS))
    return {"channelSid": made["sid"], "channel": names.channel(made["sid"])}


async def _join(call: Call, asked: Json) -> Json:
    await _ask(call, member.add, {}, channel=_sid(asked))
    return {}


async def _leave(call: Call, asked: Json) -> Json:
    await _ask(call, member.remove, {}, channel=_sid(asked), member=call.client.session.identity)
    return {}


async def _destroy(call: Call, asked: Json) -> Json:
    await _ask(call, channel.delete, {}, channel=_sid(asked))
    return {}


async def _decline(call: Call, asked: Json) -> Json:
    await _ask(call, invite.decline, {}, channel=_sid(asked), identity=call.client.session.identity)
    return {}


async def _add(call: Call, asked: Json) -> Json:
    await _ask(call, member.add, {"identity": asked.get("username")}, channel=_sid(asked))
    return {}


async def _invite(call: Call, asked: Json) -> Json:
    await _ask(call, invite.invite, {"identity": asked.get("username")}, channel=_sid(asked))
    return {}


async def _remove(call: Call, asked: Json) -> Json:
    who = str(asked.get("memberSid") or asked.get("username") or "")
    await _ask(call, member.remove, {}, channel=_sid(asked), member=who)
    return {}


async def _send(call: Call, asked: Json) -> Json:
    fields = {"text": "body", "mediaSid": "media_sid", "attributes": "attributes"}
    sent = await _ask(call, message.send, _fields(asked, fields), channel=_sid(asked))
    return {"messageId": sent["index"]}


async def _edit_message(call: Call, asked: Json) -> Json:
    body = _fields(asked, {"text": "body", "attributes": "attributes"})
    await _ask(call, message.update, body, channel=_sid(asked), message=await _message_sid(call, asked))
    return {}


async def _delete_message(call: Call, asked: Json) -> Json:
    await _ask(call, message.remove, {}, channel=_sid(asked), message=await _message_sid(call, asked))
    return {}


async def _edit_channel(call: Call, asked: Json) -> Json:
    await _ask(call, channel.update, _fields(asked, _CHANNEL_FIELDS), channel=_sid(asked))
    return {}


async def _edit_member(call: Call, asked: Json) -> Json:
    await _ask(
        call,
        member.update,
        _fields(asked, {"attributes": "attributes"}),
        channel=_sid(asked),
        member=str(asked.get("memberSid")),
    )
    return {}


async def _edit_user(call: Call, asked: Json) -> Json:
    fields = _fields(asked, {"attributes": "attributes", "friendlyName": "friendly_name"})
    identity = str(asked.get("username") or call.client.session.identity)
    await _ask(call, user.update, fields, user=identity)
    return {}


async def _mute(call: Call, asked: Json) -> Json:
    body = _fields(asked, {"notificationLevel": "notification_level"})
    await _ask(call, user_channel.update, body, channel=_sid(asked))
    return {}


async def _report(call: Call, asked: Json) -> Json:
    """Move read horizons. What cannot be moved is left out: the SDK would fail the whole report."""
    report: list[object] | None = asked.get("report")
    if not isinstance(report, list) or len(report) > REPORTS:
        raise ApiError(Kinds.INVALID_BODY, f"report is a list of at most {REPORTS}")
    done: list[Json] = []
    for one in map(_object, report):
        body = {"last_consumed_message_index": one.get("messageIdx")}
        moved = await _ask(call, user_channel.update, body, channel=_sid(one))
        done.append({"channelSid": _sid(one), "unreadMessagesCount": moved["unread_messages_count"]})
    return {"report": done}


_CHANNEL_FIELDS = {
    "friendlyName": "friendly_name",
    "uniqueName": "unique_name",
    "type": "type",
    "attributes": "attributes",
}

_ACTIONS: dict[str, Callable[[Call, Json], Awaitable[Json]]] = {
    "createChannel": _create_channel,
    "joinChannel": _join,
    "joinChannelV2": _join,
    "leaveChannel": _leave,
    "destroyChannel": _destroy,
    "declineInvitation": _decline,
    "addMember": _add,
    "addMemberV2": _add,
    "inviteMember": _invite,
    "removeMember": _remove,
    "sendMessage": _send,
    "sendMediaMessage": _send,
    "editMessage": _edit_message,
    "editMessageAttributes": _edit_message,
    "deleteMessage": _delete_message,
    "editAttributes": _edit_channel,
    "editFriendlyName": _edit_channel,
    "editUniqueName": _edit_channel,
    "editMemberAttributes": _edit_member,
    "editUserAttributes": _edit_user,
    "editUserFriendlyName": _edit_user,
    "editNotificationLevel": _mute,
    "consumptionReport": _report,
    "consumptionReportV2": _report,
}


async def _ask(
    call: Call, operation: Callable[[Call], Awaitable[Answer]], body: Json, **in_path: str
) -> Json:
    """Do what a later SDK would ask for with a request of its own."""
    try:
        encoded = msgspec.json.encode(body)
    except RecursionError:
        raise ApiError(Kinds.INVALID_BODY, "nested too deeply") from None
    found = {name: text(value, name) for name, value in in_path.items()}
    answer = await operation(replace(call, names=found, params={}, body=encoded, form=False))
    return answer.body or {}


def _object(value: object) -> Json:
    if not isinstance(value, dict):
        raise ApiError(Kinds.INVALID_BODY, "a request is an object")
    return cast("Json", value)


def _fields(asked: Json, renamed: dict[str, str]) -> Json:
    return {new: asked[old] for old, new in renamed.items() if old in asked}


def _sid(asked: Json) -> str:
    return text(str(asked.get("channelSid")), "channelSid")


async def _message_sid(call: Call, asked: Json) -> str:
    """Return the SID of the message that an index names."""
    index = str(asked.get("messageIdx"))
    if not index.isascii() or not index.isdigit() or len(index) > 18:  # noqa: PLR2004  # digits of 64 bits
        raise ApiError(Kinds.MESSAGE_NOT_FOUND)
    async with call.reading() as tx:
        service = await service_named(tx, call.caller, call.service_sid)
        channel = await channel_named(tx, service, _sid(asked))
        if not await may_see(tx, call.caller, service, channel):
            raise ApiError(Kinds.CHANNEL_NOT_FOUND)
        found = await tx.messages.slice(service, channel, Span(start=int(index), size=1))
    if not found.items or found.items[0].index != int(index):
        raise ApiError(Kinds.MESSAGE_NOT_FOUND)
    return found.items[0].sid
