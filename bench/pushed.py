"""What it costs to post to a channel of 250 members while each of them has a device that is told of it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from bench import targets
from bench.chat import Chat, ask, read, request
from bench.rows import Growth, Share, Spread
from bench.works import Turn, take_turn
from chinwag import commands
from chinwag.app import opened
from chinwag.domain.binding import CreateBinding
from chinwag.domain.caller import Caller
from chinwag.domain.credential import PushType
from chinwag.domain.notifications import NotificationKind
from chinwag.settings import StoreSettings

if TYPE_CHECKING:
    from pathlib import Path

    from bench.report import Report
    from bench.targets import Target

MEMBERS = 250

IN_FLIGHT = (1, 16)

MOST = 2.0
"""Bar: how many times as long an answer may take as without pushes."""

ANSWER = '{"access_token":"a-token","expires_in":3600}'
"""What the provider says to everything; to a push any answer that is a success will do."""


def pushed(  # noqa: PLR0917  # each of another kind
    name: str, database: str, rounds: int, seconds: float, folder: Path, report: Report
) -> None:
    """Post in turns to a channel whose members have devices, and to one whose members have none."""
    with targets.receiver(0.001, folder, ANSWER) as provider:
        url = f"http://127.0.0.1:{provider.port}"
        with targets.chinwag(f"{name}, pushing", database, folder, CHINWAG_PUSH_FCM_URL=url) as server:
            for in_flight in IN_FLIGHT:
                turns: tuple[list[Turn], list[Turn]] = ([], [])
                for nth in range(rounds):
                    report.now(f"posting with pushes on {name}, {in_flight} in flight", nth, rounds)
                    for these, push in zip(turns, (False, True), strict=True):
                        chat = _a_large_chat(server, push=push, token_uri=f"{url}/token")
                        these.append(
                            take_turn(server, chat.posts, status=201, in_flight=in_flight, seconds=seconds)
                        )
                        ask(server, request("DELETE", chat.path))  # with the pushes that still wait
                _add(name, in_flight, *turns, report)


def _a_large_chat(server: Target, *, push: bool, token_uri: str) -> Chat:
    """Return a chat with a channel of many members, who have devices."""
    chat = Chat.on(server, 1)
    for number in range(MEMBERS):
        chat.channels[0].join(f"user-{number}")
    if push:
        account = _service_account(token_uri)
        credential = read(ask(server, request("POST", "/v2/Credentials", f"Type=fcm&Secret={account}")))
        asyncio.run(_register(server, chat, credential["sid"]))
        ask(server, request("POST", chat.path, "Notifications.NewMessage.Enabled=true"))
    return chat


def _add(name: str, in_flight: int, best: list[Turn], mine: list[Turn], report: Report) -> None:
    pairs = [(one.load, other.load) for one, other in zip(best, mine, strict=True)]
    work = f"posts to 250 devices, {in_flight}"
    report.add(
        Share(
            work=work,
            server=name,
            unit="posts/s",
            figure=Spread.of([other.rate for _, other in pairs]),
            best=Spread.of([one.rate for one, _ in pairs]),
            ratio=Spread.of([other.rate / one.rate for one, other in pairs]),
            load_busy=max(other.busy for _, other in pairs),
            least=1 / MOST,
        )
    )
    report.add(
        Growth(
            work=f"{work}: p99",
            server=name,
            unit="ms",
            small=Spread.of([one.p99_ms for one, _ in pairs]),
            large=Spread.of([other.p99_ms for _, other in pairs]),
            ratio=Spread.of([other.p99_ms / one.p99_ms for one, other in pairs]),
            most=MOST,
        )
    )


async def _register(server: Target, chat: Chat, credential_sid: str) -> None:
    """Give everybody a device, as an SDK would."""
    service: dict[str, Any] = read(chat.service)
    settings = StoreSettings(database=server.database, encryption_key=targets.ENCRYPTION_KEY)
    async with opened(settings) as parts:
        async with parts.world.store.reading() as tx:
            account = await tx.accounts.get(targets.ACCOUNT_SID)
        assert account is not None
        for number in range(MEMBERS):
            command = CreateBinding(
                service_sid=service["sid"],
                endpoint=None,
                credential_sid=credential_sid,
                binding_type=PushType.FCM,
                address=f"device-{number}",
                message_types=tuple(NotificationKind),
            )
            user = Caller(account_id=account.id, account_sid=account.sid, identity=f"user-{number}")
            await commands.run(command, user, parts.world)


def _service_account(token_uri: str) -> str:
    """Return the JSON of a service account, as a form has it."""
    key = rsa.generate_private_key(65537, 2048)
    account = {
        "type": "service_account",
        "project_id": "bench",
        "private_key_id": "key",
        "private_key": key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
        "client_email": "bench@bench.invalid",
        "token_uri": token_uri,
    }
    return quote(msgspec.json.encode(account).decode(), safe="")
