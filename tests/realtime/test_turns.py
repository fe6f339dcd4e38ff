"""A crowd of sockets leaves time to others, and everybody in it has his turn."""

from __future__ import annotations

import asyncio
import gc
import threading
from typing import TYPE_CHECKING, Any

import pytest

from chinwag import limits
from chinwag.auth import guesses
from chinwag.auth.guesses import Guesses
from chinwag.realtime import turns
from chinwag.realtime.endpoint import SocketSession
from chinwag.realtime.realtime import LOGINS, Realtime
from chinwag.realtime.turns import TURN_SECONDS, Turns
from chinwag.rest.protocol import BoundedProtocol
from realtime.parts import SECONDS, eventually
from rest.wire import connected
from support.asking import lines
from support.churn import KEY_SID
from support.full_house import House, a_house
from support.kill import ACCOUNT_SID
from support.known import known_server
from support.sdk_client import Connection, SdkClient, access_token
from support.twilsock import PING, PONG, Reader, frame, opening, packet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from chinwag.auth.access_token import Session
    from chinwag.realtime.client import Client

ACKNOWLEDGEMENT = packet(
    {
        "id": "TM0",
        "method": "reply",
        "payload_type": "application/json",
        "status": {"code": 200, "status": "OK"},
    }
)

CROWD = 10
MESSAGES = 10


class Loop:
    """A loop whose turns a test takes, and in which everything takes a while."""

    def __init__(self) -> None:
        self.now = 0.0
        self.done: list[str] = []
        self._soon: list[Callable[[], None]] = []
        self.turns = Turns(self._soon.append, lambda: self.now)

    def comes(self, what: str, seconds: float = TURN_SECONDS / 2) -> None:
        """Take something, now or when there is time."""

        def take() -> None:
            self.done.append(what)
            self.now += seconds

        if self.turns.has_time():
            take()
        else:
            self.turns.wait(take)

    def turn(self) -> None:
        """Do what is to be done in the next turn."""
        soon, self._soon[:] = list(self._soon), []
        for act in soon:
            act()


def test_what_comes_is_taken_at_once_as_long_as_there_is_time() -> None:
    loop = Loop()

    for what in "abcd":
        loop.comes(what)

    assert loop.done == ["a", "b"]


def test_the_rest_is_taken_in_later_turns_in_the_order_in_which_it_came() -> None:
    loop = Loop()
    for what in "abcdefg":
        loop.comes(what)

    taken = [len(loop.done)]
    while len(loop.done) < 7:
        loop.turn()
        taken.append(len(loop.done))

    assert loop.done == list("abcdefg")
    assert taken == [2, 4, 6, 7]


def test_nobody_overtakes_who_waits() -> None:
    loop = Loop()
    for what in "abcdef":
        loop.comes(what)
    loop.turn()

    loop.comes("late")
    loop.turn()
    loop.turn()

    assert loop.done == [*"abcdef", "late"]


def test_a_turn_after_a_quiet_one_has_all_its_time() -> None:
    loop = Loop()
    loop.comes("a")
    loop.turn()

    loop.comes("b")
    loop.comes("c")

    assert loop.done == ["a", "b", "c"]


def test_what_takes_longer_than_a_turn_is_taken_all_the_same() -> None:
    loop = Loop()
    for what in "abc":
        loop.comes(what, 3 * TURN_SECONDS)

    loop.turn()
    loop.turn()

    assert loop.done == ["a", "b", "c"]


@pytest.fixture
def base(tmp_path: Path) -> Iterator[str]:
    with known_server(tmp_path) as base:
        yield base


@pytest.fixture
def no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """In each turn one piece is taken, and everything else waits."""
    monkeypatch.setattr(turns, "TURN_SECONDS", 0.0)


async def test_a_crowd_without_time_is_let_in_and_has_what_each_says_in_order(
    no_time: None, base: str
) -> None:
    async with lines(base, 1) as over:
        house = await a_house(over)
        await house.fill(channels=1, members=CROWD)

        clients = await a_crowd(base, house)
        posted = await asyncio.gather(
            *(post(client, house, f"{nth}") for client in clients for nth in range(MESSAGES))
        )
        listed = await house.asked("GET", f"{house.path}/Channels/{house.channels[0]}/Messages?PageSize=100")
        for client in clients:
            await client.close()

    said: dict[str, list[str]] = {}
    for message in sorted(listed["messages"], key=lambda message: message["index"]):
        said.setdefault(message["from"], []).append(message["body"])
    assert posted == [201] * CROWD * MESSAGES
    assert list(said.values()) == [[f"{nth}" for nth in range(MESSAGES)]] * CROWD


async def test_who_does_not_wait_for_the_handshake_is_let_in_as_well(no_time: None, base: str) -> None:
    host, _, port = base.removeprefix("http://").partition(":")
    connections = [await asyncio.open_connection(host, port) for _ in range(CROWD)]
    ping = frame(PING, b"there?")

    for _, writer in connections:
        writer.write(opening(host) + ACKNOWLEDGEMENT + ping[:3])
    for _, writer in connections:
        writer.write(ping[3:] + ACKNOWLEDGEMENT + ping)
    answers = [await answered(reader, 2) for reader, _ in connections]
    for _, writer in connections:
        writer.close()

    assert answers == [[(PONG, b"there?")] * 2] * CROWD


async def answered(reader: asyncio.StreamReader, count: int) -> list[tuple[int, bytes]]:
    """Return so many messages behind the handshake."""
    came, messages = Reader(), []
    async with asyncio.timeout(20):
        while len(messages) <= count:
            messages += came.feed(await reader.read(65536))
    return messages[1:]


