"""Bindings and user bindings over REST, in v2 only: SDKs make them. Source: chat-v2 Binding, UserBinding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from conformance.stored import add_binding, add_bindings
from rest.shared import NOWHERE, assert_paged, outcome, segment

if TYPE_CHECKING:
    from chinwag.settings import Settings
    from support.api import Api

TYPES = ("apn", "gcm", "fcm")
MESSAGE_TYPES = {"new_message", "added_to_channel", "removed_from_channel", "invited_to_channel"}


class Devices:
    """What devices register with: a service with two users, and a credential of each type."""

    def __init__(self, settings: Settings, service: dict[str, Any], users: list[dict[str, Any]]) -> None:
        self._settings = settings
        self.service = service
        self.alice, self.bob = users
        self.path = f"/v2/Services/{service['sid']}/Bindings"
        self.alices = f"/v2/Services/{service['sid']}/Users/{self.alice['sid']}/Bindings"

    @staticmethod
    def credential(kind: str) -> dict[str, str]:
        return {"sid": f"CR{TYPES.index(kind):032x}", "type": kind}

    async def a_binding(self, user: dict[str, Any], kind: str = "fcm") -> str:
        return await add_binding(self._settings, user, self.credential(kind))

    async def many_bindings(self, user: dict[str, Any], count: int) -> list[str]:
        return await add_bindings(self._settings, user, self.credential("fcm"), count)


@pytest.fixture
async def devices(api: Api, server: tuple[str, Settings]) -> Devices:
    _, settings = server
    service = await api.a_service()
    users = [await api.a_user(service, identity) for identity in ("alice & co/é", "bob")]
    return Devices(settings, service, users)


async def sids(api: Api, path: str, **query: Any) -> list[str]:
    answer = await api.get(path, **query)
    assert answer.status == 200, answer.body
    return [binding["sid"] for binding in answer.json["bindings"]]


# Fields


@pytest.mark.check(19)
@pytest.mark.parametrize("kind", TYPES)
async def test_a_binding_has_every_field_and_no_address(api: Api, devices: Devices, kind: str) -> None:
    sid = await devices.a_binding(devices.alice, kind)

    fetched = await api.get(f"{devices.path}/{sid}")

    assert fetched.status == 200
    binding = fetched.json
    users = f"{api.base}/v2/Services/{devices.service['sid']}/Users"
    assert binding == {
        "sid": sid,
        "account_sid": api.account_sid,
        "service_sid": devices.service["sid"],
        "endpoint": f"phone {sid}",
        "identity": "alice & co/é",
        "credential_sid": devices.credential(kind)["sid"],
        "binding_type": kind,
        "message_types": binding["message_types"],
        "date_created": binding["date_created"],
        "date_updated": binding["date_created"],
        "url": f"{api.base}{devices.path}/{sid}",
        "links": {"user": f"{users}/{segment('alice & co/é')}"},
    }
    assert set(binding["message_types"]) == MESSAGE_TYPES
    assert len(binding["message_types"]) == 4


async def test_the_link_of_a_binding_leads_to_its_user(api: Api, devices: Devices) -> None:
    sid = await devices.a_binding(devices.alice)
    binding = (await api.get(f"{devices.path}/{sid}")).json

    user = await api.get(binding["links"]["user"])

    assert user.json == devices.alice


async def test_a_user_binding_names_its_user_and_has_no_links(api: Api, devices: Devices) -> None:
    sid = await devices.a_binding(devices.alice)
    binding = (await api.get(f"{devices.path}/{sid}")).json

    fetched = await api.get(f"{devices.alices}/{sid}")

    del binding["links"]
    url = f"{api.base}{devices.alices}/{sid}"
    assert fetched.status == 200
    assert fetched.json == {**binding, "user_sid": devices.alice["sid"], "url": url}


async def test_a_user_binding_is_found_by_identity_too(api: Api, devices: Devices) -> None:
    sid = await devices.a_binding(devices.alice)
    by_identity = devices.alices.replace(devices.alice["sid"], segment("alice & co/é"))

    assert (await api.get(f"{by_identity}/{sid}")).json == (await api.get(f"{devices.alices}/{sid}")).json
    assert await sids(api, by_identity) == [sid]
    assert (await api.delete(f"{by_identity}/{sid}")).status == 204


# Lists


async def test_bindings_are_listed_oldest_first(api: Api, devices: Devices) -> None:
    made = [await devices.a_binding(user) for user in (devices.alice, devices.bob, devices.alice)]
    expected = [(await api.get(f"{devices.path}/{sid}")).json for sid in made]

    listed = await api.get(devices.path)

    url = f"{api.base}{devices.path}?PageSize=50&Page=0"
    assert listed.json == {
        "meta": {
            "page": 0,
            "page_size": 50,
            "first_page_url": url,
            "previous_page_url": None,
            "url": url,
            "next_page_url": None,
            "key": "bindings",
        },
        "bindings": expected,
    }


async def test_a_user_has_a_list_of_its_own(api: Api, devices: Devices) -> None:
    made = [await devices.a_binding(user) for user in (devices.alice, devices.bob, devices.alice)]
    expected = [(await api.get(f"{devices.alices}/{sid}")).json for sid in (made[0], made[2])]

    listed = await api.get(devices.alices)

    assert listed.json["bindings"] == expected
    assert listed.json["meta"]["key"] == "bindings"


async def test_users_and_services_lead_to_their_bindings_in_v2_only(api: Api, devices: Devices) -> None:
    path = f"Services/{devices.service['sid']}"
    service = {version: (await api.get(f"/{version}/{path}")).json["links"] for version in ("v1", "v2")}
    user = {
        version: (await api.get(f"/{version}/{path}/Users/{devices.alice['sid']}")).json["links"]
        for version in ("v1", "v2")
    }

    assert service["v2"]["bindings"] == api.base + devices.path
    assert user["v2"]["user_bindings"] == api.base + devices.alices
    assert "bindings" not in service["v1"]
    assert "user_bindings" not in user["v1"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, [0, 1, 2, 3, 4]),
        ({"BindingType": "fcm"}, [2, 4]),
        ({"BindingType": ["apn", "gcm"]}, [0, 1, 3]),
        ({"BindingType": ["apn", "apn"]}, [0, 3]),
        ({"Identity": "bob"}, [3, 4]),
        ({"Identity": ["bob", "alice & co/é", "nobody"]}, [0, 1, 2, 3, 4]),
        ({"Identity": "bob", "BindingType": "apn"}, [3]),
        ({"Identity": "bob", "BindingType": "gcm"}, []),
        ({"Identity": "BOB"}, []),
    ],
    ids=str,
)
async def test_bindings_are_filtered_by_type_and_identity(
    api: Api, devices: Devices, query: dict[str, Any], expected: list[int]
) -> None:
    made = [await devices.a_binding(devices.alice, kind) for kind in TYPES]
    made += [await devices.a_binding(devices.bob, kind) for kind in ("apn", "fcm")]

    assert await sids(api, devices.path, **query) == [made[number] for number in expected]


async def test_the_bindings_of_a_user_are_filtered_by_type_alone(api: Api, devices: Devices) -> None:
    apn, gcm, fcm = [await devices.a_binding(devices.alice, kind) for kind in TYPES]
    await devices.a_binding(devices.bob, "fcm")

    assert await sids(api, devices.alices, BindingType="fcm") == [fcm]
    assert await sids(api, devices.alices, BindingType=["apn", "gcm"]) == [apn, gcm]
    assert await sids(api, devices.alices, Identity="bob") == [apn, gcm, fcm]


@pytest.mark.parametrize("wrong", ["sms", "FCM", ["fcm", "sms"], ["fcm", ""]], ids=str)
async def test_a_type_that_does_not_exist_is_refused(
    api: Api, devices: Devices, wrong: str | list[str]
) -> None:
    refusals = [await api.get(path, BindingType=wrong) for path in (devices.path, devices.alices)]

    assert [outcome(refusal) for refusal in refusals] == [(400, 50209)] * 2


async def test_a_page_holds_fifty_at_most(api: Api, devices: Devices) -> None:
    made = await devices.many_bindings(devices.alice, 55)

    for path in (devices.path, devices.alices):
        page = (await api.get(path, PageSize=1000)).json

        assert page["meta"]["page_size"] == 50
        assert [binding["sid"] for binding in page["bindings"]] == made[:50]
        assert await sids(api, page["meta"]["next_page_url"]) == made[50:]


async def test_pages_lead_onward_and_back_and_keep_their_filters(api: Api, devices: Devices) -> None:
    await devices.a_binding(devices.bob, "apn")
    made = await devices.many_bindings(devices.alice, 5)
    await devices.a_binding(devices.alice, "apn")

    for path, query in (
        (devices.path, "BindingType=fcm&BindingType=gcm&Identity=alice%20%26%20co%2F%C3%A9&"),
        (devices.alices, "BindingType=fcm&"),
    ):
        expected = [(await api.get(f"{path}/{sid}")).json for sid in made]

        await assert_paged(api, path, expected, query)


# Deleting, and what is not there


async def test_a_binding_is_deleted_with_an_empty_answer_and_gone(api: Api, devices: Devices) -> None:
    for path in (devices.path, devices.alices):
        gone, kept = await devices.many_bindings(devices.alice, 2)

        deleted = await api.delete(f"{path}/{gone}")

        assert (deleted.status, deleted.body) == (204, b"")
        for either in (devices.path, devices.alices):
            assert outcome(await api.get(f"{either}/{gone}")) == (404, 20404)
            assert outcome(await api.delete(f"{either}/{gone}")) == (404, 20404)
            assert await sids(api, either) == [kept]
        await api.delete(f"{path}/{kept}")


async def test_nobody_makes_or_changes_a_binding_over_rest(api: Api, devices: Devices) -> None:
    sid = await devices.a_binding(devices.alice)

    for path in (devices.path, devices.alices):
        answers = [await api.post(path, Endpoint="x"), await api.post(f"{path}/{sid}", Endpoint="x")]

        assert [outcome(answer) for answer in answers] == [(405, 20004)] * 2


@pytest.mark.parametrize("key", ["BS" + "0" * 32, "BS0", "US" + "0" * 32, "bob"])
async def test_a_binding_is_found_by_its_sid_alone(api: Api, devices: Devices, key: str) -> None:
    await devices.a_binding(devices.alice)

    for path in (devices.path, devices.alices):
        answers = [await api.get(f"{path}/{key}"), await api.delete(f"{path}/{key}")]

        assert [outcome(answer) for answer in answers] == NOWHERE[:2]


async def test_a_binding_is_not_found_with_another_user(api: Api, devices: Devices) -> None:
    sid = await devices.a_binding(devices.bob)

    answers = [await api.get(f"{devices.alices}/{sid}"), await api.delete(f"{devices.alices}/{sid}")]

    assert [outcome(answer) for answer in answers] == NOWHERE[:2]
    assert await sids(api, devices.path) == [sid]


@pytest.mark.check(16)
async def test_a_binding_is_not_found_in_another_service(api: Api, devices: Devices) -> None:
    sid = await devices.a_binding(devices.alice)
    other = await api.a_service()
    path = f"/v2/Services/{other['sid']}/Bindings"

    answers = [await api.get(f"{path}/{sid}"), await api.delete(f"{path}/{sid}")]

    assert [outcome(answer) for answer in answers] == NOWHERE[:2]
    assert await sids(api, path) == []


async def test_a_user_that_is_not_there_has_no_bindings(api: Api, devices: Devices) -> None:
    sid = await devices.a_binding(devices.alice)
    for key in ("US" + "0" * 32, "nobody"):
        path = devices.alices.replace(devices.alice["sid"], key)

        answers = [
            await api.get(path),
            await api.get(path, BindingType="sms"),
            await api.get(f"{path}/{sid}"),
            await api.delete(f"{path}/{sid}"),
        ]

        assert [outcome(answer) for answer in answers] == [(404, 20404)] * 4


async def test_bindings_go_with_their_user(api: Api, devices: Devices) -> None:
    gone, kept = await devices.a_binding(devices.alice), await devices.a_binding(devices.bob)

    await api.delete(devices.alice["url"])

    assert outcome(await api.get(f"{devices.path}/{gone}")) == (404, 20404)
    assert await sids(api, devices.path) == [kept]


async def test_v1_has_no_bindings(api: Api, devices: Devices) -> None:
    sid = await devices.a_binding(devices.alice)
    in_v1 = [path.replace("/v2/", "/v1/") for path in (devices.path, devices.alices)]

    answers = [await api.get(path) for path in (*in_v1, *(f"{path}/{sid}" for path in in_v1))]

    assert [outcome(answer) for answer in answers] == [(404, 20404)] * 4


@pytest.mark.check(16)
async def test_another_account_finds_nothing(api: Api, stranger: Api, devices: Devices) -> None:
    sid = await devices.a_binding(devices.alice)

    for path in (devices.path, devices.alices):
        answers = [
            await stranger.get(path),
            await stranger.get(f"{path}/{sid}"),
            await stranger.delete(f"{path}/{sid}"),
        ]

        assert [outcome(answer) for answer in answers] == NOWHERE
    assert await sids(api, devices.path) == [sid]
