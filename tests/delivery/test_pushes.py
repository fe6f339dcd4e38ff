"""Pushes, beside a real store and real providers: what is sent, and what comes of each answer."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

import pytest

from chinwag import commands
from chinwag.broker.memory import MemoryBroker
from chinwag.commands import World
from chinwag.delivery import dispatcher, pushes, spreader
from chinwag.delivery.guard import AddressGuard
from chinwag.delivery.pushing import PushUrls, pushing
from chinwag.domain.binding import CreateBinding, DeleteBinding
from chinwag.domain.credential import (
    CreateCredential,
    DeleteCredential,
    PushType,
    UpdateCredential,
)
from chinwag.domain.membership import UpdateMember
from chinwag.domain.notifications import NotificationChange, NotificationKind
from chinwag.domain.posting import CreateMessage
from chinwag.domain.push import GIVEN_UP, NoPush, PushState
from chinwag.domain.trying import SendTestPush
from delivery import google_peer
from delivery.certificates import a_ca, issue
from delivery.fcm_client import a_closed_port
from delivery.google_peer import Says, a_google, error, fcm
from delivery.http2_peer import Answer, a_peer
from domain.chat import Chat, a_chat
from domain.devices import ALL_ON, EVERYTHING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from chinwag.domain.channel import Channel
    from chinwag.domain.credential import Credential
    from chinwag.domain.push import Push
    from chinwag.domain.unit import Store
    from delivery.google_peer import Google
    from delivery.http2_peer import Peer

PATIENCE_SECONDS = 20
PATIENCE_MS = 4 * 3_600_000
KEEP_MS = 72 * 3_600_000
WAITING = PushState.WAITING
CA = a_ca()
APP = issue(CA, uid="com.example.app")


def unavailable(seconds: int | None = None) -> Says:
    """An answer of a provider that has too much to do, for so many seconds if it says so."""
    headers = {} if seconds is None else {"Retry-After": str(seconds)}
    return error(503, "UNAVAILABLE", "", fcm("UNAVAILABLE"), headers=headers)


@dataclass
class Office:
    """A channel in which alice speaks, a server that pushes, and the providers.

    The clock stands until a test moves it.
    """

    chat: Chat
    channel: Channel
    google: Google
    apple: Peer | None = None
    numbers: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.world = World(self.chat.store, MemoryBroker(), lambda: self.chat.now, self.chat.new_sid)
        self.google.now = lambda: self.chat.now / 1000

    @asynccontextmanager
    async def open(self, *, sink: bool = False, fcm_url: str | None = None) -> AsyncIterator[None]:
        """Run a server."""
        guard = AddressGuard((ip_network("127.0.0.0/8"),), credentials=False)
        apns = self.apple.url if self.apple else "https://127.0.0.1:9"
        urls = PushUrls(apns=apns, apns_sandbox="https://127.0.0.1:9", fcm=fcm_url or self.google.url)
        async with pushing(
            self.world,
            guard,
            bytes.decode,
            urls=urls,
            holder="one",
            sink=sink,
            keep_ms=KEEP_MS,
            patience_ms=PATIENCE_MS,
        ):
            yield

    async def do(self, command: Any, who: str | None = None) -> Any:
        return await commands.run(command, self.chat.caller(who), self.world)

    async def a_credential(self, secret: str | None = None) -> Credential:
        sealed = (secret or self.google.service_account()).encode()
        return await self.do(CreateCredential(type=PushType.FCM, sealed_secret=sealed))

    async def an_apple_credential(self) -> Credential:
        return await self.do(
            CreateCredential(
                type=PushType.APN,
                sealed_certificate=APP.pem.encode(),
                sealed_private_key=APP.key_pem.encode(),
            )
        )

    async def repair(self, credential: Credential) -> None:
        """Give a credential the secret that it should have."""
        self.chat.now += 1
        await self.do(
            UpdateCredential(sid=credential.sid, sealed_secret=self.google.service_account().encode())
        )

    async def a_device(self, who: str, credential: Credential, address: str | None = None) -> str:
        """Register a device of a member, who is made if need be, and return the SID of the binding."""
        if who not in self.numbers:
            self.numbers[who] = len(self.numbers)
            await self.chat.a_user(who)
            await self.chat.joined(self.channel, who)
        command = CreateBinding(
            service_sid=self.chat.service_sid,
            endpoint=None,
            credential_sid=credential.sid,
            binding_type=credential.type,
            address=address or who,
            message_types=EVERYTHING,
        )
        return (await self.do(command, who)).sid

    async def say(self, *bodies: str) -> None:
        for body in bodies or ("hello",):
            command = CreateMessage(service_sid=self.chat.service_sid, channel=self.channel.sid, body=body)
            await self.do(command, "alice")

    async def kept(self) -> list[Push]:
        async with self.chat.store.reading() as tx:
            return await tx.pushes.latest(None, 10_000)

    async def until(self, true: Callable[[list[Push]], object]) -> list[Push]:
        """Wait until something is so of the pushes that are kept, and nothing is left to make."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                async with self.chat.store.reading() as tx:
                    noted, found = await tx.occasions.noted(1), await tx.pushes.latest(None, 10_000)
                if not noted and true(found):
                    return found
                await asyncio.sleep(0.01)

    async def none_is_left(self) -> None:
        await self.until(lambda found: not found)

    async def ended(self, count: int = 1) -> list[Push]:
        """Wait until so many pushes are kept that do not wait."""
        found = await self.until(lambda found: count <= sum(p.state is not PushState.WAITING for p in found))
        return [push for push in found if push.state is not PushState.WAITING]

    async def tried(self, tries: int = 1) -> Push:
        """Wait until the only push that is kept was tried so often, and waits."""
        (push,) = await self.until(lambda found: [push.tries for push in found] == [tries])
        assert push.state is PushState.WAITING
        return push

    async def pass_by(self, seconds: float) -> None:
        self.chat.now += round(seconds * 1000)

    async def credential(self, credential: Credential) -> Credential:
        async with self.chat.store.reading() as tx:
            found = await tx.credentials.get(self.chat.account.account_id, credential.sid)
        assert found is not None
        return found

    async def stopped(self, credential: Credential) -> Credential:
        """Wait until a credential is stopped."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                found = await self.credential(credential)
                if found.stopped is not None:
                    return found
                await asyncio.sleep(0.01)

    async def devices(self, who: str) -> list[str]:
        service, user = await self.chat.service(), await self.chat.user(who)
        async with self.chat.store.reading() as tx:
            return [binding.address for binding in await tx.bindings.of(service, user)]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything happens as it does, and sooner."""
    monkeypatch.setattr(dispatcher, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(dispatcher, "READ_AGAIN_SECONDS", 0.005)
    monkeypatch.setattr(dispatcher, "PAUSES_SECONDS", (0.02,))
    monkeypatch.setattr(spreader, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(spreader, "GATHER_SECONDS", 0.001)


@pytest.fixture
async def google() -> AsyncIterator[Google]:
    async with a_google() as found:
        yield found


@pytest.fixture
async def office(store: Store, google: Google) -> Office:
    chat = await a_chat(store)
    chat.now = time.time_ns() // 1_000_000  # certificates are good from yesterday on
    await chat.set_service(notifications=ALL_ON)
    office = Office(chat, await chat.a_channel(), google)
    await chat.a_user("alice")
    await chat.joined(office.channel, "alice")
    return office


@pytest.fixture
async def apple(office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Peer]:
    monkeypatch.setenv("SSL_CERT_FILE", CA.trusted(tmp_path))
    async with a_peer(CA, clients=CA) as found:
        office.apple = found
        yield found


# Delivered


async def test_what_was_delivered_is_forgotten(office: Office, google: Google) -> None:
    await office.a_device("bob", await office.a_credential())

    async with office.open():
        await office.say()
        await google.until(lambda: google.sent)
        await office.none_is_left()

    (sent,) = google.to("bob")
    assert sent.message["data"]["twi_body"] == f"{office.channel.sid}:alice: hello"
    assert sent.message["android"]["ttl"] == f"{PATIENCE_MS // 1000}s"


async def test_what_was_delivered_is_kept_if_the_service_logs(office: Office, google: Google) -> None:
    await office.chat.set_service(notifications_log_enabled=True)
    await office.a_device("bob", await office.a_credential())

    async with office.open():
        await office.say()
        (push,) = await office.ended()

    assert (push.state, push.reason, push.tries) == (PushState.DELIVERED, "delivered", 1)
    (attempt,) = push.attempts
    assert (attempt.status, attempt.code, attempt.date) == (200, None, office.chat.now)


async def test_every_member_is_told_whatever_reaches_it(office: Office, google: Google, apple: Peer) -> None:
    credential, other = await office.a_credential(), await office.an_apple_credential()
    for number in range(40):
        await office.a_device(f"user {number}", credential)
    await office.a_device("bob", other, "ab12")

    async with office.open():
        await office.say()
        await apple.heard(1)
        await office.none_is_left()

    assert sorted(sent.message["token"] for sent in google.sent) == sorted(f"user {n}" for n in range(40))
    assert [asked.path for asked in apple.asked] == ["/3/device/ab12"]


async def test_what_goes_to_one_device_goes_in_order(office: Office, google: Google) -> None:
    await office.a_device("bob", await office.a_credential())

    async with office.open():
        await office.say(*(str(number) for number in range(20)))
        await office.none_is_left()

    bodies = [sent.message["data"]["twi_body"].rpartition(" ")[2] for sent in google.to("bob")]
    assert bodies == [str(number) for number in range(20)]


async def test_what_has_to_be_sent_again_goes_before_what_is_newer(office: Office, google: Google) -> None:
    """Otherwise the older one would be left on the device, in the place of the newer."""
    google.answers["bob"] = [unavailable(), google_peer.OK, google_peer.OK]
    await office.a_device("bob", await office.a_credential())

    async with office.open():
        await office.say("one", "two")
        await office.until(lambda found: any(push.tries for push in found))
        await office.say("three")
        await office.pass_by(60)
        await office.none_is_left()

    bodies = [sent.message["data"]["twi_body"].rpartition(" ")[2] for sent in google.to("bob")]
    assert bodies == ["one", "one", "two", "three"]


async def test_a_server_finds_what_waits_from_before(office: Office, google: Google) -> None:
    await office.a_device("bob", await office.a_credential())
    await office.say("one", "two")

    async with office.open():
        await google.until(lambda: len(google.sent) == 2)
        await office.none_is_left()


async def test_a_test_push_is_sent_and_kept(office: Office, google: Google) -> None:
    credential = await office.a_credential()
    await office.a_device("bob", credential)

    async with office.open():
        (sid,) = await office.do(SendTestPush(credential_sid=credential.sid, identity="bob"))
        (push,) = await office.ended()

    assert (push.sid, push.state) == (sid, PushState.DELIVERED)
    assert len(google.to("bob")) == 1


async def test_the_number_at_the_icon_is_that_of_the_moment(office: Office, apple: Peer) -> None:
    on = NotificationChange(badge_count_enabled=True)
    log = {"notifications_log_enabled": True}
    await office.chat.set_service(notifications={NotificationKind.NEW_MESSAGE: on}, **log)
    await office.a_device("bob", await office.an_apple_credential(), "ab12")
    await office.say("before")
    reads = UpdateMember(
        service_sid=office.chat.service_sid,
        channel=office.channel.sid,
        member="bob",
        last_consumed_message_index=0,
    )
    await office.do(reads, "bob")
    await office.say("after")

    async with office.open():
        await apple.heard(2)
        found = await office.until(
            lambda found: (
                [push.state for push in found if push.identity == "bob"] == [PushState.DELIVERED] * 2
            )
        )

    badges = [push.attempts[0].badge for push in found if push.identity == "bob"]
    assert badges == [1, 1]
    assert all(b'"badge":1' in asked.body for asked in apple.asked)


# Failed, and gone


async def test_what_a_provider_does_not_take_has_failed(office: Office, google: Google) -> None:
    google.answers["bob"] = [google_peer.TOO_BIG]
    await office.a_device("bob", await office.a_credential())

    async with office.open():
        await office.say()
        (push,) = await office.ended()

    assert (push.state, push.tries) == (PushState.FAILED, 1)
    assert (push.attempts[0].code, push.attempts[0].status) == (52106, 400)
    assert push.reason == push.attempts[0].answer
    assert await office.devices("bob") == ["bob"]


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (google_peer.UNREGISTERED, 52103),
        (google_peer.INVALID_TOKEN, 52102),
        (google_peer.SENDER_ID_MISMATCH, 52104),
    ],
)
async def test_a_device_that_is_gone_is_forgotten(
    office: Office, google: Google, answer: Says, code: int
) -> None:
    credential = await office.a_credential()
    google.answers["old phone"] = [answer]
    await office.a_device("bob", credential, "old phone")
    await office.a_device("bob", credential, "new phone")

    async with office.open():
        await office.say()
        (push,) = await office.until(lambda found: [p.state for p in found] == [PushState.FAILED])

    assert push.attempts[0].code == code
    assert await office.devices("bob") == ["new phone"]
    assert (await office.credential(credential)).stopped is None


