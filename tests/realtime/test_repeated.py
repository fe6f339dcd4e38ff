"""A request of a client SDK that comes twice with its mutation id: carried out once, and answered alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from realtime.place import request, status

if TYPE_CHECKING:
    from realtime.place import Place
    from support.sdk_client import Connection
    from support.twilsock import Packet

pytestmark = pytest.mark.check(13)


async def post(connection: Connection, path: str, body: dict[str, Any], mutation: str | None) -> Packet:
    headers = {} if mutation is None else {"X-Twilio-Mutation-Id": mutation}
    return await connection.ask(request("POST", path, headers=headers), msgspec.json.encode(body))


async def a_channel(place: Place, *identities: str) -> str:
    channel = await place.api.a_channel(place.service)
    for identity in identities:
        await place.api.a_member(channel, identity)
    return channel["sid"]


async def said(place: Place, channel: str) -> list[str]:
    listed = await place.api.get(f"{place.path}/Channels/{channel}/Messages")
    return [message["body"] for message in listed.json["messages"]]


@pytest.mark.parametrize("what", ["channel", "member", "invite", "message"])
async def test_what_is_made_twice_with_one_mutation_is_made_once(place: Place, what: str) -> None:
    await place.api.a_user(
        place.service, "alice", RoleSid=await place.role("deployment", "createChannel", "joinChannel")
    )
    await place.api.a_user(place.service, "bob")
    channel = await a_channel(place, *([] if what == "member" else ["alice"]))
    path, body = {
        "channel": ("/Client/v1/Conversations", {"unique_name": "den", "type": "public"}),
        "member": (f"/Client/v1/Conversations/{channel}/Participants", {"identity": "alice"}),
        "invite": (f"/Client/v1/Conversations/{channel}/Invites", {"identity": "bob"}),
        "message": (f"/Client/v1/Conversations/{channel}/Messages", {"body": "hello"}),
    }[what]
    if what == "invite":
        role = await place.role("channel", "inviteMember")
        await place.api.post(f"{place.path}/Channels/{channel}/Members/alice", RoleSid=role)
    alice = await place.logged_in("alice")

    first = await post(alice, path, body, "one")
    again = await post(alice, path, body, "one")

    assert (status(first), status(again)) == (201, 201), first
    assert again.payload == first.payload
    if what == "message":
        assert await said(place, channel) == ["hello"]


async def test_without_a_mutation_or_with_another_it_is_made_again(place: Place) -> None:
    channel = await a_channel(place, "alice")
    alice = await place.logged_in("alice")

    for mutation in (None, None, "one", "two", "x" * 1000, "x" * 1000):
        reply = await post(alice, f"/Client/v1/Conversations/{channel}/Messages", {"body": "hello"}, mutation)
        assert status(reply) == 201

    assert len(await said(place, channel)) == 6


async def test_a_mutation_of_another_request_is_refused(place: Place) -> None:
    channel = await a_channel(place, "alice")
    alice = await place.logged_in("alice")
    path = f"/Client/v1/Conversations/{channel}/Messages"
    await post(alice, path, {"body": "first"}, "one")

    refused = await post(alice, path, {"body": "second"}, "one")

    assert (status(refused), refused.payload["code"]) == (422, 20422)
    assert await said(place, channel) == ["first"]


async def test_another_user_has_mutations_of_his_own(place: Place) -> None:
    channel = await a_channel(place, "alice", "bob")
    path = f"/Client/v1/Conversations/{channel}/Messages"

    for identity in ("alice", "bob"):
        reply = await post(await place.logged_in(identity), path, {"body": "hello"}, "one")
        assert (status(reply), reply.payload["author"]) == (201, identity)

    assert len(await said(place, channel)) == 2


async def test_a_mutation_outlives_its_connection(place: Place) -> None:
    channel = await a_channel(place, "alice")
    path = f"/Client/v1/Conversations/{channel}/Messages"

    first = await post(await place.logged_in("alice"), path, {"body": "hello"}, "one")
    again = await post(await place.logged_in("alice"), path, {"body": "hello"}, "one")

    assert again.payload == first.payload
    assert await said(place, channel) == ["hello"]
