"""From what happened to what followers are told: each event of the domain, as changes of Sync objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from chinwag.domain import events as happened
from chinwag.domain.channel import ChannelType
from chinwag.domain.typing import Typing
from chinwag.realtime import names, views
from chinwag.realtime.connection import notification
from chinwag.realtime.envelopes import event, removal
from chinwag.realtime.frames import message
from chinwag.realtime.objects import (
    Action,
    Change,
    ChannelDocument,
    Kind,
    MessageList,
    Roster,
    user_info_changes,
)
from chinwag.realtime.typing import typing_indicator

if TYPE_CHECKING:
    from collections.abc import Callable

    from chinwag.domain.channel import Channel
    from chinwag.domain.event import Event
    from chinwag.domain.member import Member
    from chinwag.domain.message import Message
    from chinwag.domain.user import User
    from chinwag.domain.user_channel import UserChannel
    from chinwag.realtime.client import Client
    from chinwag.realtime.hub import Hub
    from chinwag.realtime.objects import Key, Object
    from chinwag.realtime.views import Json

SYNC = "twilio.sync.event"
"""The type of notifications that tell of objects."""


def wire(payload: bytes) -> bytes:
    """Return a message that tells of an object, as it is written to every follower."""
    return message(notification(SYNC, payload))


class Telling:
    """A listener of the broker.

    Args:
        hub: whom to tell.
        read_status: whether a service tells how far members have read.
    """

    def __init__(self, hub: Hub, read_status: Callable[[str], bool]) -> None:
        self._hub = hub
        self._read_status = read_status

    def __call__(self, told: Event) -> None:  # noqa: C901, PLR0912  # one arm for each event
        """Tell all who follow what an event changed."""
        if not self._hub.clients:
            return
        match told:
            case happened.MessageAdded(added):
                self._message(added, Action.ADDED)
            case happened.MessageUpdated(updated):
                self._message(updated, Action.UPDATED)
            case happened.MessageRemoved(removed):
                self._message(removed, Action.REMOVED)
            case happened.ChannelUpdated(channel):
                self._see_to_creator(channel)
                self._document(channel)
            case happened.ChannelDeleted(channel):
                self._channel_removed(channel)
            case happened.MemberAdded(member):
                self._member(member, Action.ADDED)
            case happened.MemberUpdated(member):
                self._member(member, Action.UPDATED)
            case happened.MemberRemoved(member):
                self._member(member, Action.REMOVED)
            case happened.UserChannelAdded(shown):
                self._user_channel(shown, Action.ADDED)
            case happened.UserChannelUpdated(shown):
                self._user_channel(shown, Action.UPDATED)
            case happened.UserChannelRemoved(shown):
                self._user_channel(shown, Action.REMOVED)
                self._lose_access(shown)
            case happened.UserUpdated(user, since):
                for change in user_info_changes(user, since):
                    self._tell(Kind.MAP, names.user_info_sid(user.sid), change)
            case happened.UserDeleted(user):
                self._user_removed(user)
            case happened.ServiceDeleted(service_sid):
                for client in self._hub.everybody():
                    if client.session.service_sid == service_sid:
                        client.drop("its service was deleted")
            case Typing():
                self._typing(told)
            case _:
                pass

    def _message(self, changed: Message, action: Action) -> None:
        self._item(
            Kind.LIST,
            names.messages_sid(changed.channel_sid),
            (changed.last_event_id, action, changed.index),
            lambda: views.message_item(changed),
        )

    def _member(self, changed: Member, action: Action) -> None:
        self._item(
            Kind.MAP,
            names.roster_sid(changed.channel_sid),
            (changed.last_event_id, action, changed.sid),
            lambda: views.member_item(changed, read_status=self._read_status(changed.service_sid)),
        )

    def _user_channel(self, changed: UserChannel, action: Action) -> None:
        self._item(
            Kind.MAP,
            names.user_channels_sid(changed.user_sid),
            (changed.last_event_id, action, changed.channel_sid),
            lambda: views.user_channel_item(changed),
        )

    def _document(self, channel: Channel) -> None:
        sid = names.channel_sid(channel.sid)
        if sid in self._hub.topics:
            change = Change(channel.event_id, Action.UPDATED, "", views.channel_document(channel))
            self._tell(Kind.DOCUMENT, sid, change)

    def _item(self, kind: Kind, sid: str, stamp: tuple[int, Action, Key], data: Callable[[], Json]) -> None:
        if sid in self._hub.topics:  # else nobody needs what it looks like
            event_id, action, key = stamp
            self._tell(kind, sid, Change(event_id, action, key, None if action is Action.REMOVED else data()))

    def _tell(self, kind: Kind, sid: str, change: Change) -> None:
        if sid in self._hub.topics:
            told = wire(event(kind, sid, change))
            self._hub.tell(sid, change.event_id, told, whole=kind is Kind.DOCUMENT)

    def _channel_removed(self, channel: Channel) -> None:
        for kind, sid, last in (
            (Kind.LIST, names.messages_sid(channel.sid), channel.messages_event_id),
            (Kind.MAP, names.roster_sid(channel.sid), channel.roster_event_id),
            (Kind.DOCUMENT, names.channel_sid(channel.sid), channel.event_id),
        ):
            if sid in self._hub.topics:
                self._hub.end(sid, wire(removal(kind, sid, last + 1)))

    def _user_removed(self, user: User) -> None:
        for sid, last in (
            (names.user_info_sid(user.sid), user.info_event_id),
            (names.user_channels_sid(user.sid), user.channels_event_id),
        ):
            if sid in self._hub.topics:
                self._hub.end(sid, wire(removal(Kind.MAP, sid, last + 1)))
        for client in list(self._hub.clients.get(user.sid, ())):
            client.drop("its user was deleted")

    def _lose_access(self, shown: UserChannel) -> None:
        """Stop what a user follows of a private channel that the user is no longer in.

        The SDK stops it too, as its own list of channels says so, but later, if at all.
        """
        for client in self._hub.clients.get(shown.user_sid, ()):
            self._look_again(client, shown.channel_sid)

    def _look_again(self, client: Client, channel_sid: str) -> None:
        for sid in _objects_of(channel_sid):
            topic = self._hub.topics.get(sid)
            if topic is None or sid not in client.following:
                continue
            if topic.shown is None:
                self._hub.doubt(client, sid)
            elif _is_kept_from(topic.shown, client.session.identity):
                self._hub.unfollow(client, sid)

    def _see_to_creator(self, channel: Channel) -> None:
        """Let clients come back that saw a private channel because their user had created it, if so no more.

        They are told who may see it as they follow it again.
        """
        if channel.is_public:
            return
        for sid in _objects_of(channel.sid):
            topic = self._hub.topics.get(sid)
            shown = topic.shown if topic else None
            if topic is None or not isinstance(shown, ChannelDocument | MessageList | Roster):
                continue
            creator = shown.channel.created_by
            if creator == channel.created_by or channel.event_id < shown.channel.event_id:
                continue
            topic.shown = replace(shown, channel=channel)
            for client in [*topic.current, *topic.others]:
                if client.session.identity == creator:
                    client.drop("its user has no longer created a channel that it follows")

    def _typing(self, typing: Typing) -> None:
        told = message(typing_indicator(typing))
        for user_sid in typing.to & self._hub.clients.keys():
            for client in self._hub.clients[user_sid]:
                if client.session.identity != typing.identity:
                    client.tell(told)


def _objects_of(channel_sid: str) -> tuple[str, str, str]:
    """Return the SIDs of what is seen of a channel."""
    return names.channel_sid(channel_sid), names.messages_sid(channel_sid), names.roster_sid(channel_sid)


def _is_kept_from(shown: Object, identity: str) -> bool:
    """Return whether an object is of a private channel, and somebody is not in it and has not made it."""
    if not isinstance(shown, ChannelDocument | MessageList | Roster):
        return False
    return shown.channel.type is ChannelType.PRIVATE and shown.channel.created_by != identity
