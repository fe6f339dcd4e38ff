"""Users."""

from __future__ import annotations

from checks import exactly, has, made_now, now, pages_are_whole, refused, same, shown, sids
from library import ACCOUNT_SID
from names import ENCODED, PLAIN, in_a_path

ATTRIBUTES = '{"likes": "ü & ☎"}'


async def lives(on):
    users = on.here.users
    service = await on.do(on.here.fetch)
    role = await on.do(
        on.here.roles.create, friendly_name="staff", type="deployment", permission=["createChannel"]
    )

    made = await on.do(users.create, identity="alice")
    made_now("a new user", "US", made)
    url = f"{on.url}/Users/{made.sid}"
    exactly(
        "a new user",
        made,
        sid=made.sid,
        account_sid=ACCOUNT_SID,
        service_sid=on.service,
        identity="alice",
        friendly_name=None,
        attributes="{}",
        role_sid=service.default_service_role_sid,
        is_online=None,
        is_notifiable=None,
        joined_channels_count=0,
        date_created=made.date_created,
        date_updated=made.date_updated,
        url=url,
        links={
            "user_channels": f"{url}/Channels",
            **on.since_v2(user_bindings=f"{url}/Bindings"),
        },
    )
    same("the user fetched", shown(await on.do(users(made.sid).fetch)), shown(made))

    given = {"role_sid": role.sid, "attributes": ATTRIBUTES, "friendly_name": "Bob ☎"}
    header = on.since_v2(x_twilio_webhook_enabled="true")
    bob = await on.do(users.create, identity="bob", **given, **header)
    has("a user with everything", bob, identity="bob", **given)
    changed = await on.do(users(made.sid).update, **given, **header)
    has("a changed user", changed, sid=made.sid, identity="alice", date_created=made.date_created, **given)
    now("user.date_updated", changed.date_updated)
    same("the changed user fetched", shown(await on.do(changed.fetch)), shown(changed))

    await identities_are_addresses(on)

    there = await on.do(users.list)
    await pages_are_whole(on.library, "users", users, sids(there), size=3)
    listed = {user.identity: user.attributes for user in there}
    same("attributes in a list", listed["bob"], ATTRIBUTES if on.v2 else None)

    await refused("an identity again", on.do(users.create, identity="bob"), 409, 50201)
    await refused("a reserved identity", on.do(users.create, identity="system"), 400, 50203)
    await refused("a user that is not there", on.do(users("nobody").fetch), 404, 20404)
    await refused("text for attributes", on.do(users("bob").update, attributes="text"), 400, 50304)
    same("the answer to a delete", await on.do(bob.delete), True)
    await refused("a deleted user", on.do(users("bob").fetch), 404, 20404)


async def identities_are_addresses(on):
    users = on.here.users
    for identity in ENCODED:
        made = await on.do(users.create, identity=identity)
        same("an identity", made.identity, identity)
        found = await on.do(users(in_a_path(identity)).fetch)
        same(f"the user that {identity} is", found.sid, made.sid)
        changed = await on.do(users(in_a_path(identity)).update, friendly_name=identity)
        same(f"the friendly name of {identity}", changed.friendly_name, identity)
    for identity in PLAIN:
        found = await on.do(users(identity).fetch)
        same(f"the user that {identity} is", found.identity, identity)
    for identity in ENCODED:
        same("the answer to a delete", await on.do(users(in_a_path(identity)).delete), True)
    for n in range(5):
        await on.do(users.create, identity=f"user {n}")
