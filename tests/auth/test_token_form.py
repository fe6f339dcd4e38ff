"""How an access token must be formed and signed: checks 1, 2 and 4, and what attackers try."""

from __future__ import annotations

import hashlib
import hmac
import itertools
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from auth.tokens import (
    ACCOUNT,
    HEADER,
    KEY,
    NOW,
    SECRET,
    House,
    a_token,
    as_json,
    base64url,
    claims,
    refused,
    signed,
)
from chinwag import limits
from chinwag.auth.token_refusal import Reasons
from storage.builders import a_key, sid

if TYPE_CHECKING:
    from chinwag.auth.access_token import AccessTokens

pytestmark = pytest.mark.check(17)

GOOD_HEADER, GOOD_PAYLOAD = as_json(HEADER), as_json(claims())


# 1: the form


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "..",
        "...",
        "not a token",
        base64url(GOOD_HEADER),
        f"{base64url(GOOD_HEADER)}.{base64url(GOOD_PAYLOAD)}",
        a_token() + ".",
        "." + a_token(),
        a_token() + "." + a_token(),
        a_token() + "=",
        a_token() + "\n",
        " " + a_token(),
        "Bearer " + a_token(),
        a_token().replace(".", "=.", 1),
        a_token().replace(".", "..", 1),
        a_token()[:-1] + "é",
        a_token()[:-1] + "\ud83d",
        a_token()[:-1] + "\0",
        a_token()[:-2] + "+/",
        a_token()[:-1] + "!",
        "eyJhbGciOiJIUzI1NiJ9.eyJhIjoxfQ.c2ln.ZXh0cmE.bW9yZQ",
    ],
)
async def test_what_is_not_three_parts_of_base64url_is_refused(tokens: AccessTokens, token: str) -> None:
    await refused(tokens, token, Reasons.MALFORMED)


@pytest.mark.parametrize("part", ["header", "payload"])
@pytest.mark.parametrize(
    "text",
    [
        b"",
        b" ",
        b"null",
        b"true",
        b"5",
        b'"text"',
        b"[]",
        b'[{"alg":"HS256"}]',
        b"{",
        b"{}{}",
        b"{'alg':'HS256'}",
        b'{"alg":"HS256",}',
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":-Infinity}',
        b'{"a":' + b"9" * 5000 + b"}",
        b'{"a":"\xff"}',
        b"\xef\xbb\xbf{}",
        '{"a":1}'.encode("utf-16"),
        b"[" * 5000,
        b'{"a":' * 2000,
        b"{\x00}",
    ],
    ids=lambda text: repr(text[:20]),
)
async def test_what_is_not_an_object_of_json_is_refused(tokens: AccessTokens, part: str, text: bytes) -> None:
    token = signed(text, GOOD_PAYLOAD) if part == "header" else signed(GOOD_HEADER, text)

    await refused(tokens, token, Reasons.MALFORMED, f"the {part} is not")


@pytest.mark.parametrize(
    ("header", "payload"),
    [
        (b'{"alg":"none",' + GOOD_HEADER[1:], GOOD_PAYLOAD),
        (GOOD_HEADER[:-1] + b',"alg":"HS256"}', GOOD_PAYLOAD),
        (GOOD_HEADER[:-1] + b',"\\u0061lg":"none"}', GOOD_PAYLOAD),
        (GOOD_HEADER, b'{"iss":"%s",' % sid("SK", 77).encode() + GOOD_PAYLOAD[1:]),
        (GOOD_HEADER, GOOD_PAYLOAD[:-1] + b',"exp":%d}' % (NOW + 60)),
        (GOOD_HEADER, GOOD_PAYLOAD.replace(b'"identity"', b'"identity":"bob","identity"')),
        (GOOD_HEADER, GOOD_PAYLOAD.replace(b'"service_sid"', b'"service_sid":"","service_sid"')),
        (GOOD_HEADER, GOOD_PAYLOAD[:-1] + b',"unknown":{"deep":[{"a":1,"a":1}]}}'),
    ],
)
async def test_what_is_said_twice_is_refused(tokens: AccessTokens, header: bytes, payload: bytes) -> None:
    await refused(tokens, signed(header, payload), Reasons.MALFORMED, "twice")