async def test_who_has_no_device_any_more_is_not_notifiable(office: Office, google: Google) -> None:
    await office.chat.set_service(reachability_enabled=True)
    google.answers["bob"] = [google_peer.UNREGISTERED]
    await office.a_device("bob", await office.a_credential())
    assert (await office.chat.user("bob")).is_notifiable is True

    async with office.open():
        await office.say()
        await office.ended()

    assert (await office.chat.user("bob")).is_notifiable is False


async def test_a_device_that_is_gone_on_an_iphone_is_forgotten(office: Office, apple: Peer) -> None:
    apple.answer = lambda _asked: Answer(410, {"reason": "Unregistered"})
    await office.a_device("bob", await office.an_apple_credential(), "ab12")

    async with office.open():
        await office.say()
        (push,) = await office.ended()

    assert (push.state, push.attempts[0].code) == (PushState.FAILED, 52141)
    assert await office.devices("bob") == []


async def test_a_device_that_is_gone_may_be_found_so_more_than_once(office: Office, google: Google) -> None:
    google.answers["bob"] = [google_peer.UNREGISTERED]
    await office.a_device("bob", await office.a_credential())

    async with office.open():
        google.gives_tokens.clear()
        await office.say("one", "two")
        await office.until(lambda found: len(found) == 2)
        google.gives_tokens.set()
        found = await office.ended(2)

    assert found[0].state is PushState.FAILED
    assert found[1].state in {PushState.FAILED, PushState.SKIPPED}
    assert await office.devices("bob") == []


