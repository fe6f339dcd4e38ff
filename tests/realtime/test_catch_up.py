"""Whoever followed every event, whoever was away, and whoever comes fresh: all see the same.

For every kind of change, over REST and over a socket, and for random histories of them.
"""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import pytest

from support.keys import a_key
from support.sdk_chat import Chat
from support.sdk_client import SdkClient, access_token

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from chinwag.settings import Settings
    from support.api import Api
    from support.keys import Key

SECONDS = 10.0
HISTORIES = 3
STEPS = 12
MOST_AT_ONCE = 5
WATCHERS = "alice", "bob"


class Change(NamedTuple):
    """A change that somebody makes.

    Args:
        path: of REST, below the service; or of a socket.
        body: a form, or JSON for a socket; `{n}` in it is another number each time.
        aim: where this differs from the usual.
    """

    name: str
    method: str
    path: str
    body: Any = None
    aim: dict[str, str] = {}  # noqa: RUF012  # nobody changes it

    @property
    def over_socket(self) -> bool:
        return self.path.startswith("/Client")


_C = "/Client/v1/Conversations"
_MINE = "/Client/v1/MyConversations"
_ELSEWHERE = {"channel": "elsewhere"}
_INVITED = {"channel": "private", "who": "bob"}

CHANGES = [
    # Over REST.
    Change("a channel is made", "POST", "/Channels", {"UniqueName": "u{n}", "CreatedBy": "alice"}),
    Change("a private channel is made", "POST", "/Channels", {"Type": "private", "CreatedBy": "alice"}),
    Change(
        "a channel is renamed", "POST", "/Channels/{channel}", {"FriendlyName": "f{n}", "UniqueName": "v{n}"}
    ),
    Change("a channel gets attributes", "POST", "/Channels/{channel}", {"Attributes": '{{"n":{n}}}'}),
    Change("a channel is deleted", "DELETE", "/Channels/{channel}"),
    Change("a private channel is deleted", "DELETE", "/Channels/{channel}", aim={"channel": "private"}),
    Change("a message is posted", "POST", "/Channels/{channel}/Messages", {"Body": "b{n}", "From": "alice"}),
    Change("a message is edited", "POST", "/Channels/{channel}/Messages/{message}", {"Body": "e{n}"}),
    Change(
        "a message gets attributes", "POST", "/Channels/{channel}/Messages/{message}", {"Attributes": "{n}"}
    ),
    Change("a message is removed", "DELETE", "/Channels/{channel}/Messages/{message}"),
    Change("the last message is removed", "DELETE", "/Channels/{channel}/Messages/{last_message}"),
    Change(
        "a member is added", "POST", "/Channels/{channel}/Members", {"Identity": "{identity}"}, _ELSEWHERE
    ),
    Change(
        "an invitee is added",
        "POST",
        "/Channels/{channel}/Members",
        {"Identity": "bob"},
        {"channel": "private"},
    ),
    Change("a member gets attributes", "POST", "/Channels/{channel}/Members/{member}", {"Attributes": "{n}"}),
    Change(
        "a member has read", "POST", "/Channels/{channel}/Members/{member}", {"LastConsumedMessageIndex": "1"}
    ),
    Change(
        "a member gets a role", "POST", "/Channels/{channel}/Members/{member}", {"RoleSid": "{channel_admin}"}
    ),
    Change("a member is removed", "DELETE", "/Channels/{channel}/Members/{member}"),
    Change(
        "a stranger is invited", "POST", "/Channels/{channel}/Invites", {"Identity": "{identity}"}, _ELSEWHERE
    ),
    Change(
        "an invite is withdrawn", "DELETE", "/Channels/{channel}/Invites/{invite}", aim={"channel": "private"}
    ),
    Change("a user is renamed", "POST", "/Users/{user}", {"FriendlyName": "f{n}"}),
    Change("a user gets attributes", "POST", "/Users/{user}", {"Attributes": '{{"n":{n}}}'}),
    Change("a user gets a role", "POST", "/Users/{user}", {"RoleSid": "{service_admin}"}),
    Change("a user is deleted", "DELETE", "/Users/{user}", aim={"identity": "carol"}),
    Change(
        "a user mutes a channel", "POST", "/Users/{user}/Channels/{channel}", {"NotificationLevel": "muted"}
    ),
    Change("a user has read", "POST", "/Users/{user}/Channels/{channel}", {"LastConsumedMessageIndex": "0"}),
    Change("a user is taken out of a channel", "DELETE", "/Users/{user}/Channels/{channel}"),
    # Over a socket.
    Change("somebody makes a channel", "POST", _C, {"type": "public", "friendly_name": "f{n}"}),
    Change("somebody makes a private channel", "POST", _C, {"type": "private", "unique_name": "w{n}"}),
    Change("somebody renames a channel", "POST", _C + "/{channel}", {"friendly_name": "g{n}"}),
    Change("somebody deletes a channel", "DELETE", _C + "/{channel}"),
    Change("somebody joins", "POST", _C + "/{channel}/Participants", {"identity": "{who}"}, _ELSEWHERE),
    Change("somebody accepts", "POST", _C + "/{channel}/Participants", {"identity": "{who}"}, _INVITED),
    Change("somebody adds another", "POST", _C + "/{channel}/Participants", {"identity": "carol"}),
    Change("somebody leaves", "DELETE", _C + "/{channel}/Participants/{who}"),
    Change("somebody removes another", "DELETE", _C + "/{channel}/Participants/{member}"),
    Change(
        "somebody changes another", "POST", _C + "/{channel}/Participants/{member}", {"attributes": '"{n}"'}
    ),
    Change("somebody invites another", "POST", _C + "/{channel}/Invites", {"identity": "carol"}),
    Change("somebody declines", "DELETE", _C + "/{channel}/Invites/{who}", aim=_INVITED),
    Change("somebody writes", "POST", _C + "/{channel}/Messages", {"body": "b{n}", "attributes": "{{}}"}),
    Change("somebody edits", "POST", _C + "/{channel}/Messages/{message}", {"body": "e{n}"}),
    Change(
        "somebody adds to a message", "POST", _C + "/{channel}/Messages/{message}", {"attributes": "[{n}]"}
    ),
    Change("somebody takes a message away", "DELETE", _C + "/{channel}/Messages/{message}"),
    Change("somebody has read", "POST", _MINE + "/{channel}", {"last_consumed_message_index": 1}),
    Change("somebody has read nothing", "POST", _MINE + "/{channel}", {"last_consumed_message_index": None}),
    Change("somebody mutes a channel", "POST", _MINE + "/{channel}", {"notification_level": "muted"}),
    Change("somebody renames himself", "POST", "/Client/v1/Users/{who}", {"friendly_name": "h{n}"}),
    Change("somebody describes himself", "POST", "/Client/v1/Users/{who}", {"attributes": '{{"n":{n}}}'}),
]


