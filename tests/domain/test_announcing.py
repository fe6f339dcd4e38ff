"""Which webhooks are told of a change, whoever makes it; and what a rehearsal leaves. On both engines."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from chinwag import commands
from chinwag.broker.memory import MemoryBroker
from chinwag.commands import World
from chinwag.domain.amendment import Amendment
from chinwag.domain.channel import CreateChannel, UpdateChannel
from chinwag.domain.channel_webhook import ChannelWebhookType, CreateChannelWebhook, UpdateChannelWebhook
from chinwag.domain.joining import CreateInvite, CreateMember
from chinwag.domain.leaving import DeleteChannel, DeleteMember, DeleteUser, DeleteUserChannel
from chinwag.domain.login import LogIn
from chinwag.domain.membership import UpdateMember
from chinwag.domain.message import DeleteMessage, UpdateMessage
from chinwag.domain.permissions import RoleType
from chinwag.domain.posting import CreateMessage
from chinwag.domain.reachability import SetOnline
from chinwag.domain.user import CreateUser, UpdateUser
from chinwag.domain.webhook import (
    POST_EVENTS,
    NoCall,
    WebhookEvent,
    WebhookMethod,
    WebhookTargetChange,
)
from chinwag.errors import ApiError, Kinds
from storage.builders import a_media

if TYPE_CHECKING:
    from chinwag.domain.announcing import Announced
    from chinwag.domain.channel import Channel
    from chinwag.domain.happening import Happening
    from chinwag.domain.webhook_call import Source, WebhookCall
    from domain.chat import Chat

URL = "https://example.com/chat"


@dataclass
class Recording:
    """Lets every change be, and remembers what comes of it."""

    announcements: list[Announced] = field(default_factory=list)

    @staticmethod
    def render(
        event: WebhookEvent, happening: Happening, source: Source, client: str | None
    ) -> dict[str, str]:
        reason = {} if happening.reason is None else {"Reason": happening.reason.value}
        return {"EventType": event.value, "Source": source.value, "Client": client or ""} | reason

    async def ask(self, command: Any, _caller: Any, _world: World) -> Any:
        return command

    def announced(self, announced: Announced) -> None:
        self.announcements.append(announced)


@dataclass
class Told:
    """A chat whose changes are told of."""

    chat: Chat
    webhooks: Recording = field(default_factory=Recording)

    @property
    def world(self) -> World:
        chat = self.chat
        return World(chat.store, MemoryBroker(), lambda: chat.now, chat.new_sid, self.webhooks)

    async def do(self, command: Any, who: str | None = None, *, header: bool = True) -> Any:
        """Carry out a command: as somebody with an SDK, or over REST, with the header or without."""
        caller = replace(self.chat.caller(who), tells_webhooks=who is None and header)
        return await commands.run(command, caller, self.world)

    async def calls(self) -> list[WebhookCall]:
        async with self.chat.store.reading() as tx:
            return await tx.webhook_calls.latest(self.chat.service_sid, 100)

    async def events(self) -> list[str]:
        return [call.event for call in await self.calls()]

    @property
    def skipped(self) -> list[tuple[str, NoCall]]:
        return [
            (one.event, one.reason) for announced in self.webhooks.announcements for one in announced.skipped
        ]


@pytest.fixture
async def told(chat: Chat) -> Told:
    """A service that wants to be told of everything."""
    await chat.set_service(post_webhook_url=URL, webhook_filters=POST_EVENTS)
    return Told(chat)


async def a_room(told: Told, *people: str) -> Channel:
    """Make a channel with people in it; nobody is told of that."""
    channel = await told.chat.a_channel()
    for identity in people:
        await told.chat.a_member(channel, identity)
    return channel


def here(told: Told, channel: Channel) -> dict[str, str]:
    return {"service_sid": told.chat.service_sid, "channel": channel.sid}


async def message_in(told: Told, channel: Channel) -> str:
    return (await told.chat.do(CreateMessage(**here(told, channel), body="hello", author="alice"))).sid


CHANGES: dict[str, tuple[Any, list[str]]] = {
    "post": (lambda here, _sid: CreateMessage(**here, body="hi"), ["onMessageSent"]),
    "edit": (lambda here, sid: UpdateMessage(**here, sid=sid, body="hi"), ["onMessageUpdated"]),
    "delete": (lambda here, sid: DeleteMessage(**here, sid=sid), ["onMessageRemoved"]),
    "rename": (lambda here, _sid: UpdateChannel(**here, friendly_name="x"), ["onChannelUpdated"]),
    "destroy": (lambda here, _sid: DeleteChannel(**here), ["onChannelDestroyed"]),
    "add": (lambda here, _sid: CreateMember(**here, identity="bob"), ["onUserAdded", "onMemberAdded"]),
    "invite": (lambda here, _sid: CreateInvite(**here, identity="carol"), []),
    "attributes": (
        lambda here, _sid: UpdateMember(**here, member="alice", attributes='{"a":1}'),
        ["onMemberUpdated"],
    ),
    "read on": (lambda here, _sid: UpdateMember(**here, member="alice", last_consumed_message_index=0), []),
    "leave": (lambda here, _sid: DeleteMember(**here, member="alice"), ["onMemberRemoved"]),
    "make a channel": (
        lambda here, _sid: CreateChannel(service_sid=here["service_sid"]),
        ["onChannelAdded"],
    ),
    "user": (
        lambda here, _sid: UpdateUser(service_sid=here["service_sid"], user="alice", friendly_name="Alice"),
        ["onUserUpdated"],
    ),
}
"""What can be done by an SDK and over REST, and what is told of it."""


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("who", ["alice", None])
async def test_a_change_is_told_of(told: Told, change: str, who: str | None) -> None:
    make, events = CHANGES[change]
    await told.chat.a_user("alice")
    channel = await told.chat.a_channel("alice")
    await told.chat.joined(channel, "alice")
    await told.chat.a_user("carol")
    sid = await message_in(told, channel)

    await told.do(make(here(told, channel), sid), who)

    calls = await told.calls()
    assert [call.event for call in calls] == events
    source = {"Source": "SDK", "Client": "alice"} if who else {"Source": "API", "Client": ""}
    for call in calls:
        assert source.items() <= call.params.items()
        assert (call.via, call.url, call.tries_left) == ("PostWebhookUrl", URL, 1)
        assert call.lane == (call.channel_sid or call.lane)
    assert told.skipped == []


@pytest.mark.parametrize("change", CHANGES)
async def test_over_rest_without_the_header_nothing_is_told_of(told: Told, change: str) -> None:
    make, events = CHANGES[change]
    channel = await a_room(told, "alice")
    await told.chat.a_user("carol")
    sid = await message_in(told, channel)

    await told.do(make(here(told, channel), sid), header=False)

    assert await told.calls() == []
    assert told.skipped == [(event, NoCall.NO_HEADER) for event in events]


async def test_who_comes_and_goes_does_so_for_a_reason(told: Told) -> None:
    await told.chat.a_user("alice")
    channel = await told.chat.a_channel("alice")
    await told.do(CreateMember(**here(told, channel), identity="alice"), "alice")
    await told.do(CreateMember(**here(told, channel), identity="bob"), "alice")
    await told.do(DeleteMember(**here(told, channel), member="bob"), "alice")
    await told.do(DeleteMember(**here(told, channel), member="alice"), "alice")

    reasons = [call.params.get("Reason") for call in await told.calls() if "Member" in call.event]

    assert reasons == ["JOINED", "ADDED", "REMOVED", "LEFT"]


async def test_users_come_by_logging_in_and_over_rest(told: Told) -> None:
    service_sid = told.chat.service_sid
    await told.do(LogIn(service_sid=service_sid, identity="alice"), "alice")
    await told.do(LogIn(service_sid=service_sid, identity="alice"), "alice")
    await told.do(CreateUser(service_sid=service_sid, identity="bob"))

    calls = await told.calls()

    assert [(call.event, call.source, call.client) for call in calls] == [
        ("onUserAdded", "SDK", "alice"),
        ("onUserAdded", "API", None),
    ]
    assert {call.lane for call in calls} == {
        (await told.chat.user(identity)).sid for identity in ("alice", "bob")
    }


async def test_who_is_online_is_told_as_something_that_the_client_did(told: Told) -> None:
    await told.chat.set_service(reachability_enabled=True)
    await told.chat.a_user("alice")
    command = SetOnline(service_sid=told.chat.service_sid, identity="alice", online=True)

    await told.do(command, header=False)
    await told.do(command, header=False)

    (call,) = await told.calls()
    assert (call.event, call.source, call.client) == ("onUserUpdated", "SDK", "alice")


async def test_a_user_who_is_deleted_leaves_every_channel(told: Told) -> None:
    rooms = [await a_room(told, "alice") for _ in range(2)]

    await told.do(DeleteUser(service_sid=told.chat.service_sid, user="alice"))

    calls = await told.calls()
    assert [call.event for call in calls] == ["onMemberRemoved"] * 2
    assert {call.channel_sid for call in calls} == {room.sid for room in rooms}


async def test_who_is_taken_out_of_a_channel_is_removed(told: Told) -> None:
    channel = await a_room(told, "alice")

    await told.do(DeleteUserChannel(**here(told, channel), user="alice"))

    (call,) = await told.calls()
    assert (call.event, call.params["Reason"]) == ("onMemberRemoved", "REMOVED")


async def test_a_channel_that_is_deleted_tells_its_own_webhooks_and_not_of_its_members(told: Told) -> None:
    channel = await a_room(told, "alice", "bob")
    filters = (WebhookEvent.CHANNEL_DESTROYED, WebhookEvent.MEMBER_REMOVED)
    await told.chat.do(
        CreateChannelWebhook(
            **here(told, channel), type=ChannelWebhookType.WEBHOOK, target=f"{URL}/own", filters=filters
        )
    )

    await told.do(DeleteChannel(**here(told, channel)))

    assert [(call.event, call.url) for call in await told.calls()] == [
        ("onChannelDestroyed", URL),
        ("onChannelDestroyed", f"{URL}/own"),
    ]


async def test_an_invite_that_is_withdrawn_is_not_told_of(told: Told) -> None:
    channel = await a_room(told)
    await told.chat.a_user("alice")
    await told.chat.an_invite(channel, "alice")

    await told.do(DeleteUserChannel(**here(told, channel), user="alice"))

    assert await told.calls() == []


# Where it is told


async def test_a_url_of_the_event_is_called_whatever_the_filters_say(told: Told) -> None:
    own = WebhookTargetChange(url="https://example.com/own", method=WebhookMethod.GET)
    await told.chat.set_service(
        webhook_filters=None, post_webhook_retry_count=3, webhooks={WebhookEvent.MESSAGE_SENT: own}
    )
    channel = await a_room(told, "alice")

    await told.do(CreateMessage(**here(told, channel), body="hi"), "alice")

    (call,) = await told.calls()
    assert (call.via, call.url, call.method) == (
        "Webhooks.OnMessageSent.Url",
        "https://example.com/own",
        WebhookMethod.GET,
    )
    assert call.tries_left == 1


async def test_a_target_without_a_url_is_none(told: Told) -> None:
    only_method = WebhookTargetChange(method=WebhookMethod.GET)
    await told.chat.set_service(post_webhook_retry_count=3, webhooks={WebhookEvent.MESSAGE_SENT: only_method})
    channel = await a_room(told, "alice")

    await told.do(CreateMessage(**here(told, channel), body="hi"), "alice")

    (call,) = await told.calls()
    assert (call.via, call.method, call.tries_left) == ("PostWebhookUrl", WebhookMethod.POST, 4)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"post_webhook_url": None}, NoCall.NO_URL),
        ({"webhook_filters": None}, NoCall.NOT_IN_FILTERS),
        ({"webhook_filters": ()}, NoCall.NOT_IN_FILTERS),
        ({"webhook_filters": (WebhookEvent.MEMBER_ADDED,)}, NoCall.NOT_IN_FILTERS),
    ],
)
async def test_what_is_told_nowhere_has_a_reason(
    told: Told, settings: dict[str, Any], reason: NoCall
) -> None:
    await told.chat.set_service(**settings)
    channel = await a_room(told, "alice")

    await told.do(CreateMessage(**here(told, channel), body="hi"), "alice")

    assert await told.calls() == []
    assert told.skipped == [("onMessageSent", reason)]


async def test_what_rest_does_is_not_asked_about_and_that_has_a_reason(told: Told) -> None:
    await told.chat.set_service(
        pre_webhook_url=URL, webhook_filters=(WebhookEvent.CHANNEL_ADD, WebhookEvent.CHANNEL_ADDED)
    )

    await told.do(CreateChannel(service_sid=told.chat.service_sid))

    assert await told.events() == ["onChannelAdded"]
    assert told.skipped == [("onChannelAdd", NoCall.REST_IS_NOT_ASKED)]


async def test_webhooks_of_the_channel_are_told_too(told: Told) -> None:
    channel = await a_room(told, "alice")
    at = here(told, channel)
    for kind, more in (
        (ChannelWebhookType.WEBHOOK, {"filters": (WebhookEvent.MEMBER_ADDED,), "retry_count": 2}),
        (ChannelWebhookType.TRIGGER, {"triggers": ("Straße", "HELP")}),
        (ChannelWebhookType.STUDIO, {"flow_sid": "FW" + "0" * 32}),
    ):
        target = None if kind is ChannelWebhookType.STUDIO else f"{URL}/{kind}"
        await told.chat.do(CreateChannelWebhook(**at, type=kind, target=target, **more))

    await told.do(CreateMember(**at, identity="bob"))
    await told.do(CreateMessage(**at, body="in der STRASSE", author="bob"))
    await told.do(CreateMessage(**at, body="nothing", author="bob"))

    assert [(call.event, call.url, call.tries_left) for call in await told.calls()] == [
        ("onUserAdded", URL, 1),
        ("onMemberAdded", URL, 1),
        ("onMemberAdded", f"{URL}/webhook", 3),
        ("onMessageSent", URL, 1),
        ("onMessageSent", f"{URL}/trigger", 1),
        ("onMessageSent", URL, 1),
    ]
    assert sorted(told.skipped) == sorted(
        [
            ("onMemberAdded", NoCall.STUDIO),
            *[("onMessageSent", NoCall.NOT_IN_CHANNEL_FILTERS), ("onMessageSent", NoCall.STUDIO)] * 2,
            ("onMessageSent", NoCall.NO_TRIGGER),
        ]
    )


async def test_what_is_refused_is_not_told_of(told: Told) -> None:
    channel = await a_room(told, "alice")

    with pytest.raises(ApiError):
        await told.do(CreateMember(**here(told, channel), identity="alice"))

    assert await told.calls() == []
    assert told.webhooks.announcements == []


# What an application wants otherwise


async def test_what_may_be_done_is_judged_by_what_was_proposed(told: Told) -> None:
    """Who may not rename the channel may change its attributes, and the application may rename it."""
    role = await told.chat.a_role(RoleType.CHANNEL, "editChannelAttributes")
    channel = await a_room(told)
    await told.chat.a_member(channel, "alice", role_sid=role.sid)
    amendment = Amendment(friendly_name="Theirs")
    change = UpdateChannel(**here(told, channel), attributes='{"a":1}', amendment=amendment)

    changed = await told.chat.do(change, "alice")

    assert (changed.friendly_name, changed.attributes) == ("Theirs", '{"a":1}')
    with pytest.raises(ApiError) as refused:
        await told.chat.do(UpdateChannel(**here(told, channel), friendly_name="Mine"), "alice")
    assert refused.value.kind is Kinds.UNAUTHORIZED


async def test_a_name_that_is_taken_is_refused_whoever_wants_it(told: Told) -> None:
    await told.chat.a_channel(unique_name="taken")
    channel = await told.chat.a_channel()
    amendment = Amendment(unique_name="taken")

    for command in (
        CreateChannel(service_sid=told.chat.service_sid, amendment=amendment),
        UpdateChannel(**here(told, channel), attributes="{}", amendment=amendment),
    ):
        with pytest.raises(ApiError) as refused:
            await told.chat.do(command)
        assert refused.value.kind is Kinds.CHANNEL_EXISTS


async def test_a_message_and_a_user_are_as_the_application_wants_them(told: Told) -> None:
    channel = await a_room(told, "alice")
    otherwise = Amendment(body="***", attributes='{"by":"bot"}', author="bot")

    message = await told.chat.do(
        CreateMessage(**here(told, channel), body="hi", author="alice", amendment=otherwise), "alice"
    )
    edited = await told.chat.do(
        UpdateMessage(**here(told, channel), sid=message.sid, attributes="{}", amendment=Amendment(body="!"))
    )
    user = await told.chat.do(
        UpdateUser(
            service_sid=told.chat.service_sid,
            user="alice",
            attributes="{}",
            amendment=Amendment(friendly_name="A"),
        )
    )

    assert (message.body, message.attributes, message.author) == ("***", '{"by":"bot"}', "bot")
    assert (edited.body, edited.attributes, edited.was_edited) == ("!", "{}", True)
    assert (user.friendly_name, user.attributes) == ("A", "{}")
    assert user.info_event_id == max(user.friendly_name_event_id, user.attributes_event_id)
    assert user.friendly_name_event_id != user.attributes_event_id


async def test_the_author_and_the_names_may_be_others_too(told: Told) -> None:
    channel = await a_room(told, "alice")
    sid = await message_in(told, channel)
    named = Amendment(friendly_name=None, unique_name="theirs", attributes='{"by":"bot"}')

    edited = await told.chat.do(
        UpdateMessage(**here(told, channel), sid=sid, body="hi", amendment=Amendment(author="bot")), "alice"
    )
    made = await told.chat.do(
        CreateChannel(service_sid=told.chat.service_sid, friendly_name="Mine", amendment=named), "alice"
    )

    assert (edited.author, edited.body, edited.last_updated_by) == ("bot", "hi", "alice")
    assert (made.friendly_name, made.unique_name, made.attributes) == (None, "theirs", '{"by":"bot"}')


async def test_the_words_of_a_file_stay_as_they_are_whoever_wants_others(told: Told) -> None:
    channel = await a_room(told, "alice")
    media = await a_media(told.chat.store, await told.chat.service())
    message = await told.chat.do(CreateMessage(**here(told, channel), media_sid=media.sid))
    change = UpdateMessage(
        **here(told, channel), sid=message.sid, attributes="{}", amendment=Amendment(body="!")
    )

    assert (await told.chat.refusal(change, None)).kind is Kinds.MEDIA_BODY_UPDATE


# Rehearsals


@pytest.mark.parametrize("change", CHANGES)
async def test_a_rehearsal_keeps_nothing_and_knows_what_would_happen(told: Told, change: str) -> None:
    make, events = CHANGES[change]
    await told.chat.a_user("alice")
    channel = await told.chat.a_channel("alice")
    await told.chat.joined(channel, "alice")
    await told.chat.a_user("carol")
    command = make(here(told, channel), await message_in(told, channel))
    before = await everything(told, channel)

    happenings = await commands.rehearse(command, told.chat.caller("alice"), told.world)

    assert [happening.event for happening in happenings] == events
    assert await everything(told, channel) == before
    assert await told.calls() == []


async def test_a_rehearsal_finds_what_would_be_refused(told: Told) -> None:
    channel = await a_room(told)
    await told.chat.a_user("alice")

    with pytest.raises(ApiError) as refused:
        await commands.rehearse(
            CreateMessage(**here(told, channel), body="hi"), told.chat.caller("alice"), told.world
        )

    assert refused.value.kind is Kinds.NOT_A_MEMBER


async def everything(told: Told, channel: Channel) -> Any:
    """What a change could have left."""
    service = await told.chat.service()
    async with told.chat.store.reading() as tx:
        found = await tx.channels.get(service, channel.sid)
        users = [await tx.users.by_identity(service, identity) for identity in ("alice", "bob", "carol")]
        return found, users, await tx.messages.since(service, channel, 0, 10)


async def test_a_changed_webhook_of_a_channel_is_called_as_it_is_now(told: Told) -> None:
    channel = await a_room(told, "alice")
    at = here(told, channel)
    made = await told.chat.do(
        CreateChannelWebhook(
            **at, type=ChannelWebhookType.WEBHOOK, target=URL, filters=(WebhookEvent.MESSAGE_SENT,)
        )
    )
    await told.chat.do(UpdateChannelWebhook(**at, sid=made.sid, target=f"{URL}/new"))
    await told.chat.set_service(post_webhook_url=None)

    await told.do(CreateMessage(**at, body="hi"), "alice")

    (call,) = await told.calls()
    assert (call.via, call.url) == (made.sid, f"{URL}/new")
