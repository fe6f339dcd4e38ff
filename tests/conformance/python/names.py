"""Identities and unique names that an application may have, and how it has to put them into a path."""

from __future__ import annotations

from urllib.parse import quote

PLAIN = ("alice@example.com", "left|right", "1+1", "two words", "zoë ☎")
"""What the library puts into a path so that it arrives, encoded by it or not."""

ENCODED = (*PLAIN, "a/b", "a#b", "a?b", "100%", "100%25")
"""What arrives if the application encodes it. The library puts a path together as it is."""


def in_a_path(name):
    """Return a name as an application has to write it where a SID could stand."""
    return quote(name, safe="")
