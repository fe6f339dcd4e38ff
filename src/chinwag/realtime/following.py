"""Following objects: catching a client up with what it has missed, without a gap and without doing so twice.

Each object is registered first, then what happened since the client's last event is read from the store and
sent; what happens in between waits in the subscription (`hub`). The store is let go of before anything is
sent, and no more is sent than the client takes. Source: sdk-wire.
"""

from __future__ import annotations

import asyncio
from collections import deque
from http import HTTPStatus
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from chinwag import limits
from chinwag.errors import ApiError, Kinds
from chinwag.realtime.call import Answer
from chinwag.realtime.connection import notification
from chinwag.realtime.envelopes import event
from chinwag.realtime.objects import Kind
from chinwag.realtime.opening import HiddenError, opening_for
from chinwag.realtime.telling import SYNC

if TYPE_CHECKING:
    from chinwag.domain.unit import Reader
    from chinwag.realtime.call import Call
    from chinwag.realtime.client import Client
    from chinwag.realtime.hub import Subscription
    from chinwag.realtime.objects import Change, Object
    from chinwag.realtime.opening import Opening
    from chinwag.realtime.views import Json

REPLAY = 100
"""Changes that are read at once."""

LOOKS = 50
"""Most objects that are looked at in one reading: others want to read, and to be read to."""

AGAIN_SECONDS = 0.01
"""How long is waited before an object is looked at again that others have seen more of, in seconds."""

UNTAKEN_BYTES = 128 * 1024
"""How much is sent of a replay before it is seen whether the client keeps up, in bytes."""

DELIVERY_MS = 10_000
"""How long a client waits for the outcome of a subscription before it asks again, in milliseconds."""

BATCH = 1000
"""Most objects in one request. SDKs send one request after the other, so few large ones begin sooner."""

_encode = msgspec.json.Encoder().encode


class Wanted(Struct, frozen=True):
    """An object that a client wants to follow, or no longer."""

    object_sid: str
    object_type: str
    last_event_id: int | None = None


class Subscribe(Struct, frozen=True):
    """A batch of them. `correlation_id` comes back with every outcome."""

    action: str
    requests: list[Wanted]
    correlation_id: int | str | None = None


_subscribe = msgspec.json.Decoder(Subscribe).decode


