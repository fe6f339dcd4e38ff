"""The signature of a webhook: how a receiver knows that it came from here. Source: webhook-security."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

HEADER = "X-Twilio-Signature"


def signed_text(url: str, form: Mapping[str, str]) -> str:
    """Return what is signed: the whole URL, then name and value of each parameter of the body, by name.

    Args:
        url: as it is called, with its query.
        form: the parameters of a form body; none for a GET, whose parameters are in the URL.
    """
    return url + "".join(f"{name}{form[name]}" for name in sorted(form))


def signature(auth_token: str, text: str) -> str:
    """Return the signature of a text: HMAC-SHA1 in base64. The key is the auth token of the account."""
    digest = hmac.new(auth_token.encode(), text.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()
