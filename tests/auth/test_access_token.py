"""What a well-formed access token may say: every check of docs/access-tokens.md from the third on.

How a token must be formed and signed is in test_token_form.py, what is remembered in test_token_memory.py.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from auth.tokens import (
    ABSENT,
    ACCOUNT,
    CHANNEL_ROLE,
    CREDENTIAL,
    DEPLOYMENT_ROLE,
    KEY,
    NOW,
    SECRET,
    SERVICE,
    Clock,
    House,
    a_token,
    claims,
    grants,
    refused,
)
from chinwag.auth.access_token import AccessTokens, Session, access_token
from chinwag.auth.token_refusal import Reasons
from chinwag.domain.caller import Caller
from storage.builders import a_key, a_role, a_service, sid

if TYPE_CHECKING:
    from chinwag.auth.token_refusal import Reason

pytestmark = pytest.mark.check(17)

DAY = 86_400

TODAYS_LIBRARY = (
    "eyJhbGciOiJIUzI1NiIsImN0eSI6InR3aWxpby1mcGE7dj0xIiwidHlwIjoiSldUIn0.eyJqdGkiOiJTSzAwMDAwMDAwMDAwMDAw"
    "MDAwMDAwMDAwMDAwMDAwMDAyLTE0ODAwMDAwMDAiLCJncmFudHMiOnsiY2hhdCI6eyJzZXJ2aWNlX3NpZCI6IklTMDAwMDAwMDAw"
    "MDAwMDAwMDAwMDAwMDAwMDAwMDAwMDMiLCJlbmRwb2ludF9pZCI6IldlYkFwcDphbGljZTpicm93c2VyMSIsImRlcGxveW1lbnRf"
    "cm9sZV9zaWQiOiJSTDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDA0IiwicHVzaF9jcmVkZW50aWFsX3NpZCI6IkNSMDAw"
    "MDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDUifSwiaWRlbnRpdHkiOiJhbGljZSJ9LCJpc3MiOiJTSzAwMDAwMDAwMDAwMDAw"
    "MDAwMDAwMDAwMDAwMDAwMDAyIiwiZXhwIjoxNDgwMDAzNjAwLCJuYmYiOjE0ODAwMDAwMDAsInN1YiI6IkFDMDAwMDAwMDAwMDAw"
    "MDAwMDAwMDAwMDAwMDAwMDAwMDEifQ.AZO7WjCJcuO__Kh8Q7aPAHGhQumn09KQIY3DRKkAv-0"
)
"""What version 9.13.0 of the vendor's Python library makes of a ChatGrant with all four fields."""

EARLY_LIBRARY = (
    "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiIsImN0eSI6InR3aWxpby1mcGE7dj0xIn0.eyJqdGkiOiJTSzAwMDAwMDAwMDAwMDAw"
    "MDAwMDAwMDAwMDAwMDAwMDAyLTE0ODAwMDAwMDAiLCJncmFudHMiOnsiaXBfbWVzc2FnaW5nIjp7InNlcnZpY2Vfc2lkIjoiSVMw"
    "MDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMyIsImVuZHBvaW50X2lkIjoiV2ViQXBwOmFsaWNlOmJyb3dzZXIxIn0sImlk"
    "ZW50aXR5IjoiYWxpY2UifSwiaXNzIjoiU0swMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMiIsImV4cCI6MTQ4MDAwMzYw"
    "MCwibmJmIjoxNDgwMDAwMDAwLCJzdWIiOiJBQzAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAxIn0.CtMo0jFr3R0Hms0b"
    "8xcy5ZJGTxvJoSwIHPx7YrBoAZ0"
)
"""What version 6.63.2 makes of an IpMessagingGrant with a service and an endpoint."""


# Good ones


