"""How much a server takes on: requests at a time, and connections of strangers.

Whoever is overloaded must spend next to nothing on what it turns away, or turning away eats the rest
(docs/decisions/0013-what-is-too-much-is-turned-away.md). So both are bounds on numbers that are known
already, and what is turned away is neither authenticated, nor parsed, nor logged one by one.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from chinwag.errors import ApiError, Kinds
from chinwag.logs import logger
from chinwag.rest import envelope
from chinwag.rest.manners import manners, new_request_id

if TYPE_CHECKING:
    from asyncio import Transport
    from collections.abc import Collection

    from chinwag.rest.meters import Meters

_log = logger()

REST_SECONDS = 1.0
"""How long a connection is not listened to after a request of it was turned away, in seconds: no longer than
its client is told to wait."""

REFUSALS = 1000
"""Most refusals a second of connections that go on asking, or they would take what is there for others. When
more would be asked for, connections rest for longer."""

RETURNS = 250
"""Of those that are refused in a second, so many are told to come back after one, as many after two, and so
on: otherwise all of them would be back at once, and most of them be refused again."""

LONGEST_WAIT_SECONDS = 10
"""After how long everybody may come back."""

_TICK_SECONDS = 0.02

_ROUSED = int(REFUSALS * _TICK_SECONDS)
"""How many connections are listened to again at a time."""

SLOW_SECONDS = 1.0
"""How long a body may take to arrive before its request no longer counts, in seconds. Otherwise a few hundred
clients that begin requests and do not end them would keep everybody out."""

_LOG_SECONDS = 1.0


class Turned(Protocol):
    """A connection, of which a request was turned away."""

    def listen_again(self) -> None:
        """Read the next request."""
        ...


class Room:
    """Whether there is room for another request.

    Args:
        most: requests at a time. Those do not count that wait for their own client, who sends a body slowly
            or does not read an answer.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.turned_away = 0
        self._loop = loop = asyncio.get_running_loop()
        self._sending: dict[object, float] = {}
        self._slow: set[object] = set()
        self._ended = 0
        self._resting: OrderedDict[Turned, float] = OrderedDict()
        self._ticks = False
        self._lines = _Lines(loop, "overloaded: requests are refused")
        self._refusals = [_refusal(seconds) for seconds in range(1, LONGEST_WAIT_SECONDS + 1)]

    def is_full(self, under_way: Collection[object]) -> bool:
        """Return whether another request is one too many.

        Those are left aside that wait for their clients, or were answered in this turn of the event loop: all
        answers of a batch are, and some clients ask again before their tasks are over.
        """
        now = self._loop.time()
        while self._sending:
            connection, since = next(iter(self._sending.items()))
            if since > now - SLOW_SECONDS:
                break
            del self._sending[connection]
            self._slow.add(connection)
        return len(under_way) - len(self._slow) - self._ended >= self.most

    def ends(self) -> None:
        """Take note of a request that was answered. In the next turn of the event loop its task is over."""
        if not self._ended:
            self._loop.call_soon(self._forget_ended)
        self._ended += 1

    def _forget_ended(self) -> None:
        self._ended = 0

    def sends(self, connection: object) -> None:
        """Take note of a client that is sending the body of a request."""
        self._sending[connection] = self._loop.time()

    def is_slow(self, connection: object) -> None:
        """Take note of a client that does not read its answer."""
        self._slow.add(connection)

    def goes_on(self, connection: object) -> None:
        """Take note that a client does not keep us waiting any more."""
        self._sending.pop(connection, None)
        self._slow.discard(connection)

    def refusal(self, origin: bytes | None, *, last: bool) -> bytes:
        """Return the answer to a request that is turned away."""
        self.turned_away += 1
        before = self._lines.count()
        begins, ends = self._refusals[min(before // RETURNS, LONGEST_WAIT_SECONDS - 1)]
        close = b"connection: close\r\n" if last else b""
        return begins + close + manners(new_request_id(), origin) + ends

    def rest(self, connection: Turned) -> None:
        """Have a connection listen again in a while."""
        self._resting[connection] = self._loop.time() + REST_SECONDS
        if not self._ticks:
            self._ticks = True
            self._loop.call_later(_TICK_SECONDS, self._rouse)

    def left(self, connection: Turned) -> None:
        """Forget a connection that is over, or became a socket."""
        self.goes_on(connection)
        self._resting.pop(connection, None)

    def _rouse(self) -> None:
        now = self._loop.time()
        for _ in range(min(_ROUSED, len(self._resting))):
            connection, until = next(iter(self._resting.items()))
            if until > now:
                break
            del self._resting[connection]
            connection.listen_again()
        self._ticks = bool(self._resting)
        if self._ticks:
            self._loop.call_later(_TICK_SECONDS, self._rouse)


def _refusal(seconds: int) -> tuple[bytes, bytes]:
    """Return what a refusal begins with and what it ends with, between which some header lines stand."""
    text = "as many requests as the server takes are under way"
    error = ApiError(Kinds.UNAVAILABLE, text, retry_after=seconds)
    head, body = envelope.last_answer(error)
    lines = b"".join(b"%b: %b\r\n" % line for line in head if line[0] != b"connection")
    return STATUS_LINE[int(error.kind.status)] + lines, b"\r\n" + body


class Strangers:
    """The connections of which nobody knows whose they are, and on which nothing is being done.

    When another one comes and there are too many, the oldest is cut off: it has had the most time to say
    who it is, and a client in good faith needs little.

    Args:
        most: how many there may be.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.cut_off = 0
        self._waiting: OrderedDict[Transport, None] = OrderedDict()
        self._lines = _Lines(asyncio.get_running_loop(), "too many strangers: the oldest are cut off")

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._waiting)

    def came(self, transport: Transport) -> None:
        """Take note of a connection that may do nothing for ever."""
        self._waiting[transport] = None
        if len(self._waiting) > self.most:
            oldest, _ = self._waiting.popitem(last=False)
            oldest.abort()
            self.cut_off += 1
            self._lines.count()

    def left(self, transport: Transport) -> None:
        """Take note of one that does something, is known, or is over."""
        self._waiting.pop(transport, None)


@dataclass(frozen=True, slots=True)
class Entrance:
    """What a server lets in."""

    room: Room
    strangers: Strangers

    def watched(self, meters: Meters) -> None:
        """Have it measured."""
        room, strangers = self.room, self.strangers
        meters.count("chinwag_turned_away", "Requests there was no room for.", lambda: room.turned_away)
        meters.watch("chinwag_strangers", "Connections of nobody knows whom.", lambda: len(strangers))
        meters.count("chinwag_strangers_cut_off", "Those that were too many.", lambda: strangers.cut_off)


class _Lines:
    """A line of the log a second, however often something happens.

    Args:
        event: what happens.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, event: str) -> None:
        self._loop = loop
        self._event = event
        self._count = 0

    def count(self) -> int:
        """Count it, and return how often it happened before in this second."""
        before = self._count
        if not before:
            self._loop.call_later(_LOG_SECONDS, self._write)
        self._count = before + 1
        return before

    def _write(self) -> None:
        count, self._count = self._count, 0
        _log.warning(self._event, count=count)
