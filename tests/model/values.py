"""What the machine says in its requests: odd names, and now and then something that is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chinwag.domain.webhook import WebhookEvent, WebhookMethod

if TYPE_CHECKING:
    from model.reference import Record

START = 1_438_286_400_000

IDENTITIES = (
    "alice",
    "Alice",
    "bob smith",
    "é",
    "e\N{COMBINING ACUTE ACCENT}",
    "100%_' OR 1=1 --",
    "a/b?c&d=#+",
    "US123",
    "\N{GRINNING FACE}" * 256,
)
BAD_IDENTITIES = ("", "System", "US" + "0aF9" * 8, "x" * 257)
UNIQUE_NAMES = ("general", "General", "a b/c?", "ß", "CH1", "'\"\\")
JSON = ("{}", '{"a":1}', "[]", "null", '"\N{SNOWMAN}"')
WORDS = ("", "hello", "Hello", "\N{GRINNING FACE} 'quoted' \\ \"", "line\nline")

FAULTS = 40
"""One in so many requests has each of the faults below: by the remainder of `odd`."""
STRANGER, NOWHERE, ELSEWHERE, GONE, OTHER_CHANNEL, BAD_IDENTITY, NO_BODY = range(1, 8)


def one_of(these: Any, which: int) -> Any:
    return these[which % len(these)]


def identities(records: list[Record]) -> list[str]:
    return [record["identity"] for record in records]


def an_identity(good: Any, which: int, odd: int) -> str:
    return one_of(BAD_IDENTITIES if odd % FAULTS == BAD_IDENTITY else good, which)


def gone_if(sid: str, odd: int, fault: int | None = None) -> str:
    """A SID; a made-up one when it is time for that."""
    return sid[:2] + "0" * 32 if odd % FAULTS == (GONE if fault is None else fault) else sid


def a_key(record: Record, name: str, how: int, odd: int, fault: int | None = None) -> str:
    """One of the names of a thing: its SID, in letters of either case, or the name that people know."""
    if odd % FAULTS == (GONE if fault is None else fault):
        return one_of((record["sid"][:2] + "0" * 32, "nobody knows me"), how)
    sid: str = record["sid"]
    names = [sid, sid.upper(), sid[:2].lower() + sid[2:]]
    return one_of(names if record[name] is None else [record[name], *names, record[name], record[name]], how)


def of_service(records: list[Record], service_sid: str) -> list[Record]:
    return [record for record in records if record["service_sid"] == service_sid]


def some_permissions(role_type: str, which: int) -> tuple[str, ...]:
    right = ("sendMessage", "leaveChannel") if role_type == "channel" else ("createChannel",)
    wrong = ("sendMessage", "createChannel")
    return one_of((right, (), (*right, *right), right, right[:1], right[::-1], wrong, right), which)


def webhook_settings(which: int, *, whole: bool) -> Record:
    """The settings of a webhook; all that any type needs, or some of them."""
    events, words = ("onMessageSent", "onMemberAdded"), ("help", "", "\N{SNOWMAN}", "d", "e", "f")
    given: Record = {
        "target": f"https://example.com/{which}",
        "method": ("GET", "POST")[which % 2],
        "filters": events[: 1 + which % 2],
        "triggers": words[: 1 + which % 5],
        "flow_sid": "FW" + "1" * 32,
        "retry_count": which % 4,
    }
    if not whole:
        name, value = one_of(
            (("target", None), ("filters", ()), ("triggers", ()), ("triggers", words), ("flow_sid", None)),
            which,
        )
        given[name] = value
    return given


def typed_settings(webhook: Record) -> Record:
    return {
        **webhook,
        "method": WebhookMethod(webhook["method"]),
        "filters": tuple(WebhookEvent(name) for name in webhook["filters"]),
    }


def secrets(which: int) -> Record:
    """Most of the secrets that credentials may have, or all."""
    names = ("sealed_certificate", "sealed_private_key", "sealed_api_key", "sealed_secret")
    return {name: f"{name} {which}".encode() for place, name in enumerate(names) if which % 12 != 8 + place}