# Again


async def test_it_is_tried_again_and_each_time_later(office: Office, google: Google) -> None:
    google.answers["bob"] = [unavailable()] * 4 + [google_peer.OK]
    await office.a_device("bob", await office.a_credential())

    async with office.open():
        await office.say()
        for tries, seconds in enumerate((2, 4, 8, 16), 1):
            push = await office.tried(tries)
            assert push.due == office.chat.now + seconds * 1000
            assert (push.attempts[-1].code, push.attempts[-1].status) == (52110, 503)
            await office.pass_by(seconds)
        await office.none_is_left()

    names = {sent.message["data"]["twi_message_id"] for sent in google.to("bob")}
    assert len(google.to("bob")) == 5
    assert len(names) == 1


async def test_it_is_not_tried_before_it_is_due(office: Office, google: Google) -> None:
    credential = await office.a_credential()
    google.answers["bob"] = [unavailable(), google_peer.OK]
    await office.a_device("bob", credential)

    async with office.open():
        await office.say()
        await office.tried()
        await office.pass_by(1.999)
        for number in range(3):  # the time that others take is enough for bob's, too
            await office.a_device(f"user {number}", credential)
            await office.say()
            await google.until(lambda number=number: google.to(f"user {number}"))
        name = google.to("bob")[0].message["data"]["twi_message_id"]
        assert sum(sent.message["data"]["twi_message_id"] == name for sent in google.to("bob")) == 1
        await office.pass_by(0.001)
        await office.none_is_left()

    assert sum(sent.message["data"]["twi_message_id"] == name for sent in google.to("bob")) == 2


