"""The words of pushes: a template of the service, with its variables filled in.

Source: push-configuration.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from chinwag import limits
from chinwag.domain.push import PushKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chinwag.domain.channel import Channel
    from chinwag.domain.message import Message
    from chinwag.domain.service import Service
    from chinwag.domain.user import User

DEFAULT_TEMPLATES: dict[PushKind, str] = {
    PushKind.NEW_MESSAGE: "${CHANNEL}:${USER}: ${MESSAGE}",
    PushKind.ADDED_TO_CHANNEL: "You have been added to the channel ${CHANNEL} by ${USER}",
    PushKind.INVITED_TO_CHANNEL: "You have been invited to the channel ${CHANNEL} by ${USER}",
    PushKind.REMOVED_FROM_CHANNEL: "${USER} has removed you from the channel ${CHANNEL}",
}
"""What is said where a service has no template of its own."""

_VARIABLE = re.compile(r"\$\{([A-Z_]+)\}")


def filled(template: str, variables: Mapping[str, str]) -> str:
    """Return a template with its variables filled in, cut to length.

    Names that mean nothing stay as they are, and so does what looks like a variable in a value.
    """
    text = _VARIABLE.sub(lambda found: variables.get(found[1], found[0]), template)
    return text[: limits.PUSH_TEXT]


def variables(
    service: Service, channel: Channel, author: str, user: User | None, message: Message | None
) -> dict[str, str]:
    """Return what a template may speak of.

    Args:
        service: whose template it is.
        channel: where it happened.
        author: the identity of whoever caused it.
        user: that user, if it is one.
        message: what was said, if that is what happened.
    """
    by_name = (user.friendly_name if user else None) or author
    values = {
        "USER": by_name,
        "USER_FRIENDLY_NAME": by_name,
        "USER_IDENTITY": author,
        "USER_SID": user.sid if user else author,
        "CHANNEL": channel.unique_name or channel.friendly_name or channel.sid,
        "CHANNEL_UNIQUE_NAME": channel.unique_name or channel.friendly_name or channel.sid,
        "CHANNEL_FRIENDLY_NAME": title(channel),
        "CHANNEL_SID": channel.sid,
    }
    if message is not None:
        values["MESSAGE"] = message.body or (service.media_compatibility_message if message.media else "")
    return values


def title(channel: Channel) -> str:
    """Return what a channel is called."""
    return channel.friendly_name or channel.unique_name or channel.sid
