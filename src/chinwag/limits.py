"""Every documented limit, once, with its source. The keys of the sources are listed in `docs/sources.md`."""

from __future__ import annotations

V1_FRIENDLY_NAME = 64
"""Most characters in a v1 `friendly_name`. Source: chat-v1 Service.friendly_name."""

WEBHOOK_URL = 2048
"""Most characters in the URL of a webhook. Source: decided."""

NOTIFICATION_TEMPLATE = 2048
"""Most characters in the template of a push notification. Source: decided."""

NOTIFICATION_SOUND = 256
"""Most characters in the sound name of a push notification. Source: decided."""

COUNTED = 1000
"""Largest value of `limits.channel_members` and of `limits.user_channels`. Source: chat-limits."""

TYPING_INDICATOR_TIMEOUT_S = 3600
"""Largest `typing_indicator_timeout`, in seconds. Source: decided."""

CONSUMPTION_REPORT_INTERVAL_S = 86_400
"""Largest `consumption_report_interval`, in seconds. Source: decided."""

PAGE = 50
"""Records on a page when the request does not say. Source: chat-v1 PageSize."""

SERVICES_PAGE = 100
"""Most services on a page. Source: chat-v1 ListService.PageSize."""

V1_PAGE = 1000
"""Most records on any other v1 page. Source: chat-v1 ListRole.PageSize."""

PAGE_NUMBER = 1_000_000_000
"""Largest `Page` label. Source: decided."""

BODY_BYTES = 256 * 1024
"""Largest request body, in bytes: a legal 32 KB message body with 16 KB of attributes, percent-encoded, is
147 KB. Source: decided."""

BODY_SECONDS = 30.0
"""Longest wait for a request body, in seconds. Source: decided."""

PARAMETERS = 1000
"""Most parameters in one form or query string. Source: decided."""

PIPELINED = 64
"""Most requests that a client may send ahead of their answers. Source: decided."""

HEADERS = 100
"""Most header lines in one request. Source: decided."""

HEAD_BYTES = 32 * 1024
"""Largest request head (request line and headers), in bytes. Source: decided."""

HEAD_SECONDS = 10.0
"""Longest wait for a request head, in seconds. Source: decided."""