async def test_the_wait_does_not_grow_without_end(office: Office, google: Google) -> None:
    google.answers["bob"] = [unavailable()]
    await office.a_device("bob", await office.a_credential())

    async with office.open():
        await office.say()
        for tries in range(1, 13):
            push = await office.tried(tries)
            wait = push.due - office.chat.now
            assert wait == min(2000 * 2 ** (tries - 1), 600_000)
            office.chat.now = push.due
        push = await office.tried(13)

    assert len(push.attempts) == 10
    assert [attempt.date for attempt in push.attempts] == sorted(attempt.date for attempt in push.attempts)


async def test_a_provider_that_wants_to_be_left_alone_for_longer_is(office: Office, google: Google) -> None:
    google.answers["bob"] = [unavailable(90)]
    await office.a_device("bob", await office.a_credential())

    async with office.open():
        await office.say()
        push = await office.tried()

    assert push.due == office.chat.now + 90_000


async def test_a_provider_that_wants_to_be_left_alone_for_less_is_for_as_long_as_others(
    office: Office, google: Google
) -> None:
    google.answers["bob"] = [unavailable(1)]
    await office.a_device("bob", await office.a_credential())

    async with office.open():
        await office.say()
        push = await office.tried()

    assert push.due == office.chat.now + 2000