@pytest.mark.parametrize("size", [limits.TOKEN_BYTES + 1, 1024 * 1024])
async def test_a_token_that_is_too_long_is_refused(tokens: AccessTokens, size: int) -> None:
    padding = claims(padding="x" * size)

    await refused(tokens, a_token(padding), Reasons.MALFORMED, f"at most {limits.TOKEN_BYTES} bytes")
    await refused(tokens, "x" * size, Reasons.MALFORMED)
    await refused(tokens, "." * size, Reasons.MALFORMED)


async def test_a_token_may_be_as_long_as_the_limit(tokens: AccessTokens) -> None:
    short = len(a_token(claims(padding="")))
    token = next(
        token
        for count in itertools.count((limits.TOKEN_BYTES - short) * 3 // 4 + 4, -1)
        if len(token := a_token(claims(padding="x" * count))) <= limits.TOKEN_BYTES
    )

    assert len(token) > limits.TOKEN_BYTES - 4
    assert await tokens.session(token)


# 2: the header


@pytest.mark.parametrize(
    "alg",
    [
        *("none", "None", "NONE", "nOnE", "none ", " none", "none\0", ""),
        *("hs256", "Hs256", "HS256 ", "HS-256", "HMAC", "HS384", "HS512"),
        *("RS256", "RS512", "PS256", "ES256", "ES256K", "EdDSA", "dir", "A256KW"),
        *(None, 0, True, [], ["HS256"], {}, {"HS256": 1}),
    ],
    ids=repr,
)
@pytest.mark.parametrize("signature", ["", "right"])
async def test_every_other_algorithm_is_refused(tokens: AccessTokens, alg: object, signature: str) -> None:
    token = a_token(header=HEADER | {"alg": alg})

    if not signature:
        token = token.rpartition(".")[0] + "."

    await refused(tokens, token, Reasons.HEADER, "alg is", "it must be HS256")


async def test_a_header_without_an_algorithm_is_refused(tokens: AccessTokens) -> None:
    header = {name: value for name, value in HEADER.items() if name != "alg"}

    await refused(tokens, a_token(header=header), Reasons.HEADER, "alg is missing")


@pytest.mark.parametrize(
    "changed",
    [
        {"typ": "jwt"},
        {"typ": "Jwt"},
        {"twr": "us1"},
        {"kid": "../../etc/passwd"},
        {"kid": 5},
        {"jku": "https://127.0.0.1:1/keys"},
        {"x5u": "https://127.0.0.1:1/certificate", "x5c": ["AAAA"], "x5t": 1},
        {"jwk": {"kty": "oct", "k": base64url(b"another secret")}},
        {"unknown": {"a": [1]}},
    ],
    ids=repr,
)
async def test_nothing_else_in_the_header_has_any_influence(tokens: AccessTokens, changed: dict) -> None:
    header = HEADER | changed

    assert await tokens.session(a_token(header=header))
    await refused(tokens, a_token(header=header, secret="another secret"), Reasons.SIGNATURE)
    await refused(tokens, a_token(header=header, secret=""), Reasons.SIGNATURE)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"typ": None}, "typ is missing"),
        ({"typ": "JWS"}, "typ is 'JWS'; it must be JWT"),
        ({"typ": "at+jwt"}, "typ is 'at+jwt'"),
        ({"typ": ["JWT"]}, "typ is a list"),
        ({"cty": None}, "cty is missing; it must be twilio-fpa;v=1"),
        ({"cty": "twilio-fpa;v=2"}, "cty is 'twilio-fpa;v=2'"),
        ({"cty": "TWILIO-FPA;V=1"}, "cty is"),
        ({"cty": {"twilio-fpa;v=1": 1}}, "cty is an object"),
        ({"crit": ["exp"]}, "crit is not supported"),
        ({"crit": []}, "crit is not supported"),
        ({"crit": None}, "crit is not supported"),
        ({"crit": 5}, "crit is not supported"),
        ({"b64": False}, "b64 is not supported"),
        ({"b64": False, "crit": ["b64"]}, "crit is not supported"),
    ],
    ids=str,
)
async def test_another_header_is_refused(tokens: AccessTokens, changed: dict[str, Any], said: str) -> None:
    await refused(tokens, a_token(header=HEADER | changed), Reasons.HEADER, said)


async def test_a_payload_that_is_not_encoded_is_refused(tokens: AccessTokens) -> None:
    header = base64url(as_json(HEADER | {"b64": False, "crit": ["b64"]}))
    text = f"{header}.{GOOD_PAYLOAD.decode()}"
    signature = base64url(hmac.digest(SECRET.encode(), text.encode(), hashlib.sha256))

    await refused(tokens, f"{text}.{signature}", Reasons.MALFORMED)


