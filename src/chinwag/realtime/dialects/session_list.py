"""Commands as items of a list: how SDKs 3 and 4 speak. Source: sdk-wire.

Such an SDK makes a private list, follows it, and waits until the list's *context* says who it is and where
everything is. A command is an item that it adds; the answer is that item, updated. A list lives in the memory
of this process: after a restart the SDK finds that it is gone and makes another.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from http import HTTPStatus
from typing import TYPE_CHECKING, cast

import msgspec

from chinwag.domain.lookup import service_named
from chinwag.errors import ApiError, Kinds
from chinwag.realtime import names
from chinwag.realtime.call import Answer
from chinwag.realtime.dialects import session_actions
from chinwag.realtime.envelopes import event
from chinwag.realtime.objects import Action, Change, Kind
from chinwag.realtime.telling import wire

if TYPE_CHECKING:
    from chinwag.domain.service import Service
    from chinwag.domain.unit import Reader
    from chinwag.realtime.call import Call
    from chinwag.realtime.client import Client
    from chinwag.realtime.hub import Hub
    from chinwag.realtime.views import Json

SESSIONS = 20_000
"""Most lists that are remembered. The one that was not used for longest is forgotten first."""

SESSIONS_OF_USER = 50
"""The same of one user: each device has one."""

CONTEXT_BYTES = 20 * 1024
"""Largest context, in bytes: SDKs before 3 put their token into it."""

ANSWERS = 100
"""Most answers of one list that are remembered, for a client that was away."""

ANSWERS_BYTES = 256 * 1024
"""Most bytes of them. The last one is remembered whatever its size."""

_CONTEXT_EVENT = 1
"""The event of the context. Clients are told that nothing has happened yet, so they take it for news."""


class SessionList:
    """The list of one session. An object that its user alone may follow.

    Args:
        user_sid: whose it is.
        context: what the SDK asked for when it made it.
        here: what the context says from the first event on.
    """

    kind = Kind.LIST

    def __init__(self, user_sid: str, context: Json, here: Json) -> None:
        self.sid = f"ES{secrets.token_hex(16)}"
        self.name = self.sid
        self.user_sid = user_sid
        self.asked = context
        self.context = {**context, **here}
        self.last_event_id = _CONTEXT_EVENT
        self._next_index = 0
        self._items: OrderedDict[int, tuple[Change, int]] = OrderedDict()
        self._bytes = 0

    async def again(self, tx: Reader) -> SessionList:  # noqa: ARG002
        """Return itself: there is no other truth."""
        return self

    async def changes(self, tx: Reader, since: int, most: int, known: int) -> list[Change]:  # noqa: ARG002
        """Return the context, if it is news, and the answers after an event."""
        context = Change(_CONTEXT_EVENT, Action.CONTEXT, "", self.context)
        return [change for change in (context, *self._answers()) if change.event_id > since][:most]

    def _answers(self) -> list[Change]:
        return [change for change, _ in self._items.values()]

    def add(self) -> tuple[int, int]:
        """Return the index and the event of a new item."""
        self.last_event_id += 1
        index = self._next_index
        self._next_index += 1
        return index, self.last_event_id

    def update(self, index: int, data: Json) -> Change:
        """Return that an item was updated."""
        self.last_event_id += 1
        change = Change(self.last_event_id, Action.UPDATED, index, data)
        size = len(msgspec.json.encode(data))
        self._items[index] = change, size
        self._bytes += size
        while len(self._items) > ANSWERS or (self._bytes > ANSWERS_BYTES and len(self._items) > 1):
            _, (_, forgotten) = self._items.popitem(last=False)
            self._bytes -= forgotten
        return change


class Sessions:
    """The lists of this process."""

    def __init__(self) -> None:
        self._lists: OrderedDict[str, SessionList] = OrderedDict()
        self._of_users: dict[str, OrderedDict[str, None]] = {}

    def add(self, session: SessionList) -> None:
        """Remember a list."""
        self._lists[session.sid] = session
        of_user = self._of_users.setdefault(session.user_sid, OrderedDict())
        of_user[session.sid] = None
        if len(of_user) > SESSIONS_OF_USER:
            self._forget(next(iter(of_user)))
        elif len(self._lists) > SESSIONS:
            self._forget(next(iter(self._lists)))

    def _forget(self, sid: str) -> None:
        forgotten = self._lists.pop(sid)
        of_user = self._of_users[forgotten.user_sid]
        del of_user[sid]
        if not of_user:
            del self._of_users[forgotten.user_sid]

    def of(self, client: Client, sid: str) -> SessionList | None:
        """Return a list of a client's user, or None."""
        found = self._lists.get(sid)
        if found is None or found.user_sid != client.user_sid:
            return None
        self._lists.move_to_end(sid)
        self._of_users[found.user_sid].move_to_end(sid)
        return found


