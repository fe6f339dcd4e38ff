"""Files in messages, as a client SDK uploads and fetches them."""

from __future__ import annotations

import io
import time
from typing import TYPE_CHECKING, Any

from chinwag import commands
from chinwag.app import opened
from chinwag.auth.access_token import access_token
from chinwag.auth.secrets import new_secret
from chinwag.domain.account import CreateKey
from chinwag.domain.caller import Operator

if TYPE_CHECKING:
    from chinwag.settings import Settings
    from support.api import Answer, Api


class Uploader:
    """Users of a service, each by an access token of their own."""

    def __init__(self, api: Api, service_sid: str, key_sid: str, secret: str) -> None:
        self.api = api
        self.service_sid = service_sid
        self.path = f"/media/v1/Services/{service_sid}/Media"
        self._key_sid = key_sid
        self._secret = secret

    def token(self, identity: str = "alice", **claims: Any) -> str:
        return access_token(
            **{
                "account_sid": self.api.account_sid,
                "key_sid": self._key_sid,
                "secret": self._secret,
                "service_sid": self.service_sid,
                "identity": identity,
                "now": int(time.time() * 1000),
                **claims,
            }
        )

    async def send(self, method: str, path: str, identity: str | None = "alice", **options: Any) -> Answer:
        headers = dict(options.pop("headers", {}))
        if identity is not None:
            headers.setdefault("X-Twilio-Token", self.token(identity))
        return await self.api.send(method, path, auth=False, headers=headers, **options)

    async def upload(
        self,
        content: Any = b"hello",
        content_type: str = "text/plain",
        query: str = "?Category=media",
        identity: str = "alice",
    ) -> Answer:
        """Upload a file as the whole body of a request."""
        content = io.BytesIO(content) if isinstance(content, bytes) else content
        return await self.send(
            "POST", self.path + query, identity, data=content, headers={"Content-Type": content_type}
        )

    async def a_file(self, content: Any = b"hello", *given: str, **also: str) -> dict[str, Any]:
        """Upload a file and return what the server says of it."""
        answer = await self.upload(content, *given, **also)
        assert answer.status == 201, answer.body
        return answer.json

    async def get(self, path: str, identity: str | None = "alice", **headers: str) -> Answer:
        return await self.send("GET", path, identity, headers=headers)

    async def temporary(self, media: dict[str, Any], method: str = "GET", **headers: str) -> Answer:
        """Fetch a file by its temporary address, as a browser does."""
        link = media["links"]["content_direct_temporary"]
        return await self.send(method, link, None, headers=headers)

    async def content(self, media: dict[str, Any], identity: str = "alice") -> Answer:
        """Fetch a file with a token."""
        return await self.get(media["links"]["content"], identity)


async def an_uploader(api: Api, settings: Settings, service: dict[str, Any] | None = None) -> Uploader:
    """Make an API key, and a service unless there is one."""
    secret = new_secret()
    async with opened(settings) as parts:
        command = CreateKey(
            account_sid=api.account_sid, friendly_name="Test", sealed_secret=parts.seal.seal(secret)
        )
        key = await commands.run(command, Operator(), parts.world)
    found = service or await api.a_service()
    return Uploader(api, found["sid"], key.sid, secret)