async def test_a_credential_is_left_alone_for_as_long_as_its_provider_wants_and_others_are_not(
    office: Office, google: Google, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pushes.Pushes, "to_one", 1)
    credential, other = await office.a_credential(), await office.a_credential()
    google.answers["bob"] = [unavailable(2)]
    moments: dict[str, float] = {}
    for who in ("bob", "carol", "dave"):
        await office.a_device(who, other if who == "dave" else credential)

    async with office.open():
        await office.say()
        for who in ("bob", "dave", "carol"):
            await google.until(lambda who=who: google.to(who))
            moments[who] = time.monotonic()
        await office.tried()

    assert moments["carol"] - moments["dave"] >= 1.0
    assert moments["carol"] - moments["bob"] >= 1.9
    assert len(google.to("bob")) == 1


async def test_a_device_that_wants_to_be_left_alone_holds_up_no_other(
    office: Office, apple: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pushes.Pushes, "to_one", 1)
    credential = await office.an_apple_credential()
    busy = Answer(429, {"reason": "TooManyRequests"}, {"retry-after": "3600"})
    apple.answer = lambda asked: busy if asked.path.endswith("/aa") else Answer()
    await office.a_device("bob", credential, "aa")
    await office.a_device("carol", credential, "bb")

    async with office.open():
        await office.say()
        push = await office.tried()

    assert push.due == office.chat.now + 3_600_000
    assert [asked.path for asked in apple.asked] == ["/3/device/aa", "/3/device/bb"]


async def test_where_nobody_answers_it_is_tried_again(office: Office, google: Google) -> None:
    port = await a_closed_port()
    await office.a_device("bob", await office.a_credential())

    async with office.open(fcm_url=f"http://127.0.0.1:{port}"):
        await office.say()
        push = await office.tried()
        assert (push.attempts[0].status, push.due) == (None, office.chat.now + 2000)
    await office.pass_by(2)
    async with office.open():
        await office.none_is_left()

    assert len(google.to("bob")) == 1


# Stopped


async def test_a_credential_that_its_provider_does_not_take_is_stopped_and_its_pushes_wait(
    office: Office, google: Google
) -> None:
    google.answers["bob"] = [google_peer.PERMISSION_DENIED]
    credential = await office.a_credential()
    await office.a_device("bob", credential)

    async with office.open():
        await office.say()
        stopped = await office.stopped(credential)
        push = await office.tried()

    assert (stopped.stopped_code, stopped.date_stopped) == (52109, office.chat.now)
    assert stopped.stopped == push.reason
    assert stopped.date_updated == credential.date_updated
    assert await office.devices("bob") == ["bob"]


