"""Somebody who follows what happens by events alone, as a client SDK does, and what the store says instead.

What SDKs follow are objects: each has a counter, and items that bear the number of the event that added them
and of their last one. A document is an object with one item. Events must lead from one state to the next
without a gap, and whoever was away must be able to catch up from the state alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from chinwag.domain import events as happened
from chinwag.domain.member import Member
from chinwag.domain.message import Message
from chinwag.domain.user_channel import UserChannel

if TYPE_CHECKING:
    from chinwag.domain.channel import Channel
    from chinwag.domain.event import Event
    from chinwag.domain.user import User
    from model.kept import Kept

Data = dict[str, Any]


class Name(NamedTuple):
    """Which object: a document, messages or roster of a channel, or the channels or info of a user."""

    kind: str
    sid: str


class Item(NamedTuple):
    """An item: its content, the event that added it and its last one."""

    data: Data
    created: int
    last: int


@dataclass
class Followed:
    """An object as it is: its counter, its items, and the last events of those that were taken away."""

    last: int
    items: dict[Any, Item] = field(default_factory=dict)
    removed: dict[Any, int] = field(default_factory=dict)

    def put(self, key: Any, data: Data, created: int, last: int, *, known: bool) -> None:
        """Follow an event that adds an item or changes one."""
        self._next(last)
        assert (key in self.items) is known, "what is new is added, what is known is updated"
        assert created == (self.items[key].created if known else last)
        self.removed.pop(key, None)
        self.items[key] = Item(data, created, last)

    def take(self, key: Any, created: int, last: int) -> None:
        """Follow an event that takes an item away."""
        self._next(last)
        assert self.items.pop(key).created == created
        self.removed[key] = last

    def _next(self, event_id: int) -> None:
        assert event_id == self.last + 1, "every event of an object has the next number"
        self.last = event_id


class Follower:
    """Keeps every object by what events say."""

    def __init__(self) -> None:
        self.objects: dict[Name, Followed] = {}

    def follow(self, event: Event) -> None:  # noqa: C901, PLR0912  # one arm for each event
        """Follow one event."""
        match event:
            case happened.ChannelCreated(channel):
                for name, followed in _new_channel(channel).items():
                    self._open(name, followed)
            case happened.ChannelUpdated(channel):
                document = self._object("document", channel.sid)
                document.put("", document_of(channel), 1, channel.event_id, known=True)
            case happened.ChannelDeleted(channel):
                assert not self._holders(channel.sid), "a channel leaves every list before it is gone"
                for kind in ("document", "messages", "roster"):
                    del self.objects[Name(kind, channel.sid)]
            case happened.MessageAdded(message) | happened.MessageUpdated(message):
                messages = self._object("messages", message.channel_sid)
                assert message.index not in messages.removed, "an index is never given twice"
                known = isinstance(event, happened.MessageUpdated)
                messages.put(message.index, message_of(message), *_stamps(message), known=known)
            case happened.MessageRemoved(message):
                self._object("messages", message.channel_sid).take(message.index, *_stamps(message))
            case happened.MemberAdded(member) | happened.MemberUpdated(member):
                roster = self._object("roster", member.channel_sid)
                assert member.sid not in roster.removed, "who comes back is another member"
                known = isinstance(event, happened.MemberUpdated)
                roster.put(member.sid, member_of(member), *_stamps(member), known=known)
            case happened.MemberRemoved(member):
                self._object("roster", member.channel_sid).take(member.sid, *_stamps(member))
            case happened.UserChannelAdded(shown) | happened.UserChannelUpdated(shown):
                assert Name("document", shown.channel_sid) in self.objects, "what is listed is there"
                known = isinstance(event, happened.UserChannelUpdated)
                channels = self._object("channels", shown.user_sid)
                channels.put(shown.channel_sid, user_channel_of(shown), *_stamps(shown), known=known)
            case happened.UserChannelRemoved(shown):
                self._object("channels", shown.user_sid).take(shown.channel_sid, *_stamps(shown))
            case happened.UserCreated(user):
                self._open(Name("info", user.sid), _info(user))
                self._open(Name("channels", user.sid), Followed(user.channels_event_id))
            case happened.UserUpdated(user, since):
                self._follow_info(user, since)
            case happened.UserDeleted(user):
                assert not self._memberships(user.identity, user.service_sid), "who is gone has left before"
                for kind in ("info", "channels"):
                    del self.objects[Name(kind, user.sid)]
            case _:
                pass

    def leave(self, sids: set[str]) -> None:
        """Stop following what belongs to these channels and users: their service is gone."""
        self.objects = {name: kept for name, kept in self.objects.items() if name.sid not in sids}

    def _open(self, name: Name, followed: Followed) -> None:
        assert name not in self.objects
        self.objects[name] = followed

    def _object(self, kind: str, sid: str) -> Followed:
        return self.objects[Name(kind, sid)]

    def _follow_info(self, user: User, since: int) -> None:
        info = self._object("info", user.sid)
        assert info.last == since
        after = _info(user)
        changed = sorted((item.last, key) for key, item in after.items.items() if item.last > since)
        assert {key for key, item in after.items.items() if info.items[key].data != item.data} <= {
            key for _, key in changed
        }, "what changes bears a new number"
        for last, key in changed:
            info.put(key, after.items[key].data, 1, last, known=True)
        assert info.last == user.info_event_id

    def _holders(self, channel_sid: str) -> list[Name]:
        lists = (name for name in self.objects if name.kind == "channels")
        return [name for name in lists if channel_sid in self.objects[name].items]

    def _memberships(self, identity: str, service_sid: str) -> list[Name]:
        whose = {"identity": identity, "service_sid": service_sid}
        rosters = (name for name in self.objects if name.kind == "roster")
        return [
            name
            for name in rosters
            if any(whose.items() <= item.data.items() for item in self.objects[name].items.values())
        ]


def place_of(event: Event) -> tuple[Name, int] | None:
    """The object that an event is about and its number there; None for one that no client follows."""
    match event:
        case happened.ChannelUpdated(channel):
            return Name("document", channel.sid), channel.event_id
        case (
            happened.MessageAdded(message)
            | happened.MessageUpdated(message)
            | happened.MessageRemoved(message)
        ):
            return Name("messages", message.channel_sid), message.last_event_id
        case happened.MemberAdded(member) | happened.MemberUpdated(member) | happened.MemberRemoved(member):
            return Name("roster", member.channel_sid), member.last_event_id
        case (
            happened.UserChannelAdded(shown)
            | happened.UserChannelUpdated(shown)
            | happened.UserChannelRemoved(shown)
        ):
            return Name("channels", shown.user_sid), shown.last_event_id
        case happened.UserUpdated(user, since) if user.info_event_id > since:
            return Name("info", user.sid), user.info_event_id
        case _:
            return None


def kept_objects(kept: Kept) -> dict[Name, Followed]:
    """The same objects, as the store holds them."""
    objects: dict[Name, Followed] = {}
    for channel in kept.all_channels():
        objects |= _new_channel(channel)
        for kind, items in (
            (
                "messages",
                {message.index: _item(message, message_of) for message in kept.messages[channel.sid]},
            ),
            ("roster", {member.sid: _item(member, member_of) for member in kept.members[channel.sid]}),
        ):
            objects[Name(kind, channel.sid)].items = items
    for user in kept.all_users():
        objects[Name("info", user.sid)] = _info(user)
        objects[Name("channels", user.sid)] = Followed(
            user.channels_event_id,
            {shown.channel_sid: _item(shown, user_channel_of) for shown in kept.user_channels[user.sid]},
        )
    for kind, sid, key, last in kept.tombstones:
        if name := objects.get(Name(kind, sid)):
            name.removed[key] = last
    return objects


def caught_up(before: Followed, now: Followed) -> Followed:
    """What a client that was away holds after the changes since its last event were said to it again.

    They are taken from the state: what has a later number, in order, as removed, added or updated.
    """
    since = before.last
    gone = [(last, key, None) for key, last in now.removed.items() if last > since]
    there = [(item.last, key, item) for key, item in now.items.items() if item.last > since]
    items, seen = dict(before.items), [since]
    for last, key, item in sorted(gone + there, key=lambda change: change[0]):
        assert last > seen[-1], "no two changes of an object bear the same number"
        seen.append(last)
        if item is None:
            items.pop(key, None)
        elif item.created > since or key in items:
            items[key] = item
        else:
            raise AssertionError("what was there before is known")
    return Followed(now.last, items, now.removed)


def item_of(record: Message | Member | UserChannel) -> tuple[Any, Item]:
    """The key and the item that a record is."""
    match record:
        case Message():
            return record.index, _item(record, message_of)
        case Member():
            return record.sid, _item(record, member_of)
        case UserChannel():
            return record.channel_sid, _item(record, user_channel_of)


def document_of(channel: Channel) -> Data:
    last = {"index": channel.last_message_index, "timestamp": channel.last_message_date}
    return {
        "service_sid": channel.service_sid,
        "type": channel.type,
        "friendly_name": channel.friendly_name,
        "unique_name": channel.unique_name,
        "attributes": channel.attributes,
        "created_by": channel.created_by,
        "date_created": channel.date_created,
        "date_updated": channel.date_updated,
        "last_message": last,
    }


def message_of(message: Message) -> Data:
    return {
        "sid": message.sid,
        "author": message.author,
        "body": message.body,
        "type": message.type,
        "media": message.media,
        "attributes": message.attributes,
        "was_edited": message.was_edited,
        "last_updated_by": message.last_updated_by,
        "date_created": message.date_created,
        "date_updated": message.date_updated,
    }


def member_of(member: Member) -> Data:
    """All but the role: one that is deleted reads as the default of the service, and no event says so."""
    return {
        "service_sid": member.service_sid,
        "identity": member.identity,
        "attributes": member.attributes,
        "last_consumed_message_index": member.last_consumed_message_index,
        "last_consumption_timestamp": member.last_consumption_timestamp,
        "date_created": member.date_created,
        "date_updated": member.date_updated,
    }


def user_channel_of(shown: UserChannel) -> Data:
    return {
        "status": shown.status,
        "member_sid": shown.member_sid,
        "notification_level": shown.notification_level,
        "last_consumed_message_index": shown.last_consumed_message_index,
    }


def _new_channel(channel: Channel) -> dict[Name, Followed]:
    """The three objects of a channel, the latter two without their items."""
    return {
        Name("document", channel.sid): Followed(
            channel.event_id, {"": Item(document_of(channel), 1, channel.event_id)}
        ),
        Name("messages", channel.sid): Followed(channel.messages_event_id),
        Name("roster", channel.sid): Followed(channel.roster_event_id),
    }


def _info(user: User) -> Followed:
    reachability = {"online": user.is_online, "notifiable": user.is_notifiable}
    return Followed(
        user.info_event_id,
        {
            "friendlyName": Item({"value": user.friendly_name}, 1, user.friendly_name_event_id),
            "attributes": Item({"value": user.attributes}, 1, user.attributes_event_id),
            "reachability": Item(reachability, 1, user.reachability_event_id),
        },
    )


def _item(record: Any, data_of: Any) -> Item:
    return Item(data_of(record), *_stamps(record))


def _stamps(record: Message | Member | UserChannel) -> tuple[int, int]:
    return record.created_event_id, record.last_event_id
