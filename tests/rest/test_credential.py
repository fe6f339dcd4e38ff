"""Credentials over REST, and where their secrets are not. Source: chat-v1 Credential, chat-v2 Credential."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import aiohttp
import asyncpg
import pytest

from chinwag.storage.store import sqlite_path
from rest.shared import NOWHERE, assert_paged, in_both_versions, later, outcomes
from support.api import Api
from support.command_line import CommandLine

if TYPE_CHECKING:
    from pathlib import Path

    from support.api import Answer

CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMIIC+certificate/==\n-----END CERTIFICATE-----\n"
PRIVATE_KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIC+private/==\n-----END RSA PRIVATE KEY-----\n"
APN = {"Type": "apn", "Certificate": CERTIFICATE, "PrivateKey": PRIVATE_KEY}
GCM = {"Type": "gcm", "ApiKey": "gcm-swordfish"}
FCM = {"Type": "fcm", "Secret": "fcm-swordfish"}
EVERY_TYPE = [APN, GCM, FCM]
SECRET_NAMES = ("Certificate", "PrivateKey", "ApiKey", "Secret")


def type_of(parameters: dict[str, str]) -> str:
    return parameters["Type"]


async def a_credential(api: Api, parameters: dict[str, str] | None = None, **more: str) -> dict[str, Any]:
    made = await api.post("/v2/Credentials", **{**(parameters or FCM), **more})
    assert made.status == 201, made.body
    return made.json


# Creating


@in_both_versions
@pytest.mark.parametrize("parameters", EVERY_TYPE, ids=type_of)
async def test_a_new_credential_has_every_field_and_no_secret(
    api: Api, version: str, parameters: dict[str, str]
) -> None:
    made = await api.post(f"/{version}/Credentials", FriendlyName="phones", **parameters)

    assert made.status == 201
    credential = made.json
    assert re.fullmatch(r"CR[0-9a-f]{32}", credential["sid"])
    assert credential == {
        "sid": credential["sid"],
        "account_sid": api.account_sid,
        "friendly_name": "phones",
        "type": parameters["Type"],
        "sandbox": "False" if parameters["Type"] == "apn" else None,
        "date_created": credential["date_created"],
        "date_updated": credential["date_created"],
        "url": f"{api.base}/{version}/Credentials/{credential['sid']}",
    }
    assert (await api.get(f"/{version}/Credentials/{credential['sid']}")).json == credential


async def test_a_credential_needs_no_name(api: Api) -> None:
    assert (await a_credential(api))["friendly_name"] is None
    assert (await a_credential(api, FriendlyName=""))["friendly_name"] is None


@pytest.mark.parametrize(
    ("text", "shown"), [("true", "True"), ("True", "True"), ("false", "False"), ("FALSE", "False")]
)
async def test_the_sandbox_of_apn_is_a_text(api: Api, text: str, shown: str) -> None:
    assert (await a_credential(api, APN, Sandbox=text))["sandbox"] == shown


@pytest.mark.parametrize("parameters", [GCM, FCM], ids=type_of)
async def test_nobody_else_has_a_sandbox(api: Api, parameters: dict[str, str]) -> None:
    assert (await a_credential(api, parameters, Sandbox="true"))["sandbox"] is None


@in_both_versions
@pytest.mark.parametrize(
    ("parameters", "missing"),
    [(APN, "Certificate"), (APN, "PrivateKey"), (GCM, "ApiKey"), (FCM, "Secret"), (FCM, "Type")],
)
async def test_what_its_type_needs_must_be_given(
    api: Api, version: str, parameters: dict[str, str], missing: str
) -> None:
    given = {name: value for name, value in parameters.items() if name != missing}

    refusal = await api.post(f"/{version}/Credentials", **given)

    assert (refusal.status, refusal.code) == (400, 20001)
    assert refusal.json["message"] == f"Missing required parameter {missing} in the post body"
    assert (await api.get("/v2/Credentials")).json["credentials"] == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"Type": "sms"},
        {"Type": "APN"},
        {"Type": ""},
        {"Secret": ""},
        {"Secret": "s" * 16_385},
        {"Sandbox": "maybe"},
        {"Sandbox": ""},
    ],
    ids=lambda wrong: "-".join(f"{name}={text[:8]}" for name, text in wrong.items()),
)
async def test_what_is_wrong_is_refused(api: Api, wrong: dict[str, str]) -> None:
    refusal = await api.post("/v2/Credentials", **{**FCM, **wrong})

    assert (refusal.status, refusal.code) == (400, 20001)
    assert (await api.get("/v2/Credentials")).json["credentials"] == []


@pytest.mark.parametrize(("version", "longest"), [("v1", 64), ("v2", 256)])
async def test_a_name_is_as_long_as_its_version_allows(api: Api, version: str, longest: int) -> None:
    kept = await api.post(f"/{version}/Credentials", **FCM, FriendlyName="é" * longest)
    refused = await api.post(f"/{version}/Credentials", **FCM, FriendlyName="é" * (longest + 1))

    assert (kept.status, kept.json["friendly_name"]) == (201, "é" * longest)
    assert (refused.status, refused.code) == (400, 50003)


# Updating


@in_both_versions
@pytest.mark.parametrize(
    ("parameters", "changes", "shown"),
    [
        (FCM, {"FriendlyName": "phones"}, {"friendly_name": "phones"}),
        (APN, {"Sandbox": "true"}, {"sandbox": "True"}),
        (GCM, {"Sandbox": "true"}, {}),
        (FCM, {"Secret": "another"}, {}),
        (FCM, {"Type": "apn"}, {}),
        (FCM, {"Type": "nonsense", "Certificate": "x", "ApiKey": "y"}, {}),
        (APN, {}, {}),
    ],
    ids=str,
)
async def test_an_update_changes_what_it_names_and_never_the_type(
    api: Api, version: str, parameters: dict[str, str], changes: dict[str, str], shown: dict[str, str]
) -> None:
    credential = (await api.post(f"/{version}/Credentials", **parameters)).json

    changed = await api.post(f"/{version}/Credentials/{credential['sid']}", **changes)

    assert changed.status == 200
    assert changed.json == {**credential, **shown, "date_updated": changed.json["date_updated"]}
    assert (await api.get(f"/{version}/Credentials/{credential['sid']}")).json == changed.json


async def test_every_update_moves_the_date(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    credential = await a_credential(api)
    later(monkeypatch)

    changed = await api.post(f"/v2/Credentials/{credential['sid']}")

    assert changed.json["date_created"] == credential["date_created"]
    assert changed.json["date_updated"] > credential["date_updated"]


async def test_an_empty_name_is_none(api: Api) -> None:
    credential = await a_credential(api, FriendlyName="phones")

    changed = await api.post(f"/v2/Credentials/{credential['sid']}", FriendlyName="")

    assert changed.json["friendly_name"] is None


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"Secret": ""}, 20001),
        ({"Secret": "s" * 16_385}, 20001),
        ({"Sandbox": "1"}, 20001),
        ({"FriendlyName": "a" * 257}, 50003),
    ],
    ids=["empty secret", "long secret", "sandbox", "name"],
)
async def test_an_update_that_is_refused_changes_nothing(api: Api, wrong: dict[str, str], code: int) -> None:
    credential = await a_credential(api)

    refusal = await api.post(f"/v2/Credentials/{credential['sid']}", **{"FriendlyName": "x", **wrong})

    assert (refusal.status, refusal.code) == (400, code)
    assert (await api.get(f"/v2/Credentials/{credential['sid']}")).json == credential


# Deleting, and what is not there


@in_both_versions
async def test_a_credential_is_deleted_with_an_empty_answer_and_gone(api: Api, version: str) -> None:
    gone, kept = await a_credential(api), await a_credential(api)
    path = f"/{version}/Credentials/{gone['sid']}"

    deleted = await api.delete(path)

    assert (deleted.status, deleted.body) == (204, b"")
    assert await outcomes(api, path) == NOWHERE
    assert (await api.get("/v2/Credentials")).json["credentials"] == [kept]


@pytest.mark.parametrize("key", ["CR" + "0" * 32, "CR0", "IS" + "0" * 32, "phones"])
async def test_a_credential_is_found_by_its_sid_alone(api: Api, key: str) -> None:
    await a_credential(api, FriendlyName="phones")

    assert await outcomes(api, f"/v2/Credentials/{key}", Secret="") == NOWHERE


async def test_another_account_finds_nothing(api: Api, stranger: Api) -> None:
    credential = await a_credential(api)

    assert await outcomes(stranger, f"/v2/Credentials/{credential['sid']}", Secret="mine") == NOWHERE
    assert (await stranger.get("/v2/Credentials")).json["credentials"] == []
    assert (await api.get(f"/v2/Credentials/{credential['sid']}")).json == credential


async def test_a_credential_belongs_to_no_service(api: Api) -> None:
    service = await api.a_service()
    credential = await a_credential(api)

    await api.delete(f"/v2/Services/{service['sid']}")

    assert (await api.get(f"/v2/Credentials/{credential['sid']}")).json == credential


# Pages


@in_both_versions
async def test_credentials_are_listed_oldest_first(api: Api, version: str) -> None:
    made = [(await api.post(f"/{version}/Credentials", **parameters)).json for parameters in EVERY_TYPE]

    answer = await api.get(f"/{version}/Credentials")

    url = f"{api.base}/{version}/Credentials?PageSize=50&Page=0"
    assert answer.status == 200
    assert answer.json == {
        "meta": {
            "page": 0,
            "page_size": 50,
            "first_page_url": url,
            "previous_page_url": None,
            "url": url,
            "next_page_url": None,
            "key": "credentials",
        },
        "credentials": made,
    }


async def test_pages_lead_onward_and_back(api: Api) -> None:
    made = [await a_credential(api, EVERY_TYPE[number % 3]) for number in range(5)]

    await assert_paged(api, "/v2/Credentials", made)


@in_both_versions
async def test_a_page_holds_a_thousand_at_most(api: Api, version: str) -> None:
    answer = await api.get(f"/{version}/Credentials", PageSize=5000)

    assert answer.json["meta"]["page_size"] == 1000


# Secrets


@pytest.mark.parametrize("parameters", EVERY_TYPE, ids=type_of)
async def test_no_answer_holds_a_secret(api: Api, parameters: dict[str, str]) -> None:
    secrets = [parameters[name] for name in SECRET_NAMES if name in parameters]

    answers = await everything_about(api, parameters)

    for answer in answers:
        told = repr(answer.headers) + answer.body.decode()
        assert not any(line in told for secret in secrets for line in secret.split("\n") if line)


async def test_the_log_and_the_database_hold_no_secret(database: str, tmp_path: Path) -> None:
    command_line = CommandLine(
        tmp_path,
        {
            "CHINWAG_DATABASE": database,
            "CHINWAG_ACCOUNT_SID": "AC" + "0" * 32,
            "CHINWAG_AUTH_TOKEN": "0" * 32,
            "CHINWAG_LOG_LEVEL": "debug",
        },
    )

    with command_line.serving() as server:
        async with aiohttp.ClientSession() as session:
            api = Api(session, server.base, "AC" + "0" * 32, "0" * 32)
            for parameters in EVERY_TYPE:
                await everything_about(api, parameters)
        while_it_ran = await everything_kept(database)
        server.stop()
        logged = server.log

    kept = while_it_ran + await everything_kept(database)
    assert "/v2/Credentials" in logged
    assert b"phones".hex() in kept  # what is looked through is the whole
    for secret in ("MIIC+certificate", "MIIC+private", "gcm-swordfish", "fcm-swordfish"):
        assert secret not in logged
        assert secret.encode().hex() not in kept


async def everything_about(api: Api, parameters: dict[str, str]) -> list[Answer]:
    """Do all that can be done with a credential, well and badly, and return the answers."""
    secrets = {name: value for name, value in parameters.items() if name in SECRET_NAMES}
    made = await api.post("/v2/Credentials", FriendlyName="phones", **parameters)
    path = f"/v2/Credentials/{made.json['sid']}"
    too_long = {name: value.ljust(20_000, "x") for name, value in secrets.items()}
    answers = [
        made,
        await api.post(path, **secrets),
        await api.get(path),
        await api.get("/v2/Credentials"),
        await api.get(path.replace("v2", "v1")),
        await api.post("/v2/Credentials", **{**parameters, "Type": "nonsense"}),
        await api.post("/v2/Credentials", **{**parameters, "Sandbox": "nonsense"}),
        await api.post("/v2/Credentials", **{**parameters, **too_long}),
        await api.post("/v2/Credentials", **secrets),
        await api.post(path, **{name: f"{value}\0" for name, value in secrets.items()}),
        await api.post(path.replace("CR", "CX"), **secrets),
        await api.send("PUT", path, data=secrets),
        await api.send("POST", path, json=secrets),
        await api.send("POST", path, data=secrets, auth=False),
    ]
    assert {answer.status for answer in answers} == {200, 201, 400, 401, 404, 405}
    return answers


async def everything_kept(database: str) -> str:
    """Every byte of a database, in hexadecimal digits."""
    path = sqlite_path(database)
    if path is not None:
        return "".join(file.read_bytes().hex() for file in path.parent.glob(f"{path.name}*"))
    connection = await asyncpg.connect(database)
    try:
        tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        texts: list[str] = []
        for (table,) in tables:
            for row in await connection.fetch(f'SELECT * FROM "{table}"'):
                texts += [_hex(value) for value in row.values()]
        return " ".join(texts)
    finally:
        await connection.close()


def _hex(value: object) -> str:
    return (value if isinstance(value, bytes) else str(value).encode()).hex()
