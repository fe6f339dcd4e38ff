"""Files in messages: uploaded, sent, fetched by those who may, and by nobody else."""

from __future__ import annotations

import asyncio
import contextlib
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import aiohttp
import pytest

from chinwag import limits
from rest.shared import later
from rest.wire import connected, head
from storage.outside import ask
from support.uploads import Uploader, an_uploader

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from chinwag.settings import Settings
    from support.api import Api

MB = 1024 * 1024
SOON = 0.3
LOOKS = 1000


@pytest.fixture
async def uploader(api: Api, server: tuple[str, Settings]) -> Uploader:
    return await an_uploader(api, server[1])


@pytest.fixture
def folder(server: tuple[str, Settings]) -> Path:
    """Where the contents of the server are."""
    media_store = server[1].media_store
    assert media_store is not None
    return Path(media_store.removeprefix("file://"))


@pytest.fixture
async def channel(api: Api, uploader: Uploader) -> dict[str, Any]:
    """A private channel with alice in it."""
    channel = await api.a_channel({"sid": uploader.service_sid}, Type="private")
    await api.a_member(channel, "alice")
    return channel


async def sent(api: Api, channel: dict[str, Any], media: dict[str, Any]) -> dict[str, Any]:
    """Send a file to a channel, and return the message."""
    path = f"/v2/Services/{channel['service_sid']}/Channels/{channel['sid']}/Messages"
    made = await api.post(path, MediaSid=media["sid"])
    assert made.status == 201, made.body
    return made.json


def kept(folder: Path, media: dict[str, Any]) -> list[Path]:
    """What is in the folder of a file."""
    return list(folder.glob(f"*/{media['sid']}*"))


def contents(folder: Path) -> set[Path]:
    """What is in the folder of all files."""
    return set(folder.glob("*/*"))


async def rows(settings: Settings, service_sid: str) -> int:
    """How many files the store knows of in a service, whole or not."""
    (row,) = await ask(
        settings.database,
        f"SELECT count(*) FROM media WHERE service_id = (SELECT id FROM service WHERE sid = '{service_sid}')",
    )
    return row[0]


# Uploading


async def test_an_uploaded_file_is_described_as_the_sdk_expects(api: Api, uploader: Uploader) -> None:
    answer = await uploader.upload(b"hello", "text/plain", "?Category=media&Filename=x.txt")

    media = answer.json
    url = f"{api.base}{uploader.path}/{media['sid']}"
    link = media["links"].pop("content_direct_temporary")
    dates = {name: media.pop(name) for name in ("date_created", "date_updated", "date_upload_updated")}
    assert answer.status == 201
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert media == {
        "sid": media["sid"],
        "service_sid": uploader.service_sid,
        "channel_sid": None,
        "message_sid": None,
        "size": 5,
        "content_type": "text/plain",
        "filename": "x.txt",
        "category": "media",
        "author": "alice",
        "is_multipart_upstream": False,
        "url": url,
        "links": {"content": f"{url}/Content"},
    }
    assert link.startswith(f"{url}/Temporary/{api.account_sid}?Expires=")
    assert len(set(dates.values())) == 1


async def test_an_uploaded_file_is_fetched_byte_by_byte(uploader: Uploader) -> None:
    content = bytes(range(256)) * 1000
    media = await uploader.a_file(content, "image/png")

    answers = [await uploader.content(media), await uploader.temporary(media)]

    for answer in answers:
        assert (answer.status, answer.body) == (200, content)
        assert answer.headers["Content-Type"] == "image/png"
        assert answer.headers["Content-Length"] == str(len(content))


async def test_an_empty_file_is_a_file(uploader: Uploader) -> None:
    media = await uploader.a_file(b"")

    answer = await uploader.temporary(media)

    assert media["size"] == 0
    assert (answer.status, answer.body) == (200, b"")


