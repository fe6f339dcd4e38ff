"""One request on its way through the REST API, as an operation sees it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from chinwag import commands

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractAsyncContextManager

    from chinwag.commands import Command, World
    from chinwag.domain.caller import Caller
    from chinwag.domain.service import Limits
    from chinwag.domain.unit import Reader
    from chinwag.rest.params import Form
    from chinwag.rest.version import Version

R = TypeVar("R")

Answer: TypeAlias = "dict[str, object] | None"
"""What goes back as JSON; None is an empty body."""


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
        query: the query string.
        default_limits: what a new service gets on this server.
        fields: what the body says, once it was read.
    """

    world: World
    caller: Caller
    version: Version
    base: str
    path: str
    names: Mapping[str, str]
    query: Form
    default_limits: Limits
    fields: dict[str, Any] = field(default_factory=dict[str, Any])

    async def run(self, command: Command[Caller, R]) -> R:
        """Carry out a change."""
        return await commands.run(command, self.caller, self.world)

    def reading(self) -> AbstractAsyncContextManager[Reader]:
        """Ask questions."""
        return self.world.store.reading()