async def test_a_token_of_the_vendors_library_of_today_is_read(tokens: AccessTokens, house: House) -> None:
    session = await tokens.session(TODAYS_LIBRARY)

    assert session == Session(
        account_id=house.account.id,
        account_sid=ACCOUNT,
        key_sid=KEY,
        service_sid=SERVICE,
        identity="alice",
        expires=NOW + 3600,
        endpoint_id="WebApp:alice:browser1",
        deployment_role_sid=DEPLOYMENT_ROLE,
        push_credential_sid=CREDENTIAL,
    )


async def test_a_token_of_the_vendors_early_library_is_read(tokens: AccessTokens) -> None:
    session = await tokens.session(EARLY_LIBRARY)

    assert (session.service_sid, session.identity) == (SERVICE, "alice")
    assert session.endpoint_id == "WebApp:alice:browser1"
    assert (session.deployment_role_sid, session.push_credential_sid) == (None, None)


async def test_the_caller_is_the_user(tokens: AccessTokens, house: House) -> None:
    session = await tokens.session(a_token())

    assert session.caller == Caller(
        account_id=house.account.id, account_sid=ACCOUNT, key_sid=KEY, identity="alice"
    )


@pytest.mark.parametrize(
    "changed",
    [
        {"jti": "anything"},
        {"jti": ABSENT},
        {"nbf": ABSENT},
        {"nbf": None},
        {"iat": NOW},
        {"unknown": [1, {"a": None}]},
        {"iss": KEY.upper()},
        {"sub": ACCOUNT.upper()},
        {"grants": grants(name="ip_messaging")},
        {"grants": grants() | {"video": {"room": "lobby"}, "voice": 1, "data_sync": None}},
        {"grants": grants() | {"ip_messaging": None}},
        {"grants": grants(endpoint_id=None, deployment_role_sid=None, push_credential_sid=None)},
        {"grants": grants(endpoint_id="", deployment_role_sid="", push_credential_sid="")},
        {"grants": grants(endpoint_id="é" * 512)},
        {"grants": grants(unknown=1)},
    ],
    ids=repr,
)
async def test_what_need_not_be_there_and_what_is_ignored(tokens: AccessTokens, changed: dict) -> None:
    session = await tokens.session(a_token(claims(**changed)))

    assert (session.key_sid, session.account_sid, session.identity) == (KEY, ACCOUNT, "alice")


@pytest.mark.parametrize(
    "identity", ["a", "Alice", "álïçé 🐙", "a@b/c#d|e+f%2F", " ", "US123", "x" * 256, "🐙" * 256]
)
async def test_an_identity_is_any_text_of_1_to_256_characters(tokens: AccessTokens, identity: str) -> None:
    session = await tokens.session(a_token(claims(grants=grants(identity=identity))))

    assert session.identity == identity


async def test_the_longest_that_everything_may_be_still_fits(tokens: AccessTokens) -> None:
    granted = grants(
        identity="🐙" * 256,
        endpoint_id="🐙" * 512,
        deployment_role_sid=DEPLOYMENT_ROLE,
        push_credential_sid=CREDENTIAL,
    )

    session = await tokens.session(a_token(claims(grants=granted)))

    assert session.endpoint_id == "🐙" * 512


@pytest.mark.parametrize("credential", [CREDENTIAL, sid("CR", 77), "no SID"])
async def test_a_push_credential_that_is_not_there_is_no_reason_to_refuse_a_connection(
    tokens: AccessTokens, credential: str
) -> None:
    session = await tokens.session(a_token(claims(grants=grants(push_credential_sid=credential))))

    assert session.push_credential_sid == credential


# 3: issuer and subject


@pytest.mark.parametrize("wrong", [ABSENT, None, 5, True, [KEY], {}, "", "SK", KEY[:-1], KEY + "\0", ACCOUNT])
async def test_an_issuer_is_the_sid_of_a_key(tokens: AccessTokens, wrong: object) -> None:
    await refused(tokens, a_token(claims(iss=wrong)), Reasons.ISSUER, "iss is", "not the SID of an API key")