async def subscriptions(call: Call) -> Answer:
    """Begin, or end, to follow objects. The outcome of each comes as a notification."""
    try:
        asked = _subscribe(call.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ApiError(Kinds.INVALID_BODY, str(error)) from None
    if len(asked.requests) > BATCH:
        raise ApiError(Kinds.INVALID_BODY, f"at most {BATCH} objects in one request")
    then = None
    if asked.action == "cancel":
        for wanted in asked.requests:
            call.here.hub.unfollow(call.client, wanted.object_sid)
            _canceled(call.client, wanted, asked.correlation_id)
    elif asked.action == "establish":
        then = CatchingUp(call, asked).run
    else:
        raise ApiError(Kinds.INVALID_BODY, "action is establish or cancel")
    answer = {"max_batch_size": BATCH, "estimated_delivery_in_ms": DELIVERY_MS}
    return Answer(HTTPStatus.OK, answer, then=then)


class _Behind:
    """An object that a client wants to follow and is being caught up with.

    Attributes:
        known: the last event that the client knew when it asked.
        seen: the last event that it knows now; None until the object was looked at.
    """

    __slots__ = ("known", "seen", "subscription", "wanted")

    def __init__(self, wanted: Wanted, subscription: Subscription) -> None:
        self.wanted = wanted
        self.subscription = subscription
        self.known = 0
        self.seen: int | None = None


class CatchingUp:
    """Catches one client up with the objects of one request."""

    def __init__(self, call: Call, asked: Subscribe) -> None:
        self._call = call
        self._client = call.client
        self._hub = call.here.hub
        self._correlation_id = asked.correlation_id
        self._asked = asked
        self._behind: deque[_Behind] = deque()
        self._pause = 0.0

    async def run(self) -> None:
        """Tell the client what it has missed of each object, and that it follows it from now on."""
        try:
            self._register()
            while self._behind and not self._client.gone:
                await self._advance()
        except ApiError as error:
            # The store is away. Were that said of the objects, an SDK would give them up for good.
            self._client.drop(f"it cannot be caught up: {error}")
        except BaseException:
            for behind in self._behind:
                if behind.subscription.stands:
                    self._hub.unfollow(self._client, behind.wanted.object_sid)
            raise

    def _register(self) -> None:
        following = self._client.following
        if self._client.gone:
            return
        for wanted in {wanted.object_sid: wanted for wanted in self._asked.requests}.values():
            if wanted.object_sid not in following and len(following) >= limits.SUBSCRIPTIONS:
                _failure(self._client, wanted, self._correlation_id, ApiError(Kinds.TOO_MANY_SUBSCRIPTIONS))
            else:
                self._behind.append(_Behind(wanted, self._hub.follow(self._client, wanted.object_sid)))

    async def _advance(self) -> None:
        """Catch up with some objects, until there is something to send."""
        missed: tuple[Object, list[Change]] | None = None
        async with self._call.reading() as tx:
            found_by = await opening_for(self._call, tx)
            for _ in range(LOOKS):
                missed = await self._look(tx, found_by)
                if missed is not None or self._pause or not self._behind:
                    break
        if missed is not None:
            await self._send(*missed)
        else:
            pause, self._pause = self._pause, 0.0
            await asyncio.sleep(pause)

    async def _look(self, tx: Reader, found_by: Opening) -> tuple[Object, list[Change]] | None:
        """Look at the first object that is left, and return what the client has missed of it, if anything."""
        behind = self._behind[0]
        subscription = behind.subscription
        try:
            found = await found_by.with_sid(_kind_named(behind.wanted.object_type), behind.wanted.object_sid)
            if behind.seen is None:
                behind.seen = behind.known = _seen(behind.wanted, found)
            changes: list[Change] = []
            if behind.seen < found.last_event_id:
                changes = await found.changes(tx, behind.seen, REPLAY, behind.known)
        except HiddenError:
            # Were it "not found", an SDK that knows the channel would take it for deleted, and say so before
            # its own list of channels has told it that the user is no longer in it.
            self._behind.popleft()
            self._fail(behind, ApiError(Kinds.OBJECT_FORBIDDEN))
            return None
        except ApiError as error:
            self._behind.popleft()
            self._fail(behind, error)
            return None

        if not subscription.stands:
            self._behind.popleft()
        elif subscription.doubted or subscription.missed:
            subscription.begin_again()
            found_by.forget()
        elif changes:
            return found, changes
        elif (last := max(behind.seen, found.last_event_id)) < subscription.least:
            # This reading is older than what another client was caught up with meanwhile.
            subscription.begin_again()
            found_by.forget()
            self._behind.rotate(-1)
            self._pause = AGAIN_SECONDS
        else:
            self._behind.popleft()
            self._establish(behind, found, last)
        return None

    async def _send(self, found: Object, changes: list[Change]) -> None:
        """Send what a client has missed, no faster than it takes it."""
        behind, client = self._behind[0], self._client
        untaken = 0
        for change in changes:
            if not behind.subscription.stands:
                return
            payload = event(found.kind, found.sid, change, correlation_id=self._correlation_id)
            client.send(notification(SYNC, payload))
            behind.seen = change.event_id
            untaken += len(payload)
            if untaken > UNTAKEN_BYTES:
                untaken = 0
                client.flush()
                await client.socket.room()
        client.flush()
        await client.socket.room()
        await asyncio.sleep(0)  # others have their turn between two pieces of a long replay

    def _establish(self, behind: _Behind, found: Object, last: int) -> None:
        told = {
            "object_sid": found.sid,
            "object_type": found.kind,
            "replay_status": "completed",
            "last_event_id": last,
        }
        _notify(self._client, "subscription_established", told, self._correlation_id)
        self._hub.caught_up(behind.subscription, found, last)

    def _fail(self, behind: _Behind, error: ApiError) -> None:
        if behind.subscription.stands:
            self._hub.unfollow(self._client, behind.wanted.object_sid)
            _failure(self._client, behind.wanted, self._correlation_id, error)


def _seen(wanted: Wanted, found: Object) -> int:
    """Return the last event that a client has seen: what it says, within what there was.

    More it may say after a backup was restored, or to keep others from hearing of what is to come.
    """
    if wanted.last_event_id is None:
        return found.last_event_id
    return max(0, min(wanted.last_event_id, found.last_event_id))


def _kind_named(object_type: str) -> Kind:
    try:
        return Kind(object_type)
    except ValueError:
        raise ApiError(Kinds.OBJECT_NOT_FOUND) from None


def _failure(client: Client, wanted: Wanted, correlation_id: int | str | None, error: ApiError) -> None:
    told = {
        "object_sid": wanted.object_sid,
        "object_type": wanted.object_type,
        "error": {
            "status": int(error.kind.status),
            "code": error.kind.code,
            "message": error.message,
        },
    }
    _notify(client, "subscription_failed", told, correlation_id)


def _canceled(client: Client, wanted: Wanted, correlation_id: int | str | None) -> None:
    told = {"object_sid": wanted.object_sid, "object_type": wanted.object_type}
    _notify(client, "subscription_canceled", told, correlation_id)


def _notify(client: Client, event_type: str, told: Json, correlation_id: int | str | None) -> None:
    payload = {"event_type": event_type, "correlation_id": correlation_id, "event": told}
    client.send(notification(SYNC, _encode(payload)))
