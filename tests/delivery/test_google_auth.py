"""What Google wants to know before it takes a push: credentials, and access tokens."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from chinwag.delivery.fcm import Fcm
from chinwag.delivery.provider import (
    CredentialError,
    PushAnswer,
    Verdict,
)
from chinwag.domain.credential import PushType
from delivery import google_peer
from delivery.fcm_client import (
    DEVICE,
    NOW,
    Clock,
    a_closed_port,
    a_content,
    a_credential,
    an_http,
    sent,
)
from delivery.google_peer import Google, Says, a_google, private_key

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from chinwag.delivery.http_out import HttpOut


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def http() -> AsyncIterator[HttpOut]:
    found = an_http()
    yield found
    await found.close()


@pytest.fixture
async def google(clock: Clock) -> AsyncIterator[Google]:
    """The provider, and who gives access tokens."""
    async with a_google() as found:
        found.now = lambda: clock.now / 1000
        yield found


@pytest.fixture
def provider(http: HttpOut, google: Google, clock: Clock) -> Fcm:
    return Fcm(http, google.url, clock)


# Credentials


async def test_a_credential_says_what_it_is_for(provider: Fcm, google: Google) -> None:
    said = provider.check(a_credential(google), NOW)

    assert said == "project my-app, chinwag@my-app.iam.gserviceaccount.com"


@pytest.mark.parametrize(
    "secret", ["AAAAx1yz:APA91bF" + "x" * 120, "AIzaSyD-9tSrke72PouQMnMX-a7eZSW0jkFMBWY"]
)
@pytest.mark.parametrize("push_type", [PushType.FCM, PushType.GCM])
async def test_a_server_key_of_old_is_explained(
    provider: Fcm, google: Google, secret: str, push_type: PushType
) -> None:
    credential = a_credential(google, secret=secret, type=push_type)

    with pytest.raises(CredentialError) as refusal:
        provider.check(credential, NOW)
    answer = await provider.send(credential, DEVICE, a_content())

    assert refusal.value.code == 52101
    for words in ("legacy", "2024", "service account", "Secret", "ApiKey"):
        assert words in refusal.value.reason
    assert secret not in refusal.value.reason
    assert answer == PushAnswer(verdict=Verdict.STOPPED, reason=refusal.value.reason, code=52101)
    assert google.tokens_asked == 0


@pytest.mark.parametrize("secret", [None, "", " \n"])
async def test_a_credential_without_a_secret_is_told_apart(
    provider: Fcm, google: Google, secret: str | None
) -> None:
    credential = a_credential(google, secret=secret)

    with pytest.raises(CredentialError) as refusal:
        provider.check(credential, NOW)

    assert refusal.value.code == 52161
    assert (await provider.send(credential, DEVICE, a_content())).code == 52161


@pytest.mark.parametrize("name", ["project_id", "private_key", "client_email", "token_uri"])
@pytest.mark.parametrize("value", [None, "", 5])
async def test_what_a_service_account_lacks_is_named(
    provider: Fcm, google: Google, name: str, value: object
) -> None:
    credential = a_credential(google, secret=google.service_account(**{name: value}))

    with pytest.raises(CredentialError) as refusal:
        provider.check(credential, NOW)
    answer = await provider.send(credential, DEVICE, a_content())

    assert refusal.value.code == 52101
    assert name in refusal.value.reason
    assert (answer.verdict, answer.code) == (Verdict.STOPPED, 52101)


@pytest.mark.parametrize(
    "secret",
    ["{", "{}", '{"type": "service_account"', '{"project_info": {}}', "{" * 50_000, '{"x":' + "[" * 50_000],
    ids=lambda secret: secret[:30],
)
async def test_json_of_something_else_is_refused(provider: Fcm, google: Google, secret: str) -> None:
    credential = a_credential(google, secret=secret)

    with pytest.raises(CredentialError) as refusal:
        provider.check(credential, NOW)
    answer = await provider.send(credential, DEVICE, a_content())

    assert refusal.value.code == 52101
    assert (answer.verdict, answer.code) == (Verdict.STOPPED, 52101)


@pytest.mark.parametrize("kind", ["words", "cut off", "public", "elliptic", "password", "short"])
async def test_a_private_key_that_is_none_is_refused(provider: Fcm, google: Google, kind: str) -> None:
    pem = bad_key(kind)
    credential = a_credential(google, secret=google.service_account(private_key=pem))

    with pytest.raises(CredentialError) as refusal:
        provider.check(credential, NOW)
    answer = await provider.send(credential, DEVICE, a_content())

    assert refusal.value.code == 52101
    assert "private_key" in refusal.value.reason
    assert pem[30:60] not in refusal.value.reason
    assert (answer.verdict, answer.code) == (Verdict.STOPPED, 52101)


@pytest.mark.parametrize(
    "uri",
    ["http://oauth2.example.com/token", "http://10.0.0.1/token", "ftp://127.0.0.1/", "token", "http://[::1/"],
)
async def test_a_signature_is_sent_where_nobody_reads_it_on_its_way(
    provider: Fcm, google: Google, uri: str
) -> None:
    credential = a_credential(google, secret=google.service_account(token_uri=uri))

    with pytest.raises(CredentialError) as refusal:
        provider.check(credential, NOW)

    assert (refusal.value.code, "token_uri" in refusal.value.reason) == (52101, True)


async def test_nothing_secret_is_printed(google: Google) -> None:
    assert private_key()[40:80] not in repr(a_credential(google))


# Access tokens


async def test_an_account_signs_that_it_is_itself(provider: Fcm, google: Google) -> None:
    await sent(provider, google)

    assert google.assertions == [
        {
            "header": {"alg": "RS256", "typ": "JWT", "kid": google_peer.KEY_ID},
            "claims": {
                "iss": "chinwag@my-app.iam.gserviceaccount.com",
                "scope": "https://www.googleapis.com/auth/firebase.messaging",
                "aud": f"{google.url}/token",
                "iat": NOW // 1000,
                "exp": NOW // 1000 + 3600,
            },
        }
    ]


async def test_an_access_token_is_used_until_five_minutes_before_its_end(
    provider: Fcm, google: Google, clock: Clock
) -> None:
    asked = []

    for seconds in (0, 3598 - 300, 2):
        clock.advance(seconds)
        await sent(provider, google)
        asked.append(google.tokens_asked)

    assert asked == [1, 1, 2]


async def test_many_pushes_at_a_time_ask_for_one_access_token(provider: Fcm, google: Google) -> None:
    google.gives_tokens.clear()
    sending = [asyncio.create_task(sent(provider, google)) for _ in range(20)]
    await google.until(lambda: google.tokens_asked == 1)

    google.gives_tokens.set()
    answers = await asyncio.gather(*sending)

    assert {answer.verdict for answer in answers} == {Verdict.DELIVERED}
    assert google.tokens_asked == 1


async def test_many_pushes_at_a_time_learn_together_that_there_is_no_access_token(
    provider: Fcm, google: Google
) -> None:
    google.gives_tokens.clear()
    google.token_answers = [Says(503)]
    sending = [asyncio.create_task(sent(provider, google)) for _ in range(20)]
    await google.until(lambda: google.tokens_asked == 1)

    google.gives_tokens.set()
    answers = await asyncio.gather(*sending)

    assert {answer.verdict for answer in answers} == {Verdict.AGAIN}
    assert google.tokens_asked == 1


async def test_who_asks_for_an_access_token_may_be_called_off(provider: Fcm, google: Google) -> None:
    google.gives_tokens.clear()
    first, second = (asyncio.create_task(sent(provider, google)) for _ in range(2))
    await google.until(lambda: google.tokens_asked == 1)

    first.cancel()
    google.gives_tokens.set()

    assert (await second).verdict is Verdict.DELIVERED


async def test_one_credential_does_not_wait_for_the_access_token_of_another(
    provider: Fcm, google: Google
) -> None:
    await sent(provider, google, sid="CR1")
    google.gives_tokens.clear()
    waiting = asyncio.create_task(sent(provider, google, sid="CR2"))
    await google.until(lambda: google.tokens_asked == 2)

    answer = await sent(provider, google, sid="CR1")

    assert answer.verdict is Verdict.DELIVERED
    google.gives_tokens.set()
    await waiting


async def test_a_credential_that_has_changed_gets_a_new_access_token(provider: Fcm, google: Google) -> None:
    await sent(provider, google, version=1)
    await sent(provider, google, version=2)

    assert google.tokens_asked == 2


async def test_of_many_credentials_the_oldest_access_tokens_are_forgotten(
    provider: Fcm, google: Google, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chinwag.delivery.google_auth.MEMORY", 2)
    asked = []

    for sid in ("CR1", "CR2", "CR3", "CR2", "CR1"):
        await sent(provider, google, sid=sid)
        asked.append(google.tokens_asked)

    assert asked == [1, 2, 3, 3, 4]


async def test_an_access_token_that_is_taken_back_is_replaced(provider: Fcm, google: Google) -> None:
    await sent(provider, google)
    google.revoke()

    answer = await sent(provider, google)

    assert answer.verdict is Verdict.DELIVERED
    assert (google.tokens_asked, len(google.sent)) == (2, 3)


async def test_a_new_access_token_that_is_not_taken_either_stops_the_credential(
    provider: Fcm, google: Google
) -> None:
    google.answers[DEVICE] = [google_peer.UNAUTHENTICATED]

    answer = await sent(provider, google)

    assert (answer.verdict, answer.code, answer.status) == (Verdict.STOPPED, 52109, 401)
    assert (google.tokens_asked, len(google.sent)) == (2, 2)


@pytest.mark.parametrize(
    ("says", "reason"),
    [
        (Says(400, {"error": "invalid_grant", "error_description": "secret"}), "invalid_grant"),
        (Says(401, {"error": "invalid_client"}), "invalid_client"),
        (Says(400, {"error": "<b>\n"}), ""),
        (Says(400, {"error": {"code": 1}}), ""),
        (Says(401, b"no JSON"), ""),
        (Says(401, b""), ""),
    ],
)
async def test_an_account_that_gets_no_access_token_stops_its_credential(
    provider: Fcm, google: Google, says: Says, reason: str
) -> None:
    google.token_answers = [says]

    answer = await sent(provider, google)

    assert (answer.verdict, answer.code, answer.status) == (Verdict.STOPPED, 52109, says.status)
    assert reason in answer.reason
    assert not {"<", "\n"} & set(answer.reason)
    assert "secret" not in answer.reason
    assert google.sent == []


async def test_an_account_that_google_does_not_know_stops_its_credential(
    provider: Fcm, google: Google
) -> None:
    secret = google.service_account(private_key=private_key("somebody else"))

    answer = await sent(provider, google, secret=secret)

    assert (answer.verdict, answer.code) == (Verdict.STOPPED, 52109)
    assert "invalid_grant" in answer.reason


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_access_tokens_that_are_not_given_now_are_asked_for_again(
    provider: Fcm, google: Google, status: int
) -> None:
    google.token_answers = [Says(status, b"busy", {"Retry-After": "7"})]

    answer = await sent(provider, google)

    assert (answer.verdict, answer.status, answer.retry_after) == (Verdict.AGAIN, status, 7)
    assert (await sent(provider, google)).verdict is Verdict.DELIVERED


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"[]", b"{}", b"\xff", b"[" * 50_000, {"access_token": 1}, {"access_token": "a\nb"}],
    ids=repr,
)
async def test_what_is_no_access_token_is_asked_for_again(
    provider: Fcm, google: Google, body: object
) -> None:
    google.token_answers = [Says(200, body)]

    answer = await sent(provider, google)

    assert answer.verdict is Verdict.AGAIN
    assert (await sent(provider, google)).verdict is Verdict.DELIVERED


async def test_who_is_not_there_to_give_access_tokens_is_tried_again(provider: Fcm, google: Google) -> None:
    secret = google.service_account(token_uri=f"http://127.0.0.1:{await a_closed_port()}/token")

    answer = await sent(provider, google, secret=secret)

    assert (answer.verdict, answer.code, answer.unanswered) == (Verdict.AGAIN, 52110, True)


def bad_key(kind: str) -> str:
    """A private key that a service account cannot have."""
    good = private_key()
    if kind == "words":
        return "the key of my-app, which nobody must see, is in the safe of the company"
    if kind == "cut off":
        return good[:800]
    if kind == "public":
        return good.replace("PRIVATE", "PUBLIC")
    if kind == "elliptic":
        key: Any = ec.generate_private_key(ec.SECP256R1())
    else:
        key = rsa.generate_private_key(public_exponent=65537, key_size=1024 if kind == "short" else 2048)
    lock = BestAvailableEncryption(b"pass") if kind == "password" else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock).decode()
