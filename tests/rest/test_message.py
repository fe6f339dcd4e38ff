"""Messages over REST. Source: chat-v1 Message, chat-v2 Message."""

from __future__ import annotations

import asyncio
import re
import time
from typing import TYPE_CHECKING, Any

import pytest

from chinwag.app import opened
from chinwag.domain.media import Media
from rest.shared import later

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from chinwag.domain.service import Service
    from chinwag.domain.unit import Transaction
    from chinwag.settings import Settings
    from support.api import Answer, Api

    Upload = Callable[..., Awaitable[str]]

MEDIA = "ME" + "0" * 31
LONG_AGO = "2001-02-03T04:05:06Z"
LATER = "2011-02-03T04:05:06Z"
BODY_BYTES = 32_768


@pytest.fixture
async def channel(api: Api) -> dict[str, Any]:
    return await api.a_channel(await api.a_service())


@pytest.fixture
def messages(channel: dict[str, Any]) -> str:
    """The path of the messages of the channel, below the version."""
    return f"/Services/{channel['service_sid']}/Channels/{channel['sid']}/Messages"


@pytest.fixture
def upload(server: tuple[str, Settings], api: Api, channel: dict[str, Any]) -> Upload:
    """Makes a file as the media service would have kept it, and answers with its SID."""
    _, settings = server

    async def made(number: int = 1, service_sid: str = channel["service_sid"], **columns: Any) -> str:
        media = Media(
            sid=f"{MEDIA}{number:x}",
            **{"size": 42, "content_type": "image/png", "filename": "cat.png", **columns},
            date_created=int(time.time() * 1000),
            date_updated=0,
        )

        async def change(tx: Transaction) -> None:
            account = await tx.accounts.get(api.account_sid)
            assert account is not None
            service: Service | None = await tx.services.get(account.id, service_sid)
            assert service is not None
            await tx.media.add(service, media)

        async with opened(settings) as parts:
            await parts.world.store.write(change)
        return media.sid

    return made


# Creating


async def test_a_new_message_has_every_field_of_v1(api: Api, channel: dict[str, Any], messages: str) -> None:
    made = await api.post(f"/v1{messages}", Body="hello", From="alice", Attributes='{"a": 1}')

    assert made.status == 201
    message = made.json
    assert re.fullmatch(r"IM[0-9a-f]{32}", message["sid"])
    assert message == {
        "sid": message["sid"],
        "account_sid": api.account_sid,
        "service_sid": channel["service_sid"],
        "channel_sid": channel["sid"],
        "to": channel["sid"],
        "from": "alice",
        "body": "hello",
        "attributes": '{"a": 1}',
        "index": 0,
        "was_edited": False,
        "date_created": message["date_created"],
        "date_updated": message["date_created"],
        "url": f"{api.base}/v1{messages}/{message['sid']}",
    }


async def test_a_new_message_has_every_field_of_v2(api: Api, channel: dict[str, Any], messages: str) -> None:
    made = await api.post(f"/v2{messages}", Body="hello", From="alice", Attributes='{"a": 1}')

    assert made.status == 201
    message = made.json
    assert message == {
        "sid": message["sid"],
        "account_sid": api.account_sid,
        "service_sid": channel["service_sid"],
        "channel_sid": channel["sid"],
        "to": channel["sid"],
        "from": "alice",
        "body": "hello",
        "attributes": '{"a": 1}',
        "index": 0,
        "was_edited": False,
        "date_created": message["date_created"],
        "date_updated": message["date_created"],
        "last_updated_by": None,
        "type": "text",
        "media": None,
        "url": f"{api.base}/v2{messages}/{message['sid']}",
    }


@pytest.mark.parametrize("version", ["v1", "v2"])
async def test_nobody_in_particular_is_the_system_and_no_attributes_are_an_empty_object(
    api: Api, messages: str, version: str
) -> None:
    made = await api.post(f"/{version}{messages}", Body="hello")

    assert made.json["from"] == "system"
    assert made.json["attributes"] == "{}"


@pytest.mark.parametrize("version", ["v1", "v2"])
async def test_a_message_that_is_fetched_is_as_it_was_created(api: Api, messages: str, version: str) -> None:
    made = await api.post(f"/{version}{messages}", Body="hëllo 🐙", From="zoë", Attributes="[1]")

    fetched = await api.get(f"/{version}{messages}/{made.json['sid']}")

    assert fetched.status == 200
    assert fetched.json == made.json


async def test_an_author_need_be_neither_member_nor_user(api: Api, channel: dict[str, Any]) -> None:
    message = await api.a_message(channel, From="nobody in particular")

    users = await api.get(f"/v2/Services/{channel['service_sid']}/Users")

    assert message["from"] == "nobody in particular"
    assert users.json["users"] == []


