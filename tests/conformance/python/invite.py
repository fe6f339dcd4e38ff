"""Invites."""

from __future__ import annotations

from checks import exactly, has, made_now, pages_are_whole, refused, same, shown, sids
from library import ACCOUNT_SID


async def lives(on):
    service = await on.do(on.here.fetch)
    channel = await on.do(on.here.channels.create, unique_name="in/vites", type="private")
    role = await on.do(
        on.here.roles.create, friendly_name="listener", type="channel", permission=["leaveChannel"]
    )
    invites = on.here.channels(channel.sid).invites

    made = await on.do(invites.create, identity="alice")
    made_now("a new invite", "IN", made)
    exactly(
        "a new invite",
        made,
        sid=made.sid,
        account_sid=ACCOUNT_SID,
        service_sid=on.service,
        channel_sid=channel.sid,
        identity="alice",
        role_sid=service.default_channel_role_sid,
        created_by="system",
        date_created=made.date_created,
        date_updated=made.date_updated,
        url=f"{on.url}/Channels/{channel.sid}/Invites/{made.sid}",
    )
    same("the invite fetched", shown(await on.do(invites(made.sid).fetch)), shown(made))

    guests = [f"user {n}" for n in range(4)]
    for identity in guests:
        made = await on.do(invites.create, identity=identity, role_sid=role.sid)
        has("an invite with everything", made, identity=identity, role_sid=role.sid)
    there = sids(await on.do(invites.list))
    by_name = on.here.channels("in%2Fvites").invites
    await pages_are_whole(on.library, "invites", by_name, there, size=2)
    await pages_are_whole(on.library, "some invites", invites, there[1:], size=1, identity=guests)

    await refused("an invite of nobody", on.do(invites.create, identity="nobody"), 404, 20404)
    await refused("an invite again", on.do(invites.create, identity="alice"), 409, 50212)
    same("the answer to a delete", await on.do(invites(there[0]).delete), True)
    await refused("a deleted invite", on.do(invites(there[0]).fetch), 404, 20404)
