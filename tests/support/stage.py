"""What end-to-end tests of webhooks play on: a server, an application with the vendor's code, and people."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp

from support.actor import Actor, acting
from support.api import Api
from support.command_line import CommandLine
from support.receiver import Language, Receiver, needs_a_receiver, receiving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

CREDENTIALS = {
    "CHINWAG_ACCOUNT_SID": "AC" + "0" * 31 + "1",
    "CHINWAG_AUTH_TOKEN": "an auth token for tests",
    "CHINWAG_API_KEY_SID": "SK" + "0" * 31 + "1",
    "CHINWAG_API_KEY_SECRET": "a secret for tests",
    "CHINWAG_ENCRYPTION_KEY": "Y2hpbndhZyB0ZXN0cyB1c2UgdGhpcyBmaXhlZCBrZXk=",
}

PRE = [
    "onMessageSend",
    "onMessageUpdate",
    "onMessageRemove",
    "onMediaMessageSend",
    "onChannelAdd",
    "onChannelUpdate",
    "onChannelDestroy",
    "onMemberAdd",
    "onMemberUpdate",
    "onMemberRemove",
    "onUserUpdate",
]
POST = [
    "onMessageSent",
    "onMessageUpdated",
    "onMessageRemoved",
    "onMediaMessageSent",
    "onChannelAdded",
    "onChannelUpdated",
    "onChannelDestroyed",
    "onMemberAdded",
    "onMemberUpdated",
    "onMemberRemoved",
    "onUserAdded",
    "onUserUpdated",
]

LANGUAGES: dict[str, Language] = {"sqlite": "python", "postgres": "node"}
"""Which application is told of things, by the engine of the server."""


@dataclass
class Stage:
    """A server, an application, and people."""

    api: Api
    receiver: Receiver
    act: Actor

    async def service(self, *events: str, version: str = "v2", **more: Any) -> str:
        """Make a service that has the application asked, and told, of these events or of all; its SID."""
        sid: str = (await self.api.a_service())["sid"]
        hooks = {"PreWebhookUrl": self.receiver.hook, "PostWebhookUrl": self.receiver.hook}
        settings = hooks | {"WebhookFilters": list(events or (*PRE, *POST))} | more
        answer = await self.api.post(f"/{version}/Services/{sid}", **settings)
        assert answer.status == 200, answer.body
        return sid

    async def rest(
        self, method: str, path: str, *, header: str | None = "true", **form: Any
    ) -> dict[str, Any]:
        """Ask over REST, and have webhooks told of it."""
        headers = {} if header is None else {"X-Twilio-Webhook-Enabled": header}
        answer = await self.api.send(method, path, headers=headers, data=form or None)
        assert answer.status < 300, answer.body
        return answer.json if answer.body else {}


@asynccontextmanager
async def a_stage(folder: Path, database: str, engine: str, **variables: str) -> AsyncIterator[Stage]:
    """Set one up. Where the vendor's code is missing, the test is skipped, or, in CI, fails."""
    language = LANGUAGES[engine]
    needs_a_receiver(language)
    needs_a_receiver("node")
    command_line = CommandLine(folder, CREDENTIALS | {"CHINWAG_DATABASE": database} | variables)
    with command_line.serving("--log-level", "warning") as server:
        async with (
            aiohttp.ClientSession() as session,
            receiving(language, CREDENTIALS["CHINWAG_AUTH_TOKEN"]) as receiver,
            acting(server.base, CREDENTIALS) as act,
        ):
            api = Api(
                session, server.base, CREDENTIALS["CHINWAG_ACCOUNT_SID"], CREDENTIALS["CHINWAG_AUTH_TOKEN"]
            )
            yield Stage(api, receiver, act)
