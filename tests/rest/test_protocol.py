"""HTTP itself, byte by byte: what a connection may carry, how much, for how long, and what comes back."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from chinwag import limits, serving
from chinwag.rest.body import DRAINED
from chinwag.settings import Settings
from rest.wire import DEADLINE_SECONDS, Wire, basic, connected, head
from support.server import running_server

if TYPE_CHECKING:
    from pathlib import Path

    from support.api import Api

pytestmark = pytest.mark.check(22)

HEALTH = head("GET /healthz")
FORM = "Content-Type: application/x-www-form-urlencoded"
OFFER = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA")
SOON = 0.3


@pytest.fixture
def base(server: tuple[str, Settings]) -> str:
    return server[0]


def create(api: Api, *headers: str) -> bytes:
    """The head of a request that makes a service."""
    return head("POST /v1/Services", FORM, *headers, authorization=basic(api.account_sid, api.auth_token))


async def names(api: Api) -> list[str]:
    return [service["friendly_name"] for service in (await api.get("/v1/Services")).json["services"]]


async def creations(api: Api) -> float:
    """How many requests to make a service have been done with, whatever came of them."""
    measures = (await api.send("GET", "/metrics", auth=False)).body.decode()
    lines = [line for line in measures.splitlines() if "_seconds_count" in line and 'method="POST"' in line]
    return sum(float(line.rpartition(" ")[2]) for line in lines if 'route="/v1/Services"' in line)


async def refusal(wire: Wire, status: int) -> None:
    """See that the server refuses with an envelope and closes the connection."""
    answer = await wire.answer()
    assert (answer.status, answer.code) == (status, 20001)
    assert answer.headers["connection"] == "close"
    assert await wire.is_closed()


# Heads


async def test_a_million_header_lines_are_refused_at_the_hundred_and_first(base: str) -> None:
    async with connected(base) as wire:
        await wire.send(b"GET /healthz HTTP/1.1\r\n")
        sent = 0
        while wire.is_silent and sent < 1_000_000:
            await wire.send(b"a: b\r\n" * 1000)
            sent += 1000

        await refusal(wire, 431)
        assert sent < 1_000_000


async def test_a_header_line_without_end_is_refused(base: str) -> None:
    async with connected(base) as wire:
        await wire.send(b"GET /healthz HTTP/1.1\r\na: ")
        await wire.send(b"x" * 1_000_000)

        await refusal(wire, 431)


@pytest.mark.parametrize(
    "line", [b"GET /" + b"x" * 40_000, b"GET /?" + b"x" * 40_000 + b" HTTP/1.1\r\n\r\n", b"\r\n" * 40_000]
)
async def test_a_request_line_that_is_too_long_is_refused(base: str, line: bytes) -> None:
    async with connected(base) as wire:
        await wire.send(line[:20_000])
        await wire.send(line[20_000:])

        await refusal(wire, 431)


async def test_a_hundred_header_lines_are_read_and_one_more_is_not(base: str) -> None:
    lines = [f"X-{number}: y" for number in range(99)]

    async with connected(base) as wire:
        await wire.send(head("GET /healthz", *lines))
        assert (await wire.answer()).status == 200

        await wire.send(head("GET /healthz", *lines, "X: y"))
        await refusal(wire, 431)


async def test_32_kilobytes_of_head_are_read_and_more_are_not(base: str) -> None:
    async with connected(base) as wire:
        await wire.send(head("GET /healthz", "X: " + "y" * 32_000))
        assert (await wire.answer()).status == 200

        await wire.send(head("GET /healthz", "X: " + "y" * 33_000))
        await refusal(wire, 431)


async def test_the_bound_of_a_head_counts_nothing_that_stood_before_it(base: str) -> None:
    body = head("POST /v1/Services", "Content-Length: 100000") + b"x" * 100_000

    async with connected(base) as wire:
        await wire.send(body + HEALTH[:10])
        assert (await wire.answer()).status == 401

        await wire.send(HEALTH[10:])
        assert (await wire.answer()).status == 200


async def test_half_a_head_and_silence_is_too_late(base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "HEAD_SECONDS", SOON)

    async with connected(base) as wire:
        await wire.send(HEALTH[:-2])

        await refusal(wire, 408)


async def test_a_head_that_drips_is_too_late(base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "HEAD_SECONDS", SOON)

    async with connected(base) as wire:
        await wire.send(b"GET /healthz HTTP/1.1\r\nX: ")
        while wire.is_silent:
            await wire.send(b"y")
            await asyncio.sleep(0.02)

        await refusal(wire, 408)


async def test_half_a_second_head_is_too_late(base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with connected(base) as wire:
        await wire.send(HEALTH)
        assert (await wire.answer()).status == 200
        monkeypatch.setattr(limits, "HEAD_SECONDS", SOON)
        await wire.send(HEALTH[:-2])

        await refusal(wire, 408)


async def test_a_connection_that_says_nothing_is_closed_without_a_word(
    base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "HEAD_SECONDS", SOON)

    async with connected(base) as wire:
        assert await wire.is_closed()


async def test_a_connection_may_rest_between_two_requests(base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "HEAD_SECONDS", 1.0)

    async with connected(base) as wire:
        await wire.send(HEALTH)
        assert (await wire.answer()).status == 200
        await asyncio.sleep(1.2)

        await wire.send(HEALTH)
        assert (await wire.answer()).status == 200


async def test_a_connection_that_rests_too_long_is_closed_even_if_it_stirs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "IDLE_SECONDS", SOON)

    with running_server(Settings(port=0, database=f"sqlite:///{tmp_path}/chinwag.db")) as base:
        async with connected(base) as wire:
            await wire.send(HEALTH)
            assert (await wire.answer()).status == 200
            await wire.send(b"\r\n")

            assert await wire.is_closed()


# What is not HTTP


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\x00" * 100,
        b"hello\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"GET\r\n\r\n",
        b"GET /healthz\r\n\r\n",
        b"GET /healthz HTTP/0.9\r\n\r\n",
        b"GET /healthz HTTP/1.2\r\n\r\n",
        b"GET /healthz HTTP/2.0\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"BREW /healthz HTTP/1.1\r\n\r\n",
        b"get /healthz HTTP/1.1\r\n\r\n",
        b"CONNECT example.com:80 HTTP/1.1\r\n\r\n",
        b"GET /healthz HTTP/1.1\nHost: x\n\n",
        b"GET /health z HTTP/1.1\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\n\r\n",
        b"GET /?\xff HTTP/1.1\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nX Y: z\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nX: a\r\n folded\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nX: \x00\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"POST /v1/Services HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST /v1/Services HTTP/1.1\r\nContent-Length: 1x\r\n\r\n",
        b"POST /v1/Services HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        b"POST /v1/Services HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        b"POST /v1/Services HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
)
async def test_what_is_not_http_gets_an_envelope(base: str, garbage: bytes) -> None:
    async with connected(base) as wire:
        await wire.send(garbage)

        await refusal(wire, 400)


async def test_the_developer_is_told_what_is_wrong_with_a_head(base: str) -> None:
    async with connected(base) as wire:
        await wire.send(b"GET /healthz HTTP/1.1\r\nX Y: z\r\n\r\n")

        assert (await wire.answer()).headers["chinwag-detail"] == "Invalid header token"


async def test_a_bad_request_behind_a_good_one_leaves_the_good_one_its_answer(base: str) -> None:
    async with connected(base) as wire:
        await wire.send(HEALTH + b"\x00\x01 rubbish\r\n\r\n")

        assert (await wire.answer()).status == 200
        await refusal(wire, 400)


async def test_a_bad_request_after_a_good_one_is_refused(base: str) -> None:
    async with connected(base) as wire:
        await wire.send(HEALTH)
        assert (await wire.answer()).status == 200
        await wire.send(b"\x00\x01 rubbish\r\n\r\n")

        await refusal(wire, 400)


async def test_nothing_is_read_behind_a_bad_request(api: Api) -> None:
    async with connected(api.base) as wire:
        await wire.send(HEALTH + b"\x00\x01 rubbish\r\n\r\n")
        await wire.send(create(api, "Content-Length: 14") + b"FriendlyName=x")

        assert (await wire.answer()).status == 200
        await refusal(wire, 400)
    assert await names(api) == []


# Bodies


@pytest.mark.parametrize("begun", [b"", b"FriendlyName=x"])
async def test_a_body_that_never_ends_is_too_late(
    api: Api, monkeypatch: pytest.MonkeyPatch, begun: bytes
) -> None:
    monkeypatch.setattr(limits, "BODY_SECONDS", SOON)

    async with connected(api.base) as wire:
        await wire.send(create(api, "Content-Length: 100") + begun)

        await refusal(wire, 408)
    assert await names(api) == []


async def test_a_body_that_drips_is_too_late(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "BODY_SECONDS", SOON)

    async with connected(api.base) as wire:
        await wire.send(create(api, "Content-Length: 100000") + b"FriendlyName=")
        while wire.is_silent:
            await wire.send(b"x")
            await asyncio.sleep(0.02)

        await refusal(wire, 408)


@pytest.mark.parametrize(
    ("announced", "sent"),
    [
        ("Content-Length: 100", b"FriendlyName=x"),
        ("Transfer-Encoding: chunked", b"e\r\nFriendlyName=x\r\n"),
        ("Transfer-Encoding: chunked", b"e\r\nFriendly"),
    ],
)
async def test_a_client_that_leaves_before_the_end_of_its_body_has_asked_for_nothing(
    api: Api, announced: str, sent: bytes
) -> None:
    before = await creations(api)

    async with connected(api.base) as wire:
        await wire.send(create(api, announced))
        await wire.send(sent)
        await wire.leave()

    async with asyncio.timeout(DEADLINE_SECONDS):
        while await creations(api) == before:
            pass
    assert await names(api) == []


@pytest.mark.parametrize("spoiled", [b"zz\r\n", b"e\r\nFriendlyName=x\r\nzz\r\n", b"e\r\nFriendlyName=xyz"])
async def test_a_body_in_spoiled_pieces_is_refused(api: Api, spoiled: bytes) -> None:
    async with connected(api.base) as wire:
        await wire.send(create(api, "Transfer-Encoding: chunked"))
        await wire.send(spoiled)

        await refusal(wire, 400)
    assert await names(api) == []


async def test_a_spoiled_body_leaves_the_request_before_it_its_answer(api: Api) -> None:
    good = create(api, "Content-Length: 14") + b"FriendlyName=x"

    async with connected(api.base) as wire:
        await wire.send(good + create(api, "Transfer-Encoding: chunked") + b"zz\r\n")

        assert (await wire.answer()).status == 201
        await refusal(wire, 400)
    assert await names(api) == ["x"]


async def test_a_body_that_is_refused_unread_is_read_past(base: str) -> None:
    async with connected(base) as wire:
        await wire.send(head("POST /v1/Services", "Content-Length: 200000"))
        assert (await wire.answer()).status == 401

        await wire.send(b"x" * 200_000 + HEALTH)
        assert (await wire.answer()).status == 200


async def test_a_body_that_nobody_wants_is_not_read_for_ever(base: str) -> None:
    async with connected(base) as wire:
        await wire.send(head("GET /healthz", "Content-Length: 100000000"))
        assert (await wire.answer()).status == 200
        for _ in range(100):
            await wire.send(b"x" * 100_000)

        assert await wire.is_closed()


async def test_a_spoiled_body_that_nobody_wants_ends_the_connection_without_a_second_answer(
    base: str,
) -> None:
    async with connected(base) as wire:
        await wire.send(head("GET /healthz", "Transfer-Encoding: chunked"))
        assert (await wire.answer()).status == 200
        await wire.send(b"zz\r\n")

        assert await wire.is_closed()


async def test_trailers_without_end_are_refused(api: Api) -> None:
    async with connected(api.base) as wire:
        await wire.send(create(api, "Transfer-Encoding: chunked") + b"e\r\nFriendlyName=x\r\n0\r\nX: ")
        for _ in range(100):
            await wire.send(b"y" * 100_000)

        await refusal(wire, 413)
    assert await names(api) == []


async def test_a_trailer_does_not_pass_for_a_header(api: Api) -> None:
    trailer = f"Authorization: {basic(api.account_sid, api.auth_token)}\r\nX-Forwarded-Host: evil\r\n\r\n"
    request = head("POST /v1/Services", FORM, "Transfer-Encoding: chunked")

    async with connected(api.base) as wire:
        await wire.send(request + b"e\r\nFriendlyName=x\r\n0\r\n" + trailer.encode())

        assert (await wire.answer()).status == 401
    assert await names(api) == []


async def test_a_client_that_waits_is_told_to_go_on(api: Api) -> None:
    async with connected(api.base) as wire:
        await wire.send(create(api, "Content-Length: 14", "Expect: 100-continue"))
        assert (await wire.answer()).status == 100

        await wire.send(b"FriendlyName=x")
        assert (await wire.answer()).status == 201


async def test_a_client_that_waits_is_refused_before_it_sends(base: str) -> None:
    async with connected(base) as wire:
        await wire.send(head("POST /v1/Services", FORM, "Content-Length: 14", "Expect: 100-continue"))

        assert (await wire.answer()).status == 401


# Connections


async def test_requests_sent_together_are_answered_in_order(api: Api) -> None:
    bodies = [b"FriendlyName=%d" % number for number in range(10)]

    async with connected(api.base) as wire:
        await wire.send(b"".join(create(api, f"Content-Length: {len(body)}") + body for body in bodies))

        answers = [await wire.answer() for _ in bodies]

    assert [answer.json["friendly_name"] for answer in answers] == [str(number) for number in range(10)]


async def test_a_connection_lives_on_after_an_error(api: Api) -> None:
    unauthorized = head("GET /v1/Services")
    missing = head("GET /tea")
    wrong = head("PUT /v1/Services")
    bad = create(api, "Content-Length: 13") + b"FriendlyName="

    async with connected(api.base) as wire:
        statuses = []
        for request in (unauthorized, missing, wrong, bad, HEALTH):
            await wire.send(request)
            statuses.append((await wire.answer()).status)

    assert statuses == [401, 404, 405, 400, 200]


async def test_a_client_that_asks_for_the_end_gets_it(base: str) -> None:
    async with connected(base) as wire:
        await wire.send(head("GET /healthz", "Connection: close") + HEALTH)

        answer = await wire.answer()
        assert answer.status == 200
        assert answer.headers["connection"] == "close"
        assert await wire.is_closed()


async def test_rubbish_behind_the_last_request_is_not_answered(base: str) -> None:
    async with connected(base) as wire:
        await wire.send(head("GET /healthz", "Connection: close") + b"\x00\x01 rubbish\r\n\r\n")

        assert (await wire.answer()).status == 200
        assert await wire.is_closed()


async def test_rubbish_behind_a_body_that_is_too_large_is_not_answered(api: Api) -> None:
    async with connected(api.base) as wire:
        await wire.send(create(api, "Content-Length: 300000") + b"x" * 300_000 + b"\x00\x01 rubbish\r\n\r\n")

        assert (await wire.answer()).status == 413
        assert await wire.is_closed()


async def test_http_1_0_is_answered_and_the_connection_closed(base: str) -> None:
    async with connected(base) as wire:
        await wire.send(b"GET /openapi.json HTTP/1.0\r\n\r\n")

        answer = await wire.answer()
        assert answer.status == 200
        assert answer.json["servers"] == [{"url": base}]
        assert await wire.is_closed()


async def test_a_whole_address_may_stand_in_the_request_line(base: str) -> None:
    async with connected(base) as wire:
        await wire.send(head("GET http://other.example.com/healthz"))

        assert (await wire.answer()).status == 200


async def test_an_answer_to_head_has_no_body(api: Api) -> None:
    request = head("HEAD /v1/Services", authorization=basic(api.account_sid, api.auth_token))

    async with connected(api.base) as wire:
        await wire.send(request + HEALTH)

        assert (await wire.answer(to="HEAD")).status == 405
        assert (await wire.answer()).body == b"ok\n"


# Offers to speak another protocol are not taken up


async def test_a_request_with_an_offer_to_upgrade_is_answered_as_it_is(base: str) -> None:
    async with connected(base) as wire:
        await wire.send(head("GET /healthz", *OFFER) + HEALTH)
        assert (await wire.answer()).status == 200
        assert (await wire.answer()).status == 200

        await wire.send(HEALTH)
        assert (await wire.answer()).status == 200


async def test_an_offer_of_a_web_socket_is_answered_as_it_is(base: str) -> None:
    offer = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: x")

    async with connected(base) as wire:
        await wire.send(head("GET /healthz", *offer))

        assert (await wire.answer()).body == b"ok\n"


@pytest.mark.parametrize(
    ("announced", "body"),
    [
        ("Content-Length: 14", b"FriendlyName=x"),
        ("Transfer-Encoding: chunked", b"8\r\nFriendly\r\n6\r\nName=x\r\n0\r\n\r\n"),
    ],
)
@pytest.mark.parametrize("pieces", [1, 2, 100])
async def test_a_body_behind_an_offer_to_upgrade_is_read(
    api: Api, announced: str, body: bytes, pieces: int
) -> None:
    request = create(api, *OFFER, announced) + body + HEALTH
    size = -(-len(request) // pieces)

    async with connected(api.base) as wire:
        for start in range(0, len(request), size):
            await wire.send(request[start : start + size])

        assert (await wire.answer()).json["friendly_name"] == "x"
        assert (await wire.answer()).body == b"ok\n"
    assert await names(api) == ["x"]


async def test_an_offer_to_upgrade_lifts_no_bound(base: str) -> None:
    lines = [f"X-{number}: y" for number in range(99)]

    async with connected(base) as wire:
        await wire.send(head("GET /healthz", *OFFER, *lines))

        await refusal(wire, 431)


# What was sent ahead, and what is not a request for us


async def test_only_so_many_requests_may_be_sent_ahead(base: str) -> None:
    async with connected(base) as wire:
        await wire.send(head("GET /healthz") * 500)

        answers = [await wire.answer()]
        while answers[-1].status == 200:
            answers.append(await wire.answer())

        assert len(answers) <= limits.PIPELINED + 3
        assert answers[-1].code == 20001
        assert await wire.is_closed()


async def test_a_refusal_can_be_read_by_the_page_that_caused_it(base: str) -> None:
    async with connected(base) as wire:
        await wire.send(head("CONNECT /v1/Services", "Origin: http://app.example.com"))

        answer = await wire.answer()

    assert answer.code == 20001
    assert answer.headers["access-control-allow-origin"] == "http://app.example.com"


async def test_a_delete_waits_for_a_body_that_it_does_not_use(base: str, api: Api) -> None:
    service = await api.a_service()
    request = head(
        f"DELETE /v1/Services/{service['sid']}",
        f"Content-Length: {DRAINED + 1}",
        authorization=basic(api.account_sid, api.auth_token),
    )
    async with connected(base) as wire:
        await wire.send(request + b"x")

        answer = await wire.answer()

    assert answer.status == 413
    assert (await api.get(f"/v1/Services/{service['sid']}")).status == 200
