"""How clients hear that a member of their channel is typing. Source: sdk-wire."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from chinwag.realtime.connection import notification

if TYPE_CHECKING:
    from chinwag.domain.typing import Typing

TYPING = "twilio.ipmsg.typing_indicator"

LATENCY_S = 1
"""What is added to the time for which an indicator holds: the next one needs as long to arrive."""


def typing_indicator(typing: Typing) -> bytes:
    """Return the packet for the other members."""
    told = {
        "channel_sid": typing.channel_sid,
        "conversation_sid": typing.channel_sid,
        "identity": typing.identity,
        "participant_sid": typing.member_sid,
        "typing_timeout": typing.timeout_s + LATENCY_S,
    }
    return notification(TYPING, msgspec.json.encode(told))
