"""One connection of a client: from what comes out of its WebSocket to logins, requests and answers.

`protocol` owns the socket and calls `received`; nothing here waits for it, or reads from it.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import msgspec

from chinwag import limits
from chinwag.auth.token_refusal import TokenRefusedError
from chinwag.errors import ApiError, Kinds
from chinwag.logs import logger
from chinwag.realtime.call import Answer, Call
from chinwag.realtime.connection import Ask, Connection, Leave, LogIn, ProtocolError, State
from chinwag.realtime.frames import message
from chinwag.realtime.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from chinwag.auth.access_token import Session
    from chinwag.realtime.client import Client
    from chinwag.realtime.protocol import SocketProtocol
    from chinwag.realtime.realtime import Realtime

_log = logger()

DETAIL_HEADER = "chinwag-detail"
"""What else a developer should know of a refusal: the body has no room for it."""

MUTATION_HEADER = "x-twilio-mutation-id"
"""Names a change, in lower case. Source: sdk-wire."""

EVENTS_FIRST_SECONDS = 0.01
"""How long an answer waits behind the events of its own change, in seconds. An SDK takes note of an event
a turn of its loop later than of an answer: an application that sends a message and then reads the last one
would get the one before. Source: sdk-wire."""

IN_ORDER_SECONDS = 0.5
"""How long a change waits for the one before it, in seconds. Changes are made in order; but one that an
application is asked about, and that takes its time, does not hold up those that it is not asked about."""

CLOCK_SECONDS = 60.0
"""How often a connection looks at the clock at least, in seconds: a token ends by the clock. That may be set,
or be ahead of the timers of a machine that slept."""

BESIDE_SECONDS = 0.05
"""How long the first login that is refused waits for what was sent beside it, in seconds."""

BESIDE_BYTES = 16 * 1024
"""Of how much of that, in bytes. An SDK sends less than 1 KB."""

_BROKEN = 1002
"""The status with which a WebSocket is closed whose client does not speak the protocol."""

_GOODBYE = 1000
"""The status with which a WebSocket is closed whose client has said that it leaves."""

_OTHER_USER = Refusal(
    status=HTTPStatus.FORBIDDEN,
    code=20107,
    connection_code=None,
    text="Invalid grants",
    detail="a connection stays with the identity and the service that it began with",
)

_encode = msgspec.json.Encoder().encode


def error_body(error: ApiError) -> dict[str, Any]:
    """Return the body of a refusal, as SDKs expect it."""
    return {"status": int(error.kind.status), "code": error.kind.code, "message": error.message}


class SocketSession:
    """One connection, from its first packet to its last.

    Args:
        here: what it shares with others.
        base: of addresses, as the client reached us.
        address: from which the client comes.
        socket: where its bytes go.
    """

    def __init__(self, here: Realtime, base: str, address: str, socket: SocketProtocol) -> None:
        self._here = here
        self._base = base
        self._address = address
        self._socket = socket
        self._connection = Connection()
        self._client: Client | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._changes: deque[Ask] = deque()
        self._changing: asyncio.Task[None] | None = None
        self._logging_in = False
        self._listens_beside = False
        self._was_refused = False
        self._waiting: deque[bytes] = deque()
        self._left = False
        self._over = False

    def begin(self) -> None:
        """Wait for a login, for a while."""
        self._timer = asyncio.get_running_loop().call_later(limits.LOGIN_SECONDS, self._is_late)

    def received(self, data: bytes) -> None:
        """Take a packet. While a login is being looked at, or too much waits for answers, it waits."""
        if self._logging_in or self._waiting:
            self._waiting.append(data)
            if self._listens_beside and sum(map(len, self._waiting)) > BESIDE_BYTES:
                self._listens_beside = False
                self._socket.pause()
            return
        try:
            asked = self._connection.receive(data)
        except ProtocolError as error:
            _log.info("socket refused", error=str(error), identity=self._identity)
            self._connection.state = State.CLOSED
            self._close(_BROKEN, str(error))
            return
        self._write()
        match asked:
            case LogIn():
                self._logging_in = True
                self._socket.is_stranger(yes=False)
                self._socket.pause()
                self._start(self._log_in(asked))
            case Ask():
                self._take(asked)
            case Leave():
                self._left = True
                self._close(_GOODBYE, "")
            case None:
                pass

    def ended(self, *, lost: bool) -> None:
        """Let go of everything: the connection is over."""
        self._over = True
        self._waiting.clear()
        if self._timer is not None:
            self._timer.cancel()
        if self._client is not None:
            self._here.went(self._client, lost=lost and not self._left)

    def _close(self, code: int, reason: str) -> None:
        if self._client is not None:
            self._client.flush()  # nothing may follow the end
        self._socket.refuse(code, reason)

    def _take_what_waits(self) -> None:
        waiting, self._waiting = self._waiting, deque()
        while waiting and not self._over:
            self.received(waiting.popleft())
            if self._logging_in:
                self._waiting.extendleft(reversed(waiting))
                return

    @property
    def _identity(self) -> str | None:
        return self._client.session.identity if self._client else None

    async def _log_in(self, asked: LogIn) -> None:
        try:
            try:
                async with self._here.logins:
                    if self._over:
                        return
                    session, client = await self._session_of(asked.token)
            except TokenRefusedError as refusal:
                # Not before the place is free: who guesses must not keep others from logging in.
                await self._here.tokens.slow_down(refusal, self._address)
                raise
            if _user(session) != _user(client.session):
                await self._refuse(asked, _OTHER_USER)
                return
        except TokenRefusedError as refusal:
            await self._refuse(asked, Refusal.of_token(refusal))
        except ApiError as error:
            await self._refuse(asked, Refusal.of_error(error))
        except Exception as error:  # noqa: BLE001  # a mistake of ours: the client may try again
            _log.error("login failed", exc_info=error)
            await self._refuse(asked, Refusal.of_error(ApiError(Kinds.INTERNAL)))
        else:
            if not self._over:
                self._let_in(asked, client, session)
        finally:
            self._logging_in = False
            self._socket.is_stranger(yes=self._client is None)
            self._take_what_waits()

    async def _session_of(self, token: str) -> tuple[Session, Client]:
        """Return what a token says, and the client of this connection.

        Whoever ends the sessions of a revoked key does not see one that is beginning: it looks itself.
        """
        tokens = self._here.tokens
        while True:
            forgotten = tokens.forgotten
            session = await tokens.look_at(token)
            client = self._client or await self._here.log_in(session, self._base, self._socket)
            if tokens.forgotten == forgotten:
                return session, client

    def _let_in(self, asked: LogIn, client: Client, session: Session) -> None:
        client.session = session
        if self._client is None:
            self._client = client
            self._here.came(client)
            _log.info("login", identity=session.identity, service=session.service_sid, key=session.key_sid)
        self._connection.logged_in(asked, session.expires * 1000, self._here.world.now())
        self._write()
        self._schedule()

    async def _refuse(self, asked: LogIn, refusal: Refusal) -> None:
        """Refuse a login, and before the first one what was sent beside it: `Connection.turned_away`."""
        _log.info("login refused", identity=self._identity, **refusal.logged)
        if self._client is None and not self._was_refused:
            self._was_refused = True
            self._socket.is_stranger(yes=True)
            await self._turn_away_what_came_beside(refusal)
        self._connection.refused(asked, **refusal.told)
        self._write()

    async def _turn_away_what_came_beside(self, refusal: Refusal) -> None:
        if sum(map(len, self._waiting)) <= BESIDE_BYTES:
            self._listens_beside = True
            self._socket.resume()
            await asyncio.sleep(BESIDE_SECONDS)
            self._listens_beside = False
            self._socket.pause()
        status, reason = refusal.told["status"], refusal.told["reason"]
        while self._waiting and self._connection.turned_away(self._waiting[0], status=status, reason=reason):
            self._waiting.popleft()

    def _take(self, asked: Ask) -> None:
        """Answer a request: what changes something behind what came before it, and the rest at once.

        When too many wait, nothing more is read.
        """
        if asked.request.method == "GET":
            self._start(self._answer(asked))
        else:
            self._changes.append(asked)
            if self._changing is None:
                self._changing = self._start(self._answer_changes())
        if len(self._tasks) + len(self._changes) > limits.SOCKET_REQUESTS:
            self._socket.pause()

    async def _answer_changes(self) -> None:
        try:
            while self._changes:
                answering = self._start(self._answer(self._changes.popleft()))
                await asyncio.wait([answering], timeout=IN_ORDER_SECONDS)
                self._make_room()
        finally:
            self._changing = None

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._make_room()

    def _make_room(self) -> None:
        if not self._logging_in and len(self._tasks) + len(self._changes) <= limits.SOCKET_REQUESTS // 2:
            self._socket.resume()

    async def _answer(self, asked: Ask) -> None:
        client = self._client
        assert client is not None, "only who has logged in can ask"
        began = time.perf_counter()
        request = asked.request
        path = request.path.partition("?")[0]
        headers: dict[str, str] = {}
        problem: ApiError | None = None
        if request.method == "GET":
            await client.socket.room()  # an answer may be large: no more of them than are read
        else:
            client.told = False
        try:
            operation, names = self._here.router.find(request.method, path)
            mutation = _mutation(request.headers) if request.method == "POST" else None
            answer = await operation(
                Call(self._here, client, names, request.params or {}, asked.body, asked.form, mutation, path)
            )
            body = _body(answer)
        except ApiError as error:
            problem, answer = error, Answer(error.kind.status, error_body(error))
            body = _body(answer)
        except Exception as error:  # noqa: BLE001  # a mistake of ours: the client is answered all the same
            _log.error("request failed", method=request.method, path=path, exc_info=error)
            problem = ApiError(Kinds.INTERNAL)
            answer = Answer(problem.kind.status, error_body(problem))
            body = _body(answer)
        if problem is not None and problem.detail:
            headers[DETAIL_HEADER] = problem.detail[:500]
        if problem is not None and problem.retry_after is not None:
            headers["retry-after"] = str(problem.retry_after)

        reply = partial(
            self._reply,
            asked,
            status=int(answer.status),
            reason=answer.status.phrase.upper(),
            headers=headers,
            body=body,
        )
        if client.told and request.method != "GET" and answer.then is None:
            asyncio.get_running_loop().call_later(EVENTS_FIRST_SECONDS, reply)
        else:
            reply()
        _log.info(
            "socket request",
            identity=client.session.identity,
            method=request.method,
            path=path,
            status=int(answer.status),
            ms=round((time.perf_counter() - began) * 1000, 2),
            **(
                {"code": problem.kind.code, "error": problem.message, "detail": problem.detail}
                if problem
                else {}
            ),
        )
        if answer.then is not None:
            try:
                await answer.then()
            except Exception as error:  # noqa: BLE001  # what was answered is answered; the next request comes
                _log.error("request failed", method=request.method, path=path, exc_info=error)

    def _reply(self, asked: Ask, **answer: Any) -> None:  # noqa: ANN401  # of `Connection.answer`
        self._connection.answer(asked, **answer)
        self._write()

    def _write(self) -> None:
        """Send what the connection owes."""
        for packet in self._connection.data_to_send():
            if self._client is not None:
                self._client.answer(packet)
            else:
                self._socket.write(message(packet))

    def _schedule(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        wait = max(self._connection.due() - self._here.world.now(), 0) / 1000
        wait = min(wait, CLOCK_SECONDS)
        self._timer = asyncio.get_running_loop().call_later(wait, self._is_due)

    def _is_due(self) -> None:
        if self._connection.tick(self._here.world.now()):
            assert self._client is not None
            self._client.drop("its token has expired")
            return
        self._write()
        self._schedule()

    def _is_late(self) -> None:
        _log.info("socket dropped", reason=f"no login within {limits.LOGIN_SECONDS:.0f} s")
        self._socket.abort()


def _body(answer: Answer) -> bytes:
    return b"" if answer.body is None else _encode(answer.body)


def _mutation(headers: dict[str, str] | None) -> str | None:
    """Return what an SDK calls this one change, if it does. Source: sdk-wire."""
    for name, value in (headers or {}).items():
        if name.lower() == MUTATION_HEADER:
            return value
    return None


def _user(session: Session) -> tuple[str, str]:
    return session.service_sid, session.identity
