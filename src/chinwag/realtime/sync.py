"""Sync over the socket: opening objects, reading their items, following them. Source: sdk-wire."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from chinwag.domain.items import Slice, Span
from chinwag.errors import ApiError, Kinds
from chinwag.realtime.call import Answer
from chinwag.realtime.envelopes import descriptors
from chinwag.realtime.objects import ChannelDocument, Item, Kind, MessageList, Roster, UserChannels, UserInfo
from chinwag.realtime.opening import opening_for

if TYPE_CHECKING:
    from chinwag.domain.unit import Reader
    from chinwag.realtime.call import Call
    from chinwag.realtime.objects import Collection, Object
    from chinwag.realtime.views import Json

PAGE = 100
"""Most items on a page."""

_PATHS = {"Documents": Kind.DOCUMENT, "Lists": Kind.LIST, "Maps": Kind.MAP}


async def open_object(call: Call) -> Answer:
    """Return the descriptor of an object."""
    kind = _kind(call)
    async with call.reading() as tx:
        found = await (await opening_for(call, tx)).named(kind, call.names["name"])
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
        found = _collection(await (await opening_for(call, tx)).named(kind, call.names["name"]))
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
        found = _collection(await (await opening_for(call, tx)).named(kind, call.names["name"]))
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
