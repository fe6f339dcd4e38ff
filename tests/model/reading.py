"""Reading as applications do: lists in small pages, and one thing by each of its names."""

from __future__ import annotations

from enum import Enum
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from chinwag.domain import lookup
from chinwag.domain.channel import ChannelType
from chinwag.domain.message import MessageOrder
from chinwag.domain.paging import Cursor
from chinwag.errors import ApiError, Kinds
from model.kept import BOTH
from model.reference import NOT_FOUND
from model.values import IDENTITIES, of_service, one_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from chinwag.domain.caller import Caller
    from chinwag.domain.service import Service
    from chinwag.domain.unit import Reader
    from model.reference import Record, Reference

    Pages = Callable[[Cursor], Awaitable[list[Any] | None]]

LISTS = 10
"""How many lists `a_list` knows."""

NAMED = ("credentials", "roles", "users", "channels", "members", "invites", "messages", "webhooks")
"""What is looked up by a name."""

HIDDEN = {
    "id", "user_id", "channel_id", "next_index", "event_id", "messages_event_id", "roster_event_id",
    "info_event_id", "friendly_name_event_id", "attributes_event_id", "reachability_event_id",
    "channels_event_id", "created_event_id", "last_event_id",
}  # fmt: skip
"""What nobody outside sees of a record."""


async def walk_a_list(tx: Reader, caller: Caller, model: Reference, steps: int) -> None:
    """Read one list in small pages: onward to its end, and back from there."""
    turn, kind = divmod(steps, LISTS)
    pages, wanted = await a_list(tx, caller, model, kind, turn)
    key = "sid" if not wanted or "sid" in wanted[0] else "channel_sid"
    names = [record[key] for record in wanted]
    size = 1 + turn % 3

    assert [getattr(record, key) for record in await onward(pages, size, key)] == names
    if names:
        before = await back(pages, size, key, names[-1])
        assert [getattr(record, key) for record in before] == names[:-1]


async def look_one_up(tx: Reader, caller: Caller, stranger: Caller, model: Reference, steps: int) -> None:
    """Ask for one thing by each of its names, and then where and by whom it is not to be found."""
    turn, place = divmod(steps, len(NAMED))
    kind = NAMED[place]
    records = model.of_account(kind, caller.account_sid)
    if not records:
        return
    record = one_of(records, turn)
    show = getattr(model, f"show_{kind[:-1]}", lambda same: same)

    for key in _names_of(kind, record):
        assert shown(await named(tx, caller, kind, record, key)) == show(record)
    await _nowhere(named(tx, stranger, kind, record, record["sid"]))
    for service in model.services.values():
        if kind != "credentials" and service["sid"] != record["service_sid"]:
            await _nowhere(named(tx, caller, kind, {**record, "service_sid": service["sid"]}, record["sid"]))


async def onward(page: Callable[[Cursor], Awaitable[list[Any] | None]], size: int, key: str) -> list[Any]:
    """Read a list page by page, from its beginning."""
    found: list[Any] = []
    after: str | None = None
    while True:
        records = await page(Cursor(size=size, after=after)) or []
        found += records[:size]
        if len(records) <= size:
            return found
        after = getattr(found[-1], key)


async def back(
    page: Callable[[Cursor], Awaitable[list[Any] | None]], size: int, key: str, last: str
) -> list[Any]:
    """Read what a list has before a record, page by page, from its end."""
    found: list[Any] = []
    before = last
    while True:
        records = await page(Cursor(size=size, before=before)) or []
        found = [*records[-size:], *found]
        if len(records) <= size:
            return found
        before = getattr(found[0], key)


