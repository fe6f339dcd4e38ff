"""Tokens that an operator makes: whatever is handed out is a token that a server accepts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from auth.tokens import ACCOUNT, CHANNEL_ROLE, CREDENTIAL, DEPLOYMENT_ROLE, KEY, NOW, SERVICE, Clock, House
from chinwag.auth.issuing import issued
from chinwag.auth.token_refusal import TokenRefusedError
from chinwag.errors import ApiError
from storage.builders import a_credential, a_key, a_service, sid

if TYPE_CHECKING:
    from chinwag.auth.access_token import AccessTokens


async def test_a_token_is_made_for_a_service_of_any_account(
    house: House, tokens: AccessTokens, clock: Clock
) -> None:
    key = await a_key(house.store, house.stranger, 60, sealed_secret=house.seal.seal("secret"))
    theirs = await a_service(house.store, house.stranger, 61)

    ours = await tokens.session(await made(house, clock))
    session = await tokens.session(await made(house, clock, service_sid=theirs.sid))

    assert (ours.account_sid, ours.key_sid, ours.service_sid) == (ACCOUNT, KEY, SERVICE)
    assert (session.account_sid, session.key_sid) == (house.stranger.sid, key.sid)


async def test_a_token_says_what_it_is_told_to(house: House, tokens: AccessTokens, clock: Clock) -> None:
    await a_credential(house.store, house.account, 5)
    given = {
        "endpoint_id": "phone",
        "deployment_role_sid": DEPLOYMENT_ROLE,
        "push_credential_sid": CREDENTIAL,
    }

    session = await tokens.session(await made(house, clock, identity="álïçé", ttl=60, **given))

    assert (session.identity, session.expires) == ("álïçé", NOW + 60)
    assert {name: getattr(session, name) for name in given} == given


async def test_the_newest_key_signs_unless_another_is_named(
    house: House, tokens: AccessTokens, clock: Clock
) -> None:
    newer = await a_key(house.store, house.account, 62, sealed_secret=house.seal.seal("secret"))

    by_itself = await tokens.session(await made(house, clock))
    named = await tokens.session(await made(house, clock, key_sid=KEY))
    await house.store.write(lambda tx: tx.accounts.remove_key(newer.sid))

    assert (by_itself.key_sid, named.key_sid) == (newer.sid, KEY)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"service_sid": sid("IS", 77)}, f"there is no service {sid('IS', 77)}"),
        ({"service_sid": "support"}, "there is no service support"),
        ({"service_sid": "a\0b"}, "there is no service"),
        ({"key_sid": sid("SK", 77)}, f"there is no key {sid('SK', 77)} in the account of the service"),
        ({"key_sid": "mine"}, "there is no key mine in the account of the service"),
        ({"push_credential_sid": sid("CR", 77)}, f"there is no credential {sid('CR', 77)}"),
        ({"push_credential_sid": "mine"}, "there is no credential mine in the account of the service"),
        ({"deployment_role_sid": sid("RL", 77)}, "not a deployment role of service"),
        ({"deployment_role_sid": CHANNEL_ROLE}, "not a deployment role of service"),
        ({"deployment_role_sid": "admin"}, "deployment_role_sid is 'admin', not the SID of a role"),
        ({"identity": ""}, "grants.identity is ''"),
        ({"identity": "x" * 257}, "grants.identity has 257 characters; at most 256"),
        ({"identity": "system"}, "grants.identity: Identity reserved"),
        ({"endpoint_id": "x" * 513}, "endpoint_id has 513 characters; at most 512"),
    ],
)
async def test_what_a_server_would_refuse_is_not_made(
    house: House, clock: Clock, given: dict[str, Any], said: str
) -> None:
    with pytest.raises((ApiError, TokenRefusedError)) as refusal:
        await made(house, clock, **given)

    assert said in (refusal.value.detail or "")


async def test_a_key_of_another_account_cannot_sign(house: House, clock: Clock) -> None:
    key = await a_key(house.store, house.stranger, 63, sealed_secret=house.seal.seal("secret"))

    with pytest.raises(ApiError) as refusal:
        await made(house, clock, key_sid=key.sid)

    assert refusal.value.detail == f"there is no key {key.sid} in the account of the service, {ACCOUNT}"


async def made(house: House, clock: Clock, **given: Any) -> str:
    plain = {"service_sid": SERVICE, "identity": "alice", "ttl": 3600}
    return await issued(house.store, house.seal, clock, **plain | given)