async def begin(call: Call) -> Answer:
    """Make a list for a session."""
    asked = call.json().get("context")
    context = _kept(cast("Json", asked)) if isinstance(asked, dict) else {}
    if len(msgspec.json.encode(context)) > CONTEXT_BYTES:
        raise ApiError(Kinds.INVALID_BODY, f"a context has at most {CONTEXT_BYTES} bytes")
    async with call.reading() as tx:
        service = await service_named(tx, call.caller, call.service_sid)
    session = SessionList(call.client.user_sid, context, _whereabouts(call, service))
    call.here.sessions.add(session)
    url = f"{call.client.base}/v3/Lists/{session.sid}"
    return Answer(
        HTTPStatus.CREATED,
        {
            "sid": session.sid,
            "unique_name": None,
            "last_event_id": 0,
            "revision": "0",
            "account_sid": call.client.session.account_sid,
            "service_sid": call.service_sid,
            "url": url,
            "date_expires": None,
            "links": {"items": f"{url}/Items", "context": f"{url}/Context"},
        },
    )


async def context(call: Call) -> Answer:
    """Return the context of a session as it was when it began."""
    session = _session(call)
    return Answer(HTTPStatus.OK, {"data": session.asked, "last_event_id": 0, "revision": "0"})


async def command(call: Call) -> Answer:
    """Take a command, and carry it out once that was answered: before, the SDK does not know of its item."""
    session = _session(call)
    asked = call.json().get("data")
    if not isinstance(asked, dict):
        raise ApiError(Kinds.INVALID_BODY, "an item has data")
    item = cast("Json", asked)
    data, request = _kept(item), item.get("request")
    index, event_id = session.add()

    async def carry_out() -> None:
        response = await session_actions.response(call, request)
        change = session.update(index, {**data, "response": response})
        told = wire(event(Kind.LIST, session.sid, change))
        _tell(call.here.hub, session.sid, change.event_id, told)

    url = f"{call.client.base}/v3/Lists/{session.sid}/Items/{index}"
    item = {"index": index, "list_sid": session.sid, "url": url, "revision": "0", "last_event_id": event_id}
    return Answer(HTTPStatus.CREATED, {**item, "date_updated": None, "date_expires": None}, then=carry_out)


def _kept(given: Json) -> Json:
    """Return an object of a client's so that it can be sent back whatever is in it: nobody reads it here.

    Raises:
        ApiError: `INVALID_BODY`.
    """
    try:
        return {name: msgspec.Raw(msgspec.json.encode(value)) for name, value in given.items()}
    except RecursionError:
        raise ApiError(Kinds.INVALID_BODY, "nested too deeply") from None


def _tell(hub: Hub, sid: str, event_id: int, told: bytes) -> None:
    hub.tell(sid, event_id, told, whole=True)


def _session(call: Call) -> SessionList:
    session = call.here.sessions.of(call.client, call.names["list"])
    if session is None:
        raise ApiError(Kinds.LIST_NOT_FOUND)  # with this code an SDK makes another list, and asks again
    return session


def _whereabouts(call: Call, service: Service) -> Json:
    """Return who the user is, and where everything is: paths, except for media."""
    client = call.client
    here = "/Client/v1"
    return {
        "identity": client.session.identity,
        "userInfo": names.user_info(client.user_sid),
        "myChannels": names.user_channels(client.user_sid),
        "channels": f"{call.service_sid}.channels",
        "reachabilityEnabled": service.reachability_enabled,
        "links": {
            "publicChannelsUrl": f"{here}/PublicChannels",
            "myChannelsUrl": f"{here}/MyChannels",
            "typingUrl": f"{here}/Typing",
            "syncListUrl": f"{here}/MyChannels",
            "usersUrl": f"{here}/Users",
            "mediaServiceUrl": f"{client.base}/media/v1/Services/{call.service_sid}/Media",
        },
    }