@dataclass
class Scene:
    """A service in which there is something of everything, and those who watch it."""

    api: Api
    base: str
    key: Key
    service: dict[str, Any]
    path: str = ""
    names: dict[str, str] = field(default_factory=dict)
    following: list[tuple[str, Chat]] = field(default_factory=list)
    away: list[tuple[str, Chat]] = field(default_factory=list)
    number: int = 0

    async def prepare(self) -> None:
        self.path = f"/v2/Services/{self.service['sid']}"
        for role in (await self.api.get(f"{self.path}/Roles")).json["roles"]:
            self.names[role["friendly_name"].replace(" ", "_")] = role["sid"]
        for identity in ("alice", "bob", "carol"):
            user = await self.api.a_user(self.service, identity)
            self.names[identity] = user["sid"]
        await self.api.post(f"{self.path}/Users/{self.names['alice']}", RoleSid=self.names["service_admin"])
        room, private, elsewhere = [
            await self.api.a_channel(self.service, FriendlyName=name, Type=kind)
            for name, kind in (("room", "public"), ("private", "private"), ("elsewhere", "public"))
        ]
        for identity in WATCHERS:
            await self.api.a_member(room, identity)
        for author in ("alice", "bob", "somebody"):
            await self.api.a_message(room, From=author)
        await self.api.a_member(private, "alice")
        await self.api.a_message(private, From="alice")
        await self.api.an_invite(private, "bob")
        await self.api.a_member(elsewhere, "carol")
        await self.api.a_message(elsewhere, From="carol")
        self.names |= {"room": room["sid"], "private": private["sid"], "elsewhere": elsewhere["sid"]}

        self.following = [(identity, await self._chat(identity)) for identity in WATCHERS]
        self.away = [(identity, await self._chat(identity)) for identity in WATCHERS]

    async def leave(self) -> None:
        """Those who will be away go."""
        for _, chat in self.away:
            chat.client.cut()

    async def make(self, change: Change, aim: dict[str, str]) -> int:
        """Make a change and return how it was answered."""
        self.number += 1
        known = {**self.names, **aim, "n": str(self.number)}
        path = change.path.format(**known)
        body = _filled(change.body, known)
        if change.over_socket:
            client = next(chat.client for identity, chat in self.following if identity == aim["who"])
            return (await client.request(change.method, path, body)).status
        if change.method == "DELETE":
            return (await self.api.delete(self.path + path)).status
        return (await self.api.post(self.path + path, **body)).status

    async def aim(self, channel: str, identity: str = "bob", who: str = "alice") -> dict[str, str]:
        """Return what a change may be about, in this channel."""
        about = {"channel": channel, "identity": identity, "who": who, "user": self.names[identity]}
        messages = (await self.api.get(f"{self.path}/Channels/{channel}/Messages")).json.get("messages", [])
        members = (await self.api.get(f"{self.path}/Channels/{channel}/Members")).json.get("members", [])
        invites = (await self.api.get(f"{self.path}/Channels/{channel}/Invites")).json.get("invites", [])
        nothing = "0" * 32
        about["message"] = messages[0]["sid"] if messages else f"IM{nothing}"
        about["last_message"] = messages[-1]["sid"] if messages else f"IM{nothing}"
        about["invite"] = invites[0]["sid"] if invites else f"IN{nothing}"
        found = [member["sid"] for member in members if member["identity"] == identity]
        about["member"] = found[0] if found else f"MB{nothing}"
        return about

    async def channels(self) -> list[str]:
        answer = await self.api.get(f"{self.path}/Channels", PageSize=100)
        return [channel["sid"] for channel in answer.json["channels"]]

    async def all_see_the_same(self) -> None:
        """Those who were away come back; then they and those who followed see what somebody fresh sees."""
        for _, chat in self.away:
            await chat.client.connect()
        for identity in WATCHERS:
            fresh = await self._chat(identity)
            expected = fresh.state()
            await fresh.client.close()
            for how, chats in (("followed", self.following), ("was away", self.away)):
                await _comes_to(expected, dict(chats)[identity], f"{identity}, who {how},")

    async def close(self) -> None:
        for _, chat in self.following + self.away:
            await chat.client.close()

    async def _chat(self, identity: str) -> Chat:
        token = access_token(
            identity,
            account_sid=self.api.account_sid,
            key_sid=self.key.sid,
            secret=self.key.secret,
            service_sid=self.service["sid"],
        )
        chat = Chat(SdkClient(self.base, token, batching=0.0))
        await chat.start()
        for other in ("alice", "bob", "carol"):
            await chat.watch_user(other)
        await chat.quiet()
        return chat


