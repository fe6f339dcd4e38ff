"""Pushes: what goes to the devices of users. Each is a row until it is known what came of it.

They are made of an `occasion`, right after it, by `spreading` (docs/decisions/0011-pushes-are-rows.md).
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct
from msgspec.structs import replace

from chinwag.domain.caller import Caller
from chinwag.domain.credential import PushType
from chinwag.domain.lookup import service_named
from chinwag.errors import ApiError, Kinds
from chinwag.ids import Millis

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chinwag.domain.caller import Operator
    from chinwag.domain.paging import Cursor
    from chinwag.domain.service import Service
    from chinwag.domain.unit import Reader, Transaction
    from chinwag.ids import NewSid

TRIES = 10
"""Most tries of a push that are remembered."""


class PushKind(StrEnum):
    """Why a device is pushed to: the occasions of `NotificationKind`, and two that have no words of users."""

    NEW_MESSAGE = "new_message"
    ADDED_TO_CHANNEL = "added_to_channel"
    REMOVED_FROM_CHANNEL = "removed_from_channel"
    INVITED_TO_CHANNEL = "invited_to_channel"
    BADGE = "badge"
    TEST = "test"

    @property
    def message_type(self) -> str | None:
        """How devices and client SDKs call it; None for what they know nothing of. Source: sdk-wire."""
        return None if self in {PushKind.BADGE, PushKind.TEST} else f"twilio.channel.{self}"


class PushState(StrEnum):
    """How far a push has come."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"
    SKIPPED = "skipped"


class NoPush(StrEnum):
    """Why a device is not pushed to, for whoever wonders."""

    DISABLED = "pushes of this kind are not enabled in the service"
    AUTHOR = "nobody is told of what they did themselves"
    MUTED = "the user has muted the channel"
    NOT_WANTED = "the device has not registered for pushes of this kind"
    NO_DEVICE = "nobody whom it concerns has a device registered"
    NOT_THERE = "the message, or the channel, was deleted before its pushes were made"
    UNREGISTERED = "the device is not registered any more"


class PushContent(Struct, frozen=True, kw_only=True):
    """What a device is told.

    Args:
        sid: `NT…`, the same on every try.
        text: the words, cut to length; None when only the badge changes.
        sound: the name of a sound; None is none.
        badge: the number at the icon; None leaves it.
        channel_title: what the channel is called.
        author: the identity of whoever caused it.
        expires: when it is worth nothing any more.
    """

    sid: str
    kind: PushKind
    text: str | None
    sound: str | None = None
    badge: int | None = None
    channel_sid: str | None = None
    channel_title: str | None = None
    message_sid: str | None = None
    message_index: int | None = None
    author: str | None = None
    expires: Millis


class Words(Struct, frozen=True, kw_only=True):
    """What all devices are told of an occasion. `badge` is whether iPhones get a number as well."""

    text: str | None
    sound: str | None = None
    badge: bool = False
    channel_title: str | None = None


