"""What one client can make a server keep, and what it cannot."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from chinwag.realtime import following
from chinwag.realtime.dialects import session_list

if TYPE_CHECKING:
    from realtime.house import Guest, House

PURPOSE = "com.twilio.rtd.ipmsg"


async def a_list(guest: Guest, **context: Any) -> str:
    made = await guest.ask("POST", "/v3/Lists", {"purpose": PURPOSE, "context": context})
    assert made.status == 201
    return made.json["sid"]


async def answered(guest: Guest, sid: str, **request: Any) -> Any:
    """Send a command of a session, and return its answer."""
    await guest.follow("list", sid)
    guest.told()
    taken = await guest.ask(
        "POST", f"/v3/Lists/{sid}/Items", {"data": {"commandId": "1", "request": request}}
    )
    assert taken.status == 201
    (update,) = guest.told()
    return update["event"]["item_data"]["response"]


async def test_the_lists_of_a_user_push_out_nobody_elses(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_list, "SESSIONS_OF_USER", 2)
    alice, bob = await house.guest("alice"), await house.guest("bob")
    hers = [await a_list(bob)]

    his = [await a_list(alice)]
    his.append(await a_list(alice))
    assert (await alice.get(f"/v3/Lists/{his[0]}/Context")).status == 200  # used last
    his.append(await a_list(alice))

    context = [(await alice.get(f"/v3/Lists/{sid}/Context")).status for sid in his]
    assert context == [200, 404, 200]
    assert (await bob.get(f"/v3/Lists/{hers[0]}/Context")).status == 200


async def test_a_context_is_small(house: House) -> None:
    alice = await house.guest()

    made = await alice.ask(
        "POST", "/v3/Lists", {"purpose": PURPOSE, "context": {"x": "x" * session_list.CONTEXT_BYTES}}
    )

    assert made.status == 400


async def test_answers_are_remembered_up_to_a_size(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_list, "ANSWERS_BYTES", 1000)
    alice = await house.guest()
    sid = await a_list(alice)
    for _ in range(5):
        await answered(alice, sid, action="none", padding="x" * 400)

    await alice.follow("list", sid)

    assert [event["event"].get("item_index") for event in alice.told()] == [None, 4, None]


@pytest.mark.parametrize("nowhere", ["\0", "a\0b"])
async def test_a_name_that_is_no_text_is_refused(house: House, nowhere: str) -> None:
    alice = await house.guest()
    sid = await a_list(alice)

    for request in (
        {"action": "joinChannel", "channelSid": nowhere},
        {"action": "deleteMessage", "channelSid": nowhere, "messageIdx": 0},
        {"action": "editUserAttributes", "username": nowhere, "attributes": "{}"},
    ):
        assert (await answered(alice, sid, **request))["status"] == 400


async def test_a_thousand_objects_at_once_let_others_have_their_turn(house: House) -> None:
    alice = await house.guest()
    sids = [f"ES{16**20 + number:032x}" for number in range(1000)]
    wanted = [{"object_sid": sid, "object_type": "list", "last_event_id": 0} for sid in sids]
    turns = 0

    async def take_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    others = asyncio.create_task(take_turns())
    body = {"action": "establish", "correlation_id": 1, "requests": wanted}
    assert (await alice.ask("POST", "/v4/Subscriptions", body)).status == 200
    others.cancel()

    assert [event["event_type"] for event in alice.told()] == ["subscription_failed"] * 1000
    assert turns >= 1000 // following.LOOKS