async def test_of_a_crowd_only_some_log_in_at_a_time(base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    logging_in: list[Realtime] = []
    at_a_time: list[int] = []
    log_in = Realtime.log_in

    async def counted(here: Realtime, *login: Any) -> Client:
        logging_in.append(here)
        at_a_time.append(len(logging_in))
        try:
            await asyncio.sleep(0.01)  # a store that takes its time
            return await log_in(here, *login)
        finally:
            logging_in.pop()

    monkeypatch.setattr(Realtime, "log_in", counted)
    async with lines(base, 1) as over:
        house = await a_house(over)
        await house.fill(channels=1, members=4 * LOGINS)
        for client in await a_crowd(base, house):
            await client.close()

    assert len(at_a_time) == 4 * LOGINS
    assert max(at_a_time) == LOGINS


async def test_who_guesses_and_waits_for_his_turn_keeps_nobody_from_logging_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guesses, "PATIENCE_SECONDS", 3600.0)
    wrong: list[str] = []
    wrong_from = Guesses.wrong

    async def noted(here: Guesses, address: str) -> None:
        wrong.append(address)
        await wrong_from(here, address)

    monkeypatch.setattr(Guesses, "wrong", noted)
    with known_server(tmp_path, guesses_per_minute=1) as base:
        async with lines(base, 1) as over:
            house = await a_house(over)
            guessing = [
                asyncio.ensure_future(a_login(base, bad_token(house, nth))) for nth in range(1 + LOGINS)
            ]
            await eventually(lambda: len(wrong) == 1 + LOGINS)
            await asyncio.wait(guessing, return_when=asyncio.FIRST_COMPLETED)

            client = SdkClient(base, house.token("alice"))
            await client.connect()
            answered = sum(guess.done() for guess in guessing)

            await client.close()
            for guess in guessing:
                guess.cancel()
            await asyncio.wait(guessing)

    assert answered == 1


async def test_the_login_of_a_client_that_has_gone_is_not_carried_out(
    base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    logged_in: list[str] = []
    received, ended = [], []
    may_go_on = threading.Event()  # the server has a loop of its own
    log_in, receive, end = Realtime.log_in, SocketSession.received, SocketSession.ended

    async def slow(here: Realtime, session: Session, *login: Any) -> Client:
        logged_in.append(session.identity)
        await asyncio.to_thread(may_go_on.wait, SECONDS)
        return await log_in(here, session, *login)

    def noted(session: SocketSession, data: bytes) -> None:
        receive(session, data)
        received.append(session)

    def noted_end(session: SocketSession, *, lost: bool) -> None:
        end(session, lost=lost)
        ended.append(session)

    monkeypatch.setattr(Realtime, "log_in", slow)
    monkeypatch.setattr(SocketSession, "received", noted)
    monkeypatch.setattr(SocketSession, "ended", noted_end)
    async with lines(base, 1) as over:
        house = await a_house(over)
        clients = [SdkClient(base, house.token(f"person-{nth}")) for nth in range(LOGINS)]
        coming = [asyncio.ensure_future(client.connect()) for client in clients]
        await eventually(lambda: len(logged_in) == LOGINS)
        with monkeypatch.context() as patch:
            patch.setattr(limits, "LOGIN_SECONDS", 0.2)
            async with connected(base) as gone:
                init = packet({"method": "init", "id": "TM0", "token": house.token("gone")})
                await gone.send(opening("localhost") + init)
                await eventually(lambda: len(ended) == 1)
        assert len(received) == LOGINS + 1

        may_go_on.set()
        await asyncio.gather(*coming)
        for identity in ("next", "last"):
            clients.append(SdkClient(base, house.token(identity)))
            await clients[-1].connect()
        for client in clients:
            await client.close()

    assert sorted(logged_in) == ["last", "next", *(f"person-{nth}" for nth in range(LOGINS))]


async def a_login(base: str, token: str) -> None:
    """Log in over a socket that is cut off afterwards, or when nobody waits for it any more."""
    connection = await Connection.open(base, lambda _: None)
    try:
        await connection.ask({"method": "init", "token": token})
    finally:
        connection.cut()


def bad_token(house: House, nth: int) -> str:
    """A token that is signed with a wrong secret."""
    return access_token(
        "mallory", account_sid=ACCOUNT_SID, key_sid=KEY_SID, secret=f"{nth}" * 32, service_sid=house.service
    )


async def test_a_socket_keeps_nothing_of_the_request_with_which_it_began(base: str) -> None:
    async with lines(base, 1) as over:
        house = await a_house(over)
        await house.fill(channels=1, members=CROWD)
        gc.collect()
        gc.disable()
        try:
            clients = await a_crowd(base, house)
            kept = sum(isinstance(thing, BoundedProtocol) for thing in gc.get_objects())
        finally:
            gc.enable()
        for client in clients:
            await client.close()

    assert kept == len(over)


async def a_crowd(base: str, house: House) -> list[SdkClient]:
    """Let everybody of a house come at once."""
    clients = [SdkClient(base, person.token) for person in house.people]
    await asyncio.gather(*(client.connect() for client in clients))
    return clients


async def post(client: SdkClient, house: House, body: str) -> int:
    """Post a message, behind an acknowledgement: of what comes at once, each piece is taken by itself."""
    assert client.connection is not None
    client.connection.transport.write(ACKNOWLEDGEMENT)
    path = f"/Client/v1/Conversations/{house.channels[0]}/Messages"
    return (await client.request("POST", path, {"body": body, "attributes": "{}"})).status