@pytest.mark.parametrize("wrong", [ABSENT, None, 5, True, [ACCOUNT], {}, "", "AC", ACCOUNT + "\n", KEY])
async def test_a_subject_is_the_sid_of_an_account(tokens: AccessTokens, wrong: object) -> None:
    await refused(tokens, a_token(claims(sub=wrong)), Reasons.ISSUER, "sub is", "not the SID of an account")


async def test_a_key_that_nobody_has_is_refused(tokens: AccessTokens) -> None:
    unknown = sid("SK", 77)

    await refused(
        tokens, a_token(claims(iss=unknown)), Reasons.ISSUER, f"iss is {unknown}", "no such API key"
    )


@pytest.mark.parametrize("other", [sid("AC", 77), sid("AC", 99)], ids=["unknown", "somebody else's"])
async def test_a_key_acts_for_its_own_account_only(tokens: AccessTokens, other: str) -> None:
    await refused(tokens, a_token(claims(sub=other)), Reasons.ISSUER, f"sub is {other}", "no key of that")


# 4: signature; more of it in test_token_form.py


async def test_the_secret_of_another_key_of_the_account_is_refused(
    tokens: AccessTokens, house: House
) -> None:
    await a_key(house.store, house.account, 20, sealed_secret=house.seal.seal("another secret"))

    await refused(tokens, a_token(secret="another secret"), Reasons.SIGNATURE, KEY)


# 5 to 8: times


@pytest.mark.parametrize(
    "wrong", [ABSENT, None, "", str(NOW + 60), NOW + 60.0, True, [NOW + 60], {}, 10**30, -(10**4000)], ids=str
)
async def test_an_expiry_is_a_whole_number(tokens: AccessTokens, wrong: object) -> None:
    await refused(tokens, a_token(claims(exp=wrong)), Reasons.NO_EXPIRY, "exp is", "not a whole number")


@pytest.mark.parametrize(
    ("exp", "ago"), [(NOW, 0), (NOW - 1, 1), (NOW - 12, 12), (NOW - DAY, DAY), (0, NOW), (-1, NOW + 1)]
)
async def test_an_expiry_has_no_leeway(tokens: AccessTokens, exp: int, ago: int) -> None:
    token = a_token(claims(exp=exp, nbf=ABSENT))

    await refused(tokens, token, Reasons.EXPIRED, f"exp was {ago} s ago")


async def test_a_token_is_good_up_to_its_last_second(tokens: AccessTokens, clock: Clock) -> None:
    token = a_token(claims(exp=NOW + 60))

    clock.seconds = NOW + 59.999
    assert (await tokens.session(token)).expires == NOW + 60

    clock.seconds = NOW + 60
    await refused(tokens, token, Reasons.EXPIRED)


@pytest.mark.parametrize("nbf", [ABSENT, NOW - 10, NOW])
async def test_a_token_lives_a_day_at_most(tokens: AccessTokens, nbf: object) -> None:
    assert await tokens.session(a_token(claims(exp=NOW + DAY, nbf=nbf)))

    too_long = a_token(claims(exp=NOW + DAY + 1, nbf=nbf))
    await refused(tokens, too_long, Reasons.LIVES_TOO_LONG, "exp is 86401 s ahead; at most 86400")


async def test_the_day_begins_when_the_token_does(tokens: AccessTokens) -> None:
    assert await tokens.session(a_token(claims(nbf=NOW + 30, exp=NOW + 30 + DAY)))

    await refused(
        tokens, a_token(claims(nbf=NOW + 30, exp=NOW + 31 + DAY)), Reasons.LIVES_TOO_LONG, "86401 s"
    )


async def test_an_expiry_in_milliseconds_is_too_far_ahead(tokens: AccessTokens) -> None:
    await refused(tokens, a_token(claims(exp=(NOW + 60) * 1000)), Reasons.LIVES_TOO_LONG)


