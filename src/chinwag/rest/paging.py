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
from chinwag.rest.params import Param, Params
from chinwag.rest.resource import Shape
from chinwag.values import ANY, Plain, Whole

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chinwag.rest.call import Call
    from chinwag.rest.resource import Resource
    from chinwag.rest.version import Version


@dataclass(frozen=True, slots=True)
class PageQuery:
    """What a request says about the page it wants.

    Args:
        number: a label.
        token: where it begins, as the request has it.
        cursor: where it begins.
        by: the attribute of a record that stands in tokens.
        filters: what the request says besides.
    """

    number: int
    token: str | None
    cursor: Cursor
    by: str
    filters: dict[str, Any]


class Paging:
    """The page parameters of one list.

    Args:
        prefix: of the SIDs that stand in tokens.
        most: the largest page, by version.
        usual: records on a page when the request does not say.
        by: the attribute of a record that stands in tokens.
        filters: what else the list takes.
    """

    def __init__(
        self,
        prefix: str,
        most: dict[Version, int],
        *filters: Param,
        usual: int = limits.PAGE,
        by: str = "sid",
    ) -> None:
        self._prefix = prefix
        self._most = most
        self._usual = usual
        self._by = by
        self.params = Params(
            *filters,
            *(_page_size(usual, size, version) for version, size in most.items()),
            Param("Page", "number", Whole(0, limits.PAGE_NUMBER), "A label, counted up in page addresses."),
            Param("PageToken", "token", Plain(), "Where the page begins, as found in a page address."),
        )

    def read(self, call: Call) -> PageQuery:
        """Return the page that a request wants.

        Raises:
            ApiError: `INVALID_PARAMETER` for a size below 1, a bad number, or a token that is not ours; the
                error of a filter.
        """
        fields = self.params.read(call.query, call.version)
        size: int = min(fields.pop("size", self._usual), self._most[call.version])
        number: int = fields.pop("number", 0)
        token: str | None = fields.pop("token", None)
        return PageQuery(number, token, self._cursor(size, number, token), self._by, fields)

    def _cursor(self, size: int, number: int, token: str | None) -> Cursor:
        if token is None:
            return Cursor(size=size, skip=number * size)
        sid = parse_sid(self._prefix, token[2:])
        match token[:2]:
            case "PT" if sid is not None:
                return Cursor(size=size, after=sid)
            case "PP" if sid is not None:
                return Cursor(size=size, before=sid)
            case _:
                raise wrong_token()


def _page_size(usual: int, most: int, version: Version) -> Param:
    says = f"Records on a page: {usual} unless given; more than {most} is read as {most}."
    return Param("PageSize", "size", Whole(1, ANY), says, since=version, until=version)


def wrong_token() -> ApiError:
    """Return the refusal of a token that leads nowhere."""
    return ApiError(Kinds.INVALID_PARAMETER, "the token is not one of ours", name="PageToken")


def present_page(call: Call, resource: Resource, query: PageQuery, found: Sequence[Any]) -> dict[str, object]:
    """Return a list as the wire has it.

    Args:
        call: the request.
        resource: how a record is printed.
        query: the page that was asked for.
        found: its records and, if there are more in the direction of reading, one of them.
    """
    shape = Shape.LISTED_WHOLE if call.conventions.v1_list_attributes else Shape.LISTED
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
            "previous_page_url": address(max(query.number - 1, 0), f"PP{getattr(records[0], query.by)}")
            if has_previous
            else None,
            "url": address(query.number, query.token),
            "next_page_url": address(query.number + 1, f"PT{getattr(records[-1], query.by)}")
            if has_next
            else None,
            "key": resource.key,
        },
        resource.key: [resource.present(record, call.version, call.base, shape) for record in records],
    }


_OWN = frozenset({"PageSize", "Page", "PageToken"})
