"""What an application does with services and roles, through the official library of this interpreter.

It stops, with a sentence, at the first thing that is not as the original has it. `test_clients.py` runs it
with a new account in CHAT_URL, ACCOUNT_SID, AUTH_TOKEN, API_KEY_SID and API_KEY_SECRET. `node/client.mjs`
does the same in Node.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
from datetime import UTC, datetime, timedelta

import twilio
from twilio.base import values
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

URL = os.environ["CHAT_URL"]
ACCOUNT_SID = os.environ["ACCOUNT_SID"]
AUTH_TOKEN = os.environ["AUTH_TOKEN"]
API_KEY_SID = os.environ["API_KEY_SID"]
API_KEY_SECRET = os.environ["API_KEY_SECRET"]

MAJOR = int(twilio.__version__.partition(".")[0])

SERVICE = (
    *("sid", "account_sid", "friendly_name", "date_created", "date_updated"),
    *("default_service_role_sid", "default_channel_role_sid", "default_channel_creator_role_sid"),
    *(
        "read_status_enabled",
        "reachability_enabled",
        "typing_indicator_timeout",
        "consumption_report_interval",
    ),
    *("limits", "webhooks", "pre_webhook_url", "post_webhook_url", "webhook_method", "webhook_filters"),
    *("notifications", "url", "links"),
)
ROLE = (
    *("sid", "account_sid", "service_sid", "friendly_name", "type", "permissions"),
    *("date_created", "date_updated", "url"),
)

CHANGES = {
    "friendly_name": "Zürich ☎",
    "read_status_enabled": False,
    "reachability_enabled": True,
    "typing_indicator_timeout": 7,
    "consumption_report_interval": 12,
    "notifications_new_message_enabled": True,
    "notifications_new_message_template": "${USER}: ${MESSAGE}",
    "notifications_added_to_channel_enabled": True,
    "notifications_removed_from_channel_template": "You left & may come back",
    "notifications_invited_to_channel_enabled": False,
    "pre_webhook_url": "https://example.org/before?a=1&b=2",
    "post_webhook_url": "https://example.org/after",
    "webhook_method": "GET",
    "webhook_filters": ["onMessageSend", "onMessageSent", "onUserUpdated"],
    "webhooks_on_message_send_url": "https://example.org/send",
    "webhooks_on_message_send_method": "GET",
    "webhooks_on_member_removed_url": "https://example.org/gone",
    "webhooks_on_member_removed_method": "POST",
    "limits_channel_members": 600,
    "limits_user_channels": 500,
}
CHANGED = {
    "friendly_name": "Zürich ☎",
    "read_status_enabled": False,
    "reachability_enabled": True,
    "typing_indicator_timeout": 7,
    "consumption_report_interval": 12,
    "notifications": {
        "new_message": {"enabled": True, "template": "${USER}: ${MESSAGE}"},
        "added_to_channel": {"enabled": True},
        "removed_from_channel": {"enabled": False, "template": "You left & may come back"},
        "invited_to_channel": {"enabled": False},
    },
    "pre_webhook_url": "https://example.org/before?a=1&b=2",
    "post_webhook_url": "https://example.org/after",
    "webhook_method": "GET",
    "webhook_filters": ["onMessageSend", "onMessageSent", "onUserUpdated"],
    "webhooks": {
        "on_message_send": {"url": "https://example.org/send", "method": "GET"},
        "on_member_removed": {"url": "https://example.org/gone", "method": "POST"},
    },
    "limits": {"channel_members": 600, "user_channels": 500},
}

DEFAULT_ROLES = ["service admin", "service user", "channel admin", "channel user"]


def main():
    client = client_of(ACCOUNT_SID, AUTH_TOKEN)
    services_page(client)
    service = a_service_lives(client)
    a_role_lives(client, service)
    default_roles_can_be_changed(client, service)
    roles_page(client, service)
    what_is_wrong_is_said(client, service)
    an_api_key_works_too(service)
    if MAJOR >= 9:
        asyncio.run(the_asynchronous_client_does_the_same())
    a_service_dies(client, service)
    say(f"twilio-python {twilio.__version__}: everything is as the original has it")


def client_of(username, password, account_sid=None, **options):
    client = Client(username, password, account_sid, **options)
    client.chat.base_url = URL
    return client


def services_page(client):
    say("services page")
    made = [client.chat.v1.services.create(friendly_name=f"Service {n}").sid for n in range(120)]

    pages_are_whole("services", client.chat.v1.services, made)
    # A page holds at most 100 services; the library asks for 110.
    same("services, at most 110", sids(client.chat.v1.services.list(limit=110)), made[:110])

    for sid in made:
        same("the answer to a delete", client.chat.v1.services(sid).delete(), True)
    same("services after all were deleted", client.chat.v1.services.list(), [])


def a_service_lives(client):
    say("a service is created")
    made = client.chat.v1.services.create(friendly_name="Support")
    sid_of("IS", "service.sid", made.sid)
    sid_of("RL", "service.default_service_role_sid", made.default_service_role_sid)
    sid_of("RL", "service.default_channel_role_sid", made.default_channel_role_sid)
    sid_of("RL", "service.default_channel_creator_role_sid", made.default_channel_creator_role_sid)
    now("service.date_created", made.date_created)
    url = f"{URL}/v1/Services/{made.sid}"
    has(
        "a new service",
        made,
        account_sid=ACCOUNT_SID,
        friendly_name="Support",
        date_updated=made.date_created,
        read_status_enabled=True,
        reachability_enabled=False,
        typing_indicator_timeout=5,
        consumption_report_interval=10,
        limits={"channel_members": 250, "user_channels": 100},
        webhooks={},
        pre_webhook_url=None,
        post_webhook_url=None,
        webhook_method=None,
        webhook_filters=None,
        notifications={
            "new_message": {"enabled": False},
            "added_to_channel": {"enabled": False},
            "removed_from_channel": {"enabled": False},
            "invited_to_channel": {"enabled": False},
        },
        url=url,
        links={"roles": f"{url}/Roles", "users": f"{url}/Users", "channels": f"{url}/Channels"},
    )
    same("the service fetched", shown(made.fetch(), SERVICE), shown(made, SERVICE))

    say("a service is changed")
    changed = client.chat.v1.services(made.sid).update(**CHANGES)
    has("a changed service", changed, sid=made.sid, date_created=made.date_created, **CHANGED)
    now("service.date_updated", changed.date_updated)
    fetched = client.chat.v1.services(made.sid).fetch()
    same("the changed service fetched", shown(fetched, SERVICE), shown(changed, SERVICE))

    say("what is not sent stays, what is sent empty goes")
    emptied = client.chat.v1.services(made.sid).update(
        pre_webhook_url="",
        webhook_filters=[""],
        webhooks_on_message_send_url="",
        notifications_new_message_template="",
    )
    left = {"on_member_removed": CHANGED["webhooks"]["on_member_removed"]}
    has("a service after that", emptied, pre_webhook_url=None, webhook_filters=None, webhooks=left)
    has("a service after that", emptied, post_webhook_url=CHANGED["post_webhook_url"], webhook_method="GET")
    same("new_message", emptied.notifications["new_message"], {"enabled": True})
    return emptied.sid


def a_role_lives(client, service):
    say("a role is created")
    roles = client.chat.v1.services(service).roles
    permissions = ["sendMessage", "leaveChannel", "editOwnMessage"]
    made = roles.create(friendly_name="guest", type="channel", permission=permissions)
    sid_of("RL", "role.sid", made.sid)
    now("role.date_created", made.date_created)
    has(
        "a new role",
        made,
        account_sid=ACCOUNT_SID,
        service_sid=service,
        friendly_name="guest",
        type="channel",
        permissions=permissions,
        date_updated=made.date_created,
        url=f"{URL}/v1/Services/{service}/Roles/{made.sid}",
    )
    same("the role fetched", shown(roles(made.sid).fetch(), ROLE), shown(made, ROLE))
    same("names of roles", [role.friendly_name for role in roles.list()], [*DEFAULT_ROLES, "guest"])

    say("a role is changed")
    changed = roles(made.sid).update(permission=["leaveChannel"])
    has("a changed role", changed, sid=made.sid, friendly_name="guest", permissions=["leaveChannel"])
    now("role.date_updated", changed.date_updated)

    say("a role is deleted")
    same("the answer to a delete", changed.delete(), True)
    refused(
        "fetching a deleted role",
        lambda: roles(made.sid).fetch(),
        404,
        20404,
        f"Unable to fetch record: The requested resource /Services/{service}/Roles/{made.sid} was not found",
    )


def default_roles_can_be_changed(client, service):
    say("default roles are changed")
    roles = client.chat.v1.services(service).roles
    deployment = roles.create(friendly_name="staff", type="deployment", permission=["createChannel"])
    channel = roles.create(friendly_name="guest", type="channel", permission=["sendMessage"])

    changed = client.chat.v1.services(service).update(
        default_service_role_sid=deployment.sid,
        default_channel_role_sid=channel.sid,
        default_channel_creator_role_sid=channel.sid,
    )

    same("default_service_role_sid", changed.default_service_role_sid, deployment.sid)
    same("default_channel_role_sid", changed.default_channel_role_sid, channel.sid)
    same("default_channel_creator_role_sid", changed.default_channel_creator_role_sid, channel.sid)


def roles_page(client, service):
    say("roles page")
    roles = client.chat.v1.services(service).roles
    there = sids(roles.list())
    made = [
        roles.create(friendly_name=f"Role {n}", type="channel", permission=["sendMessage"]).sid
        for n in range(120 - len(there))
    ]

    pages_are_whole("roles", roles, there + made)
    same("roles, at most 110", sids(roles.list(limit=110)), (there + made)[:110])


def pages_are_whole(what, collection, expected):
    """Read a list of 120 in every way that the library offers."""
    same(f"{what} streamed by 50", sids(collection.stream(page_size=50)), expected)
    same(f"{what} listed by 50", sids(collection.list(page_size=50)), expected)
    same(f"{what} listed", sids(collection.list()), expected)
    same(f"{what}, at most 75", sids(collection.list(limit=75)), expected[:75])
    same(f"{what}, at most 75 by 50", sids(collection.list(limit=75, page_size=50)), expected[:75])

    first = collection.page(page_size=50)
    second = first.next_page()
    third = second.next_page()
    same(f"the first page of {what}", sids(first), expected[:50])
    same(f"the second page of {what}", sids(second), expected[50:100])
    same(f"the third page of {what}", sids(third), expected[100:])
    same(f"the page after the third of {what}", third.next_page(), None)
    same(f"the page before the third of {what}", sids(third.previous_page()), expected[50:100])
    same(f"the page before the second of {what}", sids(second.previous_page()), expected[:50])
    same(f"the page before the first of {what}", first.previous_page(), None)
    same(
        f"the second page of {what} by address",
        sids(collection.get_page(first.next_page_url)),
        expected[50:100],
    )


def what_is_wrong_is_said(client, service):
    say("errors are errors")
    services = client.chat.v1.services
    roles = services(service).roles
    nobody = "IS" + "0" * 32

    refused(
        "fetching a service that is not there",
        lambda: services(nobody).fetch(),
        404,
        20404,
        f"Unable to fetch record: The requested resource /Services/{nobody} was not found",
    )
    refused(
        "updating a service that is not there",
        lambda: services(nobody).update(friendly_name="Nobody"),
        404,
        20404,
        f"Unable to update record: The requested resource /Services/{nobody} was not found",
    )
    refused(
        "deleting a service that is not there",
        lambda: services(nobody).delete(),
        404,
        20404,
        f"Unable to delete record: The requested resource /Services/{nobody} was not found",
    )
    refused(
        "a service without a name",
        lambda: services.create(friendly_name=values.unset),
        400,
        20001,
        "Unable to create record: Missing required parameter FriendlyName in the post body",
    )
    refused(
        "a service with a long name",
        lambda: services.create(friendly_name="x" * 65),
        400,
        50003,
        "Unable to create record: Friendly name too long",
    )
    refused(
        "a channel without members",
        lambda: services(service).update(limits_channel_members=0),
        400,
        50061,
        "Unable to update record: Invalid channel members limit format",
    )
    refused(
        "a role of no type",
        lambda: roles.create(friendly_name="guest", type="banana", permission=["sendMessage"]),
        400,
        50105,
        "Unable to create record: Invalid role type",
    )
    refused(
        "a permission that there is not",
        lambda: roles.create(friendly_name="guest", type="channel", permission=["fly"]),
        400,
        50104,
        "Unable to create record: Permission not found",
    )
    refused(
        "a wrong auth token",
        lambda: client_of(ACCOUNT_SID, "0" * 32).chat.v1.services(service).fetch(),
        401,
        20003,
        "Unable to fetch record: Authenticate",
    )
    has("the service after all this", services(service).fetch(), limits=CHANGED["limits"])


def an_api_key_works_too(service):
    say("an API key works too")
    client = client_of(API_KEY_SID, API_KEY_SECRET, ACCOUNT_SID)
    has("the service an API key sees", client.chat.v1.services(service).fetch(), account_sid=ACCOUNT_SID)
    has(
        "a service an API key makes",
        client.chat.v1.services.create(friendly_name="K"),
        account_sid=ACCOUNT_SID,
    )
    refused(
        "a wrong API key secret",
        lambda: client_of(API_KEY_SID, AUTH_TOKEN, ACCOUNT_SID).chat.v1.services(service).fetch(),
        401,
        20003,
        "Unable to fetch record: Authenticate",
    )


async def the_asynchronous_client_does_the_same():
    from twilio.http.async_http_client import AsyncTwilioHttpClient  # noqa: PLC0415  # only 9.x has it

    async with AsyncTwilioHttpClient() as http:
        client = client_of(ACCOUNT_SID, AUTH_TOKEN, http_client=http)

        say("asynchronously, a service and its roles live")
        service = await client.chat.v1.services.create_async(friendly_name="Async")
        changed = await client.chat.v1.services(service.sid).update_async(**CHANGES)
        has("a changed service", changed, sid=service.sid, **CHANGED)
        same("the service fetched", shown(await changed.fetch_async(), SERVICE), shown(changed, SERVICE))
        roles = client.chat.v1.services(service.sid).roles
        there = sids(await roles.list_async())
        role = await roles.create_async(friendly_name="guest", type="channel", permission=["sendMessage"])
        has("a new role", role, permissions=["sendMessage"], date_updated=role.date_created)
        role = await roles(role.sid).update_async(permission=["leaveChannel", "sendMessage"])
        same("the role fetched", shown(await role.fetch_async(), ROLE), shown(role, ROLE))

        say("asynchronously, roles page")
        many = [roles.create_async(f"Role {n}", "channel", ["sendMessage"]) for n in range(115)]
        made = {made.sid for made in await asyncio.gather(*many)}
        streamed = [role.sid async for role in await roles.stream_async(page_size=50)]
        same("roles there first, streamed", streamed[:5], [*there, role.sid])
        same("roles made together, streamed", set(streamed[5:]), made)
        same("how many are streamed", len(streamed), 120)
        same("roles listed by 50", sids(await roles.list_async(page_size=50)), streamed)
        same("roles, at most 75", sids(await roles.list_async(limit=75)), streamed[:75])
        first = await roles.page_async(page_size=50)
        second = await first.next_page_async()
        same("the second page", sids(second), streamed[50:100])
        same("the page before it", sids(await second.previous_page_async()), streamed[:50])

        say("asynchronously, a service dies")
        same("the answer to a delete of a role", await role.delete_async(), True)
        same("the answer to a delete of a service", await service.delete_async(), True)
        try:
            await service.fetch_async()
        except TwilioRestException as error:
            same("the error of a deleted service", (error.status, error.code), (404, 20404))
        else:
            sys.exit("fetching a deleted service should fail, and did not")


def a_service_dies(client, service):
    say("a service is deleted")
    same("the answer to a delete", client.chat.v1.services(service).delete(), True)
    refused(
        "deleting it again",
        lambda: client.chat.v1.services(service).delete(),
        404,
        20404,
        f"Unable to delete record: The requested resource /Services/{service} was not found",
    )


def say(sentence):
    sys.stdout.write(sentence + "\n")
    sys.stdout.flush()


def same(what, found, expected):
    if type(found) is not type(expected) or found != expected:
        sys.exit(f"{what}:\n  found    {found!r}\n  expected {expected!r}")


def has(what, record, **expected):
    for name, value in expected.items():
        same(f"{what}, .{name}", getattr(record, name), value)


def sid_of(prefix, what, found):
    if not re.fullmatch(prefix + "[0-9a-f]{32}", found):
        sys.exit(f"{what} is no SID: {found!r}")


def now(what, found):
    if not isinstance(found, datetime) or abs(found - datetime.now(UTC)) > timedelta(minutes=1):
        sys.exit(f"{what} is not now: {found!r}")


def shown(record, names):
    return {name: getattr(record, name) for name in names}


def sids(records):
    return [record.sid for record in records]


def refused(what, act, status, code, message):
    try:
        act()
    except TwilioRestException as error:
        same(f"{what}, status", error.status, status)
        same(f"{what}, code", error.code, code)
        same(f"{what}, message", error.msg, message)
    else:
        sys.exit(f"{what} should fail, and did not")


if __name__ == "__main__":
    main()
