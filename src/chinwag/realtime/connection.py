"""One client's side of Twilsock, without a socket: bytes in, what the client asks out; it awaits nothing.

The endpoint feeds `receive` and carries out what it returns; what is owed to the client gathers in
`data_to_send`. Source: sdk-wire.
"""

from __future__ import annotations

import secrets
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec
from msgspec import Struct

from chinwag.realtime.frames import JSON, FrameError, Header, HttpRequest, packet, packet_of

if TYPE_CHECKING:
    from chinwag.ids import Millis

WARNING_MS = 180_000
"""How long before its token expires a client is told, in milliseconds. Source: sdk-wire."""

SETTLING_MS = 2_000
"""How long after its login that is at the earliest, in milliseconds: SDKs before 6 do not listen at once.
It matters to tokens that do not live as long as the warning."""

CAPABILITIES = frozenset({"client_update"})
"""What we can do of what clients offer. Not `offline_storage`: browsers would keep items."""

_REGISTRATIONS = frozenset({"put_notification_ctx", "delete_notification_ctx"})

_OK = {"code": 200, "status": "OK"}
_encode = msgspec.json.Encoder().encode


class LogIn(Struct, frozen=True):
    """A client shows its token: the first on this connection, or (`update`) one in the place of another."""

    id: str
    token: str
    update: bool = False


class Ask(Struct, frozen=True):
    """A client sends an HTTP request."""

    id: str
    request: HttpRequest
    body: bytes
    form: bool = False


class Leave(Struct, frozen=True):
    """A client says that it is leaving."""


Asked: TypeAlias = LogIn | Ask | Leave


class ProtocolError(Exception):
    """The client does not speak the protocol. The text says what was wrong."""


class State(Enum):
    """How far a connection is."""

    NEW = "new"
    OPEN = "open"
    CLOSED = "closed"


