"""A service on a real server, and clients of it that speak through real sockets."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from support import twilsock
from support.keys import a_key
from support.sdk_client import Connection, SdkClient, access_token

if TYPE_CHECKING:
    from chinwag.settings import Settings
    from support.api import Api
    from support.keys import Key
    from support.twilsock import Packet

SECONDS = 10.0


@dataclass
class Place:
    """A service, who may sign tokens for it, and who came."""

    base: str
    settings: Settings
    api: Api
    key: Key
    service: dict[str, Any]
    _clients: list[SdkClient] = field(default_factory=list)
    _connections: list[Connection] = field(default_factory=list)

    @property
    def path(self) -> str:
        """Of the service, in the REST API."""
        return f"/v2/Services/{self.service['sid']}"

    def token(self, identity: str = "alice", *, ttl: int = 3600, key: Key | None = None) -> str:
        signer = key or self.key
        return access_token(
            identity,
            account_sid=self.api.account_sid,
            key_sid=signer.sid,
            secret=signer.secret,
            service_sid=self.service["sid"],
            ttl=ttl,
        )

    async def client(self, identity: str = "alice", **token: Any) -> SdkClient:
        """Let somebody in."""
        client = SdkClient(self.base, self.token(identity, **token), batching=0.0)
        self._clients.append(client)
        await client.connect()
        return client

    async def connection(self) -> Connection:
        """Open a socket that nobody has logged in on."""
        connection = await Connection.open(self.base, lambda _packet: None)
        self._connections.append(connection)
        return connection

    async def logged_in(self, identity: str = "alice", **token: Any) -> Connection:
        """Open a socket and log in."""
        connection = await self.connection()
        reply = await connection.ask({"method": "init", "token": self.token(identity, **token)})
        assert reply.header["status"]["code"] == 200, reply
        return connection

    async def role(self, kind: str, *permissions: str) -> str:
        """Make a role that may do just this, and return its SID."""
        role = await self.api.a_role(
            self.service, f"{kind} {len(permissions)}", Type=kind, Permission=list(permissions)
        )
        return role["sid"]

    async def close(self) -> None:
        for client in self._clients:
            await client.close()
        for connection in self._connections:
            connection.cut()
            await connection.closed()


async def a_place(api: Api, base: str, settings: Settings, **service: Any) -> Place:
    key = await a_key(settings, api.account_sid)
    return Place(base, settings, api, key, await api.a_service(**service))


async def closed(connection: Connection, seconds: float = SECONDS) -> None:
    """Wait until the server has closed a connection."""
    async with asyncio.timeout(seconds):
        await connection.closed()


def status(reply: Packet) -> int:
    """How a request inside the socket was answered."""
    assert reply.header["status"] == {"code": 200, "status": "OK"}, reply
    return reply.header["http_status"]["code"]


def request(method: str, path: str, **more: Any) -> dict[str, Any]:
    """The header of a request."""
    http = {"host": "x", "path": path, "method": method, "params": {}, "headers": {}, **more}
    return {"method": "message", "http_request": http, "payload_type": "application/json"}


def raw(data: bytes, opcode: int = twilsock.BINARY) -> bytes:
    """A WebSocket message that holds anything at all."""
    return twilsock.frame(opcode, data)