@pytest.mark.parametrize("wrong", ["", str(NOW), NOW + 0.0, False, [NOW], {}, 10**30])
async def test_a_not_before_is_a_whole_number(tokens: AccessTokens, wrong: object) -> None:
    await refused(tokens, a_token(claims(nbf=wrong)), Reasons.NOT_YET_VALID, "nbf is", "not a whole number")


async def test_a_clock_may_be_a_minute_behind(tokens: AccessTokens) -> None:
    assert await tokens.session(a_token(claims(nbf=NOW + 60)))

    ahead = a_token(claims(nbf=NOW + 61))
    await refused(tokens, ahead, Reasons.NOT_YET_VALID, "nbf is 61 s ahead; at most 60")


async def test_the_edges_are_exact_within_a_second(tokens: AccessTokens, clock: Clock) -> None:
    clock.seconds = NOW + 0.001

    assert await tokens.session(a_token(claims(nbf=NOW + 60)))
    await refused(tokens, a_token(claims(nbf=NOW + 61)), Reasons.NOT_YET_VALID, "61 s")
    assert await tokens.session(a_token(claims(nbf=ABSENT, exp=NOW + DAY)))
    await refused(tokens, a_token(claims(nbf=ABSENT, exp=NOW + DAY + 1)), Reasons.LIVES_TOO_LONG, "86401 s")


# 9 to 12, 14 and 16: what is granted, and to whom


@pytest.mark.parametrize(
    ("granted", "reason", "said"),
    [
        (ABSENT, Reasons.NO_GRANTS, "grants is missing, not an object"),
        (None, Reasons.NO_GRANTS, "grants is missing"),
        ([], Reasons.NO_GRANTS, "grants is a list"),
        ("chat", Reasons.NO_GRANTS, "grants is 'chat'"),
        ({}, Reasons.CHAT_GRANT, "grants has no chat"),
        ({"identity": "alice", "video": {}}, Reasons.CHAT_GRANT, "grants has no chat"),
        ({"identity": "alice", "Chat": {"service_sid": SERVICE}}, Reasons.CHAT_GRANT, "grants has no chat"),
        ({"identity": "alice", "chat": []}, Reasons.CHAT_GRANT, "grants.chat is a list, not an object"),
        ({"identity": "alice", "ip_messaging": 1}, Reasons.CHAT_GRANT, "grants.ip_messaging is 1"),
        (grants() | grants(name="ip_messaging"), Reasons.TWO_CHAT_GRANTS, "both chat and ip_messaging"),
        (grants(identity=ABSENT), Reasons.IDENTITY, "grants.identity is missing"),
        (grants(identity=ABSENT, name="ip_messaging"), Reasons.IDENTITY, "grants.identity is missing"),
        ({"chat": {"service_sid": SERVICE, "identity": "alice"}}, Reasons.IDENTITY, "identity is missing"),
        (grants(identity=""), Reasons.IDENTITY, "grants.identity is ''"),
        (grants(identity=5), Reasons.IDENTITY, "grants.identity is 5"),
        (grants(identity=True), Reasons.IDENTITY, "grants.identity is True"),
        (grants(identity=["alice"]), Reasons.IDENTITY, "grants.identity is a list"),
        (grants(identity={}), Reasons.IDENTITY, "grants.identity is an object"),
        (grants(identity="a\0b"), Reasons.IDENTITY, r"'a\x00b'"),
        (grants(identity="\ud83d"), Reasons.IDENTITY, r"'\ud83d'"),
        (grants(identity="System"), Reasons.IDENTITY, "Identity reserved"),
        (grants(identity=sid("US", 1)), Reasons.IDENTITY, "should not match user SID pattern"),
        (grants(identity="x" * 257), Reasons.IDENTITY_TOO_LONG, "has 257 characters; at most 256"),
        (grants(service_sid=ABSENT), Reasons.NO_SERVICE, "grants.chat.service_sid is missing"),
        (grants(service_sid=""), Reasons.NO_SERVICE, "grants.chat.service_sid is ''"),
        (grants(service_sid=5), Reasons.NO_SERVICE, "grants.chat.service_sid is 5"),
        (grants(service_sid=[SERVICE]), Reasons.NO_SERVICE, "grants.chat.service_sid is a list"),
        (
            grants(service_sid=ABSENT, name="ip_messaging"),
            Reasons.NO_SERVICE,
            "grants.ip_messaging.service_sid",
        ),
        (grants(service_sid="default"), Reasons.UNKNOWN_SERVICE, "'default', not the SID of a service"),
        (grants(endpoint_id="x" * 513), Reasons.ENDPOINT_TOO_LONG, "has 513 characters; at most 512"),
        (grants(endpoint_id=5), Reasons.CHAT_GRANT, "endpoint_id is 5, not a text"),
        (grants(endpoint_id="a\0b"), Reasons.CHAT_GRANT, "endpoint_id"),
        (grants(push_credential_sid=5), Reasons.CHAT_GRANT, "push_credential_sid is 5, not a text"),
        (grants(push_credential_sid="\udfff"), Reasons.CHAT_GRANT, "push_credential_sid"),
    ],
)
async def test_what_is_granted_must_be_in_order(
    tokens: AccessTokens, granted: Any, reason: Reason, said: str
) -> None:
    await refused(tokens, a_token(claims(grants=granted)), reason, said)


