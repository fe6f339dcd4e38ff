"""One set of data behind both versions and every host; each answer speaks as it was asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from chinwag.rest.routes import ROUTES
from chinwag.rest.version import Version

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.api import Answer, Api

HOSTS = ("chat.example.com", "ip-messaging.example.com", "[::1]:8080", "chat")
THEIRS = ("http://localhost/",)
"""Addresses that clients gave us, and that are theirs."""

CHANGES = {
    "Services": {"FriendlyName": "Support"},
    "Roles": {"Permission": "leaveChannel"},
    "Users": {"FriendlyName": "Alice"},
    "Channels": {"FriendlyName": "Lobby"},
    "Members": {"LastConsumedMessageIndex": "0"},
    "Messages": {"Body": "bye"},
    "Webhooks": {"Configuration.RetryCount": "1"},
    "Credentials": {"FriendlyName": "phones"},
}
NEW = {
    "Services": {"FriendlyName": "Support"},
    "Roles": {"FriendlyName": "guest", "Type": "channel", "Permission": "sendMessage"},
    "Users": {"Identity": "zoë"},
    "Channels": {"FriendlyName": "Lobby"},
    "Members": {"Identity": "carol"},
    "Invites": {"Identity": "carol"},
    "Messages": {"Body": "hello"},
    "Webhooks": {
        "Type": "webhook",
        "Configuration.Url": THEIRS[0],
        "Configuration.Filters": "onMessageSent",
    },
    "Credentials": {"Type": "fcm", "Secret": "swordfish"},
}


def addresses(value: object) -> Iterator[str]:
    """Every absolute address in an answer."""
    match value:
        case dict():
            for inner in value.values():
                yield from addresses(inner)
        case list():
            for inner in value:
                yield from addresses(inner)
        case str() if "://" in value and value not in THEIRS:
            yield value
        case _:
            pass


async def ask(api: Api, method: str, path: str, host: str, **parameters: Any) -> Answer:
    return await api.send(method, path, headers={"Host": host}, data=parameters or None)


READS = [
    (version, route.path)
    for version in Version
    for route in ROUTES
    if route.method == "GET" and route.since <= version
]
CREATIONS = [
    (version, route.path)
    for version in Version
    for route in ROUTES
    if route.method == "POST" and route.status == 201 and route.since <= version
]
UPDATES = [
    (version, route.path)
    for version in Version
    for route in ROUTES
    if route.method == "POST" and route.status == 200 and route.since <= version
]


@pytest.mark.parametrize(("version", "path"), READS, ids=str)
async def test_each_address_that_is_read_has_the_host_and_version_of_its_request(
    api: Api, there: dict[str, Any], version: Version, path: str
) -> None:
    for host in HOSTS:
        answer = await ask(api, "GET", version.path + path.format_map(there), host)

        assert answer.status == 200, answer.body
        found = list(addresses(answer.json))
        assert found
        assert all(address.startswith(f"http://{host}{version.path}/") for address in found), found


@pytest.mark.parametrize(("version", "path"), CREATIONS, ids=str)
async def test_each_address_of_what_is_made_has_the_host_and_version_of_its_request(
    api: Api, there: dict[str, Any], version: Version, path: str
) -> None:
    noun = path.rpartition("/")[2]

    answer = await ask(api, "POST", version.path + path.format_map(there), HOSTS[0], **NEW[noun])

    assert answer.status == 201, answer.body
    found = list(addresses(answer.json))
    assert f"http://{HOSTS[0]}{version.path}{path.format_map(there)}/{answer.json['sid']}" in found
    assert all(address.startswith(f"http://{HOSTS[0]}{version.path}/") for address in found), found


@pytest.mark.parametrize(("version", "path"), UPDATES, ids=str)
async def test_each_address_of_what_is_changed_has_the_host_and_version_of_its_request(
    api: Api, there: dict[str, Any], version: Version, path: str
) -> None:
    noun = path.split("/")[-2]
    changes = {"NotificationLevel": "muted"} if "Users" in path and noun == "Channels" else CHANGES[noun]
    asked = version.path + path.format_map(there)

    answer = await ask(api, "POST", asked, HOSTS[1], **changes)

    assert answer.status == 200, answer.body
    found = list(addresses(answer.json))
    assert f"http://{HOSTS[1]}{asked}" in found
    assert all(address.startswith(f"http://{HOSTS[1]}{version.path}/") for address in found), found


@pytest.mark.parametrize(("version", "path"), READS, ids=str)
async def test_every_host_shows_the_same(
    api: Api, there: dict[str, Any], version: Version, path: str
) -> None:
    asked = version.path + path.format_map(there)

    one, other = [(await ask(api, "GET", asked, host)).body for host in HOSTS[:2]]

    assert one.replace(HOSTS[0].encode(), HOSTS[1].encode()) == other


async def test_what_one_host_and_version_makes_every_other_finds(api: Api) -> None:
    made = await ask(api, "POST", "/v1/Services", HOSTS[0], FriendlyName="Support")
    sid = made.json["sid"]
    changed = await ask(api, "POST", f"/v2/Services/{sid}", HOSTS[1], FriendlyName="Sales")

    names = {
        (await ask(api, "GET", f"/{version}/Services/{sid}", host)).json["friendly_name"]
        for version in ("v1", "v2")
        for host in HOSTS
    }
    deleted = await ask(api, "DELETE", f"/v1/Services/{sid}", HOSTS[2])
    gone = await ask(api, "GET", f"/v2/Services/{sid}", HOSTS[3])

    assert (made.status, changed.status, deleted.status, gone.status) == (201, 200, 204, 404)
    assert names == {"Sales"}


async def test_a_token_leads_to_the_same_place_behind_every_host_and_version(
    api: Api, there: dict[str, Any]
) -> None:
    path = f"/Services/{there['service_sid']}/Roles"
    first = await ask(api, "GET", f"/v1{path}?PageSize=2", HOSTS[0])
    following = first.json["meta"]["next_page_url"].removeprefix(f"http://{HOSTS[0]}/v1")

    pages = [
        (await ask(api, "GET", f"/{version}{following}", host)).json["roles"]
        for version in ("v1", "v2")
        for host in HOSTS
    ]

    names = [[role["sid"] for role in page] for page in pages]
    assert len(names[0]) == 2
    assert all(page == names[0] for page in names)
