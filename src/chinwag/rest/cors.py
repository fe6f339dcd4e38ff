"""CORS: any page may call us, and may send credentials. Source: chat-v1 headers; values decided."""

from __future__ import annotations

from typing import TypeAlias

Headers: TypeAlias = list[tuple[bytes, bytes]]

_SAME: Headers = [
    (b"access-control-allow-methods", b"GET, POST, DELETE, OPTIONS"),
    (
        b"access-control-allow-headers",
        (
            b"Accept, Authorization, Content-Type, If-Match, If-Modified-Since, If-None-Match, "
            b"If-Unmodified-Since, X-Twilio-Webhook-Enabled, X-Twilio-Token"
        ),
    ),
    (b"access-control-expose-headers", b"ETag, Twilio-Request-Id, Chinwag-Detail"),
    (b"access-control-allow-credentials", b"true"),
]

_ANYBODY: Headers = [(b"access-control-allow-origin", b"*"), *_SAME]


def cors_headers(origin: bytes | None) -> Headers:
    """Return the CORS headers of every answer.

    A browser refuses `*` together with credentials, so the origin of a request is echoed where there is one.
    """
    if origin is None:
        return _ANYBODY
    return [(b"access-control-allow-origin", origin), (b"vary", b"Origin"), *_SAME]
