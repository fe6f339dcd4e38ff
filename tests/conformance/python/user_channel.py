"""User channels: in v1 a list, in v2 all but creation."""

from __future__ import annotations

from channel import UPDATED
from checks import exactly, has, pages_are_whole, refused, same, shown
from library import ACCOUNT_SID, MAJOR
from names import in_a_path


async def lives(on):
    user = await on.do(on.here.users.create, identity="zoë / user channels")
    channels = [await on.do(on.here.channels.create, unique_name=f"user/channel {n}") for n in range(5)]
    for n in range(3):
        await on.do(on.here.channels(channels[0].sid).messages.create, body=f"{n}")
    members = []
    for channel in channels[:4]:
        of = on.here.channels(channel.sid).members
        members.append(await on.do(of.create, identity=user.identity))
    await on.do(on.here.channels(channels[4].sid).invites.create, identity=user.identity)

    user_channels = on.here.users(user.sid).user_channels
    there = await on.do(user_channels.list)
    first, url = channels[0], f"{on.url}/Channels/{channels[0].sid}"
    exactly(
        "a user channel",
        there[0],
        account_sid=ACCOUNT_SID,
        service_sid=on.service,
        channel_sid=first.sid,
        member_sid=members[0].sid,
        status="joined",
        last_consumed_message_index=None,
        unread_messages_count=None,
        links={"channel": url, "member": f"{url}/Members/{members[0].sid}"},
        **on.since_v2(
            user_sid=user.sid,
            notification_level="default",
            url=f"{on.url}/Users/{user.sid}/Channels/{first.sid}",
        ),
    )
    has("an invitation", there[4], status="invited", member_sid=None)
    same("links of an invitation", there[4].links["member"], None)
    by_identity = on.here.users(in_a_path(user.identity)).user_channels
    sids = [channel.sid for channel in channels]
    await pages_are_whole(on.library, "user channels", by_identity, sids, size=2, by="channel_sid")
    if on.v2:
        await one_is_fetched_changed_and_left(on, user, first, there[0])


async def one_is_fetched_changed_and_left(on, user, channel, listed):
    one = on.here.users(user.sid).user_channels(channel.sid)
    fetched = await on.do(one.fetch)
    same("the user channel fetched", shown(fetched), shown(listed))

    changed = await on.do(
        one.update,
        notification_level="muted",
        last_consumed_message_index=1,
        last_consumption_timestamp=UPDATED,
    )

    has("a changed user channel", changed, notification_level="muted", last_consumed_message_index=1)
    same("unread_messages_count", changed.unread_messages_count, 1)
    member = await on.do(on.here.channels(channel.sid).members(listed.member_sid).fetch)
    same("last_consumption_timestamp", member.last_consumption_timestamp, UPDATED)

    header = {"x_twilio_webhook_enabled": "true"} if MAJOR > 6 else {}
    by_names = on.here.users(in_a_path(user.identity)).user_channels(in_a_path(channel.unique_name))
    same("the same by names", (await on.do(by_names.fetch)).channel_sid, channel.sid)
    same("the answer to a delete", await on.do(by_names.delete, **header), True)
    await refused(
        "a deleted member", on.do(on.here.channels(channel.sid).members(listed.member_sid).fetch), 404, 20404
    )