async def test_a_file_comes_in_pieces_of_unknown_number(uploader: Uploader) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for number in range(100):
            yield bytes([number]) * 10_000
            await asyncio.sleep(0)

    media = await uploader.a_file(pieces())

    assert media["size"] == 1_000_000
    assert (await uploader.content(media)).body == b"".join(bytes([n]) * 10_000 for n in range(100))


@pytest.mark.parametrize("size", [0, 10, 65536, MB + 1])
async def test_a_file_comes_in_a_form(uploader: Uploader, size: int) -> None:
    content = (b"\r\n--boundary" * size)[:size]
    form = aiohttp.FormData(quote_fields=False)  # as browsers do
    form.add_field("note", "words before the file")
    form.add_field("file", io.BytesIO(content), filename="Zoë's.png", content_type="image/png")

    answer = await uploader.send("POST", uploader.path, data=form)

    assert answer.status == 201, answer.body
    assert (answer.json["size"], answer.json["content_type"]) == (size, "image/png")
    assert answer.json["filename"] == "Zoë's.png"
    assert (await uploader.content(answer.json)).body == content


FORM = "multipart/form-data; boundary=x"
PART = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (FORM, b""),
        (FORM, b"--x--\r\n"),
        (FORM, b"hello"),
        (FORM, PART + b"hello"),
        (FORM, PART + b"hello\r\n--x\r\n"),
        (FORM, PART + b"hello\r\n" + PART + b"again\r\n--x--\r\n"),
        (FORM, b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nwords\r\n--x--\r\n'),
        (FORM, b"--x\r\n" + b"A" * 100_000),
        ("multipart/form-data", PART + b"hello\r\n--x--\r\n"),
        (f"multipart/form-data; boundary={'x' * 100}", b"hello"),
    ],
)
async def test_a_form_that_is_none_leaves_nothing(
    uploader: Uploader, server: tuple[str, Settings], kind: str, body: bytes
) -> None:
    answer = await uploader.upload(body, kind)

    assert (answer.status, answer.code) == (400, 20001)
    assert await rows(server[1], uploader.service_sid) == 0


@pytest.mark.check(28)
@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("cat.png", "cat.png"),
        ("../../etc/passwd", "passwd"),
        ("C:\\files\\cat.png", "cat.png"),
        ("a\r\nX: y", "aX: y"),
        ("photo\u202egpj.exe", "photogpj.exe"),
        ("🐙 ü.png", "🐙 ü.png"),
        ("..", None),
        ("", None),
        ("x" * 300, "x" * 256),
        ("x" * 300 + ".png", "x" * 252 + ".png"),
    ],
)
async def test_a_name_is_made_safe(uploader: Uploader, given: str, shown: str | None) -> None:
    media = await uploader.a_file(b"x", "image/png", f"?Filename={quote(given, safe='')}")

    assert media["filename"] == shown


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("image/svg+xml", "image/svg+xml"),
        ("text/plain; charset=utf-8", "text/plain; charset=utf-8"),
        ("application/vnd.ms-excel", "application/vnd.ms-excel"),
        ("hello", "application/octet-stream"),
        ("text/html, text/plain", "application/octet-stream"),
        ("text/" + "x" * 300, "application/octet-stream"),
    ],
)
async def test_a_type_that_is_none_is_that_of_any_bytes(uploader: Uploader, given: str, shown: str) -> None:
    media = await uploader.a_file(b"x", given)

    answer = await uploader.temporary(media)

    assert media["content_type"] == answer.headers["Content-Type"] == shown


@pytest.mark.check(22)
async def test_what_is_too_large_is_refused_by_its_length_before_it_comes(
    uploader: Uploader, server: tuple[str, Settings]
) -> None:
    async with connected(uploader.api.base) as wire:
        length = server[1].media_size_limit_mb * MB + 1
        token = f"X-Twilio-Token: {uploader.token()}"
        await wire.send(head(f"POST {uploader.path}", token, f"Content-Length: {length}") + b"x" * 100)

        answer = await wire.answer()

    assert (answer.status, answer.code) == (413, 20001)
    assert await rows(server[1], uploader.service_sid) == 0


