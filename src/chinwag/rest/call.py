"""One request on its way through the REST API, as an operation sees it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import msgspec

from chinwag import commands, limits
from chinwag.domain.answer import Once
from chinwag.errors import ApiError, Kinds
from chinwag.ids import parse_sid

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractAsyncContextManager

    from chinwag.commands import Command, World
    from chinwag.domain.caller import Caller
    from chinwag.domain.credential import Credential, CredentialState
    from chinwag.domain.service import Limits
    from chinwag.domain.unit import Reader
    from chinwag.errors import Kind
    from chinwag.rest.params import Form
    from chinwag.rest.version import Version

R = TypeVar("R")

Answer: TypeAlias = "dict[str, object] | None"
"""What goes back as JSON; None is an empty body."""


@dataclass(frozen=True, slots=True)
class Conventions:
    """What an installation decides about its REST API.

    Args:
        default_limits: what a new service gets.
        v1_list_attributes: whether lists of v1 show attributes, which the original does not.
        list_public_channels_only: whether a list of channels without a `Type` leaves private ones out.
        seal: makes a secret ready to be kept.
        credential_state: says whether a credential can be used.
        forbidden: says why this server does not call a URL; None when it does, as far as is known without
            looking its name up.
    """

    default_limits: Limits
    v1_list_attributes: bool
    list_public_channels_only: bool
    seal: Callable[[str], bytes]
    forbidden: Callable[[str], str | None]
    credential_state: Callable[[Credential], CredentialState]


@dataclass(slots=True)
class Call:
    """A request.

    Args:
        world: where changes happen.
        caller: who asks.
        version: what the client speaks.
        base: scheme and authority under which the client reached us.
        path: as requested, version included, percent-encoding kept.
        names: the named segments of the path, decoded once.
        conventions: of this installation.
        query: the query string, once it was read.
        form: what the body says, as it came, once it was read.
        fields: the same as the operation takes it.
        key: what a repetition of this request has in common with it.
    """

    world: World
    caller: Caller
    version: Version
    base: str
    path: str
    names: Mapping[str, str]
    conventions: Conventions
    query: Form = field(default_factory=dict[str, list[str]])
    form: Form = field(default_factory=dict[str, list[str]])
    fields: dict[str, Any] = field(default_factory=dict[str, Any])
    key: str | None = None

    async def run(self, command: Command[Caller, R]) -> R:
        """Carry out a change."""
        return await commands.run(command, self.caller, self.world)

    async def create(self, command: Command[Caller, R], result: type[R]) -> R:
        """Carry out a change that makes something: if the request has a key, once however often it comes.

        Args:
            command: the change.
            result: the type of what it returns.
        """
        if self.key is None:
            return await commands.run(command, self.caller, self.world)
        said = msgspec.json.encode([self.path, self.form], order="sorted")
        once = Once(
            account_id=self.caller.account_id,
            key=self.key,
            fingerprint=hashlib.sha256(said).digest(),
            result=result,
            keeps_ms=limits.ANSWER_KEPT_MS,
        )
        return await commands.run(command, self.caller, self.world, once)

    def reading(self) -> AbstractAsyncContextManager[Reader]:
        """Ask questions."""
        return self.world.store.reading()

    def must_be_callable(self, url: object, name: str) -> None:
        """See that a URL may be called, if there is one.

        Raises:
            ApiError: `INVALID_WEBHOOK`.
        """
        if isinstance(url, str) and (why := self.conventions.forbidden(url)) is not None:
            raise ApiError(Kinds.INVALID_WEBHOOK, f"{name}: {why}")

    def sid(self, name: str, prefix: str, otherwise: Kind) -> str:
        """Return the SID that stands in the path under a name.

        Raises:
            ApiError: `otherwise`, when it is no SID of this kind.
        """
        found = parse_sid(prefix, self.names[name])
        if found is None:
            raise ApiError(otherwise)
        return found
