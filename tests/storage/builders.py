"""Small things to keep, with good defaults."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import apsw
import asyncpg
from msgspec.structs import replace

from chinwag.domain.binding import Binding
from chinwag.domain.caller import Caller
from chinwag.domain.channel import Channel
from chinwag.domain.channel_webhook import ChannelWebhook, ChannelWebhookType
from chinwag.domain.credential import Credential, PushType
from chinwag.domain.events import ServiceCreated
from chinwag.domain.invite import Invite
from chinwag.domain.media import Media
from chinwag.domain.member import Member
from chinwag.domain.message import Draft, Message
from chinwag.domain.notifications import NotificationKind
from chinwag.domain.paging import Cursor
from chinwag.domain.permissions import RoleType
from chinwag.domain.role import Role
from chinwag.domain.service import Limits, Service
from chinwag.domain.unit import Store, Transaction
from chinwag.domain.user import User
from chinwag.domain.user_channel import UserChannel, UserChannelStatus
from chinwag.domain.webhook import WebhookEvent

if TYPE_CHECKING:
    from chinwag.domain.account import Account, Key

NOW = 1_437_000_000_123
DEADLINE_SECONDS = 10
BATCHES = 1000

REFUSED = (apsw.ConstraintError, asyncpg.IntegrityConstraintViolationError)
"""How a row is refused of which there may be one only, or that belongs to nothing."""

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


def new_user(service: Service, number: int = 1, **columns: Any) -> User:
    plain = User(
        sid=sid("US", number),
        account_sid=service.account_sid,
        service_sid=service.sid,
        identity=f"user{number}",
        role_sid=service.default_service_role_sid,
        date_created=NOW,
        date_updated=NOW,
    )
    return replace(plain, **columns)


async def a_user(store: Store, service: Service, number: int = 1, **columns: Any) -> User:
    user, _ = await store.write(lambda tx: tx.users.add(service, new_user(service, number, **columns)))
    return user


def new_channel(service: Service, number: int = 1, **columns: Any) -> Channel:
    plain = Channel(
        sid=sid("CH", number),
        account_sid=service.account_sid,
        service_sid=service.sid,
        date_created=NOW,
        date_updated=NOW,
    )
    return replace(plain, **columns)


async def a_channel(store: Store, service: Service, number: int = 1, **columns: Any) -> Channel:
    channel = new_channel(service, number, **columns)
    added, _ = await store.write(lambda tx: tx.channels.add(service, channel))
    return added


def new_member(channel: Channel, user: User, number: int = 1, **columns: Any) -> Member:
    plain = Member(
        user_id=user.id,
        sid=sid("MB", number),
        account_sid=channel.account_sid,
        service_sid=channel.service_sid,
        channel_sid=channel.sid,
        user_sid=user.sid,
        identity=user.identity,
        role_sid=sid("RL", 2),
        date_created=NOW,
        date_updated=NOW,
        created_event_id=1,
        last_event_id=1,
    )
    return replace(plain, **columns)


async def a_member(store: Store, channel: Channel, user: User, number: int = 1, **columns: Any) -> Member:
    member = new_member(channel, user, number, **columns)
    await store.write(lambda tx: tx.members.add(channel, member))
    return member


def new_user_channel(channel: Channel, user: User, **columns: Any) -> UserChannel:
    plain = UserChannel(
        user_id=user.id,
        channel_id=channel.id,
        account_sid=channel.account_sid,
        service_sid=channel.service_sid,
        user_sid=user.sid,
        channel_sid=channel.sid,
        status=UserChannelStatus.INVITED,
        created_event_id=1,
        last_event_id=1,
    )
    return replace(plain, **columns)


async def a_user_channel(store: Store, channel: Channel, user: User, **columns: Any) -> UserChannel:
    user_channel = new_user_channel(channel, user, **columns)
    await store.write(lambda tx: tx.user_channels.put(user_channel))
    return user_channel


def new_invite(channel: Channel, user: User, number: int = 1, **columns: Any) -> Invite:
    plain = Invite(
        user_id=user.id,
        sid=sid("IN", number),
        account_sid=channel.account_sid,
        service_sid=channel.service_sid,
        channel_sid=channel.sid,
        identity=user.identity,
        role_sid=sid("RL", 2),
        date_created=NOW,
        date_updated=NOW,
    )
    return replace(plain, **columns)


async def an_invite(store: Store, channel: Channel, user: User, number: int = 1, **columns: Any) -> Invite:
    invite = new_invite(channel, user, number, **columns)
    await store.write(lambda tx: tx.invites.add(channel, invite))
    return invite


def new_media(number: int = 1, **columns: Any) -> Media:
    plain = Media(sid=sid("ME", number), size=1, content_type="image/png", date_created=NOW, date_updated=NOW)
    return replace(plain, **columns)


async def a_media(store: Store, service: Service, number: int = 1, **columns: Any) -> Media:
    """A media as it is kept, with its key."""
    await store.write(lambda tx: tx.media.add(service, new_media(number, **columns)))
    kept, _ = await store.write(lambda tx: tx.media.hold(service, sid("ME", number)))
    assert kept is not None
    return kept


def new_draft(number: int = 1, **columns: Any) -> Draft:
    plain = Draft(
        sid=sid("IM", number),
        author="alice",
        member_sid=None,
        body="hello",
        attributes="{}",
        was_edited=False,
        last_updated_by=None,
        media=None,
        date_created=NOW,
        date_updated=NOW,
    )
    return plain._replace(**columns)


async def caller_of(store: Store, account_sid: str) -> Caller:
    async with store.reading() as tx:
        account = await tx.accounts.get(account_sid)
    assert account is not None
    return Caller(account_id=account.id, account_sid=account_sid)


async def a_message(store: Store, channel: Channel, number: int = 1, **columns: Any) -> Message:
    """Post a message by itself."""
    caller = await caller_of(store, channel.account_sid)
    draft = new_draft(number, **columns)
    posted, _ = await store.write(
        lambda tx: tx.messages.post(caller, channel.service_sid, channel.sid, draft)
    )
    assert posted is not None
    return posted.message


def new_channel_webhook(channel: Channel, number: int = 1, **columns: Any) -> ChannelWebhook:
    plain = ChannelWebhook(
        sid=sid("WH", number),
        account_sid=channel.account_sid,
        service_sid=channel.service_sid,
        channel_sid=channel.sid,
        type=ChannelWebhookType.WEBHOOK,
        target="https://example.com/hook",
        filters=(WebhookEvent.MESSAGE_SENT,),
        date_created=NOW,
        date_updated=NOW,
    )
    return replace(plain, **columns)


async def a_channel_webhook(
    store: Store, channel: Channel, number: int = 1, **columns: Any
) -> ChannelWebhook:
    webhook = new_channel_webhook(channel, number, **columns)
    await store.write(lambda tx: tx.channel_webhooks.add(channel, webhook))
    return webhook


def new_credential(account: Account, number: int = 1, **columns: Any) -> Credential:
    plain = Credential(
        sid=sid("CR", number),
        account_sid=account.sid,
        type=PushType.FCM,
        date_created=NOW,
        date_updated=NOW,
    )
    return replace(plain, **columns)


async def a_credential(store: Store, account: Account, number: int = 1, **columns: Any) -> Credential:
    credential = new_credential(account, number, **columns)
    await store.write(lambda tx: tx.credentials.add(account.id, credential))
    return credential


def new_binding(user: User, number: int = 1, **columns: Any) -> Binding:
    plain = Binding(
        user_id=user.id,
        sid=sid("BS", number),
        account_sid=user.account_sid,
        service_sid=user.service_sid,
        user_sid=user.sid,
        identity=user.identity,
        endpoint="phone",
        credential_sid=sid("CR", 1),
        binding_type=PushType.FCM,
        address=f"token {number}",
        message_types=(NotificationKind.NEW_MESSAGE,),
        date_created=NOW,
        date_updated=NOW,
    )
    return replace(plain, **columns)


async def a_binding(store: Store, service: Service, user: User, number: int = 1, **columns: Any) -> Binding:
    binding = new_binding(user, number, **columns)
    await store.write(lambda tx: tx.bindings.add(service, binding))
    return binding


def pages_of_five(prefix: str) -> list[tuple[Cursor, list[int]]]:
    """Places in a list of the SIDs with the numbers 1 to 5, and what is read there."""
    return [
        (Cursor(), [1, 2, 3, 4, 5]),
        (Cursor(size=2), [1, 2, 3]),
        (Cursor(size=5), [1, 2, 3, 4, 5]),
        (Cursor(size=2, skip=2), [3, 4, 5]),
        (Cursor(size=2, skip=5), []),
        (Cursor(size=2, after=sid(prefix, 3)), [4, 5]),
        (Cursor(size=2, after=sid(prefix, 5)), []),
        (Cursor(size=2, before=sid(prefix, 5)), [2, 3, 4]),
        (Cursor(size=2, before=sid(prefix, 3)), [1, 2]),
        (Cursor(size=2, before=sid(prefix, 1)), []),
    ]


async def clear(store: Store, most: int = 1000) -> None:
    """Remove the rows of all that was deleted, about `most` at a time."""
    for _ in range(BATCHES):
        more, _ = await store.write(lambda tx: tx.remains.clear(most))
        if not more:
            return
    raise AssertionError("there is always something left")