def _filled(body: Any, known: dict[str, str]) -> Any:
    if isinstance(body, dict):
        return {name: _filled(value, known) for name, value in body.items()}
    return body.format(**known) if isinstance(body, str) else body


async def _comes_to(expected: dict[str, Any], chat: Chat, who: str) -> None:
    """Wait until somebody sees this, and fail with the difference if he never does."""
    deadline = time.monotonic() + SECONDS
    await chat.quiet()
    while chat.state() != expected and time.monotonic() < deadline:
        await asyncio.sleep(0.002)
        await chat.quiet()
    assert _flat(chat.state()) == _flat(expected), f"{who} does not see what somebody fresh sees"
    for thing in chat.objects:
        counts = thing.doubled, thing.disordered, thing.unasked
        assert counts == (0, 0, 0), (
            f"{who} was told of {thing.name} {counts} times too often, too late, unasked"
        )


def _flat(state: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(state), indent=1).decode()


@pytest.fixture
async def scene(api: Api, server: tuple[str, Settings]) -> AsyncIterator[Scene]:
    base, settings = server
    key = await a_key(settings, api.account_sid)
    scene = Scene(api, base, key, await api.a_service(ReachabilityEnabled="true"))
    await scene.prepare()
    yield scene
    await scene.close()


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.name)
async def test_a_change_is_seen_alike_by_all(scene: Scene, change: Change) -> None:
    channel = scene.names[change.aim.get("channel", "room")]
    aim = await scene.aim(channel, change.aim.get("identity", "bob"), change.aim.get("who", "alice"))
    await scene.leave()

    status = await scene.make(change, aim)

    assert status in {200, 201, 204}
    await scene.all_see_the_same()


@pytest.mark.parametrize("seed", range(HISTORIES))
async def test_a_history_is_seen_alike_by_all(scene: Scene, seed: int) -> None:
    dice = random.Random(seed)
    for _ in range(STEPS):
        await scene.leave()
        for _ in range(dice.randint(1, MOST_AT_ONCE)):
            change = dice.choice(CHANGES)
            channel = dice.choice(await scene.channels() or [scene.names["room"]])
            aim = await scene.aim(channel, dice.choice(["alice", "bob", "carol"]), dice.choice(WATCHERS))
            if change.name in {"a user is deleted", "a user gets a role"}:
                aim["user"] = scene.names["carol"]  # the others are needed
            status = await scene.make(change, aim)
            assert status < 500
        await scene.all_see_the_same()