@pytest.mark.check(22)
@pytest.mark.parametrize("way", ["raw", "form"])
async def test_what_turns_out_to_be_too_large_is_refused_and_its_beginning_removed(
    uploader: Uploader, server: tuple[str, Settings], folder: Path, way: str
) -> None:
    before = contents(folder)

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(server[1].media_size_limit_mb * 4 + 1):
            yield b"x" * (MB // 4)

    if way == "form":
        form = aiohttp.FormData()
        form.add_field("file", pieces(), filename="x", content_type="image/png")
        answer = await uploader.send("POST", uploader.path, data=form)
    else:
        answer = await uploader.upload(pieces())

    assert (answer.status, answer.code) == (413, 20001)
    assert await rows(server[1], uploader.service_sid) == 0
    assert contents(folder) == before


async def test_a_file_as_large_as_may_be_is_taken(uploader: Uploader, server: tuple[str, Settings]) -> None:
    size = server[1].media_size_limit_mb * MB

    media = await uploader.a_file(b"x" * size)

    assert media["size"] == size


async def test_a_client_that_leaves_in_the_middle_leaves_nothing(
    uploader: Uploader, server: tuple[str, Settings], folder: Path
) -> None:
    before = contents(folder)

    async with connected(uploader.api.base) as wire:
        token = f"X-Twilio-Token: {uploader.token()}"
        await wire.send(head(f"POST {uploader.path}", token, f"Content-Length: {MB}") + b"x" * (MB // 2))
        await until(lambda: _is(rows(server[1], uploader.service_sid), 1))

    await until(lambda: _is(rows(server[1], uploader.service_sid), 0))
    await until(lambda: _same(contents(folder), before))


async def test_an_upload_that_goes_on_may_take_longer_than_a_form(
    uploader: Uploader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "BODY_SECONDS", SOON)

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(10):
            yield b"x"
            await asyncio.sleep(SOON / 5)

    assert (await uploader.a_file(pieces()))["size"] == 10


async def test_an_upload_that_pauses_too_long_is_given_up(
    uploader: Uploader, server: tuple[str, Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "UPLOAD_IDLE_SECONDS", SOON)

    async with connected(uploader.api.base) as wire:
        token = f"X-Twilio-Token: {uploader.token()}"
        await wire.send(head(f"POST {uploader.path}", token, "Content-Length: 100") + b"x")
        answer = await wire.answer()

    assert (answer.status, answer.code) == (408, 20001)
    await until(lambda: _is(rows(server[1], uploader.service_sid), 0))


@pytest.mark.check(22)
async def test_an_upload_that_drips_for_ever_is_given_up(
    uploader: Uploader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "UPLOAD_SECONDS", SOON)
    monkeypatch.setattr(limits, "UPLOAD_IDLE_SECONDS", SOON / 3)

    async with connected(uploader.api.base) as wire:
        token = f"X-Twilio-Token: {uploader.token()}"
        await wire.send(head(f"POST {uploader.path}", token, "Content-Length: 100000"))
        while wire.is_silent:
            await wire.send(b"x")
            await asyncio.sleep(0.02)

        assert (await wire.answer()).status == 408


async def test_a_connection_goes_on_after_an_upload(uploader: Uploader) -> None:
    token = f"X-Twilio-Token: {uploader.token()}"
    request = head(f"POST {uploader.path}", token, "Content-Length: 5") + b"hello"

    async with connected(uploader.api.base) as wire:
        await wire.send(request * 3)

        assert [(await wire.answer(to="POST")).status for _ in range(3)] == [201] * 3


# Who may


@pytest.mark.check(16)
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("below", ["/Media", "/Media/{sid}", "/Media/{sid}/Content", "Set"])
async def test_without_a_token_nobody_gets_anything(uploader: Uploader, method: str, below: str) -> None:
    media = await uploader.a_file()
    path = f"/media/v1/Services/{uploader.service_sid}" + below.format(sid=media["sid"])
    path = path.replace("Set", "/MediaSet")

    for headers in ({}, {"X-Twilio-Token": "x"}, {"X-Twilio-Token": uploader.token() + "x"}):
        answer = await uploader.send(method, path, None, headers=headers)

        assert answer.status in {401, 405}
        if answer.status == 401:
            assert answer.code in {20101, 20107}
            assert "WWW-Authenticate" not in answer.headers


async def test_a_token_that_is_over_is_refused_with_its_code(uploader: Uploader) -> None:
    token = uploader.token(now=1_000_000_000_000)

    answer = await uploader.send("POST", uploader.path, None, headers={"X-Twilio-Token": token}, data=b"x")

    assert (answer.status, answer.code) == (401, 20104)
    assert answer.json["message"] == "Access Token expired or expiration date invalid"


@pytest.mark.check(16)
async def test_a_token_for_another_service_finds_nothing(
    api: Api, server: tuple[str, Settings], uploader: Uploader
) -> None:
    other = await an_uploader(api, server[1])
    media = await other.a_file()

    answers = [
        await uploader.send("POST", other.path, data=b"x"),
        await uploader.get(f"{other.path}/{media['sid']}"),
        await uploader.content(media),
        await uploader.get(f"{uploader.path}/{media['sid']}"),
    ]

    assert {(answer.status, answer.code) for answer in answers} == {(404, 20404)}


async def test_what_is_not_sent_is_its_uploaders_alone(uploader: Uploader) -> None:
    media = await uploader.a_file()
    path = f"{uploader.path}/{media['sid']}"

    assert (await uploader.get(path, "alice")).status == 200
    assert (await uploader.get(path, "bob")).status == 404
    assert (await uploader.content(media, "bob")).status == 404


@pytest.mark.check(16)
async def test_what_is_sent_is_for_those_who_see_the_channel(
    api: Api, uploader: Uploader, channel: dict[str, Any]
) -> None:
    media = await uploader.a_file()
    path = f"{uploader.path}/{media['sid']}"
    await api.a_user({"sid": uploader.service_sid}, "bob")
    message = await sent(api, channel, media)
    before = [(await uploader.get(path, identity)).status for identity in ("alice", "bob", "nobody")]

    await api.a_member(channel, "bob")
    after = [(await uploader.content(media, identity)).status for identity in ("alice", "bob", "nobody")]
    shown = (await uploader.get(path, "bob")).json

    assert before == [200, 404, 404]
    assert after == [200, 200, 404]
    assert (shown["channel_sid"], shown["message_sid"]) == (channel["sid"], message["sid"])
    assert message["media"] == {
        "sid": media["sid"],
        "size": 5,
        "content_type": "text/plain",
        "filename": None,
    }


async def test_a_set_has_each_file_or_404_in_its_place(uploader: Uploader) -> None:
    mine = [await uploader.a_file(), await uploader.a_file()]
    others = await uploader.a_file(identity="bob")
    wanted = [mine[1]["sid"], others["sid"], "ME" + "0" * 32, mine[0]["sid"]]
    body = {"command": "get", "list": [{"media_sid": sid} for sid in wanted]}

    answer = await uploader.send("POST", uploader.path + "Set", json=body)

    assert answer.status == 200
    assert [entry["code"] for entry in answer.json] == [200, 404, 404, 200]
    assert [entry["media_record"]["sid"] for entry in answer.json] == wanted
    assert answer.json[0]["media_record"]["links"]["content"] == mine[1]["links"]["content"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"command": "drop", "list": []},
        {"command": "get"},
        {"command": "get", "list": [1]},
        {"command": "get", "list": [{"media_sid": "ME"}] * 101},
    ],
)
async def test_a_set_of_something_else_is_refused(uploader: Uploader, body: object) -> None:
    answer = await uploader.send("POST", uploader.path + "Set", json=body)

    assert (answer.status, answer.code) == (400, 20001)


# Temporary addresses


async def test_a_temporary_address_is_fresh_each_time_and_expires(
    uploader: Uploader, monkeypatch: pytest.MonkeyPatch
) -> None:
    media = await uploader.a_file()

    later(monkeypatch, limits.MEDIA_LINK_SECONDS)
    answer = await uploader.temporary(media)
    again = (await uploader.get(f"{uploader.path}/{media['sid']}")).json
    fresh = await uploader.temporary(again)

    assert (answer.status, answer.code) == (403, 20006)
    assert fresh.status == 200


@pytest.mark.parametrize(
    "change",
    [
        lambda link, _: link[:-1] + ("0" if link[-1] != "0" else "1"),
        lambda link, _: link.replace("Expires=", "Expires=9"),
        lambda link, _: link.partition("?")[0],
        lambda link, _: link.partition("&")[0],
        lambda link, _: link.replace("Signature=", "Signature=%C3%A9"),
        lambda link, _: link.replace("Expires=", "Expires=%D9%A3"),
        lambda link, other: other["sid"].join(link.split(link.split("/Media/")[1][:34])),
        lambda link, _: link.replace("/Temporary/AC", "/Temporary/ac"),
    ],
)
async def test_an_address_that_was_changed_is_none(uploader: Uploader, change: Any) -> None:
    media, other = await uploader.a_file(), await uploader.a_file(identity="bob")
    link = change(media["links"]["content_direct_temporary"], other)

    answer = await uploader.get(link, None)

    assert (answer.status, answer.code) == (403, 20006)


@pytest.mark.parametrize(
    ("content_type", "disposition"),
    [
        ("image/png", "inline"),
        ("image/jpeg", "inline"),
        ("video/mp4", "inline"),
        ("text/plain; charset=utf-8", "inline"),
        ("text/html", "attachment"),
        ("TEXT/HTML; charset=utf-8", "attachment"),
        ("image/svg+xml", "attachment"),
        ("application/xhtml+xml", "attachment"),
        ("text/xml", "attachment"),
        ("application/javascript", "attachment"),
        ("application/pdf", "attachment"),
        ("application/octet-stream", "attachment"),
    ],
)
async def test_what_may_run_in_a_browser_is_saved_instead(
    uploader: Uploader, content_type: str, disposition: str
) -> None:
    media = await uploader.a_file(b"<script>", content_type, "?Filename=a.txt")

    for answer in (await uploader.temporary(media), await uploader.content(media)):
        assert answer.headers["Content-Disposition"].partition(";")[0] == disposition
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Security-Policy"].endswith("; sandbox")


@pytest.mark.check(28)
async def test_a_name_goes_into_the_header_whole_and_harmless(uploader: Uploader) -> None:
    media = await uploader.a_file(b"x", "image/png", "?Filename=" + quote('Zoë "1"; x.png', safe=""))

    answer = await uploader.temporary(media)

    assert answer.headers["Content-Disposition"] == (
        "inline; filename=\"Zo_ _1_; x.png\"; filename*=UTF-8''Zo%C3%AB%20%221%22%3B%20x.png"
    )


async def test_head_tells_of_a_file_without_it(uploader: Uploader) -> None:
    media = await uploader.a_file(b"hello")

    answer = await uploader.temporary(media, "HEAD")

    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["Content-Length"] == "5"
    assert answer.headers["Accept-Ranges"] == "bytes"


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("bytes=0-0", (206, b"0", "bytes 0-0/10")),
        ("bytes=2-4", (206, b"234", "bytes 2-4/10")),
        ("bytes=7-", (206, b"789", "bytes 7-9/10")),
        ("bytes=-3", (206, b"789", "bytes 7-9/10")),
        ("bytes=-30", (206, b"0123456789", "bytes 0-9/10")),
        ("bytes=5-500", (206, b"56789", "bytes 5-9/10")),
        ("bytes=10-", (200, b"0123456789", None)),
        ("bytes=5-2", (200, b"0123456789", None)),
        ("bytes=-", (200, b"0123456789", None)),
        ("bytes=0-1,3-4", (200, b"0123456789", None)),
        ("lines=0-1", (200, b"0123456789", None)),
    ],
)
async def test_a_range_is_answered_with_what_it_asks_for(
    uploader: Uploader, asked: str, answered: tuple[int, bytes, str | None]
) -> None:
    media = await uploader.a_file(b"0123456789", "video/mp4")

    answer = await uploader.temporary(media, Range=asked)

    assert (answer.status, answer.body, answer.headers.get("Content-Range")) == answered


