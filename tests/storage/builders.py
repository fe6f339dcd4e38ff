"""Small things to keep, with good defaults."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from chinwag.domain.events import ServiceCreated
from chinwag.domain.permissions import RoleType
from chinwag.domain.role import Role
from chinwag.domain.service import Limits, Service
from chinwag.domain.unit import Store, Transaction

if TYPE_CHECKING:
    from chinwag.domain.account import Account, Key

NOW = 1_437_000_000_123
DEADLINE_SECONDS = 10

Change = Callable[[Transaction], Awaitable[Any]]


def sid(prefix: str, number: int) -> str:
    return f"{prefix}{number:032x}"


def adding(number: int) -> Change:
    """A change: add an account with a key, and tell of it. Either both are kept or neither."""

    async def change(tx: Transaction) -> str:
        account = await tx.accounts.add(
            sid=sid("AC", number), friendly_name="Test", sealed_auth_token=b"sealed", date_created=NOW
        )
        assert account is not None
        await tx.accounts.add_key(
            account, sid=sid("SK", number), friendly_name="Test", sealed_secret=b"sealed", date_created=NOW
        )
        tx.record(an_event(number))
        return account.sid

    return change


def failing(number: int, error: BaseException) -> Change:
    """A change that does all that `adding` does, and then fails."""

    async def change(tx: Transaction) -> None:
        await adding(number)(tx)
        raise error

    return change


def an_event(number: int) -> ServiceCreated:
    return ServiceCreated(sid("IS", number))


async def kept_accounts(store: Store) -> list[str]:
    """The accounts that the store knows, each of them whole."""
    async with store.reading() as tx:
        accounts = await tx.accounts.all()
        for account in accounts:
            assert len(await tx.accounts.keys(account)) == 1
    return [account.sid for account in accounts]


async def an_account(store: Store, number: int = 1, **columns: Any) -> Account:
    given = {
        "sid": sid("AC", number),
        "friendly_name": "Test",
        "sealed_auth_token": b"sealed",
        "date_created": NOW,
        **columns,
    }
    account, _ = await store.write(lambda tx: tx.accounts.add(**given))
    return account


async def a_key(store: Store, account: Account, number: int = 1, **columns: Any) -> Key:
    given = {
        "sid": sid("SK", number),
        "friendly_name": "Test",
        "sealed_secret": b"sealed",
        "date_created": NOW,
        **columns,
    }
    key, _ = await store.write(lambda tx: tx.accounts.add_key(account, **given))
    return key


def new_service(account: Account, number: int = 1, **columns: Any) -> Service:
    plain = Service(
        sid=sid("IS", number),
        account_sid=account.sid,
        friendly_name="Support",
        default_service_role_sid=sid("RL", 1),
        default_channel_role_sid=sid("RL", 2),
        default_channel_creator_role_sid=sid("RL", 3),
        limits=Limits(channel_members=250, user_channels=100),
        date_created=NOW,
        date_updated=NOW,
    )
    return replace(plain, **columns)


async def a_service(store: Store, account: Account, number: int = 1, **columns: Any) -> Service:
    service = new_service(account, number, **columns)
    await store.write(lambda tx: tx.services.add(account.id, service, []))
    async with store.reading() as tx:
        kept = await tx.services.get(account.id, service.sid)
    assert kept is not None
    return kept


def new_role(service: Service, number: int = 1, **columns: Any) -> Role:
    plain = Role(
        sid=sid("RL", number),
        account_sid=service.account_sid,
        service_sid=service.sid,
        friendly_name="guest",
        type=RoleType.CHANNEL,
        permissions=("leaveChannel",),
        date_created=NOW,
        date_updated=NOW,
    )
    return replace(plain, **columns)


async def a_role(store: Store, service: Service, number: int = 1, **columns: Any) -> Role:
    role = new_role(service, number, **columns)
    await store.write(lambda tx: tx.roles.add(service, [role]))
    return role
