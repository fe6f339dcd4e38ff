"""Deleted channels and services: gone for everybody at once, and to the last row in the end."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from chinwag import commands, limits, sweep
from chinwag.app import opened
from chinwag.domain.media import AddMedia, RemoveMedia
from chinwag.settings import Settings
from conformance.stored import add_binding, add_media
from storage.builders import caller_of, new_draft
from storage.outside import ask
from support.api import Api
from support.server import running_server
from support.uploads import Uploader, an_uploader

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

LOOK_SECONDS = 0.01
"""Between two looks at the database: the server runs in this same process."""

LOOKS = 6000
MANY = 3000
"""Messages in a channel: many times what is removed together."""

ACCOUNT = "AC" + "0" * 31 + "1"
TOKEN = "0123456789abcdef" * 2
TABLES = (
    "service",
    "role",
    "user",
    "channel",
    "user_channel",
    "member",
    "invite",
    "message",
    "media",
    "content_left",
    "channel_webhook",
    "binding",
)
NOTHING = dict.fromkeys(TABLES, 0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the contents of files are."""
    return tmp_path / "media"


@pytest.fixture
def settings(database: str, folder: Path) -> Settings:
    """Of servers that have a database to themselves."""
    return Settings(
        port=0,
        database=database,
        encryption_key="Y2hpbndhZyB0ZXN0cyB1c2UgdGhpcyBmaXhlZCBrZXk=",
        account_sid=ACCOUNT,
        auth_token=TOKEN,
        media_store=f"file://{folder}",
        log_level="warning",
    )


@asynccontextmanager
async def served(settings: Settings) -> AsyncIterator[Api]:
    """Run a server, and stop it at the end."""
    async with aiohttp.ClientSession() as session:
        with running_server(settings) as base:
            yield Api(session, base, ACCOUNT, TOKEN)


async def fill(settings: Settings, channel: dict[str, Any]) -> None:
    """Post many messages to a channel."""
    async with opened(settings) as parts:
        store = parts.world.store
        caller = await caller_of(store, ACCOUNT)

        async def post(number: int) -> None:
            draft = new_draft(number, sid=parts.world.new_sid("IM"))
            await store.write(
                lambda tx: tx.messages.post(caller, channel["service_sid"], channel["sid"], draft)
            )

        for start in range(0, MANY, 500):
            await asyncio.gather(*(post(number) for number in range(start, start + 500)))


async def a_full_service(api: Api, settings: Settings) -> dict[str, Any]:
    """Some of everything, in a service with a channel of many messages, which is returned."""
    service = await api.a_service()
    channel = await api.a_channel(service, UniqueName="lobby")
    other = await api.a_channel(service)
    for identity in ("alice", "bob", "carol"):
        user = await api.a_user(service, identity)
        await api.a_member(channel, identity)
        await api.a_member(other, identity)
        await add_binding(settings, user, {"sid": "CR" + "0" * 32, "type": "fcm"})
    await api.a_user(service, "dave")
    await api.an_invite(channel, "dave")
    await api.delete(f"{path_of(channel)}/Members/carol")
    await api.post(
        f"{path_of(channel)}/Webhooks",
        Type="webhook",
        Configuration__Url="http://localhost/",
        Configuration__Filters="onMessageSent",
    )
    await add_media(settings, channel)
    for number in range(3):
        gone = await api.a_message(channel, f"number {number}")
        await api.delete(f"{path_of(channel)}/Messages/{gone['sid']}")
    await api.a_message(other)
    await fill(settings, channel)
    return channel


def path_of(channel: dict[str, Any]) -> str:
    return f"/v2/Services/{channel['service_sid']}/Channels/{channel['sid']}"


async def counted(settings: Settings) -> dict[str, int]:
    """How many rows each table has."""
    counts = ", ".join(f'(SELECT count(*) FROM "{table}")' for table in TABLES)
    (row,) = await ask(settings.database, f"SELECT {counts}")
    return dict(zip(TABLES, row, strict=True))