async def test_what_the_client_has_is_not_sent_again(uploader: Uploader) -> None:
    media = await uploader.a_file()
    tag = (await uploader.temporary(media)).headers["ETag"]

    answer = await uploader.temporary(media, **{"If-None-Match": tag})

    assert (answer.status, answer.body) == (304, b"")


async def test_a_reader_that_reads_nothing_is_cut_off(
    uploader: Uploader, monkeypatch: pytest.MonkeyPatch
) -> None:
    media = await uploader.a_file(b"x" * 4 * MB)
    link = media["links"]["content_direct_temporary"].removeprefix(uploader.api.base)
    monkeypatch.setattr(limits, "READER_SECONDS", SOON)

    async with connected(uploader.api.base) as wire:
        await wire.send(head(f"GET {link}"))
        await asyncio.sleep(3 * SOON)  # reading is what would be waited for
        received = 0
        with contextlib.suppress(AssertionError):
            received = len((await wire.answer()).body)

    assert received == 0


# Pages of other origins


@pytest.mark.parametrize("below", ["", "/ME/Content", "/ME", "/ME/Temporary/AC"])
async def test_a_page_of_another_origin_may_ask(uploader: Uploader, below: str) -> None:
    headers = {
        "Origin": "https://app.example.com",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type,x-twilio-token",
    }

    answer = await uploader.send("OPTIONS", uploader.path + below, None, headers=headers)

    allowed = answer.headers["Access-Control-Allow-Headers"].lower().split(", ")
    assert answer.status == 200
    assert {"content-type", "x-twilio-token"} <= set(allowed)
    assert answer.headers["Access-Control-Allow-Origin"] == "https://app.example.com"


