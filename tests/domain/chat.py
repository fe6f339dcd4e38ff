"""A chat to try rules in: an account, a service, and whoever a test lets in."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

from chinwag.domain.account import CreateAccount
from chinwag.domain.caller import Caller, Operator
from chinwag.domain.channel import CreateChannel
from chinwag.domain.joining import CreateInvite, CreateMember
from chinwag.domain.login import LogIn
from chinwag.domain.lookup import member_named, service_named, user_named
from chinwag.domain.paging import Cursor
from chinwag.domain.role import CreateRole
from chinwag.domain.service import CreateService, Limits, UpdateService
from chinwag.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable

    from chinwag.domain.channel import Channel
    from chinwag.domain.events import AnyEvent
    from chinwag.domain.invite import Invite
    from chinwag.domain.member import Member
    from chinwag.domain.permissions import RoleType
    from chinwag.domain.role import Role
    from chinwag.domain.service import Service
    from chinwag.domain.unit import Store, Transaction
    from chinwag.domain.user import User

NOW = 1_438_286_400_000
LATER = NOW + 5000

ALLOWED = "yes"


class _UndoError(Exception):
    """Takes back what was only tried."""


@dataclass
class Chat:
    """A store with a service in it, a clock that stands, and SIDs in order."""

    store: Store
    account: Caller
    service_sid: str
    numbers: count[int]
    now: int = NOW
    sids: dict[str, str] = field(default_factory=dict)
    """SIDs that a test wants to remember."""

    def caller(self, who: str | None) -> Caller:
        """A user with a client SDK; None is the account itself."""
        account = self.account
        return Caller(account_id=account.account_id, account_sid=account.account_sid, identity=who)

    async def do(self, command: Any, who: str | None = None) -> Any:
        result, _ = await self.told(command, who)
        return result

    async def told(self, command: Any, who: str | None = None) -> tuple[Any, list[AnyEvent]]:
        """Carry out a command, and return its result and what was told."""
        caller = self.caller(who)
        return await self.store.write(lambda tx: command.apply(tx, caller, self.now, self.new_sid))

    async def outcome(self, command: Any, who: str | None) -> str:
        """Whether somebody may carry out a command, or the code of the refusal. Nothing is kept."""

        async def change(tx: Transaction) -> None:
            await tx.installation.generation()
            await command.apply(tx, self.caller(who), self.now, self.new_sid)
            await tx.installation.generation()
            raise _UndoError

        try:
            await self.store.write(change)
        except ApiError as refusal:
            return str(refusal.kind.code)
        except _UndoError:
            return ALLOWED

    async def refusal(self, command: Any, who: str | None) -> ApiError:
        """How a command is refused."""
        try:
            await self.do(command, who)
        except ApiError as refusal:
            return refusal
        raise AssertionError(f"{who} was allowed to {command}")

    async def service(self) -> Service:
        async with self.store.reading() as tx:
            return await service_named(tx, self.account, self.service_sid)

    async def set_service(self, **settings: Any) -> None:
        await self.do(UpdateService(sid=self.service_sid, **settings))

    async def a_role(self, role_type: RoleType, *permissions: str) -> Role:
        return await self.do(
            CreateRole(
                service_sid=self.service_sid, friendly_name="test", type=role_type, permissions=permissions
            )
        )

    async def role_called(self, friendly_name: str) -> Role:
        service = await self.service()
        async with self.store.reading() as tx:
            (found,) = [
                role for role in await tx.roles.page(service, Cursor()) if role.friendly_name == friendly_name
            ]
        return found

    async def a_user(self, identity: str, role_sid: str | None = None) -> User:
        return await self.do(
            LogIn(service_sid=self.service_sid, identity=identity, deployment_role_sid=role_sid), identity
        )

    async def a_channel(self, who: str | None = None, **columns: Any) -> Channel:
        return await self.do(CreateChannel(service_sid=self.service_sid, **columns), who)

    async def a_member(self, channel: Channel, identity: str, **columns: Any) -> Member:
        """Add somebody, as the account."""
        return await self.do(
            CreateMember(service_sid=self.service_sid, channel=channel.sid, identity=identity, **columns)
        )

    async def joined(self, channel: Channel, who: str) -> Member:
        return await self.do(
            CreateMember(service_sid=self.service_sid, channel=channel.sid, identity=who), who
        )

    async def an_invite(self, channel: Channel, identity: str, **columns: Any) -> Invite:
        """Invite somebody, as the account."""
        return await self.do(
            CreateInvite(service_sid=self.service_sid, channel=channel.sid, identity=identity, **columns)
        )

    async def member(self, channel: Channel, identity: str) -> Member:
        service = await self.service()
        async with self.store.reading() as tx:
            return await member_named(tx, service, channel, identity)

    async def user(self, identity: str) -> User:
        service = await self.service()
        async with self.store.reading() as tx:
            return await user_named(tx, service, identity)

    @property
    def new_sid(self) -> Callable[[str], str]:
        return lambda prefix: f"{prefix}{next(self.numbers):032x}"


async def a_chat(store: Store, numbers: count[int] | None = None) -> Chat:
    """A service of a new account, with nobody in it. SIDs are made of `numbers`."""
    numbers = numbers or count(1)
    account, _ = await store.write(
        lambda tx: CreateAccount(friendly_name="Tea", sealed_auth_token=b"sealed").apply(
            tx, Operator(), NOW, lambda prefix: f"{prefix}{next(numbers):032x}"
        )
    )
    chat = Chat(store, Caller(account_id=account.id, account_sid=account.sid), "", numbers)
    command = CreateService(friendly_name="Support", limits=Limits(channel_members=250, user_channels=100))
    chat.service_sid = (await chat.do(command)).sid
    return chat