async def test_a_long_claim_is_shown_short(tokens: AccessTokens) -> None:
    refusal = await refused(tokens, a_token(claims(iss="x" * 5000)), Reasons.ISSUER)

    assert len(refusal.detail) < 200


@pytest.mark.check(23)
async def test_deep_nesting_is_no_failure_of_the_server(tokens: AccessTokens) -> None:
    deep: list = []
    for _ in range(500):
        deep = [deep]

    await refused(tokens, a_token(claims(grants=deep)), Reasons.NO_GRANTS, "grants is a list")


# 13: the service


async def test_a_service_that_is_not_there_is_refused(tokens: AccessTokens) -> None:
    token = a_token(claims(grants=grants(service_sid=sid("IS", 77))))

    await refused(tokens, token, Reasons.UNKNOWN_SERVICE, sid("IS", 77), f"account {ACCOUNT} has no such")


async def test_a_service_of_another_account_is_refused_in_the_same_words(
    tokens: AccessTokens, house: House
) -> None:
    theirs = await a_service(house.store, house.stranger, 30)
    nobodys = sid("IS", 77)

    refusals = [
        await refused(tokens, a_token(claims(grants=grants(service_sid=given))), Reasons.UNKNOWN_SERVICE)
        for given in (theirs.sid, nobodys)
    ]

    assert refusals[0].detail.replace(theirs.sid, nobodys) == refusals[1].detail


async def test_a_deleted_service_is_refused(tokens: AccessTokens, house: House) -> None:
    service = await a_service(house.store, house.account, 31)
    await house.store.write(lambda tx: tx.services.remove(service))

    token = a_token(claims(grants=grants(service_sid=service.sid)))

    await refused(tokens, token, Reasons.UNKNOWN_SERVICE)


async def test_sids_are_read_in_either_letter_case(tokens: AccessTokens) -> None:
    granted = grants(service_sid="is" + SERVICE[2:], deployment_role_sid="rl" + DEPLOYMENT_ROLE[2:])

    session = await tokens.session(a_token(claims(grants=granted)))

    assert (session.service_sid, session.deployment_role_sid) == (SERVICE, DEPLOYMENT_ROLE)


# 15: the role


@pytest.mark.parametrize("wrong", [CHANNEL_ROLE, sid("RL", 77), "admin", 5, ["RL"], "a\0b"], ids=str)
async def test_a_role_is_a_deployment_role_of_the_service(tokens: AccessTokens, wrong: object) -> None:
    token = a_token(claims(grants=grants(deployment_role_sid=wrong)))

    await refused(tokens, token, Reasons.DEPLOYMENT_ROLE, "deployment_role_sid is")


