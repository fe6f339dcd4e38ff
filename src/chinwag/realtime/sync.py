"""Sync over the socket: opening objects, reading their items, following them. Source: sdk-wire."""

from __future__ import annotations

import re
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from chinwag import limits
from chinwag.domain.items import Slice, Span
from chinwag.domain.lookup import service_named
from chinwag.errors import ApiError, Kinds
from chinwag.logs import logger
from chinwag.realtime.call import Answer
from chinwag.realtime.connection import notification
from chinwag.realtime.envelopes import descriptors, event
from chinwag.realtime.objects import ChannelDocument, Item, Kind, MessageList, Roster, UserChannels, UserInfo
from chinwag.realtime.opening import Opening
from chinwag.realtime.telling import SYNC

if TYPE_CHECKING:
    from chinwag.domain.unit import Reader
    from chinwag.realtime.call import Call
    from chinwag.realtime.client import Client
    from chinwag.realtime.hub import Subscription
    from chinwag.realtime.objects import Collection, Object
    from chinwag.realtime.views import Json

_log = logger()

PAGE = 100
"""Most items on a page."""

REPLAY = 200
"""Changes that are replayed before it is seen whether the client keeps up."""

DELIVERY_MS = 10_000
"""How long a client waits for the outcome of a subscription before it asks again, in milliseconds."""

BATCH = 100
"""Most objects in one request."""

_PATHS = {"Documents": Kind.DOCUMENT, "Lists": Kind.LIST, "Maps": Kind.MAP}

_encode = msgspec.json.Encoder().encode


class Wanted(Struct, frozen=True):
    """An object that a client wants to follow, or no longer."""

    object_sid: str
    object_type: str
    last_event_id: int | None = None


class Subscribe(Struct, frozen=True):
    """A batch of them. `correlation_id` comes back with every outcome."""

    action: str
    requests: list[Wanted]
    correlation_id: int | str | None = None


_subscribe = msgspec.json.Decoder(Subscribe).decode


async def open_object(call: Call) -> Answer:
    """Return the descriptor of an object."""
    kind = _kind(call)
    async with call.reading() as tx:
        found = await (await _opening(call, tx)).named(kind, call.names["name"])
    url = f"{call.client.base}/v3/{call.names['kind']}/{found.sid}"
    shown: Json = {
        "sid": found.sid,
        "unique_name": found.name,
        "last_event_id": found.last_event_id,
        "revision": str(found.last_event_id),
        "account_sid": call.client.session.account_sid,
        "service_sid": call.service_sid,
        "url": url,
        "date_expires": None,
        "links": {"permissions": f"{url}/Permissions"},
    }
    if isinstance(found, ChannelDocument):
        shown["data"] = found.data
        return Answer(HTTPStatus.OK, shown)
    shown["links"]["items"] = f"{url}/Items"
    if kind is Kind.LIST:
        shown["links"]["context"] = f"{url}/Context"
    if isinstance(found, UserInfo) and call.param("Include") == "items":
        async with call.reading() as tx:
            items = await found.slice(tx, Span(size=PAGE))
        shown["items"] = descriptors(items.items, found.sid, kind, url)
    return Answer(HTTPStatus.OK, shown)


async def read_items(call: Call) -> Answer:
    """Return a page of the items of a list or a map."""
    kind = _kind(call)
    async with call.reading() as tx:
        found = _collection(await (await _opening(call, tx)).named(kind, call.names["name"]))
        page = await _page(call, tx, found)
    url = f"{call.client.base}/v3/{call.names['kind']}/{found.sid}"
    return Answer(
        HTTPStatus.OK,
        {
            "items": descriptors(page.items, found.sid, kind, url),
            "meta": {
                "previous_token": _token("B", call, page.items[0].key)
                if page.items and page.before
                else None,
                "next_token": _token("A", call, page.items[-1].key) if page.items and page.after else None,
            },
        },
    )


async def read_item(call: Call) -> Answer:
    """Return one item."""
    kind = _kind(call)
    async with call.reading() as tx:
        found = _collection(await (await _opening(call, tx)).named(kind, call.names["name"]))
        page = await _exactly(tx, found, call.names["key"])
    if not page.items:
        raise ApiError(Kinds.OBJECT_NOT_FOUND)
    url = f"{call.client.base}/v3/{call.names['kind']}/{found.sid}"
    return Answer(HTTPStatus.OK, descriptors(page.items, found.sid, kind, url)[0])


