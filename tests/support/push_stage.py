"""What end-to-end tests of pushes play on: a server, Apple and Google as peers, and people with devices."""

from __future__ import annotations

import asyncio
import json
import secrets
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import aiohttp

from delivery.certificates import Issued, a_ca, issue
from delivery.google_peer import Google, a_google
from delivery.http2_peer import Answer as Says
from delivery.http2_peer import Asked, Peer, a_peer
from support.actor import Actor, acting
from support.api import Answer, Api
from support.command_line import CommandLine, Done, Serving
from support.receiver import needs_a_receiver
from support.stage import CREDENTIALS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

T = TypeVar("T")

APP = "com.example.chat"
PATIENCE_SECONDS = 20
POLL_SECONDS = 0.05

KINDS = {
    "new_message": "NewMessage",
    "added_to_channel": "AddedToChannel",
    "removed_from_channel": "RemovedFromChannel",
    "invited_to_channel": "InvitedToChannel",
}
"""How pushes, and how settings of a service, call an occasion."""

TEMPLATES = {
    "new_message": "${USER} in ${CHANNEL}: ${MESSAGE}",
    "added_to_channel": "${USER} has you in ${CHANNEL}",
    "removed_from_channel": "${USER} wants you out of ${CHANNEL}",
    "invited_to_channel": "${USER} would like you in ${CHANNEL}",
}

ENABLED: dict[str, str] = {
    f"Notifications.{setting}.{name}": value
    for kind, setting in KINDS.items()
    for name, value in (("Enabled", "true"), ("Template", TEMPLATES[kind]), ("Sound", f"{kind}.wav"))
}
"""The settings of a service that pushes everything."""


