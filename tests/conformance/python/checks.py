"""Sentences about what the library found. The first that is not true ends the program."""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime, timedelta

from twilio.base.exceptions import TwilioRestException


def say(sentence):
    sys.stdout.write(sentence + "\n")
    sys.stdout.flush()


def same(what, found, expected):
    if type(found) is not type(expected) or found != expected:
        sys.exit(f"{what}:\n  found    {found!r}\n  expected {expected!r}")


def has(what, record, **expected):
    found = shown(record)
    for name, value in expected.items():
        same(f"{what}, .{name}", found[name], value)


def exactly(what, record, **expected):
    """A record has these fields and no others."""
    found = shown(record)
    same(f"{what}, its fields", sorted(found), sorted(expected))
    has(what, record, **expected)


def shown(record):
    """Return every field of a record: what it says of itself but its methods and the lists below it."""
    names = [name for name in dir(record) if not name.startswith("_")]
    values = {name: getattr(record, name) for name in names}
    if hasattr(record, "_from"):
        values["from_"] = record._from  # noqa: SLF001  # its name in 9.x
    return {
        name: value
        for name, value in values.items()
        if not callable(value) and not type(value).__module__.startswith("twilio.")
    }


def sid_of(prefix, what, found):
    if not re.fullmatch(prefix + "[0-9a-f]{32}", found):
        sys.exit(f"{what} is no SID: {found!r}")


def now(what, found):
    if not isinstance(found, datetime) or abs(found - datetime.now(UTC)) > timedelta(minutes=2):
        sys.exit(f"{what} is not now: {found!r}")


def made_now(what, prefix, record):
    """A record has a SID of its own and was made now."""
    sid_of(prefix, f"{what}, .sid", record.sid)
    now(f"{what}, .date_created", record.date_created)
    same(f"{what}, .date_updated", record.date_updated, record.date_created)


def sids(records):
    return [record.sid for record in records]


async def refused(what, done, status, code, message=None):
    try:
        await done
    except TwilioRestException as error:
        same(f"{what}, status", error.status, status)
        same(f"{what}, code", error.code, code)
        if message is not None:
            same(f"{what}, message", error.msg, message)
    else:
        sys.exit(f"{what} should fail, and did not")


async def pages_are_whole(library, what, collection, expected, *, size, by="sid", **filters):
    """Read a list of three pages or more in every way that the library offers."""

    def found(records):
        return [getattr(record, by) for record in records]

    async def listed(**parameters):
        return found(await library.do(collection.list, **parameters, **filters))

    pages = [expected[start : start + size] for start in range(0, len(expected), size)]
    same(f"{what}: enough to page", len(pages) > 2, True)
    most = size + 1

    streamed = await library.streamed(collection, page_size=size, **filters)
    same(f"{what} streamed by {size}", found(streamed), expected)
    same(f"{what} listed by {size}", await listed(page_size=size), expected)
    same(f"{what} listed", await listed(), expected)
    same(f"{what}, at most {most}", await listed(limit=most), expected[:most])
    same(f"{what}, at most {most} by {size}", await listed(limit=most, page_size=size), expected[:most])

    page = await library.do(collection.page, page_size=size, **filters)
    second = page.next_page_url
    for n, there in enumerate(pages):
        same(f"page {n} of {what}", found(page), there)
        last, page = page, await library.do(page.next_page)
    same(f"the page after the last of {what}", page, None)
    for n, there in reversed(list(enumerate(pages[:-1]))):
        last = await library.do(last.previous_page)
        same(f"page {n} of {what}, from behind", found(last), there)
    same(f"the page before the first of {what}", await library.do(last.previous_page), None)
    by_address = await library.do(collection.get_page, second)
    same(f"the second page of {what} by its address", found(by_address), pages[1])
    third = await library.do(collection.page, page_number=2, page_size=size, **filters)
    same(f"the third page of {what} by its number", found(third), pages[2])
