"""Pages: from the query of a list to a place in it, and the addresses of its neighbours.

The position is in `PageToken`, so that listing while others insert neither skips nor repeats; `Page` is only
a label, except that a page above 0 without a token is found by counting. Source: recorded-responses; decided
where docs/compatibility.md#paging says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from chinwag import limits
from chinwag.domain.paging import Cursor
from chinwag.errors import ApiError, Kinds
from chinwag.ids import parse_sid
from chinwag.rest.params import ANY, Param, Params, Plain, Whole

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chinwag.rest.call import Call
    from chinwag.rest.resource import Resource


@dataclass(frozen=True, slots=True)
class PageQuery:
    """What a request says about the page it wants."""

    number: int
    token: str | None
    cursor: Cursor


class Paging:
    """The page parameters of one list.

    Args:
        prefix: of the SIDs in the list.
        most: the largest page.
    """

    def __init__(self, prefix: str, most: int) -> None:
        self._prefix = prefix
        self._most = most
        self.params = Params(
            Param(
                "PageSize",
                "size",
                Whole(1, ANY),
                f"Records on a page: {limits.PAGE} unless given; more than {most} is read as {most}.",
            ),
            Param("Page", "number", Whole(0, limits.PAGE_NUMBER), "A label, counted up in page addresses."),
            Param("PageToken", "token", Plain(), "Where the page begins, as found in a page address."),
        )

    def read(self, call: Call) -> PageQuery:
        """Return the page that a request wants.

        Raises:
            ApiError: `INVALID_PARAMETER` for a size below 1, a bad number, or a token that is not ours.
        """
        fields = self.params.read(call.query)
        size: int = min(fields.get("size", limits.PAGE), self._most)
        number: int = fields.get("number", 0)
        token: str | None = fields.get("token")
        if token is None:
            return PageQuery(number, None, Cursor(size=size, skip=number * size))

        sid = parse_sid(self._prefix, token[2:])
        match token[:2]:
            case "PT" if sid is not None:
                return PageQuery(number, token, Cursor(size=size, after=sid))
            case "PP" if sid is not None:
                return PageQuery(number, token, Cursor(size=size, before=sid))
            case _:
                raise ApiError(Kinds.INVALID_PARAMETER, "the token is not one of ours", name="PageToken")


def present_page(call: Call, resource: Resource, query: PageQuery, found: Sequence[Any]) -> dict[str, object]:
    """Return a list as the wire has it.

    Args:
        call: the request.
        resource: how a record is printed.
        query: the page that was asked for.
        found: its records and, if there are more in the direction of reading, one of them.
    """
    size = query.cursor.size
    more = len(found) > size
    if query.cursor.before is None:
        records = found[:size]
        has_previous, has_next = query.number > 0 and bool(records), more
    else:
        records = found[-size:]
        has_previous, has_next = more, bool(records)

    def address(number: int, token: str | None) -> str:
        filters = [
            (name, value) for name, values in call.query.items() if name not in _OWN for value in values
        ]
        own = [("PageSize", str(size)), ("Page", str(number)), *([("PageToken", token)] if token else [])]
        return f"{call.base}{call.path}?{urlencode(filters + own, quote_via=quote)}"

    return {
        "meta": {
            "page": query.number,
            "page_size": size,
            "first_page_url": address(0, None),
            "previous_page_url": address(max(query.number - 1, 0), f"PP{records[0].sid}")
            if has_previous
            else None,
            "url": address(query.number, query.token),
            "next_page_url": address(query.number + 1, f"PT{records[-1].sid}") if has_next else None,
            "key": resource.key,
        },
        resource.key: [resource.present(record, call.version, call.base) for record in records],
    }


_OWN = frozenset({"PageSize", "Page", "PageToken"})
