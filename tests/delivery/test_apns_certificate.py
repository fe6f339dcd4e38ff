"""The certificates of Apple: which ones pushes can be sent with, and what is wrong with the others."""

from __future__ import annotations

import datetime as dt

import pytest
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption

from chinwag.delivery.apns import Apns
from chinwag.delivery.guard import AddressGuard
from chinwag.delivery.http2_out import Http2Out
from chinwag.delivery.provider import CredentialError, OpenedCredential
from chinwag.domain.credential import PushType
from delivery.certificates import DAY, a_ca, issue

NOW = 1_800_000_000_000
MOMENT = dt.datetime.fromtimestamp(NOW / 1000, dt.UTC)
CA = a_ca()
APP = issue(CA, uid="com.example.app")
NOBODY = issue(CA)


@pytest.mark.parametrize(("sandbox", "where"), [(True, "sandbox"), (False, "production")])
def test_a_credential_says_what_it_is_for(*, sandbox: bool, where: str) -> None:
    app = issue(CA, uid="com.example.app", begins=MOMENT - DAY, ends=MOMENT + DAY)

    assert (
        checked(app.pem, app.key_pem, sandbox=sandbox)
        == f"com.example.app, {where}, valid until {MOMENT + DAY:%Y-%m-%d}"
    )


OLD = issue(CA, uid="com.example.app", begins=MOMENT - 2 * DAY, ends=MOMENT - DAY)
NEW = issue(CA, uid="com.example.app", begins=MOMENT + DAY, ends=MOMENT + 2 * DAY)


@pytest.mark.parametrize(
    ("certificate", "private_key", "code", "words"),
    [
        (None, None, 52161, "no certificate or no private key"),
        (APP.pem, "", 52161, "no certificate or no private key"),
        ("certificate", APP.key_pem, 52131, "the certificate cannot be read"),
        (APP.pem, "key", 52131, "the private key cannot be read"),
        (APP.pem, NOBODY.key_pem, 52131, "does not belong"),
        (APP.pem, APP.key_pem_with(BestAvailableEncryption(b"secret")), 52131, "has a password"),
        (NOBODY.pem, NOBODY.key_pem, 52135, "no UID"),
        (OLD.pem, OLD.key_pem, 52131, f"has expired: it was valid until {MOMENT - DAY:%Y-%m-%d}"),
        (NEW.pem, NEW.key_pem, 52131, f"not valid before {MOMENT + DAY:%Y-%m-%d}"),
    ],
)
def test_a_credential_that_is_no_good_says_why(
    certificate: str | None, private_key: str | None, code: int, words: str
) -> None:
    with pytest.raises(CredentialError) as refusal:
        checked(certificate, private_key)

    assert refusal.value.code == code
    assert words in refusal.value.reason


def test_an_app_has_a_name_of_plain_letters() -> None:
    app = issue(CA, uid="com.example\r\nx: y")

    with pytest.raises(CredentialError) as refusal:
        checked(app.pem, app.key_pem)

    assert refusal.value.code == 52135


def checked(certificate: str | None, private_key: str | None, *, sandbox: bool = False) -> str:
    credential = OpenedCredential(
        sid="CR0123456789abcdef0123456789abcdef",
        type=PushType.APN,
        version=1,
        sandbox=sandbox,
        certificate=certificate,
        private_key=private_key,
    )
    http = Http2Out(AddressGuard((), credentials=False))
    return Apns(http, "https://127.0.0.1:1", "https://127.0.0.1:1", lambda: NOW).check(credential, NOW)
