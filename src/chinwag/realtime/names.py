"""Names and SIDs of Sync objects. They follow from those of the channel or user, so nothing is kept of them.

The suffixes of channels and rosters are wired into the SDKs. Source: sdk-wire.
"""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import quote

from chinwag.ids import parse_sid

FRIENDLY_NAME = "friendlyName"
ATTRIBUTES = "attributes"
REACHABILITY = "reachability"
INFO_KEYS = (ATTRIBUTES, FRIENDLY_NAME, REACHABILITY)
"""The keys of the info map of a user, in the order of keys."""

_OF_CHANNELS = 0xC4A7_5E1D_93B2_4F08_A6D1_7C3E_528B_F019
"""Tells the SID of the map of a user's channels from that of the user's info map. Any number would do."""


def channel(channel_sid: str) -> str:
    """Return the name of the document of a channel."""
    return f"{channel_sid}.channel"


def messages(channel_sid: str) -> str:
    """Return the name of the message list of a channel."""
    return f"{channel_sid}.messages"


def roster(channel_sid: str) -> str:
    """Return the name of the map of a channel's members."""
    return f"{channel_sid}.roster"


def user_info(user_sid: str) -> str:
    """Return the name of the info map of a user."""
    return f"{user_sid}.info"


def user_channels(user_sid: str) -> str:
    """Return the name of the map of a user's channels."""
    return f"{user_sid}.conversations"


def channel_sid(channel_sid: str) -> str:
    """Return the SID of the document of a channel."""
    return "ET" + channel_sid[2:]


def messages_sid(channel_sid: str) -> str:
    """Return the SID of the message list of a channel."""
    return "ES" + channel_sid[2:]


def roster_sid(channel_sid: str) -> str:
    """Return the SID of the roster of a channel."""
    return "MP" + channel_sid[2:]


def user_info_sid(user_sid: str) -> str:
    """Return the SID of the info map of a user."""
    return "MP" + user_sid[2:]


def user_channels_sid(user_sid: str) -> str:
    """Return the SID of the map of a user's channels."""
    return f"MP{int.from_bytes(bytes.fromhex(user_sid[2:])) ^ _OF_CHANNELS:032x}"


class Named(NamedTuple):
    """What the name of an object says: the channel or user it is about, and what it tells of that."""

    sid: str
    suffix: str


def parse_name(name: str) -> Named | None:
    """Return what a unique name says, or None."""
    sid, _, suffix = name.partition(".")
    prefix = "US" if suffix in {"info", "conversations"} else "CH"
    parsed = parse_sid(prefix, sid)
    return Named(parsed, suffix) if parsed else None


def in_path(text: str) -> str:
    """Return a text as one segment of a path."""
    return quote(text, safe="")
