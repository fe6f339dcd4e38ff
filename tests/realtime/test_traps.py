"""What SDKs stumble over unless a server does just so. Source: sdk-wire."""

from __future__ import annotations

import asyncio
import re
import time
from typing import TYPE_CHECKING, Any

import pytest

from chinwag import limits
from chinwag.realtime import endpoint
from realtime.place import closed, request, status
from support.sdk_chat import Chat
from support.sdk_client import DisconnectedError

if TYPE_CHECKING:
    from realtime.place import Place
    from support.sdk_client import SdkClient

C = "/Client/v1/Conversations"
MINE = "/Client/v1/MyConversations"
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


async def a_chat(place: Place, identity: str = "alice") -> Chat:
    chat = Chat(await place.client(identity))
    await chat.client.close()
    await chat.start()
    return chat


async def a_channel(place: Place, *members: str, **columns: Any) -> str:
    channel = await place.api.a_channel(place.service, **columns)
    for identity in members:
        await place.api.a_member(channel, identity)
    return channel["sid"]


async def post(client: SdkClient, path: str, **body: Any) -> Any:
    answer = await client.request("POST", path, body)
    assert answer.status in {200, 201}, answer
    return answer.json


async def test_a_connection_is_dropped_without_a_word_when_its_token_expires(place: Place) -> None:
    connection = await place.logged_in("alice", ttl=1)
    token = place.token("alice", ttl=0)

    await closed(connection)

    assert connection.close_code is None  # a goodbye would make an SDK lose the token that it is given now
    again = await place.connection()
    refusal = (await again.ask({"method": "init", "token": token})).header["status"]
    assert (refusal["code"], refusal["status"], refusal["errorCode"]) == (401, "UNAUTHORIZED", 20104)


async def test_another_token_keeps_a_connection(place: Place) -> None:
    connection = await place.logged_in("alice", ttl=1)
    soon = time.monotonic() + 1.2

    reply = await connection.ask({"method": "update", "token": place.token("alice")})

    assert reply.header["status"]["code"] == 200
    while time.monotonic() < soon:
        assert status(await connection.ask(request("GET", "/Client/v1/Configuration"))) == 200


async def test_a_registration_that_comes_beside_a_login_that_is_refused_is_refused_before_it(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoint, "BESIDE_SECONDS", 1.0)
    connection = await place.connection()
    refused: list[str] = []

    async def sends(method: str, **more: Any) -> None:
        reply = await connection.ask({"method": method, **more})
        assert reply.header["status"]["code"] == 401
        refused.append(method)

    async with asyncio.TaskGroup() as both:
        both.create_task(sends("init", token="x"))
        await asyncio.sleep(0.05)  # SDKs before 6 send it a moment later
        both.create_task(sends("put_notification_ctx", notification_ctx_id="x"))

    # Whoever hears that its login is refused listens to nothing more: it would wait for the other for ever.
    assert refused == ["put_notification_ctx", "init"]
    reply = await connection.ask({"method": "init", "token": place.token()})
    assert reply.header["status"]["code"] == 200