async def test_the_header_is_checked_before_anything_is_looked_up(house: House) -> None:
    tokens = house.tokens(store=object())

    await refused(tokens, a_token(header=HEADER | {"alg": "none"}), Reasons.HEADER)
    await refused(tokens, "not a token", Reasons.MALFORMED)


# 4: the signature


@pytest.mark.parametrize(
    "secret", ["", "wrong", SECRET[:-1], SECRET.upper(), SECRET + " ", KEY, ACCOUNT, "auth token"]
)
async def test_any_other_secret_is_refused(tokens: AccessTokens, secret: str) -> None:
    said = f"the signature was not made with the secret of {KEY}"

    await refused(tokens, a_token(secret=secret), Reasons.SIGNATURE, said)


@pytest.mark.parametrize(
    "signature",
    ["", "AA", base64url(bytes(32)), base64url(bytes(31)), base64url(bytes(33)), base64url(bytes(64))],
)
async def test_no_signature_and_an_empty_one_are_refused(tokens: AccessTokens, signature: str) -> None:
    text = a_token().rpartition(".")[0]

    await refused(tokens, f"{text}.{signature}", Reasons.SIGNATURE)


async def test_a_part_of_the_right_signature_is_refused(tokens: AccessTokens) -> None:
    text, _, _ = a_token().rpartition(".")
    right = hmac.digest(SECRET.encode(), text.encode(), hashlib.sha256)

    for wrong in (right[:16], right[:31], right + b"\0", right[::-1]):
        await refused(tokens, f"{text}.{base64url(wrong)}", Reasons.SIGNATURE)


@pytest.mark.parametrize("digest", [hashlib.sha1, hashlib.sha384, hashlib.sha512, hashlib.sha3_256])
async def test_another_digest_is_refused(tokens: AccessTokens, digest: Any) -> None:
    text, _, _ = a_token().rpartition(".")
    signature = base64url(hmac.digest(SECRET.encode(), text.encode(), digest))

    await refused(tokens, f"{text}.{signature}", Reasons.SIGNATURE)


async def test_the_signature_of_another_token_is_refused(tokens: AccessTokens) -> None:
    mine = a_token(claims(jti="mine"))
    theirs = a_token(claims(jti="theirs"))

    await refused(tokens, f"{mine.rpartition('.')[0]}.{theirs.rpartition('.')[2]}", Reasons.SIGNATURE)


async def test_the_same_token_in_other_characters_is_refused(tokens: AccessTokens) -> None:
    """The last character of 43 carries two bits that mean nothing."""
    token = a_token()
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    last = alphabet.index(token[-1])

    for other in range(last // 4 * 4, last // 4 * 4 + 4):
        if other != last:
            await refused(tokens, token[:-1] + alphabet[other], Reasons.MALFORMED)


async def test_a_key_of_rsa_cannot_sign(tokens: AccessTokens, house: House) -> None:
    private = rsa.generate_private_key(65537, 2048)
    for alg in ("RS256", "HS256"):
        text = f"{base64url(as_json(HEADER | {'alg': alg}))}.{base64url(GOOD_PAYLOAD)}"
        signature = base64url(private.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))

        reason = Reasons.HEADER if alg == "RS256" else Reasons.SIGNATURE
        await refused(tokens, f"{text}.{signature}", reason)


async def test_a_public_key_is_no_secret(tokens: AccessTokens) -> None:
    """Who makes a verifier take a public key for a secret can sign with what everybody knows."""
    public = rsa.generate_private_key(65537, 2048).public_key()
    pem = public.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    ).decode()

    await refused(tokens, a_token(secret=pem), Reasons.SIGNATURE)
    await refused(tokens, a_token(header=HEADER | {"alg": "RS256"}, secret=pem), Reasons.HEADER)


@pytest.mark.parametrize("secret", ["s", "short", "ssh-rsa AAAA", "sécret", "-----BEGIN PUBLIC KEY-----"])
async def test_any_secret_that_an_operator_chose_is_a_secret(house: House, secret: str) -> None:
    number = 40 + len(secret)
    key = await a_key(house.store, house.account, number, sealed_secret=house.seal.seal(secret))
    tokens = house.tokens()

    assert await tokens.session(a_token(claims(iss=key.sid), secret=secret))
    await refused(tokens, a_token(claims(iss=key.sid)), Reasons.SIGNATURE)
