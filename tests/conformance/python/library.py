"""The official library of this interpreter: called in one way for both of its ways, and watched.

What it really asked of the server, and was given, is noted, so that nobody has to claim it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

import twilio
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

URL = os.environ["CHAT_URL"]
ACCOUNT_SID = os.environ["ACCOUNT_SID"]
AUTH_TOKEN = os.environ["AUTH_TOKEN"]
API_KEY_SID = os.environ["API_KEY_SID"]
API_KEY_SECRET = os.environ["API_KEY_SECRET"]
PREPARED_SERVICE_SID = os.environ["PREPARED_SERVICE_SID"]
"""A service with what REST cannot make: bindings of two users, and a file."""
MEDIA_SID = os.environ["MEDIA_SID"]

MAJOR = int(twilio.__version__.partition(".")[0])

WEBHOOKS = "X-Twilio-Webhook-Enabled"


class Record:
    """The operations that were done with success, each with the parameters that went with it."""

    def __init__(self):
        self.done = {}

    def note(self, status, method, url, *, params, data, headers):
        if not 200 <= status < 300:
            return
        address = urlsplit(url)
        asked = [*(params or {}), *(name for name, _ in parse_qsl(address.query, keep_blank_values=True))]
        items = {f"query {name}" for name in asked} | {f"form {name}" for name in data or {}}
        if WEBHOOKS in (headers or {}):
            items.add(f"header {WEBHOOKS}")
        self.done.setdefault(f"{method.upper()} {template(address.path)}", set()).update(items)


def template(path):
    """`/v1/Services/IS…/Roles` → `/v1/Services/{}/Roles`: every second segment names something."""
    version, *segments = path.strip("/").split("/")
    return "/".join(["", version, *("{}" if n % 2 else segment for n, segment in enumerate(segments))])


class Watched(TwilioHttpClient):
    """The library's own way to speak HTTP, watched."""

    def __init__(self, record):
        super().__init__()
        self.record = record

    def request(self, method, url, params=None, data=None, headers=None, **options):
        response = super().request(method, url, params=params, data=data, headers=headers, **options)
        self.record.note(response.status_code, method, url, params=params, data=data, headers=headers)
        return response


def watched_asynchronously(record):
    from twilio.http.async_http_client import AsyncTwilioHttpClient  # noqa: PLC0415  # only 9.x has it

    class WatchedAsynchronously(AsyncTwilioHttpClient):
        async def request(self, method, url, params=None, data=None, headers=None, **options):
            response = await super().request(
                method, url, params=params, data=data, headers=headers, **options
            )
            record.note(response.status_code, method, url, params=params, data=data, headers=headers)
            return response

    return WatchedAsynchronously()


@dataclass
class Library:
    """The library as an application holds it.

    Args:
        http: how it speaks HTTP.
        asynchronous: whether its methods that end in `_async` are called.
    """

    http: object
    asynchronous: bool = False

    async def do(self, method, *arguments, **parameters):
        """Call a method, or its asynchronous twin."""
        if not self.asynchronous:
            return method(*arguments, **parameters)
        return await getattr(method.__self__, f"{method.__name__}_async")(*arguments, **parameters)

    async def streamed(self, collection, **parameters):
        """Return all that a list streams."""
        if not self.asynchronous:
            return list(collection.stream(**parameters))
        return [record async for record in await collection.stream_async(**parameters)]

    def client(self, username=ACCOUNT_SID, password=AUTH_TOKEN, account_sid=None):
        """Return a client that talks to our server."""
        client = Client(username, password, account_sid, http_client=self.http)
        client.chat.base_url = URL
        return client


@dataclass
class Version:
    """A version of the API, in a service.

    Args:
        name: `v1` or `v2`.
        chat: the library's entry to it.
        service: the SID of the service.
    """

    library: Library
    name: str
    service: str = ""
    chat: object = field(init=False)

    def __post_init__(self):
        self.chat = getattr(self.library.client().chat, self.name)
        self.do = self.library.do

    @property
    def v2(self):
        return self.name == "v2"

    @property
    def here(self):
        """The service, by the library's name."""
        return self.chat.services(self.service)

    @property
    def url(self):
        return f"{URL}/{self.name}/Services/{self.service}"

    def since_v2(self, **parameters):
        """Return parameters, or fields, that v1 does not have."""
        return parameters if self.v2 else {}
