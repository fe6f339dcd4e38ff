"""Fan-out: who follows which object, and what each of them has been sent.

A *topic* is an object that somebody follows. Events reach it with the numbers that their change gave them,
one higher each time. They may come out of order (on PostgreSQL two changes are told by two tasks), twice (a
replay has told of it already), or not at all (from another node). So a topic sends in order, holds back what
comes too early, and asks for a replay when a gap stays open. Whoever begins to follow is registered first and
caught up then; what happens in between waits.

An event is rendered once and framed once: the same bytes go to everybody.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from chinwag.logs import logger

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from chinwag.realtime.client import Client
    from chinwag.realtime.objects import Object

_log = logger()

GAP_SECONDS = 0.25
"""How long an event that is missing may take to come by itself, in seconds, before the store is asked."""

WAITING = 1000
"""Most events that wait for clients that are being caught up. Beyond that they are caught up once more."""


class Subscription:
    """One client following one topic.

    Attributes:
        sent: the last event that the client was told of.
        waiting: what came while the client is being caught up; None when it is up to date.
        least: the event behind which `waiting` begins: what the client is caught up with must reach it.
        missed: whether something came that was not kept.
        doubted: whether the client may have lost its access since it was looked at.
    """

    __slots__ = ("client", "doubted", "least", "missed", "sent", "topic", "waiting")

    def __init__(self, client: Client, topic: Topic) -> None:
        self.client = client
        self.topic = topic
        self.sent = 0
        self.waiting: list[tuple[int, bytes]] | None = []
        self.least = topic.last or 0
        self.missed = False
        self.doubted = False

    def begin_again(self) -> None:
        """Forget what came so far: it is read once more from the store, which has all of it."""
        self.doubted = self.missed = False
        self.least = self.topic.last or 0
        if self.waiting:
            self.waiting.clear()

    @property
    def stands(self) -> bool:
        """Whether the client still follows, and by this subscription."""
        return self.client.following.get(self.topic.sid) is self


class Topic:
    """An object that somebody follows.

    Attributes:
        last: the last event that was sent; None until the first client is caught up.
        current: clients that are sent every event as it comes.
        others: subscriptions of clients that are being caught up, or that know more than was sent.
        held: events that came too early.
        shown: the object as the first client found it.
    """

    __slots__ = ("current", "held", "last", "others", "repair", "shown", "sid")

    def __init__(self, sid: str) -> None:
        self.sid = sid
        self.last: int | None = None
        self.current: set[Client] = set()
        self.others: dict[Client, Subscription] = {}
        self.held: dict[int, bytes] = {}
        self.repair: asyncio.TimerHandle | asyncio.Task[None] | None = None
        self.shown: Object | None = None

    def deliver(self, event_id: int, wire: bytes) -> None:
        """Send an event to everybody who does not know of it."""
        self.last = event_id
        for client in self.current:
            client.tell(wire)
        if self.others:
            for subscription in list(self.others.values()):
                self._deliver_to(subscription, event_id, wire)

    def begin(self, last: int, shown: Object) -> None:
        """Begin to send behind an event, with which the first client was caught up.

        The others may be caught up with less: what was held of it will not wait for them.
        """
        self.last = last
        self.shown = shown
        for subscription in self.others.values():
            subscription.least = last

    def hold(self, event_id: int, wire: bytes) -> None:
        """Keep an event that cannot be sent yet."""
        if self.last is None and len(self.held) >= WAITING:
            self.held.clear()
            for subscription in self.others.values():
                subscription.missed = True
        else:
            self.held[event_id] = wire

    def _deliver_to(self, subscription: Subscription, event_id: int, wire: bytes) -> None:
        waiting = subscription.waiting
        if waiting is None:
            if event_id > subscription.sent:
                subscription.client.tell(wire)
                subscription.sent = event_id
            if event_id == subscription.sent:
                del self.others[subscription.client]
                self.current.add(subscription.client)
        elif len(waiting) < WAITING:
            waiting.append((event_id, wire))
        else:
            waiting.clear()
            subscription.missed = True


class Hub:
    """The topics of this process, and its clients by user.

    Args:
        replay: returns the messages that tell what happened to an object after an event, in order, each with
            its number.
    """

    def __init__(self, replay: Callable[[Object, int], Awaitable[list[tuple[int, bytes]]]]) -> None:
        self._replay = replay
        self.topics: dict[str, Topic] = {}
        self.clients: dict[str, set[Client]] = {}

    def add(self, client: Client) -> None:
        """Know a client that has logged in."""
        self.clients.setdefault(client.user_sid, set()).add(client)

    def remove(self, client: Client) -> None:
        """Forget a client that has gone."""
        for sid in list(client.following):
            self.unfollow(client, sid)
        of_user = self.clients.get(client.user_sid)
        if of_user is not None:
            of_user.discard(client)
            if not of_user:
                del self.clients[client.user_sid]

    def everybody(self) -> list[Client]:
        """Return every client."""
        return [client for clients in self.clients.values() for client in clients]

    def follow(self, client: Client, sid: str) -> Subscription:
        """Let a client follow an object, once more if it does. Nothing is sent until `caught_up`."""
        self.unfollow(client, sid)
        assert not client.gone, "who has gone follows nothing"
        topic = self.topics.get(sid)
        if topic is None:
            topic = self.topics[sid] = Topic(sid)
        subscription = Subscription(client, topic)
        topic.others[client] = subscription
        client.following[sid] = subscription
        return subscription

    def caught_up(self, subscription: Subscription, shown: Object, last: int) -> None:
        """Go on live, behind the event that the client was last told of by a replay."""
        topic, client = subscription.topic, subscription.client
        waiting = subscription.waiting or []
        subscription.waiting = None
        subscription.sent = last
        for event_id, wire in waiting:
            if event_id > subscription.sent:
                client.tell(wire)
                subscription.sent = event_id
        if topic.last is None:
            topic.begin(last, shown)
        if subscription.sent <= (topic.last or 0):
            del topic.others[client]
            topic.current.add(client)
        if topic.held:
            self._send_held(topic)

    def unfollow(self, client: Client, sid: str) -> None:
        """Let a client no longer follow an object. Nothing more of it is sent from this moment."""
        subscription = client.following.pop(sid, None)
        if subscription is None:
            return
        topic = subscription.topic
        topic.current.discard(client)
        topic.others.pop(client, None)
        if not topic.current and not topic.others:
            self._forget(topic)

    def doubt(self, client: Client, sid: str) -> None:
        """Note that a client may have lost its access to an object while it is being caught up."""
        subscription = client.following.get(sid)
        if subscription is not None:
            subscription.doubted = True

    def tell(self, sid: str, event_id: int, wire: bytes, *, whole: bool) -> None:
        """Send an event to all who follow an object.

        Args:
            sid: which object.
            event_id: the event's number.
            wire: the message.
            whole: it tells the whole state of the object, so that those before it need not be waited for.
        """
        topic = self.topics.get(sid)
        if topic is None:
            return
        last = topic.last
        if last is not None and (event_id == last + 1 or (whole and event_id > last)):
            topic.deliver(event_id, wire)
            if topic.held:
                self._send_held(topic)
        elif last is None or event_id > last:
            topic.hold(event_id, wire)
            if last is not None and topic.repair is None:
                topic.repair = asyncio.get_running_loop().call_later(GAP_SECONDS, self._mend, topic)

    def end(self, sid: str, wire: bytes) -> None:
        """Tell all who follow an object that it is gone."""
        topic = self.topics.get(sid)
        if topic is None:
            return
        for client in [*topic.current, *topic.others]:
            client.tell(wire)
            del client.following[sid]
        self._forget(topic)

    def _forget(self, topic: Topic) -> None:
        del self.topics[topic.sid]
        if topic.repair is not None:
            topic.repair.cancel()

    def _send_held(self, topic: Topic) -> None:
        """Send what came too early and is due now; drop what is known."""
        assert topic.last is not None
        while (wire := topic.held.pop(topic.last + 1, None)) is not None:
            topic.deliver(topic.last + 1, wire)
        for event_id in [event_id for event_id in topic.held if event_id <= topic.last]:
            del topic.held[event_id]
        if topic.held and topic.repair is None:
            topic.repair = asyncio.get_running_loop().call_later(GAP_SECONDS, self._mend, topic)

    def _mend(self, topic: Topic) -> None:
        if topic.held:
            topic.repair = asyncio.get_running_loop().create_task(self._mended(topic))
        else:
            topic.repair = None

    async def _mended(self, topic: Topic) -> None:
        """Ask the store for what did not come."""
        assert topic.last is not None
        assert topic.shown is not None
        _log.info("events are missing: asking the store", object=topic.sid, after=topic.last)
        try:
            for event_id, wire in await self._replay(topic.shown, topic.last):
                if event_id > topic.last:
                    topic.deliver(event_id, wire)
        except Exception as error:  # noqa: BLE001  # whatever it is, the clients must not go on with a gap
            _log.warning("the store cannot tell what is missing", object=topic.sid, error=str(error))
            self._drop(topic)
            return
        topic.repair = None
        self._send_held(topic)

    def _drop(self, topic: Topic) -> None:
        """Let every client of a topic come back: each is caught up then."""
        for client in [*topic.current, *topic.others]:
            client.drop("events are missing")
