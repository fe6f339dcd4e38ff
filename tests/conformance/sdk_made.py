"""What the REST API shows but cannot make, made as client SDKs make it: devices, and files."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chinwag.auth.access_token import access_token
from support.sdk_client import SdkClient
from support.uploads import Uploader

if TYPE_CHECKING:
    from support.api import Api
    from support.keys import Key

DEVICES = 25
"""Most devices that a user may have."""


@dataclass(frozen=True)
class Account:
    """An account of a server, and what shows that one may use it."""

    base: str
    sid: str
    auth_token: str
    key: Key


async def add_binding(account: Account, user: dict[str, Any], credential: dict[str, Any]) -> str:
    """Register a device of a user, both as REST shows them, and return the SID of its binding."""
    (sid,) = await add_bindings(account, user, credential, 1)
    return sid


async def add_bindings(
    account: Account, user: dict[str, Any], credential: dict[str, Any], how_many: int
) -> list[str]:
    """Register several devices of a user in the same way."""
    assert how_many <= DEVICES
    token = access_token(
        account_sid=account.sid,
        key_sid=account.key.sid,
        secret=account.key.secret,
        service_sid=user["service_sid"],
        identity=user["identity"],
        now=time.time_ns() // 1_000_000,
        push_credential_sid=credential["sid"],
    )
    client = SdkClient(account.base, token)
    await client.connect()
    sids: list[str] = []
    for _ in range(how_many):
        address = f"device {secrets.token_hex(16)}"
        device = {"channel_type": credential["type"], "data": {"registration_id": address}}
        answer = await client.request("POST", "/v1/registrations", device)
        assert answer.status == 201, answer
        sids.append(answer.json["id"])
    await client.close()
    return sids


async def add_media(api: Api, account: Account, within: dict[str, Any]) -> str:
    """Upload a file to the service of something that REST shows, and return its SID."""
    uploader = Uploader(api, within["service_sid"], account.key.sid, account.key.secret)
    query = "?Category=media&Filename=hello.pdf"
    made = await uploader.upload(bytes(2048), "application/pdf", query)
    assert made.status == 201, made.body
    return made.json["sid"]
