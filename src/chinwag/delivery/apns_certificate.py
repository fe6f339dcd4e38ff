"""The certificates that Apple gives to the servers of an app."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cryptography.exceptions import UnsupportedAlgorithm
from msgspec import Struct

from chinwag.delivery.provider import CredentialError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
    from cryptography.x509 import Certificate

    from chinwag.delivery.provider import OpenedCredential
    from chinwag.ids import Millis

_TOPIC = re.compile(r"[A-Za-z0-9.\-_]{1,255}")


class ReadCertificate(Struct, frozen=True):
    """What a certificate says.

    Args:
        topic: the bundle identifier of the app.
        valid_until: in UTC.
    """

    topic: str
    valid_until: datetime


def read_certificate(credential: OpenedCredential, now: Millis) -> ReadCertificate:
    """Return what the certificate of a credential says, after a close look at it and at its key.

    Raises:
        CredentialError: it cannot be used now.
    """
    certificate = _certificate(credential)
    if _private_key(credential).public_key() != certificate.public_key():
        raise CredentialError("the private key does not belong to the certificate", 52131)
    topic = _topic(certificate)
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    moment = datetime.fromtimestamp(now / 1000, UTC)
    if moment > ends:
        raise CredentialError(f"the certificate has expired: it was valid until {ends:%Y-%m-%d}", 52131)
    if moment < begins:
        raise CredentialError(f"the certificate is not valid before {begins:%Y-%m-%d}", 52131)
    return ReadCertificate(topic, ends)


def topic_of(credential: OpenedCredential) -> str:
    """Return the app that the certificate of a credential is for: its bundle identifier.

    Raises:
        CredentialError: it names none.
    """
    return _topic(_certificate(credential))


def _certificate(credential: OpenedCredential) -> Certificate:
    from cryptography.x509 import load_pem_x509_certificate  # noqa: PLC0415  # a start does not pay for it

    if not credential.certificate or not credential.private_key:
        raise CredentialError("the credential has no certificate or no private key", 52161)
    try:
        return load_pem_x509_certificate(credential.certificate.encode())
    except ValueError:
        raise CredentialError("the certificate cannot be read: it must be in PEM", 52131) from None


def _private_key(credential: OpenedCredential) -> PrivateKeyTypes:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

    try:
        return load_pem_private_key((credential.private_key or "").encode(), password=None)
    except TypeError:
        raise CredentialError("the private key has a password: it must be given without", 52131) from None
    except (ValueError, UnsupportedAlgorithm):
        raise CredentialError("the private key cannot be read: it must be in PEM", 52131) from None


def _topic(certificate: Certificate) -> str:
    from cryptography.x509.oid import NameOID  # noqa: PLC0415

    try:
        found = [each.value for each in certificate.subject.get_attributes_for_oid(NameOID.USER_ID)]
    except ValueError:
        found = []
    if not found:
        raise CredentialError("the subject of the certificate has no UID: is it for pushes?", 52135)
    topic = found[0]
    if not isinstance(topic, str) or _TOPIC.fullmatch(topic) is None:
        raise CredentialError("the UID of the certificate is no bundle identifier", 52135)
    return topic