def _collection(found: Object) -> Collection:
    if not isinstance(found, MessageList | Roster | UserChannels | UserInfo):
        raise ApiError(Kinds.OBJECT_NOT_FOUND, "it has no items")
    return found


async def _page(call: Call, tx: Reader, found: Collection) -> Slice[Item]:
    single = call.param("Key") if found.kind is Kind.MAP else call.param("Index")
    if single is not None:
        return await _exactly(tx, found, single)
    if call.param("PageToken") is not None:
        return await _from_token(call, tx, found)
    start = call.param("From")
    span = Span[Any](
        start=None if start is None else found.key(start),
        descending=_descending(call),
        size=_size(_asked(call, "PageSize")),
    )
    return await found.slice(tx, span)


async def _exactly(tx: Reader, found: Collection, text: str) -> Slice[Item]:
    """Return the one item with a key, if there is one, as a page of its own."""
    key = found.key(text)
    page = await found.slice(tx, Span[Any](start=key, size=1))
    return Slice([item for item in page.items if item.key == key], before=False, after=False)


async def _from_token(call: Call, tx: Reader, found: Collection) -> Slice[Item]:
    """Return the page behind or before an item that a token names."""
    token, _, text = (call.param("PageToken") or "").partition(".")
    back, key, size = token[:1] == "B", found.key(text), _size(_asked(call, "PageSize"))
    descending = _descending(call) is not back
    page = await found.slice(tx, Span[Any](start=key, descending=descending, size=size + 1))
    began_there = bool(page.items) and page.items[0].key == key
    items = page.items[1:] if began_there else page.items[:size]
    before, after = page.before or began_there, page.after or len(items) < len(page.items) - began_there
    if back:
        return Slice(items[::-1], before=after, after=before)
    return Slice(items, before, after)


def _token(way: str, call: Call, key: object) -> str:
    """Return a token for a neighbouring page. The browser builds send nothing beside it, so it holds all."""
    return f"{way}{'desc' if _descending(call) else 'asc'}{_size(_asked(call, 'PageSize'))}.{key}"


def _asked(call: Call, name: str) -> str | None:
    """Return the `Order` or the `PageSize` of a request, or of the one whose answer had its token."""
    token = re.match(r"[AB](asc|desc)([0-9]{1,3})\.", call.param("PageToken") or "")
    given = call.param(name)
    if token is None or given is not None:
        return given
    return token[1] if name == "Order" else token[2]


def _descending(call: Call) -> bool:
    return (_asked(call, "Order") or "asc").lower() == "desc"


def _size(text: str | None) -> int:
    if text is None or not text.isascii() or not text.isdigit():
        return PAGE // 2
    return max(1, min(int(text[:9]), PAGE))


def _kind(call: Call) -> Kind:
    kind = _PATHS.get(call.names["kind"])
    if kind is None:
        raise ApiError(Kinds.OBJECT_NOT_FOUND)
    return kind


async def _opening(call: Call, tx: Reader) -> Opening:
    service = await service_named(tx, call.caller, call.service_sid)
    client = call.client
    in_memory = partial(call.here.sessions.of, client)
    return Opening(tx, call.caller, service, client.user_sid, in_memory)


