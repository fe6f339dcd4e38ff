"""Channel webhooks: who is told of what happens in one channel, besides the service's own webhook.

Source: chat-v2 ChannelWebhook, webhook-events.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from chinwag import limits
from chinwag.domain.change import given
from chinwag.domain.lookup import channel_to_change, channel_webhook_named, service_named
from chinwag.domain.webhook import NoCall, Target, WebhookEvent, WebhookMethod
from chinwag.errors import ApiError, Kinds
from chinwag.ids import Millis

if TYPE_CHECKING:
    from chinwag.domain.caller import Caller
    from chinwag.domain.channel import Channel
    from chinwag.domain.paging import Cursor
    from chinwag.domain.service import Service
    from chinwag.domain.unit import Transaction
    from chinwag.ids import NewSid


class ChannelWebhookType(StrEnum):
    """When a channel webhook is called: for chosen events, for words in messages, or for a flow."""

    WEBHOOK = "webhook"
    TRIGGER = "trigger"
    STUDIO = "studio"


class ChannelWebhook(Struct, frozen=True, kw_only=True):
    """A webhook of a channel.

    Args:
        target: what is called; None for a flow.
        filters: the events that it is called for, of type webhook.
        triggers: the words that it is called for, of type trigger.
        flow_sid: the flow, of type studio.
        retry_count: how often a call that failed is repeated.
    """

    sid: str
    account_sid: str
    service_sid: str
    channel_sid: str
    type: ChannelWebhookType
    target: str | None = None
    method: WebhookMethod = WebhookMethod.POST
    filters: tuple[WebhookEvent, ...] = ()
    triggers: tuple[str, ...] = ()
    flow_sid: str | None = None
    retry_count: int = 0
    date_created: Millis
    date_updated: Millis


class ChannelWebhooks(Protocol):
    """Channel webhooks, as they are kept. Each method sees those of the given channel only."""

    async def get(self, service: Service, channel: Channel, sid: str) -> ChannelWebhook | None:
        """Return a webhook, or None."""
        ...

    async def page(self, service: Service, channel: Channel, cursor: Cursor) -> list[ChannelWebhook]:
        """Return a page of webhooks, oldest first, and one more if there are more."""
        ...

    async def of(self, service: Service, channel: Channel) -> list[ChannelWebhook]:
        """Return all there are, oldest first."""
        ...

    async def count(self, channel: Channel) -> int:
        """Return how many there are."""
        ...

    async def add(self, channel: Channel, webhook: ChannelWebhook) -> None:
        """Add a webhook to a channel that is held."""
        ...

    async def save(self, channel: Channel, webhook: ChannelWebhook) -> None:
        """Replace every column of a webhook whose channel is held."""
        ...

    async def remove(self, channel: Channel, webhook: ChannelWebhook) -> None:
        """Remove a webhook."""
        ...


class CreateChannelWebhook(Struct, frozen=True, kw_only=True):
    """Add a webhook to a channel. What its type does not use is not kept.

    Args:
        channel: a SID or a unique name.
    """

    service_sid: str
    channel: str
    type: ChannelWebhookType
    target: str | None = None
    method: WebhookMethod = WebhookMethod.POST
    filters: tuple[WebhookEvent, ...] = ()
    triggers: tuple[str, ...] = ()
    flow_sid: str | None = None
    retry_count: int = 0

    async def apply(self, tx: Transaction, caller: Caller, now: Millis, new_sid: NewSid) -> ChannelWebhook:
        """Return the new webhook.

        Raises:
            ApiError: `SERVICE_NOT_FOUND`; `CHANNEL_NOT_FOUND`; what `_whole` raises;
                `TOO_MANY_CHANNEL_WEBHOOKS`.
        """
        service = await service_named(tx, caller, self.service_sid)
        channel = await channel_to_change(tx, service, self.channel)
        webhook = _whole(
            ChannelWebhook(
                sid=new_sid("WH"),
                account_sid=service.account_sid,
                service_sid=service.sid,
                channel_sid=channel.sid,
                type=self.type,
                date_created=now,
                date_updated=now,
                **given(self, _USED[self.type]),
            )
        )
        if await tx.channel_webhooks.count(channel) >= limits.CHANNEL_WEBHOOKS:
            raise ApiError(Kinds.TOO_MANY_CHANNEL_WEBHOOKS, f"at most {limits.CHANNEL_WEBHOOKS}")

        await tx.channel_webhooks.add(channel, webhook)
        return webhook


class UpdateChannelWebhook(Struct, frozen=True, kw_only=True):
    """Change a webhook of a channel. A field left UNSET keeps its value; the type never changes.

    Args:
        channel: a SID or a unique name.
    """

    service_sid: str
    channel: str
    sid: str
    target: str | UnsetType | None = UNSET
    method: WebhookMethod | UnsetType = UNSET
    filters: tuple[WebhookEvent, ...] | UnsetType = UNSET
    triggers: tuple[str, ...] | UnsetType = UNSET
    flow_sid: str | UnsetType | None = UNSET
    retry_count: int | UnsetType = UNSET

    async def apply(self, tx: Transaction, caller: Caller, now: Millis, _new_sid: NewSid) -> ChannelWebhook:
        """Return the changed webhook.

        Raises:
            ApiError: `SERVICE_NOT_FOUND`; `CHANNEL_NOT_FOUND`; `CHANNEL_WEBHOOK_NOT_FOUND`; what `_whole`
                raises.
        """
        service = await service_named(tx, caller, self.service_sid)
        channel = await channel_to_change(tx, service, self.channel)
        webhook = await channel_webhook_named(tx, service, channel, self.sid)

        changed = _whole(replace(webhook, **given(self, _USED[webhook.type]), date_updated=now))
        await tx.channel_webhooks.save(channel, changed)
        return changed


class DeleteChannelWebhook(Struct, frozen=True, kw_only=True):
    """Remove a webhook of a channel. `channel` is a SID or a unique name."""

    service_sid: str
    channel: str
    sid: str

    async def apply(self, tx: Transaction, caller: Caller, _now: Millis, _new_sid: NewSid) -> None:
        """Remove it.

        Raises:
            ApiError: `SERVICE_NOT_FOUND`; `CHANNEL_NOT_FOUND`; `CHANNEL_WEBHOOK_NOT_FOUND`.
        """
        service = await service_named(tx, caller, self.service_sid)
        channel = await channel_to_change(tx, service, self.channel)
        webhook = await channel_webhook_named(tx, service, channel, self.sid)

        await tx.channel_webhooks.remove(channel, webhook)


def channel_target(webhook: ChannelWebhook, event: WebhookEvent, body: str | None) -> Target | NoCall | None:
    """Return where a channel webhook is called for an event, or why it is not.

    None for what it has nothing to do with: a trigger, with anything but a message.

    Args:
        webhook: the webhook.
        event: what has happened.
        body: of the message that was sent, if one was. Triggers are found in it in any letter case, as parts
            of words too (decided).
    """
    match webhook.type:
        case ChannelWebhookType.STUDIO:
            return NoCall.STUDIO
        case ChannelWebhookType.WEBHOOK:
            if event not in webhook.filters:
                return NoCall.NOT_IN_CHANNEL_FILTERS
        case ChannelWebhookType.TRIGGER:  # pragma: no branch  # there is no fourth type
            if event not in {WebhookEvent.MESSAGE_SENT, WebhookEvent.MEDIA_MESSAGE_SENT}:
                return None
            said = (body or "").casefold()
            if not any(trigger.casefold() in said for trigger in webhook.triggers):
                return NoCall.NO_TRIGGER
    assert webhook.target is not None, "both types need one"
    return Target(via=webhook.sid, url=webhook.target, method=webhook.method, retries=webhook.retry_count)


_USED = {
    ChannelWebhookType.WEBHOOK: ("target", "method", "filters", "retry_count"),
    ChannelWebhookType.TRIGGER: ("target", "method", "triggers", "retry_count"),
    ChannelWebhookType.STUDIO: ("flow_sid", "filters", "retry_count"),
}
"""What each type of webhook uses."""


def _whole(webhook: ChannelWebhook) -> ChannelWebhook:
    """Return a webhook that has what its type needs.

    Raises:
        ApiError: `CHANNEL_WEBHOOK_URL_NOT_PROVIDED`; `CHANNEL_WEBHOOK_FILTER_NOT_PROVIDED`;
            `TRIGGER_NOT_PROVIDED`; `TOO_MANY_TRIGGERS`; `INVALID_FLOW_SID`.
    """
    match webhook.type:
        case ChannelWebhookType.STUDIO:
            if webhook.flow_sid is None:
                raise ApiError(Kinds.INVALID_FLOW_SID, "a webhook of type studio needs Configuration.FlowSid")
            return webhook
        case ChannelWebhookType.WEBHOOK:
            missing = Kinds.CHANNEL_WEBHOOK_FILTER_NOT_PROVIDED if not webhook.filters else None
        case ChannelWebhookType.TRIGGER:  # pragma: no branch  # there is no fourth type
            missing = Kinds.TRIGGER_NOT_PROVIDED if not webhook.triggers else None
    if webhook.target is None:
        raise ApiError(Kinds.CHANNEL_WEBHOOK_URL_NOT_PROVIDED)
    if missing is not None:
        raise ApiError(missing)
    if len(webhook.triggers) > limits.CHANNEL_WEBHOOK_TRIGGERS:
        raise ApiError(Kinds.TOO_MANY_TRIGGERS, f"at most {limits.CHANNEL_WEBHOOK_TRIGGERS}")
    return webhook