async def test_who_is_refused_once_more_is_told_at_once(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = await place.connection()
    await connection.ask({"method": "init", "token": "x"})
    monkeypatch.setattr(endpoint, "BESIDE_SECONDS", 1000.0)

    reply = await connection.ask({"method": "init", "token": "x"})

    assert reply.header["status"]["code"] == 401


async def test_a_registration_behind_another_login_is_one_of_that(place: Place) -> None:
    connection = await place.connection()
    asked = [
        {"method": "init", "token": "x"},
        {"method": "init", "token": place.token()},
        {"method": "put_notification_ctx", "notification_ctx_id": "x"},
    ]

    replies = await asyncio.gather(*(connection.ask(header) for header in asked))

    assert [reply.header["status"]["code"] for reply in replies] == [401, 200, 200]


async def test_more_beside_a_login_than_may_wait_waits_in_the_network(place: Place) -> None:
    connection = await place.connection()
    register = {"method": "put_notification_ctx", "notification_ctx_id": "x"}

    login = connection.ask({"method": "init", "token": "x"})
    many = [connection.ask(register) for _ in range(3 * limits.SOCKET_REQUESTS)]
    replies = await asyncio.gather(login, *many, return_exceptions=True)

    refused = [reply for reply in replies if not isinstance(reply, DisconnectedError)]
    assert len(refused) > limits.SOCKET_REQUESTS
    assert {reply.header["status"]["code"] for reply in refused} == {401}


async def test_links_are_ours_whatever_host_a_request_names(place: Place) -> None:
    connection = await place.logged_in()

    reply = await connection.ask(request("GET", "/Client/v1/Configuration", host="aim.us1.example.com"))

    links = reply.payload["links"]
    assert all(link.startswith(place.base + "/") for link in links.values())
    assert links["media_service"]
    assert links["current_user"].endswith("/Client/v1/Users/alice")
    assert place.base in (await connection.ask(request("GET", "/v3/Maps/" + _info(reply)))).payload["url"]


def _info(reply: Any) -> str:
    return reply.payload["sync_objects"]["my_user_info"]


async def test_the_info_of_a_user_is_whole_from_the_first_login(place: Place) -> None:
    client = await place.client("somebody new")
    configuration = (await client.request("GET", "/Client/v1/Configuration")).json

    info = await client.map(configuration["sync_objects"]["my_user_info"], with_items=True)

    assert info.state() == {
        "attributes": {"value": "{}"},
        "friendlyName": {"value": None},
        "reachability": {"online": False, "notifiable": False},
    }


async def test_a_delete_comes_with_a_body_that_says_nothing(place: Place) -> None:
    sid = await a_channel(place, "alice", CreatedBy="alice")
    connection = await place.logged_in("alice")

    reply = await connection.ask(request("DELETE", f"{C}/{sid}/Participants/alice"), b"null")

    assert status(reply) == 204
    assert reply.header["payload_size"] == 0


async def test_a_form_is_read_as_a_form(place: Place) -> None:
    sid = await a_channel(place, "alice")
    client = await place.client("alice")

    answer = await client.request("POST", "/Client/v1/Typing", form=f"ChannelSid={sid}")

    assert (answer.status, answer.json) == (200, {"typing_timeout": 5})


async def test_parameters_come_encoded(place: Place) -> None:
    client = await place.client("alice")
    configuration = (await client.request("GET", "/Client/v1/Configuration")).json
    path = f"/v3/Maps/{configuration['sync_objects']['my_user_info']}/Items"

    page = await client.request("GET", path, params={"Key": "friendly%4Eame"})
    twice = await client.request("GET", path, params={"Key": "friendly%254Eame"})

    assert [item["key"] for item in page.json["items"]] == ["friendlyName"]
    assert twice.json["items"] == []


async def test_channels_are_known_by_names_that_are_wired_into_sdks(place: Place) -> None:
    sid = await a_channel(place, "alice")
    client = await place.client("alice")

    document, roster = await client.document(f"{sid}.channel"), await client.map(f"{sid}.roster")

    assert (document.name, roster.name) == (f"{sid}.channel", f"{sid}.roster")
    assert document.data["roster"] == roster.name
    assert document.data["messages"]


async def test_the_list_of_users_has_a_back_token_of_another_name(place: Place) -> None:
    sid = await a_channel(place, *(f"user{number:02}" for number in range(51)))
    client = await place.client("user00")

    first = await client.request("GET", "/Client/v1/Users", params={"ConversationSid": sid})
    token = first.json["meta"]["next_token"]
    second = await client.request(
        "GET", "/Client/v1/Users", params={"ConversationSid": sid, "PageToken": token}
    )
    back = await client.request(
        "GET",
        "/Client/v1/Users",
        params={"ConversationSid": sid, "PageToken": second.json["meta"]["prev_token"]},
    )

    assert first.json["meta"]["prev_token"] is None
    assert [len(page.json["users"]) for page in (first, second, back)] == [50, 1, 50]
    assert second.json["meta"]["next_token"] is None
    assert back.json["users"] == first.json["users"]


async def test_private_channels_are_not_among_the_public_ones(place: Place) -> None:
    public, private = await a_channel(place), await a_channel(place, "alice", Type="private")
    alice, bob = await place.client("alice"), await place.client("bob")

    for client in (alice, bob):
        listed = (await client.request("GET", C)).json["conversations"]
        assert [channel["sid"] for channel in listed] == [public]

    assert (await bob.request("GET", f"{C}/{private}")).status == 404
    assert (await bob.request("GET", f"/v3/Documents/{private}.channel")).status == 404
    assert (await alice.request("GET", f"{C}/{private}")).json["status"] == "joined"


async def test_who_joins_again_is_another_member(place: Place) -> None:
    sid = await a_channel(place, "bob")
    client, bob = await place.client("alice"), await place.client("bob")
    roster = await bob.map(f"{sid}.roster")
    await bob.settle()

    first = await post(client, f"{C}/{sid}/Participants", identity="alice")
    await client.request("DELETE", f"{C}/{sid}/Participants/alice")
    second = await post(client, f"{C}/{sid}/Participants", identity="alice")
    await bob.request("GET", f"{C}/{sid}")

    assert first["sid"] != second["sid"]
    assert second["sid"] in roster.items
    assert first["sid"] not in roster.items


async def test_a_second_join_is_refused_and_changes_nothing(place: Place) -> None:
    sid = await a_channel(place)
    client = await place.client("alice")
    await post(client, f"{C}/{sid}/Participants", identity="alice")

    again = await client.request("POST", f"{C}/{sid}/Participants", {"identity": "alice"})

    assert again.status == 409
    assert (await client.request("GET", f"{C}/{sid}")).json["status"] == "joined"


@pytest.mark.parametrize("index", [0, None])
async def test_a_horizon_in_a_channel_that_is_gone_is_no_error(place: Place, index: int | None) -> None:
    gone, left = await a_channel(place, "alice"), await a_channel(place, "alice")
    client = await place.client("alice")
    await place.api.delete(f"{place.path}/Channels/{gone}")
    await client.request("DELETE", f"{C}/{left}/Participants/alice")

    for sid in (gone, left, "CH" + "0" * 32):
        answer = await client.request("POST", f"{MINE}/{sid}", {"last_consumed_message_index": index})
        assert (answer.status, answer.json) == (200, {"unread_messages_count": None})
        muted = await client.request("POST", f"{MINE}/{sid}", {"notification_level": "muted"})
        assert muted.status in {403, 404}


async def test_a_horizon_may_go_back(place: Place) -> None:
    sid = await a_channel(place, "alice")
    client = await place.client("alice")
    for _ in range(3):
        await post(client, f"{C}/{sid}/Messages", body="x")

    unread = [
        (await post(client, f"{MINE}/{sid}", last_consumed_message_index=index))["unread_messages_count"]
        for index in (2, 0, None)
    ]

    assert unread == [0, 2, None]


async def test_who_does_something_is_told_of_it_too_and_before_the_answer(place: Place) -> None:
    sid = await a_channel(place, "alice")
    client = await place.client("alice")
    messages = await client.list(f"{sid}.messages")
    document = await client.document(f"{sid}.channel")
    await client.settle()

    for number in range(5):
        sent = await post(client, f"{C}/{sid}/Messages", body=str(number))
        assert messages.items[sent["index"]].data["text"] == str(number)
        assert document.data["lastMessage"]["index"] == sent["index"]

    assert (messages.doubled, messages.disordered, messages.unasked) == (0, 0, 0)


async def test_dates_have_milliseconds_and_a_new_object_was_never_changed(place: Place) -> None:
    sid = await a_channel(place, "alice")
    client = await place.client("alice")
    await post(client, f"{C}/{sid}/Messages", body="x")
    messages, roster = await client.list(f"{sid}.messages"), await client.map(f"{sid}.roster")
    fresh = await client.document(f"{await a_channel(place)}.channel")

    (message,) = messages.state().values()
    (member,) = roster.state().values()

    for created, updated in (
        (message["timestamp"], message["dateUpdated"]),
        (member["dateCreated"], member["dateUpdated"]),
        (fresh.data["dateCreated"], fresh.data["dateUpdated"]),
    ):
        assert MOMENT.fullmatch(created)
        assert created == updated


async def test_the_last_message_moves_back_when_it_is_deleted(place: Place) -> None:
    sid = await a_channel(place, "alice")
    client = await place.client("alice")
    document = await client.document(f"{sid}.channel")
    await client.settle()
    assert "lastMessage" not in document.data
    sent = [await post(client, f"{C}/{sid}/Messages", body="x") for _ in range(2)]

    for left in ([0], []):
        message = sent.pop()
        assert (await client.request("DELETE", f"{C}/{sid}/Messages/{message['sid']}")).status == 204
        found = document.data.get("lastMessage")
        assert ([found["index"]] if found else []) == left


async def test_a_deleted_channel_leaves_a_users_list_before_it_goes(place: Place) -> None:
    sid = await a_channel(place, "alice")
    chat = await a_chat(place)
    happened: list[str] = []
    channel = chat.channels[sid]
    for thing in (chat.my_channels, *channel.objects):
        before = thing.listener

        def listen(what: str, key: Any, data: Any, thing: Any = thing, before: Any = before) -> None:
            happened.append(f"{thing.kind} {what}")
            if before is not None:
                before(what, key, data)

        thing.listener = listen

    await place.api.delete(f"{place.path}/Channels/{sid}")
    await chat.client.request("GET", MINE)

    assert happened[0] == "map removed"
    assert chat.channels == {}