async def test_a_channel_can_be_named_by_its_unique_name(api: Api) -> None:
    service = await api.a_service()
    channel = await api.a_channel(service, UniqueName="the lobby/é")
    named = f"/v2/Services/{service['sid']}/Channels/the%20lobby%2F%C3%A9/Messages"

    made = await api.post(named, Body="hello")

    message = made.json
    path = f"/v2/Services/{service['sid']}/Channels/{channel['sid']}/Messages/{message['sid']}"
    assert made.status == 201
    assert message["channel_sid"] == message["to"] == channel["sid"]
    assert message["url"] == api.base + path
    assert (await api.get(f"{named}/{message['sid']}")).json == message
    assert (await api.get(named)).json["messages"] == [message]
    changed = await api.post(f"{named}/{message['sid']}", Body="bye")
    assert (changed.status, changed.json["body"]) == (200, "bye")
    assert (await api.delete(f"{named}/{message['sid']}")).status == 204
    assert (await api.get(path)).status == 404


# Words, authors and attributes


@pytest.mark.check(24)
@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize("body", ["", " ", "0", "a" * BODY_BYTES, "é" * (BODY_BYTES // 2), "🐙\r\n\t'\"<&>"])
async def test_words_are_kept_as_they_came(api: Api, messages: str, version: str, body: str) -> None:
    made = await api.post(f"/{version}{messages}", Body=body)
    changed = await api.post(f"/{version}{messages}/{made.json['sid']}", Body=body)

    assert (made.status, changed.status) == (201, 200)
    assert made.json["body"] == changed.json["body"] == body


@pytest.mark.check(22)
@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize(
    "body",
    ["a" * (BODY_BYTES + 1), "é" * (BODY_BYTES // 2) + "a", "🐙" * (BODY_BYTES // 4) + "a"],
    ids=["1 byte each", "2 bytes each", "4 bytes each"],
)
async def test_words_are_counted_in_bytes(api: Api, messages: str, version: str, body: str) -> None:
    made = await api.post(f"/{version}{messages}", Body="short")

    refusals = [
        await api.post(f"/{version}{messages}", Body=body),
        await api.post(f"/{version}{messages}/{made.json['sid']}", Body=body),
    ]

    assert [(refusal.status, refusal.code) for refusal in refusals] == [(400, 50504)] * 2
    assert await bodies(api, messages) == ["short"]


async def test_v1_wants_words(api: Api, messages: str) -> None:
    refusal = await api.post(f"/v1{messages}", From="alice")

    assert (refusal.status, refusal.code) == (400, 20001)
    assert refusal.json["message"] == "Missing required parameter Body in the post body"


async def test_v1_does_not_take_a_file_for_words(api: Api, messages: str, upload: Upload) -> None:
    refusal = await api.post(f"/v1{messages}", MediaSid=await upload())

    assert (refusal.status, refusal.code) == (400, 20001)


async def test_v2_wants_words_or_a_file(api: Api, messages: str) -> None:
    refusal = await api.post(f"/v2{messages}", From="alice")

    assert (refusal.status, refusal.code) == (400, 50503)
    assert refusal.json["message"] == "Message body not provided"
    assert await bodies(api, messages) == []


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize("author", ["a", "é" * 256, "IM" + "0" * 32, "system", " "])
async def test_an_author_is_any_text_of_1_to_256_characters(
    api: Api, messages: str, version: str, author: str
) -> None:
    made = await api.post(f"/{version}{messages}", Body="hello", From=author)

    assert made.status == 201
    assert made.json["from"] == author


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize(("author", "code"), [("a" * 257, 50310), ("", 20001)], ids=["long", "empty"])
async def test_no_author_is_longer_or_empty(
    api: Api, messages: str, version: str, author: str, code: int
) -> None:
    refusal = await api.post(f"/{version}{messages}", Body="hello", From=author)

    assert (refusal.status, refusal.code) == (400, code)
    assert await bodies(api, messages) == []


@pytest.mark.check(24)
@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize("text", ["{}", "[]", "null", "0", '"a"', ' {"é": "🐙"} ', f'"{"a" * 16_382}"'])
async def test_attributes_are_json_of_any_kind_kept_as_it_came(
    api: Api, messages: str, version: str, text: str
) -> None:
    made = await api.post(f"/{version}{messages}", Body="hello", Attributes=text)

    assert made.status == 201
    assert made.json["attributes"] == text


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize(
    ("text", "code"),
    [("{", 50304), ("hello", 50304), ("{} {}", 50304), ("'a'", 50304), (f'"{"é" * 8_192}"', 50303)],
    ids=["half", "bare", "two", "quotes", "long"],
)
async def test_attributes_that_are_no_json_or_too_long_are_refused(
    api: Api, messages: str, version: str, text: str, code: int
) -> None:
    made = await api.post(f"/{version}{messages}", Body="hello", Attributes="[1]")

    refusals = [
        await api.post(f"/{version}{messages}", Body="again", Attributes=text),
        await api.post(f"/{version}{messages}/{made.json['sid']}", Body="again", Attributes=text),
    ]

    assert [(refusal.status, refusal.code) for refusal in refusals] == [(400, code)] * 2
    assert (await api.get(f"/{version}{messages}")).json["messages"][0]["body"] == "hello"


async def test_empty_attributes_are_none(api: Api, channel: dict[str, Any], messages: str) -> None:
    message = await api.a_message(channel, Attributes="[1]")

    changed = await api.post(f"/v2{messages}/{message['sid']}", Attributes="")

    assert changed.json["attributes"] == "{}"


async def test_v1_lists_no_attributes_and_v2_does(api: Api, channel: dict[str, Any], messages: str) -> None:
    await api.a_message(channel, Attributes="[1]")

    listed = {version: await api.get(f"/{version}{messages}") for version in ("v1", "v2")}

    assert listed["v1"].json["messages"][0]["attributes"] is None
    assert listed["v2"].json["messages"][0]["attributes"] == "[1]"


# Places


async def test_places_are_counted_from_0_in_each_channel(api: Api) -> None:
    service = await api.a_service()
    one, other = await api.a_channel(service), await api.a_channel(service)

    indices = [(await api.a_message(channel))["index"] for channel in (one, one, other, one, other)]

    assert indices == [0, 1, 0, 2, 1]


@pytest.mark.parametrize("gone", [[0], [1], [2], [1, 2], [0, 1, 2]])
async def test_the_place_of_a_deleted_message_is_not_given_again(
    api: Api, channel: dict[str, Any], messages: str, gone: list[int]
) -> None:
    made = [await api.a_message(channel, f"number {number}") for number in range(3)]
    for index in gone:
        await api.delete(f"/v2{messages}/{made[index]['sid']}")

    assert (await api.a_message(channel))["index"] == 3


async def test_a_channel_counts_its_messages_and_leads_to_the_last(
    api: Api, channel: dict[str, Any], messages: str
) -> None:
    assert await counted(api, channel) == (0, None)

    made = [await api.a_message(channel, f"number {number}") for number in range(3)]
    assert await counted(api, channel) == (3, made[2]["url"])

    await api.delete(f"/v2{messages}/{made[1]['sid']}")
    assert await counted(api, channel) == (2, made[2]["url"])

    await api.delete(f"/v2{messages}/{made[2]['sid']}")
    assert await counted(api, channel) == (1, made[0]["url"])

    await api.delete(f"/v2{messages}/{made[0]['sid']}")
    assert await counted(api, channel) == (0, None)

    again = await api.a_message(channel)
    assert await counted(api, channel) == (1, again["url"])


async def test_a_message_moves_no_date_of_its_channel(
    api: Api, channel: dict[str, Any], messages: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    later(monkeypatch)

    message = await api.a_message(channel)
    await api.post(f"/v2{messages}/{message['sid']}", Body="bye")
    await api.delete(f"/v2{messages}/{message['sid']}")

    fetched = await api.get(channel["url"])
    assert message["date_created"] > channel["date_updated"]
    assert fetched.json == channel


async def test_whoever_posts_at_once_takes_places_of_one_sequence(api: Api) -> None:
    service = await api.a_service()
    channel = await api.a_channel(service, UniqueName="lobby")
    by_sid = f"/v2/Services/{service['sid']}/Channels/{channel['sid']}/Messages"
    by_name = f"/v1/Services/{service['sid']}/Channels/lobby/Messages"

    answers = await asyncio.gather(
        *(api.post((by_sid, by_name)[n % 2], Body=f"number {n}") for n in range(60))
    )

    assert {answer.status for answer in answers} == {201}
    made = sorted((answer.json["index"], answer.json["body"]) for answer in answers)
    assert [index for index, _ in made] == list(range(60))
    assert await bodies(api, by_sid.removeprefix("/v2"), PageSize=100) == [body for _, body in made]
    assert (await counted(api, channel))[0] == 60


async def test_posts_edits_and_deletions_at_once_are_all_counted(
    api: Api, channel: dict[str, Any], messages: str
) -> None:
    made = [await api.a_message(channel, f"number {number}") for number in range(20)]

    answers = await asyncio.gather(
        *(api.delete(f"/v2{messages}/{message['sid']}") for message in made[::2]),
        *(api.post(f"/v2{messages}/{message['sid']}", Body="edited") for message in made[1::2]),
        *(api.post(f"/v2{messages}", Body="new") for _ in range(20)),
    )

    assert [answer.status for answer in answers] == [204] * 10 + [200] * 10 + [201] * 20
    assert await bodies(api, messages) == ["edited"] * 10 + ["new"] * 20
    assert (await counted(api, channel))[0] == 30


async def test_a_message_outlives_its_author(api: Api, messages: str, channel: dict[str, Any]) -> None:
    user = await api.a_user({"sid": channel["service_sid"]}, "alice")
    await api.a_member(channel, "alice")
    message = await api.a_message(channel, From="alice")

    assert (await api.delete(user["url"])).status == 204

    assert (await api.get(f"/v2{messages}/{message['sid']}")).json == message


# Updating


@pytest.mark.parametrize("version", ["v1", "v2"])
async def test_other_words_make_a_message_an_edited_one(
    api: Api, messages: str, version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = (await api.post(f"/{version}{messages}", Body="hello", From="alice", Attributes="[1]")).json
    later(monkeypatch)

    changed = await api.post(f"/{version}{messages}/{made['sid']}", Body="bye")

    assert changed.status == 200
    expected = {**made, "body": "bye", "was_edited": True, "date_updated": changed.json["date_updated"]}
    if version == "v2":
        expected["last_updated_by"] = "system"
    assert changed.json == expected
    assert changed.json["date_updated"] > made["date_updated"]
    assert (await api.get(f"/{version}{messages}/{made['sid']}")).json == expected


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize("parameters", [{"Attributes": "[2]"}, {"Body": "hello"}, {}], ids=str)
async def test_without_other_words_only_the_date_moves(
    api: Api, messages: str, version: str, parameters: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = (await api.post(f"/{version}{messages}", Body="hello", Attributes="[1]")).json
    later(monkeypatch)

    changed = await api.post(f"/{version}{messages}/{made['sid']}", **parameters)

    assert changed.status == 200
    assert changed.json["was_edited"] is False
    assert changed.json["date_updated"] > made["date_updated"]
    assert changed.json["attributes"] == parameters.get("Attributes", "[1]")
    assert changed.json["body"] == "hello"


async def test_a_message_stays_an_edited_one(api: Api, channel: dict[str, Any], messages: str) -> None:
    message = await api.a_message(channel, "hello")
    await api.post(f"/v2{messages}/{message['sid']}", Body="bye")

    changed = await api.post(f"/v2{messages}/{message['sid']}", Body="bye", Attributes="[1]")

    assert changed.json["was_edited"] is True


async def test_an_edit_changes_neither_place_nor_count(
    api: Api, channel: dict[str, Any], messages: str
) -> None:
    first = await api.a_message(channel, "first")
    last = await api.a_message(channel, "last")

    changed = await api.post(f"/v2{messages}/{first['sid']}", Body="edited")

    assert changed.json["index"] == 0
    assert await bodies(api, messages) == ["edited", "last"]
    assert await counted(api, channel) == (2, last["url"])


async def test_v1_does_not_change_the_author_and_v2_does(
    api: Api, channel: dict[str, Any], messages: str
) -> None:
    message = await api.a_message(channel, From="alice")

    in_v1 = await api.post(f"/v1{messages}/{message['sid']}", From="bob")
    in_v2 = await api.post(f"/v2{messages}/{message['sid']}", From="bob")

    assert (in_v1.status, in_v1.json["from"]) == (200, "alice")
    assert (in_v2.status, in_v2.json["from"]) == (200, "bob")
    assert in_v2.json["was_edited"] is False


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"From": "a" * 257}, 50310),
        ({"LastUpdatedBy": "a" * 257}, 50505),
        ({"DateCreated": "yesterday"}, 50308),
        ({"DateUpdated": "2001-02-30T00:00:00Z"}, 50309),
    ],
    ids=["From", "LastUpdatedBy", "DateCreated", "DateUpdated"],
)
async def test_an_update_that_is_refused_changes_nothing(
    api: Api, channel: dict[str, Any], messages: str, wrong: dict[str, str], code: int
) -> None:
    message = await api.a_message(channel)

    refusal = await api.post(f"/v2{messages}/{message['sid']}", Body="bye", **wrong)

    assert (refusal.status, refusal.code) == (400, code)
    assert (await api.get(f"/v2{messages}/{message['sid']}")).json == message


# Imports


async def test_a_message_of_long_ago_is_kept_with_its_dates(api: Api, messages: str) -> None:
    made = await api.post(
        f"/v2{messages}", Body="hello", DateCreated=LONG_AGO, DateUpdated=LONG_AGO, LastUpdatedBy="bob"
    )

    assert made.status == 201
    assert made.json["date_created"] == made.json["date_updated"] == LONG_AGO
    assert made.json["last_updated_by"] == "bob"
    assert made.json["was_edited"] is False
    assert (await api.get(f"/v2{messages}/{made.json['sid']}")).json == made.json


@pytest.mark.parametrize(
    ("created", "updated", "edited"),
    [(LONG_AGO, LATER, True), (LATER, LONG_AGO, False), (LONG_AGO, "2001-02-03T04:05:06.001Z", True)],
)
async def test_who_was_updated_after_it_was_created_was_edited(
    api: Api, messages: str, created: str, updated: str, *, edited: bool
) -> None:
    made = await api.post(f"/v2{messages}", Body="hello", DateCreated=created, DateUpdated=updated)

    assert made.status == 201
    assert made.json["was_edited"] is edited


async def test_a_date_of_creation_alone_is_both(api: Api, messages: str) -> None:
    made = await api.post(f"/v2{messages}", Body="hello", DateCreated=LONG_AGO)

    assert made.json["date_created"] == made.json["date_updated"] == LONG_AGO


async def test_a_message_may_come_from_the_future(api: Api, messages: str) -> None:
    made = await api.post(f"/v2{messages}", Body="hello", DateCreated="2999-12-31T23:59:59Z")

    assert (made.status, made.json["date_created"]) == (201, "2999-12-31T23:59:59Z")


async def test_the_place_is_that_of_arrival_whatever_the_date(
    api: Api, channel: dict[str, Any], messages: str
) -> None:
    await api.a_message(channel, "new")

    old = await api.a_message(channel, "old", DateCreated=LONG_AGO)

    assert old["index"] == 1
    assert await bodies(api, messages) == ["new", "old"]
    assert (await counted(api, channel))[1] == old["url"]


async def test_an_update_gives_dates_and_names_too(api: Api, channel: dict[str, Any], messages: str) -> None:
    message = await api.a_message(channel)

    changed = await api.post(
        f"/v2{messages}/{message['sid']}",
        DateCreated=LONG_AGO,
        DateUpdated=LATER,
        LastUpdatedBy="bob",
        From="carol",
    )

    assert changed.json == {
        **message,
        "date_created": LONG_AGO,
        "date_updated": LATER,
        "last_updated_by": "bob",
        "from": "carol",
    }


@pytest.mark.parametrize(
    ("parameter", "text", "code"),
    [
        ("DateCreated", "", 50308),
        ("DateCreated", "yesterday", 50308),
        ("DateUpdated", "", 50309),
        ("DateUpdated", "2001-13-01T00:00:00Z", 50309),
        ("LastUpdatedBy", "a" * 257, 50505),
    ],
)
async def test_what_an_import_gets_wrong_is_refused(
    api: Api, messages: str, parameter: str, text: str, code: int
) -> None:
    refusal = await api.post(f"/v2{messages}", Body="hello", **{parameter: text})

    assert (refusal.status, refusal.code) == (400, code)
    assert await bodies(api, messages) == []


async def test_v1_knows_nothing_of_imports(api: Api, messages: str) -> None:
    made = await api.post(
        f"/v1{messages}", Body="hello", DateCreated="nonsense", DateUpdated=LONG_AGO, LastUpdatedBy="a" * 999
    )

    assert made.status == 201
    assert made.json["date_created"] == made.json["date_updated"] > LATER


# Media


async def test_a_message_with_a_file_shows_it(api: Api, messages: str, upload: Upload) -> None:
    sid = await upload(size=5_000_000_000, content_type="image/gif", filename="é.gif")

    made = await api.post(f"/v2{messages}", MediaSid=sid, Body="look")

    assert made.status == 201
    assert made.json["type"] == "media"
    assert made.json["body"] == "look"
    assert made.json["media"] == {
        "sid": sid,
        "size": 5_000_000_000,
        "content_type": "image/gif",
        "filename": "é.gif",
    }
    assert (await api.get(f"/v2{messages}/{made.json['sid']}")).json == made.json
    assert (await api.get(f"/v2{messages}")).json["messages"] == [made.json]


async def test_a_file_needs_neither_words_nor_a_name(api: Api, messages: str, upload: Upload) -> None:
    made = await api.post(f"/v2{messages}", MediaSid=await upload(filename=None))

    assert made.status == 201
    assert made.json["body"] is None
    assert made.json["media"]["filename"] is None


async def test_v1_shows_a_file_as_a_message_without_words(api: Api, messages: str, upload: Upload) -> None:
    made = await api.post(f"/v2{messages}", MediaSid=await upload())

    shown = (await api.get(f"/v1{messages}/{made.json['sid']}")).json

    assert shown["body"] == ""
    assert not {"media", "type", "last_updated_by"} & set(shown)


@pytest.mark.parametrize("sid", [MEDIA + "f", "", "ME1", "IM" + "0" * 32])
async def test_a_file_that_nobody_uploaded_is_not_found(api: Api, messages: str, sid: str) -> None:
    refusal = await api.post(f"/v2{messages}", Body="look", MediaSid=sid)

    assert (refusal.status, refusal.code) == (404, 50507)
    assert await bodies(api, messages) == []


async def test_a_file_of_another_service_is_not_found(api: Api, messages: str, upload: Upload) -> None:
    other = await api.a_service()
    sid = await upload(service_sid=other["sid"])

    refusal = await api.post(f"/v2{messages}", MediaSid=sid)

    assert (refusal.status, refusal.code) == (404, 50507)


async def test_a_file_goes_with_one_message_only(api: Api, messages: str, upload: Upload) -> None:
    sid = await upload()
    made = await api.post(f"/v2{messages}", MediaSid=sid)

    refusal = await api.post(f"/v2{messages}", MediaSid=sid, Body="again")

    assert (refusal.status, refusal.code) == (409, 50508)
    assert refusal.json["message"] == "Media already sent with another message"
    assert [message["sid"] for message in (await api.get(f"/v2{messages}")).json["messages"]] == [
        made.json["sid"]
    ]


async def test_of_messages_that_want_a_file_at_once_one_gets_it(
    api: Api, channel: dict[str, Any], messages: str, upload: Upload
) -> None:
    sid = await upload()

    answers = await asyncio.gather(*(api.post(f"/v2{messages}", MediaSid=sid) for _ in range(10)))

    assert sorted(answer.status for answer in answers) == [201] + [409] * 9
    assert (await counted(api, channel))[0] == 1


async def test_a_message_that_is_refused_leaves_its_file_free(
    api: Api, messages: str, upload: Upload
) -> None:
    sid = await upload()
    await api.post(f"/v2{messages}", MediaSid=sid, From="")

    made = await api.post(f"/v2{messages}", MediaSid=sid)

    assert made.status == 201


@pytest.mark.parametrize("version", ["v1", "v2"])
async def test_the_words_beside_a_file_cannot_be_changed(
    api: Api, messages: str, upload: Upload, version: str
) -> None:
    made = await api.post(f"/v2{messages}", MediaSid=await upload(), Body="look")

    refusal = await api.post(f"/{version}{messages}/{made.json['sid']}", Body="look")

    assert (refusal.status, refusal.code) == (400, 50509)
    assert (await api.get(f"/v2{messages}/{made.json['sid']}")).json == made.json


async def test_the_attributes_beside_a_file_can(api: Api, messages: str, upload: Upload) -> None:
    made = await api.post(f"/v2{messages}", MediaSid=await upload())

    changed = await api.post(f"/v2{messages}/{made.json['sid']}", Attributes="[1]")

    assert changed.status == 200
    assert changed.json["attributes"] == "[1]"
    assert changed.json["media"] == made.json["media"]


# Deleting


@pytest.mark.parametrize("version", ["v1", "v2"])
async def test_a_message_is_deleted_with_an_empty_answer(
    api: Api, channel: dict[str, Any], messages: str, version: str
) -> None:
    message = await api.a_message(channel)

    deleted = await api.delete(f"/{version}{messages}/{message['sid']}")

    assert (deleted.status, deleted.body) == (204, b"")


async def test_a_deleted_message_is_gone(api: Api, channel: dict[str, Any], messages: str) -> None:
    gone, kept = await api.a_message(channel, "gone"), await api.a_message(channel, "kept")
    path = f"/v2{messages}/{gone['sid']}"

    await api.delete(path)

    answers = [await api.get(path), await api.post(path, Body="x"), await api.delete(path)]
    assert not_found(answers)
    assert (await api.get(f"/v2{messages}")).json["messages"] == [kept]


# What is not there


@pytest.mark.parametrize("key", ["0", "IM0", "lobby", "CH" + "0" * 32, "IM" + "0" * 32, "IM" + "g" * 32])
@pytest.mark.parametrize("version", ["v1", "v2"])
async def test_a_message_is_found_by_its_sid_alone(
    api: Api, channel: dict[str, Any], messages: str, version: str, key: str
) -> None:
    await api.a_message(channel)
    path = f"/{version}{messages}/{key}"

    answers = [await api.get(path), await api.post(path, Body="x"), await api.delete(path)]

    assert not_found(answers)
    assert answers[0].json["message"] == f"The requested resource {messages}/{key} was not found"


async def test_a_sid_may_be_written_in_capitals(api: Api, channel: dict[str, Any], messages: str) -> None:
    message = await api.a_message(channel)

    fetched = await api.get(f"/v2{messages}/{message['sid'].upper()}")

    assert fetched.json == message


@pytest.mark.parametrize("version", ["v1", "v2"])
async def test_a_channel_that_is_not_there_has_no_messages(
    api: Api, channel: dict[str, Any], version: str
) -> None:
    message = await api.a_message(channel)
    for key in ("CH" + "0" * 32, "lobby"):
        path = f"/{version}/Services/{channel['service_sid']}/Channels/{key}/Messages"

        answers = [
            await api.get(path),
            await api.get(path, PageSize=0),
            await api.post(path, Body="x"),
            await api.post(path),
            await api.post(path, Body="x" * 40_000),
            await api.get(f"{path}/{message['sid']}"),
            await api.post(f"{path}/{message['sid']}", Body="x"),
            await api.delete(f"{path}/{message['sid']}"),
        ]

        assert not_found(answers)


async def test_a_message_is_not_found_in_another_channel(
    api: Api, channel: dict[str, Any], messages: str
) -> None:
    message = await api.a_message(channel)
    other = await api.a_channel({"sid": channel["service_sid"]})
    path = f"/v2/Services/{channel['service_sid']}/Channels/{other['sid']}/Messages/{message['sid']}"

    assert not_found([await api.get(path), await api.post(path, Body="x"), await api.delete(path)])
    assert (await api.get(f"/v2{messages}/{message['sid']}")).json == message


async def test_another_account_finds_nothing(
    api: Api, stranger: Api, channel: dict[str, Any], messages: str
) -> None:
    message = await api.a_message(channel)
    path = f"/v2{messages}"

    answers = [
        await stranger.get(path),
        await stranger.post(path, Body="mine"),
        await stranger.get(f"{path}/{message['sid']}"),
        await stranger.post(f"{path}/{message['sid']}", Body="mine"),
        await stranger.delete(f"{path}/{message['sid']}"),
    ]

    assert not_found(answers)
    assert (await api.get(path)).json["messages"] == [message]


# Pages


async def pages(api: Api, url: str | None, onward: str = "next_page_url") -> AsyncIterator[dict[str, Any]]:
    """Each page, by the addresses that the server gives, as the libraries do."""
    while url is not None:
        answer = await api.get(url)
        assert answer.status == 200, answer.body
        yield answer.json
        url = answer.json["meta"][onward]


async def test_the_messages_of_a_channel_are_listed_by_index(
    api: Api, channel: dict[str, Any], messages: str
) -> None:
    made = [await api.a_message(channel, f"number {number}") for number in range(3)]

    listed = await api.get(f"/v2{messages}")

    assert listed.status == 200
    assert listed.json == {
        "meta": {
            "page": 0,
            "page_size": 50,
            "first_page_url": f"{api.base}/v2{messages}?PageSize=50&Page=0",
            "previous_page_url": None,
            "url": f"{api.base}/v2{messages}?PageSize=50&Page=0",
            "next_page_url": None,
            "key": "messages",
        },
        "messages": made,
    }


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize("order", ["asc", "desc"])
async def test_pages_lead_onward_and_back_in_either_order(
    api: Api, channel: dict[str, Any], messages: str, version: str, order: str
) -> None:
    indices = [(await api.a_message(channel))["index"] for _ in range(7)]
    expected = indices if order == "asc" else indices[::-1]

    onward = [page async for page in pages(api, f"/{version}{messages}?Order={order}&PageSize=3")]
    back = [page async for page in pages(api, onward[-1]["meta"]["url"], "previous_page_url")]

    assert [indices_of(page) for page in onward] == [expected[:3], expected[3:6], expected[6:]]
    assert [page["messages"] for page in back] == [page["messages"] for page in onward[::-1]]
    for page in (*onward, *back):
        urls = [url for url in page["meta"].values() if isinstance(url, str) and url.startswith("http")]
        assert all(f"Order={order}" in url for url in urls)


@pytest.mark.parametrize("order", ["asc", "desc"])
async def test_deletions_and_posts_between_pages_make_a_list_skip_nothing_that_stays(
    api: Api, channel: dict[str, Any], messages: str, order: str
) -> None:
    made = {message["index"]: message for message in [await api.a_message(channel) for _ in range(9)]}
    found: list[int] = []

    async for page in pages(api, f"/v2{messages}?Order={order}&PageSize=2"):
        here = indices_of(page)
        found += here
        for index in here:  # also the one that the token of the next page names
            await api.delete(f"/v2{messages}/{made[index]['sid']}")
        if len(made) < 12:
            new = await api.a_message(channel)
            made[new["index"]] = new

    assert found == (list(range(12)) if order == "asc" else list(range(8, -1, -1)))


@pytest.mark.parametrize("order", ["asc", "desc"])
async def test_deletions_between_pages_make_the_way_back_skip_nothing_that_stays(
    api: Api, channel: dict[str, Any], messages: str, order: str
) -> None:
    made = [await api.a_message(channel) for _ in range(6)]
    expected = list(range(6)) if order == "asc" else list(range(5, -1, -1))
    onward = [page async for page in pages(api, f"/v2{messages}?Order={order}&PageSize=2")]
    for index in (expected[4], expected[2]):  # the one that the way back begins at, and one on the way
        await api.delete(f"/v2{messages}/{made[index]['sid']}")

    first = onward[-1]["meta"]["previous_page_url"]
    back = [indices_of(page) async for page in pages(api, first, "previous_page_url")]

    assert back == [[expected[1], expected[3]], [expected[0]]]


async def test_a_token_of_a_deleted_message_still_marks_its_place(
    api: Api, channel: dict[str, Any], messages: str
) -> None:
    made = [await api.a_message(channel) for _ in range(5)]
    await api.delete(f"/v2{messages}/{made[2]['sid']}")
    token = made[2]["sid"]

    after = await api.get(f"/v2{messages}", PageToken=f"PT{token}", Page=1)
    before = await api.get(f"/v2{messages}", PageToken=f"PP{token}", Page=1)
    after_in_desc = await api.get(f"/v2{messages}", PageToken=f"PT{token}", Page=1, Order="desc")

    assert indices_of(after.json) == [3, 4]
    assert indices_of(before.json) == [0, 1]
    assert indices_of(after_in_desc.json) == [1, 0]


async def test_a_token_of_another_channel_leads_nowhere(
    api: Api, channel: dict[str, Any], messages: str
) -> None:
    other = await api.a_channel({"sid": channel["service_sid"]})
    elsewhere = (await api.a_message(other))["sid"]
    await api.a_message(channel)
    tokens = [f"PT{elsewhere}", f"PP{elsewhere}", "PTIM" + "0" * 32, f"PT{channel['sid']}", "", "nonsense"]

    answers = [await api.get(f"/v2{messages}", PageToken=token, Page=1) for token in tokens]

    assert [(answer.status, answer.code) for answer in answers] == [(400, 20001)] * len(tokens)


@pytest.mark.parametrize("order", ["up", "", "ASC", "index"])
@pytest.mark.parametrize("version", ["v1", "v2"])
async def test_any_other_order_is_refused(api: Api, messages: str, version: str, order: str) -> None:
    refusal = await api.get(f"/{version}{messages}", Order=order)

    assert (refusal.status, refusal.code) == (400, 20001)


@pytest.mark.parametrize(("version", "most"), [("v1", 1000), ("v2", 100)])
async def test_a_page_is_never_larger_than_its_version_allows(
    api: Api, messages: str, version: str, most: int
) -> None:
    listed = await api.get(f"/{version}{messages}", PageSize=5000)

    assert listed.status == 200
    assert listed.json["meta"]["page_size"] == most


async def test_a_page_by_number_alone_is_found_by_counting_in_either_order(
    api: Api, channel: dict[str, Any], messages: str
) -> None:
    for _ in range(5):
        await api.a_message(channel)

    up = await api.get(f"/v2{messages}", PageSize=2, Page=1)
    down = await api.get(f"/v2{messages}", PageSize=2, Page=1, Order="desc")

    assert indices_of(up.json) == [2, 3]
    assert indices_of(down.json) == [2, 1]


def indices_of(page: dict[str, Any]) -> list[int]:
    return [message["index"] for message in page["messages"]]


def not_found(answers: list[Answer]) -> bool:
    """Whether each of some answers says that what the path names is not there."""
    return [(answer.status, answer.code) for answer in answers] == [(404, 20404)] * len(answers)


async def bodies(api: Api, messages: str, **query: Any) -> list[str]:
    """What is said in a channel, in order."""
    listed = await api.get(f"/v2{messages}", **query)
    return [message["body"] for message in listed.json["messages"]]


async def counted(api: Api, channel: dict[str, Any]) -> tuple[int, str | None]:
    """How many messages a channel says that it has, and where its last one is."""
    fetched = (await api.get(channel["url"])).json
    return fetched["messages_count"], fetched["links"]["last_message"]
