"""Whatever comes through a socket is answered, never with a mistake of ours, and harms nobody else."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from chinwag import limits
from chinwag.realtime import endpoint
from chinwag.realtime.router import ROUTES
from realtime.place import closed, raw, request, status
from support.sdk_client import DisconnectedError
from support.twilsock import packet

if TYPE_CHECKING:
    from realtime.place import Place
    from support.sdk_client import Connection

pytestmark = pytest.mark.check(21)

AT_ONCE = 100

BODIES: dict[str, bytes] = {
    "nothing": b"",
    "null": b"null",
    "true": b"true",
    "a number": b"1",
    "a text": b'"x"',
    "an array": b"[]",
    "an object": b"{}",
    "no JSON": b"body=x",
    "half of an object": b'{"body":',
    "two objects": b"{}{}",
    "no UTF-8": b'{"body":"\xff"}',
    "half of a pair": b'{"body":"\\ud83d"}',
    "half of a pair, raw": b'{"body":"\xed\xa0\x80"}',
    "an infinite number": b'{"last_consumed_message_index":1e400}',
    "a long number": b'{"last_consumed_message_index":' + b"9" * 5000 + b"}",
    "a NUL inside": b"\0",
    "a deep array": b"[" * 100_000 + b"]" * 100_000,
    "deep attributes": b'{"attributes":' + b"[" * 90_000 + b"]" * 90_000 + b"}",
    "a large text": b'{"body":"' + b"x" * 250_000 + b'"}',
    "many keys": msgspec.json.encode({f"k{n}": n for n in range(20_000)}),
}

FIELDS = [
    "type",
    "unique_name",
    "friendly_name",
    "attributes",
    "identity",
    "body",
    "media_sid",
    "last_consumed_message_index",
    "last_read_message_index",
    "notification_level",
]
VALUES = [None, True, -1, 10**30, 1.5, "", "\0", "x" * 20_000, "\U0010ffff", [[]], {"a": {}}]

NAMES = [
    "x",
    "%00",
    "%FF",
    "CH" + "0" * 32,
    "\0",
    "%F0%9F%90%99",
    "x" * 5000,
    "'; --",
    "%2F",
    "..",
    "\U0001f419",
]

PARAMS: list[dict[str, Any]] = [
    {},
    dict.fromkeys(("From", "Key", "Index", "PageToken", "ConversationSid", "ChannelSid", "Order"), "%00"),
    dict.fromkeys(("From", "Key", "Index", "PageToken", "ConversationSid", "ChannelSid"), "%FF"),
    {name: ["", "x"] for name in ("From", "Key", "PageSize", "PageToken", "Order", "ChannelSid")},
    {name: [] for name in ("From", "Key", "Index", "PageToken")},
    dict.fromkeys(("PageToken", "From", "PageSize", "Key"), "PA" + "9" * 5000),
    {f"n{number}": "x" for number in range(5000)},
]


async def ask(connection: Connection, header: dict[str, Any], body: bytes = b"") -> int:
    """Ask, and see that it is answered, and by no mistake of ours."""
    answered = status(await connection.ask(header, body))
    assert answered < 500, (header, body[:200])
    return answered


def filled(path: str, name: str = "x") -> str:
    return "/".join(name if part.startswith("{") else part for part in path.split("/"))


@pytest.mark.parametrize(
    "route",
    [route for route in ROUTES if "/v2/" not in route.path],
    ids=lambda route: f"{route.method} {route.path}",
)
async def test_any_body_is_answered(place: Place, route: Any) -> None:
    connection = await place.logged_in()
    path = filled(route.path)

    for body in BODIES.values():
        await ask(connection, request(route.method, path), body)


async def test_any_value_is_answered_where_there_is_something(place: Place) -> None:
    channel = await place.api.a_channel(place.service, UniqueName="lobby")
    member = await place.api.a_member(channel, "alice")
    message = await place.api.a_message(channel, From="alice")
    connection = await place.logged_in()
    base = "/Client/v1/Conversations/lobby"

    for path in (
        base,
        f"{base}/Participants/{member['sid']}",
        f"{base}/Messages",
        f"{base}/Messages/{message['sid']}",
        "/Client/v1/MyConversations/lobby",
        "/Client/v1/Users/alice",
        "/Client/v1/Conversations",
        f"{base}/Participants",
        f"{base}/Invites",
    ):
        for name in FIELDS:
            for value in VALUES:
                await ask(connection, request("POST", path), msgspec.json.encode({name: value}))


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
async def test_any_name_in_a_path_is_answered(place: Place, name: str) -> None:
    connection = await place.logged_in()

    for route in ROUTES:
        await ask(connection, request(route.method, filled(route.path, name)), b"{}")


async def test_any_parameters_are_answered(place: Place) -> None:
    channel = await place.api.a_channel(place.service)
    connection = await place.logged_in()

    paths = [filled(route.path) for route in ROUTES if route.method == "GET"]
    for path in [
        *paths,
        f"/v3/Lists/{channel['sid']}.messages/Items",
        f"/v3/Maps/{channel['sid']}.roster/Items",
    ]:
        for params in PARAMS:
            await ask(connection, request("GET", path, params=params))


FORMS = [b"ChannelSid=", b"ChannelSid", b"%", b"ChannelSid=%FF", b"\xff=\xfe", b"&" * 5000, b"a=b&" * 2000]


async def test_any_form_is_answered(place: Place) -> None:
    connection = await place.logged_in()

    for form in (*FORMS, b"x" * 200_000):
        header = request("POST", "/v1/typing") | {"payload_type": "application/x-www-form-urlencoded"}
        assert await ask(connection, header, form) == 400


async def test_other_hosts_and_methods_are_answered(place: Place) -> None:
    connection = await place.logged_in()

    assert (
        await ask(connection, request("GET", "/Client/v1/Configuration", host="aim.us1.example.com")) == 200
    )
    assert await ask(connection, request("PATCH", "/Client/v1/Configuration")) == 405
    assert await ask(connection, request("\U0001f419", "/Client/v1/Configuration")) == 405
    assert await ask(connection, request("GET", "")) == 404
    assert await ask(connection, request("GET", "/x" * 10_000)) == 404


@pytest.mark.check(23)
@pytest.mark.parametrize("depth", [800, 900, 930, *range(940, 1000, 4)])
async def test_however_deep_it_is_answered(place: Place, depth: int) -> None:
    connection = await place.logged_in()
    nested = b"[" * depth + b"]" * depth
    made = await connection.ask(request("POST", "/v3/Lists"), b'{"context":{}}')
    items = f"/v3/Lists/{made.payload['sid']}/Items"

    for path, name in (("/v3/Lists", "context"), (items, "data"), ("/Client/v1/Conversations", "attributes")):
        await ask(connection, request("POST", path), b'{"%b":{"a":%b}}' % (name.encode(), nested))

    assert await ask(connection, request("GET", "/Client/v1/Configuration")) == 200


def headed(header: bytes, payload: bytes = b"") -> bytes:
    return raw(b"TWILSOCK V3.0 %d\r\n%b\r\n%b" % (len(header), header, payload))


BROKEN = {
    "no packet": raw(b"hello"),
    "nothing": raw(b""),
    "a wrong length": raw(b"TWILSOCK V3.0 99\r\n{}\r\n"),
    "no JSON": headed(b"{"),
    "too deep": headed(b'{"method":"x","payload_size":0,"y":' + b"[" * 100_000),
    "parameters of numbers": headed(
        b'{"method":"message","payload_size":0,"http_request":{"path":"/","params":{"a":1}}}'
    ),
    "an unknown method": packet({"method": "what", "id": "1"}),
    "a method of odd letters": packet({"method": "\U0001f419" * 1000, "id": "1"}),
    "a second login": packet({"method": "init", "id": "1", "token": "x"}),
    "a message without a request": packet({"method": "message", "id": "1"}),
    "text": raw(b"hello", opcode=1),
    "a frame of an unknown kind": raw(b"hello", opcode=5),
    "a message that is too large": raw(b"x" * (limits.SOCKET_MESSAGE_BYTES + 1)),
    "no mask": b"\x82\x05hello",
}
CODES = {"text": 1003, "a message that is too large": 1009}


@pytest.mark.parametrize("what", BROKEN)
async def test_what_is_no_packet_ends_that_connection_and_no_other(place: Place, what: str) -> None:
    bad, good = await place.logged_in("alice"), await place.logged_in("alice")

    bad.transport.write(BROKEN[what])
    await closed(bad)

    assert bad.close_code == CODES.get(what, 1002)
    assert bad.failure is None
    assert await ask(good, request("GET", "/Client/v1/Configuration")) == 200


async def test_a_message_in_pieces_is_a_message(place: Place) -> None:
    connection = await place.logged_in()
    whole = packet({"method": "put_notification_ctx", "id": "TM77"})
    body = whole[6:]
    waiting = asyncio.get_running_loop().create_future()
    connection._replies["TM77"] = waiting  # noqa: SLF001  # what `ask` does, for a frame of our own

    first, rest = body[:20], body[20:]
    connection.transport.write(bytes((0x02, 0x80 | len(first))) + b"\0\0\0\0" + first)
    connection.transport.write(bytes((0x80, 0x80 | len(rest))) + b"\0\0\0\0" + rest)

    reply = await asyncio.wait_for(waiting, 10)
    assert reply.header["status"]["code"] == 200


async def test_every_one_of_many_requests_at_once_is_answered(place: Place) -> None:
    channel = await place.api.a_channel(place.service, UniqueName="lobby")
    await place.api.a_member(channel, "alice")
    connection = await place.logged_in()
    send = request("POST", "/Client/v1/Conversations/lobby/Messages")
    read = request("GET", "/Client/v1/Conversations/lobby")

    answers = await asyncio.gather(
        *(connection.ask(send, b'{"body":"%d"}' % number) for number in range(AT_ONCE)),
        *(connection.ask(read) for _ in range(AT_ONCE)),
    )

    assert [status(answer) for answer in answers] == [201] * AT_ONCE + [200] * AT_ONCE
    assert [answer.payload["index"] for answer in answers[:AT_ONCE]] == list(range(AT_ONCE))
    assert [answer.payload["body"] for answer in answers[:AT_ONCE]] == [str(n) for n in range(AT_ONCE)]


@pytest.mark.check(20)
async def test_what_is_sent_behind_a_login_waits_for_it(place: Place) -> None:
    connection = await place.connection()

    replies = await asyncio.gather(
        connection.ask({"method": "init", "token": place.token()}),
        connection.ask(request("GET", "/Client/v1/Configuration")),
        connection.ask({"method": "put_notification_ctx"}),
    )

    assert [reply.header["status"]["code"] for reply in replies] == [200] * 3


@pytest.mark.check(20)
async def test_a_login_behind_a_login_ends_the_connection(place: Place) -> None:
    connection = await place.connection()
    init = {"method": "init", "token": place.token()}

    first, second = await asyncio.gather(connection.ask(init), connection.ask(init), return_exceptions=True)

    assert first.header["status"]["code"] == 200  # type: ignore[union-attr]
    assert isinstance(second, DisconnectedError)
    assert connection.close_code == 1002


@pytest.mark.check(17)
@pytest.mark.parametrize("token", ["", "x", "a.b.c", "é", "x" * 300_000, "." * 1000])
async def test_what_is_no_token_is_refused(place: Place, token: str) -> None:
    connection = await place.connection()

    reply = await connection.ask({"method": "init", "token": token})

    told = reply.header["status"]
    assert (told["code"], told["errorCode"]) == (401, 20101)
    assert (await connection.ask({"method": "init", "token": place.token()})).header["status"]["code"] == 200


@pytest.mark.check(17)
async def test_a_token_of_a_megabyte_ends_the_connection(place: Place) -> None:
    connection = await place.connection()

    with pytest.raises(DisconnectedError):
        await connection.ask({"method": "init", "token": "x" * 1024 * 1024})

    assert connection.close_code == 1009


@pytest.mark.check(20)
async def test_who_never_logs_in_is_shown_out(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "LOGIN_SECONDS", 0.05)
    monkeypatch.setattr(endpoint, "BESIDE_SECONDS", 0.0)
    silent, refused = await place.connection(), await place.connection()
    await refused.ask({"method": "init", "token": "x"})

    for connection in (silent, refused):
        await closed(connection)


async def test_who_logs_in_may_stay(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "LOGIN_SECONDS", 0.05)
    silent = await place.connection()
    connection = await place.logged_in()

    await closed(silent)

    assert await ask(connection, request("GET", "/Client/v1/Configuration")) == 200


@pytest.mark.parametrize("login", [True, False])
async def test_who_says_goodbye_is_let_go(place: Place, login: bool) -> None:
    connection = await (place.logged_in() if login else place.connection())

    connection.transport.write(packet({"method": "close", "id": "TM9"}))

    await closed(connection)
    assert connection.close_code == 1000


@pytest.mark.check(20)
async def test_sockets_are_at_one_path(place: Place) -> None:
    for path in ("/", "/v3/wsconnect/x", "/v2/wsconnect", "/v3/wsconnect%2F"):
        answer = (
            await place.api.get(path)
            if path == "/"
            else await place.api.send(
                "GET",
                path,
                headers={
                    "Upgrade": "websocket",
                    "Connection": "Upgrade",
                    "Sec-WebSocket-Version": "13",
                    "Sec-WebSocket-Key": "YSBrZXkgdGhhdCBpcyAxNg==",
                },
            )
        )
        assert answer.status == (200 if path == "/" else 404)
