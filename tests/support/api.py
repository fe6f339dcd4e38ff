"""A client of the REST API with good defaults."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import aiohttp
import msgspec
from yarl import URL

if TYPE_CHECKING:
    from multidict import CIMultiDictProxy


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: CIMultiDictProxy[str]
    body: bytes

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)

    @property
    def code(self) -> int:
        """The error code; and the envelope has exactly its four keys."""
        assert set(self.json) == {"code", "message", "more_info", "status"}
        assert self.json["status"] == self.status
        assert self.headers["Content-Type"].startswith("application/json")
        return self.json["code"]


class Api:
    """The REST API as one account sees it.

    `await api.post("/v1/Services", FriendlyName="Support")`: parameters are keywords, with `__` for a dot and
    a list for a repeated one.
    """

    def __init__(self, session: aiohttp.ClientSession, base: str, username: str, password: str) -> None:
        self._session = session
        self.base = base
        self.account_sid = username
        self.auth_token = password

    async def send(self, method: str, path: str, *, auth: bool = True, **options: Any) -> Answer:
        url = path if path.startswith("http") else self.base + path
        headers = dict(options.pop("headers", {}))
        if auth:
            headers.setdefault("Authorization", aiohttp.encode_basic_auth(self.account_sid, self.auth_token))
        target = URL(url, encoded=True)
        async with self._session.request(method, target, headers=headers, **options) as response:
            return Answer(response.status, response.headers, await response.read())

    async def get(self, path: str, **query: Any) -> Answer:
        return await self.send("GET", path + (f"?{_encoded(query)}" if query else ""))

    async def post(self, path: str, **parameters: Any) -> Answer:
        return await self.form(path, _encoded(parameters))

    async def form(self, path: str, body: str | bytes) -> Answer:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return await self.send("POST", path, data=body, headers=headers)

    async def delete(self, path: str) -> Answer:
        return await self.send("DELETE", path)

    async def a_service(self, friendly_name: str = "Support", **changes: Any) -> dict[str, Any]:
        """Make a service, changed as asked, and return it."""
        made = await self.post("/v1/Services", FriendlyName=friendly_name)
        assert made.status == 201, made.body
        if not changes:
            return made.json
        changed = await self.post(f"/v1/Services/{made.json['sid']}", **changes)
        assert changed.status == 200, changed.body
        return changed.json

    async def a_role(
        self, service: dict[str, Any], friendly_name: str = "guest", **given: Any
    ) -> dict[str, Any]:
        """Make a channel role that may do nothing but what is asked, and return it."""
        wanted = {"Type": "channel", "Permission": ["leaveChannel"], **given}
        made = await self.post(f"/v1/Services/{service['sid']}/Roles", FriendlyName=friendly_name, **wanted)
        assert made.status == 201, made.body
        return made.json

    async def a_channel(
        self, service: dict[str, Any], *, version: str = "v2", **parameters: Any
    ) -> dict[str, Any]:
        """Make a channel and return it."""
        return await self._made(f"/{version}/Services/{service['sid']}/Channels", parameters)

    async def a_user(
        self, service: dict[str, Any], identity: str = "alice", *, version: str = "v2", **parameters: Any
    ) -> dict[str, Any]:
        """Make a user and return it."""
        path = f"/{version}/Services/{service['sid']}/Users"
        return await self._made(path, {"Identity": identity, **parameters})

    async def a_member(
        self, channel: dict[str, Any], identity: str = "alice", *, version: str = "v2", **parameters: Any
    ) -> dict[str, Any]:
        """Add somebody to a channel and return the member."""
        path = f"{_channel_path(channel, version)}/Members"
        return await self._made(path, {"Identity": identity, **parameters})

    async def an_invite(
        self, channel: dict[str, Any], identity: str = "alice", *, version: str = "v2", **parameters: Any
    ) -> dict[str, Any]:
        """Invite a user to a channel and return the invite."""
        path = f"{_channel_path(channel, version)}/Invites"
        return await self._made(path, {"Identity": identity, **parameters})

    async def a_message(
        self, channel: dict[str, Any], body: str = "hello", *, version: str = "v2", **parameters: Any
    ) -> dict[str, Any]:
        """Post a message to a channel and return it."""
        path = f"{_channel_path(channel, version)}/Messages"
        return await self._made(path, {"Body": body, **parameters})

    async def _made(self, path: str, parameters: dict[str, Any]) -> dict[str, Any]:
        made = await self.post(path, **parameters)
        assert made.status == 201, made.body
        return made.json


def _channel_path(channel: dict[str, Any], version: str) -> str:
    return f"/{version}/Services/{channel['service_sid']}/Channels/{channel['sid']}"


def _encoded(parameters: dict[str, Any]) -> str:
    return urlencode({name.replace("__", "."): value for name, value in parameters.items()}, doseq=True)