async def test_while_one_credential_is_stopped_others_go_on(office: Office, google: Google) -> None:
    broken, good = await office.a_credential("no JSON"), await office.a_credential()
    await office.a_device("bob", broken)
    await office.a_device("carol", good)

    async with office.open():
        await office.say("one")
        await office.stopped(broken)
        await office.say("two", "three")
        await google.until(lambda: len(google.to("carol")) == 3)
        found = await office.until(lambda found: len(found) == 3)

    assert {push.identity for push in found} == {"bob"}
    assert google.to("bob") == []


async def test_a_credential_that_was_changed_is_tried_again(office: Office, google: Google) -> None:
    credential = await office.a_credential("no JSON")
    await office.a_device("bob", credential)
    await office.a_device("carol", credential)

    async with office.open():
        await office.say("one", "two")
        await office.stopped(credential)
        await office.until(lambda found: len(found) == 4)
        await office.repair(credential)
        await office.none_is_left()

    assert (await office.credential(credential)).stopped is None
    assert (len(google.to("bob")), len(google.to("carol"))) == (2, 2)


async def test_a_credential_that_was_stopped_before_a_restart_is_still_stopped(
    office: Office, google: Google
) -> None:
    credential, good = await office.a_credential("no JSON"), await office.a_credential()
    await office.a_device("bob", credential)
    async with office.open():
        await office.say()
        await office.stopped(credential)
        await office.tried()

    async with office.open():
        await office.a_device("carol", good)
        await office.say()
        await google.until(lambda: google.to("carol"))
        found = await office.until(lambda found: len(found) == 2)

    assert sorted(push.tries for push in found) == [0, 1]


async def test_a_credential_that_is_changed_while_it_fails_is_not_stopped(
    office: Office, google: Google
) -> None:
    google.gives_tokens.clear()
    google.token_answers = [Says(400, {"error": "invalid_grant", "error_description": "no"})]
    credential = await office.a_credential()
    await office.a_device("bob", credential)

    async with office.open():
        await office.say()
        await google.until(lambda: google.tokens_asked == 1)
        await office.repair(credential)
        google.gives_tokens.set()
        await office.none_is_left()

    assert (await office.credential(credential)).stopped is None
    assert len(google.to("bob")) == 1


async def test_without_its_credential_a_push_fails(office: Office, google: Google) -> None:
    credential = await office.a_credential()
    await office.a_device("bob", credential)
    await office.say()
    await office.do(DeleteCredential(sid=credential.sid))

    async with office.open():
        (push,) = await office.ended()

    assert (push.state, push.attempts[0].code) == (PushState.FAILED, 52002)
    assert google.sent == []


async def test_a_credential_that_was_stopped_and_is_deleted_holds_no_pushes_back(
    office: Office, google: Google
) -> None:
    credential = await office.a_credential("no JSON")
    await office.a_device("bob", credential)

    async with office.open():
        await office.say()
        await office.stopped(credential)
        await office.tried()
        await office.do(DeleteCredential(sid=credential.sid))
        (push,) = await office.ended()

    assert (push.state, push.attempts[-1].code) == (PushState.FAILED, 52002)


# Not at all


async def test_a_device_that_was_unregistered_meanwhile_is_passed_over(
    office: Office, google: Google
) -> None:
    google.answers["bob"] = [unavailable(), google_peer.OK]
    sid = await office.a_device("bob", await office.a_credential())

    async with office.open():
        await office.say()
        await office.tried()
        await office.do(DeleteBinding(service_sid=office.chat.service_sid, sid=sid))
        await office.pass_by(2)
        (push,) = await office.ended()

    assert (push.state, push.reason) == (PushState.SKIPPED, NoPush.UNREGISTERED)
    assert len(google.sent) == 1


async def test_a_device_that_went_to_somebody_else_is_not_told_what_was_meant_for_another(
    office: Office, google: Google
) -> None:
    credential = await office.a_credential()
    google.answers["shared"] = [unavailable(), google_peer.OK]
    await office.a_device("bob", credential, "shared")

    async with office.open():
        await office.say()
        await office.tried()
        await office.a_device("carol", credential, "shared")
        await office.pass_by(2)
        (push,) = await office.ended()

    assert (push.identity, push.reason) == ("bob", NoPush.UNREGISTERED)
    assert len(google.sent) == 1


