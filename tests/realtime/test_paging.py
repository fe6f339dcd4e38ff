"""Reading items: what is on a page, and whether there is more on either side. Source: sdk-wire."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from chinwag.domain.leaving import DeleteMember
from chinwag.domain.message import DeleteMessage
from chinwag.domain.posting import CreateMessage
from chinwag.realtime import names

if TYPE_CHECKING:
    from realtime.house import Guest, House

Key = str | int
SIZES = (1, 2, 3, 50)
ORDERS = ("asc", "desc")


@dataclass
class Shelf:
    """A collection with gaps, the keys that are in it, and those between which there is nothing."""

    guest: Guest
    path: str
    field: str
    keys: list[Key]
    starts: list[Key]

    async def page(self, **params: str) -> Any:
        answer = await self.guest.get(f"{self.path}/Items", HideExpired="true", **params)
        assert answer.status == 200, answer
        return answer.json

    def expected(self, order: str, start: Key | None) -> list[Key]:
        keys = self.keys if order == "asc" else self.keys[::-1]
        if start is None:
            return keys
        return [key for key in keys if (key >= start if order == "asc" else key <= start)]  # type: ignore[operator]

    def keys_of(self, page: Any) -> list[Key]:
        return [item[self.field] for item in page["items"]]


@pytest.fixture(params=["messages", "roster", "my channels", "user info", "nothing"])
async def shelf(house: House, request: pytest.FixtureRequest) -> Shelf:
    chat = house.chat
    alice = await house.guest("alice")
    lobby = await chat.a_channel(unique_name="lobby")
    await chat.a_member(lobby, "alice")
    match request.param:
        case "messages":
            posted = [
                await chat.do(CreateMessage(service_sid=chat.service_sid, channel=lobby.sid, body="x"))
                for _ in range(7)
            ]
            for index in (0, 3, 4):
                await chat.do(
                    DeleteMessage(service_sid=chat.service_sid, channel=lobby.sid, sid=posted[index].sid)
                )
            path = f"/v3/Lists/{names.messages(lobby.sid)}"
            return Shelf(alice, path, "index", [1, 2, 5, 6], [*range(9), 10**17])
        case "roster":
            members = [await chat.a_member(lobby, f"user{number}") for number in range(4)]
            gone = members[1]
            await chat.do(DeleteMember(service_sid=chat.service_sid, channel=lobby.sid, member=gone.sid))
            keys = [(await chat.member(lobby, who)).sid for who in ("alice", "user0", "user2", "user3")]
            path = f"/v3/Maps/{names.roster_sid(lobby.sid)}"
            return Shelf(alice, path, "key", sorted(keys), ["", "MB", gone.sid, *keys, f"{keys[0]}0", "é"])
        case "my channels":
            others = [await chat.a_channel() for _ in range(3)]
            for channel in others:
                await chat.an_invite(channel, "alice")
            keys = [channel.sid for channel in (lobby, *others)]
            path = f"/v3/Maps/{names.user_channels(alice.client.user_sid)}"
            return Shelf(alice, path, "key", sorted(keys), ["", "CG", *keys, "CI", "\U0010ffff"])
        case "user info":
            bob = await chat.a_user("bob")
            keys = ["attributes", "friendlyName", "reachability"]
            return Shelf(alice, f"/v3/Maps/{names.user_info(bob.sid)}", "key", keys, ["", "b", "z", *keys])
        case _:
            empty = await chat.a_channel()
            return Shelf(alice, f"/v3/Lists/{names.messages(empty.sid)}", "index", [], [0, 5])


async def test_a_page_begins_where_it_is_asked_to_and_says_what_is_around_it(shelf: Shelf) -> None:
    for order in ORDERS:
        for start in (None, *shelf.starts):
            for size in SIZES:
                given = {} if start is None else {"From": str(start)}
                page = await shelf.page(Order=order, PageSize=str(size), **given)

                expected = shelf.expected(order, start)
                everything = shelf.expected(order, None)
                asked = f"{order} from {start}, {size}"
                assert shelf.keys_of(page) == expected[:size], asked
                if expected:
                    before = everything[0] != expected[0]
                    assert (page["meta"]["previous_token"] is not None) is before, asked
                    assert (page["meta"]["next_token"] is not None) is (len(expected) > size), asked


async def test_tokens_lead_through_everything_and_back(shelf: Shelf) -> None:
    for order in ORDERS:
        for size in SIZES:
            expected = shelf.expected(order, None)
            pages = [await shelf.page(Order=order, PageSize=str(size))]
            while token := pages[-1]["meta"]["next_token"]:
                pages.append(await shelf.page(PageToken=token))
            assert [key for page in pages for key in shelf.keys_of(page)] == expected

            back = [pages[-1]]
            while token := back[-1]["meta"]["previous_token"]:
                back.append(await shelf.page(PageToken=token, Order=order, PageSize=str(size)))
            assert [shelf.keys_of(page) for page in back] == [shelf.keys_of(page) for page in pages[::-1]]
            assert back[-1]["meta"] == pages[0]["meta"]


async def test_one_item_is_asked_for_by_its_key(shelf: Shelf) -> None:
    name = "Key" if shelf.field == "key" else "Index"
    for start in shelf.starts:
        page = await shelf.page(**{name: str(start)})

        assert shelf.keys_of(page) == [start] * (start in shelf.keys)
        assert page["meta"] == {"previous_token": None, "next_token": None}


async def test_one_item_has_an_address(shelf: Shelf) -> None:
    for item in (await shelf.page())["items"]:
        found = await shelf.guest.get(item["url"])

        assert found.json == item
    for start in shelf.starts:
        if start not in shelf.keys and str(start):
            assert (await shelf.guest.get(f"{shelf.path}/Items/{start}")).status == 404


async def test_an_item_says_which_event_touched_it_last(shelf: Shelf) -> None:
    opened = (await shelf.guest.get(shelf.path)).json

    for item in (await shelf.page())["items"]:
        assert 0 <= item["last_event_id"] <= opened["last_event_id"]
        assert item["revision"] == str(item["last_event_id"])
        assert item["list_sid" if shelf.field == "index" else "map_sid"] == opened["sid"]


async def test_an_odd_size_is_no_mistake(shelf: Shelf) -> None:
    for size in ("0", "-1", "abc", "", "1e3", "9" * 400, "٣", "10.0"):
        assert len((await shelf.page(PageSize=size))["items"]) <= 100


TOKENS = ["", ".", "A", "Aasc1.", "Bdesc0.x", "Aasc9999.1", "Bdesc3.\U0001f419", "Cdesc3.1", "x" * 5000]


async def test_an_odd_token_is_answered(shelf: Shelf) -> None:
    for token in TOKENS:
        answer = await shelf.guest.get(f"{shelf.path}/Items", PageToken=token)

        assert answer.status in {200, 400}


async def test_an_index_is_a_whole_number(house: House) -> None:
    lobby = await house.chat.a_channel()
    alice = await house.guest()
    path = f"/v3/Lists/{names.messages(lobby.sid)}/Items"

    for index in ("abc", "-1", "1.0", "9" * 19, "٣", " 1", "+1"):
        for name in ("From", "Index"):
            assert (await alice.get(path, **{name: index})).status == 400, index


async def test_a_document_has_no_items(house: House) -> None:
    lobby = await house.chat.a_channel()
    alice = await house.guest()

    assert (await alice.get(f"/v3/Documents/{names.channel(lobby.sid)}/Items")).status == 404
