"""The pushes that wait, as a dispatcher makes them: who sends them, and what comes of the answer."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from msgspec.structs import replace

from chinwag import commands
from chinwag.delivery.credentials import open_credential
from chinwag.delivery.dispatcher import Health
from chinwag.delivery.provider import Verdict
from chinwag.domain.binding import DeleteBinding
from chinwag.domain.caller import Caller
from chinwag.domain.credential import PushType, StopCredential
from chinwag.domain.push import GIVEN_UP, NoPush, Push, PushAttempt, PushState
from chinwag.errors import ApiError, Kinds
from chinwag.logs import logger

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from chinwag.commands import World
    from chinwag.delivery.gathering import Gathering
    from chinwag.delivery.pace import Pace
    from chinwag.delivery.provider import OpenedCredential, Provider, PushAnswer
    from chinwag.domain.credential import Credential
    from chinwag.domain.unit import Reader
    from chinwag.ids import Millis

_log = logger()

TO_ONE = 128
"""Most pushes at a time with one credential."""

BACK_OFF_SECONDS = 2.0
"""How long a push that failed waits for its next try, in seconds; then twice as long each time."""

MOST_BACK_OFF_SECONDS = 600.0
"""Longest wait for the next try, in seconds, unless the provider wants a longer one."""

OPENED = 1000
"""Most credentials that are held in clear."""

_NO_CREDENTIAL = 52002
"""The number of the original's log. Source: error-dictionary."""


