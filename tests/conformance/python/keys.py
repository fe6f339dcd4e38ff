"""API keys, and what is said to those who have none."""

from __future__ import annotations

from checks import has, refused, say
from library import ACCOUNT_SID, API_KEY_SECRET, API_KEY_SID, AUTH_TOKEN, PREPARED_SERVICE_SID


async def work_too(library):
    say("API keys")
    services = library.client(API_KEY_SID, API_KEY_SECRET, ACCOUNT_SID).chat.v2.services
    seen = await library.do(services(PREPARED_SERVICE_SID).fetch)
    has("the service an API key sees", seen, account_sid=ACCOUNT_SID)
    made = await library.do(services.create, friendly_name="K")
    has("a service an API key makes", made, account_sid=ACCOUNT_SID)

    for what, username, password in [
        ("a wrong API key secret", API_KEY_SID, AUTH_TOKEN),
        ("a wrong auth token", ACCOUNT_SID, "0" * 32),
    ]:
        services = library.client(username, password, ACCOUNT_SID).chat.v1.services
        refusal = library.do(services(PREPARED_SERVICE_SID).fetch)
        await refused(what, refusal, 401, 20003, "Unable to fetch record: Authenticate")
