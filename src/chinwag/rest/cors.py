"""CORS: any page may call us, and may send credentials. Source: chat-v1 headers; values decided."""

from __future__ import annotations

import re

_SAME = (
    b"access-control-allow-methods: GET, POST, DELETE, OPTIONS\r\n"
    b"access-control-allow-headers: Accept, Authorization, Content-Type, If-Match, If-Modified-Since, "
    b"If-None-Match, If-Unmodified-Since, X-Twilio-Webhook-Enabled, X-Twilio-Token\r\n"
    b"access-control-expose-headers: ETag, Retry-After, Twilio-Request-Id, Chinwag-Detail\r\n"
    b"access-control-allow-credentials: true\r\n"
)

_ANYBODY = b"access-control-allow-origin: *\r\n" + _SAME

_ORIGIN = re.compile(rb"[\x21-\x7e]+")


def cors_lines(origin: bytes | None) -> bytes:
    """Return the header lines of CORS, which every answer has.

    A browser refuses `*` together with credentials, so the origin of a request is echoed where there is one.
    What cannot be an origin is not.
    """
    if origin is None or _ORIGIN.fullmatch(origin) is None:
        return _ANYBODY
    return b"access-control-allow-origin: %b\r\nvary: Origin\r\n%b" % (origin, _SAME)
