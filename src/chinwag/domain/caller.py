"""Who asks for something."""

from __future__ import annotations

from msgspec import Struct

SYSTEM = "system"
"""Who has done what an account did over REST, and the identity that nobody may have. Source:
recorded-responses."""


class Caller(Struct, frozen=True, kw_only=True):
    """Whoever stands behind a request. `chinwag.auth` makes one; nothing else knows how.

    Args:
        account_id: key of the account in the store.
        account_sid: the account that is acting.
        key_sid: the API key that was used, or None for the account's own auth token.
        identity: the user who acts with a client SDK, within what roles permit; None for the account itself,
            which may do everything.
        tells_webhooks: whether webhooks are told of what the account does over REST.
            Source: webhook-events.
    """

    account_id: int
    account_sid: str
    key_sid: str | None = None
    identity: str | None = None
    tells_webhooks: bool = False


class Operator(Struct, frozen=True):
    """The person at the command line of the server itself, who may do anything with accounts and keys."""
