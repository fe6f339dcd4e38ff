"""What was taken away is gone: a place in a channel, a key, a user, a service."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from chinwag import commands
from chinwag.app import opened
from chinwag.domain.account import RevokeKey
from chinwag.domain.caller import Operator
from chinwag.realtime import names
from realtime.place import closed, request, status
from support.keys import a_key

if TYPE_CHECKING:
    from realtime.place import Place
    from support.sdk_client import Connection
    from support.twilsock import Packet

SECONDS = 10
REVOKED_WITHIN = 2.0
"""The promise of docs/access-tokens.md, in seconds."""

POSTERS = 8
BEFORE = 40


@dataclass
class Listener:
    """A client that follows everything of a channel, and keeps what it is told."""

    connection: Connection
    channel: str
    told: list[Any] = field(default_factory=list)

    async def follow(self) -> None:
        wanted = [
            {"object_sid": sid, "object_type": kind, "last_event_id": None}
            for sid, kind in (
                (names.messages_sid(self.channel), "list"),
                (names.channel_sid(self.channel), "document"),
                (names.roster_sid(self.channel), "map"),
            )
        ]
        body = {"action": "establish", "correlation_id": len(self.told), "requests": wanted}
        reply = await self.connection.ask(request("POST", "/v4/Subscriptions"), msgspec.json.encode(body))
        assert status(reply) == 200

    @property
    def events(self) -> list[Any]:
        """What happened in the channel, as far as it was told."""
        return [said for said in self.told if not said["event_type"].startswith("subscription_")]

    @property
    def bodies(self) -> set[str]:
        """Of the messages that it was told of."""
        items = (said["event"].get("item_data", {}) for said in self.told)
        return {item["text"] for item in items if "text" in item}

    async def until(self, so: Any) -> None:
        deadline = time.monotonic() + SECONDS
        while not so(self) and time.monotonic() < deadline:  # noqa: ASYNC110  # what comes, comes
            await asyncio.sleep(0.002)
        assert so(self), self.told


async def a_listener(place: Place, identity: str, channel: str) -> Listener:
    connection = await place.logged_in(identity)
    listener = Listener(connection, channel)

    def take(packet: Packet) -> None:
        if packet.header.get("message_type") == "twilio.sync.event":
            listener.told.append(packet.payload)

    connection._told = take  # noqa: SLF001  # from the login on
    await listener.follow()
    await listener.until(lambda it: len(it.told) == 3)
    return listener


@pytest.fixture
async def den(place: Place) -> dict[str, Any]:
    """A private channel with two members."""
    channel = await place.api.a_channel(place.service, Type="private")
    for identity in ("alice", "bob"):
        await place.api.a_member(channel, identity)
    return channel


def _of_channel(place: Place, channel: dict[str, Any], rest: str) -> str:
    return f"{place.path}/Channels/{channel['sid']}{rest}"


async def _removed(place: Place, den: dict[str, Any]) -> None:
    assert (await place.api.delete(_of_channel(place, den, "/Members/bob"))).status == 204


async def _left(place: Place, den: dict[str, Any]) -> None:
    connection = await place.logged_in("bob")
    path = f"/Client/v1/Conversations/{den['sid']}/Participants/bob"
    assert status(await connection.ask(request("DELETE", path), b"null")) == 204


async def _taken_out(place: Place, den: dict[str, Any]) -> None:
    path = f"{place.path}/Users/bob/Channels/{den['sid']}"
    assert (await place.api.delete(path)).status == 204


@pytest.mark.check(16)
@pytest.mark.parametrize("end", [_removed, _left, _taken_out])
async def test_whoever_is_no_longer_in_a_private_channel_is_told_nothing_more(
    place: Place, den: dict[str, Any], end: Any
) -> None:
    alice, bob = [await a_listener(place, identity, den["sid"]) for identity in ("alice", "bob")]

    await end(place, den)
    await bob.connection.ask(request("GET", "/Client/v1/Configuration"))
    known = len(bob.told)
    await place.api.a_message(den, "secret")
    await place.api.post(_of_channel(place, den, ""), FriendlyName="secret")
    await alice.until(lambda it: "secret" in str(it.told[-1]) and "document" in it.told[-1]["event_type"])
    await bob.connection.ask(request("GET", "/Client/v1/Configuration"))

    assert bob.told[known:] == []
    assert "secret" not in str(bob.told)
    assert "secret" in alice.bodies


async def test_whose_invite_is_withdrawn_is_told_nothing_more(place: Place, den: dict[str, Any]) -> None:
    await place.api.a_user(place.service, "carol")
    invite = await place.api.an_invite(den, "carol")
    alice, carol = [await a_listener(place, identity, den["sid"]) for identity in ("alice", "carol")]

    await place.api.delete(_of_channel(place, den, f"/Invites/{invite['sid']}"))
    await place.api.a_message(den, "secret")
    await alice.until(lambda it: "secret" in it.bodies)
    await carol.connection.ask(request("GET", "/Client/v1/Configuration"))

    assert carol.events == []


async def test_nothing_is_told_after_a_removal_however_much_goes_on(
    place: Place, den: dict[str, Any]
) -> None:
    alice, bob = [await a_listener(place, identity, den["sid"]) for identity in ("alice", "bob")]
    removed = asyncio.Event()
    stop = asyncio.Event()
    after: set[str] = set()

    async def post(poster: int) -> None:
        number = 0
        while not stop.is_set():
            body, number = f"{poster}.{number}", number + 1
            if removed.is_set():
                after.add(body)
            await place.api.a_message(den, body)

    async def insist() -> None:
        while not stop.is_set():
            await bob.follow()
            await asyncio.sleep(0.02)  # so that something is told in between

    work = [asyncio.create_task(post(poster)) for poster in range(POSTERS)] + [asyncio.create_task(insist())]
    await alice.until(lambda it: len(it.events) > BEFORE)
    await _removed(place, den)
    removed.set()
    await alice.until(lambda it: len(after & it.bodies) > BEFORE)
    stop.set()
    await asyncio.gather(*work)
    await bob.connection.ask(request("GET", "/Client/v1/Configuration"))

    assert bob.bodies
    assert bob.bodies & after == set()
    assert bob.told[-1]["event_type"] == "subscription_failed"
    assert bob.told[-1]["event"]["error"]["status"] == 403


async def revoke(place: Place, key_sid: str) -> None:
    """Take a key away, as the command line does beside a server."""
    async with opened(place.settings) as parts:
        await commands.run(RevokeKey(sid=key_sid), Operator(), parts.world)


@pytest.mark.check(17)
async def test_a_revoked_key_ends_the_sessions_that_rest_on_it(place: Place) -> None:
    other = await a_key(place.settings, place.api.account_sid)
    ended = [await place.logged_in(identity) for identity in ("alice", "bob")]
    stays = await place.logged_in("alice", key=other)
    token = place.token("alice")

    await revoke(place, place.key.sid)

    for connection in ended:
        await closed(connection, REVOKED_WITHIN)
    connection = await place.connection()
    refusal = await connection.ask({"method": "init", "token": token})
    assert refusal.header["status"]["errorCode"] == 20101
    assert status(await stays.ask(request("GET", "/Client/v1/Configuration"))) == 200


@pytest.mark.check(17)
async def test_a_session_rests_on_the_key_of_its_last_token(place: Place) -> None:
    other = await a_key(place.settings, place.api.account_sid)
    first, second = await place.logged_in("alice"), await place.logged_in("alice", key=other)
    for connection, key in ((first, other), (second, place.key)):
        reply = await connection.ask({"method": "update", "token": place.token("alice", key=key)})
        assert reply.header["status"]["code"] == 200

    await revoke(place, place.key.sid)

    await closed(second, REVOKED_WITHIN)
    assert status(await first.ask(request("GET", "/Client/v1/Configuration"))) == 200


@pytest.mark.check(17)
async def test_a_revoked_key_is_no_good_for_another_token(place: Place) -> None:
    other = await a_key(place.settings, place.api.account_sid)
    connection = await place.logged_in("alice", key=other)
    token = place.token("alice")
    known = await place.logged_in("bob")
    await revoke(place, place.key.sid)
    await closed(known, REVOKED_WITHIN)

    reply = await connection.ask({"method": "update", "token": token})

    assert (reply.header["status"]["code"], reply.header["status"]["errorCode"]) == (401, 20101)


@pytest.mark.check(16)
async def test_a_deleted_user_is_shown_out(place: Place) -> None:
    connections = [await place.logged_in("alice") for _ in range(2)]
    bob = await place.logged_in("bob")

    await place.api.delete(f"{place.path}/Users/alice")

    for connection in connections:
        await closed(connection)
    assert status(await bob.ask(request("GET", "/Client/v1/Configuration"))) == 200


@pytest.mark.check(16)
async def test_everybody_in_a_deleted_service_is_shown_out(place: Place) -> None:
    connection = await place.logged_in("alice")
    mine, place.service = place.service, await place.api.a_service("Another")
    elsewhere = await place.logged_in("alice")

    await place.api.delete(f"/v1/Services/{mine['sid']}")

    await closed(connection)
    assert status(await elsewhere.ask(request("GET", "/Client/v1/Configuration"))) == 200


@pytest.mark.parametrize("identity", ["bob", "ALICE"])
async def test_a_connection_stays_with_its_user(place: Place, identity: str) -> None:
    connection = await place.logged_in("alice")

    reply = await connection.ask({"method": "update", "token": place.token(identity)})

    assert (reply.header["status"]["code"], reply.header["status"]["errorCode"]) == (403, 20107)
    configuration = await connection.ask(request("GET", "/Client/v1/Configuration"))
    assert configuration.payload["identity"] == "alice"