async def test_a_role_of_another_service_is_refused(tokens: AccessTokens, house: House) -> None:
    neighbour = await a_service(house.store, house.account, 32)
    role = await a_role(house.store, neighbour, 33, type="deployment", permissions=())

    token = a_token(claims(grants=grants(deployment_role_sid=role.sid)))

    await refused(tokens, token, Reasons.DEPLOYMENT_ROLE, f"not a deployment role of service {SERVICE}")


# The order


async def test_the_first_failure_in_the_documented_order_is_told(tokens: AccessTokens) -> None:
    """Everything is wrong at first; each step mends one thing."""
    wrong = grants(
        service_sid=sid("IS", 77), identity="", endpoint_id="x" * 513, deployment_role_sid=CHANNEL_ROLE
    )
    broken: dict[str, Any] = {"iss": "", "exp": None, "nbf": NOW + 61, "grants": 5}
    secret = "wrong"
    steps: list[tuple[dict[str, Any], Reason]] = [
        ({}, Reasons.ISSUER),
        ({"iss": KEY}, Reasons.SIGNATURE),
        ({"secret": SECRET}, Reasons.NO_EXPIRY),
        ({"exp": NOW}, Reasons.EXPIRED),
        ({"exp": NOW + 2 * DAY}, Reasons.LIVES_TOO_LONG),
        ({"exp": NOW + 3600}, Reasons.NOT_YET_VALID),
        ({"nbf": NOW}, Reasons.NO_GRANTS),
        ({"grants": {"identity": ""}}, Reasons.CHAT_GRANT),
        ({"grants": wrong | {"ip_messaging": {}}}, Reasons.TWO_CHAT_GRANTS),
        ({"grants": wrong}, Reasons.IDENTITY),
        ({"grants": wrong | {"identity": "x" * 257}}, Reasons.IDENTITY_TOO_LONG),
        ({"grants": wrong | {"identity": "alice"}}, Reasons.UNKNOWN_SERVICE),
        ({"grants": grants(**wrong["chat"] | {"service_sid": SERVICE})}, Reasons.ENDPOINT_TOO_LONG),
        ({"grants": grants(deployment_role_sid=CHANNEL_ROLE)}, Reasons.DEPLOYMENT_ROLE),
    ]

    for mended, reason in steps:
        secret = mended.pop("secret", secret)
        broken |= mended
        await refused(tokens, a_token(claims(**broken), secret=secret), reason)


# Making one


async def test_a_token_that_we_make_is_a_good_one(tokens: AccessTokens) -> None:
    made = access_token(
        account_sid=ACCOUNT,
        key_sid=KEY,
        secret=SECRET,
        service_sid=SERVICE,
        identity="álïçé 🐙",
        now=NOW * 1000 + 999,
        ttl=DAY,
        endpoint_id="phone",
        deployment_role_sid=DEPLOYMENT_ROLE,
        push_credential_sid=CREDENTIAL,
    )

    session = await tokens.session(made)

    assert (session.identity, session.expires) == ("álïçé 🐙", NOW + DAY)
    assert session.endpoint_id == "phone"
    assert session.deployment_role_sid == DEPLOYMENT_ROLE
    assert session.push_credential_sid == CREDENTIAL


@pytest.mark.parametrize("ttl", [-1, 0, DAY + 1])
def test_no_token_is_made_that_would_be_refused_for_its_life(ttl: int) -> None:
    with pytest.raises(ValueError, match=f"ttl is {ttl}: it must be 1 to 86400 seconds"):
        access_token(
            account_sid=ACCOUNT,
            key_sid=KEY,
            secret=SECRET,
            service_sid=SERVICE,
            identity="alice",
            now=int(time.time() * 1000),
            ttl=ttl,
        )