async def wait_until_only(settings: Settings, expected: dict[str, int]) -> None:
    """Look until nothing but the expected rows are left."""
    left: dict[str, int] = {}
    for _ in range(LOOKS):
        left = await counted(settings)
        if left == expected:
            return
        await asyncio.sleep(LOOK_SECONDS)
    assert left == expected


async def wait_until_fewer_messages(settings: Settings, before: int) -> None:
    """Look until some messages are gone."""
    for _ in range(LOOKS):
        if (await counted(settings))["message"] < before:
            return
        await asyncio.sleep(LOOK_SECONDS)
    pytest.fail("no message went")


async def test_a_channel_of_many_messages_is_gone_at_once_and_to_the_last_row_in_the_end(
    settings: Settings,
) -> None:
    async with served(settings) as api:
        channel = await a_full_service(api, settings)
        path = path_of(channel)
        message = (await api.get(f"{path}/Messages?PageSize=1")).json["messages"][0]
        before = await counted(settings)

        deleted = await api.delete(path)
        answers = [
            await api.get(f"{found}{below}")
            for found in (path, f"/v1/Services/{channel['service_sid']}/Channels/lobby")
            for below in ("", "/Messages", f"/Messages/{message['sid']}", "/Members", "/Invites")
        ]
        posted = await api.post(f"{path}/Messages", Body="too late")
        again = await api.a_channel({"sid": channel["service_sid"]}, UniqueName="lobby")
        alices = await api.get(f"/v2/Services/{channel['service_sid']}/Users/alice/Channels")
        await wait_until_only(
            settings,
            {
                **before,
                "message": 1,
                "member": 3,
                "invite": 0,
                "channel_webhook": 0,
            },
        )

        assert (deleted.status, deleted.body) == (204, b"")
        assert {(answer.status, answer.code) for answer in [*answers, posted]} == {(404, 20404)}
        assert again["messages_count"] == 0
        assert [entry["channel_sid"] for entry in alices.json["channels"]] != [channel["sid"]]
        assert len(alices.json["channels"]) == 1


async def test_a_service_of_many_messages_is_gone_at_once_and_to_the_last_row_in_the_end(
    settings: Settings,
) -> None:
    async with served(settings) as api:
        channel = await a_full_service(api, settings)
        path = f"/v2/Services/{channel['service_sid']}"

        deleted = await api.delete(path)
        answers = [
            await api.get(f"{path}{below}")
            for below in ("", "/Roles", "/Users/alice", "/Channels", "/Channels/lobby", "/Bindings")
        ]
        posted = await api.post(f"{path_of(channel)}/Messages", Body="too late")
        services = await api.get("/v2/Services")
        await wait_until_only(settings, NOTHING)

        assert (deleted.status, deleted.body) == (204, b"")
        assert {(answer.status, answer.code) for answer in [*answers, posted]} == {(404, 20404)}
        assert services.json["services"] == []


