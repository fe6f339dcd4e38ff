"""Lists in pages: each record once, whichever way they are read and whatever happens meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from support.api import Api


async def pages(api: Api, url: str | None, onward: str = "next_page_url") -> AsyncIterator[dict[str, Any]]:
    """Each page, by the addresses that the server gives, as the libraries do."""
    while url is not None:
        answer = await api.get(url)
        assert answer.status == 200, answer.body
        yield answer.json
        url = answer.json["meta"][onward]


async def sids(api: Api, url: str, onward: str = "next_page_url") -> list[list[str]]:
    """The SIDs on each page."""
    return [[record["sid"] for record in page[page["meta"]["key"]]] async for page in pages(api, url, onward)]


async def services(api: Api, count: int) -> list[str]:
    return [(await api.a_service(f"number {number}"))["sid"] for number in range(count)]


async def test_120_services_are_three_pages_onward_and_back(api: Api) -> None:
    made = await services(api, 120)

    onward = [page async for page in pages(api, "/v1/Services")]
    back = [page async for page in pages(api, onward[-1]["meta"]["url"], "previous_page_url")]

    assert [[record["sid"] for record in page["services"]] for page in onward] == [
        made[:50],
        made[50:100],
        made[100:],
    ]
    assert [page["services"] for page in back] == [page["services"] for page in reversed(onward)]
    assert [page["meta"]["page"] for page in onward] == [0, 1, 2]
    assert [page["meta"]["page"] for page in back] == [2, 1, 0]
    assert onward[0]["meta"]["previous_page_url"] is None
    assert onward[-1]["meta"]["next_page_url"] is None
    assert back[-1]["meta"]["previous_page_url"] is None


async def test_the_position_is_in_the_token_of_the_original(api: Api) -> None:
    first, second, third = await services(api, 3)
    base = f"{api.base}/v1/Services?PageSize=1"

    middle = (await api.get(f"{base}&Page=1&PageToken=PT{first}")).json

    assert [record["sid"] for record in middle["services"]] == [second]
    assert middle["meta"] == {
        "page": 1,
        "page_size": 1,
        "first_page_url": f"{base}&Page=0",
        "previous_page_url": f"{base}&Page=0&PageToken=PP{second}",
        "url": f"{base}&Page=1&PageToken=PT{first}",
        "next_page_url": f"{base}&Page=2&PageToken=PT{second}",
        "key": "services",
    }
    assert (await sids(api, middle["meta"]["next_page_url"])) == [[third]]
    assert (await sids(api, middle["meta"]["previous_page_url"], "previous_page_url")) == [[first]]


async def test_a_page_that_was_gone_back_to_leads_onward_again(api: Api) -> None:
    made = await services(api, 5)
    onward = [page async for page in pages(api, "/v1/Services?PageSize=2")]

    back = (await api.get(onward[2]["meta"]["previous_page_url"])).json

    assert back["services"] == onward[1]["services"]
    assert await sids(api, back["meta"]["next_page_url"]) == [made[4:]]


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 6])
async def test_pages_of_any_size_hold_each_record_once(api: Api, size: int) -> None:
    made = await services(api, 5)

    found = await sids(api, f"/v1/Services?PageSize={size}")

    assert found == [made[start : start + size] for start in range(0, 5, size)]


async def test_a_full_last_page_has_no_next_one(api: Api) -> None:
    await services(api, 4)

    last = [page async for page in pages(api, "/v1/Services?PageSize=2")][-1]

    assert len(last["services"]) == 2
    assert last["meta"]["next_page_url"] is None


async def test_an_empty_list_is_one_page_without_neighbours(api: Api) -> None:
    listed = await api.get("/v1/Services")

    assert listed.status == 200
    assert listed.json["services"] == []
    assert listed.json["meta"]["previous_page_url"] is None
    assert listed.json["meta"]["next_page_url"] is None


async def test_parameters_of_the_request_stay_in_every_address(api: Api) -> None:
    await services(api, 3)
    page = (await api.get("/v1/Services?Colour=deep%20blue&PageSize=1&Colour=a%26b%3Dc%C3%A9&Empty=")).json

    second = (await api.get(page["meta"]["next_page_url"])).json

    kept = "Colour=deep%20blue&Colour=a%26b%3Dc%C3%A9&Empty=&PageSize=1"
    urls = [second["meta"][name] for name in ("first_page_url", "previous_page_url", "url", "next_page_url")]
    assert all(url.startswith(f"{api.base}/v1/Services?{kept}&Page=") for url in urls)


async def test_an_address_shows_the_size_that_is_in_effect(api: Api) -> None:
    listed = await api.get("/v1/Services", PageSize=5000)

    assert listed.json["meta"]["url"] == f"{api.base}/v1/Services?PageSize=100&Page=0"


async def test_a_page_by_number_alone_is_found_by_counting(api: Api) -> None:
    made = await services(api, 5)

    page = (await api.get("/v1/Services", PageSize=2, Page=1)).json

    assert [record["sid"] for record in page["services"]] == made[2:4]
    assert page["meta"]["page"] == 1
    assert await sids(api, page["meta"]["next_page_url"]) == [made[4:]]
    assert await sids(api, page["meta"]["previous_page_url"], "previous_page_url") == [made[:2]]


async def test_a_page_behind_the_end_leads_nowhere(api: Api) -> None:
    await services(api, 2)

    page = (await api.get("/v1/Services", Page=7)).json

    assert page["services"] == []
    assert page["meta"]["page"] == 7
    assert page["meta"]["previous_page_url"] is None
    assert page["meta"]["next_page_url"] is None


async def test_what_is_added_while_a_list_is_read_comes_at_its_end(api: Api) -> None:
    made = await services(api, 4)
    found = []

    async for page in pages(api, "/v1/Services?PageSize=2"):
        found += [record["sid"] for record in page["services"]]
        if len(made) < 6:
            made += await services(api, 1)

    assert found == made


async def test_what_is_deleted_while_a_list_is_read_makes_it_skip_nothing(api: Api) -> None:
    made = await services(api, 7)
    found = []

    async for page in pages(api, "/v1/Services?PageSize=2"):
        here = [record["sid"] for record in page["services"]]
        found += here
        for sid in here:  # also the one that the token of the next page names
            await api.delete(f"/v1/Services/{sid}")

    assert found == made


async def test_a_token_whose_record_is_gone_still_marks_its_place(api: Api) -> None:
    made = await services(api, 6)
    second = (await api.get("/v1/Services", PageSize=2, Page=1)).json
    for sid in (made[2], made[3]):
        await api.delete(f"/v1/Services/{sid}")

    assert await sids(api, second["meta"]["next_page_url"]) == [made[4:]]
    assert await sids(api, second["meta"]["previous_page_url"], "previous_page_url") == [made[:2]]


async def test_everything_before_a_page_may_be_gone(api: Api) -> None:
    made = await services(api, 3)
    last = (await api.get("/v1/Services", PageSize=1, Page=2)).json
    for sid in made[:2]:
        await api.delete(f"/v1/Services/{sid}")

    before = (await api.get(last["meta"]["previous_page_url"])).json

    assert before["services"] == []
    assert before["meta"]["previous_page_url"] is None
    assert before["meta"]["next_page_url"] is None


async def test_pages_of_another_account_are_not_reached_by_a_token(api: Api, stranger: Api) -> None:
    made = await services(api, 2)

    found = await sids(stranger, f"/v1/Services?PageSize=1&Page=1&PageToken=PT{made[0]}")

    assert found == [[]]


async def test_roles_have_pages_too(api: Api) -> None:
    service = await api.a_service()
    for number in range(5):
        await api.a_role(service, f"number {number}")
    path = f"/v1/Services/{service['sid']}/Roles"
    everything = (await api.get(path)).json["roles"]

    onward = [page async for page in pages(api, f"{path}?PageSize=4")]
    back = [page async for page in pages(api, onward[-1]["meta"]["url"], "previous_page_url")]

    assert [page["roles"] for page in onward] == [everything[:4], everything[4:8], everything[8:]]
    assert [page["roles"] for page in reversed(back)] == [page["roles"] for page in onward]
    assert onward[0]["meta"]["key"] == "roles"
    assert onward[0]["meta"]["url"] == f"{api.base}{path}?PageSize=4&Page=0"


# Filters, sizes and tokens of a list's own


async def test_what_a_list_is_filtered_by_stays_in_every_address(api: Api) -> None:
    service = await api.a_service()
    channel = await api.a_channel(service)
    made = [(await api.a_member(channel, name))["sid"] for name in ("alice", "bob", "carol", "dave")]
    asked = f"/v2/Services/{service['sid']}/Channels/{channel['sid']}/Members?Identity=alice&Identity=carol"

    onward = [page async for page in pages(api, f"{asked}&PageSize=1")]
    back = [page async for page in pages(api, onward[-1]["meta"]["url"], "previous_page_url")]

    assert [[record["sid"] for record in page["members"]] for page in onward] == [[made[0]], [made[2]]]
    assert [page["members"] for page in back] == [page["members"] for page in reversed(onward)]
    assert onward[0]["meta"]["next_page_url"].startswith(f"{api.base}{asked}&PageSize=1&Page=1&PageToken=PT")


async def test_a_page_by_number_alone_counts_what_passes_the_filter(api: Api) -> None:
    service = await api.a_service()
    channels = [
        await api.a_channel(service, Type=kind) for kind in ("private", "public", "private", "private")
    ]

    page = (await api.get(f"/v2/Services/{service['sid']}/Channels", Type="private", PageSize=1, Page=1)).json

    assert [record["sid"] for record in page["channels"]] == [channels[2]["sid"]]


async def test_a_filter_that_means_nothing_is_refused(api: Api) -> None:
    service = await api.a_service()

    refusal = await api.get(f"/v1/Services/{service['sid']}/Channels", Type="secret")

    assert (refusal.status, refusal.code) == (400, 20001)


async def test_the_channels_of_a_user_have_their_own_sids_in_tokens(api: Api) -> None:
    service = await api.a_service()
    made = []
    for _ in range(3):
        made.append((await api.a_channel(service))["sid"])
        await api.a_member({"service_sid": service["sid"], "sid": made[-1]}, "alice")
    path = f"/v1/Services/{service['sid']}/Users/alice/Channels"

    onward = [page async for page in pages(api, f"{path}?PageSize=1")]

    assert [[record["channel_sid"] for record in page["channels"]] for page in onward] == [
        [found] for found in made
    ]
    tokens = [page["meta"]["url"].rpartition("PageToken=")[2] for page in onward[1:]]
    assert tokens == [f"PT{found}" for found in made[:2]]


async def test_a_list_may_have_a_usual_size_of_its_own(api: Api) -> None:
    service = await api.a_service()
    channel = await api.a_channel(service)
    path = f"/v2/Services/{service['sid']}/Channels/{channel['sid']}/Webhooks"

    sizes = [(await api.get(path + asked)).json["meta"]["page_size"] for asked in ("", "?PageSize=50")]

    assert sizes == [5, 5]


@pytest.mark.parametrize(
    ("version", "below", "largest"),
    [
        ("v1", "/Services", 100),
        ("v2", "/Services", 100),
        ("v1", "/Services/{service}/Roles", 1000),
        ("v2", "/Services/{service}/Roles", 100),
        ("v1", "/Services/{service}/Users/alice/Channels", 1000),
        ("v2", "/Services/{service}/Users/alice/Channels", 50),
        ("v2", "/Services/{service}/Bindings", 50),
        ("v1", "/Credentials", 1000),
        ("v2", "/Credentials", 1000),
    ],
)
async def test_the_largest_page_is_that_of_its_version(
    api: Api, version: str, below: str, largest: int
) -> None:
    service = await api.a_service()
    await api.a_user(service, "alice")
    path = f"/{version}{below.format(service=service['sid'])}"

    found = [await api.get(path, PageSize=size) for size in (largest, largest + 1)]

    assert [page.json["meta"]["page_size"] for page in found] == [largest, largest]


async def test_page_addresses_speak_the_version_that_was_asked(api: Api) -> None:
    await services(api, 2)

    page = (await api.get("/v2/Services", PageSize=1)).json

    assert page["meta"]["next_page_url"].startswith(f"{api.base}/v2/Services?")
