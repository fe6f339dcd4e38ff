"""Roles."""

from __future__ import annotations

from checks import exactly, has, made_now, now, pages_are_whole, refused, same, shown, sids
from library import ACCOUNT_SID

DEFAULT_ROLES = ["service admin", "service user", "channel admin", "channel user"]


async def lives(on):
    roles = on.here.roles
    permissions = ["sendMessage", "leaveChannel", "editOwnMessage"]
    made = await on.do(roles.create, friendly_name="guest", type="channel", permission=permissions)
    made_now("a new role", "RL", made)
    exactly(
        "a new role",
        made,
        sid=made.sid,
        account_sid=ACCOUNT_SID,
        service_sid=on.service,
        friendly_name="guest",
        type="channel",
        permissions=permissions,
        date_created=made.date_created,
        date_updated=made.date_updated,
        url=f"{on.url}/Roles/{made.sid}",
    )
    same("the role fetched", shown(await on.do(roles(made.sid).fetch)), shown(made))
    there = await on.do(roles.list)
    same("names of roles", [role.friendly_name for role in there], [*DEFAULT_ROLES, "guest"])

    changed = await on.do(roles(made.sid).update, permission=["leaveChannel"])
    has("a changed role", changed, sid=made.sid, friendly_name="guest", permissions=["leaveChannel"])
    now("role.date_updated", changed.date_updated)

    await pages_are_whole(on.library, "roles", roles, sids(there), size=2)

    same("the answer to a delete", await on.do(changed.delete), True)
    gone = f"The requested resource /Services/{on.service}/Roles/{made.sid} was not found"
    await refused(
        "a deleted role", on.do(roles(made.sid).fetch), 404, 20404, f"Unable to fetch record: {gone}"
    )
    await refused(
        "a role of no type",
        on.do(roles.create, friendly_name="guest", type="banana", permission=["sendMessage"]),
        400,
        50105,
        "Unable to create record: Invalid role type",
    )
    await refused(
        "a permission that there is not",
        on.do(roles.create, friendly_name="guest", type="channel", permission=["fly"]),
        400,
        50104,
        "Unable to create record: Permission not found",
    )