class PushAttempt(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One try to push.

    Args:
        date: when it began.
        ms: how long it took.
        code: the number of the original's log, 52xxx; None for what was delivered.
        status: of the provider's answer.
        answer: what came of it, in words.
        badge: the number that was sent.
    """

    date: Millis
    ms: int
    code: int | None = None
    status: int | None = None
    answer: str
    badge: int | None = None


class Push(Struct, frozen=True, kw_only=True):
    """A push to a device, or the reason why there is none.

    Args:
        sid: `NT…`.
        account_id: key of the account's row. Never shown; nor are the other keys.
        user_id: whose device; None when nobody has one.
        words: what is told.
        logged: whether it is remembered when it is delivered.
        due: when it is tried next, while it waits.
        reason: how it ended, in words; for a push that waits, why the last try failed.
    """

    sid: str
    account_id: int
    account_sid: str
    service_sid: str
    occasion_id: int
    kind: PushKind
    channel_sid: str | None = None
    message_sid: str | None = None
    message_index: int | None = None
    author: str
    words: Words
    user_id: int | None = None
    identity: str | None = None
    binding_sid: str | None = None
    binding_type: PushType | None = None
    credential_sid: str | None = None
    logged: bool = False
    state: PushState
    tries: int = 0
    due: Millis = 0
    attempts: tuple[PushAttempt, ...] = ()
    reason: str | None = None
    date_created: Millis
    date_updated: Millis

    def __repr__(self) -> str:
        return f"Push({self.sid}, {self.state})"

    @property
    def lane(self) -> str:
        """Pushes of one lane are made one after the other: those to one device."""
        return self.binding_sid or ""

    def after(self, attempt: PushAttempt, state: PushState, due: Millis = 0) -> Push:
        """Return the push after one more try; the first ones are forgotten when there were many."""
        return replace(
            self,
            state=state,
            tries=self.tries + 1,
            due=due,
            attempts=(*self.attempts, attempt)[-TRIES:],
            reason=attempt.answer,
            date_updated=attempt.date + attempt.ms,
        )

    def content(self, badge: int | None, expires: Millis) -> PushContent:
        """Return what the device is told."""
        return PushContent(
            sid=self.sid,
            kind=self.kind,
            text=self.words.text,
            sound=self.words.sound,
            badge=badge,
            channel_sid=self.channel_sid,
            channel_title=self.words.channel_title,
            message_sid=self.message_sid,
            message_index=self.message_index,
            author=self.author,
            expires=expires,
        )


class Pushes(Protocol):
    """Pushes, as they are kept."""

    async def targets(self) -> dict[str, Millis]:
        """Return the credentials for which pushes wait, and when the first of each is due.

        Those that were stopped are not among them.
        """
        ...

    async def due(self, credential_sid: str, now: Millis, most: int) -> list[Push]:
        """Return pushes of a credential that are due, oldest first; of each device the oldest that waits."""
        ...

    async def address_of(self, push: Push) -> str | None:
        """Return where the provider finds the device of a push now; None when it is registered no more."""
        ...

    async def unread_channels(self, user_id: int) -> int:
        """Return in how many channels a user has something to read, of those in which the user has read."""
        ...

    async def save(self, pushes: Sequence[Push]) -> None:
        """Keep what came of pushes. Those that were delivered, and are not logged, are forgotten."""
        ...

    async def give_up(self, before: Millis, now: Millis, reason: str, most: int) -> bool:
        """Let pushes fail that have waited since before a moment; True if there may be more."""
        ...

    async def forget(self, before: Millis, most: int) -> bool:
        """Remove pushes that do not wait and have not changed since a moment; True if there may be more."""
        ...

    async def get(self, service: Service, sid: str) -> Push | None:
        """Return a push of a service, or None."""
        ...

    async def page(self, service: Service, cursor: Cursor, states: list[PushState]) -> list[Push]:
        """Return a page of the pushes of a service, oldest first, and one more if there are more."""
        ...

    async def find(self, sid: str) -> Push | None:
        """Return a push of any service, or None."""
        ...

    async def latest(self, service_sid: str | None, most: int) -> list[Push]:
        """Return the last pushes of a service, or of all, oldest first."""
        ...

    async def changed(self, service_sid: str | None, since: Millis, most: int) -> list[Push]:
        """Return the pushes that have changed since a moment, in the order of their change."""
        ...


class SavePushes(Struct, frozen=True):
    """Keep what came of pushes."""

    pushes: tuple[Push, ...]

    async def apply(self, tx: Transaction, _caller: Operator, _now: Millis, _new_sid: NewSid) -> None:
        """Keep it."""
        await tx.pushes.save(self.pushes)


class ForgetPushes(Struct, frozen=True, kw_only=True):
    """Let pushes fail that have waited for too long, and remove those that ended long ago.

    Args:
        waiting_before: when what waits too long was written.
        ended_before: when what ended long ago did.
        most: of each.
    """

    waiting_before: Millis
    ended_before: Millis
    most: int

    async def apply(self, tx: Transaction, _caller: Operator, now: Millis, _new_sid: NewSid) -> bool:
        """Return whether there may be more."""
        late = await tx.pushes.give_up(self.waiting_before, now, GIVEN_UP, self.most)
        old = await tx.pushes.forget(self.ended_before, self.most)
        return late or old


GIVEN_UP = "given up: it could not be delivered for too long"
"""Why a push has failed that has waited for too long."""


async def push_named(tx: Reader, caller: Caller | Operator, service_sid: str | None, sid: str) -> Push:
    """Return a push: of a service of the caller's account, or, for an operator, of any.

    Raises:
        ApiError: `SERVICE_NOT_FOUND`; `NOT_FOUND`.
    """
    if isinstance(caller, Caller):
        service = await service_named(tx, caller, service_sid or "")
        found = await tx.pushes.get(service, sid)
    else:
        found = await tx.pushes.find(sid)
    if found is None:
        raise ApiError(Kinds.NOT_FOUND, f"there is no push {sid}", path=f"/Pushes/{sid}")
    return found
