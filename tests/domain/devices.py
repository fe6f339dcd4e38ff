"""Devices and pushes, for tests of the rules: who has which device, and what would go to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chinwag.domain.binding import Binding, CreateBinding
from chinwag.domain.caller import Caller, Operator
from chinwag.domain.credential import CreateCredential, Credential, PushType
from chinwag.domain.notifications import NotificationChange, NotificationKind
from chinwag.domain.spreading import SpreadOccasion

if TYPE_CHECKING:
    from chinwag.domain.push import Push
    from domain.chat import Chat

EVERYTHING = tuple(NotificationKind)
ALL_ON = {kind: NotificationChange(enabled=True) for kind in NotificationKind}


async def a_credential(chat: Chat, kind: PushType = PushType.FCM, caller: Caller | None = None) -> Credential:
    """A credential of the account, with secrets that nobody opens."""
    secrets = {
        PushType.FCM: {"sealed_secret": b"s"},
        PushType.GCM: {"sealed_api_key": b"s"},
        PushType.APN: {"sealed_certificate": b"c", "sealed_private_key": b"k"},
    }[kind]
    command = CreateCredential(type=kind, **secrets)
    if caller is None:
        return await chat.do(command)
    result, _ = await chat.store.write(lambda tx: command.apply(tx, caller, chat.now, chat.new_sid))
    return result


async def a_device(  # noqa: PLR0917  # each of another kind
    chat: Chat,
    who: str,
    credential: Credential,
    address: str | None = None,
    message_types: tuple[NotificationKind, ...] = EVERYTHING,
    endpoint: str | None = None,
) -> Binding:
    """A device of somebody, who is made if need be."""
    await chat.a_user(who)
    return await chat.do(
        CreateBinding(
            service_sid=chat.service_sid,
            endpoint=endpoint,
            credential_sid=credential.sid,
            binding_type=credential.type,
            address=address or f"device-of-{who}",
            message_types=message_types,
        ),
        who,
    )


async def spread(chat: Chat, most: int = 250) -> int:
    """Make the pushes of all that happened, and return how many statements that took."""
    statements = 0
    while True:
        async with chat.store.reading() as tx:
            noted = await tx.occasions.noted(100)
        if not noted:
            return statements
        for occasion_id in noted:
            more = True
            while more:
                command = SpreadOccasion(occasion_id=occasion_id, most=most)
                statements += 1
                result, _ = await chat.store.write(
                    lambda tx, command=command: command.apply(tx, Operator(), chat.now, chat.new_sid)
                )
                more = result.more


async def pushes(chat: Chat, **spreading: Any) -> list[Push]:
    """Every push so far, in the order of their names."""
    await spread(chat, **spreading)
    async with chat.store.reading() as tx:
        return await tx.pushes.latest(chat.service_sid, 10_000)


async def address_of(chat: Chat, push: Push) -> str | None:
    """Where the provider finds the device that a push is for."""
    async with chat.store.reading() as tx:
        return await tx.pushes.address_of(push)


async def told(chat: Chat) -> dict[str, str | None]:
    """What each device that is pushed to is told, by the identity of its user; or why it is not pushed to."""
    return {push.identity or "": push.reason or push.words.text for push in await pushes(chat)}
