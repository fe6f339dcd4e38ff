"""Services."""

from __future__ import annotations

from checks import exactly, has, made_now, now, pages_are_whole, refused, same, say, shown, sid_of, sids
from library import ACCOUNT_SID
from twilio.base import values

EVENTS = (
    *("message_send", "message_update", "message_remove", "message_sent", "message_updated"),
    *("message_removed", "channel_add", "channel_destroy", "channel_update", "channel_added"),
    *("channel_destroyed", "channel_updated", "member_add", "member_remove", "member_added"),
    "member_removed",
)

NOTIFICATIONS = ("new_message", "added_to_channel", "removed_from_channel", "invited_to_channel")

NOBODY = "IS" + "0" * 32


async def lives(on):
    say(f"service, {on.name}")
    await pages(on)
    made = await is_created(on)
    await is_changed(on, made)
    await has_other_default_roles(on, made.sid)
    await what_is_wrong_is_said(on, made.sid)
    same("the answer to a delete", await on.do(on.chat.services(made.sid).delete), True)


async def dies(on):
    """A service with much in it."""
    same("the answer to a delete", await on.do(on.here.delete), True)
    gone = f"The requested resource /Services/{on.service} was not found"
    await refused("deleting it again", on.do(on.here.delete), 404, 20404, f"Unable to delete record: {gone}")
    await refused("a channel of it", on.do(on.here.channels("lobby").fetch), 404, 20404)


async def pages(on):
    services = on.chat.services
    before = sids(await on.do(services.list))
    made = [(await on.do(services.create, friendly_name=f"Service {n}")).sid for n in range(5)]

    await pages_are_whole(on.library, "services", services, before + made, size=2)

    for sid in made:
        same("the answer to a delete", await on.do(services(sid).delete), True)
    same("services after all were deleted", sids(await on.do(services.list)), before)


async def is_created(on):
    made = await on.do(on.chat.services.create, friendly_name="Support")
    made_now("a new service", "IS", made)
    for name in ("service", "channel", "channel_creator"):
        sid_of("RL", f"default_{name}_role_sid", getattr(made, f"default_{name}_role_sid"))
    on.service = made.sid
    exactly(
        "a new service",
        made,
        sid=made.sid,
        account_sid=ACCOUNT_SID,
        friendly_name="Support",
        date_created=made.date_created,
        date_updated=made.date_updated,
        default_service_role_sid=made.default_service_role_sid,
        default_channel_role_sid=made.default_channel_role_sid,
        default_channel_creator_role_sid=made.default_channel_creator_role_sid,
        read_status_enabled=True,
        reachability_enabled=False,
        typing_indicator_timeout=5,
        consumption_report_interval=10,
        limits={"channel_members": 250, "user_channels": 100},
        pre_webhook_url=None,
        post_webhook_url=None,
        webhook_method="POST" if on.v2 else None,
        webhook_filters=None,
        notifications=notifications(on, {kind: {"enabled": False} for kind in NOTIFICATIONS}),
        url=on.url,
        links={name: f"{on.url}/{name.title()}" for name in links(on)},
        **only_of_v1(on, webhooks={}),
        **on.since_v2(
            pre_webhook_retry_count=0,
            post_webhook_retry_count=0,
            media={
                "size_limit_mb": 150,
                "compatibility_message": "Media messages are not supported",
            },
        ),
    )
    same("the service fetched", shown(await on.do(made.fetch)), shown(made))
    return made


def notifications(on, of_both, *, log_enabled=False, badge_count_enabled=False):
    """Return `notifications` as a version shows them."""
    if not on.v2:
        return of_both
    new_message = {**of_both["new_message"], "badge_count_enabled": badge_count_enabled}
    return {**of_both, "new_message": new_message, "log_enabled": log_enabled}


def links(on):
    return ("roles", "users", "channels", *on.since_v2(bindings=True))


def only_of_v1(on, **parameters):
    return {} if on.v2 else parameters


