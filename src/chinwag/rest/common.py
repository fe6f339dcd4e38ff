"""What the parameters and pages of several nouns have in common. Source: rest-conventions."""

from __future__ import annotations

from chinwag import limits
from chinwag.errors import Kind, Kinds
from chinwag.rest.params import Param
from chinwag.rest.version import Version
from chinwag.values import ANY, Attributes, Moment, Plain, Text, Whole

PAGES = {Version.V1: limits.V1_PAGE, Version.V2: limits.V2_PAGE}
"""The largest page of most lists."""


def friendly_name(*, empty: Kind | None = None, required: bool = False) -> tuple[Param, Param]:
    """Return `FriendlyName`, which is longer in v2. With `empty` None, an empty one means none."""
    return (
        _friendly_name(limits.V1_FRIENDLY_NAME, Version.V1, empty, required=required),
        _friendly_name(limits.V2_FRIENDLY_NAME, Version.V2, empty, required=required),
    )


def _friendly_name(longest: int, version: Version, empty: Kind | None, *, required: bool) -> Param:
    return Param(
        "FriendlyName",
        "friendly_name",
        Text(longest, Kinds.FRIENDLY_NAME_TOO_LONG, empty=empty),
        "A name for people.",
        required=required,
        since=version,
        until=version,
    )


IDENTITY = Param("Identity", "identity", Plain(), f"Who: 1 to {limits.IDENTITY} characters.", required=True)

IDENTITIES = Param("Identity", "identities", Plain(), "Of these identities only; may be repeated.", many=True)
"""The filter of a list."""

DATES = (
    Param(
        "DateCreated",
        "date_created",
        Moment(Kinds.INVALID_DATE_CREATED),
        "When it was created, for imports.",
        since=Version.V2,
    ),
    Param(
        "DateUpdated",
        "date_updated",
        Moment(Kinds.INVALID_DATE_UPDATED),
        "When it was changed last, for imports.",
        since=Version.V2,
    ),
)

CONSUMPTION_TIMESTAMP = Param(
    "LastConsumptionTimestamp",
    "last_consumption_timestamp",
    Moment(Kinds.INVALID_CONSUMPTION_TIMESTAMP),
    "When the member read so far; now, unless given.",
    since=Version.V2,
)


def attributes(since: Version = Version.V1) -> Param:
    """Return `Attributes`."""
    return Param("Attributes", "attributes", Attributes(), "A text that holds JSON.", since=since)


def consumed_index(since: Version = Version.V1) -> Param:
    """Return `LastConsumedMessageIndex`."""
    return Param(
        "LastConsumedMessageIndex",
        "last_consumed_message_index",
        Whole(0, ANY, Kinds.INVALID_CONSUMED_INDEX, or_empty=True),
        "The index of the last message that the member has read; empty: nobody knows.",
        since=since,
    )


def author(name: str, into: str, says: str, too_long: Kind, since: Version = Version.V1) -> Param:
    """Return a parameter that names somebody, who need not be a user."""
    return Param(
        name, into, Text(limits.IDENTITY, too_long, empty=Kinds.INVALID_PARAMETER), says, since=since
    )
