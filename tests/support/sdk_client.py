"""A client as small as it can be that behaves on the wire as the official JavaScript SDK does.

`Connection` is one socket. `SdkClient` outlives it: it follows objects, and when it connects again it goes on
from the last event that it has seen. It does not connect again by itself: a test says when. Source: sdk-wire.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import itertools
import time
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from urllib.parse import parse_qsl, quote, urlsplit

import msgspec

from support.sync import Collection, Document, SyncList, SyncMap, SyncObject
from support.twilsock import CLOSE, PONG, Packet, Reader, WireError, frame, opening, packet, packet_of

if TYPE_CHECKING:
    from collections.abc import Callable

REPLY_SECONDS = 30.0
"""How long an SDK waits for a reply, in seconds."""

BATCHING_SECONDS = 0.1
"""How long an SDK gathers what it wants to follow before it says so, in seconds."""

MOST_AT_ONCE = 100
"""How many objects an SDK asks for at once, unless the server says otherwise."""

PAGE_SIZE = 50

TYPING = "twilio.ipmsg.typing_indicator"
REPLAY = "twilio.sync.event"
MESSAGE_TYPES = [
    TYPING,
    REPLAY,
    "com.twilio.rtd.cds.document",
    "com.twilio.rtd.cds.list",
    "com.twilio.rtd.cds.map",
]

S = TypeVar("S", bound=SyncObject)

_encode = msgspec.json.Encoder().encode


def access_token(
    identity: str, *, account_sid: str, key_sid: str, secret: str, service_sid: str, ttl: int = 3600
) -> str:
    """Return a token as the helper libraries make it."""
    now = int(time.time())
    header = {"alg": "HS256", "cty": "twilio-fpa;v=1", "typ": "JWT"}
    claims = {
        "jti": f"{key_sid}-{now}",
        "iss": key_sid,
        "sub": account_sid,
        "nbf": now,
        "exp": now + ttl,
        "grants": {"identity": identity, "chat": {"service_sid": service_sid}},
    }
    signed = b".".join(_base64(_encode(part)) for part in (header, claims))
    return (signed + b"." + _base64(hmac.digest(secret.encode(), signed, hashlib.sha256))).decode()


def _base64(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


class DisconnectedError(Exception):
    """There is no connection, or it was lost before the reply."""


class LoginRefusedError(Exception):
    """The server does not take the token. `status` is what it said."""

    def __init__(self, status: dict[str, Any]) -> None:
        super().__init__(str(status))
        self.status = status


class RefusedError(Exception):
    """An object was not opened, or not read."""

    def __init__(self, what: str, answer: Answer) -> None:
        super().__init__(f"{what}: {answer}")
        self.answer = answer


class Answer(NamedTuple):
    """What a request inside the socket came to."""

    status: int
    json: Any
    headers: dict[str, str]


class Connection(asyncio.Protocol):
    """A WebSocket with packets on it.

    Args:
        told: takes every packet that is not a reply.
        lost: is told of it once it is closed, whoever did it.
    """

    def __init__(
        self, told: Callable[[Packet], None], lost: Callable[[Connection], None] = lambda _: None
    ) -> None:
        self._told = told
        self._lost = lost
        self._reader = Reader()
        self._replies: dict[str, asyncio.Future[Packet]] = {}
        self._ids = itertools.count()
        loop = asyncio.get_running_loop()
        self.opened: asyncio.Future[None] = loop.create_future()
        self._closed: asyncio.Future[None] = loop.create_future()
        self.failure: Exception | None = None
        self.close_code: int | None = None
        self.close_reason = ""

    @classmethod
    async def open(
        cls, base: str, told: Callable[[Packet], None], lost: Callable[[Connection], None] = lambda _: None
    ) -> Connection:
        """Open a WebSocket.

        Raises:
            DisconnectedError: nobody listens there, or it was closed at once.
            WireError: it was answered with something else.
        """
        address = urlsplit(base)
        loop = asyncio.get_running_loop()
        try:
            _, connection = await loop.create_connection(
                lambda: cls(told, lost), address.hostname, address.port
            )
            connection.transport.write(opening(address.netloc))
            await asyncio.wait_for(connection.opened, REPLY_SECONDS)
        except OSError as error:
            raise DisconnectedError(str(error)) from error
        return connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport: the loop calls this."""
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        """Take what came: the loop calls this."""
        try:
            for opcode, payload in self._reader.feed(data):
                match opcode:
                    case 0x2:
                        self._take(packet_of(payload))
                    case 0x9:
                        self.transport.write(frame(PONG, payload))
                    case 0x8:
                        self.close_code = int.from_bytes(payload[:2], "big")
                        self.close_reason = payload[2:].decode()
                        self.transport.write(frame(CLOSE, payload[:2]))
                        self.transport.close()
                    case 0xA:
                        pass
                    case 0:
                        self.opened.set_result(None)
                    case _:
                        raise WireError(f"an SDK ignores messages of opcode {opcode}: {payload[:60]!r}")  # noqa: TRY301
        except Exception as error:  # noqa: BLE001  # the loop would only log it
            self.failure = error
            if not self.opened.done():
                self.opened.set_exception(error)
            self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell everybody who waits: the loop calls this."""
        lost = DisconnectedError(f"disconnected: {exc or self.failure or self.close_reason or 'closed'}")
        waiting = [*self._replies.values(), self.opened]
        self._replies.clear()
        for future in waiting:
            if not future.done():
                future.set_exception(lost)
        if self.opened.done():
            self.opened.exception()
        self._closed.set_result(None)
        self._lost(self)

    async def ask(self, header: dict[str, Any], payload: bytes = b"") -> Packet:
        """Send a packet and return the reply.

        Raises:
            DisconnectedError: the connection was lost before it came.
        """
        number = f"TM{next(self._ids)}"
        reply: asyncio.Future[Packet] = asyncio.get_running_loop().create_future()
        if self.transport.is_closing():
            raise DisconnectedError("disconnected")
        self._replies[number] = reply
        self.transport.write(packet({**header, "id": number}, payload))
        try:
            return await asyncio.wait_for(reply, REPLY_SECONDS)
        finally:
            self._replies.pop(number, None)

    async def closed(self) -> None:
        """Wait until it is closed."""
        await asyncio.shield(self._closed)

    async def close(self) -> None:
        """Say goodbye, as an SDK that shuts down."""
        self.transport.write(packet({"method": "close", "id": f"TM{next(self._ids)}"}))
        self.transport.write(frame(CLOSE, (1000).to_bytes(2, "big")))
        self.transport.close()
        await self.closed()

    def cut(self) -> None:
        """Be gone without a word."""
        self.transport.abort()

    def _take(self, came: Packet) -> None:
        header = came.header
        if header["method"] == "reply":
            reply = self._replies.get(header["id"])
            if reply is not None and not reply.done():
                reply.set_result(came)
            return
        self.transport.write(
            packet(
                {
                    "id": header["id"],
                    "method": "reply",
                    "payload_type": "application/json",
                    "status": {"code": 200, "status": "OK"},
                }
            )
        )
        self._told(came)


class SdkClient:
    """A client with a memory.

    Args:
        base: the address of the server.
        token: to log in with.
        batching: seconds for which it gathers what it wants to follow.

    Attributes:
        notes: notifications that are about no object, such as typing, and hints about the token.
    """

    def __init__(self, base: str, token: str, *, batching: float = BATCHING_SECONDS) -> None:
        self.base = base
        self.token = token
        self.connection: Connection | None = None
        self.notes: list[Packet] = []
        self.most_at_once = MOST_AT_ONCE
        self._batching = batching
        self._continuation: str | None = None
        self._wanted: dict[str, _Intent] = {}
        self._said: dict[str, _Intent] = {}
        self._correlation = 0
        self._heard: dict[int, float] = {}
        self._persisting: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._asking = False
        self._settled: asyncio.Event = asyncio.Event()
        self._settled.set()

    @property
    def connected(self) -> bool:
        """Whether it is logged in."""
        return self.connection is not None

    async def connect(self) -> None:
        """Log in, and go on following what was followed.

        Raises:
            DisconnectedError: there is no server, or it hung up.
            LoginRefusedError: the token is refused.
        """
        connection = await Connection.open(self.base, self._told, self._lost)
        init = {
            "method": "init",
            "token": self.token,
            "continuation_token": self._continuation,
            "metadata": {"ver": "0.12.2", "env": "Node.js", "type": "chat", "sdk": "JS", "sdkv": "6.0.0"},
            "registrations": [
                {
                    "product": "ip_messaging",
                    "type": "ers",
                    "notification_protocol_version": 0,
                    "message_types": MESSAGE_TYPES,
                }
            ],
            "tweaks": None,
            "capabilities": ["client_update", "offline_storage", "telemetry.v1"],
        }
        reply = (await connection.ask(init)).header
        if reply["status"]["code"] != 200:
            connection.cut()
            raise LoginRefusedError(reply["status"])
        self._continuation = reply.get("continuation_token")
        if connection.transport.is_closing():
            raise DisconnectedError("disconnected")
        self.connection = connection
        self._said = {sid: intent for sid, intent in self._said.items() if intent.failed}
        for intent in self._wanted.values():
            intent.reset()
        self._persist()

    async def update_token(self, token: str) -> dict[str, Any]:
        """Replace the token and return the status that was answered."""
        reply = (await self._connected().ask({"method": "update", "token": token})).header
        if reply["status"]["code"] == 200:
            self.token = token
        return reply["status"]

    def cut(self) -> None:
        """Lose the connection without a word."""
        if self.connection is not None:
            connection, self.connection = self.connection, None
            connection.cut()
            self._forget_subscriptions()

    async def close(self) -> None:
        """Say goodbye. What it has seen is kept, and it may connect again."""
        if self.connection is not None:
            connection, self.connection = self.connection, None
            self._forget_subscriptions()
            await connection.close()
        self._stop_persisting()

    async def request(
        self,
        method: str,
        url: str,
        body: Any = None,
        *,
        params: dict[str, str | list[str]] | None = None,
        form: str | None = None,
    ) -> Answer:
        """Ask over the socket.

        Args:
            method: as in HTTP.
            url: a path, or a link of the server.
            body: goes as JSON.
            params: of the query, percent-encoded; those of the URL are added.
            form: goes as it is, instead of a body.

        Raises:
            DisconnectedError: the connection was lost, or there is none.
        """
        address = urlsplit(url)
        found: dict[str, str | list[str]] = dict(params or {})
        found |= {name: quote(value, safe="") for name, value in parse_qsl(address.query)}
        http: dict[str, Any] = {
            "host": address.netloc or urlsplit(self.base).netloc,
            "path": address.path,
            "method": method,
            "params": found,
            "headers": {},
        }
        header: dict[str, Any] = {"method": "message", "active_grant": "ip_messaging", "http_request": http}
        payload = b""
        if form is not None:
            payload, header["payload_type"] = form.encode(), "application/x-www-form-urlencoded"
        elif method != "GET":
            payload, header["payload_type"] = _encode(body), "application/json; charset=utf-8"
        reply = await self._connected().ask(header, payload)
        if reply.header["status"]["code"] != 200:
            raise WireError(f"{method} {url} has no HTTP answer: {reply.header}")
        status = reply.header["http_status"]["code"]
        return Answer(status, reply.payload, reply.header.get("http_headers", {}))

    async def document(self, name: str) -> Document:
        """Open a document by name or SID, and follow it."""
        return self._follow(Document(await self._descriptor(Document.path, name)))

    async def list(self, name: str, *, read: bool = True) -> SyncList:
        """Open a list, follow it, and read its items."""
        found = self._follow(SyncList(await self._descriptor(SyncList.path, name)))
        if read:
            await self.read(found)
        return found

    async def map(self, name: str, *, read: bool = True, with_items: bool = False) -> SyncMap:
        """Open a map, follow it, and read its items; `with_items` asks for them in the same answer."""
        params: dict[str, str | list[str]] = {"Include": "items"} if with_items else {}
        found = self._follow(SyncMap(await self._descriptor(SyncMap.path, name, params)))
        if read and not with_items:
            await self.read(found)
        return found

    async def read(self, collection: Collection, page_size: int = PAGE_SIZE) -> None:
        """Read all items, page by page."""
        params: dict[str, str | list[str]] = {
            "HideExpired": "true",
            "PageSize": str(page_size),
            "Order": "asc",
        }
        while True:
            page = await self.request("GET", collection.items_url, params=params)
            if page.status != 200:
                raise RefusedError(collection.items_url, page)
            items = page.json["items"]
            for item in items:
                collection.store(item)
            if not page.json["meta"]["next_token"]:
                return
            params["From"] = quote(str(items[-1][collection.key]), safe="")

    def unfollow(self, thing: SyncObject) -> None:
        """Follow it no longer."""
        intent = self._wanted.get(thing.sid)
        if intent is not None and intent.thing is thing:
            del self._wanted[thing.sid]
            self._persist()

    def settled(self) -> bool:
        """Return whether everything that it wants to follow is established, or refused."""
        return self.connected and all(
            intent.failed or (intent.established and self._said.get(sid) is intent)
            for sid, intent in self._wanted.items()
        )

    async def settle(self, seconds: float = REPLY_SECONDS) -> None:
        """Wait until everything is established, or refused."""
        async with asyncio.timeout(seconds):
            while not self.settled():
                self._settled.clear()
                await self._settled.wait()

    async def _descriptor(
        self, path: str, name: str, params: dict[str, str | list[str]] | None = None
    ) -> dict[str, Any]:
        answer = await self.request("GET", f"{path}/{quote(name, safe='')}", params=params)
        if answer.status != 200:
            raise RefusedError(name, answer)
        return answer.json

    def _follow(self, thing: S) -> S:
        self._said.pop(thing.sid, None)
        self._wanted[thing.sid] = _Intent(thing)
        self._persist()
        return thing

    def _connected(self) -> Connection:
        if self.connection is None:
            raise DisconnectedError("disconnected")
        return self.connection

    def _lost(self, connection: Connection) -> None:
        if self.connection is connection:
            self.connection = None
            self._forget_subscriptions()

    def _forget_subscriptions(self) -> None:
        for intent in self._wanted.values():
            intent.thing.lost()
        self._stop_persisting()
        self._settled.set()

    # What is wanted and what was said to the server are compared, a batch at a time, until they agree.

    def _persist(self) -> None:
        self._settled.set()
        if self._persisting is None and not self._asking:
            self._persisting = asyncio.get_running_loop().call_later(self._batching, self._persist_now)

    def _stop_persisting(self) -> None:
        if self._persisting is not None:
            self._persisting.cancel()
            self._persisting = None

    def _persist_now(self) -> None:
        self._persisting = None
        if self.connection is None:
            return
        missing = [i for sid, i in self._wanted.items() if sid not in self._said and not i.failed]
        surplus = [
            i
            for sid, i in self._said.items()
            if sid not in self._wanted and i.action != "cancel" and not i.failed
        ]
        action, batch = ("establish", missing) if missing else ("cancel", surplus)
        if batch:
            self._asking = True
            task = asyncio.ensure_future(self._say(action, batch[: self.most_at_once]))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _say(self, action: str, batch: list[_Intent]) -> None:
        connection = self.connection
        self._correlation = correlation = max(self._correlation + 1, int(time.time() * 1000))
        requests: list[dict[str, Any]] = []
        for intent in batch:
            intent.action, intent.correlation = action, correlation
            request: dict[str, Any] = {"object_sid": intent.thing.sid, "object_type": intent.thing.kind}
            if action == "establish":
                self._said[intent.thing.sid] = intent
                request["last_event_id"] = intent.thing.asks()
            requests.append(request)
        body = {
            "event_protocol_version": 4,
            "action": action,
            "correlation_id": correlation,
            "retried_requests": sum(intent.retries > 0 for intent in batch),
            "ttl_in_s": -1,
            "requests": requests,
        }
        try:
            answer = await self.request("POST", "/v4/Subscriptions", body)
        except DisconnectedError:
            return
        finally:
            self._asking = False
        if self.connection is not connection:
            self._persist()
            return
        if answer.status != 200:
            for intent in batch:
                intent.reset()
                if action == "establish":
                    self._said.pop(intent.thing.sid, None)
            self._persist()
            return
        self.most_at_once = answer.json.get("max_batch_size") or self.most_at_once
        if action == "establish":
            patience = answer.json["estimated_delivery_in_ms"] / 1000
            asyncio.get_running_loop().call_later(
                patience, self._see_that_it_came, correlation, patience, batch
            )
        self._persist()

    def _see_that_it_came(self, correlation: int, patience: float, batch: list[_Intent]) -> None:
        """Ask again if nothing came for so long."""
        waiting = [intent for intent in batch if intent.correlation == correlation]
        if not waiting or self.connection is None:
            self._heard.pop(correlation, None)
            return
        silence = time.monotonic() - self._heard.get(correlation, -patience)
        if silence < patience:
            asyncio.get_running_loop().call_later(
                patience - silence, self._see_that_it_came, correlation, patience, batch
            )
            return
        for intent in waiting:
            intent.reset()
            intent.retries += 1
            self._said.pop(intent.thing.sid, None)
        self._persist()

    def _told(self, came: Packet) -> None:
        message_type = came.header.get("message_type", "")
        if came.header["method"] != "notification" or message_type not in MESSAGE_TYPES[1:]:
            self.notes.append(came)
            return
        event_type, correlation = came.payload["event_type"], came.payload.get("correlation_id")
        if correlation is not None:
            self._heard[correlation] = time.monotonic()
        events = came.payload.get("events") or [came.payload["event"]]
        for event in events:
            if event_type.startswith("subscription_"):
                self._outcome(event_type.removeprefix("subscription_"), correlation, event)
                continue
            kind = event_type.partition("_")[0]
            intent = self._wanted.get(event[f"{kind}_sid"])
            if intent is not None:
                intent.thing.take(event_type, event, replayed=message_type == REPLAY)
                if intent.thing.removed:
                    self.unfollow(intent.thing)

    def _outcome(self, outcome: str, correlation: int | None, event: dict[str, Any]) -> None:
        sid = event["object_sid"]
        intent = self._said.get(sid)
        if intent is None or intent.correlation != correlation:
            return  # too late
        intent.action = intent.correlation = None
        match outcome:
            case "established" if event["replay_status"] == "completed":
                intent.established = True
                intent.thing.established(event["last_event_id"])
            case "established":
                self._said.pop(sid)
            case "canceled":
                self._said.pop(sid)
            case _:
                intent.failed = True
                intent.thing.failed(event["error"])
                if intent.thing.removed:
                    self._wanted.pop(sid, None)
        self._persist()


class _Intent:
    """That an object is to be followed, and how far that has come."""

    def __init__(self, thing: SyncObject) -> None:
        self.thing = thing
        self.action: str | None = None
        self.correlation: int | None = None
        self.established = False
        self.failed = False
        self.retries = 0

    def reset(self) -> None:
        self.action = self.correlation = None
        self.established = False