class Pushes:
    """The work of pushing. Targets are credentials, and lanes are devices.

    Args:
        world: where pushes are kept.
        providers: who reaches which devices.
        open_secret: returns a sealed secret in clear.
        gathering: writes down what came of pushes.
        pace: says how fast they are sent.
        patience_ms: how long a push is worth something, in milliseconds.
        sink: record pushes instead of sending them.
    """

    name = "pushes"
    to_one = TO_ONE

    def __init__(  # noqa: PLR0917  # each of another kind
        self,
        world: World,
        providers: Mapping[PushType, Provider],
        open_secret: Callable[[bytes], str],
        gathering: Gathering[Push],
        pace: Pace,
        patience_ms: int,
        *,
        sink: bool,
    ) -> None:
        self._world = world
        self._providers = providers
        self._open_secret = open_secret
        self._patience_ms = patience_ms
        self._sink = sink
        self._opened: dict[str, OpenedCredential] = {}
        self.save = gathering.save
        self.turn = pace.turn

    async def targets(self) -> dict[str, Millis]:
        """Return the credentials for which pushes wait, and when the first of each is due."""
        async with self._world.store.reading() as tx:
            return await tx.pushes.targets()

    async def due(self, target: str, most: int) -> list[Push]:
        """Return pushes of a credential that are due, oldest first."""
        async with self._world.store.reading() as tx:
            return await tx.pushes.due(target, self._world.now(), most)

    async def make(self, push: Push, /) -> tuple[Push, Health]:
        """Send a push, and return it with what came of it."""
        now = self._world.now()
        expires = push.date_created + self._patience_ms
        if now >= expires:
            return _ended(push, PushState.FAILED, GIVEN_UP, now), Health()

        async with self._world.store.reading() as tx:
            # Not what was read with the push: the device may be somebody else's by now.
            address = await tx.pushes.address_of(push)
            credential = await tx.credentials.get(push.account_id, push.credential_sid or "")
            badge = await self._badge(tx, push)
        if address is None or push.binding_type is None:
            return _ended(push, PushState.SKIPPED, NoPush.UNREGISTERED, now), Health()
        if self._sink:
            attempt = PushAttempt(date=now, ms=0, answer=RECORDED, badge=badge)
            return replace(push.after(attempt, PushState.DELIVERED), logged=True), Health()
        if credential is None:
            reason = "the credential is not there any more"
            attempt = PushAttempt(date=now, ms=0, code=_NO_CREDENTIAL, answer=reason)
            return push.after(attempt, PushState.FAILED), Health()
        if credential.stopped is not None:
            return push, Health(closed=True)

        began = time.perf_counter()
        content = push.content(badge, expires)
        provider = self._providers[push.binding_type]
        answer = await provider.send(self.opened(credential), address, content)
        attempt = PushAttempt(
            date=now,
            ms=round((time.perf_counter() - began) * 1000),
            code=answer.code,
            status=answer.status,
            answer=answer.reason,
            badge=badge,
        )
        return await self._after(push, credential, attempt, answer)

    def opened(self, credential: Credential) -> OpenedCredential:
        """Return a credential with its secrets in clear."""
        known = self._opened.get(credential.sid)
        if known is not None and known.version == credential.date_updated:
            return known
        if len(self._opened) >= OPENED:
            self._opened.clear()
        found = self._opened[credential.sid] = open_credential(credential, self._open_secret)
        return found

    async def _after(
        self, push: Push, credential: Credential, attempt: PushAttempt, answer: PushAnswer
    ) -> tuple[Push, Health]:
        """Return a push after a try, and see to what else the answer means."""
        if push.logged:
            _log.info("push", push=push.sid, status=answer.status, code=answer.code, answer=answer.reason)
        match answer.verdict:
            case Verdict.DELIVERED:
                return push.after(attempt, PushState.DELIVERED), Health()
            case Verdict.FAILED:
                return push.after(attempt, PushState.FAILED), Health()
            case Verdict.GONE:
                await self._forget_device(push, answer)
                return push.after(attempt, PushState.FAILED), Health()
            case Verdict.STOPPED:
                await self._stop(push, credential, answer)
                return push.after(attempt, PushState.WAITING, self._world.now()), Health(closed=True)
            case Verdict.AGAIN:
                wait = min(BACK_OFF_SECONDS * 2 ** min(push.tries, 20), MOST_BACK_OFF_SECONDS)
                asked = answer.retry_after or 0.0
                due = self._world.now() + round(max(wait, asked) * 1000)
                health = Health(unanswered=answer.unanswered, pause=0.0 if answer.device else asked)
                return push.after(attempt, PushState.WAITING, due), health

    async def _badge(self, tx: Reader, push: Push) -> int | None:
        """Return the number for the icon, as it is now."""
        if not push.words.badge or push.binding_type is not PushType.APN or push.user_id is None:
            return None
        return await tx.pushes.unread_channels(push.user_id)

    async def _forget_device(self, push: Push, answer: PushAnswer) -> None:
        """Forget a device that is not there any more, as its provider says."""
        _log.info("device is gone", binding=push.binding_sid, code=answer.code, answer=answer.reason)
        command = DeleteBinding(service_sid=push.service_sid, sid=push.binding_sid or "")
        try:
            await commands.run(command, _account(push), self._world)
        except ApiError as error:
            if error.kind not in {Kinds.BINDING_NOT_FOUND, Kinds.SERVICE_NOT_FOUND}:  # gone already
                raise

    async def _stop(self, push: Push, credential: Credential, answer: PushAnswer) -> None:
        """Send nothing more with a credential that its provider does not take."""
        command = StopCredential(
            sid=credential.sid,
            version=credential.date_updated,
            reason=answer.reason,
            code=answer.code or 0,
        )
        if await commands.run(command, _account(push), self._world):
            _log.error(
                "credential stopped", credential=credential.sid, code=answer.code, answer=answer.reason
            )


RECORDED = "recorded, and not sent: the setting push is sink"
"""What comes of a push where pushes are only recorded."""


def _account(push: Push) -> Caller:
    """Return who acts for the account, about which webhooks are told."""
    return Caller(account_id=push.account_id, account_sid=push.account_sid, tells_webhooks=True)


def _ended(push: Push, state: PushState, reason: str, now: Millis) -> Push:
    return replace(push, state=state, reason=reason, date_updated=now)
