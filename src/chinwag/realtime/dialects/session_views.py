"""Lists of channels as SDKs 3 and 4 read them. Source: sdk-wire."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chinwag.realtime import names
from chinwag.realtime.call import Answer
from chinwag.realtime.chat import channel, user_channel

if TYPE_CHECKING:
    from chinwag.realtime.call import Call
    from chinwag.realtime.views import Json


async def public_channels(call: Call) -> Answer:
    """List the public channels of the service, oldest first."""
    answer = await channel.page(call)
    return _with_channels(answer, [_entry(shown) for shown in answer.body["conversations"]])


async def public_channel(call: Call) -> Answer:
    """Return a channel that the user may see, by SID or unique name."""
    found = await channel.fetch(call)
    return Answer(found.status, _entry(found.body))


async def my_channels(call: Call) -> Answer:
    """List the channels that the user is in or invited to, oldest first; or one of them."""
    one = call.param("ChannelSid")
    if one is not None:
        return await _my_channel(call, one)
    answer = await user_channel.page(call)
    return _with_channels(answer, [_mine(shown) for shown in answer.body["conversations"]])


async def _my_channel(call: Call, channel_sid: str) -> Answer:
    call.names["channel"] = channel_sid
    found = await user_channel.fetch(call)
    answer = Answer(found.status, {"meta": {"previous_token": None, "next_token": None}})
    return _with_channels(answer, [_mine(found.body)])


def _with_channels(answer: Answer, channels: list[Json]) -> Answer:
    body: dict[str, Any] = answer.body
    return Answer(answer.status, {"channels": channels, "meta": body["meta"]})


def _entry(shown: Json) -> Json:
    sid: str = shown["sid"]
    return {
        **shown,
        "channel_sid": sid,
        "channel": names.channel(sid),
        "messages": names.messages(sid),
        "roster": names.roster(sid),
        "members_count": shown["participants_count"],
    }


def _mine(shown: Json) -> Json:
    """Return an entry of the user's own channels: one with a `sid` passes for a public one."""
    entry = _entry(shown)
    del entry["sid"]
    return entry
