"""A server over HTTP/2 and TLS on this machine: it remembers what it is asked, and answers as is wanted."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import tempfile
import threading
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    PingAckReceived,
    RequestReceived,
    StreamEnded,
    StreamReset,
    WindowUpdated,
)
from h2.exceptions import H2Error
from h2.settings import SettingCodes, Settings
from hyperframe.frame import GoAwayFrame

from delivery.certificates import Issued, issue

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    Act = "Answer | Reset | Farewell | Hangup | Never"

PATIENCE_SECONDS = 20


@dataclass(frozen=True)
class Answer:
    """An answer; `body` is bytes, or something to be written as JSON. It comes after `seconds`."""

    status: int | str = 200
    body: object = b""
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0


@dataclass(frozen=True)
class Reset:
    """The request alone is broken off."""

    code: ErrorCodes = ErrorCodes.REFUSED_STREAM


@dataclass(frozen=True)
class Farewell:
    """GOAWAY: nothing after the stream `last`, or after this one, was read. `then` is how it goes on."""

    last: int | None = None
    then: Act | None = None


@dataclass(frozen=True)
class Hangup:
    """The connection is cut off."""


@dataclass(frozen=True)
class Never:
    """Nothing comes."""


@dataclass
class Asked:
    """A request. `connection` counts from 1."""

    connection: int
    stream: int
    path: str
    headers: dict[str, str]
    body: bytes = b""
    subject: dict[str, str] | None = None
    """Of the client's certificate."""


@dataclass
class Peer:
    """What it was asked, and how it answers.

    Args:
        answer: decides on each request, when it is whole.
        most_streams: at a time, of each connection.
        window: bytes that may come, of each request, before they are asked for.
        greets: whether it speaks HTTP/2 at all once a connection is there.
    """

    answer: Callable[[Asked], Act] = lambda _asked: Answer()
    most_streams: int = 1000
    window: int = 65535
    greets: bool = True
    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0
    most_at_once: int = 0
    resets: list[ErrorCodes | int] = field(default_factory=list)
    farewells: int = 0
    pongs: int = 0
    open: set[_Talk] = field(default_factory=set)
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    _telling: set[asyncio.Task[None]] = field(default_factory=set)

    async def until(self, true: Callable[[Peer], bool]) -> None:
        """Wait until something has come about."""
        async with self._changed:
            await asyncio.wait_for(self._changed.wait_for(lambda: true(self)), PATIENCE_SECONDS)

    async def heard(self, count: int) -> list[Asked]:
        """Wait until so many requests have come."""
        await self.until(lambda peer: len(peer.asked) >= count)
        return self.asked

    def changed(self) -> None:
        async def tell() -> None:
            async with self._changed:
                self._changed.notify_all()

        task = asyncio.get_running_loop().create_task(tell())
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)


@asynccontextmanager
async def a_peer(
    ca: Issued,
    *,
    clients: Issued | None = None,
    version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3,
    alpn: tuple[str, ...] = ("h2",),
    host: str = "127.0.0.1",
    port: int = 0,
    **more: Any,
) -> AsyncIterator[Peer]:
    """Start one.

    Args:
        ca: has issued the server's certificate.
        clients: has issued those of clients, which need one then.
        version: of TLS, the newest.
        alpn: the protocols that it offers.
        host: where it listens, and its name in `url`.
        port: 0 for a free one.
        more: how it answers: the arguments of `Peer`.
    """
    peer = Peer(**more)
    context = _context(issue(ca, hosts=("localhost", "127.0.0.1")), clients, version, alpn)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Talk(peer), host, port, ssl=context)
    peer.url = f"https://{host}:{server.sockets[0].getsockname()[1]}"
    try:
        yield peer
    finally:
        server.close()
        for talk in list(peer.open):
            talk.hang_up()
        await peer.until(lambda peer: not peer.open)
        await server.wait_closed()


@contextmanager
def a_strict_peer(ca: Issued, clients: Issued, version: ssl.TLSVersion) -> Iterator[str]:
    """Start a server that does nothing but look at certificates, and return its URL.

    It runs in a thread: servers of asyncio hang up on those whom they refuse, and do not say why.
    """
    context = _context(issue(ca, hosts=("localhost", "127.0.0.1")), clients, version, ("h2",))
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection, suppress(OSError):
                    context.wrap_socket(connection, server_side=True).close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"https://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)  # close alone would leave the thread waiting
        listener.close()
        thread.join()