async def is_changed(on, made):
    changes = {
        "friendly_name": "Zürich ☎",
        "read_status_enabled": False,
        "reachability_enabled": True,
        "typing_indicator_timeout": 7,
        "consumption_report_interval": 12,
        "pre_webhook_url": "https://example.org/before?a=1&b=2",
        "post_webhook_url": "https://example.org/after",
        "webhook_method": "GET",
        "webhook_filters": ["onMessageSend", "onMessageSent", "onUserUpdated"],
        **on.since_v2(pre_webhook_retry_count=1, post_webhook_retry_count=3),
    }
    pushed = {kind: {"enabled": True, "template": f"{kind} & ${{USER}}"} for kind in NOTIFICATIONS}
    if on.v2:
        pushed = {kind: {**pushed[kind], "sound": f"{kind}.aiff"} for kind in NOTIFICATIONS}
    asked = {f"notifications_{kind}_{name}": value for kind in pushed for name, value in pushed[kind].items()}
    targets = {
        f"on_{event}": {"url": f"https://example.org/{event}", "method": "GET" if "d" in event else "POST"}
        for event in EVENTS
    }
    if not on.v2:
        asked |= {
            f"webhooks_{event}_{name}": value for event in targets for name, value in targets[event].items()
        }

    services = on.chat.services
    changed = await on.do(
        services(made.sid).update,
        **changes,
        **asked,
        **on.since_v2(
            notifications_new_message_badge_count_enabled=True,
            notifications_log_enabled=True,
            media_compatibility_message="A file: please update",
        ),
        limits_channel_members=600,
        limits_user_channels=500,
    )

    has("a changed service", changed, sid=made.sid, date_created=made.date_created, **changes)
    now("service.date_updated", changed.date_updated)
    has(
        "a changed service",
        changed,
        limits={"channel_members": 600, "user_channels": 500},
        notifications=notifications(on, pushed, log_enabled=True, badge_count_enabled=True),
        **only_of_v1(on, webhooks=targets),
        **on.since_v2(media={"size_limit_mb": 150, "compatibility_message": "A file: please update"}),
    )
    same("the changed service fetched", shown(await on.do(changed.fetch)), shown(changed))

    emptied = await on.do(
        services(made.sid).update,
        pre_webhook_url="",
        webhook_filters=[""],
        notifications_new_message_template="",
        **only_of_v1(on, webhooks_on_message_send_url=""),
    )
    has("what is sent empty", emptied, pre_webhook_url=None, webhook_filters=None)
    has("what is not sent", emptied, post_webhook_url="https://example.org/after", webhook_method="GET")
    same("new_message", "template" in emptied.notifications["new_message"], False)
    if not on.v2:
        left = {event: target for event, target in targets.items() if event != "on_message_send"}
        same("webhooks", emptied.webhooks, left)


async def has_other_default_roles(on, service):
    roles = on.chat.services(service).roles
    deployment = await on.do(
        roles.create, friendly_name="staff", type="deployment", permission=["createChannel"]
    )
    channel = await on.do(roles.create, friendly_name="guest", type="channel", permission=["sendMessage"])
    changes = {
        "default_service_role_sid": deployment.sid,
        "default_channel_role_sid": channel.sid,
        "default_channel_creator_role_sid": channel.sid,
    }

    changed = await on.do(on.chat.services(service).update, **changes)

    has("default roles", changed, **changes)


async def what_is_wrong_is_said(on, service):
    services = on.chat.services
    gone = f"The requested resource /Services/{NOBODY} was not found"
    for verb, done in [
        ("fetch", on.do(services(NOBODY).fetch)),
        ("update", on.do(services(NOBODY).update, friendly_name="Nobody")),
        ("delete", on.do(services(NOBODY).delete)),
    ]:
        await refused(f"to {verb} what is not there", done, 404, 20404, f"Unable to {verb} record: {gone}")
    await refused(
        "a service without a name",
        on.do(services.create, friendly_name=values.unset),
        400,
        20001,
        "Unable to create record: Missing required parameter FriendlyName in the post body",
    )
    await refused(
        "a service with a long name",
        on.do(services.create, friendly_name="x" * 257),
        400,
        50003,
        "Unable to create record: Friendly name too long",
    )
    await refused(
        "a channel without members",
        on.do(services(service).update, limits_channel_members=0),
        400,
        50061,
        "Unable to update record: Invalid channel members limit format",
    )
    unchanged = await on.do(services(service).fetch)
    has("the service after all this", unchanged, limits={"channel_members": 600, "user_channels": 500})
