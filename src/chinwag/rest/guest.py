"""Who is at the other end of a connection: whether it is a stranger, keeps us waiting, and may ask now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from chinwag import limits
from chinwag.logs import logger
from chinwag.rest.manners import ERROR, ROUTE

if TYPE_CHECKING:
    import asyncio

    from chinwag.rest.room import Room, Strangers

_log = logger()

_ALWAYS = frozenset({b"/healthz", b"/readyz", b"/metrics"})
"""What is answered however much there is to do: a balancer must not take an overloaded server for a dead
one, and its operator must see what goes on."""

_OF_ACCOUNTS = ("/v1/", "/v2/", "/chinwag/", "/media/")
"""How the routes begin that want to know who is calling."""


class TurnedAway:
    """In the place of uvicorn's cycle, when a request was answered without an application."""

    disconnected = False
    response_started = True
    response_complete = True

    class _Nobody:
        def set(self) -> None:
            """Wake nobody up: no application waits for the body."""

    message_event = _Nobody()


class GuestProtocol(HttpToolsProtocol):
    """uvicorn's protocol, with an eye on the client. One that leaves an answer unread is cut off."""

    room: ClassVar[Room]
    strangers: ClassVar[Strangers]

    parser: Any  # uvicorn has none any more once a connection is lost
    _bare: asyncio.Transport
    _unread: asyncio.TimerHandle | None = None
    _is_known = False

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self._is_read()
        self.room.left(self)
        self.strangers.left(self._bare)
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Wait for the client to read what it was sent."""
        super().pause_writing()
        self._unread = self.loop.call_later(limits.READER_SECONDS, self._is_not_read)
        self._note_who_waits()

    def resume_writing(self) -> None:
        """The client has read it."""
        self._is_read()
        self.room.goes_on(self)
        super().resume_writing()

    def listen_again(self) -> None:
        """Read the next request, after one was turned away."""
        if not self._bare.is_closing() and self._bare.get_protocol() is self:
            self.flow.resume_reading()

    def _note_who_waits(self) -> None:
        """Say whether a request is under way whose client does not read what it was sent."""
        if self._unread is not None and self.cycle and not self.cycle.response_complete:
            self.room.is_slow(self)
        else:
            self.room.goes_on(self)

    def _is_not_read(self) -> None:
        _log.info("cut off", peer=self.client, detail="the client does not read its answer")
        self._bare.abort()

    def _is_read(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _get_to_know(self) -> None:
        """Look whether the request that was answered has shown who is calling."""
        scope: Any = self.cycle.scope
        if scope.get(ROUTE, "").startswith(_OF_ACCOUNTS) and ERROR not in scope:
            self._is_known = True
            self.strangers.left(self._bare)
        elif not self._bare.is_closing():
            self.strangers.came(self._bare)

    def _is_one_too_many(self) -> bool:
        """Return whether there is no room for the request whose head is there.

        One that is answered behind another waits for it anyway. Preflights of browsers are answered: without
        that a page could not see any other answer.
        """
        return not (
            (self.cycle and not self.cycle.response_complete)
            or self.url.partition(b"?")[0] in _ALWAYS
            or self.parser.get_method() == b"OPTIONS"
            or not self.room.is_full(self.tasks)
        )
