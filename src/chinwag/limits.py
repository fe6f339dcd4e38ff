"""Every documented limit, once, with its source. The keys of the sources are listed in `docs/sources.md`."""

from __future__ import annotations

V1_FRIENDLY_NAME = 64
"""Most characters in a v1 `friendly_name`. Source: chat-v1 Service.friendly_name."""

V2_FRIENDLY_NAME = 256
"""Most characters in a v2 `friendly_name`. Source: chat-v2 Service.friendly_name."""

UNIQUE_NAME = 256
"""Most characters in the `unique_name` of a channel. Source: decided."""

IDENTITY = 256
"""Most characters in an identity, or in another text that stands for somebody. Source: successor-limits."""

ENDPOINT = 512
"""Most characters in the name of a user's device. Source: decided."""

TOKEN_LIFETIME_S = 86_400
"""Longest life of an access token, in seconds. Source: access-tokens."""

TOKEN_SKEW_S = 60
"""How far ahead the `nbf` of an access token may be, in seconds, because clocks differ. `exp` has no leeway.
Source: decided."""

TOKEN_BYTES = 16 * 1024
"""Longest access token, in bytes: the longest legal identity and endpoint, each character an escaped pair of
surrogates, make one of 13 KB. Source: decided."""

BODY_TEXT_BYTES = 32 * 1024
"""Largest `body` of a message, in bytes of UTF-8. Source: chat-limits."""

ATTRIBUTES_BYTES = 16 * 1024
"""Largest `attributes` of anything, in bytes of UTF-8. Sources: successor-limits, decided."""

CREDENTIAL_SECRET = 16 * 1024
"""Most characters in a certificate, key or secret of a push provider. Source: decided."""

COMPATIBILITY_MESSAGE = 2048
"""Most characters in the text that stands for a media message. Source: decided."""

MEDIA_SIZE_MB = 150
"""Largest file in a message, in MB. Source: chat-v2 Service.media."""

MEDIA_FILENAME = 256
"""Most characters in the name of a file; what is longer loses its middle. Source: decided."""

MEDIA_CONTENT_TYPE = 256
"""Most characters in the content type of a file. Source: decided."""

MEDIA_CATEGORY = 64
"""Most characters in the category of a file. Source: decided."""

MEDIA_SET = 100
"""Most files that are asked for at once. Source: decided."""

MEDIA_LINK_SECONDS = 300
"""How long a temporary address of a file is good for, in seconds. Source: decided."""

UNSENT_MEDIA_MS = 24 * 60 * 60 * 1000
"""How long a file is kept that no message carries, in milliseconds. Source: decided."""

KEY_CHARACTERS = 255
"""Most characters in the key of a request that may be repeated. Source: decided."""

ANSWER_KEPT_MS = 24 * 60 * 60 * 1000
"""How long the answer to a request with a key is kept, in milliseconds. Source: decided."""

MUTATION_KEPT_MS = 10 * 60 * 1000
"""How long the answer to a client SDK is kept, in milliseconds: each of its requests has a key, and what
repeats one does so at once. Source: decided."""

UPLOAD_IDLE_SECONDS = 30.0
"""Longest pause in an upload, in seconds. Source: decided."""

UPLOAD_SECONDS = 6 * 60 * 60.0
"""Longest upload, in seconds: shorter than `UNSENT_MEDIA_MS`, or its beginning would be swept away.
Source: decided."""

CHANNEL_WEBHOOKS = 5
"""Most webhooks of one channel. Source: chat-v2 CreateChannelWebhook."""

CHANNEL_WEBHOOK_TRIGGERS = 5
"""Most triggers of one channel webhook. Source: chat-v2 CreateChannelWebhook."""

CHANNEL_WEBHOOK_TRIGGER = 256
"""Most characters in a trigger. Source: decided."""

RETRIES = 3
"""Most repetitions of a webhook call. Source: chat-v2 CreateChannelWebhook."""

WEBHOOK_URL = 2048
"""Most characters in the URL of a webhook. Source: decided."""

WEBHOOK_SECONDS = 5.0
"""How long a webhook may take to answer, in seconds: from looking its name up to the last byte.
Source: chat-v2 Service.post_webhook_retry_count."""

WEBHOOK_BACK_OFF_SECONDS = 1.0
"""How long a webhook that failed is left alone before the first repetition, in seconds; then twice as long
each time. Source: decided."""

WEBHOOK_ANSWER_BYTES = 512 * 1024
"""Largest answer of a pre-event webhook, in bytes: 32 KB of words and 16 KB of attributes, each character
escaped, are 290 KB. Source: decided."""

NOTIFICATION_TEMPLATE = 2048
"""Most characters in the template of a push notification. Source: decided."""

PUSH_TEXT = 178
"""Most characters of a push, after its variables are filled in. Source: push-configuration."""

BINDINGS = 25
"""Most devices of one user: one more takes the place of the one that was registered longest ago.
Source: decided."""

DEVICE_ADDRESS = 2048
"""Most characters in what a provider calls a device. Source: decided."""

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

V2_PAGE = 100
"""Most records on most v2 pages. Source: chat-v2 ListRole.PageSize."""

V2_SMALL_PAGE = 50
"""Most records on a v2 page of bindings or user channels. Source: chat-v2 ListBinding.PageSize."""

CREDENTIALS_PAGE = 1000
"""Most credentials on a page. Source: chat-v2 ListCredential.PageSize."""

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

READER_SECONDS = 60.0
"""Longest time for which a client may leave an answer unread, in seconds. Source: decided."""

HEADERS = 100
"""Most header lines in one request. Source: decided."""

HEAD_BYTES = 32 * 1024
"""Largest request head (request line and headers), in bytes. Source: decided."""

HEAD_SECONDS = 10.0
"""Longest wait for a request head, in seconds. Source: decided."""

SOCKET_MESSAGE_BYTES = 384 * 1024
"""Largest message on a socket, in bytes: a request body of `BODY_BYTES`, and what is around it.
Source: decided."""

SOCKET_REQUESTS = 64
"""Most requests of one socket that wait for their answers. Beyond that nothing is read from it.
Source: decided."""

LOGIN_SECONDS = 20.0
"""How long a socket may be open without a login, in seconds. Source: decided."""

SUBSCRIPTIONS = 5000
"""Most objects that one socket follows: a user in 1,000 channels follows 3,002. Source: decided."""

PING_SECONDS = 40.0
"""How often a socket is asked whether its client is there, and how long the client may take, in seconds.
Source: sdk-wire."""
