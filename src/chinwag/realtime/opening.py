"""Finding the object that a client names, and whether it may. What it may not see is not there."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from chinwag.domain.lookup import service_named
from chinwag.domain.rights import may_see
from chinwag.errors import ApiError, Kinds
from chinwag.ids import parse_sid
from chinwag.realtime import names
from chinwag.realtime.objects import ChannelDocument, Kind, MessageList, Roster, UserChannels, UserInfo

if TYPE_CHECKING:
    from collections.abc import Callable

    from chinwag.domain.caller import Caller
    from chinwag.domain.channel import Channel
    from chinwag.domain.service import Service
    from chinwag.domain.unit import Reader
    from chinwag.domain.user import User
    from chinwag.realtime.call import Call
    from chinwag.realtime.objects import Object


class HiddenError(ApiError):
    """The object is there, and the caller may not see it. To whoever asks for it, it is not there."""

    def __init__(self) -> None:
        super().__init__(Kinds.OBJECT_NOT_FOUND)


class Opening:
    """Finds objects for one caller, within one reading: a channel that three objects show is read once.

    Args:
        tx: the reading.
        caller: who asks.
        service: where.
        user_sid: of the caller.
        in_memory: returns the caller's object of a SID, if it is one that no store knows.
    """

    def __init__(
        self,
        tx: Reader,
        caller: Caller,
        service: Service,
        user_sid: str,
        in_memory: Callable[[str], Object | None],
    ) -> None:
        self._tx = tx
        self._in_memory = in_memory
        self._caller = caller
        self._service = service
        self._user_sid = user_sid
        self._channels: dict[str, Channel] = {}

    def forget(self) -> None:
        """Read everything anew from now on."""
        self._channels.clear()

    async def named(self, kind: Kind, name_or_sid: str) -> Object:
        """Return an object by its unique name or its SID.

        Raises:
            ApiError: `OBJECT_NOT_FOUND`, also when the caller may not see it.
        """
        parsed = names.parse_name(name_or_sid)
        if parsed is None:
            return await self.with_sid(kind, name_or_sid)
        match kind, parsed.suffix:
            case Kind.DOCUMENT, "channel":
                return ChannelDocument(self._service, await self._channel(parsed.sid))
            case Kind.LIST, "messages":
                return MessageList(self._service, await self._channel(parsed.sid))
            case Kind.MAP, "roster":
                return Roster(self._service, await self._channel(parsed.sid))
            case Kind.MAP, "info":
                return UserInfo(self._service, await self._user(parsed.sid))
            case Kind.MAP, "conversations" if parsed.sid == self._user_sid:
                return UserChannels(self._service, await self._user(parsed.sid))
            case _:
                raise ApiError(Kinds.OBJECT_NOT_FOUND)

    async def with_sid(self, kind: Kind, sid: str) -> Object:
        """Return an object by its SID.

        Raises:
            ApiError: `OBJECT_NOT_FOUND`, also when the caller may not see it.
        """
        if (found := self._in_memory(sid)) is not None:
            return found
        digits = sid[2:]
        match kind:
            case Kind.DOCUMENT if parse_sid("ET", sid) == sid:
                return ChannelDocument(self._service, await self._channel("CH" + digits))
            case Kind.LIST if parse_sid("ES", sid) == sid:
                return MessageList(self._service, await self._channel("CH" + digits))
            case Kind.MAP if parse_sid("MP", sid) == sid:
                return await self._map(sid)
            case _:
                raise ApiError(Kinds.OBJECT_NOT_FOUND)

    async def _map(self, sid: str) -> Object:
        if sid == names.user_channels_sid(self._user_sid):
            return UserChannels(self._service, await self._user(self._user_sid))
        if sid == names.user_info_sid(self._user_sid):
            return UserInfo(self._service, await self._user(self._user_sid))
        channel = await self._channel_if_any("CH" + sid[2:])
        if channel is not None:
            return Roster(self._service, channel)
        return UserInfo(self._service, await self._user("US" + sid[2:]))

    async def _channel(self, sid: str) -> Channel:
        channel = await self._channel_if_any(sid)
        if channel is None:
            raise ApiError(Kinds.OBJECT_NOT_FOUND)
        return channel

    async def _channel_if_any(self, sid: str) -> Channel | None:
        known = self._channels.get(sid)
        if known is not None:
            return known
        channel = await self._tx.channels.get(self._service, sid)
        if channel is None:
            return None
        if not await may_see(self._tx, self._caller, self._service, channel):
            raise HiddenError
        self._channels[channel.sid] = channel
        return channel

    async def _user(self, sid: str) -> User:
        user = await self._tx.users.get(self._service, sid)
        if user is None:
            raise ApiError(Kinds.OBJECT_NOT_FOUND)
        return user


async def opening_for(call: Call, tx: Reader) -> Opening:
    """Return what finds objects for whoever sent a request.

    Raises:
        ApiError: `SERVICE_NOT_FOUND`.
    """
    service = await service_named(tx, call.caller, call.service_sid)
    in_memory = partial(call.here.sessions.of, call.client)
    return Opening(tx, call.caller, service, call.client.user_sid, in_memory)
