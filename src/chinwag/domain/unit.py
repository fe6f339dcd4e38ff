"""What the rules ask of storage: the Protocols that `chinwag.storage` implements.

A `Reader` answers questions; a `Transaction` also makes changes and records events. Both take the service
that an object lives in, so that no question can reach into somebody else's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Sequence
    from contextlib import AbstractAsyncContextManager

    from chinwag.domain.account import Account, Key
    from chinwag.domain.events import AnyEvent
    from chinwag.domain.paging import Cursor
    from chinwag.domain.role import Role
    from chinwag.domain.service import Service
    from chinwag.ids import Millis

R = TypeVar("R")


class Accounts(Protocol):
    """Accounts and API keys, as they are kept."""

    async def get(self, sid: str) -> Account | None:
        """Return an account, or None."""
        ...

    async def all(self) -> list[Account]:
        """Return every account, oldest first."""
        ...

    async def add(
        self, *, sid: str, friendly_name: str, sealed_auth_token: bytes, date_created: Millis
    ) -> Account | None:
        """Add an account and return it; None when the SID is taken."""
        ...

    async def set_auth_token(self, sid: str, sealed_auth_token: bytes) -> bool:
        """Change the auth token; False when there is no such account."""
        ...

    async def key(self, sid: str) -> Key | None:
        """Return an API key, or None."""
        ...

    async def keys(self, account: Account) -> list[Key]:
        """Return the API keys of an account, oldest first."""
        ...

    async def add_key(
        self, account: Account, *, sid: str, friendly_name: str, sealed_secret: bytes, date_created: Millis
    ) -> Key | None:
        """Add a key and return it; None when the SID is taken."""
        ...

    async def set_key_secret(self, sid: str, sealed_secret: bytes) -> bool:
        """Change the secret of a key; False when there is no such key."""
        ...

    async def remove_key(self, sid: str) -> bool:
        """Remove a key; False when there is no such key."""
        ...


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


class Services(Protocol):
    """Services, as they are kept. Each method sees the services of the given account only."""

    async def get(self, account_id: int, sid: str) -> Service | None:
        """Return a service, or None."""
        ...

    async def page(self, account_id: int, cursor: Cursor) -> list[Service]:
        """Return a page of services, oldest first, and one more if there are more."""
        ...

    async def lock(self, account_id: int, sid: str) -> Service | None:
        """Return a service and hold it until the transaction ends, or None."""
        ...

    async def add(self, account_id: int, service: Service, roles: Sequence[Role]) -> None:
        """Add a service with its first roles."""
        ...

    async def save(self, service: Service) -> None:
        """Replace every column of a service that was locked."""
        ...

    async def remove(self, service: Service) -> None:
        """Remove a service and everything in it."""
        ...


class Roles(Protocol):
    """Roles, as they are kept."""

    async def get(self, service: Service, sid: str) -> Role | None:
        """Return a role of the service, or None."""
        ...

    async def page(self, service: Service, cursor: Cursor) -> list[Role]:
        """Return a page of roles, oldest first, and one more if there are more."""
        ...

    async def add(self, service: Service, roles: Iterable[Role]) -> None:
        """Add roles to the service."""
        ...

    async def set_permissions(
        self, service: Service, sid: str, permissions: tuple[str, ...], date_updated: Millis
    ) -> Role:
        """Replace the permissions of a role and return it."""
        ...

    async def remove(self, service: Service, sid: str) -> None:
        """Remove a role."""
        ...


class Answers(Protocol):
    """The answers that are kept for requests that may be repeated."""

    async def find(self, account_id: int, key: str) -> tuple[bytes, bytes] | None:
        """Return the fingerprint of the request that used this key and the answer it was given, or None."""
        ...

    async def keep(
        self, account_id: int, key: str, *, fingerprint: bytes, answer: bytes, date_created: Millis
    ) -> bool:
        """Keep an answer; False when the key has one."""
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


class Transaction(Reader, Protocol):
    """Questions and changes that become durable together, or not at all."""

    @property
    def answers(self) -> Answers:
        """Answers kept for repeated requests."""
        ...

    def record(self, event: AnyEvent) -> None:
        """Say what happened. It is told to others after the commit."""
        ...


class Store(Protocol):
    """Where everything is kept."""

    async def write(
        self, change: Callable[[Transaction], Coroutine[Any, Any, R]]
    ) -> tuple[R, list[AnyEvent]]:
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