class _Talk(asyncio.Protocol):
    """A connection.

    `is_deaf` when what comes is not read any more.
    """

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self._h2 = H2Connection(H2Configuration(client_side=False))
        self._h2.local_settings = Settings(
            client=False,
            initial_values={
                SettingCodes.MAX_CONCURRENT_STREAMS: peer.most_streams,
                SettingCodes.INITIAL_WINDOW_SIZE: peer.window,
            },
        )
        self._asked: dict[int, Asked] = {}
        self._rests: dict[int, bytes] = {}
        self.is_deaf = False

    def connection_made(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._subject = _subject(transport.get_extra_info("ssl_object"))
        self._peer.connections += 1
        self._number = self._peer.connections
        self._peer.open.add(self)
        self._peer.changed()
        if self._peer.greets:
            self._h2.initiate_connection()
            self._flush()

    def connection_lost(self, _error: Exception | None) -> None:
        self._peer.open.discard(self)
        self._peer.changed()

    def data_received(self, received: bytes) -> None:
        if self.is_deaf or not self._peer.greets:
            return
        try:
            events = self._h2.receive_data(received)
        except H2Error:
            self._flush()
            self.hang_up()
            return
        for event in events:
            self._take(event)
        self._flush()
        self._peer.changed()

    def say(self, frames: bytes) -> None:
        """Write what h2 would not, or what is not HTTP/2 at all."""
        self._transport.write(frames)

    def ping(self) -> None:
        self._h2.ping(b"12345678")
        self._flush()

    @property
    def begun(self) -> bool:
        """Whether there is a request that is not answered; it need not be whole."""
        return bool(self._asked)

    def answer_early(self, answer: Answer) -> None:
        """Answer what has begun."""
        for asked in list(self._asked.values()):
            self._answer(asked, answer)

    def hang_up(self) -> None:
        self._transport.abort()

    def _take(self, event: object) -> None:
        match event:
            case RequestReceived():
                headers = {name.decode(): value.decode() for name, value in event.headers}
                asked = Asked(self._number, event.stream_id, headers[":path"], headers, b"", self._subject)
                self._asked[event.stream_id] = asked
                self._peer.most_at_once = max(self._peer.most_at_once, len(self._asked))
            case DataReceived():
                self._asked[event.stream_id].body += event.data
                self._h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            case StreamEnded():
                asked = self._asked[event.stream_id]
                self._peer.asked.append(asked)
                self._act(asked, self._peer.answer(asked))
            case StreamReset():
                self._asked.pop(event.stream_id, None)
                self._rests.pop(event.stream_id, None)
                self._peer.resets.append(event.error_code)
            case WindowUpdated():
                for stream in list(self._rests):
                    self._send_rest(stream)
            case ConnectionTerminated():
                self._peer.farewells += 1
            case PingAckReceived():
                self._peer.pongs += 1

    def _act(self, asked: Asked, act: Act) -> None:
        match act:
            case Answer(seconds=0):
                self._answer(asked, act)
            case Answer():
                asyncio.get_running_loop().call_later(act.seconds, self._answer, asked, act)
            case Reset():
                del self._asked[asked.stream]
                self._h2.reset_stream(asked.stream, act.code)
            case Farewell():
                self._flush()
                frame = GoAwayFrame(0)  # by hand: h2 would say nothing more afterwards
                frame.last_stream_id = asked.stream if act.last is None else act.last
                self.say(frame.serialize())
                if act.then is not None:
                    self._act(asked, act.then)
            case Hangup():
                self.hang_up()
            case Never():
                pass

    def _answer(self, asked: Asked, act: Answer) -> None:
        if self._asked.pop(asked.stream, None) is None or self._transport.is_closing():
            return
        body = act.body if isinstance(act.body, bytes) else json.dumps(act.body).encode()
        headers = [(":status", str(act.status)), *act.headers.items()]
        self._h2.send_headers(asked.stream, headers, end_stream=not body)
        if body:
            self._rests[asked.stream] = body
            self._send_rest(asked.stream)
        self._flush()

    def _send_rest(self, stream: int) -> None:
        rest = self._rests.pop(stream)
        while rest:
            size = min(self._h2.local_flow_control_window(stream), self._h2.max_outbound_frame_size)
            if size <= 0:
                self._rests[stream] = rest
                return
            piece, rest = rest[:size], rest[size:]
            self._h2.send_data(stream, piece, end_stream=not rest)

    def _flush(self) -> None:
        if not self._transport.is_closing():
            self._transport.write(self._h2.data_to_send())


def _context(
    server: Issued, clients: Issued | None, version: ssl.TLSVersion, alpn: tuple[str, ...]
) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = version
    if alpn:
        context.set_alpn_protocols(list(alpn))
    if clients is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=clients.pem)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "server.pem"
        path.write_text(server.pem + server.key_pem)
        context.load_cert_chain(path)
    return context


def _subject(tls: ssl.SSLObject) -> dict[str, str] | None:
    found = tls.getpeercert()
    return {name: value for ((name, value),) in found["subject"]} if found else None