# The end of a file


async def test_a_file_goes_with_its_message(
    api: Api, uploader: Uploader, channel: dict[str, Any], folder: Path
) -> None:
    media, beside = await uploader.a_file(), await uploader.a_file()
    message = await sent(api, channel, media)
    await sent(api, channel, beside)

    path = f"/v2/Services/{channel['service_sid']}/Channels/{channel['sid']}/Messages/{message['sid']}"
    await api.delete(path)
    answers = [await uploader.content(media), await uploader.temporary(media)]
    await until(lambda: _same(kept(folder, media), []))

    assert [answer.status for answer in answers] == [404, 404]
    assert (await uploader.content(beside)).status == 200


@pytest.mark.parametrize("what", ["channel", "service"])
async def test_a_file_goes_with_its_channel_or_service(
    api: Api, uploader: Uploader, channel: dict[str, Any], folder: Path, what: str
) -> None:
    media = await uploader.a_file()
    await sent(api, channel, media)
    path = f"/v2/Services/{channel['service_sid']}"

    await api.delete(f"{path}/Channels/{channel['sid']}" if what == "channel" else path)
    answer = await uploader.temporary(media)
    await until(lambda: _same(kept(folder, media), []))

    assert answer.status == 404


async def until(question: Any) -> None:
    for _ in range(LOOKS):
        if await question():
            return
        await asyncio.sleep(0.01)
    pytest.fail("it never came to that")


async def _is(question: Any, wanted: object) -> bool:
    return await question == wanted


async def _same(found: object, wanted: object) -> bool:
    return found == wanted
