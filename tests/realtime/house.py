"""The real-time side on a real store, without a network: requests are asked of the router itself."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote, urlsplit

import msgspec
from cryptography.fernet import Fernet

from chinwag.auth.access_token import AccessTokens
from chinwag.auth.secrets import Seal
from chinwag.broker.memory import MemoryBroker
from chinwag.commands import World
from chinwag.domain.service import CreateService, Limits
from chinwag.errors import ApiError
from chinwag.realtime.call import Call
from chinwag.realtime.realtime import Realtime
from domain.chat import Chat, a_chat
from realtime.parts import RecordingSocket, a_session

if TYPE_CHECKING:
    from chinwag.domain.events import AnyEvent
    from chinwag.domain.unit import Store
    from chinwag.realtime.client import Client

BASE = "https://chat.example.com"

_numbers = count(1)


class Answer(NamedTuple):
    """What a request came to."""

    status: int
    json: Any


@dataclass
class ToldChat(Chat):
    """A chat in which what happened is told."""

    broker: MemoryBroker = field(default_factory=MemoryBroker)

    async def told(self, command: Any, who: str | None = None) -> tuple[Any, list[AnyEvent]]:
        result, events = await super().told(command, who)
        self.broker.publish(events)
        return result, events


@dataclass
class Guest:
    """A client that has logged in."""

    client: Client
    socket: RecordingSocket
    house: House

    async def ask(self, method: str, path: str, body: object = None, **params: str | list[str]) -> Answer:
        """Send a request, with parameters that are not encoded yet."""
        encoded = {name: _encoded(value) for name, value in params.items()}
        data = body if isinstance(body, bytes) else b"" if body is None else msgspec.json.encode(body)
        try:
            operation, names = self.house.here.router.find(method, urlsplit(path).path)
            answer = await operation(Call(self.house.here, self.client, names, encoded, data))
        except ApiError as error:
            return Answer(int(error.kind.status), {"code": error.kind.code})
        if answer.then is not None:
            await answer.then()
        return Answer(int(answer.status), msgspec.json.decode(msgspec.json.encode(answer.body)))

    async def get(self, path: str, **params: str | list[str]) -> Answer:
        return await self.ask("GET", path, **params)

    async def follow(self, kind: str, sid: str, since: int | None = 0) -> None:
        """Ask to follow an object."""
        wanted = {"object_sid": sid, "object_type": kind, "last_event_id": since}
        answer = await self.ask(
            "POST", "/v4/Subscriptions", {"action": "establish", "correlation_id": 1, "requests": [wanted]}
        )
        assert answer.status == 200

    def told(self) -> list[Any]:
        """What it was told, as payloads, since somebody last asked."""
        self.house.here.outbox.flush()
        found = self.socket.payloads()
        self.socket.written = b""
        return found

    def leave(self, *, lost: bool = False) -> None:
        self.house.here.went(self.client, lost=lost)


def _encoded(value: str | list[str]) -> str | list[str]:
    return quote(value, safe="") if isinstance(value, str) else [quote(one, safe="") for one in value]


@dataclass
class House:
    """A service, and what clients of it share."""

    chat: ToldChat
    here: Realtime

    async def guest(self, identity: str = "alice", **changes: Any) -> Guest:
        """Let somebody in."""
        session = a_session(identity, **self._session() | changes)
        socket = RecordingSocket()
        client = await self.here.log_in(session, BASE, socket)
        self.here.came(client)
        return Guest(client, socket, self)

    def _session(self) -> dict[str, Any]:
        account = self.chat.account
        return {
            "account_id": account.account_id,
            "account_sid": account.account_sid,
            "service_sid": self.chat.service_sid,
        }


async def a_house(store: Store) -> House:
    """Open a house with a new account."""
    plain = await a_chat(store, _numbers)
    chat = ToldChat(plain.store, plain.account, plain.service_sid, plain.numbers)
    world = World(store=store, broker=chat.broker, now=lambda: chat.now, new_sid=chat.new_sid)
    tokens = AccessTokens(store, Seal(Fernet.generate_key().decode()), world.now)
    return House(chat, Realtime(world, tokens, asyncio.get_running_loop()))


async def another_service(house: House) -> House:
    """The same server, seen from another service of the same account."""
    limits = Limits(channel_members=250, user_channels=100)
    made = await house.chat.do(CreateService(friendly_name="Another", limits=limits))
    return House(replace(house.chat, service_sid=made.sid), house.here)
