"""The gate: an application that wants to be is asked before something happens. Source: webhook-events.

Only what client SDKs do is asked about, never inside a transaction, and only after a rehearsal has shown that
it can be done. Whoever waits here waits for this application alone.
"""

from __future__ import annotations

import asyncio
import dataclasses
from typing import TYPE_CHECKING, Any, TypeVar

from msgspec.structs import replace

from chinwag import commands, limits
from chinwag.delivery.answers import verdict
from chinwag.delivery.attempt import shown
from chinwag.delivery.http_out import Failure
from chinwag.delivery.parameters import render
from chinwag.domain import caller as who
from chinwag.domain.amendment import NO_AMENDMENT, Amendment
from chinwag.domain.announcing import Skipped, new_call
from chinwag.domain.channel import CreateChannel, UpdateChannel
from chinwag.domain.joining import CreateMember
from chinwag.domain.leaving import DeleteChannel, DeleteMember
from chinwag.domain.membership import UpdateMember
from chinwag.domain.message import DeleteMessage, UpdateMessage
from chinwag.domain.posting import CreateMessage
from chinwag.domain.user import UpdateUser
from chinwag.domain.webhook import ASKED_BEFORE, NoCall, Target, WebhookEvent, service_target
from chinwag.domain.webhook_call import CallState, Source, WebhookCall
from chinwag.errors import ApiError, Kinds
from chinwag.ids import parse_sid

if TYPE_CHECKING:
    from chinwag.commands import Command, World
    from chinwag.delivery.attempt import Caller, Outcome
    from chinwag.delivery.journal import Journal
    from chinwag.domain.happening import Happening
    from chinwag.domain.service import Service
    from chinwag.ids import Millis

R = TypeVar("R")
C = TypeVar("C")

ASKED_ABOUT: dict[type[Any], WebhookEvent] = {
    CreateMessage: WebhookEvent.MESSAGE_SEND,
    UpdateMessage: WebhookEvent.MESSAGE_UPDATE,
    DeleteMessage: WebhookEvent.MESSAGE_REMOVE,
    CreateChannel: WebhookEvent.CHANNEL_ADD,
    UpdateChannel: WebhookEvent.CHANNEL_UPDATE,
    DeleteChannel: WebhookEvent.CHANNEL_DESTROY,
    CreateMember: WebhookEvent.MEMBER_ADD,
    UpdateMember: WebhookEvent.MEMBER_UPDATE,
    DeleteMember: WebhookEvent.MEMBER_REMOVE,
    UpdateUser: WebhookEvent.USER_UPDATE,
}
"""The changes that an application may be asked about."""


class Gate:
    """Asks.

    Args:
        caller: makes calls.
        journal: writes down what came of them.
        fails_open: whether a change is made although nobody answers.
    """

    def __init__(self, caller: Caller, journal: Journal, *, fails_open: bool) -> None:
        self._caller = caller
        self._journal = journal
        self._fails_open = fails_open

    async def ask(self, command: Command[C, R], caller: C, world: World) -> Command[C, R]:
        """Return a command as the application wants it, or as it is.

        Raises:
            ApiError: what the command refuses; `WEBHOOK_REFUSED`; what is wrong with a value that the
                application wants; and, unless the gate fails open, `WEBHOOK_FAILED`, or `WEBHOOK_TIMEOUT`.
        """
        event = ASKED_ABOUT.get(type(command))
        if event is None or not isinstance(caller, who.Caller) or caller.identity is None:
            return command
        asked: Any = command
        if event is WebhookEvent.MESSAGE_SEND and asked.media_sid is not None:
            event = WebhookEvent.MEDIA_MESSAGE_SEND
        async with world.store.reading() as tx:
            service = await tx.services.get(caller.account_id, asked.service_sid)
        if service is None:
            return command
        target = service_target(service, event)
        if isinstance(target, NoCall):
            self._not_asked(service, event, target, asked)
            return command

        for happening in await commands.rehearse(command, caller, world):
            if ASKED_BEFORE.get(happening.event) is event:
                before = dataclasses.replace(happening, event=event)
                amendment = await self._wanted(service, before, target, caller.identity, world)
                return command if amendment == NO_AMENDMENT else replace(asked, amendment=amendment)
        return command

    def _not_asked(self, service: Service, event: WebhookEvent, why: NoCall, command: Any) -> None:  # noqa: ANN401  # one of `ASKED_ABOUT`
        """Write down why nobody is asked, where that may be a surprise: where some event is asked about."""
        if service.pre_webhook_url is not None:
            self._journal.skip(
                [
                    Skipped(
                        account_sid=service.account_sid,
                        service_sid=service.sid,
                        channel_sid=parse_sid("CH", getattr(command, "channel", "")),
                        event=event,
                        source=Source.SDK,
                        via=None,
                        reason=why,
                    )
                ]
            )

    async def _wanted(
        self, service: Service, happening: Happening, target: Target, identity: str, world: World
    ) -> Amendment:
        """Ask, and return what the application wants otherwise."""
        params = render(happening.event, happening, Source.SDK, identity)
        call = new_call(service, happening, target, params, Source.SDK, identity, world.now(), world.new_sid)
        call, outcome = await self._answered(call)
        if outcome.reply is None:
            return self._unanswered(call, outcome, world.now())
        try:
            amendment, says = verdict(happening.event, outcome.reply)
        except ApiError as error:
            self._note(call, CallState.REFUSED, f"refused: {error.detail or error.message}", world.now())
            raise
        self._note(call, CallState.DELIVERED, says, world.now())
        return amendment

    def _unanswered(self, call: WebhookCall, outcome: Outcome, now: Millis) -> Amendment:
        problem = outcome.attempt.problem
        if self._fails_open:
            self._note(call, CallState.FAILED, f"unchanged: {problem}", now)
            return NO_AMENDMENT
        self._note(call, CallState.FAILED, f"refused: {problem}", now)
        timeout = outcome.failure is Failure.TIMEOUT
        kind = Kinds.WEBHOOK_TIMEOUT if timeout else Kinds.WEBHOOK_FAILED
        raise ApiError(kind, f"the pre-event webhook did not answer: {problem}")

    def _note(self, call: WebhookCall, state: CallState, reason: str, now: Millis) -> None:
        self._journal.note(replace(call, state=state, reason=shown(reason), date_updated=now))

    async def _answered(self, call: WebhookCall) -> tuple[WebhookCall, Outcome]:
        """Make a call, as often as it may be made, and return it with what came of the last try."""
        while True:
            outcome = await self._caller.try_once(call, limits.WEBHOOK_ANSWER_BYTES)
            call = call.after(outcome.attempt)
            if not outcome.again or call.tries_left <= 0:
                return call, outcome
            await asyncio.sleep(limits.WEBHOOK_BACK_OFF_SECONDS * 2**outcome.attempt.retry_count)
