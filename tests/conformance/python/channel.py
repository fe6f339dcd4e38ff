"""Channels."""

from __future__ import annotations

from datetime import UTC, datetime

from checks import exactly, has, made_now, now, pages_are_whole, refused, same, shown, sids
from library import ACCOUNT_SID
from names import ENCODED, PLAIN, in_a_path

ATTRIBUTES = '{"topic": "ü & ☎"}'
CREATED = datetime(2015, 12, 16, 22, 18, 37, tzinfo=UTC)
UPDATED = datetime(2015, 12, 16, 22, 18, 38, tzinfo=UTC)


async def lives(on):
    channels = on.here.channels
    made = await on.do(channels.create)
    made_now("a new channel", "CH", made)
    url = f"{on.url}/Channels/{made.sid}"
    exactly(
        "a new channel",
        made,
        sid=made.sid,
        account_sid=ACCOUNT_SID,
        service_sid=on.service,
        friendly_name=None,
        unique_name=None,
        attributes="{}",
        type="public",
        created_by="system",
        members_count=0,
        messages_count=0,
        date_created=made.date_created,
        date_updated=made.date_updated,
        url=url,
        links={
            "members": f"{url}/Members",
            "messages": f"{url}/Messages",
            "invites": f"{url}/Invites",
            "last_message": None,
            **on.since_v2(webhooks=f"{url}/Webhooks"),
        },
    )
    same("the channel fetched", shown(await on.do(channels(made.sid).fetch)), shown(made))

    header = on.since_v2(x_twilio_webhook_enabled="true")
    imported = on.since_v2(date_created=CREATED, date_updated=UPDATED, created_by="alice")
    given = {"friendly_name": "Lobby ☎", "unique_name": "lobby", "attributes": ATTRIBUTES, **imported}
    private = await on.do(channels.create, type="private", **given, **header)
    has("a channel with everything", private, type="private", **given)
    changed = await on.do(channels(made.sid).update, **{**given, "unique_name": "hall"}, **header)
    has("a changed channel", changed, sid=made.sid, type="public", **{**given, "unique_name": "hall"})
    if not on.v2:
        now("channel.date_updated", changed.date_updated)
    same("the changed channel fetched", shown(await on.do(changed.fetch)), shown(changed))
    same("a channel by its name", (await on.do(channels("hall").fetch)).sid, made.sid)

    await names_are_addresses(on)

    there = sids(await on.do(channels.list))
    await pages_are_whole(on.library, "channels", channels, there, size=2)
    same("private channels", sids(await on.do(channels.list, type=["private"])), [private.sid])
    public = [sid for sid in there if sid != private.sid]
    await pages_are_whole(on.library, "public channels", channels, public, size=2, type=["public"])
    same("all channels", sids(await on.do(channels.list, type=["public", "private"])), there)
    listed = {channel.sid: channel.attributes for channel in await on.do(channels.list)}
    same("attributes in a list", listed[private.sid], ATTRIBUTES if on.v2 else None)

    await refused(
        "a name again",
        on.do(channels.create, unique_name="hall"),
        409,
        50307,
        "Unable to create record: Channel with provided unique name already exists",
    )
    await refused("a name again", on.do(channels("lobby").update, unique_name="hall"), 409, 50307)
    await refused("a channel that is not there", on.do(channels("nowhere").fetch), 404, 20404)
    same("the answer to a delete", await on.do(channels("lobby").delete, **header), True)
    same("the answer to a delete", await on.do(changed.delete), True)
    await refused("a deleted channel", on.do(channels("lobby").fetch), 404, 20404)


async def names_are_addresses(on):
    channels = on.here.channels
    for name in ENCODED:
        made = await on.do(channels.create, unique_name=name)
        found = await on.do(channels(in_a_path(name)).fetch)
        same(f"the channel that is named {name}", (found.sid, found.unique_name), (made.sid, name))
    for name in PLAIN:
        found = await on.do(channels(name).fetch)
        same(f"the channel that is named {name}", found.unique_name, name)
    for name in ENCODED[:-5]:
        same("the answer to a delete", await on.do(channels(in_a_path(name)).delete), True)
