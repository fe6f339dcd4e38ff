"""Who may not, gets nothing and changes nothing: every request of a socket, for all who must not make it.

A route that is not in `DECISIONS` fails these tests: whoever adds one decides here what strangers get of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from chinwag.realtime import names
from chinwag.realtime.router import ROUTES
from realtime.place import closed, request
from support.sdk_client import DisconnectedError, LoginRefusedError

if TYPE_CHECKING:
    from realtime.place import Place
    from support.sdk_client import Answer, SdkClient

pytestmark = pytest.mark.check(16)

SECRET = "swordfish"
"""Is in everything that strangers must not see."""

OPEN = 0
"""Everybody may ask this, and is told nothing of the channel."""


class Row(NamedTuple):
    """What becomes of a request about somebody's private channel.

    Args:
        body: JSON.
        non_member: how a user of the same service who is not in the channel is answered.
        powerless: how a member is answered whose roles permit nothing.
        params: of the query.
        neighbour: how a user of another service is answered; None as one who is not a member.
    """

    body: Any
    non_member: int
    powerless: int
    params: dict[str, str] = {}  # noqa: RUF012  # nobody changes it
    neighbour: int | None = None


_C = "/Conversations/{channel}"

CHAT = {
    "GET /Configuration": Row(None, OPEN, OPEN),
    "POST /Conversations": Row({"type": "private"}, 403, 403, neighbour=403),
    "GET /Conversations": Row(None, OPEN, OPEN),
    f"GET {_C}": Row(None, 404, OPEN),
    f"POST {_C}": Row({"friendly_name": "x", "attributes": "{}", "unique_name": "x"}, 404, 403),
    f"DELETE {_C}": Row(None, 404, 403),
    f"POST {_C}/Participants": Row({"identity": "{identity}"}, 404, 403),
    f"POST {_C}/Participants/{{member…}}": Row({"attributes": '{"a":1}'}, 404, 403),
    f"DELETE {_C}/Participants/{{member…}}": Row(None, 404, 403),
    f"POST {_C}/Invites": Row({"identity": "{identity}"}, 404, 403),
    f"DELETE {_C}/Invites/{{identity…}}": Row(None, 404, 403),
    f"POST {_C}/Messages": Row({"body": "x"}, 404, 403),
    f"POST {_C}/Messages/{{message}}": Row({"body": "x"}, 404, 403),
    f"DELETE {_C}/Messages/{{message}}": Row(None, 404, 403),
    f"GET {_C}/Messages/{{message}}/Receipts": Row(None, OPEN, OPEN),
    "GET /MyConversations": Row(None, OPEN, OPEN),
    "GET /MyConversations/{channel}": Row(None, 404, OPEN),
    "POST /MyConversations/{channel}": Row({"notification_level": "muted"}, 404, 403),
    "GET /Users": Row(None, 404, OPEN, params={"ConversationSid": "{channel}"}),
    "GET /Users/{user…}": Row(None, OPEN, OPEN, neighbour=404),
    "POST /Users/{user…}": Row({"friendly_name": "x", "attributes": "{}"}, 403, 403, neighbour=404),
    "POST /Typing": Row({"ChannelSid": "{channel}"}, 404, OPEN),
    "GET /PublicChannels": Row(None, OPEN, OPEN),
    "GET /PublicChannels/{channel}": Row(None, 404, OPEN),
    "GET /MyChannels": Row(None, 404, OPEN, params={"ChannelSid": "{channel}"}),
}

OTHERS = {
    "POST /v3/Lists": Row({"context": {}}, OPEN, OPEN),
    "GET /v3/Lists/{list}/Context": Row(None, 404, 404),
    "POST /v3/Lists/{list}/Items": Row({"data": {"request": {"action": "destroyChannel"}}}, 404, 404),
    "GET /v3/{kind}/{name}": Row(None, 404, OPEN),
    "GET /v3/{kind}/{name}/Items": Row(None, 404, OPEN),
    "GET /v3/{kind}/{name}/Items/{key}": Row(None, 404, OPEN),
    "POST /v4/Subscriptions": Row(
        {"action": "establish", "requests": [{"object_sid": "{sid}", "object_type": "list"}]}, OPEN, OPEN
    ),
    "POST /v1/typing": Row({"ChannelSid": "{channel}"}, 404, OPEN),
    "POST /v1/registrations": Row({}, OPEN, OPEN),
    "DELETE /v1/registrations": Row({}, OPEN, OPEN),
    "DELETE /v1/registrations/{registration}": Row({}, OPEN, OPEN),
}

DECISIONS = OTHERS | {
    f"{method} /Client/{version}{path}": row
    for version in ("v1", "v2")
    for (method, _, path), row in ((name.partition(" "), row) for name, row in CHAT.items())
}


@dataclass
class Scene:
    """A private channel with everything in it, that its strangers know all names of."""

    place: Place
    names: dict[str, str]

    async def ask(self, client: SdkClient, name: str) -> Answer:
        method, _, path = name.partition(" ")
        row = DECISIONS[name]
        body, params = _filled(row.body, self.names), _filled(row.params, self.names)
        return await client.request(method, _path(path, self.names), body, params=params)

    async def state(self) -> list[Any]:
        """Everything that could be changed."""
        api, path = self.place.api, self.place.path
        channel = f"{path}/Channels/{self.names['channel']}"
        lists = [f"{channel}/{what}" for what in ("Messages", "Members", "Invites")]
        users = (await api.get(f"{path}/Users")).json["users"]
        lists += [f"{path}/Users/{user['sid']}/Channels" for user in users]
        answers = [await api.get(address) for address in (channel, f"{path}/Channels", *lists)]
        return [answer.json for answer in answers] + sorted(
            ([user["identity"], user["friendly_name"], user["attributes"]] for user in users), key=str
        )


def _path(template: str, known: dict[str, str]) -> str:
    return template.replace("…", "").format(**known)


def _filled(value: Any, known: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: _filled(one, known) for name, one in value.items()}
    if isinstance(value, list):
        return [_filled(one, known) for one in value]
    return value.format(**known) if isinstance(value, str) and value not in {"{}", '{"a":1}'} else value


@pytest.fixture
async def scene(place: Place) -> Scene:
    api = place.api
    nobody = await place.role("deployment", "joinChannel")
    await api.post(place.path, DefaultServiceRoleSid=nobody)
    channel = await api.a_channel(
        place.service, Type="private", UniqueName=SECRET, FriendlyName=SECRET, Attributes=f'"{SECRET}"'
    )
    user = await api.a_user(place.service, "owner")
    member = await api.a_member(channel, "owner", Attributes=f'"{SECRET}"')
    message = await api.a_message(channel, SECRET, From="owner")
    await api.a_user(place.service, "invited")
    await api.an_invite(channel, "invited")
    owner = await place.client("owner")
    session = await owner.request("POST", "/v3/Lists", {"context": {"secret": SECRET}})
    return Scene(
        place,
        {
            "channel": channel["sid"],
            "member": member["sid"],
            "message": message["sid"],
            "identity": "invited",
            "user": user["identity"],
            "list": session.json["sid"],
            "kind": "Lists",
            "name": names.messages(channel["sid"]),
            "key": "0",
            "sid": names.messages_sid(channel["sid"]),
            "registration": "BS" + "1" * 32,
        },
    )


def test_every_route_is_decided() -> None:
    assert set(DECISIONS) == {f"{route.method} {route.path}" for route in ROUTES}


async def see_that_nothing_comes_of_it(scene: Scene, client: SdkClient, who: str) -> None:
    """Ask for everything, and see that each is refused as decided."""
    before = await scene.state()
    wrong: dict[str, object] = {}

    for name, row in DECISIONS.items():
        decided = row.neighbour if who == "neighbour" and row.neighbour is not None else row.non_member
        if who == "powerless":
            decided = row.powerless
        answer = await scene.ask(client, name)
        allowed = {200, 201, 204} if decided == OPEN else {decided}
        if answer.status not in allowed:
            wrong[name] = (answer.status, decided)
        if who != "powerless" and SECRET in str(answer.json):
            wrong[name] = answer.json

    assert wrong == {}
    assert await scene.state() == before
    assert SECRET not in str(client.notes) or who == "powerless"


async def test_who_is_not_in_a_private_channel_gets_nothing(scene: Scene) -> None:
    client = await scene.place.client("nobody")

    await see_that_nothing_comes_of_it(scene, client, "non-member")


async def test_who_is_in_another_service_gets_nothing(scene: Scene) -> None:
    place = scene.place
    mine, place.service = place.service, await place.api.a_service("Another")
    nobody = await place.role("deployment", "joinChannel")
    await place.api.post(place.path, DefaultServiceRoleSid=nobody)
    client = await place.client("neighbour")
    place.service = mine

    await see_that_nothing_comes_of_it(scene, client, "neighbour")


async def test_a_member_without_permissions_changes_nothing(scene: Scene) -> None:
    place = scene.place
    role = await place.role("channel", "sendMediaMessage")
    channel = {"sid": scene.names["channel"], "service_sid": place.service["sid"]}
    await place.api.a_member(channel, "powerless", RoleSid=role)
    client = await place.client("powerless")

    await see_that_nothing_comes_of_it(scene, client, "powerless")


async def test_whoever_follows_without_leave_is_told_nothing(scene: Scene) -> None:
    client = await scene.place.client("nobody")
    channel = scene.names["channel"]
    wanted = [
        {"object_sid": sid, "object_type": kind, "last_event_id": 0}
        for sid, kind in (
            (names.channel_sid(channel), "document"),
            (names.messages_sid(channel), "list"),
            (names.roster_sid(channel), "map"),
        )
    ]
    body = {"action": "establish", "correlation_id": 1, "requests": wanted}
    told: list[Any] = []
    client.connection._told = told.append  # type: ignore[union-attr]  # noqa: SLF001  # what comes, as it comes

    assert (await client.request("POST", "/v4/Subscriptions", body)).status == 200
    await scene.place.api.a_message({"sid": channel, "service_sid": scene.place.service["sid"]}, SECRET)
    for _ in range(20):  # what is told comes when it comes, and nothing of it more often
        await client.request("GET", "/Client/v1/Configuration")

    assert [packet.payload["event_type"] for packet in told] == ["subscription_failed"] * 3
    assert SECRET not in str(told)


async def _user_deleted(scene: Scene) -> None:
    await scene.place.api.delete(f"{scene.place.path}/Users/owner")


async def _service_deleted(scene: Scene) -> None:
    await scene.place.api.delete(f"/v1/Services/{scene.place.service['sid']}")


@pytest.mark.parametrize("end", [_user_deleted, _service_deleted])
async def test_a_session_that_is_over_gets_nothing(scene: Scene, end: Any) -> None:
    connection = await scene.place.logged_in("owner")

    await end(scene)

    await closed(connection)
    for name in DECISIONS:
        method, _, path = name.partition(" ")
        with pytest.raises(DisconnectedError):
            await connection.ask(request(method, _path(path, scene.names)))


@pytest.mark.check(20)
async def test_who_has_not_logged_in_gets_nothing(place: Place) -> None:
    for name in DECISIONS:
        method, _, path = name.partition(" ")
        connection = await place.connection()

        with pytest.raises(DisconnectedError):
            await connection.ask(request(method, path))

        assert connection.close_code == 1002


@pytest.mark.check(17)
async def test_an_expired_token_lets_nobody_in(place: Place) -> None:
    with pytest.raises(LoginRefusedError) as refusal:
        await place.client("alice", ttl=-1)

    assert (refusal.value.status["code"], refusal.value.status["errorCode"]) == (401, 20104)
