"""A call as an HTTP request: what is sent, and what of it is signed."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode
from uuid import UUID

from msgspec import Struct

from chinwag import __version__
from chinwag.delivery.guard import read_target
from chinwag.delivery.parameters import RETRY_COUNT
from chinwag.delivery.signature import HEADER, signature, signed_text
from chinwag.domain.webhook import WebhookMethod

if TYPE_CHECKING:
    from chinwag.domain.webhook_call import WebhookCall

IDEMPOTENCY_HEADER = "I-Twilio-Idempotency-Token"
"""The same on every try of a call, and on no other call."""


class Request(Struct, frozen=True, kw_only=True):
    """A request.

    Args:
        headers: all but the signature, which only the server can make.
        body: form-encoded; None for a GET.
        signed_text: what the signature is of.
    """

    method: WebhookMethod
    url: str
    headers: dict[str, str]
    body: str | None
    signed_text: str

    def signed(self, auth_token: str) -> dict[str, str]:
        """Return all headers."""
        return {**self.headers, HEADER: signature(auth_token, self.signed_text)}


def request_of(call: WebhookCall, retry_count: int) -> Request:
    """Return the request of a try of a call.

    What is signed is the URL as its receiver sees it: with a path, without a fragment, a lone `?` or
    credentials.

    Args:
        call: which.
        retry_count: how many tries came before.

    Raises:
        ForbiddenTargetError: its URL is none.
    """
    assert call.url is not None, "a call that is made has a target"
    target = read_target(call.url)
    place = quote(target.resource, safe=_ASCII).removesuffix("?")
    place = place if place.startswith("/") else f"/{place}"
    params = {**call.params, RETRY_COUNT: str(retry_count)}
    headers = {
        "User-Agent": f"Chinwag/{__version__}",
        IDEMPOTENCY_HEADER: str(UUID(call.sid[2:])),
    }
    if call.method is WebhookMethod.GET:
        joint = "?" if "?" not in place else "" if place.endswith("&") else "&"
        place = f"{place}{joint}{urlencode(params, quote_via=quote, safe=_AS_IN_QUERIES)}"
        body, form = None, {}
    else:
        headers["Content-Type"] = "application/x-www-form-urlencoded; charset=utf-8"
        body, form = urlencode(params), params
    credentials = "" if target.userinfo is None else f"{target.userinfo}@"
    return Request(
        method=call.method,
        url=f"{target.scheme}://{credentials}{target.authority}{place}",
        headers=headers,
        body=body,
        signed_text=signed_text(f"{target.scheme}://{target.authority}{place}", form),
    )


_ASCII = "".join(map(chr, range(0x21, 0x7F)))
"""What stays as it is written in a URL."""

_AS_IN_QUERIES = "-._~!$'()*,/:?@"
"""What stays as it is in a parameter of a query: twilio-node reads each `%3F` as `?` before it validates."""