async def test_what_a_server_has_read_already_goes_to_nobody_else(
    office: Office, google: Google, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a provider wants to be left alone, who uses a device may change."""
    monkeypatch.setattr(pushes.Pushes, "to_one", 1)
    credential = await office.a_credential()
    google.answers["bob"] = [unavailable(1), google_peer.OK]
    await office.a_device("bob", credential)
    await office.a_device("carol", credential, "shared")
    sid = await office.a_device("dave", credential)

    async with office.open():
        await office.say()
        await google.until(lambda: google.to("bob"))
        await office.a_device("erin", credential, "shared")
        await office.do(DeleteBinding(service_sid=office.chat.service_sid, sid=sid))
        found = await office.until(lambda found: {p.identity for p in found if p.state is WAITING} <= {"bob"})

    assert google.to("shared") == google.to("dave") == []
    assert {push.identity: push.reason for push in found if push.identity != "bob"} == {
        "carol": NoPush.UNREGISTERED,
        "dave": NoPush.UNREGISTERED,
    }


async def test_what_is_older_than_patience_has_failed(office: Office, google: Google) -> None:
    google.answers["bob"] = [unavailable()]
    await office.a_device("bob", await office.a_credential())

    async with office.open():
        await office.say()
        await office.tried()
        await office.pass_by(PATIENCE_MS / 1000)
        (push,) = await office.ended()

    assert (push.state, push.reason, push.tries) == (PushState.FAILED, GIVEN_UP, 1)
    assert len(google.sent) == 1


async def test_what_waits_for_a_stopped_credential_is_given_up_too(office: Office, google: Google) -> None:
    credential = await office.a_credential("no JSON")
    await office.a_device("bob", credential)
    async with office.open():
        await office.say()
        await office.tried()
    await office.pass_by(PATIENCE_MS / 1000 + 1)

    async with office.open():
        (push,) = await office.ended()

    assert (push.state, push.reason) == (PushState.FAILED, GIVEN_UP)


async def test_what_ended_long_ago_is_forgotten(office: Office, google: Google) -> None:
    google.answers["bob"] = [google_peer.TOO_BIG]
    await office.a_device("bob", await office.a_credential())
    async with office.open():
        await office.say("old")
        await office.ended()
        await office.pass_by(3600)
        await office.say("young")
        await office.ended(2)
    await office.pass_by(KEEP_MS / 1000 - 1800)

    async with office.open():
        (push,) = await office.until(lambda found: len(found) < 2)

    assert push.words.text == f"{office.channel.sid}:alice: young"


async def test_in_a_sink_pushes_are_recorded_and_nothing_is_sent(office: Office, google: Google) -> None:
    await office.a_device("bob", await office.a_credential("no JSON"))

    async with office.open(sink=True):
        await office.say()
        (push,) = await office.ended()

    assert (push.state, push.reason) == (PushState.DELIVERED, pushes.RECORDED)
    assert push.words.text == f"{office.channel.sid}:alice: hello"
    assert (google.sent, google.tokens_asked) == ([], 0)


# At the end


async def test_what_is_under_way_at_the_end_is_ended(office: Office, google: Google) -> None:
    await office.a_device("bob", await office.a_credential())

    async with office.open():
        google.gives_tokens.clear()
        await office.say()
        await google.until(lambda: google.tokens_asked == 1)
        asyncio.get_running_loop().call_later(0.1, google.gives_tokens.set)

    assert await office.kept() == []
    assert len(google.to("bob")) == 1


async def test_what_does_not_end_is_sent_again_later(
    office: Office, google: Google, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatcher, "STOP_SECONDS", 0.05)
    await office.a_device("bob", await office.a_credential())
    async with office.open():
        google.gives_tokens.clear()
        await office.say()
        await google.until(lambda: google.tokens_asked == 1)
    (push,) = await office.kept()
    assert (push.state, push.tries) == (PushState.WAITING, 0)
    google.gives_tokens.set()

    async with office.open():
        await office.none_is_left()

    assert len(google.to("bob")) == 1
