"""Members."""

from __future__ import annotations

from channel import ATTRIBUTES, CREATED, UPDATED
from checks import exactly, has, made_now, now, pages_are_whole, refused, same, shown, sids
from library import ACCOUNT_SID
from names import ENCODED, PLAIN, in_a_path


async def lives(on):
    service = await on.do(on.here.fetch)
    channel = await on.do(on.here.channels.create, unique_name="members")
    role = await on.do(
        on.here.roles.create, friendly_name="listener", type="channel", permission=["leaveChannel"]
    )
    members = on.here.channels(channel.sid).members
    for n in range(3):
        await on.do(on.here.channels(channel.sid).messages.create, body=f"{n}")

    made = await on.do(members.create, identity="alice")
    made_now("a new member", "MB", made)
    exactly(
        "a new member",
        made,
        sid=made.sid,
        account_sid=ACCOUNT_SID,
        service_sid=on.service,
        channel_sid=channel.sid,
        identity="alice",
        role_sid=service.default_channel_role_sid,
        last_consumed_message_index=None,
        last_consumption_timestamp=None,
        date_created=made.date_created,
        date_updated=made.date_updated,
        url=f"{on.url}/Channels/{channel.sid}/Members/{made.sid}",
        **on.since_v2(attributes="{}"),
    )
    same("the member fetched", shown(await on.do(members(made.sid).fetch)), shown(made))
    same("a member by identity", (await on.do(members("alice").fetch)).sid, made.sid)

    header = on.since_v2(x_twilio_webhook_enabled="true")
    read = {"last_consumed_message_index": 1}
    imported = on.since_v2(
        last_consumption_timestamp=UPDATED,
        date_created=CREATED,
        date_updated=UPDATED,
        attributes=ATTRIBUTES,
    )
    given = {"role_sid": role.sid, **imported, **(read if on.v2 else {})}
    bob = await on.do(members.create, identity="bob", **given, **header)
    has("a member with everything", bob, identity="bob", **given)
    changed = await on.do(members(made.sid).update, **{**given, **read}, **header)
    has("a changed member", changed, sid=made.sid, identity="alice", **{**given, **read})
    if not on.v2:
        now("member.last_consumption_timestamp", changed.last_consumption_timestamp)
    same("the changed member fetched", shown(await on.do(changed.fetch)), shown(changed))

    for identity in ENCODED:
        made = await on.do(members.create, identity=identity)
        found = await on.do(members(in_a_path(identity)).fetch)
        same(f"the member that {identity} is", (found.sid, found.identity), (made.sid, identity))
    for identity in PLAIN:
        found = await on.do(on.here.channels("members").members(identity).fetch)
        same(f"the member that {identity} is", found.identity, identity)

    there = await on.do(members.list)
    await pages_are_whole(on.library, "members", members, sids(there), size=5)
    some = list(ENCODED)
    found = [member.sid for member in there if member.identity in some]
    await pages_are_whole(on.library, "some members", members, found, size=4, identity=some)
    same("nobody", await on.do(members.list, identity=["nobody"]), [])

    await refused("a member again", on.do(members.create, identity="bob"), 409, 50404)
    await refused("a member that is not there", on.do(members("nobody").fetch), 404, 20404)
    await on.do(on.here.update, limits_channel_members=len(there))
    await refused("one member too many", on.do(members.create, identity="carol"), 403, 50403)
    await on.do(on.here.update, limits_channel_members=250)

    same("the answer to a delete", await on.do(members("bob").delete, **header), True)
    same("the answer to a delete", await on.do(changed.delete), True)
    await refused("a deleted member", on.do(members("bob").fetch), 404, 20404)
    same("members_count", (await on.do(channel.fetch)).members_count, len(there) - 2)
