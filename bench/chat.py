"""What is asked of a server, as an application would: over HTTP, with forms."""

from __future__ import annotations

import base64
import http.client
import socket
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from bench.targets import ACCOUNT_SID, AUTH_TOKEN, KEY_SECRET, KEY_SID
from support.sdk_client import access_token

if TYPE_CHECKING:
    from bench.targets import Target

SERVICE = "FriendlyName=Support+desk"
CHANNEL = "FriendlyName=Order+42&Type=private"
MESSAGE = (
    "From=alice"
    "&Body=Hello+Bob%2C+is+this+number+42%3F+I+can+see+it+on+the+map+already."
    "&Attributes=%7B%22importance%22%3A%22high%22%7D"
)

_TIMEOUT = 10.0


def request(method: str, path: str, form: str = "") -> bytes:
    """Return a request as it goes over the wire."""
    credentials = base64.b64encode(f"{ACCOUNT_SID}:{AUTH_TOKEN}".encode()).decode()
    lines = [
        f"{method} {path} HTTP/1.1",
        "Host: localhost:8080",
        f"Authorization: Basic {credentials}",
        "User-Agent: bench",
        "Accept: application/json",
    ]
    if form:
        lines += ["Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(form)}"]
    return "\r\n".join([*lines, "", form]).encode()


def ask(server: Target, request: bytes) -> bytes:
    """Ask once, and return the body of the answer."""
    with (
        socket.create_connection(("127.0.0.1", server.port), timeout=_TIMEOUT) as connection,
        http.client.HTTPResponse(connection) as response,
    ):
        connection.sendall(request)
        response.begin()
        answer = response.read()
    if response.status >= 300:
        raise RuntimeError(f"{server.name} answered {response.status}: {answer.decode()}")
    return answer


def read(answer: bytes) -> dict[str, Any]:
    """Return what was answered."""
    return msgspec.json.decode(answer)


@dataclass(frozen=True)
class Channel:
    """A channel of a service.

    Args:
        path: of the channel.
    """

    server: Target
    sid: str
    path: str

    @property
    def post(self) -> bytes:
        """A message to this channel."""
        return request("POST", f"{self.path}/Messages", MESSAGE)

    def join(self, identity: str) -> None:
        """Add a member."""
        ask(self.server, request("POST", f"{self.path}/Members", f"Identity={identity}"))


@dataclass(frozen=True)
class Chat:
    """A service of its own, with channels in it.

    Args:
        service: as the server answered it.
    """

    server: Target
    service: bytes
    channels: list[Channel] = field(default_factory=list)

    @classmethod
    def on(cls, server: Target, channels: int = 0) -> Chat:
        chat = cls(server, ask(server, request("POST", "/v1/Services", SERVICE)))
        for _ in range(channels):
            chat.add_channel()
        return chat

    @property
    def path(self) -> str:
        return f"/v2/Services/{read(self.service)['sid']}"

    @property
    def posts(self) -> list[bytes]:
        """A message to each channel."""
        return [channel.post for channel in self.channels]

    def allow_many(self) -> None:
        """Let channels have as many members, and users as many channels, as can be."""
        form = "Limits.ChannelMembers=1000&Limits.UserChannels=1000"
        ask(self.server, request("POST", self.path, form))

    def token(self, identity: str) -> str:
        """Return a token for somebody."""
        return access_token(
            identity,
            account_sid=ACCOUNT_SID,
            key_sid=KEY_SID,
            secret=KEY_SECRET,
            service_sid=read(self.service)["sid"],
        )

    def add_channel(self) -> Channel:
        sid: str = read(ask(self.server, request("POST", f"{self.path}/Channels", CHANNEL)))["sid"]
        channel = Channel(self.server, sid, f"{self.path}/Channels/{sid}")
        self.channels.append(channel)
        return channel
