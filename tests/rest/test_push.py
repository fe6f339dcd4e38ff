"""Pushes and the state of credentials, as a console sees them. Devices register as SDKs do."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from chinwag.auth.access_token import access_token
from chinwag.domain.push import NoPush
from chinwag.settings import Settings
from delivery import google_peer
from delivery.google_peer import a_google
from support.keys import a_key
from support.sdk_client import SdkClient
from support.server import running_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from delivery.google_peer import Google
    from support.api import Answer, Api
    from support.postgres import Postgres

PATIENCE_SECONDS = 20
NOBODY = {"push": "NT" + "0" * 32, "credential": "CR" + "0" * 32}


@pytest.fixture(scope="module")
async def google(engine: str) -> AsyncIterator[Google]:
    """The provider. Devices are called by their users, and no two tests have the same."""
    async with a_google() as found:
        yield found


@pytest.fixture(scope="module")
async def own_database(
    engine: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> str:
    if engine == "sqlite":
        return f"sqlite:///{tmp_path_factory.mktemp('pushing')}/chinwag.db"
    postgres: Postgres = request.getfixturevalue("postgres")
    return await postgres.database()


@pytest.fixture(scope="module")
def server(
    own_database: str, google: Google, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Settings]]:
    """A server whose provider is on this machine."""
    settings = Settings(
        port=0,
        database=own_database,
        encryption_key="Y2hpbndhZyB0ZXN0cyB1c2UgdGhpcyBmaXhlZCBrZXk=",
        media_store=f"file://{tmp_path_factory.mktemp('media')}",
        log_level="error",
        push_fcm_url=google.url,
    )
    with running_server(settings) as base:
        yield base, settings


@dataclass
class Chat:
    """A channel of a service that pushes and logs, and a credential that reaches devices."""

    api: Api
    settings: Settings
    service: dict[str, Any]
    channel: dict[str, Any]
    credential: str

    @property
    def path(self) -> str:
        return f"/chinwag/v1/Services/{self.service['sid']}/Pushes"

    async def a_device(self, who: str, credential: str | None = None, kind: str = "fcm") -> str:
        """Register a device of a member, over a socket, and return what it is called."""
        await self.api.a_member(self.channel, who)
        key = await a_key(self.settings, self.api.account_sid)
        token = access_token(
            account_sid=self.api.account_sid,
            key_sid=key.sid,
            secret=key.secret,
            service_sid=self.service["sid"],
            identity=who,
            now=time.time_ns() // 1_000_000,
            push_credential_sid=credential or self.credential,
        )
        client = SdkClient(self.api.base, token)
        await client.connect()
        device = {
            "channel_type": kind,
            "message_types": ["twilio.channel.new_message"],
            "data": {"registration_id": who},
        }
        answer = await client.request("POST", "/v1/registrations", device)
        await client.close()
        assert answer.status == 201, answer
        return answer.json["id"]

    async def say(self, body: str = "hello", author: str = "alice") -> str:
        return (await self.api.a_message(self.channel, body, From=author))["sid"]

    async def pushes(self, count: int = 1, **query: Any) -> list[dict[str, Any]]:
        """Wait until so many pushes are listed, but for those of members who were added."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                answer = await self.api.get(self.path, PageSize=100, **query)
                assert answer.status == 200, answer.body
                found = [push for push in answer.json["pushes"] if push["kind"] != "added_to_channel"]
                if len(found) >= count:
                    return found
                await asyncio.sleep(0.02)

    async def state(self, credential: str, wanted: str) -> dict[str, Any]:
        """Wait until a credential is in a state."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                answer = await self.api.get(f"/chinwag/v1/Credentials/{credential}")
                assert answer.status == 200, answer.body
                if answer.json["state"] == wanted:
                    return answer.json
                await asyncio.sleep(0.02)


async def a_credential(api: Api, secret: str) -> str:
    made = await api.post("/v2/Credentials", Type="fcm", Secret=secret, FriendlyName="Our app")
    assert made.status == 201, made.body
    return made.json["sid"]


@pytest.fixture
async def chat(api: Api, server: tuple[str, Settings], google: Google) -> Chat:
    service = await api.a_service()
    on = {"Notifications.NewMessage.Enabled": "true", "Notifications.NewMessage.Sound": "ping"}
    await api.post(f"/v2/Services/{service['sid']}", **on, **{"Notifications.LogEnabled": "true"})
    credential = await a_credential(api, google.service_account())
    return Chat(api, server[1], service, await api.a_channel(service, UniqueName="general"), credential)


def refusals(answers: list[Answer]) -> list[tuple[int, int]]:
    return [(answer.status, answer.code) for answer in answers]


# Pushes


async def test_a_push_is_shown_with_what_was_told_and_answered(chat: Chat, google: Google) -> None:
    binding = await chat.a_device("bob the first")
    message = await chat.say()

    (push,) = await chat.pushes(State="delivered")

    (attempt,) = push.pop("attempts")
    dates = {name: push.pop(name) for name in ("date_created", "date_updated")}
    assert push == {
        "sid": push["sid"],
        "account_sid": chat.api.account_sid,
        "service_sid": chat.service["sid"],
        "kind": "new_message",
        "channel_sid": chat.channel["sid"],
        "message_sid": message,
        "message_index": 0,
        "author": "alice",
        "identity": "bob the first",
        "binding_sid": binding,
        "binding_type": "fcm",
        "credential_sid": chat.credential,
        "body": "general:alice: hello",
        "sound": "ping",
        "state": "delivered",
        "reason": "delivered",
        "tries": 1,
        "url": f"{chat.api.base}{chat.path}/{push['sid']}",
    }
    assert push["sid"].startswith("NT")
    assert (attempt["status"], attempt["code"], attempt["answer"]) == (200, None, "delivered")
    assert attempt["badge"] is None
    assert attempt["duration_ms"] >= 0
    assert dates["date_created"] <= dates["date_updated"]
    assert len(google.to("bob the first")) == 1


async def test_one_push_is_fetched(chat: Chat) -> None:
    await chat.a_device("bob the second")
    await chat.say()
    (push,) = await chat.pushes(State="delivered")

    answer = await chat.api.get(f"{chat.path}/{push['sid']}")

    assert (answer.status, answer.json) == (200, push)
    assert (await chat.api.get(push["url"])).json == push


async def test_the_address_of_a_device_is_not_shown(chat: Chat, google: Google) -> None:
    google.answers["a secret address"] = [google_peer.TOO_BIG]
    await chat.a_device("a secret address")
    await chat.say()
    (push,) = await chat.pushes(State="failed")

    assert {name for name, value in push.items() if value == "a secret address"} == {"identity"}
    assert "address" not in push


async def test_what_failed_is_shown_with_the_reason(chat: Chat, google: Google) -> None:
    google.answers["bob the third"] = [google_peer.TOO_BIG]
    await chat.a_device("bob the third")
    await chat.say()

    (push,) = await chat.pushes(State="failed")

    (attempt,) = push["attempts"]
    assert (attempt["status"], attempt["code"], attempt["answer"]) == (400, 52106, push["reason"])


async def test_what_waits_is_shown_with_its_tries(chat: Chat, google: Google) -> None:
    google.answers["bob the fourth"] = [google_peer.UNAVAILABLE]
    await chat.a_device("bob the fourth")
    await chat.say()
    async with asyncio.timeout(PATIENCE_SECONDS):
        await google.until(lambda: len(google.to("bob the fourth")) == 2)

    (push,) = await chat.pushes(State="waiting")

    assert push["tries"] >= 1
    assert len(push["attempts"]) == push["tries"]
    assert push["attempts"][0]["code"] == 52110


async def test_what_was_not_pushed_is_shown_with_the_reason(chat: Chat) -> None:
    await chat.say()

    (push,) = await chat.pushes(State="skipped")

    assert push["reason"] == NoPush.NO_DEVICE
    nothing = ("identity", "binding_sid", "binding_type", "credential_sid", "body", "sound")
    assert [push[name] for name in nothing] == [None] * len(nothing)
    assert (push["tries"], push["attempts"]) == (0, [])


async def test_pushes_are_listed_by_their_states(chat: Chat, google: Google) -> None:
    google.answers["bob the fifth"] = [google_peer.TOO_BIG]
    await chat.a_device("bob the fifth")
    await chat.a_device("alice")
    await chat.a_device("carol the fifth")
    await chat.say()
    await chat.pushes(State=["delivered", "failed", "skipped"], count=3)

    async def who(*states: str) -> set[str]:
        found = await chat.pushes(State=list(states), count=0)
        return {push["identity"] for push in found}

    assert await who("delivered") == {"carol the fifth"}
    assert await who("failed") == {"bob the fifth"}
    assert await who("skipped") == {"alice"}
    assert await who("skipped", "failed") == {"alice", "bob the fifth"}
    assert await who("waiting") == set()
    assert len(await chat.pushes(0)) == 3


async def test_pushes_come_in_pages(chat: Chat) -> None:
    for number in range(5):
        await chat.say(str(number))
    everything = await chat.pushes(5)
    assert [push["message_index"] for push in everything] == list(range(5))

    pages: list[list[dict[str, Any]]] = []
    url: str | None = f"{chat.path}?PageSize=2&State=skipped"
    while url is not None:
        page = (await chat.api.get(url)).json
        assert page["meta"]["key"] == "pushes"
        pages.append(page["pushes"])
        url = page["meta"]["next_page_url"]

    assert [len(page) for page in pages] == [2, 2, 1]
    assert [push for page in pages for push in page] == everything


@pytest.mark.parametrize("query", [{"State": "tea"}, {"State": ["failed", "tea"]}])
async def test_an_unknown_state_is_refused(chat: Chat, query: dict[str, Any]) -> None:
    assert (await chat.api.get(chat.path, **query)).code == 20001


async def test_pushes_of_others_are_not_there(chat: Chat, stranger: Api) -> None:
    await chat.say()
    (push,) = await chat.pushes()
    elsewhere = (await chat.api.a_service())["sid"]

    answers = [
        await stranger.get(chat.path),
        await stranger.get(f"{chat.path}/{push['sid']}"),
        await chat.api.get(f"/chinwag/v1/Services/{elsewhere}/Pushes/{push['sid']}"),
        await chat.api.get(f"{chat.path}/{NOBODY['push']}"),
        await chat.api.get(f"{chat.path}/nothing"),
    ]

    assert refusals(answers) == [(404, 20404)] * 5
    assert (await chat.api.get(f"/chinwag/v1/Services/{elsewhere}/Pushes")).json["pushes"] == []


# Credentials


async def test_a_credential_that_can_be_used_says_what_it_is_for(chat: Chat) -> None:
    answer = await chat.api.get(f"/chinwag/v1/Credentials/{chat.credential}")

    assert answer.status == 200
    assert answer.json == {
        "sid": chat.credential,
        "account_sid": chat.api.account_sid,
        "type": "fcm",
        "state": "active",
        "detail": f"project {google_peer.PROJECT}, {google_peer.EMAIL}",
        "code": None,
        "date_stopped": None,
        "url": f"{chat.api.base}/chinwag/v1/Credentials/{chat.credential}",
    }


async def test_a_credential_that_cannot_be_used_says_why_and_no_secret(api: Api) -> None:
    credential = await a_credential(api, "swordfish")

    found = (await api.get(f"/chinwag/v1/Credentials/{credential}")).json

    assert found["state"] == "unusable"
    assert 52000 < found["code"] < 53000
    assert "swordfish" not in str(found)


async def test_a_credential_that_was_stopped_says_why_until_it_is_changed(chat: Chat, google: Google) -> None:
    google.answers["bob the sixth"] = [google_peer.PERMISSION_DENIED, google_peer.OK]
    await chat.a_device("bob the sixth")
    await chat.say()

    stopped = await chat.state(chat.credential, "stopped")
    assert (stopped["code"], stopped["date_stopped"] is None) == (52109, False)
    assert "the service account may not send pushes of this project" in stopped["detail"]
    (push,) = await chat.pushes(State="waiting")
    assert push["reason"] in stopped["detail"]

    changed = await chat.api.post(f"/v2/Credentials/{chat.credential}", Secret=google.service_account())
    assert changed.status == 200
    assert (await chat.state(chat.credential, "active"))["date_stopped"] is None
    (push,) = await chat.pushes(State="delivered")
    assert push["tries"] == 2


async def test_credentials_of_others_have_no_state(chat: Chat, stranger: Api) -> None:
    answers = [
        await stranger.get(f"/chinwag/v1/Credentials/{chat.credential}"),
        await chat.api.get(f"/chinwag/v1/Credentials/{NOBODY['credential']}"),
        await chat.api.get("/chinwag/v1/Credentials/nothing"),
    ]

    assert [answer.status for answer in answers] == [404] * 3
    assert len({answer.code for answer in answers}) == 1


# Trying


def trial(chat: Chat) -> str:
    return f"/chinwag/v1/Credentials/{chat.credential}/Test"


async def test_a_credential_is_tried_on_the_devices_of_a_user(chat: Chat, google: Google) -> None:
    await chat.a_device("bob the seventh")

    answer = await chat.api.post(trial(chat), Identity="bob the seventh")

    assert answer.status == 201
    (sid,) = answer.json["push_sids"]
    assert answer.json["sid"] == chat.credential
    assert answer.json["identity"] == "bob the seventh"
    (push,) = await chat.pushes(State="delivered")
    assert (push["sid"], push["kind"], push["author"]) == (sid, "test", "system")
    assert push["body"] == "A test: push notifications of Our app arrive here."
    assert len(google.to("bob the seventh")) == 1


async def test_who_has_no_device_with_the_credential_cannot_try_it(chat: Chat, google: Google) -> None:
    await chat.api.a_member(chat.channel, "carol")
    await chat.a_device("bob the eighth", await a_credential(chat.api, google.service_account()))

    answers = [
        await chat.api.post(trial(chat), Identity=who) for who in ("carol", "bob the eighth", "nobody")
    ]

    assert refusals(answers) == [(404, 20404)] * 3
    assert await chat.pushes(0) == []


async def test_nobody_tries_the_credential_of_another_account(chat: Chat, stranger: Api) -> None:
    await chat.a_device("bob the ninth")

    answers = [
        await stranger.post(trial(chat), Identity="bob the ninth"),
        await chat.api.post(f"/chinwag/v1/Credentials/{NOBODY['credential']}/Test", Identity="bob the ninth"),
    ]

    assert [answer.status for answer in answers] == [404] * 2
    assert answers[0].code == answers[1].code
    assert await chat.pushes(0) == []


@pytest.mark.parametrize("form", [{}, {"Identity": ""}, {"Identity": "x" * 10_000}])
async def test_a_trial_needs_an_identity(chat: Chat, form: dict[str, str]) -> None:
    answer = await chat.api.post(trial(chat), **form)

    assert answer.status == 400
    assert answer.code in {20001, 20002}


# Devices


async def test_a_device_that_was_registered_is_a_binding(chat: Chat) -> None:
    sid = await chat.a_device("bob the tenth")

    listed = await chat.api.get(f"/v2/Services/{chat.service['sid']}/Bindings")
    (binding,) = listed.json["bindings"]

    assert (binding["sid"], binding["identity"], binding["binding_type"]) == (sid, "bob the tenth", "fcm")
    assert (binding["credential_sid"], binding["message_types"]) == (chat.credential, ["new_message"])
    assert binding["endpoint"] == f"bob the tenth:{sid}"
    assert (await chat.api.delete(binding["url"])).status == 204
    assert (await chat.api.get(binding["url"])).status == 404
    await chat.say()
    (push,) = await chat.pushes()
    assert push["reason"] == NoPush.NO_DEVICE