async def subscriptions(call: Call) -> Answer:
    """Begin, or end, to follow objects. The outcome of each comes as a notification."""
    try:
        asked = _subscribe(call.body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ApiError(Kinds.INVALID_BODY, str(error)) from None
    if len(asked.requests) > BATCH:
        raise ApiError(Kinds.INVALID_BODY, f"at most {BATCH} objects in one request")
    if asked.action == "cancel":
        for wanted in asked.requests:
            call.here.hub.unfollow(call.client, wanted.object_sid)
            _outcome(call.client, "subscription_canceled", wanted, asked.correlation_id)
    elif asked.action == "establish":
        await _establish(call, asked)
    else:
        raise ApiError(Kinds.INVALID_BODY, "action is establish or cancel")
    answer = {"max_batch_size": BATCH, "estimated_delivery_in_ms": DELIVERY_MS}
    return Answer(HTTPStatus.OK, answer)


async def _establish(call: Call, asked: Subscribe) -> None:
    """Catch a client up with every object it wants to follow, and let it follow from there."""
    hub, client = call.here.hub, call.client
    if client.gone:
        return
    followed = {
        wanted.object_sid: hub.follow(client, wanted.object_sid)
        for wanted in asked.requests
        if wanted.object_sid in client.following or len(client.following) < limits.SUBSCRIPTIONS
    }
    try:
        async with call.reading() as tx:
            opening = await _opening(call, tx)
            for wanted in asked.requests:
                subscription = followed.get(wanted.object_sid)
                if subscription is None:
                    refusal = ApiError(Kinds.TOO_MANY_SUBSCRIPTIONS)
                    _failure(client, wanted, asked.correlation_id, refusal)
                    continue
                if subscription.waiting is None:  # asked for twice in one request: begin again
                    subscription = followed[wanted.object_sid] = hub.follow(client, wanted.object_sid)
                try:
                    opening = await _catch_up(call, tx, opening, subscription, wanted, asked.correlation_id)
                except ApiError as error:
                    if subscription.stands:
                        hub.unfollow(client, wanted.object_sid)
                    _failure(client, wanted, asked.correlation_id, error)
    except BaseException:
        for subscription in followed.values():
            if subscription.stands and subscription.waiting is not None:
                hub.unfollow(client, subscription.topic.sid)
        raise


async def _catch_up(  # noqa: PLR0917  # as many as a catching up concerns
    call: Call,
    tx: Reader,
    opening: Opening,
    subscription: Subscription,
    wanted: Wanted,
    correlation_id: int | str | None,
) -> Opening:
    """Tell a client what it does not know of an object, and that it follows it from now on.

    Returns:
        What to find the next object with: another one, when what this one had read was out of date.
    """
    client = call.client
    kind = _kind_named(wanted.object_type)
    found = await opening.with_sid(kind, wanted.object_sid)
    last = _seen(wanted, found)
    while subscription.stands:
        if subscription.doubted:
            subscription.doubted = False
            opening = await _opening(call, tx)
            found = await opening.with_sid(kind, wanted.object_sid)
            continue
        changes = await found.changes(tx, last, REPLAY) if last < found.last_event_id else []
        if subscription.doubted or not subscription.stands:
            continue
        for change in changes:
            client.send(notification(SYNC, event(kind, found.sid, change, correlation_id=correlation_id)))
            last = change.event_id
        if len(changes) == REPLAY:
            await client.socket.room()
            continue
        last = max(last, found.last_event_id)
        if subscription.missed and subscription.waiting is not None:
            subscription.missed = False
            subscription.waiting.clear()
            opening = await _opening(call, tx)
            found = await opening.with_sid(kind, wanted.object_sid)
            continue
        told = {
            "object_sid": found.sid,
            "object_type": kind,
            "replay_status": "completed",
            "last_event_id": last,
        }
        _notify(client, "subscription_established", told, correlation_id)
        call.here.hub.caught_up(subscription, found, last)
        break
    return opening


def _seen(wanted: Wanted, found: Object) -> int:
    """Return the last event that a client has seen: what it says, within what there was.

    More it may say after a backup was restored, or to keep others from hearing of what is to come.
    """
    if wanted.last_event_id is None:
        return found.last_event_id
    return max(0, min(wanted.last_event_id, found.last_event_id))


def _kind_named(object_type: str) -> Kind:
    try:
        return Kind(object_type)
    except ValueError:
        raise ApiError(Kinds.OBJECT_NOT_FOUND) from None


def _failure(client: Client, wanted: Wanted, correlation_id: int | str | None, error: ApiError) -> None:
    told = {
        "object_sid": wanted.object_sid,
        "object_type": wanted.object_type,
        "error": {
            "status": int(error.kind.status),
            "code": error.kind.code,
            "message": error.message,
        },
    }
    _notify(client, "subscription_failed", told, correlation_id)


def _outcome(client: Client, event_type: str, wanted: Wanted, correlation_id: int | str | None) -> None:
    told = {"object_sid": wanted.object_sid, "object_type": wanted.object_type}
    _notify(client, event_type, told, correlation_id)


def _notify(client: Client, event_type: str, told: Json, correlation_id: int | str | None) -> None:
    payload = {"event_type": event_type, "correlation_id": correlation_id, "event": told}
    client.send(notification(SYNC, _encode(payload)))