class Overheard(Api):
    """The REST API, which remembers every answer."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.answers: list[str] = []

    async def send(self, method: str, path: str, *, auth: bool = True, **options: Any) -> Answer:
        answer = await super().send(method, path, auth=auth, **options)
        self.answers.append(f"{method} {path}\n{answer.headers}\n{answer.body.decode(errors='replace')}")
        return answer


@dataclass(frozen=True)
class Device:
    """A device that is registered."""

    who: str
    service: str
    type: str
    address: str
    credential: str
    binding: dict[str, Any]


@dataclass(frozen=True)
class Arrived:
    """A push, as it came to a provider.

    Attributes:
        sent: all of it, as JSON.
        headers: of the request.
        about: what an application reads.
        text: what a user reads.
    """

    sent: dict[str, Any]
    headers: dict[str, str]
    about: dict[str, Any]
    text: str | None
    sound: str | None

    @property
    def kind(self) -> str:
        return self.about.get("twi_message_type", "").removeprefix("twilio.channel.")


@dataclass
class PushStage:
    """A server, the providers, and people.

    Attributes:
        authority: has issued the certificates of apps that Apple takes.
        apple_says: its answers by device, one after the other, and the last one again and again.
        secrets: what nobody may ever be shown, and what may not be kept in clear.
        addresses: of devices, which nobody may be shown either.
    """

    api: Overheard
    act: Actor
    apple: Peer
    google: Google
    command_line: CommandLine
    server: Serving
    authority: Issued
    apple_says: dict[str, list[Says]]
    secrets: list[str] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)

    async def service(self, **settings: Any) -> str:
        """Make a service that pushes everything, and return its SID."""
        sid: str = (await self.api.a_service())["sid"]
        await self.change(sid, **ENABLED, **settings)
        return sid

    async def change(self, service: str, **settings: Any) -> None:
        """Change a service; `__` stands for a dot."""
        answer = await self.api.post(f"/v2/Services/{service}", **settings)
        assert answer.status == 200, answer.body

    async def credential(self, device_type: str, **other: Any) -> str:
        """Make a credential that its provider takes, and return its SID."""
        given = self.of_apple() if device_type == "apn" else self.of_google()
        answer = await self.api.post("/v2/Credentials", Type=device_type, **(given | other))
        assert answer.status == 201, answer.body
        return answer.json["sid"]

    def of_apple(self, authority: Issued | None = None) -> dict[str, str]:
        """Return what a credential for iPhones consists of."""
        issued = issue(authority or self.authority, uid=APP)
        self.secrets += [*_lines(issued.pem), *_lines(issued.key_pem)]
        return {"Certificate": issued.pem, "PrivateKey": issued.key_pem}

    def of_google(self, **other: object) -> dict[str, str]:
        """Return what a credential for Android devices consists of."""
        account = self.google.service_account(**other)
        self.secrets += _lines(json.loads(account)["private_key"])
        return {"Secret": account}

    async def update(self, credential: str, **parameters: str) -> None:
        answer = await self.api.post(f"/v2/Credentials/{credential}", **parameters)
        assert answer.status == 200, answer.body

    async def registered(
        self, who: str, service: str, device_type: str, credential: str | None = None
    ) -> Device:
        """Have somebody log in, with a credential, and register a device."""
        credential = credential or await self.credential(device_type)
        grant = {"pushCredentialSid": credential, "endpointId": f"{who}'s {device_type}"}
        await self.act(who, service, "login", grant)
        address = secrets.token_hex(32)
        self.addresses.append(address)
        await self.act(who, service, "setPushRegistrationId", device_type, address)

        async def look() -> dict[str, Any] | None:
            found = await self.bindings(service, Identity=who)
            return next((one for one in found if one["endpoint"] == grant["endpointId"]), None)

        binding = await eventually(look, f"{who} has no device")
        return Device(who, service, device_type, address, credential, binding)

    async def bindings(self, service: str, **query: str) -> list[dict[str, Any]]:
        return (await self.api.get(f"/v2/Services/{service}/Bindings", **query)).json["bindings"]

    def says(self, device: Device, *answers: Any) -> None:
        """Say what the provider answers to pushes to a device, one after the other; the last one stays."""
        by_device: dict[str, list[Any]] = self.apple_says if device.type == "apn" else self.google.answers
        by_device[device.address] = list(answers)

    async def is_gone(self, device: Device) -> None:
        """Wait until a device is not registered any more."""

        async def look() -> bool:
            return not await self.bindings(device.service, Identity=device.who)

        await eventually(look, f"{device.who} still has a device")

    async def arrived(self, device: Device, count: int = 1, kind: str | None = None) -> list[Arrived]:
        """Wait until so many pushes to a device have come, of a kind or of all, and return them."""

        def found() -> list[Arrived]:
            return [one for one in self.come(device) if kind in {None, one.kind}]

        peer = self.apple if device.type == "apn" else self.google
        try:
            if isinstance(peer, Peer):
                await peer.until(lambda _: len(found()) >= count)
            else:
                await peer.until(lambda: len(found()) >= count)
        except TimeoutError:
            raise AssertionError(f"{count} pushes did not come, but {self.come(device)}") from None
        return found()

    def come(self, device: Device) -> list[Arrived]:
        """Return the pushes to a device that have come so far."""
        if device.type == "apn":
            return [_of_apple(one) for one in self.apple.asked if one.path == f"/3/device/{device.address}"]
        return [
            Arrived(one.message, one.headers, one.message["data"], *_words(one.message["data"]))
            for one in self.google.to(device.address)
        ]

    async def pushes(self, service: str, count: int = 1, **query: str) -> list[dict[str, Any]]:
        """Wait until a service has so many pushes, none of which waits, and return them, oldest first."""
        found: list[dict[str, Any]] = []

        async def look() -> bool:
            nonlocal found
            found = (await self.api.get(f"/chinwag/v1/Services/{service}/Pushes", **query)).json["pushes"]
            return len(found) >= count and all(one["state"] != "waiting" for one in found)

        await eventually(look, lambda: f"not {count} pushes have ended, but {found}")
        return found

    async def comes_to_be(self, credential: str, state: str) -> dict[str, Any]:
        """Wait until a credential is in a state, and return all that is said of it."""

        async def look() -> dict[str, Any] | None:
            found = (await self.api.get(f"/chinwag/v1/Credentials/{credential}")).json
            return found if found["state"] == state else None

        return await eventually(look, f"{credential} is not {state}")

    async def a_channel(self, service: str, name: str, *members: str) -> str:
        """Have alice make a channel, with these members besides herself, and return its SID."""
        channel: str = await self.act("alice", service, "createChannel", {"uniqueName": name})
        await self.act("alice", service, "join", channel=channel)
        for identity in members:
            await self.api.a_member({"service_sid": service, "sid": channel}, identity)
        return channel

    async def post(self, service: str, channel: str, body: str = "good morning") -> None:
        """Have alice post a message."""
        await self.act("alice", service, "sendMessage", body, channel=channel)

    async def run(self, *words: str) -> Done:
        """Run `chinwag push`."""
        return await asyncio.to_thread(self.command_line.run, "push", *words)


async def eventually(look: Callable[[], Awaitable[T | None]], otherwise: str | Callable[[], str]) -> T:
    """Look until there is something, and return it."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                found = await look()
                if found:
                    return found
                await asyncio.sleep(POLL_SECONDS)
    except TimeoutError:
        raise AssertionError(otherwise if isinstance(otherwise, str) else otherwise()) from None


