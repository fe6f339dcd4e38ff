"""Commands as items of a list, as SDKs 3 and 4 send them. Source: sdk-wire."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from chinwag.domain.channel import ChannelType
from chinwag.errors import Kinds
from chinwag.realtime import names
from chinwag.realtime.dialects import session_list
from realtime.house import another_service

if TYPE_CHECKING:
    from realtime.house import Answer, Guest, House

CONTEXT = {"type": "IpMsgSession", "apiVersion": "3", "endpointPlatform": "js|3.4.0|Node"}


@dataclass
class Session:
    """An SDK with a list of its own."""

    guest: Guest
    sid: str
    made: dict[str, Any]

    @property
    def path(self) -> str:
        return f"/v3/Lists/{self.sid}"

    async def send(self, action: object, **parameters: Any) -> Answer:
        item = {"commandId": "c1", "request": {"action": action, **parameters}}
        return await self.guest.ask("POST", f"{self.path}/Items", {"data": item})

    async def response(self, action: object, **parameters: Any) -> dict[str, Any]:
        """What a command is answered with."""
        taken = await self.send(action, **parameters)
        assert taken.status == 201, taken
        told = [event for event in self.guest.told() if event["event_type"] == "list_item_updated"]
        (update,) = [event for event in told if event["event"]["list_sid"] == self.sid]
        assert update["event"]["item_index"] == taken.json["index"]
        assert update["event"]["id"] > taken.json["last_event_id"]
        data = update["event"]["item_data"]
        assert (data["commandId"], data["request"]) == ("c1", {"action": action, **parameters})
        return data["response"]

    async def done(self, action: str, **parameters: Any) -> dict[str, Any]:
        """The same, of one that is carried out."""
        response = await self.response(action, **parameters)
        assert response.pop("status") == 200, response
        assert response.pop("statusText") == "OK"
        return response


async def a_session(house: House, identity: str = "alice", *, follow: bool = True) -> Session:
    guest = await house.guest(identity)
    made = await guest.ask("POST", "/v3/Lists", {"purpose": "com.twilio.rtd.ipmsg", "context": CONTEXT})
    assert made.status == 201
    session = Session(guest, made.json["sid"], made.json)
    if follow:
        await guest.follow("list", session.sid)
        guest.told()
    return session


async def test_a_list_begins_with_nothing_in_it(house: House) -> None:
    session = await a_session(house, follow=False)

    assert session.made["last_event_id"] == 0
    assert session.made["links"] == {
        "items": f"https://chat.example.com{session.path}/Items",
        "context": f"https://chat.example.com{session.path}/Context",
    }
    context = await session.guest.get(f"{session.path}/Context")
    assert (context.json["data"], context.json["last_event_id"]) == (CONTEXT, 0)


async def test_the_context_is_news_to_whoever_follows(house: House) -> None:
    session = await a_session(house, follow=False)
    await session.guest.follow("list", session.sid, 0)

    told = session.guest.told()

    context, established = told
    assert (context["event_type"], established["event_type"]) == (
        "list_context_updated",
        "subscription_established",
    )
    assert 0 < context["event"]["id"] <= established["event"]["last_event_id"]
    said = context["event"]["context_data"]
    assert said["identity"] == "alice"
    assert said["type"] == "IpMsgSession"
    assert said["userInfo"] == names.user_info(session.guest.client.user_sid)
    assert said["myChannels"] == names.user_channels(session.guest.client.user_sid)
    assert all(said["links"][name].startswith("/") for name in said["links"] if name != "mediaServiceUrl")
    assert said["links"]["mediaServiceUrl"].startswith("https://chat.example.com/media/")


async def test_every_link_of_the_context_leads_somewhere(house: House) -> None:
    session = await a_session(house, follow=False)
    lobby = await house.chat.a_channel()
    await house.chat.a_member(lobby, "alice")
    await session.guest.follow("list", session.sid)
    links = session.guest.told()[0]["event"]["context_data"]["links"]

    public = await session.guest.get(links["publicChannelsUrl"])
    mine = await session.guest.get(links["myChannelsUrl"])
    one = await session.guest.get(links["myChannelsUrl"], ChannelSid=lobby.sid)
    users = await session.guest.get(links["usersUrl"], ChannelSid=lobby.sid)

    assert [entry["sid"] for entry in public.json["channels"]] == [lobby.sid]
    assert [entry["channel_sid"] for entry in mine.json["channels"]] == [lobby.sid]
    assert "sid" not in mine.json["channels"][0]
    assert mine.json["channels"][0]["roster"] == names.roster(lobby.sid)
    assert [entry["channel_sid"] for entry in one.json["channels"]] == [lobby.sid]
    assert [user["identity"] for user in users.json["users"]] == ["alice"]


async def test_a_conversation_from_beginning_to_end(house: House) -> None:
    alice, bob = await a_session(house, "alice"), await a_session(house, "bob")

    made = await alice.done("createChannel", friendlyName="Lobby", type="public", attributes="{}")
    channel = made["channelSid"]
    assert made["channel"] == names.channel(channel)
    assert await alice.done("joinChannelV2", channelSid=channel) == {}
    assert await alice.done("sendMessage", channelSid=channel, text="one", attributes="{}") == {
        "messageId": 0
    }
    await alice.done("editMessage", channelSid=channel, messageIdx="0", text="two")
    await alice.done("editMessageAttributes", channelSid=channel, messageIdx=0, attributes='{"a":1}')
    await alice.done("editFriendlyName", channelSid=channel, friendlyName="Den")
    await alice.done("editUniqueName", channelSid=channel, uniqueName="den")
    await alice.done("editAttributes", channelSid=channel, attributes='{"b":2}')
    await alice.done("inviteMember", channelSid=channel, username="bob")
    await bob.done("declineInvitation", channelSid=channel)
    await alice.done("addMemberV2", channelSid=channel, username="bob")
    await bob.done("editNotificationLevel", channelSid=channel, notificationLevel="muted")
    report = await bob.done("consumptionReportV2", report=[{"channelSid": channel, "messageIdx": 0}])
    assert report == {"report": [{"channelSid": channel, "unreadMessagesCount": 0}]}
    await bob.done("editUserFriendlyName", username="bob", friendlyName="Bob")
    await bob.done("leaveChannel", channelSid=channel)
    await alice.done("addMember", channelSid=channel, username="carol")
    await alice.done("removeMember", channelSid=channel, username="carol")
    await alice.done("deleteMessage", channelSid=channel, messageIdx="0")
    await alice.done("destroyChannel", channelSid=channel)

    assert (await house.chat.user("bob")).friendly_name == "Bob"


@pytest.mark.parametrize(
    ("action", "parameters", "status"),
    [
        ("sendMessage", {"channelSid": "CH" + "0" * 32, "text": "x"}, 404),
        ("sendMessage", {"text": "x"}, 404),
        ("joinChannel", {"channelSid": {}}, 404),
        ("editMessage", {"channelSid": "lobby", "messageIdx": "seven", "text": "x"}, 404),
        ("editMessage", {"channelSid": "lobby", "messageIdx": 9**25, "text": "x"}, 404),
        ("createChannel", {"type": "secret"}, 400),
        ("createChannel", {"attributes": "{"}, 400),
        ("consumptionReport", {}, 400),
        ("consumptionReport", {"report": [1]}, 400),
        ("editUserFriendlyName", {"username": "bob", "friendlyName": "x"}, 403),
        ("noSuchAction", {}, 400),
        ("x" * 10_000, {}, 400),
        (None, {}, 400),
        ({}, {}, 400),
    ],
    ids=str,
)
async def test_what_is_refused_is_answered_too(
    house: House, action: object, parameters: dict[str, Any], status: int
) -> None:
    session = await a_session(house)
    await house.chat.a_channel(unique_name="lobby")
    await house.chat.a_user("bob")

    response = await session.response(action, **parameters)

    assert response["status"] == status
    assert response["statusText"]


async def test_an_item_without_a_request_is_refused(house: House) -> None:
    session = await a_session(house)

    for body in ({}, {"data": None}, {"data": []}, [], b"{", b"[" * 100_000):
        assert (await session.guest.ask("POST", f"{session.path}/Items", body)).status == 400
    taken = await session.guest.ask("POST", f"{session.path}/Items", {"data": {"request": "x"}})

    assert taken.status == 201
    assert session.guest.told()[0]["event"]["item_data"]["response"]["status"] == 400


@pytest.mark.check(23)
@pytest.mark.parametrize("depth", [50, 500, 900, 930, 950, 970, 980, 990])
async def test_what_is_nested_deeply_is_answered_too(house: House, depth: int) -> None:
    session = await a_session(house, follow=False)
    nested = b"[" * depth + b"]" * depth

    begun = await session.guest.ask("POST", "/v3/Lists", b'{"context":{"a":' + nested + b"}}")
    item = await session.guest.ask("POST", f"{session.path}/Items", b'{"data":{"a":' + nested + b"}}")
    await session.guest.follow("list", session.sid)

    assert begun.status == item.status
    assert begun.status in {201, 400}
    assert session.guest.told()[-1]["event_type"] == "subscription_established"


async def test_answers_are_replayed_to_who_was_away(house: House) -> None:
    session = await a_session(house, follow=False)
    for _ in range(3):
        await session.send("noSuchAction")

    await session.guest.follow("list", session.sid, 1)

    told = session.guest.told()
    assert [event["event"].get("item_index") for event in told] == [0, 1, 2, None]
    assert [event["event"]["id"] for event in told[:-1]] == sorted(
        event["event"]["id"] for event in told[:-1]
    )


async def test_a_list_is_its_users_alone(house: House) -> None:
    session = await a_session(house)
    strangers = [await house.guest("bob"), await (await another_service(house)).guest("alice")]

    for stranger in strangers:
        for answer in (
            await stranger.get(f"{session.path}/Context"),
            await stranger.get(session.path),
            await stranger.get(f"{session.path}/Items"),
            await stranger.ask("POST", f"{session.path}/Items", {"data": {}}),
        ):
            assert answer.status == 404
        await stranger.follow("list", session.sid)
        assert [event["event_type"] for event in stranger.told()] == ["subscription_failed"]


async def test_an_sdk_whose_list_is_gone_is_told_so_that_it_makes_another(house: House) -> None:
    session = await a_session(house)
    house.here.sessions = session_list.Sessions()

    answer = await session.send("joinChannel", channelSid="lobby")

    assert (answer.status, answer.json["code"]) == (404, Kinds.LIST_NOT_FOUND.code)


async def test_the_oldest_lists_and_answers_are_forgotten(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_list, "SESSIONS", 2)
    monkeypatch.setattr(session_list, "ANSWERS", 2)
    first, second = await a_session(house, "alice"), await a_session(house, "bob")
    for _ in range(4):
        await first.send("noSuchAction")

    await a_session(house, "carol")

    assert (await first.guest.get(f"{first.path}/Context")).status == 200
    assert (await second.guest.get(f"{second.path}/Context")).status == 404
    first.guest.told()
    await first.guest.follow("list", first.sid, 1)
    assert [event["event"].get("item_index") for event in first.guest.told()] == [2, 3, None]


async def test_a_private_channel_is_closed_to_commands_too(house: House) -> None:
    private = await house.chat.a_channel(type=ChannelType.PRIVATE)
    session = await a_session(house)

    for action in ("joinChannel", "sendMessage", "editMessage", "deleteMessage", "editAttributes"):
        response = await session.response(
            action, channelSid=private.sid, text="x", messageIdx=0, attributes="{}"
        )
        assert response["status"] == 404, action
