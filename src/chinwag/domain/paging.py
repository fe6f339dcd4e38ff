"""Where a page of a list begins."""

from __future__ import annotations

from msgspec import Struct

from chinwag import limits


class Cursor(Struct, frozen=True, kw_only=True):
    """A place in a list that is ordered by SID, and thereby by age.

    Args:
        size: records on a page.
        after: the page begins behind this SID.
        before: the page ends before this SID. At most one of the two is given.
        skip: records to leave out, for a page that is asked for by number alone.
    """

    size: int = limits.PAGE
    after: str | None = None
    before: str | None = None
    skip: int = 0
