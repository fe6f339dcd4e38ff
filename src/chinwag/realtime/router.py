"""From an HTTP request inside the socket to the operation it names, by method and path alone.

The host is not looked at: an SDK that was told of nothing but our socket names the original's hosts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, TypeAlias
from urllib.parse import unquote

from chinwag.errors import ApiError, Kinds
from chinwag.realtime import following, registration, sync
from chinwag.realtime.chat import channel, configuration, invite, member, message, typing, user, user_channel
from chinwag.realtime.dialects import session_list, session_views

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from chinwag.realtime.call import Answer, Call

    Operation: TypeAlias = Callable[[Call], Awaitable[Answer]]


class Route(NamedTuple):
    """One row. A name in braces stands for a segment; one that ends with `…` for all that are left."""

    method: str
    path: str
    operation: Operation


_CHANNEL = "/Conversations/{channel}"
_MEMBER = _CHANNEL + "/Participants"
_MESSAGE = _CHANNEL + "/Messages"

_CHAT = (
    Route("GET", "/Configuration", configuration.configuration),
    Route("POST", "/Conversations", channel.create),
    Route("GET", "/Conversations", channel.page),
    Route("GET", _CHANNEL, channel.fetch),
    Route("POST", _CHANNEL, channel.update),
    Route("DELETE", _CHANNEL, channel.delete),
    Route("POST", _MEMBER, member.add),
    Route("POST", _MEMBER + "/{member…}", member.update),
    Route("DELETE", _MEMBER + "/{member…}", member.remove),
    Route("POST", _CHANNEL + "/Invites", invite.invite),
    Route("DELETE", _CHANNEL + "/Invites/{identity…}", invite.decline),
    Route("POST", _MESSAGE, message.send),
    Route("POST", _MESSAGE + "/{message}", message.update),
    Route("DELETE", _MESSAGE + "/{message}", message.remove),
    Route("GET", _MESSAGE + "/{message}/Receipts", message.receipts),
    Route("GET", "/MyConversations", user_channel.page),
    Route("GET", "/MyConversations/{channel}", user_channel.fetch),
    Route("POST", "/MyConversations/{channel}", user_channel.update),
    Route("GET", "/Users", user.page),
    Route("GET", "/Users/{user…}", user.fetch),
    Route("POST", "/Users/{user…}", user.update),
    Route("POST", "/Typing", typing.is_typing),
    Route("GET", "/PublicChannels", session_views.public_channels),
    Route("GET", "/PublicChannels/{channel}", session_views.public_channel),
    Route("GET", "/MyChannels", session_views.my_channels),
)

_SYNC = (
    Route("POST", "/v3/Lists", session_list.begin),
    Route("GET", "/v3/Lists/{list}/Context", session_list.context),
    Route("POST", "/v3/Lists/{list}/Items", session_list.command),
    Route("GET", "/v3/{kind}/{name}", sync.open_object),
    Route("GET", "/v3/{kind}/{name}/Items", sync.read_items),
    Route("GET", "/v3/{kind}/{name}/Items/{key}", sync.read_item),
    Route("POST", "/v4/Subscriptions", following.subscriptions),
)

_OTHER = (
    Route("POST", "/v1/typing", typing.is_typing),
    Route("POST", "/v1/registrations", registration.register),
    Route("DELETE", "/v1/registrations", registration.remove),
    Route("DELETE", "/v1/registrations/{registration}", registration.unregister),
)

ROUTES = (
    *(route._replace(path=f"/Client/{version}{route.path}") for version in ("v1", "v2") for route in _CHAT),
    *_SYNC,
    *_OTHER,
)
"""Every operation. Those of the chat API stand under both of its versions, which are the same here."""


@dataclass(slots=True)
class _Node:
    """What may follow a path."""

    words: dict[str, _Node] = field(default_factory=dict[str, "_Node"])
    any_word: _Node | None = None
    operations: dict[str, tuple[Operation, tuple[str, ...]]] = field(
        default_factory=dict[str, "tuple[Operation, tuple[str, ...]]"]
    )
    rest: bool = False


class Found(NamedTuple):
    """The operation that a request names, and what the names in its path stand for."""

    operation: Operation
    names: dict[str, str]


class Router:
    """Finds the operation of a request."""

    def __init__(self, routes: tuple[Route, ...] = ROUTES) -> None:
        self._root = _Node()
        for route in routes:
            self._add(route)

    def find(self, method: str, path: str) -> Found:
        """Return the operation of a request.

        Raises:
            ApiError: `NOT_FOUND`; `METHOD_NOT_ALLOWED`.
        """
        path = path.partition("?")[0]
        given: list[str] = []
        segments = path.removeprefix("/").split("/")
        node = _follow(self._root, method, segments, given)
        if node is None:
            known = _follow(self._root, None, segments, []) is not None
            raise ApiError(Kinds.METHOD_NOT_ALLOWED) if known else ApiError(Kinds.NOT_FOUND, path=path)
        operation, names = node.operations[method]
        return Found(operation, dict(zip(names, map(_decoded, given), strict=True)))

    def _add(self, route: Route) -> None:
        node, names = self._root, list[str]()
        for segment in route.path.removeprefix("/").split("/"):
            if segment.startswith("{"):
                node.any_word = node.any_word or _Node()
                node = node.any_word
                node.rest = segment.endswith("…}")
                names.append(segment.strip("{…}"))
            else:
                node = node.words.setdefault(segment, _Node())
        node.operations[route.method] = (route.operation, tuple(names))


def _follow(node: _Node, method: str | None, segments: list[str], given: list[str]) -> _Node | None:
    """Return where a path leads, and note what stands where routes have names; None when it leads nowhere.

    With a method, it must lead to one that has it.
    """
    if not segments:
        return node if method in node.operations or (method is None and node.operations) else None
    first, *others = segments
    if first in node.words and (found := _follow(node.words[first], method, others, given)) is not None:
        return found
    if node.any_word is None or not first:
        return None
    if node.any_word.rest:
        given.append("/".join(segments))
        others = []
    else:
        given.append(first)
    found = _follow(node.any_word, method, others, given)
    if found is None:
        given.pop()
    return found


def _decoded(segment: str) -> str:
    """Return a segment as text, decoded once. What is no text names nothing that can exist."""
    try:
        text = unquote(segment, errors="strict")
        text.encode()
    except UnicodeError:
        raise ApiError(Kinds.NOT_FOUND, path=segment.encode("ascii", "replace").decode()) from None
    if "\0" in text:
        raise ApiError(Kinds.NOT_FOUND, path="/")
    return text
