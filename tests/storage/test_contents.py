"""Contents of files: in a folder, and in what is asked over a network, for which a store in memory stands."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from chinwag.errors import ApiError, Kinds
from chinwag.storage.contents import ContentStore
from chinwag.storage.store import StoreCannotOpenError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SID = "ME01994f00" + "0" * 24
MB = 1024 * 1024


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data" / "media"


@pytest.fixture(params=["folder", "network"])
def contents(request: pytest.FixtureRequest, folder: Path) -> ContentStore:
    return ContentStore.open(folder if request.param == "folder" else "memory:///")


async def pieces(*given: bytes, then: BaseException | None = None) -> AsyncIterator[bytes]:
    for piece in given:
        yield piece
    if then is not None:
        raise then


async def read(contents: ContentStore, start: int = 0, end: int = 2**40) -> bytes:
    return b"".join([piece async for piece in await contents.pieces(SID, start, end)])


@pytest.mark.parametrize("given", [(), (b"",), (b"hello",), (b"a" * MB, b"b" * MB, b"c" * 7 * MB)])
async def test_what_is_kept_is_read_again(contents: ContentStore, given: tuple[bytes, ...]) -> None:
    whole = b"".join(given)

    await contents.keep(SID, pieces(*given))

    assert await read(contents, 0, len(whole)) == whole


@pytest.mark.parametrize(("start", "end"), [(0, 1), (3, 7), (9, 10), (4, 4)])
async def test_a_part_is_read(contents: ContentStore, start: int, end: int) -> None:
    await contents.keep(SID, pieces(b"01234", b"56789"))

    assert await read(contents, start, end) == b"0123456789"[start:end]


@pytest.mark.parametrize("failure", [ApiError(Kinds.BODY_TOO_LARGE), ValueError("broken")])
async def test_of_what_breaks_off_nothing_stays(
    contents: ContentStore, folder: Path, failure: Exception
) -> None:
    with pytest.raises(type(failure)) as raised:
        await contents.keep(SID, pieces(b"x" * 7 * MB, then=failure))

    assert raised.value is failure
    assert everything_in(folder) == []
    with pytest.raises(ApiError, match=Kinds.MEDIA_NOT_FOUND.text):
        await read(contents)


async def test_what_is_removed_is_gone_and_may_be_removed_again(contents: ContentStore) -> None:
    await contents.keep(SID, pieces(b"hello"))

    await contents.remove(SID)
    await contents.remove(SID)

    with pytest.raises(ApiError, match=Kinds.MEDIA_NOT_FOUND.text):
        await read(contents)


async def test_what_a_crash_left_of_a_file_is_removed_with_it_and_nothing_else(folder: Path) -> None:
    contents = ContentStore.open(folder)
    await contents.keep(SID, pieces(b"hello"))
    beside = SID[:-1] + "1"
    for name in (f"{SID}#1", f"{SID}#2", f"{beside}#1"):
        (folder / SID[:7] / name).write_bytes(b"hel")

    await contents.remove(SID)

    assert everything_in(folder) == [f"{beside}#1"]


async def test_a_file_is_on_the_disk_before_it_counts_as_kept(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contents, flushed = ContentStore.open(folder), []
    fsync = os.fsync

    def noted(descriptor: int) -> None:
        flushed.append(Path(f"/proc/self/fd/{descriptor}").readlink())
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    await contents.keep(SID, pieces(b"hello"))

    assert flushed == [folder / SID[:7] / SID, folder / SID[:7], folder]


async def test_a_store_that_cannot_be_used_is_unavailable(folder: Path) -> None:
    contents = ContentStore.open(folder)
    put_in_the_way_of(folder)

    async def refusal(asked: Any) -> Any:
        with pytest.raises(ApiError) as refused:
            await asked
        return refused.value.kind

    assert await refusal(contents.keep(SID, pieces(b"hello"))) is Kinds.UNAVAILABLE
    assert await refusal(contents.remove(SID)) is Kinds.UNAVAILABLE
    assert await refusal(contents.pieces(SID, 0, 5)) is Kinds.UNAVAILABLE


def test_a_place_that_cannot_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(StoreCannotOpenError, match=f"media cannot be kept in {tmp_path}/file/media: "):
        ContentStore.open(tmp_path / "file" / "media")


def put_in_the_way_of(folder: Path) -> None:
    folder.rmdir()
    folder.write_text("in the way")


def everything_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*/*"))