async def test_a_server_that_is_stopped_in_the_middle_goes_on_at_its_next_start(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as slowly:
        slowly.setattr(sweep, "ROWS", 1)
        async with served(settings) as api:
            channel = await a_full_service(api, settings)
            before = (await counted(settings))["message"]
            await api.delete(f"/v2/Services/{channel['service_sid']}")
            await wait_until_fewer_messages(settings, before)
    left = (await counted(settings))["message"]

    async with served(settings):
        await wait_until_only(settings, NOTHING)

    assert 0 < left < before


async def test_what_is_being_removed_is_in_nobodys_way(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "ROWS", 1)  # it goes on for as long as this test takes
    async with served(settings) as api:
        channel = await a_full_service(api, settings)
        service = {"sid": channel["service_sid"]}
        await api.delete(path_of(channel))

        other = await api.a_channel(service, UniqueName="lobby")
        member = await api.a_member(other, "alice")
        messages = [await api.a_message(other, f"number {number}") for number in range(10)]
        kept = await api.get(f"{path_of(other)}/Messages")
        still_there = (await counted(settings))["message"]

    assert member["identity"] == "alice"
    assert kept.json["messages"] == messages
    assert still_there > len(messages) + 1


# Files


async def test_what_is_uploaded_and_never_sent_goes_after_a_day_with_its_content(
    settings: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with served(settings) as api:
        uploader = await an_uploader(api, settings)
        channel = await a_channel_of(api, uploader)
        sent, unsent = await uploader.a_file(), await uploader.a_file()
        await api.post(f"{path_of(channel)}/Messages", MediaSid=sent["sid"])
        await begin(settings, uploader)

    monkeypatch.setattr(limits, "UNSENT_MEDIA_MS", 0)
    async with served(settings) as api:
        await wait_until_only(settings, {**await counted(settings), "media": 1, "content_left": 0})

    assert contents(folder) == [sent["sid"]] != [unsent["sid"]]


async def test_the_beginning_of_a_file_that_a_killed_server_left_goes_with_its_row(
    settings: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with served(settings) as api:
        uploader = await an_uploader(api, settings)
        sid = await begin(settings, uploader)
    begun = folder / sid[:7] / f"{sid}#1"
    begun.parent.mkdir()
    begun.write_bytes(b"hel")

    monkeypatch.setattr(limits, "UNSENT_MEDIA_MS", 0)
    async with served(settings):
        await wait_until_only(settings, {**await counted(settings), "media": 0, "content_left": 0})

    assert contents(folder) == []


async def test_the_content_of_a_file_whose_row_is_gone_goes_at_the_next_start(
    settings: Settings, folder: Path
) -> None:
    async with served(settings) as api:
        uploader = await an_uploader(api, settings)
        media = await uploader.a_file()
    async with opened(settings) as parts:  # as by a server that is killed between the row and the content
        caller = await caller_of(parts.world.store, ACCOUNT)
        command = RemoveMedia(service_sid=uploader.service_sid, sid=media["sid"])
        await commands.run(command, caller, parts.world)
    before = contents(folder)

    async with served(settings):
        await wait_until_only(settings, {**await counted(settings), "content_left": 0})

    assert before == [media["sid"]]
    assert contents(folder) == []


async def test_a_content_that_cannot_be_removed_is_tried_again_and_is_in_nobodys_way(
    settings: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "LOOK_SECONDS", 0.1)
    async with served(settings) as api:
        uploader = await an_uploader(api, settings)
        channel = await a_channel_of(api, uploader)
        stuck, other = await uploader.a_file(), await uploader.a_file()
        place = folder / stuck["sid"][:7] / stuck["sid"]
        place.unlink()
        (place / "in the way").mkdir(parents=True)
        for media in (stuck, other):
            made = await api.post(f"{path_of(channel)}/Messages", MediaSid=media["sid"])
            await api.delete(f"{path_of(channel)}/Messages/{made.json['sid']}")
        await wait_until_only(settings, {**await counted(settings), "content_left": 1})

        (place / "in the way").rmdir()
        place.rmdir()
        await wait_until_only(settings, {**await counted(settings), "content_left": 0})

    assert contents(folder) == []


async def a_channel_of(api: Api, uploader: Uploader) -> dict[str, Any]:
    return await api.a_channel({"sid": uploader.service_sid})


async def begin(settings: Settings, uploader: Uploader) -> str:
    """Begin an upload as a server does that is killed before its end, and return its SID."""
    async with opened(settings) as parts:
        caller = await caller_of(parts.world.store, ACCOUNT)
        command = AddMedia(
            service_sid=uploader.service_sid, content_type="text/plain", filename=None, category="media"
        )
        return (await commands.run(command, caller, parts.world)).sid


def contents(folder: Path) -> list[str]:
    """The names of what is kept."""
    return sorted(path.name for path in folder.glob("*/*"))
