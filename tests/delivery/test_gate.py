"""The gate: who is asked before something happens, when, and what comes of the answer. On both engines."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from aiohttp import web

from chinwag import commands, limits
from chinwag.broker.memory import MemoryBroker
from chinwag.delivery import attempt
from chinwag.delivery import journal as journals
from chinwag.delivery.webhooks import webhooks
from chinwag.domain.channel import CreateChannel, UpdateChannel
from chinwag.domain.joining import CreateInvite, CreateMember
from chinwag.domain.leaving import DeleteChannel, DeleteMember
from chinwag.domain.login import LogIn
from chinwag.domain.membership import UpdateMember, UpdateUserChannel
from chinwag.domain.message import DeleteMessage, MessageOrder, UpdateMessage
from chinwag.domain.paging import Cursor
from chinwag.domain.posting import CreateMessage
from chinwag.domain.user import UpdateUser
from chinwag.domain.user_channel import NotificationLevel
from chinwag.domain.webhook import POST_EVENTS, NoCall, WebhookEvent, WebhookTargetChange
from chinwag.domain.webhook_call import CallState
from chinwag.errors import ApiError, Kinds
from delivery.post_office import AUTH_TOKEN, a_guard, now
from domain.chat import Chat, a_chat
from storage.builders import a_media

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from chinwag.commands import World
    from chinwag.domain.channel import Channel
    from chinwag.domain.unit import Store
    from chinwag.domain.webhook_call import WebhookCall
    from delivery.application import Application, Told

NOWHERE = "http://127.0.0.1:1/"
"""Where nobody listens."""


@dataclass
class Asking:
    """A chat whose application is asked, and a room that alice has made."""

    chat: Chat
    world: World
    room: Channel
    message_sid: str

    @property
    def here(self) -> dict[str, str]:
        return {"service_sid": self.chat.service_sid, "channel": self.room.sid}

    async def do(self, command: Any, who: str | None = "alice", *, header: bool = False) -> Any:
        caller = msgspec.structs.replace(self.chat.caller(who), tells_webhooks=header)
        return await commands.run(command, caller, self.world)

    async def refusal(self, command: Any, who: str | None = "alice") -> ApiError:
        with pytest.raises(ApiError) as refused:
            await self.do(command, who)
        return refused.value

    async def say(self, body: str = "hi") -> Any:
        return await self.do(CreateMessage(**self.here, body=body))

    async def ask(self, *events: WebhookEvent, **settings: Any) -> None:
        """Have the application asked about these events, and about no other."""
        await self.chat.set_service(webhook_filters=events, **settings)

    async def messages(self) -> list[tuple[str, str | None]]:
        """Who has said what, besides the message that is there from the beginning."""
        service = await self.chat.service()
        async with self.chat.store.reading() as tx:
            page = await tx.messages.page(service, self.room, Cursor(), MessageOrder.ASC)
        return [(message.author, message.body) for message in (page or [])[1:]]

    async def log(self) -> list[WebhookCall]:
        """What was asked, or not, and what came of it."""
        async with self.chat.store.reading() as tx:
            calls = await tx.webhook_calls.latest(self.chat.service_sid, 100)
        return [call for call in calls if call.event not in POST_EVENTS]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journals, "PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(limits, "WEBHOOK_BACK_OFF_SECONDS", 0.01)


@pytest.fixture
async def chat(store: Store) -> Chat:
    return await a_chat(store)


@asynccontextmanager
async def an_asking(chat: Chat, url: str | None, *, fails_open: bool = True) -> AsyncIterator[Asking]:
    """Let alice and bob in, and have the application asked at a URL; then write everything down."""
    await chat.a_user("alice")
    await chat.a_user("bob")
    room = await chat.a_channel("alice")
    await chat.joined(room, "alice")
    here = {"service_sid": chat.service_sid, "channel": room.sid}
    message = await chat.do(CreateMessage(**here, body="hello"), "alice")
    await chat.set_service(pre_webhook_url=url, webhook_filters=tuple(WebhookEvent))
    plain = commands.World(chat.store, MemoryBroker(), now, chat.new_sid)
    async with webhooks(
        plain,
        a_guard(),
        lambda _sealed: AUTH_TOKEN,
        holder="one",
        fails_open=fails_open,
        keep_ms=60_000,
        patience_ms=60_000,
    ) as found:
        yield Asking(chat, replace(plain, webhooks=found), room, message.sid)


def saying(*answers: tuple[int, str]) -> Callable[[Told], Awaitable[web.StreamResponse]]:
    """Answer with one status and body after the other, and then with the last one."""
    left = list(answers)

    async def answer(_told: Told) -> web.StreamResponse:
        status, text = left.pop(0) if len(left) > 1 else left[0]
        return web.Response(status=status, text=text)

    return answer


# Who is asked, and about what

CHANGES: dict[str, Any] = {
    "onMessageSend": lambda here, _sid: CreateMessage(**here, body="hi"),
    "onMediaMessageSend": lambda here, _sid: CreateMessage(**here, media_sid="ME" + f"{1:032x}"),
    "onMessageUpdate": lambda here, sid: UpdateMessage(**here, sid=sid, body="hi"),
    "onMessageRemove": lambda here, sid: DeleteMessage(**here, sid=sid),
    "onChannelAdd": lambda here, _sid: CreateChannel(service_sid=here["service_sid"]),
    "onChannelUpdate": lambda here, _sid: UpdateChannel(**here, friendly_name="x"),
    "onChannelDestroy": lambda here, _sid: DeleteChannel(**here),
    "onMemberAdd": lambda here, _sid: CreateMember(**here, identity="carol"),
    "onMemberUpdate": lambda here, _sid: UpdateMember(**here, member="alice", attributes='{"a":1}'),
    "onMemberRemove": lambda here, _sid: DeleteMember(**here, member="alice"),
    "onUserUpdate": lambda here, _sid: UpdateUser(
        service_sid=here["service_sid"], user="alice", friendly_name="Alice"
    ),
}


@pytest.mark.parametrize("event", CHANGES)
async def test_who_uses_an_sdk_is_asked_about_and_the_change_is_made(
    chat: Chat, application: Application, event: str
) -> None:
    await a_media(chat.store, await chat.service(), author="alice")
    async with an_asking(chat, application.url) as asking:
        await asking.do(CHANGES[event](asking.here, asking.message_sid))

    (told,) = application.told
    assert (told.event, told.params["ClientIdentity"], told.params["Source"]) == (event, "alice", "SDK")
    (call,) = await asking.log()
    assert (call.event, call.state, call.reason) == (event, CallState.DELIVERED, "unchanged")


@pytest.mark.parametrize("event", CHANGES)
@pytest.mark.parametrize("header", [True, False])
async def test_what_rest_does_is_not_asked_about(
    chat: Chat, application: Application, event: str, *, header: bool
) -> None:
    await a_media(chat.store, await chat.service(), author="alice")
    async with an_asking(chat, application.url) as asking:
        await asking.do(CHANGES[event](asking.here, asking.message_sid), None, header=header)

    assert application.told == []


async def test_other_changes_are_not_asked_about(chat: Chat, application: Application) -> None:
    async with an_asking(chat, application.url) as asking:
        mine = {"service_sid": chat.service_sid, "user": "alice", "channel": asking.room.sid}
        await asking.do(CreateInvite(**asking.here, identity="bob"))
        await asking.do(LogIn(service_sid=chat.service_sid, identity="carol"), "carol")
        await asking.do(UpdateMember(**asking.here, member="alice", last_consumed_message_index=0))
        await asking.do(UpdateUserChannel(**mine, notification_level=NotificationLevel.MUTED))

    assert application.told == []
    assert await asking.log() == []


async def test_an_event_that_is_not_in_the_filters_is_not_asked_about_and_the_log_says_why(
    chat: Chat, application: Application
) -> None:
    async with an_asking(chat, application.url) as asking:
        await asking.ask(WebhookEvent.MESSAGE_UPDATE)
        await asking.say()

    assert application.told == []
    (skipped,) = await asking.log()
    assert (skipped.state, skipped.reason) == (CallState.SKIPPED, NoCall.NOT_IN_FILTERS)
    assert skipped.channel_sid == asking.room.sid


async def test_a_service_that_asks_nobody_leaves_no_line_about_it(chat: Chat) -> None:
    async with an_asking(chat, None) as asking:
        await asking.say()

    assert await asking.log() == []


async def test_a_url_of_the_event_is_asked_whatever_the_filters_say(
    chat: Chat, application: Application
) -> None:
    async with an_asking(chat, NOWHERE) as asking:
        own = WebhookTargetChange(url=application.url)
        await asking.ask(webhooks={WebhookEvent.MESSAGE_SEND: own})
        await asking.say()

    assert [told.event for told in application.told] == ["onMessageSend"]


async def test_a_channel_that_is_not_there_yet_has_no_sid(chat: Chat, application: Application) -> None:
    async with an_asking(chat, application.url) as asking:
        await asking.do(CHANGES["onChannelAdd"](asking.here, ""))

    assert "ChannelSid" not in application.told[0].params
    assert [call.channel_sid for call in await asking.log()] == [None]


# What is refused anyway


@pytest.mark.parametrize(
    ("refused", "who", "code"),
    [
        (lambda here, _sid: CreateMessage(**here, body="hi"), "bob", Kinds.NOT_A_MEMBER.code),
        (lambda here, _sid: CreateMessage(**here), "alice", Kinds.MESSAGE_BODY_NOT_PROVIDED.code),
        (lambda here, sid: UpdateMessage(**here, sid=sid, body="x"), "bob", Kinds.UNAUTHORIZED.code),
        (lambda here, _sid: DeleteMessage(**here, sid="IM0"), "alice", Kinds.MESSAGE_NOT_FOUND.code),
        (lambda here, _sid: DeleteChannel(**here), "bob", Kinds.UNAUTHORIZED.code),
        (lambda here, _sid: CreateMember(**here, identity="alice"), "alice", Kinds.MEMBER_EXISTS.code),
    ],
)
async def test_what_is_refused_anyway_is_not_asked_about(
    chat: Chat, application: Application, refused: Any, who: str, code: int
) -> None:
    async with an_asking(chat, application.url) as asking:
        refusal = await asking.refusal(refused(asking.here, asking.message_sid), who)

    assert refusal.kind.code == code
    assert application.told == []


async def test_a_name_that_is_taken_is_not_asked_about(chat: Chat, application: Application) -> None:
    await chat.a_channel(unique_name="lobby")
    async with an_asking(chat, application.url) as asking:
        command = CreateChannel(service_sid=chat.service_sid, unique_name="lobby")
        refusal = await asking.refusal(command)

    assert refusal.kind is Kinds.CHANNEL_EXISTS
    assert application.told == []


async def test_an_unknown_service_is_not_asked_about(chat: Chat, application: Application) -> None:
    async with an_asking(chat, application.url) as asking:
        refusal = await asking.refusal(CreateChannel(service_sid="IS" + "f" * 32))

    assert refusal.kind is Kinds.SERVICE_NOT_FOUND
    assert application.told == []


# While it is asked


async def test_nothing_is_held_while_an_application_is_asked(chat: Chat, application: Application) -> None:
    """It posts to the very channel, and reads it, before it answers."""
    async with an_asking(chat, application.url) as asking:
        seen: list[list[tuple[str, str | None]]] = []

        async def answer(_told: Told) -> web.StreamResponse:
            await asking.do(CreateMessage(**asking.here, body="first"), None)
            seen.append(await asking.messages())
            return web.Response()

        application.answer = answer
        await asking.say("second")

    assert seen == [[("system", "first")]]
    assert await asking.messages() == [("system", "first"), ("alice", "second")]


async def test_what_has_become_wrong_meanwhile_is_refused(chat: Chat, application: Application) -> None:
    async with an_asking(chat, application.url) as asking:

        async def answer(_told: Told) -> web.StreamResponse:
            await asking.do(DeleteChannel(**asking.here), None)
            return web.Response()

        application.answer = answer
        refusal = await asking.refusal(CreateMessage(**asking.here, body="hi"))

    assert refusal.kind is Kinds.CHANNEL_NOT_FOUND


# What comes of the answer


async def test_what_the_application_wants_otherwise_is_otherwise(
    chat: Chat, application: Application
) -> None:
    application.answer = saying((200, '{"body":"***","from":"bot"}'))
    async with an_asking(chat, application.url) as asking:
        await asking.say("bad word")

    assert application.told[0].params["Body"] == "bad word"
    assert await asking.messages() == [("bot", "***")]


@pytest.mark.parametrize("status", [201, 302, 400, 500])
async def test_another_status_refuses_and_nothing_is_kept(
    chat: Chat, application: Application, status: int
) -> None:
    application.answer = saying((status, ""))
    async with an_asking(chat, application.url) as asking:
        await asking.chat.set_service(pre_webhook_retry_count=3)
        refusal = await asking.refusal(CreateMessage(**asking.here, body="hi"))

    assert refusal.kind is Kinds.WEBHOOK_REFUSED
    assert await asking.messages() == []
    assert len(application.told) == 1
    (call,) = await asking.log()
    assert call.state is CallState.REFUSED


async def test_a_value_that_may_not_be_refuses_and_the_log_says_so(
    chat: Chat, application: Application
) -> None:
    application.answer = saying((200, '{"attributes":"{"}'))
    async with an_asking(chat, application.url) as asking:
        refusal = await asking.refusal(CreateMessage(**asking.here, body="hi"))

    assert refusal.kind is Kinds.ATTRIBUTES_NOT_JSON
    (call,) = await asking.log()
    assert call.state is CallState.REFUSED
    assert (call.reason or "").startswith("refused: ")


@pytest.mark.check(14)
async def test_who_is_busy_is_asked_again(chat: Chat, application: Application) -> None:
    application.answer = saying((503, ""), (429, ""), (200, '{"body":"at last"}'))
    async with an_asking(chat, application.url) as asking:
        await asking.chat.set_service(pre_webhook_retry_count=2)
        await asking.say()

    assert [told.params["RetryCount"] for told in application.told] == ["0", "1", "2"]
    assert len({told.headers["i-twilio-idempotency-token"] for told in application.told}) == 1
    assert await asking.messages() == [("alice", "at last")]
    (call,) = await asking.log()
    assert [tried.status for tried in call.attempts] == [503, 429, 200]


@pytest.mark.check(14)
async def test_who_stays_busy_refuses(chat: Chat, application: Application) -> None:
    application.answer = saying((503, ""))
    async with an_asking(chat, application.url) as asking:
        await asking.chat.set_service(pre_webhook_retry_count=1)
        refusal = await asking.refusal(CreateMessage(**asking.here, body="hi"))

    assert refusal.kind is Kinds.WEBHOOK_REFUSED
    assert len(application.told) == 2


# When nobody answers


async def silent(_told: Told) -> web.StreamResponse:
    await asyncio.Event().wait()
    raise AssertionError("nobody sets it")


@pytest.mark.check(14)
async def test_where_nobody_is_the_change_is_made(chat: Chat) -> None:
    async with an_asking(chat, NOWHERE) as asking:
        await asking.chat.set_service(pre_webhook_retry_count=2)
        await asking.say()

    assert await asking.messages() == [("alice", "hi")]
    (call,) = await asking.log()
    assert (call.state, len(call.attempts)) == (CallState.FAILED, 3)
    assert (call.reason or "").startswith("unchanged: ")


@pytest.mark.check(14)
async def test_who_does_not_answer_in_time_changes_nothing(
    chat: Chat, application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempt, "WEBHOOK_SECONDS", 0.05)
    application.answer = silent
    async with an_asking(chat, application.url) as asking:
        await asking.say()

    assert await asking.messages() == [("alice", "hi")]


@pytest.mark.check(14)
@pytest.mark.parametrize(("url", "kind"), [(NOWHERE, Kinds.WEBHOOK_FAILED), (None, Kinds.WEBHOOK_TIMEOUT)])
async def test_a_careful_server_refuses_what_nobody_answers_for(
    chat: Chat, application: Application, monkeypatch: pytest.MonkeyPatch, url: str | None, kind: Any
) -> None:
    monkeypatch.setattr(attempt, "WEBHOOK_SECONDS", 0.05)
    application.answer = silent
    async with an_asking(chat, url or application.url, fails_open=False) as asking:
        refusal = await asking.refusal(CreateMessage(**asking.here, body="hi"))

    assert refusal.kind is kind
    assert await asking.messages() == []
    (call,) = await asking.log()
    assert call.state is CallState.FAILED
    assert (call.reason or "").startswith("refused: ")


async def test_a_target_that_must_not_be_called_is_as_one_that_does_not_answer(chat: Chat) -> None:
    async with an_asking(chat, "http://10.0.0.1/") as asking:
        await asking.say()

    assert await asking.messages() == [("alice", "hi")]
    (call,) = await asking.log()
    assert (call.state, len(call.attempts)) == (CallState.FAILED, 1)
