"""What webhooks are told of messages over REST, decided ahead: what is remembered, and when it is not."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from chinwag import commands
from chinwag.broker.memory import MemoryBroker
from chinwag.commands import World
from chinwag.delivery import foretelling
from chinwag.delivery.foretelling import Foreteller
from chinwag.delivery.parameters import render
from chinwag.domain.channel_webhook import ChannelWebhookType, CreateChannelWebhook
from chinwag.domain.posting import CreateMessage
from chinwag.domain.service import DeleteService, UpdateService
from chinwag.domain.webhook import NoCall, WebhookEvent, WebhookMethod
from chinwag.errors import ApiError, Kinds
from delivery.post_office import now
from domain.chat import Chat, a_chat

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from chinwag.domain.announcing import Announced, Skipped
    from chinwag.domain.channel import Channel
    from chinwag.domain.unit import Reader, Store
    from chinwag.domain.webhook_call import Foretold, WebhookCall

URL = "https://example.com/chat"
OTHER = "https://example.com/other"


@dataclass
class Counted:
    """A store that counts how often it is asked."""

    store: Store
    reads: int = 0

    def __post_init__(self) -> None:
        self.write = self.store.write

    def reading(self) -> AbstractAsyncContextManager[Reader]:
        self.reads += 1
        return self.store.reading()


@dataclass
class Telling:
    """A chat whose messages over REST are foretold."""

    chat: Chat
    store: Counted
    broker: MemoryBroker
    foreteller: Foreteller = field(default_factory=Foreteller)
    foretold: list[Foretold | None] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)

    render = staticmethod(render)

    async def ask(self, command: Any, caller: Any, world: World) -> Any:
        if not isinstance(command, CreateMessage):
            return command
        command = await self.foreteller.foretell(command, caller, world)
        self.foretold.append(command.foretold)
        return command

    def announced(self, announced: Announced) -> None:
        self.skipped += announced.skipped

    async def do(self, command: Any) -> Any:
        world = World(self.store, self.broker, now, self.chat.new_sid, self)
        caller = replace(self.chat.account, tells_webhooks=True)
        return await commands.run(command, caller, world)

    async def post(self, channel: str, **columns: Any) -> Any:
        command = CreateMessage(
            service_sid=self.chat.service_sid, channel=channel, body="hello", author="bob"
        )
        return await self.do(replace(command, **columns))

    async def calls(self) -> list[WebhookCall]:
        async with self.chat.store.reading() as tx:
            return await tx.webhook_calls.latest(self.chat.service_sid, 100)

    async def urls(self) -> list[str | None]:
        return [call.url for call in await self.calls()]


@pytest.fixture(autouse=True)
def long_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foretelling, "REMEMBERED_SECONDS", 3600.0)


@pytest.fixture
async def telling(store: Store) -> Telling:
    chat = await a_chat(store)
    await chat.set_service(post_webhook_url=URL, webhook_filters=(WebhookEvent.MESSAGE_SENT,))
    found = Telling(chat, Counted(store), MemoryBroker())
    found.broker.listen(found.foreteller.listen)
    return found


@pytest.fixture
async def channel(telling: Telling) -> Channel:
    return await telling.chat.a_channel(unique_name="lobby")


async def a_webhook(telling: Telling, channel: Channel) -> None:
    await telling.chat.do(
        CreateChannelWebhook(
            service_sid=telling.chat.service_sid,
            channel=channel.sid,
            type=ChannelWebhookType.WEBHOOK,
            target=OTHER,
            filters=(WebhookEvent.MESSAGE_SENT,),
        )
    )


async def test_what_is_told_is_the_same_as_without_it(telling: Telling, channel: Channel) -> None:
    await telling.chat.set_service(webhook_method=WebhookMethod.GET, post_webhook_retry_count=2)
    columns: dict[str, Any] = {"attributes": '{"a":1}', "date_created": 1_500_000_000_123}
    first = await telling.post(channel.sid, **columns)
    second = await telling.post("lobby", **columns)

    ahead, after = await telling.calls()

    assert [one is None for one in telling.foretold] == [False, True]
    told = {"MessageSid": first.sid, "Index": "0"}
    assert ahead.params == after.params | told
    assert (after.params["MessageSid"], after.params["Index"]) == (second.sid, "1")
    same: dict[str, Any] = {"id": 0, "sid": "", "params": {}, "due": 0, "date_created": 0, "date_updated": 0}
    assert replace(ahead, **same) == replace(after, **same)


async def test_a_service_is_looked_up_once(telling: Telling, channel: Channel) -> None:
    for _ in range(3):
        await telling.post(channel.sid)

    assert telling.store.reads == 1
    assert await telling.urls() == [URL] * 3


async def test_a_service_is_looked_up_again_after_a_while(
    telling: Telling, channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(foretelling, "REMEMBERED_SECONDS", 0.0)
    for _ in range(3):
        await telling.post(channel.sid)

    assert telling.store.reads == 3


async def test_no_more_services_are_remembered_than_there_is_room_for(
    telling: Telling, channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(foretelling, "MEMORY", 1)
    other = await a_chat(telling.chat.store, telling.chat.numbers)
    room = await other.a_channel()
    elsewhere = Telling(other, telling.store, telling.broker, telling.foreteller)

    for _ in range(2):
        await telling.post(channel.sid)
        await elsewhere.post(room.sid)

    assert telling.store.reads == 4
    assert await telling.urls() == [URL] * 2


async def test_a_service_that_has_changed_is_looked_up_again(telling: Telling, channel: Channel) -> None:
    await telling.post(channel.sid)
    await telling.do(UpdateService(sid=telling.chat.service_sid, post_webhook_url=OTHER))
    await telling.post(channel.sid)

    first, second = telling.foretold
    assert first is not None
    assert second is not None
    assert first.revision != second.revision
    assert await telling.urls() == [URL, OTHER]


async def test_a_change_of_which_nobody_told_is_noticed(telling: Telling, channel: Channel) -> None:
    """It was made by another process. What was foretold does not hold, and everything is looked up."""
    await telling.post(channel.sid)
    await telling.chat.set_service(post_webhook_url=OTHER)
    message = await telling.post(channel.sid)

    first, second = telling.foretold
    assert first is not None
    assert second is not None
    assert first.revision == second.revision
    assert message.index == 1
    assert await telling.urls() == [URL, OTHER]


async def test_any_change_of_a_service_is_one(telling: Telling, channel: Channel) -> None:
    await telling.post(channel.sid)
    for _ in range(2):
        await telling.chat.set_service(webhook_filters=None)
        await telling.post(channel.sid)

    assert await telling.urls() == [URL]
    assert [one.reason for one in telling.skipped] == [NoCall.NOT_IN_FILTERS] * 2


async def test_a_service_that_is_gone_takes_no_message(telling: Telling, channel: Channel) -> None:
    await telling.post(channel.sid)
    await telling.chat.do(DeleteService(sid=telling.chat.service_sid))

    with pytest.raises(ApiError) as refused:
        await telling.post(channel.sid)

    assert refused.value.kind is Kinds.SERVICE_NOT_FOUND


async def test_a_channel_that_is_not_there_takes_no_message(telling: Telling) -> None:
    with pytest.raises(ApiError) as refused:
        await telling.post("CH" + "f" * 32)

    assert refused.value.kind is Kinds.CHANNEL_NOT_FOUND
    assert await telling.calls() == []


async def test_webhooks_of_the_channel_are_told_too(telling: Telling, channel: Channel) -> None:
    await telling.post(channel.sid)
    await a_webhook(telling, channel)
    await telling.post(channel.sid)

    assert await telling.urls() == [URL, URL, OTHER]


async def test_where_nobody_is_told_webhooks_of_the_channel_are(telling: Telling, channel: Channel) -> None:
    await telling.chat.set_service(post_webhook_url=None)
    await telling.post(channel.sid)
    await a_webhook(telling, channel)
    await telling.post(channel.sid)

    assert await telling.urls() == [OTHER]
    assert [one.reason for one in telling.skipped] == [NoCall.NO_URL] * 2


async def test_that_nobody_was_asked_has_a_reason(telling: Telling, channel: Channel) -> None:
    await telling.chat.set_service(
        pre_webhook_url=URL, webhook_filters=(WebhookEvent.MESSAGE_SEND, WebhookEvent.MESSAGE_SENT)
    )
    await telling.post(channel.sid)
    await telling.post("lobby")

    assert [one is None for one in telling.foretold] == [False, True]
    assert [(one.event, one.reason) for one in telling.skipped] == [
        (WebhookEvent.MESSAGE_SEND, NoCall.REST_IS_NOT_ASKED)
    ] * 2


@pytest.mark.parametrize(
    "columns", [{"channel": "lobby"}, {"body": None}, {"media_sid": "ME" + "0" * 32}, {"service_sid": "IS0"}]
)
async def test_what_cannot_be_foretold_is_left_as_it_is(
    telling: Telling, channel: Channel, columns: dict[str, Any]
) -> None:
    plain = CreateMessage(service_sid=telling.chat.service_sid, channel=channel.sid, body="hello")
    command = replace(plain, **columns)
    world = World(telling.store, telling.broker, now, telling.chat.new_sid)

    assert await telling.foreteller.foretell(command, telling.chat.account, world) is command