class Connection:
    """The state of one connection."""

    def __init__(self) -> None:
        self.state = State.NEW
        self.expires: Millis = 0
        self._warns: Millis = 0
        self._warned = False
        self._owed: list[bytes] = []
        self._offered: frozenset[str] = frozenset()

    def receive(self, data: bytes) -> Asked | None:  # noqa: PLR0911  # one arm for each packet
        """Take a packet, and return what the client asks, if it asks for anything that is not done here.

        Raises:
            ProtocolError: it is no packet, or not one that may be sent now.
        """
        try:
            header, payload = packet_of(data)
        except FrameError as error:
            raise ProtocolError(str(error)) from None

        match self.state, header.method:
            case State.CLOSED, _:
                return None
            case _, "reply" | "telemetry.v1":
                return None
            case _, "close":
                self.state = State.CLOSED
                return Leave()
            case State.NEW, "init":
                self._offered = frozenset(header.capabilities or ())
                return LogIn(header.id, header.token or "")
            case State.OPEN, "update":
                return LogIn(header.id, header.token or "", update=True)
            case State.OPEN, "message" if header.http_request is not None:
                form = (header.payload_type or JSON).startswith("application/x-www-form-urlencoded")
                return Ask(header.id, header.http_request, payload, form)
            case State.OPEN, method if method in _REGISTRATIONS:
                self._reply(header.id)  # SDKs before 6 filter so; all want the same, and get it
                return None
            case State.NEW, _:
                raise ProtocolError(f"{header.method} before init")
            case _:
                raise ProtocolError(_unknown(header))

    def data_to_send(self) -> list[bytes]:
        """Return the packets that are owed to the client, each once."""
        owed, self._owed = self._owed, []
        return owed

    def logged_in(self, asked: LogIn, expires: Millis, now: Millis) -> None:
        """Answer a login, or another token: from now on it counts, until it expires."""
        self.state = State.OPEN
        self.expires = expires
        self._warns = max(expires - WARNING_MS, now + SETTLING_MS)
        self._warned = False
        if asked.update:
            self._reply(asked.id)
            return
        self._reply(
            asked.id,
            continuation_token=secrets.token_urlsafe(18),
            continuation_token_status={"reissued": False, "reissue_message": ""},
            capabilities=sorted(CAPABILITIES & self._offered),
        )

    def refused(
        self, asked: LogIn, *, status: int, reason: str, code: int, text: str, wait_ms: int | None = None
    ) -> None:
        """Answer a login with a refusal. A client that is refused closes the socket by itself.

        Args:
            asked: the login.
            status: as of HTTP; 401 and 403 are final, 429 and 5xx let the client try again.
            reason: its name.
            code: an error code; 20104 makes an SDK emit `tokenExpired`.
            text: for whoever looks at the error in the client.
            wait_ms: how long it shall wait before it tries again, in milliseconds.
        """
        refusal = {"code": status, "status": reason, "errorCode": code, "description": text}
        self._owed.append(packet({"method": "reply", "id": asked.id, "status": refusal}, _back_off(wait_ms)))

    def turned_away(self, data: bytes, *, status: int, reason: str) -> bool:
        """Refuse a registration that came beside a login, and return whether the packet is one.

        SDKs before 6 listen to nothing more once their login is refused. One that waits for the answer to a
        registration then waits for it behind its next login too, and never calls itself connected.
        Source: sdk-wire.
        """
        try:
            header, _ = packet_of(data)
        except FrameError:
            return False
        if header.method not in _REGISTRATIONS:
            return False
        self._reply(header.id, status={"code": status, "status": reason})
        return True

    def answer(
        self, asked: Ask, *, status: int, reason: str, headers: dict[str, str] | None, body: bytes
    ) -> None:
        """Answer an HTTP request. The packet's own status is 200, whatever that of HTTP is."""
        self._owed.append(
            packet(
                {
                    "method": "reply",
                    "id": asked.id,
                    "status": _OK,
                    "http_status": {"code": status, "status": reason},
                    "http_headers": headers or {},
                },
                body,
            )
        )

    def due(self) -> Millis:
        """Return the moment at which `tick` has something to do."""
        return self.expires if self._warned else min(self._warns, self.expires)

    def tick(self, now: Millis) -> bool:
        """Do what is due; return whether the token has expired, so that the connection must end.

        It ends without a `close` packet: an SDK that gets one as its token expires loses a token that the
        application gives it at that moment.
        """
        if self.state is not State.OPEN:
            return False
        if now >= self.expires:
            return True
        if not self._warned and now >= self._warns:
            self._warned = True
            warning = {"method": "client_update", "client_update_type": "token_about_to_expire"}
            self._owed.append(packet({**warning, "id": _new_id()}))
        return False

    def close(self, code: int, reason: str, *, wait_ms: int | None = None) -> None:
        """Tell the client that the session ends.

        Args:
            code: 308 lets it come back.
            reason: its name.
            wait_ms: how long it shall wait before that, in milliseconds.
        """
        self.state = State.CLOSED
        status = {"code": code, "status": reason}
        self._owed.append(packet({"method": "close", "id": _new_id(), "status": status}, _back_off(wait_ms)))

    def _reply(self, packet_id: str, **more: Any) -> None:  # noqa: ANN401  # JSON
        self._owed.append(packet({"method": "reply", "id": packet_id, "status": _OK} | more))


def _back_off(wait_ms: int | None) -> bytes:
    """Return the payload that makes an SDK wait before it comes again."""
    return b"" if wait_ms is None else _encode({"backoff_policy": {"reconnect_min_ms": wait_ms}})


def notification(message_type: str, payload: bytes) -> bytes:
    """Return a packet that tells of something. The same one may be sent to any number of clients."""
    return packet({"method": "notification", "id": _new_id(), "message_type": message_type}, payload)


_ids = secrets.randbits(64)


def _new_id() -> str:
    """Return an id for a packet of ours. Clients repeat it in their acknowledgements, which nobody needs."""
    global _ids  # noqa: PLW0603  # a counter
    _ids += 1
    return f"TM{_ids:x}"


def _unknown(header: Header) -> str:
    if header.method == "message":
        return "a message without http_request"
    return f"{header.method[:40]!r} is no method that may be sent now"
