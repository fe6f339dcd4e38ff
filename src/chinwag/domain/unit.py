"""What the rules ask of storage: the Protocols that `chinwag.storage` implements.

A `Reader` answers questions; a `Transaction` also makes changes and records events. What they ask of each
noun stands in the noun's own file. Both take the service or channel that an object lives in, so that no
question can reach into somebody else's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from contextlib import AbstractAsyncContextManager

    from chinwag.domain.account import Accounts
    from chinwag.domain.answer import Answers
    from chinwag.domain.binding import Bindings
    from chinwag.domain.channel import Channels
    from chinwag.domain.channel_webhook import ChannelWebhooks
    from chinwag.domain.credential import Credentials
    from chinwag.domain.event import Event
    from chinwag.domain.happening import Happening
    from chinwag.domain.invite import Invites
    from chinwag.domain.lease import Leases
    from chinwag.domain.media import MediaFiles
    from chinwag.domain.member import Members
    from chinwag.domain.message import Messages
    from chinwag.domain.occasion import Occasions
    from chinwag.domain.push import Pushes
    from chinwag.domain.remains import Remains
    from chinwag.domain.role import Roles
    from chinwag.domain.service import Services
    from chinwag.domain.user import Users
    from chinwag.domain.user_channel import UserChannels
    from chinwag.domain.webhook_call import WebhookCalls

R = TypeVar("R")


class OvertakenError(Exception):
    """Somebody else has changed what a change began with: it begins again, with fresh reads."""


class Installation(Protocol):
    """Facts about the whole installation."""

    async def generation(self) -> int:
        """Return the number that rises with every change of accounts or keys."""
        ...

    async def raise_generation(self) -> None:
        """Raise it by one."""
        ...

    async def key_check(self) -> bytes | None:
        """Return the sealed text that proves the encryption key of this database; None for a new one."""
        ...

    async def keep_key_check(self, sealed: bytes) -> None:
        """Keep that text."""
        ...


class Reader(Protocol):
    """Questions. Each sees everything that was committed before it was asked."""

    @property
    def installation(self) -> Installation:
        """Facts about the whole installation."""
        ...

    @property
    def accounts(self) -> Accounts:
        """Accounts and keys."""
        ...

    @property
    def services(self) -> Services:
        """Services."""
        ...

    @property
    def roles(self) -> Roles:
        """Roles."""
        ...

    @property
    def users(self) -> Users:
        """Users."""
        ...

    @property
    def channels(self) -> Channels:
        """Channels."""
        ...

    @property
    def user_channels(self) -> UserChannels:
        """The channels of users."""
        ...

    @property
    def members(self) -> Members:
        """Members."""
        ...

    @property
    def invites(self) -> Invites:
        """Invites."""
        ...

    @property
    def messages(self) -> Messages:
        """Messages."""
        ...

    @property
    def media(self) -> MediaFiles:
        """Media."""
        ...

    @property
    def channel_webhooks(self) -> ChannelWebhooks:
        """Webhooks of channels."""
        ...

    @property
    def webhook_calls(self) -> WebhookCalls:
        """Calls of webhooks."""
        ...

    @property
    def occasions(self) -> Occasions:
        """What devices may be told of."""
        ...

    @property
    def pushes(self) -> Pushes:
        """Pushes."""
        ...

    @property
    def credentials(self) -> Credentials:
        """Credentials."""
        ...

    @property
    def bindings(self) -> Bindings:
        """Bindings."""
        ...

    @property
    def answers(self) -> Answers:
        """Answers kept for repeated requests."""
        ...


class Transaction(Reader, Protocol):
    """Questions and changes that become durable together, or not at all."""

    @property
    def leases(self) -> Leases:
        """Work that one server does for all."""
        ...

    @property
    def remains(self) -> Remains:
        """What is left of what was deleted."""
        ...

    def record(self, event: Event) -> None:
        """Say what happened. It is told to others after the commit."""
        ...

    def happened(self, happening: Happening) -> None:
        """Say of what webhooks may be told."""
        ...

    def take_happenings(self) -> list[Happening]:
        """Return what webhooks may be told of so far, and forget it."""
        ...


class Store(Protocol):
    """Where everything is kept."""

    async def write(self, change: Callable[[Transaction], Coroutine[Any, Any, R]]) -> tuple[R, list[Event]]:
        """Carry out a change and return its result and its events, once they are durable.

        A change may be carried out more than once before it succeeds, and awaits nothing but its transaction.

        Raises:
            ApiError: what the change raised, and nothing of it was kept; or `UNAVAILABLE`, when the store
                cannot be written now.
        """
        ...

    def reading(self) -> AbstractAsyncContextManager[Reader]:
        """Ask questions.

        Raises:
            ApiError: `UNAVAILABLE`, when the store cannot be read now.
        """
        ...

    async def close(self) -> None:
        """Finish what was begun and let go of the files or connections."""
        ...
