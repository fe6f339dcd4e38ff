"""Messages."""

from __future__ import annotations

from channel import ATTRIBUTES, CREATED, UPDATED
from checks import exactly, has, made_now, now, pages_are_whole, refused, same, shown, sids
from library import ACCOUNT_SID, MEDIA_SID, PREPARED_SERVICE_SID
from twilio.base import values


async def lives(on):
    channel = await on.do(on.here.channels.create, unique_name="messages")
    messages = on.here.channels(channel.sid).messages

    made = await on.do(messages.create, body="Hello ☎ & bye")
    made_now("a new message", "IM", made)
    url = f"{on.url}/Channels/{channel.sid}/Messages/{made.sid}"
    exactly(
        "a new message",
        made,
        sid=made.sid,
        account_sid=ACCOUNT_SID,
        service_sid=on.service,
        channel_sid=channel.sid,
        to=channel.sid,
        from_="system",
        body="Hello ☎ & bye",
        attributes="{}",
        index=0,
        was_edited=False,
        date_created=made.date_created,
        date_updated=made.date_updated,
        url=url,
        **on.since_v2(last_updated_by=None, type="text", media=None),
    )
    same("the message fetched", shown(await on.do(messages(made.sid).fetch)), shown(made))
    after = await on.do(on.here.channels("messages").fetch)
    same("the last message", (after.messages_count, after.links["last_message"]), (1, url))

    header = on.since_v2(x_twilio_webhook_enabled="true")
    imported = on.since_v2(date_created=CREATED, date_updated=UPDATED, last_updated_by="carol")
    given = {"body": "Again", "from_": "zoë@example.com", "attributes": ATTRIBUTES, **imported}
    second = await on.do(messages.create, **given, **header)
    has("a message with everything", second, index=1, was_edited=on.v2, **given)
    given = {"body": "Changed", "attributes": ATTRIBUTES, **imported, **on.since_v2(from_="bob")}
    changed = await on.do(messages(made.sid).update, **given, **header)
    has("a changed message", changed, sid=made.sid, index=0, was_edited=True, **given)
    if not on.v2:
        now("message.date_updated", changed.date_updated)
    same("the changed message fetched", shown(await on.do(changed.fetch)), shown(changed))

    for n in range(5):
        await on.do(messages.create, body=f"{n}")
    there = await on.do(messages.list)
    same("indices", [message.index for message in there], list(range(7)))
    same("attributes in a list", there[1].attributes, ATTRIBUTES if on.v2 else None)
    await pages_are_whole(on.library, "messages", messages, sids(there), size=3)
    await pages_are_whole(on.library, "messages up", messages, sids(there), size=3, order="asc")
    await pages_are_whole(on.library, "messages down", messages, sids(there)[::-1], size=3, order="desc")

    if on.v2:
        await carries_a_file(on)
        nothing = on.do(messages.create, from_="bob")
        await refused("a message of nothing", nothing, 400, 50503)
    else:
        nothing = on.do(messages.create, body=values.unset)
        await refused("a message of nothing", nothing, 400, 20001)
    same("the answer to a delete", await on.do(second.delete, **header), True)
    await refused("a deleted message", on.do(messages(second.sid).fetch), 404, 20404)
    same("messages_count", (await on.do(channel.fetch)).messages_count, 6)


async def carries_a_file(on):
    there = on.chat.services(PREPARED_SERVICE_SID)
    channel = await on.do(there.channels.create)
    messages = there.channels(channel.sid).messages

    made = await on.do(messages.create, media_sid=MEDIA_SID)

    file = {"sid": MEDIA_SID, "size": 2048, "content_type": "application/pdf", "filename": "hello.pdf"}
    has("a message with a file", made, type="media", body=None, media=file)
    same("the message fetched", shown(await on.do(made.fetch)), shown(made))
    await refused("a file again", on.do(messages.create, media_sid=MEDIA_SID), 409, 50508)
