"""Devices that want push notifications, as SDKs register them. Source: sdk-wire."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from chinwag.realtime.call import Answer

if TYPE_CHECKING:
    from chinwag.realtime.call import Call


async def register(call: Call) -> Answer:
    """Take note of nothing: this release sends no pushes, and an SDK that is refused asks for ever."""
    call.json()
    return Answer(HTTPStatus.CREATED, {"id": call.here.world.new_sid("BS")})


async def unregister(_call: Call) -> Answer:
    """Forget nothing."""
    return Answer(HTTPStatus.NO_CONTENT)


async def remove(_call: Call) -> Answer:
    """Forget nothing."""
    return Answer(HTTPStatus.NO_CONTENT)