@asynccontextmanager
async def a_push_stage(
    folder: Path, database: str, *, sandbox: str | None = None, authority: Issued | None = None, **more: str
) -> AsyncIterator[PushStage]:
    """Set one up.

    Args:
        folder: where the server runs.
        database: its address.
        sandbox: of Apple, instead of Apple itself.
        authority: has issued the certificate of Apple.
        more: variables of the server's environment.
    """
    needs_a_receiver("node")
    authority, apps = authority or a_ca(), a_ca("An authority of apps")
    apple_says: dict[str, list[Says]] = {}

    def answer(asked: Asked) -> Says:
        answers = apple_says.get(asked.path.rpartition("/")[2], [Says()])
        return answers.pop(0) if len(answers) > 1 else answers[0]

    async with (
        a_peer(authority, clients=apps, answer=answer) as apple,
        a_google() as google,
        aiohttp.ClientSession() as session,
    ):
        variables = {
            "CHINWAG_DATABASE": database,
            "CHINWAG_PUSH_APNS_URL": apple.url,
            "CHINWAG_PUSH_APNS_SANDBOX_URL": sandbox or apple.url,
            "CHINWAG_PUSH_FCM_URL": google.url,
            "SSL_CERT_FILE": authority.trusted(folder),
        }
        command_line = CommandLine(folder, CREDENTIALS | variables | more)
        with command_line.serving("--log-level", "debug") as server:
            async with acting(server.base, CREDENTIALS) as act:
                api = Overheard(
                    *(session, server.base),
                    *(CREDENTIALS["CHINWAG_ACCOUNT_SID"], CREDENTIALS["CHINWAG_AUTH_TOKEN"]),
                )
                yield PushStage(api, act, apple, google, command_line, server, apps, apple_says)
            if server.process.poll() is None:
                await asyncio.to_thread(server.stop)  # the peers, in this thread, let go of it


def _of_apple(asked: Asked) -> Arrived:
    sent = json.loads(asked.body)
    aps = sent["aps"]
    return Arrived(sent, asked.headers, sent, aps.get("alert"), aps.get("sound"))


def _words(given: dict[str, Any]) -> tuple[str | None, str | None]:
    return given.get("twi_body"), given.get("twi_sound")


def _lines(pem: str) -> list[str]:
    """Return the lines of a PEM that are not the same in all of them."""
    return [line for line in pem.splitlines() if len(line) > 20 and not line.startswith("-----")]
