"""Every route of the REST API, a line for each noun.

The server, the description of the API and the tests read this table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

from chinwag.rest import role, service
from chinwag.rest.version import Version

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from chinwag.rest.call import Answer, Call
    from chinwag.rest.paging import Paging
    from chinwag.rest.params import Params
    from chinwag.rest.resource import Resource

    Finder: TypeAlias = Callable[[Call], Awaitable[object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One operation.

    Args:
        method: of HTTP.
        path: below the version, with named segments in braces.
        operation: what it does.
        gives: what it answers with; None for an empty answer.
        status: of the answer when all went well.
        takes: the parameters of its body.
        pages: the page parameters of a list.
        within: finds what the path names. An object that is not there is a 404 before any parameter is
        judged.
        since: the first version that has it.
    """

    method: str
    path: str
    operation: Callable[[Call], Awaitable[Answer]]
    gives: Resource | None = None
    status: int = 200
    takes: Params | None = None
    pages: Paging | None = None
    within: Finder | None = None
    since: Version = Version.V1


class Noun(Protocol):
    """The file of a noun that has all five operations."""

    PAGING: Paging
    CREATE: Params
    UPDATE: Params

    def page(self, call: Call, /) -> Awaitable[Answer]:
        """List."""
        ...

    def create(self, call: Call, /) -> Awaitable[Answer]:
        """Add."""
        ...

    def fetch(self, call: Call, /) -> Awaitable[Answer]:
        """Return one."""
        ...

    def update(self, call: Call, /) -> Awaitable[Answer]:
        """Change one."""
        ...

    def delete(self, call: Call, /) -> Awaitable[Answer]:
        """Remove one."""
        ...

    def named(self, call: Call, /) -> Awaitable[object]:
        """Find the one that the path names."""
        ...


def _noun(noun: Noun, gives: Resource, item: str, parent: Finder | None = None) -> tuple[Route, ...]:
    """Return the five operations of a noun."""
    collection = item.rpartition("/")[0]
    return (
        Route(
            method="GET", path=collection, operation=noun.page, gives=gives, pages=noun.PAGING, within=parent
        ),
        Route(
            method="POST",
            path=collection,
            operation=noun.create,
            gives=gives,
            status=201,
            takes=noun.CREATE,
            within=parent,
        ),
        Route(method="GET", path=item, operation=noun.fetch, gives=gives),
        Route(
            method="POST", path=item, operation=noun.update, gives=gives, takes=noun.UPDATE, within=noun.named
        ),
        Route(method="DELETE", path=item, operation=noun.delete, status=204),
    )


ROUTES: tuple[Route, ...] = (
    *_noun(service, service.SERVICE, "/Services/{service_sid}"),
    *_noun(role, role.ROLE, "/Services/{service_sid}/Roles/{role_sid}", service.named),
)
"""Every route, by noun."""
