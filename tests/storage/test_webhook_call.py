"""How calls of webhooks are kept: those that wait, those that were made, and those that were not."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from chinwag.domain.caller import Caller
from chinwag.domain.paging import Cursor
from chinwag.domain.webhook import NoCall, WebhookEvent, WebhookMethod
from chinwag.domain.webhook_call import Attempt, CallState, Foretold, Source, WebhookCall
from storage.builders import NOW, a_channel_webhook, a_service, an_account, new_draft, sid

if TYPE_CHECKING:
    from chinwag.domain.account import Account
    from chinwag.domain.channel import Channel
    from chinwag.domain.service import Service
    from chinwag.domain.unit import Store, Transaction

ATTEMPT = Attempt(
    date=NOW, ms=7, retry_count=0, url="https://example.com/", signature="abc=", status=503, answer="ä🐙"
)


def new_call(service: Service, number: int = 1, **columns: Any) -> WebhookCall:
    plain = WebhookCall(
        sid=sid("WC", number),
        account_sid=service.account_sid,
        service_sid=service.sid,
        channel_sid=sid("CH", 1),
        event=WebhookEvent.MESSAGE_SENT,
        source=Source.SDK,
        via="PostWebhookUrl",
        url="https://example.com/",
        params={"EventType": "onMessageSent", "Body": "ä"},
        target_id=7,
        lane="lane",
        tries_left=1,
        due=NOW,
        date_created=NOW,
        date_updated=NOW,
    )
    return replace(plain, **columns)


async def a_call(store: Store, service: Service, number: int = 1, **columns: Any) -> WebhookCall:
    call = new_call(service, number, **columns)
    await store.write(lambda tx: tx.webhook_calls.add(service, call))
    async with store.reading() as tx:
        kept = await tx.webhook_calls.get(service, call.sid)
    assert kept is not None
    return kept


async def due(store: Store, target_id: int = 7, now: int = NOW, most: int = 100) -> list[str]:
    async with store.reading() as tx:
        return [call.sid for call in await tx.webhook_calls.due(target_id, now, most)]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("channel_sid", None),
        ("event", WebhookEvent.USER_ADDED),
        ("source", Source.API),
        ("client", "álïçé"),
        ("via", None),
        ("url", None),
        ("method", WebhookMethod.GET),
        ("params", {}),
        ("target_id", -(2**63)),
        ("lane", ""),
        ("state", CallState.SKIPPED),
        ("tries_left", 4),
        ("due", 2**53),
        ("attempts", (ATTEMPT, replace(ATTEMPT, problem="timeout", status=None))),
        ("reason", "because"),
        ("count", 1000),
        ("date_created", -1),
        ("date_updated", 2**53),
    ],
)
async def test_a_call_is_kept_with_every_column(
    store: Store, service: Service, column: str, value: Any
) -> None:
    kept = await a_call(store, service, **{column: value})

    assert value != getattr(new_call(service), column)
    assert kept == new_call(service, id=kept.id, **{column: value})
    async with store.reading() as tx:
        assert await tx.webhook_calls.find(kept.sid) == kept


async def test_calls_of_others_are_not_seen(store: Store, service: Service, neighbour: Service) -> None:
    call = await a_call(store, service)

    async with store.reading() as tx:
        assert await tx.webhook_calls.get(neighbour, call.sid) is None
        assert await tx.webhook_calls.page(neighbour, Cursor(), [], []) == []
        assert await tx.webhook_calls.latest(neighbour.sid, 10) == []
        assert await tx.webhook_calls.changed(neighbour.sid, 0, 10) == []
        assert await tx.webhook_calls.find(sid("WC", 9)) is None


async def test_a_change_that_fails_leaves_no_call(store: Store, service: Service) -> None:
    async def change(tx: Transaction) -> None:
        await tx.webhook_calls.add(service, new_call(service))
        raise ValueError

    with pytest.raises(ValueError, match=r"^$"):
        await store.write(change)

    assert await due(store) == []


async def test_a_page_has_those_that_are_asked_for(store: Store, service: Service) -> None:
    sent = await a_call(store, service, 1)
    added = await a_call(store, service, 2, event=WebhookEvent.USER_ADDED)
    failed = await a_call(store, service, 3, state=CallState.FAILED)

    async with store.reading() as tx:
        page = tx.webhook_calls.page
        assert await page(service, Cursor(), [], []) == [sent, added, failed]
        assert await page(service, Cursor(), [WebhookEvent.USER_ADDED], []) == [added]
        assert await page(service, Cursor(), [], [CallState.FAILED, CallState.SKIPPED]) == [failed]
        assert await page(service, Cursor(), [WebhookEvent.USER_ADDED], [CallState.FAILED]) == []
        assert await page(service, Cursor(after=sent.sid, size=1), [], []) == [added, failed]
        assert await page(service, Cursor(before=failed.sid, size=1), [], []) == [sent, added]


async def test_those_that_are_due_come_oldest_first(store: Store, service: Service) -> None:
    await a_call(store, service, 1, due=NOW - 1)
    await a_call(store, service, 2, due=NOW - 2)
    await a_call(store, service, 3, due=NOW + 1)
    await a_call(store, service, 4, state=CallState.DELIVERED, due=NOW - 3)
    await a_call(store, service, 5, target_id=8)
    await a_call(store, service, 6, due=NOW - 1)

    assert await due(store) == [sid("WC", number) for number in (2, 1, 6)]
    assert await due(store, most=1) == [sid("WC", 2)]
    async with store.reading() as tx:
        assert await tx.webhook_calls.targets() == {7: NOW - 2, 8: NOW}


async def test_what_waits_for_a_service_that_is_gone_is_not_made_and_is_swept(
    store: Store, service: Service
) -> None:
    await a_call(store, service)
    await store.write(lambda tx: tx.services.remove(service))

    assert await due(store) == []
    while (await store.write(lambda tx: tx.remains.clear(100)))[0]:
        pass
    async with store.reading() as tx:
        assert await tx.webhook_calls.targets() == {}


async def test_what_came_of_a_call_is_kept(store: Store, service: Service) -> None:
    call, other = await a_call(store, service, 1), await a_call(store, service, 2)
    tried = replace(
        call.after(ATTEMPT), state=CallState.DELIVERED, due=NOW + 1, reason="well", date_updated=NOW + 5
    )

    await store.write(lambda tx: tx.webhook_calls.save([tried]))

    async with store.reading() as tx:
        assert await tx.webhook_calls.get(service, call.sid) == tried
        assert await tx.webhook_calls.get(service, other.sid) == other


async def test_what_was_not_called_is_noted_and_counted(store: Store, service: Service) -> None:
    skipped = new_call(service, url=None, state=CallState.SKIPPED)
    await store.write(lambda tx: tx.webhook_calls.note([skipped]))

    await store.write(lambda tx: tx.webhook_calls.count([(skipped, 5)], NOW + 7))

    async with store.reading() as tx:
        kept = await tx.webhook_calls.get(service, skipped.sid)
    assert kept is not None
    assert kept == replace(skipped, id=kept.id, count=5, date_updated=NOW + 7)


async def test_nothing_is_noted_of_a_service_that_is_gone_or_of_another_account(
    store: Store, account: Account, service: Service
) -> None:
    other = await an_account(store, 2)
    await store.write(lambda tx: tx.services.remove(service))
    foreign = replace(new_call(await a_service(store, account, 3), 2), account_sid=other.sid)

    await store.write(lambda tx: tx.webhook_calls.note([new_call(service), foreign]))

    async with store.reading() as tx:
        assert await tx.webhook_calls.latest(None, 10) == []


async def test_the_log_has_the_latest_and_goes_on_with_what_has_changed(
    store: Store, service: Service, neighbour: Service
) -> None:
    first = await a_call(store, service, 1, state=CallState.DELIVERED, date_updated=NOW + 3)
    waiting = await a_call(store, service, 2, date_updated=NOW + 9)
    tried = await a_call(store, neighbour, 3, attempts=(ATTEMPT,), date_updated=NOW + 2)
    skipped = await a_call(store, neighbour, 4, state=CallState.SKIPPED, date_updated=NOW + 1)

    async with store.reading() as tx:
        calls = tx.webhook_calls
        assert await calls.latest(None, 10) == [first, waiting, tried, skipped]
        assert await calls.latest(None, 2) == [tried, skipped]
        assert await calls.latest(service.sid, 10) == [first, waiting]
        assert await calls.changed(None, NOW, 10) == [skipped, tried, first]
        assert await calls.changed(None, NOW + 2, 1) == [tried]
        assert await calls.changed(service.sid, NOW, 10) == [first]
        assert await calls.has_service(service.sid)
        assert not await calls.has_service(sid("IS", 99))


async def test_old_calls_are_forgotten_and_those_that_wait_are_not(store: Store, service: Service) -> None:
    for number in range(1, 6):
        await a_call(store, service, number, state=CallState.FAILED, date_updated=NOW + number)
    await a_call(store, service, 6)

    more = [(await store.write(lambda tx: tx.webhook_calls.forget(NOW + 5, 2)))[0] for _ in range(3)]

    assert more == [True, True, False]
    async with store.reading() as tx:
        left = await tx.webhook_calls.latest(None, 10)
    assert [call.sid for call in left] == [sid("WC", 5), sid("WC", 6)]


async def test_one_server_makes_the_calls_until_it_lets_go_or_vanishes(store: Store) -> None:
    async def lead(holder: str, now: int, until: int) -> bool:
        return (await store.write(lambda tx: tx.leases.lead("webhooks", holder, now, until)))[0]

    assert await lead("one", 100, 200)
    assert not await lead("two", 150, 250)
    assert await lead("one", 190, 290)
    assert not await lead("two", 290, 390)
    assert await lead("two", 291, 391)
    assert await lead("two", 300, 299)
    assert await lead("one", 300, 400)


# A message of which it is decided already what webhooks are told


def foretold(service: Service, number: int, **columns: Any) -> Foretold:
    call = new_call(service, number, params={"Body": "hello"}, source=Source.API)
    plain = Foretold(revision=service.revision, message_sid=sid("IM", number), date=NOW, call=call)
    return replace(plain, **columns)


@pytest.fixture
async def service(store: Store, account: Account) -> Service:
    return await a_service(store, account, revision="first")


async def post(store: Store, account: Account, channel: Channel, number: int, told: Foretold) -> Any:
    caller = Caller(account_id=account.id, account_sid=account.sid)
    draft = new_draft(number)
    posted, _ = await store.write(
        lambda tx: tx.messages.post(caller, channel.service_sid, channel.sid, draft, told)
    )
    return posted


async def test_a_message_is_posted_with_the_call_that_tells_of_it(
    store: Store, account: Account, service: Service, channel: Channel
) -> None:
    posted = await asyncio.gather(
        *(post(store, account, channel, number, foretold(service, number)) for number in range(1, 9))
    )

    indices = {number: found.message.index for number, found in enumerate(posted, 1)}
    assert sorted(indices.values()) == list(range(8))
    async with store.reading() as tx:
        calls = await tx.webhook_calls.due(7, NOW, 100)
    assert {call.sid: call.params for call in calls} == {
        sid("WC", number): {"Body": "hello", "Index": str(index)} for number, index in indices.items()
    }
    expected = new_call(service, source=Source.API, channel_sid=channel.sid, lane=channel.sid)
    for call in calls:
        assert replace(call, id=0, sid=expected.sid, params=expected.params) == expected


async def test_where_nobody_is_told_only_the_message_is_posted(
    store: Store, account: Account, service: Service, channel: Channel
) -> None:
    told = foretold(service, 1, call=None, skipped=NoCall.NO_URL)

    assert await post(store, account, channel, 1, told) is not None
    assert await due(store) == []


async def test_nothing_is_done_when_the_service_is_another_than_was_thought(
    store: Store, account: Account, service: Service, channel: Channel
) -> None:
    caller = Caller(account_id=account.id, account_sid=account.sid)
    told = foretold(service, 1, revision="second")

    async def change(tx: Transaction) -> int:
        assert await tx.messages.post(caller, service.sid, channel.sid, new_draft(1), told) is None
        posted = await tx.messages.post(caller, service.sid, channel.sid, new_draft(2))
        assert posted is not None
        return posted.message.index

    assert (await store.write(change))[0] == 0
    assert await due(store) == []


async def test_nothing_is_done_when_others_are_to_be_told_too(
    store: Store, account: Account, service: Service, channel: Channel
) -> None:
    await a_channel_webhook(store, channel)

    assert await post(store, account, channel, 1, foretold(service, 1)) is None
    assert await due(store) == []


async def test_nothing_is_done_where_there_is_no_channel(
    store: Store, account: Account, service: Service, channel: Channel
) -> None:
    nowhere = replace(channel, sid=sid("CH", 99))

    assert await post(store, account, nowhere, 1, foretold(service, 1)) is None
    assert await due(store) == []
