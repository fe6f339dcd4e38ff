"""Webhooks of channels, v2 only."""

from __future__ import annotations

from checks import exactly, has, made_now, now, pages_are_whole, refused, same, say, shown, sids
from library import ACCOUNT_SID

FLOW = "FW" + "0" * 32
URL = "https://example.org/?a=1&b=2"


async def lives(on):
    say("channel_webhook, v2")
    channel = await on.do(on.here.channels.create)
    webhooks = on.here.channels(channel.sid).webhooks

    events = ["onMessageSent", "onChannelDestroyed"]
    made = await on.do(
        webhooks.create,
        type="webhook",
        configuration_url=URL,
        configuration_method="GET",
        configuration_filters=events,
        configuration_retry_count=2,
    )
    made_now("a new webhook", "WH", made)
    exactly(
        "a new webhook",
        made,
        sid=made.sid,
        account_sid=ACCOUNT_SID,
        service_sid=on.service,
        channel_sid=channel.sid,
        type="webhook",
        configuration={"url": URL, "method": "GET", "filters": events, "retry_count": 2},
        date_created=made.date_created,
        date_updated=made.date_updated,
        url=f"{on.url}/Channels/{channel.sid}/Webhooks/{made.sid}",
    )
    same("the webhook fetched", shown(await on.do(webhooks(made.sid).fetch)), shown(made))

    words = ["one", "two"]
    trigger = await on.do(
        webhooks.create, type="trigger", configuration_url=URL, configuration_triggers=words
    )
    shows = {"url": URL, "method": "POST", "filters": words, "triggers": words, "retry_count": 0}
    has("a trigger", trigger, type="trigger", configuration=shows)
    flow = await on.do(webhooks.create, type="studio", configuration_flow_sid=FLOW)
    has("a flow", flow, type="studio", configuration={"flow_sid": FLOW})

    changed = await on.do(
        webhooks(trigger.sid).update,
        configuration_url="https://example.org/other",
        configuration_method="GET",
        configuration_triggers=["three"],
        configuration_retry_count=3,
    )
    now("webhook.date_updated", changed.date_updated)
    same("a changed trigger", changed.configuration["triggers"], ["three"])
    changed = await on.do(webhooks(made.sid).update, configuration_filters=["onMemberAdded"])
    same("a changed webhook", changed.configuration["filters"], ["onMemberAdded"])
    other = "FW" + "1" * 32
    changed = await on.do(webhooks(flow.sid).update, configuration_flow_sid=other)
    same("a changed flow", changed.configuration, {"flow_sid": other})
    same("the changed flow fetched", shown(await on.do(changed.fetch)), shown(changed))

    for _ in range(2):
        await on.do(webhooks.create, type="studio", configuration_flow_sid=FLOW)
    there = sids(await on.do(webhooks.list))
    await pages_are_whole(on.library, "webhooks", webhooks, there, size=2)

    sixth = on.do(webhooks.create, type="studio", configuration_flow_sid=FLOW)
    await refused("a sixth webhook", sixth, 400, 50321)
    same("the answer to a delete", await on.do(changed.delete), True)
    await refused("a deleted webhook", on.do(webhooks(flow.sid).fetch), 404, 20404)