async def a_list(  # noqa: PLR0911  # one for each list
    tx: Reader, caller: Caller, model: Reference, kind: int, turn: int
) -> tuple[Pages, list[Record]]:
    """One of the lists, and what the model says is in it."""
    account, account_id = caller.account_sid, caller.account_id
    services = model.of_account("services", account)
    if kind == 0:
        return lambda cursor: tx.services.page(account_id, cursor), services
    if kind == 1:
        return lambda cursor: tx.credentials.page(account_id, cursor), model.of_account(
            "credentials", account
        )
    place = services[turn % 4 == 0 and -1]
    service = await lookup.service_named(tx, caller, place["sid"])
    users, channels = model.users_of(place), model.channels_of(place)
    if kind == 2 or not channels:
        roles = of_service(model.of_account("roles", account), service.sid)
        return lambda cursor: tx.roles.page(service, cursor), roles
    if kind == 3 or not users:
        return lambda cursor: tx.users.page(service, cursor), users
    if kind == 4:
        types = (BOTH, [ChannelType.PUBLIC], [ChannelType.PRIVATE])[turn % 3]
        filtered = [channel for channel in channels if channel["type"] in types]
        return lambda cursor: tx.channels.page(service, cursor, types), filtered
    if kind == 5:
        owner = one_of(users, turn)
        user = await lookup.user_named(tx, service, owner["sid"])
        return lambda cursor: tx.user_channels.page(service, user, cursor), model.user_channels_of(owner)
    return await _a_list_of_a_channel(tx, service, model, kind, turn)


async def _a_list_of_a_channel(
    tx: Reader, service: Service, model: Reference, kind: int, turn: int
) -> tuple[Pages, list[Record]]:
    place = one_of(model.channels_of(model.services[service.sid]), turn)
    channel = await lookup.channel_named(tx, service, place["sid"])
    if kind == 6:
        order = (MessageOrder.ASC, MessageOrder.DESC)[turn % 2]
        messages = model.messages_of(place)[:: -1 if turn % 2 else 1]
        return lambda cursor: tx.messages.page(service, channel, cursor, order), messages
    if kind == 7:
        return lambda cursor: tx.channel_webhooks.page(service, channel, cursor), model.webhooks_of(place)
    only = None if turn % 2 else list(IDENTITIES[::2])
    rows, wanted = (
        (tx.members, model.members_of(place)) if kind == 8 else (tx.invites, model.invites_of(place))
    )
    filtered = [record for record in wanted if only is None or record["identity"] in only]
    return lambda cursor: rows.page(service, channel, cursor, only), filtered


async def named(tx: Reader, caller: Caller, kind: str, record: Record, key: str) -> Any:
    """Look something up where the record says that it is."""
    if kind == "credentials":
        return await lookup.credential_named(tx, caller, key)
    service = await lookup.service_named(tx, caller, record["service_sid"])
    in_service = {
        "roles": lookup.role_named,
        "users": lookup.user_named,
        "channels": lookup.channel_named,
    }
    in_channel = {
        "members": lookup.member_named,
        "invites": lookup.invite_named,
        "messages": lookup.message_named,
        "webhooks": lookup.channel_webhook_named,
    }
    if kind in in_service:
        return await in_service[kind](tx, service, key)
    channel = await lookup.channel_named(tx, service, record["channel_sid"])
    return await in_channel[kind](tx, service, channel, key)


async def _nowhere(finding: Awaitable[Any]) -> None:
    with pytest.raises(ApiError) as refusal:
        await finding
    assert code_of(refusal.value) == NOT_FOUND


def _names_of(kind: str, record: Record) -> list[str]:
    name = {"users": "identity", "members": "identity", "channels": "unique_name"}.get(kind)
    if name is None:
        return [record["sid"]]
    return [record["sid"], record["sid"].upper(), *([record[name]] if record[name] else [])]


def code_of(error: ApiError) -> int:
    """The code as REST tells it: what a path names and is not there is 20404."""
    kind = error.kind
    in_path = kind.status is HTTPStatus.NOT_FOUND and kind is not Kinds.MEDIA_NOT_FOUND
    return NOT_FOUND if in_path else kind.code


def shown(value: Any) -> Any:
    """A record as a dictionary of what people can see of it."""
    if isinstance(value, msgspec.Struct):
        names = (name for name in value.__struct_fields__ if name not in HIDDEN)
        return {name: shown(getattr(value, name)) for name in names}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, list | tuple):
        return type(value)(shown(each) for each in value)
    if isinstance(value, dict):
        return {key: shown(each) for key, each in value.items()}
    return value
