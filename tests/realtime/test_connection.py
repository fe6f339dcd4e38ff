"""Every corner of the conversation with one client, on values alone. Source: sdk-wire."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from chinwag.realtime.connection import (
    SETTLING_MS,
    WARNING_MS,
    Ask,
    Connection,
    Leave,
    LogIn,
    ProtocolError,
    State,
    notification,
)
from chinwag.realtime.frames import packet
from support import twilsock

if TYPE_CHECKING:
    from support.twilsock import Packet

NOW = 1_438_286_400_000
HOUR = 3_600_000
INIT = {"method": "init", "id": "TM1", "token": "a token", "capabilities": ["client_update", "telemetry.v1"]}
ASK = {"method": "message", "id": "TM2", "http_request": {"path": "/v3/Maps/x", "method": "GET"}}


def came(connection: Connection, header: dict[str, Any], payload: bytes = b"") -> object:
    return connection.receive(packet(dict(header), payload))


def sent(connection: Connection) -> list[Packet]:
    return [twilsock.packet_of(data) for data in connection.data_to_send()]


def a_connection(expires: int = NOW + HOUR) -> Connection:
    """One that has logged in, and owes nothing."""
    connection = Connection()
    connection.logged_in(_login(connection), expires, NOW)
    connection.data_to_send()
    return connection


def _login(connection: Connection, **changes: Any) -> LogIn:
    asked = came(connection, INIT | changes)
    assert isinstance(asked, LogIn)
    return asked


def test_a_login_is_asked_for_and_nothing_is_answered_yet() -> None:
    connection = Connection()

    assert came(connection, INIT) == LogIn("TM1", "a token")

    assert connection.state is State.NEW
    assert sent(connection) == []


def test_a_login_is_answered_with_what_both_can_do() -> None:
    connection = Connection()

    connection.logged_in(_login(connection), NOW + HOUR, NOW)

    ((header, payload),) = sent(connection)
    assert connection.state is State.OPEN
    assert header["method"] == "reply"
    assert header["id"] == "TM1"
    assert header["status"] == {"code": 200, "status": "OK"}
    assert header["capabilities"] == ["client_update"]
    assert header["continuation_token"]
    assert header["continuation_token_status"] == {"reissued": False, "reissue_message": ""}
    assert "offline_storage" not in header
    assert payload is None


@pytest.mark.parametrize("offered", [[], None, ["offline_storage", "telemetry.v1"]])
def test_nothing_is_announced_that_a_client_did_not_offer(offered: list[str] | None) -> None:
    connection = Connection()

    connection.logged_in(_login(connection, capabilities=offered), NOW + HOUR, NOW)

    assert sent(connection)[0].header["capabilities"] == []


def test_a_login_without_a_token_is_one_with_an_empty_token() -> None:
    assert came(Connection(), {"method": "init", "id": "TM1"}) == LogIn("TM1", "")


@pytest.mark.parametrize("code", [20101, 20104, 20107])
def test_a_refusal_says_why(code: int) -> None:
    connection = Connection()

    connection.refused(_login(connection), status=401, reason="UNAUTHORIZED", code=code, text="No")

    ((header, _),) = sent(connection)
    assert header["status"] == {
        "code": 401,
        "status": "UNAUTHORIZED",
        "errorCode": code,
        "description": "No",
    }
    assert (header["method"], header["id"], connection.state) == ("reply", "TM1", State.NEW)


def test_who_was_refused_may_try_again() -> None:
    connection = Connection()
    connection.refused(_login(connection), status=401, reason="UNAUTHORIZED", code=20101, text="No")

    connection.logged_in(_login(connection, id="TM9"), NOW + HOUR, NOW)

    assert [reply.header["status"]["code"] for reply in sent(connection)] == [401, 200]


@pytest.mark.parametrize("method", ["put_notification_ctx", "delete_notification_ctx"])
def test_a_registration_beside_a_login_that_is_refused_is_refused_with_it(method: str) -> None:
    connection = Connection()
    beside = packet({"method": method, "id": "TM2"}, b"{}")

    assert connection.turned_away(beside, status=401, reason="UNAUTHORIZED")

    ((header, _),) = sent(connection)
    assert (header["method"], header["id"]) == ("reply", "TM2")
    assert header["status"] == {"code": 401, "status": "UNAUTHORIZED"}


@pytest.mark.parametrize("beside", [packet(dict(INIT)), packet(dict(ASK)), b"hello"])
def test_what_else_is_beside_it_waits(beside: bytes) -> None:
    connection = Connection()

    assert not connection.turned_away(beside, status=401, reason="UNAUTHORIZED")

    assert sent(connection) == []


@pytest.mark.check(20)
@pytest.mark.parametrize(
    "method",
    ["update", "message", "put_notification_ctx", "delete_notification_ctx", "ping", "notification", ""],
)
def test_nothing_comes_before_the_login(method: str) -> None:
    with pytest.raises(ProtocolError, match="before init"):
        came(Connection(), ASK | {"method": method})


def test_nobody_logs_in_twice() -> None:
    with pytest.raises(ProtocolError, match="init"):
        came(a_connection(), INIT)


@pytest.mark.parametrize(
    "method", ["ping", "notification", "client_update", "telemetry.v2", "INIT", "x" * 5000]
)
def test_what_nobody_knows_is_refused_in_few_words(method: str) -> None:
    with pytest.raises(ProtocolError) as refusal:
        came(a_connection(), {"method": method, "id": "TM2"})

    assert len(str(refusal.value)) < 100


def test_a_message_must_hold_a_request() -> None:
    with pytest.raises(ProtocolError, match="http_request"):
        came(a_connection(), {"method": "message", "id": "TM2"})


def test_what_is_no_packet_is_refused() -> None:
    with pytest.raises(ProtocolError, match="TWILSOCK"):
        a_connection().receive(b"hello")


@pytest.mark.parametrize(
    ("payload_type", "form"),
    [
        (None, False),
        ("application/json; charset=utf-8", False),
        ("text/plain", False),
        ("application/x-www-form-urlencoded", True),
        ("application/x-www-form-urlencoded; charset=UTF-8", True),
    ],
)
def test_a_request_is_asked_for_with_its_body(payload_type: str | None, form: bool) -> None:
    connection = a_connection()
    header = {**ASK, "payload_type": payload_type, "payload_size": 4}
    head = twilsock._encode(header)  # noqa: SLF001  # as a client, whose type of payload is its own

    asked = connection.receive(b"TWILSOCK V3.0 %d\r\n%b\r\nnull" % (len(head), head))

    assert isinstance(asked, Ask)
    assert (asked.id, asked.request.path, asked.body, asked.form) == ("TM2", "/v3/Maps/x", b"null", form)
    assert sent(connection) == []


def test_the_packet_of_an_answer_is_well_whatever_the_answer() -> None:
    connection = a_connection()
    asked = came(connection, ASK)
    assert isinstance(asked, Ask)

    connection.answer(asked, status=404, reason="NOT FOUND", headers={"a": "b"}, body=b'{"code":20404}')

    ((header, payload),) = sent(connection)
    assert (header["method"], header["id"]) == ("reply", "TM2")
    assert header["status"] == {"code": 200, "status": "OK"}
    assert header["http_status"] == {"code": 404, "status": "NOT FOUND"}
    assert header["http_headers"] == {"a": "b"}
    assert payload == {"code": 20404}


def test_an_answer_without_a_body_has_none() -> None:
    connection = a_connection()
    asked = came(connection, ASK)
    assert isinstance(asked, Ask)

    connection.answer(asked, status=204, reason="NO CONTENT", headers=None, body=b"")

    ((header, payload),) = sent(connection)
    assert header["payload_size"] == 0
    assert "payload_type" not in header
    assert header["http_headers"] == {}
    assert payload is None


@pytest.mark.parametrize("state", State)
def test_replies_and_telemetry_need_no_answer(state: State) -> None:
    connection = a_connection()
    connection.state = state

    for method in ("reply", "telemetry.v1"):
        assert came(connection, {"method": method, "id": "TM7"}) is None

    assert sent(connection) == []


@pytest.mark.parametrize("method", ["put_notification_ctx", "delete_notification_ctx"])
def test_a_filter_of_notifications_is_accepted(method: str) -> None:
    connection = a_connection()

    assert came(connection, {"method": method, "id": "TM3", "notification_ctx_id": "c"}, b"{}") is None

    ((header, _),) = sent(connection)
    assert (header["method"], header["id"], header["status"]["code"]) == ("reply", "TM3", 200)


@pytest.mark.parametrize("state", [State.NEW, State.OPEN])
def test_who_leaves_has_left(state: State) -> None:
    connection = a_connection()
    connection.state = state

    assert came(connection, {"method": "close", "id": "TM4"}) == Leave()

    assert connection.state is State.CLOSED
    assert sent(connection) == []


@pytest.mark.parametrize("header", [INIT, ASK, {"method": "close", "id": "1"}, {"method": "what", "id": "1"}])
def test_after_the_end_nothing_is_done(header: dict[str, Any]) -> None:
    connection = a_connection()
    came(connection, {"method": "close", "id": "TM4"})

    assert came(connection, header) is None
    assert connection.tick(NOW + 2 * HOUR) is False

    assert sent(connection) == []


def test_the_end_of_a_session_is_told_with_the_wait() -> None:
    connection = a_connection()

    connection.close(308, "TEMPORARY_REDIRECT", wait_ms=1500)

    ((header, payload),) = sent(connection)
    assert header["method"] == "close"
    assert header["id"]
    assert header["status"] == {"code": 308, "status": "TEMPORARY_REDIRECT"}
    assert payload == {"backoff_policy": {"reconnect_min_ms": 1500}}
    assert connection.state is State.CLOSED


def test_without_a_wait_there_is_no_policy() -> None:
    connection = a_connection()

    connection.close(308, "TEMPORARY_REDIRECT")

    assert sent(connection)[0].payload is None


def test_a_client_is_warned_three_minutes_before_its_token_expires() -> None:
    connection = a_connection(NOW + HOUR)
    warning = NOW + HOUR - 180_000

    assert connection.due() == warning
    assert connection.tick(warning - 1) is False
    assert sent(connection) == []
    assert connection.tick(warning) is False

    ((header, payload),) = sent(connection)
    assert (header["method"], header["client_update_type"]) == ("client_update", "token_about_to_expire")
    assert header["id"]
    assert payload is None
    assert connection.due() == NOW + HOUR


def test_a_client_is_warned_once() -> None:
    connection = a_connection(NOW + HOUR)

    for moment in range(NOW, NOW + HOUR, 10_000):
        assert connection.tick(moment) is False

    assert len(sent(connection)) == 1


def test_a_token_that_lives_shorter_is_warned_of_once_the_client_has_settled() -> None:
    connection = a_connection(NOW + WARNING_MS - 1000)

    assert connection.due() == NOW + SETTLING_MS
    assert connection.tick(NOW + SETTLING_MS - 1) is False
    assert sent(connection) == []
    assert connection.tick(NOW + SETTLING_MS) is False

    assert len(sent(connection)) == 1
    assert connection.due() == NOW + WARNING_MS - 1000


def test_a_token_that_is_about_to_expire_at_the_login_is_not_warned_of() -> None:
    connection = a_connection(NOW + 1000)

    assert connection.due() == NOW + 1000
    assert connection.tick(NOW + 1000) is True

    assert sent(connection) == []


def test_a_connection_ends_without_a_word_when_its_token_has_expired() -> None:
    connection = a_connection(NOW + HOUR)
    connection.tick(NOW + HOUR - 1)
    connection.data_to_send()

    assert connection.tick(NOW + HOUR) is True

    assert sent(connection) == []


def test_another_token_begins_anew() -> None:
    connection = a_connection(NOW + HOUR)
    connection.tick(NOW + HOUR - 1000)
    connection.data_to_send()

    asked = came(connection, {"method": "update", "id": "TM5", "token": "another"})
    assert asked == LogIn("TM5", "another", update=True)
    connection.logged_in(asked, NOW + 2 * HOUR, NOW)

    ((header, _),) = sent(connection)
    assert (header["id"], header["status"]["code"]) == ("TM5", 200)
    assert "continuation_token" not in header
    assert connection.tick(NOW + HOUR) is False
    assert connection.due() == NOW + 2 * HOUR - WARNING_MS
    connection.tick(NOW + 2 * HOUR - WARNING_MS)
    assert len(sent(connection)) == 1


def test_a_refused_token_leaves_the_session_as_it_is() -> None:
    connection = a_connection(NOW + HOUR)
    asked = came(connection, {"method": "update", "id": "TM5", "token": "another"})
    assert isinstance(asked, LogIn)

    connection.refused(asked, status=403, reason="FORBIDDEN", code=20107, text="No")

    assert sent(connection)[0].header["status"]["errorCode"] == 20107
    assert connection.state is State.OPEN
    assert connection.expires == NOW + HOUR


def test_what_is_owed_is_owed_once() -> None:
    connection = a_connection()
    connection.close(308, "TEMPORARY_REDIRECT")

    assert len(sent(connection)) == 1
    assert sent(connection) == []


def test_notifications_have_ids_of_their_own() -> None:
    first, second = [twilsock.packet_of(notification("twilio.sync.event", b"{}")) for _ in range(2)]

    assert first.header["method"] == "notification"
    assert first.header["message_type"] == "twilio.sync.event"
    assert first.payload == {}
    assert first.header["id"] != second.header["id"]
