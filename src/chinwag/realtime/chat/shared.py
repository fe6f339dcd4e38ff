"""What the operations of the chat API have in common: who asks, about what, and pages."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, TypeVar

from chinwag import limits
from chinwag.domain.lookup import channel_named
from chinwag.domain.paging import Cursor
from chinwag.domain.rights import may_see
from chinwag.errors import ApiError, Kinds
from chinwag.realtime import views
from chinwag.realtime.call import Answer
from chinwag.values import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from chinwag.domain.channel import Channel
    from chinwag.domain.service import Service
    from chinwag.domain.unit import Reader
    from chinwag.domain.user import User
    from chinwag.domain.user_channel import UserChannel
    from chinwag.realtime.call import Call

T = TypeVar("T")

PAGE = 50
"""Records on a page of channels or users."""

FRIENDLY_NAME = Text(limits.V2_FRIENDLY_NAME, Kinds.FRIENDLY_NAME_TOO_LONG)


async def caller_user(call: Call, tx: Reader, service: Service) -> User:
    """Return who asks.

    Raises:
        ApiError: `USER_NOT_FOUND` when the user was deleted meanwhile.
    """
    user = await tx.users.get(service, call.client.user_sid)
    if user is None:
        raise ApiError(Kinds.USER_NOT_FOUND)
    return user


async def channel_in_path(call: Call, tx: Reader, service: Service) -> Channel:
    """Return the channel that the path names, by SID or unique name, if the user may see it.

    Raises:
        ApiError: `CHANNEL_NOT_FOUND`.
    """
    return await visible_channel(call, tx, service, call.names["channel"])


async def visible_channel(call: Call, tx: Reader, service: Service, key: str) -> Channel:
    """Return a channel by SID or unique name, if the user may see it.

    Raises:
        ApiError: `CHANNEL_NOT_FOUND`.
    """
    channel = await channel_named(tx, service, key)
    if not await may_see(tx, call.caller, service, channel):
        raise ApiError(Kinds.CHANNEL_NOT_FOUND)
    return channel


def page_asked(call: Call) -> Cursor:
    """Return where a page begins. A token is the SID that the page begins behind, or ends before."""
    token = call.param("PageToken") or ""
    if token.startswith("PB"):
        return Cursor(size=PAGE, before=token[2:])
    return Cursor(size=PAGE, after=token[2:] or None)


def page_of(
    records: list[T], cursor: Cursor, by: Callable[[T], str]
) -> tuple[list[T], dict[str, str | None]]:
    """Return a page without the record that says there are more, and its tokens.

    Args:
        records: what was read.
        cursor: where it began.
        by: returns the SID that orders the records.
    """
    more = len(records) > cursor.size
    back = cursor.before is not None
    page = records if not more else records[1:] if back else records[:-1]
    has_previous = more if back else cursor.after is not None
    has_next = True if back else more
    return page, {
        "previous_token": f"PB{by(page[0])}" if page and has_previous else None,
        "next_token": f"PA{by(page[-1])}" if page and has_next else None,
    }


def list_of_channels(
    call: Call, shown: Iterable[tuple[Channel, UserChannel | None]], meta: dict[str, str | None]
) -> Answer:
    """Return a list of channels. SDKs before 5 look for `channels`, later ones for `conversations`."""
    return Answer(
        HTTPStatus.OK,
        {
            "conversations": [
                views.channel_resource(channel, mine, call.chat_base) for channel, mine in shown
            ],
            "meta": meta,
        },
    )
