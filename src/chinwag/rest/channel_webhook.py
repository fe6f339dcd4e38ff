"""Webhooks of channels on the wire, v2 only. Source: chat-v2 ChannelWebhook."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chinwag import limits
from chinwag.domain.channel_webhook import (
    ChannelWebhook,
    ChannelWebhookType,
    CreateChannelWebhook,
    DeleteChannelWebhook,
    UpdateChannelWebhook,
)
from chinwag.domain.lookup import channel_webhook_named
from chinwag.domain.webhook import POST_EVENTS, WebhookEvent, WebhookMethod
from chinwag.errors import Kinds
from chinwag.rest import channel
from chinwag.rest.paging import Paging, present_page
from chinwag.rest.params import Param, Params
from chinwag.rest.resource import Field, Resource, dates, sid
from chinwag.rest.service import service_sid
from chinwag.rest.version import Version
from chinwag.values import OneOf, Sid, Text, Url, Whole

if TYPE_CHECKING:
    from chinwag.rest.call import Answer, Call


def _configuration(  # noqa: PLR0917  # in the order of the field below
    kind: ChannelWebhookType,
    target: str | None,
    method: WebhookMethod,
    filters: tuple[WebhookEvent, ...],
    triggers: tuple[str, ...],
    flow_sid: str | None,
    retry_count: int,
) -> dict[str, object]:
    match kind:
        case ChannelWebhookType.WEBHOOK:
            return {"url": target, "method": method, "filters": filters, "retry_count": retry_count}
        case ChannelWebhookType.TRIGGER:
            # The vendor's example has the words under `filters`, its parameter is called Triggers.
            words = {"filters": triggers, "triggers": triggers}
            return {"url": target, "method": method, **words, "retry_count": retry_count}
        case ChannelWebhookType.STUDIO:
            given = {"filters": filters, "retry_count": retry_count}
            return {"flow_sid": flow_sid, **{name: value for name, value in given.items() if value}}


CHANNEL_WEBHOOK = Resource(
    record=ChannelWebhook,
    key="webhooks",
    path="/Services/{service_sid}/Channels/{channel_sid}/Webhooks/{sid}",
    says="Somebody who is told of what happens in a channel.",
    fields=(
        sid("sid", "WH"),
        sid("account_sid", "AC"),
        sid("service_sid", "IS"),
        sid("channel_sid", "CH"),
        Field("type", {"type": "string"}),
        Field(
            "configuration",
            {
                "type": "object",
                "properties": {
                    "url": {"type": "string"},
                    "method": {"type": "string", "enum": [method.value for method in WebhookMethod]},
                    "filters": {"type": "array", "items": {"type": "string"}},
                    "triggers": {"type": "array", "items": {"type": "string"}},
                    "flow_sid": sid("flow_sid", "FW").schema,
                    "retry_count": {"type": "integer"},
                },
            },
            ("type", "target", "method", "filters", "triggers", "flow_sid", "retry_count"),
            render=_configuration,
        ),
        *dates("date_created", "date_updated"),
    ),
)

_CONFIGURATION = (
    Param(
        "Configuration.Url",
        "target",
        Url(Kinds.INVALID_WEBHOOK, Kinds.CHANNEL_WEBHOOK_URL_TOO_LONG),
        "What is called, of type webhook or trigger.",
    ),
    Param(
        "Configuration.Method",
        "method",
        OneOf(WebhookMethod, Kinds.INVALID_WEBHOOK_METHOD),
        "How it is called; POST unless given.",
    ),
    Param(
        "Configuration.Filters",
        "filters",
        OneOf(WebhookEvent, Kinds.INVALID_CHANNEL_WEBHOOK_FILTER, only=POST_EVENTS),
        "The events that it is called for, of type webhook or studio.",
        many=True,
    ),
    Param(
        "Configuration.Triggers",
        "triggers",
        Text(limits.CHANNEL_WEBHOOK_TRIGGER, Kinds.INVALID_TRIGGER, empty=Kinds.INVALID_TRIGGER),
        "The words in messages that it is called for, of type trigger.",
        many=True,
    ),
    Param(
        "Configuration.FlowSid", "flow_sid", Sid("FW", Kinds.INVALID_FLOW_SID), "The flow, of type studio."
    ),
    Param(
        "Configuration.RetryCount",
        "retry_count",
        Whole(0, limits.RETRIES, Kinds.INVALID_RETRY_COUNT),
        "How often a call that failed is repeated.",
    ),
)

CREATE = Params(
    Param(
        "Type",
        "type",
        OneOf(ChannelWebhookType, Kinds.INVALID_CHANNEL_WEBHOOK_TYPE),
        "When it is called.",
        required=True,
    ),
    *_CONFIGURATION,
)

UPDATE = Params(*_CONFIGURATION)

PAGING = Paging("WH", {Version.V2: limits.CHANNEL_WEBHOOKS}, usual=limits.CHANNEL_WEBHOOKS)


async def create(call: Call) -> Answer:
    """Add a webhook to a channel."""
    call.must_be_callable(call.fields.get("target"), "Configuration.Url")
    webhook = await call.create(
        CreateChannelWebhook(service_sid=service_sid(call), channel=call.names["channel_sid"], **call.fields),
        ChannelWebhook,
    )
    return CHANNEL_WEBHOOK.present(webhook, call.version, call.base)


async def fetch(call: Call) -> Answer:
    """Return one webhook of a channel."""
    return CHANNEL_WEBHOOK.present(await named(call), call.version, call.base)


async def update(call: Call) -> Answer:
    """Change a webhook of a channel."""
    call.must_be_callable(call.fields.get("target"), "Configuration.Url")
    command = UpdateChannelWebhook(
        service_sid=service_sid(call),
        channel=call.names["channel_sid"],
        sid=webhook_sid(call),
        **call.fields,
    )
    return CHANNEL_WEBHOOK.present(await call.run(command), call.version, call.base)


async def delete(call: Call) -> Answer:
    """Remove a webhook of a channel."""
    await call.run(
        DeleteChannelWebhook(
            service_sid=service_sid(call), channel=call.names["channel_sid"], sid=webhook_sid(call)
        )
    )


async def page(call: Call) -> Answer:
    """List the webhooks of a channel, oldest first."""
    query = PAGING.read(call)
    async with call.reading() as tx:
        service, within = await channel.within(call, tx)
        webhooks = await tx.channel_webhooks.page(service, within, query.cursor)
    return present_page(call, CHANNEL_WEBHOOK, query, webhooks)


async def named(call: Call) -> ChannelWebhook:
    """Return the webhook that the path names."""
    async with call.reading() as tx:
        service, within = await channel.within(call, tx)
        return await channel_webhook_named(tx, service, within, webhook_sid(call))


def webhook_sid(call: Call) -> str:
    """Return the SID of the webhook that the path names.

    Raises:
        ApiError: `CHANNEL_WEBHOOK_NOT_FOUND` when it is no SID of a webhook.
    """
    return call.sid("webhook_sid", "WH", Kinds.CHANNEL_WEBHOOK_NOT_FOUND)
