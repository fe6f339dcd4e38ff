"""What webhooks are told of messages that are posted over REST, decided ahead from what is remembered.

A message is posted in one statement, and looking its service up first would cost more than posting it. So
services are remembered for a moment; the statement sees whether the service is still the same, and if it is
not, everything is looked up (docs/decisions/0010-webhook-calls-are-rows.md).
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from msgspec.structs import replace

from chinwag.delivery.parameters import render
from chinwag.domain.announcing import asks, new_call
from chinwag.domain.happening import Happening
from chinwag.domain.message import Message
from chinwag.domain.service import ServiceDeleted, ServiceUpdated
from chinwag.domain.webhook import NoCall, WebhookEvent, service_target
from chinwag.domain.webhook_call import Foretold, Source
from chinwag.ids import parse_sid

if TYPE_CHECKING:
    from chinwag.commands import World
    from chinwag.domain.caller import Caller
    from chinwag.domain.event import Event
    from chinwag.domain.posting import CreateMessage
    from chinwag.domain.service import Service

REMEMBERED_SECONDS = 1.0
"""How long a service is remembered, in seconds."""

MEMORY = 10_000
"""Most services that are remembered."""


class Foreteller:
    """Decides ahead."""

    def __init__(self) -> None:
        self._services: dict[tuple[int, str], tuple[Service, float]] = {}

    def listen(self, event: Event) -> None:
        """Listen to the broker: a service may have changed."""
        if isinstance(event, ServiceUpdated | ServiceDeleted):
            self._services = {
                key: known for key, known in self._services.items() if key[1] != event.service_sid
            }

    async def foretell(self, command: CreateMessage, caller: Caller, world: World) -> CreateMessage:
        """Return a command that knows what webhooks are told of it, if that can be said already."""
        channel_sid = parse_sid("CH", command.channel)
        if channel_sid is None or command.media_sid is not None or command.body is None:
            return command
        service = await self._service(caller, command.service_sid, world)
        if service is None:
            return command

        date, sid = world.now(), world.new_sid("IM")
        target = service_target(service, WebhookEvent.MESSAGE_SENT)
        foretold = Foretold(
            revision=service.revision,
            message_sid=sid,
            date=date,
            call=None,
            not_asked=asks(service, WebhookEvent.MESSAGE_SENT),
        )
        if isinstance(target, NoCall):
            foretold = replace(foretold, skipped=target)
            return replace(command, channel=channel_sid, foretold=foretold)

        draft = command.draft(sid, date, caller)
        message = Message(
            sid=sid,
            account_sid=service.account_sid,
            service_sid=service.sid,
            channel_sid=channel_sid,
            index=0,
            author=draft.author,
            body=draft.body,
            attributes=draft.attributes,
            date_created=draft.date_created,
            date_updated=draft.date_updated,
            created_event_id=0,
            last_event_id=0,
        )
        happening = Happening(event=WebhookEvent.MESSAGE_SENT, subject=message, service=service)
        params = render(happening.event, happening, Source.API, None)
        del params["Index"]  # which is known when the message has its place
        call = new_call(service, happening, target, params, Source.API, None, date, world.new_sid)
        return replace(command, channel=channel_sid, foretold=replace(foretold, call=call))

    async def _service(self, caller: Caller, sid: str, world: World) -> Service | None:
        key = (caller.account_id, sid)
        known = self._services.get(key)
        now = time.monotonic()
        if known is not None and now - known[1] < REMEMBERED_SECONDS:
            return known[0]
        async with world.store.reading() as tx:
            service = await tx.services.get(caller.account_id, sid)
        if service is not None:
            if len(self._services) >= MEMORY:
                self._services.clear()
            self._services[key] = (service, now)
        return service
