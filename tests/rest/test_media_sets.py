"""Bodies of `MediaSet` that no JSON reader likes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.uploads import an_uploader

if TYPE_CHECKING:
    from chinwag.settings import Settings
    from support.api import Api


@pytest.mark.parametrize(
    "body",
    [
        b'{"command":"get","list":[],"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"command":"get","list":[{"media_sid":"\xff"}]}',
        b'{"command":"get","list":[{"media_sid":"\\ud800"}]}',
    ],
    ids=["deep", "no UTF-8", "half a pair"],
)
async def test_a_set_that_cannot_be_read_is_refused(
    api: Api, server: tuple[str, Settings], body: bytes
) -> None:
    uploader = await an_uploader(api, server[1])
    answer = await uploader.send("POST", uploader.path + "Set", data=body)

    assert (answer.status, answer.code) == (400, 20001)
